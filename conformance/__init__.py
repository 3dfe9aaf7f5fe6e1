"""Conformance of СЭМД documents: the Ministry's packs, НСИ books and rules of our own.

::

    from conformance import check
    report = check(data)          # packs and books of this machine (settings EGISZ_*)
    assert report.ok and report.complete
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from conformance.checker import Checker, check
    from conformance.report import Report, Stage, StageName, Status

__all__ = ["Checker", "Report", "Stage", "StageName", "Status", "check"]


def __getattr__(name: str) -> Any:
    """Load on first use: the pytest plugin imports this package in every run of its users."""
    if name in {"Checker", "check"}:
        from conformance import checker

        return getattr(checker, name)
    if name in __all__:
        from conformance import report

        return getattr(report, name)
    raise AttributeError(name)
