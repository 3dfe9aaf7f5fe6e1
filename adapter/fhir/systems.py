"""How systems of identifiers are compared: spellings of one system are equal."""

from __future__ import annotations

from functools import lru_cache


@lru_cache(maxsize=4096)
def canonical_system(system: str) -> str:
    """A system for comparison: lower case, ``http`` as ``https``, without ``urn:oid:`` and a slash at the end."""
    text = system.strip().lower().removeprefix("urn:oid:").rstrip("/")
    return "https" + text[4:] if text.startswith("http:") else text
