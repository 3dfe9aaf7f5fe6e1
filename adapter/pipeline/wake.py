"""Telling workers that there are jobs, without making commits wait for each other.

PostgreSQL commits transactions that notify one by one, each with its write to disk: a sixth of the commits a second of
those that do not. So the trigger with which PgQueuer notifies of every change of its table is switched off, and whoever
has enqueued jobs tells it after the commit, in a transaction of its own that waits for no disk; many commits are told
once. A notification that is lost costs the time until the queue is looked at anyway (`Pace.idle`).
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from adapter.log import get_logger
from adapter.pipeline.jobs import queue_settings

#: Notifications are at least that far apart.
_QUIET: Final = 0.01
_ENQUEUED: Final[ContextVar[bool]] = ContextVar("enqueued", default=False)


def begin() -> None:
    """A transaction begins in this task."""
    _ENQUEUED.set(False)


def enqueued() -> None:
    """The transaction of this task has enqueued a job."""
    _ENQUEUED.set(True)


class Waker:
    """Notifies the workers of a database."""

    def __init__(self, pool: Any) -> None:
        self._pool = pool
        self._wanted = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def committed(self) -> None:
        """The transaction of this task is committed: tell of its jobs, if it has enqueued any."""
        if not _ENQUEUED.get():
            return
        begin()
        self.wake()

    def wake(self) -> None:
        """Tell of jobs that are committed."""
        self._wanted.set()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._tell())

    async def close(self) -> None:
        """Tell what is to be told, and stop."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        if self._wanted.is_set():
            await self._notify()

    async def _tell(self) -> None:
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            await self._notify()
            await asyncio.sleep(_QUIET)

    async def _notify(self) -> None:
        names = queue_settings()
        event = {
            "channel": names.channel,
            "operation": "insert",
            "sent_at": datetime.now(UTC),
            "table": names.queue_table,
            "type": "table_changed_event",
        }
        try:
            async with self._pool.acquire() as connection, connection.transaction():
                await connection.execute("set local synchronous_commit = off")
                await connection.execute("select pg_notify($1, $2)", names.channel, orjson.dumps(event).decode())
        except Exception as error:  # noqa: BLE001 - workers look at the queue without being told, a little later
            get_logger().warning("workers.untold", exc_info=error)
