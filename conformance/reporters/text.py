"""Report for a person at a terminal: a head line a document, findings by stage, a summary."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from io import StringIO

from rich.console import Console
from rich.padding import Padding
from rich.text import Text as Line

from adapter.findings import Finding, Severity, Text
from conformance.report import Report, Status
from conformance.reporters import Options
from conformance.reporters import words as w
from conformance.reporters.words import Verdict

#: Places shown for one and the same message; the machine formats have them all.
MAX_PLACES = 10

_VERDICT_STYLE = {
    Verdict.ACCEPTED: "bold green",
    Verdict.REJECTED: "bold red",
    Verdict.PARTIAL: "bold yellow",
}
_SEVERITY_STYLE = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.NOTE: "cyan"}
_MORE = Text("… и ещё мест: {} (все — в --format json)", "… and {} more places (--format json has them all)")
_DOCUMENTS = Text("Документов", "Documents")
_NOT_CHECKED = Text("Не проверено", "Not checked")
_FIRED = Text(
    "Schematron: контекстов {contexts}, утверждений {asserts}",
    "Schematron: {contexts} contexts, {asserts} asserts",
)
_CODES = Text("справочники: проверено кодов {checked}", "reference books: {checked} codes checked")
_NO_BOOK = Text("часть кодов: нет справочника или его версии", "some codes: no book or not its version")
_TIME = Text("время проверки {ms} мс", "checking took {ms} ms")
_IN_DOCUMENTS = Text("документов: {}", "documents: {}")


def render(reports: Sequence[Report], options: Options) -> str:
    """See :mod:`conformance.reporters`."""
    out = StringIO()
    console = Console(
        file=out,
        width=max(options.width, 40),
        force_terminal=options.colour,
        color_system="standard" if options.colour else None,
        no_color=not options.colour,
        highlight=False,
        emoji=False,
        markup=False,
        legacy_windows=False,
    )
    shown = [report for report in reports if not (options.quiet and report.ok)]
    for report in shown:
        _document(console, report, options.language)
    if not options.quiet:
        _summary(console, reports, options.language)
    return "\n".join(line.rstrip() for line in out.getvalue().split("\n"))


def _document(console: Console, report: Report, language: str) -> None:
    verdict = w.verdict(report)
    head = Line()
    head.append(w.VERDICTS[verdict].get(language), _VERDICT_STYLE[verdict])
    head.append("  ")
    head.append(w.source_name(report, language), "bold")
    head.append(f"  {w.kind_text(report, language)}")
    for extra, style in (
        (w.totals_text(report, language), _VERDICT_STYLE[verdict]),
        (w.gaps_text(report, language), "yellow"),
    ):
        if extra:
            head.append(" · ").append(extra, style)
    console.print(head)
    for stage, findings in w.by_stage(report):
        if findings:
            console.print(Line(f"  {w.STAGES[stage.name].get(language)}", "underline"))
        for group in _same(findings):
            _findings(console, group, language)
    if report.findings:
        console.print()


def _same(findings: Iterable[Finding]) -> list[list[Finding]]:
    """Findings that differ only in their place, together; in the order of the first of each."""
    groups: dict[tuple[object, ...], list[Finding]] = {}
    for finding in findings:
        key = (finding.code, finding.severity, finding.message, finding.hint, finding.rule)
        groups.setdefault(key, []).append(finding)
    return list(groups.values())


def _findings(console: Console, group: Sequence[Finding], language: str) -> None:
    first = group[0]
    head = Line()
    head.append(w.SEVERITIES[first.severity].get(language), _SEVERITY_STYLE[first.severity])
    head.append(f" {first.code}", "bold").append(f"  {first.message.get(language)}")
    if first.rule and first.rule != first.code:
        head.append(f"  [{w.RULE.get(language)} {first.rule}]", "dim")
    console.print(Padding(head, (0, 0, 0, 4)))
    for finding in group[:MAX_PLACES]:
        where = _where(finding, language)
        if where:  # not wrapped: an XPath is there to be copied
            console.print(Line(f"      {where}", "dim"), soft_wrap=True)
    if len(group) > MAX_PLACES:
        console.print(Padding(Line(_MORE.get(language).format(len(group) - MAX_PLACES), "dim"), (0, 0, 0, 6)))
    if first.hint.get(language):
        console.print(Padding(Line(f"→ {first.hint.get(language)}"), (0, 0, 0, 6)))


def _where(finding: Finding, language: str) -> str:
    """``строка 23:5  /ClinicalDocument/…``, with the file where it is not the document."""
    place = finding.place
    line = f"{w.LINE.get(language)} {place.line}" if place.line else ""
    if line and place.column:
        line += f":{place.column}"
    return "  ".join(part for part in (place.file, line, finding.xpath or place.fhirpath) if part)


def _summary(console: Console, reports: Sequence[Report], language: str) -> None:
    counts = Line(f"{_DOCUMENTS.get(language)}: {len(reports)}", "bold")
    for verdict, name in w.VERDICTS.items():
        number = sum(1 for report in reports if w.verdict(report) is verdict)
        if number:
            counts.append(" · ").append(f"{name.get(language).lower()}: {number}", _VERDICT_STYLE[verdict])
    for severity, total in w.TOTALS.items():
        counts.append(f" · {total.get(language)}: {sum(report.count(severity) for report in reports)}")
    console.print(counts)
    for text, number in _gaps(reports, language):
        gap = Line(f"{_NOT_CHECKED.get(language)}: {text}", "yellow")
        if len(reports) > 1:
            gap.append(f" · {_IN_DOCUMENTS.get(language).format(number)}")
        console.print(gap)
    console.print(Line(_work(reports, language), "dim"))


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
