"""An expression of XPath 1.0 with what is known of it, and small facts about such expressions."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from adapter.errors import SchematronError
from conformance.xpath.ast import Call, Expr, Literal
from conformance.xpath.functions import OPERATORS


class Kind(Enum):
    """Type of an XPath 1.0 expression."""

    BOOLEAN = "boolean"
    NUMBER = "number"
    STRING = "string"
    NODES = "nodes"


@dataclass(frozen=True, slots=True)
class Rewritten:
    """An XPath 1.0 expression.

    Attributes:
        xpath: its text; safe to stand as an operand (compound forms are in parentheses).
        kind: its type.
        negation: the text of its negation where that is simpler than ``not(…)``.
        uses_current: it needs the variable ``$current``.
        single: a node-set that holds at most one node.
        match: for a regular expression match, the text that is matched and the Python expression.
    """

    xpath: str
    kind: Kind
    negation: str = ""
    uses_current: bool = False
    single: bool = False
    match: tuple[str, str] | None = None

    @property
    def negated(self) -> str:
        """``not(xpath)``, simplified where the expression is itself a negation."""
        return self.negation or f"not({self.xpath})"


TRUE: Final = Rewritten("true()", Kind.BOOLEAN, "false()")
FALSE: Final = Rewritten("false()", Kind.BOOLEAN, "true()")


#: Calls that may raise a dynamic error.
_FALLIBLE: Final = ("e:one(", "e:single(", "e:compare(", "e:dynamic(")


def may_fail(xpath: str) -> bool:
    """Whether evaluating a rewritten expression may raise a dynamic error."""
    return any(call in xpath for call in _FALLIBLE)


def quote(text: str) -> str:
    """An XPath 1.0 string literal."""
    if "'" not in text:
        return f"'{text}'"
    if '"' not in text:
        return f'"{text}"'
    raise SchematronError("a string with both kinds of quotes", construct=text)


def unsupported(reason: str, construct: str = "") -> SchematronError:
    """The refusal of a construct; the loader adds file and line."""
    return SchematronError(reason, construct=construct)


def spelled_out(path: str) -> str:
    """A path whose last step may take a predicate: XPath 1.0 allows none after ``.`` and ``..``."""
    head, slash, last = path.rpartition("/")
    return head + slash + {".": "self::node()", "..": "parent::node()"}.get(last, last)


def counts_up_to(op: str, lefts: tuple[Expr, ...], rights: tuple[Expr, ...]) -> int | None:
    """``n`` where the comparison is ``count(…) = [0, 1, …, n]``, which one ``<=`` says."""
    if op != "=" or len(rights) < 2 or len(lefts) != 1:
        return None
    if not isinstance(lefts[0], Call) or lefts[0].name != "count":
        return None
    wanted = {item.value for item in rights if isinstance(item, Literal)}
    return len(rights) - 1 if wanted == set(range(len(rights))) else None


def constant_comparison(op: str, left: Rewritten, right: Rewritten) -> Rewritten | None:
    """The value of a comparison that does not depend on the document: two numbers, or a count with ``>= 0``."""
    if left.kind is not Kind.NUMBER or not right.xpath.isdigit():
        return None
    if left.xpath.isdigit():
        return TRUE if OPERATORS[op](float(left.xpath), float(right.xpath)) else FALSE
    always = op == ">=" and right.xpath == "0" and left.xpath.startswith("count(") and not may_fail(left.xpath)
    return TRUE if always else None
