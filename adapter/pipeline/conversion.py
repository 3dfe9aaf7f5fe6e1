"""Writing down what a conversion made: which products are new, which are known, and the number of each in its set."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from adapter.errors import InternalError
from adapter.facts import II
from adapter.findings import Finding, Severity, Text
from adapter.pipeline.database import Connection
from adapter.pipeline.model import ProductRow, SubmissionRow
from adapter.pipeline.moves import Change, lock_chain, move_submission
from adapter.pipeline.planning import Planned, item_of
from adapter.pipeline.ports import Made, MadeDocument
from adapter.pipeline.statements import sql
from adapter.pipeline.writing import Item, Writer

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


async def record(
    journal: Journal, row: SubmissionRow, made: Made, remake: Remake, messages: Sequence[Planned] = ()
) -> SubmissionRow:
    """Write down a conversion: products, their jobs, and the state of the submission, in one transaction.

    Args:
        row: the submission as it was when its conversion began.
        made: what came of it.
        remake: converts again with other version numbers; called while the sets are locked, so that the numbers hold.
        messages: its messages of registers, in the order in which they leave.

    Raises:
        Overtaken: the submission was moved meanwhile.
    """
    async with journal.database.transaction() as connection:
        if made.refused:
            await lock_chain(connection, row.chain)
            return await move_submission(
                connection, row, "refuse", Change(stopped_at="convert", findings=made.findings, fresh=True)
            )
        found = await _held(connection, row, made, messages)
        entries = _numbered(found, made)
        numbers = {one.document.set_id: one.number for one in entries if one.renewed}
        if numbers:
            entries = _renewed(entries, await remake({key: n for key, n in numbers.items() if key and n}))
        writer = Writer(journal, connection, row)
        for entry in entries:
            await writer.write(_item(entry))
        for one in messages:
            # After the ones before it, which may be the same or of its set.
            await writer.write(await item_of(connection, one))
        return await move_submission(connection, row, "convert", Change(findings=made.findings, fresh=True))


async def _held(
    connection: Connection, row: SubmissionRow, made: Made, messages: Sequence[Planned]
) -> Mapping[tuple[str, str], Any]:
    """Hold the chain of the submission and the sets of its products; what is known of its documents, by set and id."""
    asked = [(_text(one.set_id), one.local_uid or "") for one in made.documents if one.ok and one.set_id]
    names = sorted({set_id for set_id, _ in asked} | {one.keys.set_id for one in messages})
    sets, uids = [set_id for set_id, _ in asked], [uid for _, uid in asked]
    rows = await connection.fetch(sql("hold_sets"), row.chain, names, sets, uids)
    return dict(zip(asked, rows, strict=True))


def _numbered(found: Mapping[tuple[str, str], Any], made: Made) -> list[Entry]:
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
            known = found[_text(set_id), document.local_uid]
            entries.append(_number(known, document, data, version))
    return entries


def _number(found: Any, document: MadeDocument, data: bytes, version: int) -> Entry:
    """The number of a document in its set: the sender's where it is free and rises, else the next.

    Args:
        found: the last version of the set, ``highest_given`` and ``uid_taken`` (see ``egisz.hold_sets``).
    """
    digest = hashlib.sha256(data).digest()
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


def _item(entry: Entry) -> Item:
    document = entry.document
    return Item(
        document.bundle,
        document.route,
        document.focus,
        document.kind,
        document.ok,
        document.findings,
        entry.known,
        _text(document.set_id) or None,
        entry.number,
        document.given_version,
        document.local_uid,
        entry.digest,
        entry.last.id if entry.last else None,
        document.data,
        document.registration,
    )


def _failed(document: MadeDocument, finding: Finding) -> MadeDocument:
    return replace(document, ok=False, findings=(*document.findings, finding))


def _place(document: MadeDocument) -> tuple[int, str, str]:
    return document.bundle, document.route, document.focus


def _text(set_id: II | None) -> str:
    return f"{set_id.root}^{set_id.extension}" if set_id is not None else ""
