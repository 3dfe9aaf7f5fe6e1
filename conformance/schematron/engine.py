"""Running a compiled Schematron on a document.

The accepting path is one evaluation of the merged expression inside libxml2. Where it says no, the groups that fail
are found, and their rules are run one by one for full detail: rule, message, context node.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adapter.errors import InternalError
from adapter.findings import Finding, Severity, Text
from adapter.xml import Element, ElementTree, Locator, place
from conformance.schematron.compiled import (
    COUNT_BASE,
    Compiled,
    CompiledRule,
    load_compiled,
    problem_findings,
)
from conformance.schematron.plan import ONE_ROOT
from conformance.schematron.source import Check
from conformance.xpath.functions import Compiler, DynamicError, compiler


@dataclass(frozen=True, slots=True)
class Failure:
    """A check that does not hold at a node, or (``dynamic``) that has no answer there."""

    rule: CompiledRule
    check: Check
    node: Element
    dynamic: bool
    locate: Locator

    @property
    def xpath(self) -> str:
        """The place; ``/`` for the document itself."""
        return "/" if self.rule.context == "/" else self.locate(self.node)

    def finding(self) -> Finding:
        """The failure for a person: the Ministry's text, the rule's expression, the place."""
        if self.dynamic:
            code = "SCH03"
            message = Text(
                f"Правило остановлено: выражение получило несколько значений вместо одного. {self.check.message}",
                f"The rule stopped: an expression was given several values where it takes one. {self.check.message}",
            )
        else:
            code = "SCH02" if self.check.report else "SCH01"
            message = Text(self.check.message, self.check.message)
        wanted = f"not({self.check.test})" if self.check.report else self.check.test
        wanted = " ".join(wanted.split())
        return Finding(
            code,
            Severity.ERROR,
            message,
            Text(
                f"Должно выполняться для {self.rule.context}: {wanted}",
                f"Must hold for {self.rule.context}: {wanted}",
            ),
            place(self.node),
            self.xpath,
            self.check.rule,
        )


@dataclass(frozen=True, slots=True)
class Result:
    """What a run saw.

    Attributes:
        failures: in the order of the rules; empty = the document is accepted.
        contexts: how many times a rule found a node it applies to.
        asserts: how many asserts and reports were evaluated.
    """

    failures: tuple[Failure, ...]
    contexts: int
    asserts: int

    @property
    def failed(self) -> frozenset[tuple[str, str]]:
        """(rule id, place) of every check that does not hold."""
        return frozenset((failure.check.rule, failure.xpath) for failure in self.failures if not failure.dynamic)

    @property
    def stopped(self) -> frozenset[tuple[str, str]]:
        """(rule id, place) of every check that has no answer."""
        return frozenset((failure.check.rule, failure.xpath) for failure in self.failures if failure.dynamic)


class Schematron:
    """A Schematron ready to run; immutable, and safe to use from several threads."""

    def __init__(self, compiled: Compiled) -> None:
        self._compiled = compiled
        self.name = compiled.name
        self.problems = problem_findings(compiled)
        self.rule_count = len(compiled.rules)
        self.assert_count = sum(len(rule.checks) for rule in compiled.rules)
        self._alone = tuple(index for index, rule in enumerate(compiled.rules) if rule.alone)

    def _compiler(self) -> Compiler:
        return compiler(self._compiled.namespaces, self._compiled.patterns)

    def warm(self) -> None:
        """Compile what the accepting path needs in this thread."""
        self._compiler().compile(self._compiled.whole)

    def accepts(self, tree: ElementTree) -> bool:
        """Whether the merged rules hold; the fast path. ``False`` also where they stop with a dynamic error."""
        try:
            return self._holds(tree)
        except DynamicError:
            return False

    def _holds(self, tree: ElementTree) -> bool:
        holds = bool(self._compiler().compile(self._compiled.whole)(tree))
        return holds and not any(self._run(self._alone, tree))

    def count(self, tree: ElementTree) -> tuple[int, int]:
        """Contexts matched and checks evaluated on them."""
        try:
            return divmod(int(self._compiler().compile(self._compiled.count)(tree)), COUNT_BASE)
        except DynamicError:
            xpath = self._compiler()
            sizes = [(len(_nodes(rule, xpath, tree)), len(rule.checks)) for rule in self._compiled.rules]
            return sum(nodes for nodes, _ in sizes), sum(nodes * checks for nodes, checks in sizes)

    def rules(self, tree: ElementTree) -> Iterator[tuple[str, bool]]:
        """The context of each rule, in order, and whether the document has a node that it applies to."""
        xpath = self._compiler()
        for rule in self._compiled.rules:
            yield rule.context, bool(_nodes(rule, xpath, tree))

    def failures(self, tree: ElementTree) -> tuple[Failure, ...]:
        """Every check that does not hold, in the order of the rules; empty where the document is accepted.

        Raises:
            InternalError: the merged form and the single rules disagree.
        """
        decided = True
        try:
            if self._holds(tree):
                return ()
        except DynamicError:
            decided = False
        found = tuple(self.detail(tree))
        if decided and not found and self._compiler().compile(ONE_ROOT)(tree):
            raise InternalError(f"{self.name}: merged rules refuse a document that single rules accept")
        return found

    def validate(self, tree: ElementTree) -> Result:
        """Run all rules, and count what they saw."""
        return Result(self.failures(tree), *self.count(tree))

    def detail(self, tree: ElementTree) -> Iterator[Failure]:
        """Every failure, found rule by rule in the groups that fail."""
        yield from self._run(sorted({*self._suspects(tree), *self._alone}), tree)

    def detail_all(self, tree: ElementTree) -> Iterator[Failure]:
        """Every failure, found by running every rule by itself: what the merged form is held to."""
        yield from self._run(range(self.rule_count), tree)

    def _suspects(self, tree: ElementTree) -> Iterator[int]:
        xpath = self._compiler()
        if not xpath.compile(ONE_ROOT)(tree):
            yield from range(self.rule_count)
            return
        for group in self._compiled.groups:
            try:
                holds = xpath.compile(group.xpath)(tree)
            except DynamicError:
                holds = False
            if not holds:
                yield from group.rules

    def _run(self, indexes: Iterable[int], tree: ElementTree) -> Iterator[Failure]:
        xpath = self._compiler()
        locate = Locator()
        for index in indexes:
            rule = self._compiled.rules[index]
            for node in _failing(rule, xpath, tree):
                yield from self._checks(rule, node, xpath, locate)

    @staticmethod
    def _checks(rule: CompiledRule, node: Any, xpath: Compiler, locate: Locator) -> Iterator[Failure]:
        for check, condition in zip(rule.checks, rule.conditions, strict=True):
            try:
                if not xpath.compile(f"boolean({condition})")(node, current=node):
                    yield Failure(rule, check, node, False, locate)
            except DynamicError:
                yield Failure(rule, check, node, True, locate)


def _failing(rule: CompiledRule, xpath: Compiler, tree: ElementTree) -> list[Any]:
    """Nodes on which a check may fail."""
    if rule.alone:
        return _nodes(rule, xpath, tree)
    holds = " and ".join(rule.conditions) or "true()"
    try:
        return _distinct(xpath.compile(f"{context}[not({holds})]")(tree) for context in rule.contexts)
    except DynamicError:
        return _nodes(rule, xpath, tree)


def _nodes(rule: CompiledRule, xpath: Compiler, tree: ElementTree) -> list[Any]:
    """Nodes that the rule applies to."""
    if not rule.careful:
        return _distinct(xpath.compile(context)(tree) for context in rule.contexts)

    def matches(test: str, node: Any) -> bool:
        try:
            return bool(xpath.compile(test)(node))
        except DynamicError:
            return False

    return _distinct(
        [
            node
            for node in xpath.compile(way.nodes)(tree)
            if matches(way.match, node) and not any(matches(test, node) for test in way.exclusions)
        ]
        for way in rule.careful
    )


def _distinct(lists: Iterable[Any]) -> list[Any]:
    """Nodes of all lists, each once."""
    return list(dict.fromkeys(node for nodes in lists for node in nodes))


def compile_schematron(source: Path, *, cache: Path | None = None) -> Schematron:
    """Load a ``.sch`` file.

    Args:
        source: the file as published.
        cache: folder for compiled rules; ``None`` compiles anew.

    Raises:
        SchematronError: a construct cannot be run faithfully; carries file, line and construct.
    """
    return Schematron(load_compiled(source, cache))
