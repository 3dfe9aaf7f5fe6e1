"""Expressions: elements that FHIR does not have, types that never come, and what runs slowly."""

from __future__ import annotations

from collections.abc import Iterator

from adapter.findings import Finding, Place, Severity, Text
from adapter.mapping.lint.subject import Subject, at_rule
from adapter.mapping.lint.types import Inference, Kinds, Problem


def expressions(subject: Subject) -> Iterator[Finding]:
    """LNT01: an element that FHIR does not have. LNT02: a type that never comes. LNT03: not compiled."""
    walks = [walk for _, walk, _ in subject.walks] + [walk for _, walk in subject.orphans]
    for walk in walks:
        for rule, problem in walk.problems:
            yield at_rule(problem.code, Severity.ERROR, rule, problem.message, problem.hint)
        for rule in walk.rules.values():
            slow = [expression for expression in rule.expressions() if not expression.native]
            if slow:
                yield at_rule(
                    "LNT03",
                    Severity.NOTE,
                    rule,
                    Text("Выражение исполняет fhirpathpy: медленно.", "The expression runs on fhirpathpy: slowly."),
                )
    yield from _routes(subject)


def _routes(subject: Subject) -> Iterator[Finding]:
    for route in subject.mappings.routes:
        focus: Kinds = frozenset({route.focus})
        known = {"resource": focus, "bundle": frozenset({"Bundle"})}
        problems: list[Problem] = []
        for expression in (route.when, route.each):
            if expression is not None:
                Inference(known.get, problems.append).kinds(expression.tree, focus)
        for problem in problems:
            place = Place(file="mappings/routes.yaml")
            yield Finding(problem.code, Severity.ERROR, problem.message, problem.hint, place, rule=route.id)
