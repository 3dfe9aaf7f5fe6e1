"""Any order of events leaves the journal whole: nothing is lost or sent out of order, what is final is final."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from adapter.errors import TransportFailed, UsageError
from adapter.findings import Text
from adapter.pipeline import Journal, ProductRow, State, SubmissionRow
from adapter.pipeline.model import new_id
from adapter.pipeline.periodic import Periodic
from adapter.registers.delivery import Delivered, Outgoing
from adapter.settings import Settings
from adapter.transport.errors import ErrorClass, Verdict
from tests.database import fresh_database, running_cluster, service_settings, template
from tests.unit.pipeline.doubles import Bench, Clock, Services, bundle, letter, letters, refused, send, there

_NONE = Text("", "")
ANSWERS = {
    "taken": None,
    "busy": Verdict(ErrorClass.TEMPORARY, _NONE),
    "wrong": Verdict(ErrorClass.PERMANENT, _NONE),
    "there": Verdict(ErrorClass.DONE, _NONE, emdr_id="by-text"),
    "there, no number": Verdict(ErrorClass.DONE, _NONE),
}
_EMPTY = "truncate egisz.submission, egisz.payload, egisz.pgqueuer, egisz.client cascade"
_ERRORS = ((), (), ("NO_SIGNATURE",), ("RATE_LIMIT",), ("NOT_UNIQUE_PROVIDED_ID",))


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Settings of a service on a database of these tests alone."""
    with running_cluster() as cluster, fresh_database(template(cluster)) as url:
        yield service_settings(url, tmp_path_factory.mktemp("data"))


class Register(Services):
    """A register with records: made once, changed and told about under their number alone.

    Attributes:
        fault: of the next answers: ``lost`` (taken, and nobody is told), ``silent``, ``busy``, ``wrong``, or none.
        strays: operations that came without the number of their record.
    """

    def __init__(self) -> None:
        super().__init__()
        self.records: dict[str, str] = {}
        self.fault = ""
        self.strays: list[str] = []

    async def deliver(self, message: Outgoing, *, message_id: UUID, at: datetime) -> Delivered:
        if self.fault == "silent":
            raise TransportFailed("silent")
        if self.fault in ("busy", "wrong"):
            return refused(ErrorClass.TEMPORARY if self.fault == "busy" else ErrorClass.PERMANENT)
        record = message.key["record"]
        number = self.records.get(record)
        if message.operation == "create" and number is not None:
            return there(number)
        if message.operation == "create":
            number = self.records[record] = f"N{len(self.records)}"
        elif number is None or message.key.get("reg_id") != number:
            self.strays.append(message.operation)
        if self.fault == "lost":
            raise TransportFailed("lost")
        told = number if message.operation == "create" else None
        return Delivered(True, told, False, None, b"request", b"response")


PRODUCTS = st.sampled_from(["vaccination-record", "vaccination-record-complication"])
FAULTS = st.sampled_from(["", "", "lost", "silent", "busy", "wrong"])


class Machine(RuleBasedStateMachine):
    """A journal to which things happen; ``runner`` and ``journal`` are those of the whole test."""

    runner: asyncio.Runner
    journal: Journal
    service: Settings

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.journal.clock = self.clock
        self.register = Register()
        self.bench = Bench(self.journal, self.clock, self.register)
        self.periodic = Periodic(self.journal, self.service)
        self.registered: dict[Any, str | None] = {}
        self.messages = 0

    def do(self, work: Awaitable[Any]) -> Any:
        return self.runner.run(work)  # type: ignore[arg-type] # coroutines all

    @initialize()
    def empty(self) -> None:
        self.do(self._execute(_EMPTY))

    async def _execute(self, statement: str) -> None:
        async with self.journal.database.connection() as connection:
            await connection.execute(statement)

    # -- what happens -------------------------------------------------------------------------------------------------

    @rule(
        patient=st.sampled_from(["p1", "p2"]),
        content=st.sampled_from("abc"),
        given=st.sampled_from([None, None, 1, 2, 5]),
        key=st.sampled_from([None, "k1", "k2"]),
        bad=st.booleans(),
    )
    def comes(self, patient: str, content: str, given: int | None, key: str | None, bad: bool) -> None:
        data = bundle(content, patient, given=given, bad=bad and content == "c")
        first = self.do(send(self.journal, data, key=key))
        again = self.do(send(self.journal, data, key=key))
        assert again.submission_id == first.submission_id and not again.created

    @rule(patient=st.sampled_from(["p1", "p2"]), content=st.sampled_from("abc"), products=st.sets(PRODUCTS, min_size=1))
    def tells(self, patient: str, content: str, products: set[str]) -> None:
        """Messages of a register: the record of a patient, and what is told about it."""
        known = {
            "vaccination-record": letter("vaccination-record", "v", content, record=patient, change="update"),
            "vaccination-record-complication": letter(
                "vaccination-record-complication", content, content, record=patient, first="complication", wants=True
            ),
        }
        self.do(send(self.journal, letters(*(known[one] for one in sorted(products)), patient=patient)))

    @rule(skip=st.integers(0, 4), answer=st.sampled_from(sorted(ANSWERS)), silent=st.booleans(), fault=FAULTS)
    def job(self, skip: int, answer: str, silent: bool, fault: str) -> None:
        self.bench.registry.sync, self.bench.registry.silent = ANSWERS[answer], silent
        self.register.fault = fault
        self.do(self.bench.step(skip=skip))

    @rule(answer=st.sampled_from(sorted(ANSWERS)), fault=FAULTS)
    def jobs(self, answer: str, fault: str) -> None:
        self.bench.registry.sync, self.bench.registry.silent = ANSWERS[answer], False
        self.register.fault = fault
        self.do(self.bench.work())

    @rule(
        data=st.data(),
        errors=st.sampled_from([(), (), ("NO_SIGNATURE",), ("RATE_LIMIT",), ("NOT_UNIQUE_PROVIDED_ID",)]),
    )
    def callback(self, data: st.DataObject, errors: tuple[str, ...]) -> None:
        sent = sorted({message for _, message in self.bench.registry.sent})
        about = data.draw(st.sampled_from([*sent, "UNKNOWN"]))
        repeated = self.messages and data.draw(st.booleans())
        self.messages += 0 if repeated else 1
        self.do(
            self.bench.come(f"M{self.messages}", about, *errors, **({} if errors else {"emdr_id": f"E{self.messages}"}))
        )

    @rule(hours=st.sampled_from([1, 25, 80]))
    def time(self, hours: int) -> None:
        self.do(self.bench.forward(hours=hours))
        self.do(self.periodic.ask())

    @rule(data=st.data(), name=st.sampled_from(["replay", "drop", "hold", "release"]))
    def operator(self, data: st.DataObject, name: str) -> None:
        rows = [row.id for row in self._products()] + [row.id for row in self._submissions()]
        row = data.draw(st.sampled_from(sorted(rows, key=rows.index))) if rows else new_id()
        try:
            self.do(getattr(self.journal.outbox, name)(row))
        except UsageError:
            assert row not in rows or self._state(row) is not None

    def _state(self, row_id: Any) -> str | None:
        return self.do(self.journal.outbox.show(row_id)).row.state.value

    # -- what holds ---------------------------------------------------------------------------------------------------

    def _products(self) -> list[ProductRow]:
        found: list[ProductRow] = self.do(self.journal.outbox.products(limit=1000))
        return sorted(found, key=lambda row: (row.set_id or "", row.version or 0, row.created_at))

    def _submissions(self) -> list[SubmissionRow]:
        states = ["accepted", "held", "converted", "refused", "dead"]
        found: list[SubmissionRow] = self.do(self.journal.outbox.submissions(states, limit=1000))
        return sorted(found, key=lambda row: row.seq)

    @invariant()
    def final_states_stay(self) -> None:
        now = {row.id: row.emdr_id for row in self._products() if row.state is State.REGISTERED}
        assert self.registered.items() <= now.items()
        self.registered = now

    @invariant()
    def versions_are_one_each_and_leave_in_order(self) -> None:
        by_set: dict[str, list[ProductRow]] = {}
        for row in self._products():
            if row.version is not None:
                by_set.setdefault(row.set_id or "", []).append(row)
        for rows in by_set.values():
            versions = [row.version for row in rows]
            assert len(set(versions)) == len(versions)
            assert [row.created_at for row in rows] == sorted(row.created_at for row in rows)
            for number, row in enumerate(rows):
                if row.state in (State.SIGNED, State.SENT, State.AWAITING):
                    assert all(earlier.state in State.final() for earlier in rows[:number])

    @invariant()
    def numbers_are_those_of_the_register(self) -> None:
        assert not self.register.strays
        for row in self._products():
            if row.kind == "vaccination-record" and row.state is State.REGISTERED:
                assert row.unrz in self.register.records.values()

    @invariant()
    def nothing_is_left_without_a_job(self) -> None:
        jobs = set(self.do(self._jobs()))
        products = self._products()
        for row in products:
            earlier = [one for one in products if one.set_id == row.set_id and (one.version or 0) < (row.version or 0)]
            waits = any(one.version is not None and one.state not in State.final() for one in earlier)
            stage = {State.CHECKED: "sign", State.SIGNED: "send", State.SENT: "send"}.get(row.state)
            if stage is not None and not (waits and row.state is State.CHECKED):
                assert (stage, str(row.id)) in jobs, row.state
            assert (row.state is State.AWAITING) == (row.ask_at is not None)
        open_ = [row for row in self._submissions() if row.state in ("accepted", "held")]
        for row in open_:
            first = not any(one.chain == row.chain and one.seq < row.seq for one in open_)
            if row.state == "accepted" and first:
                assert ("convert", str(row.id)) in jobs

    async def _jobs(self) -> list[tuple[str, str]]:
        from tests.unit.pipeline.doubles import jobs

        return await jobs(self.journal)


def test_any_order_of_events(service: Settings) -> None:
    with asyncio.Runner() as runner:
        journal = runner.run(Journal.open(service))
        try:
            Machine.runner, Machine.journal, Machine.service = runner, journal, service
            run_state_machine_as_test(
                Machine, settings=hypothesis_settings(max_examples=20, stateful_step_count=40, deadline=None)
            )
        finally:
            runner.run(journal.close())
