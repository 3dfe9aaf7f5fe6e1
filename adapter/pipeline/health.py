"""The state of the journal for operators: is it usable, what waits, and since when."""

from __future__ import annotations

from typing import Final

from prometheus_client import Gauge

from adapter.errors import DatabaseError
from adapter.pipeline.database import Database
from adapter.pipeline.statements import sql

WAITING: Final = Gauge("egisz_waiting", "Rows of the journal that are not final", ["row", "state"])
OLDEST: Final = Gauge("egisz_oldest_waiting_seconds", "Seconds since the oldest of them last changed", ["row", "state"])
UNSEALED: Final = Gauge("egisz_audit_unsealed", "Rows of the audit that are not chained yet")


async def not_ready(database: Database) -> list[str]:
    """Names of the parts without which no Bundle can be accepted."""
    try:
        async with database.transaction() as connection:
            writable = not await connection.fetchval(sql("health_read_only"))
    except DatabaseError:
        return ["database"]
    return [] if writable else ["database: read-only"]


async def measure(database: Database) -> None:
    """Bring the gauges up to date; final rows, which only grow in number, are not counted."""
    async with database.connection() as connection:
        rows = await connection.fetch(sql("health_waiting"))
        unsealed = await connection.fetchrow(sql("audit_waiting"))
    WAITING.clear()
    OLDEST.clear()
    for row in rows:
        WAITING.labels(row["kind"], row["state"]).set(row["rows"])
        OLDEST.labels(row["kind"], row["state"]).set(row["seconds"])
    UNSEALED.set(unsealed["rows"])
