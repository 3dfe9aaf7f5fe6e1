"""From the XPath of a finding back to the element, as :func:`adapter.xml.locate` wrote it."""

from __future__ import annotations

import re

from adapter.xml import PREFIXES, Element

_NAMESPACES = {prefix: uri for uri, prefix in PREFIXES.items()}
#: A step: a name in braces notation, with a known prefix or without one, then a position.
_STEP = re.compile(r"/(?P<name>\{[^}]*\}[^/\[]+|[^/\[{]+)(?:\[(?P<position>[0-9]+)\])?")


def resolve(root: Element, xpath: str) -> Element | None:
    """The element at ``xpath``, or the deepest of its ancestors that is there; None where the root differs.

    Attributes, comments and text resolve to the element that holds them.
    """
    node: Element | None = None
    for step in _STEP.finditer(xpath):
        name, position = step["name"], int(step["position"] or 1)
        if name.startswith("@") or name.endswith("()"):
            break
        tags = _tags(name)
        if node is None:
            if root.tag not in tags:
                return None
            node = root
            continue
        children = [child for child in node.iterchildren() if child.tag in tags]
        if len(children) < position:
            break
        node = children[position - 1]
    return node


def _tags(name: str) -> tuple[str, ...]:
    """The element names that a step can mean: a name without a prefix is of HL7, or of no namespace."""
    if name.startswith("{"):
        return (name,)
    prefix, colon, local = name.rpartition(":")
    uri = _NAMESPACES.get(prefix + colon)
    return (name,) if uri is None else (f"{{{uri}}}{local}", *(() if prefix else (local,)))
