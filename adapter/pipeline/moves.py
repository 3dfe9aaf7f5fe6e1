"""Making a move: the row, its history, the job that follows, and whoever waited for it, in one transaction.

Locks are taken in one order: the chain of a submission or the set of a document, then rows. Whoever ends a wait and
whoever begins one hold that lock, so that none of them misses the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from adapter.errors import Overtaken
from adapter.findings import Finding
from adapter.pipeline.database import Connection
from adapter.pipeline.jobs import enqueue
from adapter.pipeline.model import ProductRow, SubmissionRow, Trouble, dump_findings
from adapter.pipeline.statements import sql
from adapter.pipeline.states import Machine, Move, product_machine, submission_machine

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


async def lock_set(connection: Connection, set_id: str | None) -> None:
    """Hold the set of a document until the transaction ends."""
    if set_id is not None:
        await connection.execute(sql("lock_set"), set_id)


async def move_submission(
    connection: Connection, row: SubmissionRow, name: str, change: Change = NOTHING
) -> SubmissionRow:
    """Move a submission.

    Raises:
        InternalError: the move is not allowed.
        Overtaken: the row is no longer at the step that the caller saw.
    """
    machine = submission_machine()
    move = machine.move(name, row.state)
    await lock_chain(connection, row.chain)
    updated = await connection.fetchrow(
        sql("move_submission"),
        row.id,
        row.step,
        move.after,
        change.trouble.to_json() if change.trouble else None,
        dump_findings(change.findings) if change.findings is not None else None,
        change.fresh,
        change.give_up_at,
    )
    if updated is None:
        raise Overtaken("the submission was moved meanwhile")
    await connection.execute(sql("record_submission_move"), row.id, name, row.state, move.after)
    moved = SubmissionRow.of(updated)
    await follow_submission(connection, moved, move, machine, change)
    return moved


async def follow_submission(
    connection: Connection, row: SubmissionRow, move: Move, machine: Machine, change: Change = NOTHING
) -> None:
    """The job of a move, unless an earlier one of the chain is still to be done; or the one that waited."""
    if move.job:
        if not await connection.fetchval(sql("waits_in_chain"), row.chain, row.seq):
            await enqueue(connection, move.job, [(row.id, row.step)], after=change.after)
    elif move.after in machine.final:
        waiting = await connection.fetchrow(sql("next_in_chain"), row.chain, row.seq)
        if waiting is not None and waiting["state"] == "accepted":
            await enqueue(connection, "convert", [(waiting["id"], waiting["step"])])


async def move_product(connection: Connection, row: ProductRow, name: str, change: Change = NOTHING) -> ProductRow:
    """Move a product.

    Raises:
        InternalError: the move is not allowed.
        Overtaken: the row is no longer at the step that the caller saw.
    """
    move = product_machine().move(name, row.state)
    await lock_set(connection, row.set_id)
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
    )
    if updated is None:
        raise Overtaken("the product was moved meanwhile")
    moved = ProductRow.of(updated)
    await follow_product(connection, moved, move, row.state, change)
    return moved


async def follow_product(
    connection: Connection, row: ProductRow, move: Move, before: str | None, change: Change = NOTHING
) -> None:
    """The history of a move, its job, the notice of a final state, and the version that waited for it."""
    await connection.execute(sql("record_product_move"), row.id, move.name, before, move.after)
    if move.job and not await waits(connection, row):
        await enqueue(connection, move.job, [(row.id, row.step)], after=change.after)
    if move.after not in product_machine().final:
        return
    notice = await connection.fetchval(sql("insert_notice"), row.client, row.id, row.state, row.changed_at + NOTICE_FOR)
    if notice is not None:
        await enqueue(connection, "notify", [(notice, 0)])
    if row.version is not None:
        following = await connection.fetchrow(sql("next_in_set"), row.set_id, row.version)
        if following is not None:
            await enqueue(connection, "sign", [(following["id"], following["step"])])


async def waits(connection: Connection, row: ProductRow) -> bool:
    """Whether an earlier version of the same set is still on its way."""
    if row.version is None:
        return False
    return bool(await connection.fetchval(sql("waits_in_set"), row.set_id, row.version))
