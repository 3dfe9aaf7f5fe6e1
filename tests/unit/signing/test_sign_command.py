"""``egisz sign``."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from typer.testing import CliRunner

from adapter.cli import app
from adapter.errors import UsageError
from adapter.settings import settings
from adapter.signing import Keyring, verify_cms
from adapter.signing.testkeys import Subject
from tests.signing import NOW, SNILS, Pair, need

ROOT = Path(__file__).resolve().parents[3]


def run(*arguments: str, code: int = 0) -> str:
    result = CliRunner().invoke(app, ["sign", *arguments])
    assert result.exit_code == code, result.output
    return result.stdout


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    run("test-keys", str(tmp_path / "keys"), "--rsa", "--snils", "112-233-445 95")
    return tmp_path / "keys"


@pytest.mark.parametrize(("option", "algorithm"), [("--gost", "gost2012-256"), ("--rsa", "rsa")])
def test_test_keys_serve_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, option: str, algorithm: str) -> None:
    need(algorithm)
    folder = tmp_path / "keys"
    assert "EGISZ_SIGNING=" in run("test-keys", str(folder), option, "--snils", SNILS)
    monkeypatch.setenv("EGISZ_SIGNING", str(folder / "signing.yaml"))
    settings.cache_clear()
    rows = json.loads(run("check", "--format", "json"))
    assert [row["certificate"]["algorithm"] for row in rows] == [algorithm] * 3
    assert {row["person"] for row in rows} == {"", SNILS, "22222222290"}, "the legal authenticator signs too"
    found = {finding["code"] for row in rows for finding in row["findings"]}
    assert found == ({"SIG12"} if algorithm == "rsa" else set())
    keyring = Keyring.load(folder / "signing.yaml")
    for signer in (keyring.transport(), keyring.person(SNILS), keyring.organisation("1.2.643.5.1.13.13.12.2.77.99999")):
        assert signer is not None
        verify_cms(signer.cms(b"x", at=NOW), b"x")
    assert all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in folder.glob("*.key"))


def test_test_keys_for_bundles(tmp_path: Path) -> None:
    run(
        "test-keys", str(tmp_path / "keys"), "--rsa", "--for", str(ROOT / "examples" / "bundles" / "170-r4-rucore.json")
    )
    people = {key.entry.person for key in Keyring.load(tmp_path / "keys" / "signing.yaml")} - {""}
    assert len(people) > 1
    assert all(len(one) == 11 for one in people)


def test_keys_are_not_overwritten(keys: Path) -> None:
    before = {file.name: file.read_bytes() for file in keys.iterdir()}
    result = CliRunner().invoke(app, ["sign", "test-keys", str(keys), "--rsa"])
    assert isinstance(result.exception, UsageError)
    assert {file.name: file.read_bytes() for file in keys.iterdir()} == before


def test_a_wrong_number_is_refused(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["sign", "test-keys", str(tmp_path / "k"), "--rsa", "--snils", "123"])
    assert isinstance(result.exception, UsageError)
    assert not (tmp_path / "k").exists()


def test_check_shows_whom_keys_serve(keys: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EGISZ_LANG", "en")
    settings.cache_clear()
    shown = run("check", str(keys / "signing.yaml"))
    assert f"person-1  rsa (rsa)  until 2045-01-01  СНИЛС {SNILS}" in shown
    assert "organisation 1.2.643.5.1.13.13.12.2.77.99999, transport ИПС" in shown


def test_check_finds_what_is_wrong(tmp_path: Path, keys: Path) -> None:
    other = Pair(tmp_path, "rsa", Subject("Другой", snils="22222222290"), stem="other")
    (keys / "person-1.key").write_bytes(other.key.read_bytes())
    (keys / "person-2.crt").unlink()
    (keys / "organisation.key").chmod(0o644)
    rows = json.loads(run("check", str(keys / "signing.yaml"), "--format", "json", code=1))
    found = {row["name"]: [finding["code"] for finding in row["findings"]] for row in rows}
    assert found == {"organisation": ["SIG12", "SIG09"], "person-1": ["SIG12", "SIG08"], "person-2": ["SIG10"]}
    (keys / "person-1.crt").write_bytes(other.file.read_bytes())
    rows = json.loads(run("check", str(keys / "signing.yaml"), "--format", "json", code=1))
    assert [finding["code"] for finding in rows[1]["findings"]] == ["SIG04", "SIG12"]


def test_a_key_of_gost_that_is_another_ones(tmp_path: Path) -> None:
    need("gost2012-256")
    folder = tmp_path / "keys"
    run("test-keys", str(folder), "--gost", "--snils", SNILS)
    (folder / "person-1.key").write_bytes((folder / "person-2.key").read_bytes())
    rows = json.loads(run("check", str(folder / "signing.yaml"), "--format", "json", code=1))
    assert [[finding["code"] for finding in row["findings"]] for row in rows] == [[], ["SIG08"], []]


def test_external_keys_are_tried_on_demand(tmp_path: Path, rsa: Pair) -> None:
    file = tmp_path / "signing.yaml"
    marker = tmp_path / "started"
    file.write_text(
        f"keys:\n  - {{name: token, method: command, certificate: {rsa.file}, transport: true,"
        f" command: [touch, {marker}, '{{input}}', '{{output}}']}}\n",
        "utf-8",
    )
    run("check", str(file))
    assert not marker.exists()
    assert "SIG10" in run("check", str(file), "--try-all", code=1)
    assert marker.exists()


def test_no_key_is_shown_anywhere(keys: Path, capfd: pytest.CaptureFixture[str]) -> None:
    secret = "".join((keys / "person-1.key").read_text().split("\n")[1:-2])
    keyring = Keyring.load(keys / "signing.yaml")
    signer = keyring.person(SNILS)
    shown = run("check", str(keys / "signing.yaml"), "--format", "json") + repr(list(keyring)) + repr(signer)
    shown += "".join(capfd.readouterr())
    assert len(secret) > 500
    assert not any(secret[at : at + 40] in shown for at in range(0, len(secret) - 40, 20))
    assert SNILS not in repr(signer and signer.certificate)
