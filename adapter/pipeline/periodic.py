"""What is done from time to time: asking about what is not answered, mending what was left, deleting what is not kept.

Everything goes by sets and in small portions: a queue of a hundred thousand is never read into a worker.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from time import monotonic
from typing import Final

from adapter.log import get_logger
from adapter.pipeline.audit import Audit
from adapter.pipeline.jobs import enqueue
from adapter.pipeline.journal import Journal
from adapter.pipeline.statements import sql
from adapter.settings import Settings

AT_ONCE: Final = 500
#: A row that has no job for so long has lost it: its job is enqueued with it, and leaves the queue when it is done.
LOST_AFTER: Final = timedelta(minutes=1)
#: A clock that falls behind by more between two looks was set back; one that is slewed was not.
_SET_BACK: Final = timedelta(seconds=5)

Books = Callable[[], Awaitable[None]]


class Periodic:
    """The periodic work of a journal; any number of workers may do it at once.

    Args:
        settings: how long what is kept.
        books: brings the reference books up to date; ``None`` where nothing does.
    """

    def __init__(self, journal: Journal, settings: Settings, *, books: Books | None = None) -> None:
        self._journal, self._settings, self._books = journal, settings, books
        self._audit = Audit(journal.database)
        self._told: tuple[datetime, float] | None = None

    async def ask(self) -> int:
        """Enqueue the question about what was sent long ago and not answered."""
        async with self._journal.database.transaction() as connection:
            rows = await connection.fetch(sql("due_to_ask"), self._journal.clock(), AT_ONCE)
            await enqueue(connection, "poll", [(row["id"], row["step"]) for row in rows])
        return len(rows)

    async def mend(self, lost_after: timedelta = LOST_AFTER) -> int:
        """Give a job to what has none: to what was left when the database went away under a worker."""
        mended = 0
        async with self._journal.database.transaction() as connection:
            for row in await connection.fetch(sql("unattended_products"), lost_after, AT_ONCE):
                await enqueue(connection, row["stage"], [(row["id"], row["step"])])
                mended += 1
            for stage in ("submission", "message", "notice"):
                rows = await connection.fetch(sql(f"unattended_{stage}s"), lost_after, AT_ONCE)
                job = {"submission": "convert", "message": "callback", "notice": "notify"}[stage]
                await enqueue(connection, job, [(row["id"], dict(row).get("step", 0)) for row in rows])
                mended += len(rows)
        if mended:
            get_logger().warning("jobs.mended", count=mended)
        return mended

    async def steady(self) -> int:
        """Let what was written before the clock was set back wait no longer than it was to; how many rows.

        The first call looks in any case: the clock may have been set while nobody worked.
        """
        tick, before = monotonic(), self._told
        async with self._journal.database.transaction() as connection:
            told: datetime = await connection.fetchval(sql("time_of_database"))
            self._told = told, tick
            if before is not None and told - before[0] > timedelta(seconds=tick - before[1]) - _SET_BACK:
                return 0
            moved: int = await connection.fetchval(sql("clock_set_back"))
        if moved:
            get_logger().warning("clock.set_back", count=moved)
        return moved

    async def seal(self) -> None:
        """Give the rows of the audit their place in its chain."""
        await self._audit.seal()

    async def keep(self) -> int:
        """Delete what is no longer to be kept; how many payloads."""
        conf, now = self._settings, self._journal.clock()
        kept = (
            ("forget_bundles", conf.keep_bundles_days),
            ("forget_documents", conf.keep_documents_days),
            ("forget_messages", conf.keep_messages_days),
            ("forget_register_messages", conf.keep_messages_days),
        )
        deleted = 0
        for statement, days in kept:
            if days:
                while some := await self._forget(statement, now - timedelta(days=days)):
                    deleted += some
        async with self._journal.database.connection() as connection:
            await connection.execute(sql("jti_forget"))
            await connection.execute(sql("fer_forget"), now)
            while await connection.execute(sql("forget_queue_log"), AT_ONCE * 10) != "DELETE 0":
                pass
        if deleted:
            get_logger().info("payloads.deleted", count=deleted)
        return deleted

    async def _forget(self, statement: str, before: object) -> int:
        async with self._journal.database.transaction() as connection:
            rows = await connection.fetch(sql(statement), before, AT_ONCE)
            payloads = [row["payload_id"] for row in rows if row["payload_id"] is not None]
            await connection.execute(sql("delete_payloads"), payloads)
        return len(rows)

    async def rotate(self) -> int:
        """Seal with the current key what an older one has sealed."""
        return await self._journal.vault.rotate(self._journal.database)

    async def books(self) -> None:
        """Bring the reference books up to date."""
        if self._books is not None:
            await self._books()
