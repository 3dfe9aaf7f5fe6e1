"""Structured logs with an allow-list: a field that is not known to be free of patient values is dropped.

The list holds names of fields whose values this project makes itself (codes, counts, places, kinds). What is
dropped is counted in ``dropped`` so that a lost field is noticed and can be allowed on purpose.
"""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog
from structlog.typing import EventDict, FilteringBoundLogger

ALLOWED = frozenset(
    {
        "event", "level", "timestamp", "logger",
        "code", "severity", "rule", "line", "column",
        "kind", "edition", "oid", "version", "pack", "book", "stage", "digest",
        "count", "errors", "warnings", "notes", "files", "rows", "bytes", "contexts", "asserts",
        "ms", "attempt", "status", "exit_code", "error_type", "host", "method", "route", "dropped",
    }
)  # fmt: skip


def allow_list(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """structlog processor: keep allowed fields, count the others.

    ``exc_info`` is reduced to the type of the exception: a message or a traceback may quote a document.
    """
    exc = event.pop("exc_info", None)
    if exc is True:
        exc = sys.exc_info()[1]
    elif isinstance(exc, tuple):
        exc = exc[1]
    if isinstance(exc, BaseException):
        event["error_type"] = type(exc).__name__
    lost = [key for key in event if key not in ALLOWED]
    for key in lost:
        del event[key]
    if lost:
        event["dropped"] = len(lost)
    return event


def configure(level: str = "warning") -> None:
    """Send logs as JSON lines to standard error at ``level`` or above."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            allow_list,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(handlers=[_Libraries(logging.WARNING)], force=True)


class _Libraries(logging.Handler):
    """Warnings of libraries as lines of ours: who, where and which error; their texts may quote a document."""

    def emit(self, record: logging.LogRecord) -> None:
        get_logger().warning(
            "library.warning", logger=record.name, code=f"{record.module}.{record.funcName}", exc_info=record.exc_info
        )


def get_logger() -> FilteringBoundLogger:
    """The logger of this project; event names are dotted and constant, e.g. ``pack.installed``."""
    logger: FilteringBoundLogger = structlog.get_logger()
    return logger
