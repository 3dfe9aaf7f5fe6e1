"""Sessions of ФЭР: ФЭР names a patient once, and then the session alone."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from adapter.pipeline.database import Database
from adapter.pipeline.keys import Sealed, keyed_hash
from adapter.pipeline.statements import sql
from adapter.pipeline.vault import Vault

_PURPOSE: Final = "fer-session"


class StoredSessions:
    """Sessions in the database, good in every process over it; nothing of a patient stands there in the clear."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database, self._vault = database, vault

    async def remember(self, organisation: str, session: str, patient: str, *, now: datetime, until: datetime) -> None:
        """Keep whose session it is, in place of whom it was of; what is over is forgotten."""
        key = self._key(organisation, session)
        sealed = await self._vault.seal(patient.encode(), _PURPOSE)
        async with self._database.transaction() as connection:
            await connection.execute(sql("fer_forget"), now)
            await connection.execute(sql("fer_remember"), key, sealed.key_id, sealed.nonce, sealed.data, until)

    async def patient(self, organisation: str, session: str, *, now: datetime) -> str | None:
        """The reference to the patient of a session; ``None`` where there is none, or it is over.

        Raises:
            DatabaseError: it does not open.
        """
        async with self._database.connection() as connection:
            row = await connection.fetchrow(sql("fer_patient"), self._key(organisation, session), now)
        return None if row is None else (await self._vault.open_sealed(Sealed(*row), _PURPOSE)).decode()

    def pseudonym(self, organisation: str, reference: str) -> str:
        """What stands for a patient in the audit: the same for the same one, and telling nothing."""
        return keyed_hash(self._vault.secret, _PURPOSE, organisation, reference).hex()[:32]

    def booking(self, *parts: str) -> str:
        """The number of a booking: the same when ФЭР asks again, and guessed by nobody.

        Args:
            parts: what tells the request from others.
        """
        return keyed_hash(self._vault.secret, "fer-booking", *parts).hex()[:32]

    def _key(self, organisation: str, session: str) -> bytes:
        return keyed_hash(self._vault.secret, _PURPOSE, organisation, session)
