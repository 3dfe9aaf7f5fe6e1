"""Sending the messages of a Bundle without the journal: once each, in the order of the services, by whoever watches."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import uuid4

from adapter.errors import EgiszError
from adapter.findings import Text
from adapter.registers.delivery import Delivered, Outgoing, RegisterDelivery
from adapter.registers.messages import Message
from adapter.registers.services import Services

#: The messages of a product, with the numbers of records that are known, by the ids of these.
Make = Callable[[str, Mapping[str, str]], Sequence[Message]]


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


@dataclass(slots=True)
class Sender:
    """Sends the messages of a Bundle.

    Attributes:
        make: makes them.
        number: of the records that they are about, where it is known beforehand.
        clock: now, aware.
    """

    make: Make
    delivery: RegisterDelivery
    services: Services
    organisation: str
    number: str = ""
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    _known: dict[str, dict[str, str]] = field(default_factory=lambda: defaultdict(dict))

    async def send(self, products: Iterable[str]) -> AsyncIterator[Sent]:
        """Send one after the other, in the order of the services; a number that a register gives serves what follows.

        Raises:
            MappingError: the catalogue is wrong.
        """
        for product in sorted(set(products), key=self.services.rank):
            made = self.make(product, self._numbers(product))
            if self.number:
                for one in made:
                    self._numbers(product).setdefault(one.record, self.number)
            for place in [_place(one) for one in made]:
                yield await self._send(product, place)

    def _numbers(self, product: str) -> dict[str, str]:
        """Those that a product shares with others: an id of a record is of one register."""
        service = self.services.of(product)
        return self._known[service.scope(product) if service else product]

    async def _send(self, product: str, place: tuple[str, str]) -> Sent:
        delivered: Delivered | None = None
        known = self._numbers(product)
        for _ in range(2):
            # Made anew, since those before it may have brought its number.
            message = next(one for one in self.make(product, known) if _place(one) == place)
            problem = self._problem(message, known.get(message.record))
            if problem is not None or message.data is None:
                return Sent(message, delivered, problem, known.get(message.record))
            try:
                delivered = await self.delivery.deliver(self._outgoing(message), message_id=uuid4(), at=self.clock())
            except EgiszError as error:
                return Sent(message, None, error.text, known.get(message.record))
            if delivered.number is not None:
                known[message.record] = delivered.number
            if not delivered.change:
                break
        return Sent(message, delivered, None, known.get(message.record))

    def _outgoing(self, message: Message) -> Outgoing:
        assert message.data is not None, "it has no problem"
        return Outgoing(
            message.product,
            message.operation,
            message.key,
            message.id,
            message.name,
            message.data,
            self.organisation,
            self._numbers(message.product).get(message.record),
        )

    def _problem(self, message: Message, number: str | None) -> Text | None:
        if not message.ok:
            return _UNFIT
        service = self.services.of(message.product)
        # A number that stands in the Bundle has gone into the key.
        told = number or any(value for name, value in message.key.items() if name in ("reg_id", "oid"))
        if service is not None and service.needs_number(message.product) and not told:
            return _NO_NUMBER
        return None


def _place(message: Message) -> tuple[str, str]:
    """Which of the messages of a product it is."""
    return message.route, message.focus
