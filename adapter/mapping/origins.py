"""Which elements of a Bundle gave a value, for traces: found by the identity of the nodes of the Bundle.

A value that an expression works out is not in the Bundle. It came from the elements that the parts of the expression
have read: ``name.given.first().upper()`` from ``name.given[0]``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from adapter.errors import EgiszError
from adapter.mapping.fhirpath import Env, Expression
from adapter.mapping.fhirpath.compiler import compile_tree
from adapter.mapping.fhirpath.site import Unsupported
from adapter.mapping.fhirpath.syntax import PER_ITEM, Binary, Call, Index, Member, Node, TypeTest, Unary


class Origins:
    """Where the nodes of a Bundle stand.

    Args:
        bundle: the Bundle as JSON has it; it must not change meanwhile.
        organisation: values of the sender's configuration; their paths begin with ``%org``.
    """

    def __init__(self, bundle: Mapping[str, Any], organisation: Mapping[str, Any]) -> None:
        self._paths: dict[int, list[str]] = {}
        #: What variables hold, by identity, with the elements that gave it; kept, so that no other gets its identity.
        self._variables: dict[int, tuple[Any, tuple[str, ...]]] = {}
        self._enter(bundle, "Bundle")
        self._enter(organisation, "%org")

    def note(self, value: Any, elements: tuple[str, ...]) -> None:
        """Remember which elements gave the value of a variable."""
        if id(value) not in self._paths:
            self._variables[id(value)] = value, elements

    def _enter(self, node: Any, path: str) -> None:
        self._paths.setdefault(id(node), []).append(path)
        if isinstance(node, dict):
            for name, part in node.items():
                self._enter(part, f"{path}.{name}")
        elif isinstance(node, list):
            for number, part in enumerate(node):
                self._enter(part, f"{path}[{number}]")

    def path(self, node: Any, near: str = "", name: str = "") -> str:
        """FHIRPath of a node; empty where it is none, or cannot be told from equal ones.

        Args:
            near: path of what it is a part of; short texts, numbers and booleans are one object wherever they stand.
            name: of its element, which tells it from others there.
        """
        found = self._paths.get(id(node), ())
        if len(found) == 1:
            return found[0]
        inside = [path for path in found if near and path.startswith((f"{near}.", f"{near}["))]
        if len(inside) > 1 and name:
            inside = [path for path in inside if path.rpartition(".")[2].partition("[")[0].startswith(name)]
        return inside[0] if len(inside) == 1 else ""

    def elements(self, expression: Expression, focus: Any, env: Env) -> tuple[str, ...]:
        """FHIRPaths of the elements that gave what an expression gives, in order; empty where none did."""
        near = self.path(focus)
        found = self._located(expression.all(focus, env), near, _name(expression.tree))
        return found or tuple(dict.fromkeys(self._parts(expression, expression.tree, focus, env, near)))

    def _located(self, values: Iterable[Any], near: str, name: str) -> tuple[str, ...]:
        found: list[str] = []
        for value in values:
            path = self.path(value, near, name)
            found += [path] if path else self._variables.get(id(value), (None, ()))[1]
        return tuple(dict.fromkeys(found))

    def _parts(self, whole: Expression, tree: Node, focus: Any, env: Env, near: str) -> Iterator[str]:
        """Of the first parts of a tree that are elements; what decides comes after what gives."""
        for group in _taken(whole, tree, focus, env):
            found: list[str] = []
            for node in group:
                found += self._located(_all(whole, node, focus, env), near, _name(node)) or self._parts(
                    whole, node, focus, env, near
                )
            if found:
                yield from found
                return


def _name(node: Node) -> str:
    """The element that a tree ends in."""
    while isinstance(node, Call | Index) and node.source is not None:
        node = node.source
    return node.name if isinstance(node, Member) else ""


def _taken(whole: Expression, node: Node, focus: Any, env: Env) -> list[tuple[Node, ...]]:
    """Parts of a tree that have the same focus as it has, in groups: those that give its value first."""
    match node:
        case Call(source=None, name="iif", arguments=(condition, *branches)):
            held = _all(whole, condition, focus, env) == [True]
            return [tuple(branches[:1] if held else branches[1:]), (condition,)]
        case Call(source=source, name=name, arguments=arguments):
            given = () if name in PER_ITEM else arguments
            return [() if source is None else (source,), given]
        case Member(source=source) | TypeTest(source=source) | Index(source=source):
            return [] if source is None else [(source,)]
        case Unary(operand=operand):
            return [(operand,)]
        case Binary(left=left, right=right):
            return [(left, right)]
        case _:
            return []


@lru_cache(maxsize=8192)
def _compiled(text: str, node: Node) -> Expression | None:
    try:
        return Expression(text, node, compile_tree(text, node), native=True)
    except Unsupported:
        return None


def _all(whole: Expression, node: Node, focus: Any, env: Env) -> list[Any]:
    """What a part of an expression gives; nothing where it does not run by itself."""
    part = _compiled(whole.text, node)
    try:
        return [] if part is None else part.all(focus, env)
    except EgiszError:
        # A branch that was not taken does not have to fit the data.
        return []
