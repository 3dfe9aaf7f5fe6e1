"""The Ministry's example of 227, as RuCore carries it in R5, becomes the same document again, value by value."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path

import pytest
from lxml.etree import Comment

from adapter.catalogue import Catalogue
from adapter.convert import Converter, Document
from adapter.fhir import read
from adapter.findings import Severity
from adapter.nsi import BookStore
from adapter.nsi.importer import import_folder
from adapter.organisation import load_organisation
from adapter.xml import ElementTree, parse
from conformance.compare import Verdict, compare
from conformance.explanations import explain, load_explanations
from conformance.structure import load
from tests.rucore.bundle import bundle

pytestmark = pytest.mark.books

EXPLAINED = Path(__file__).parents[1] / "rucore" / "explained.yaml"
#: Per cent of the values of the example.
LEAST = 95.0


@pytest.fixture(scope="module")
def expected(examples_dir: Path) -> ElementTree:
    return parse((examples_dir / "semd227_official.xml").read_bytes())


@pytest.fixture(scope="module")
def document(expected: ElementTree, nsi_source: Path, tmp_path_factory: pytest.TempPathFactory) -> Document:
    home = tmp_path_factory.mktemp("rucore")
    import_folder(nsi_source, home / "nsi")
    catalogue = Catalogue()
    converter = Converter(catalogue, BookStore(home / "nsi", catalogue), load_organisation(catalogue), checker=None)
    (reading,) = read(json.dumps(bundle(expected.getroot())).encode())
    conversion = converter.convert(reading)
    assert [one for one in conversion.findings if one.severity is not Severity.NOTE] == []
    (made,) = conversion.documents
    return made


def test_the_example_comes_back_and_every_difference_is_explained(expected: ElementTree, document: Document) -> None:
    assert document.data is not None
    comparison, idle = explain(compare(expected, parse(document.data)), load_explanations(EXPLAINED))
    assert comparison.total == 1347
    assert comparison.share >= LEAST
    unexplained = [
        value.xpath for value in comparison.values if value.verdict is not Verdict.EQUAL and not value.reason
    ]
    assert unexplained == []
    assert idle == ()


def test_what_is_refused_or_missing_is_told(document: Document) -> None:
    errors = {(one.code, one.rule) for one in document.findings if one.severity is Severity.ERROR}
    assert {("MAP04", "patient.snils"), ("MAP04", "staff.snils"), ("MAP01", "linked-document.time")} <= errors
    assert {rule.rpartition(".")[2] for _, rule in errors} == {"snils", "time"}


def test_the_structure_takes_the_example_and_notices_most_of_what_is_taken_out(expected: ElementTree) -> None:
    """A comment that begins with R marks the element after it as one that must stand."""
    structures, tree = load(Catalogue()), deepcopy(expected)
    assert structures.check(tree, "227") == []
    noticed = []
    for comment in [one for one in tree.getroot().iter(Comment) if (one.text or "").strip().startswith("R [")]:
        wanted = next((one for one in comment.itersiblings() if isinstance(one.tag, str)), None)
        parent = wanted.getparent() if wanted is not None else None
        if wanted is None or parent is None:
            continue
        place = parent.index(wanted)
        parent.remove(wanted)
        noticed.append(bool(structures.check(tree, "227")))
        parent.insert(place, wanted)
    assert len(noticed) == 443
    assert sum(noticed) / len(noticed) >= 0.97
