"""Compiled expressions."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from adapter.mapping.fhirpath.choices import CHOICES
from adapter.mapping.fhirpath.code import Code, Env, Truth, Value
from adapter.mapping.fhirpath.compiler import compile_tree
from adapter.mapping.fhirpath.fallback import interpreted
from adapter.mapping.fhirpath.parser import parse
from adapter.mapping.fhirpath.site import Unsupported
from adapter.mapping.fhirpath.syntax import Call, Member, Node, Variable, walk

_READS_ALL = frozenset({"children", "descendants"})


class Expression:
    """An expression, ready to run. What it returns belongs to the document: it must not be changed.

    Attributes:
        text: as written.
        tree: its syntax tree.
        all: ``(focus, env)`` → every item. The focus is one item of JSON, or ``None``.
        first: ``(focus, env)`` → the first item, or ``None``.
        truth: ``(focus, env)`` → whether it holds: empty is false, a single item that is no boolean is true.
        variables: names of the variables that it reads, without ``%``.
        native: false where it runs on fhirpathpy.

    The three functions raise :class:`~adapter.errors.ExpressionError` where the data does not fit.
    """

    __slots__ = ("_elements", "all", "first", "native", "text", "tree", "truth", "variables")

    def __init__(self, text: str, tree: Node, code: Code, *, native: bool) -> None:
        self.text, self.tree, self.native = text, tree, native
        self.variables = frozenset(node.name for node in walk(tree) if isinstance(node, Variable))
        self._elements: frozenset[str] | None = None
        value, first, truth = code.value, code.first, code.truth
        if "context" in self.variables:
            value, first, truth = _in_context(value), _in_context(first), _in_context(truth)
        self.all: Callable[[Any, Env], list[Any]] = _listed(value)
        self.first: Value = first
        self.truth: Callable[[Any, Env], bool] = _decided(truth)

    @property
    def elements(self) -> frozenset[str]:
        """JSON names of the elements that it can read; ``*`` where it reads whatever is there. Tools ask for them."""
        if self._elements is None:
            self._elements = _elements(self.tree)
        return self._elements

    def __repr__(self) -> str:
        return f"Expression({self.text!r})"


@lru_cache(maxsize=8192)
def compile_expression(text: str) -> Expression:
    """Compile FHIRPath.

    Raises:
        MappingError: the text is no FHIRPath or uses a function that nobody knows; it names the column.
    """
    tree = parse(text)
    try:
        return Expression(text, tree, compile_tree(text, tree), native=True)
    except Unsupported:
        variables = {node.name for node in walk(tree) if isinstance(node, Variable)}
        return Expression(text, tree, interpreted(text, variables), native=False)


def _listed(value: Value) -> Callable[[Any, Env], list[Any]]:
    def every(focus: Any, env: Env) -> list[Any]:
        found = value(focus, env)
        if found.__class__ is list:
            return found
        return [] if found is None else [found]

    return every


def _decided(truth: Truth) -> Callable[[Any, Env], bool]:
    return lambda focus, env: truth(focus, env) is True


def _in_context(code: Callable[[Any, Env], Any]) -> Callable[[Any, Env], Any]:
    return lambda focus, env: code(focus, env.inner({"context": focus}))


def _elements(tree: Node) -> frozenset[str]:
    found: set[str] = set()
    for node in walk(tree):
        if isinstance(node, Member) and not (node.source is None and node.name[:1].isupper()):
            found.update((node.name, *CHOICES.get(node.name, ())))
        elif isinstance(node, Call) and node.name == "extension":
            found.add("extension")
        elif isinstance(node, Call) and node.name in _READS_ALL:
            found.add("*")
    return frozenset(found)
