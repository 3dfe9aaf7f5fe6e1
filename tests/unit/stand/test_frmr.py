"""ФРМР of the stand: a worker gets a number, sections get entityIds; parameters; what is there already."""

from __future__ import annotations

import re
from typing import Any

import pytest

from adapter.stand.registers.contract import Answer
from tests.unit.stand.conftest import MO, Registers, changed, golden, message_of, told

WORKER = "frmr/worker-r4"
SNILS = "21531846241"
NUMBER = "2026.0000001"
PERSON = {"mo": MO, "mr": "true", "snils": SNILS}
SECTION = {"mo": MO, "snils": SNILS}
CARD = {"mo": MO, "snils": SNILS, "lastName": "Новая"}


@pytest.fixture
def person() -> dict[str, Any]:
    return golden("frmr/worker-r4-new/frmr-person")


def ask(registers: Registers, call: str, query: dict[str, str], body: Any = None) -> Answer:
    return registers.ask("frmr", call, body, **query)


def make(registers: Registers, person: Any) -> str:
    answer = ask(registers, "POST person", PERSON, person)
    assert answer.status == 200, answer.body
    return str(told(answer)["content"]["entityId"])


def test_a_worker_is_made_and_found_by_snils(registers: Registers, person: dict[str, Any]) -> None:
    assert person["snils"] == SNILS
    assert message_of(ask(registers, "GET person", PERSON)) == "Person not found"
    assert re.fullmatch("[0-9a-f-]{36}", make(registers, person))
    answer = told(ask(registers, "GET person", PERSON))
    assert answer["requestId"]
    assert answer["content"] == {**person, "oid": NUMBER}
    for who in ({"oid": NUMBER}, {"oid": NUMBER, "snils": SNILS}):
        assert told(ask(registers, "GET person", {"mo": MO, "mr": "true", **who}))["content"]["snils"] == SNILS
    for who in ({"oid": "2026.0000002", "snils": SNILS}, {"oid": NUMBER, "snils": "10420735197"}):
        assert ask(registers, "GET person", {"mo": MO, "mr": "true", **who}).status == 404


def test_a_worker_who_is_there_already(registers: Registers, person: dict[str, Any]) -> None:
    entity = make(registers, person)
    again = ask(registers, "POST person", PERSON, person)
    assert again.status == 400
    assert "уже была создана" in message_of(again)
    assert told(again)["local_id"] == [entity]


def test_a_worker_without_a_snils_is_told_by_a_document(registers: Registers, person: dict[str, Any]) -> None:
    paper = {
        "documentId": 1,
        "serial": "0000",
        "number": "000009",
        "passDate": "2016-01-22T00:00:00Z",
        "passOrg": "ОВД",
    }
    alien = changed(changed(person, "snils", None), "documents", [paper])
    who = {"mo": MO, "mr": "true", "documentId": "1", "serial": "0000", "number": "000009"}
    assert ask(registers, "POST person", who, alien).status == 200
    assert told(ask(registers, "GET person", who))["content"]["oid"] == NUMBER
    assert "уже была создана" in message_of(ask(registers, "POST person", who, alien))
    assert ask(registers, "GET person", {**who, "number": "1"}).status == 404
    nobody = changed(alien, "documents", [])
    assert "СНИЛС или документ" in message_of(ask(registers, "POST person", {"mo": MO, "mr": "true"}, nobody))


def test_a_worker_is_changed_and_removed(registers: Registers, person: dict[str, Any]) -> None:
    assert ask(registers, "PUT person", PERSON, person).status == 404
    make(registers, person)
    other = changed(changed(person, "lastName", "Другая"), "oid", NUMBER)
    assert ask(registers, "PUT person", PERSON, other).status == 200
    assert told(ask(registers, "GET person", PERSON))["content"]["lastName"] == "Другая"
    assert "разных работниках" in message_of(
        ask(registers, "PUT person", PERSON, changed(other, "oid", "2026.0000009"))
    )
    wrong = changed(person, "snils", "10420735197")
    assert "разных работниках" in message_of(ask(registers, "PUT person", PERSON, wrong))
    assert ask(registers, "DELETE person", PERSON).status == 200
    assert ask(registers, "DELETE person", PERSON).status == 404


def test_a_worker_may_not_become_another(registers: Registers, person: dict[str, Any]) -> None:
    make(registers, person)
    second = changed(person, "snils", "10420735197")
    assert ask(registers, "POST person", {**PERSON, "snils": "10420735197"}, second).status == 200
    who = {"mo": MO, "mr": "true", "oid": NUMBER}
    assert "уже была создана" in message_of(ask(registers, "PUT person", who, second))
    third = changed(person, "snils", "11223344595")
    assert ask(registers, "PUT person", who, third).status == 200
    assert ask(registers, "GET person", PERSON).status == 404, "the СНИЛС is no longer his"
    assert told(ask(registers, "GET person", {**PERSON, "snils": "11223344595"}))["content"]["oid"] == NUMBER


@pytest.mark.parametrize(
    ("call", "query", "name"),
    [
        ("GET person", {**PERSON, "mr": ""}, "mr"),
        ("GET person", {**PERSON, "mr": "1"}, "mr"),
        ("GET person", {**PERSON, "mo": ""}, "mo"),
        ("POST person", {**PERSON, "mo": ""}, "mo"),
        ("GET person", {**PERSON, "snils": ""}, "oid, snils, documentId"),
        ("GET person", {**PERSON, "snils": "21531846242"}, "snils"),
        ("PUT person", {**PERSON, "snils": "", "documentId": "1"}, "oid, snils, documentId"),
        ("GET person/list", {}, "mo"),
        ("POST person/card", SECTION, "lastName"),
        ("POST person/prof", SECTION, "mr"),
        ("POST person/ext", {"snils": SNILS}, "mo"),
        ("GET person/full", {**PERSON, "mo": ""}, "mo"),
        ("GET person/accreditation", SECTION, "mr"),
    ],
)
def test_parameters_are_as_the_table_says(
    registers: Registers, person: dict[str, Any], call: str, query: dict[str, str], name: str
) -> None:
    make(registers, person)
    answer = ask(registers, call, query, {})
    assert answer.status == 400
    assert message_of(answer) == f"Не задан или неверен параметр: {name}"


@pytest.mark.parametrize(
    ("path", "value", "text"),
    [
        ("lastName", ..., "lastName: required"),
        ("snils", "21531846242", "snils: format"),
        ("inn", "500100732258", "inn: format"),
        ("gender", 3, "gender: enum"),
        ("birthDate", "1990-01-01", "birthDate: pattern"),
        ("citizenShipId", {"name": "РФ"}, "citizenShipId/code: required"),
    ],
)
def test_what_is_wrong_of_a_person_is_refused(
    registers: Registers, person: dict[str, Any], path: str, value: Any, text: str
) -> None:
    assert text in message_of(ask(registers, "POST person", PERSON, changed(person, path, value)))
    assert ask(registers, "GET person", PERSON).status == 404


def test_a_card_is_of_a_worker_and_his_department(registers: Registers, person: dict[str, Any]) -> None:
    card = changed(golden("frmr/worker-r5-dismissed/frmr-card"), "oid", NUMBER)
    assert ask(registers, "POST person/card", CARD, card).status == 404
    make(registers, person)
    answer = ask(registers, "POST person/card", CARD, card)
    assert answer.status == 200, answer.body
    entity = told(answer)["content"]["entityId"]
    assert [one["id"] for one in told(ask(registers, "GET person/card", CARD))["content"]] == [entity]
    assert told(ask(registers, "POST person/card", CARD, card))["local_id"] == [entity]
    second = changed(card, "serviceNumber", "77")
    assert ask(registers, "POST person/card", CARD, second).status == 200
    assert "разных работниках" in message_of(ask(registers, "POST person/card", CARD, changed(card, "oid", "2020.1")))
    alien = changed(card, "organization", "1.2.643.5.1.13.13.12.2.77.9")
    assert "не этой организации" in message_of(ask(registers, "POST person/card", CARD, alien))


@pytest.mark.parametrize("name", ["prof", "postgraduate", "cert", "ext", "common", "qualification"])
def test_a_section_is_made_changed_listed_removed(registers: Registers, person: dict[str, Any], name: str) -> None:
    body = golden(f"{WORKER}/frmr-{name}")
    query = {**SECTION, "mr": "true"} if name == "prof" else SECTION
    path = f"person/{name}"
    assert message_of(ask(registers, f"POST {path}", query, body)) == "Person not found"
    make(registers, person)
    entity = told(ask(registers, f"POST {path}", query, body))["content"]["entityId"]
    again = ask(registers, f"POST {path}", query, body)
    assert (again.status, told(again)["local_id"]) == (400, [entity])
    assert ask(registers, f"PUT {path}", {**query, "entityId": entity}, body).status == 200
    assert ask(registers, f"PUT {path}", {**query, "entityId": "other"}, body).status == 404
    assert ask(registers, f"PUT {path}", query, body).status == 404
    assert "required" in message_of(ask(registers, f"PUT {path}", {**query, "entityId": entity}, {}))
    listed = told(ask(registers, f"GET {path}", query))
    held = listed["content"] if name == "common" else listed["content"][0]
    assert entity in held.values()
    if name == "ext":
        assert (listed["offset"], listed["limit"], listed["total"]) == (0, 100, 1)
        assert told(ask(registers, f"GET {path}", {**query, "offset": "1"}))["content"] == []
    full = told(ask(registers, "GET person/full", PERSON))["content"]
    assert entity in str(full)
    assert ask(registers, f"DELETE {path}", {**query, "entityId": entity}).status == 200
    assert ask(registers, f"DELETE {path}", {**query, "entityId": entity}).status == 404


def test_a_section_is_of_one_worker(registers: Registers, person: dict[str, Any]) -> None:
    make(registers, person)
    ask(registers, "POST person", {**PERSON, "snils": "10420735197"}, changed(person, "snils", "10420735197"))
    body = golden(f"{WORKER}/frmr-cert")
    entity = told(ask(registers, "POST person/cert", SECTION, body))["content"]["entityId"]
    other = {**SECTION, "snils": "10420735197"}
    assert ask(registers, "PUT person/cert", {**other, "entityId": entity}, body).status == 404
    assert told(ask(registers, "GET person/cert", other))["content"] == []
    assert ask(registers, "POST person/cert", other, body).status == 200


def test_lists_come_in_pages(registers: Registers, person: dict[str, Any]) -> None:
    make(registers, person)
    listed = told(ask(registers, "GET person/list", {"mo": MO, "limit": "1000", "offset": "x"}))
    assert (listed["offset"], listed["limit"], listed["total"]) == (0, 100, 1)
    ask(registers, "POST person", PERSON | {"snils": "11223344595"}, changed(person, "snils", "11223344595"))
    page = told(ask(registers, "GET person/list", {"mo": MO, "limit": "1"}))
    assert (page["total"], [one["oid"] for one in page["content"]]) == (2, [NUMBER])


def test_accreditation_is_read_only(registers: Registers, person: dict[str, Any]) -> None:
    make(registers, person)
    assert told(ask(registers, "GET person/accreditation", PERSON))["content"] == {"accreditationProcedures": []}
    assert ask(registers, "POST person/accreditation", PERSON, {}).status == 405
    assert ask(registers, "GET person/nomination", PERSON).status == 404
