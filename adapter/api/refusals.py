"""Refusals of requests: one shape inside, OperationOutcome or problem details (RFC 7807) outside."""

from __future__ import annotations

from collections.abc import Iterable

from adapter.errors import RequestRefused
from adapter.findings import EMPTY, Finding, Severity, Text


def refused(
    status: int,
    code: str,
    message: Text,
    hint: Text = EMPTY,
    *,
    headers: dict[str, str] | None = None,
    more: Iterable[Finding] = (),
) -> RequestRefused:
    """The exception for a request that is refused with one finding, and ``more`` findings after it."""
    return RequestRefused(status, (Finding(code, Severity.ERROR, message, hint), *more), headers)


def not_found() -> RequestRefused:
    """404. What belongs to others is not found either: its existence is nobody's business."""
    return refused(
        404,
        "API03",
        Text("Такой записи нет.", "There is no such record."),
        Text(
            "Проверьте адрес; записи других организаций не видны.",
            "Check the address; records of other organisations are not shown.",
        ),
    )
