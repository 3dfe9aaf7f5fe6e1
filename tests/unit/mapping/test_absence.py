"""``absent: {given: …}``: why a value is absent, as the sender says it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from adapter.errors import MappingError
from adapter.facts import Null

REASON = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
FLAVOR = "http://hl7.org/fhir/StructureDefinition/iso21090-nullFlavor"
REASONS = (Path(__file__).parents[3] / "mappings/concepts/data-absent-reason.yaml").read_text("utf-8")


def because(code: str, url: str = REASON) -> dict[str, Any]:
    return {"extension": [{"url": url, "valueCode": code}]}


@pytest.fixture
def made(small: Any, facts: Callable[..., Any]) -> Callable[..., Any]:
    small.write({"mappings/concepts/absence.yaml": REASONS})
    return facts


@pytest.mark.parametrize(
    ("code", "url", "flavor"),
    [
        ("not-applicable", REASON, "NA"),
        ("NASK", FLAVOR, "NASK"),
        ("unknown", REASON, "NAV"),
        ("masked", REASON, "NI"),
        ("as the weather", REASON, "NI"),
    ],
)
def test_of_a_primitive(made: Callable[..., Any], code: str, url: str, flavor: str) -> None:
    field = "born: {from: birthDate, as: hl7-date, absent: {given: {NA: NA, NASK: NASK, UNK: NAV}, else: NI}}"
    result = made(field, {"resourceType": "Patient", "_birthDate": because(code, url)})
    assert result.facts.born == Null(flavor)
    assert not result.findings


def test_a_value_goes_before_a_reason(made: Callable[..., Any]) -> None:
    focus = {"resourceType": "Patient", "birthDate": "2000-01-02", "_birthDate": because("unknown")}
    assert made("born: {from: birthDate, absent: {given: [UNK]}}", focus).facts.born == "2000-01-02"


def test_a_reason_stands_in_place_of_findings(made: Callable[..., Any]) -> None:
    field = "born: {from: birthDate, as: hl7-date, required: true, absent: {given: [UNK]}}"
    without = made(field, {"resourceType": "Patient"})
    assert [one.code for one in without.findings] == ["MAP01"]
    assert without.facts.born is None
    given = made(field, {"resourceType": "Patient", "_birthDate": because("unknown")})
    assert given.facts.born == Null("UNK")
    assert not given.findings
    refused = made(field, {"resourceType": "Patient", "_birthDate": because("not-applicable")})
    assert [one.code for one in refused.findings] == ["MAP01"]


def test_of_a_concept_without_a_code(made: Callable[..., Any]) -> None:
    made_field = "kind: {from: code, as: coding, absent: {given: [OTH]}}"
    focus = {"resourceType": "Condition", "code": {"text": "слова", **because("OTH", FLAVOR)}}
    result = made(made_field, focus)
    assert result.facts.kind == Null("OTH")
    assert not result.findings


@pytest.mark.parametrize("source", ["value", "valueQuantity", "value.ofType(Quantity)"])
def test_of_an_observation(made: Callable[..., Any], source: str) -> None:
    coding = {"system": "http://terminology.hl7.org/CodeSystem/data-absent-reason", "code": "not-applicable"}
    focus = {"resourceType": "Observation", "dataAbsentReason": {"coding": [coding]}}
    assert made(f"value: {{from: {source}, absent: {{given: [NA]}}}}", focus).facts.value == Null("NA")


def test_of_a_component(made: Callable[..., Any]) -> None:
    coding = {"system": "http://terminology.hl7.org/CodeSystem/v3-NullFlavor", "code": "NASK"}
    focus = {"resourceType": "Observation", "component": [{"dataAbsentReason": {"coding": [coding]}}]}
    field = 'value: {from: "component[0].valueString", absent: {given: [NASK]}}'
    assert made(field, focus).facts.value == Null("NASK")


def test_of_an_identifier(made: Callable[..., Any]) -> None:
    field = "snils: {identifier: snils, as: snils, required: true, absent: {given: [NA, NASK]}}"
    identifier = {"system": "https://example.org/systems/snils", "_value": because("not-asked")}
    result = made(field, {"resourceType": "Patient", "identifier": [identifier]})
    assert result.facts.snils == Null("NASK")
    assert not result.findings


def test_where_the_mapping_says(made: Callable[..., Any]) -> None:
    field = "name: {from: name.text, absent: {given: [UNK], from: name.family.extension('data-absent-reason').value}}"
    focus = {"resourceType": "Patient", "name": [{"_family": because("unknown")}]}
    assert made(field, focus).facts.name == Null("UNK")


@pytest.mark.parametrize(
    "absent", ["{given: []}", "{given: [XX]}", "{given: {UNK: XX}}", "{else: NI}", "{given: [NI], else: XX}", "XX"]
)
def test_what_is_refused(small: Any, absent: str) -> None:
    small.write({"mappings/concepts/absence.yaml": REASONS})
    text = f"map: m\nsource: Patient\nfields:\n  born: {{from: birthDate, absent: {absent}}}\n"
    with pytest.raises(MappingError) as caught:
        small.map(dedent(text)).load()
    assert caught.value.line == 4


def test_the_concept_map_must_be_there(small: Any) -> None:
    with pytest.raises(MappingError, match="data-absent-reason"):
        small.map("map: m\nsource: Patient\nfields:\n  born: {from: birthDate, absent: {given: [NA]}}\n").load()
