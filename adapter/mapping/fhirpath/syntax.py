"""The syntax tree of FHIRPath. ``at`` is the 0-based offset of a node in the text of its expression."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant; a :class:`~adapter.mapping.fhirpath.moments.Moment` is a ``str``, too."""

    at: int
    value: str | int | Decimal | bool


@dataclass(frozen=True, slots=True)
class QuantityLiteral:
    """``4 days``, ``10 'mg'``: parsed, but not compiled."""

    at: int
    value: Decimal
    unit: str


@dataclass(frozen=True, slots=True)
class Empty:
    """``{}``"""

    at: int


@dataclass(frozen=True, slots=True)
class Special:
    """``$this``, ``$index`` or ``$total``; ``name`` is without the sign."""

    at: int
    name: str


@dataclass(frozen=True, slots=True)
class Variable:
    """``%name``"""

    at: int
    name: str


@dataclass(frozen=True, slots=True)
class Member:
    """``source.name``; without a source the member of the focus."""

    at: int
    source: Node | None
    name: str


@dataclass(frozen=True, slots=True)
class Call:
    """``source.name(arguments)``"""

    at: int
    source: Node | None
    name: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Index:
    """``source[index]``"""

    at: int
    source: Node
    index: Node


@dataclass(frozen=True, slots=True)
class TypeTest:
    """``is``, ``as`` (operators and functions) and ``ofType``; ``type_name`` may have a namespace."""

    at: int
    op: str
    source: Node | None
    type_name: str


@dataclass(frozen=True, slots=True)
class Unary:
    """``-x``, ``+x``"""

    at: int
    op: str
    operand: Node


@dataclass(frozen=True, slots=True)
class Binary:
    """Every operator with two operands."""

    at: int
    op: str
    left: Node
    right: Node


Node = Literal | QuantityLiteral | Empty | Special | Variable | Member | Call | Index | TypeTest | Unary | Binary

#: Functions whose arguments are evaluated for each item, with ``$this`` and ``$index`` of their own.
PER_ITEM = frozenset({"where", "select", "all", "any", "exists", "repeat", "aggregate"})


def children(node: Node) -> Iterator[Node]:
    """The operands, source and arguments of a node."""
    match node:
        case Member(source=source) | TypeTest(source=source):
            if source is not None:
                yield source
        case Call(source=source, arguments=arguments):
            if source is not None:
                yield source
            yield from arguments
        case Index(source=source, index=index):
            yield source
            yield index
        case Unary(operand=operand):
            yield operand
        case Binary(left=left, right=right):
            yield left
            yield right
        case _:
            return


def walk(node: Node) -> Iterator[Node]:
    """The node and everything below it."""
    yield node
    for child in children(node):
        yield from walk(child)


def uses_index(node: Node) -> bool:
    """Whether ``$index`` of the surrounding function is read (not that of a function inside)."""
    if isinstance(node, Special):
        return node.name == "index"
    if isinstance(node, Call) and node.name in PER_ITEM:
        return node.source is not None and uses_index(node.source)
    return any(uses_index(child) for child in children(node))
