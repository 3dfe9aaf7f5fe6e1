"""``egisz map``: exit codes, forms, and watching."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from adapter.cli import app
from adapter.cli import map as command
from adapter.errors import EgiszError
from adapter.mapping.testing import load_cases
from tests.unit.mapping.conftest import Small

RUN = CliRunner()


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """An author's folder over the built-in catalogue."""
    (tmp_path / "mappings/resources").mkdir(parents=True)
    (tmp_path / "mappings/tests").mkdir()
    return tmp_path


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    from adapter.catalogue import Catalogue

    case = next(case for case in load_cases(Catalogue()) if case.name == "170 from a collection of R4")
    path = tmp_path / "bundle.json"
    path.write_text(json.dumps(case.given, default=str), "utf-8")
    return path


def run(*arguments: str | Path) -> tuple[int, str]:
    result = RUN.invoke(app, ["map", *map(str, arguments)], env={"EGISZ_LANG": "en"})
    if isinstance(result.exception, EgiszError):
        return result.exception.exit_code, result.exception.text.en
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch) -> None:
    from adapter.settings import settings

    monkeypatch.setenv("EGISZ_LANG", "en")
    settings.cache_clear()


def test_test_passes_and_fails(own: Path) -> None:
    code, output = run("test", "gender", "female")
    assert (code, "0 failed" in output) == (0, True)
    (own / "mappings/tests/own.yaml").write_text(
        "tests:\n  - name: wrong on purpose\n    map: patient\n    given: {resourceType: Patient, gender: male}\n"
        "    expect: {gender: {code: '2'}}\n"
    )
    code, output = run("test", "on purpose", "--catalogue", own)
    assert code == 1
    assert "FAILED  mappings/tests/own.yaml:2  wrong on purpose" in output
    assert "gender.code: expected '2', got '1'" in output
    code, output = run("test", own / "mappings/tests/own.yaml", "--format", "json")
    assert [(one["status"], one["line"]) for one in json.loads(output)] == [("failed", 2)]


def test_test_of_nothing_is_wrong_usage(own: Path) -> None:
    assert run("test", "no such test") == (2, "there are no such tests")
    assert run("test", "none.yaml") == (2, "there is no file none.yaml")


def test_lint_fails_on_errors_only(own: Path) -> None:
    assert run("lint", "--no-notes")[0] == 0
    (own / "mappings/resources/human-name.yaml").write_text(
        "map: human-name\nsource: HumanName\nfields: {family: famly, given: 'given[0]', patronymic: 'given[1]'}\n"
    )
    code, output = run("lint", "--no-notes", "--catalogue", own)
    assert code == 1
    assert (
        "mappings/resources/human-name.yaml:3: error LNT01: No release has an element «famly» in HumanName." in output
    )
    assert "→ Nearest: family." in output


def test_lint_of_what_cannot_be_read_is_a_finding(own: Path) -> None:
    (own / "mappings/resources/patient.yaml").write_text("map: patient\nsorce: Patient\n")
    code, output = run("lint", "--catalogue", own, "--format", "json")
    (found,) = json.loads(output)["findings"]
    assert code == 1
    assert (found["code"], found["file"], found["line"], found["column"]) == (
        "LNT16",
        "mappings/resources/patient.yaml",
        2,
        1,
    )
    code, output = run("lint", "--catalogue", own, "--format", "sarif")
    (result,) = json.loads(output)["runs"][0]["results"]
    place = result["locations"][0]["physicalLocation"]
    assert (place["artifactLocation"]["uri"], place["region"]["startLine"]) == ("mappings/resources/patient.yaml", 2)


def test_trace(bundle: Path, tmp_path: Path) -> None:
    code, output = run("trace", bundle)
    assert code == 0
    assert "Document 170 · route vaccination-certificate" in output
    assert "[patient.birth_time]  Bundle.entry[0].resource · birthDate" in output
    page = tmp_path / "t.html"
    code, output = run("trace", bundle, "--html", page, "--product", "170")
    assert (code, output) == (0, "")
    assert "patient.birth_time" in page.read_text("utf-8")
    code, output = run("trace", bundle, "--format", "json", "--product", "204")
    assert json.loads(output)["traces"] == []


def test_coverage_is_a_gate(bundle: Path) -> None:
    assert run("coverage", bundle)[0] == 0
    assert run("coverage", bundle, "--min-rules", "99.9")[0] == 1
    assert run("coverage", bundle, "--min-input", "99.9")[0] == 1
    code, output = run("coverage", bundle, "--min-input", "50", "--min-rules", "10", "--format", "json")
    made = json.loads(output)
    assert (code, made["documents"]) == (0, {"170": 1})
    # Whatever kinds there are.
    assert {"195", "204"} <= set(made["not_made"]) and "170" not in made["not_made"]


def test_the_examples_cover_most_of_the_mappings() -> None:
    examples = Path(__file__).parents[3] / "examples" / "bundles"
    code, output = run("coverage", examples, "--min-rules", "75", "--min-input", "80")
    assert code == 0, output
    assert "Not made" not in output


def test_a_folder_of_bundles(bundle: Path, tmp_path: Path) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for name in ("a.json", "b.json"):
        (folder / name).write_bytes(bundle.read_bytes())
    assert json.loads(run("coverage", folder, "-f", "json")[1])["documents"] == {"170": 2}
    empty = tmp_path / "empty"
    empty.mkdir()
    assert run("coverage", empty)[0] == 2


def test_schema(tmp_path: Path) -> None:
    assert "mappings/routes.yaml" in run("schema")[1]
    assert json.loads(run("schema", "map")[1])["title"] == "map"
    assert run("schema", "mapp")[0] == 2
    assert run("schema", "--output", tmp_path / "s")[0] == 0
    assert len(list((tmp_path / "s").iterdir())) == 6


def test_changes_of_files_are_seen(small: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    file = small.root / "mappings/routes.yaml"
    steps = iter(
        [
            lambda: os.utime(file, ns=(1, 1)),
            lambda: (small.root / "templates/new.xml.j2").write_text("x"),
            file.unlink,
        ]
    )
    slept = []

    def sleep(_seconds: float) -> None:
        slept.append(1)
        next(steps)()

    monkeypatch.setattr(command.time, "sleep", sleep)
    seen = command.changes(small.catalogue)
    for _ in range(4):
        next(seen)
    assert len(slept) == 3


def test_watching_goes_on_after_an_error(
    small: Small, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    runs: list[int] = []

    def body() -> bool:
        runs.append(1)
        if len(runs) == 1:
            raise EgiszError("broken file")
        if len(runs) == 3:
            raise KeyboardInterrupt
        return False

    monkeypatch.setattr(command, "changes", lambda _where: iter([None] * 5))
    command.repeated(body, small.catalogue, watch=True)
    assert len(runs) == 3
    assert "broken file" in capsys.readouterr().err
