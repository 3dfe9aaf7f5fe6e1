"""Findings of lint in the forms that people and machines read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

import orjson

from adapter.findings import Finding, Severity, Text

_SEVERITIES = {
    Severity.ERROR: Text("ошибка", "error"),
    Severity.WARNING: Text("предупреждение", "warning"),
    Severity.NOTE: Text("замечание", "note"),
}


def rendered(findings: Sequence[Finding], form: str, language: str) -> str:
    """The report: ``text``, ``json`` or ``sarif``."""
    return {"text": _text, "json": _json, "sarif": _sarif}[form](findings, language)


def _text(findings: Sequence[Finding], language: str) -> str:
    lines = []
    for one in findings:
        place = one.place
        where = ":".join(str(part) for part in (place.file, place.line, place.column) if part)
        severity = _SEVERITIES[one.severity].get(language)
        lines.append(f"{where}: {severity} {one.code}: {one.message.get(language)}")
        if one.hint.get(language):
            lines.append(f"    → {one.hint.get(language)}")
    counts = [sum(1 for one in findings if one.severity is severity) for severity in Severity]
    total = Text("Ошибок {}, предупреждений {}, замечаний {}", "{} errors, {} warnings, {} notes")
    lines.append(total.get(language).format(*counts))
    return "\n".join(lines) + "\n"


def _json(findings: Sequence[Finding], _language: str) -> str:
    """Both languages are always there."""
    made: list[dict[str, Any]] = [
        {
            "code": one.code,
            "severity": one.severity.value,
            "file": one.place.file,
            "line": one.place.line,
            "column": one.place.column,
            "rule": one.rule,
            "message": one.message._asdict(),
            "hint": one.hint._asdict(),
        }
        for one in findings
    ]
    return orjson.dumps({"version": 1, "findings": made}, option=orjson.OPT_INDENT_2).decode() + "\n"


def _sarif(findings: Sequence[Finding], language: str) -> str:
    """SARIF of the reporters of documents: each file of the catalogue is a document there."""
    from conformance.report import Report
    from conformance.reporters import render

    reports = []
    for file, group in groupby(findings, key=lambda one: one.place.file):
        inside = tuple(replace(one, place=replace(one.place, file="")) for one in group)
        reports.append(Report(file, "", "", "", (), inside))
    return render("sarif", reports, language=language)
