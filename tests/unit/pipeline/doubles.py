"""Doubles of the neighbours of the pipeline, and a journal to try."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from adapter.catalogue import Catalogue
from adapter.errors import TransportFailed
from adapter.facts import II
from adapter.findings import Finding, Severity, Text
from adapter.pipeline import Journal
from adapter.pipeline.model import Accepted, ProductRow, SignatureRow
from adapter.pipeline.ports import Answer, Found, Made, MadeDocument, MadeMessage, Numbers, Signatures
from adapter.pipeline.retry import Again, Backoff
from adapter.pipeline.stages import Ports, Stages
from adapter.pipeline.webhooks import Webhooks
from adapter.registers import services as known_services
from adapter.registers.delivery import Delivered, Outgoing
from adapter.settings import Settings
from adapter.transport.callbacks import RegistrationResult
from adapter.transport.errors import ErrorClass, ErrorItem, Verdict, error_book
from adapter.transport.http import HttpAnswer
from adapter.transport.ids import normalise_message_id

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
ORGANISATION = "1.2.643.5.1.13.13.12.2.77.99999"
ROOT = f"{ORGANISATION}.100.1.1.50"
WRONG = Finding("MAP01", Severity.ERROR, Text("нет", "none"))


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **time: float) -> None:
        self.now += timedelta(**time)


@asynccontextmanager
async def opened(service: Settings, clock: Clock | None = None) -> AsyncIterator[Journal]:
    journal = await Journal.open(service, clock=clock or Clock())
    try:
        yield journal
    finally:
        await journal.close()


def bundle(content: str, patient: str = "p1", **more: Any) -> bytes:
    """A Bundle that a `JsonMaker` understands.

    Args:
        content: text of its document.
        more: ``set``, ``given`` (version), ``bad`` (fails its check), ``uid`` (id given by the sender).
    """
    entry = {"resource": {"resourceType": "Patient", "id": patient}}
    return json.dumps({"resourceType": "Bundle", "entry": [entry], "content": content, **more}).encode()


class JsonMaker:
    """Makes one document of a Bundle of `bundle`, or those of its ``documents``, and its ``messages``."""

    def __init__(self) -> None:
        self.calls = self.remade = 0

    async def make(
        self, data: bytes, *, fhir_version: str, organisation: str, versions: Mapping[II, int] | None = None
    ) -> Made:
        self.calls += 1
        facts = json.loads(data)
        if facts.get("refused"):
            return Made(True, (WRONG,))
        patient = facts["entry"][0]["resource"]["id"]
        asked = facts.get("documents", [facts] if "content" in facts else [])
        return Made(
            False,
            (),
            tuple(made(one, patient, index, versions or {}) for index, one in enumerate(asked)),
            tuple(made_message(one, index, None) for index, one in enumerate(facts.get("messages", ()))),
        )

    async def messages(
        self, data: bytes, *, fhir_version: str, organisation: str, numbers: Numbers
    ) -> tuple[MadeMessage, ...]:
        self.remade += 1
        told = [(index, one) for index, one in enumerate(json.loads(data)["messages"]) if one["product"] in numbers]
        return tuple(
            made_message(one, index, numbers[one["product"]].get(one.get("record", one["id"]))) for index, one in told
        )


def letter(product: str, ident: str, content: str = "", **more: Any) -> dict[str, Any]:
    """A message that a `JsonMaker` makes.

    Args:
        more: ``subject``, ``record``, ``bad`` (fails its check), ``first`` and ``change`` (operations without and with
            a number; the latter takes the former by default), ``wants`` (is in error without a number).
    """
    return {"product": product, "id": ident, "content": content, **more}


def letters(*messages: dict[str, Any], patient: str = "p1") -> bytes:
    """A Bundle of which a `JsonMaker` makes these messages and no document."""
    entry = {"resource": {"resourceType": "Patient", "id": patient}}
    return json.dumps({"resourceType": "Bundle", "entry": [entry], "messages": messages}).encode()


def made_message(facts: Mapping[str, Any], index: int, number: str | None) -> MadeMessage:
    record = facts.get("record", facts["id"])
    first = facts.get("first", "create")
    operation = first if number is None else facts.get("change", first)
    if not isinstance(operation, str):
        operation = operation.get(number, first)
    sound = not facts.get("bad") and (number is not None or not facts.get("wants"))
    data = json.dumps({"operation": operation, "content": facts["content"]}).encode()
    return MadeMessage(
        0,
        "messages",
        f"Bundle.entry[{index}]",
        facts["product"],
        sound,
        sound,
        () if sound else (WRONG,),
        data,
        hashlib.sha256(data).digest(),
        facts["id"],
        facts.get("subject", record),
        record,
        "",
        "message",
        operation,
        {"record": record, **({"reg_id": number} if number is not None else {})},
        number,
    )


def made(facts: Mapping[str, Any], patient: str, index: int, versions: Mapping[II, int]) -> MadeDocument:
    set_id = II(ROOT, facts.get("set", patient))
    given = facts.get("given")
    version = versions.get(set_id, given or 1)
    uid = facts.get("uid") if set_id not in versions else None
    document = MadeDocument(0, "vaccination", f"Bundle.entry[{index}]", "170", True)
    if facts.get("bad"):
        return replace(document, ok=False, findings=(WRONG,), set_id=set_id)
    uid = uid or f"{set_id.extension}.{version}"
    data = f"<doc uid='{uid}' version='{version}'>{facts['content']}</doc>".encode()
    return replace(
        document, data=data, registration=b"{}", set_id=set_id, version=version, given_version=given, local_uid=uid
    )


async def send(journal: Journal, data: bytes, **more: Any) -> Accepted:
    """Accept a Bundle of a client."""
    return await journal.accept(
        client=more.get("client", "mis"),
        organisation=more.get("organisation", ORGANISATION),
        data=data,
        media_type="application/fhir+json",
        fhir_version="",
        idempotency_key=more.get("key"),
        bundle_identifier=more.get("identifier"),
    )


async def jobs(journal: Journal) -> list[tuple[str, str]]:
    """The jobs that wait: stage and row."""
    async with journal.database.connection() as connection:
        rows = await connection.fetch("select entrypoint, payload from egisz.pgqueuer order by id")
    return [(row["entrypoint"], row["payload"].decode()) for row in rows]


async def take(journal: Journal, stage: str) -> list[UUID]:
    """Take the jobs of a stage from the queue, as a worker does."""
    async with journal.database.connection() as connection:
        rows = await connection.fetch("delete from egisz.pgqueuer where entrypoint = $1 returning id, payload", stage)
    return [UUID(row["payload"].decode()) for row in sorted(rows, key=lambda row: row["id"])]


async def convert_all(journal: Journal, maker: JsonMaker | None = None) -> None:
    """Convert all that waits, in the order of the queue."""
    from adapter.pipeline.conversion import record

    maker = maker or JsonMaker()
    while waiting := await take(journal, "convert"):
        for one in waiting:
            row = await journal.submission(one)
            data = await journal.bundle(one)
            assert row is not None and data is not None

            async def again(versions: Mapping[II, int], data: bytes = data) -> Made:
                return await maker.make(data, fhir_version="", organisation="", versions=versions)

            await record(journal, row, await again({}), again)


async def documents(journal: Journal, accepted: Accepted) -> list[ProductRow]:
    return await journal.products(accepted.submission_id)


class Signer:
    """Signs everything, or says what it is told to."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.findings: tuple[Finding, ...] = ()

    async def sign(self, product: ProductRow, document: bytes, registration: bytes, *, at: datetime) -> Signatures:
        if self.error is not None:
            raise self.error
        if self.findings:
            return Signatures((), self.findings)
        digest = hashlib.sha256(document).digest()
        return Signatures((SignatureRow("AUTHOR", b"a" + digest), SignatureRow("organisation", b"o" + digest)))


class Registry:
    """The state: keeps what was sent, and answers as it is told to.

    Attributes:
        sent: local ids in the order in which they came.
        registered: number by local id.
        sync: what it says at once; by default it takes everything.
        silent: takes nothing and answers nothing.
        signatures_say: the time in the signatures.
    """

    def __init__(self) -> None:
        self.sent: list[tuple[str, str]] = []
        self.files: list[bytes] = []
        self.registered: dict[str, str] = {}
        self.sync: Verdict | None = None
        self.silent = False
        self.signatures_say: datetime | None = None

    async def send(
        self,
        product: ProductRow,
        registration: bytes,
        signatures: tuple[SignatureRow, ...],
        *,
        message_id: UUID,
        at: datetime,
    ) -> Answer:
        assert product.local_uid is not None and signatures
        if self.silent:
            raise TransportFailed("silent")
        self.sent.append((product.local_uid, normalise_message_id(str(message_id))))
        return Answer(self.sync is None, self.sync, b"request", b"response")

    def signed_at(self, signatures: tuple[SignatureRow, ...]) -> datetime | None:
        return self.signatures_say

    async def send_file(self, request: bytes, document: bytes, *, message_id: UUID, at: datetime) -> Answer:
        if self.silent:
            raise TransportFailed("silent")
        self.files.append(document)
        return Answer(True, None, b"request", b"response")

    async def find(self, product: ProductRow, registration: bytes, *, at: datetime) -> Found | None:
        assert product.local_uid is not None
        emdr = self.registered.get(product.local_uid)
        return Found(emdr, at) if emdr is not None else None

    def result(self, raw: bytes) -> RegistrationResult:
        facts = json.loads(raw)
        errors = tuple(ErrorItem(code) for code in facts.pop("errors", ()))
        return RegistrationResult(errors=errors, **facts)

    def judge(self, result: RegistrationResult) -> Verdict:
        return error_book().classify(result.errors)


def result(message_id: str, relates_to: str = "", *errors: str, **facts: Any) -> tuple[RegistrationResult, bytes]:
    """A result as it comes: registered, or with errors."""
    given = {"message_id": message_id, "relates_to": relates_to, "ok": not errors, **facts}
    raw = json.dumps({**given, "errors": errors}).encode()
    return Registry().result(raw), raw


class Services:
    """Registers: each keeps what was sent, and answers as it is told to.

    Attributes:
        sent: product, operation, bytes and number of each message that came.
        numbers: by operation, what the next answers give; else nothing.
        says: what comes instead of "taken": answers, or errors to raise, in order.
    """

    def __init__(self) -> None:
        self.sent: list[tuple[str, str, bytes, str | None]] = []
        self.numbers: dict[str, str] = {}
        self.says: list[Delivered | Exception] = []
        self.silent = False

    async def deliver(self, message: Outgoing, *, message_id: UUID, at: datetime) -> Delivered:
        if self.silent:
            raise TransportFailed("silent")
        self.sent.append((message.product, message.operation, message.data, message.number))
        said = self.says.pop(0) if self.says else None
        if isinstance(said, Exception):
            raise said
        return said or Delivered(True, self.numbers.get(message.operation), False, None, b"request", b"response")


def there(number: str) -> Delivered:
    """The record is there already."""
    verdict = Verdict(ErrorClass.DONE, Text("есть", "there"), ("DUPLICATE",))
    return Delivered(False, number, True, verdict, b"request", b"response")


def refused(error_class: ErrorClass) -> Delivered:
    """A refusal of that class."""
    return Delivered(False, None, False, Verdict(error_class, Text("нет", "no"), ("NO",)), b"request", b"response")


class Hooks:
    """An HTTP port that keeps what is posted."""

    def __init__(self) -> None:
        self.posted: list[tuple[str, bytes, dict[str, str]]] = []
        self.status = 200

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> HttpAnswer:
        self.posted.append((url, body, dict(headers)))
        return HttpAnswer(self.status, "text/plain", b"")


class Bench:
    """A journal with stages over doubles, whose jobs a test does one by one."""

    def __init__(self, journal: Journal, clock: Clock, services: Services | None = None) -> None:
        self.journal, self.clock = journal, clock
        self.maker, self.signer, self.registry, self.hooks = JsonMaker(), Signer(), Registry(), Hooks()
        self.services = services or Services()
        self.known = known_services.Services.load(Catalogue())
        hooks = Webhooks(journal, self.hooks)
        ports = Ports(self.maker, self.signer, self.registry, self.known, self.services, hooks)
        self.stages = Stages(
            journal,
            ports,
            backoff=Backoff(jitter=lambda: 1.0),
            answer_within=timedelta(hours=24),
            ticks=lambda: clock().timestamp(),
        )

    async def work(self, *stages: str) -> list[str]:
        """Do the jobs that wait, and those that they leave; what is to be tried again waits for `forward`."""
        done = []
        while (one := await self.step(*stages)) is not None:
            done.append(one)
        return done

    async def step(self, *stages: str, skip: int = 0) -> str | None:
        """Do one job, by default the first; ``None`` where there is none."""
        async with self.journal.database.connection() as connection:
            row = await connection.fetchrow(
                """select id, entrypoint, payload, attempts from egisz.pgqueuer where execute_after <= now()
                and ($1::text[] = '{}' or entrypoint = any($1)) order by priority desc, id offset $2 limit 1""",
                list(stages),
                skip,
            )
            if row is None:
                return None
            try:
                await self.stages.run(row["entrypoint"], row["payload"].decode(), row["attempts"])
            except Again as again:
                await connection.execute(
                    "update egisz.pgqueuer set attempts = attempts + 1, execute_after = now() + $2 where id = $1",
                    row["id"],
                    again.delay,
                )
                return f"{row['entrypoint']} again"
            await connection.execute("delete from egisz.pgqueuer where id = $1", row["id"])
            return str(row["entrypoint"])

    async def forward(self, **time: float) -> None:
        """Time goes on, for the queue too."""
        self.clock.forward(**time)
        async with self.journal.database.connection() as connection:
            await connection.execute(
                "update egisz.pgqueuer set execute_after = execute_after - $1::interval", timedelta(**time)
            )

    async def one(self, accepted: Accepted) -> ProductRow:
        (row,) = await documents(self.journal, accepted)
        return row

    async def come(self, message_id: str, relates_to: str = "", *errors: str, **facts: Any) -> str:
        """A result comes by callback and is applied; what came of it."""
        await self.journal.callback(*result(message_id, relates_to, *errors, **facts))
        await self.work("callback")
        async with self.journal.database.connection() as connection:
            outcome: str = await connection.fetchval(
                "select outcome from egisz.message where direction = 'in' and message_id = $1", message_id
            )
        return outcome


@asynccontextmanager
async def benched(service: Settings) -> AsyncIterator[Bench]:
    clock = Clock()
    async with opened(service, clock) as journal:
        yield Bench(journal, clock)
