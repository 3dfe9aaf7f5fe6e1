"""From a Bundle to the state's answer, job by job, with doubles of the neighbours."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json

import pytest

from adapter.errors import SigningError, UsageError
from adapter.findings import Finding, Severity, Text
from adapter.pipeline import State, SubmissionState
from adapter.pipeline.periodic import Periodic
from adapter.pipeline.webhooks import set_webhook
from adapter.settings import Settings
from adapter.transport.callbacks import FileRequest
from adapter.transport.errors import ErrorClass, Verdict
from tests.unit.pipeline.doubles import Bench, benched, bundle, documents, jobs, send


async def _sent(bench: Bench, content: str = "a", **more: object) -> tuple[object, str]:
    """A document that waits for its answer, and the id of its message."""
    accepted = await send(bench.journal, bundle(content), key=content)
    await bench.work()
    return accepted, bench.registry.sent[-1][1]


def test_the_whole_way(service: Settings) -> None:
    async def scenario() -> None:
        async with benched(service) as bench:
            accepted = await send(bench.journal, bundle("a"))
            assert await bench.work() == ["convert", "sign", "send"]
            row = await bench.one(accepted)
            assert (row.state, row.signatures, row.attempts) == (State.AWAITING, 2, 0)
            ((uid, message_id),) = bench.registry.sent
            assert uid == row.local_uid
            document = await bench.journal.document(row.id)
            assert document is not None
            roles = {one.role: one.data for one in await bench.journal.signatures(row.id)}
            assert roles["AUTHOR"] == b"a" + hashlib.sha256(document).digest()
            assert await bench.come("M1", message_id, emdr_id="170.77.1") == "registered"
            row = await bench.one(accepted)
            assert (row.state, row.emdr_id, row.ask_at) == (State.REGISTERED, "170.77.1", None)
            names = [one.name for one in await bench.journal.product_moves(row.id)]
            assert names == ["make", "sign", "send", "acknowledge", "register"]
            assert await jobs(bench.journal) == []
            found = await bench.journal.product_by_message_id(message_id)
            assert found is not None and found.id == row.id

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("first", "second", "outcome", "state"),
    [
        ({"emdr_id": "1"}, {"emdr_id": "1"}, "repeated", State.REGISTERED),
        ({"emdr_id": "1"}, {"emdr_id": "2"}, "contradicts", State.REGISTERED),
        ({"emdr_id": "1"}, {"errors": ["NO_SIGNATURE"]}, "contradicts", State.REGISTERED),
        ({"errors": ["NO_SIGNATURE"]}, {"errors": ["NO_SIGNATURE"]}, "repeated", State.REJECTED),
        ({"errors": ["NO_SIGNATURE"]}, {"emdr_id": "1"}, "late", State.REGISTERED),
        ({"emdr_id": "1"}, {"errors": ["NOT_UNIQUE_PROVIDED_ID"]}, "repeated", State.REGISTERED),
        ({"errors": ["INTERNAL_ERROR"]}, {"emdr_id": "1"}, "registered", State.REGISTERED),
    ],
)
def test_two_results_of_one_document(
    service: Settings, first: dict[str, object], second: dict[str, object], outcome: str, state: State
) -> None:
    async def scenario() -> None:
        async with benched(service) as bench:
            accepted, message_id = await _sent(bench)
            for name, facts in (("M1", dict(first)), ("M2", dict(second))):
                came = await bench.come(name, message_id, *facts.pop("errors", ()), **facts)
            assert (came, (await bench.one(accepted)).state) == (outcome, state)

    asyncio.run(scenario())


def test_the_same_message_changes_nothing_the_second_time(service: Settings) -> None:
    async def scenario() -> None:
        async with benched(service) as bench:
            accepted, message_id = await _sent(bench)
            assert await bench.come("M1", message_id, "NO_SIGNATURE") == "rejected"
            before = await bench.one(accepted)
            assert await bench.come("M1", message_id, emdr_id="1") == "rejected"
            assert await bench.one(accepted) == before

    asyncio.run(scenario())


def test_a_result_of_nothing_that_is_known_is_kept(service: Settings) -> None:
    async def scenario() -> None:
        async with benched(service) as bench:
            accepted, _ = await _sent(bench)
            assert await bench.come("M1", "ELSEWHERE", emdr_id="1") == "unknown"
            assert (await bench.one(accepted)).state is State.AWAITING

    asyncio.run(scenario())


def test_a_result_without_a_relation_is_found_by_the_id_of_the_document(service: Settings) -> None:
    async def scenario() -> None:
        async with benched(service) as bench:
            accepted, _ = await _sent(bench)
            uid = (await bench.one(accepted)).local_uid
            assert await bench.come("M1", "", emdr_id="1", local_uid=uid) == "registered"

    asyncio.run(scenario())


def test_no_answer_is_a_state_of_its_own_and_the_same_document_is_sent_again(service: Settings) -> None:
    async def scenario() -> None:
        async with benched(service) as bench:
            bench.registry.silent = True
            accepted = await send(bench.journal, bundle("a"))
            assert await bench.work() == ["convert", "sign", "send again"]
            row = await bench.one(accepted)
            assert (row.state, row.attempts, row.error.error_class) == (State.SENT, 1, "transport")
            bench.registry.silent = False
            assert await bench.work() == []
            await bench.forward(minutes=1)
            assert await bench.work() == ["send"]
            assert (await bench.one(accepted)).state is State.AWAITING
            history = await bench.journal.outbox.show(row.id)
            assert [one["attempt"] for one in history.messages] == [1, 2]
            # An answer to the first attempt, of which nobody knew whether it had come.
            first = history.messages[0]["message_id"]
            assert await bench.come("M1", first, "NO_SIGNATURE") == "stale"
            assert await bench.come("M2", first, emdr_id="1") == "registered"

    asyncio.run(scenario())


def test_a_callback_that_comes_before_the_answer(service: Settings) -> None:
    async def scenario() -> None:
        async with benched(service) as bench:
            accepted = await send(bench.journal, bundle("a"))
            taken = bench.registry.send

            async def early(*args, **more):  # type: ignore[no-untyped-def] # as the one it stands for
                answer = await taken(*args, **more)
                await bench.journal.callback(*_result("M1", bench.registry.sent[-1][1], emdr_id="1"))
                await bench.stages.run("callback", str(await _last_message(bench)), 0)
                return answer

            bench.registry.send = early
            await bench.work()
            row = await bench.one(accepted)
            assert (row.state, row.emdr_id) == (State.REGISTERED, "1")
            history = await bench.journal.outbox.show(row.id)
            assert [one["outcome"] for one in history.messages] == ["acknowledged", "registered"]

    from tests.unit.pipeline.doubles import result as _result

    async def _last_message(bench: Bench) -> int:
        async with bench.journal.database.connection() as connection:
            return await connection.fetchval("select max(id) from egisz.message where direction = 'in'")

    asyncio.run(scenario())


def test_a_temporary_error_sends_the_same_document_again(service: Settings) -> None:
    async def scenario() -> None:
        async with benched(service) as bench:
            accepted, message_id = await _sent(bench)
            assert await bench.come("M1", message_id, "RATE_LIMIT") == "again"
            assert await bench.work() == []
            await bench.forward(seconds=59)
            assert await bench.work() == []
            await bench.forward(minutes=10)
            assert await bench.work() == ["send"]
            assert len({uid for uid, _ in bench.registry.sent}) == 1
            assert (await bench.one(accepted)).attempts == 1

    asyncio.run(scenario())


def test_what_is_there_already_is_taken_over(service: Settings) -> None:
    async def scenario() -> None:
        async with benched(service) as bench:
            bench.registry.sync = Verdict(ErrorClass.DONE, Text("", ""), ("NOT_UNIQUE_PROVIDED_ID",), emdr_id="7")
            accepted = await send(bench.journal, bundle("a"))
            await bench.work()
            row = await bench.one(accepted)
            assert (row.state, row.emdr_id) == (State.REGISTERED, "7")

    asyncio.run(scenario())


def test_a_number_that_is_not_told_is_asked_for(service: Settings) -> None:
    async def scenario() -> None:
        async with benched(service) as bench:
            bench.registry.sync = Verdict(ErrorClass.DONE, Text("", ""), ("NOT_UNIQUE_PROVIDED_ID",))
            accepted = await send(bench.journal, bundle("a"))
            await bench.work()
            row = await bench.one(accepted)
            assert row.state is State.AWAITING
            bench.clock.forward(minutes=1)
            periodic = Periodic(bench.journal, service)
            assert await periodic.ask() == 1
            await bench.work()
            assert (await bench.one(accepted)).state is State.AWAITING
            bench.registry.registered[row.local_uid] = "7"
            bench.clock.forward(minutes=20)
            await periodic.ask()
            await bench.work()
            row = await bench.one(accepted)
            assert (row.state, row.emdr_id) == (State.REGISTERED, "7")
            assert len(bench.registry.sent) == 1

    asyncio.run(scenario())


def test_what_is_not_answered_is_asked_about_then_sent_again_then_given_up(service: Settings) -> None:
    async def scenario() -> None:
        async with benched(service) as bench:
            accepted, _ = await _sent(bench)
            periodic = Periodic(bench.journal, service)
            assert await periodic.ask() == 0
            for day in range(2):
                bench.clock.forward(hours=25)
                assert await periodic.ask() == 1
                assert await bench.work() == ["poll", "send"]
                assert len(bench.registry.sent) == day + 2
            bench.clock.forward(hours=25)
            await periodic.ask()
            await bench.work()
            row = await bench.one(accepted)
            assert (row.state, row.stopped_at) == (State.DEAD, "answer")
            assert await bench.come("M1", bench.registry.sent[0][1], emdr_id="1") == "late"

    asyncio.run(scenario())


def test_a_refusal_at_once(service: Settings) -> None:
    async def scenario() -> None:
        async with benched(service) as bench:
            bench.registry.sync = Verdict(ErrorClass.PERMANENT, Text("нет", "no"), ("NO_RMIS",))
            accepted = await send(bench.journal, bundle("a"))
            await bench.work()
            row = await bench.one(accepted)
            assert (row.state, row.stopped_at, row.error.codes) == (State.REJECTED, "register", ("NO_RMIS",))

    asyncio.run(scenario())


def test_what_cannot_be_sent_is_dead_in_the_end_and_can_be_replayed(service: Settings) -> None:
    async def scenario() -> None:
        async with benched(service) as bench:
            bench.registry.silent = True
            accepted = await send(bench.journal, bundle("a"))
            await bench.work()
            for _ in range(8):
                await bench.forward(hours=10)
                await bench.work()
            row = await bench.one(accepted)
            assert (row.state, row.stopped_at) == (State.DEAD, "send")
            bench.registry.silent = False
            await bench.journal.outbox.replay(row.id)
            # A registry that was silent is left alone for a while.
            await bench.forward(minutes=1)
            await bench.work()
            row = await bench.one(accepted)
            assert (row.state, row.attempts) == (State.AWAITING, 0)

    asyncio.run(scenario())


def test_keys_that_are_not_there_stop_a_document_at_once(service: Settings) -> None:
    async def scenario() -> None:
        async with benched(service) as bench:
            bench.signer.findings = (Finding("SIG23", Severity.ERROR, Text("нет", "none")),)
            accepted = await send(bench.journal, bundle("a"))
            await bench.work()
            row = await bench.one(accepted)
            assert (row.state, row.stopped_at) == (State.DEAD, "sign")
            assert [one.code for one in row.findings] == ["SIG23"]

    asyncio.run(scenario())


@pytest.mark.parametrize(("error_class", "state"), [("temporary", State.CHECKED), ("permanent", State.DEAD)])
def test_a_signing_tool_that_fails(service: Settings, error_class: str, state: State) -> None:
    async def scenario() -> None:
        async with benched(service) as bench:
            bench.signer.error = SigningError("no answer", error_class)  # type: ignore[arg-type] # of two
            accepted = await send(bench.journal, bundle("a"))
            await bench.work()
            assert (await bench.one(accepted)).state is state

    asyncio.run(scenario())


def test_a_bug_is_tried_again_without_its_text(service: Settings) -> None:
    async def scenario() -> None:
        async with benched(service) as bench:
            bench.signer.error = ValueError("Иванов Иван")
            accepted = await send(bench.journal, bundle("a"))
            assert await bench.work() == ["convert", "sign again"]
            row = await bench.one(accepted)
            assert (row.state, row.attempts, row.error.error_class) == (State.CHECKED, 1, "internal")
            assert "Иванов" not in repr(row)

    asyncio.run(scenario())


def test_a_conversion_that_cannot_be_done_is_tried_again(service: Settings) -> None:
    async def scenario() -> None:
        async with benched(service) as bench:
            make, bench.maker.make = bench.maker.make, _fail
            accepted = await send(bench.journal, bundle("a"))
            assert await bench.work() == ["convert again"]
            row = await bench.journal.submission(accepted.submission_id)
            assert row is not None and (row.state, row.attempts) == (SubmissionState.ACCEPTED, 1)
            bench.maker.make = make
            await bench.forward(minutes=1)
            await bench.work()
            assert (await bench.one(accepted)).state is State.AWAITING

    async def _fail(*_args, **_more):  # type: ignore[no-untyped-def] # as the one it stands for
        raise OSError("Иванов")

    asyncio.run(scenario())


def test_a_client_is_told_of_a_final_state(service: Settings) -> None:
    async def scenario() -> None:
        async with benched(service) as bench:
            async with bench.journal.database.connection() as connection:
                await connection.execute("insert into egisz.client (id, organisations) values ('mis', '{}')")
            await set_webhook(bench.journal, "mis", "https://mis.test/hook", b"secret")
            accepted, message_id = await _sent(bench)
            bench.hooks.status = 500
            await bench.come("M1", message_id, emdr_id="1")
            assert await bench.work() == ["notify again"]
            bench.hooks.status = 204
            await bench.forward(minutes=1)
            assert await bench.work() == ["notify"]
            first, again = bench.hooks.posted
            assert first[1] == again[1] and first[2]["X-Egisz-Notice"] == again[2]["X-Egisz-Notice"]
            url, body, headers = again
            row = await bench.one(accepted)
            told = json.loads(body)
            assert url == "https://mis.test/hook"
            assert (told["product"], told["state"], told["emdrId"]) == (str(row.id), "registered", "1")
            stamp, _, digest = headers["X-Egisz-Signature"].partition(",v1=")
            message = f"{stamp.removeprefix('t=')}.".encode() + body
            assert digest == hmac.new(b"secret", message, hashlib.sha256).hexdigest()

    asyncio.run(scenario())


def test_what_lost_its_job_gets_another(service: Settings) -> None:
    async def scenario() -> None:
        async with benched(service) as bench:
            periodic = Periodic(bench.journal, service)
            accepted = await send(bench.journal, bundle("a"), key="1")
            await send(bench.journal, bundle("b"), key="2")
            async with bench.journal.database.connection() as connection:
                await connection.execute("delete from egisz.pgqueuer")
                await connection.execute("update egisz.submission set changed_at = now() - interval '1 hour'")
            # The second waits for the first: it has no job on purpose.
            assert await periodic.mend() == 1
            assert await periodic.mend() == 0
            await bench.work("convert")
            async with bench.journal.database.connection() as connection:
                await connection.execute("delete from egisz.pgqueuer")
                await connection.execute("update egisz.product set changed_at = now() - interval '1 hour'")
            assert await periodic.mend() == 1
            await bench.work()
            assert (await bench.one(accepted)).state is State.AWAITING

    asyncio.run(scenario())


def test_held_documents_do_not_leave_and_hold_up_their_set_alone(service: Settings) -> None:
    async def scenario() -> None:
        async with benched(service) as bench:
            first = await send(bench.journal, bundle("a"), key="1")
            second = await send(bench.journal, bundle("b"), key="2")
            other = await send(bench.journal, bundle("c", patient="p2"), key="3")
            await bench.work("convert")
            held = await bench.one(first)
            await bench.journal.outbox.hold(held.id)
            await bench.work()
            assert [(await bench.one(one)).state for one in (first, second, other)] == ["held", "checked", "awaiting"]
            await bench.journal.outbox.release(held.id)
            await bench.work()
            assert [(await bench.one(one)).state for one in (first, second)] == ["awaiting", "checked"]
            await bench.journal.outbox.drop(held.id)
            await bench.work()
            assert [(await bench.one(one)).state for one in (first, second)] == ["dead", "awaiting"]
            assert [row.version for row in await documents(bench.journal, second)] == [2]

    asyncio.run(scenario())


@pytest.mark.parametrize("by_message", [False, True])
def test_a_file_that_is_asked_for(service: Settings, by_message: bool) -> None:
    async def scenario() -> None:
        async with benched(service) as bench:
            bench.journal.files_by_message = by_message
            accepted, _ = await _sent(bench)
            row = await bench.one(accepted)
            bench.registry.silent = True
            await bench.journal.callback(FileRequest(message_id="F1", local_uid=row.local_uid), b"<x/>")
            await bench.journal.callback(FileRequest(message_id="F2", local_uid="unknown"), b"<x/>")
            # In the answer to the request, by whoever answers it; else by a worker, until it is taken.
            assert await bench.work() == (["callback again"] if by_message else [])
            bench.registry.silent = False
            await bench.forward(minutes=1)
            assert await bench.work() == (["callback"] if by_message else [])
            assert bench.registry.files == ([await bench.journal.document(row.id)] if by_message else [])
            async with bench.journal.database.connection() as connection:
                rows = await connection.fetch("select outcome from egisz.message where direction = 'in' order by id")
            assert [one["outcome"] for one in rows] == ["served", "unknown"]
            assert (await bench.one(accepted)).state is State.AWAITING

    asyncio.run(scenario())


def test_a_version_is_not_replayed_once_a_later_one_has_left(service: Settings) -> None:
    async def scenario() -> None:
        async with benched(service) as bench:
            first = await send(bench.journal, bundle("a"), key="1")
            await send(bench.journal, bundle("b"), key="2")
            await bench.work("convert")
            one = await bench.one(first)
            await bench.journal.outbox.drop(one.id)
            await bench.journal.outbox.replay(one.id)
            await bench.journal.outbox.drop(one.id)
            await bench.work()
            assert [uid for uid, _ in bench.registry.sent] == ["p1.2"]
            with pytest.raises(UsageError, match="later version"):
                await bench.journal.outbox.replay(one.id)

    asyncio.run(scenario())
