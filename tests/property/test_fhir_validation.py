"""Structural validation against fhir.resources: resources made from the structure, and their mutations."""

from __future__ import annotations

import copy
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from adapter.fhir.explain import explain
from adapter.fhir.model import FhirVersion
from adapter.fhir.models import problems
from adapter.fhir.reading import read
from adapter.fhir.schema import validator
from adapter.fhir.structure import Field, Type, structure
from adapter.fhir.validation import validate
from adapter.fhir.xmlform import NAMESPACE

TYPES = (
    *("Patient", "Practitioner", "PractitionerRole", "Organization", "Encounter", "Immunization", "Composition"),
    *("Condition", "Observation", "Coverage", "RelatedPerson", "AllergyIntolerance", "Procedure", "DiagnosticReport"),
    *("ServiceRequest", "MedicationStatement", "EpisodeOfCare", "Location", "Bundle"),
)
RELEASES = [version.name for version in FhirVersion]

texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zs", "Zl", "Zp"]), min_size=1, max_size=8)
days = st.dates().map(lambda day: day.isoformat())
times = st.times().map(lambda time: f"{time:%H:%M:%S}")
zoned = st.builds("{}T{}{}".format, days, times, st.sampled_from(["Z", "+03:00", "-11:30", "+14:00"]))
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "boolean": st.booleans(),
    "string": texts,
    "markdown": texts,
    "xhtml": st.just('<div xmlns="http://www.w3.org/1999/xhtml"><p>текст</p></div>'),
    "uri": st.sampled_from(["urn:oid:1.2.643.100.3", "http://example.org/a", "x"]),
    "url": st.sampled_from(["http://example.org/a", "Binary/1", "mailto:a@example.org"]),
    "canonical": st.just("http://example.org/StructureDefinition/a|1"),
    "oid": st.just("urn:oid:1.2.3"),
    "uuid": st.uuids(version=4).map(lambda one: f"urn:uuid:{one}"),
    "code": st.sampled_from(["final", "ru", "a b", "text/plain"]),
    "id": st.from_regex(r"[A-Za-z0-9\-.]{1,64}", fullmatch=True),
    "base64Binary": st.sampled_from(["YQ==", "YWI=", "YWJj", "YWJj\nYWJj"]),
    "date": st.one_of(days, days.map(lambda day: day[:7]), days.map(lambda day: day[:4])),
    "dateTime": st.one_of(days, days.map(lambda day: day[:4]), zoned),
    "instant": zoned,
    "time": times,
    "decimal": st.one_of(st.integers(-99, 99), st.decimals(-99, 99, places=2)),
    "integer": st.integers(-(2**31), 2**31 - 1),
    "unsignedInt": st.integers(0, 2**31 - 1),
    "positiveInt": st.integers(1, 2**31 - 1),
    "integer64": st.integers(-(2**40), 2**40).map(str),  # R5 writes it as a string
}


class Maker:
    """Valid objects of a release, small: required elements and a few others."""

    def __init__(self, release: str, draw: st.DrawFn) -> None:
        self.types, self.draw = structure(release), draw

    def make(self, one: Type, depth: int = 0) -> dict[str, Any]:
        names = {name for name in one.fields if self._wanted(name, one, depth)}
        names |= set(one.required) | set(one.required_values)
        for choice in one.choices:
            names -= set(choice.names)
            if choice.required or (depth == 0 and self.draw(st.booleans())):
                names.add(self.draw(st.sampled_from([name for name in choice.names if self._simple(one.fields[name])])))
        found: dict[str, Any] = {"resourceType": one.name} if one.resource else {}
        for name in sorted(names):
            field = one.fields[name]
            count = self.draw(st.integers(1, 2)) if field.many else 1
            values = [self._value(field, depth) for _ in range(count)]
            found[name] = values if field.many else values[0]
        return found

    def _wanted(self, name: str, one: Type, depth: int) -> bool:
        if name.startswith("_") or not self._simple(one.fields[name]):
            return False
        if one.name == "Extension":
            return False
        return self.draw(st.integers(0, 5)) == 0 if depth < 2 else False

    def _simple(self, field: Field) -> bool:
        return field.type not in {"Resource", "Extension"}

    def _value(self, field: Field, depth: int) -> Any:
        if field.codes:
            return self.draw(st.sampled_from(field.codes))
        if field.primitive:
            return self.draw(VALUES[field.type])
        return self.make(self.types.type(field.type), depth + 1)


@st.composite
def resources(draw: st.DrawFn, release: str) -> dict[str, Any]:
    one = structure(release).resource(draw(st.sampled_from(TYPES)))
    assert one is not None
    found = Maker(release, draw).make(one)
    if draw(st.booleans()):
        found["extension" if one.name != "Bundle" else "id"] = (
            "b" if one.name == "Bundle" else [{"url": "urn:x", "valueString": draw(texts)}]
        )
    return found


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) of a value."""
    found: list[tuple[Any, Any]] = []
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in items:
        if key != "resourceType":
            found.append((value, key))
        if isinstance(inner, dict | list):
            found += places(inner)
    return found


ODD = [
    None, [], {}, "", " ", "x y", "a  b", "2023-02-29", "2024-02-29", "2024-13-01", "0000", "2024-01-01T10:00:00",
    "2024-01-01T24:00:00Z", "2016-12-31T23:59:60Z", "10:00", "true", "0.5", "7", True, 0, -1, 1.0, 2**31,
    Decimal("0.5"), Decimal("2.0"), "urn:oid:9.1", "\x0b", "\u00a0", [[]], [None], {"x": 1},
    {"extension": [{"url": "u"}]},
    {"extension": [{"valueString": "u"}]}, {"extension": [{"url": "u", "valueString": "a", "valueCode": "b"}]},
]  # fmt: skip


@st.composite
def mutants(draw: st.DrawFn, resource: dict[str, Any]) -> dict[str, Any]:
    changed = copy.deepcopy(resource)
    holder, key = draw(st.sampled_from(places(changed) or [(changed, "resourceType")]))
    if key == "resourceType":
        changed["foo"] = 1
        return changed
    how = draw(st.sampled_from(["remove", "odd", "list", "unlist", "unknown", "choice", "underscore"]))
    value = holder[key]
    if how == "remove":
        del holder[key]
    elif how == "odd":
        holder[key] = copy.deepcopy(draw(st.sampled_from(ODD)))
    elif how == "list":
        holder[key] = [value]
    elif how == "unlist" and isinstance(value, list) and value:
        holder[key] = value[0]
    elif isinstance(holder, dict) and how == "underscore":
        holder[f"_{key}"] = copy.deepcopy(draw(st.sampled_from(ODD)))
        if draw(st.booleans()):
            del holder[key]
    elif isinstance(holder, dict) and how == "choice":
        holder[draw(st.sampled_from(["valueString", "occurrenceString", "deceasedBoolean", "onsetString"]))] = "x"
    elif isinstance(holder, dict):
        holder["foo"] = 1
    return changed


@pytest.mark.parametrize("release", RELEASES)
@settings(max_examples=60)
@given(data=st.data())
def test_valid_resources_are_accepted_by_both(release: str, data: st.DataObject) -> None:
    resource = data.draw(resources(release))
    assert problems(release, resource) == []
    assert validate(resource, FhirVersion[release]) == []


@pytest.mark.parametrize("release", RELEASES)
@settings(max_examples=200)
@given(data=st.data())
def test_the_verdict_on_mutants_is_that_of_fhir_resources(release: str, data: st.DataObject) -> None:
    resource = data.draw(resources(release))
    for _ in range(data.draw(st.integers(1, 2))):
        resource = data.draw(mutants(resource))
    theirs = problems(release, resource)
    ours = validate(resource, FhirVersion[release])
    if theirs:
        assert ours, theirs
    else:
        # They coerce "0.5" and "true", read null as absent, parse a text as JSON, and do not know closed lists.
        assert {finding.code for finding in ours} <= {"FHIR12", "FHIR15"}
    one = structure(release).resource(resource["resourceType"])
    assert one is not None
    explained = list(explain(structure(release), one, resource, ""))
    assert bool(explained) is not validator(release, one.name).is_valid(resource)
    assert all(finding.place.fhirpath.startswith(resource["resourceType"]) for finding in ours)


def to_xml(resource: dict[str, Any], release: str) -> bytes:
    """The XML form, written from the rules of FHIR."""
    types = structure(release)

    def fill(element: Any, value: dict[str, Any], one: Type) -> None:
        for name, inner in value.items():
            if name == "resourceType":
                continue
            if (name == "id" and not one.resource) or (name == "url" and one.name == "Extension"):
                element.set(name, inner)
                continue
            for item in inner if isinstance(inner, list) else [inner]:
                if name == "div":
                    element.append(etree.fromstring(item))  # noqa: TID251 - our own text
                    continue
                child = etree.SubElement(element, f"{{{NAMESPACE}}}{name}")
                if isinstance(item, dict):
                    fill(child, item, types.type(one.fields[name].type))
                else:
                    child.set("value", {True: "true", False: "false"}[item] if isinstance(item, bool) else str(item))

    name = resource["resourceType"]
    root = etree.Element(f"{{{NAMESPACE}}}{name}", nsmap={None: NAMESPACE})
    one = types.resource(name)
    assert one is not None
    fill(root, resource, one)
    return etree.tostring(root, encoding="UTF-8")


@pytest.mark.parametrize("release", RELEASES)
@settings(max_examples=60)
@given(data=st.data())
def test_xml_reads_as_json_does(release: str, data: st.DataObject) -> None:
    resource = data.draw(resources(release))
    (reading,) = read(to_xml(resource, release), version=release)
    found = reading.bundle if resource["resourceType"] == "Bundle" else reading.bundle["entry"][0]["resource"]
    assert found == resource
    assert not reading.findings
