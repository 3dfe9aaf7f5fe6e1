"""A Bundle, or a message in JSON, line by line, with the FHIRPath of each line."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

Ways = Callable[[str], tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Row:
    """A line.

    Attributes:
        depth: of nesting.
        key: name of the element, empty in a list and at an end.
        value: as JSON; a bracket for what goes on below, or ends.
        comma: whether another one follows.
        path: FHIRPath of the element; empty at an end.
        ways: numbers of the ways that begin at it, or at what it is a part of.
        own: the ways begin at this very element.
        type: of the resource that begins here.
    """

    depth: int
    key: str
    value: str
    comma: bool
    path: str
    ways: tuple[int, ...] = ()
    own: bool = False
    type: str = ""


def rows(value: Any, root: str, by_element: Ways) -> tuple[Row, ...]:
    """The lines of a value.

    Args:
        value: as JSON has it.
        root: its own path.
        by_element: from a path to the ways that begin there.
    """
    return tuple(_rows(value, "", root, 0, False, (), by_element))


def _rows(
    value: Any, key: str, path: str, depth: int, comma: bool, above: tuple[int, ...], by_element: Ways
) -> Iterator[Row]:
    own = by_element(path)
    resource = value.get("resourceType", "") if isinstance(value, dict) else ""
    # What speaks of a whole resource, or of the Bundle, says nothing of each of its parts.
    ways = own or above
    below = () if resource else ways
    if not isinstance(value, dict | list) or not value:
        yield Row(depth, key, json.dumps(value, ensure_ascii=False, default=str), comma, path, ways, bool(own))
        return
    begin, end = "{}" if isinstance(value, dict) else "[]"
    yield Row(depth, key, begin, False, path, ways, bool(own), str(resource))
    last = len(value) - 1
    if isinstance(value, dict):
        for number, (name, part) in enumerate(value.items()):
            yield from _rows(part, name, f"{path}.{name}", depth + 1, number < last, below, by_element)
    else:
        for number, part in enumerate(value):
            yield from _rows(part, "", f"{path}[{number}]", depth + 1, number < last, below, by_element)
    yield Row(depth, "", end, comma, "")
