"""JUnit XML: a suite a document, a case a stage; one that was not checked is skipped, never passed."""

from __future__ import annotations

from collections.abc import Sequence

from lxml import etree

from adapter.findings import Finding, Severity
from adapter.xml import FORBIDDEN
from conformance.report import Report, Stage, Status
from conformance.reporters import Options
from conformance.reporters import words as w

#: What XML 1.0 cannot hold; a file name can.


def render(reports: Sequence[Report], options: Options) -> str:
    """See :mod:`conformance.reporters`. Times are seconds."""
    root = etree.Element("testsuites", name="egisz check")
    for report in reports:
        _suite(root, report, options.language)
    for name in ("tests", "failures", "errors", "skipped"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in root)))
    root.set("time", _seconds([stage for report in reports for stage in report.stages]))
    etree.indent(root)
    body = etree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{body}\n'


def _suite(root: etree._Element, report: Report, language: str) -> None:
    name = w.source_name(report, language)
    suite = etree.SubElement(root, "testsuite", name=_clean(name))
    properties = etree.SubElement(suite, "properties")
    for key, value in (("kind", report.kind), ("pack", report.pack), ("verdict", w.verdict(report).value)):
        if value:
            etree.SubElement(properties, "property", name=key, value=_clean(value))
    for stage, findings in w.by_stage(report):
        case = etree.SubElement(suite, "testcase", classname=_clean(name), name=stage.name.value)
        case.set("time", _seconds([stage]))
        _outcome(case, stage, findings, language)
    suite.set("tests", str(len(report.stages)))
    for key, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(key, str(len(suite.findall(f"testcase/{tag}"))))
    suite.set("time", _seconds(report.stages))


def _outcome(case: etree._Element, stage: Stage, findings: Sequence[Finding], language: str) -> None:
    body = "\n".join(_line(finding, language) for finding in findings)
    if w.failed(stage, findings):
        errors = sum(finding.severity is Severity.ERROR for finding in findings)
        total = f"{w.TOTALS[Severity.ERROR].get(language)}: {errors}"
        etree.SubElement(case, "failure", message=total, type=stage.name.value).text = _clean(body)
        return
    if stage.status is Status.NOT_CHECKED:
        message = f"{w.NOT_CHECKED.get(language)}: {stage.reason.get(language)}".rstrip(": ")
        etree.SubElement(case, "skipped", message=_clean(message))
    if body:
        etree.SubElement(case, "system-out").text = _clean(body)


def _line(finding: Finding, language: str) -> str:
    parts = [w.SEVERITIES[finding.severity].get(language), finding.code]
    if finding.place.line:
        parts.append(f"{w.LINE.get(language)} {finding.place.line}")
    parts += [part for part in (finding.place.file, finding.xpath, finding.message.get(language)) if part]
    text = " | ".join(parts)
    if finding.hint.get(language):
        text += f" → {finding.hint.get(language)}"
    return text + (f" [{finding.rule}]" if finding.rule not in {"", finding.code} else "")


def _seconds(stages: Sequence[Stage]) -> str:
    return f"{sum(stage.ms for stage in stages) / 1000:.6f}"


def _clean(text: str) -> str:
    return FORBIDDEN.sub("\ufffd", text)
