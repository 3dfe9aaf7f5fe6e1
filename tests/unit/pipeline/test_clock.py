"""A clock that is set while documents are under way, or that is not the clock of others."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from adapter.errors import SigningError
from adapter.findings import Text
from adapter.pipeline import State
from adapter.pipeline.periodic import Periodic
from adapter.settings import Settings
from adapter.transport.errors import ErrorItem, error_book
from tests.unit.pipeline.doubles import NOON, Bench, benched, bundle, jobs, result, send

#: Parts of the way, one after the other; the clock is set before each of them.
WAY = ("convert", "sign", "send", "callback")


async def _result(bench: Bench) -> None:
    """The state registers what was sent last."""
    uid, message = bench.registry.sent[-1]
    bench.registry.registered[uid] = f"170.77.26.11.{len(bench.registry.sent):09d}"
    told = result(f"R{len(bench.registry.sent)}", message, emdr_id=bench.registry.registered[uid])
    await bench.journal.callback(*told)


@pytest.mark.parametrize("before", WAY)
@pytest.mark.parametrize("hours", [5.0, -5.0, 0.1, -0.1])
def test_the_clock_is_set_between_two_stages(service: Settings, before: str, hours: float) -> None:
    async def scenario() -> None:
        async with benched(service) as bench:
            accepted = [await send(bench.journal, bundle(f"{version}"), key=f"{version}") for version in range(2)]
            for _ in range(2):
                for stage in WAY:
                    if stage == before:
                        bench.clock.forward(hours=hours)
                    if stage == "callback":
                        await _result(bench)
                    await bench.work(stage)
            assert [(await bench.one(one)).state for one in accepted] == [State.REGISTERED] * 2
            # Once each, in the order of the set, and nothing is left to be done again.
            assert [uid for uid, _ in bench.registry.sent] == ["p1.1", "p1.2"]
            assert await jobs(bench.journal) == []

    asyncio.run(scenario())


def test_what_was_written_before_the_clock_was_set_back_does_not_wait_for_that_time(service: Settings) -> None:
    async def scenario() -> None:
        async with benched(service) as bench:
            await send(bench.journal, bundle("a"), key="1")
            await send(bench.journal, bundle("b", patient="p2"), key="2")
            async with bench.journal.database.connection() as connection:
                # The database wrote all of this at a time that is five hours ahead.
                await connection.execute(
                    """update egisz.pgqueuer set created = created + interval '5 hours',
                    updated = updated + interval '5 hours', heartbeat = heartbeat + interval '5 hours',
                    execute_after = execute_after + interval '5 hours'"""
                )
                # One job was to wait for a minute; a worker that died has the other.
                first, second = await connection.fetch("select id from egisz.pgqueuer order by id")
                await connection.execute(
                    "update egisz.pgqueuer set execute_after = updated + interval '1 minute' where id = $1", first["id"]
                )
                await connection.execute("update egisz.pgqueuer set status = 'picked' where id = $1", second["id"])
            periodic = Periodic(bench.journal, service)
            assert await periodic.steady() == 2
            async with bench.journal.database.connection() as connection:
                told = await connection.fetch(
                    """select execute_after - now() as wait, heartbeat <= now() as silent from egisz.pgqueuer
                    order by id"""
                )
            assert timedelta(seconds=50) < told[0]["wait"] <= timedelta(minutes=1)
            assert told[1]["wait"] <= timedelta(0) and told[1]["silent"]
            assert await periodic.steady() == 0

    asyncio.run(scenario())


def test_rows_of_the_future_get_their_lost_jobs_too(service: Settings) -> None:
    async def scenario() -> None:
        async with benched(service) as bench:
            await send(bench.journal, bundle("a"))
            async with bench.journal.database.connection() as connection:
                await connection.execute("delete from egisz.pgqueuer")
                await connection.execute("update egisz.submission set changed_at = now() + interval '5 hours'")
            assert await Periodic(bench.journal, service).mend() == 1

    asyncio.run(scenario())


def test_no_request_precedes_its_signatures(service: Settings) -> None:
    async def scenario() -> None:
        async with benched(service) as bench:
            accepted = await send(bench.journal, bundle("a"))
            await bench.work("convert", "sign")
            # Signed by a machine whose clock is half a minute ahead.
            bench.registry.signatures_say = NOON + timedelta(seconds=30)
            assert await bench.work("send") == ["send again"]
            assert (await bench.one(accepted)).state is State.SIGNED and bench.registry.sent == []
            await bench.forward(seconds=31)
            await bench.work("send")
            assert (await bench.one(accepted)).state is State.AWAITING

    asyncio.run(scenario())


def test_what_was_signed_before_the_clock_was_set_back_is_signed_again(service: Settings) -> None:
    async def scenario() -> None:
        async with benched(service) as bench:
            accepted = await send(bench.journal, bundle("a"))
            await bench.work("convert", "sign")
            bench.registry.signatures_say = NOON + timedelta(hours=5)
            await bench.work("send")
            assert (await bench.one(accepted)).state is State.CHECKED and bench.registry.sent == []
            bench.registry.signatures_say = NOON
            await bench.work()
            row = await bench.one(accepted)
            assert (row.state, row.attempts) == (State.AWAITING, 0)
            assert len(await bench.journal.signatures(row.id)) == 2

    asyncio.run(scenario())


def test_a_document_of_the_future_waits_for_its_signature(service: Settings) -> None:
    async def scenario() -> None:
        async with benched(service) as bench:
            bench.signer.error = SigningError(Text("рано", "early"), "temporary")
            accepted = await send(bench.journal, bundle("a"))
            await bench.work()
            row = await bench.one(accepted)
            assert row.state is State.CHECKED and row.error is not None and row.error.text.en == "early"
            bench.signer.error = None
            await bench.forward(minutes=3)
            await bench.work()
            assert (await bench.one(accepted)).state is State.AWAITING

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "error",
    [
        ErrorItem("WRONG_CREATION_DATE"),
        ErrorItem("VALIDATION_ERROR", "Дата и время создания подписи МО 1 не может быть позже даты запроса"),
    ],
)
def test_a_state_whose_clock_is_behind_gets_it_again(service: Settings, error: ErrorItem) -> None:
    async def scenario() -> None:
        async with benched(service) as bench:
            bench.registry.sync = error_book().classify([error])
            accepted = await send(bench.journal, bundle("a"))
            await bench.work()
            assert (await bench.one(accepted)).state is State.SIGNED
            # Not at once: its clock needs time.
            assert await bench.work() == []
            bench.registry.sync = None
            await bench.forward(minutes=2)
            await bench.work()
            assert (await bench.one(accepted)).state is State.AWAITING

    asyncio.run(scenario())
