"""What the register services have received and hold: SQLite, in memory or in the file of the stand."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from adapter.stand.storage import opened

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS register_received (
    number INTEGER PRIMARY KEY, service TEXT NOT NULL, at TEXT NOT NULL, method TEXT NOT NULL, path TEXT NOT NULL,
    query TEXT NOT NULL, body BLOB NOT NULL, faults TEXT NOT NULL, status INTEGER, answer BLOB
);
CREATE INDEX IF NOT EXISTS register_received_service ON register_received (service, number);
CREATE TABLE IF NOT EXISTS register_record (
    service TEXT NOT NULL, kind TEXT NOT NULL, key TEXT NOT NULL, number TEXT NOT NULL, data TEXT NOT NULL,
    at TEXT NOT NULL, PRIMARY KEY (service, kind, key)
);
CREATE INDEX IF NOT EXISTS register_record_number ON register_record (service, kind, number);
CREATE TABLE IF NOT EXISTS register_counter (
    service TEXT NOT NULL, name TEXT NOT NULL, value INTEGER NOT NULL, PRIMARY KEY (service, name)
);
"""


@dataclass(frozen=True, slots=True)
class Record:
    """One thing that a register holds.

    Attributes:
        kind: of thing, as the service calls it.
        key: by which the service tells it.
        number: another way to it: the number that the service gave, or whose it is; ``""`` where there is none.
        data: of it, of JSON.
    """

    kind: str
    key: str
    number: str
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Received:
    """One request as it was, and the answer to it; ``status`` is ``None`` where none was given."""

    number: int
    service: str
    at: str
    method: str
    path: str
    query: Mapping[str, str]
    body: bytes
    faults: Mapping[str, str]
    status: int | None
    answer: bytes | None


class Store:
    """The state of all register services. Used from one thread.

    Args:
        path: the file, which may be that of the documents; ``None`` keeps everything in memory.

    Raises:
        EnvironmentProblem: the file cannot be used.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._db = opened(path, _SCHEMA)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    @contextmanager
    def service(self, name: str) -> Iterator[State]:
        """The state of one service; what is written to it is kept if the block ends, and forgotten if it raises."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield State(self._db, name)
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def receive(
        self, service: str, method: str, path: str, query: Mapping[str, str], body: bytes,
        faults: Mapping[str, str], at: datetime,
    ) -> int:  # fmt: skip
        """Keep a request; its number."""
        cursor = self._db.execute(
            "INSERT INTO register_received (service, at, method, path, query, body, faults)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (service, at.isoformat(), method, path, _dumped(query), body, _dumped(faults)),
        )
        assert cursor.lastrowid is not None
        return cursor.lastrowid

    def answered(self, number: int, status: int, answer: bytes) -> None:
        """Keep the answer to a request."""
        self._db.execute(
            "UPDATE register_received SET status = ?, answer = ? WHERE number = ?", (status, answer, number)
        )

    def received(self, service: str) -> list[Received]:
        """The requests of a service, in order."""
        rows = self._db.execute("SELECT * FROM register_received WHERE service = ? ORDER BY number", (service,))
        return [
            Received(**{**dict(row), "query": json.loads(row["query"]), "faults": json.loads(row["faults"])})
            for row in rows
        ]

    def counts(self) -> dict[str, int]:
        """How many requests each service has received."""
        rows = self._db.execute("SELECT service, count(*) AS n FROM register_received GROUP BY service")
        return {row["service"]: row["n"] for row in rows}


class State:
    """What one service holds."""

    def __init__(self, db: sqlite3.Connection, service: str) -> None:
        self._db, self._service = db, service

    def get(self, kind: str, key: str) -> Record | None:
        """A record by its key."""
        return self._one("key", kind, key)

    def by_number(self, kind: str, number: str) -> Record | None:
        """The first record with a number."""
        return self._one("number", kind, number)

    def of(self, kind: str, number: str) -> list[Record]:
        """Records that share a number, in the order in which they came."""
        rows = self._db.execute(
            "SELECT * FROM register_record WHERE service = ? AND kind = ? AND number = ? ORDER BY rowid",
            (self._service, kind, number),
        )
        return [_record(row) for row in rows]

    def put(self, kind: str, key: str, data: Mapping[str, Any], *, number: str = "", at: datetime) -> Record:
        """Keep a record, in place of the one of this key, if any."""
        self._db.execute(
            "INSERT INTO register_record (service, kind, key, number, data, at) VALUES (?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (service, kind, key) DO UPDATE"
            " SET number = excluded.number, data = excluded.data, at = excluded.at",
            (self._service, kind, key, number, _dumped(data), at.isoformat()),
        )
        return Record(kind, key, number, data)

    def remove(self, kind: str, key: str) -> bool:
        """Forget a record; false where there is none."""
        cursor = self._db.execute(
            "DELETE FROM register_record WHERE service = ? AND kind = ? AND key = ?", (self._service, kind, key)
        )
        return cursor.rowcount == 1

    def all(self, kind: str = "") -> list[Record]:
        """Records in the order in which they came; of every kind by default."""
        rows = self._db.execute(
            "SELECT * FROM register_record WHERE service = ?1 AND ?2 IN ('', kind) ORDER BY rowid",
            (self._service, kind),
        )
        return [_record(row) for row in rows]

    def next(self, name: str, first: int = 1) -> int:
        """The next number of a counter; ``first`` the first time."""
        row = self._db.execute(
            "INSERT INTO register_counter (service, name, value) VALUES (?, ?, ?)"
            " ON CONFLICT (service, name) DO UPDATE SET value = value + 1 RETURNING value",
            (self._service, name, first),
        ).fetchone()
        return int(row["value"])

    def _one(self, column: str, kind: str, value: str) -> Record | None:
        row = self._db.execute(
            f"SELECT * FROM register_record WHERE service = ? AND kind = ? AND {column} = ? ORDER BY rowid LIMIT 1",  # noqa: S608 - one of two names of ours
            (self._service, kind, value),
        ).fetchone()
        return None if row is None else _record(row)


def _record(row: sqlite3.Row) -> Record:
    return Record(row["kind"], row["key"], row["number"], json.loads(row["data"]))


def _dumped(value: Mapping[str, Any]) -> str:
    # A lone surrogate of somebody's JSON has no UTF-8: it stays escaped.
    return json.dumps(value)
