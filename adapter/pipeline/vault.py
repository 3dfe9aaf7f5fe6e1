"""Sealed payloads in the database, and the secret of keyed hashes."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from typing import Final

from adapter.errors import DatabaseError
from adapter.findings import Text
from adapter.pipeline.database import Connection, Database
from adapter.pipeline.keys import KEY_BYTES, Keys, Sealed
from adapter.pipeline.statements import sql
from adapter.settings import Settings

#: Longer payloads are sealed and opened beside the event loop: 1 MB takes about 10 ms.
_ASIDE_FROM: Final = 128 * 1024
_SECRET: Final = "identity"  # noqa: S105 - the name of a row
_SECRET_PURPOSE: Final = "secret"  # noqa: S105 - what the row is for
_ROTATE_AT_ONCE: Final = 100


def load_keys(settings: Settings) -> Keys:
    """The keys of the settings, else of the file in the data directory, which is made where there is none.

    Raises:
        UsageError: they are malformed, or the file is open to others.
    """
    if settings.keys is not None:
        return Keys.parse(settings.keys.get_secret_value())
    return Keys.of_file(settings.keys_file)


class Vault:
    """Payloads of the database, sealed with a ring of keys.

    Attributes:
        secret: of keyed hashes; the same for the life of the database, whatever keys seal it.
    """

    def __init__(self, keys: Keys, secret: bytes) -> None:
        self._keys = keys
        self.secret = secret

    @classmethod
    async def open(cls, database: Database, keys: Keys) -> Vault:
        """The vault of a database, with a secret made where there is none."""
        async with database.transaction() as connection:
            sealed = keys.seal(os.urandom(KEY_BYTES), _SECRET_PURPOSE)
            await connection.execute(sql("insert_secret"), _SECRET, sealed.key_id, sealed.nonce, sealed.data)
            row = await connection.fetchrow(sql("secret"), _SECRET)
        return cls(keys, keys.open(Sealed(*row), _SECRET_PURPOSE))

    async def seal(self, data: bytes, purpose: str) -> Sealed:
        """Seal with the current key."""
        if len(data) >= _ASIDE_FROM:
            return await asyncio.to_thread(self._keys.seal, data, purpose)
        return self._keys.seal(data, purpose)

    async def put(self, connection: Connection, data: bytes, purpose: str) -> int:
        """Seal and store; the id of the payload."""
        sealed = await self.seal(data, purpose)
        return int(await connection.fetchval(sql("insert_payload"), purpose, sealed.key_id, sealed.nonce, sealed.data))

    async def put_all(self, connection: Connection, payloads: Sequence[tuple[str, bytes]]) -> list[int]:
        """Seal and store several, given with their purposes; their ids in the same order."""
        purposes = [purpose for purpose, _ in payloads]
        rows = await connection.fetch(sql("insert_payloads"), purposes, *await self.seal_all(payloads))
        return sorted(row["id"] for row in rows)

    async def seal_all(self, payloads: Sequence[tuple[str, bytes]]) -> tuple[list[str], list[bytes], list[bytes]]:
        """Seal several, given with their purposes: ids of keys, nonces and data, as the database takes them."""
        sealed = [await self.seal(data, purpose) for purpose, data in payloads]
        return [one.key_id for one in sealed], [one.nonce for one in sealed], [one.data for one in sealed]

    async def get(self, connection: Connection, payload: int, purpose: str) -> bytes:
        """Fetch and open.

        Raises:
            DatabaseError: it is not there, or does not open.
        """
        row = await connection.fetchrow(sql("payload"), payload)
        if row is None:
            raise DatabaseError(Text(f"данных {payload} нет в базе", f"payload {payload} is not in the database"))
        return await self.open_sealed(Sealed(*row), purpose)

    async def open_sealed(self, sealed: Sealed, purpose: str) -> bytes:
        """Open what was fetched.

        Raises:
            DatabaseError: it does not open.
        """
        if len(sealed.data) >= _ASIDE_FROM:
            return await asyncio.to_thread(self._keys.open, sealed, purpose)
        return self._keys.open(sealed, purpose)

    async def rotate(self, database: Database) -> int:
        """Seal with the current key what another one has sealed, a hundred at a time; how many there were."""
        async with database.transaction() as connection:
            row = await connection.fetchrow(sql("secret"), _SECRET)
            if row["key_id"] != self._keys.current:
                again = self._keys.seal(self.secret, _SECRET_PURPOSE)
                await connection.execute(sql("reseal_secret"), _SECRET, again.key_id, again.nonce, again.data)
        total = 0
        while done := await self._rotate_some(database):
            total += done
        return total

    async def _rotate_some(self, database: Database) -> int:
        async with database.transaction() as connection:
            rows = await connection.fetch(sql("sealed_with_other_keys"), self._keys.current, _ROTATE_AT_ONCE)
            for row in rows:
                sealed, purpose = Sealed(row["key_id"], row["nonce"], row["data"]), row["purpose"]
                again = self._keys.seal(self._keys.open(sealed, purpose), purpose)
                await connection.execute(sql("reseal_payload"), row["id"], again.key_id, again.nonce, again.data)
            return len(rows)
