"""The second half of ``make demo``: database, stand and service; every example Bundle is sent and followed.

First documents alone, to РЭМД; then, once the organisation's file says which registers it writes to, one Bundle that is
a document and messages of three registers, and one about a worker.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

from rich.console import Console
from rich.table import Table

from adapter.catalogue import Catalogue
from adapter.findings import Text
from adapter.settings import settings

#: Seconds to wait for the service to start, and for the state's answers.
START, ANSWERS = 120.0, 180.0
_FINAL = ("completed", "failed", "on-hold")
OID = "1.2.643.5.1.13.13.12.2.77.99999"
#: What the organisation's file says beside what is built in.
FILE = """
routes: {{vaccination-register: on, iemk-patient: on, iemk-case: on, vzn: on, vzn-patient: on, frmr-person: on}}
services:
  vaccination-register: {{url: "{0}/vaccination-register", token: {{file: token}}}}
  n3: {{urls: {{pix: "{0}/n3/PixService.svc", emk: "{0}/n3/EMKService.svc"}}, guid: {{file: guid}}}}
  vzn: {{url: "{0}/vzn"}}
  frmr: {{url: "{0}/frmr", token: {{file: token}}}}
"""


class Failed(Exception):
    """A step did not end as it should."""


def run(bundles: Sequence[Path], messages: Sequence[Path], environment: Mapping[str, str], build: Path) -> None:
    """Send Bundles through the whole path and print the numbers that came back.

    Args:
        bundles: that give documents.
        messages: that give messages of registers, too.
        environment: of the commands: where packs and books are.
        build: for logs.

    Raises:
        Failed: something did not start, or an answer did not come.
    """
    with _data(build) as data, _ports(2) as (service, stand):
        own = {
            **environment,
            "EGISZ_DATA": str(data),
            "EGISZ_REMD_URL": f"http://127.0.0.1:{stand}/remd",
            "EGISZ_REMD_CLIENT_ID": "00000000-0000-4000-8000-000000000001",
            "EGISZ_REMD_REPLY_TO": f"http://127.0.0.1:{service}/ips/emdr",
        }
        _egisz(own, "sign", "test-keys", str(data), "--rsa", "--for", str(bundles[0].parent))
        with _running(own, build / "stand.log", "stand", "--port", str(stand)):
            with _serving(own, build / "service.log", service) as (base, token):
                _show(_followed(base, token, bundles))
            _configure(data / "organisations", f"http://127.0.0.1:{stand}/registers")
            with _serving(own, build / "service-registers.log", service) as (base, token):
                _show(_followed(base, token, messages))


@contextmanager
def _serving(environment: Mapping[str, str], log: Path, port: int) -> Iterator[tuple[str, str]]:
    """The service: its address and a token for trials."""
    with _running(environment, log, "serve", "--port", str(port)) as process:
        base = f"http://127.0.0.1:{port}"
        _wait(base, process, log)
        lines = log.read_text(encoding="utf-8").splitlines()
        yield base, next(line for line in lines if line.startswith("eyJ"))


def _configure(folder: Path, registers: str) -> None:
    """Write the organisation's file: what is built in, the registers that it writes to, and where they are."""
    built_in = Catalogue().file("mappings/organisation.yaml").read_text(encoding="utf-8").replace("routes: {}", "")
    told = FILE.format(registers)
    folder.mkdir(exist_ok=True)
    (folder / f"{OID}.yaml").write_text(built_in + told, encoding="utf-8")
    for name in ("token", "guid"):
        (folder / name).write_text("demo", encoding="utf-8")
    told = told.replace(registers, "…").strip()
    print(f"\n$ cat organisations/{OID}.yaml\n…\n{told}\n", flush=True)


@contextmanager
def _data(build: Path) -> Iterator[Path]:
    """An empty data folder; PostgreSQL, which does not run as root, must be able to enter it."""
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        folder = Path(tempfile.mkdtemp(prefix="egisz-demo-"))
        folder.chmod(0o711)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        return
    folder = build / "service"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    yield folder


@contextmanager
def _ports(count: int) -> Iterator[tuple[int, ...]]:
    """Ports that nobody uses now."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = tuple(one.getsockname()[1] for one in sockets)
    for one in sockets:
        one.close()
    yield ports


def _command(*arguments: str) -> list[str]:
    return [str(Path(sys.executable).with_name("egisz")), *arguments]


def _egisz(environment: Mapping[str, str], *arguments: str) -> None:
    print(f"\n$ egisz {' '.join(arguments[:2])} …", flush=True)
    if subprocess.run(_command(*arguments), env=environment, check=False).returncode:  # noqa: S603 - our own
        raise Failed(f"egisz {arguments[0]} failed")


@contextmanager
def _running(environment: Mapping[str, str], log: Path, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """A command in the background, stopped at the end."""
    print(f"$ egisz {' '.join(arguments)} &", flush=True)
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - our own
            _command(*arguments), env=environment, stdout=output, stderr=subprocess.STDOUT
        )
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()


def _wait(base: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + START
    while time.monotonic() < until and process.poll() is None:
        try:
            with urlopen(f"{base}/health/ready", timeout=5):  # noqa: S310 - this machine
                return
        except (URLError, OSError):
            time.sleep(0.5)
    raise Failed(f"the service did not start:\n{log.read_text(encoding='utf-8')[-2000:]}")


def _asked(url: str, token: str, data: bytes | None = None) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/fhir+json"}
    request = Request(url, data, {**headers, "Accept-Language": settings().lang})  # noqa: S310 - this machine
    with urlopen(request, timeout=30) as answer:  # noqa: S310 - this machine
        found: dict[str, Any] = json.load(answer)
        return found


def _followed(base: str, token: str, bundles: Sequence[Path]) -> list[tuple[Path, dict[str, Any]]]:
    """Each Bundle with its Task in a final state."""
    tasks = {path: _asked(f"{base}/fhir", token, path.read_bytes()) for path in bundles}
    until = time.monotonic() + ANSWERS
    while any(task["status"] not in _FINAL for task in tasks.values()):
        if time.monotonic() > until:
            raise Failed("the stand has not answered in time")
        time.sleep(0.5)
        for path, task in tasks.items():
            if task["status"] not in _FINAL:
                tasks[path] = _asked(f"{base}/fhir/Task/{task['id']}", token)
    return list(tasks.items())


def _show(tasks: list[tuple[Path, dict[str, Any]]]) -> None:
    lang = settings().lang
    heads = {"ru": ("Bundle", "вид", "состояние", "номер, УНРЗ или причина")}
    table = Table(*heads.get(lang, ("Bundle", "kind", "state", "number, УНРЗ, or why not")), box=None)
    for path, task in tasks:
        products = _products(task)
        for facts in products:
            number = facts.get("emdr-id") or facts.get("unrz") or facts.get("why", "")
            table.add_row(path.name, facts["kind"], facts["state"], number)
        if not products:
            nothing = Text("документов не даёт", "yields no document").get(lang)
            table.add_row(path.name, "—", task["status"], nothing)
    print()
    Console().print(table)


def _products(task: dict[str, Any]) -> list[dict[str, str]]:
    """The facts of each product of a Task."""
    outcomes = {f"#{one['id']}": one for one in task.get("contained", [])}
    found: dict[str, dict[str, str]] = {}
    for output in task.get("output", []):
        facts = found.setdefault(output["type"]["text"], {})
        fact = output["type"]["coding"][0]["code"]
        if "valueString" in output:
            facts[fact] = output["valueString"]
        elif fact == "outcome":
            issues = outcomes[output["valueReference"]["reference"]]["issue"]
            facts["why"] = next((one["details"]["text"] for one in issues if one["severity"] == "error"), "")
    return [facts for facts in found.values() if "kind" in facts]
