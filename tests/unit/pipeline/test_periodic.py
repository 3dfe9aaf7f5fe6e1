"""What is kept and for how long; what the journal says of itself."""

from __future__ import annotations

import asyncio

from prometheus_client import REGISTRY

from adapter.pipeline import State
from adapter.pipeline.periodic import Periodic
from adapter.settings import Settings
from tests.unit.pipeline.doubles import Bench, benched, bundle, send


async def _days_ago(bench: Bench, days: int) -> None:
    async with bench.journal.database.connection() as connection:
        for table, column in (("submission", "changed_at"), ("product", "changed_at"), ("message", "at")):
            await connection.execute(f"update egisz.{table} set {column} = $1", bench.clock.now)
    bench.clock.forward(days=days)


async def _payloads(bench: Bench) -> dict[str, int]:
    async with bench.journal.database.connection() as connection:
        rows = await connection.fetch("select purpose, count(*) as rows from egisz.payload group by purpose")
    return {row["purpose"]: row["rows"] for row in rows}


def test_what_is_final_is_kept_as_long_as_told(service: Settings) -> None:
    conf = service.model_copy(update={"keep_bundles_days": 30, "keep_documents_days": 60, "keep_messages_days": 90})

    async def scenario() -> None:
        async with benched(service) as bench:
            accepted = await send(bench.journal, bundle("a"))
            open_ = await send(bench.journal, bundle("b", patient="p2"))
            await bench.work()
            message = next(one for uid, one in bench.registry.sent if uid.startswith("p1"))
            await bench.come("M1", message, emdr_id="1")
            periodic = Periodic(bench.journal, conf)
            await _days_ago(bench, 29)
            assert await periodic.keep() == 0
            bench.clock.forward(days=2)
            assert await periodic.keep() == 1
            assert await bench.journal.bundle(accepted.submission_id) is None
            row = await bench.one(accepted)
            assert await bench.journal.document(row.id) is not None
            bench.clock.forward(days=30)
            await periodic.keep()
            assert await bench.journal.document(row.id) is None
            bench.clock.forward(days=30)
            await periodic.keep()
            # What is still on its way is kept: its Bundle, document, registration and signatures; no message is.
            assert await bench.journal.bundle(open_.submission_id) is not None
            assert await _payloads(bench) == {"bundle": 1, "document": 1, "registration": 1, "signature": 4}
            # The rows stay.
            assert (await bench.one(accepted)).state is State.REGISTERED

    asyncio.run(scenario())


def test_zero_days_keep_all(service: Settings) -> None:
    conf = service.model_copy(update={"keep_bundles_days": 0, "keep_documents_days": 0, "keep_messages_days": 0})

    async def scenario() -> None:
        async with benched(service) as bench:
            await send(bench.journal, bundle("a"))
            await bench.work()
            await bench.come("M1", bench.registry.sent[0][1], emdr_id="1")
            await _days_ago(bench, 10_000)
            assert await Periodic(bench.journal, conf).keep() == 0

    asyncio.run(scenario())


def test_the_journal_measures_itself(service: Settings) -> None:
    async def scenario() -> None:
        async with benched(service) as bench:
            await send(bench.journal, bundle("a"))
            await bench.work("convert")
            await bench.journal.measure()
            assert REGISTRY.get_sample_value("egisz_journal_rows", {"kind": "product", "state": "checked"}) == 1
            assert REGISTRY.get_sample_value("egisz_journal_rows", {"kind": "product", "state": "dead"}) == 0
            assert REGISTRY.get_sample_value("egisz_jobs", {"stage": "sign", "status": "queued"}) == 1
            assert await bench.journal.not_ready() == []
            async with bench.journal.database.connection() as connection:
                await connection.execute("alter schema egisz rename to elsewhere")
            bench.journal.database.pool.terminate()
            assert await bench.journal.not_ready() == ["database"]

    asyncio.run(scenario())
