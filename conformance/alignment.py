"""Pairs of two lists by likeness: as sequences, whose pairs never cross, or in any order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeVar

T = TypeVar("T")

#: Index in the first list and in the second; ``None`` where the first list's item has no partner.
Pair = tuple[int, int | None]

#: Comparisons of one list pair; above it what is left pairs by position, so that no document can make it slow.
MOST: Final = 250_000
#: What a pair is worth by itself, above any likeness that it has not: unlike items still pair.
_PAIR: Final = 1e-6


def in_sequence(left: Sequence[T], right: Sequence[T], likeness: Callable[[T, T], float]) -> list[Pair]:
    """Every item of ``left``, in order, with the partners that give the most likeness in all.

    Args:
        left: the first list.
        right: the second list.
        likeness: from 0 to 1 for two items.
    """
    start, end = _ends(left, right, likeness)
    inner, other = len(left) - start - end, len(right) - start - end
    pairs: list[Pair] = [(index, index) for index in range(start)]
    middle = left[start : start + inner], right[start : start + other]
    found = _by_position(*middle, likeness) if inner * other > MOST else _best(*middle, likeness)
    pairs += [(one + start, None if two is None else two + start) for one, two in found]
    return pairs + [(len(left) - back, len(right) - back) for back in range(end, 0, -1)]


def _ends(left: Sequence[T], right: Sequence[T], likeness: Callable[[T, T], float]) -> tuple[int, int]:
    """How many items are the same at the start and, after those, at the end."""
    shorter = min(len(left), len(right))
    start = 0
    while start < shorter and likeness(left[start], right[start]) >= 1:
        start += 1
    end = 0
    while end < shorter - start and likeness(left[-1 - end], right[-1 - end]) >= 1:
        end += 1
    return start, end


def _by_position(left: Sequence[T], right: Sequence[T], likeness: Callable[[T, T], float]) -> list[Pair]:
    return [
        (index, index if index < len(right) and likeness(one, right[index]) >= 0 else None)
        for index, one in enumerate(left)
    ]


def _best(left: Sequence[T], right: Sequence[T], likeness: Callable[[T, T], float]) -> list[Pair]:
    """Alignment of two sequences by dynamic programming (Needleman and Wunsch), gaps free of charge."""
    worth = [[likeness(one, two) + _PAIR for two in right] for one in left]
    best = [[0.0] * (len(right) + 1) for _ in range(len(left) + 1)]
    for one in range(len(left) - 1, -1, -1):
        for two in range(len(right) - 1, -1, -1):
            paired = worth[one][two] + best[one + 1][two + 1]
            best[one][two] = max(paired, best[one + 1][two], best[one][two + 1])
    pairs: list[Pair] = []
    one = two = 0
    while one < len(left):
        if two < len(right) and best[one][two] == worth[one][two] + best[one + 1][two + 1]:
            pairs.append((one, two))
            two += 1
        elif two < len(right) and best[one][two] == best[one][two + 1]:
            two += 1
            continue
        else:
            pairs.append((one, None))
        one += 1
    return pairs


def in_any_order(left: Sequence[T], right: Sequence[T], likeness: Callable[[T, T], float]) -> list[Pair]:
    """The pairs that are most alike first, of equals those nearest in position.

    Args:
        left: the first list.
        right: the second list.
        likeness: from 0 to 1 for two items, negative where they must not pair.
    """
    if len(left) * len(right) > MOST:
        return _by_position(left, right, likeness)
    ranked = sorted(
        (-found, abs(one - two), one, two)
        for one, mine in enumerate(left)
        for two, other in enumerate(right)
        if (found := likeness(mine, other)) >= 0
    )
    pairs: dict[int, int | None] = {}
    taken: set[int] = set()
    for _, _, one, two in ranked:
        if one not in pairs and two not in taken:
            pairs[one] = two
            taken.add(two)
    return sorted(pairs.items())
