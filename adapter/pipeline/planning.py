"""Messages of a conversion before they are written down: in which sets and order they stand, with which numbers.

A message is made without a number first, so that the same content is known again whatever numbers there are since.
Where the journal has the number of its record, it is made once more with it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from adapter.findings import Finding, Severity, Text
from adapter.pipeline.database import Connection
from adapter.pipeline.model import ProductRow
from adapter.pipeline.ports import MadeDocument, MadeMessage, Numbers
from adapter.pipeline.registers import Envelope, MessageKeys, lacks_number
from adapter.pipeline.statements import sql
from adapter.pipeline.writing import Item
from adapter.registers.services import Services

if TYPE_CHECKING:
    from adapter.pipeline.journal import Journal

NUMBERLESS: Final = Finding(
    "JRN04",
    Severity.ERROR,
    Text(
        "Сообщение не отправлено: номера записи в регистре нет ни в журнале, ни в Bundle.",
        "Not sent: neither the journal nor the Bundle has the number of the record in the register.",
    ),
    Text(
        "Отправьте сначала саму запись или передайте её номер; потом повторите это сообщение.",
        "Send the record itself first, or its number; then replay this message.",
    ),
)
NO_SERVICE: Final = Finding(
    "JRN05",
    Severity.ERROR,
    Text("Сообщение не отправлено: ни одна служба его не принимает.", "Not sent: no service takes this message."),
    Text("Опишите службу в mappings/services.", "Describe the service in mappings/services."),
)
WAITS: Final = Finding(
    "JRN06",
    Severity.NOTE,
    Text("Сообщение ждёт номера записи в регистре.", "The message waits for the number of its record."),
)


@dataclass(frozen=True, slots=True)
class Planned:
    """A message that is to be written down.

    Attributes:
        lacks_number: it cannot be sent before its record has a number.
    """

    message: MadeMessage
    keys: MessageKeys
    lacks_number: bool


async def plan(
    journal: Journal,
    services: Services,
    organisation: str,
    messages: Iterable[MadeMessage],
    again: Callable[[Numbers], Awaitable[tuple[MadeMessage, ...]]],
) -> list[Planned]:
    """Messages in the order in which they leave, with the numbers of their records as far as these are known.

    Args:
        organisation: OID of the sender.
        messages: as they were made, without numbers.
        again: makes them once more, with numbers.
    """
    ordered = sorted(messages, key=lambda one: services.rank(one.kind))
    keyed = [(one, _keys(journal, services, organisation, one)) for one in ordered]
    known = await numbers_of(journal, (keys.record for _, keys in keyed))
    numbers: dict[str, dict[str, str]] = {}
    for one, keys in keyed:
        if keys.record in known:
            numbers.setdefault(one.kind, {})[one.record] = known[keys.record]
    found = {place(one): one for one in await again(numbers)} if numbers else {}
    planned = []
    for one, keys in keyed:
        numbered = found.get(place(one)) if keys.record in known else None
        # What was made first tells the same content again.
        message = one if numbered is None else replace(numbered, digest=one.digest or numbered.digest)
        planned.append(_planned(services, message, keys))
    return planned


async def numbers_of(journal: Journal, keys: Iterable[bytes]) -> dict[bytes, str]:
    """Numbers that registers have given, by the keys of their records."""
    async with journal.database.connection() as connection:
        rows = await connection.fetch(sql("numbers_of_records"), list(keys))
    return {row["key"]: row["number"] for row in rows}


def place(message: MadeMessage | MadeDocument | ProductRow) -> tuple[int, str, str, str]:
    """Which of the products of a submission it is."""
    return message.bundle, message.route, message.focus, message.kind


async def item_of(connection: Connection, planned: Planned) -> Item:
    """How a message is written down, in a transaction that holds its set."""
    message, keys = planned.message, planned.keys
    found = await connection.fetchrow(sql("set_of_message"), keys.set_id, keys.message)
    last = ProductRow.of(found) if found["id"] is not None else None
    known = last if last is not None and message.digest is not None and last.content_digest == message.digest else None
    if planned.lacks_number and found["open"]:
        # What goes before it in its set may give the number: it is looked at again when its turn comes.
        told = (one for one in message.findings if one.severity is not Severity.ERROR)
        message = replace(message, ok=True, findings=(*told, WAITS))
    elif planned.lacks_number:
        message = replace(message, ok=False, findings=(*message.findings, NUMBERLESS))
    return Item(
        message.bundle,
        message.route,
        message.focus,
        message.kind,
        message.ok,
        message.findings,
        known,
        keys.set_id,
        found["highest"] + 1,
        digest=message.digest,
        predecessor=last.id if last else None,
        document=message.data,
        registration=Envelope.of(message).dump(),
        message_key=keys.message,
        record_key=keys.record,
    )


def _keys(journal: Journal, services: Services, organisation: str, message: MadeMessage) -> MessageKeys:
    return MessageKeys.of(journal.vault.secret, organisation, services.of(message.kind), message)


def _planned(services: Services, message: MadeMessage, keys: MessageKeys) -> Planned:
    if services.of(message.kind) is None:
        message = replace(message, ok=False, findings=(*message.findings, NO_SERVICE))
        return Planned(message, keys, lacks_number=False)
    return Planned(message, keys, lacks_number(services, Envelope.of(message)))
