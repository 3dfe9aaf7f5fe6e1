"""Any Bundle becomes documents that the official checks pass, or findings; the same ones each time, in any order."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapter.convert import Conversion, Converter, Document
from adapter.errors import InputError
from adapter.fhir import Reading, read
from adapter.findings import Finding, Severity
from adapter.xml import parse
from conformance.report import StageName, Status
from conformance.strategies import (
    KINDS,
    Broken,
    as_json,
    broken_bundles,
    bundles,
    hostile_bundles,
)
from tests.mutated import reordered

COMPLETE = {kind: bundles(kinds=(kind,), complete=True) for kind in KINDS}


def conversion(converter: Converter, bundle: dict[str, Any]) -> Conversion:
    (reading,) = read(as_json(bundle))
    return converter.convert(reading)


def errors(findings: tuple[Finding, ...]) -> list[Finding]:
    return [finding for finding in findings if finding.severity is Severity.ERROR]


def check(document: Document) -> None:
    """What holds for every document, whatever it was made of: what only a check finds fault with is a fault of ours."""
    checked = document.report.findings if document.report is not None else ()
    said = [finding for finding in errors(document.findings) if finding not in checked]
    if document.data is None:
        assert said
        return
    parse(document.data)
    assert document.ok == (not errors(document.findings))
    assert (document.report is None) == bool(said)
    if document.report is not None:
        for stage in document.report.stages:
            # 227 is written section by section as it was sent: our structure of it tells which are missing.
            assert stage.status is not Status.FAILED or (document.kind == "227" and stage.name is StageName.RULES)
        assert {stage.status for stage in document.report.stages if stage.name is StageName.XML} == {Status.PASSED}


@settings(max_examples=150)
@given(bundle=bundles())
def test_any_valid_bundle(converter: Converter, bundle: dict[str, Any]) -> None:
    for document in conversion(converter, bundle).documents:
        check(document)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=25)
@given(data=st.data())
def test_a_complete_bundle_yields_a_document_of_its_kind(
    converter: Converter, books_at_hand: bool, kind: str, data: st.DataObject
) -> None:
    bundle = data.draw(COMPLETE[kind])
    documents = conversion(converter, bundle).documents
    made = [document for document in documents if document.kind == kind]
    assert made
    for document in documents:
        check(document)
    # Without the books some codes have no name: such a document is told of by its findings alone.
    for document in made if books_at_hand else ():
        assert document.ok, [(one.code, one.rule, one.place.fhirpath) for one in errors(document.findings)]


@settings(max_examples=60)
@given(bundle=hostile_bundles().map(lambda one: one.bundle))
def test_any_hostile_bundle(converter: Converter, bundle: dict[str, Any]) -> None:
    for document in conversion(converter, bundle).documents:
        check(document)


@settings(max_examples=30)
@given(bundle=st.one_of(bundles(), hostile_bundles().map(lambda one: one.bundle)))
def test_the_same_bytes_from_another_converter(
    converter: Converter, build: Callable[[], Converter], bundle: dict[str, Any]
) -> None:
    other = OTHER.setdefault("converter", build())
    first, second = (conversion(each, bundle) for each in (converter, other))
    assert first.findings == second.findings
    for one, two in zip(first.documents, second.documents, strict=True):
        assert (one.name, one.data, one.findings) == (two.name, two.data, two.findings)


OTHER: dict[str, Converter] = {}


@settings(max_examples=100)
@given(bundle=bundles(types=("transaction", "batch", "collection")), order=st.randoms(use_true_random=False))
def test_any_order_of_entries(converter: Converter, bundle: dict[str, Any], order: random.Random) -> None:
    first, second = (conversion(converter, one) for one in (bundle, reordered(bundle, order)))

    def made(one: Conversion) -> list[tuple[str, bytes | None]]:
        return [(document.name, document.data) for document in one.documents]

    assert made(first) == made(second)


@settings(max_examples=120)
@given(broken=broken_bundles())
def test_broken_input_is_never_all_right(converter: Converter, broken: Broken) -> None:
    try:
        readings = read(broken.data)
    except InputError as error:
        assert error.finding.severity is Severity.ERROR
        return
    assert not all(_convert(converter, reading).ok for reading in readings), broken.how


def _convert(converter: Converter, reading: Reading) -> Conversion:
    made = converter.convert(reading)
    for finding in errors(reading.findings):
        assert finding.place.fhirpath or finding.place.line, finding.code
    for document in made.documents:
        if document.data is not None:
            parse(document.data)
    return made
