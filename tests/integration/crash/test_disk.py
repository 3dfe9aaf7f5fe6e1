"""The disk of the embedded database is full, under load: nothing is half stored, and all goes on once there is space.

The disk is a small tmpfs. Only root may mount one, or a user with sudo that asks for no password, as CI has it.
"""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import asyncpg
import httpx2 as httpx
import pytest

from adapter.api.app import create_app
from adapter.api.assembly import assembled
from adapter.api.clients import StoredClients
from adapter.api.scopes import parse_scopes
from adapter.doctor.line import Mark
from adapter.doctor.storage import database, disk
from adapter.pipeline import Journal, State, Worker
from adapter.pipeline.periodic import Periodic
from adapter.pipeline.postgres import Cluster
from adapter.pipeline.stages import Stages
from adapter.settings import Settings
from adapter.transport.http import AioHttp
from tests.integration.crash.registry import Stand
from tests.integration.crash.worker import BACKOFF, PACE, ports
from tests.unit.pipeline.doubles import ORGANISATION, bundle

#: A new cluster takes a third of it.
SIZE = "160m"
SETS = 5


def _as_root(*command: str) -> bool:
    sudo = () if os.geteuid() == 0 else ("sudo", "-n")
    with suppress(OSError):
        return subprocess.run([*sudo, *command], capture_output=True, check=False).returncode == 0
    return False


@pytest.fixture
def small() -> Iterator[Path]:
    """A folder on a disk of its own."""
    folder = Path(tempfile.mkdtemp(prefix="egisz-disk-"))
    folder.chmod(0o711)
    if not _as_root("mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=711,uid={os.geteuid()}", "tmpfs", str(folder)):
        folder.rmdir()
        pytest.skip("a small disk cannot be mounted: neither root nor sudo without a password")
    yield folder
    assert _as_root("umount", "--lazy", str(folder))
    folder.rmdir()


@dataclass
class Sender:
    """Posts Bundles without a pause, each until it is accepted, with one key.

    Attributes:
        refused: answers that said no, by their key.
        tasks: Tasks by key.
    """

    http: httpx.AsyncClient
    headers: dict[str, str]
    refused: list[str] = field(default_factory=list)
    tasks: dict[str, str] = field(default_factory=dict)
    sending: bool = True

    async def run(self) -> None:
        number = 0
        while self.sending:
            number += 1
            # Random, so that it takes its place on the disk however it is packed.
            data = bundle(random.randbytes(30_000).hex(), f"p{number % SETS}")
            await self._post(f"key-{number}", data)
            await asyncio.sleep(0.02)

    async def _post(self, key: str, data: bytes) -> None:
        headers = {**self.headers, "Idempotency-Key": key, "Content-Type": "application/fhir+json"}
        while True:
            answer = await self.http.post("/fhir", content=data, headers=headers)
            if answer.status_code == 202:
                self.tasks[key] = answer.headers["Content-Location"]
                return
            assert answer.status_code == 503, answer.text
            assert answer.json()["resourceType"] == "OperationOutcome" and "API11" in answer.text
            assert int(answer.headers["Retry-After"]) > 0
            self.refused.append(key)
            await asyncio.sleep(0.1)


async def _until(true: Callable[[], bool], seconds: float = 30) -> None:
    async with asyncio.timeout(seconds):
        while not true():
            await asyncio.sleep(0.05)


def _fill(ballast: Path) -> None:
    """Take all that is free."""
    with ballast.open("ab", buffering=0) as file, suppress(OSError):
        while file.write(b"\0" * 65536):
            pass
    with ballast.open("ab", buffering=0) as file, suppress(OSError):
        while file.write(b"\0"):
            pass


async def _end_of_the_log(cluster: Cluster, ballast: Path) -> None:
    """Let the server need another file of its log, which does not fit: it stops, and cannot recover."""
    async with asyncio.timeout(30):
        while cluster.alive():
            _fill(ballast)
            with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                connection = await asyncpg.connect(cluster.url)
                for _ in range(4):
                    await connection.execute("select pg_logical_emit_message(false, 'fill', repeat('x', 1000))")
                    await connection.execute("select pg_switch_wal()")
            await asyncio.sleep(0.1)


@asynccontextmanager
async def _working(journal: Journal, conf: Settings, registry: str) -> AsyncIterator[None]:
    stop = asyncio.Event()
    async with AioHttp(timeout=2.0) as http:
        stages = Stages(journal, ports(journal, registry, http), backoff=BACKOFF, answer_within=timedelta(seconds=3))
        running = asyncio.create_task(Worker(journal, stages, Periodic(journal, conf), PACE).run(stop=stop))
        try:
            yield
        finally:
            stop.set()
            await running


@asynccontextmanager
async def _sending(journal: Journal, conf: Settings) -> AsyncIterator[Sender]:
    service = assembled(conf, "http://clinic", journal)
    clients = service.access.clients
    assert isinstance(clients, StoredClients)
    await clients.add("mis", [ORGANISATION], {"keys": []}, ["system/*.cruds"], None)
    token = service.access.issue("mis", parse_scopes(["system/*.cruds"]), now=service.clock(), lifetime=3600)
    app = create_app(lambda: nullcontext(service))
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://clinic") as http,
    ):
        sender = Sender(http, {"Authorization": f"Bearer {token}"})
        running = asyncio.create_task(sender.run())
        try:
            yield sender
            sender.sending = False
            await running
        finally:
            running.cancel()


async def _scenario(small: Path) -> None:
    conf = Settings(data=small / "data", database_url=None, keys="k1:" + "A" * 43 + "=")
    journal = await Journal.open(conf)
    try:
        stand = Stand(journal, random.Random(1), losing=0.0)
        runner, registry = await stand.start()
        async with _working(journal, conf, registry):
            async with _sending(journal, conf) as sender:
                await _until(lambda: len(sender.tasks) >= 10)
                await _full_twice(small, conf, sender)
            await _all_registered(journal, conf, sender, stand)
        await runner.cleanup()
    finally:
        await journal.close()


async def _full_twice(small: Path, conf: Settings, sender: Sender) -> None:
    """Full while tables grow; and full where the server has to stop."""
    ballast, cluster = small / "ballast", Cluster(conf.data / "postgres")
    for to_the_end in (False, True):
        refused = len(sender.refused)
        try:
            _fill(ballast)
            await _until(lambda refused=refused: len(sender.refused) >= refused + 3)
            if to_the_end:
                await _end_of_the_log(cluster, ballast)
            await _told_by_the_doctor(conf)
        finally:
            ballast.unlink()
        accepted = len(sender.tasks)
        await _until(lambda accepted=accepted: len(sender.tasks) >= accepted + 3)


async def _told_by_the_doctor(conf: Settings) -> None:
    """It says what is full, and how the database comes back."""
    (first, *_) = [line async for line in disk(conf)]
    assert first.mark is Mark.ERROR and first.hint.en
    async for line in database(conf):
        assert line.mark is not Mark.ERROR or "starts the database by itself" in line.hint.en


async def _all_registered(journal: Journal, conf: Settings, sender: Sender, stand: Stand) -> None:
    """Each key has one Task, each Task one document, registered once and in the order of its set."""
    periodic = Periodic(journal, conf)

    async def left() -> int:
        await periodic.ask()
        # A job whose failure could not be written down is lost with it; a minute is long for a test.
        await periodic.mend(timedelta(seconds=3))
        counts = await journal.outbox.counts()
        return sum(rows for found in counts.values() for state, (rows, _) in found.items() if state in _OPEN)

    await _settled(left)
    async with journal.database.connection() as connection:
        assert await connection.fetchval("select count(*) from egisz.submission") == len(sender.tasks)
        assert await connection.fetchval("select count(*) from egisz.product") == len(sender.tasks)
        states = await connection.fetch("select distinct state from egisz.product")
        # No payload belongs to nobody, and none is missing.
        whole = "select count(*) from egisz.submission join egisz.payload on payload.id = submission.payload_id"
        assert await connection.fetchval(whole) == len(sender.tasks)
    assert [row["state"] for row in states] == [State.REGISTERED]
    assert len(set(sender.tasks.values())) == len(sender.tasks) == len(stand.numbers)
    for versions in stand.order.values():
        assert versions == list(range(1, len(versions) + 1))


_OPEN = ("accepted", "held", "checked", "signed", "sent", "awaiting")


async def _settled(left: Callable[[], Awaitable[int]]) -> None:
    async with asyncio.timeout(60):
        while await left():
            await asyncio.sleep(0.3)


def test_a_full_disk_loses_nothing(small: Path) -> None:
    asyncio.run(_scenario(small))
