"""Workers killed anywhere, again and again, under load: nothing is lost, nothing is registered twice or out of order.

``EGISZ_CRASHES`` says how many kills (20 by default; ``make crash``: 200).
"""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from adapter.errors import DatabaseError
from adapter.pipeline import Journal, State, SubmissionState
from adapter.pipeline.model import Accepted
from adapter.pipeline.periodic import Periodic
from adapter.pipeline.postgres import Cluster
from adapter.settings import Settings
from tests.database import FAST, service_settings
from tests.integration.crash.registry import Stand
from tests.integration.crash.worker import HEARTBEAT
from tests.unit.pipeline.doubles import bundle, letter, send

KILLS = int(os.environ.get("EGISZ_CRASHES", "20"))
ROOT = Path(__file__).resolve().parents[3]
#: Where a worker is killed: as soon as a row has come to that state, or (the last) at any instant.
BOUNDARIES = (
    "submission accepted",
    "submission converted",
    "product checked",
    "product signed",
    "product sent",
    "product awaiting",
    "product registered",
    "",
)
#: Tells the test of every change of state, as soon as it is committed.
TOLD = """
create function tell() returns trigger language plpgsql as $$
begin
    perform pg_notify('egisz_state', tg_table_name || ' ' || new.state);
    return null;
end
$$;
create trigger tell after insert or update of state on egisz.submission for each row execute function tell();
create trigger tell after insert or update of state on egisz.product for each row execute function tell();
"""
#: What else happens, after so many parts of the kills.
RESTART, DOWN, PAUSE = 0.3, 0.5, 0.7


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """A cluster of its own, which is restarted; what is committed is written before anybody is told."""
    folder = Path(tempfile.mkdtemp(prefix="egisz-crash-"))
    folder.chmod(0o711)
    cluster = Cluster(folder / "postgres", [one for one in FAST if one != "synchronous_commit=off"])
    cluster.start()
    yield cluster
    cluster.halt("immediate")
    cluster.stop()
    shutil.rmtree(folder, ignore_errors=True)


@dataclass
class Service:
    """Two workers that are killed and started again, a sender, and the state."""

    url: str
    conf: Settings
    journal: Journal
    stand: Stand
    registry: str
    chance: random.Random
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)
    accepted: list[Accepted] = field(default_factory=list)
    seen: asyncio.Queue[str] = field(default_factory=asyncio.Queue)
    sending: bool = True

    def start_worker(self) -> None:
        command = [sys.executable, "-m", "tests.integration.crash.worker", self.url, self.registry, str(self.conf.data)]
        self.workers.append(subprocess.Popen(command, cwd=ROOT))

    def kill_one(self) -> None:
        """Kill a worker, without a word to it, and start another; one that ended by itself is started again, too."""
        worker = self.chance.choice(self.workers)
        worker.send_signal(signal.SIGKILL)
        worker.wait()
        self.supervise()

    def supervise(self) -> None:
        """Have two workers: one that comes while the database is away ends with an error, as a service manager sees."""
        self.workers = [one for one in self.workers if one.poll() is None]
        while len(self.workers) < 2:
            self.start_worker()

    async def send_on(self) -> None:
        """Bundles of ten patients, each content a new one; some come twice, as from a sender that was not told."""
        number = 0
        while self.sending:
            number += 1
            patient = f"p{self.chance.randrange(10)}"
            record = letter("vaccination-record", patient, f"{number}", first="create", change="update")
            about = letter(
                "vaccination-record-complication", f"c{number}", f"{number}", first="complication", record=patient
            )
            data = bundle(f"content {number}", patient, messages=[about, record])
            for _ in range(1 + (self.chance.random() < 0.1)):
                await self._send(data)
            await asyncio.sleep(self.chance.random() * 0.3)

    async def _send(self, data: bytes) -> None:
        while True:
            try:
                accepted = await send(self.journal, data)
            except DatabaseError:
                await asyncio.sleep(0.2)
            else:
                if accepted.created:
                    self.accepted.append(accepted)
                return

    async def listen(self) -> None:
        """Every change of state, as soon as it is committed."""
        while True:
            with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                connection = await asyncpg.connect(self.url)
                await connection.add_listener("egisz_state", self._heard)
                while not connection.is_closed():
                    await asyncio.sleep(0.1)
            await asyncio.sleep(0.2)

    def _heard(self, _connection: Any, _pid: int, _channel: str, payload: str) -> None:
        self.seen.put_nowait(payload)

    async def crash(self, boundary: str) -> None:
        """Kill a worker at a boundary."""
        if not boundary:
            await asyncio.sleep(self.chance.random())
            self.kill_one()
            return
        while not self.seen.empty():
            self.seen.get_nowait()
        with suppress(TimeoutError):
            async with asyncio.timeout(3):
                while await self.seen.get() != boundary:
                    pass
        self.kill_one()

    async def pause(self) -> None:
        """A worker stands still for so long that its jobs are taken by the other, and goes on."""
        worker = self.workers[0]
        worker.send_signal(signal.SIGSTOP)
        await asyncio.sleep(HEARTBEAT.total_seconds() * 2)
        worker.send_signal(signal.SIGCONT)

    async def settle(self) -> None:
        """Wait until all that was accepted is final; a minute in which nothing becomes so is too long."""
        self.stand.losing, self.stand.down = 0.0, False
        periodic, left, since = Periodic(self.journal, self.conf), -1, 0
        while left:
            self.supervise()
            await periodic.ask()
            await periodic.mend()
            before, left = left, await self._open()
            since = since + 1 if left == before else 0
            assert since < 200, f"{left} rows do not come to an end: {await self.journal.outbox.counts()}"
            await asyncio.sleep(0.3)

    async def _open(self) -> int:
        """How many rows are not final."""
        counts = await self.journal.outbox.counts()
        final = {*State.final(), SubmissionState.CONVERTED}
        return sum(rows for found in counts.values() for state, (rows, _) in found.items() if state not in final)


@asynccontextmanager
async def _service(cluster: Cluster, data: Path, seed: int) -> AsyncIterator[Service]:
    conf = service_settings(cluster.url, data)
    chance = random.Random(seed)
    journal = await Journal.open(conf)
    async with journal.database.connection() as connection:
        await connection.execute(TOLD)
    stand = Stand(journal, chance)
    runner, registry = await stand.start()
    service = Service(cluster.url, conf, journal, stand, registry, chance)
    for _ in range(2):
        service.start_worker()
    tasks = [asyncio.create_task(service.send_on()), asyncio.create_task(service.listen())]
    try:
        yield service
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for worker in service.workers:
            worker.kill()
            worker.wait()
        await runner.cleanup()
        await journal.close()


async def _scenario(cluster: Cluster, data: Path) -> None:
    async with _service(cluster, data, seed=1) as service:
        for number in range(KILLS):
            await service.crash(BOUNDARIES[number % len(BOUNDARIES)])
            if number == int(KILLS * RESTART):
                await asyncio.to_thread(cluster.halt, "immediate")
                await asyncio.to_thread(cluster.start)
            if number == int(KILLS * DOWN):
                service.stand.down = True
                await asyncio.sleep(2)
                service.stand.down = False
            if number == int(KILLS * PAUSE):
                await service.pause()
        service.sending = False
        await service.settle()
        await _whole(service)
        for worker in service.workers:
            worker.terminate()
        # A stop is clean: nobody has to be killed.
        assert [worker.wait(20) for worker in service.workers] == [0, 0]


async def _whole(service: Service) -> None:
    """Every accepted Bundle has exactly one registered document, in the order of its set, and its messages."""
    stand, journal = service.stand, service.journal
    assert len(service.accepted) > KILLS
    found = {}
    for accepted in service.accepted:
        products = {one.kind: one for one in await journal.products(accepted.submission_id)}
        assert len(products) == 3
        record, about = (products.pop(f"vaccination-record{name}") for name in ("", "-complication"))
        assert record.state is about.state is State.REGISTERED
        assert record.unrz in stand.records.values()
        (product,) = products.values()
        assert product.state is State.REGISTERED
        assert product.emdr_id == stand.numbers[product.local_uid]
        document = await journal.document(product.id)
        assert document is not None and b"content" in document
        found[product.id] = product
    assert len(found) == len(service.accepted) == len(stand.numbers)
    for versions in stand.order.values():
        assert versions == list(range(1, len(versions) + 1))
    for told in stand.told.values():
        # Sent again, perhaps, but never after what came later: the record of a Bundle, then what is told about it.
        operations, numbers = zip(*((name.split()[0], int(name.split()[1])) for name in told), strict=True)
        assert list(numbers) == sorted(numbers)
        assert all(operations[numbers.index(one)] != "complication" for one in numbers)
    said = {name for told in stand.told.values() for name in told if name.startswith("complication")}
    assert len(said) == len(found)


def test_nothing_is_lost_doubled_or_out_of_order(cluster: Cluster, tmp_path: Path) -> None:
    asyncio.run(_scenario(cluster, tmp_path))
