"""Import: counts, atomicity, broken files, older OIDs."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from adapter.errors import BookError, UsageError
from adapter.nsi import BookStore, Column, Passport
from adapter.nsi.importer import ImportResult, import_folder
from adapter.nsi.writer import writing

OID = "1.2.643.5.1.13.13.99.2.7001"
ROWS = [{"ID": "2", "NAME": "два"}, {"ID": "1", "NAME": "один"}]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store"


def many(number: int) -> list[dict[str, str | None]]:
    return [{"ID": str(i), "NAME": f"имя {i}"} for i in range(number)]


def test_counts_and_progress(make_book, rest, store):
    make_book(ROWS)
    make_book(many(4001), version="1.2")
    make_book(many(2000), oid=f"{OID}1", rows_count=2001)
    seen = []
    result = import_folder(rest, store, lambda *step: seen.append(step))
    assert result == ImportResult(versions=3, books=2, passport_only=1, rows=4003)
    assert [step[:2] for step in seen] == [(0, 3), (1, 3), (2, 3), (3, 3)]
    books = BookStore(store)
    assert books.versions(OID) == ("1.1", "1.2")
    book = books.book(OID, "1.2")
    assert len(book.codes) == 4001
    for code in ("0", "1999", "2000", "4000"):
        assert book.row(code) == {"ID": code, "NAME": f"имя {code}"}
    assert books.is_complete(OID, "1.1")
    assert not books.is_complete(f"{OID}1", "1.1")


@pytest.mark.parametrize("depth", ["root", "book", "version"])
def test_any_level_of_the_folder_may_be_given(make_book, rest, store, depth):
    version = make_book(ROWS)
    import_folder({"root": rest, "book": version.parent, "version": version}[depth], store)
    assert BookStore(store).book(OID, "1.1").codes == {"1": "один", "2": "два"}


def test_again_replaces_the_version_and_keeps_the_others(make_book, rest, store):
    make_book(many(2500))
    make_book(ROWS, version="1.2")
    import_folder(rest, store)
    target = make_book([{"ID": "9", "NAME": "девять"}])
    import_folder(target, store)
    books = BookStore(store)
    assert books.book(OID, "1.1").codes == {"9": "девять"}
    assert books.book(OID, "1.2").codes == {"1": "один", "2": "два"}
    with sqlite3.connect(store / "books.sqlite") as db:
        orphans = db.execute("SELECT count(*) FROM pages WHERE book NOT IN (SELECT id FROM passports)")
        assert orphans.fetchone() == (0,)


def test_an_older_oid_is_stored_under_the_oid_asked_for(make_book, rest, store):
    older = "1.2.643.5.1.13.13.11.7009"
    make_book(ROWS, folder=older, other=[older, "1.2.643.5.1.13.2.1.1.700"])
    import_folder(rest, store)
    books = BookStore(store)
    assert books.books() == [(older, "1.1")]
    assert books.passport(older, "1.1").other_oids == (OID, "1.2.643.5.1.13.2.1.1.700")
    assert books.book(OID, "1.1") is None


def test_a_folder_that_names_another_book_is_refused(make_book, rest, store):
    target = make_book(ROWS, folder="1.2.643.5.1.13.13.11.7009")
    with pytest.raises(BookError, match="the folder says otherwise") as caught:
        import_folder(rest, store)
    assert str(target / "passport.json") in str(caught.value)


BROKEN = [
    ("passport.json", b"{", "not JSON"),
    ("passport.json", b"[]", "not a JSON object"),
    ("passport.json", b'{"result": "ERROR", "resultText": "x"}', "result is not OK"),
    ("passport.json", b'{"result": "OK"}', "rowsCount"),
    ("passport.json", b'{"result": "OK", "rowsCount": -1}', "rowsCount"),
    ("passport.json", b'{"result": "OK", "rowsCount": 2, "oid": 5}', "oid"),
    ("passport.json", b'{"result": "OK", "rowsCount": 2, "oid": "1.2", "fields": [1]}', "fields"),
    ("part1.json", b"\xff", "not JSON"),
    ("part1.json", b'{"result": "FAIL", "list": []}', "result is not OK"),
    ("part1.json", b'{"result": "OK"}', "list"),
    ("part1.json", b'{"result": "OK", "list": [[], [{"column": "ID"}]]}', "row 2"),
    ("part1.json", b'{"result": "OK", "list": [5]}', "row 1"),
    ("part1.json", b'{"result": "OK", "list": [[{"column": "ID", "value": 1}]]}', "neither a text nor null"),
    ("part1.json", b'{"result": "OK", "list": [[{"column": null, "value": "1"}]]}', "column name"),
]


@pytest.mark.parametrize(("name", "content", "what"), BROKEN, ids=[f"{n}-{w}" for n, _, w in BROKEN])
def test_a_broken_file_is_named_and_changes_nothing(make_book, rest, store, name, content, what):
    make_book(ROWS, version="1.0")
    import_folder(rest, store)
    before = (store / "books.sqlite").read_bytes()
    make_book(ROWS, version="0.9")
    target = make_book(ROWS, version="2.1")
    (target / name).write_bytes(content)
    with pytest.raises(BookError, match=what) as caught:
        import_folder(rest, store)
    assert str(target / name) in str(caught.value)
    assert (store / "books.sqlite").read_bytes() == before
    assert not (store / "books.sqlite.new").exists()


@pytest.mark.parametrize("rows_count", [1, 3])
def test_pages_that_disagree_with_the_passport_are_refused(make_book, rest, store, rows_count):
    make_book(ROWS, rows_count=rows_count)
    with pytest.raises(BookError, match=f"{OID} version 1.1: the passport says {rows_count} rows"):
        import_folder(rest, store)
    assert not (store / "books.sqlite").exists()


def test_pages_of_another_size_are_refused(make_book, rest, store):
    """Rows are found by their number on a page, so the sum alone is not enough."""
    make_book(many(2001), size=1999)
    with pytest.raises(BookError, match="page 1 holds 1999, not 2000"):
        import_folder(rest, store)


def test_too_few_pages_are_refused(store):
    passport = Passport(OID, "1.1", "x", 3, (Column("ID"),), "ID")
    with pytest.raises(BookError, match="the pages hold 0"), writing(store) as writer:
        writer.add(passport, [])


def test_an_empty_book_is_complete(make_book, rest, store):
    make_book([])
    import_folder(rest, store)
    book = BookStore(store).book(OID, "1.1")
    assert book.complete
    assert book.codes == {}


def test_a_missing_column_is_null_and_an_unknown_one_is_not_kept(make_book, rest, store):
    rows = [{"ID": "1", "NAME": "один", "EXTRA": "x"}, {"ID": "2", "NAME": "два", "EXTRA": "y"}]
    make_book(rows, columns=["ID", "NAME", "ATC"])
    import_folder(rest, store)
    assert BookStore(store).book(OID, "1.1").row("2") == {"ID": "2", "NAME": "два", "ATC": None}


def test_nothing_to_import(tmp_path, store):
    with pytest.raises(UsageError, match=r"no passport\.json"):
        import_folder(tmp_path, store)


def test_a_store_of_another_format_is_not_touched(make_book, rest, store):
    make_book(ROWS)
    store.mkdir()
    with sqlite3.connect(store / "books.sqlite") as db:
        db.execute("PRAGMA user_version = 99")
    before = (store / "books.sqlite").read_bytes()
    with pytest.raises(BookError, match="another version of this program"):
        import_folder(rest, store)
    assert (store / "books.sqlite").read_bytes() == before


def test_a_leftover_of_a_crash_is_no_hindrance(make_book, rest, store):
    make_book(ROWS)
    store.mkdir()
    (store / "books.sqlite.new").write_bytes(b"half of a file")
    import_folder(rest, store)
    assert BookStore(store).versions(OID) == ("1.1",)


def test_the_store_is_compact(make_book, rest, store):
    target = make_book(many(6000))
    import_folder(rest, store)
    source = sum(len(json.dumps(json.loads(part.read_text()))) for part in target.glob("*.json"))
    assert (store / "books.sqlite").stat().st_size * 5 < source
