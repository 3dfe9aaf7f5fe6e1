"""Coverage both ways, and the trace, on a tiny catalogue."""

from __future__ import annotations

import re
from typing import Any

import pytest

from adapter.fhir.model import FhirVersion, Reading
from adapter.mapping.coverage import Coverage, Meter, as_json, as_text
from adapter.mapping.trace import Tracer, as_html
from adapter.mapping.trace import as_json as trace_json
from adapter.mapping.trace import as_text as trace_text
from adapter.organisation import load_organisation
from tests.unit.mapping.conftest import Small

FIELDS = """
document: "1"
source: Patient
template: body.xml.j2
let: {boss: managingOrganization.resolve()}
fields:
  family: [name.text, name.family]
  boss: "%boss.name"
  born: {from: birthDate, when: active}
  inner: {from: contact, fields: {g: gender}}
  never: "{}"
"""
PATIENT = {
    "resourceType": "Patient",
    "id": "p",
    "name": [{"family": "СекретноеИмя", "given": ["А", "Б"]}],
    "birthDate": "1980-01-02",
    "_birthDate": {"extension": [{"url": "u", "valueString": "v"}]},
    "managingOrganization": {"reference": "Organization/o", "display": "О"},
}
ORGANIZATION = {"resourceType": "Organization", "id": "o", "name": "О", "alias": ["о"]}


def reading(*resources: dict[str, Any]) -> Reading:
    entries = [{"fullUrl": f"urn:x:{number}", "resource": one} for number, one in enumerate(resources)]
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": entries}
    return Reading(bundle, FhirVersion.R4, ())


@pytest.fixture
def prepared(small: Small) -> Small:
    small.write(
        {
            "mappings/documents/1.yaml": FIELDS,
            "mappings/documents/2.yaml": """
        document: "2"
        source: Basic
        template: body.xml.j2
        fields: {family: code.text}
        """,
        }
    )
    return small.write({"templates/body.xml.j2": "{{ facts.family }}{{ facts.boss }}"})


def measured(small: Small, *readings: Reading) -> Coverage:
    meter = Meter(small.catalogue, small.load(), load_organisation(small.catalogue), small.terms)
    for one in readings:
        meter.add(one)
    return meter.result()


def test_elements_that_nobody_read(prepared: Small) -> None:
    coverage = measured(prepared, reading(PATIENT, ORGANIZATION))
    assert [(path, one.unread, one.first) for path, one in coverage.unread] == [
        ("Organization.alias", 1, "Bundle.entry[1].resource.alias[0]"),
        ("Organization.id", 1, "Bundle.entry[1].resource.id"),
        ("Patient._birthDate.extension.url", 1, "Bundle.entry[0].resource._birthDate.extension[0].url"),
        ("Patient._birthDate.extension.valueString", 1, "Bundle.entry[0].resource._birthDate.extension[0].valueString"),
        ("Patient.birthDate", 1, "Bundle.entry[0].resource.birthDate"),
        ("Patient.id", 1, "Bundle.entry[0].resource.id"),
        ("Patient.managingOrganization.display", 1, "Bundle.entry[0].resource.managingOrganization.display"),
        ("Patient.name.given", 2, "Bundle.entry[0].resource.name[0].given[0]"),
    ]
    # Read: family, reference and the name of the organisation; ignored: two types, and the envelope.
    assert coverage.input_percent == round(100 * 3 / 12, 1)
    assert coverage.ignored == 6


def test_rules_that_gave_nothing(prepared: Small) -> None:
    coverage = measured(prepared, reading(PATIENT, ORGANIZATION))
    assert sorted(coverage.rules) == ["1.%boss", "1.born", "1.boss", "1.family", "1.inner", "1.inner.g"]
    unfilled = [(rule.rule, rule.rule in coverage.reached) for rule in coverage.unfilled]
    assert unfilled == [("1.born", True), ("1.inner", True), ("1.inner.g", False)]
    assert coverage.rules_percent == 50.0
    assert coverage.slots == {"1.family", "1.boss"}
    assert (coverage.made, coverage.unmade) == ({"1": 1}, ["2"])


def test_bundles_together(prepared: Small) -> None:
    active = {**PATIENT, "active": True, "contact": [{"gender": "male"}]}
    coverage = measured(prepared, reading(PATIENT, ORGANIZATION), reading(active))
    assert coverage.rules_percent == 100.0
    assert coverage.made == {"1": 2}
    birth = coverage.elements["Patient.birthDate"]
    assert (birth.total, birth.unread) == (2, 1)


def test_measuring_changes_neither_the_bundle_nor_the_facts(prepared: Small) -> None:
    given = reading(PATIENT, ORGANIZATION)
    before = repr(given.bundle)
    measured(prepared, given)
    assert repr(given.bundle) == before


def test_nothing_to_measure(prepared: Small) -> None:
    coverage = measured(prepared)
    assert (coverage.input_percent, coverage.rules_percent, coverage.made) == (100.0, 100.0, {})


def test_what_is_ignored_is_ignored_with_all_below(prepared: Small) -> None:
    prepared.write(
        {
            "mappings/coverage.yaml": """
        ignore:
          - {path: "**.extension", reason: {ru: х, en: x}}
          - {path: Patient.*.given, reason: {ru: х, en: x}}
          - {path: "*.id", reason: {ru: х, en: x}}
        """
        }
    )
    paths = [path for path, _ in measured(prepared, reading(PATIENT)).unread]
    assert "Patient.birthDate" in paths
    assert not [path for path in paths if "extension" in path or "given" in path or path.endswith(".id")]


@pytest.mark.parametrize("language", ["ru", "en"])
def test_reports_hold_no_values(prepared: Small, language: str) -> None:
    small = prepared
    coverage = measured(small, reading(PATIENT, ORGANIZATION))
    tracer = Tracer(small.load(), load_organisation(small.catalogue), small.terms)
    traces = list(tracer.trace(reading(PATIENT, ORGANIZATION), source="a.json"))
    forms = [as_text(coverage, language), as_json(coverage), trace_text(traces, language), trace_json(traces)]
    forms.append(as_html(traces, language))
    for form in forms:
        assert "1.family" in form or "Patient.birthDate" in form
        assert "СекретноеИмя" not in form
        assert "1980" not in form


def test_the_trace_says_where_a_rule_stands(prepared: Small) -> None:
    tracer = Tracer(prepared.load(), load_organisation(prepared.catalogue), prepared.terms)
    (trace,) = tracer.trace(reading(PATIENT, ORGANIZATION))
    assert (trace.document, trace.route, trace.focus) == ("1", "all", "Bundle.entry[0].resource")
    lines = [(line.depth, line.traced.path, line.traced.expression, line.line, line.empty) for line in trace.lines]
    assert lines == [
        (0, "family", "name.family", 6, False),
        (0, "boss", "%boss.name", 7, False),
        (1, "boss.%boss", "managingOrganization.resolve()", 4, False),
        (0, "born", "", 8, True),
        (0, "inner", "", 9, True),
        (0, "never", "", 10, True),
    ]
    assert list(tracer.trace(reading(PATIENT), products=["2"])) == []


def test_the_page_is_self_contained_and_escapes(prepared: Small) -> None:
    prepared.write({"mappings/documents/1.yaml": FIELDS.replace("[name.text", "[\"'<b>' & name.family\", name.text")})
    tracer = Tracer(prepared.load(), load_organisation(prepared.catalogue), prepared.terms)
    page = as_html(list(tracer.trace(reading(PATIENT))), "ru")
    assert "&lt;b&gt;" in page
    assert "<b>'" not in page
    assert re.search(r"style-src 'sha256-[A-Za-z0-9+/=]+'", page)
    assert "<script" not in page
    assert "http://" not in page.replace("http://www.w3.org", "")
