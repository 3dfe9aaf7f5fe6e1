"""The ways of values: from elements of a Bundle through facts to the places where a document says them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from adapter.facts import II, Coding, Fact, Null, Quantity
from adapter.findings import Text

if TYPE_CHECKING:
    from adapter.lineage.reading import Block

#: Parts of facts that are values themselves.
_PARTS: Final = frozenset({*Coding._fields, *II._fields, *Quantity._fields})


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of characters of a line of a document.

    Attributes:
        way: number of the way that it is the end of; -1 for what the template says by itself.
    """

    text: str
    way: int = -1


@dataclass(frozen=True, slots=True)
class Way:
    """The way of one fact.

    Attributes:
        number: of the way, in the order in which the facts are made.
        fact: path of the fact.
        value: in words; empty for a fact that is made of others.
        rule, file, line: the rule that made it, and where it stands.
        expression: the alternative that gave the value, or the sort of source that has no expression.
        place: FHIRPath of what the rule was applied to.
        elements: FHIRPaths of the elements that gave it, ``%org…`` for the sender's configuration; of the fact that it
            is a part of, where it has none itself.
        concept: concept map that translated it; ``row`` is its file and line, where one says it of this code.
        written: lines of the document that say it, from 1.
    """

    number: int
    fact: str
    value: str
    rule: str
    file: str
    line: int
    expression: str
    place: str
    elements: tuple[str, ...]
    concept: str
    row: str
    written: tuple[int, ...]

    @property
    def depth(self) -> int:
        """How many facts it is a part of."""
        return self.fact.count(".") + self.fact.count("[")

    @property
    def name(self) -> str:
        """Its name among the parts of the fact that it is a part of."""
        return self.fact.rpartition(".")[2]

    @property
    def source(self) -> str:
        """What gave it: ``element``, ``organisation``, ``mapping`` (a constant), ``focus`` (worked out)."""
        if any(not one.startswith("%org") for one in self.elements):
            return "element"
        if self.elements:
            return "organisation"
        return "mapping" if self.expression.startswith(("constant", "coding: ", "'")) or not self.place else "focus"


@dataclass(frozen=True, slots=True)
class Share:
    """How many values of a document lead where.

    Attributes:
        values: values that facts gave.
        ruled: of these, how many have a rule with its file and line.
        elements, organisation, mapping, focus: by :attr:`Way.source`.
    """

    values: int
    ruled: int
    elements: int
    organisation: int
    mapping: int
    focus: int


@dataclass(frozen=True)
class Lineage:
    """The ways of a document.

    Attributes:
        kind: of the document.
        lines: of the document, with the ends of the ways.
        ways: in the order of their numbers.
        reading: the document as a doctor reads it.
        problem: why there is no document; it then has no lines.
    """

    kind: str
    lines: tuple[tuple[Piece, ...], ...]
    ways: tuple[Way, ...]
    reading: tuple[Block, ...] = ()
    problem: Text | None = None

    @property
    def text(self) -> str:
        """The document."""
        return "\n".join("".join(piece.text for piece in line) for line in self.lines)

    @cached_property
    def by_element(self) -> Mapping[str, tuple[int, ...]]:
        """Numbers of the ways that begin at an element."""
        found: dict[str, list[int]] = {}
        for way in self.ways:
            for element in way.elements:
                found.setdefault(element, []).append(way.number)
        return {element: tuple(numbers) for element, numbers in found.items()}

    @cached_property
    def by_rule(self) -> Mapping[str, int]:
        """Number of the first way through a rule."""
        found: dict[str, int] = {}
        for way in self.ways:
            found.setdefault(way.rule, way.number)
        return found

    @property
    def share(self) -> Share:
        """How many values of the document lead where."""
        ends = [self.ways[piece.way] for line in self.lines for piece in line if piece.way >= 0]
        sources = [way.source for way in ends]
        return Share(
            len(ends),
            sum(bool(way.rule and way.file and way.line) for way in ends),
            *(sources.count(name) for name in ("element", "organisation", "mapping", "focus")),
        )


def value_at(facts: Any, path: str) -> Any:
    """The fact of a path; ``None`` where there is none."""
    found = facts
    for name, index in re.findall(r"([^.\[\]]+)|\[(\d+)\]", path):
        if name:
            found = getattr(found, name, None) if isinstance(found, Fact) or name in _PARTS else None
        else:
            found = found[int(index)] if isinstance(found, list) and int(index) < len(found) else None
        if found is None:
            return None
    return found


def in_words(value: Any) -> str:
    """A value for a person; empty for what is made of others."""
    match value:
        case None | Fact() | dict():
            return ""
        case Null():
            return f"nullFlavor {value.flavor}"
        case Coding():
            return f"{value.code} {value.display} ({value.system})"
        case II():
            return f"{value.root} {value.extension}"
        case Quantity():
            return f"{value.value} {value.ucum or value.unit}".strip()
        case list():
            return "; ".join(filter(None, map(in_words, value)))
        case _:
            return str(value)
