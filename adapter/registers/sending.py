"""Sending the messages of a Bundle without the journal: once each, in the order of the services, by whoever watches."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from adapter.errors import EgiszError
from adapter.findings import Text
from adapter.registers.delivery import Delivered, Outgoing, RegisterDelivery
from adapter.registers.messages import Message
from adapter.registers.services import Services

#: Messages of the Bundle, with the numbers of records that are known.
Make = Callable[[Mapping[str, str]], Sequence[Message]]


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of a message.

    Attributes:
        message: as it was sent last, or as it was made where it could not be.
        delivered: the last answer; ``None`` where nothing was sent.
        problem: why nothing was sent, or no answer came.
        number: of its record, where it is known.
    """

    message: Message
    delivered: Delivered | None
    problem: Text | None
    number: str | None

    @property
    def ok(self) -> bool:
        """The register has it."""
        return self.delivered is not None and self.delivered.ok


_UNFIT = Text("в сообщении есть ошибки", "the message has errors")
_NO_NUMBER = Text(
    "номер записи в регистре неизвестен: сначала отправляется сама запись, или дайте --number",
    "the number of the record is not known: the record itself is sent first, or give --number",
)


async def send_all(
    make: Make,
    delivery: RegisterDelivery,
    services: Services,
    *,
    organisation: str,
    clock: Callable[[], datetime],
    numbers: Mapping[str, str],
) -> AsyncIterator[Sent]:
    """Send the messages of a Bundle, one after the other; a number that a register gives serves those that follow.

    Args:
        make: the messages, with the numbers known so far by the ids of records.
        organisation: OID of the sender.
        numbers: known beforehand.
    """
    known = dict(numbers)
    order = sorted(make(known), key=lambda one: services.rank(one.product))
    for place in [(one.product, one.focus) for one in order]:
        # Made anew, since those before it may have brought its number.
        yield await _send(place, make, delivery, services, organisation, clock, known)


async def _send(
    place: tuple[str, str],
    make: Make,
    delivery: RegisterDelivery,
    services: Services,
    organisation: str,
    clock: Callable[[], datetime],
    known: dict[str, str],
) -> Sent:
    delivered: Delivered | None = None
    for _ in range(2):
        message = next(one for one in make(known) if (one.product, one.focus) == place)
        number = known.get(message.record)
        problem = _problem(message, number, services)
        if problem is not None or message.data is None:
            return Sent(message, delivered, problem, number)
        outgoing = Outgoing(
            message.product,
            message.operation,
            message.key,
            message.id,
            message.name,
            message.data,
            organisation,
            number,
        )
        try:
            delivered = await delivery.deliver(outgoing, message_id=uuid4(), at=clock())
        except EgiszError as error:
            return Sent(message, None, error.text, number)
        if delivered.number is not None:
            known[message.record] = delivered.number
        if not delivered.change:
            break
    return Sent(message, delivered, None, known.get(message.record))


def _problem(message: Message, number: str | None, services: Services) -> Text | None:
    if not message.ok:
        return _UNFIT
    service = services.of(message.product)
    # A number that stands in the Bundle has gone into the key.
    told = number or any(value for name, value in message.key.items() if name in ("reg_id", "oid"))
    if service is not None and service.needs_number(message.product) and not told:
        return _NO_NUMBER
    return None
