"""Making a move: the row, its history, the job that follows, and whoever waited for it, in one round trip.

The functions that do it stand in ``sql/0006_moves.pre.sql``; each is one statement, and so a transaction of its own
where there is none around it.

Locks are taken in one order: the chain of a submission or the set of a document, then rows. Whoever ends a wait and
whoever begins one hold that lock, so that none of them misses the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from adapter.errors import Overtaken
from adapter.findings import Finding
from adapter.log import get_logger
from adapter.pipeline.database import Connection
from adapter.pipeline.jobs import PRIORITIES
from adapter.pipeline.model import ProductRow, State, SubmissionRow, Trouble, dump_findings
from adapter.pipeline.statements import sql
from adapter.pipeline.states import Move, product_machine, submission_machine
from adapter.pipeline.wake import enqueued

#: Sealed payloads as functions of the database take them (:meth:`~adapter.pipeline.vault.Vault.seal_all`).
Many = tuple[Sequence[str], Sequence[bytes], Sequence[bytes]]
#: How long the client is told about a final state.
NOTICE_FOR = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Change:
    """What a move changes besides the state; ``None`` leaves what is there.

    Attributes:
        trouble: why it stopped or goes back.
        stopped_at: stage that stopped it.
        fresh: attempts are counted anew.
        failed: one more attempt has failed.
        give_up_at: when it is given up.
        ask_at: when its message is asked about; a move without it ends the asking.
        after: delay of the job that follows.
    """

    trouble: Trouble | None = None
    stopped_at: str = ""
    fresh: bool = False
    failed: bool = False
    give_up_at: datetime | None = None
    ask_at: datetime | None = None
    after: timedelta | None = None
    emdr_id: str | None = None
    unrz: str | None = None
    registered_at: datetime | None = None
    findings: tuple[Finding, ...] | None = None


NOTHING = Change()


async def lock_chain(connection: Connection, chain: bytes) -> None:
    """Hold the chain of a submission until the transaction ends."""
    await connection.execute(sql("lock_chain"), chain)


async def lock_sets(connection: Connection, *set_ids: str | None) -> None:
    """Hold the sets of documents until the transaction ends; always in one order, so that nobody waits in a circle."""
    if wanted := sorted({one for one in set_ids if one is not None}):
        await connection.execute(sql("lock_sets"), wanted)


async def move_submission(
    connection: Connection, row: SubmissionRow, name: str, change: Change = NOTHING
) -> SubmissionRow:
    """Move a submission whose chain the caller holds.

    Raises:
        InternalError: the move is not allowed.
        Overtaken: the row is no longer at the step that the caller saw.
    """
    machine = submission_machine()
    move = machine.move(name, row.state)
    updated = await connection.fetchrow(
        sql("move_submission"),
        row.id,
        row.step,
        move.after,
        change.trouble.to_json() if change.trouble else None,
        dump_findings(change.findings) if change.findings is not None else None,
        change.fresh,
        change.give_up_at,
        name,
        row.state,
        move.after in machine.final,
        move.job or None,
        change.after,
        PRIORITIES,
    )
    if updated is None:
        raise Overtaken("the submission was moved meanwhile")
    if updated["queued"]:
        enqueued()
    return SubmissionRow.of(updated)


async def move_product(
    connection: Connection, row: ProductRow, name: str, change: Change = NOTHING, *, locked: bool = False
) -> ProductRow:
    """Move a product.

    Args:
        locked: the caller holds its set.

    Raises:
        InternalError: the move is not allowed.
        Overtaken: the row is no longer at the step that the caller saw, or is to be signed and has to wait.
    """
    machine = product_machine()
    move = machine.move(name, row.state)
    final = move.after in machine.final
    updated = await connection.fetchrow(
        sql("move_product"),
        row.id,
        row.step,
        move.after,
        change.stopped_at,
        change.trouble.to_json() if change.trouble else None,
        change.fresh,
        change.give_up_at,
        change.ask_at,
        change.emdr_id,
        change.unrz,
        change.registered_at,
        int(change.failed),
        dump_findings(change.findings) if change.findings is not None else None,
        name,
        row.state,
        final,
        NOTICE_FOR,
        move.gated,
        None,
        None if locked else _locks(move, row),
        move.job or None,
        change.after,
        PRIORITIES,
    )
    if updated is None:
        raise Overtaken("the product was moved meanwhile")
    return followed(updated)


def _locks(move: Move, row: ProductRow) -> str | None:
    """The set that is held for a move: it may end a wait, or begin one.

    Other moves are of a document for which nobody waits in vain.
    """
    final = move.after in product_machine().final
    return row.set_id if final or move.gated or move.job == "sign" else None


async def sign_product(connection: Connection, row: ProductRow, roles: Sequence[str], sealed: Many) -> None:
    """Keep the signatures of a document in place of those it had, and move it.

    Raises:
        Overtaken: as of :func:`move_product`.
    """
    move = product_machine().move("sign", row.state)
    told = move.name, row.state, move.after, _locks(move, row), move.job, PRIORITIES
    if not await connection.fetchval(sql("sign_product"), row.id, row.step, *told, roles, *sealed):
        raise Overtaken("the product was moved meanwhile")
    enqueued()


async def send_product(
    connection: Connection, row: ProductRow, operation: str, message_id: str, attempt: int
) -> tuple[ProductRow, int]:
    """Keep that a message leaves, and move its product; the id of the message.

    Args:
        message_id: normalised.
        attempt: number of those before it, which were counted when ``row`` was read, and one.

    Raises:
        Overtaken: as of :func:`move_product`.
    """
    move = product_machine().move("send", row.state)
    told = move.name, row.state, move.after
    sent = await connection.fetchrow(sql("send_product"), row.id, row.step, *told, operation, message_id, attempt)
    if sent is None:
        raise Overtaken("the product was moved meanwhile")
    return ProductRow.of(sent), sent["message"]


async def acknowledge_product(
    connection: Connection, row: ProductRow, ask_at: datetime, message: int, outcome: str, sealed: Many
) -> bool:
    """Keep the exchange of a message that was taken, and move its product; ``False``: that was moved meanwhile."""
    move = product_machine().move("acknowledge", row.state)
    told = move.name, row.state, move.after
    acknowledged: bool = await connection.fetchval(
        sql("acknowledge_product"), row.id, row.step, *told, ask_at, message, outcome, *sealed
    )
    return acknowledged


async def register_product(
    connection: Connection, row: ProductRow, message: int, emdr_id: str | None, registered_at: datetime
) -> ProductRow | None:
    """Move a product that a stored message of the state says is registered, and settle the message.

    Returns:
        ``None`` where the message was settled before, or the product is no longer at the step that the caller saw.
    """
    move = product_machine().move("register", row.state)
    told = move.name, row.state, move.after
    updated = await connection.fetchrow(
        sql("register_product"),
        message,
        row.id,
        row.step,
        *told,
        emdr_id,
        registered_at,
        NOTICE_FOR,
        row.set_id,
        PRIORITIES,
    )
    return None if updated is None else followed(updated)


def followed(updated: Any) -> ProductRow:
    """The row of a product that was made or moved, as the functions give it with ``queued``; a final one is told."""
    moved = ProductRow.of(updated)
    if updated["queued"]:
        enqueued()
    if moved.state in State.final():
        # The canonical line of a product.
        get_logger().info(
            "product.final",
            kind=moved.kind,
            status=moved.state.value,
            stage=moved.stopped_at or None,
            code=" ".join(moved.error.codes) if moved.error else None,
            attempt=moved.attempts,
            ms=round((moved.changed_at - moved.created_at).total_seconds() * 1000),
        )
    return moved
