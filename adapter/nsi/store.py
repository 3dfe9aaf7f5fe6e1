"""Looking books up: fast, read-only, safe for many threads and processes.

A store is a snapshot: what it answered once it answers for ever. After an import make a new one.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import zlib
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

import orjson

from adapter.catalogue import Catalogue
from adapter.errors import BookError
from adapter.nsi.model import PAGE_ROWS, Column, Passport, oid_key, version_key
from adapter.nsi.policy import Override, Policy, load_policy
from adapter.nsi.writer import FILE, FORMAT, unpack_values

_EMPTY: Mapping[str, str | None] = MappingProxyType({})


class _Database:
    """The file behind a store. A process that was forked opens its own connection."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._pid = 0
        self._connection: sqlite3.Connection | None = None

    def query(self, sql: str, *arguments: object) -> list[tuple[Any, ...]]:
        """Rows of a query; none where the file does not exist."""
        with self._lock:
            if self._pid != os.getpid():
                self._connection = self._open()
                self._pid = os.getpid()
            if self._connection is None:
                return []
            try:
                return self._connection.execute(sql, arguments).fetchall()
            except sqlite3.Error as error:
                raise self.broken(error) from error

    def _open(self) -> sqlite3.Connection | None:
        if not self.path.is_file():
            return None
        try:
            # The file is replaced by a rename and never changed, so SQLite need not lock it.
            uri = f"{self.path.absolute().as_uri()}?mode=ro&immutable=1"
            connection = sqlite3.connect(uri, uri=True, check_same_thread=False)
            (version,) = connection.execute("PRAGMA user_version").fetchone()
        except sqlite3.Error as error:
            raise self.broken(error) from error
        if version != FORMAT:
            connection.close()
            raise self.broken(f"format {version}, expected {FORMAT}")
        return connection

    def broken(self, reason: object) -> BookError:
        return BookError(f"{self.path}: the store of books is broken ({reason}): delete it and import the books again")


class Book:
    """A reference book in one version.

    Attributes:
        oid, version: by which it was asked for.
        full_name: name by the passport.
        code_system_name: what a document must carry in ``codeSystemName`` (the full name, unless overridden).
        key_column, value_column: columns of ``@code`` and ``@displayName`` in force, ``None`` where the book
            has none.
        complete: the rows are stored here; otherwise only the passport is.
        skip: nothing is compared with this book.
        skip_display_name: code and ``codeSystemName`` are compared, ``displayName`` is not.
        codes: code → display name. If a code repeats, the last row read wins; rows with a null code or a null
            name do not count. Without a value column all names are ``None``. Empty without rows.
        exact: ``codes`` where a code and its display name must agree exactly, empty where that is not
            compared: the one lookup of the accepting path.
    """

    __slots__ = (
        "_database", "_id", "_positions", "code_system_name", "codes", "complete", "exact", "full_name",
        "key_column", "oid", "passport", "skip", "skip_display_name", "value_column", "version",
    )  # fmt: skip

    def __init__(
        self, database: _Database, book_id: int, passport: Passport, complete: bool, override: Override
    ) -> None:
        names = {column.name for column in passport.columns}
        key, value = override.key or passport.primary, override.value or passport.value
        self._database = database
        self._id = book_id
        self._positions: dict[str, int] | None = None
        self.passport = passport
        self.oid, self.version, self.full_name = passport.oid, passport.version, passport.full_name
        self.code_system_name = override.full_name or passport.full_name
        self.key_column = key if key in names else None
        self.value_column = value if value in names else None
        self.complete = complete
        self.skip, self.skip_display_name = override.skip, override.skip_display_name
        self.codes: Mapping[str, str | None] = {code: name for _, code, name in self._entries()}
        self.exact = self.codes if self.comparable and not self.skip_display_name else _EMPTY

    @property
    def comparable(self) -> bool:
        """Whether a code can be looked up: rows, a key column and a value column are here, and no skip.

        Without a value column the Ministry's validator compares the name of the book only.
        """
        return self.complete and not self.skip and None not in (self.key_column, self.value_column)

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns, in the order of the passport."""
        return self.passport.columns

    def values(self, column: str) -> list[str | None]:
        """All values of a column in the order of the rows, read from the store; empty where there is none."""
        pages = self._database.query(
            "SELECT data FROM pages WHERE book = ? AND field = ? ORDER BY page", self._id, column
        )
        return [value for (data,) in pages for value in self._unpack(data)]

    def row(self, code: str) -> Mapping[str, str | None] | None:
        """All columns of the row that ``codes`` speaks of; ``None`` where the code is unknown."""
        if self._positions is None:
            self._positions = {code: position for position, code, _ in self._entries()}
        position = self._positions.get(code)
        if position is None:
            return None
        page, number = divmod(position, PAGE_ROWS)
        found = self._database.query("SELECT field, data FROM pages WHERE book = ? AND page = ?", self._id, page)
        cells = {field: self._unpack(data)[number] for field, data in found}
        return {column.name: cells.get(column.name) for column in self.columns}

    def _entries(self) -> Iterator[tuple[int, str, str | None]]:
        """(position of the row, code, name) of the rows that count."""
        if not self.complete or self.key_column is None:
            return
        keys = self.values(self.key_column)
        names = self.values(self.value_column) if self.value_column is not None else [None] * len(keys)
        for position, (code, name) in enumerate(zip(keys, names, strict=True)):
            if code is not None and (name is not None or self.value_column is None):
                yield position, code, name

    def _unpack(self, data: bytes) -> list[str | None]:
        try:
            return unpack_values(data)
        except (zlib.error, TypeError, orjson.JSONDecodeError) as error:
            raise self._database.broken(error) from error


class BookStore:
    """The imported books of a folder.

    Where the folder or the file in it is absent, everything answers ``None`` or nothing, and nothing fails.
    The file is opened at the first question. Instances are safe to share between threads.

    Args:
        root: the folder that ``egisz nsi import`` wrote.
        catalogue: where ``mappings/books.yaml`` is taken from; the built-in one by default.
    """

    def __init__(self, root: Path, catalogue: Catalogue | None = None) -> None:
        self.root = root
        self._catalogue = catalogue
        self._database = _Database(root / FILE)
        self._lock = threading.RLock()
        self._books: dict[tuple[str, str], Book | None] = {}

    @cached_property
    def policy(self) -> Policy:
        """How coded elements are checked.

        Raises:
            UsageError: ``mappings/books.yaml`` is broken.
        """
        return load_policy(self._catalogue or Catalogue())

    def book(self, oid: str, version: str) -> Book | None:
        """The book of that OID and version, loaded at the first question and kept.

        Args:
            oid: full OID. An older OID of a book finds only what was imported under it.
            version: exactly as quoted.

        Raises:
            BookError: the store is broken.
        """
        try:
            return self._books[oid, version]
        except KeyError:
            return self._load(oid, version)

    def versions(self, oid: str) -> tuple[str, ...]:
        """Stored versions of a book, oldest first; empty where it is absent."""
        return self._versions.get(oid, ())

    def books(self) -> list[tuple[str, str]]:
        """(OID, version) of everything stored, in order."""
        return sorted(self._index, key=lambda key: (oid_key(key[0]), version_key(key[1])))

    def is_complete(self, oid: str, version: str) -> bool:
        """Whether that version is stored with its rows; does not load it."""
        entry = self._index.get((oid, version))
        return entry is not None and entry[2]

    def passport(self, oid: str, version: str) -> Passport | None:
        """The passport of that version, without loading rows."""
        entry = self._index.get((oid, version))
        return None if entry is None else entry[1]

    @cached_property
    def _index(self) -> dict[tuple[str, str], tuple[int, Passport, bool]]:
        index = {}
        for book_id, complete, data in self._database.query("SELECT id, complete, passport FROM passports"):
            try:
                passport = _passport(data)
            except (orjson.JSONDecodeError, TypeError, KeyError) as error:
                raise self._database.broken(error) from error
            index[passport.oid, passport.version] = (book_id, passport, bool(complete))
        return index

    @cached_property
    def _versions(self) -> dict[str, tuple[str, ...]]:
        versions: dict[str, tuple[str, ...]] = {}
        for oid, version in self.books():
            versions[oid] = (*versions.get(oid, ()), version)
        return versions

    def _load(self, oid: str, version: str) -> Book | None:
        with self._lock:
            key = (oid, version)
            entry = self._index.get(key)
            if entry is None:
                # Not remembered: what a document quotes has no bound.
                return None
            if key not in self._books:
                self._books[key] = Book(self._database, *entry, self.policy.override(oid))
            return self._books[key]


def _passport(data: bytes) -> Passport:
    fields = orjson.loads(data)
    return Passport(
        **{
            **fields,
            "columns": tuple(Column(**column) for column in fields["columns"]),
            "other_oids": tuple(fields["other_oids"]),
        }
    )
