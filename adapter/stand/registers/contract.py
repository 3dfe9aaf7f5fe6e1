"""A register service of the stand: one request in, one answer out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from adapter.stand.registers.state import State

JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Request:
    """What came over HTTP.

    Attributes:
        method: in capitals.
        path: below the service, without a slash at either end.
        query: parameters of the address; of several of one name, the last.
        headers: by name in small letters.
        body: the bytes, of any kind.
        at: now, aware.
    """

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    at: datetime = datetime.min


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer over HTTP."""

    status: int
    body: bytes = b""
    content_type: str = JSON


class RegisterService(Protocol):
    """A register; it answers any request and raises nothing."""

    @property
    def id(self) -> str:
        """Its name in addresses, faults and the file of its facts."""
        ...

    def handle(self, request: Request, state: State) -> Answer:
        """Answer a request. What it writes to ``state`` is kept when it returns."""
        ...

    def failure(self, status: int) -> Answer:
        """What the service answers when it fails itself, for the fault ``error``."""
        ...
