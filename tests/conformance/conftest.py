"""Says in the summary of a run how much the differential test compared."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _pytest.terminal import TerminalReporter


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    reports = terminalreporter.getreports("passed") + terminalreporter.getreports("failed")
    lines = sorted(
        value
        for report in reports
        if report.when == "call"
        for name, value in report.user_properties
        if name == "differential"
    )
    if lines:
        terminalreporter.section("Schematron: the engine beside SaxonC")
        for line in lines:
            terminalreporter.write_line(line)
