"""Codes completed: from a code of a reference book to the five attributes that a document carries.

Where a display name comes from, in this order: the imported book (the version that ``pins`` of the vocabulary fixes,
else the newest one that is stored with its rows), ``mappings/vocabulary.yaml``, the sender. The first that knows the
book decides: a code that an imported book does not have is not looked for elsewhere, unless the sender quotes a newer
version than the one that is here.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from adapter.catalogue import Catalogue, read_plain
from adapter.errors import UsageError
from adapter.facts import Coding, Null
from adapter.nsi.model import expand_oid, version_key
from adapter.nsi.store import Book, BookStore

FILE: Final = "mappings/vocabulary.yaml"


#: Translations that are remembered.
_KEPT: Final = 20_000

Fold = Callable[[str], str]


class BorrowedCoding(Coding):
    """A coding whose display name or version was taken from the sender (finding MAP06)."""

    __slots__ = ()


class Entry(NamedTuple):
    """A book of the vocabulary: name, version, display names by code, and whether the book has more codes."""

    name: str
    version: str
    codes: Mapping[str, str]
    partial: bool = False


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """``mappings/vocabulary.yaml``; full OIDs everywhere.

    Attributes:
        books: what stands in for a book that is not imported.
        pins: versions that a schema fixes.
        keys: column of the code where it is not the one that is compared.
        columns: (book, column) → what foreign code stands for which code, before the column of the book is read.
    """

    books: Mapping[str, Entry]
    pins: Mapping[str, str]
    keys: Mapping[str, str]
    columns: Mapping[tuple[str, str], Mapping[str, str]]


class _Names(NamedTuple):
    """Where the display names of a book come from: an imported book, or the vocabulary."""

    name: str
    version: str
    codes: Mapping[str, str | None]
    book: Book | None
    whole: bool


class Terms:
    """Codes of the reference books, complete; keep one for the process, since it remembers what it found.

    Args:
        books: the imported books.
        vocabulary: see `load_vocabulary`.
    """

    def __init__(self, books: BookStore, vocabulary: Vocabulary) -> None:
        self._books = books
        self._vocabulary = vocabulary
        self._found: dict[tuple[str, str], Coding] = {}
        self._names: dict[str, _Names | None] = {}
        self._columns: dict[tuple[str, str, Fold | None], Mapping[str, list[str]]] = {}
        self._cells: dict[tuple[str, str], dict[str, str]] = {}
        self._quoted: Mapping[str, str] | None = None
        #: What concept maps made of codes: id of the map and the codes as sent → a coding, or a null.
        self.translations: dict[tuple[str, tuple[Any, ...]], Coding | Null] = {}

    def remember(self, concept: str, given: tuple[Any, ...], found: Coding | Null) -> None:
        """Keep what a concept map made of codes; what senders write has no bound, what is kept has."""
        if len(self.translations) >= _KEPT:
            self.translations.clear()
        self.translations[concept, given] = found

    def quoting(self, versions: Mapping[str, str]) -> Terms:
        """The same books, but a code keeps the version that the sender quotes with it.

        Where the version is imported the name is that version's; else the sender's, and a name that differs from the
        one that is known here makes a `BorrowedCoding`. Versions that a schema fixes stay fixed.

        Args:
            versions: OID of a book → its version for codes without one.
        """
        terms = copy.copy(self)
        terms._quoted = versions
        terms.translations = {}
        return terms

    def for_other_maps(self) -> Terms:
        """The same books, for concept maps that are not those that were asked before."""
        terms = copy.copy(self)
        terms.translations = {}
        return terms

    def coding(
        self, system: str, code: str, *, version: str | None = None, display: str | None = None
    ) -> Coding | None:
        """A code of a book, complete; ``None`` where the book has no such code, or nothing here knows its name.

        Args:
            system: full OID of the book.
            code: the code, exactly.
            version: version of the book that the sender quotes; only used where the sender's name is.
            display: the sender's name of the code.

        Returns:
            A `BorrowedCoding` where the name is the sender's.
        """
        found = self._found.get((system, code))
        if found is None:
            found = self._complete(system, code, version, display)
        return found if self._quoted is None else self._as_quoted(system, code, version, display, found)

    def find(self, system: str, column: str, value: str, *, fold: Fold | None = None) -> list[str]:
        """Codes of the rows that have ``value`` in ``column``, in the order of the book.

        What the vocabulary says of a value (``columns``) goes before the book. A cell may list several values, divided
        by ``;``: each of them counts, and the cell as a whole. Of a book that is not imported only the display names
        are known, if all are.

        Args:
            fold: makes spellings that mean the same equal; a module's function, since it is remembered.
        """
        index = self._columns.get((system, column, fold))
        if index is None:
            index = self._columns[system, column, fold] = self._index(system, column, fold or str)
        value = value.strip()
        return list(index.get(fold(value) if fold else value, ()))

    def cell(self, system: str, code: str, column: str) -> str | None:
        """What the row of ``code`` has in ``column``, else the first value that the vocabulary has for the code."""
        cells = self._cells.get((system, column))
        if cells is None:
            cells = {code: cell for code, cell in self._rows(system, column) if cell}
            for value, of in self._vocabulary.columns.get((system, column), {}).items():
                cells.setdefault(of, value)
            self._cells[system, column] = cells
        return cells.get(code)

    @staticmethod
    def borrowed(coding: Coding) -> bool:
        """Whether the display name or the version of a coding is the sender's."""
        return isinstance(coding, BorrowedCoding)

    def version(self, system: str) -> str | None:
        """The version that codes of the book are completed from; ``None`` where the book is unknown here."""
        names = self._book(system)
        return None if names is None else names.version

    def imported(self, system: str) -> bool:
        """Whether the rows of the book are here, so that :meth:`find` can look in its columns."""
        names = self._book(system)
        return names is not None and names.book is not None

    def whole(self, system: str) -> bool:
        """Whether all codes of the book are known here."""
        names = self._book(system)
        return names is not None and names.whole

    def _complete(self, system: str, code: str, version: str | None, display: str | None) -> Coding | None:
        names = self._book(system)
        if names is not None:
            known = names.codes.get(code)
            if known is not None:
                coding = Coding(code, system, names.name, names.version, known)
                self._found[system, code] = coding
                return coding
            if names.whole and not _newer(version, names.version):
                return None
        if not code or not display or not version:
            return None
        # The name of a book does not change with its versions, so any version that is stored tells it.
        name = names.name if names is not None else self._passport_name(system)
        return BorrowedCoding(code, system, name, version, display) if name else None

    def _as_quoted(
        self, system: str, code: str, version: str | None, display: str | None, known: Coding | None
    ) -> Coding | None:
        """A code in the version that is quoted, where ``known`` is another one."""
        assert self._quoted is not None
        wanted = version or self._quoted.get(system)
        if wanted is None or system in self._vocabulary.pins or (known is not None and known.version == wanted):
            return known
        if self._books.is_complete(system, wanted):
            book = self._books.book(system, wanted)
            name = book.codes.get(code) if book is not None and system not in self._vocabulary.keys else None
            if book is not None and name is not None:
                return Coding(code, system, book.code_system_name, wanted, name)
        if known is not None and display in (None, "", known.display):
            return known._replace(version=wanted)
        names = self._book(system)
        full = known.system_name if known is not None else names.name if names is not None else ""
        return BorrowedCoding(code, system, full, wanted, display) if full and display else known

    def _book(self, system: str) -> _Names | None:
        try:
            return self._names[system]
        except KeyError:
            found = self._imported(system) or self._built_in(system)
            # Not remembered where unknown: what a sender writes as a system has no bound.
            if found is not None:
                self._names[system] = found
            return found

    def _imported(self, system: str) -> _Names | None:
        pin = self._vocabulary.pins.get(system)
        versions = (pin,) if pin is not None else reversed(self._books.versions(system))
        version = next((version for version in versions if self._books.is_complete(system, version)), None)
        book = self._books.book(system, version) if version is not None else None
        if book is None or book.value_column is None:
            return None
        codes = book.codes
        key = self._vocabulary.keys.get(system)
        if key is not None:
            cells = zip(book.values(key), book.values(book.value_column), strict=True)
            codes = {code: name for code, name in cells if code is not None}
        return _Names(book.code_system_name, book.version, codes, book, whole=True)

    def _built_in(self, system: str) -> _Names | None:
        entry = self._vocabulary.books.get(system)
        return None if entry is None else _Names(*entry[:3], None, whole=not entry.partial)

    def _passport_name(self, system: str) -> str:
        for version in reversed(self._books.versions(system)):
            passport = self._books.passport(system, version)
            if passport is not None:
                return self._books.policy.override(system).full_name or passport.full_name
        return ""

    def _rows(self, system: str, column: str) -> Iterator[tuple[str, str]]:
        """(code, cell) of the rows whose code counts."""
        names = self._book(system)
        if names is None:
            return
        book = names.book
        cells: list[tuple[str | None, str | None]] = []
        if book is not None and book.key_column is not None:
            cells.extend(zip(book.values(book.key_column), book.values(column), strict=False))
        elif names.whole and column in {"NAME", "Name", self._books.policy.override(system).value}:
            # Not of a part of a book: a name that occurs once in it may occur twice in the book.
            cells.extend(names.codes.items())
        for code, cell in cells:
            if code is not None and cell is not None and code in names.codes:
                yield code, cell.strip()

    def _index(self, system: str, column: str, fold: Fold) -> Mapping[str, list[str]]:
        index = dict[str, list[str]]()
        for code, cell in self._rows(system, column):
            for value in dict.fromkeys((cell, *(part.strip() for part in cell.split(";")))):
                codes = index.setdefault(fold(value), [])
                if code not in codes:
                    codes.append(code)
        fixed = self._vocabulary.columns.get((system, column), {})
        return index | {fold(value): [code] for value, code in fixed.items()}


def _newer(version: str | None, than: str) -> bool:
    return version is not None and version_key(version) > version_key(than)


def load_vocabulary(catalogue: Catalogue) -> Vocabulary:
    """Read ``mappings/vocabulary.yaml``, and ``mappings/vocabulary/*.yaml``, which add books, or codes to a book.

    Raises:
        UsageError: a file is not readable as a vocabulary, or adds to another version of a book.
    """
    vocabulary = Vocabulary({}, {}, {}, {})
    for path in catalogue.parts(FILE).values():
        data = read_plain(path)
        try:
            vocabulary = _added(vocabulary, data)
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise UsageError(f"{path}: not a vocabulary: {type(error).__name__}: {error}") from error
    return vocabulary


def _added(to: Vocabulary, data: Mapping[str, Any]) -> Vocabulary:
    columns = {
        (expand_oid(oid), column): {str(value): str(code) for value, code in cells.items()}
        for oid, columns in data.get("columns", {}).items()
        for column, cells in columns.items()
    }
    return Vocabulary(
        books={**to.books, **{oid: _entry(facts, to.books.get(oid)) for oid, facts in _by_oid(data, "books").items()}},
        pins={**to.pins, **{oid: str(version) for oid, version in _by_oid(data, "pins").items()}},
        keys={**to.keys, **{oid: str(column) for oid, column in _by_oid(data, "keys").items()}},
        columns={**to.columns, **columns},
    )


def _by_oid(data: Mapping[str, Any], part: str) -> dict[str, Any]:
    return {expand_oid(oid): facts for oid, facts in data.get(part, {}).items()}


def _entry(facts: Mapping[str, Any], known: Entry | None) -> Entry:
    codes = {str(code): str(name) for code, name in facts["codes"].items()}
    version = str(facts["version"])
    if known is None:
        return Entry(str(facts["name"]), version, codes, facts.get("partial", False) is True)
    if version != known.version:
        raise ValueError(f"version {version} of «{known.name}», of which {known.version} is here")
    return known._replace(codes={**known.codes, **codes})
