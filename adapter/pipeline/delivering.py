"""The stages of a message of a register: preparing where a document is signed, and sending, which is answered at once.

An unknown outcome is sent again. A register that has the record then says so and tells its number, which is taken over:
the message is made again as a change of the record.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Final
from uuid import uuid5

from adapter.errors import InternalError
from adapter.findings import Finding, Severity, Text
from adapter.log import get_logger
from adapter.pipeline.audit import Audit
from adapter.pipeline.database import Connection
from adapter.pipeline.model import ProductRow, State, SubmissionRow, Trouble
from adapter.pipeline.moves import Change, lock_sets, move_product
from adapter.pipeline.planning import NUMBERLESS, WAITS, Planned, numbers_of, place, plan
from adapter.pipeline.ports import Made, MadeMessage, Maker, Numbers
from adapter.pipeline.registers import Deliverer, Envelope, given, lacks_number, service_of
from adapter.pipeline.results import SILENT, Results, trouble_of
from adapter.pipeline.retry import Gate
from adapter.pipeline.statements import sql
from adapter.registers.delivery import Delivered
from adapter.registers.services import Services
from adapter.transport.errors import ErrorClass
from adapter.transport.ids import normalise_message_id

if TYPE_CHECKING:
    from adapter.pipeline.journal import Journal, Work

#: Jobs of one worker that may wait for one service of one organisation at once.
_AT_SERVICE: Final = 8
_GONE: Final = Text("Bundle больше не хранится: сообщение не создать снова.", "The Bundle is no longer kept.")
UNMADE: Final = Finding(
    "JRN07",
    Severity.ERROR,
    Text(
        "Сообщение больше не создаётся: правила отображения изменились.",
        "The message is not made any more: the maps have changed.",
    ),
)


class Delivering:
    """Prepares and sends messages of registers."""

    def __init__(
        self,
        journal: Journal,
        services: Services,
        deliverer: Deliverer,
        maker: Maker,
        results: Results,
        ticks: Callable[[], float],
    ) -> None:
        self._journal, self._services, self._deliverer = journal, services, deliverer
        self._maker, self._results = maker, results
        self._gates: defaultdict[tuple[str, str], Gate] = defaultdict(lambda: Gate(_AT_SERVICE, clock=ticks))

    def gate(self, row: ProductRow, stage: str) -> AbstractContextManager[None]:
        """Before what a stage of a message calls: a service that hangs holds up no other."""
        if stage != "send":
            return nullcontext()
        return self._gates[service_of(self._services, row.kind).id, row.organisation].passing()

    async def planned(self, row: SubmissionRow, data: bytes, made: Made) -> list[Planned]:
        """The messages of a conversion, in the order in which they leave."""
        if not made.messages:
            return []

        async def again(numbers: Numbers) -> tuple[MadeMessage, ...]:
            return await self._again(row, data, numbers)

        return await plan(self._journal, self._services, row.organisation, made.messages, again)

    async def _again(self, row: SubmissionRow, data: bytes, numbers: Numbers) -> tuple[MadeMessage, ...]:
        return await self._maker.messages(
            data, fhir_version=row.fhir_version, organisation=row.organisation, numbers=numbers
        )

    async def prepare(self, work: Work) -> str:
        """Make it again where the number of its record is another than it was made with; let it leave, or stop it."""
        row = work.row
        if row.state is not State.CHECKED or work.waits:
            return ""
        if work.registration is None:
            return await self._unkept(row)
        envelope = Envelope.load(work.registration)
        number = await self._number(row)
        message = None
        if number != envelope.number or not envelope.sound:
            data = await self._journal.bundle(row.submission_id)
            if data is None:
                return await self._unkept(row)
            message = await self._remade(row, data, envelope, number)
            if message is None:
                return await self._misfit(row, row.findings, UNMADE)
            envelope = Envelope.of(message)
        findings = _settled(message.findings if message else row.findings)
        if lacks_number(self._services, envelope):
            return await self._misfit(row, findings, NUMBERLESS)
        if not envelope.sound:
            return await self._misfit(row, findings)
        async with self._journal.database.transaction() as connection:
            if message is not None:
                await self._replace(connection, row, message)
            await move_product(connection, row, "prepare", Change(findings=findings))
        return "prepared"

    async def _number(self, row: ProductRow) -> str | None:
        assert row.record_key is not None, "of a message"
        return (await numbers_of(self._journal, [row.record_key])).get(row.record_key)

    async def _remade(self, row: ProductRow, data: bytes, envelope: Envelope, number: str | None) -> MadeMessage | None:
        submission = await self._journal.submission(row.submission_id)
        if submission is None:
            raise InternalError("a product has no submission")
        records = {} if number is None else {envelope.record: number}
        made = await self._again(submission, data, {envelope.product: records})
        return next((one for one in made if place(one) == place(row)), None)

    async def _unkept(self, row: ProductRow) -> str:
        """After a replay of what stopped long ago."""
        async with self._journal.database.transaction() as connection:
            change = Change(Trouble(ErrorClass.PERMANENT, _GONE), stopped_at="sign", failed=True)
            await move_product(connection, row, "give_up", change)
        return "dead"

    async def _replace(self, connection: Connection, row: ProductRow, message: MadeMessage) -> None:
        if message.data is None:
            raise InternalError("a message that leaves has no bytes")
        payloads = [("document", message.data), ("registration", Envelope.of(message).dump())]
        ids = await self._journal.vault.put_all(connection, payloads)
        old = await connection.fetchval(sql("replace_message"), row.id, *ids)
        await connection.execute(sql("delete_payloads"), old)

    async def _misfit(self, row: ProductRow, findings: tuple[Finding, ...], *more: Finding) -> str:
        async with self._journal.database.transaction() as connection:
            told = tuple(dict.fromkeys((*findings, *more)))
            await move_product(connection, row, "misfit", Change(stopped_at="check", failed=True, findings=told))
        return "rejected"

    async def send(self, work: Work) -> str:
        """Send it; an attempt is in the journal, and in the audit, before a byte leaves."""
        row = work.row
        if row.state not in (State.SIGNED, State.SENT):
            return ""
        envelope, data = Envelope.load(work.registration), work.document
        if data is None:
            raise InternalError("a message that is prepared has no bytes")
        service = service_of(self._services, row.kind)
        operation = envelope.operation or row.kind
        async with self._journal.database.transaction() as connection:
            attempt = await connection.fetchval(sql("attempts_of_product"), row.id, operation) + 1
            message_id = uuid5(row.id, f"{operation} {attempt}")
            row = await move_product(connection, row, "send")
            normal = normalise_message_id(str(message_id))
            message = await connection.fetchval(sql("insert_sent"), row.id, operation, normal, attempt, None)
            await Audit(self._journal.database).disclosure(service.id, str(row.id), connection, resource="Basic")
        outgoing = envelope.outgoing(row.organisation, data)
        delivered = await self._deliverer.deliver(outgoing, message_id=message_id, at=self._journal.clock())
        return await self._answered(row, message, envelope, delivered)

    async def _answered(self, sent: ProductRow, message: int, envelope: Envelope, delivered: Delivered) -> str:
        """Write down what the register said, and move the message as it is now: it may have been moved meanwhile."""
        async with self._journal.database.transaction() as connection:
            await lock_sets(connection, sent.set_id)
            row = ProductRow.of(await connection.fetchrow(sql("product"), sent.id))
            if delivered.number is not None:
                # Whatever becomes of the message, the record is there.
                await self._keep(connection, row, delivered.number)
            outcome = await self._apply(connection, row, sent.step, envelope, delivered)
            exchange = delivered.request, delivered.response
            await self._results.keep_answer(connection, message, exchange, outcome, delivered.verdict)
        return outcome

    async def _keep(self, connection: Connection, row: ProductRow, number: str) -> None:
        scope = service_of(self._services, row.kind).scope(row.kind)
        await connection.execute(sql("keep_number"), row.record_key, row.organisation, scope, number, row.id)

    async def _apply(
        self, connection: Connection, row: ProductRow, step: int, envelope: Envelope, delivered: Delivered
    ) -> str:
        number, verdict = delivered.number, delivered.verdict
        # A change that is answered by the number that it was made with has nothing left to change.
        there = delivered.change and number == envelope.number
        there = there or (not delivered.change and verdict is not None and verdict.error_class is ErrorClass.DONE)
        if delivered.ok or there:
            if row.state is State.REGISTERED:
                return "repeated"
            await self._register(connection, row, number or envelope.number)
            return "registered"
        if row.step != step:
            get_logger().info("answer.overtaken", status=row.state.value)
            return "stale"
        if verdict is None or not delivered.change:
            return await self._results.settle(connection, row, verdict or SILENT)
        change = Change(trouble_of(verdict), failed=True)
        if self._journal.clock() >= row.give_up_at:
            await move_product(connection, row, "give_up", replace(change, stopped_at="send"), locked=True)
            return "dead"
        await move_product(connection, row, "take_over", change, locked=True)
        return "taken over"

    async def _register(self, connection: Connection, row: ProductRow, number: str | None) -> None:
        at: datetime = self._journal.clock()
        change = Change(unrz=given(service_of(self._services, row.kind), number), registered_at=at, fresh=True)
        await move_product(connection, row, "register", change, locked=True)


def _settled(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Without what only waited for a number."""
    return tuple(one for one in findings if one.code not in (WAITS.code, NUMBERLESS.code))
