"""A converter for properties: with the Ministry's packs and books where they are at hand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

from adapter.catalogue import Catalogue
from adapter.convert import Converter
from adapter.nsi import BookStore
from adapter.nsi.importer import import_folder
from adapter.organisation import load_organisation
from conformance import Checker
from conformance.packs import PackStore


@pytest.fixture(scope="session")
def build(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Converter]:
    """Makes converters over one temporary store of packs and books; an empty store where none are at hand."""
    home = tmp_path_factory.mktemp("properties")
    try:
        packs, books = request.getfixturevalue("packs_source"), request.getfixturevalue("nsi_source")
    except pytest.skip.Exception:
        pass
    else:
        PackStore(home / "packs").install(packs)
        import_folder(books, home / "nsi")

    def converter() -> Converter:
        catalogue = Catalogue()
        store = BookStore(home / "nsi", catalogue)
        checker = Checker(
            PackStore(home / "packs"),
            store,
            catalogue=catalogue,
            cache=home / "schematron",
            today=lambda: date(2026, 11, 24),
        )
        return Converter(catalogue, store, load_organisation(catalogue), checker=checker, cache=home / "templates")

    return converter


@pytest.fixture(scope="session")
def converter(build: Callable[[], Converter]) -> Converter:
    return build()
