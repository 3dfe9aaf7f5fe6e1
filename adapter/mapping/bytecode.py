"""Compiled Python kept in the cache folder: compiling the functions of a document takes longer than making one."""

from __future__ import annotations

import hashlib
import marshal
import os
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from types import CodeType

from adapter.log import get_logger


def compiled(text: str, file: str, cache: Path | None) -> CodeType:
    """The code of a module.

    Args:
        text: the module.
        file: what tracebacks call it.
        cache: folder that may hold it; ``None`` compiles anew.
    """
    if cache is None:
        return compile(text, file, "exec")
    # Byte code is of one release of Python.
    digest = hashlib.sha256(f"{file}\0{text}".encode()).hexdigest()
    entry = cache / f"map_{digest}.{sys.implementation.cache_tag}"
    with suppress(OSError):
        try:
            kept = marshal.loads(entry.read_bytes())  # noqa: S302 # our own file, as Python and Jinja keep theirs
            if isinstance(kept, CodeType):
                return kept
        except (EOFError, ValueError, TypeError) as error:
            get_logger().warning("mapping.cache_damaged", file=file, exc_info=error)
    code = compile(text, file, "exec")
    _store(entry, marshal.dumps(code))
    return code


def _store(entry: Path, data: bytes) -> None:
    """Write an entry atomically; a folder that cannot be written costs time, not the document."""
    try:
        entry.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=entry.parent, prefix=".new-")
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(name).replace(entry)
    except OSError as error:
        get_logger().warning("mapping.cache_unwritable", exc_info=error)
