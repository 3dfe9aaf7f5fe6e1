"""Report for a person at a terminal: a head line a document, findings by stage, a summary.

Lines are wrapped by hand: a check takes about a millisecond, and rich takes longer to print its result.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from adapter.findings import Finding, Severity, Text
from conformance.report import Report, Status
from conformance.reporters import Options
from conformance.reporters import words as w
from conformance.reporters.words import Verdict

#: Places shown for one and the same message; the machine formats have them all.
MAX_PLACES: Final = 10
#: Different notes shown for one stage of a document.
MAX_NOTES: Final = 3

_STYLES: Final = {
    Verdict.ACCEPTED: "1;32",
    Verdict.REJECTED: "1;31",
    Verdict.PARTIAL: "1;33",
    Severity.ERROR: "31",
    Severity.WARNING: "33",
    Severity.NOTE: "36",
    "gap": "33",
    "bold": "1",
    "dim": "2",
    "stage": "4",
}
_WORD: Final = re.compile(r"\s+|\S+")

_MORE = Text("… и ещё мест: {} (все — в --format json)", "… and {} more places (--format json has them all)")
_MORE_NOTES = Text("… и ещё замечаний: {} (все — в --format json)", "… and {} more notes (--format json has them all)")
_DOCUMENTS = Text("Документов", "Documents")
_NOT_CHECKED = Text("Не проверено", "Not checked")
_FIRED = Text(
    "Schematron: контекстов {contexts}, утверждений {asserts}", "Schematron: {contexts} contexts, {asserts} asserts"
)
_CODES = Text("справочники: проверено кодов {checked}", "reference books: {checked} codes checked")
_NO_BOOK = Text("часть кодов: нет справочника или его версии", "some codes: no book or not its version")
_TIME = Text("время проверки {ms} мс", "checking took {ms} ms")
_IN_DOCUMENTS = Text("документов: {}", "documents: {}")

#: A piece of a line and its style (a key of the styles, or none).
Piece = tuple[str, str]


class _Lines:
    """Collects lines of styled words, wrapped at ``width`` columns."""

    def __init__(self, width: int, colour: bool) -> None:
        self.width, self.colour = max(width, 40), colour
        self.lines: list[str] = []

    def add(self, pieces: Iterable[Piece], indent: int = 0, *, wrap: bool = True) -> None:
        """One paragraph; a word longer than the line is never broken, so that it can be copied."""
        line, length, blank = [" " * indent], indent, ""
        for text, style in pieces:
            for word in _WORD.findall(text):
                if word.isspace():
                    blank += word
                    continue
                if wrap and length > indent and length + len(blank) + len(word) > self.width:
                    self.lines.append("".join(line))
                    line, length, blank = [" " * indent], indent, ""
                line.append(blank + self._styled(word, style))
                length += len(blank) + len(word)
                blank = ""
        self.lines.append("".join(line).rstrip())

    def _styled(self, word: str, style: str) -> str:
        return f"\x1b[{_STYLES[style]}m{word}\x1b[0m" if self.colour and style else word


def render(reports: Sequence[Report], options: Options) -> str:
    """See :mod:`conformance.reporters`."""
    out = _Lines(options.width, options.colour)
    for report in reports:
        if not (options.quiet and report.ok):
            _document(out, report, options.language)
    if not options.quiet:
        _summary(out, reports, options.language)
    return "".join(f"{line}\n" for line in out.lines)


def _document(out: _Lines, report: Report, language: str) -> None:
    verdict = w.verdict(report)
    head = [
        (w.VERDICTS[verdict].get(language), verdict),
        ("  ", ""),
        (w.source_name(report, language), "bold"),
        (f"  {w.kind_text(report, language)}", ""),
    ]
    for extra, style in ((w.totals_text(report, language), verdict), (w.gaps_text(report, language), "gap")):
        if extra:
            head += [(" · ", ""), (extra, style)]
    out.add(head)
    for stage, findings in w.by_stage(report):
        if findings:
            out.add([(w.STAGES[stage.name].get(language), "stage")], 2)
            _stage(out, findings, language)
    if report.findings:
        out.add([])


def _stage(out: _Lines, findings: Sequence[Finding], language: str) -> None:
    notes = 0
    for group in _same(findings):
        notes += group[0].severity is Severity.NOTE
        if group[0].severity is not Severity.NOTE or notes <= MAX_NOTES:
            _findings(out, group, language)
    if notes > MAX_NOTES:
        out.add([(_MORE_NOTES.get(language).format(notes - MAX_NOTES), "dim")], 4)


def _same(findings: Iterable[Finding]) -> list[list[Finding]]:
    """Findings that differ only in their place, together; in the order of the first of each."""
    groups: dict[tuple[object, ...], list[Finding]] = {}
    for finding in findings:
        key = (finding.code, finding.severity, finding.message, finding.hint, finding.rule)
        groups.setdefault(key, []).append(finding)
    return list(groups.values())


def _findings(out: _Lines, group: Sequence[Finding], language: str) -> None:
    first = group[0]
    head = [
        (w.SEVERITIES[first.severity].get(language), first.severity),
        (f" {first.code}", "bold"),
        (f"  {first.message.get(language)}", ""),
    ]
    if first.rule and first.rule != first.code:
        head.append((f"  [{w.RULE.get(language)} {first.rule}]", "dim"))
    out.add(head, 4)
    for finding in group[:MAX_PLACES]:
        where = _where(finding, language)
        if where:
            out.add([(where, "dim")], 6, wrap=False)
    if len(group) > MAX_PLACES:
        out.add([(_MORE.get(language).format(len(group) - MAX_PLACES), "dim")], 6)
    if first.hint.get(language):
        out.add([(f"→ {first.hint.get(language)}", "")], 6)


def _where(finding: Finding, language: str) -> str:
    """``строка 23:5  /ClinicalDocument/…``, with the file where it is not the document."""
    place = finding.place
    line = f"{w.LINE.get(language)} {place.line}" if place.line else ""
    if line and place.column:
        line += f":{place.column}"
    return "  ".join(part for part in (place.file, line, finding.xpath or place.fhirpath) if part)


def _summary(out: _Lines, reports: Sequence[Report], language: str) -> None:
    counts: list[Piece] = [(f"{_DOCUMENTS.get(language)}: {len(reports)}", "bold")]
    for verdict, name in w.VERDICTS.items():
        number = sum(1 for report in reports if w.verdict(report) is verdict)
        if number:
            counts += [(" · ", ""), (f"{name.get(language).lower()}: {number}", verdict)]
    for severity, total in w.TOTALS.items():
        counts.append((f" · {total.get(language)}: {sum(report.count(severity) for report in reports)}", ""))
    out.add(counts)
    for text, number in _gaps(reports, language):
        share = f" · {_IN_DOCUMENTS.get(language).format(number)}" if len(reports) > 1 else ""
        out.add([(f"{_NOT_CHECKED.get(language)}: {text}", "gap"), (share, "")])
    out.add([(_work(reports, language), "dim")])


def _gaps(reports: Sequence[Report], language: str) -> list[tuple[str, int]]:
    """What was not checked, and in how many documents; stages of the same reason together."""
    numbers: dict[str, int] = {}
    for report in reports:
        reasons: dict[str, list[str]] = {}
        for name, reason in w.unchecked(report):
            # The number of codes differs by document: one line says it for all of them.
            partly = report.stage(name).status is not Status.NOT_CHECKED
            why = (_NO_BOOK if partly else reason).get(language).rstrip(".")
            reasons.setdefault(why, []).append(w.STAGES[name].get(language))
        for why, names in reasons.items():
            text = ", ".join(names) + (f" ({why})" if why else "")
            numbers[text] = numbers.get(text, 0) + 1
    return list(numbers.items())


def _work(reports: Sequence[Report], language: str) -> str:
    """Contexts and asserts of the Schematron, codes compared, time."""
    stages = [stage for report in reports for stage in report.stages]
    totals = {key: sum(stage.counts.get(key, 0) for stage in stages) for key in ("contexts", "asserts", "checked")}
    milliseconds = sum(stage.ms for stage in stages)
    parts = []
    if totals["contexts"]:
        parts.append(_FIRED.get(language).format(**totals))
    if totals["checked"]:
        parts.append(_CODES.get(language).format(**totals))
    parts.append(_TIME.get(language).format(ms=f"{milliseconds:.1f}"))
    return " · ".join(parts)
