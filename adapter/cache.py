"""Entries of the cache folder: what can be made again, kept because making it takes time."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from adapter.log import get_logger


def keep(entry: Path, data: bytes, event: str) -> None:
    """Write an entry atomically; a folder that cannot be written costs time, not the work.

    Args:
        entry: the file; folders above it are made.
        data: what it holds.
        event: name of the warning in the log where it cannot be written.
    """
    try:
        write_whole(entry, data)
    except OSError as error:
        get_logger().warning(event, exc_info=error)


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that nobody sees a part of it; folders above it are made.

    Raises:
        OSError: it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    with os.fdopen(handle, "wb") as file:
        file.write(data)
    Path(name).replace(path)
