"""Charts as numbers that a page draws: bars in a box of fixed units, with a link behind each.

A chart is for the eye; the same numbers stand beside it in a table, for keyboards and screen readers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

#: Size of the box.
WIDTH: Final = 1200
HEIGHT: Final = 250
_LEFT: Final = 44
_BOTTOM: Final = 24
_TOP: Final = 8
#: What is stacked, from below.
PARTS: Final = ("registered", "waiting", "held", "failed")


@dataclass(frozen=True, slots=True)
class Bar:
    """A part of a column.

    Attributes:
        part: one of :data:`PARTS`.
        value: how many it stands for.
    """

    x: float
    y: float
    width: float
    height: float
    part: str
    value: int
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the scale, or a mark below it: where it stands and what it says."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Columns:
    """Stacked columns over time.

    Attributes:
        rows: of the table beside it: begin, end and value by part, the newest first, without the empty ones.
    """

    bars: Sequence[Bar]
    scale: Sequence[Line]
    marks: Sequence[Line]
    rows: Sequence[tuple[datetime, datetime, Mapping[str, int]]]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = _LEFT
    base: int = HEIGHT - _BOTTOM


def columns(
    values: Mapping[datetime, Mapping[str, int]],
    since: datetime,
    bucket: timedelta,
    count: int,
    mark: Callable[[int, datetime], str],
) -> Columns:
    """Columns of so many buckets, the first one begins at ``since``.

    Args:
        values: begin of a bucket → value by part.
        mark: what stands below a column, by its number from the last one; empty for most of them.
    """
    top = nice(max((sum(one.values()) for one in values.values()), default=0))
    base, room = HEIGHT - _BOTTOM, HEIGHT - _BOTTOM - _TOP
    step = (WIDTH - _LEFT) / count
    bars, marks, rows = [], [], []
    for index in range(count):
        begin = since + index * bucket
        found = values.get(begin, {})
        x, y = _LEFT + index * step, float(base)
        for part in PARTS:
            if value := found.get(part, 0):
                height = max(value / top * room, 1.0)
                y -= height
                bars.append(
                    Bar(round(x + step * 0.1, 1), round(y, 1), round(step * 0.8, 1), round(height, 1), part, value,
                        begin, begin + bucket)
                )  # fmt: skip
        if found:
            rows.append((begin, begin + bucket, found))
        if label := mark(count - 1 - index, begin):
            marks.append(Line(round(x + step / 2, 1), label))
    scale = [Line(round(base - room * part / 4, 1), str(top * part // 4)) for part in range(5) if top * part % 4 == 0]
    return Columns(bars, scale, marks, rows[::-1])


def nice(value: int) -> int:
    """The least round number that is not less, and is divisible by four."""
    size = 4
    while True:
        for tenths in (10, 15, 20, 30, 50):
            found, rest = divmod(size * tenths, 10)
            if found >= value and not rest and found % 4 == 0:
                return found
        size *= 10
