"""The register ВЗН: files of generation 2, registry numbers, exclusion, what is wrong."""

from __future__ import annotations

import re

import pytest

from adapter.stand.registers.contract import Answer
from adapter.xml import parse
from tests.unit.stand.conftest import GOLDEN, Registers

INCLUSION, EXCLUSION = "vzn-r4-inclusion", "vzn-r4-exclusion"


def xml_file(folder: str, product: str) -> str:
    (path,) = (GOLDEN / "registers" / folder).glob(f"{product}_*.xml")
    return path.read_text("utf-8")


def send(registers: Registers, data: str | bytes, path: str = "records") -> Answer:
    return registers.ask("vzn", f"POST {path}", data.encode() if isinstance(data, str) else data, token="")


def lines(answer: Answer) -> list[tuple[str, str, str]]:
    """(result, number, message) of each line of a protocol."""
    root = parse(answer.body).getroot()
    assert root.tag == "protocol"
    return [
        (one.get("result", ""), one.findtext("registryNumber", ""), one.findtext("message", ""))
        for one in root.findall("record")
    ]


def refusal(answer: Answer) -> str:
    text = parse(answer.body).getroot().findtext(".//message")
    assert answer.status >= 400
    assert text
    return text


def update(number: str) -> str:
    """The exclusion, of the person and the record of the inclusion."""
    text = re.sub(r"<registryNumber>\d+<", f"<registryNumber>{number}<", xml_file(EXCLUSION, "vzn-record"))
    return text.replace("30330330390", "11223344595").replace(">D66<", ">G35<")


def test_a_record_gets_a_number_once(registers: Registers) -> None:
    data = xml_file(INCLUSION, "vzn-record")
    first = send(registers, data)
    assert first.status == 200
    [(result, number, _)] = lines(first)
    assert result == "accepted"
    assert re.fullmatch("[0-9]{13}", number)
    again = send(registers, data)
    assert again.status == 400
    assert lines(again) == [("refused", "", f"Запись регистра уже существует (УНРЗ:{number})")]


def test_another_nosology_is_another_record(registers: Registers) -> None:
    data = xml_file(INCLUSION, "vzn-record")
    numbers = {lines(send(registers, data.replace(">G35<", f">{code}<")))[0][1] for code in ("G35", "D66", "E75.2")}
    assert len(numbers) == 3
    assert "УНРЗ" in refusal(send(registers, data.replace(">G35<", ">E75.5<")))


def test_a_record_is_changed_and_excluded(registers: Registers) -> None:
    data = xml_file(INCLUSION, "vzn-record")
    [(_, number, _)] = lines(send(registers, data))
    excluded = update(number)
    changed = excluded.replace('registryOperationId id="3"', 'registryOperationId id="2"')
    assert lines(send(registers, changed)) == [("accepted", number, "")]
    assert "УНРЗ" in refusal(send(registers, data)), "it is there still"
    assert lines(send(registers, excluded)) == [("accepted", number, "")]
    [(result, other, _)] = lines(send(registers, data))
    assert (result, other == number) == ("accepted", False)


def test_an_exclusion_has_its_day_and_reason(registers: Registers) -> None:
    [(_, number, _)] = lines(send(registers, xml_file(INCLUSION, "vzn-record")))
    for name in ("excludeDate", "excludeReasonId"):
        broken = re.sub(rf"<{name}[^/]*/(>|{name}>)", "", update(number))
        assert name not in broken
        assert "excludeDate и excludeReasonId" in refusal(send(registers, broken))


def test_patients(registers: Registers) -> None:
    patient = xml_file(INCLUSION, "vzn-patient")
    changed = xml_file(EXCLUSION, "vzn-patient").replace("30330330390", "11223344595")
    assert "Пациент не найден" in refusal(send(registers, changed, "patients"))
    assert lines(send(registers, patient, "patients")) == [("accepted", "", "")]
    assert lines(send(registers, patient, "patients")) == [("accepted", "", "")]
    assert lines(send(registers, changed, "patients")) == [("accepted", "", "")]
    other = re.sub("<key>[0-9]+<", "<key>10420735197<", changed)
    assert "key" in refusal(send(registers, other, "patients"))
    with registers.store.service("vzn") as state:
        [held] = state.all("patient")
    assert (held.key, "Сергей" in held.data["xml"]) == ("11223344595", True)


def test_a_file_of_several_records(registers: Registers) -> None:
    one = re.search("<record .*</record>", xml_file(INCLUSION, "vzn-record"), re.DOTALL)
    assert one is not None
    answer = send(registers, f"<records>{one.group()}{one.group()}</records>", "")
    assert answer.status == 400
    assert [result for result, _, _ in lines(answer)] == ["accepted", "refused"]


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ("<key>\n        <snils>11223344595", "<key>\n        <snils>11223344596", "Неверный СНИЛС"),
        ("<policNumber>1234567890123452", "<policNumber>1234567890123453", "Неверный номер полиса"),
        ("<includeDate>2024", "<includeDate>2199", "Дата в будущем"),
        ("<includeDate>2024", "<includeDate>20240", "Дата в будущем"),
        ('type="create"', 'type="update"', "record/@type"),
        ("<moId>", "<moId>x", "moId"),
        ("<imcCode>77999</imcCode>", "", "isInclRegistry"),
        ("createVzn>", "createVznRecipe>", "createVznRecipe"),
    ],
)
def test_what_is_wrong_is_refused(registers: Registers, old: str, new: str, text: str) -> None:
    data = xml_file(INCLUSION, "vzn-record")
    assert old in data
    assert text in refusal(send(registers, data.replace(old, new)))
    with registers.store.service("vzn") as state:
        assert state.all() == []


def test_a_record_of_another_person_or_number_is_not_changed(registers: Registers) -> None:
    [(_, number, _)] = lines(send(registers, xml_file(INCLUSION, "vzn-record")))
    alien = update(number).replace("11223344595", "10420735197")
    for data in (alien, update("7")):
        assert "не найдена" in refusal(send(registers, data))


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "records", b"", 405),
        ("POST", "others", b"<records/>", 404),
        ("POST", "records", b"", 400),
        ("POST", "records", b"<a/>", 400),
        ("POST", "records", b"<!DOCTYPE a><records/>", 400),
        ("POST", "records", b"<records>" + b" " * 8_000_000, 413),
    ],
)
def test_what_is_no_file(registers: Registers, method: str, path: str, body: bytes, status: int) -> None:
    answer = registers.ask("vzn", f"{method} {path}", body)
    assert answer.status == status
    assert refusal(answer)
