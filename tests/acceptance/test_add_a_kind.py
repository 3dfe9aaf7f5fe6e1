"""The page about adding a kind, followed to the letter: its files are written, its commands run, their output compared.

Neither packs nor books are needed: the page is for those who have none.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from adapter.catalogue import Catalogue
from adapter.convert import Converter
from adapter.fhir import read
from adapter.findings import Finding, Severity
from adapter.nsi import BookStore
from adapter.organisation import load_organisation
from conformance import Checker
from conformance.packs import PackStore

PAGES = Path(__file__).parents[2] / "docs" / "howto"
ENGLISH, RUSSIAN = PAGES / "add-a-kind.md", PAGES / "add-a-kind.ru.md"
KIND = "192"
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
#: The last words before a block, where it is a file.
NAMED = re.compile(r"`([\w./-]+)`:\n\n\Z")


class File(NamedTuple):
    """A file that the reader writes."""

    name: str
    text: str


class Command(NamedTuple):
    """A command that the reader runs, and what the page shows of its output."""

    line: str
    output: tuple[str, ...]


def steps(page: Path) -> Iterator[File | Command]:
    """What the reader does, in order; a code block that is neither is an error of the page."""
    text = page.read_text(encoding="utf-8")
    for block in BLOCK.finditer(text):
        language, body = block.groups()
        named = NAMED.search(text, 0, block.start())
        if language == "console":
            assert named is None
            yield from commands(body)
        else:
            assert named is not None, f"a block of {page.name} has no name of a file: {body[:60]}"
            yield File(named[1], body)


def commands(body: str) -> Iterator[Command]:
    parts = body.split("$ ")
    assert parts[0] == "", "a console block begins with a command"
    for part in parts[1:]:
        line, *output = part.splitlines()
        yield Command(line, tuple(output))


def follow(page: Path, home: Path) -> None:
    """Do every step of a page in the folder ``home``."""
    env = environment(home)
    for step in steps(page):
        if isinstance(step, File):
            path = home / step.name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(step.text, encoding="utf-8")
        elif step.line.startswith("export "):
            env |= dict(word.split("=", 1) for word in shlex.split(step.line)[1:])
        else:
            done = run(step.line, home, env)
            assert done.returncode == 0, f"{step.line}\n{done.stdout}{done.stderr}"
            assert shown(step.output).fullmatch(done.stdout), f"{step.line}\n{done.stdout}"


def environment(home: Path) -> dict[str, str]:
    """Of a reader who has just installed the program."""
    own = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "COLUMNS": "120",
        "PYTHONUTF8": "1",
    }
    kept = {name: value for name, value in os.environ.items() if not name.startswith("EGISZ_")}
    return kept | own | {"EGISZ_DATA": str(home / "data"), "EGISZ_CACHE": str(home / "cache")}


def run(line: str, home: Path, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        shlex.split(line),
        cwd=home,
        env=dict(env),
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )


def shown(output: tuple[str, ...]) -> re.Pattern[str]:
    """Where ``…`` is a line, any lines may stand; in a line, any text."""
    lines = [r"(?:.*\n)*?" if line == "…" else re.escape(line).replace("…", ".*") + r"\s*\n" for line in output]
    return re.compile("".join(lines))


@pytest.fixture(scope="module", params=[ENGLISH, RUSSIAN], ids=["en", "ru"])
def followed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a reader who has come to the end of the page."""
    home = tmp_path_factory.mktemp("kind")
    follow(request.param, home)
    return home


def test_the_kind_is_not_among_the_built_in_ones() -> None:
    catalogue = Catalogue()
    for folder in ("mappings/documents", "mappings/structures"):
        assert f"{KIND}.yaml" not in catalogue.files(folder)
    assert f"{KIND}.xml.j2" not in catalogue.files("templates/cda/body", "*.j2")


def test_both_pages_have_the_same_steps() -> None:
    """The same files and commands; what is printed is in the language of the page."""

    def done(page: Path) -> list[str]:
        return [step.text if isinstance(step, File) else step.line for step in steps(page)]

    english, russian = done(ENGLISH), done(RUSSIAN)
    assert [line.replace("EGISZ_LANG=ru", "EGISZ_LANG=en") for line in russian] == english
    assert [step.name for step in steps(ENGLISH) if isinstance(step, File)] == [
        step.name for step in steps(RUSSIAN) if isinstance(step, File)
    ]
    assert len(english) > 10


def test_the_page_makes_a_document(followed: Path) -> None:
    (made,) = (followed / "out").glob("*.xml")
    text = made.read_text(encoding="utf-8")
    assert made.name.startswith(f"{KIND}_")
    assert 'code="8053"' in text
    assert '<value xsi:type="INT" value="3"/>' in text
    assert "Плазмодачи" in text


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ('code="8054"', 'code="8053"'),
        ('xsi:type="INT" value="3"', 'xsi:type="ST" value="3"'),
        ('<low value="20250101"/>', ""),
        ('code="DOCINFO"', 'code="DGN"'),
    ],
)
def test_the_structure_of_the_page_is_a_check(followed: Path, good: str, bad: str) -> None:
    (made,) = (followed / "out").glob("*.xml")
    text = made.read_text(encoding="utf-8")
    assert good in text
    check = checker(followed).check
    assert errors(check(text.encode()).findings) == []
    assert errors(check(text.replace(good, bad).encode()).findings)


def test_a_number_that_is_not_sent_is_named(followed: Path) -> None:
    text = (followed / "visit.json").read_text(encoding="utf-8")
    assert '"valueInteger": 3' in text
    (reading,) = read(text.replace('"valueInteger": 3', '"valueString": "три"').encode())
    catalogue = Catalogue(followed / "my")
    books = BookStore(followed / "nsi", catalogue)
    converter = Converter(catalogue, books, load_organisation(catalogue), checker=checker(followed))
    (document,) = converter.convert(reading).documents
    assert errors(document.findings) == [("MAP01", f"{KIND}.donations.blood")]


def checker(home: Path) -> Checker:
    catalogue = Catalogue(home / "my")
    return Checker(PackStore(home / "packs"), BookStore(home / "nsi", catalogue), catalogue=catalogue)


def errors(findings: Iterable[Finding]) -> list[tuple[str, str]]:
    return [(one.code, one.rule) for one in findings if one.severity is Severity.ERROR]
