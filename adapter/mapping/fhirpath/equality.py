"""``=``, ``~`` and the order of two single items (N1, 6.1 and 6.2)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from adapter.findings import Text
from adapter.mapping.fhirpath.code import items, mismatch
from adapter.mapping.fhirpath.moments import Moment, Parts, compare, read

_NUMBERS = (int, Decimal, float)
_ORDERED = Text("числа, строки или даты одного вида", "numbers, strings or dates of one sort")


def is_number(value: Any) -> bool:
    """Whether an item is an integer or a decimal."""
    return isinstance(value, _NUMBERS) and not isinstance(value, bool)


def exact(number: Any) -> Any:
    """A number as an integer or ``Decimal``: JSON read by others brings floats."""
    return Decimal(str(number)) if isinstance(number, float) else number


def equal(left: Any, right: Any) -> bool | None:
    """Equality of two items; ``None`` for dates that agree as far as both go.

    JSON has no dates, so two strings that read as dates with a month are dates.
    """
    if isinstance(left, str) and isinstance(right, str):
        return True if left == right else _equal_dates(left, right)
    if is_number(left) and is_number(right):
        return bool(exact(left) == exact(right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left is right or (
            left.keys() == right.keys() and all(_same(value, right[key]) for key, value in left.items())
        )
    return left.__class__ is right.__class__ and bool(left == right)


def _same(left: Any, right: Any) -> bool:
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(_same, left, right))
    return equal(left, right) is True


def _equal_dates(left: str, right: str) -> bool | None:
    pair = _dates(left, right)
    if pair is None:
        return False
    order = compare(*pair)
    return None if order is None and pair[0].clock_only == pair[1].clock_only else order == 0


def _dates(left: str, right: str) -> tuple[Parts, Parts] | None:
    # A bare year is taken for a date only beside a literal that is one.
    if not (isinstance(left, Moment) or isinstance(right, Moment)) and (left[4:5] != "-" or right[4:5] != "-"):
        return None
    first, second = read(left), read(right)
    return None if first is None or second is None else (first, second)


def equal_collections(left: Any, right: Any) -> bool | None:
    """``=`` of two collections in their cheapest shape: the same items in the same order."""
    if left is None or right is None:
        return None
    if left.__class__ is not list and right.__class__ is not list:
        return equal(left, right)
    one, other = items(left), items(right)
    if not one or not other:
        return None
    if len(one) != len(other):
        return False
    verdicts = [equal(*pair) for pair in zip(one, other, strict=True)]
    return False if False in verdicts else None if None in verdicts else True


def equivalent(left: Any, right: Any) -> bool:
    """``~`` of two items: case and white space, digits beyond the common ones, precision do not matter."""
    if isinstance(left, str) and isinstance(right, str):
        if isinstance(left, Moment) or isinstance(right, Moment):
            return equal(left, right) is True
        return " ".join(left.lower().split()) == " ".join(right.lower().split())
    if is_number(left) and is_number(right):
        return _equivalent_numbers(Decimal(str(left)), Decimal(str(right)))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(
            equivalent_collections(value, right[key]) for key, value in left.items()
        )
    return left.__class__ is right.__class__ and bool(left == right)


def _equivalent_numbers(left: Decimal, right: Decimal) -> bool:
    places = min(_places(left), _places(right))
    return round(left, places) == round(right, places)


def _places(number: Decimal) -> int:
    exponent = number.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def equivalent_collections(left: Any, right: Any) -> bool:
    """``~`` of two collections: the order does not matter, two empty ones are equivalent."""
    rest = list(items(right))
    mine = items(left)
    if len(mine) != len(rest):
        return False
    for item in mine:
        place = next((at for at, other in enumerate(rest) if equivalent(item, other)), None)
        if place is None:
            return False
        del rest[place]
    return True


def order(left: Any, right: Any, op: str) -> int | None:
    """-1, 0 or 1 for two items; ``None`` where the precision of dates leaves it open.

    Raises:
        ExpressionError: the items have no common order.
    """
    if is_number(left) and is_number(right):
        one, other = exact(left), exact(right)
        return int(one > other) - int(one < other)
    if not (isinstance(left, str) and isinstance(right, str)):
        raise mismatch(op, _ORDERED)
    pair = _dates(left, right)
    if pair is not None:
        return compare(*pair)
    if isinstance(left, Moment) or isinstance(right, Moment):
        return None
    return int(left > right) - int(left < right)


def unique(found: list[Any]) -> list[Any]:
    """The items without repetitions, first ones kept."""
    kept: list[Any] = []
    for item in found:
        if not contains(kept, item):
            kept.append(item)
    return kept


def contains(found: list[Any], item: Any) -> bool:
    """Whether an item equals one of the collection."""
    return any(other is item or equal(other, item) is True for other in found)
