"""Compiled Python kept in the cache folder: compiling the functions of a document takes longer than making one."""

from __future__ import annotations

import hashlib
import marshal
import sys
from contextlib import suppress
from pathlib import Path
from types import CodeType

from adapter.cache import keep
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
    keep(entry, marshal.dumps(code), "mapping.cache_unwritable")
    return code
