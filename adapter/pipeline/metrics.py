"""Gauges of the journal and counters of its stages, for Prometheus; no identifiers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from prometheus_client import Counter, Gauge, Histogram

from adapter.pipeline.jobs import STAGES
from adapter.pipeline.states import product_machine, submission_machine

ROWS: Final = Gauge("egisz_journal_rows", "Rows of the journal", ["kind", "state"])
OLDEST: Final = Gauge("egisz_journal_oldest_seconds", "Seconds since the oldest of a state moved", ["kind", "state"])
JOBS: Final = Gauge("egisz_jobs", "Jobs in the queue", ["stage", "status"])
DONE: Final = Counter("egisz_stages_total", "Stages done by this process", ["stage", "outcome"])
SECONDS: Final = Histogram(
    "egisz_stage_seconds",
    "Seconds of a stage",
    ["stage"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)
_MACHINES: Final = {"product": product_machine, "submission": submission_machine}


def set_states(kind: str, rows: Iterable[Any]) -> None:
    """Set the gauges of a kind of row from counts by state; a state without rows has zero."""
    found = {row["state"]: row for row in rows}
    for state in _MACHINES[kind]().states:
        row = found.get(state)
        ROWS.labels(kind, state).set(row["rows"] if row else 0)
        OLDEST.labels(kind, state).set(row["oldest"] if row else 0)


def set_jobs(rows: Iterable[Any]) -> None:
    """Set the gauges of the queue from counts by stage and status."""
    found = {(row["entrypoint"], row["status"]): row["rows"] for row in rows}
    for stage in STAGES:
        for status in ("queued", "picked"):
            JOBS.labels(stage, status).set(found.get((stage, status), 0))
