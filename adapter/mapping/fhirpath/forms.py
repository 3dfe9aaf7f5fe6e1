"""What can be told of a part of an expression by looking at it, for those who write it out."""

from __future__ import annotations

from typing import Any, Final

from adapter.mapping.fhirpath.choices import CHOICES
from adapter.mapping.fhirpath.moments import Moment
from adapter.mapping.fhirpath.syntax import Binary, Call, Index, Literal, Member, Node, TypeTest

#: Operators that are written out, whatever stands on their sides.
_OPERATORS: Final = frozenset({"=", "!=", "and", "or"})


def words_of(node: Node) -> frozenset[str] | None:
    """The words of ``'a' | 'b'``; ``None`` for everything else."""
    if isinstance(node, Binary) and node.op == "|":
        left, right = words_of(node.left), words_of(node.right)
        return None if left is None or right is None else left | right
    return frozenset({str(node.value)}) if isinstance(node, Literal) and is_word(node.value) else None


def is_written(node: Binary) -> bool:
    """Whether an operator is written out: ``in`` with words, ``|`` of anything but words, and some others."""
    if node.op == "|":
        return words_of(node) is None
    return node.op in _OPERATORS or (node.op == "in" and words_of(node.right) is not None)


def known(node: Node | None) -> Node:
    """A node that is not the focus."""
    assert node is not None
    return node


def always_single(node: Node | None) -> bool:
    """Whether the value of a node that has a form is never a list."""
    match node:
        case Binary(op="=" | "!=" | "and" | "or"):
            return True
        case Call(name=name):
            return name in {"exists", "empty", "not", "any"}
    return False


def sides(node: Node | None) -> list[Node | None]:
    """What a union joins; the node itself where it is none."""
    if isinstance(node, Binary) and node.op == "|":
        return [*sides(node.left), *sides(node.right)]
    return [node]


def position(node: Index) -> int | None:
    """The index where it is written as a number."""
    index = node.index
    return index.value if isinstance(index, Literal) and index.value.__class__ is int else None


def is_word(value: Any) -> bool:
    """Whether a literal is a string that is no date."""
    return isinstance(value, str) and not isinstance(value, Moment)


def are_words(node: Call) -> bool:
    """Whether the arguments of a call are such literals."""
    return all(isinstance(one, Literal) and is_word(one.value) for one in node.arguments)


def is_resource_test(node: TypeTest) -> bool:
    """Whether ``ofType`` asks for resources, which say themselves what they are."""
    source = node.source
    of_choice = isinstance(source, Member) and source.name in CHOICES
    return node.op == "ofType" and node.type_name[:1].isupper() and "." not in node.type_name and not of_choice
