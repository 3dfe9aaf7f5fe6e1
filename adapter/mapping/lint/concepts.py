"""Concept maps: rows that lead nowhere, and codes that have no row."""

from __future__ import annotations

from collections.abc import Iterator

from adapter.facts import Null
from adapter.findings import Finding, Severity, Text
from adapter.mapping.concepts import ConceptMap
from adapter.mapping.fhirpath import Expression
from adapter.mapping.fhirpath.syntax import Member, Node
from adapter.mapping.lint.subject import Subject, at_file, at_key
from adapter.mapping.lint.types import Kinds, described, element
from adapter.mapping.model import Field


def concept_rows(subject: Subject) -> Iterator[Finding]:
    """LNT05: a target code that the book does not have. LNT06: the book is not at hand, so rows were not looked at."""
    for name, concept in subject.mappings.concepts.items():
        raw = subject.concept_files[name]
        rows = [
            (index, code, target)
            for index, group in enumerate(concept.groups)
            for code, targets in group.elements.items()
            for target in targets
            if not isinstance(target, Null)
        ]
        if not rows or concept.bare:
            continue
        if subject.terms.version(concept.target) is None:
            yield at_file(
                "LNT06",
                Severity.NOTE,
                raw.file,
                name,
                Text(
                    f"Строки не проверены: справочника {concept.target} здесь нет.",
                    f"The rows were not checked: the book {concept.target} is not here.",
                ),
                Text("egisz nsi import ПАПКА", "egisz nsi import DIR"),
            )
            continue
        for index, code, target in rows:
            known = subject.terms.coding(concept.target, target) is not None
            if not known and subject.terms.whole(concept.target):
                yield at_key(
                    "LNT05",
                    Severity.ERROR,
                    raw["groups"][index]["elements"],
                    code,
                    Text(
                        f"Кода {target} нет в справочнике {concept.target}.",
                        f"The book {concept.target} has no code {target}.",
                    ),
                )


def holes(subject: Subject) -> Iterator[Finding]:
    """LNT04: a code that FHIR admits for an element has no row in the concept map that translates it."""
    for spec in (*subject.mappings.maps.values(), *subject.mappings.documents.values()):
        for rule in spec.fields.values():
            concept = subject.mappings.concepts.get(rule.concept)
            if concept is None or concept.unmapped is None:
                continue
            missing = sorted(_codes(rule, spec.source) - _rows(concept)) if not _open(concept) else []
            if missing:
                raw = subject.concept_files[concept.id]
                listed = ", ".join(missing)
                yield at_file(
                    "LNT04",
                    Severity.WARNING,
                    raw.file,
                    rule.rule,
                    Text(
                        f"Нет строк для кодов, которые допускает FHIR: {listed} («{rule.rule}»).",
                        f"There is no row for codes that FHIR admits: {listed} («{rule.rule}»).",
                    ),
                )


def _rows(concept: ConceptMap) -> set[str]:
    """Codes without a system that have a row."""
    return {code for group in concept.groups if group.source in {"", "*"} for code in group.elements}


def _open(concept: ConceptMap) -> bool:
    """Whether codes without a system are found otherwise than by rows."""
    return any(group.source in {"", "*"} and (group.identity or group.column) for group in concept.groups)


def _codes(rule: Field, types: tuple[str, ...]) -> set[str]:
    """The codes that FHIR limits the sources of a rule to."""
    return {code for source in rule.sources for code in codes_of(source, types)}


def codes_of(expression: Expression, types: tuple[str, ...]) -> set[str]:
    """The codes that a plain path (``gender``, ``name.use``) is limited to in any release; none where it is free."""
    names = _path(expression.tree)
    kinds: Kinds = frozenset(types)
    for name in names[:-1]:
        steps = [element(kind, name) for kind in kinds or ()]
        kinds = frozenset(one for step in steps if isinstance(step, frozenset) for one in step)
    fields = [one.fields.get(name) for name in names[-1:] for kind in kinds or () for one in described(kind)]
    return {code for field in fields if field is not None for code in field.codes}


def _path(tree: Node) -> list[str]:
    names: list[str] = []
    while isinstance(tree, Member):
        names.insert(0, tree.name)
        if tree.source is None:
            return names
        tree = tree.source
    return []
