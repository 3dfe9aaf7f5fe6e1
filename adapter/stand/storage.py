"""The file in which a stand keeps its state (SQLite); several parts of it share one."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from adapter.errors import EnvironmentProblem
from adapter.findings import Text


def opened(path: Path | None, schema: str) -> sqlite3.Connection:
    """The file with the tables of a part; ``None`` keeps everything in memory.

    Raises:
        EnvironmentProblem: it cannot be used.
    """
    try:
        db = sqlite3.connect(path or ":memory:", isolation_level=None, check_same_thread=False)
        db.row_factory = sqlite3.Row
        # What was committed survives the death of the process; only that of the machine may lose it.
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = OFF")
        db.executescript(schema)
    except sqlite3.Error as error:
        reason = type(error).__name__
        raise EnvironmentProblem(
            Text(f"файл стенда не открыт: {reason}", f"the file of the stand cannot be used: {reason}")
        ) from error
    return db
