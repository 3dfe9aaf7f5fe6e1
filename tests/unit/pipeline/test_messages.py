"""Messages of registers in the journal: their order, the numbers of their records, what answers do to them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from adapter.errors import TransportFailed, UsageError
from adapter.pipeline import ProductRow, State, search
from adapter.pipeline.periodic import Periodic
from adapter.settings import Settings
from adapter.transport.errors import ErrorClass
from tests.unit.pipeline.doubles import (
    ORGANISATION,
    Bench,
    benched,
    bundle,
    documents,
    jobs,
    letter,
    letters,
    refused,
    send,
    there,
)

RECORD = letter("vaccination-record", "v1", "shot", record="r1", first="create", change="update")
COMPLICATION = letter("vaccination-record-complication", "c1", "fever", record="r1", first="complication")
PATIENT = letter("iemk-patient", "p", first="AddPatient", change="UpdatePatient")
ENDED = letter(
    "iemk-case", "e", "ended", subject="p", first="AddCase", change={"open": "CloseCase", "closed": "UpdateCase"}
)
GOES_ON = letter("iemk-case", "e", "goes on", subject="p", first="CreateCase")


def on_a_bench(service: Settings, work: Callable[[Bench], Awaitable[None]]) -> None:
    async def scenario() -> None:
        async with benched(service) as bench:
            await work(bench)

    asyncio.run(scenario())


async def rows(bench: Bench, *messages: dict[str, Any], patient: str = "p1") -> dict[str, ProductRow]:
    """Send messages in a Bundle and work; the products by kind."""
    accepted = await send(bench.journal, letters(*messages, patient=patient))
    await bench.work()
    return {one.kind: one for one in await documents(bench.journal, accepted)}


async def records(bench: Bench) -> dict[str, str]:
    async with bench.journal.database.connection() as connection:
        return {row["scope"]: row["number"] for row in await connection.fetch("select * from egisz.record")}


def sent(bench: Bench) -> list[tuple[str, str | None]]:
    return [(operation, number) for _, operation, _, number in bench.services.sent]


def test_the_whole_way(service: Settings) -> None:
    async def work(bench: Bench) -> None:
        bench.services.numbers = {"create": "8817"}
        accepted = await send(bench.journal, letters(RECORD))
        assert await bench.work() == ["convert", "sign", "send"]
        row = await bench.one(accepted)
        assert (row.state, row.unrz, row.signatures, row.local_uid) == (State.REGISTERED, "8817", 0, None)
        assert [one.name for one in await bench.journal.product_moves(row.id)] == [
            "make",
            "prepare",
            "send",
            "register",
        ]
        (data,) = [data for _, _, data, _ in bench.services.sent]
        assert json.loads(data) == {"operation": "create", "content": "shot"}
        assert await records(bench) == {"vaccination-register": "8817"}
        history = await bench.journal.outbox.show(row.id)
        (message,) = history.messages
        assert (message["operation"], message["outcome"]) == ("create", "registered")
        assert await jobs(bench.journal) == [] and bench.maker.remade == 0

    on_a_bench(service, work)


def test_nothing_of_a_message_stands_plain(service: Settings) -> None:
    """Ids of a patient, of a record, of a message are hashed or sealed wherever they are."""

    async def work(bench: Bench) -> None:
        bench.services.numbers = {"create": "8817"}
        told = letter("vaccination-record", "ID-CANARY", "CANARY", record="RECORD-CANARY", subject="SUBJECT-CANARY")
        await rows(bench, told, patient="PATIENT-CANARY")
        async with bench.journal.database.connection() as connection:
            for (table,) in await connection.fetch("select tablename from pg_tables where schemaname = 'egisz'"):
                for (line,) in await connection.fetch(f"select t::text from egisz.{table} t"):
                    assert "CANARY" not in line and b"CANARY".hex() not in line, table

    on_a_bench(service, work)


def test_a_complication_waits_for_the_number_and_gets_it(service: Settings) -> None:
    async def work(bench: Bench) -> None:
        bench.services.numbers = {"create": "8817"}
        accepted = await send(bench.journal, letters(COMPLICATION | {"wants": True}, RECORD))
        assert await bench.step() == "convert"
        record, complication = sorted(await documents(bench.journal, accepted), key=lambda one: one.kind)
        assert record.set_id == complication.set_id and (record.version, complication.version) == (1, 2)
        assert [one.code for one in complication.findings] == ["JRN06"]
        assert await bench.work() == ["sign", "send", "sign", "send"]
        assert sent(bench) == [("create", None), ("complication", "8817")]
        complication = (await bench.journal.product(complication.id)) or complication
        assert (complication.state, complication.findings) == (State.REGISTERED, ())

    on_a_bench(service, work)


def test_a_complication_of_another_day_has_the_number_at_once(service: Settings) -> None:
    async def work(bench: Bench) -> None:
        bench.services.numbers = {"create": "8817"}
        await rows(bench, RECORD)
        await rows(bench, COMPLICATION | {"wants": True})
        assert sent(bench) == [("create", None), ("complication", "8817")]

    on_a_bench(service, work)


@pytest.mark.parametrize("wants", [True, False])
def test_without_its_record_a_complication_is_told_of(service: Settings, wants: bool) -> None:
    """Whether the map says that the number is wanted or the address of the service alone."""

    async def work(bench: Bench) -> None:
        found = await rows(bench, COMPLICATION | {"wants": wants})
        row = found["vaccination-record-complication"]
        assert (row.state, row.stopped_at, row.version) == (State.REJECTED, "check", None)
        assert row.findings[-1].code == "JRN04" and sent(bench) == []
        # Its record comes, and an operator replays it.
        bench.services.numbers = {"create": "8817"}
        await rows(bench, RECORD)
        await bench.journal.outbox.replay(row.id)
        await bench.work()
        row = (await bench.journal.product(row.id)) or row
        assert (row.state, row.findings) == (State.REGISTERED, ())
        assert sent(bench)[-1] == ("complication", "8817")

    on_a_bench(service, work)


def test_a_record_that_is_refused_leaves_the_complication_without_a_number(service: Settings) -> None:
    async def work(bench: Bench) -> None:
        bench.services.says = [refused(ErrorClass.PERMANENT)]
        found = await rows(bench, RECORD, COMPLICATION)
        assert found["vaccination-record"].state is State.REJECTED
        row = found["vaccination-record-complication"]
        assert (row.state, row.stopped_at, [one.code for one in row.findings]) == (State.REJECTED, "check", ["JRN04"])
        assert sent(bench) == [("create", None)]
        # Both are replayed once the register takes the record.
        bench.services.numbers = {"create": "8817"}
        for one in found.values():
            await bench.journal.outbox.replay(one.id)
        await bench.work()
        assert sent(bench)[1:] == [("create", None), ("complication", "8817")]
        assert {one.state for one in await bench.journal.outbox.products()} == {State.REGISTERED}

    on_a_bench(service, work)


def test_the_same_content_is_the_same_message_and_other_content_a_change(service: Settings) -> None:
    async def work(bench: Bench) -> None:
        bench.services.numbers = {"create": "8817"}
        first = (await rows(bench, RECORD))["vaccination-record"]
        again = (await rows(bench, RECORD, letter("iemk-patient", "p", first="AddPatient")))["vaccination-record"]
        assert again.id == first.id and sent(bench) == [("create", None), ("AddPatient", None)]
        changed = (await rows(bench, RECORD | {"content": "two shots"}))["vaccination-record"]
        assert (changed.version, changed.predecessor, changed.unrz) == (2, first.id, "8817")
        assert sent(bench)[-1] == ("update", "8817")

    on_a_bench(service, work)


def test_the_same_message_twice_in_a_bundle_is_one(service: Settings) -> None:
    async def work(bench: Bench) -> None:
        await rows(bench, PATIENT, PATIENT, PATIENT | {"content": "other"})
        assert sent(bench) == [("AddPatient", None), ("AddPatient", None)]

    on_a_bench(service, work)


def test_a_duplicate_gives_its_number_and_becomes_a_change(service: Settings) -> None:
    async def work(bench: Bench) -> None:
        bench.services.says = [there("8817")]
        row = (await rows(bench, RECORD))["vaccination-record"]
        assert (row.state, row.unrz) == (State.REGISTERED, "8817")
        assert sent(bench) == [("create", None), ("update", "8817")]
        names = [one.name for one in await bench.journal.product_moves(row.id)]
        assert names == ["make", "prepare", "send", "take_over", "prepare", "send", "register"]

    on_a_bench(service, work)


def test_a_register_that_has_the_record_whatever_is_sent_is_not_asked_for_ever(service: Settings) -> None:
    async def work(bench: Bench) -> None:
        bench.services.says = [there("8817"), there("8817"), there("8817")]
        row = (await rows(bench, RECORD))["vaccination-record"]
        assert row.state is State.REGISTERED and len(sent(bench)) == 2

    on_a_bench(service, work)


def test_a_case_is_opened_closed_and_changed_after_its_patient(service: Settings) -> None:
    async def work(bench: Bench) -> None:
        bench.services.numbers = {
            "AddPatient": "sent",
            "CreateCase": "open",
            "CloseCase": "closed",
            "UpdateCase": "closed",
        }
        found = await rows(bench, GOES_ON, PATIENT)
        assert sent(bench) == [("AddPatient", None), ("CreateCase", None)]
        assert {one.unrz for one in found.values()} == {None}
        assert await records(bench) == {"iemk-patient": "sent", "iemk-case": "open"}
        await rows(bench, ENDED)
        await rows(bench, ENDED | {"content": "ended otherwise"})
        assert sent(bench)[2:] == [("CloseCase", "open"), ("UpdateCase", "closed")]

    on_a_bench(service, work)


def test_a_case_that_comes_while_its_opening_is_on_its_way_closes_it(service: Settings) -> None:
    """It was made before the number was known, and is made again when its turn comes."""

    async def work(bench: Bench) -> None:
        bench.services.numbers = {"CreateCase": "open", "CloseCase": "closed"}
        bench.services.silent = True
        await rows(bench, GOES_ON)
        await rows(bench, ENDED)
        assert bench.maker.remade == 0
        bench.services.silent = False
        await bench.forward(seconds=10)
        await bench.work()
        assert sent(bench) == [("CreateCase", None), ("CloseCase", "open")]
        assert bench.maker.remade == 1

    on_a_bench(service, work)


def test_an_unknown_outcome_is_sent_again_and_the_number_that_was_missed_is_taken_over(service: Settings) -> None:
    async def work(bench: Bench) -> None:
        bench.services.says = [TransportFailed("silent"), there("8817")]
        row = (await rows(bench, RECORD))["vaccination-record"]
        assert (row.state, row.attempts) == (State.SENT, 1)
        await bench.forward(seconds=10)
        await bench.work()
        row = (await bench.journal.product(row.id)) or row
        assert (row.state, row.unrz) == (State.REGISTERED, "8817")
        assert sent(bench) == [("create", None), ("create", None), ("update", "8817")]

    on_a_bench(service, work)


def test_a_temporary_refusal_is_tried_again_and_given_up_in_the_end(service: Settings) -> None:
    async def work(bench: Bench) -> None:
        bench.services.says = [refused(ErrorClass.TEMPORARY)]
        row = (await rows(bench, RECORD))["vaccination-record"]
        assert (row.state, row.attempts) == (State.SIGNED, 1)
        bench.services.silent = True
        while row.state is not State.DEAD:
            await bench.forward(hours=1)
            await bench.work()
            row = (await bench.journal.product(row.id)) or row
        assert (row.stopped_at, row.error and row.error.error_class) == ("send", "transport")

    on_a_bench(service, work)


def test_a_message_dropped_under_way_keeps_what_the_register_says(service: Settings) -> None:
    """The operator drops it while the register answers: the record is there all the same."""

    async def work(bench: Bench) -> None:
        bench.services.numbers = {"create": "8817"}
        accepted = await send(bench.journal, letters(RECORD))
        await bench.step("convert")
        await bench.step("sign")
        row = await bench.one(accepted)
        deliver = bench.services.deliver

        async def meanwhile(message: Any, **more: Any) -> Any:
            await bench.journal.outbox.drop(row.id)
            return await deliver(message, **more)

        bench.services.deliver = meanwhile  # type: ignore[method-assign] # the double of one test
        await bench.step("send")
        row = await bench.one(accepted)
        assert (row.state, row.unrz) == (State.REGISTERED, "8817")
        assert await records(bench) == {"vaccination-register": "8817"}

    on_a_bench(service, work)


def test_numbers_are_of_one_organisation_and_one_register(service: Settings) -> None:
    async def work(bench: Bench) -> None:
        bench.services.numbers = {"create": "8817", "createVzn": "1"}
        await rows(bench, RECORD)
        other = letters(RECORD | {"content": "of another clinic"})
        await send(bench.journal, other, organisation="1.2.643.5.1.13.13.12.2.77.1")
        await bench.work()
        # The same id in another register.
        await rows(bench, letter("vzn-record", "r1", first="createVzn", change="updateVzn"))
        assert sent(bench) == [("create", None), ("create", None), ("createVzn", None)]

    on_a_bench(service, work)


def test_a_message_that_fails_its_check_never_leaves_and_is_made_again_by_a_replay(service: Settings) -> None:
    async def work(bench: Bench) -> None:
        accepted = await send(bench.journal, letters(RECORD | {"bad": True}))
        await bench.work()
        row = await bench.one(accepted)
        assert (row.state, row.stopped_at, row.version) == (State.REJECTED, "check", None)
        assert row.message_key is not None and not row.has_document and sent(bench) == []
        await bench.journal.outbox.replay(row.id)
        await bench.work()
        assert (await bench.one(accepted)).state is State.REJECTED

    on_a_bench(service, work)


def test_what_no_service_takes_is_told_of(service: Settings) -> None:
    async def work(bench: Bench) -> None:
        row = (await rows(bench, letter("of-tomorrow", "1")))["of-tomorrow"]
        assert (row.state, [one.code for one in row.findings]) == (State.REJECTED, ["JRN05"])

    on_a_bench(service, work)


def test_a_held_patient_holds_the_case(service: Settings) -> None:
    async def work(bench: Bench) -> None:
        accepted = await send(bench.journal, letters(PATIENT, GOES_ON))
        await bench.step("convert")
        patient = next(one for one in await documents(bench.journal, accepted) if one.kind == "iemk-patient")
        await bench.journal.outbox.hold(patient.id)
        await bench.work()
        assert sent(bench) == []
        await bench.journal.outbox.release(patient.id)
        await bench.work()
        assert [one for one, _ in sent(bench)] == ["AddPatient", "CreateCase"]
        # The patient may be sent again though his case has left, but not before a later change of himself.
        with pytest.raises(UsageError, match="registered"):
            await bench.journal.outbox.replay(patient.id)

    on_a_bench(service, work)


def test_a_patient_is_replayed_after_his_case_but_not_after_a_later_change_of_himself(service: Settings) -> None:
    async def work(bench: Bench) -> None:
        bench.services.says = [refused(ErrorClass.PERMANENT)]
        found = await rows(bench, PATIENT, GOES_ON)
        assert [one.state for one in found.values()] == [State.REJECTED, State.REGISTERED]
        await bench.journal.outbox.replay(found["iemk-patient"].id)
        bench.services.says = [refused(ErrorClass.PERMANENT)]
        await bench.work()
        await rows(bench, PATIENT | {"content": "moved house"})
        with pytest.raises(UsageError, match="order of versions"):
            await bench.journal.outbox.replay(found["iemk-patient"].id)

    on_a_bench(service, work)


def test_a_bundle_gives_a_document_and_messages(service: Settings) -> None:
    async def work(bench: Bench) -> None:
        bench.services.numbers = {"create": "8817"}
        facts = json.loads(bundle("a")) | {"messages": [RECORD, PATIENT]}
        accepted = await send(bench.journal, json.dumps(facts).encode())
        await bench.work()
        states = {one.kind: one.state for one in await documents(bench.journal, accepted)}
        assert states == {
            "170": State.AWAITING,
            "vaccination-record": State.REGISTERED,
            "iemk-patient": State.REGISTERED,
        }

    on_a_bench(service, work)


def test_a_service_that_hangs_holds_up_no_other(service: Settings) -> None:
    async def work(bench: Bench) -> None:
        bench.services.silent = True
        for number in range(8):
            await rows(bench, RECORD | {"id": f"v{number}", "record": f"r{number}"}, patient=f"q{number}")
        # Five silences: the register of the vaccinated is left alone; N3 is not.
        bench.services.silent = False
        await rows(bench, PATIENT)
        assert sent(bench) == [("AddPatient", None)]

    on_a_bench(service, work)


def test_what_a_register_has_is_not_kept_for_ever(service: Settings) -> None:
    """A document is, because РЭМД may ask for its file; of a message that was refused the operator may want more."""

    async def work(bench: Bench) -> None:
        bench.services.says = [refused(ErrorClass.PERMANENT)]
        facts = json.loads(bundle("a", uid="170.1")) | {"messages": [RECORD, PATIENT]}
        accepted = await send(bench.journal, json.dumps(facts).encode())
        await bench.work()
        await bench.come("M1", bench.registry.sent[0][1], emdr_id="1")
        conf = service.model_copy(update={"keep_messages_days": 30, "keep_bundles_days": 0})
        bench.clock.now = datetime.now(UTC) + timedelta(days=29)
        await Periodic(bench.journal, conf).keep()
        assert all(one.document_id for one in await documents(bench.journal, accepted))
        bench.clock.now += timedelta(days=2)
        await Periodic(bench.journal, conf).keep()
        kept = {one.kind for one in await documents(bench.journal, accepted) if one.document_id}
        assert kept == {"170", "iemk-patient"}

    on_a_bench(service, work)


def test_a_search_of_documents_finds_no_messages(service: Settings) -> None:
    async def work(bench: Bench) -> None:
        facts = json.loads(bundle("a")) | {"messages": [RECORD, PATIENT]}
        await send(bench.journal, json.dumps(facts).encode())
        await bench.work()
        found = await search.documents(bench.journal.database, search.Wanted([ORGANISATION]), 10)
        assert [row.kind for row, _ in found] == ["170"]

    on_a_bench(service, work)


def test_what_reaches_the_state_is_in_the_audit(service: Settings) -> None:
    async def work(bench: Bench) -> None:
        row = (await rows(bench, RECORD))["vaccination-record"]
        async with bench.journal.database.connection() as connection:
            found = await connection.fetch("select event from egisz.audit where event->>'type' = 'disclosure'")
        ((event,),) = found
        told = json.loads(event)
        assert told["agent"] == "vaccination-register" and told["entity"] == f"Basic/{row.id}"

    on_a_bench(service, work)
