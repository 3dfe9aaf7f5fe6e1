"""Two texts side by side, for people: the lines that differ, with some around them."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final

#: Lines around a change that are shown with it.
_AROUND: Final = 3


@dataclass(frozen=True, slots=True)
class Side:
    """Lines side by side; ``skipped`` says how many equal ones are left out before them."""

    kind: str
    left: str
    right: str
    left_number: int
    right_number: int
    skipped: int = 0


def compared(older: bytes, newer: bytes) -> list[Side]:
    """Two documents line by line: what changed, with some lines around it.

    Texts of thousands of lines that have little in common take seconds.
    """
    left, right = (data.decode("utf-8", "replace").splitlines() for data in (older, newer))
    found: list[Side] = []
    done = 0
    for group in SequenceMatcher(None, left, right, autojunk=False).get_grouped_opcodes(_AROUND):
        skipped, done = group[0][1] - done, group[-1][2]
        for tag, a, b, c, d in group:
            for index in range(max(b - a, d - c)):
                here, there = a + index, c + index
                one, two = (
                    (left[here], here + 1) if here < b else ("", 0),
                    (right[there], there + 1) if there < d else ("", 0),
                )
                found.append(Side(tag, one[0], two[0], one[1], two[1], skipped))
                skipped = 0
    return found
