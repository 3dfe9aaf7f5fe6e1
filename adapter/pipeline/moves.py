"""Making a move: the row, its history, the job that follows, and whoever waited for it, in one transaction.

Locks are taken in one order: the chain of a submission or the set of a document, then rows. Whoever ends a wait and
whoever begins one hold that lock, so that none of them misses the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from adapter.errors import Overtaken
from adapter.findings import Finding
from adapter.log import get_logger
from adapter.pipeline.database import Connection
from adapter.pipeline.jobs import enqueue
from adapter.pipeline.model import ProductRow, State, SubmissionRow, Trouble, dump_findings
from adapter.pipeline.statements import sql
from adapter.pipeline.states import Move, product_machine, submission_machine

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
    )
    if updated is None:
        raise Overtaken("the submission was moved meanwhile")
    moved = SubmissionRow.of(updated)
    if move.job and not updated["waits"]:
        await enqueue(connection, move.job, [(moved.id, moved.step)], after=change.after)
    if updated["next_id"] is not None:
        await enqueue(connection, "convert", [(updated["next_id"], updated["next_step"])])
    return moved


async def move_product(
    connection: Connection,
    row: ProductRow,
    name: str,
    change: Change = NOTHING,
    *,
    locked: bool = False,
    signatures: int | None = None,
) -> ProductRow:
    """Move a product.

    Args:
        locked: the caller holds its set.
        signatures: how many it has now.

    Raises:
        InternalError: the move is not allowed.
        Overtaken: the row is no longer at the step that the caller saw, or is to be signed and has to wait.
    """
    machine = product_machine()
    move = machine.move(name, row.state)
    final, gated = move.after in machine.final, move.gated
    if not locked and (final or gated or move.job == "sign"):
        # It may end a wait, or begin one. Other moves are of a document for which nobody waits in vain.
        await lock_sets(connection, row.set_id)
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
        gated,
        signatures,
    )
    if updated is None:
        raise Overtaken("the product was moved meanwhile")
    return await follow(connection, updated, move, change.after)


async def follow(connection: Connection, updated: Any, move: Move, after: timedelta | None = None) -> ProductRow:
    """Enqueue what a move leads to: its job, the notice of a final state, the version that waited for it.

    Args:
        updated: the row as a statement gives it that moves, with ``notice``, ``next_id``, ``next_step`` and ``waits``.
    """
    moved = ProductRow.of(updated)
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
    if move.job and not updated["waits"]:
        await enqueue(connection, move.job, [(moved.id, moved.step)], after=after)
    if updated["notice"] is not None:
        await enqueue(connection, "notify", [(updated["notice"], 0)])
    if updated["next_id"] is not None:
        await enqueue(connection, "sign", [(updated["next_id"], updated["next_step"])])
    return moved
