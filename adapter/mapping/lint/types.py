"""FHIR types of expressions: which elements they can reach, and which they never can.

A type is unknown (``None``) where the structure of FHIR does not tell it: behind ``resolve()``, in the configuration of
the organisation, in facts. Nothing is said of those. An element counts as known where any release has it, because a
mapping serves all of them by alternatives.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Final, NamedTuple

from adapter.fhir.primitives import PRIMITIVES
from adapter.fhir.structure import Type, structure
from adapter.findings import Text
from adapter.mapping.fhirpath.choices import CHOICES
from adapter.mapping.fhirpath.syntax import (
    PER_ITEM,
    Binary,
    Call,
    Empty,
    Index,
    Literal,
    Member,
    Node,
    QuantityLiteral,
    Special,
    TypeTest,
    Unary,
    Variable,
)

RELEASES: Final = ("R4", "R4B", "R5")
#: Names of types; ``None``: unknown; empty: there is never a value.
Kinds = frozenset[str] | None

_NOTHING: Final[frozenset[str]] = frozenset()
_BOOLEAN: Final = frozenset({"boolean"})
_STRING: Final = frozenset({"string"})
_NUMBER: Final = frozenset({"decimal"})
_ABSTRACT: Final = frozenset({"Resource", "DomainResource", "Element", "BackboneElement", "Any"})
#: Functions that give items of what they are applied to.
_SAME: Final = frozenset(
    {"where", "first", "last", "tail", "skip", "take", "single", "distinct", "intersect", "exclude", "repeat"}
)
_TRUTH: Final = frozenset(
    {"exists", "empty", "all", "any", "allTrue", "anyTrue", "allFalse", "anyFalse", "not", "hasValue", "isDistinct",
     "contains", "startsWith", "endsWith", "matches", "subsetOf", "supersetOf"}
)  # fmt: skip
_WORDS: Final = frozenset(
    {"lower", "upper", "trim", "plainText", "replace", "replaceMatches", "substring", "toString", "join", "split"}
)


class Problem(NamedTuple):
    """What can never be: ``LNT01`` (no such element) or ``LNT02`` (never of that type)."""

    code: str
    message: Text
    hint: Text


@lru_cache(maxsize=2048)
def described(name: str) -> tuple[Type, ...]:
    """A type in every release that has it."""
    found = []
    for release in RELEASES:
        known = structure(release)
        if name[:1].isupper() and name not in _ABSTRACT:
            one = known.resource(name)
            if one is None:
                try:
                    one = known.type(name)
                except KeyError:
                    continue
            found.append(one)
    return tuple(found)


@lru_cache(maxsize=8192)
def element(kind: str, name: str) -> Kinds | bool:
    """Types of an element of a type; ``False`` where no release has it."""
    if kind in PRIMITIVES:
        return {"extension": frozenset({"Extension"}), "id": _STRING}.get(name, False)
    types = described(kind)
    if not types or name == "resourceType":
        return None if not types else _STRING
    found = {one.fields[key].type for one in types for key in (name, *CHOICES.get(name, ())) if key in one.fields}
    if not found:
        return False
    return None if found & _ABSTRACT else frozenset(found)


class Inference:
    """Types of the expressions of one rule.

    Args:
        variable: types of ``%name``.
        problem: takes what can never be.
    """

    def __init__(self, variable: Callable[[str], Kinds], problem: Callable[[Problem], None]) -> None:
        self._variable, self._problem = variable, problem

    def kinds(self, node: Node, focus: Kinds) -> Kinds:
        """Types of the value of ``node`` at a focus of the types ``focus``."""
        match node:
            case Empty() | Literal() | QuantityLiteral():
                return _constant(node)
            case Special(name=name):
                return focus if name == "this" else None
            case Variable(name=name):
                return self._variable(name)
            case Member():
                return self._path(node, focus)
            case Index(source=source, index=index):
                self.kinds(index, focus)
                return self.kinds(source, focus)
            case TypeTest():
                return self._type_test(node, focus)
            case Unary(operand=operand):
                return self.kinds(operand, focus)
            case Binary():
                return self._binary(node, focus)
            case Call():
                return self._call(node, focus)

    def _path(self, node: Member, focus: Kinds) -> Kinds:
        if node.source is not None:
            return self._member(self.kinds(node.source, focus), node.name)
        if node.name[:1].isupper():
            return self._type_name(node.name, focus)
        return self._member(focus, node.name)

    def _type_test(self, node: TypeTest, focus: Kinds) -> Kinds:
        if node.source is not None:
            self.kinds(node.source, focus)
        return _BOOLEAN if node.op == "is" else frozenset({node.type_name.rpartition(".")[2]})

    def _type_name(self, name: str, focus: Kinds) -> Kinds:
        if focus is None or name in _ABSTRACT or name in focus:
            return focus if name in _ABSTRACT else frozenset({name})
        types = ", ".join(sorted(focus))
        self._problem(
            Problem(
                "LNT02",
                Text(
                    f"Выражение начинается с {name}, а фокус — {types}.", f"{name} begins it, but the focus is {types}."
                ),
                Text("Уберите имя типа или исправьте source.", "Take the name of the type away, or mend source."),
            )
        )
        return _NOTHING

    def _member(self, of: Kinds, name: str) -> Kinds:
        if of is None or not of:
            return of
        found = [element(kind, name) for kind in sorted(of)]
        known = [one for one in found if not isinstance(one, bool)]
        if known:
            return union(known)
        self._problem(_no_element(of, name))
        return _NOTHING

    def _binary(self, node: Binary, focus: Kinds) -> Kinds:
        left, right = self.kinds(node.left, focus), self.kinds(node.right, focus)
        if node.op == "|":
            return union([left, right])
        return None if node.op in {"+", "-", "*", "/", "div", "mod", "&"} else _BOOLEAN

    def _call(self, node: Call, focus: Kinds) -> Kinds:
        source = focus if node.source is None else self.kinds(node.source, focus)
        inner = source if node.name in PER_ITEM else focus
        arguments = [self.kinds(argument, inner) for argument in node.arguments]
        match node.name:
            case "extension":
                return frozenset({"Extension"})
            case "oneOf":
                return self._one_of(node)
            case "where" if name := _resource_type(node):
                return frozenset({name})
            case "select":
                return arguments[0] if arguments else None
            case "union" | "combine":
                return union([source, *arguments])
            case "iif":
                return union(arguments[1:])
            case name if name in _SAME:
                return source
            case name if name in _TRUTH:
                return _BOOLEAN
            case name if name in _WORDS:
                return _STRING
        return None

    def _one_of(self, node: Call) -> Kinds:
        argument = node.arguments[0] if node.arguments else None
        if not isinstance(argument, Literal) or not isinstance(argument.value, str):
            return None
        name = argument.value
        if not any(one.resource for one in described(name)):
            self._problem(
                Problem(
                    "LNT02",
                    Text(f"Ресурса {name} нет ни в одной версии FHIR.", f"No release of FHIR has a resource {name}."),
                    Text("", ""),
                )
            )
        return frozenset({name})


def _constant(node: Empty | Literal | QuantityLiteral) -> Kinds:
    if isinstance(node, Empty):
        return _NOTHING
    if isinstance(node, QuantityLiteral):
        return frozenset({"Quantity"})
    return _BOOLEAN if isinstance(node.value, bool) else _STRING if isinstance(node.value, str) else _NUMBER


def union(many: Iterable[Kinds]) -> Kinds:
    """All types together; unknown where one of them is."""
    found: frozenset[str] = frozenset()
    for one in many:
        if one is None:
            return None
        found |= one
    return found


def _no_element(of: frozenset[str], name: str) -> Problem:
    known = sorted({key for kind in of for one in described(kind) for key in one.fields if not key.startswith("_")})
    near = difflib.get_close_matches(name, known, n=1)
    types = ", ".join(sorted(of))
    return Problem(
        "LNT01",
        Text(
            f"Элемента «{name}» нет у {types} ни в одной версии FHIR.",
            f"No release has an element «{name}» in {types}.",
        ),
        Text(f"Ближайший: {near[0]}.", f"Nearest: {near[0]}.") if near else Text("", ""),
    )


def _resource_type(node: Call) -> str:
    """The type that ``where(resourceType = '…')`` leaves; empty for any other condition."""
    match node.arguments:
        case (Binary(op="=", left=Member(source=None, name="resourceType"), right=Literal(value=str(name))),):
            return name
    return ""
