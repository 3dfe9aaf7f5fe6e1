"""Rule contexts: XSLT patterns as paths, and as predicates that say whether a node would match.

A pattern matches wherever its steps do: ``a/b`` is every ``b`` below an ``a``. One pattern may offer alternatives
(``a | b``); within a Schematron pattern only the first rule that matches a node applies, so a later rule excludes the
nodes of earlier ones that could be the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from conformance.xpath.ast import DESCENDANTS, Call, Expr, Literal, Path, Step, Union
from conformance.xpath.parse import parse
from conformance.xpath.rewrite import Rewriter
from conformance.xpath.rewritten import Kind, Rewritten, unsupported


@dataclass(frozen=True, slots=True)
class Pattern:
    """One alternative of a context.

    Attributes:
        steps: child steps from the outermost to the node itself.
            No steps at all: the document node itself.
        gaps: for each step, whether any number of levels may lie between it and the one before.
        rooted: the first step is a child of the document node.
        exclusions: predicates on the node: negations of earlier rules that could match it.
    """

    steps: tuple[Step, ...]
    gaps: tuple[bool, ...]
    rooted: bool
    exclusions: tuple[Rewritten, ...] = ()

    @property
    def document(self) -> bool:
        """It matches the document node alone."""
        return not self.steps


def read_context(text: str, namespaces: Mapping[str, str]) -> tuple[Pattern, ...]:
    """The alternatives of a ``context``.

    Raises:
        SchematronError: not an XSLT pattern of the subset.
    """
    expr = parse(text, namespaces)
    return tuple(_pattern(item) for item in (expr.items if isinstance(expr, Union) else (expr,)))


def _pattern(expr: Expr) -> Pattern:
    if not isinstance(expr, Path) or expr.start not in ("", "/"):
        raise unsupported("a context that is not a path")
    if not expr.steps:
        return Pattern((), (), rooted=True)
    steps: list[Step] = []
    gaps: list[bool] = []
    gap = False
    for step in expr.steps:
        if step == DESCENDANTS:
            gap = True
            continue
        if step.axis != "child" or step.test.endswith("()"):
            raise unsupported("a context of something other than elements", f"{step.axis}::{step.test}")
        steps.append(step)
        gaps.append(gap)
        gap = False
    rooted = expr.start == "/" and not gaps[0]
    return Pattern(tuple(steps), (not rooted, *gaps[1:]), rooted)


def disjoint(one: Pattern, other: Pattern) -> bool:
    """Whether no node can match both, judged by the names of the steps from the node outwards."""
    if one.document or other.document:
        return one.document != other.document
    for a, b in zip(reversed(_named(one)), reversed(_named(other)), strict=False):
        if a is None or b is None:
            return False
        if a != b and not (a.endswith("*") or b.endswith("*")):
            return True
    return False


def _named(pattern: Pattern) -> list[str | None]:
    """Names of the steps, ``None`` above a gap, where levels no longer align."""
    named: list[str | None] = []
    for step, gap in zip(reversed(pattern.steps), reversed(pattern.gaps), strict=True):
        named.append(step.test)
        if gap:
            named.append(None)
            break
    return named[::-1]


def exclude(pattern: Pattern, earlier: Sequence[Pattern], rewriter: Rewriter) -> Pattern:
    """``pattern`` without the nodes that one of ``earlier`` matches."""
    exclusions = []
    for other in earlier:
        if not disjoint(pattern, other):
            text = self_match(other, rewriter)
            exclusions.append(Rewritten(f"not({text})", Kind.BOOLEAN, f"boolean({text})"))
    return Pattern(pattern.steps, pattern.gaps, pattern.rooted, tuple(exclusions))


def self_match(pattern: Pattern, rewriter: Rewriter) -> str:
    """A node-set that is not empty where the context node matches ``pattern``: the steps read backwards."""
    if pattern.document:
        raise unsupported("two rules for the document node in one pattern")
    text = "[parent::node()[not(parent::node())]]" if pattern.rooted else ""
    for index, step in enumerate(pattern.steps):
        test = rewriter.bare_step(step)
        own = _own_predicates(step, test, rewriter)
        if index == len(pattern.steps) - 1:
            return f"self::{test}{own}{text}"
        axis = "ancestor" if pattern.gaps[index + 1] else "parent"
        text = f"[{axis}::{test}{own}{text}]"
    raise AssertionError("a pattern has at least one step")


def _own_predicates(step: Step, test: str, rewriter: Rewriter) -> str:
    """The predicates of a step, positions said by counting siblings, since ``self::`` has only one node."""
    before = ""
    text = ""
    for predicate in step.predicates:
        rewritten = rewriter.predicate(predicate)
        if rewritten.kind is not Kind.NUMBER:
            piece = f"[{rewritten.xpath}]"
        elif isinstance(predicate, Literal) and isinstance(predicate.value, int):
            piece = _at_position(f"preceding-sibling::{test}{before}", predicate.value)
        elif predicate == Call("last", ()):
            piece = f"[not(following-sibling::{test}{before})]"
        else:
            raise unsupported("a position that is not a number", rewritten.xpath)
        text += piece
        before += f"[{rewritten.xpath}]"
    return text


def _at_position(preceding: str, position: int) -> str:
    """Exactly ``position - 1`` nodes stand before, said so that libxml2 stops walking early."""
    enough = f"{preceding}[{position - 1}] and " if position > 1 else ""
    return f"[{enough}not({preceding}[{position}])]"
