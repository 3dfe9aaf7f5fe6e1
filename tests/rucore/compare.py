"""Value by value: every attribute and text of two documents, by their place."""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from tests.rucore.parts import Node

SPACES = {
    "urn:hl7-org:v3": "",
    "urn:hl7-ru:identity": "identity:",
    "urn:hl7-ru:address": "address:",
    "urn:hl7-ru:fias": "fias:",
    "urn:hl7-ru:medService": "medService:",
    "http://www.w3.org/2001/XMLSchema-instance": "xsi:",
}


def values(root: Node) -> dict[str, str]:
    """Places of attributes and texts → values: ``component[1]/section[1]/code[1]/@code``."""
    return dict(_values(root, ""))


def _values(node: Node, path: str) -> Iterator[tuple[str, str]]:
    for key, value in node.attrib.items():
        yield f"{path}/@{_short(str(key))}", str(value)
    if node.text and node.text.strip():
        yield f"{path}/text()", node.text.strip()
    seen: dict[str, int] = {}
    for child in node.iterchildren(etree.Element):
        name = _short(str(child.tag))
        seen[name] = seen.get(name, 0) + 1
        yield from _values(child, f"{path}/{name}[{seen[name]}]")


def _short(name: str) -> str:
    space, _, local = name.rpartition("}")
    return SPACES.get(space[1:], "") + local


def differences(expected: Node, actual: Node) -> tuple[int, dict[str, tuple[str | None, str | None]]]:
    """How many values were expected, and the places where the two differ."""
    want, have = values(expected), values(actual)
    found = {
        place: (want.get(place), have.get(place))
        for place in [*want, *(place for place in have if place not in want)]
        if want.get(place) != have.get(place)
    }
    return len(want), found
