"""A database that is restored from a backup, with its keys: what the state has registered since is found again."""

from __future__ import annotations

import asyncio
import json
import signal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg

from adapter.stand.app import Options, create_stand
from adapter.stand.processing import Timing
from tests.database import at
from tests.service import Served, egisz, environment, free_port, in_a_thread, serving

BUNDLE = Path(__file__).parents[3] / "examples" / "bundles" / "170-r4-frcore.json"


def numbers(task: dict[str, Any]) -> list[str]:
    found = [one["valueString"] for one in task["output"] if one["type"]["coding"][0]["code"] == "emdr-id"]
    assert task["status"] == "completed" and found, task
    return found


def stopped(service: Served) -> None:
    service.process.send_signal(signal.SIGTERM)
    assert service.process.wait(90) == 0


def tried(service: Served, task: str) -> bool:
    """It was sent, to nobody."""
    outputs = service.task(task).get("output", ())
    return any(one["type"]["coding"][0]["code"] == "error" for one in outputs)


async def _copied(server: str, database: str, name: str) -> None:
    connection = await asyncpg.connect(server)
    await connection.execute(f"create database {name} template {urlsplit(database).path[1:]}")
    await connection.close()


async def _dropped(server: str, name: str) -> None:
    connection = await asyncpg.connect(server)
    await connection.execute(f"drop database if exists {name} with (force)")
    await connection.close()


def test_what_was_registered_after_the_backup(server: str, database: str, tmp_path: Path) -> None:
    backup = f"{urlsplit(database).path[1:]}_backup"
    port = free_port()
    stand = create_stand(Options(address=f"http://127.0.0.1:{port}/", timing=Timing(delay=0), validate=False))
    there = {"EGISZ_REMD_URL": f"http://127.0.0.1:{port}/remd"}
    nowhere = environment(database, tmp_path, EGISZ_REMD_URL="http://127.0.0.1:9/")
    egisz(nowhere, "sign", "test-keys", str(tmp_path / "data"), "--rsa", "--for", str(BUNDLE))
    first = BUNDLE.read_bytes()
    second = json.dumps(json.loads(first.decode().replace('"2001"', '"2002"'))).encode()

    with serving(nowhere, tmp_path) as service:
        task = service.send(first)
        service.until(lambda: tried(service, task))
        stopped(service)
    asyncio.run(_copied(server, database, backup))
    try:
        with in_a_thread(stand, port):
            with serving({**nowhere, **there}, tmp_path) as service:
                known = numbers(service.settled(task)), numbers(service.settled(service.send(second)))
                stopped(service)
            restored = {**nowhere, **there, "EGISZ_DATABASE_URL": at(server, backup)}
            with serving(restored, tmp_path) as service:
                assert numbers(service.settled(task)) == known[0]
                assert numbers(service.settled(service.send(second))) == known[1]
    finally:
        asyncio.run(_dropped(server, backup))
