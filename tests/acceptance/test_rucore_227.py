"""The Ministry's example of 227, as RuCore carries it in R5, becomes the same document again, value by value."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from adapter.catalogue import Catalogue
from adapter.convert import Converter, Document
from adapter.fhir import read
from adapter.findings import Severity
from adapter.nsi import BookStore
from adapter.nsi.importer import import_folder
from adapter.organisation import load_organisation
from adapter.xml import parse
from tests.rucore.bundle import bundle
from tests.rucore.compare import differences
from tests.rucore.parts import Node

pytestmark = pytest.mark.books

EXPLAINED = YAML(typ="safe").load((Path(__file__).parents[1] / "rucore" / "explained.yaml").read_text(encoding="utf-8"))
LEAST = 0.95


@pytest.fixture(scope="module")
def expected(examples_dir: Path) -> Node:
    return parse((examples_dir / "semd227_official.xml").read_bytes()).getroot()


@pytest.fixture(scope="module")
def document(expected: Node, nsi_source: Path, tmp_path_factory: pytest.TempPathFactory) -> Document:
    home = tmp_path_factory.mktemp("rucore")
    import_folder(nsi_source, home / "nsi")
    catalogue = Catalogue()
    converter = Converter(catalogue, BookStore(home / "nsi", catalogue), load_organisation(catalogue), checker=None)
    (reading,) = read(json.dumps(bundle(expected)).encode())
    conversion = converter.convert(reading)
    assert [one for one in conversion.findings if one.severity is not Severity.NOTE] == []
    (made,) = conversion.documents
    return made


def plain(place: str) -> str:
    return re.sub(r"\[\d+\]", "", place)


def test_the_example_comes_back(expected: Node, document: Document) -> None:
    assert document.data is not None
    total, differing = differences(expected, parse(document.data).getroot())
    assert total == 1347
    lost = [place for place, (wanted, _) in differing.items() if wanted is not None]
    assert 1 - len(lost) / total >= LEAST


def test_every_difference_is_explained_and_every_explanation_is_needed(expected: Node, document: Document) -> None:
    assert document.data is not None
    differing = {plain(place) for place in differences(expected, parse(document.data).getroot())[1]}
    patterns = [re.compile(pattern) for group in EXPLAINED.values() for pattern in group]
    assert {place for place in differing if not any(one.fullmatch(place) for one in patterns)} == set()
    assert [one.pattern for one in patterns if not any(one.fullmatch(place) for place in differing)] == []


def test_what_is_refused_or_missing_is_told(document: Document) -> None:
    errors = {(one.code, one.rule) for one in document.findings if one.severity is Severity.ERROR}
    assert {("MAP04", "patient.snils"), ("MAP04", "staff.snils"), ("MAP01", "linked-document.time")} <= errors
    assert {rule.rpartition(".")[2] for _, rule in errors} == {"snils", "time"}
