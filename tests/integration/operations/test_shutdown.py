"""``egisz serve`` is told to stop while requests come and documents are on their way."""

from __future__ import annotations

import asyncio
import json
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.error import URLError

import asyncpg
import pytest

from tests.service import Served, egisz, environment, serving

BUNDLE = Path(__file__).parents[3] / "examples" / "bundles" / "170-r4-frcore.json"
PATIENTS = 4


def numbered(number: int) -> bytes:
    """The Bundle about one of a few patients, another content each time."""
    bundle = json.loads(BUNDLE.read_text("utf-8").replace('"2001"', f'"2001-{number % PATIENTS}"'))
    return json.dumps({**bundle, "identifier": {"system": "urn:test", "value": f"b-{number}"}}).encode()


class Sender:
    """Sends on several threads until nobody answers."""

    def __init__(self, service: Served) -> None:
        self._service, self._lock, self._next = service, threading.Lock(), 0
        self.accepted: list[str] = []
        self.others: list[int] = []
        self.some = threading.Event()

    def run(self) -> None:
        while True:
            with self._lock:
                self._next += 1
                number = self._next
            try:
                answer = self._service.call("POST", "/fhir", numbered(number))
            except (URLError, OSError):
                return
            if answer.status == 202:
                self.accepted.append(answer.json()["id"])
            else:
                self.others.append(answer.status)
            if len(self.accepted) >= 40:
                self.some.set()


async def _state(url: str) -> dict[str, Any]:
    connection = await asyncpg.connect(url)
    try:
        return {
            "submissions": {str(row["id"]) for row in await connection.fetch("select id from egisz.submission")},
            "picked": await connection.fetchval("select count(*) from egisz.pgqueuer where status = 'picked'"),
            # The first of each chain has a job; the others wait for it.
            "lost": await connection.fetchval(
                """select count(*) from egisz.submission one where state = 'accepted'
                and not exists (select from egisz.submission other
                    where other.chain = one.chain and other.seq < one.seq and other.state = 'accepted')
                and not exists (select from egisz.pgqueuer
                    where entrypoint = 'convert' and payload = convert_to(one.id::text, 'UTF8'))"""
            ),
        }
    finally:
        await connection.close()


@pytest.mark.parametrize("options", [(), ("--no-worker",)], ids=["with a worker", "without"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_what_was_accepted_is_stored(
    database: str, tmp_path: Path, options: tuple[str, ...], number: signal.Signals
) -> None:
    variables = environment(database, tmp_path, EGISZ_REMD_URL="http://127.0.0.1:9/", EGISZ_LOG_LEVEL="info")
    egisz(variables, "sign", "test-keys", str(tmp_path / "data"), "--rsa", "--for", str(BUNDLE))
    with serving(variables, tmp_path, *options) as service, ThreadPoolExecutor(4) as threads:
        sender = Sender(service)
        running = [threads.submit(sender.run) for _ in range(4)]
        assert sender.some.wait(120)
        service.process.send_signal(number)
        assert service.process.wait(90) == 0, service.log.read_text("utf-8")[-2000:]
        for one in running:
            one.result(30)
        log = service.log.read_text("utf-8")
    assert sender.others == []
    found = asyncio.run(_state(database))
    assert found["submissions"] >= set(sender.accepted)
    assert (found["picked"], found["lost"]) == (0, 0)
    assert "Traceback" not in log and '"level": "error"' not in log
    assert '"route": "/fhir"' in log, "the canonical line of a request says which route"
