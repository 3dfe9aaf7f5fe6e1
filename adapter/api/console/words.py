"""States, classes of errors and moves in the reader's words (``words.yaml``), and the titles of kinds."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from adapter.catalogue import Catalogue, read_plain
from adapter.documents.kinds import load_kinds
from adapter.findings import Text
from adapter.settings import settings

FILE: Final = Path(__file__).with_name("words.yaml")


@lru_cache(maxsize=1)
def _words() -> Mapping[str, Mapping[str, Mapping[str, str]]]:
    found: Mapping[str, Any] = read_plain(FILE)
    return found


def word(part: str, name: str) -> Text:
    """A word; what has none is told as it is.

    Args:
        part: ``states``, ``groups``, ``classes`` or ``moves``.
    """
    known = _words()[part].get(name)
    return Text(known["ru"], known["en"]) if known else Text(name, name)


def tone(state: str) -> str:
    """How good a state is: ``good``, ``wait``, ``warn``, ``bad`` or ``plain``."""
    return _words()["states"].get(state, {}).get("tone", "plain")


def words(part: str) -> list[str]:
    """The names of a part, in its order."""
    return list(_words()[part])


@lru_cache(maxsize=1)
def _titles() -> Mapping[str, str]:
    return {kind.code: kind.title for kind in load_kinds(Catalogue(settings().catalogue))}


def title(kind: str) -> str:
    """The title of a kind; empty of a message of a register."""
    return _titles().get(kind, "")
