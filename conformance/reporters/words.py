"""Words that all reporters share: names of stages, verdicts, what was not checked, the stage of a finding."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from adapter.findings import Finding, Severity, Text
from conformance.report import Report, Stage, StageName, Status


class Verdict(StrEnum):
    """What is said of a document as a whole. ``partial`` is never a success: something was not checked."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    PARTIAL = "partial"


VERDICTS = {
    Verdict.ACCEPTED: Text("ПРИНЯТ", "ACCEPTED"),
    Verdict.REJECTED: Text("ОТКЛОНЁН", "REJECTED"),
    Verdict.PARTIAL: Text("ПРОВЕРЕНО ЧАСТИЧНО", "PARTLY CHECKED"),
}
STAGES = {
    StageName.XML: Text("разметка XML", "XML markup"),
    StageName.XSD: Text("схема XSD", "XSD schema"),
    StageName.SCHEMATRON: Text("Schematron", "Schematron"),
    StageName.BOOKS: Text("справочники НСИ", "reference books"),
    StageName.RULES: Text("правила egisz", "egisz rules"),
}
STATES = {
    "passed": Text("пройдено", "passed"),
    "failed": Text("есть ошибки", "failed"),
    "not_checked": Text("не проверено", "not checked"),
    "partial": Text("проверено частично", "partly checked"),
}
SEVERITIES = {
    Severity.ERROR: Text("ошибка", "error"),
    Severity.WARNING: Text("предупреждение", "warning"),
    Severity.NOTE: Text("замечание", "note"),
}
TOTALS = {
    Severity.ERROR: Text("ошибок", "errors"),
    Severity.WARNING: Text("предупреждений", "warnings"),
    Severity.NOTE: Text("замечаний", "notes"),
}
COUNTS = {
    "contexts": Text("контекстов", "contexts"),
    "asserts": Text("утверждений", "asserts"),
    "checked": Text("проверено кодов", "codes checked"),
    "not_checked": Text("не проверено кодов", "codes not checked"),
    "skipped": Text("не сверяется", "exempt"),
}
NOT_CHECKED = Text("не проверено", "not checked")
LINE = Text("строка", "line")
RULE = Text("правило", "rule")
HINT = Text("совет", "hint")
KIND = Text("вид", "kind")
UNKNOWN_KIND = Text("вид не определён", "kind unknown")
DOCUMENT = Text("документ", "document")
STANDARD_INPUT = Text("стандартный ввод", "standard input")

#: Codes by their first letters, single codes first; everything else is a rule of ours.
_STAGE_OF = {
    "DOC01": StageName.XML,
    "DOC02": StageName.XML,
    "DOC03": StageName.SCHEMATRON,
    "DOC04": StageName.XML,
    "XML": StageName.XML,
    "XSD": StageName.XSD,
    "SCH": StageName.SCHEMATRON,
    "PCK": StageName.SCHEMATRON,
    "NSI": StageName.BOOKS,
}


def stage_of(finding: Finding) -> StageName:
    """The stage that a finding is shown under, by the letters of its code."""
    letters = finding.code.rstrip("0123456789")
    return _STAGE_OF.get(finding.code) or _STAGE_OF.get(letters, StageName.RULES)


def by_stage(report: Report) -> list[tuple[Stage, list[Finding]]]:
    """The stages in order, each with its findings in their order."""
    groups: dict[StageName, list[Finding]] = {stage.name: [] for stage in report.stages}
    for finding in report.findings:
        groups[stage_of(finding)].append(finding)
    return [(stage, groups[stage.name]) for stage in report.stages]


def failed(stage: Stage, findings: Sequence[Finding]) -> bool:
    """Whether a stage is to be shown as failed."""
    return stage.status is Status.FAILED or any(f.severity is Severity.ERROR for f in findings)


def state(stage: Stage, findings: Sequence[Finding]) -> str:
    """What to say of a stage, a key of :data:`STATES`; never ``passed`` where a part was not checked."""
    if failed(stage, findings):
        return "failed"
    if stage.status is Status.PASSED and stage.counts.get("not_checked"):
        return "partial"
    return stage.status.value


def verdict(report: Report) -> Verdict:
    """Rejected on any error; accepted only where everything was checked."""
    if not report.ok:
        return Verdict.REJECTED
    return Verdict.PARTIAL if unchecked(report) else Verdict.ACCEPTED


def unchecked(report: Report) -> list[tuple[StageName, Text]]:
    """What was not checked and why; codes without a book count too, although their stage ran."""
    gaps: list[tuple[StageName, Text]] = []
    for stage in report.stages:
        codes = stage.counts.get("not_checked", 0)
        if stage.status is Status.NOT_CHECKED:
            gaps.append((stage.name, stage.reason))
        elif codes:
            gaps.append((stage.name, Text(f"кодов без справочника: {codes}", f"codes without a book: {codes}")))
    return gaps


def gaps_text(report: Report, language: str) -> str:
    """``не проверено: схема XSD, Schematron (нет пакета вида 227)``; empty where all was checked.

    Stages with the same reason are named together.
    """
    reasons: dict[str, list[str]] = {}
    for name, reason in unchecked(report):
        reasons.setdefault(reason.get(language).rstrip("."), []).append(STAGES[name].get(language))
    parts = [", ".join(names) + (f" ({why})" if why else "") for why, names in reasons.items()]
    return f"{NOT_CHECKED.get(language)}: " + "; ".join(parts) if parts else ""


def source_name(report: Report, language: str) -> str:
    """The name of the document for people."""
    unnamed = {"": DOCUMENT, "-": STANDARD_INPUT}.get(report.source)
    return f"({unnamed.get(language)})" if unnamed else report.source


def kind_text(report: Report, language: str) -> str:
    """``170 Сертификат о профилактических прививках``."""
    if not report.kind:
        return UNKNOWN_KIND.get(language)
    return f"{report.kind} {report.title.replace(' (CDA)', '')}".strip()


def totals_text(report: Report, language: str) -> str:
    """``ошибок 3, предупреждений 1``; only what there is."""
    return ", ".join(
        f"{name.get(language)}: {report.count(severity)}" for severity, name in TOTALS.items() if report.count(severity)
    )


def counts_text(stage: Stage, language: str) -> str:
    """``контекстов: 241, утверждений: 530``; only what there is."""
    names = {key: COUNTS[key].get(language) if key in COUNTS else key for key in stage.counts}
    return ", ".join(f"{names[key]}: {value}" for key, value in stage.counts.items() if value)
