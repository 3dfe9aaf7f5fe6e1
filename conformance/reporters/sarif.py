"""SARIF 2.1.0 for code scanning: one run, a result a finding; what was not checked is a notification."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

import orjson

from adapter import __version__
from adapter.findings import Finding, Severity
from conformance.codes import all_codes
from conformance.report import Report
from conformance.reporters import Options
from conformance.reporters import words as w

_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "note"}


def render(reports: Sequence[Report], options: Options) -> str:
    """See :mod:`conformance.reporters`."""
    codes = sorted({finding.code for report in reports for finding in report.findings})
    positions = {code: number for number, code in enumerate(codes)}
    run = {
        "tool": {
            "driver": {
                "name": "egisz-adapter",
                "version": __version__,
                "rules": [_rule(code, options.language) for code in codes],
            }
        },
        "invocations": [
            {
                "executionSuccessful": True,
                "toolExecutionNotifications": [
                    _notification(report, options.language) for report in reports if w.unchecked(report)
                ],
            }
        ],
        "artifacts": [{"location": {"uri": artifact_uri(report.source)}} for report in reports],
        "columnKind": "unicodeCodePoints",
        "results": [
            _result(finding, report, index, positions[finding.code], options.language)
            for index, report in enumerate(reports)
            for finding in report.findings
        ],
    }
    log = {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [run],
    }
    return orjson.dumps(log, option=orjson.OPT_INDENT_2).decode() + "\n"


def artifact_uri(source: str) -> str:
    """A relative URI for a file name: from the working directory, forward slashes, percent-encoded."""
    if source in {"", "-"}:
        return "stdin"
    relative = os.path.relpath(source) if PurePath(source).is_absolute() else source
    return quote(PurePath(relative).as_posix())


def _rule(code: str, language: str) -> dict[str, Any]:
    """Metadata of a code; one that is not documented (from another tool's report) has its id alone."""
    known = all_codes().get(code)
    if known is None:
        return {"id": code}
    return {
        "id": code,
        "shortDescription": {"text": known.title.get(language)},
        "help": {"text": known.page.get(language), "markdown": known.page.get(language)},
        "defaultConfiguration": {"level": _LEVELS[known.severity]},
    }


def _result(finding: Finding, report: Report, index: int, rule_index: int, language: str) -> dict[str, Any]:
    message = " ".join(part for part in (finding.message.get(language), finding.hint.get(language)) if part)
    properties = {"rule": finding.rule, "stage": w.stage_of(finding).value, "kind": report.kind}
    return {
        "ruleId": finding.code,
        "ruleIndex": rule_index,
        "level": _LEVELS[finding.severity],
        "message": {"text": message},
        "locations": [_location(finding, report, index)],
        "properties": {key: value for key, value in properties.items() if value},
    }


def _location(finding: Finding, report: Report, index: int) -> dict[str, Any]:
    physical: dict[str, Any] = {"artifactLocation": {"uri": artifact_uri(report.source), "index": index}}
    place = finding.place
    # A place in another file (a rule of a pack) has no line in this document.
    if place.line and not place.file:
        physical["region"] = {"startLine": place.line}
        if place.column:
            physical["region"]["startColumn"] = place.column
    location: dict[str, Any] = {"physicalLocation": physical}
    if finding.xpath:
        location["logicalLocations"] = [{"fullyQualifiedName": finding.xpath, "kind": "element"}]
    return location


def _notification(report: Report, language: str) -> dict[str, Any]:
    return {
        "level": "warning",
        "descriptor": {"id": "not-checked"},
        "message": {"text": w.gaps_text(report, language)},
        "locations": [{"physicalLocation": {"artifactLocation": {"uri": artifact_uri(report.source)}}}],
    }
