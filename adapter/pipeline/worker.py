"""The worker: takes jobs from the queue and does their stages; any number of them on any machines."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from adapter.log import get_logger
from adapter.pipeline.database import reachable
from adapter.pipeline.jobs import STAGES, queries, queue_settings
from adapter.pipeline.journal import Journal
from adapter.pipeline.periodic import Periodic
from adapter.pipeline.retry import Again
from adapter.pipeline.stages import Stages

if TYPE_CHECKING:
    from pgqueuer.core.qm import QueueManager
    from pgqueuer.core.sm import SchedulerManager
    from pgqueuer.ports.driver import Driver

#: When the periodic work is done, by cron. PgQueuer sees to it that one worker does it.
SCHEDULE: Final = {
    "ask": "* * * * *",
    "mend": "* * * * *",
    "keep": "17 * * * *",
    "rotate": "41 * * * *",
    "books": "23 3 * * *",
}


@dataclass(frozen=True, slots=True)
class Pace:
    """How a worker takes jobs.

    Attributes:
        batch: jobs taken from the queue at once.
        at_once: jobs in work; at least twice the batch.
        heartbeat: a worker that is silent for so long is dead, and its jobs are taken by another.
        idle: the queue is looked at after so long without a notification.
        grace: how long a stop waits for jobs in work.
        seal: between two times that the audit is sealed.
        reconnect: before another try after the database was lost.
    """

    batch: int = 20
    at_once: int = 40
    heartbeat: timedelta = timedelta(seconds=30)
    idle: timedelta = timedelta(seconds=2)
    grace: timedelta = timedelta(seconds=60)
    seal: timedelta = timedelta(seconds=5)
    reconnect: timedelta = timedelta(seconds=1)


class Worker:
    """Does the jobs of a journal until it is told to stop."""

    def __init__(self, journal: Journal, stages: Stages, periodic: Periodic, pace: Pace | None = None) -> None:
        self._journal, self._stages, self._periodic = journal, stages, periodic
        self._pace = pace or Pace()

    async def run(self, *, stop: asyncio.Event) -> None:
        """Work until ``stop`` is set; jobs in work are finished, as far as `Pace.grace` allows.

        A database that goes away is waited for: nothing is lost but the work in hand, which is done again.
        """
        logging.getLogger("pgqueuer").addHandler(_HEARD)
        while not stop.is_set():
            try:
                await self._session(stop)
            except Exception as error:  # noqa: BLE001 - whatever it was, the worker goes on when the database is back
                get_logger().warning("worker.interrupted", exc_info=error)
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), self._pace.reconnect.total_seconds())

    async def _session(self, stop: asyncio.Event) -> None:
        """Work until a stop, or until the database goes away."""
        from pgqueuer.adapters.drivers.asyncpg import AsyncpgPoolDriver

        driver = AsyncpgPoolDriver(self._journal.database.pool)
        manager, scheduler = self._manager(driver), self._scheduler()
        with reachable():
            async with driver:
                # PgQueuer asks itself whether it hears before it listens; unheard, it would stop after ten seconds.
                await driver.add_listener(manager.channel, _unheard)
                await self._attended(manager, scheduler, stop)

    async def _attended(self, manager: QueueManager, scheduler: SchedulerManager, stop: asyncio.Event) -> None:
        pace = self._pace
        work = asyncio.ensure_future(
            manager.run(
                dequeue_timeout=pace.idle,
                batch_size=pace.batch,
                max_concurrent_tasks=pace.at_once,
                heartbeat_timeout=pace.heartbeat,
                shutdown_on_listener_failure=True,
            )
        )
        others = [asyncio.ensure_future(scheduler.run()), asyncio.ensure_future(self._sealing())]
        stopped = asyncio.ensure_future(stop.wait())
        try:
            await asyncio.wait({work, stopped, *others}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            manager.shutdown.set()
            scheduler.shutdown.set()
            await asyncio.wait({work}, timeout=pace.grace.total_seconds())
            ended = [work, stopped, *others]
            for one in ended:
                one.cancel()
            await asyncio.wait(ended)
        for one in (work, *others):
            if not one.cancelled():
                one.result()

    def _manager(self, driver: Driver) -> QueueManager:
        from pgqueuer.core.qm import QueueManager

        manager = QueueManager(queries(driver), channel=queue_settings().channel)
        for stage in STAGES:
            manager.entrypoint(stage)(self._job(stage))
        return manager

    def _job(self, stage: str) -> Callable[[Any], Awaitable[None]]:
        from pgqueuer.domain.errors import RetryRequested

        async def job(job: Any) -> None:
            try:
                await self._stages.run(stage, (job.payload or b"").decode(), job.attempts)
            except Again as again:
                # PgQueuer keeps the traceback: nothing of the error may be in it.
                raise RetryRequested(again.delay, "again") from None

        return job

    def _scheduler(self) -> SchedulerManager:
        from pgqueuer.adapters.drivers.asyncpg import AsyncpgPoolDriver
        from pgqueuer.core.sm import SchedulerManager

        scheduler = SchedulerManager(queries(AsyncpgPoolDriver(self._journal.database.pool)))
        for name, expression in SCHEDULE.items():
            scheduler.schedule(name, expression)(self._periodically(name))
        return scheduler

    def _periodically(self, name: str) -> Callable[[Any], Awaitable[None]]:
        async def work(_schedule: Any) -> None:
            try:
                await getattr(self._periodic, name)()
            except Exception as error:  # noqa: BLE001 - it comes again; its text may quote a row
                get_logger().error("periodic.failed", stage=name, exc_info=error)

        return work

    async def _sealing(self) -> None:
        while True:
            await asyncio.sleep(self._pace.seal.total_seconds())
            await self._periodic.seal()
            # Not by the schedule, which stands still itself when the clock is set back.
            await self._periodic.steady()


def _unheard(_payload: str | bytes | bytearray) -> None:
    """PgQueuer hears for itself."""


class _Heard(logging.Handler):
    """Warnings of PgQueuer as lines of ours, without their texts, which may quote an error."""

    def emit(self, record: logging.LogRecord) -> None:
        get_logger().warning("queue.warning", code=record.funcName)


_HEARD: Final = _Heard(logging.WARNING)
