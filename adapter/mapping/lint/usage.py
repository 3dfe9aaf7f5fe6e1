"""What is defined and never used, what is used and never defined, and what no test looks at."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from itertools import combinations

from adapter.findings import Finding, Severity, Text
from adapter.mapping.lint.subject import Subject, at_file, at_rule, is_nothing
from adapter.mapping.lint.walk import BUILTIN, Walk, key
from adapter.mapping.model import Field, MapSpec
from adapter.mapping.testing import Runner, load_cases


def lets(subject: Subject) -> Iterator[Finding]:
    """LNT12: a name that nothing reads. LNT14: a name that nothing defines."""
    walks = [walk for _, walk, _ in subject.walks]
    read = {mark for walk in walks for mark in walk.read}
    for walk in walks:
        for mark, rule in walk.lets.items():
            if mark not in read:
                name = rule.rule.rpartition("%")[2]
                yield at_rule(
                    "LNT12",
                    Severity.WARNING,
                    rule,
                    Text(f"Имя %{name} нигде не используется.", f"The name %{name} is never read."),
                )
        for rule, name in walk.undefined:
            yield _undefined(walk, rule, name)


def _undefined(walk: Walk, rule: Field, name: str) -> Finding:
    known = sorted({*BUILTIN, *(one.rule.rpartition("%")[2] for one in walk.lets.values())})
    near = difflib.get_close_matches(name, known, n=1)
    hint = Text(f"Ближайшее: %{near[0]}.", f"Nearest: %{near[0]}.") if near else Text("", "")
    return at_rule(
        "LNT14",
        Severity.ERROR,
        rule,
        Text(f"Имя %{name} не определено.", f"The name %{name} is not defined."),
        hint,
    )


def unused(subject: Subject) -> Iterator[Finding]:
    """LNT09: a map that no document uses. LNT10: a concept map that nothing uses and that waits for nothing."""
    concepts = {name for _, walk, _ in subject.walks for name in walk.concepts}
    for spec, walk in subject.orphans:
        if (spec.id, False) in subject.bases:
            continue
        concepts |= walk.concepts
        yield at_file(
            "LNT09",
            Severity.WARNING,
            spec.file,
            spec.id,
            Text(f"Отображение «{spec.id}» ни один документ не использует.", f"No document uses the map «{spec.id}»."),
        )
    for name, raw in subject.concept_files.items():
        if name not in concepts and subject.mappings.concepts[name].waits is None:
            yield at_file(
                "LNT10",
                Severity.WARNING,
                raw.file,
                name,
                Text(f"Карту понятий «{name}» ничто не использует.", f"Nothing uses the concept map «{name}»."),
            )


def routes(subject: Subject) -> Iterator[Finding]:
    """LNT11: a route to nothing that can be made. LNT15: a document that no route asks for. LNT17: not editions."""
    made = {spec.id for spec, _, _ in subject.walks}
    wanted = [(route.id, route.products, route.file) for route in subject.mappings.routes]
    changed = subject.organisation.routes
    wanted += [(route, products, "organisation") for route, products in changed.items() if isinstance(products, tuple)]
    for route, products, file in wanted:
        if not made.intersection(products):
            near = difflib.get_close_matches(products[0], made, n=1)
            yield at_file(
                "LNT11",
                Severity.ERROR,
                file,
                route,
                Text(
                    f"Маршрут ведёт к документу «{products[0]}», которого нет.",
                    f"There is no document «{products[0]}».",
                ),
                Text(f"Ближайший: {near[0]}.", f"Nearest: {near[0]}.") if near else Text("", ""),
            )
        if len(products) > 1:
            yield from _strangers(subject, route, products, file)
    asked = {product for _, products, _ in wanted for product in products}
    for spec, _, _ in subject.walks:
        if spec.id not in asked:
            yield at_file(
                "LNT15",
                Severity.NOTE,
                spec.file,
                spec.id,
                Text(f"К документу «{spec.id}» не ведёт ни один маршрут.", f"No route asks for «{spec.id}»."),
            )


def _strangers(subject: Subject, route: str, products: tuple[str, ...], file: str) -> Iterator[Finding]:
    kinds = subject.mappings.editions.kinds
    for one, other in combinations(products, 2):
        if not kinds.are_editions(one, other):
            yield at_file(
                "LNT17",
                Severity.ERROR,
                file,
                route,
                Text(
                    f"«{one}» и «{other}» не редакции одного документа.",
                    f"«{one}» and «{other}» are not editions of one document.",
                ),
                Text("Связь редакций: «later» в mappings/kinds.yaml.", "Editions: «later» in mappings/kinds.yaml."),
            )


def tests(subject: Subject) -> Iterator[Finding]:
    """LNT13: a rule that gives a value in no test."""
    runner = Runner(subject.mappings, subject.organisation, subject.terms)
    results = [runner.run(case) for case in load_cases(subject.catalogue)]
    # Tests that could not run say nothing of their rules.
    skipped = {result.case.map for result in results if result.skipped}
    tried = {rule for result in results for rule in result.rules}
    rules: dict[str, tuple[Field, MapSpec]] = {}
    for spec, walk, _ in subject.walks:
        for rule in walk.rules.values():
            rules.setdefault(key(rule), (rule, spec))
    for rule, _ in rules.values():
        if rule.rule not in tried and not is_nothing(rule) and rule.rule.partition(".")[0] not in skipped:
            yield at_rule(
                "LNT13",
                Severity.NOTE,
                rule,
                Text(f"Правило «{rule.rule}» не проверено тестами.", f"No test tries the rule «{rule.rule}»."),
            )
