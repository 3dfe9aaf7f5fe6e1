"""What the doctor says."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from adapter.findings import EMPTY, Text

#: Seconds by which clocks may differ: a message of ИПС lives for ten minutes.
_SKEW: Final = 60.0


class Mark(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the doctor.

    Attributes:
        part: what was looked at.
        said: what was found.
        hint: how to mend it; empty where there is nothing to mend.
    """

    part: Text
    mark: Mark
    said: Text
    hint: Text = EMPTY


def clock(part: Text, apart: float) -> Line:
    """Whether a clock that is ``apart`` seconds from ours will do."""
    said = Text(f"расходятся на {apart:.0f} с", f"{apart:.0f} s apart")
    if apart <= _SKEW:
        return Line(part, Mark.OK, said)
    return Line(
        part,
        Mark.ERROR,
        said,
        Text(
            "Синхронизируйте часы (NTP): подписи и сообщения живут по времени.",
            "Synchronise the clocks (NTP): signatures and messages live by time.",
        ),
    )
