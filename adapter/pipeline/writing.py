"""Writing down the products of a conversion: new ones, known ones, and those that had failed their check before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from adapter.errors import Overtaken
from adapter.findings import Finding
from adapter.pipeline.database import Connection
from adapter.pipeline.jobs import PRIORITIES
from adapter.pipeline.model import ProductRow, SubmissionRow, dump_findings, new_id
from adapter.pipeline.moves import NOTICE_FOR, Change, followed, move_product
from adapter.pipeline.statements import sql
from adapter.pipeline.states import product_machine

if TYPE_CHECKING:
    from adapter.pipeline.journal import Journal


@dataclass(frozen=True, slots=True)
class Item:
    """A product as it is written down, whatever it is.

    Attributes:
        ok: it goes on its way; else it is rejected, and has no version.
        known: the product that has the same content: this one is linked with it, and nothing else is written.
        document, registration: payloads (:class:`~adapter.pipeline.model.ProductRow`).
        message_key, record_key: of a message.
    """

    bundle: int
    route: str
    focus: str
    kind: str
    ok: bool
    findings: tuple[Finding, ...] = ()
    known: ProductRow | None = None
    set_id: str | None = None
    version: int | None = None
    given_version: int | None = None
    local_uid: str | None = None
    digest: bytes | None = None
    predecessor: UUID | None = None
    document: bytes | None = None
    registration: bytes | None = None
    message_key: bytes | None = None
    record_key: bytes | None = None

    @property
    def identity(self) -> tuple[object, ...]:
        """As the statements take it."""
        version, predecessor = (self.version, self.predecessor) if self.ok else (None, None)
        return self.set_id, version, self.given_version, self.local_uid, self.digest, predecessor


class Writer:
    """Writes the products of one submission."""

    def __init__(self, journal: Journal, connection: Connection, row: SubmissionRow) -> None:
        self._journal, self._connection, self._row = journal, connection, row

    async def write(self, item: Item) -> None:
        """Write one."""
        if item.known is not None:
            await self._connection.execute(sql("link_product"), self._row.id, item.known.id)
            if product_machine().allows("replay", item.known.state):
                change = Change(fresh=True, give_up_at=self._give_up_at())
                await move_product(self._connection, item.known, "replay", change, locked=True)
            return
        unmade = None
        if self._row.step:
            # It is converted again, after a replay.
            place = item.bundle, item.route, item.focus
            unmade = await self._connection.fetchrow(sql("unmade_of_focus"), self._row.id, *place)
        if unmade is not None:
            await self._again(ProductRow.of(unmade), item)
        else:
            await self._new(item)

    async def _new(self, item: Item) -> None:
        move = product_machine().move("make" if item.ok else "fail_check", None)
        stored = await self._connection.fetchrow(
            sql("make_product"),
            new_id(),
            self._row.id,
            self._row.client,
            self._row.organisation,
            item.bundle,
            item.route,
            item.focus,
            item.kind,
            *item.identity,
            move.after,
            "" if item.ok else "check",
            dump_findings(item.findings),
            self._give_up_at(),
            move.name,
            not item.ok,
            NOTICE_FOR,
            item.message_key,
            item.record_key,
            move.job or None,
            PRIORITIES,
            *await self._payloads(item),
        )
        followed(stored)

    async def _again(self, product: ProductRow, item: Item) -> None:
        """A product that failed its check, made again."""
        findings = dump_findings(item.findings)
        if not item.ok:
            await self._connection.execute(sql("retell_product"), product.id, product.step, findings)
            return
        move = product_machine().move("remake", product.state)
        stored = await self._connection.fetchrow(
            sql("remake_product"),
            product.id,
            product.step,
            *item.identity,
            findings,
            self._give_up_at(),
            move.name,
            product.state,
            move.after,
            item.message_key,
            item.record_key,
            move.job or None,
            PRIORITIES,
            *await self._payloads(item),
        )
        if stored is None:
            raise Overtaken("the product was moved meanwhile")
        followed(stored)

    async def _payloads(self, item: Item) -> tuple[list[str], list[str], list[bytes], list[bytes]]:
        """Purposes, ids of keys, nonces and data."""
        given = (("document", item.document), ("registration", item.registration))
        there = [(purpose, data) for purpose, data in given if data is not None]
        return [purpose for purpose, _ in there], *await self._journal.vault.seal_all(there)

    def _give_up_at(self) -> datetime:
        return self._journal.clock() + self._journal.retry_for
