"""The files of Bundles that arguments name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from adapter.errors import UsageError
from adapter.findings import Text

SUFFIXES: Final = frozenset({".json", ".xml", ".ndjson"})


def bundle_files(paths: Sequence[Path]) -> list[Path]:
    """Files as they are named, and those below folders by name; each once.

    Raises:
        UsageError: there is none, or one does not exist.
    """
    files: dict[Path, None] = {}
    for path in paths:
        if not path.exists():
            raise UsageError(Text(f"нет такого файла: {path}", f"there is no such file: {path}"))
        files.update(dict.fromkeys(_below(path) if path.is_dir() else [path]))
    if not files:
        raise UsageError(Text("в папке нет *.json, *.xml, *.ndjson", "the folder has no *.json, *.xml, *.ndjson"))
    return list(files)


def _below(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
