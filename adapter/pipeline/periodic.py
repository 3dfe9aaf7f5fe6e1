"""What is done from time to time: asking about what is not answered, mending what was left, deleting what is not kept.

Everything goes by sets and in small portions: a queue of a hundred thousand is never read into a worker.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
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
        )
        deleted = 0
        for statement, days in kept:
            if days:
                while some := await self._forget(statement, now - timedelta(days=days)):
                    deleted += some
        async with self._journal.database.connection() as connection:
            await connection.execute(sql("jti_forget"))
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
