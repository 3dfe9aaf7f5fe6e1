"""What the strategies promise to their users: valid is valid, broken is broken, every spelling is recognised."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapter.catalogue import Catalogue
from adapter.errors import InputError
from adapter.fhir import Graph, read
from adapter.fhir.models import problems
from adapter.findings import Severity
from adapter.mapping.converters import snils as convert_snils
from adapter.mapping.identifiers import load_identifiers
from adapter.xml import FORBIDDEN
from conformance.strategies import (
    Broken,
    Dialect,
    as_json,
    broken_bundles,
    bundles,
    encounter_bundles,
    hostile_bundles,
    hostile_texts,
    identifiers,
    long_texts,
    patients,
    snils,
    vaccination_bundles,
)
from conformance.strategies.bundles import RELEASES, TYPES
from conformance.strategies.identifiers import kinds, of_dialect, spellings

KNOWN = load_identifiers(Catalogue())


@settings(max_examples=40)
@pytest.mark.parametrize("version", RELEASES)
@given(data=st.data())
def test_bundles_are_valid_and_of_the_release_asked_for(version: str, data: st.DataObject) -> None:
    bundle = data.draw(bundles(version=version))
    (reading,) = read(as_json(bundle))
    assert reading.version.name == version
    assert reading.findings == ()
    assert Graph(reading.bundle, reading.version).findings == ()
    # The verdict of fhir.resources itself, resource by resource.
    release = "R5" if version == "R5" else "R4B"
    for entry in bundle["entry"]:
        assert list(problems(release, entry["resource"])) == []


@settings(max_examples=40)
@given(hostile_bundles())
def test_hostile_bundles_are_valid_but_for_what_xml_cannot_carry(one: object) -> None:
    bundle, planted = one  # type: ignore[misc] # a named tuple
    assert planted
    (reading,) = read(as_json(bundle))
    assert {finding.code for finding in reading.findings} <= {"FHIR18"}
    text = as_json(bundle).decode()
    assert all(text.count(item.mark) == 1 for item in planted)


@settings(max_examples=60)
@given(broken_bundles())
def test_broken_bundles_are_refused_or_have_an_error(one: Broken) -> None:
    try:
        readings = read(one.data)
    except InputError:
        return
    assert any(finding.severity is Severity.ERROR for reading in readings for finding in reading.findings), one.how


@settings(max_examples=30)
@given(st.sampled_from(TYPES), st.data())
def test_types_of_bundles(kind: str, data: st.DataObject) -> None:
    bundle = data.draw(bundles(types=(kind,)))
    assert bundle["type"] == kind
    first = bundle["entry"][0]["resource"]["resourceType"]
    assert (first == "Composition") == (kind == "document") or kind not in {"document", "message"}
    assert (first == "MessageHeader") == (kind == "message")
    assert all(("request" in entry) == (kind in {"transaction", "batch"}) for entry in bundle["entry"])


@settings(max_examples=20)
@given(vaccination_bundles(), encounter_bundles())
def test_stories(vaccinated: dict, visited: dict) -> None:
    assert "Immunization" in {entry["resource"]["resourceType"] for entry in vaccinated["entry"]}
    assert "Encounter" in {entry["resource"]["resourceType"] for entry in visited["entry"]}


@pytest.mark.parametrize("kind", kinds())
@settings(max_examples=30)
@given(data=st.data())
def test_every_spelling_is_recognised(kind: str, data: st.DataObject) -> None:
    assert KNOWN.kind(data.draw(identifiers(kind))) == kind
    dialect = data.draw(st.sampled_from(Dialect))
    assert KNOWN.kind(data.draw(identifiers(kind, dialect=dialect, typed=False))) == kind


def test_dialects_are_those_of_the_catalogue() -> None:
    assert kinds() == tuple(KNOWN.kinds) or set(kinds()) == KNOWN.kinds
    assert {one.dialect for kind in kinds() for one in spellings(kind)} == set(Dialect)
    assert {one.system for one in of_dialect("snils", Dialect.N3)} == {"1.2.643.2.69.1.1.1.6.223"}
    # What N3 does not spell is spelt as RuCoreIG has it.
    assert {one.dialect for one in of_dialect("ogrn", Dialect.N3)} == {Dialect.RUCORE}


@given(snils())
def test_check_digits(number: str) -> None:
    assert convert_snils(number, {}, None) != ""  # type: ignore[arg-type] # the run is not looked at


@given(st.data())
def test_texts_have_their_mark_and_no_surrogates(data: st.DataObject) -> None:
    text = data.draw(hostile_texts(mark="Ъ"))
    assert "Ъ" in text
    text.encode()


def test_some_hostile_texts_cannot_be_xml() -> None:
    from hypothesis import find

    assert FORBIDDEN.search(find(hostile_texts(), lambda text: FORBIDDEN.search(text) is not None))


@settings(max_examples=10)
@given(long_texts())
def test_long_texts(text: str) -> None:
    assert len(text) == 1_000_000


def nodes(value: Any) -> Iterator[int]:
    if isinstance(value, dict | list):
        yield id(value)
        for inner in value.values() if isinstance(value, dict) else value:
            yield from nodes(inner)


@settings(max_examples=20)
@given(bundles())
def test_parts_of_a_bundle_are_not_shared(bundle: dict) -> None:
    found = list(nodes(bundle))
    assert len(found) == len(set(found))


@settings(max_examples=20)
@given(patients())
def test_patients(patient: dict) -> None:
    (reading,) = read(as_json(patient))
    assert reading.findings == ()


def test_nothing_else_imports_hypothesis() -> None:
    """The package is an extra: neither the command line nor the pytest plugin may need it."""
    code = (
        "import sys, conformance.checker, conformance.pytest_plugin, adapter.cli.check, adapter.cli.convert;"
        "sys.exit('hypothesis' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
