"""What the stand has received and registered: SQLite, in memory or in a file that a killed stand finds again."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from adapter.stand.storage import opened
from adapter.transport.errors import ErrorItem

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS message (
    id TEXT PRIMARY KEY, written TEXT NOT NULL, local_uid TEXT NOT NULL, reply_to TEXT NOT NULL, soap TEXT NOT NULL,
    request BLOB NOT NULL, faults TEXT NOT NULL, received TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'pending', emdr_id TEXT, errors TEXT NOT NULL DEFAULT '[]',
    told INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS message_open ON message (received) WHERE state = 'pending' OR told = 0;
CREATE TABLE IF NOT EXISTS document (
    number INTEGER PRIMARY KEY, local_uid TEXT NOT NULL UNIQUE, emdr_id TEXT NOT NULL UNIQUE, message_id TEXT NOT NULL,
    kind TEXT NOT NULL, organization TEXT NOT NULL, document_number TEXT NOT NULL, snils TEXT NOT NULL,
    created TEXT NOT NULL, set_root TEXT NOT NULL, set_extension TEXT NOT NULL, version INTEGER NOT NULL,
    registered TEXT NOT NULL, store_till TEXT NOT NULL, file BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS document_set ON document (set_root, set_extension, version);
"""


@dataclass(frozen=True, slots=True)
class Received:
    """A registration that was taken.

    Attributes:
        id: normalised; ``written``: as it was.
        state: ``pending``, ``registered`` or ``rejected``.
        told: the result was sent, or is kept back on demand.
    """

    id: str
    written: str
    local_uid: str
    reply_to: str
    soap: str
    request: bytes
    faults: Mapping[str, str]
    state: str = "pending"
    emdr_id: str | None = None
    errors: tuple[ErrorItem, ...] = ()
    told: bool = False


@dataclass(frozen=True, slots=True)
class Registered:
    """A registered document; times are ISO texts. ``number`` is the order of registration."""

    number: int
    local_uid: str
    emdr_id: str
    message_id: str
    kind: str
    organization: str
    document_number: str
    snils: str
    created: str
    set_root: str
    set_extension: str
    version: int
    registered: str
    store_till: str
    file: bytes


class Registry:
    """The state of a stand. Used from one thread.

    Args:
        path: the file; ``None`` keeps everything in memory.

    Raises:
        EnvironmentProblem: the file cannot be used.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._db = opened(path, _SCHEMA)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def receive(self, message: Received, at: datetime) -> bool:
        """Keep a message; false where it was received before."""
        values = (
            message.id, message.written, message.local_uid, message.reply_to, message.soap, message.request,
            json.dumps(message.faults), at.isoformat(),
        )  # fmt: skip
        cursor = self._db.execute(
            "INSERT INTO message (id, written, local_uid, reply_to, soap, request, faults, received)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            values,
        )
        return cursor.rowcount == 1

    def message(self, message_id: str) -> Received | None:
        """A message by its normalised id."""
        row = self._db.execute("SELECT * FROM message WHERE id = ?", (message_id,)).fetchone()
        return None if row is None else _received(row)

    def open(self) -> list[str]:
        """Ids of messages that are not done with, the oldest first."""
        rows = self._db.execute("SELECT id FROM message WHERE state = 'pending' OR told = 0 ORDER BY received, rowid")
        return [row["id"] for row in rows]

    def reject(self, message_id: str, errors: Sequence[ErrorItem]) -> None:
        """A registration was refused."""
        told = json.dumps([[item.code, item.message] for item in errors], ensure_ascii=False)
        self._db.execute("UPDATE message SET state = 'rejected', errors = ? WHERE id = ?", (told, message_id))

    def register(self, message_id: str, region: str, at: datetime, facts: Mapping[str, Any]) -> Registered | None:
        """Register the document of a message; ``None`` where another message has registered its ``local_uid``.

        Args:
            region: of the organisation, the second part of the number.
            facts: columns of the document but for its numbers.
        """
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            if self.document(facts["local_uid"]) is not None:
                return None
            number = self._db.execute("SELECT coalesce(max(number), 0) + 1 AS n FROM document").fetchone()["n"]
            emdr_id = f"{facts['kind']}.{region}.{at:%y.%m}.{number:09d}"
            values = {
                **facts,
                "number": number,
                "emdr_id": emdr_id,
                "message_id": message_id,
                "registered": at.isoformat(),
            }
            names = ", ".join(values)
            marks = ", ".join(f":{name}" for name in values)
            self._db.execute(f"INSERT INTO document ({names}) VALUES ({marks})", values)  # noqa: S608 - names of ours
            self._db.execute("UPDATE message SET state = 'registered', emdr_id = ? WHERE id = ?", (emdr_id, message_id))
        return self.document(facts["local_uid"])

    def told(self, message_id: str, yes: bool = True) -> None:
        """The result was sent, or is to be sent once more."""
        self._db.execute("UPDATE message SET told = ? WHERE id = ?", (yes, message_id))

    def document(self, local_uid: str = "", emdr_id: str = "") -> Registered | None:
        """A registered document by one of its ids."""
        row = self._db.execute(
            "SELECT * FROM document WHERE local_uid = ? OR emdr_id = ?", (local_uid, emdr_id)
        ).fetchone()
        return None if row is None else Registered(**dict(row))

    def last_version(self, root: str, extension: str) -> int:
        """The highest registered version of a set; 0 without one."""
        row = self._db.execute(
            "SELECT max(version) AS v FROM document WHERE set_root = ? AND set_extension = ?", (root, extension)
        ).fetchone()
        return row["v"] or 0

    def documents(self, organization: str = "", kind: str = "", snils: str = "") -> list[Registered]:
        """Registered documents in the order of registration, without their files; an empty filter admits any."""
        rows = self._db.execute(
            "SELECT number, local_uid, emdr_id, message_id, kind, organization, document_number, snils, created,"
            " set_root, set_extension, version, registered, store_till, x'' AS file FROM document"
            " WHERE ?1 IN ('', organization) AND ?2 IN ('', kind) AND ?3 IN ('', snils) ORDER BY number",
            (organization, kind, snils),
        )
        return [Registered(**dict(row)) for row in rows]

    def counts(self) -> dict[str, int]:
        """How many messages are in which state."""
        rows = self._db.execute("SELECT state, count(*) AS n FROM message GROUP BY state")
        return {row["state"]: row["n"] for row in rows}


def _received(row: sqlite3.Row) -> Received:
    errors = tuple(ErrorItem(*item) for item in json.loads(row["errors"]))
    return Received(
        row["id"], row["written"], row["local_uid"], row["reply_to"], row["soap"], row["request"],
        json.loads(row["faults"]), row["state"], row["emdr_id"], errors, bool(row["told"]),
    )  # fmt: skip
