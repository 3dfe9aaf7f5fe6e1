"""Doubles of the neighbours of the pipeline, and a journal to try."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from adapter.facts import II
from adapter.findings import Finding, Severity, Text
from adapter.pipeline import Journal
from adapter.pipeline.model import Accepted, ProductRow
from adapter.pipeline.ports import Made, MadeDocument
from adapter.settings import Settings

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
    """Makes one document of a Bundle of `bundle`, or those of its ``documents``."""

    def __init__(self) -> None:
        self.calls = 0

    async def make(
        self, data: bytes, *, fhir_version: str, organisation: str, versions: Mapping[II, int] | None = None
    ) -> Made:
        self.calls += 1
        facts = json.loads(data)
        if facts.get("refused"):
            return Made(True, (WRONG,))
        patient = facts["entry"][0]["resource"]["id"]
        asked = facts.get("documents", [facts])
        return Made(False, (), tuple(made(one, patient, index, versions or {}) for index, one in enumerate(asked)))


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
