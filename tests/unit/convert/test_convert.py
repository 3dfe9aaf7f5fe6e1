"""From a Bundle to documents, without packs and books: only what is built in."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from adapter.catalogue import Catalogue
from adapter.cli import app
from adapter.convert import Conversion, Converter
from adapter.fhir import read
from adapter.nsi import BookStore
from adapter.organisation import load_organisation
from adapter.xml import parse
from conformance import Checker
from conformance.packs import PackStore

MIS = "urn:oid:1.2.643.5.1.13.13.12.2.77.99999.100.1.1"
PATIENT = {
    "resourceType": "Patient",
    "id": "p1",
    "identifier": [
        {"system": "https://fhir.ru/ig/core/systems/snils", "value": "11223344595"},
        {"system": f"{MIS}.10", "value": "P-1"},
    ],
    "name": [{"family": "Тестов", "given": ["Иван", "Иванович"]}],
    "gender": "male",
    "birthDate": "1985-03-01",
}
RESOURCES: list[dict[str, Any]] = [
    PATIENT,
    {
        "resourceType": "Practitioner",
        "id": "d1",
        "identifier": [{"system": "urn:identity:snils:Practitioner", "value": "111-111-111 45"}],
        "name": [{"family": "Врачова", "given": ["Анна"]}],
    },
    {
        "resourceType": "PractitionerRole",
        "id": "r1",
        "identifier": [{"system": f"{MIS}.70", "value": "D-1"}],
        "practitioner": {"reference": "Practitioner/d1"},
        "code": [{"coding": [{"system": "urn:oid:1.2.643.5.1.13.13.11.1002", "code": "110", "display": "врач"}]}],
    },
    {
        "resourceType": "Encounter",
        "id": "e1",
        "status": "finished",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
        "subject": {"reference": "Patient/p1"},
        "identifier": [{"system": f"{MIS}.15", "value": "E-1"}, {"system": f"{MIS}.17", "value": "C-1"}],
    },
    {
        "resourceType": "Immunization",
        "id": "i1",
        "status": "completed",
        "vaccineCode": {
            "coding": [
                {
                    "system": "urn:oid:1.2.643.5.1.13.13.11.1078",
                    "code": "11453",
                    "version": "4.5",
                    "display": "Гам-КОВИД-Вак (Компонент I)",
                }
            ]
        },
        "patient": {"reference": "Patient/p1"},
        "encounter": {"reference": "Encounter/e1"},
        "occurrenceDateTime": "2024-02-15T10:15:00+03:00",
        "performer": [{"actor": {"reference": "PractitionerRole/r1"}}],
        "protocolApplied": [
            {
                "doseNumberPositiveInt": 1,
                "targetDisease": [{"coding": [{"system": "urn:oid:1.2.643.5.1.13.13.99.2.848", "code": "27"}]}],
            }
        ],
    },
]


def bundle(resources: list[dict[str, Any]]) -> bytes:
    entries = [{"resource": resource} for resource in resources]
    return json.dumps({"resourceType": "Bundle", "type": "collection", "entry": entries}).encode()


@pytest.fixture(scope="module")
def converter(tmp_path_factory: pytest.TempPathFactory) -> Converter:
    empty = tmp_path_factory.mktemp("empty")
    catalogue = Catalogue()
    books = BookStore(empty, catalogue)
    checker = Checker(PackStore(empty), books, catalogue=catalogue)
    return Converter(catalogue, books, load_organisation(catalogue), checker=checker)


#: Derived from the kind, the patient and the vaccination: it never changes.
SET = "8ed02a13-5cc2-58f5-874b-f9751ab35cc1"


def convert(converter: Converter, resources: list[dict[str, Any]]) -> Conversion:
    (reading,) = read(bundle(resources))
    return converter.convert(reading)


def codes(conversion: Conversion) -> set[str]:
    return {one.code for document in conversion.documents for one in document.findings if one.severity == "error"}


def test_a_vaccination_becomes_a_certificate(converter: Converter) -> None:
    (document,) = convert(converter, RESOURCES).documents
    assert document.ok, document.findings
    assert (document.kind, document.name) == ("170", f"170_{SET}_v1.xml")
    assert document.focus == "Bundle.entry[4].resource"
    assert document.data is not None
    names = parse(document.data).xpath("//h:patient/h:name/*/text()", namespaces={"h": "urn:hl7-org:v3"})
    assert names == ["Тестов", "Иван", "Иванович"]


def test_numbers_of_resources_that_begin_anew_put_no_two_patients_into_one_set(converter: Converter) -> None:
    other = [{**PATIENT, "identifier": [{"system": "https://mis.example/patients", "value": "2"}]}, *RESOURCES[1:]]
    (first,), (second,) = (convert(converter, one).documents for one in (RESOURCES, other))
    assert first.ok
    assert first.name != second.name


def test_the_same_bundle_gives_the_same_bytes(converter: Converter) -> None:
    first, second = convert(converter, RESOURCES), convert(converter, copy.deepcopy(RESOURCES))
    assert [one.data for one in first.documents] == [one.data for one in second.documents]


def test_the_order_of_entries_does_not_matter(converter: Converter) -> None:
    first, second = convert(converter, RESOURCES), convert(converter, RESOURCES[::-1])
    assert [one.data for one in first.documents] == [one.data for one in second.documents]


def test_a_refusal_yields_no_document(converter: Converter) -> None:
    refused = [*RESOURCES[:4], {**RESOURCES[4], "status": "not-done"}]
    assert convert(converter, refused).documents == ()


def test_what_another_reports_yields_no_certificate(converter: Converter) -> None:
    own, reported = ([*RESOURCES[:4], {**RESOURCES[4], "primarySource": value}] for value in (True, False))
    assert len(convert(converter, own).documents) == 1
    assert convert(converter, reported).documents == ()


@pytest.mark.parametrize(
    ("addresses", "places"),
    [
        ([{"use": "old", "text": "Псков"}], ["Bundle.entry[0].resource.address[0]"]),
        ([{"country": "KZ", "text": "Астана"}], ["Bundle.entry[0].resource.address[0]"]),
    ],
)
def test_an_address_without_a_place_is_told(
    converter: Converter, addresses: list[dict[str, Any]], places: list[str]
) -> None:
    (document,) = convert(converter, [{**PATIENT, "address": addresses}, *RESOURCES[1:]]).documents
    told = [one for one in document.findings if one.code == "MAP05"]
    assert [one.place.fhirpath for one in told] == places


def test_what_is_missing_is_named_by_the_element_to_fill(converter: Converter) -> None:
    nameless = [{key: value for key, value in PATIENT.items() if key != "birthDate"}, *RESOURCES[1:]]
    conversion = convert(converter, nameless)
    (missing,) = [
        one
        for one in conversion.documents[0].findings
        if one.code == "MAP01" and one.place.fhirpath.endswith("birthDate")
    ]
    assert missing.place.fhirpath == "Bundle.entry[0].resource.birthDate"
    assert "birthDate" in missing.hint.ru
    assert not conversion.ok


def test_what_cannot_be_converted_is_named_by_its_element(converter: Converter) -> None:
    (document,) = convert(converter, [{**PATIENT, "birthDate": "1985"}, *RESOURCES[1:]]).documents
    (error,) = [one for one in document.findings if one.severity == "error"]
    assert (error.code, error.place.fhirpath) == ("MAP04", "Bundle.entry[0].resource.birthDate")


def test_a_control_character_is_a_finding_and_no_document(converter: Converter) -> None:
    hostile = [{**PATIENT, "name": [{"family": "Тест\u0001ов", "given": ["Иван"]}]}, *RESOURCES[1:]]
    conversion = convert(converter, hostile)
    assert not conversion.ok
    assert all("\u0001" not in one.message.ru + one.hint.ru for one in conversion.documents[0].findings)


def test_the_command_writes_a_manifest_and_no_document_with_errors(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    good.write_bytes(bundle(RESOURCES))
    bad.write_bytes(bundle([{**PATIENT, "birthDate": "1985"}, *RESOURCES[1:]]))
    out = tmp_path / "out"
    result = CliRunner().invoke(app, ["convert", str(good), str(bad), "--out", str(out)])
    assert result.exit_code == 1
    manifest = json.loads((out / "manifest.json").read_text())
    assert [entry["ok"] for entry in manifest["bundles"]] == [True, False]
    assert sorted(path.name for path in out.glob("*.xml")) == [f"170_{SET}_v1.xml"]
    assert "Тестов" not in (out / "manifest.json").read_text()


def test_force_writes_and_marks(tmp_path: Path) -> None:
    bad = tmp_path / "bad.json"
    bad.write_bytes(bundle([{**PATIENT, "birthDate": "1985"}, *RESOURCES[1:]]))
    CliRunner().invoke(app, ["convert", str(bad), "--out", str(tmp_path / "out"), "--force"])
    assert [path.name for path in (tmp_path / "out").glob("*.xml")] == [f"170_{SET}_v1.INVALID.xml"]


def test_bytes_that_are_no_bundle(tmp_path: Path) -> None:
    broken = tmp_path / "broken.json"
    broken.write_bytes(b"{")
    result = CliRunner().invoke(app, ["convert", str(broken), "--out", str(tmp_path / "out")])
    assert result.exit_code == 1
    assert "FHIR0" in result.output
