"""What an operator sees of the journal and does to it: list, show, replay, drop, hold, release."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from adapter.errors import UsageError
from adapter.findings import Text
from adapter.pipeline.database import Connection
from adapter.pipeline.model import MoveRow, ProductRow, SubmissionRow, SubmissionState, Trouble
from adapter.pipeline.moves import Change, lock_chain, lock_sets, move_product, move_submission
from adapter.pipeline.statements import sql
from adapter.pipeline.states import product_machine, submission_machine

if TYPE_CHECKING:
    from adapter.pipeline.journal import Journal

#: Submissions that are shown beside products: those that have none, or not yet.
OPEN_SUBMISSIONS: Final = frozenset(
    {SubmissionState.ACCEPTED, SubmissionState.HELD, SubmissionState.REFUSED, SubmissionState.DEAD}
)
_DROPPED: Final = Text("Снято с отправки оператором.", "Dropped by the operator.")
_WHAT: Final = {
    "replay": Text("повторить", "replay"),
    "drop": Text("снять", "drop"),
    "hold": Text("придержать", "hold"),
    "release": Text("отпустить", "release"),
}


@dataclass(frozen=True, slots=True)
class History:
    """A row with what happened to it.

    Attributes:
        row: the product or the submission.
        messages: of a product: direction, operation, ids, times, outcome, codes; no bodies.
    """

    row: ProductRow | SubmissionRow
    moves: tuple[MoveRow, ...]
    messages: tuple[dict[str, Any], ...] = ()


class Outbox:
    """The operator's view of a journal."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    async def products(
        self,
        states: Collection[str] | None = None,
        *,
        organisation: str | None = None,
        before: datetime | None = None,
        limit: int = 50,
    ) -> list[ProductRow]:
        """Products, last changed first.

        Args:
            states: only these.
            before: changed before that time, for the next page.
        """
        wanted = list(states) if states is not None else None
        async with self._journal.database.connection() as connection:
            rows = await connection.fetch(sql("list_products"), wanted, before, limit, organisation)
        return [ProductRow.of(row) for row in rows]

    async def submissions(
        self,
        states: Collection[str] = OPEN_SUBMISSIONS,
        *,
        organisation: str | None = None,
        before: datetime | None = None,
        limit: int = 50,
    ) -> list[SubmissionRow]:
        """Submissions, last changed first; by default those that are not converted."""
        async with self._journal.database.connection() as connection:
            rows = await connection.fetch(sql("list_submissions"), list(states), before, limit, organisation)
        return [SubmissionRow.of(row) for row in rows]

    async def counts(self) -> dict[str, dict[str, tuple[int, float]]]:
        """Of ``product`` and ``submission`` by state: how many, and for how many seconds the oldest has not moved."""
        found = {}
        async with self._journal.database.connection() as connection:
            for name in ("product", "submission"):
                rows = await connection.fetch(sql(f"count_{name}s"))
                found[name] = {row["state"]: (row["rows"], float(row["oldest"])) for row in rows}
        return found

    async def show(self, row_id: UUID) -> History:
        """A product or submission with its history.

        Raises:
            UsageError: there is none of that id.
        """
        async with self._journal.database.connection() as connection:
            row = await _row(connection, row_id)
            kind = "product" if isinstance(row, ProductRow) else "submission"
            moves = tuple(MoveRow(**one) for one in await connection.fetch(sql(f"{kind}_moves"), row_id))
            if kind == "submission":
                return History(row, moves)
            messages = tuple(dict(one) for one in await connection.fetch(sql("messages_of_product"), row_id))
        return History(row, moves, messages)

    async def replay(self, row_id: UUID) -> ProductRow | SubmissionRow:
        """Try again what stopped: a product is signed and sent again; one that failed its check, or a submission, is
        converted again with the catalogue as it is now.

        Raises:
            UsageError: there is none of that id, it has not stopped, or a later version of the document has left.
        """
        async with self._journal.database.transaction() as connection:
            row = await _row(connection, row_id)
            if isinstance(row, ProductRow) and row.version is None:
                row = SubmissionRow.of(await connection.fetchrow(sql("submission"), row.submission_id))
            change = Change(fresh=True, give_up_at=self._journal.clock() + self._journal.retry_for)
            if isinstance(row, SubmissionRow) and row.payload_id is None:
                raise UsageError(Text("Bundle уже не хранится", "the Bundle is no longer kept"))
            return await self._move(connection, row, "replay", change)

    async def drop(self, row_id: UUID) -> ProductRow | SubmissionRow:
        """Give up what is on its way.

        Raises:
            UsageError: there is none of that id, or it is final.
        """
        async with self._journal.database.transaction() as connection:
            change = Change(Trouble("operator", _DROPPED), stopped_at="operator")
            return await self._move(connection, await _row(connection, row_id), "drop", change)

    async def hold(self, row_id: UUID) -> ProductRow | SubmissionRow:
        """Keep from leaving what has not left; what comes after it in its set or chain waits, too.

        Raises:
            UsageError: there is none of that id, or it has left.
        """
        async with self._journal.database.transaction() as connection:
            return await self._move(connection, await _row(connection, row_id), "hold", Change())

    async def release(self, row_id: UUID) -> ProductRow | SubmissionRow:
        """Let go what is held.

        Raises:
            UsageError: there is none of that id, or it is not held.
        """
        async with self._journal.database.transaction() as connection:
            change = Change(fresh=True, give_up_at=self._journal.clock() + self._journal.retry_for)
            return await self._move(connection, await _row(connection, row_id), "release", change)

    async def _move(
        self, connection: Connection, row: ProductRow | SubmissionRow, name: str, change: Change
    ) -> ProductRow | SubmissionRow:
        if isinstance(row, SubmissionRow):
            await lock_chain(connection, row.chain)
            row = SubmissionRow.of(await connection.fetchrow(sql("submission"), row.id))
            if not submission_machine().allows(name, row.state):
                raise _impossible(name, row.state)
            return await move_submission(connection, row, name, change)
        await lock_sets(connection, row.set_id)
        row = ProductRow.of(await connection.fetchrow(sql("product"), row.id))
        if not product_machine().allows(name, row.state):
            raise _impossible(name, row.state)
        later = row.set_id, row.version, row.message_key
        if name == "replay" and await connection.fetchval(sql("later_has_left"), *later):
            raise UsageError(
                Text(
                    "следующая версия этого документа уже отправлена: повтор нарушил бы порядок версий",
                    "a later version of this document has left: a replay would break the order of versions",
                )
            )
        return await move_product(connection, row, name, change, locked=True)


async def _row(connection: Connection, row_id: UUID) -> ProductRow | SubmissionRow:
    if (row := await connection.fetchrow(sql("product"), row_id)) is not None:
        return ProductRow.of(row)
    if (row := await connection.fetchrow(sql("submission"), row_id)) is not None:
        return SubmissionRow.of(row)
    raise UsageError(
        Text(f"нет ни документа, ни Bundle с номером {row_id}", f"there is no product or submission {row_id}")
    )


def _impossible(name: str, state: str) -> UsageError:
    what = _WHAT[name]
    return UsageError(Text(f"{what.ru} нельзя: состояние {state}", f"cannot {what.en}: the state is {state}"))
