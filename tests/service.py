"""``egisz serve`` as a process of its own, and whoever plays the state beside it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import uvicorn

CLIENT_ID = "00000000-0000-4000-8000-000000000001"
#: Seconds to wait for what must come.
PATIENCE = 120.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What the service answered, whatever its status."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(slots=True)
class Served:
    """The running service.

    Attributes:
        token: for trials; of the fictive organisation.
        log: where its standard output and error go.
    """

    process: subprocess.Popen[bytes]
    base: str
    log: Path
    environment: Mapping[str, str]
    token: str = ""

    def call(self, method: str, path: str, data: bytes | None = None, **headers: str) -> Answer:
        """A request with the token, unless the headers say otherwise."""
        given = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/fhir+json"}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        request = Request(self.base + path, data, given, method=method)
        try:
            with urlopen(request, timeout=60) as answer:
                return Answer(answer.status, dict(answer.headers), answer.read())
        except HTTPError as error:
            return Answer(error.code, dict(error.headers), error.read())

    def send(self, bundle: bytes) -> str:
        """Send a Bundle; the id of its Task."""
        answer = self.call("POST", "/fhir", bundle)
        assert answer.status == 202, answer.body
        return str(answer.json()["id"])

    def task(self, ident: str) -> dict[str, Any]:
        found: dict[str, Any] = self.call("GET", f"/fhir/Task/{ident}").json()
        return found

    def settled(self, ident: str) -> dict[str, Any]:
        """A Task once it is final."""
        return self.until(lambda: (task := self.task(ident))["status"] in ("completed", "failed") and task)

    def until(self, found: Any) -> Any:
        """What a function returns once it is true."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            assert self.process.poll() is None, self.log.read_text("utf-8")[-3000:]
            if value := found():
                return value
            time.sleep(0.1)
        raise AssertionError(self.log.read_text("utf-8")[-3000:])


def egisz(environment: Mapping[str, str], *arguments: str) -> str:
    """Standard output of a command that succeeds."""
    done = subprocess.run(_command(*arguments), env=environment, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def environment(url: str, home: Path, **more: str) -> dict[str, str]:
    """Variables of a service on a database, with keys of its own and nothing of the person who runs the tests."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("EGISZ_")}
    return {
        **kept,
        "EGISZ_DATA": str(home / "data"),
        "EGISZ_CACHE": str(home / "cache"),
        "EGISZ_DATABASE_URL": url,
        "EGISZ_KEYS": f"k1:{'A' * 43}=",
        "EGISZ_REMD_CLIENT_ID": CLIENT_ID,
        "EGISZ_LANG": "en",
        **more,
    }


@contextmanager
def serving(variables: Mapping[str, str], home: Path, *options: str) -> Iterator[Served]:
    """``egisz serve``, ready; whatever is left of it is killed at the end."""
    port = free_port()
    own = {"EGISZ_REMD_REPLY_TO": f"http://127.0.0.1:{port}/ips/emdr", **variables}
    log = home / f"service-{port}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            _command("serve", "--port", str(port), *options), env=own, stdout=output, stderr=subprocess.STDOUT
        )
    served = Served(process, f"http://127.0.0.1:{port}", log, own)
    try:
        served.until(lambda: _ready(served))
        served.token = next((one for one in log.read_text("utf-8").splitlines() if one.startswith("eyJ")), "")
        yield served
    finally:
        process.kill()
        process.wait()


def _ready(served: Served) -> bool:
    try:
        return served.call("GET", "/health/ready").status == 200
    except (URLError, OSError):
        return False


@contextmanager
def in_a_thread(app: Any, port: int) -> Iterator[str]:
    """An application beside the test; its address."""
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_config=None, access_log=False))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    end = time.monotonic() + PATIENCE
    while not server.started and time.monotonic() < end:
        time.sleep(0.02)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(30)


def _command(*arguments: str) -> list[str]:
    return [str(Path(sys.executable).with_name("egisz")), *arguments]
