"""A call of a function, as the builders of the functions see it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from adapter.errors import ExpressionError
from adapter.findings import Text
from adapter.mapping.fhirpath.code import NOTHING, Code, only
from adapter.mapping.fhirpath.syntax import Call, Node


class Unsupported(Exception):
    """The construct at ``at`` is outside of the compiled subset."""

    def __init__(self, at: int, what: str) -> None:
        super().__init__(what)
        self.at, self.what = at, what


class BadArgument(ExpressionError):
    """An argument that can never be right; where it is a constant, the compiler makes a ``MappingError`` of it."""

    def __init__(self, at: int, reason: Text) -> None:
        super().__init__(reason)
        self.at = at


@dataclass(frozen=True, slots=True)
class Site:
    """One call.

    Attributes:
        node: the call in the syntax tree.
        source: what the function is applied to; the focus where nothing stands before it.
        arguments: those of a function per item see the item as their focus, others the focus of the expression.
        compile: compiles another part of the tree.
    """

    node: Call
    source: Code
    arguments: tuple[Code, ...]
    compile: Callable[[Node | None], Code]

    @property
    def name(self) -> str:
        """Name of the function, for errors."""
        return f"{self.node.name}()"

    def constant(self, number: int) -> Any:
        """The value of an argument where it is a constant, else ``NOTHING``."""
        return self.arguments[number].literal if number < len(self.arguments) else NOTHING

    def one(self, value: Any) -> Any:
        """A collection as one item or ``None``."""
        return only(value, self.name)


class Function(NamedTuple):
    """A function of the subset: how many arguments it takes and how it is compiled."""

    least: int
    most: int
    build: Callable[[Site], Code]
