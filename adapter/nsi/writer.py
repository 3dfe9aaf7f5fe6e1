"""Writing the local store of books: everything or nothing, one writer at a time.

The store is one SQLite file. Changes are made in a copy beside it, which takes its place by a rename: readers
see the old store or the new one, never a half of it.
"""

from __future__ import annotations

import shutil
import sqlite3
import zlib
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import orjson

from adapter.errors import BookError
from adapter.nsi.model import PAGE_ROWS, Passport
from adapter.nsi.rest import Page

FILE = "books.sqlite"
#: ``PRAGMA user_version`` of the file; raise it when the tables change.
FORMAT = 1

_TABLES = """
CREATE TABLE passports (
    id INTEGER PRIMARY KEY,
    oid TEXT NOT NULL,
    version TEXT NOT NULL,
    complete INTEGER NOT NULL,
    passport BLOB NOT NULL,
    UNIQUE (oid, version)
);
CREATE TABLE pages (
    book INTEGER NOT NULL REFERENCES passports (id),
    field TEXT NOT NULL,
    page INTEGER NOT NULL,
    data BLOB NOT NULL,
    PRIMARY KEY (book, field, page)
);
"""
# Rows are kept by column and page, each a compressed JSON list of values: a check reads two columns of a book
# and leaves the others where they are, and a row costs one page.


def pack_values(values: list[str | None]) -> bytes:
    """Values of one column on one page as bytes."""
    return zlib.compress(orjson.dumps(values), 6)


def unpack_values(data: bytes) -> list[str | None]:
    """The inverse of :func:`pack_values`."""
    values: list[str | None] = orjson.loads(zlib.decompress(data))
    return values


class StoreWriter:
    """Adds books to an open copy of the store; made by :func:`writing`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection

    def add(self, passport: Passport, pages: Iterable[tuple[int, Page]] | None) -> None:
        """Store a book, in place of the same version where it is there.

        Args:
            passport: its passport; ``passport.oid`` is the OID by which it is found.
            pages: (number of rows, page) in the order of the REST form, ``None`` for a passport without rows.
                Columns that the passport does not name are not kept; columns that a page lacks are null.

        Raises:
            BookError: the pages do not hold as many rows as the passport says. The version is then not
                stored.
        """
        with self._savepoint():
            for (old,) in self._db.execute(
                "SELECT id FROM passports WHERE oid = ? AND version = ?", (passport.oid, passport.version)
            ).fetchall():
                self._db.execute("DELETE FROM pages WHERE book = ?", (old,))
                self._db.execute("DELETE FROM passports WHERE id = ?", (old,))
            book = self._db.execute(
                "INSERT INTO passports (oid, version, complete, passport) VALUES (?, ?, ?, ?)",
                (passport.oid, passport.version, pages is not None, orjson.dumps(passport)),
            ).lastrowid
            left = passport.rows_count
            for number, (count, page) in enumerate(pages or ()):
                if count != min(left, PAGE_ROWS):
                    raise _wrong_count(passport, f"page {number + 1} holds {count}, not {min(left, PAGE_ROWS)}")
                left -= count
                self._db.executemany(
                    "INSERT INTO pages (book, field, page, data) VALUES (?, ?, ?, ?)",
                    [
                        (book, column.name, number, pack_values(page.get(column.name) or [None] * count))
                        for column in passport.columns
                    ],
                )
            if pages is not None and left:
                raise _wrong_count(passport, f"the pages hold {passport.rows_count - left}")

    @contextmanager
    def _savepoint(self) -> Iterator[None]:
        self._db.execute("SAVEPOINT book")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK TO book")
            raise
        finally:
            self._db.execute("RELEASE book")


def _wrong_count(passport: Passport, found: str) -> BookError:
    return BookError(
        f"{passport.oid} version {passport.version}: the passport says {passport.rows_count} rows, but {found}"
    )


@contextmanager
def writing(root: Path) -> Iterator[StoreWriter]:
    """Change the store under ``root``; nothing of it is seen before the block ends without an exception.

    Raises:
        BookError: the folder cannot be written, the store is broken or of another format, or another import
            does not end within a minute.
    """
    new = root / f"{FILE}.new"
    try:
        root.mkdir(parents=True, exist_ok=True)
        with _alone(root):
            try:
                with closing(_copy(root / FILE, new)) as db:
                    yield StoreWriter(db)
                    db.commit()
                new.replace(root / FILE)
            finally:
                new.unlink(missing_ok=True)
    except (sqlite3.Error, OSError) as error:
        raise BookError(f"{root}: the store of books cannot be written: {error}") from error


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    """A lock between processes that the system takes back if the holder dies: that of a SQLite file."""
    with closing(sqlite3.connect(root / "import.lock", timeout=60, isolation_level=None)) as lock:
        try:
            lock.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            raise BookError(f"{root}: another import is running: {error}") from error
        yield


def _copy(old: Path, new: Path) -> sqlite3.Connection:
    new.unlink(missing_ok=True)
    if old.exists():
        shutil.copyfile(old, new)
    db = sqlite3.connect(new, isolation_level=None)
    # A crash leaves only the copy behind, so its journal need not survive.
    db.execute("PRAGMA journal_mode = MEMORY")
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if version not in (0, FORMAT):
        db.close()
        raise BookError(f"{old}: made by another version of this program: delete it and import the books again")
    if version == 0:
        db.executescript(f"{_TABLES} PRAGMA user_version = {FORMAT};")
    db.execute("BEGIN")
    return db
