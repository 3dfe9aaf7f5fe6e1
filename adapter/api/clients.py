"""Registered clients, as the API asks for them; looked up once in a few seconds."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from time import monotonic
from typing import Any, Final

import orjson

from adapter.api.access import Client
from adapter.api.scopes import parse_scopes
from adapter.pipeline.database import Database
from adapter.pipeline.statements import sql

#: Seconds that a client is remembered: so long may one that was disabled go on.
REMEMBERED: Final = 5.0


class StoredClients:
    """Clients in the database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[tuple[str, str], tuple[float, Client | None]] = {}

    async def find(self, client_id: str) -> Client | None:
        """A client that is not disabled."""
        return await self._remembered("client_find", client_id)

    async def by_certificate(self, fingerprint: str) -> Client | None:
        """The client with a certificate of this SHA-256 fingerprint."""
        return await self._remembered("client_by_certificate", fingerprint)

    async def first_use(self, client_id: str, jti: str, until: datetime) -> bool:
        """Remember the id of an assertion; ``False`` where it was used before."""
        digest = hashlib.sha256(f"{client_id}\n{jti}".encode()).digest()
        async with self._database.connection() as connection:
            return await connection.fetchval(sql("jti_first_use"), digest, until) is not None

    async def add(
        self,
        client_id: str,
        organisations: Sequence[str],
        keys: Mapping[str, Any],
        scopes: Sequence[str],
        certificate: str | None,
    ) -> None:
        """Register a client, or change one."""
        text = orjson.dumps(keys).decode()
        async with self._database.connection() as connection:
            await connection.execute(sql("client_add"), client_id, list(organisations), text, list(scopes), certificate)

    async def disable(self, client_id: str) -> bool:
        """Let a client in no more; ``False`` where there is none."""
        async with self._database.connection() as connection:
            return await connection.execute(sql("client_disable"), client_id) == "UPDATE 1"

    async def all(self) -> list[Any]:
        """Every client, disabled ones too."""
        async with self._database.connection() as connection:
            return await connection.fetch(sql("client_list"))

    async def _remembered(self, statement: str, key: str) -> Client | None:
        now = monotonic()
        since, client = self._known.get((statement, key), (-REMEMBERED, None))
        if now - since < REMEMBERED:
            return client
        async with self._database.connection() as connection:
            row = await connection.fetchrow(sql(statement), key)
        client = _client(row) if row is not None else None
        if len(self._known) > 10_000:  # names that nobody has are remembered too
            self._known.clear()
        self._known[statement, key] = (now, client)
        return client


def _client(row: Any) -> Client:
    return Client(row["id"], orjson.loads(row["keys"]), parse_scopes(row["scopes"]), frozenset(row["organisations"]))
