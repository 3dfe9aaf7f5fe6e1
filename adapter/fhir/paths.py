"""FHIRPaths of places in a resource."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Any, Final

_NAME: Final = re.compile(r"_?[A-Za-z][A-Za-z0-9_]{0,63}")


def step(name: str) -> str:
    """An element name as a step of a path; one that is no name is shown as ``?``: it may hold anything."""
    return name if _NAME.fullmatch(name) else "?"


def find_paths(root: Any, path: str, wanted: Collection[int]) -> Iterator[tuple[str, int]]:
    """Paths of the objects whose ``id()`` is in ``wanted``, in the order of the document, with that id."""
    stack: list[tuple[str, Any]] = [(path, root)]
    while stack:
        here, node = stack.pop()
        if id(node) in wanted:
            yield here, id(node)
        stack.extend(reversed(list(children(here, node))))


def children(path: str, node: Any) -> Iterator[tuple[str, Any]]:
    """The objects and lists' items below a node with their paths; scalars are left out."""
    if isinstance(node, dict):
        for name, value in node.items():
            if isinstance(value, dict):
                yield f"{path}.{step(name)}", value
            elif isinstance(value, list):
                for index, item in enumerate(value):
                    if isinstance(item, dict):
                        yield f"{path}.{step(name)}[{index}]", item


def join(parts: Collection[str | int], path: str) -> str:
    """A path with the steps of a location (names and indexes) after it."""
    for part in parts:
        path += f"[{part}]" if isinstance(part, int) else f".{step(part)}"
    return path
