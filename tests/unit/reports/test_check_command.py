"""``egisz check``: what it reads, what it returns; the checking itself is a stand-in here."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from adapter.cli import app
from adapter.errors import EnvironmentProblem, UsageError
from conformance import batch
from conformance.report import Report, Stage, StageName, Status

Run = Callable[..., Result]


class FakeChecker:
    """Says of a document what its first word says."""

    def __init__(self, reports: dict[bytes, Report]) -> None:
        self.reports = reports

    def check(self, data: bytes, *, source: str, kind: str | None) -> Report:
        if kind == "999":
            raise UsageError("unknown kind")
        known = self.reports[data.split()[0]]
        return Report(source, kind or known.kind, known.title, known.pack, known.stages, known.findings)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, accepted: Report, rejected: Report, partial: Report) -> Run:
    checker = FakeChecker({b"ok": accepted, b"bad": rejected, b"partial": partial})
    monkeypatch.setattr(batch, "make_checker", lambda setup: checker)
    runner = CliRunner()

    def invoke(*arguments: object, data: bytes | None = None) -> Result:
        return runner.invoke(app, ["check", *map(str, arguments)], input=data)

    return invoke


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """``b.xml`` ok, ``a.xml`` bad, ``sub/c.XML`` partial, and a file that is no document."""
    (tmp_path / "sub").mkdir()
    for name, text in {"b.xml": "ok", "a.xml": "bad", "sub/c.XML": "partial", "notes.txt": "ok"}.items():
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def sources(result: Result) -> list[str]:
    return [report["source"] for report in json.loads(result.stdout)["reports"]]


def test_accepted_is_0_rejected_is_1(run: Run, folder: Path) -> None:
    assert run("b.xml").exit_code == 0
    result = run("a.xml")
    assert result.exit_code == 1
    assert "170.sch:31" in result.stdout


def test_partial_is_0_and_1_when_strict(run: Run, folder: Path) -> None:
    assert run("sub/c.XML").exit_code == 0
    assert run("sub/c.XML", "--strict").exit_code == 1
    assert run("b.xml", "--strict").exit_code == 0


def test_folders_and_globs_are_sorted_and_files_come_once(run: Run, folder: Path) -> None:
    assert sources(run(".", "--format", "json")) == ["a.xml", "b.xml", "sub/c.XML"]
    assert sources(run("b.xml", "*.xml", "--format", "json")) == ["b.xml", "a.xml"]
    assert sources(run(folder / "*.xml", "--format", "json")) == [str(folder / "a.xml"), str(folder / "b.xml")]


def test_a_name_with_brackets_is_a_file_before_it_is_a_pattern(run: Run, folder: Path) -> None:
    (folder / "[a].xml").write_text("ok")
    assert sources(run("[a].xml", "--format", "json")) == ["[a].xml"]


@pytest.mark.parametrize("argument", ["absent.xml", "*.pdf", "empty"])
def test_nothing_there_is_a_usage_error(run: Run, folder: Path, argument: str) -> None:
    (folder / "empty").mkdir()
    result = run("b.xml", argument)
    assert isinstance(result.exception, UsageError)
    assert argument in str(result.exception)


def test_unknown_format_and_folder_are_usage_errors(run: Run, folder: Path) -> None:
    assert run("b.xml", "--format", "yaml").exit_code == 2
    assert run("b.xml", "--packs", "absent").exit_code == 2
    assert run("b.xml", "--lang", "de").exit_code == 2
    assert run().exit_code == 2


def test_kind_is_passed_on(run: Run, folder: Path) -> None:
    assert json.loads(run("b.xml", "--kind", "105", "--format", "json").stdout)["reports"][0]["kind"] == "105"
    assert isinstance(run("b.xml", "--kind", "999").exception, UsageError)


def test_standard_input(run: Run) -> None:
    result = run("-", "--format", "json", data=b"bad")
    assert result.exit_code == 1
    assert sources(result) == ["-"]


def test_html_shows_the_document_also_of_standard_input(run: Run, folder: Path) -> None:
    assert ">&lt;x</i>" in run("-", "--format", "html", data=b"partial <x").stdout
    assert 'id="d2-L1"' in run("a.xml", "b.xml", "--format", "html").stdout


def test_unreadable_file_is_a_finding_and_the_rest_goes_on(run: Run, folder: Path) -> None:
    (folder / "gone.xml").symlink_to(folder / "nowhere")
    result = run("gone.xml", "b.xml", "--format", "json", "--lang", "en")
    assert result.exit_code == 1
    gone, ok = json.loads(result.stdout)["reports"]
    assert (gone["source"], gone["findings"][0]["code"], ok["verdict"]) == ("gone.xml", "XML07", "accepted")
    assert {stage["status"] for stage in gone["stages"]} == {"failed", "not_checked"}


@pytest.mark.parametrize("data", [None, b"ok" * 600])
def test_too_large_is_a_finding(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch, data: bytes | None) -> None:
    from adapter.settings import settings

    monkeypatch.setenv("EGISZ_XML_MAX_BYTES", "1000")
    settings.cache_clear()
    (folder / "big.xml").write_text("ok" * 600)
    result = run("-" if data else "big.xml", "--format", "json", data=data)
    assert json.loads(result.stdout)["reports"][0]["findings"][0]["code"] == "XML03"
    assert result.exit_code == 1


def test_size_is_asked_before_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "big.xml").write_bytes(b"x" * 100)
    monkeypatch.setattr(Path, "open", lambda *_a, **_k: pytest.fail("was read"))
    report = batch.check_input(
        FakeChecker({}),  # type: ignore[arg-type]
        batch.Input(tmp_path / "big.xml", "big.xml"),
        batch.Setup(tmp_path, tmp_path, None, 99),
    )
    assert report.findings[0].code == "XML03"


def test_no_more_than_the_limit_is_read() -> None:
    class Endless(io.RawIOBase):
        asked = 0

        def read(self, size: int = -1) -> bytes:
            assert size >= 0
            self.asked += size
            return b"x" * size

    stream = Endless()
    assert len(batch.read_bounded(stream, 10)) == 11  # type: ignore[arg-type]
    assert stream.asked == 11


def test_output_goes_to_a_file(run: Run, folder: Path) -> None:
    result = run("a.xml", "--output", "report.txt")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "ОТКЛОНЁН" in (folder / "report.txt").read_text("utf-8")
    assert isinstance(run("a.xml", "--output", "absent/report.txt").exception, EnvironmentProblem)


def test_quiet_prints_only_what_is_wrong(run: Run, folder: Path) -> None:
    assert run("b.xml", "--quiet").stdout == ""
    assert "b.xml" not in run("a.xml", "b.xml", "-q").stdout


def test_no_colour_in_a_pipe(run: Run, folder: Path) -> None:
    assert "\x1b" not in run("a.xml").stdout


def test_name_of_a_file_cannot_speak_to_the_terminal(run: Run, folder: Path) -> None:
    (folder / "a\x1b[31m\u202e.xml").write_text("ok")
    result = run(".", "--format", "text")
    assert "\x1b" not in result.stdout
    assert "\u202e" not in result.stdout
    assert "a\ufffd[31m\ufffd.xml" in result.stdout


def test_language(run: Run, folder: Path) -> None:
    assert "REJECTED" in run("a.xml", "--lang", "en").stdout
    assert "ОТКЛОНЁН" in run("a.xml").stdout


def test_processes_give_the_same_in_the_same_order(tmp_path: Path) -> None:
    """Real processes and a real checker, with nothing installed."""
    items = []
    for number in range(9):
        path = tmp_path / f"{number}.xml"
        path.write_bytes(b"<a/>" if number % 2 else b"<a>")
        items.append(batch.Input(path, path.name))
    items.append(batch.Input(None, "-", b"<b/>"))
    setup = batch.Setup(tmp_path / "packs", tmp_path / "nsi", None, 1000)
    found = [_timeless(report) for report in batch.check_inputs(items, setup, 2)]
    assert found == [_timeless(report) for report in batch.check_inputs(items, setup, 1)]
    assert [source for source, *_ in found] == [item.source for item in items]


def _timeless(report: Report) -> tuple[Any, ...]:
    stages: list[tuple[StageName, Status]] = [(stage.name, stage.status) for stage in report.stages]
    return report.source, stages, report.findings


def test_stage_counts_survive_a_process() -> None:
    import pickle

    stage = Stage(StageName.XML, Status.PASSED, {"contexts": 1})
    assert pickle.loads(pickle.dumps(stage)) == stage
