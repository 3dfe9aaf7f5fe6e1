"""Merging all rules of a Schematron into a few XPath expressions that answer «everything holds».

Evaluated one by one, a pack's rules walk the document hundreds of times. Here their contexts are laid into a tree of
steps, so that each part of the document is visited once: below ``recordTarget`` the tests of every rule about it are
one conjunction, and a rule about its children is a nested «no child fails». Predicates of contexts become conditions
(``not(predicate) or …``). The result is exact, not a heuristic: the tree's formula is true if and only if no rule
fails.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from conformance.schematron.context import Pattern
from conformance.xpath.ast import Binary, Expr, Items, Literal, Path, Step
from conformance.xpath.rewrite import Rewriter
from conformance.xpath.rewritten import TRUE, Kind, Rewritten

ROOT: Final = "ClinicalDocument"
#: The merged form assumes one ClinicalDocument, the root; anything else is left to the rule-by-rule path.
ONE_ROOT: Final = f"boolean(/h:{ROOT}) and count(/descendant::h:{ROOT}) = 1"


@dataclass(frozen=True, slots=True)
class Group:
    """A part of the whole.

    Attributes:
        xpath: a boolean expression: none of ``rules`` fails (given :data:`ONE_ROOT`).
        rules: indexes of the rules that it merges.
    """

    xpath: str
    rules: tuple[int, ...]


@dataclass(slots=True)
class _Block:
    """Everything that must hold for a node at one place of the tree."""

    tests: dict[str, None] = field(default_factory=dict)
    guarded: dict[str, tuple[str, _Block]] = field(default_factory=dict)
    children: dict[str, _Block] = field(default_factory=dict)

    def guard(self, predicate: Rewritten) -> _Block:
        if predicate.xpath not in self.guarded:
            self.guarded[predicate.xpath] = (predicate.negated, _Block())
        return self.guarded[predicate.xpath][1]

    def child(self, path: str) -> _Block:
        return self.children.setdefault(path, _Block())

    def conditions(self) -> Iterator[str]:
        """The conjuncts, cheap ones first."""
        yield from self.tests
        for negated, block in self.guarded.values():
            inner = block.formula()
            if inner:
                yield f"({negated} or {inner})"
        for path, block in self.children.items():
            inner = block.formula()
            if inner:
                yield f"not({path}[not({inner})])"

    def formula(self) -> str:
        """The conjunction in parentheses, empty where nothing is asked."""
        parts = list(self.conditions())
        return "(" + " and ".join(parts) + ")" if parts else ""


class Planner:
    """Collects rules, then gives the groups."""

    def __init__(self, rewriter: Rewriter) -> None:
        self._rewriter = rewriter
        self._root = _Block()
        self._top: dict[str, _Block] = {}
        self._rules: dict[str, list[int]] = {}

    def add(self, index: int, patterns: Sequence[Pattern], conditions: Sequence[Rewritten]) -> None:
        """Add a rule: on every node of ``patterns`` all ``conditions`` (booleans) must hold."""
        wanted = [condition.xpath for condition in conditions if condition != TRUE]
        if not wanted:
            return
        for pattern in patterns:
            name, block = self._entry(pattern)
            rules = self._rules.setdefault(name, [])
            if index not in rules:
                rules.append(index)
            block.tests.update(dict.fromkeys(wanted))

    def nodes(self, pattern: Pattern) -> str:
        """Path to the nodes of ``pattern`` in a document with one root, as quick as libxml2 can walk it."""
        if pattern.document:
            return "/*"
        first = pattern.steps[0]
        if first.test == ROOT:
            text, predicates = f"/h:{ROOT}", first.predicates
        else:
            text, predicates = self._top_path(first, pattern.gaps[0])
            if self._through_child(first, text):
                text += "/parent::*"
        text += self._brackets(predicates)
        for step, gap in zip(pattern.steps[1:], pattern.gaps[1:], strict=True):
            path, predicates = self._path(step, gap)
            text += f"/{path}{self._brackets(predicates)}"
        return text + "".join(f"[{exclusion.xpath}]" for exclusion in pattern.exclusions)

    def groups(self) -> tuple[Group, ...]:
        """One group for each part of the root and for each element that rules name anywhere."""
        groups: list[Group] = []
        own = [*self._root.tests, *_Block(guarded=self._root.guarded).conditions()]
        if own:
            groups.append(self._group("", f"boolean(/h:{ROOT}[{' and '.join(own)}])"))
        for path, block in self._root.children.items():
            inner = block.formula()
            if inner:
                groups.append(self._group(path, f"boolean(/h:{ROOT}[not({path}[not({inner})])])"))
        for path, block in self._top.items():
            inner = block.formula()
            if inner:
                groups.append(self._group(path, f"not({path}[not({inner})])"))
        return tuple(groups)

    def whole(self) -> str:
        """One boolean expression for everything."""
        inner = self._root.formula()
        parts = [ONE_ROOT, f"boolean(/h:{ROOT}[{inner}])" if inner else f"boolean(/h:{ROOT})"]
        parts += [f"not({path}[not({inner})])" for path, block in self._top.items() if (inner := block.formula())]
        return " and ".join(parts)

    def _group(self, name: str, xpath: str) -> Group:
        return Group(xpath, tuple(sorted(self._rules[name])))

    def _entry(self, pattern: Pattern) -> tuple[str, _Block]:
        """The block of the pattern's last step, and the name of its group."""
        if pattern.document:
            return "/*", self._top.setdefault("/*", _Block())
        first, steps = pattern.steps[0], pattern.steps
        if first.test == ROOT:
            block = self._predicates(self._root, first.predicates)
            name = ""
            if block is self._root and len(steps) > 1:
                name = self._path(steps[1], pattern.gaps[1])[0]
            return name, self._descend(block, pattern, 1)
        name, predicates = self._top_path(first, pattern.gaps[0])
        top = self._top.setdefault(name, _Block())
        if self._through_child(first, name):
            top = top.child("parent::*")
        return name, self._descend(self._predicates(top, predicates), pattern, 1)

    def _top_path(self, step: Step, gap: bool) -> tuple[str, tuple[Expr, ...]]:
        """Where to look for the first step, and the predicates that remain.

        ``//*`` would visit every element, so what a predicate requires is looked for instead: the elements that have
        that attribute, or the parents of the elements of that name.
        """
        if step.test == "*" and gap:
            for predicate in step.predicates:
                required = self._required(predicate)
                if required.startswith("@"):
                    return f"/descendant::*[{required}]", step.predicates
                if required:
                    return f"/descendant::{required}", step.predicates
            return "/descendant::*[true()]", step.predicates
        path, predicates = self._path(step, gap)
        return path if gap and path.startswith("/") else "/" + path, predicates

    @staticmethod
    def _through_child(step: Step, path: str) -> bool:
        """Whether ``path`` finds the children by which the step's own nodes are known."""
        return step.test == "*" and not path.endswith(("]", "*"))

    def _brackets(self, predicates: Sequence[Expr]) -> str:
        return "".join(f"[{self._rewriter.predicate(predicate).xpath}]" for predicate in predicates)

    def _required(self, predicate: Expr) -> str:
        """An attribute or child element without which the predicate is false."""
        match predicate:
            case Path(steps, "") if steps and steps[0].axis in {"child", "attribute"}:
                test = steps[0].test
                return "" if test.endswith(("*", "()")) else self._rewriter.bare_step(steps[0])
            case Binary("and", left, right):
                return self._required(left) or self._required(right)
            case Binary("=" | "!=", Path() as path, Literal() | Items()):
                return self._required(path)
        return ""

    def _path(self, step: Step, gap: bool) -> tuple[str, tuple[Expr, ...]]:
        """Text of a step up to its last position, and the predicates after it."""
        positional = 0
        for number, predicate in enumerate(step.predicates, 1):
            if self._positional(predicate):
                positional = number
        text = self._rewriter.bare_step(step) + self._brackets(step.predicates[:positional])
        if gap:
            text = f"descendant::{text}" if not positional else f"descendant-or-self::node()/{text}"
        return text, step.predicates[positional:]

    def _positional(self, predicate: Expr) -> bool:
        rewritten = self._rewriter.predicate(predicate)
        return rewritten.kind is Kind.NUMBER or "position()" in rewritten.xpath or "last()" in rewritten.xpath

    def _predicates(self, block: _Block, predicates: Sequence[Expr]) -> _Block:
        for predicate in predicates:
            block = block.guard(self._rewriter.predicate(predicate))
        return block

    def _descend(self, block: _Block, pattern: Pattern, start: int) -> _Block:
        for step, gap in zip(pattern.steps[start:], pattern.gaps[start:], strict=True):
            path, predicates = self._path(step, gap)
            block = self._predicates(block.child(path), predicates)
        for exclusion in pattern.exclusions:
            block = block.guard(exclusion)
        return block
