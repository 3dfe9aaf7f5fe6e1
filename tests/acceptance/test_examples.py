"""The example Bundles make the documents that their stories say, checked with the Ministry's packs and books."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from lxml import etree

from adapter.convert import Conversion, Converter
from adapter.fhir import read
from adapter.findings import Severity
from adapter.xml import HL7, parse
from conformance.report import StageName, Status

pytestmark = [pytest.mark.packs, pytest.mark.books]

BUNDLES = Path(__file__).parents[2] / "examples" / "bundles"
MIS = "1.2.643.5.1.13.13.12.2.77.99999.100.1.1"
#: Every person has a СНИЛС of his own; so has every patient a policy.
SNILS = "112-233-445 95"
POLICY = "1234567890123452"
ANNA, SERGEY, VERA, ELENA = "919-919-919 83", "303-303-303 90", "505-505-505 49", "606-606-606 79"
#: Kinds whose official pack is not at hand; some of their books neither.
WITHOUT_PACK = {"227"}


class Story(NamedTuple):
    """What a Bundle is about.

    Attributes:
        version: of FHIR, as detected.
        errors: document kind -> (code, rule) of its mapping errors; every kind of the Bundle is here.
        says: document kind -> texts and attribute values that the document must hold.
    """

    version: str
    errors: dict[str, frozenset[tuple[str, str]]]
    says: dict[str, frozenset[str]]


def clean(version: str, kind: str, *says: str) -> Story:
    return Story(version, {kind: frozenset()}, {kind: frozenset(says)})


STORIES = {
    "170-r4-rucore": clean("R4", "170", "P-1001", SNILS, POLICY, "Т-100", "202410051800+0300", "Положительный"),
    "170-r4-frcore": clean("R4", "170", "2001", ANNA, "9090909090909098", "118", "48", "Т-200", "I-ТС"),
    "170-r4b-n3": clean("R4B", "170", "3001", SERGEY, "3030303030303032", "000003", "Т-300"),
    # A document Bundle is one document: the vaccination in it makes no certificate.
    "142-r5-rucore26": clean(
        "R5",
        "142",
        *("SET-5101", SNILS, "CHAIRMAN", "COMMISSIONER", "44", "247", "Полное выздоровление"),
        *("DOC-5050", "119.77.24.11.000000001", "DOC-5051"),
    ),
    "142-r4-reaction": Story(
        "R4",
        {"142": frozenset(), "170": frozenset()},
        {
            "142": frozenset({SERGEY, "CHAIRMAN", "44", "247", "Отёк Квинке через час после прививки"}),
            "170": frozenset({SERGEY, "247", "12"}),
        },
    ),
    "163-r4-frcore": Story(
        "R4",
        {"163": frozenset(), "170": frozenset()},
        {
            "163": frozenset({ANNA, "272", "B04.014.004", "60", "1230", "247", "0.5", "C-9001"}),
            "170": frozenset({"247"}),
        },
    ),
    "163-r4-full": clean(
        "R4",
        "163",
        *("505-505-505 49", "770-770-770 29", "DR-3", "REF-9301", "DOC-9300", "67", "A18.05.002", "3 раза в неделю"),
        *("2270", "148", "132", "67.4", "true"),
    ),
    "170-bare-words": clean("R4", "170", "4001", VERA, "5050505050505052", "C-4001", "Т-400"),
    "185-r4b-n3": clean(
        "R4B", "185", SERGEY, "B01.015.001", "I20.8", "1.2.643.5.1.13.13.12.2.78.99998", "Подбор терапии"
    ),
    "185-r4b-study": clean(
        "R4B", "185", SERGEY, "A04.10.002", "7012719", "I20.8", "Стенокардия напряжения II функционального класса"
    ),
    "119-r4": clean("R4", "119", "P-9001", "E-9001", "C-9001", SNILS, "I10", "E66.0", "142", "1", "202611111140+0300"),
    "119-r5-rucore26": clean("R5", "119", "DOC-9011", "SET-9011", SNILS, "I10", "E66.0", "142", "36.6"),
    "119-follow-up-r4": clean(
        "R4", "119", "85", "R-9301", "DR-9", "20260302", "1.00000.0216", "I11.9", "20270201", "B04.047.001", "L-9301"
    ),
    "191-r4": clean("R4", "191", "P-9101", "E-9101", "C-9101", SNILS, "I10", "91", "Индекс массы тела 31", "64"),
    "191-r5-rucore26": clean("R5", "191", "DOC-9101", "SET-9101", SNILS, "I10", "91", "Индекс массы тела 31", "64"),
    "191-r5-full": clean(
        "R5",
        "191",
        *("SET-9102", "H-9102", "REF-9102", "3.77.26.11.000000002", "DOC-8800", "6.77.26.11.000000001"),
        *("8048", "CARDIOVASCULAR", "Отёки стоп и нижней трети голеней", "78", "3.2", "19205", "802"),
        *("21.20.10.147-000001-1-00044-0000000000000", "PIVL_TS", "Стол № 10, ограничение соли.", "Эхокардиография"),
        *("TRTMPLAN", "8042", "A05.10.006"),
    ),
    "195-r4": clean("R4", "195", "H-8001", "SET-8001", "DOC-8001", ELENA, "K35.8", "202611121330+0300"),
    "204-r5-rucore26": clean(
        "R5", "204", "DOC-6001", "SET-6001", SNILS, "I10", "E66.0", "142", "91", "36.6", "88", "DOC-5990"
    ),
    "227-r5-rucore": clean(
        "R5", "227", "DOC-9001", "SET-9001", SNILS, "E-9001", "ELN-9001", "I11.9", "B01.015.002", "клубника"
    ),
    "refusal-r4": Story("R4", {}, {}),
    "foreigner-204-r5": Story(
        "R5",
        # A vaccination that the patient reports makes no certificate of ours.
        {"204": frozenset()},
        {"204": frozenset({"DOC-7001", "TT", "118", "19960210", "2", "3"})},
    ),
}


def convert(converter: Converter, name: str) -> Conversion:
    (reading,) = read((BUNDLES / f"{name}.json").read_bytes())
    return converter.convert(reading)


def values(data: bytes) -> set[str]:
    """Texts and attribute values of a document."""
    elements = list(parse(data).getroot().iter(etree.Element))
    texts = {(element.text or "").strip() for element in elements}
    return texts | {str(value) for element in elements for value in element.attrib.values()}


def test_every_bundle_has_a_story() -> None:
    assert {path.stem for path in BUNDLES.glob("*.json")} == set(STORIES)


@pytest.mark.parametrize("name", STORIES)
def test_documents_are_as_the_story_says(converter: Converter, name: str) -> None:
    story = STORIES[name]
    (reading,) = read((BUNDLES / f"{name}.json").read_bytes())
    assert reading.version.name == story.version
    conversion = converter.convert(reading)
    assert [one for one in conversion.findings if one.severity is not Severity.NOTE] == []
    assert sorted(document.kind for document in conversion.documents) == sorted(story.errors)
    for document in conversion.documents:
        assert document.data is not None
        bad = {(one.code, one.rule) for one in document.findings if one.severity is not Severity.NOTE}
        mapped = {one for one in bad if one[0].startswith("MAP")}
        assert mapped == story.errors[document.kind]
        assert document.ok == (not mapped)
        assert story.says[document.kind] - values(document.data) == set()
        if document.ok:
            assert not bad
            assert document.report is not None
            statuses = {stage.name: stage.status for stage in document.report.stages}
            if document.kind in WITHOUT_PACK:
                assert {statuses.pop(name) for name in (StageName.XSD, StageName.SCHEMATRON)} == {Status.NOT_CHECKED}
                del statuses[StageName.BOOKS]
            assert set(statuses.values()) == {Status.PASSED}


def test_both_addresses_of_the_foreigner_are_those_in_russia(converter: Converter) -> None:
    document = next(one for one in convert(converter, "foreigner-204-r5").documents if one.kind == "204")
    assert document.data is not None
    addresses = parse(document.data).getroot().findall("h:recordTarget/h:patientRole/h:addr", {"h": HL7})
    assert [one.findtext("h:postalCode", namespaces={"h": HL7}) for one in addresses] == ["101000", "140000"]


def test_a_certificate_for_a_foreigner_names_what_is_missing(converter: Converter) -> None:
    """The kind of vaccinations wants a СНИЛС, which a foreigner may not have; the conclusion does not."""
    bundle = json.loads((BUNDLES / "foreigner-204-r5.json").read_bytes())
    bundle["type"] = "collection"
    for entry in bundle["entry"]:
        entry["resource"].pop("primarySource", None)
    (reading,) = read(json.dumps(bundle).encode())
    certificate, conclusion = converter.convert(reading).documents
    (error,) = [one for one in certificate.findings if one.severity is Severity.ERROR]
    assert (error.code, error.rule, error.place.fhirpath) == ("MAP01", "170.patient.snils", "Bundle.entry[1].resource")
    assert "Patient.identifier (snils)" in error.hint.ru
    # Said once, in terms of FHIR: the official rules are not asked to say it again in terms of CDA.
    assert (certificate.ok, certificate.report, conclusion.ok) == (False, None, True)


def test_the_same_bytes_twice(converter: Converter, build: Callable[[], Converter]) -> None:
    other = build()
    for name in STORIES:
        first, second = ([one.data for one in convert(each, name).documents] for each in (converter, other))
        assert first == second
