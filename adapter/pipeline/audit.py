"""The audit: who looked at what, and what was given to whom; append-only and chained by hashes.

A row is written with the access. Within seconds rows get a place in the chain: the hash of a row covers the hash before
it, the time and the event, so that a row that is changed, taken out or put in later is noticed by :meth:`Audit.verify`.
A chain whose end is cut off is still a chain: keep the head that ``egisz audit verify`` prints elsewhere, and give it
to the next verification.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

import orjson

from adapter.errors import UsageError
from adapter.findings import Text
from adapter.pipeline.database import Connection, Database
from adapter.pipeline.statements import sql

#: Actions of FHIR's AuditEvent.
Action = Literal["C", "R", "U", "D", "E"]
#: Advisory lock of whoever seals; any number of our own.
_SEALING: Final = 0x45474953_53454131
#: Hash before the first row.
GENESIS: Final = bytes(32)
_BATCH: Final = 1000


@dataclass(frozen=True, slots=True)
class Head:
    """The last row of the chain: its place (0 = none yet) and its hash."""

    position: int
    hash: bytes

    def __str__(self) -> str:
        return f"{self.position}:{self.hash.hex()}"

    @classmethod
    def parse(cls, text: str) -> Head:
        """Read what ``str`` wrote.

        Raises:
            UsageError: it is no such text.
        """
        position, _, digest = text.partition(":")
        try:
            return cls(int(position), bytes.fromhex(digest))
        except ValueError:
            raise UsageError(Text("ожидается ПОЗИЦИЯ:ХЕШ", "expected POSITION:HASH")) from None


@dataclass(frozen=True, slots=True)
class Verification:
    """What a look at the whole chain found.

    Attributes:
        head: the last row that holds.
        broken: place of the first row that does not hold; 0 where all do.
        expected: whether the head that was given lies on the chain.
        waiting: rows that are not sealed yet, and for how many seconds the oldest of them.
    """

    head: Head
    broken: int
    expected: bool
    waiting: int
    waiting_seconds: float

    @property
    def ok(self) -> bool:
        """The chain holds, and no row waits longer than a stopped worker explains."""
        return not self.broken and self.expected


class Audit:
    """The audit of a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def access(self, agent: str, action: Action, kind: str, ident: str) -> None:
        """Note that a client created, read or changed something.

        Args:
            agent: id of the client.
            kind: type of the FHIR resource.
            ident: its id; never an id of a patient.
        """
        await self._add({"type": "rest", "action": action, "agent": agent, "entity": f"{kind}/{ident}"})

    async def disclosure(
        self,
        recipient: str,
        ident: str,
        connection: Connection | None = None,
        *,
        resource: Literal["DocumentReference", "Basic"] = "DocumentReference",
    ) -> None:
        """Note that a document, or a message of a register, was given to a system of the state.

        Args:
            recipient: the system, e.g. ``remd``.
            ident: id of the product.
            connection: of the transaction that it belongs to.
            resource: what it is; ``Basic`` for a message.
        """
        await self._add(disclosed(recipient, ident, resource), connection)

    async def _add(self, event: dict[str, str], connection: Connection | None = None) -> None:
        text = orjson.dumps(event).decode()
        if connection is not None:
            await connection.execute(sql("audit_add"), text)
            return
        async with self._database.connection() as own:
            await own.execute(sql("audit_add"), text)

    async def seal(self) -> int:
        """Give unsealed rows their place in the chain; how many. Nothing where another process does it now."""
        async with self._database.transaction() as connection:
            if not await connection.fetchval(sql("audit_lock"), _SEALING):
                return 0
            head = await _head(connection)
            sealed = []
            for row in await connection.fetch(sql("audit_unsealed"), _BATCH):
                following = Head(head.position + 1, link(head.hash, row["at"], row["event"]))
                sealed.append((row["seq"], following.position, head.hash, following.hash))
                head = following
            if sealed:
                await connection.execute(sql("audit_seal"), *zip(*sealed, strict=True))
        return len(sealed)

    async def verify(self, expected: Head | None = None) -> Verification:
        """Look at the whole chain.

        Args:
            expected: a head that was kept elsewhere.
        """
        head, broken = Head(0, GENESIS), 0
        met = expected is None or expected == head
        async for row in self.rows():
            if row["position"] != head.position + 1 or row["previous"] != head.hash:
                broken = head.position + 1
                break
            if row["hash"] != link(head.hash, row["at"], row["event"]):
                broken = row["position"]
                break
            head = Head(row["position"], row["hash"])
            met = met or head == expected
        async with self._database.connection() as connection:
            waiting = await connection.fetchrow(sql("audit_waiting"))
        return Verification(head, broken, met, waiting["rows"], float(waiting["seconds"] or 0))

    async def rows(self) -> AsyncIterator[Any]:
        """Sealed rows in the order of the chain."""
        position = 0
        while True:
            async with self._database.connection() as connection:
                page = await connection.fetch(sql("audit_page"), position, _BATCH)
            for row in page:
                yield row
            if len(page) < _BATCH:
                return
            position = page[-1]["position"]


def disclosed(recipient: str, ident: str, resource: str = "DocumentReference") -> dict[str, str]:
    """The event of :meth:`Audit.disclosure`."""
    return {"type": "disclosure", "action": "R", "agent": recipient, "entity": f"{resource}/{ident}"}


def link(previous: bytes, at: datetime, event: str) -> bytes:
    """The hash of a row: SHA-256 over the hash before it, the time in microseconds, and the event as JSON."""
    moment = at.isoformat(timespec="microseconds").encode()
    return hashlib.sha256(b"\n".join((previous, moment, event.encode()))).digest()


def audit_event(row: Any, software: str) -> dict[str, Any]:
    """A row as an AuditEvent of FHIR R4."""
    event = orjson.loads(row["event"])
    rest = event["type"] == "rest"
    type_ = {"system": "http://terminology.hl7.org/CodeSystem/audit-event-type", "code": "rest"}
    disclosure = {"system": "http://dicom.nema.org/resources/ontology/DCM", "code": "110106", "display": "Export"}
    return {
        "resourceType": "AuditEvent",
        "id": str(row["position"]),
        "type": type_ if rest else disclosure,
        "action": event["action"],
        "recorded": row["at"].isoformat(timespec="milliseconds"),
        "outcome": "0",
        "agent": [{"who": {"display": event["agent"]}, "requestor": rest}],
        "source": {"observer": {"display": software}},
        "entity": [{"what": {"reference": event["entity"]}}],
    }


async def _head(connection: Connection) -> Head:
    row = await connection.fetchrow(sql("audit_head"))
    return Head(row["position"], row["hash"]) if row is not None else Head(0, GENESIS)
