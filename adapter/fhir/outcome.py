"""Findings as an OperationOutcome (R4, R4B and R5 have the same)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from adapter.fhir import data
from adapter.findings import Finding, Severity, Text

#: System of the codes of findings in ``issue.details.coding``.
SYSTEM: Final = "urn:egisz-adapter:finding"
_TRANSLATION: Final = "http://hl7.org/fhir/StructureDefinition/translation"
_SEVERITIES: Final = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "information"}


def operation_outcome(findings: Iterable[Finding], *, lang: str = "ru") -> dict[str, Any]:
    """An OperationOutcome with one issue a finding, in their order; a single "informational" one where there are none.

    ``details.text`` is in ``lang`` with the other language as a translation; the code of the finding is
    ``details.coding``; ``diagnostics`` holds the hint, line and rule; ``expression`` the FHIRPath.
    """
    issues = [_issue(finding, lang) for finding in findings]
    if not issues:
        nothing = Text("Замечаний нет.", "No findings.")
        issues = [{"severity": "information", "code": "informational", "details": _text(nothing, lang)}]
    return {"resourceType": "OperationOutcome", "issue": issues}


def _issue(finding: Finding, lang: str) -> dict[str, Any]:
    issue: dict[str, Any] = {
        "severity": _SEVERITIES[finding.severity],
        "code": data.load()["issues"].get(finding.code, "processing"),
        "details": {"coding": [{"system": SYSTEM, "code": finding.code}], **_text(finding.message, lang)},
    }
    diagnostics = _diagnostics(finding, lang)
    if diagnostics:
        issue["diagnostics"] = diagnostics
    if finding.place.fhirpath:
        issue["expression"] = [finding.place.fhirpath]
    return issue


def _diagnostics(finding: Finding, lang: str) -> str:
    place = finding.place
    parts = [finding.hint.get(lang)]
    if place.line:
        where = f"{place.line}:{place.column}" if place.column else str(place.line)
        parts.append(Text(f"Строка {where}.", f"Line {where}.").get(lang))
    if finding.xpath:
        parts.append(f"XPath: {finding.xpath}")
    if finding.rule:
        parts.append(Text(f"Правило: {finding.rule}", f"Rule: {finding.rule}").get(lang))
    return " ".join(part for part in parts if part)


def _text(text: Text, lang: str) -> dict[str, Any]:
    other = "en" if lang == "ru" else "ru"
    translation = {
        "url": _TRANSLATION,
        "extension": [{"url": "lang", "valueCode": other}, {"url": "content", "valueString": text.get(other)}],
    }
    return {"text": text.get(lang), "_text": {"extension": [translation]}}
