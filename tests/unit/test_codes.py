"""The registry of codes, its reference page, and ``egisz explain``."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from adapter.cli import explain
from adapter.errors import UsageError
from conformance.codes import TOPICS, all_codes, markdown, nearest
from conformance.rules import RULES

ROOT = Path(__file__).parents[2]
LITERAL = re.compile(r"""["']((?:[A-Z]{2,4})[0-9]{2})["']""")


@pytest.fixture
def app():
    import typer

    application = typer.Typer()
    application.command()(explain.explain)
    return application


def test_every_code_that_the_source_names_is_documented() -> None:
    named = {
        (path.name, code)
        for package in ("adapter", "conformance")
        for path in (ROOT / package).rglob("*.py")
        for code in LITERAL.findall(path.read_text(encoding="utf-8"))
        if code.rstrip("0123456789") in TOPICS
    }
    assert len(named) > 20
    assert {(file, code) for file, code in named if code not in all_codes()} == set()


def test_codes_have_both_languages() -> None:
    for code in all_codes().values():
        assert re.fullmatch(r"[A-Z]{2,4}[0-9]{2}", code.code)
        assert all((*code.title, *code.page)), code.code
        assert code.title.ru != code.title.en
        assert re.search("[а-я]", code.title.ru)
    assert set(RULES) < set(all_codes())


def test_the_reference_page_has_every_code_once() -> None:
    headings = re.findall(r"^### (\w+)$", markdown(), re.MULTILINE)
    assert headings == list(all_codes())


def test_nearest_codes() -> None:
    assert nearest("id02")[0] == "ID02"
    assert set(nearest("TS99")) <= {code for code in all_codes() if code.startswith("TS")}
    assert "ID01" in nearest("IDO1")
    assert nearest("???") == []


@pytest.mark.parametrize("code", ["ID01", "sch99", "NSI05"])
@pytest.mark.parametrize("lang", ["ru", "en"])
def test_explain_prints_the_page(app, code: str, lang: str) -> None:
    result = CliRunner().invoke(app, [code, "--lang", lang])
    known = all_codes()[code.upper()]
    assert result.exit_code == 0
    assert known.title.get(lang) in result.output
    assert known.page.get(lang) in result.output
    other = "en" if lang == "ru" else "ru"
    assert known.title.get(other) not in result.output


def test_explain_lists_all(app, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EGISZ_LANG", "en")
    result = CliRunner().invoke(app, [])
    assert result.exit_code == 0
    for code in all_codes().values():
        assert f"  {code.code}" in result.output
        assert code.title.en in result.output


def test_explain_suggests(app) -> None:
    result = CliRunner().invoke(app, ["TS99"])
    assert isinstance(result.exception, UsageError)
    assert result.exception.exit_code == 2
    assert "TS01" in result.exception.text.ru
    assert "TS01" in result.exception.text.en
