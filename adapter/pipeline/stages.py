"""The stages of a product: what each job does, and what becomes of one that fails.

A stage reads its row, does its work outside of any transaction, and writes what came of it in one; where somebody else
has moved the row meanwhile, the work is void. A job whose row is elsewhere has nothing to do.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic, perf_counter
from typing import Any, Final
from uuid import UUID, uuid5

from opentelemetry import trace

from adapter.errors import DatabaseError, EgiszError, InternalError, NetworkError, Overtaken, SigningError
from adapter.facts import II
from adapter.findings import Severity, Text
from adapter.log import get_logger
from adapter.pipeline import metrics
from adapter.pipeline.audit import Audit
from adapter.pipeline.conversion import record
from adapter.pipeline.delivering import Delivering
from adapter.pipeline.journal import Journal, Work
from adapter.pipeline.model import ProductRow, State, SubmissionRow, SubmissionState, Trouble
from adapter.pipeline.moves import Change, lock_chain, move_product, move_submission, send_product, sign_product
from adapter.pipeline.ports import Delivery, Made, Maker, Signatures, Signing
from adapter.pipeline.registers import Deliverer
from adapter.pipeline.results import REGISTER, Results
from adapter.pipeline.retry import Again, Backoff, Gate
from adapter.pipeline.statements import sql
from adapter.pipeline.webhooks import Webhooks
from adapter.registers.services import Services
from adapter.transport.errors import ErrorClass
from adapter.transport.ids import normalise_message_id

_TRACER: Final = trace.get_tracer("egisz-adapter")
#: Jobs of one worker that may wait for the keys, or for the registry, at once: fewer than it has (`Pace.at_once`).
AT_NEIGHBOUR: Final = 30
FILE: Final = "getDocumentFile"
SEND_FILE: Final = "sendDocumentFile"
#: Signatures that are further in the future are made anew.
_WAITED_FOR: Final = timedelta(minutes=1)
_BUG: Final = Text("Внутренняя ошибка программы: сообщите о ней.", "An internal error of the program: report it.")
_NOT_SIGNED: Final = Text("Документ не подписан: см. замечания.", "Not signed: see the findings.")
_UNKEPT: Final = Text("Данные больше не хранятся.", "The data are no longer kept.")
_NO_ANSWER: Final = Text(
    "Ответа на регистрацию нет, и в реестре документа нет.",
    "No answer to the registration, and it is not in the registry.",
)


@dataclass(frozen=True, slots=True)
class Ports:
    """The neighbours of the pipeline.

    Attributes:
        delivery: to РЭМД; ``services`` and ``registers`` are of messages of registers.
    """

    maker: Maker
    signing: Signing
    delivery: Delivery
    services: Services
    registers: Deliverer
    webhooks: Webhooks


class Stages:
    """What jobs do.

    Args:
        backoff: of what fails.
        answer_within: a document that was sent and not answered for so long is asked about.
        ticks: seconds of a clock that nobody sets.
    """

    def __init__(
        self,
        journal: Journal,
        ports: Ports,
        *,
        backoff: Backoff,
        answer_within: timedelta,
        ticks: Callable[[], float] = monotonic,
    ) -> None:
        self._journal, self._ports, self._backoff, self._answer_within = journal, ports, backoff, answer_within
        keys, registry = Gate(AT_NEIGHBOUR, clock=ticks), Gate(AT_NEIGHBOUR, clock=ticks)
        self._gates: Mapping[str, Gate] = {"sign": keys, "send": registry, "poll": registry}
        self._results = Results(journal, ports.delivery, backoff, answer_within)
        self._messages = Delivering(journal, ports.services, ports.registers, ports.maker, self._results, ticks)
        self._works: Mapping[str, Mapping[str, Callable[[Work], Awaitable[str]]]] = {
            "document": {"sign": self._sign, "send": self._send, "poll": self._poll},
            "message": {"sign": self._messages.prepare, "send": self._messages.send},
        }
        self._stages: Mapping[str, Callable[[str], Awaitable[None]]] = {
            "convert": lambda row: self._convert(UUID(row)),
            "sign": lambda row: self._product(UUID(row), "sign"),
            "send": lambda row: self._product(UUID(row), "send"),
            "poll": lambda row: self._product(UUID(row), "poll"),
            "callback": lambda row: self._callback(int(row)),
            "notify": lambda row: self._notify(int(row)),
        }

    async def run(self, stage: str, row: str, attempts: int) -> None:
        """Do a job.

        Args:
            stage: one of `adapter.pipeline.jobs.STAGES`.
            row: id of its row.
            attempts: of this job that have failed.

        Raises:
            Again: it is to be tried again.
        """
        outcome = "done"
        begun = perf_counter()
        try:
            with _TRACER.start_as_current_span(f"stage.{stage}", record_exception=False, set_status_on_exception=False):
                await self._stages[stage](row)
        except Overtaken:
            outcome = "overtaken"
            get_logger().info("job.overtaken", stage=stage)
        except Again:
            outcome = "again"
            raise
        except Exception as error:  # noqa: BLE001 - what a stage could not write down: the database is away, or a bug
            outcome = "failed"
            if not isinstance(error, DatabaseError):
                get_logger().error("job.failed", stage=stage, attempt=attempts, exc_info=error)
            raise Again(self._backoff.delay(attempts + 1)) from None
        finally:
            metrics.DONE.labels(stage, outcome).inc()
            metrics.SECONDS.labels(stage).observe(perf_counter() - begun)

    # -- Bundles --------------------------------------------------------------------------------------------------

    async def _convert(self, row_id: UUID) -> None:
        found = await self._journal.to_convert(row_id)
        if found is None or found[0].state is not SubmissionState.ACCEPTED or found[1]:
            return None
        row, _, data = found
        try:
            if data is None:
                return await self._give_up_submission(row, Trouble(ErrorClass.PERMANENT, _UNKEPT))
            made = await self._made(row, data, {})
            messages = await self._messages.planned(row, data, made)
            await record(self._journal, row, made, lambda one: self._made(row, data, one), messages)
        except (DatabaseError, Overtaken):
            raise
        except Exception as error:  # noqa: BLE001 - a stage that fails is written down, whatever the error
            await self._submission_failed(row, _trouble(error, "convert"))

    async def _made(self, row: SubmissionRow, data: bytes, versions: Mapping[II, int]) -> Made:
        return await self._ports.maker.make(
            data, fhir_version=row.fhir_version, organisation=row.organisation, versions=versions
        )

    async def _submission_failed(self, row: SubmissionRow, trouble: Trouble) -> None:
        if self._journal.clock() >= row.give_up_at:
            return await self._give_up_submission(row, trouble)
        async with self._journal.database.connection() as connection:
            attempts = await connection.fetchval(sql("fail_submission"), row.id, row.step, trouble.to_json())
        if attempts is not None:
            raise Again(self._backoff.delay(attempts))
        return None

    async def _give_up_submission(self, row: SubmissionRow, trouble: Trouble) -> None:
        async with self._journal.database.transaction() as connection:
            await lock_chain(connection, row.chain)
            await move_submission(connection, row, "give_up", Change(trouble, stopped_at="convert"))

    # -- products -------------------------------------------------------------------------------------------------

    async def _product(self, row_id: UUID, stage: str) -> None:
        found = await self._journal.to_work(row_id, REGISTER)
        if found is None:
            return
        document = found.row.message_key is None
        work = self._works["document" if document else "message"].get(stage)
        if work is None:
            return
        try:
            with self._gates[stage].passing() if document else self._messages.gate(found.row, stage):
                outcome = await work(found)
            if outcome:
                _told(found.row, outcome, stage)
        except (DatabaseError, Overtaken, Again):
            raise
        except Exception as error:  # noqa: BLE001 - a stage that fails is written down, whatever the error
            row = await self._journal.product(row_id) or found.row
            await self._product_failed(row, stage, _trouble(error, stage))

    async def _product_failed(self, row: ProductRow, stage: str, trouble: Trouble) -> None:
        """Try again, or give up what cannot be mended by trying or was tried long enough."""
        if row.state not in (State.CHECKED, State.SIGNED, State.SENT, State.AWAITING):
            return
        hopeless = stage == "sign" and trouble.error_class == ErrorClass.PERMANENT
        if hopeless or self._journal.clock() >= row.give_up_at:
            async with self._journal.database.transaction() as connection:
                await move_product(connection, row, "give_up", Change(trouble, stopped_at=stage, failed=True))
            _told(row, "dead", stage)
            return
        async with self._journal.database.connection() as connection:
            attempts = await connection.fetchval(sql("fail_product"), row.id, row.step, trouble.to_json())
        if attempts is not None:
            raise Again(self._backoff.delay(attempts))

    async def _sign(self, work: Work) -> str:
        row = work.row
        if row.state is not State.CHECKED or work.waits:
            return ""
        if work.document is None or work.registration is None:
            raise InternalError("a document that is checked has no data")
        made = await self._ports.signing.sign(row, work.document, work.registration, at=self._journal.clock())
        if any(one.severity is Severity.ERROR for one in made.findings):
            return await self._not_signed(row, made)
        sealed = await self._journal.vault.seal_all([("signature", one.data) for one in made.items])
        async with self._journal.database.statement() as connection:
            await sign_product(connection, row, [one.role for one in made.items], sealed)
        return ""

    async def _not_signed(self, row: ProductRow, made: Signatures) -> str:
        """Keys or rules are wrong: the same document will not be signed until a person has mended them."""
        async with self._journal.database.transaction() as connection:
            trouble = Trouble(ErrorClass.PERMANENT, _NOT_SIGNED)
            findings = (*(one for one in row.findings if not one.code.startswith("SIG")), *made.findings)
            await move_product(
                connection, row, "give_up", Change(trouble, stopped_at="sign", failed=True, findings=findings)
            )
        return "dead"

    async def _send(self, work: Work) -> str:
        row, registration = work.row, work.registration
        if row.state not in (State.SIGNED, State.SENT):
            return ""
        if registration is None:
            raise InternalError("a document that is signed has no registration")
        at = self._journal.clock()
        signed_at = self._ports.delivery.signed_at(work.signatures)
        if signed_at is not None and signed_at > at:
            return await self._early(row, signed_at - at)
        attempt = work.attempts + 1
        message_id = uuid5(row.id, f"{REGISTER} {attempt}")
        async with self._journal.database.statement() as connection:
            # The message is in the journal before a byte leaves: its answer may come before the answer to it.
            normal = normalise_message_id(str(message_id))
            row, message = await send_product(connection, row, REGISTER, normal, attempt)
        answer = await self._ports.delivery.send(row, registration, work.signatures, message_id=message_id, at=at)
        return await self._results.answered(
            row, message, ok=answer.ok, verdict=answer.verdict, exchange=(answer.request, answer.response)
        )

    async def _early(self, row: ProductRow, ahead: timedelta) -> str:
        """It is signed in the future: by a machine whose clock is a little ahead, or before ours was set back."""
        if ahead <= _WAITED_FOR:
            raise Again(ahead)
        async with self._journal.database.transaction() as connection:
            await move_product(connection, row, "sign_again")
        return "signed in the future"

    async def _poll(self, work: Work) -> str:
        """Ask about a document that was not answered; one that the state has not is sent again."""
        row, registration, now = work.row, work.registration, self._journal.clock()
        if row.state is not State.AWAITING or row.ask_at is None or row.ask_at > now:
            return ""
        if registration is None:
            raise InternalError("a document that was sent has no registration")
        found = await self._ports.delivery.find(row, registration, at=now)
        async with self._journal.database.transaction() as connection:
            last = await connection.fetchrow(sql("last_sent"), row.id, REGISTER)
            there = last is not None and last["outcome"] == "there"
            if found is not None:
                await self._results.register(connection, row, found.emdr_id, found.registered_at)
            elif there and now >= row.give_up_at:
                # It said that the document is there, and does not show it: registered, its number unknown.
                await self._results.register(connection, row, "", None)
            elif there:
                await connection.execute(sql("ask_later"), row.id, row.step, now + self._backoff.longest)
            elif now >= row.give_up_at:
                trouble = Trouble(ErrorClass.TRANSPORT, _NO_ANSWER)
                await move_product(connection, row, "give_up", Change(trouble, stopped_at="answer", failed=True))
            else:
                await move_product(
                    connection, row, "again", Change(Trouble(ErrorClass.TRANSPORT, _NO_ANSWER), failed=True)
                )
        return "polled"

    # -- messages -------------------------------------------------------------------------------------------------

    async def _callback(self, message: int) -> None:
        async with self._journal.database.connection() as connection:
            row = await connection.fetchrow(sql("message_to_apply"), message)
        if row is None or row["outcome"]:
            return
        outcome = await (self._file(message, row) if row["operation"] == FILE else self._results.apply(message, row))
        get_logger().info("callback.applied", status=outcome)

    async def _file(self, message: int, row: Any) -> str:
        """Send a file that the state has asked for in a message."""
        document = await self._journal.document(row["product_id"])
        outcome, at = "unknown", self._journal.clock()
        if document is not None:
            async with self._journal.database.transaction() as connection:
                request = await self._journal.vault.get(connection, row["request_id"], "message")
                attempt = await connection.fetchval(sql("attempts_of_product"), row["product_id"], SEND_FILE) + 1
                message_id = uuid5(row["product_id"], f"{SEND_FILE} {attempt}")
                normal = normalise_message_id(str(message_id))
                await connection.execute(sql("insert_sent"), row["product_id"], SEND_FILE, normal, attempt, None)
                await Audit(self._journal.database).disclosure("remd", str(row["product_id"]), connection)
            answer = await self._ports.delivery.send_file(request, document, message_id=message_id, at=at)
            outcome = "served" if answer.ok else "refused"
        async with self._journal.database.connection() as connection:
            await connection.execute(sql("settle_received"), message, None, outcome, [])
        return outcome

    async def _notify(self, notice: int) -> None:
        left = await self._ports.webhooks.deliver(notice)
        if left is not None:
            raise Again(self._backoff.delay(left.attempts))


def _trouble(error: Exception, stage: str) -> Trouble:
    """An error as the journal keeps it: texts of our own errors, which hold no values, and of others nothing."""
    if isinstance(error, SigningError):
        return Trouble(error.error_class, error.text)
    if isinstance(error, NetworkError):
        return Trouble(ErrorClass.TRANSPORT, error.text)
    if isinstance(error, EgiszError) and not isinstance(error, InternalError):
        return Trouble(ErrorClass.TEMPORARY, error.text)
    get_logger().error("job.bug", stage=stage, exc_info=error)
    return Trouble("internal", _BUG)


def _told(row: ProductRow, status: str, stage: str) -> None:
    """The canonical line of a step of a product."""
    get_logger().info("product.step", kind=row.kind, status=status, stage=stage, attempt=row.attempts)
