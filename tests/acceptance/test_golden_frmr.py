"""The messages of ФРМР and ФРМО of the examples against files that a person has read; what decides the operation.

``EGISZ_UPDATE_GOLDEN=1`` writes them anew.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from adapter.catalogue import Catalogue
from adapter.convert import Converter
from adapter.fhir import read
from adapter.mapping.formats import FORMATS
from adapter.registers.messages import SCHEMAS, Message
from tests.golden_files import compare, right
from tests.mutated import Place, changed

pytestmark = [pytest.mark.packs, pytest.mark.books]

ROOT = Path(__file__).parents[2]
BUNDLES = {
    path.stem: path
    for start in ("worker-", "organization-")
    for path in sorted((ROOT / "examples" / "registers").glob(f"{start}*.json"))
}
GOLDEN = ROOT / "tests" / "golden" / "frmr"
FRMR = (
    "frmr-person",
    "frmr-card",
    "frmr-prof",
    "frmr-postgraduate",
    "frmr-cert",
    "frmr-ext",
    "frmr-common",
    "frmr-qualification",
)
FRMO = ("frmo-org", "frmo-depart", "frmo-building", "frmo-services")


def products(name: str) -> tuple[str, ...]:
    return FRMR if name.startswith("worker-") else FRMO


def messages(
    converter: Converter, name: str, *, change: dict[str, str] | None = None, records: dict[str, str] | None = None
) -> list[Message]:
    """The messages of an example; ``change`` replaces texts in it, ``records`` are numbers that the registers gave."""
    text = BUNDLES[name].read_text("utf-8")
    for old, new in (change or {}).items():
        assert old in text
        text = text.replace(old, new)
    (reading,) = read(text.encode())
    return list(converter.convert(reading, products=products(name), records=records).messages)


def of(made: list[Message], product: str) -> list[Message]:
    return [one for one in made if one.product == product]


def body(message: Message) -> dict[str, Any]:
    assert message.data is not None
    found = json.loads(message.data)
    assert isinstance(found, dict)
    return found


def told(made: list[Message]) -> dict[str, str]:
    """The messages that are right by their names, with operations and keys, and what was found."""
    lines = []
    for one in made:
        lines.append(f"{one.name if one.ok else one.product}: {one.operation} {one.focus}")
        lines += [f"  {key} = {value}" for key, value in one.key.items() if value]
        lines += [f"  {said.severity} {said.code} {said.rule} {said.place.fhirpath}" for said in one.findings]
    return right(made) | {"messages.txt": "\n".join(lines) + "\n"}


@pytest.mark.parametrize("name", BUNDLES)
def test_messages_are_as_they_were_read(converter: Converter, name: str) -> None:
    compare(told(messages(converter, name)), GOLDEN / name)


def test_no_golden_file_is_without_its_bundle() -> None:
    assert {path.name for path in GOLDEN.iterdir()} == set(BUNDLES)


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*/*.json")), ids=lambda path: f"{path.parent.name}-{path.name}")
def test_a_golden_message_is_valid(path: Path) -> None:
    schema = Catalogue().file(f"{SCHEMAS}/{path.name.partition('_')[0]}.schema.json")
    validator = jsonschema_rs.Draft202012Validator(
        json.loads(schema.read_bytes()),
        formats=dict(FORMATS),
        validate_formats=True,
        pattern_options=jsonschema_rs.RegexOptions(),
    )
    assert [*validator.iter_errors(json.loads(path.read_bytes()))] == []


@pytest.mark.parametrize("product", [*FRMR, *FRMO])
def test_every_product_stands_in_an_example(product: str) -> None:
    assert [*GOLDEN.glob(f"*/{product}_*.json")]


def test_the_number_of_a_worker_makes_the_card_and_changes_the_person(converter: Converter) -> None:
    change = {'"resourceType": "PractitionerRole",': CONTRACT}
    before = messages(converter, "worker-r4-new", change=change)
    (person,), (card,), (diploma,) = (of(before, name) for name in ("frmr-person", "frmr-card", "frmr-prof"))
    assert (person.operation, person.ok, card.ok) == ("POST person", True, False)
    assert [one.rule for one in card.findings if one.severity == "error"] == ["frmr-card.body.oid"]
    # All that is told of a worker finds the number under the record of the person.
    assert {one.key["record"] for one in before} == {person.id}

    after = messages(converter, "worker-r4-new", change=change, records={person.id: "2026.0000009"})
    (again,), (made,), (same,) = (of(after, name) for name in ("frmr-person", "frmr-card", "frmr-prof"))
    assert (again.id, again.operation, again.key["oid"]) == (person.id, "PUT person", "2026.0000009")
    assert (made.id, made.operation, body(made)["oid"]) == (card.id, "POST person/card", "2026.0000009")
    assert (same.id, same.operation, same.key["oid"]) == (diploma.id, "POST person/prof", "2026.0000009")


CONTRACT = """"resourceType": "PractitionerRole",
        "extension": [{"url": "urn:egisz-adapter:extension:personal-card", "extension": [
          {"url": "contractNumber", "valueString": "1"}, {"url": "contractDate", "valueDate": "2019-08-01"}]}],"""


def test_a_card_is_the_same_before_its_number_is_known(converter: Converter) -> None:
    change = {"urn:egisz-adapter:system:frmr-card": "urn:example:other"}
    known = of(messages(converter, "worker-r4"), "frmr-card")
    unknown = of(messages(converter, "worker-r4", change=change), "frmr-card")
    assert [one.id for one in known] == [one.id for one in unknown]
    assert {one.operation for one in known} == {"PUT person/card", "POST person/card"}
    assert {one.operation for one in unknown} == {"POST person/card"}


def test_the_answer_of_a_new_department_is_its_oid(converter: Converter) -> None:
    before = [
        one for one in of(messages(converter, "organization-r4"), "frmo-depart") if one.operation.startswith("POST")
    ]
    (new,) = before
    assert "entityId" not in new.key
    oid = "1.2.643.5.1.13.13.12.2.77.99999.0.100020"
    (known,) = [one for one in messages(converter, "organization-r4", records={new.id: oid}) if one.id == new.id]
    assert (known.operation, known.key["entityId"], body(known)["oid"]) == ("PUT org/depart", oid, oid)


def test_an_organisation_cannot_be_made(converter: Converter) -> None:
    (message,) = messages(converter, "organization-r4-unknown")
    assert message.data is None
    (said,) = message.findings
    assert said.severity == "error"
    assert "техническ" in said.hint.ru
    assert "support" in said.hint.en


def test_workers_of_others_are_not_sent(converter: Converter) -> None:
    made = messages(converter, "worker-r5-dismissed")
    assert [one.product for one in made] == ["frmr-person", "frmr-card"]
    assert b"\xd0\xa7\xd1\x83\xd0\xb6\xd0\xbe\xd0\xb9" not in b"".join(one.data or b"" for one in made)


def test_papers_of_workers_of_others_are_not_sent(converter: Converter) -> None:
    bundle = json.loads(BUNDLES["worker-r5-dismissed"].read_bytes())
    (alien,) = [one["resource"] for one in bundle["entry"] if one["resource"]["id"] == "w-9"]
    alien["qualification"] = [{"code": {"coding": [{"system": "urn:oid:1.2.643.5.1.13.13.11.1107", "code": "31"}]}}]
    (reading,) = read(json.dumps(bundle).encode())
    assert [one.product for one in converter.convert(reading, products=FRMR).messages] == ["frmr-person", "frmr-card"]


@pytest.mark.parametrize("name", ["worker-r4", "organization-r4"])
def test_a_bundle_about_a_patient_tells_nothing_of_workers(converter: Converter, name: str) -> None:
    bundle = json.loads(BUNDLES[name].read_bytes())
    patient = {"resourceType": "Patient", "id": "p"}
    bundle["entry"].append({"fullUrl": "urn:uuid:00000000-0000-4000-8000-000000000001", "resource": patient})
    (reading,) = read(json.dumps({**bundle, "type": "collection"}).encode())
    assert converter.convert(reading, products=products(name)).messages == ()


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ("", "", ""),
        ('"female"', '"other"', "frmr-person.body.gender"),
        ('"female"', '"unknown"', "frmr-person.body.gender"),
        ('"770101234577"', '"770101234578"', "frmr-person.body.inn"),
        ('"1985-05-03"', '"1985"', "frmr-person.body.birthDate"),
        ("2022.0000001", "worker-1", "frmr-person.body.oid"),
    ],
)
def test_what_the_register_refuses_is_found_first(converter: Converter, old: str, new: str, rule: str) -> None:
    change = {old: new} if rule else {}
    (person,) = of(messages(converter, "worker-r4", change=change), "frmr-person")
    errors = {one.rule for one in person.findings if one.severity == "error"}
    assert errors == ({rule} if rule else set())
    assert person.ok is not bool(rule)


def test_a_message_is_made_only_where_it_is_asked_for(converter: Converter) -> None:
    for path in BUNDLES.values():
        (reading,) = read(path.read_bytes())
        assert converter.convert(reading).messages == ()


@pytest.mark.parametrize(
    "path",
    [
        # An expression that does not fit it stands in a let, in what is dropped, and nowhere.
        ("entry", 0, "resource", "identifier", 0, "value"),
        ("entry", 4, "resource", "qualification", 2, "code", "coding", 0, "system"),
        ("entry", 4, "resource", "identifier", 1, "system"),
    ],
)
def test_a_number_in_place_of_a_text_is_told_or_says_nothing(converter: Converter, path: Place) -> None:
    whole = json.loads(BUNDLES["worker-r4"].read_bytes())
    (reading,) = read(json.dumps(changed(whole, path, 1)).encode())
    conversion = converter.convert(reading, products=FRMR)
    absent = {one.product for one in messages(converter, "worker-r4")} - {one.product for one in conversion.messages}
    # A route that its condition does not fit is told of.
    assert not absent or "MAP04" in {one.code for one in conversion.findings}
