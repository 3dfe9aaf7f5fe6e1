"""``egisz nsi``."""

from __future__ import annotations

import asyncio
import json

import pytest
from typer.testing import CliRunner

from adapter.cli.nsi import app
from adapter.errors import BookError, NetworkError, UsageError
from adapter.settings import settings

OID = "1.2.643.5.1.13.13.99.2.7001"
KEY = "very-secret-key"


@pytest.fixture
def egisz(tmp_path, monkeypatch):
    monkeypatch.setenv("EGISZ_NSI", str(tmp_path / "store"))
    settings.cache_clear()
    yield lambda *arguments: CliRunner().invoke(app, list(map(str, arguments)))
    settings.cache_clear()


@pytest.fixture
def full(egisz, make_book, rest):
    make_book([{"ID": "A10", "NAME": 'имя "десять"', "ATC": None}, {"ID": "B20", "NAME": "двадцать", "ATC": "J07"}])
    make_book([{"ID": "A11", "NAME": "одиннадцать"}], version="1.2")
    make_book([], version="1.3", rows_count=5)
    assert egisz("import", rest).exit_code == 0
    return egisz


def test_import_says_what_it_did(egisz, make_book, rest, tmp_path):
    make_book([{"ID": "1", "NAME": "один"}])
    result = egisz("import", rest)
    assert result.exit_code == 0
    assert "справочников 1, версий 1 (из них без строк 0), строк 1" in result.stdout
    assert (tmp_path / "store" / "books.sqlite").is_file()


def test_list(full):
    lines = full("list").stdout.splitlines()
    assert [line.split()[:2] for line in lines] == [["99.2.7001", v] for v in ("1.1", "1.2", "1.3")]
    assert "без строк" in lines[2]
    rows = json.loads(full("list", "--format", "json").stdout)
    assert [(row["version"], row["rows"], row["complete"]) for row in rows] == [
        ("1.1", 2, True), ("1.2", 1, True), ("1.3", 5, False),
    ]  # fmt: skip


def test_list_of_an_empty_store_says_what_to_do(egisz):
    result = egisz("list")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "egisz nsi import" in result.stderr
    assert json.loads(egisz("list", "--format", "json").stdout) == []


@pytest.mark.parametrize("oid", [OID, "99.2.7001"])
def test_show_a_book(full, oid):
    result = full("show", oid)
    assert "1.3 (1.1, 1.2, 1.3)" in result.stdout
    assert "не загружены" in result.stdout
    shown = json.loads(full("show", oid, "--version", "1.1", "--format", "json").stdout)
    assert (shown["oid"], shown["version"], shown["key_column"]) == (OID, "1.1", "ID")
    assert [column["name"] for column in shown["columns"]] == ["ID", "NAME", "ATC"]


def test_show_a_row(full):
    result = full("show", "99.2.7001", "A10", "--version", "1.1")
    assert 'code="A10" displayName="имя &quot;десять&quot;"' in result.stdout
    assert 'codeSystemName="Учебный справочник"' in result.stdout
    shown = json.loads(full("show", "99.2.7001", "B20", "--version", "1.1", "--format", "json").stdout)
    assert shown["row"] == {"ID": "B20", "NAME": "двадцать", "ATC": "J07"}


def test_a_row_comes_from_the_newest_version_that_has_rows(full):
    assert 'codeSystemVersion="1.2"' in full("show", "99.2.7001", "A11").stdout


def test_an_unknown_code_gets_the_nearest_ones(full):
    result = full("show", "99.2.7001", "A1O", "--version", "1.1")
    assert isinstance(result.exception, UsageError)
    assert "A10" in str(result.exception)
    assert "B20" not in str(result.exception)


def test_codes_that_begin_alike_are_nearest(egisz, make_book, rest):
    make_book([{"ID": code, "NAME": "x"} for code in ("Z99.9", "Y99.9", "J99.8", "J99", "X99.9", "W99.9", "V99.9")])
    egisz("import", rest)
    listing = str(egisz("show", "99.2.7001", "J99.99").exception).splitlines()[1:]
    assert [line.split()[0] for line in listing[:2]] == ["J99.8", "J99"]
    assert len(listing) == 5


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["99.2.1"], "egisz nsi sync 99.2.1"),
        (["99.2.7001", "--version", "7.7"], "есть: 1.1, 1.2, 1.3"),
        (["99.2.7001", "A10", "--version", "1.3"], "только паспорт"),
    ],
)
def test_absent_books_are_named(full, arguments, what):
    result = full("show", *arguments)
    assert isinstance(result.exception, BookError)
    assert what in str(result.exception)


def test_english(full, monkeypatch):
    monkeypatch.setenv("EGISZ_LANG", "en")
    settings.cache_clear()
    assert "no rows" in full("list").stdout
    assert "Version" in full("show", "99.2.7001").stdout


def test_sync_needs_a_key(egisz):
    result = egisz("sync", "99.2.7001")
    assert isinstance(result.exception, UsageError)
    assert "EGISZ_NSI_KEY" in str(result.exception)


def test_sync_offline(egisz, monkeypatch):
    monkeypatch.setenv("EGISZ_NSI_KEY", KEY)
    monkeypatch.setenv("EGISZ_NSI_URL", "http://127.0.0.1:1")
    settings.cache_clear()
    result = egisz("sync", "99.2.7001")
    assert isinstance(result.exception, NetworkError)
    assert KEY not in result.output + str(result.exception)


def test_sync(egisz, make_book, replay, served, monkeypatch):
    make_book([{"ID": "1", "NAME": "один"}])
    monkeypatch.setenv("EGISZ_NSI_KEY", KEY)

    async def use(url):
        monkeypatch.setenv("EGISZ_NSI_URL", url)
        settings.cache_clear()
        return await asyncio.to_thread(egisz, "sync", "99.2.7001")

    result = served(replay, use)
    assert result.exit_code == 0
    assert result.stdout.split() == ["99.2.7001", "1.1", "1", "загружен"]
    assert KEY not in result.output
    assert 'code="1" displayName="один"' in egisz("show", "99.2.7001", "1").stdout
