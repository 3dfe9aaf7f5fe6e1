"""The stable machine form. Fields may be added under the same ``version``; a change of meaning raises it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field

from adapter import __version__
from adapter.findings import Finding, Severity, Text
from conformance.report import Report, Stage, StageName, Status
from conformance.reporters import Options
from conformance.reporters import words as w
from conformance.reporters.words import Verdict

SCHEMA_VERSION: Final = 1


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Bilingual(_Model):
    """A text for people in both languages; empty where there is none."""

    ru: str
    en: str


class FindingModel(_Model):
    """One diagnostic; it never holds a value of the document."""

    code: str = Field(description="stable code of the check, see `egisz explain CODE`")
    severity: Severity
    stage: StageName
    message: Bilingual
    hint: Bilingual
    line: int = Field(ge=0, description="1-based line in the document, 0 where unknown")
    column: int = Field(ge=0, description="1-based column, 0 where unknown")
    xpath: str = Field(description="place in the document as an XPath, empty where unknown")
    rule: str = Field(description="rule that spoke, e.g. a place in a pack")
    file: str = Field(description="the file that `line` is of, where it is not the document itself")


class StageModel(_Model):
    """One layer of the check."""

    name: StageName
    status: Status
    counts: dict[str, int] = Field(description="what the stage saw, e.g. contexts and asserts")
    reason: Bilingual = Field(description="why it was not checked")
    ms: float = Field(ge=0, description="wall time, milliseconds")


class ReportModel(_Model):
    """The check of one document."""

    source: str = Field(description="file name as given; `-` is standard input")
    kind: str = Field(description="code in НСИ 1.2.643.5.1.13.13.11.1520, empty where unknown")
    title: str
    pack: str = Field(description="label of the pack edition used, empty where none was")
    verdict: Verdict = Field(description="`accepted` only where everything was checked without an error")
    ok: bool = Field(description="no finding is an error; says nothing of what was not checked")
    complete: bool = Field(description="everything was checked")
    stages: list[StageModel]
    findings: list[FindingModel]


class SummaryModel(_Model):
    """Totals of the run."""

    documents: int = Field(ge=0)
    accepted: int = Field(ge=0)
    rejected: int = Field(ge=0)
    partial: int = Field(ge=0)
    errors: int = Field(ge=0)
    warnings: int = Field(ge=0)
    notes: int = Field(ge=0)


class ReportsModel(_Model):
    """Output of `egisz check --format json`."""

    version: Literal[1] = Field(description="version of this form")
    tool: str
    tool_version: str
    summary: SummaryModel
    reports: list[ReportModel]


def schema() -> dict[str, Any]:
    """The JSON Schema of the output."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **ReportsModel.model_json_schema(mode="serialization"),
    }


def render(reports: Sequence[Report], options: Options) -> str:
    """See :mod:`conformance.reporters`; both languages are always there, so ``options`` changes nothing."""
    del options
    model = ReportsModel(
        version=SCHEMA_VERSION,
        tool="egisz-adapter",
        tool_version=__version__,
        summary=_summary(reports),
        reports=[_report(report) for report in reports],
    )
    return orjson.dumps(model.model_dump(mode="json"), option=orjson.OPT_INDENT_2).decode() + "\n"


def _summary(reports: Sequence[Report]) -> SummaryModel:
    verdicts = [w.verdict(report) for report in reports]
    totals = {severity: sum(report.count(severity) for report in reports) for severity in Severity}
    return SummaryModel(
        documents=len(reports),
        accepted=verdicts.count(Verdict.ACCEPTED),
        rejected=verdicts.count(Verdict.REJECTED),
        partial=verdicts.count(Verdict.PARTIAL),
        errors=totals[Severity.ERROR],
        warnings=totals[Severity.WARNING],
        notes=totals[Severity.NOTE],
    )


def _report(report: Report) -> ReportModel:
    return ReportModel(
        source=report.source,
        kind=report.kind,
        title=report.title,
        pack=report.pack,
        verdict=w.verdict(report),
        ok=report.ok,
        complete=not w.unchecked(report),
        stages=[_stage(stage) for stage in report.stages],
        findings=[_finding(finding, stage.name) for stage, found in w.by_stage(report) for finding in found],
    )


def _stage(stage: Stage) -> StageModel:
    return StageModel(
        name=stage.name,
        status=stage.status,
        counts=dict(stage.counts),
        reason=_text(stage.reason),
        ms=round(stage.ms, 3),
    )


def _finding(finding: Finding, stage: StageName) -> FindingModel:
    return FindingModel(
        code=finding.code,
        severity=finding.severity,
        stage=stage,
        message=_text(finding.message),
        hint=_text(finding.hint),
        line=finding.place.line,
        column=finding.place.column,
        xpath=finding.xpath,
        rule=finding.rule,
        file=finding.place.file,
    )


def _text(text: Text) -> Bilingual:
    return Bilingual(ru=text.ru, en=text.en)
