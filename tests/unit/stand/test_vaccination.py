"""The register of the vaccinated: УНРЗ, its duplicate error, changes, what is wrong."""

from __future__ import annotations

import re
from typing import Any

import pytest

from adapter.stand.registers.contract import Answer
from tests.unit.stand.conftest import Registers, changed, golden, message_of, told

NAME = "vaccination-register"
STAGES = "registers/vaccination-r4-stages/vaccination-record"
FIRST = "9000000000000001"


@pytest.fixture
def record() -> dict[str, Any]:
    return golden(STAGES)


def create(registers: Registers, record: Any) -> str:
    answer = registers.ask(NAME, "POST record", record)
    assert answer.status == 201, answer.body
    return str(told(answer)["reg_id"])


def test_a_record_gets_a_number(registers: Registers, record: dict[str, Any]) -> None:
    answer = registers.ask(NAME, "POST record", record)
    assert (answer.status, told(answer)["reg_id"]) == (201, FIRST)
    assert told(answer)["person_id"]
    held = told(registers.ask(NAME, f"GET record/{FIRST}"))
    assert (held["reg"], held["person"]) == (record["reg"], record["person"])


def test_the_sample_of_the_facts_is_taken(registers: Registers, examples_dir: Any) -> None:
    sample = (examples_dir / "register/covid_vac_record_sample.json").read_bytes()
    assert registers.ask(NAME, "POST record", sample).status == 201


def test_a_duplicate_tells_the_number(registers: Registers, record: dict[str, Any]) -> None:
    number = create(registers, record)
    again = registers.ask(NAME, "POST record", record)
    assert again.status == 400
    found = re.search(r"Запись регистра с такой вакциной \(УНРЗ:([0-9]+)\)", message_of(again))
    assert found is not None
    assert found.group(1) == number


def test_another_vaccine_or_person_is_another_record(registers: Registers, record: dict[str, Any]) -> None:
    numbers = [
        create(registers, record),
        create(registers, changed(record, "reg/vaccine", 99)),
        create(registers, changed(record, "person/snils", "10420735197")),
    ]
    assert len(set(numbers)) == 3
    assert all(re.fullmatch("9[0-9]{15}", number) for number in numbers)


def test_who_has_no_snils_is_told_by_the_policy(registers: Registers, record: dict[str, Any]) -> None:
    person = changed(record, "person/snils", None)
    assert person["person"]["sub_insurance"]
    create(registers, person)
    assert "УНРЗ" in message_of(registers.ask(NAME, "POST record", person))
    nobody = changed(person, "person/sub_insurance", [])
    assert "ни СНИЛС, ни полис" in message_of(registers.ask(NAME, "POST record", nobody))


def test_a_change_replaces_what_was_told(registers: Registers, record: dict[str, Any]) -> None:
    number = create(registers, record)
    other = changed({"reg": record["reg"]}, "reg/sub_stages/0/batch_series", "B2")
    assert registers.ask(NAME, f"PUT record/{number}/reg", other).status == 200
    person = changed(record["person"], "lastname", "Другая")
    assert registers.ask(NAME, f"PUT record/{number}/person", person).status == 200
    held = told(registers.ask(NAME, f"GET record/{number}"))
    assert (held["reg"], held["person"]) == (other["reg"], person)


def test_a_change_into_another_record_is_a_duplicate(registers: Registers, record: dict[str, Any]) -> None:
    number = create(registers, record)
    second = create(registers, changed(record, "reg/vaccine", 99))
    wrong = changed({"reg": record["reg"]}, "reg/vaccine", 99)
    assert f"УНРЗ:{second}" in message_of(registers.ask(NAME, f"PUT record/{number}/reg", wrong))
    assert told(registers.ask(NAME, f"GET record/{number}"))["reg"] == record["reg"]


@pytest.mark.parametrize(
    ("path", "value", "text"),
    [
        ("reg", ..., "reg: required"),
        ("person", ..., "person: required"),
        ("reg/vaccine", ..., "reg/vaccine: required"),
        ("reg/vaccine", "x", "reg/vaccine: type"),
        ("reg/vaccine", None, "reg/vaccine: required"),
        ("person/snils", "11223344596", "person/snils: format"),
        ("person/lastname", "", "person/lastname: minLength"),
        ("person/birth_date", "2199-01-01", "Дата в будущем: birth_date"),
        ("person/birth_date", "2020-13-41", "birth_date: date"),
        ("reg/sub_stages", [], "reg/sub_stages: minItems"),
        ("reg/sub_stages/0/stage_number", 7, "Этапы вакцинации"),
        ("reg/sub_stages/0/sub_exams/0/exam_date", "2199-01-01", "Дата в будущем: exam_date"),
        ("reg/sub_stages/0/sub_exams/0/admission", ..., "admission: required"),
    ],
)
def test_what_is_wrong_is_refused(
    registers: Registers, record: dict[str, Any], path: str, value: Any, text: str
) -> None:
    answer = registers.ask(NAME, "POST record", changed(record, path, value))
    assert answer.status == 400
    assert text in message_of(answer)
    assert create(registers, record) == FIRST


def test_the_second_stage_comes_with_the_first(registers: Registers, record: dict[str, Any]) -> None:
    stages = record["reg"]["sub_stages"]
    assert [stage["stage_number"] for stage in stages] == [1, 2]
    number = create(registers, changed(record, "reg/sub_stages", stages[:1]))
    alone = {"reg": changed(record["reg"], "sub_stages", stages[1:])}
    assert "Этапы" in message_of(registers.ask(NAME, f"PUT record/{number}/reg", alone))
    assert registers.ask(NAME, f"PUT record/{number}/reg", {"reg": record["reg"]}).status == 200
    twice = {"reg": changed(record["reg"], "sub_stages", [*stages, stages[1]])}
    assert "Этапы" in message_of(registers.ask(NAME, f"PUT record/{number}/reg", twice))


def test_what_may_be_null_may_be_absent_and_more_is_borne(registers: Registers, record: dict[str, Any]) -> None:
    create(registers, changed(changed(record, "reg/risk_group", ...), "reg/another", 1))


def test_a_complication_is_kept_by_its_day(registers: Registers, record: dict[str, Any]) -> None:
    body = golden("registers/vaccination-r4-stages/vaccination-record-complication")
    path = f"record/{create(registers, record)}/complication"
    assert registers.ask(NAME, f"POST {path}", body).status == 201
    assert registers.ask(NAME, f"POST {path}", body).status == 200, "the same one again"
    day = body["exam_date"]
    assert registers.ask(NAME, f"PUT {path}/{day}", changed(body, "other_symp", "другое")).status == 200
    assert registers.ask(NAME, f"PUT {path}/1999-01-01", body).status == 404
    moved = changed(changed(body, "other_symp", "другое"), "exam_date", "2024-04-01")
    assert registers.ask(NAME, f"PUT {path}/{day}", moved).status == 200
    with registers.store.service(NAME) as state:
        assert [one.data for one in state.all("complication")] == [moved]
    day = "2024-04-01"
    assert registers.ask(NAME, f"DELETE {path}/{day}").status == 200
    assert registers.ask(NAME, f"DELETE {path}/{day}").status == 404
    assert "exam_date" in message_of(registers.ask(NAME, f"POST {path}", changed(body, "exam_date", "2199-01-01")))


def test_a_pregnancy_is_of_a_woman(registers: Registers, record: dict[str, Any]) -> None:
    body = golden("registers/vaccination-r5-known/vaccination-record-pregnancy")
    woman = create(registers, changed(record, "person/gender", 2))
    assert registers.ask(NAME, f"POST record/{woman}/pregnancy", body).status == 201
    man = create(registers, changed(changed(record, "person/gender", 1), "person/snils", "10420735197"))
    assert "только для женщин" in message_of(registers.ask(NAME, f"POST record/{man}/pregnancy", body))
    pregnant = changed(record, "reg/sub_stages/0/sub_exams/0/pregnancy", True)
    refused = registers.ask(NAME, "POST record", changed(changed(pregnant, "person/gender", 1), "reg/vaccine", 5))
    assert "только для женщин" in message_of(refused)


def test_the_diary_is_kept_as_it_is(registers: Registers, record: dict[str, Any]) -> None:
    number = create(registers, record)
    assert registers.ask(NAME, f"POST record/{number}/dairy", {"anything": 1}).status == 201


@pytest.mark.parametrize(
    "call",
    [
        "GET record/1",
        "PUT record/1/reg",
        "PUT record/1/person",
        "POST record/1/complication",
        "POST record/1/pregnancy",
        "POST record/1/dairy",
    ],
)
def test_nothing_is_told_of_a_record_that_is_not_there(registers: Registers, call: str) -> None:
    assert message_of(registers.ask(NAME, call, {})) == "Запись не найдена"


@pytest.mark.parametrize(
    ("call", "body", "status"),
    [
        ("GET record", None, 405),
        ("POST other", {}, 404),
        ("POST record", b"{", 400),
        ("POST record", b"[]", 400),
        ("POST record", b'{"a":' * 1000 + b"1" + b"}" * 1000, 400),
    ],
)
def test_what_is_no_call_of_the_register(registers: Registers, call: str, body: Any, status: int) -> None:
    answer: Answer = registers.ask(NAME, call, body)
    assert answer.status == status
    assert message_of(answer)


def test_who_has_no_token_is_not_let_in(registers: Registers, record: dict[str, Any]) -> None:
    assert registers.ask(NAME, "POST record", record, token="").status == 401
