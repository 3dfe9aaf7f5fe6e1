"""What the state's answers do to a product: those that come at once, and those that come by callback.

A callback may come early, late, twice, about an older attempt, about nothing that is known, or against what was said
before. The rules: a document that the state says is registered is registered, whatever we thought; ``registered`` is
never left; only an answer to the last attempt may end a wait.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from adapter.errors import DatabaseError, Overtaken
from adapter.findings import Text
from adapter.log import get_logger
from adapter.pipeline.database import Connection
from adapter.pipeline.keys import Sealed
from adapter.pipeline.model import ProductRow, State, Trouble
from adapter.pipeline.moves import Change, acknowledge_product, lock_sets, move_product, register_product
from adapter.pipeline.ports import Delivery
from adapter.pipeline.retry import Backoff
from adapter.pipeline.statements import sql
from adapter.transport.callbacks import RegistrationResult
from adapter.transport.errors import ErrorClass, Verdict

if TYPE_CHECKING:
    from adapter.pipeline.journal import Journal

REGISTER: Final = "registerDocument"
#: A number that an error text does not tell is asked for after that long.
_ASK_SOON: Final = timedelta(seconds=5)
#: Bytes of a request and of its answer.
Exchange = tuple[bytes, bytes]
SILENT: Final = Verdict(
    ErrorClass.PERMANENT, Text("Система отказала без объяснения.", "The service refused without a reason.")
)


class Results:
    """Applies answers to products.

    Args:
        answer_within: a document that was sent and not answered for so long is asked about.
    """

    def __init__(self, journal: Journal, delivery: Delivery, backoff: Backoff, answer_within: timedelta) -> None:
        self._journal, self._delivery, self._backoff, self._answer_within = journal, delivery, backoff, answer_within

    async def apply(self, message: int, found: Any) -> str:
        """Apply a stored callback; its outcome, empty where it was applied before.

        Args:
            message: its id.
            found: the message as ``message_to_apply`` gives it.

        Raises:
            DatabaseError: it could not be: the job is tried again.
        """
        if found["message_data"] is None:
            raise DatabaseError(Text("сообщения больше нет в базе", "the message is no longer in the database"))
        sealed = Sealed(found["message_key_id"], found["message_nonce"], found["message_data"])
        result = self._delivery.result(await self._journal.vault.open_sealed(sealed, "message"))
        verdict = None if result.ok else self._delivery.judge(result)
        if verdict is None and await self._registered_at_once(message, found, result):
            return "registered"
        return await self._held(message, result, verdict)

    async def _registered_at_once(self, message: int, found: Any, result: RegistrationResult) -> bool:
        """The usual answer, without holding anything meanwhile; ``False``: it is to be looked at more closely."""
        if found["id"] is None:
            return False
        product = ProductRow.of(found)
        if product.state in State.final():
            return False
        at = result.registered_at or self._journal.clock()
        async with self._journal.database.statement() as connection:
            return await register_product(connection, product, message, result.emdr_id or None, at) is not None

    async def _held(self, message: int, result: RegistrationResult, verdict: Verdict | None) -> str:
        async with self._journal.database.transaction() as connection:
            row = await connection.fetchrow(sql("message"), message)
            if row is None or row["outcome"]:
                return ""
            product = await self._product(connection, row["relates_to"], result)
            outcome = (
                "unknown"
                if product is None
                else await self._come(connection, product, row["relates_to"], result, verdict)
            )
            codes = list(verdict.codes) if verdict else []
            await connection.execute(sql("settle_received"), message, product.id if product else None, outcome, codes)
        return outcome

    async def _product(self, connection: Connection, relates_to: str, result: RegistrationResult) -> ProductRow | None:
        """The product that a result is about, held until the transaction ends."""
        keys = (
            ("product_by_message_id", relates_to),
            ("product_by_local_uid", result.local_uid),
            ("product_by_emdr_id", result.emdr_id),
        )
        for statement, key in keys:
            row = await connection.fetchrow(sql(statement), key) if key else None
            if row is not None:
                await lock_sets(connection, row["set_id"])
                return ProductRow.of(await connection.fetchrow(sql("product"), row["id"]))
        return None

    async def _come(
        self,
        connection: Connection,
        product: ProductRow,
        relates_to: str,
        result: RegistrationResult,
        verdict: Verdict | None,
    ) -> str:
        if verdict is None:
            return await self._registered(connection, product, result.emdr_id, result.registered_at)
        if verdict.error_class is ErrorClass.DONE:
            if product.state is State.REGISTERED:
                return "repeated"
            return await self.settle(connection, product, verdict)
        if product.state is State.REGISTERED:
            return "contradicts"
        if product.state in State.final():
            return "repeated"
        last = await connection.fetchrow(sql("last_sent"), product.id, REGISTER)
        about_last = last is not None and relates_to in ("", last["message_id"])
        if product.state not in (State.SENT, State.AWAITING) or not about_last:
            return "stale"
        return await self.settle(connection, product, verdict)

    async def _registered(
        self, connection: Connection, product: ProductRow, emdr_id: str, registered_at: datetime | None
    ) -> str:
        if product.state is State.REGISTERED:
            return "contradicts" if emdr_id and product.emdr_id and emdr_id != product.emdr_id else "repeated"
        await self.register(connection, product, emdr_id, registered_at)
        return "late" if product.state in State.final() else "registered"

    async def register(
        self, connection: Connection, product: ProductRow, emdr_id: str, registered_at: datetime | None
    ) -> ProductRow:
        """The state has it."""
        at = registered_at or self._journal.clock()
        return await move_product(
            connection, product, "register", Change(emdr_id=emdr_id or None, registered_at=at, fresh=True)
        )

    async def settle(self, connection: Connection, product: ProductRow, verdict: Verdict) -> str:
        """What an answer that says no does to a product that was sent."""
        trouble = trouble_of(verdict)
        if verdict.error_class is ErrorClass.DONE:
            return await self._there_already(connection, product, verdict)
        if verdict.error_class.retried:
            if self._journal.clock() >= product.give_up_at:
                await move_product(connection, product, "give_up", Change(trouble, stopped_at="send", failed=True))
                return "dead"
            delay = self._backoff.delay(product.attempts + 1, least=verdict.retry_after)
            await move_product(connection, product, "again", Change(trouble, failed=True, after=delay))
            return "again"
        await move_product(connection, product, "refuse", Change(trouble, stopped_at="register", failed=True))
        return "rejected"

    async def _there_already(self, connection: Connection, product: ProductRow, verdict: Verdict) -> str:
        """Take over what an earlier attempt has registered; a number that is not told is asked for."""
        if verdict.emdr_id:
            await self.register(connection, product, verdict.emdr_id, None)
            return "registered"
        ask_at = self._journal.clock() + _ASK_SOON
        if product.state is State.SENT:
            await move_product(connection, product, "acknowledge", Change(ask_at=ask_at))
            return "there"
        if product.state is State.AWAITING:
            await connection.execute(sql("ask_later"), product.id, product.step, ask_at)
            return "there"
        return "stale"

    async def answered(
        self, product: ProductRow, message: int, *, ok: bool, verdict: Verdict | None, exchange: Exchange
    ) -> str:
        """Write down what the service said at once, and move the product unless a callback has done so already."""
        if ok:
            return await self._acknowledged(product, message, exchange)
        outcome = "refused"
        async with self._journal.database.transaction() as connection:
            try:
                outcome = await self.settle(connection, product, verdict or SILENT)
            except Overtaken:
                get_logger().info("answer.overtaken", status=outcome)
            await self.keep_answer(connection, message, exchange, outcome, verdict)
        return outcome

    async def _acknowledged(self, product: ProductRow, message: int, exchange: Exchange) -> str:
        outcome, ask_at = "acknowledged", self._journal.clock() + self._answer_within
        sealed = await self._journal.vault.seal_all([("message", one) for one in exchange])
        async with self._journal.database.statement() as connection:
            if not await acknowledge_product(connection, product, ask_at, message, outcome, sealed):
                get_logger().info("answer.overtaken", status=outcome)
        return outcome

    async def keep_answer(
        self, connection: Connection, message: int, exchange: Exchange, outcome: str, verdict: Verdict | None
    ) -> None:
        """Keep what was said at once, and what came of it."""
        payloads = [("message", exchange[0]), ("message", exchange[1])]
        request, response = await self._journal.vault.put_all(connection, payloads)
        codes = list(verdict.codes) if verdict else []
        await connection.execute(sql("answer_sent"), message, response, request, outcome, codes)


def trouble_of(verdict: Verdict) -> Trouble:
    """Why a product stopped, in the words of the error book."""
    return Trouble(verdict.error_class.value, verdict.advice, verdict.codes)
