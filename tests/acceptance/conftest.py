"""Converters over the Ministry's packs and books, on a day that does not move."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from adapter.catalogue import Catalogue
from adapter.convert import Converter
from adapter.nsi import BookStore
from adapter.nsi.importer import import_folder
from adapter.organisation import load_organisation
from conformance import Checker
from conformance.packs import PackStore


@pytest.fixture(scope="session")
def build(packs_source: Path, nsi_source: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Converter]:
    """Makes converters over one temporary store of packs and books."""
    home = tmp_path_factory.mktemp("examples")
    PackStore(home / "packs").install(packs_source)
    import_folder(nsi_source, home / "nsi")

    def converter() -> Converter:
        catalogue = Catalogue()
        books = BookStore(home / "nsi", catalogue)
        checker = Checker(
            PackStore(home / "packs"),
            books,
            catalogue=catalogue,
            cache=home / "schematron",
            today=lambda: date(2026, 11, 24),
        )
        return Converter(catalogue, books, load_organisation(catalogue), checker=checker, cache=home / "templates")

    return converter


@pytest.fixture(scope="session")
def converter(build: Callable[[], Converter]) -> Converter:
    return build()
