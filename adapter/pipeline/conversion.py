"""Writing down what a conversion made: which products are new, which are known, and the number of each in its set."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Final

from adapter.errors import InternalError, Overtaken
from adapter.facts import II
from adapter.findings import Finding, Severity, Text
from adapter.pipeline.database import Connection
from adapter.pipeline.model import ProductRow, SubmissionRow, dump_findings, new_id
from adapter.pipeline.moves import NOTICE_FOR, Change, follow, lock_chain, lock_sets, move_product, move_submission
from adapter.pipeline.ports import Made, MadeDocument
from adapter.pipeline.statements import sql
from adapter.pipeline.states import product_machine

if TYPE_CHECKING:
    from adapter.pipeline.journal import Journal

Remake = Callable[[Mapping[II, int]], Awaitable[Made]]

SUPERSEDED: Final = Finding(
    "JRN01",
    Severity.ERROR,
    Text(
        "Документ не отправлен: версия с большим номером этого документа уже принята.",
        "Not sent: a version of this document with a higher number was accepted before.",
    ),
    Text(
        "Чтобы заменить её, дайте Composition.version или meta.versionId больше прежнего.",
        "To replace it, give Composition.version or meta.versionId a higher number.",
    ),
)
RENUMBERED: Final = Finding(
    "JRN02",
    Severity.WARNING,
    Text(
        "Номер версии, данный отправителем, занят другим содержанием: документ получил следующий номер.",
        "The version number that the sender gave is taken by other content: the document got the next one.",
    ),
    Text(
        "Увеличивайте Composition.version или meta.versionId при каждом изменении.",
        "Raise Composition.version or meta.versionId with every change.",
    ),
)
TWICE: Final = Finding(
    "JRN03",
    Severity.ERROR,
    Text(
        "Документ не отправлен: из того же Bundle сделан другой документ того же набора.",
        "Not sent: another document of the same set was made of the same Bundle.",
    ),
    Text("Дайте документам разные идентификаторы наборов.", "Give the documents different set ids."),
)


@dataclass(frozen=True, slots=True)
class Entry:
    """What is done with a made document.

    Attributes:
        digest: of the document as it was made without a number of ours.
        known: the product that has the same content.
        number: that it gets in its set.
        renewed: it has to be made again with that number, and a derived id.
        last: the version before it.
    """

    document: MadeDocument
    digest: bytes | None = None
    known: ProductRow | None = None
    number: int | None = None
    renewed: bool = False
    last: ProductRow | None = None


async def record(journal: Journal, row: SubmissionRow, made: Made, remake: Remake) -> SubmissionRow:
    """Write down a conversion: products, their jobs, and the state of the submission, in one transaction.

    Args:
        row: the submission as it was when its conversion began.
        made: what came of it.
        remake: converts again with other version numbers; called while the sets are locked, so that the numbers hold.

    Raises:
        Overtaken: the submission was moved meanwhile.
    """
    async with journal.database.transaction() as connection:
        await lock_chain(connection, row.chain)
        if made.refused:
            return await move_submission(
                connection, row, "refuse", Change(stopped_at="convert", findings=made.findings, fresh=True)
            )
        await lock_sets(connection, *(_text(one.set_id) for one in made.documents if one.ok and one.set_id))
        entries = await _numbered(connection, made)
        numbers = {one.document.set_id: one.number for one in entries if one.renewed}
        if numbers:
            entries = _renewed(entries, await remake({key: n for key, n in numbers.items() if key and n}))
        for entry in entries:
            await _Writer(journal, connection, row).write(entry)
        return await move_submission(connection, row, "convert", Change(findings=made.findings, fresh=True))


async def _numbered(connection: Connection, made: Made) -> list[Entry]:
    seen: set[II] = set()
    entries = []
    for document in made.documents:
        if not document.ok:
            entries.append(Entry(document))
        elif document.set_id in seen:
            entries.append(Entry(_failed(document, TWICE)))
        else:
            set_id, data, version = document.set_id, document.data, document.version
            if set_id is None or data is None or version is None or document.local_uid is None:
                raise InternalError("a document that is made has no set, version, id or data")
            seen.add(set_id)
            entries.append(await _number(connection, document, set_id, data, version))
    return entries


async def _number(connection: Connection, document: MadeDocument, set_id: II, data: bytes, version: int) -> Entry:
    """The number of a document in its set: the sender's where it is free and rises, else the next."""
    digest = hashlib.sha256(data).digest()
    found = await connection.fetchrow(sql("set_of_document"), _text(set_id), document.local_uid)
    last = ProductRow.of(found) if found["id"] is not None else None
    if last is not None and last.content_digest == digest:
        return Entry(document, digest, known=last)
    given = document.given_version
    highest = found["highest_given"]
    if given is not None and highest is not None and given < highest:
        return Entry(_failed(document, SUPERSEDED))
    lowest = 1 if last is None else (last.version or 0) + 1
    number = max(given or 1, lowest)
    if given is not None and number != given:
        document = replace(document, findings=(*document.findings, RENUMBERED))
    renewed = number != version or found["uid_taken"]
    return Entry(document, digest, number=number, renewed=renewed, last=last)


def _renewed(entries: list[Entry], again: Made) -> list[Entry]:
    """The entries with documents that carry their numbers."""
    found = {_place(one): one for one in again.documents}
    renewed = []
    for entry in entries:
        if not entry.renewed:
            renewed.append(entry)
            continue
        document = found.get(_place(entry.document))
        if document is None or (document.ok and document.version != entry.number):
            raise InternalError("a document that was made again does not carry its number")
        told = tuple(one for one in entry.document.findings if one is RENUMBERED)
        renewed.append(replace(entry, document=replace(document, findings=(*document.findings, *told))))
    return renewed


class _Writer:
    """Writes the products of one submission."""

    def __init__(self, journal: Journal, connection: Connection, row: SubmissionRow) -> None:
        self._journal, self._connection, self._row = journal, connection, row

    async def write(self, entry: Entry) -> None:
        """Write one product, or link the one that is known."""
        if entry.known is not None:
            await self._link(entry.known)
            if product_machine().allows("replay", entry.known.state):
                change = Change(fresh=True, give_up_at=self._give_up_at())
                await move_product(self._connection, entry.known, "replay", change, locked=True)
            return
        document, unmade = entry.document, None
        if self._row.step:
            # It is converted again, after a replay.
            place = document.bundle, document.route, document.focus
            unmade = await self._connection.fetchrow(sql("unmade_of_focus"), self._row.id, *place)
        if unmade is not None:
            await self._again(ProductRow.of(unmade), entry)
        else:
            await self._new(entry)

    async def _new(self, entry: Entry) -> None:
        document = entry.document
        move = product_machine().move("make" if document.ok else "fail_check", None)
        stored = await self._connection.fetchrow(
            sql("insert_product"),
            new_id(),
            self._row.id,
            self._row.client,
            self._row.organisation,
            document.bundle,
            document.route,
            document.focus,
            document.kind,
            *self._identity(entry),
            move.after,
            "" if document.ok else "check",
            dump_findings(document.findings),
            *await self._payloads(document),
            self._give_up_at(),
            move.name,
            not document.ok,
            NOTICE_FOR,
        )
        await follow(self._connection, stored, move)

    async def _again(self, product: ProductRow, entry: Entry) -> None:
        """A product that failed its check, made again."""
        document = entry.document
        findings = dump_findings(document.findings)
        if not document.ok:
            await self._connection.execute(sql("retell_product"), product.id, product.step, findings)
            return
        move = product_machine().move("remake", product.state)
        stored = await self._connection.fetchrow(
            sql("remake_product"),
            product.id,
            product.step,
            *self._identity(entry),
            findings,
            *await self._payloads(document),
            self._give_up_at(),
            move.after,
            move.name,
            product.state,
        )
        if stored is None:
            raise Overtaken("the product was moved meanwhile")
        await follow(self._connection, stored, move)

    def _identity(self, entry: Entry) -> tuple[object, ...]:
        document = entry.document
        ok = document.ok
        return (
            _text(document.set_id) if document.set_id else None,
            entry.number if ok else None,
            document.given_version,
            document.local_uid,
            entry.digest,
            entry.last.id if entry.last and ok else None,
        )

    async def _payloads(self, document: MadeDocument) -> tuple[int | None, int | None]:
        given = (("document", document.data), ("registration", document.registration))
        there = [(purpose, data) for purpose, data in given if data is not None]
        ids = await self._journal.vault.put_all(self._connection, there) if there else []
        found = dict(zip((purpose for purpose, _ in there), ids, strict=True))
        return found.get("document"), found.get("registration")

    async def _link(self, product: ProductRow) -> None:
        await self._connection.execute(sql("link_product"), self._row.id, product.id)

    def _give_up_at(self) -> datetime:
        return self._journal.clock() + self._journal.retry_for


def _failed(document: MadeDocument, finding: Finding) -> MadeDocument:
    return replace(document, ok=False, findings=(*document.findings, finding))


def _place(document: MadeDocument) -> tuple[int, str, str]:
    return document.bundle, document.route, document.focus


def _text(set_id: II | None) -> str:
    return f"{set_id.root}^{set_id.extension}" if set_id is not None else ""
