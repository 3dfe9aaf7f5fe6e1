"""What is installed and what uses it: books, packs, kinds, and the mappings over them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path

from adapter.catalogue import Catalogue
from adapter.documents.kinds import Kind, load_kinds
from adapter.findings import Finding
from adapter.mapping.mappings import Mappings
from adapter.mapping.model import Field, MapSpec
from adapter.nsi import BookStore
from adapter.nsi.model import Passport, oid_key
from adapter.nsi.terms import load_vocabulary
from adapter.settings import Settings
from conformance.packs import PackStore


@dataclass(frozen=True, slots=True)
class ShelvedBook:
    """A book that is installed or used.

    Attributes:
        versions: what is installed, the newest first, each with whether its rows are here; empty where none is.
        users: documents and messages whose mappings name it.
    """

    oid: str
    name: str
    versions: Sequence[tuple[Passport, bool]]
    users: Sequence[str]


@dataclass(frozen=True, slots=True)
class ShelvedKind:
    """A kind of document that is made, or that a pack is installed for.

    Attributes:
        kind: ``None`` where only the pack knows it.
        editions: labels of the installed packs, the one in use first.
        made: there is a mapping that makes it.
        books: what that mapping uses.
    """

    code: str
    kind: Kind | None
    editions: Sequence[str]
    made: bool
    books: Sequence[str]

    def status(self, day: date) -> str:
        """``open``, ``closed``, ``future`` or ``unknown``."""
        if self.kind is None:
            return "unknown"
        if self.kind.open_on(day):
            return "open"
        return "future" if day < self.kind.start else "closed"


@dataclass(frozen=True, slots=True)
class Shelf:
    """Everything of the page."""

    books: Sequence[ShelvedBook]
    kinds: Sequence[ShelvedKind]
    problems: Sequence[Finding]
    store: BookStore


@dataclass(frozen=True, slots=True)
class Uses:
    """What mappings use.

    Attributes:
        books: document or message → OIDs of the books that its mapping names.
        documents: kinds that are made.
    """

    books: Mapping[str, Sequence[str]]
    documents: frozenset[str]


@lru_cache(maxsize=4)
def uses_of(folder: Path | None) -> Uses:
    """What the mappings of a catalogue use; read once, as a service reads its catalogue.

    Raises:
        MappingError: the catalogue is wrong.
    """
    mappings = Mappings.load(Catalogue(folder))
    specs = mappings.documents | mappings.registers
    books = {name: sorted(_books_of(spec, mappings), key=oid_key) for name, spec in specs.items()}
    return Uses(books, frozenset(mappings.documents))


def read_shelf(settings: Settings) -> Shelf:
    """Look at what is installed.

    Raises:
        EgiszError: the catalogue or the store of books is broken.
    """
    catalogue = Catalogue(settings.catalogue)
    uses, vocabulary = uses_of(settings.catalogue), load_vocabulary(catalogue)
    store, inventory = BookStore(settings.nsi_dir, catalogue), PackStore(settings.packs_dir).inventory()
    used: dict[str, list[str]] = {}
    for name, oids in uses.books.items():
        for oid in oids:
            used.setdefault(oid, []).append(name)
    books = []
    for oid in sorted({oid for oid, _ in store.books()} | set(used), key=oid_key):
        versions = [(store.passport(oid, version), store.is_complete(oid, version)) for version in store.versions(oid)]
        here = [(passport, complete) for passport, complete in reversed(versions) if passport is not None]
        entry = vocabulary.books.get(oid)
        name = here[0][0].full_name if here else entry.name if entry else ""
        books.append(ShelvedBook(oid, name, here, sorted(used.get(oid, ()), key=_by_number)))
    editions: dict[str, list[str]] = {}
    for one in sorted(inventory.editions, key=lambda one: not one.active):
        editions.setdefault(one.pack.kind, []).append(one.pack.label)
    known = {kind.code: kind for kind in load_kinds(catalogue)}
    kinds = [
        ShelvedKind(code, known.get(code), editions.get(code, ()), code in uses.documents, uses.books.get(code, ()))
        for code in sorted(set(editions) | uses.documents, key=_by_number)
    ]
    return Shelf(books, kinds, inventory.problems, store)


def _by_number(name: str) -> tuple[bool, str]:
    return not name.isdecimal(), name.zfill(6)


def _books_of(spec: MapSpec, mappings: Mappings, seen: frozenset[str] = frozenset()) -> set[str]:
    """OIDs of the books that a map names, by concept maps or as constants, with the maps that it uses."""
    found: set[str] = set()
    for rule in _rules(spec):
        if rule.concept:
            found.add(mappings.concepts[rule.concept].target)
        if rule.coding is not None:
            found.add(rule.coding[0])
        if rule.use in mappings.maps and rule.use not in seen:
            found |= _books_of(mappings.maps[rule.use], mappings, seen | {rule.use})
    return {oid for oid in found if oid[:1].isdecimal()}


def _rules(spec: MapSpec | Field) -> Iterator[Field]:
    parts: Mapping[str, Field] = {**{f"let {name}": one for name, one in spec.let.items()}, **spec.fields}
    for rule in parts.values():
        yield rule
        yield from _rules(rule)
