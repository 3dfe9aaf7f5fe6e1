"""A compiled Schematron as plain data, and its cache on disk.

The cache is JSON named by the digest of the ``.sch`` file and of this engine's own code, so a change of either makes
a new entry. It holds XPath text and the Ministry's messages, nothing of any document, and may be deleted at any time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import orjson

from adapter.cache import keep
from adapter.errors import SchematronError
from adapter.findings import Finding, Place, Severity, Text
from adapter.log import get_logger
from conformance.schematron.context import Pattern, exclude, read_context, self_match
from conformance.schematron.plan import Group, Planner
from conformance.schematron.source import Check, Rule, Source, read_source
from conformance.xpath.parse import UndeclaredPrefixError, parse
from conformance.xpath.rewrite import Rewriter
from conformance.xpath.rewritten import Rewritten, may_fail


@dataclass(frozen=True, slots=True)
class Careful:
    """One alternative of a context whose predicates may raise a dynamic error.

    XSLT says that a pattern whose evaluation fails for a node does not match that node, so each candidate is asked
    by itself.

    Attributes:
        nodes: absolute XPath of the candidates.
        match: a node-set that is not empty where the candidate matches.
        exclusions: the same for earlier rules of the Schematron pattern.
    """

    nodes: str
    match: str
    exclusions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """A rule ready to run on its own.

    Attributes:
        careful: for each alternative, how to match node by node; empty where no error can arise.
        contexts: absolute XPath of the nodes of each alternative.
        conditions: for each check, the boolean that must be true.
        alone: it needs ``$current`` and cannot be merged.
    """

    context: str
    contexts: tuple[str, ...]
    conditions: tuple[str, ...]
    checks: tuple[Check, ...]
    alone: bool
    careful: tuple[Careful, ...] = ()


@dataclass(frozen=True, slots=True)
class Problem:
    """A malformed rule of the file: it is left out, and that is said."""

    line: int
    construct: str


@dataclass(frozen=True, slots=True)
class Compiled:
    """A Schematron as XPath 1.0.

    Attributes:
        patterns: Python regular expressions by key.
        whole: one boolean for all groups.
        count: a number: contexts matched times :data:`COUNT_BASE` plus asserts evaluated.
    """

    name: str
    namespaces: Mapping[str, str]
    patterns: Mapping[str, str]
    rules: tuple[CompiledRule, ...]
    groups: tuple[Group, ...]
    whole: str
    count: str
    problems: tuple[Problem, ...]


COUNT_BASE = 10**7


class _Builder:
    """Rewrites a source rule by rule."""

    def __init__(self, source: Source, path: Path) -> None:
        self.source, self.path = source, path
        self.patterns: dict[str, str] = {}
        self.rewriter = Rewriter(self.patterns)
        self.planner = Planner(self.rewriter)
        self.rules: list[CompiledRule] = []
        self.problems: list[Problem] = []
        self._weights: dict[str, tuple[int, int]] = {}

    def build(self) -> Compiled:
        for rules in self.source.patterns:
            earlier: list[Pattern] = []
            for rule in rules:
                patterns = self._patterns(rule, earlier)
                if patterns:
                    self._rule(rule, patterns)
                    earlier.extend(patterns)
        count = " + ".join(
            f"count({path}) * {times * COUNT_BASE + checks}" for path, (times, checks) in self._weights.items()
        )
        return Compiled(
            self.source.name,
            self.source.namespaces,
            self.patterns,
            tuple(self.rules),
            self.planner.groups(),
            self.planner.whole(),
            count or "0",
            tuple(self.problems),
        )

    def _patterns(self, rule: Rule, earlier: list[Pattern]) -> list[Pattern]:
        try:
            read = read_context(rule.context, self.source.namespaces)
            return [exclude(pattern, earlier, self.rewriter) for pattern in read]
        except UndeclaredPrefixError:
            self.problems.append(Problem(rule.line, rule.context))
            return []
        except SchematronError as error:
            raise self._located(error, rule.line) from None

    def _rule(self, rule: Rule, patterns: list[Pattern]) -> None:
        checks: list[Check] = []
        conditions: list[Rewritten] = []
        for check in rule.checks:
            condition = self._condition(check)
            if condition is not None:
                checks.append(check)
                conditions.append(condition)
        contexts = [self._absolute(pattern) for pattern in patterns]
        if any(pattern.document for pattern in patterns):
            if len(patterns) > 1:
                raise SchematronError("«/» beside another context", file=self.path, line=rule.line)
            # lxml does not hand out document nodes: the root element stands for it, the test goes to the document.
            conditions = [
                Rewritten(f"boolean(/self::node()[{condition.xpath}])", condition.kind) for condition in conditions
            ]
        alone = any(condition.uses_current for condition in conditions)
        if not alone:
            self.planner.add(len(self.rules), patterns, conditions)
        for pattern in patterns:
            path = self.planner.nodes(pattern)
            times, number = self._weights.get(path, (0, 0))
            self._weights[path] = (times + 1, number + len(checks))
        self.rules.append(
            CompiledRule(
                rule.context,
                tuple(contexts),
                tuple(condition.xpath for condition in conditions),
                tuple(checks),
                alone,
                self._careful(patterns) if any(may_fail(context) for context in contexts) else (),
            )
        )

    def _careful(self, patterns: list[Pattern]) -> tuple[Careful, ...]:
        return tuple(
            Careful(
                "//" + self.rewriter.bare_step(pattern.steps[-1]),
                self_match(pattern, self.rewriter),
                tuple(exclusion.negated for exclusion in pattern.exclusions),
            )
            for pattern in patterns
        )

    def _condition(self, check: Check) -> Rewritten | None:
        try:
            condition = self.rewriter.boolean(parse(check.test, self.source.namespaces))
        except UndeclaredPrefixError:
            self.problems.append(Problem(check.line, check.test))
            return None
        except SchematronError as error:
            raise self._located(error, check.line) from None
        if not check.report:
            return condition
        return Rewritten(condition.negated, condition.kind, condition.xpath, condition.uses_current)

    def _absolute(self, pattern: Pattern) -> str:
        if pattern.document:
            return "/*"
        parts = []
        for step, gap in zip(pattern.steps, pattern.gaps, strict=True):
            text, current = self.rewriter.step(step)
            if current:
                raise SchematronError("current() in a context", file=self.path, construct=text)
            parts.append(("//" if gap else "/") + text)
        return "".join(parts) + "".join(f"[{exclusion.xpath}]" for exclusion in pattern.exclusions)

    def _located(self, error: SchematronError, line: int) -> SchematronError:
        return SchematronError(error.reason, file=self.path, line=line, construct=error.construct)


def problem_findings(compiled: Compiled) -> tuple[Finding, ...]:
    """Malformed rules of the pack as findings SCH04."""
    return tuple(
        Finding(
            "SCH04",
            Severity.WARNING,
            Text(
                "Правило пакета ошибочно: необъявленный префикс пространства имён; оно не проверяется.",
                "A rule of the pack is malformed: an undeclared namespace prefix; it is not checked.",
            ),
            Text(
                f"Выражение: {problem.construct}. Сообщите издателю пакета.",
                f"Expression: {problem.construct}. Tell the publisher of the pack.",
            ),
            Place(line=problem.line, file=compiled.name),
            rule=f"{compiled.name}:{problem.line}",
        )
        for problem in compiled.problems
    )


def compile_source(path: Path) -> Compiled:
    """Compile a ``.sch`` file.

    Raises:
        SchematronError: with file, line and construct.
    """
    return _Builder(read_source(path), path).build()


@lru_cache(maxsize=1)
def _engine_digest() -> bytes:
    """Digest of the code that makes compiled rules."""
    digest = hashlib.sha256()
    package = Path(__file__).parent
    for file in sorted((*package.glob("*.py"), *(package.parent / "xpath").glob("*.py"))):
        digest.update(file.read_bytes())
    return digest.digest()


def load_compiled(path: Path, cache: Path | None) -> Compiled:
    """Compile a ``.sch`` file, or take it from the cache folder."""
    if cache is None:
        return compile_source(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise SchematronError(f"cannot be read ({error.strerror})", file=path) from None
    name = hashlib.sha256(path.name.encode() + b"\0" + content + _engine_digest()).hexdigest()
    entry = cache / f"{name}.json"
    with suppress(OSError):
        try:
            return _from_json(entry.read_bytes())
        except (orjson.JSONDecodeError, KeyError, TypeError) as error:
            get_logger().warning("schematron.cache_damaged", pack=path.name, exc_info=error)
    compiled = compile_source(path)
    keep(entry, orjson.dumps(compiled), "schematron.cache_unwritable")
    return compiled


def _from_json(data: bytes) -> Compiled:
    raw = orjson.loads(data)

    def rules(items: list[dict[str, Any]]) -> Iterator[CompiledRule]:
        for item in items:
            checks = tuple(Check(**check) for check in item.pop("checks"))
            careful = tuple(
                Careful(one["nodes"], one["match"], tuple(one["exclusions"])) for one in item.pop("careful")
            )
            contexts, conditions = tuple(item.pop("contexts")), tuple(item.pop("conditions"))
            yield CompiledRule(contexts=contexts, conditions=conditions, checks=checks, careful=careful, **item)

    return Compiled(
        rules=tuple(rules(raw.pop("rules"))),
        groups=tuple(Group(item["xpath"], tuple(item["rules"])) for item in raw.pop("groups")),
        problems=tuple(Problem(**item) for item in raw.pop("problems")),
        **raw,
    )
