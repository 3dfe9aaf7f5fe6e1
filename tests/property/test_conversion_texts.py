"""Texts survive unchanged or are a finding, findings never show them; codes are traced; what no rule reads is told."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from datetime import date
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from structlog.testing import capture_logs

from adapter.catalogue import Catalogue
from adapter.convert import Conversion, Converter
from adapter.facts import II, Coding, Fact, Null, Quantity
from adapter.fhir import read
from adapter.fhir.graph import Graph
from adapter.findings import Finding, Severity
from adapter.mapping.coverage import Coverage, Meter, load_ignored
from adapter.xml import FORBIDDEN, parse
from conformance.strategies import HostileBundle, as_json, bundles, hostile_bundles, long_texts, vaccination_bundles

IGNORED = load_ignored(Catalogue())


def folded(text: str) -> str:
    """As the converter ``text`` and the layout of a document leave it."""
    return re.sub(r"[ \t\r\n]+", " ", text).strip(" ")


def texts(data: bytes) -> list[str]:
    """Texts and values of attributes of a document."""
    found = []
    for element in parse(data).getroot().iter(etree.Element):
        found += [element.text or "", element.tail or "", *(str(value) for value in element.attrib.values())]
    return [folded(one) for one in found]


def said(conversion: Conversion) -> list[Finding]:
    return [*conversion.findings, *(finding for document in conversion.documents for finding in document.findings)]


@settings(max_examples=120)
@given(hostile=hostile_bundles())
def test_hostile_text_survives_or_is_a_finding(converter: Converter, hostile: HostileBundle) -> None:
    (reading,) = read(as_json(hostile.bundle))
    made = converter.convert(reading)
    for document in made.documents:
        forbidden = any(FORBIDDEN.search(planted.text) for planted in hostile.planted)
        if document.data is None:
            assert any(finding.severity is Severity.ERROR for finding in document.findings)
            assert forbidden
            continue
        held = texts(document.data)
        for planted in hostile.planted:
            if any(planted.mark in one for one in held):
                assert any(folded(planted.text) in one for one in held), planted.element
    for planted in hostile.planted:
        able = [one for one in made.documents if one.kind in planted.kinds]
        if FORBIDDEN.search(planted.text):
            # A text that no document has a place for is read by nobody.
            assert not able or any(finding.code in {"FHIR18", "MAP04"} for finding in said(made)), planted.element
        elif able and all(one.data is not None for one in able):
            assert any(folded(planted.text) in text for one in able for text in texts(one.data or b"")), planted.element


@settings(max_examples=60)
@given(hostile=hostile_bundles())
def test_findings_traces_and_logs_show_no_text(converter: Converter, hostile: HostileBundle) -> None:
    (reading,) = read(as_json(hostile.bundle))
    with capture_logs() as logs:
        made = converter.convert(reading, traced=True)
    shown = repr((said(made), [document.trace for document in made.documents], logs))
    shown += repr([document.name for document in made.documents])
    for planted in hostile.planted:
        assert planted.mark not in shown, planted.element


@settings(max_examples=5)
@given(bundle=vaccination_bundles(complete=True, types=("collection",)), text=long_texts(mark="Ъ"))
def test_a_text_of_a_megabyte(converter: Converter, bundle: dict[str, Any], text: str) -> None:
    bundle = copy.deepcopy(bundle)
    for entry in bundle["entry"]:
        if entry["resource"]["resourceType"] == "Immunization":
            entry["resource"]["note"] = [{"text": text}]
    (reading,) = read(as_json(bundle))
    made = converter.convert(reading)
    assert made.documents
    for document in made.documents:
        assert "Ъ" not in repr(said(made))
        assert document.data is not None
        assert folded(text) in texts(document.data)


# -- codes -----------------------------------------------------------------------------------------


def coded(fact: Any, path: str = "") -> Iterator[str]:
    """Paths of all codes of facts."""
    if isinstance(fact, Coding):
        yield path
    elif isinstance(fact, Fact):
        for name, value in vars(fact).items():
            yield from coded(value, f"{path}.{name}" if path else name)
    elif isinstance(fact, list | tuple) and not isinstance(fact, II | Null | Quantity):
        for number, value in enumerate(fact):
            yield from coded(value, f"{path}[{number}]")


def stands(bundle: dict[str, Any], place: str) -> bool:
    """Whether ``Bundle.entry[0].resource.name[0]`` is there; what the sender's own file has is always."""
    if place.startswith("%org"):
        return True
    at: Any = bundle
    for step in re.findall(r"[^.\[\]]+", place)[1:]:
        try:
            at = at[int(step) if step.isdigit() else step]
        except (KeyError, IndexError):
            return False
    return True


@settings(max_examples=60)
@given(bundle=bundles(complete=True))
def test_every_code_of_a_document_is_traced_to_a_place(converter: Converter, bundle: dict[str, Any]) -> None:
    (reading,) = read(as_json(bundle))
    graph = Graph(reading.bundle, reading.version)
    parts = (graph, converter.organisation, converter.terms)
    for product in converter.mappings.plan(*parts, [], today=date(2026, 11, 24)):
        made = converter.mappings.facts(product, *parts, traced=True)
        # A fact that a "let" made has its line under the name of that: ``diagnoses.%diagnoses[0].kind``; a list of
        # codes has one line.
        lines = {
            re.sub(r"\.%\w+", "", one.path): one
            for one in made.trace or ()
            if one.shape == "coding" or (one.shape.startswith("list of") and one.expression)
        }
        for path in coded(made.facts):
            line = lines.get(path) or lines[re.sub(r"\[[0-9]+\]$", "", path)]
            assert line.rule and line.expression
            assert stands(bundle, line.place), (path, line.place)


# -- coverage ---------------------------------------------------------------------------------------


def leaves(value: Any, path: str) -> Iterator[str]:
    """Paths of all values of a Bundle, from the type of their resource."""
    if isinstance(value, dict):
        here = value.get("resourceType", path)
        for name, inner in value.items():
            yield from leaves(inner, f"{here}.{name}")
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner, path)
    else:
        yield path


def measured(converter: Converter, bundle: dict[str, Any]) -> Coverage:
    meter = Meter(Catalogue(), converter.mappings, converter.organisation, converter.terms)
    (reading,) = read(as_json(bundle))
    meter.add(reading)
    return meter.result()


@settings(max_examples=25)
@given(bundle=bundles())
def test_every_value_is_in_the_coverage_report(converter: Converter, bundle: dict[str, Any]) -> None:
    coverage = measured(converter, bundle)
    paths = list(leaves(bundle, "Bundle"))
    listed = [path for path in paths if not any(one.path.fullmatch(path) for one in IGNORED)]
    assert coverage.ignored == len(paths) - len(listed)
    assert sorted(coverage.elements) == sorted(set(listed))
    for path, elements in coverage.elements.items():
        assert elements.total == listed.count(path)


@settings(max_examples=30)
@given(bundle=bundles(complete=True), data=st.data())
def test_what_the_report_calls_unread_changes_no_document(
    converter: Converter, bundle: dict[str, Any], data: st.DataObject
) -> None:
    unread = [elements.first for _, elements in measured(converter, bundle).unread]
    if not unread:
        return
    place = data.draw(st.sampled_from(unread))
    other = copy.deepcopy(bundle)
    _remove(other, place)
    assert documents(converter, bundle) == documents(converter, other), place


def documents(converter: Converter, bundle: dict[str, Any]) -> list[bytes | None]:
    # What is left may be a resource that FHIR refuses; the mappings run all the same.
    (reading,) = read(as_json(bundle))
    return [document.data for document in converter.convert(reading).documents]


def _remove(bundle: dict[str, Any], place: str) -> None:
    """Take away what stands at ``Bundle.entry[0].resource.name[0].family``."""
    steps = [int(step) if step.isdigit() else step for step in re.findall(r"[^.\[\]]+", place)][1:]
    at: Any = bundle
    for step in steps[:-1]:
        at = at[step]
    del at[steps[-1]]
