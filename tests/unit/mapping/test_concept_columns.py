"""Concept maps that go by a column of a book, with books made here: the real ones are big, or at hand nowhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from adapter.catalogue import Catalogue
from adapter.fhir import Graph
from adapter.mapping.mappings import Mappings
from adapter.mapping.model import Field
from adapter.mapping.run import Run
from adapter.mapping.units import BOOK, quantity
from adapter.nsi import BookStore, Column, Passport
from adapter.nsi.terms import Terms, load_vocabulary
from adapter.nsi.writer import writing
from adapter.organisation import load_organisation

CATALOGUE = Catalogue()
MAPPINGS = Mappings.load(CATALOGUE)
PREFIX = "1.2.643.5.1.13.13."
LOINC = "http://loinc.org"
ACT = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation"
#: Book → columns and rows; the first column is the code, the second the name.
BOOKS: dict[str, tuple[tuple[str, ...], list[tuple[str, ...]]]] = {
    "11.1080": (
        ("ID", "FULLNAME", "LOINC"),
        [
            ("1", "Гемоглобин", "718-7"),
            ("2", "Глюкоза, кровь", "2-2"),
            ("3", "Глюкоза, плазма", "2-2"),
            ("4", "Иное", "0"),
        ],
    ),
    "99.2.257": (("ID", "NAME"), [("H", "Выше"), ("N", "Норма")]),
    "99.2.545": (("ID", "NAME"), [("185", "Страна")]),
}


@pytest.fixture(scope="module")
def terms(tmp_path_factory: pytest.TempPathFactory) -> Terms:
    store = tmp_path_factory.mktemp("books")
    with writing(store) as writer:
        for oid, (names, rows) in BOOKS.items():
            columns = tuple(Column(name) for name in names)
            passport = Passport(PREFIX + oid, "1.0", "Книга", len(rows), columns, names[0], names[1])
            values = [list(cells) for cells in zip(*rows, strict=True)]
            writer.add(passport, [(len(rows), dict(zip(names, values, strict=True)))])
    return Terms(BookStore(store, CATALOGUE), load_vocabulary(CATALOGUE))


def coding(system: str, code: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}]}


@pytest.mark.parametrize(
    ("concept", "value", "code", "findings"),
    [
        ("laboratory-test", coding(LOINC, "718-7"), "1", []),
        ("laboratory-test", coding(LOINC, "2-2"), None, ["MAP03"]),
        ("laboratory-test", coding(LOINC, "0"), None, ["MAP02"]),
        ("laboratory-test", coding(LOINC, "9-9"), None, ["MAP02"]),
        ("laboratory-test", {"text": "Глюкоза, плазма"}, "3", []),
        ("laboratory-test", coding("urn:oid:1.2.643.5.1.13.13.11.1080", "4"), "4", []),
        ("observation-interpretation", coding(ACT, "H"), "H", []),
        ("observation-interpretation", coding(ACT, "HX"), None, ["MAP02"]),
        ("observation-interpretation", coding("urn:oid:1.2.643.5.1.13.13.11.1381", "N"), "N", []),
        ("country", "RUS", "185", []),
        ("country", coding("urn:iso:std:iso:3166", "643"), "185", []),
        ("country", coding("urn:iso:std:iso:3166", "FRA"), None, ["MAP02"]),
    ],
)
def test_column(terms: Terms, concept: str, value: Any, code: str | None, findings: list[str]) -> None:
    graph = Graph({"resourceType": "Bundle", "type": "collection"})
    run = Run(graph, load_organisation(CATALOGUE), MAPPINGS.identifiers, terms)
    found: Any = MAPPINGS.concepts[concept].translate(run, Field("rule", "a.yaml", 1), value, value)
    assert (None if found is None else found.code) == code
    assert [finding.code for finding in run.findings] == findings


def test_without_the_book(tmp_path: Path) -> None:
    """Without the book a code is told, not guessed."""
    run = Run(
        Graph({"resourceType": "Bundle", "type": "collection"}),
        load_organisation(CATALOGUE),
        MAPPINGS.identifiers,
        Terms(BookStore(tmp_path, CATALOGUE), load_vocabulary(CATALOGUE)),
    )
    value = coding(ACT, "H")
    assert (
        MAPPINGS.concepts["observation-interpretation"].translate(run, Field("rule", "a.yaml", 1), value, value) is None
    )
    assert [(finding.code, finding.severity.value) for finding in run.findings] == [("MAP02", "warning")]


@pytest.mark.parametrize(
    ("ucum", "code"),
    [("s", "21"), ("min", "22"), ("h", "23"), ("d", "24"), ("wk", "520"), ("mo", "521"), ("a", "522")],
)
def test_units_of_time_are_those_of_rucore(tmp_path: Path, ucum: str, code: str) -> None:
    """Both ways, without the book: as core-cm-nsi-time-to-fhir has them."""
    run = Run(
        Graph({"resourceType": "Bundle", "type": "collection"}),
        load_organisation(CATALOGUE),
        MAPPINGS.identifiers,
        Terms(BookStore(tmp_path, CATALOGUE), load_vocabulary(CATALOGUE)),
    )
    there = quantity({"value": 2, "system": "http://unitsofmeasure.org", "code": ucum}, {}, run)
    back = quantity({"value": 2, "system": f"urn:oid:{BOOK}", "code": code}, {}, run)
    assert there.translation is not None
    assert (there.translation.code, back.ucum) == (code, ucum)
