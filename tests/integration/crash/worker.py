"""A worker process of the crash test: the real worker and queue, over a registry that is an HTTP server of the test.

Run as ``python -m tests.integration.crash.worker DATABASE_URL REGISTRY_URL DATA``.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import orjson

from adapter.catalogue import Catalogue
from adapter.errors import TransportFailed
from adapter.log import configure
from adapter.pipeline import Journal, ProductRow, SignatureRow, Worker
from adapter.pipeline.periodic import Periodic
from adapter.pipeline.ports import Answer, Found
from adapter.pipeline.retry import Backoff
from adapter.pipeline.stages import Ports, Stages
from adapter.pipeline.webhooks import Webhooks
from adapter.pipeline.worker import Pace
from adapter.registers import services
from adapter.registers.delivery import Delivered, Outgoing
from adapter.transport.errors import ErrorItem, error_book
from adapter.transport.http import AioHttp
from tests.database import service_settings
from tests.unit.pipeline.doubles import JsonMaker, Registry, Services, Signer, there

#: Silence after which a worker counts as dead; pauses of the test are longer.
HEARTBEAT = timedelta(seconds=2)
PACE = Pace(batch=5, at_once=10, heartbeat=HEARTBEAT, idle=timedelta(seconds=0.3), reconnect=timedelta(seconds=0.3))
BACKOFF = Backoff(first=timedelta(seconds=0.2), longest=timedelta(seconds=1))


class HttpRegistry(Registry):
    """Sends to the registry of the test."""

    def __init__(self, url: str, http: AioHttp) -> None:
        super().__init__()
        self._url, self._http = url, http

    async def send(
        self,
        product: ProductRow,
        registration: bytes,
        signatures: tuple[SignatureRow, ...],
        *,
        message_id: UUID,
        at: datetime,
    ) -> Answer:
        body = orjson.dumps(
            {"uid": product.local_uid, "set": product.set_id, "version": product.version, "message": str(message_id)}
        )
        answer = await self._http.post(f"{self._url}/register", body, {"Content-Type": "application/json"})
        if answer.status != 200:
            raise TransportFailed("unavailable")
        items = [ErrorItem(*one) for one in orjson.loads(answer.body)]
        verdict = error_book().classify(items) if items else None
        return Answer(verdict is None, verdict, body, answer.body)

    async def find(self, product: ProductRow, registration: bytes, *, at: datetime) -> Found | None:
        answer = await self._http.post(f"{self._url}/find", orjson.dumps({"uid": product.local_uid}), {})
        if answer.status != 200:
            raise TransportFailed("unavailable")
        number = orjson.loads(answer.body)
        return Found(number) if number else None


class HttpServices(Services):
    """Sends messages of registers to the stand of the test."""

    def __init__(self, url: str, http: AioHttp) -> None:
        super().__init__()
        self._url, self._http = url, http

    async def deliver(self, message: Outgoing, *, message_id: UUID, at: datetime) -> Delivered:
        told = {"operation": message.operation, "id": message.id, "data": message.data.decode(), **message.key}
        body = orjson.dumps(told)
        answer = await self._http.post(f"{self._url}/deliver", body, {"Content-Type": "application/json"})
        if answer.status == 409:
            return there(answer.body.decode())
        if answer.status != 200:
            raise TransportFailed("unavailable")
        return Delivered(True, answer.body.decode() or None, False, None, body, answer.body)


def ports(journal: Journal, registry: str, http: AioHttp) -> Ports:
    """The neighbours of a worker of the test."""
    known = services.Services.load(Catalogue())
    registers = HttpServices(registry, http)
    return Ports(JsonMaker(), Signer(), HttpRegistry(registry, http), known, registers, Webhooks(journal, http))


async def main(database: str, registry: str, data: str) -> None:
    """Work until SIGTERM."""
    configure("error")
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    conf = service_settings(database, Path(data), migrate="check")
    journal = await Journal.open(conf, connections=5)
    async with AioHttp(timeout=2.0) as http:
        # An answer that does not come is asked about soon: the registry of the test loses some.
        stages = Stages(journal, ports(journal, registry, http), backoff=BACKOFF, answer_within=timedelta(seconds=3))
        worker = Worker(journal, stages, Periodic(journal, conf), PACE)
        await worker.run(stop=stop)
    await journal.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
