"""Facts against templates: what a template reads and nothing makes, and the other way round."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from adapter.documents.header import Header
from adapter.errors import MappingError
from adapter.findings import Finding, Place, Severity, Text
from adapter.mapping.lint.subject import Subject, at_rule, is_nothing
from adapter.mapping.lint.templates import Missing, Reader
from adapter.mapping.lint.walk import Slot, key
from adapter.mapping.model import Field

#: Facts that the program reads itself: the kind says which rules and pack a document is checked by, the version of the
#: sender whether the journal counts.
OF_PROGRAM: Final = frozenset({"kind", "given_version"})


def facts_and_templates(subject: Subject) -> Iterator[Finding]:
    """LNT07: a template reads what no rule makes. LNT08: no template reads what a rule makes."""
    reader = Reader(subject.catalogue)
    made: dict[str, Field] = {}
    for spec, _, facts in subject.documents:
        try:
            reader.document(spec.template, facts, Header.of(spec.header))
        except MappingError as error:
            yield Finding("LNT16", Severity.ERROR, error.reason, place=Place(error.line, file=error.file), rule=spec.id)
            continue
        made.update({key(rule): rule for name, rule in _rules(facts) if name not in OF_PROGRAM})
    for missing in sorted(reader.missing):
        yield _missing(missing)
    for mark, rule in made.items():
        if mark not in reader.read and not is_nothing(rule):
            yield at_rule(
                "LNT08",
                Severity.WARNING,
                rule,
                Text(f"Факт «{rule.rule}» ни один шаблон не читает.", f"No template reads the fact «{rule.rule}»."),
            )


def read_by_templates(subject: Subject) -> frozenset[str]:
    """Keys of the rules that templates read."""
    reader = Reader(subject.catalogue)
    for spec, _, facts in subject.documents:
        reader.document(spec.template, facts, Header.of(spec.header))
    return frozenset(reader.read)


def _rules(facts: Mapping[str, Slot], prefix: str = "") -> Iterator[tuple[str, Field]]:
    for name, slot in facts.items():
        yield prefix + name, slot.rule
        for shape in slot.shapes:
            yield from _rules(shape.facts or {}, f"{prefix}{name}.")


def _missing(missing: Missing) -> Finding:
    known = ", ".join(missing.known)
    return Finding(
        "LNT07",
        Severity.ERROR,
        Text(
            f"Шаблон читает факт «{missing.name}», которого нет.", f"The template reads «{missing.name}»: no such fact."
        ),
        Text(f"Здесь есть: {known}.", f"Here there are: {known}."),
        Place(missing.line, file=missing.file),
    )
