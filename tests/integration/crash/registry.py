"""The registry of the crash test: registers a document once; answers late, twice or not at all; keeps the order.

Beside it a register: a record is made once, a second time says that it is there.
"""

from __future__ import annotations

import asyncio
import json
import random
from dataclasses import dataclass, field

import orjson
from aiohttp import web

from adapter.errors import DatabaseError
from adapter.pipeline import Journal
from adapter.transport.ids import normalise_message_id
from tests.unit.pipeline.doubles import result


@dataclass
class Stand:
    """What the state has.

    Attributes:
        numbers: number by local id.
        order: versions of each set in the order of registration.
        records: number by record.
        told: what messages said of each record, in the order in which they came.
        down: answers 503 to everything.
        losing: share of answers and results that are lost.
    """

    journal: Journal
    chance: random.Random
    losing: float = 0.1
    down: bool = False
    numbers: dict[str, str] = field(default_factory=dict)
    order: dict[str, list[int]] = field(default_factory=dict)
    records: dict[str, str] = field(default_factory=dict)
    told: dict[str, list[str]] = field(default_factory=dict)
    received: int = 0
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _results: int = 0

    async def start(self) -> tuple[web.AppRunner, str]:
        """Listen; the server and its address."""
        app = web.Application()
        app.add_routes([web.post("/register", self._register), web.post("/find", self._find)])
        app.add_routes([web.post("/deliver", self._deliver)])
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        return runner, f"http://127.0.0.1:{port}"

    async def _register(self, request: web.Request) -> web.Response:
        if self.down:
            return web.Response(status=503)
        facts = await request.json()
        self.received += 1
        uid = facts["uid"]
        if uid in self.numbers:
            text = "NOT_UNIQUE_PROVIDED_ID"
            return self._answered([(text, f"Документ уже зарегистрирован: {self.numbers[uid]}")])
        task = asyncio.create_task(self._work(facts))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return self._answered([])

    def _answered(self, errors: list[tuple[str, str]]) -> web.Response:
        if self.chance.random() < self.losing:
            return web.Response(status=504)
        return web.Response(body=orjson.dumps(errors))

    async def _find(self, request: web.Request) -> web.Response:
        if self.down:
            return web.Response(status=503)
        facts = await request.json()
        return web.Response(body=orjson.dumps(self.numbers.get(facts["uid"])))

    async def _deliver(self, request: web.Request) -> web.Response:
        """A message of a register: taken, whether or not its answer comes."""
        if self.down:
            return web.Response(status=503)
        facts = await request.json()
        record, operation = facts["record"], facts["operation"]
        number = self.records.get(record)
        if operation == "create" and number is not None:
            return web.Response(status=409, text=number)
        if operation == "create":
            number = self.records[record] = f"{len(self.records):013d}"
        assert operation == "create" or facts["reg_id"] == number, "a change without its record"
        self.told.setdefault(record, []).append(f"{operation} {json.loads(facts['data'])['content']}")
        if self.chance.random() < self.losing:
            return web.Response(status=504)
        return web.Response(text=number if operation == "create" else "")

    async def _work(self, facts: dict[str, object]) -> None:
        """Register, once, and tell; results come in any order, and sometimes twice or never."""
        await asyncio.sleep(self.chance.random() * 0.2)
        uid, set_id, version = str(facts["uid"]), str(facts["set"]), int(str(facts["version"]))
        errors: tuple[str, ...] = ()
        if uid in self.numbers:
            errors = ("NOT_UNIQUE_PROVIDED_ID",)
        elif self.chance.random() < 0.1:
            errors = ("INTERNAL_ERROR",)
        else:
            self.numbers[uid] = f"170.77.26.11.{len(self.numbers):09d}"
            self.order.setdefault(set_id, []).append(version)
        if self.chance.random() < self.losing:
            return
        told = {} if errors else {"emdr_id": self.numbers[uid]}
        self._results += 1
        message = result(f"R{self._results}", normalise_message_id(str(facts["message"])), *errors, **told)
        for _ in range(1 + (self.chance.random() < 0.2)):
            await self._tell(message)

    async def _tell(self, message: object) -> None:
        """As ИПС does: until it is taken."""
        while True:
            try:
                await self.journal.callback(*message)  # type: ignore[misc] # a result and its bytes
            except DatabaseError:
                await asyncio.sleep(0.2)
            else:
                return
