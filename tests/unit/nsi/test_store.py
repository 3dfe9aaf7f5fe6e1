"""Lookup: what a book answers, absent and broken stores, threads and processes."""

from __future__ import annotations

import multiprocessing
import sqlite3
from concurrent.futures import ThreadPoolExecutor

import pytest

from adapter.catalogue import Catalogue
from adapter.errors import BookError, UsageError
from adapter.nsi import BookStore, expand_oid, short_oid
from adapter.nsi.importer import import_folder
from adapter.nsi.policy import load_policy

OID = "1.2.643.5.1.13.13.99.2.7001"
ROOT = "1.2.643.5.1.13.13."


def test_short_oids():
    assert expand_oid("11.1005") == f"{ROOT}11.1005"
    assert expand_oid("99.2.48") == f"{ROOT}99.2.48"
    assert expand_oid("2.16.840.1") == "2.16.840.1"
    assert short_oid(f"{ROOT}99.2.48") == "99.2.48"
    assert short_oid("1.2.643.5.1.13.2.1.1.733") == "1.2.643.5.1.13.2.1.1.733"


def test_an_absent_store_answers_nothing(tmp_path):
    books = BookStore(tmp_path / "nowhere")
    assert books.book(OID, "1.1") is None
    assert books.versions(OID) == ()
    assert books.books() == []
    assert books.passport(OID, "1.1") is None
    assert not books.is_complete(OID, "1.1")
    assert not (tmp_path / "nowhere").exists()


def test_a_book(make_book, books):
    make_book([{"ID": "1", "NAME": "один", "ATC": "J07"}, {"ID": "2", "NAME": "два", "ATC": None}])
    store = books()
    book = store.book(OID, "1.1")
    assert (book.oid, book.version, book.full_name) == (OID, "1.1", "Учебный справочник")
    assert (book.key_column, book.value_column) == ("ID", "NAME")
    assert (book.complete, book.comparable, book.skip, book.skip_display_name) == (True, True, False, False)
    assert book.codes == {"1": "один", "2": "два"}
    assert book.values("ATC") == ["J07", None]
    assert book.row("1") == {"ID": "1", "NAME": "один", "ATC": "J07"}
    assert book.row("3") is None
    assert store.book(OID, "1.1") is book
    assert store.book(OID, "1.2") is None


def test_the_last_row_wins_and_rows_with_a_null_do_not_count(make_book, books):
    make_book(
        [
            {"ID": "1", "NAME": "действующее", "REL": "1"},
            {"ID": "1", "NAME": "прежнее", "REL": "0"},
            {"ID": "2", "NAME": "два", "REL": "1"},
            {"ID": "2", "NAME": None, "REL": "0"},
            {"ID": None, "NAME": "без кода", "REL": "0"},
        ]
    )
    book = books().book(OID, "1.1")
    assert book.codes == {"1": "прежнее", "2": "два"}
    assert book.row("1")["REL"] == "0"
    assert book.row("2")["REL"] == "1"


def test_without_a_value_column(make_book, books):
    make_book([{"ID": "1", "TITLE": "один"}], value=None)
    book = books().book(OID, "1.1")
    assert book.codes == {"1": None}
    assert not book.comparable
    assert book.row("1") == {"ID": "1", "TITLE": "один"}


def test_versions_are_in_order_of_their_numbers(make_book, books):
    for version in ("1.10", "1.9", "2.1"):
        make_book([], version=version)
    assert books().versions(OID) == ("1.9", "1.10", "2.1")


OVERRIDES = [
    ("11.1005", ["ID", "MKB_CODE", "MKB_NAME"], "MKB_CODE", "MKB_NAME", False, False, ""),
    ("99.2.206", ["ID", "CODE_FNS", "SUBJECT"], "CODE_FNS", "SUBJECT", False, False, ""),
    ("99.2.368", ["ID", "CODE_ROLE", "NAME_ROLE"], "CODE_ROLE", "NAME_ROLE", False, False, ""),
    ("11.1358", ["ID", "NAME", "SHORTNAME"], "ID", "SHORTNAME", False, True, ""),
    ("11.1039", ["ID", "NAME"], "ID", "NAME", True, False, ""),
    ("11.1042", ["ID", "NAME"], "ID", "NAME", False, False, "Вид места жительства"),
]


@pytest.mark.parametrize(("oid", "columns", "key", "value", "skip", "skip_name", "name"), OVERRIDES)
def test_overrides(make_book, books, oid, columns, key, value, skip, skip_name, name):
    make_book([dict.fromkeys(columns, "x")], oid=ROOT + oid)
    book = books().book(ROOT + oid, "1.1")
    assert (book.key_column, book.value_column) == (key, value)
    assert (book.skip, book.skip_display_name) == (skip, skip_name)
    assert book.code_system_name == (name or "Учебный справочник")
    assert bool(book.exact) is not (skip or skip_name)


def test_the_policy_names_sixteen_elements():
    policy = load_policy(Catalogue())
    assert len(set(policy.tags)) == 16
    assert "{urn:hl7-org:v3}code" in policy.tags
    assert "{urn:hl7-ru:identity}IdentityCardTypeId" in policy.tags
    assert "{urn:hl7-ru:medService}serviceCond" in policy.tags
    assert "{urn:hl7-org:v3}confidentialityCode" not in policy.tags


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("skip: true", "skipped: true", "books.11.1039.skipped"),
        ("identity:IdentityDocType", "identitas:IdentityDocType", "unknown prefix identitas"),
        (r"'\d{1,4}\.\d{1,4}'", "'('", "version_pattern"),
        ("not_books: [", "not_books: ]", r":29:\d+: not YAML"),
        ("not_books: [", "tags: []\nnot_books: [", r":29:1: a key is repeated"),
    ],
)
def test_a_broken_overlay_is_named(tmp_path, old, new, what):
    text = Catalogue().file("mappings/books.yaml").read_text("utf-8")
    assert old in text
    overlay = tmp_path / "mappings" / "books.yaml"
    overlay.parent.mkdir()
    overlay.write_text(text.replace(old, new), "utf-8")
    with pytest.raises(UsageError, match=what) as caught:
        load_policy(Catalogue(tmp_path))
    assert str(overlay) in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"not a database at all", b"SQLite format 3\x00" + b"\xff" * 200])
def test_a_broken_store_is_an_error_that_says_what_to_do(tmp_path, content):
    (tmp_path / "books.sqlite").write_bytes(content)
    with pytest.raises(BookError, match="delete it and import"):
        BookStore(tmp_path).book(OID, "1.1")


def test_a_broken_page_is_an_error(make_book, books, tmp_path):
    make_book([{"ID": "1", "NAME": "один"}])
    books()
    with sqlite3.connect(tmp_path / "store" / "books.sqlite") as db:
        db.execute("UPDATE pages SET data = x'00'")
    with pytest.raises(BookError, match="delete it and import"):
        BookStore(tmp_path / "store").book(OID, "1.1")


def test_the_store_is_a_snapshot(make_book, books, rest, tmp_path):
    make_book([{"ID": "1", "NAME": "один"}])
    store = books()
    assert store.versions(OID) == ("1.1",)
    make_book([{"ID": "1", "NAME": "раз"}])
    import_folder(rest, tmp_path / "store")
    assert store.book(OID, "1.1").codes == {"1": "один"}
    assert BookStore(tmp_path / "store").book(OID, "1.1").codes == {"1": "раз"}


def test_threads_share_one_book(make_book, books):
    make_book([{"ID": str(i), "NAME": f"имя {i}"} for i in range(2500)])
    store = books()
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: store.book(OID, "1.1"), range(64)))
        rows = list(pool.map(lambda i: found[0].row(str(i))["NAME"], range(0, 2500, 50)))
    assert {id(book) for book in found} == {id(found[0])}
    assert rows == [f"имя {i}" for i in range(0, 2500, 50)]


def test_a_forked_process_opens_its_own_connection(make_book, books):
    make_book([{"ID": "1", "NAME": "один"}])
    book = books().book(OID, "1.1")
    context = multiprocessing.get_context("fork")
    queue = context.SimpleQueue()
    child = context.Process(target=lambda: queue.put((book.row("1"), book._database._pid)))
    child.start()
    child.join(30)
    assert child.exitcode == 0
    assert queue.get() == ({"ID": "1", "NAME": "один"}, child.pid)


def test_a_path_with_odd_characters(make_book, rest, tmp_path):
    make_book([{"ID": "1", "NAME": "один"}])
    root = tmp_path / "склад книг?#%41"
    import_folder(rest, root)
    assert BookStore(root).book(OID, "1.1").codes == {"1": "один"}
