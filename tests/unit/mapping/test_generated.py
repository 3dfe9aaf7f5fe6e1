"""The Python that is made of maps: readable, named in tracebacks, kept in the cache folder."""

from __future__ import annotations

import traceback
from pathlib import Path

import pytest
from typer.testing import CliRunner

from adapter.catalogue import Catalogue
from adapter.cli import app
from adapter.errors import InternalError, UsageError
from adapter.mapping import bytecode
from adapter.mapping.generate import Generator
from adapter.mapping.mappings import Mappings
from adapter.mapping.writer import Writer
from tests.unit.mapping.conftest import Small

MAP = r"""
map: m
source: Patient
let: {unread: birthDate, read: gender}
fields:
  a: "%read"
  b: {from: "name.where(use = 'it\\'s \"x\"').family", as: text, required: true}
"""


def test_the_text_names_each_rule_and_where_it_stands(small: Small) -> None:
    mappings = small.map(MAP).load()
    text = mappings.generator().text(mappings.maps["m"])
    assert "# m.b  mappings/resources/m.yaml:6" in text
    assert "%read " in text
    assert "unread" not in text
    assert "enter(" not in text
    assert "enter(" in mappings.generator(traced=True).text(mappings.maps["m"])


def test_words_of_a_map_are_quoted(small: Small) -> None:
    """What an author writes is a value of the code, never code."""
    made = small.map(MAP).apply({"resourceType": "Patient", "name": [{"use": 'it\'s "x"', "family": "А"}]})
    assert made.facts.b == "А"


@pytest.mark.parametrize("ending", ["\\n", "\\r", "\\x0c", "\\x85", "\\u2028", "\\0"])
def test_a_name_that_breaks_a_line_is_no_code(small: Small, ending: str, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    name = f"a{ending}    open({str(canary)!r}, 'w')  #"
    quoted = name.replace('"', '\\"')
    for part in ("fields", "let"):
        rule = f'"{quoted}": {{from: id, required: true}}'
        text = f'map: m\nsource: Patient\n{part}:\n  "{quoted}": {{fields: {{{rule}}}}}\n'
        small.map(text if part == "fields" else f"{text}fields: {{b: '%a'}}\n").apply({"resourceType": "Patient"})
    assert not canary.exists()


def test_a_line_of_code_is_one_line() -> None:
    with pytest.raises(InternalError):
        Writer({}).line("x = 1\nimport os")


@pytest.mark.parametrize(
    "path", ["../README.md", "mappings/../README.md", "mappings/registers/../../README.md", "/etc/hosts"]
)
def test_no_file_outside_the_catalogue(path: str) -> None:
    with pytest.raises(UsageError, match="no file"):
        Catalogue().file(path)


def test_a_traceback_shows_the_line() -> None:
    writer = Writer({})
    with writer.block("def broken():"):
        writer.line("return 1 / 0  # here")
    broken = writer.functions("<broken>")["broken"]
    with pytest.raises(ZeroDivisionError) as caught:
        broken()
    assert "# here" in "".join(traceback.format_tb(caught.value.__traceback__))


def test_an_empty_block_is_python() -> None:
    writer = Writer({})
    with writer.block("if True:"):
        pass
    writer.line("x = 1")
    assert writer.functions("<empty>")["x"] == 1


def test_code_is_kept_and_a_damaged_file_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert _run("x = 1\n", tmp_path) == 1
    (kept,) = tmp_path.iterdir()
    monkeypatch.setattr(bytecode, "compile", None, raising=False)
    assert _run("x = 1\n", tmp_path) == 1
    monkeypatch.undo()
    kept.write_bytes(kept.read_bytes()[:20])
    assert _run("x = 1\n", tmp_path) == 1
    assert _run("x = 2\n", tmp_path) == 2
    assert len(list(tmp_path.iterdir())) == 2


def test_a_cache_that_cannot_be_written_costs_time_only(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert _run("x = 1\n", tmp_path / "file") == 1


def _run(text: str, cache: Path) -> int:
    names: dict[str, int] = {}
    exec(bytecode.compiled(text, "<t>", cache), names)
    return names["x"]


def test_every_shipped_map_can_be_made() -> None:
    mappings = Mappings.load(Catalogue())
    for traced in (False, True):
        generator = Generator(mappings.maps, mappings.concepts, traced=traced)
        for spec in [*mappings.maps.values(), *mappings.documents.values()]:
            compile(generator.text(spec), spec.file, "exec")


def test_the_command_prints_it() -> None:
    found = CliRunner().invoke(app, ["map", "code", "address"])
    assert found.exit_code == 0
    assert "# address.line  mappings/resources/address.yaml" in found.output
    assert CliRunner().invoke(app, ["map", "code", "adress"]).exit_code != 0
