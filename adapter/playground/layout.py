"""A Bundle laid out for reading: every token stays as it was sent, so that ``1.10`` is not made ``1.1``."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Final

_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+')
_STEP: Final = "  "


def laid_out(text: str) -> str:
    """JSON of one line with a line for each element; anything else as it is."""
    if "\n" in text.strip():
        return text
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return text
    return "".join(_written(_TOKEN.findall(text)))


def _written(tokens: list[str]) -> Iterator[str]:
    depth = 0
    for place, part in enumerate(tokens):
        after = tokens[place + 1] if place + 1 < len(tokens) else ""
        if part in "{[" and after not in ("}", "]"):
            depth += 1
            yield f"{part}\n{_STEP * depth}"
        elif part == ",":
            yield f",\n{_STEP * depth}"
        elif part == ":":
            yield ": "
        elif part in "}]" and tokens[place - 1] not in ("{", "["):
            depth -= 1
            yield f"\n{_STEP * depth}{part}"
        else:
            yield part
