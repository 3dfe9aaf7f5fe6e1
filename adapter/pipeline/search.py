"""Looking for documents in the journal; pages by key, the newest first."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from adapter.pipeline.database import Database
from adapter.pipeline.model import ProductRow
from adapter.pipeline.statements import sql


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which documents.

    Attributes:
        organisations: OIDs; documents of others are not found.
        kind: code of the kind.
        number: the document's own id, or a number that the state gave it.
        since, before: of the last change; ``since`` belongs to it.
        after: the last document of the page before.
    """

    organisations: Collection[str]
    kind: str | None = None
    number: str | None = None
    ident: UUID | None = None
    since: datetime | None = None
    before: datetime | None = None
    after: UUID | None = None


async def documents(database: Database, wanted: Wanted, count: int) -> list[tuple[ProductRow, int]]:
    """At most ``count`` documents, each with the number of its signatures."""
    async with database.connection() as connection:
        rows = await connection.fetch(
            sql("search_documents"),
            list(wanted.organisations),
            wanted.kind,
            wanted.number,
            wanted.ident,
            wanted.since,
            wanted.before,
            wanted.after,
            count,
        )
    return [(ProductRow.of(row), row["signatures"]) for row in rows]
