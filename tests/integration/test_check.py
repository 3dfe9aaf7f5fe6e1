"""``egisz check`` as a program on real documents."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from conformance.packs import PackStore


def egisz(*arguments: object, data: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-c", "from adapter.cli import main; main()", "check", *map(str, arguments)]
    return subprocess.run(command, input=data, capture_output=True, check=False)


def report(run: subprocess.CompletedProcess[bytes]) -> dict[str, object]:
    found: dict[str, object] = json.loads(run.stdout)["reports"][0]
    return found


def test_without_packs_it_says_so(examples_dir: Path) -> None:
    run = egisz(examples_dir / "semd170_min.xml", "--lang", "en")
    printed = run.stdout.decode()
    assert run.returncode == 0
    assert "PARTLY CHECKED" in printed
    assert "not checked: XSD schema, Schematron (no pack" in printed
    assert "egisz packs install" in printed
    assert egisz(examples_dir / "semd170_min.xml", "--strict").returncode == 1


def test_official_example_of_227(examples_dir: Path) -> None:
    """No pack of 227 is at hand; its СНИЛС have wrong check digits."""
    run = egisz(examples_dir / "semd227_official.xml", "--format", "json")
    found = report(run)
    assert run.returncode == 1
    assert (found["kind"], found["verdict"], found["complete"]) == ("227", "rejected", False)
    assert b"25463625426" not in run.stdout


@pytest.fixture(scope="module")
def packs(packs_source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("packs")
    PackStore(root).install(packs_source / "170")
    return root


def test_with_its_pack(examples_dir: Path, packs: Path) -> None:
    whole = (examples_dir / "semd170_full.xml").read_bytes()
    found = report(egisz("-", "--packs", packs, "--format", "json", data=whole))
    statuses = {stage["name"]: stage["status"] for stage in found["stages"]}  # type: ignore[attr-defined]
    assert statuses["xsd"] == statuses["schematron"] == "passed"

    run = egisz("-", "--packs", packs, "--format", "json", data=whole.replace(b"<realmCode", b"<versionNumber"))
    assert run.returncode == 1
    assert {finding["stage"] for finding in report(run)["findings"]} >= {"xsd", "schematron"}  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["absent.xml"], 2), (["-", "--kind", "999999"], 2), (["-", "--output", "absent/x"], 3), (["-"], 1)],
)
def test_exit_codes(arguments: list[str], code: int) -> None:
    run = egisz(*arguments, data=b"<a/>")
    assert run.returncode == code
    assert b"Traceback" not in run.stderr


@pytest.mark.parametrize("data", [b"", b"\x00", b"<a>", b"<!DOCTYPE a><a/>", b"<a>" * 5000, b"\xff\xfe<\x00a\x00"])
def test_any_bytes_get_an_answer(data: bytes) -> None:
    run = egisz("-", "--format", "json", data=data)
    assert run.returncode == 1
    assert report(run)["findings"]
    assert not run.stderr
