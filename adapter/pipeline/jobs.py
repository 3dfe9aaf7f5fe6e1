"""Jobs: PgQueuer in the database of the journal. A job carries the id of a row and nothing else.

A job is enqueued in the transaction that writes the row, on its connection: both are there after a crash, or neither.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Final
from uuid import UUID

import orjson

if TYPE_CHECKING:
    from pgqueuer.adapters.persistence.queries import Queries
    from pgqueuer.domain.settings import DBSettings
    from pgqueuer.ports.driver import Driver

    from adapter.pipeline.database import Connection

#: Stages in the order of the path, with their priority: what is further on its way goes first, so that a flood of new
#: Bundles does not hold up what is nearly done.
STAGES: Final[Mapping[str, int]] = {"convert": 0, "sign": 10, "send": 20, "notify": 25, "poll": 5, "callback": 30}
#: The same for functions of the database that enqueue jobs.
PRIORITIES: Final = orjson.dumps(STAGES).decode()


@lru_cache(maxsize=1)
def queue_settings() -> DBSettings:
    """Names of PgQueuer's objects, beside the journal. Its logs are for statistics: they need not survive a crash."""
    from pgqueuer.domain.settings import DBSettings, Durability

    return DBSettings(db_schema="egisz", durability=Durability.balanced)


def queries(driver: Driver) -> Queries:
    """PgQueuer's operations over a driver."""
    from pgqueuer.adapters.persistence import qb
    from pgqueuer.adapters.persistence.queries import Queries

    names = queue_settings()
    return Queries(
        driver,
        qbe=qb.QueryBuilderEnvironment(names),
        qbq=qb.QueryQueueBuilder(names),
        qbs=qb.QuerySchedulerBuilder(names),
    )


def queries_on(connection: Connection) -> Queries:
    """PgQueuer's operations inside the transaction of a connection."""
    from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver

    return queries(AsyncpgDriver(connection))


async def enqueue(
    connection: Connection, stage: str, rows: Sequence[tuple[UUID | int, int]], *, after: timedelta | None = None
) -> None:
    """Enqueue a stage for rows.

    Args:
        connection: of the transaction that writes them.
        stage: one of `STAGES`.
        rows: id of the row and the step that it is at. A step has one job: the key of a job is its stage, row and step,
            and a second one is dropped. The step is part of it because a job that has done its work, but is not yet
            taken from the queue, must not swallow the next one of its row.
        after: not before that long from now.
    """
    if not rows:
        return
    from adapter.pipeline.wake import enqueued

    enqueued()
    count = len(rows)
    # PgQueuer's own statement, see adapter.pipeline.database.
    await connection.execute(
        "select egisz.enqueue($1, $2, $3, $4, $5, $6)",
        [STAGES[stage]] * count,
        [stage] * count,
        [str(row).encode() for row, _ in rows],
        [after or timedelta(0)] * count,
        [f"{stage}:{row}:{step}" for row, step in rows],
        ["null"] * count,
    )
