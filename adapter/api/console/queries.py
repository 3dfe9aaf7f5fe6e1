"""What the pages ask of the journal."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

from adapter.pipeline import ProductRow, SubmissionRow
from adapter.pipeline.database import Database
from adapter.pipeline.statements import sql
from adapter.transport.ids import normalise_message_id

#: States of a document in the words of the overview.
WAITING: Final = ("checked", "signed", "sent", "awaiting")
FAILED: Final = ("rejected", "dead")
#: Groups of states that a list may be asked for by one name.
GROUPS: Final = {"waiting": WAITING, "failed": FAILED, "open": (*WAITING, "held")}
BUNDLE_GROUPS: Final = {"unfinished": ("accepted", "held", "refused", "dead"), "failed": ("refused", "dead")}
#: How many are counted before it is «more than».
COUNTED: Final = 10_000
_MARK: Final = "/* console_filter */"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which documents; ``None`` does not matter.

    Attributes:
        ids: only these; what a number in hand was found to mean.
        since, until: of their arrival; ``since`` belongs to it, ``until`` does not.
    """

    ids: Sequence[UUID] | None = None
    states: Sequence[str] | None = None
    kind: str | None = None
    organisation: str | None = None
    error_class: str | None = None
    code: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def arguments(self) -> tuple[Any, ...]:
        """Of ``console_filter``."""
        ids = None if self.ids is None else list(self.ids)
        states = None if self.states is None else list(self.states)
        return ids, states, self.kind, self.organisation, self.error_class, self.code, self.since, self.until


@dataclass(frozen=True, slots=True)
class Key:
    """Where a page ends: the next one begins after it."""

    at: datetime
    id: UUID


@dataclass(frozen=True, slots=True)
class Verdict:
    """Rows that fare alike in a move.

    Attributes:
        unmade: they failed their check, so that their Bundle is converted again.
        kept: that Bundle is still there.
        overtaken: a later version has left.
        ids, numbers: of the last ones, for example; the number is that by which a person knows the document.
    """

    state: str
    unmade: bool
    submission_state: str
    kept: bool
    overtaken: bool
    rows: int
    ids: Sequence[UUID]
    numbers: Sequence[str]


@dataclass(frozen=True, slots=True)
class Came:
    """Documents of a period: how many by state, in all and by bucket, organisation and kind."""

    total: Counter[str]
    buckets: dict[datetime, Counter[str]]
    organisations: dict[str, Counter[str]]
    kinds: dict[str, Counter[str]]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The numbers of the overview.

    Attributes:
        stopped: class of the error → how many.
        codes: code → in how many of the documents that stopped, at most the last :data:`COUNTED` of them.
        bundles, bundles_failed: how many came in the period, and how many of them yielded no document.
        open, bundles_open: state → how many now, and when the oldest of them came.
    """

    came: Came
    stopped: dict[str, int]
    codes: dict[str, int]
    open: dict[str, tuple[int, datetime]]
    bundles: int
    bundles_failed: int
    bundles_open: dict[str, tuple[int, datetime]]


class Queries:
    """The questions, each a few statements."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def snapshot(self, since: datetime, until: datetime, bucket: timedelta, *, codes: int = 12) -> Snapshot:
        """The numbers of a period, and of now."""
        # The longest one beside the others: a server has more than one processor.
        came, stopped, met, waiting, bundles, bundles_open = await asyncio.gather(
            self._rows("console_came", since, until, bucket),
            self._rows("console_stopped", since, until),
            self._rows("console_codes", since, until, codes, COUNTED),
            self._rows("console_open"),
            self._rows("console_bundles_came", since, until),
            self._rows("console_bundles_open"),
        )
        return Snapshot(
            _came(came),
            {row["error_class"]: row["rows"] for row in stopped},
            {row["code"]: row["rows"] for row in met},
            {row["state"]: (row["rows"], row["oldest"]) for row in waiting},
            bundles[0]["rows"],
            bundles[0]["failed"],
            {row["state"]: (row["rows"], row["oldest"]) for row in bundles_open},
        )

    async def find(self, number: str) -> list[UUID]:
        """Products that a number in hand may mean."""
        message = normalise_message_id(number)
        return [row["id"] for row in await self._rows("console_find", number, message, uuid_of(number))]

    async def products(self, wanted: Wanted, after: Key | None, limit: int) -> list[ProductRow]:
        """A page of documents, the newest first."""
        rows = await self._planned("console_products", *wanted.arguments(), *_after(after), limit)
        return [ProductRow.of(row) for row in rows]

    async def count(self, wanted: Wanted) -> int:
        """How many documents, at most one more than :data:`COUNTED`."""
        rows = await self._planned("console_count", *wanted.arguments(), COUNTED + 1)
        return int(rows[0]["count"])

    async def verdicts(self, wanted: Wanted, move: str) -> list[Verdict]:
        """How the documents would fare in a move."""
        rows = await self._planned("console_verdicts", *wanted.arguments(), move)
        return [Verdict(*row) for row in rows]

    async def ids(self, wanted: Wanted) -> list[UUID]:
        """All documents, the oldest first, so that they leave in the order in which they came."""
        return [row["id"] for row in await self._planned("console_ids", *wanted.arguments())]

    async def bundles(self, wanted: Wanted, after: Key | None, limit: int) -> list[SubmissionRow]:
        """A page of Bundles, the newest first."""
        only = wanted.ids[0] if wanted.ids else None
        given = (only, *wanted.arguments()[1:2], *wanted.arguments()[3:])
        rows = await self._planned("console_bundles", *given, *_after(after), limit)
        return [SubmissionRow.of(row) for row in rows]

    async def bundles_of(self, ids: Sequence[UUID]) -> list[SubmissionRow]:
        """Bundles by their ids."""
        return [SubmissionRow.of(row) for row in await self._rows("console_bundles_of", list(ids))]

    async def kinds(self) -> list[str]:
        """Kinds that there are documents of."""
        return [row["kind"] for row in await self._rows("console_kinds")]

    async def organisations(self) -> list[str]:
        """Organisations that there are documents of."""
        return [row["organisation"] for row in await self._rows("console_organisations")]

    async def _rows(self, name: str, *arguments: Any) -> list[Any]:
        async with self._database.connection() as connection:
            return await connection.fetch(sql(name), *arguments)

    async def _planned(self, name: str, *arguments: Any) -> list[Any]:
        async with self._database.connection() as connection, connection.transaction():
            await connection.execute(sql("console_custom_plans"))
            return await connection.fetch(_filtered(name), *arguments)


def uuid_of(text: str) -> UUID | None:
    """The UUID that a text is, in any spelling."""
    try:
        return UUID(text.strip())
    except ValueError:
        return None


@lru_cache(maxsize=16)
def _filtered(name: str) -> str:
    return sql(name).replace(_MARK, sql("console_filter"))


def _after(key: Key | None) -> tuple[datetime | None, UUID | None]:
    return (None, None) if key is None else (key.at, key.id)


def _came(rows: Sequence[Any]) -> Came:
    found = Came(Counter(), {}, {}, {})
    for row in rows:
        if row["bucket"] is not None:
            found.total[row["state"]] += row["rows"]
            group: dict[Any, Counter[str]] = found.buckets
            key = row["bucket"]
        elif row["organisation"] is not None:
            group, key = found.organisations, row["organisation"]
        else:
            group, key = found.kinds, row["kind"]
        group.setdefault(key, Counter())[row["state"]] += row["rows"]
    return found
