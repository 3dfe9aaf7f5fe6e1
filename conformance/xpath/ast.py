"""The XPath subset that the Ministry's Schematron files use, as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Literal:
    """A string or a number."""

    value: str | int | float


@dataclass(frozen=True, slots=True)
class Items:
    """A square array or a parenthesised sequence: a list of values on one side of a comparison."""

    items: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """One step: ``axis`` as XPath spells it, ``test`` a name (``*``, ``ns:name``) or a kind test (``text()``)."""

    axis: str
    test: str
    predicates: tuple[Expr, ...] = ()


@dataclass(frozen=True, slots=True)
class Path:
    """Steps from the context node, from the root (``start`` is ``/``), or from another expression."""

    steps: tuple[Step, ...]
    start: str | Expr = ""


@dataclass(frozen=True, slots=True)
class Filter:
    """An expression in parentheses with predicates: ``(a | b)[1]``."""

    base: Expr
    predicates: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Apply:
    """A function as the last step: ``a/b/not(@x)``; the call is made once for each node of ``path``."""

    path: Expr
    call: Call


@dataclass(frozen=True, slots=True)
class Call:
    """A function call."""

    name: str
    args: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Binary:
    """``and or = != < <= > >= + -``."""

    op: str
    left: Expr
    right: Expr


@dataclass(frozen=True, slots=True)
class Union:
    """``a | b``."""

    items: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class If:
    """``if (condition) then … else …``."""

    condition: Expr
    then: Expr
    otherwise: Expr


@dataclass(frozen=True, slots=True)
class Current:
    """``current()``: the node that the rule matched."""


Expr: TypeAlias = Literal | Items | Path | Filter | Apply | Call | Binary | Union | If | Current

SELF = Step("self", "node()")
DESCENDANTS = Step("descendant-or-self", "node()")
