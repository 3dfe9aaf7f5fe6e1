"""``egisz serve`` killed again and again while real documents go to the stand.

A service takes seconds to start: it is killed a tenth as often as ``EGISZ_CRASHES`` says (``make crash``), or twice.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

KILLS = int(os.environ.get("EGISZ_CRASHES", "20")) // 10
ROOT = Path(__file__).resolve().parents[3]
BUNDLE = ROOT / "examples" / "bundles" / "170-r4-frcore.json"
#: Documents under way, each in several versions.
SETS = 5


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


class Installation:
    """A service and a stand in a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.api, self.stand = (f"http://127.0.0.1:{_free_port()}" for _ in range(2))
        (folder / "data").mkdir()
        (folder / "data").chmod(0o711)
        self.env = {
            **os.environ,
            "EGISZ_DATA": str(folder / "data"),
            "EGISZ_SIGNING": str(folder / "keys" / "signing.yaml"),
            # A job of a killed service is taken by the next one after so long.
            "EGISZ_WORKER_HEARTBEAT": "2",
            "EGISZ_REMD_URL": f"{self.stand}/",
            "EGISZ_REMD_TO": "",
            "EGISZ_REMD_CLIENT_ID": "2b5a5f63-0e5f-4b7c-9f3c-5d9f0f6f1a11",
            "EGISZ_REMD_REPLY_TO": f"{self.api}/ips/emdr",
        }
        self.egisz("sign", "test-keys", str(folder / "keys"), "--rsa", "--for", str(BUNDLE)).wait(60)
        self.running = [self.egisz("stand", "--port", self.stand.rpartition(":")[2], "--no-check", "--delay", "0.05")]
        self.token = ""
        self.start()

    def egisz(self, *arguments: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-c", "from adapter.cli import main; main()", *arguments]
        with (self.folder / "output").open("ab") as output:
            return subprocess.Popen(command, cwd=ROOT, env=self.env, stdout=output, stderr=output)

    def start(self) -> None:
        self.service = self.egisz("serve", "--port", self.api.rpartition(":")[2])

    def kill(self) -> None:
        """Kill the service without a word, and start it again."""
        self.service.send_signal(signal.SIGKILL)
        self.service.wait()
        self.start()

    def find_token(self) -> str:
        """The token for trials that the first start has printed."""
        for _ in range(600):
            lines = (self.folder / "output").read_text(errors="replace").splitlines()
            self.token = next((line for line in lines if line.startswith("eyJ")), "")
            if self.token:
                return self.token
            time.sleep(0.1)
        raise AssertionError((self.folder / "output").read_text(errors="replace"))

    def close(self) -> None:
        """Stop all, the service last and by a signal, so that it stops the database."""
        for one in (*self.running, self.service):
            one.terminate()
            one.wait(60)


@pytest.fixture
def installation() -> Iterator[Installation]:
    """Run both; the folder is one that the server may enter when the tests run as root."""
    folder = Path(tempfile.mkdtemp(prefix="egisz-crash-"))
    folder.chmod(0o711)
    made = Installation(folder)
    yield made
    made.close()
    shutil.rmtree(folder, ignore_errors=True)


def _bundle(number: int, version: int) -> bytes:
    """A vaccination; its versions differ in the series of the vaccine."""
    bundle = json.loads(BUNDLE.read_text(encoding="utf-8"))
    for entry in bundle["entry"]:
        if entry["resource"]["resourceType"] == "Immunization":
            entry["resource"].update(id=f"i-{number}", lotNumber=f"S-{version}")
    return json.dumps(bundle).encode()


async def _post(session: aiohttp.ClientSession, made: Installation, data: bytes) -> str:
    """Send until it is accepted; the address of its Task."""
    headers = {"Authorization": f"Bearer {made.token}", "Content-Type": "application/fhir+json"}
    while True:
        try:
            async with session.post(f"{made.api}/fhir", data=data, headers=headers) as answer:
                if answer.status == 202:
                    return str(answer.headers["Content-Location"])
                assert answer.status >= 500, await answer.text()
        except (aiohttp.ClientError, TimeoutError):
            pass
        await asyncio.sleep(0.2)


async def _documents(session: aiohttp.ClientSession, made: Installation) -> list[dict[str, Any]]:
    async with session.get(f"{made.stand}/admin/documents") as answer:
        found: list[dict[str, Any]] = (await answer.json())["documents"]
    return found


async def _scenario(made: Installation) -> None:
    await asyncio.to_thread(made.find_token)
    chance, tasks = random.Random(1), set()
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session:
        for kill in range(KILLS):
            for number in range(SETS):
                tasks.add(await _post(session, made, _bundle(number, kill)))
            await asyncio.sleep(chance.random() * 2)
            made.kill()
        wanted, before = KILLS * SETS, -1
        assert len(tasks) == wanted
        while (count := len(await _documents(session, made))) < wanted:
            for _ in range(90):
                await asyncio.sleep(1)
                if len(await _documents(session, made)) != count:
                    break
            else:
                raise AssertionError(f"{count} of {wanted} are registered, and no more for 90 seconds")
            assert count > before
            before = count
        documents = await _documents(session, made)
    assert len(documents) == len({one["local_uid"] for one in documents}) == wanted
    versions: dict[str, list[int]] = {}
    for one in documents:
        versions.setdefault(one["set_extension"], []).append(one["version"])
    assert list(versions.values()) == [list(range(1, KILLS + 1))] * SETS


def test_every_bundle_has_one_document_in_the_order_of_its_set(installation: Installation) -> None:
    asyncio.run(_scenario(installation))
