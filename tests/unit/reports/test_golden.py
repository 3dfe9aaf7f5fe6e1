"""Every format against a file that a person has read. ``EGISZ_UPDATE_GOLDEN=1`` writes them anew."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

from adapter import __version__
from conformance.report import Report
from conformance.reporters import FORMATS, render
from conformance.reporters.json import schema

FILES = {
    "text": ("text", "ru", "text.ru.txt"),
    "text-en": ("text", "en", "text.en.txt"),
    "json": ("json", "ru", "report.json"),
    "sarif": ("sarif", "en", "report.sarif"),
    "junit": ("junit", "ru", "junit.xml"),
    "html": ("html", "ru", "page.html"),
}


def hold(actual: str, golden: Path) -> None:
    if os.environ.get("EGISZ_UPDATE_GOLDEN"):
        golden.write_text(actual, "utf-8")
    assert actual == golden.read_text("utf-8"), f"{golden.name}: look at the difference, then EGISZ_UPDATE_GOLDEN=1"


@pytest.mark.parametrize("case", FILES)
def test_format(case: str, reports: list[Report], documents: dict[str, bytes], golden_dir: Path) -> None:
    format_name, language, name = FILES[case]
    actual = render(format_name, reports, language=language, documents=documents)
    hold(_stable(actual), golden_dir / name)


def test_every_format_has_a_golden_file() -> None:
    assert {format_name for format_name, _, _ in FILES.values()} == set(FORMATS)


def test_published_schema() -> None:
    """The schema in the documentation is the one of the code."""
    published = Path(__file__).parents[3] / "docs" / "reference" / "report.schema.json"
    hold(orjson.dumps(schema(), option=orjson.OPT_INDENT_2).decode() + "\n", published)


def _stable(text: str) -> str:
    """Without what changes on its own: the version, documentation of the codes, the style and the script."""
    if '"runs"' in text:
        log = orjson.loads(text)
        for rule in log["runs"][0]["tool"]["driver"]["rules"]:
            rule.pop("help")
            rule.pop("shortDescription")
        text = orjson.dumps(log, option=orjson.OPT_INDENT_2).decode() + "\n"
    text = text.replace(f'version": "{__version__}"', 'version": "VERSION"')
    cuts: list[Callable[[str], str]] = [_cut("<style>", "</style>"), _cut("<script>", "</script>")]
    cuts += [_cut("'sha256-", "'")] * 2
    for cut in cuts:
        text = cut(text)
    return text


def _cut(begin: str, end: str) -> Callable[[str], str]:
    def cut(text: str) -> str:
        head, found, rest = text.partition(begin)
        return f"{head}{found.replace('sha256-', 'HASH')}…{end}{rest.partition(end)[2]}" if found else text

    return cut
