"""A vaccination as a manipulation (163): a route that an organisation switches on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from adapter.convert import Converter
from adapter.fhir import read
from adapter.findings import Severity
from conformance.report import Status
from tests.converters import make

pytestmark = [pytest.mark.packs, pytest.mark.books]

BUNDLES = Path(__file__).parents[2] / "examples" / "bundles"


@pytest.fixture(scope="module")
def converter(home: Path) -> Converter:
    """A converter of an organisation that makes 163 of its vaccinations."""
    return make(home, {"vaccination-manipulation": True})


@pytest.mark.parametrize("name", ["170-r4-rucore", "170-r4-frcore", "170-r4b-n3", "170-bare-words"])
def test_a_vaccination_alone_is_a_manipulation(converter: Converter, name: str) -> None:
    (reading,) = read((BUNDLES / f"{name}.json").read_bytes())
    certificate, manipulation = converter.convert(reading).documents
    assert (certificate.kind, manipulation.kind) == ("170", "163")
    # Without its stage there is no section IMM; that is a warning, and the document is valid.
    bad = {(one.severity, one.rule) for one in manipulation.findings if one.severity is not Severity.NOTE}
    assert bad <= {(Severity.WARNING, f"immunization-administration.{fact}") for fact in ("stage", "dose")}
    assert manipulation.ok and manipulation.report is not None
    assert {stage.status for stage in manipulation.report.stages} == {Status.PASSED}


def test_a_procedure_of_the_same_encounter_makes_the_only_one(converter: Converter) -> None:
    (reading,) = read((BUNDLES / "163-r4-frcore.json").read_bytes())
    assert sorted(one.kind for one in converter.convert(reading).documents) == ["163", "170"]


def test_a_procedure_inside_a_document_of_another_type_makes_none(converter: Converter) -> None:
    bundle = json.loads((BUNDLES / "163-r4-frcore.json").read_bytes())
    composition = {
        "resourceType": "Composition",
        "status": "final",
        "type": {"coding": [{"system": "http://loinc.org", "code": "11488-4"}]},
        "date": "2024-10-07",
        "author": [{"display": "-"}],
        "title": "-",
    }
    bundle["type"] = "document"
    bundle["identifier"] = {"system": "urn:ietf:rfc:3986", "value": "urn:uuid:00000000-0000-4000-8000-000000000000"}
    bundle["timestamp"] = "2024-10-07T12:00:00+03:00"
    bundle["entry"].insert(0, {"fullUrl": "urn:uuid:00000000-0000-4000-8000-000000000000", "resource": composition})
    (reading,) = read(json.dumps(bundle).encode())
    assert "163" not in {one.kind for one in converter.convert(reading).documents}
