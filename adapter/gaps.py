"""What a document or message wants and the facts do not give, as findings that name the element of FHIR to fill."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from adapter.documents.requirements import Gap, Why
from adapter.findings import EMPTY, Finding, Place, Severity, Text
from adapter.mapping.model import Field, MapSpec
from adapter.mapping.run import Traced

_TEXTS: Final = {
    Why.MISSING: (
        "Нет значения «{}», обязательного для этого вида.",
        "There is no value for «{}», which this kind requires.",
    ),
    Why.NULL: (
        "Значение «{}» отсутствует, а этот вид СЭМД не допускает nullFlavor.",
        "The value «{}» is absent, and this kind of document forbids a nullFlavor of it.",
    ),
    Why.SURPLUS: ("В документе этого вида нет места для «{}».", "This kind of document has no place for «{}»."),
}


class Gaps:
    """Tells of gaps by the rules that make the facts.

    Args:
        maps: maps, documents and messages, whose rules are named.
    """

    def __init__(self, maps: Iterable[MapSpec]) -> None:
        self._rules: dict[str, tuple[Field, str]] = {}
        for spec in maps:
            kind = spec.source[0] if len(spec.source) == 1 and spec.source != ("Any",) else ""
            for rule in _all(spec.fields):
                self._rules.setdefault(rule.rule, (rule, kind))

    def findings(
        self, kind: str, gaps: Iterable[Gap], trace: Iterable[Traced], said: Iterable[Finding]
    ) -> Iterator[Finding]:
        """A finding a gap.

        Args:
            kind: id of the document.
            gaps: what is wrong with its facts.
            trace: how the facts came about.
            said: findings of the mapping; an error of the same rule has told of the gap, a note or a warning has not.
        """
        told = {finding.rule for finding in said if finding.severity is Severity.ERROR}
        lines = {line.path: line for line in trace}
        for gap in gaps:
            line = _nearest(gap.path, lines)
            if line is None or not self._told(line.rule, told):
                yield self._finding(kind, gap, line)

    def _told(self, rule: str, told: set[str]) -> bool:
        """Whether an error was told of a rule, or of the variable whose value it takes as it is."""
        field, _ = self._rules.get(rule, (None, ""))
        taken = [one.text.removeprefix("%") for one in field.sources if one.text.startswith("%")] if field else []
        return rule in told or any(one.endswith(f".%{name}") for one in told for name in taken)

    def where(self, path: str, trace: Iterable[Traced]) -> tuple[str, Text, str]:
        """What gives a fact: FHIRPath, what to fill, and the rule; of the fact that it is a part of, where need be."""
        line = _nearest(path, {one.path: one for one in trace})
        if line is None:
            return "", EMPTY, ""
        rule, source = self._rules.get(line.rule, (None, ""))
        if rule is None:
            return line.place, EMPTY, line.rule
        return rule.place(line.place), rule.advice(source), line.rule

    def _finding(self, kind: str, gap: Gap, line: Traced | None) -> Finding:
        ru, en = _TEXTS[gap.why]
        place, hint = "", EMPTY
        if line is not None:
            place = line.place
            rule, source = self._rules.get(line.rule, (None, ""))
            if rule is not None:
                place = rule.place(line.place)
                hint = EMPTY if gap.why is Why.SURPLUS else rule.advice(source)
        surplus = gap.why is Why.SURPLUS
        return Finding(
            "MAP05" if surplus else "MAP01",
            Severity.NOTE if surplus else Severity.ERROR,
            Text(ru.format(gap.path), en.format(gap.path)),
            hint,
            Place(fhirpath=place),
            "",
            f"{kind}.{gap.rule}",
        )


def _nearest(path: str, lines: Mapping[str, Traced]) -> Traced | None:
    """The line of a fact; else that of the fact which it would be a part of."""
    while path and path not in lines:
        path = path[: max(path.rfind("."), path.rfind("["), 0)]
    return lines.get(path)


def _all(fields: Mapping[str, Field]) -> Iterator[Field]:
    for rule in fields.values():
        yield rule
        yield from _all(rule.fields)
