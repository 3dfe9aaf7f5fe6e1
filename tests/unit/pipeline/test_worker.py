"""The worker with the real queue."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from adapter.errors import DatabaseError
from adapter.pipeline import State
from adapter.pipeline.jobs import enqueue
from adapter.pipeline.periodic import Periodic
from adapter.pipeline.ports import Answer
from adapter.pipeline.worker import Pace, Worker
from adapter.settings import Settings
from tests.unit.pipeline.doubles import Bench, benched, bundle, jobs, send

QUICK = Pace(
    batch=5, at_once=10, heartbeat=timedelta(seconds=1), idle=timedelta(seconds=0.2), grace=timedelta(seconds=5)
)


async def _until(true: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(30):
        while not await true():
            await asyncio.sleep(0.02)


async def _working(
    bench: Bench, service: Settings, scenario: Callable[[], Awaitable[None]], pace: Pace = QUICK
) -> None:
    stop = asyncio.Event()
    worker = Worker(bench.journal, bench.stages, Periodic(bench.journal, service), pace)
    running = asyncio.create_task(worker.run(stop=stop))
    try:
        await scenario()
    finally:
        stop.set()
        await running


def test_it_does_all_that_is_enqueued_and_stops(service: Settings) -> None:
    async def scenario() -> None:
        async with benched(service) as bench:
            accepted = [await send(bench.journal, bundle("a", patient=f"p{n}")) for n in range(20)]

            async def all_sent() -> bool:
                counts = await bench.journal.outbox.counts()
                return counts["product"].get(State.AWAITING, (0, 0.0))[0] == len(accepted)

            await _working(bench, service, lambda: _until(all_sent))
            # Nothing is left, and nothing was done twice.
            assert await jobs(bench.journal) == []
            assert len({uid for uid, _ in bench.registry.sent}) == 20

    asyncio.run(scenario())


def test_jobs_of_a_dead_worker_are_done_by_another(service: Settings) -> None:
    async def scenario() -> None:
        async with benched(service) as bench:
            accepted = await send(bench.journal, bundle("a"))
            async with bench.journal.database.connection() as connection:
                # As a worker leaves it that was killed after it had taken the job.
                await connection.execute(
                    "update egisz.pgqueuer set status = 'picked', queue_manager_id = gen_random_uuid()"
                )

            async def sent() -> bool:
                return len(bench.registry.sent) == 1

            await _working(bench, service, lambda: _until(sent))
            assert (await bench.one(accepted)).state is State.AWAITING

    asyncio.run(scenario())


def test_what_fails_comes_again_by_itself(service: Settings) -> None:
    async def scenario() -> None:
        async with benched(service) as bench:
            bench.registry.silent = True
            await send(bench.journal, bundle("a"))

            async def tried() -> bool:
                async with bench.journal.database.connection() as connection:
                    return bool(await connection.fetchval("select max(attempts) from egisz.product"))

            async def mended() -> None:
                await _until(tried)
                bench.registry.silent = False

                async def sent() -> bool:
                    return len(bench.registry.sent) == 1

                await _until(sent)

            await _working(bench, service, mended)
            async with bench.journal.database.connection() as connection:
                kept = await connection.fetch(
                    "select traceback::text from egisz.pgqueuer_log where traceback is not null"
                )
            assert kept and all("silent" not in row["traceback"] for row in kept)

    asyncio.run(scenario())


def test_connections_that_are_cut_are_made_again(service: Settings) -> None:
    async def scenario() -> None:
        async with benched(service) as bench:
            await send(bench.journal, bundle("a"))

            async def accepted() -> bool:
                try:
                    await send(bench.journal, bundle("b", patient="p2"))
                except DatabaseError:  # it learns only now that its connection is cut
                    return False
                return True

            async def cut() -> None:
                async def sent(count: int) -> bool:
                    return len(bench.registry.sent) == count

                await _until(lambda: sent(1))
                async with bench.journal.database.connection() as connection:
                    await connection.execute(
                        "select pg_terminate_backend(pid) from pg_stat_activity "
                        "where datname = current_database() and pid <> pg_backend_pid()"
                    )
                await _until(accepted)
                await _until(lambda: sent(2))

            await _working(bench, service, cut)

    asyncio.run(scenario())


def test_a_job_for_a_row_that_is_elsewhere_does_nothing(service: Settings) -> None:
    async def scenario() -> None:
        async with benched(service) as bench:
            accepted = await send(bench.journal, bundle("a"))
            await bench.work()
            row = await bench.one(accepted)
            for stage in ("sign", "send", "poll"):
                async with bench.journal.database.transaction() as connection:
                    await enqueue(connection, stage, [(row.id, 99)])
            assert sorted(await bench.work()) == ["poll", "send", "sign"]
            assert await bench.one(accepted) == row
            assert len(bench.registry.sent) == 1

    asyncio.run(scenario())


def test_a_worker_with_nothing_to_do_is_told_of_jobs(service: Settings) -> None:
    """It would look by itself only after the test has given up; and no commit of a job notifies."""

    async def scenario() -> None:
        async with benched(service) as bench:

            async def told() -> None:
                async def looked() -> bool:
                    async with bench.journal.database.connection() as connection:
                        query = "select exists (select from pg_stat_activity where query ilike 'listen%')"
                        return bool(await connection.fetchval(query))

                await _until(looked)
                await asyncio.sleep(0.5)
                await send(bench.journal, bundle("a"))

                async def sent() -> bool:
                    return len(bench.registry.sent) == 1

                await _until(sent)

            await _working(bench, service, told, replace(QUICK, idle=timedelta(hours=1)))
            async with bench.journal.database.connection() as connection:
                enabled = "select count(*) from pg_trigger where tgenabled <> 'D' and tgrelid = $1::regclass"
                assert await connection.fetchval(enabled, "egisz.pgqueuer") == 0

    asyncio.run(scenario())


def test_a_registry_that_never_answers_holds_up_nothing_else(service: Settings) -> None:
    async def scenario() -> None:
        async with benched(service) as bench:
            answers = asyncio.Event()
            taken = bench.registry.send

            async def hanging(*arguments: Any, **more: Any) -> Answer:
                await answers.wait()
                return await taken(*arguments, **more)

            bench.registry.send = hanging  # type: ignore[method-assign]  # a double
            count = Pace().at_once + 5
            for number in range(count):
                await send(bench.journal, bundle("a", patient=f"p{number}"))

            async def all_signed() -> bool:
                found = (await bench.journal.outbox.counts())["product"]
                return sum(found.get(state, (0, 0.0))[0] for state in (State.SIGNED, State.SENT)) == count

            try:
                await _working(bench, service, lambda: _until(all_signed), Pace(grace=timedelta(seconds=0.1)))
            finally:
                answers.set()

    asyncio.run(scenario())
