"""SQL by name: ``sql/*.sql`` hold statements, each after a line ``-- name: its_name``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Final

from adapter.errors import InternalError

FOLDER: Final = Path(__file__).with_name("sql")
_NAME: Final = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)


@lru_cache(maxsize=1)
def statements() -> Mapping[str, str]:
    """Every statement of the journal."""
    found: dict[str, str] = {}
    for path in sorted((FOLDER / "statements").glob("*.sql")):
        parts = _NAME.split(path.read_text(encoding="utf-8"))
        for name, text in zip(parts[1::2], parts[2::2], strict=True):
            if name in found:
                raise InternalError(f"{path.name}: two statements are named {name}")
            found[name] = text.strip()
    return found


def sql(name: str) -> str:
    """The statement of that name."""
    return statements()[name]
