"""The shipped tests of mappings (``mappings/tests``), one pytest test each."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapter.catalogue import Catalogue
from adapter.mapping.mappings import Mappings
from adapter.mapping.testing import Case, Runner, load_cases
from adapter.nsi import BookStore
from adapter.nsi.terms import Terms, load_vocabulary
from adapter.organisation import load_organisation

CASES = load_cases(Catalogue())


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Runner:
    """Without imported books: the built-in vocabulary must do."""
    catalogue = Catalogue()
    terms = Terms(BookStore(tmp_path_factory.mktemp("nsi"), catalogue), load_vocabulary(catalogue))
    return Runner(Mappings.load(catalogue), load_organisation(catalogue), terms)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_mapping(case: Case, runner: Runner) -> None:
    result = runner.run(case)
    if result.skipped:
        pytest.skip(result.skipped)
    assert result.problems == ()


@pytest.fixture(scope="module")
def runner_with_books(nsi_source: Path, tmp_path_factory: pytest.TempPathFactory) -> Runner:
    """With the reference books imported: the same facts must come of them."""
    from adapter.nsi.importer import import_folder

    catalogue = Catalogue()
    store = tmp_path_factory.mktemp("books")
    import_folder(nsi_source, store)
    terms = Terms(BookStore(store, catalogue), load_vocabulary(catalogue))
    return Runner(Mappings.load(catalogue), load_organisation(catalogue), terms)


@pytest.mark.books
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_mapping_with_books(case: Case, runner_with_books: Runner) -> None:
    assert runner_with_books.run(case).problems == ()
