"""Texts against files that a person has read; ``EGISZ_UPDATE_GOLDEN=1`` writes them anew."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from adapter.registers.messages import Message


def compare(made: Mapping[str, str], folder: Path) -> None:
    """The texts by the names of their files are those of the folder: no more, no fewer, no other."""
    if os.environ.get("EGISZ_UPDATE_GOLDEN"):
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.iterdir():
            old.unlink()
        for name, text in made.items():
            (folder / name).write_text(text, "utf-8")
        if not made:
            folder.rmdir()
    golden = {path.name: path.read_text("utf-8") for path in folder.glob("*")}
    assert made == golden, f"{folder.name}: look at the difference, then EGISZ_UPDATE_GOLDEN=1"


def right(messages: Iterable[Message]) -> dict[str, str]:
    """The messages that are right, by the names of their files."""
    made = [one for one in messages if one.ok]
    files = {one.name: (one.data or b"").decode() for one in made}
    assert len(files) == len(made), "a name stands twice"
    return files
