"""What ``deploy/`` and the pages about running the service name is there: commands, options, settings, files."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import typer.main
from ruamel.yaml import YAML
from typer import Context

from adapter.cli import app
from adapter.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
PAGES = sorted(
    path for name in ("run-the-service", "operate") for path in (ROOT / "docs" / "howto").glob(f"{name}*.md")
)
FILES = [path for path in sorted(DEPLOY.rglob("*")) if path.is_file()]
SETTINGS = {f"EGISZ_{name.upper()}" for name in Settings.model_fields}
COMPOSE: dict[str, Any] = YAML(typ="safe").load((DEPLOY / "compose.yaml").read_text("utf-8"))


def unknown(words: list[str]) -> str:
    """The first word of a command line of egisz that the program does not know; empty where it knows all."""
    command: Any = typer.main.get_command(app)
    names = {"--help", "--version"}
    for word in words:
        if hasattr(command, "commands"):
            if word in names:
                continue
            command = command.get_command(Context(command), word)
            if command is None:
                return word
            names |= {name for one in command.params for name in (*one.opts, *one.secondary_opts)}
        elif word.startswith("-") and word.split("=")[0] not in names:
            return word
    return ""


def lines_of(path: Path) -> list[list[str]]:
    """Command lines of egisz in a page: in blocks, and in code between words."""
    text = path.read_text("utf-8")
    blocks = re.findall(r"^ {4}\$? ?(egisz .*)$", text, re.MULTILINE) + re.findall(r"`(egisz [^`]+)`", text)
    return [shlex.split(one.split("|")[0].split(" > ")[0].rstrip("\\&… "), comments=True)[1:] for one in blocks]


def commands() -> list[tuple[str, list[str]]]:
    found = [
        (path.name, shlex.split(line.removeprefix("ExecStart="))[1:])
        for path in UNITS
        for line in path.read_text("utf-8").splitlines()
        if line.startswith("ExecStart=")
    ]
    found += [(name, list(one["command"])) for name, one in COMPOSE["services"].items() if "command" in one]
    (told,) = re.findall(r"^CMD \[(.*)\]$", (DEPLOY / "Containerfile").read_text("utf-8"), re.MULTILINE)
    found.append(("Containerfile", re.findall(r'"([^"]+)"', told)))
    return found + [(path.name, line) for path in PAGES for line in lines_of(path)]


def test_a_wrong_command_would_be_seen() -> None:
    assert unknown(["serve", "--no-worker", "--port", "1"]) == ""
    assert unknown(["serve", "--portt", "1"]) == "--portt"
    assert unknown(["outbox", "lss"]) == "lss"


@pytest.mark.parametrize(("where", "words"), commands(), ids=lambda one: one if isinstance(one, str) else " ".join(one))
def test_commands_exist(where: str, words: list[str]) -> None:
    assert not unknown(words), where


@pytest.mark.parametrize("path", [*FILES, *PAGES], ids=lambda path: path.name)
def test_settings_exist(path: Path) -> None:
    named = set(re.findall(r"EGISZ_[A-Z][A-Z_]*[A-Z]", path.read_text("utf-8")))
    assert named <= SETTINGS


def test_the_example_of_settings_is_read() -> None:
    """The lines that are commented out, too."""
    found = re.findall(r"^#?EGISZ_([A-Z_]+)=(.*)$", (DEPLOY / "egisz.env.example").read_text("utf-8"), re.MULTILINE)
    values = {name.lower(): value for name, value in found}
    made = Settings(**values)  # type: ignore[arg-type]
    assert made.migrate == "all"
    assert len(values) == len(found) > 15


def test_a_shell_reads_the_example_as_systemd_does(tmp_path: Path) -> None:
    text = (DEPLOY / "egisz.env.example").read_text("utf-8")
    file = tmp_path / "egisz.env"
    file.write_text(re.sub("^#(?=EGISZ_)", "", text, flags=re.MULTILINE), "utf-8")
    command, bare = ["sh", "-c", f"set -a; . {file}; env"], {"PATH": os.environ["PATH"]}
    done = subprocess.run(command, env=bare, capture_output=True, encoding="utf-8", check=False)
    assert (done.returncode, done.stderr) == (0, "")
    read = dict(line.split("=", 1) for line in done.stdout.splitlines() if line.startswith("EGISZ_"))
    assert read == dict(line.split("=", 1) for line in file.read_text("utf-8").splitlines() if line[:6] == "EGISZ_")


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_units_are_understood(unit: Path, tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not here")
    text = re.sub("^ExecStart=.*$", "ExecStart=/bin/true", unit.read_text("utf-8"), flags=re.MULTILINE)
    copy = tmp_path / unit.name
    copy.write_text(text, "utf-8")
    done = subprocess.run(["systemd-analyze", "verify", str(copy)], capture_output=True, encoding="utf-8", check=False)
    if "Failed to" in done.stderr and unit.name not in done.stderr:
        pytest.skip("systemd-analyze does not work here")
    assert (done.returncode, unit.name in done.stderr) == (0, False), done.stderr


def test_units_differ_in_what_they_run_alone() -> None:
    one, other = (
        [
            line
            for line in unit.read_text("utf-8").splitlines()
            if not line.startswith(("#", "Description=", "ExecStart="))
        ]
        for unit in UNITS
    )
    assert one == other


def test_the_image_is_made_of_what_is_there() -> None:
    text = (DEPLOY / "Containerfile").read_text("utf-8")
    ignored = (DEPLOY / "Containerfile.dockerignore").read_text("utf-8").splitlines()
    copied = [name for line in re.findall(r"^COPY (?!--from)(.*)$", text, re.MULTILINE) for name in line.split()[:-1]]
    assert copied
    for name in copied:
        assert (ROOT / name).exists()
        assert f"!{name}" in ignored
    assert re.search(r"^USER (?!0|root)\S+$", text, re.MULTILINE)
    assert "HEALTHCHECK" in text


def test_services_of_the_example_stand_on_each_other() -> None:
    services = COMPOSE["services"]
    for one in services.values():
        assert set(one.get("depends_on", ())) <= set(services)
    assert services["worker"]["environment"]["EGISZ_MIGRATE"] == "check"
    assert services["service"]["read_only"]
    dockerfile = DEPLOY / services["service"]["build"]["context"] / services["service"]["build"]["dockerfile"]
    assert dockerfile.is_file()


def test_alerts_are_about_metrics_that_there_are() -> None:
    from prometheus_client import REGISTRY

    from adapter.api import observe
    from adapter.pipeline import metrics, states

    assert observe.REQUESTS and metrics.ROWS  # both modules have registered theirs
    known = {name for one in REGISTRY.collect() for name in (one.name, f"{one.name}_total", f"{one.name}_bucket")}
    rules = YAML(typ="safe").load((DEPLOY / "prometheus-rules.yaml").read_text("utf-8"))["groups"][0]["rules"]
    text = " ".join(rule["expr"] for rule in rules)
    assert set(re.findall(r"egisz_[a-z_]+", text)) <= known
    named = {state for told in re.findall(r'state=~?"([a-z|]+)"', text) for state in told.split("|")}
    assert named <= set(states.product_machine().states) | set(states.submission_machine().states)
    pages = [path.read_text("utf-8") for path in PAGES]
    for metric in set(re.findall(r"`(egisz_[a-z_]+)`", " ".join(pages))):
        assert metric in known


@pytest.mark.parametrize("name", ["http-api.md", "http-api.ru.md"])
def test_the_page_of_the_api_is_whole(name: str) -> None:
    import json

    from adapter.api import resources

    text = (ROOT / "docs" / "reference" / name).read_text("utf-8")
    described = json.loads((ROOT / "docs" / "reference" / "openapi.json").read_bytes())
    for path in described["paths"]:
        assert f"{path}`" in text, path
    source = Path(resources.__file__).read_text("utf-8")
    facts = set(re.findall(r'_output\(name, "([a-z-]+)"', source)) | {"kind", "state", "emdr-id", "unrz"}
    assert facts <= set(re.findall(r"^\| `([a-z-]+)` \|", text, re.MULTILINE))
    codes = set(re.findall(r"^(API[0-9]{2}):", (ROOT / "conformance" / "codes.yaml").read_text("utf-8"), re.MULTILINE))
    assert codes == set(re.findall(r"API[0-9]{2}", text.partition("| HTTP |")[2]))
