"""The result of a check: stages, what each saw, and the findings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from adapter.findings import EMPTY, Finding, Severity, Text


class StageName(StrEnum):
    """The layers of a check, in the order they run."""

    XML = "xml"
    XSD = "xsd"
    SCHEMATRON = "schematron"
    BOOKS = "books"
    RULES = "rules"


class Status(StrEnum):
    """What became of a stage. ``not_checked`` is always said aloud: it is neither passed nor failed."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_CHECKED = "not_checked"


@dataclass(frozen=True, slots=True)
class Stage:
    """One layer of a check.

    Attributes:
        counts: what the stage saw, e.g. ``{"contexts": 241, "asserts": 530}`` for the Schematron or
            ``{"checked": 40, "not_checked": 3}`` for the books.
        reason: why it was not checked.
        ms: wall time in milliseconds.
    """

    name: StageName
    status: Status
    counts: Mapping[str, int] = field(default_factory=dict)
    reason: Text = EMPTY
    ms: float = 0.0


@dataclass(frozen=True, slots=True)
class Report:
    """The result of checking one document.

    Attributes:
        source: name of the file, ``-`` for standard input, empty for bytes.
        kind: code of the kind in НСИ 1.2.643.5.1.13.13.11.1520, empty where unknown.
        title: official title of the kind.
        pack: label of the pack edition that was used, empty where none was.
        stages: one entry per layer, always all five.
        findings: in document order within a stage, stages in order.
    """

    source: str
    kind: str
    title: str
    pack: str
    stages: tuple[Stage, ...]
    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """No finding is an error."""
        return not any(finding.severity is Severity.ERROR for finding in self.findings)

    @property
    def complete(self) -> bool:
        """Every stage was checked."""
        return all(stage.status is not Status.NOT_CHECKED for stage in self.stages)

    def count(self, severity: Severity) -> int:
        """How many findings have that severity."""
        return sum(1 for finding in self.findings if finding.severity is severity)

    def stage(self, name: StageName) -> Stage:
        """The stage of that name."""
        return next(stage for stage in self.stages if stage.name is name)
