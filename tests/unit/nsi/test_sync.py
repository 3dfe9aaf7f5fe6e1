"""Sync against a local service."""

from __future__ import annotations

import socket

import pytest

from adapter.errors import BookError, NetworkError, UsageError
from adapter.nsi import BookStore
from adapter.nsi.importer import import_folder
from adapter.nsi.sync import Wanted, connect, sync

OID = "1.2.643.5.1.13.13.99.2.7001"
OTHER = "1.2.643.5.1.13.13.99.2.7002"
KEY = "very-secret-key"
ROWS = [{"ID": "1", "NAME": "один"}, {"ID": "2", "NAME": "два"}]


class Run:
    """One call of :func:`sync` against a replaying service."""

    def __init__(self, served, root):
        self.served, self.root, self.waits = served, root, []

    def __call__(self, replay, *books, key=KEY, timeout=10.0, attempts=4):
        async def wait(seconds):
            self.waits.append(seconds)

        async def use(url):
            async with connect(url, key, timeout=timeout, attempts=attempts, sleep=wait) as client:
                return await sync(client, [Wanted.parse(book) for book in books], self.root)

        results = self.served(replay, use)
        return [(result.oid, result.version, result.rows, result.fetched) for result in results]


@pytest.fixture
def run(served, tmp_path):
    return Run(served, tmp_path / "store")


def test_wanted():
    assert Wanted.parse("99.2.48") == Wanted("1.2.643.5.1.13.13.99.2.48")
    assert Wanted.parse("11.1005@2.24") == Wanted("1.2.643.5.1.13.13.11.1005", "2.24")
    for text in ("", "Пол пациента", "11.1005@", "@2.24"):
        with pytest.raises(UsageError, match="not a book"):
            Wanted.parse(text)


def test_the_current_version_comes_in_pages(make_book, replay, run):
    make_book(ROWS, version="1.1")
    make_book([{"ID": str(i), "NAME": f"имя {i}"} for i in range(4001)], version="1.2")
    assert run(replay, "99.2.7001") == [(OID, "1.2", 4001, True)]
    book = BookStore(run.root).book(OID, "1.2")
    assert book.row("4000") == {"ID": "4000", "NAME": "имя 4000"}
    assert [(query.get("page"), query.get("size")) for query in replay.requests] == [
        (None, None), ("1", "2000"), ("2", "2000"), ("3", "2000"),
    ]  # fmt: skip
    assert all(query["userKey"] == KEY for query in replay.requests)


def test_only_missing_versions_are_fetched(make_book, replay, run):
    make_book(ROWS, version="1.1")
    make_book(ROWS, version="1.2")
    assert run(replay, "99.2.7001@1.1") == [(OID, "1.1", 2, True)]
    replay.requests.clear()
    assert run(replay, "99.2.7001@1.1") == [(OID, "1.1", 2, False)]
    assert replay.requests == []
    assert run(replay, "99.2.7001", "99.2.7001") == [(OID, "1.2", 2, True)]
    replay.requests.clear()
    assert run(replay, "99.2.7001") == [(OID, "1.2", 2, False)]
    assert replay.paths[-1].endswith("/passport")
    assert BookStore(run.root).versions(OID) == ("1.1", "1.2")


def test_without_names_the_stored_books_are_brought_up_to_date(make_book, replay, run, rest):
    make_book(ROWS, version="1.1")
    make_book(ROWS, oid=OTHER, version="3.1")
    import_folder(rest, run.root)
    make_book(ROWS, version="1.2")
    assert run(replay) == [(OID, "1.2", 2, True), (OTHER, "3.1", 2, False)]


def test_an_empty_store_and_no_names(replay, run):
    with pytest.raises(UsageError, match="name the books"):
        run(replay)
    assert replay.requests == []


def test_rows_of_a_passport_only_version_are_fetched(make_book, replay, run, rest):
    make_book(ROWS, parts=False)
    import_folder(rest, run.root)
    make_book(ROWS)
    assert run(replay, "99.2.7001@1.1") == [(OID, "1.1", 2, True)]
    assert BookStore(run.root).book(OID, "1.1").codes == {"1": "один", "2": "два"}


@pytest.mark.parametrize("trouble", [500, 503, 429, "torn"])
def test_passing_trouble_is_waited_out(make_book, replay, run, trouble):
    make_book(ROWS)
    replay.script = [trouble, trouble]
    assert run(replay, "99.2.7001") == [(OID, "1.1", 2, True)]
    assert run.waits == [1.0, 2.0]


def test_a_late_answer_is_tried_again(make_book, replay, run):
    make_book(ROWS)
    replay.script = ["late"]
    assert run(replay, "99.2.7001", timeout=0.5) == [(OID, "1.1", 2, True)]
    assert run.waits == [1.0]


@pytest.mark.parametrize(
    ("trouble", "error", "what", "requests"),
    [
        ([503] * 4, NetworkError, r"HTTP 503 \(4 attempts\)", 4),
        ([403], NetworkError, "HTTP 403", 1),
        (["redirect"], NetworkError, "HTTP 302", 1),
        (["torn"] * 4, NetworkError, "the connection broke", 4),
        ([f'{{"result": "ERROR", "resultText": "{KEY}"}}'], BookError, "result is not OK", 1),
        ([f"<html>{KEY}</html>"], BookError, "not JSON", 1),
    ],
)
def test_lasting_trouble_is_an_error_without_the_key(make_book, replay, run, capfd, trouble, error, what, requests):
    make_book(ROWS)
    replay.script = trouble
    with pytest.raises(error, match=what) as caught:
        run(replay, "99.2.7001")
    assert OID in str(caught.value)
    assert len(replay.requests) == requests
    told: BaseException | None = caught.value
    while told is not None:
        assert KEY not in repr(told)
        told = told.__cause__
    assert KEY not in "".join(capfd.readouterr())
    assert BookStore(run.root).books() == []


def test_offline(run, replay):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]

        async def use(_url):
            async with connect(f"http://127.0.0.1:{port}", KEY) as client:
                return await sync(client, [Wanted(OID)], run.root)

        with pytest.raises(NetworkError, match="cannot be reached") as caught:
            run.served(replay, use)
    assert KEY not in str(caught.value)


def test_a_failure_keeps_the_books_before_it(make_book, replay, run):
    make_book(ROWS)
    with pytest.raises(BookError, match=OTHER):
        run(replay, "99.2.7001", "99.2.7002")
    assert BookStore(run.root).books() == [(OID, "1.1")]


def test_a_page_that_is_short_is_an_error(make_book, replay, run):
    make_book(ROWS, rows_count=3)
    with pytest.raises(BookError, match="the passport says 3 rows"):
        run(replay, "99.2.7001")


def test_another_book_or_version_in_the_answer_is_an_error(make_book, replay, run):
    make_book(ROWS, folder=OTHER)
    with pytest.raises(BookError, match="another book"):
        run(replay, "99.2.7002")
    make_book(ROWS, version="1.2").rename(replay.folder / OID / "1.3")
    with pytest.raises(BookError, match="another version"):
        run(replay, "99.2.7001@1.3")


def test_an_older_oid_is_stored_as_asked_for(make_book, replay, run):
    make_book(ROWS, folder=OTHER, other=[OTHER])
    assert run(replay, "99.2.7002") == [(OTHER, "1.1", 2, True)]
    assert BookStore(run.root).passport(OTHER, "1.1").other_oids == (OID,)


@pytest.mark.books
def test_real_books_come_as_they_are_imported(nsi_source, replay, run, tmp_path):
    replay.folder = nsi_source
    oids = [f"1.2.643.5.1.13.13.{short}" for short in ("11.1070", "11.1040", "11.1076")]
    fetched = run(replay, *oids)
    assert [(oid, flag) for oid, _, _, flag in fetched] == [(oid, True) for oid in oids]
    synced = BookStore(run.root)
    for oid, version, _, _ in fetched:
        import_folder(nsi_source / oid / version, tmp_path / "imported")
        imported = BookStore(tmp_path / "imported").book(oid, version)
        book = synced.book(oid, version)
        assert book.codes == imported.codes
        assert book.passport == imported.passport
        assert [book.values(column.name) for column in book.columns] == [
            imported.values(column.name) for column in imported.columns
        ]
