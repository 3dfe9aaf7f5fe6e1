"""``egisz convert`` on many files: order, processes, names that meet, limits."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from adapter import bulk
from adapter.cli import app
from adapter.settings import settings
from tests.unit.convert.test_convert import PATIENT, RESOURCES, bundle


def other(number: int) -> bytes:
    """A Bundle of another vaccination, so that its document has another set."""
    return bundle(RESOURCES).replace(b'"i1"', f'"i{number}"'.encode())


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., tuple[int, dict[str, Any], Path]]:
    def invoke(*arguments: object) -> tuple[int, dict[str, Any], Path]:
        out = tmp_path / "out"
        result = CliRunner().invoke(app, ["convert", *map(str, arguments), "--out", str(out)])
        assert (out / "manifest.json").is_file(), result.output
        return result.exit_code, json.loads((out / "manifest.json").read_text("utf-8")), out

    return invoke


def test_two_documents_of_one_name_are_an_error_and_the_first_stays(run: Any, tmp_path: Path) -> None:
    one, two = tmp_path / "one.json", tmp_path / "two.json"
    one.write_bytes(bundle(RESOURCES))
    two.write_bytes(bundle([{**PATIENT, "gender": "female"}, *RESOURCES[1:]]))
    code, alone, out = run(one)
    before = next(out.glob("*.xml")).read_bytes()
    assert (code, alone["bundles"][0]["ok"]) == (0, True)
    code, manifest, out = run(one, two)
    assert code == 1
    assert [entry["ok"] for entry in manifest["bundles"]] == [True, False]
    (document,) = manifest["bundles"][1]["documents"]
    assert (document["file"], document["ok"]) == (None, False)
    (finding,) = [one for one in document["findings"] if one["code"] == "DOC05"]
    assert "one.json" in finding["message"]["en"]
    assert [path.read_bytes() for path in out.glob("*.xml")] == [before]


def test_a_folder_is_taken_in_order_of_names_and_a_file_once(run: Any, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for number in (3, 1, 2):
        (folder / f"{number}.json").write_bytes(other(number))
    (folder / "note.txt").write_text("no Bundle")
    code, manifest, _ = run(folder, folder / "1.json")
    assert code == 0
    assert [Path(entry["source"]).name for entry in manifest["bundles"]] == ["1.json", "2.json", "3.json"]


def test_processes_give_the_same_manifest_and_documents(
    run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """NDJSON is split over the processes; a refused file keeps its place."""
    monkeypatch.setattr(bulk, "SPLIT_FROM", 100)
    lines = tmp_path / "many.ndjson"
    lines.write_bytes(b"\n".join(other(number) for number in range(6)))
    broken, last = tmp_path / "broken.json", tmp_path / "last.json"
    broken.write_bytes(b"{" + b" " * 200)
    last.write_bytes(other(9))
    found = []
    for jobs in (1, 2):
        code, manifest, out = run(lines, broken, last, "--jobs", jobs)
        assert code == 1
        found.append((manifest, {path.name: path.read_bytes() for path in sorted(out.glob("*.xml"))}))
    assert found[0] == found[1]
    assert len(found[0][1]) == 7
    sources = [Path(entry["source"]).name for entry in found[0][0]["bundles"]]
    assert sources == [*(f"many.ndjson#{number}" for number in range(1, 7)), "broken.json", "last.json"]


@pytest.mark.parametrize(
    ("name", "value", "code"), [("BYTES", 100, "FHIR03"), ("DEPTH", 3, "FHIR04"), ("ENTRIES", 1, "FHIR05")]
)
def test_the_settings_bound_what_is_read(
    name: str, value: int, code: str, run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"EGISZ_FHIR_MAX_{name}", str(value))
    settings.cache_clear()
    file = tmp_path / "one.json"
    file.write_bytes(bundle(RESOURCES))
    status, manifest, _ = run(file)
    assert status == 1
    (finding,) = manifest["bundles"][0]["findings"]
    assert finding["code"] == code
    assert f"EGISZ_FHIR_MAX_{name}" in finding["hint"]["ru"]


def test_a_file_that_is_not_there_is_said_before_any_work(tmp_path: Path) -> None:
    good = tmp_path / "good.json"
    good.write_bytes(bundle(RESOURCES))
    out = tmp_path / "out"
    result = CliRunner().invoke(app, ["convert", str(good), str(tmp_path / "absent.json"), "--out", str(out)])
    assert result.exception is not None
    assert not out.exists()
