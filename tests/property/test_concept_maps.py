"""The shipped concept maps: rows lead to codes of the books, and no code of a sender is lost without a word."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapter.catalogue import Catalogue
from adapter.facts import Coding, Null
from adapter.fhir import Graph
from adapter.findings import Severity
from adapter.mapping.concepts import ConceptMap, Group
from adapter.mapping.keys import NULL_FLAVORS
from adapter.mapping.lint.concepts import holes
from adapter.mapping.lint.subject import Subject
from adapter.mapping.mappings import Mappings
from adapter.mapping.model import Field
from adapter.mapping.run import Run
from adapter.nsi import BookStore
from adapter.nsi.importer import import_folder
from adapter.nsi.terms import Terms, load_vocabulary
from adapter.organisation import load_organisation

CATALOGUE = Catalogue()
MAPPINGS = Mappings.load(CATALOGUE)
SPECS = [*MAPPINGS.maps.values(), *MAPPINGS.documents.values(), *MAPPINGS.registers.values()]
ORGANISATION = load_organisation(CATALOGUE)
VOCABULARY = load_vocabulary(CATALOGUE)
#: Without imported books.
TERMS = Terms(BookStore(Path("no-such-folder"), CATALOGUE), VOCABULARY)
SPEC = Field("rule", "a.yaml", 1)
#: nullFlavors, and books whose rows no source has; the rows of 11.1039 are checked against the vocabulary.
ABSENT = {
    "2.16.840.1.113883.5.1008",
    "1.2.643.5.1.13.13.11.1039",
    "1.2.643.5.1.13.13.11.1045",
    "1.2.643.5.1.13.13.11.1080",
    "1.2.643.5.1.13.13.11.1468",
    "1.2.643.5.1.13.13.99.2.257",
    "1.2.643.5.1.13.13.99.2.452",
    "1.2.643.5.1.13.13.99.2.545",
    "1.2.643.5.1.13.13.99.2.688",
    "1.2.643.5.1.13.13.99.2.960",
}


def rows(concept: ConceptMap) -> Iterator[tuple[Group, str, tuple[str | Null, ...]]]:
    for group in concept.groups:
        for code, targets in group.elements.items():
            yield group, code, targets


#: The others lead to dictionaries that are not public.
OF_BOOKS = [concept for concept in MAPPINGS.concepts.values() if not concept.bare]
ROWS = [
    (concept, group, code, targets)
    for concept in MAPPINGS.concepts.values()
    for group, code, targets in rows(concept)
    if group.source not in ("", "*")
]
SYSTEMS = sorted({group.source for concept in MAPPINGS.concepts.values() for group in concept.groups} - {"", "*"})
CODES = sorted({code for _, _, code, _ in ROWS})


def translated(concept: ConceptMap, value: Any, terms: Terms = TERMS) -> tuple[Coding | Null | None, Run]:
    graph = Graph({"resourceType": "Bundle", "type": "collection"})
    run = Run(graph, ORGANISATION, MAPPINGS.identifiers, terms)
    return concept.translate(run, SPEC, value, value), run


@pytest.fixture(scope="module")
def imported(nsi_source: Path, tmp_path_factory: pytest.TempPathFactory) -> Terms:
    store = tmp_path_factory.mktemp("books")
    import_folder(nsi_source, store)
    return Terms(BookStore(store, CATALOGUE), VOCABULARY)


@pytest.mark.books
@pytest.mark.parametrize("concept", OF_BOOKS, ids=lambda concept: concept.id)
def test_every_row_leads_to_a_code_of_the_book(concept: ConceptMap, imported: Terms) -> None:
    assert imported.imported(concept.target) is (concept.target not in ABSENT)
    if imported.version(concept.target) is None:
        return
    wrong = [
        (code, target)
        for _, code, targets in rows(concept)
        for target in targets
        if not isinstance(target, Null) and imported.coding(concept.target, target) is None
    ]
    assert wrong == []


@pytest.mark.books
@pytest.mark.parametrize("concept", MAPPINGS.concepts.values(), ids=lambda concept: concept.id)
def test_every_column_is_one_of_the_book(concept: ConceptMap, imported: Terms) -> None:
    if imported.imported(concept.target):
        columns = {name for group in concept.groups for name in (group.column, group.display) if name}
        codes = [target for _, _, targets in rows(concept) for target in targets if isinstance(target, str)]
        for column in columns:
            # A column that no row of the map has anything in would be a misprint.
            assert not codes or any(imported.cell(concept.target, code, column) for code in codes), column


@pytest.mark.parametrize("concept", MAPPINGS.concepts.values(), ids=lambda concept: concept.id)
def test_nulls_are_nullflavors_and_candidates_differ(concept: ConceptMap) -> None:
    for _, code, targets in rows(concept):
        assert len(set(targets)) == len(targets), code
        assert all(target.flavor in NULL_FLAVORS for target in targets if isinstance(target, Null)), code


def test_every_code_that_fhir_admits_has_a_row() -> None:
    assert [finding.message.en for finding in holes(Subject(CATALOGUE, MAPPINGS, ORGANISATION, TERMS))] == []


def test_a_map_is_used_or_says_what_it_waits_for() -> None:
    used = {rule.concept for spec in SPECS for rule in within(spec)}
    used.add("data-absent-reason")
    assert {name for name, concept in MAPPINGS.concepts.items() if concept.waits is None} - used == set()
    assert {name for name, concept in MAPPINGS.concepts.items() if concept.waits is not None} & used == set()


def within(spec: Any) -> Iterator[Field]:
    for rule in (*spec.let.values(), *spec.fields.values()):
        yield rule
        yield from within(rule)


@st.composite
def spelled(draw: st.DrawFn, system: str) -> str:
    """A code system as some dialect writes it; all of them are the same one."""
    if system[:1].isdigit():
        return draw(st.sampled_from(["", "urn:oid:", "oid:", "URN:OID:"])) + system
    if system.startswith("https://"):
        system = draw(st.sampled_from(["http://", "https://"])) + system.removeprefix("https://")
    return draw(st.sampled_from([system, system.upper(), f"{system}/"]))


@given(st.sampled_from(ROWS), st.data())
def test_a_row_is_found_under_any_spelling(row: Any, data: st.DataObject) -> None:
    concept, group, code, targets = row
    found, run = translated(concept, {"system": data.draw(spelled(group.source)), "code": code})
    if len(targets) > 1:
        assert found is None
        assert [finding.code for finding in run.findings] == ["MAP03"]
        assert all(str(target) in run.findings[0].message.en for target in targets)
    elif isinstance(targets[0], Null):
        assert found == targets[0]
    elif found is None:
        # Only where nothing here knows the book, and it is told.
        assert [finding.code for finding in run.findings] == ["MAP02"]
        assert TERMS.coding(concept.target, targets[0]) is None
    else:
        assert isinstance(found, Coding)
        assert (found.system, found.code) == (concept.target, targets[0])
        assert not run.findings


codings = st.fixed_dictionaries(
    {"system": st.sampled_from(SYSTEMS) | st.text(max_size=8), "code": st.sampled_from(CODES) | st.text(max_size=6)},
    optional={"display": st.text(max_size=8)},
)
concepts = st.fixed_dictionaries({"coding": st.lists(codings, max_size=4)}, optional={"text": st.text(max_size=8)})


@given(st.sampled_from(sorted(MAPPINGS.concepts)), concepts | codings | st.text(max_size=6))
def test_a_code_becomes_one_of_the_target_or_is_told(name: str, value: Any) -> None:
    concept = MAPPINGS.concepts[name]
    found, run = translated(concept, value)
    if isinstance(found, Coding):
        assert found.system == concept.target
        assert found == TERMS.coding(concept.target, found.code) or found.display or concept.bare
    elif found is None and concept.unmapped is not None:
        assert {finding.severity for finding in run.findings} & {concept.unmapped, Severity.ERROR}
    text = str([(finding.message, finding.hint) for finding in run.findings])
    assert not any(len(part) > 3 and part in text for part in shown(value))


def shown(value: Any) -> Iterator[str]:
    """What a finding must not repeat: words of the sender."""
    if isinstance(value, dict):
        for part in (value, *value.get("coding", ())):
            yield from (part.get("display", ""), part.get("text", ""))


@given(st.sampled_from(sorted(MAPPINGS.concepts)), concepts, st.data())
def test_a_code_of_the_book_itself_decides(name: str, value: Any, data: st.DataObject) -> None:
    concept = MAPPINGS.concepts[name]
    known = VOCABULARY.books.get(concept.target)
    if known is None or not known.codes:
        return
    own = {"system": f"urn:oid:{concept.target}", "code": data.draw(st.sampled_from(sorted(known.codes)))}
    value = {**value, "coding": [one for one in value["coding"] if one["system"] != concept.target]}
    at = data.draw(st.integers(0, len(value["coding"])))
    found, run = translated(concept, {**value, "coding": [*value["coding"][:at], own, *value["coding"][at:]]})
    assert isinstance(found, Coding)
    assert found.code == own["code"]
    assert not run.findings
