"""Messages of registers in the journal: which service takes them, under which keys they stand, what is stored of them.

Ids of patients, records and messages are hashed with the secret of the database; what is needed to send a message is
sealed, like its bytes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Final, Protocol, Self
from uuid import UUID

import orjson

from adapter.errors import InternalError
from adapter.pipeline.keys import keyed_hash
from adapter.pipeline.ports import MadeMessage
from adapter.registers.delivery import Delivered, Outgoing
from adapter.registers.services import Service, Services

_PLACEHOLDER: Final = re.compile(r"\{(\w+)\}")


class Deliverer(Protocol):
    """Delivers messages (:class:`adapter.registers.delivery.RegisterDelivery`)."""

    async def deliver(self, message: Outgoing, *, message_id: UUID, at: datetime) -> Delivered:
        """Deliver one.

        Raises:
            NetworkError: no answer came: nobody knows whether it was taken.
        """
        ...


def service_of(services: Services, product: str) -> Service:
    """The service of a product that is on its way.

    Raises:
        InternalError: there is none: such a message is not sent at all.
    """
    service = services.of(product)
    if service is None:
        raise InternalError("no service takes a message that is on its way")
    return service


def lacks_number(services: Services, message: Envelope) -> bool:
    """It cannot be sent before its record has a number, and neither the journal nor the Bundle knows one."""
    service = service_of(services, message.product)
    if not service.needs_number(message.product) or message.number is not None:
        return False
    operation = service.operations.get(message.operation)
    wanted = _PLACEHOLDER.findall(operation.path if operation else "")
    return not message.sound or any(not message.key.get(name) for name in wanted)


def given(service: Service, number: str | None) -> str | None:
    """A number that a register has given; not what is kept where a service gives none."""
    numbers = [*(one.number for one in service.operations.values()), *(one.number for one in service.errors)]
    return None if number in {one.constant for one in numbers if one is not None} else number


@dataclass(frozen=True, slots=True)
class MessageKeys:
    """Under which a message stands in the journal.

    Attributes:
        set_id: messages of one service about one thing leave in order.
        message: the same each time that it is sent.
        record: whose number it is about.
    """

    set_id: str
    message: bytes
    record: bytes

    @classmethod
    def of(cls, secret: bytes, organisation: str, service: Service | None, message: MadeMessage) -> Self:
        """The keys of a message of an organisation."""
        product, place = message.kind, (organisation, message.register)
        name, scope = (service.id, service.scope(product)) if service else ("", product)
        return cls(
            keyed_hash(secret, "set", *place, name, message.subject).hex(),
            keyed_hash(secret, "message", *place, product, message.id),
            keyed_hash(secret, "record", *place, scope, message.record),
        )


@dataclass(frozen=True, slots=True)
class Envelope:
    """What is stored of a message beside its bytes; it holds ids of a patient.

    Attributes:
        number: of the record, which it was made with.
        sound: it was made, and without an error.
    """

    product: str
    id: str
    record: str
    name: str
    operation: str
    key: Mapping[str, str]
    number: str | None
    sound: bool

    @classmethod
    def of(cls, message: MadeMessage) -> Self:
        """Of a message that was made."""
        return cls(
            message.kind,
            message.id,
            message.record,
            message.name,
            message.operation,
            message.key,
            message.number,
            message.sound,
        )

    def dump(self) -> bytes:
        """As it is stored."""
        return orjson.dumps(asdict(self))

    @classmethod
    def load(cls, data: bytes | None) -> Self:
        """As it was stored."""
        if data is None:
            raise InternalError("a message that is on its way has no envelope")
        return cls(**orjson.loads(data))

    def outgoing(self, organisation: str, data: bytes) -> Outgoing:
        """As the delivery takes it."""
        return Outgoing(self.product, self.operation, self.key, self.id, self.name, data, organisation, self.number)
