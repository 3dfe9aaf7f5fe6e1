"""Numbers of versions that the journal of the service gives."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapter.catalogue import Catalogue
from adapter.convert import Converter, Document
from adapter.facts import II
from adapter.fhir import read_file
from adapter.nsi import BookStore
from adapter.organisation import load_organisation

BUNDLES = Path(__file__).parents[3] / "examples" / "bundles"


@pytest.fixture(scope="module")
def converter(tmp_path_factory: pytest.TempPathFactory) -> Converter:
    catalogue, home = Catalogue(), tmp_path_factory.mktemp("home")
    return Converter(catalogue, BookStore(home, catalogue), load_organisation(catalogue), checker=None, cache=home)


def _document(converter: Converter, name: str, kind: str, versions: dict[II, int] | None = None) -> Document:
    (reading,) = read_file(BUNDLES / name)
    return next(one for one in converter.convert(reading, versions=versions).documents if one.kind == kind)


@pytest.mark.parametrize(("name", "given"), [("170-r4-frcore.json", None), ("119-r5-rucore26.json", 1)])
def test_a_number_of_the_journal_takes_the_place_of_the_senders(
    converter: Converter, name: str, given: int | None
) -> None:
    kind = name[:3]
    sent = _document(converter, name, kind)
    assert sent.set_id is not None and sent.id is not None
    assert (sent.version, sent.given_version) == (1, given)
    numbered = _document(converter, name, kind, {sent.set_id: 7})
    assert (numbered.version, numbered.given_version, numbered.set_id) == (7, given, sent.set_id)
    # An id that the sender gave was that of another version.
    assert numbered.id is not None and numbered.id != sent.id
    assert numbered.data is not None and b'<versionNumber value="7"/>' in numbered.data
    assert numbered == _document(converter, name, kind, {sent.set_id: 7})


def test_numbers_of_other_sets_change_nothing(converter: Converter) -> None:
    sent = _document(converter, "170-r4-frcore.json", "170")
    assert _document(converter, "170-r4-frcore.json", "170", {II("1.2.3", "other"): 7}) == sent
