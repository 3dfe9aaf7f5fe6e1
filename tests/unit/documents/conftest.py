"""Facts made by hand, rendered and checked with the official packs and books."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from adapter.catalogue import Catalogue
from adapter.documents.render import Renderer
from adapter.nsi import BookStore
from adapter.nsi.importer import import_folder
from adapter.nsi.terms import Terms, load_vocabulary
from conformance import Checker
from conformance.packs import PackStore

sys.path.insert(0, str(Path(__file__).parent))
from facts import Maker, Named


@pytest.fixture(scope="session")
def books(nsi_source: Path, tmp_path_factory: pytest.TempPathFactory) -> BookStore:
    root = tmp_path_factory.mktemp("documents-nsi")
    import_folder(nsi_source, root)
    return BookStore(root, Catalogue())


@pytest.fixture(scope="session")
def terms(books: BookStore) -> Terms:
    return Terms(books, load_vocabulary(Catalogue()))


@pytest.fixture(scope="session")
def maker(terms: Terms) -> Maker:
    """Facts with codes of the imported books."""
    return Maker(terms)


@pytest.fixture(scope="session")
def renderer(terms: Terms) -> Renderer:
    return Renderer(Catalogue(), terms)


@pytest.fixture(scope="session")
def bare() -> Maker:
    """Facts without any book."""
    return Maker(Named())


@pytest.fixture(scope="session")
def bare_renderer() -> Renderer:
    return Renderer(Catalogue(), Named())


@pytest.fixture(scope="session")
def checker(packs_source: Path, books: BookStore, tmp_path_factory: pytest.TempPathFactory) -> Checker:
    store = PackStore(tmp_path_factory.mktemp("documents-packs"))
    store.install(packs_source)
    return Checker(store, books, cache=tmp_path_factory.mktemp("documents-schematron"))
