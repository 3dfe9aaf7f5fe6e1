"""The command line of packs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from adapter.cli.packs import app
from adapter.errors import PackError, UsageError
from adapter.settings import settings

Folder = Callable[..., Path]
Files = Callable[..., dict[str, str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    monkeypatch.setenv("EGISZ_PACKS", str(tmp_path / "store"))
    monkeypatch.setenv("EGISZ_LANG", "en")
    settings.cache_clear()
    return lambda *arguments: CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_install_list_use_verify(run: Callable[..., Result], folder: Folder, files: Files) -> None:
    first = run("install", folder({**files("170"), "guide.pdf": "x"}, name="one"))
    assert first.exit_code == 0
    assert first.stdout.startswith("170 v1.0.1-")
    assert ": installed. Сертификат" in first.stdout
    assert "Not part of a pack (1): guide.pdf" in first.stderr
    again = run("install", folder(files("170"), name="two"))
    assert "already installed, nothing was changed" in again.stdout
    assert run("install", folder(files("170", version="2.0.0"), name="three")).exit_code == 0

    rows = [line.split("\t") for line in run("list").stdout.splitlines()]
    assert [(row[0], row[1], row[2][:6]) for row in rows] == [("170", "", "v1.0.1"), ("170", "*", "v2.0.0")]
    assert "170: v1.0.1-" in run("use", "170", "v1").stdout
    assert run("list").stdout.splitlines()[0].split("\t")[1] == "*"
    verified = run("verify")
    assert (verified.exit_code, verified.stdout) == (0, "Packs: 2, findings: 0\n")


def test_a_store_by_option(run: Callable[..., Result], folder: Folder, files: Files, tmp_path: Path) -> None:
    other = tmp_path / "other"
    assert run("install", folder(files("170")), "--packs", other).exit_code == 0
    assert len(run("list", "--packs", other).stdout.splitlines()) == 1
    assert "No packs are installed" in run("list").stderr


def test_json(run: Callable[..., Result], folder: Folder, files: Files) -> None:
    more = "<pattern><rule context='ClinicalDocument'><assert test='nowhere:x'>x</assert></rule></pattern>"
    source = folder({**files("170", folder="170/", more=more), "163.sch": "<bad", "readme.txt": ""})
    result = run("install", source, "--format", "json")
    assert result.exit_code == 3
    answer = json.loads(result.stdout)
    [item] = answer["installed"]
    assert (item["kind"], item["status"], item["problems"][0]["code"]) == ("170", "installed", "SCH04")
    assert answer["refused"][0]["en"].startswith("163.sch:1: ")
    assert answer["ignored"] == ["readme.txt"]

    [pack] = json.loads(run("list", "--format", "json").stdout)["packs"]
    assert (pack["kind"], pack["active"], pack["counts"]["malformed"]) == ("170", True, 1)

    verified = run("verify", "170", "--format", "json")
    assert verified.exit_code == 0  # a malformed rule is a warning
    assert [finding["code"] for finding in json.loads(verified.stdout)["findings"]] == ["SCH04"]


def test_refusals_are_told_one_a_line(run: Callable[..., Result], folder: Folder, files: Files) -> None:
    bad = folder({"170.sch": "<bad"}, name="bad")
    good = folder(files("170"), name="good")
    result = run("install", bad, good)
    assert result.exit_code == 3
    assert result.stderr.startswith("egisz: 170.sch:1: ")
    assert "170 v1.0.1-" in result.stdout


def test_verify_finds_damage(run: Callable[..., Result], folder: Folder, files: Files, tmp_path: Path) -> None:
    run("install", folder(files("170")))
    [rules] = (tmp_path / "store").glob("170/*/170.sch")
    rules.write_bytes(rules.read_bytes() + b" ")
    result = run("verify", "170")
    assert result.exit_code == 1
    assert result.stdout.startswith(f"error PCK02 170/{rules.parent.name}/170.sch: ")


def test_a_damaged_edition_does_not_hide_the_others(
    run: Callable[..., Result], folder: Folder, files: Files, tmp_path: Path
) -> None:
    run("install", folder(files("170"), name="a"), folder(files("163"), name="b"))
    [manifest] = (tmp_path / "store").glob("170/*/manifest.json")
    manifest.write_text("{")
    result = run("list")
    assert result.exit_code == 1
    assert result.stdout.startswith("163\t*\t")
    assert f"PCK05 170/{manifest.parent.name}" in result.stderr
    assert run("verify").exit_code == 1
    assert run("verify", "163").exit_code == 0


def test_usage(run: Callable[..., Result], tmp_path: Path) -> None:
    assert isinstance(run("verify", "170").exception, PackError)
    assert isinstance(run("use", "170", "v1").exception, UsageError)
    assert run("install", tmp_path / "absent").exit_code == 2
    unknown = run("fetch", "99999")
    assert unknown.exit_code == 2
    assert "nowhere to download kind 99999" in unknown.stderr


def test_fetch_offline(run: Callable[..., Result]) -> None:
    result = run("fetch", "170", "--base-url", "http://127.0.0.1:9")
    assert result.exit_code == 3
    assert "Everything else works without it" in result.stderr
