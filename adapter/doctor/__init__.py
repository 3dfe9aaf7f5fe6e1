"""``egisz doctor``: is everything there that the service stands on? Each line says how to mend what is not.

A check is a function of the settings; it never raises what it can tell: what it cannot find out is its answer.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Final

from adapter.doctor import content, network, registers, storage
from adapter.doctor.line import Line, Mark
from adapter.errors import EgiszError
from adapter.findings import Text
from adapter.settings import Settings

__all__ = ["CHECKS", "Line", "Mark", "examine"]

Check = Callable[[Settings], AsyncIterator[Line]]
CHECKS: Final[dict[Check, Text]] = {
    storage.disk: storage.DISK,
    storage.keys: storage.KEYS,
    storage.database: storage.DATABASE,
    content.organisations: content.ORGANISATIONS,
    content.packs: content.PACKS,
    content.books: content.BOOKS,
    content.signing: content.SIGNING,
    network.endpoints: network.REMD,
    registers.services: registers.REGISTERS,
}


async def examine(settings: Settings) -> AsyncIterator[Line]:
    """Every check, one after another."""
    for check, part in CHECKS.items():
        try:
            async for line in check(settings):
                yield line
        except EgiszError as error:
            yield Line(part, Mark.ERROR, error.text)
