"""Telling a client that a document is final: a signed POST, tried again until it is taken."""

from __future__ import annotations

import hashlib
import hmac
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

import orjson

from adapter.errors import NetworkError, UsageError
from adapter.findings import Text
from adapter.pipeline.retry import Gate
from adapter.pipeline.statements import sql
from adapter.transport.http import Http

if TYPE_CHECKING:
    from adapter.pipeline.journal import Journal

#: ``t=<seconds since 1970>,v1=<HMAC-SHA256 of "<seconds>." and the body, hexadecimal>``.
SIGNATURE: Final = "X-Egisz-Signature"
#: Number of the notice: the same one may come twice.
NOTICE: Final = "X-Egisz-Notice"
#: Notices of one address under way at once in one worker.
_AT_CLIENT: Final = 4


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice that is to be delivered."""

    id: int
    attempts: int
    give_up_at: datetime


async def set_webhook(journal: Journal, client: str, url: str | None, secret: bytes) -> None:
    """Where a client wants to be told, and what signs it; ``None`` tells it no more.

    Raises:
        UsageError: there is no such client.
    """
    async with journal.database.transaction() as connection:
        sealed = await journal.vault.put(connection, secret, "webhook") if url is not None else None
        if await connection.fetchval(sql("set_webhook"), client, url, sealed) is None:
            raise UsageError(Text(f"нет клиента {client}", f"there is no client {client}"))


def signature(secret: bytes, body: bytes, at: datetime) -> str:
    """Value of the header that signs a body."""
    seconds = int(at.timestamp())
    digest = hmac.new(secret, f"{seconds}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={seconds},v1={digest}"


class Webhooks:
    """Delivers notices.

    Args:
        http: sends them; its timeout is short, for a client that hangs must not hold up the others.
    """

    def __init__(self, journal: Journal, http: Http) -> None:
        self._journal, self._http = journal, http
        self._gates: defaultdict[str, Gate] = defaultdict(lambda: Gate(_AT_CLIENT))

    async def deliver(self, notice: int) -> Notice | None:
        """Deliver one.

        Returns:
            The notice where it was not taken and has to be tried again; ``None`` where it is settled.

        Raises:
            Again: its client does not answer, and is left alone for a while.
        """
        async with self._journal.database.connection() as connection:
            row = await connection.fetchrow(sql("notice"), notice)
            if row is None or row["outcome"]:
                return None
            if row["webhook_url"] is None:
                await connection.execute(sql("settle_notice"), notice, "dropped")
                return None
            secret = await self._journal.vault.get(connection, row["webhook_secret"], "webhook")
            links = await connection.fetch(sql("tasks_of_product"), row["product_id"])
        body = orjson.dumps(
            {
                "product": str(row["product_id"]),
                "tasks": [str(one["submission_id"]) for one in links],
                "kind": row["kind"],
                "state": row["state"],
                "emdrId": row["emdr_id"],
                "unrz": row["unrz"],
                "at": row["created_at"].isoformat(),
            }
        )
        headers = {
            "Content-Type": "application/json",
            SIGNATURE: signature(secret, body, self._journal.clock()),
            NOTICE: str(notice),
        }
        try:
            with self._gates[row["webhook_url"]].passing():
                answer = await self._http.post(row["webhook_url"], body, headers)
            taken = 200 <= answer.status < 300
        except NetworkError:
            taken = False
        async with self._journal.database.connection() as connection:
            if taken:
                await connection.execute(sql("settle_notice"), notice, "delivered")
                return None
            attempts = await connection.fetchval(sql("fail_notice"), notice)
            if self._journal.clock() >= row["give_up_at"]:
                await connection.execute(sql("settle_notice"), notice, "dead")
                return None
        return Notice(notice, attempts, row["give_up_at"])
