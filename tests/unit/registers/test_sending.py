"""Messages one after another, without the journal: whose number serves whom."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from adapter.catalogue import Catalogue
from adapter.registers.delivery import Delivered, Outgoing
from adapter.registers.messages import Message
from adapter.registers.sending import Sender, Sent
from adapter.registers.services import Services

SERVICES = Services.load(Catalogue())
RECORD = "the same id of records of several registers"


@dataclass
class Deliveries:
    """Everything is taken, under a number of its own."""

    sent: list[tuple[str, str | None]] = field(default_factory=list)

    async def deliver(self, message: Outgoing, *, message_id: UUID, at: datetime) -> Delivered:
        self.sent.append((message.product, message.number))
        return Delivered(True, message.number or f"number of {message.product}", False, None, b"", b"")


def _message(product: str, known: Mapping[str, str]) -> Message:
    key = {"record": RECORD, "reg_id": known.get(RECORD, "")}
    return Message(product, product, "Patient", product, RECORD, "m.json", "json", "o", key, b"{}", (), ())


def _sent(*products: str, number: str = "") -> list[tuple[str, str | None]]:
    deliveries = Deliveries()

    def made(product: str, known: Mapping[str, str]) -> Sequence[Message]:
        return [_message(product, known)]

    async def send() -> list[Sent]:
        sender = Sender(made, deliveries, SERVICES, "1.2", number)
        return [one async for one in sender.send(products)]

    asyncio.run(send())
    return deliveries.sent


def test_a_number_serves_what_is_told_of_the_same_record() -> None:
    assert _sent("vaccination-record-person", "vaccination-record") == [
        ("vaccination-record", None),
        ("vaccination-record-person", "number of vaccination-record"),
    ]


def test_a_number_serves_its_own_register_alone() -> None:
    assert _sent("vaccination-record", "iemk-patient", "vzn-record") == [
        ("iemk-patient", None),
        ("vaccination-record", None),
        ("vzn-record", None),
    ]


def test_a_number_that_is_given() -> None:
    assert _sent("vaccination-record-person", number="7") == [("vaccination-record-person", "7")]


def test_what_waits_for_a_number_is_not_sent_without() -> None:
    assert _sent("vaccination-record-person") == []
