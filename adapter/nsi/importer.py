"""Import of books from a folder in the REST form: ``<oid>/<version>/passport.json`` and ``partK.json``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from adapter.errors import BookError, UsageError
from adapter.nsi.model import Passport, is_oid
from adapter.nsi.rest import Page, decode_page, decode_passport
from adapter.nsi.writer import writing

#: Called before each book: books done, books in all, short label of the next one.
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What an import stored: versions in all, of them without rows, and rows."""

    versions: int
    books: int
    passport_only: int
    rows: int


def import_folder(source: Path, root: Path, progress: Progress = lambda _done, _total, _label: None) -> ImportResult:
    """Import every passport under ``source`` into the store at ``root``, all or none.

    A version that is stored already is replaced, others stay. A version of which a page is missing is stored
    as a passport without rows.

    Args:
        source: the folder of all books, of one book, or of one version.
        root: folder of the store, made if needed.
        progress: told of each book before it is read.

    Raises:
        UsageError: there is no passport under ``source``.
        BookError: a file is broken (the message names it), or the store cannot be written. Nothing is
            changed.
    """
    files = sorted(source.glob("**/passport.json"))
    if not files:
        raise UsageError(f"no passport.json under {source}")
    books: set[str] = set()
    passport_only = rows = 0
    with writing(root) as writer:
        for done, file in enumerate(files):
            passport = _passport(file)
            progress(done, len(files), f"{passport.oid} {passport.version}")
            parts = _parts(file.parent, passport)
            writer.add(passport, None if parts is None else _pages(parts))
            books.add(passport.oid)
            if parts is None:
                passport_only += 1
            else:
                rows += passport.rows_count
        progress(len(files), len(files), "")
    return ImportResult(versions=len(files), books=len(books), passport_only=passport_only, rows=rows)


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise BookError(f"{file}: cannot be read: {error.strerror}") from error


def _passport(file: Path) -> Passport:
    """The passport, under the OID by which it was asked for.

    That OID is the name of the folder: asked for an older OID, ФНСИ answers with the passport of the current
        one.
    """
    passport = decode_passport(_read(file), str(file))
    version, asked = file.resolve().parent.name, file.resolve().parent.parent.name
    if not is_oid(asked):
        return passport
    if asked not in (passport.oid, *passport.other_oids) or version != passport.version:
        raise BookError(
            f"{file}: the passport is of {passport.oid} version {passport.version}, the folder says otherwise"
        )
    if asked == passport.oid:
        return passport
    others = (passport.oid, *(oid for oid in passport.other_oids if oid != asked))
    return replace(passport, oid=asked, other_oids=others)


def _parts(folder: Path, passport: Passport) -> list[Path] | None:
    """The files of rows in order, ``None`` where one is missing."""
    parts: list[Path] = []
    for number in range(1, passport.pages + 1):
        part = folder / f"part{number}.json"
        if not part.is_file():
            return None
        parts.append(part)
    return parts


def _pages(parts: list[Path]) -> Iterator[tuple[int, Page]]:
    for part in parts:
        yield decode_page(_read(part), str(part))
