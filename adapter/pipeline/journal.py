"""The journal: what was accepted and what became of it.

Everything that must not be lost is written here before anybody is told that it is accepted; every change is one
transaction with the job that follows it.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from adapter.errors import DatabaseError
from adapter.pipeline.audit import disclosed
from adapter.pipeline.database import Connection, Database
from adapter.pipeline.jobs import STAGES
from adapter.pipeline.keys import Sealed, keyed_hash
from adapter.pipeline.model import Accepted, MoveRow, ProductRow, SignatureRow, SubmissionRow, dumps, new_id
from adapter.pipeline.outbox import Outbox
from adapter.pipeline.patients import patients_of
from adapter.pipeline.statements import sql
from adapter.pipeline.states import submission_machine
from adapter.pipeline.vault import Vault, load_keys
from adapter.settings import Settings
from adapter.transport.callbacks import Callback, FileDelivery, FileRequest, Notice, RegistrationResult

#: Seconds within which a database that is well has answered.
_ANSWERS_WITHIN: Final = 5.0
#: Operations of РЭМД by what they send.
_OPERATIONS: Final[dict[type[Callback], str]] = {
    RegistrationResult: "sendRegisterDocumentResult",
    FileRequest: "getDocumentFile",
    Notice: "sendNotice",
    FileDelivery: "sendDocumentFile",
}


def now() -> datetime:
    """The clock of a service."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Work:
    """What a stage needs of a product.

    Attributes:
        waits: an earlier version of its set is on its way.
        document, registration: ``None`` where there is none, or it is no longer kept; the former also of a document
            that is signed, which has no use for it any more.
        signatures: of a document that is signed, in their order.
        attempts: how often it was sent.
    """

    row: ProductRow
    waits: bool
    document: bytes | None
    registration: bytes | None
    signatures: tuple[SignatureRow, ...] = ()
    attempts: int = 0


class Journal:
    """The record of submissions, products and messages.

    Attributes:
        database: where it is kept.
        vault: of the payloads.
        clock: tells the time.
        retry_for: how long what cannot be sent is tried.
        files_by_message: a file that the state asks for is sent as a message of its own, by a worker.
        outbox: what an operator sees and does.
    """

    def __init__(
        self,
        database: Database,
        vault: Vault,
        *,
        clock: Callable[[], datetime] = now,
        retry_for: timedelta,
        files_by_message: bool = False,
    ) -> None:
        self.database, self.vault, self.clock, self.retry_for = database, vault, clock, retry_for
        self.files_by_message = files_by_message
        self.outbox = Outbox(self)
        self._written: asyncio.Task[bool] | None = None

    @classmethod
    async def open(cls, settings: Settings, *, clock: Callable[[], datetime] = now, connections: int = 10) -> Journal:
        """Open the database of the settings, starting and migrating it where needed.

        Raises:
            DatabaseError: it cannot be started, reached or migrated, or its payloads do not open with the keys.
            UsageError: the keys are malformed.
        """
        settings.data.mkdir(parents=True, exist_ok=True)
        keys = load_keys(settings)
        database = await Database.open(settings, connections=connections)
        try:
            vault = await Vault.open(database, keys)
        except BaseException:
            await database.close()
            raise
        return cls(
            database,
            vault,
            clock=clock,
            retry_for=timedelta(hours=settings.retry_hours),
            files_by_message=settings.remd_files == "message",
        )

    async def close(self) -> None:
        """Let the database go."""
        await self.database.close()

    async def accept(
        self,
        *,
        client: str,
        organisation: str,
        data: bytes,
        media_type: str,
        fhir_version: str,
        idempotency_key: str | None,
        bundle_identifier: str | None,
    ) -> Accepted:
        """Store a Bundle with its line of the audit and enqueue its conversion; it is on disk when this returns.

        The same one again gives the same submission: the same by its key, else by its identifier, else by its content.
        Other content under the same key or identifier is a new version. A late repeat of an older version is that
        version.

        Args:
            client: who sent it.
            organisation: OID of the organisation that it is sent for.
            data: as it came.
            media_type: of ``data``.
            fhir_version: as the client says; empty to detect it.
            idempotency_key: header of the request.
            bundle_identifier: system and value of Bundle.identifier.

        Raises:
            DatabaseError: it could not be stored: the client has to send it again.
        """
        secret = self.vault.secret
        digest = keyed_hash(secret, "content", data)
        if idempotency_key is not None:
            identity = keyed_hash(secret, "key", idempotency_key)
        elif bundle_identifier is not None:
            identity = keyed_hash(secret, "bundle", bundle_identifier)
        else:
            identity = digest
        patients = patients_of(data)
        chain = keyed_hash(secret, "chain", organisation, *(patients or (identity,)))
        move = submission_machine().move("accept", None)
        sealed = await self.vault.seal(data, "bundle")
        async with self.database.connection() as connection:
            row = await connection.fetchrow(
                sql("accept"),
                new_id(),
                client,
                organisation,
                identity,
                digest,
                chain,
                media_type,
                fhir_version,
                "bundle",
                sealed.key_id,
                sealed.nonce,
                sealed.data,
                move.name,
                move.after,
                self.clock() + self.retry_for,
                move.job,
                STAGES[move.job],
            )
        if row["queued"]:
            self.database.enqueued()
        return Accepted(row["id"], row["created"], row["version"], SubmissionRow.of(row))

    async def submission(self, submission_id: UUID) -> SubmissionRow | None:
        """A submission."""
        async with self.database.connection() as connection:
            row = await connection.fetchrow(sql("submission"), submission_id)
        return None if row is None else SubmissionRow.of(row)

    async def bundle(self, submission_id: UUID) -> bytes | None:
        """The Bundle of a submission as it came; ``None`` where there is none or it is no longer kept."""
        async with self.database.connection() as connection:
            row = await connection.fetchrow(sql("submission"), submission_id)
            if row is None or row["payload_id"] is None:
                return None
            return await self.vault.get(connection, row["payload_id"], "bundle")

    async def products(self, submission_id: UUID) -> list[ProductRow]:
        """The products of a submission; a product may belong to several, which had the same content."""
        async with self.database.connection() as connection:
            rows = await connection.fetch(sql("products_of_submission"), submission_id)
        return [ProductRow.of(row) for row in rows]

    async def product(self, product_id: UUID) -> ProductRow | None:
        """A product."""
        return await self._product("product", product_id)

    async def product_by_local_uid(self, local_uid: str) -> ProductRow | None:
        """The product whose document has that id."""
        return await self._product("product_by_local_uid", local_uid)

    async def product_by_emdr_id(self, emdr_id: str) -> ProductRow | None:
        """The product that the state registered under that number."""
        return await self._product("product_by_emdr_id", emdr_id)

    async def product_by_message_id(self, message_id: str) -> ProductRow | None:
        """The product that a message of ours was about; the id is normalised."""
        return await self._product("product_by_message_id", message_id)

    async def _product(self, statement: str, key: object) -> ProductRow | None:
        async with self.database.connection() as connection:
            row = await connection.fetchrow(sql(statement), key)
        return None if row is None else ProductRow.of(row)

    async def document(self, product_id: UUID) -> bytes | None:
        """The document of a product; ``None`` where there is none or it is no longer kept."""
        return await self._payload(product_id, "document")

    async def registration(self, product_id: UUID) -> bytes | None:
        """The facts for registration of a product, as JSON."""
        return await self._payload(product_id, "registration")

    async def _payload(self, product_id: UUID, what: str) -> bytes | None:
        async with self.database.connection() as connection:
            row = await connection.fetchrow(sql("product"), product_id)
            if row is None or row[f"{what}_id"] is None:
                return None
            return await self.vault.get(connection, row[f"{what}_id"], what)

    async def signatures(self, product_id: UUID) -> list[SignatureRow]:
        """The signatures of a document in the order in which they were made."""
        async with self.database.connection() as connection:
            rows = await connection.fetch(sql("signatures"), product_id)
        return [SignatureRow(row["role"], await self.vault.open_sealed(Sealed(*row[1:]), "signature")) for row in rows]

    async def to_work(self, product_id: UUID, operation: str) -> Work | None:
        """A product with what a stage needs of it, in one query.

        Args:
            operation: by which it is sent.
        """
        async with self.database.connection() as connection:
            row = await connection.fetchrow(sql("product_to_work"), product_id, operation)
        if row is None:
            return None
        return Work(
            ProductRow.of(row),
            row["waits"],
            await self._opened(row, "document"),
            await self._opened(row, "registration"),
            await self._signatures(row),
            row["attempts_made"],
        )

    async def _signatures(self, row: Mapping[str, Any]) -> tuple[SignatureRow, ...]:
        sealed = zip(*(row[f"signature_{part}"] or () for part in ("keys", "nonces", "datas")), strict=True)
        opened = [await self.vault.open_sealed(Sealed(*one), "signature") for one in sealed]
        return tuple(map(SignatureRow, row["roles"] or (), opened))

    async def to_convert(self, submission_id: UUID) -> tuple[SubmissionRow, bool, bytes | None] | None:
        """A submission, whether it waits for an earlier one, and its Bundle, in one query."""
        async with self.database.connection() as connection:
            row = await connection.fetchrow(sql("submission_to_convert"), submission_id)
        return None if row is None else (SubmissionRow.of(row), row["waits"], await self._opened(row, "bundle"))

    async def _opened(self, row: Mapping[str, Any], purpose: str) -> bytes | None:
        sealed = Sealed(row[f"{purpose}_key"], row[f"{purpose}_nonce"], row[f"{purpose}_data"])
        return None if sealed.data is None else await self.vault.open_sealed(sealed, purpose)

    async def not_ready(self) -> list[str]:
        """Names of the parts without which no Bundle can be stored; empty where all is well."""
        # One at a time: each that hangs holds a connection.
        if self._written is None or self._written.done():
            self._written = asyncio.create_task(self._writes())
        done, _ = await asyncio.wait({self._written}, timeout=_ANSWERS_WITHIN)
        return [] if done and self._written.result() else ["database"]

    async def _writes(self) -> bool:
        try:
            async with self.database.transaction() as connection:
                # Answers, and writes: a full disk or a standby does not.
                await connection.execute(sql("try_to_write"))
        except DatabaseError:
            return False
        return True

    async def measure(self) -> None:
        """Set the gauges of the journal."""
        from adapter.pipeline import metrics

        async with self.database.connection() as connection:
            for kind in ("product", "submission"):
                metrics.set_states(kind, await connection.fetch(sql(f"count_{kind}s")))
            metrics.set_jobs(await connection.fetch(sql("count_jobs")))

    async def submission_moves(self, submission_id: UUID) -> list[MoveRow]:
        """What happened to a submission, in order."""
        return await self._moves("submission_moves", submission_id)

    async def product_moves(self, product_id: UUID) -> list[MoveRow]:
        """What happened to a product, in order."""
        return await self._moves("product_moves", product_id)

    async def _moves(self, statement: str, row_id: UUID) -> list[MoveRow]:
        async with self.database.connection() as connection:
            return [MoveRow(**row) for row in await connection.fetch(sql(statement), row_id)]

    async def callback(self, callback: Callback, raw: bytes) -> bytes | None:
        """Store a message of the state, as soon as it comes and whatever it says; a worker does the rest.

        Once this returns, the state may be told that it was received. The same message again changes nothing.

        Returns:
            The file that is asked for, where there is one; that it is given is in the audit by then, unless a worker
            sends it.

        Raises:
            DatabaseError: it could not be stored: the state must not be told that it was.
        """
        sealed = await self.vault.seal(raw, "message")
        async with self.database.connection() as connection:
            product, outcome, document = await self._named(connection, callback)
            given = outcome == "served"
            enqueued = await connection.fetchval(
                sql("receive"),
                product,
                _OPERATIONS.get(type(callback), "unknown"),
                callback.message_id or hashlib.sha256(raw).hexdigest().upper(),
                callback.relates_to,
                outcome,
                sealed.key_id,
                sealed.nonce,
                sealed.data,
                dumps(disclosed("remd", str(product))) if given else None,
                "callback",
                STAGES["callback"],
            )
        if enqueued:
            self.database.enqueued()
        return document

    async def _named(self, connection: Connection, callback: Callback) -> tuple[UUID | None, str, bytes | None]:
        """The product that a request for a file names, what such a message comes to, and the file."""
        if isinstance(callback, RegistrationResult):
            return None, "", None
        if not isinstance(callback, FileRequest):
            return None, "kept", None
        if callback.emdr_id:
            row = await connection.fetchrow(sql("file_by_emdr_id"), callback.emdr_id)
        else:
            row = await connection.fetchrow(sql("file_by_local_uid"), callback.local_uid)
        document = None if row is None else await self._opened(row, "document")
        if row is None or document is None:
            return None if row is None else row["id"], "unknown", None
        return row["id"], "" if self.files_by_message else "served", document
