"""Converters over a store of packs and books, on a day that does not move."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

from adapter.catalogue import Catalogue
from adapter.convert import Converter
from adapter.nsi import BookStore
from adapter.nsi.importer import import_folder
from adapter.organisation import load_organisation
from conformance import Checker
from conformance.packs import PackStore


def fill(home: Path, packs: Path, books: Path) -> None:
    """Install packs and books into a temporary folder."""
    PackStore(home / "packs").install(packs)
    import_folder(books, home / "nsi")


def make(home: Path, routes: dict[str, tuple[str, ...] | bool | None] | None = None) -> Converter:
    """A converter over that folder; ``routes`` as :attr:`Organisation.routes`."""
    catalogue = Catalogue()
    books = BookStore(home / "nsi", catalogue)
    checker = Checker(
        PackStore(home / "packs"),
        books,
        catalogue=catalogue,
        cache=home / "schematron",
        today=lambda: date(2026, 11, 24),
    )
    organisation = load_organisation(catalogue)
    if routes is not None:
        organisation = replace(organisation, routes=routes)
    return Converter(catalogue, books, organisation, checker=checker, cache=home / "templates")
