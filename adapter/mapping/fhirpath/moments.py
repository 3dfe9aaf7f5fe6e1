"""Dates and times by precision, as FHIRPath compares them (N1, 6.1.1 and 6.2)."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

_CLOCK = r"(\d\d)(?::(\d\d)(?::(\d\d(?:\.\d+)?))?)?"
_DATE = re.compile(rf"(\d{{4}})(?:-(\d\d)(?:-(\d\d)(?:T{_CLOCK}(Z|[+-]\d\d:\d\d)?)?)?)?")
_TIME = re.compile(rf"T?{_CLOCK}")
# Nowhere do local clocks differ from UTC by more.
_WIDEST_OFFSET = timedelta(hours=14)


class Moment(str):
    """A date, dateTime or time that is known to be one (a literal, ``toDate()``), as its own text without ``@``."""

    __slots__ = ()


class Parts(NamedTuple):
    """What a text says.

    Attributes:
        clock_only: a time without a date; ``numbers`` starts with the hour.
        numbers: year, month, day, hour, minute, second as far as they are given; the second has a fraction.
        offset: minutes from UTC, ``None`` where the text has no zone.
    """

    clock_only: bool
    numbers: tuple[int | Decimal, ...]
    offset: int | None


@lru_cache(maxsize=4096)
def read(text: str) -> Parts | None:
    """The parts of a FHIR date, dateTime, instant or time; ``None`` where it is none of them."""
    # A literal may end in a bare T, which makes it a dateTime: @2024T.
    found = _DATE.fullmatch(text.removesuffix("T"))
    if found is not None:
        groups = found.groups()
        numbers = _numbers(groups[:6])
        return Parts(False, numbers, _offset(groups[6])) if _in_calendar(numbers) else None
    found = _TIME.fullmatch(text)
    return None if found is None else Parts(True, _numbers(found.groups()), None)


def _numbers(groups: tuple[str | None, ...]) -> tuple[int | Decimal, ...]:
    return tuple(Decimal(part) if "." in part else int(part) for part in groups if part is not None)


def _offset(zone: str | None) -> int | None:
    if zone is None:
        return None
    if zone == "Z":
        return 0
    minutes = int(zone[1:3]) * 60 + int(zone[4:6])
    return -minutes if zone[0] == "-" else minutes


def _in_calendar(numbers: tuple[int | Decimal, ...]) -> bool:
    try:
        _instant((*numbers, 1, 1)[: max(3, len(numbers))])
    except (ValueError, OverflowError):
        return False
    return True


def _instant(numbers: tuple[int | Decimal, ...]) -> datetime:
    whole = [int(part) for part in numbers[:5]]
    second = numbers[5] if len(numbers) > 5 else 0
    # A leap second is a valid FHIR time that Python's datetime does not know.
    return datetime(*whole) + timedelta(seconds=float(second))  # type: ignore[arg-type] # three to five integers


def compare(left: Parts, right: Parts) -> int | None:
    """-1, 0 or 1; ``None`` where precision or a missing zone leaves it open."""
    if left.clock_only != right.clock_only:
        return None
    first, second = left.numbers, right.numbers
    if not left.clock_only and len(first) > 3 and len(second) > 3 and left.offset != right.offset:
        return _across_zones(left, right)
    for one, other in zip(first, second, strict=False):
        if one != other:
            return -1 if one < other else 1
    return 0 if len(first) == len(second) else None


def _across_zones(left: Parts, right: Parts) -> int | None:
    first, second = _instant(left.numbers), _instant(right.numbers)
    if left.offset is None or right.offset is None:
        apart = first - second + timedelta(minutes=(right.offset or 0) - (left.offset or 0))
        if abs(apart) <= _WIDEST_OFFSET:
            return None
        return -1 if apart < timedelta() else 1
    first -= timedelta(minutes=left.offset)
    second -= timedelta(minutes=right.offset)
    depth = min(len(left.numbers), len(right.numbers))
    for one, other in zip(_fields(first, depth), _fields(second, depth), strict=True):
        if one != other:
            return -1 if one < other else 1
    return 0 if len(left.numbers) == len(right.numbers) else None


def _fields(moment: datetime, depth: int) -> tuple[int | float, ...]:
    fields = (moment.year, moment.month, moment.day, moment.hour, moment.minute)
    return (*fields, moment.second + moment.microsecond / 1e6)[:depth]
