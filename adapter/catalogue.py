"""The catalogue: ``mappings/`` and ``templates/``, built in, an author's folder laid over them."""

from __future__ import annotations

import json
from pathlib import Path, PurePosixPath
from typing import Any

from adapter.errors import InternalError, MappingError, UsageError
from adapter.findings import Text


def builtin_root() -> Path:
    """The folder with the built-in ``mappings/`` and ``templates/`` (in a wheel, or in the checkout)."""
    here = Path(__file__).parent
    for root in (here / "_catalogue", here.parent):
        if (root / "mappings").is_dir():
            return root
    raise InternalError("the built-in catalogue is missing: the installation is incomplete")


class Catalogue:
    """Files of the catalogue by their path, e.g. ``mappings/books.yaml``.

    Args:
        overlay: a folder of the same layout; a file there replaces the built-in file of the same path.
    """

    def __init__(self, overlay: Path | None = None) -> None:
        if overlay is not None and not overlay.is_dir():
            raise UsageError(f"the catalogue folder does not exist: {overlay}")
        self.roots: tuple[Path, ...] = (*((overlay,) if overlay else ()), builtin_root())

    def file(self, path: str) -> Path:
        """The file at ``path``, the overlay's where it has one.

        Raises:
            UsageError: no catalogue has it; a path that leads out of the catalogue is none of it.
        """
        asked = PurePosixPath(path)
        # Maps name files, and whoever tries a map in the console may not read others.
        inside = ".." not in asked.parts and not asked.is_absolute()
        for root in self.roots if inside else ():
            if (root / path).is_file():
                return root / path
        raise UsageError(f"the catalogue has no file {path}")

    def parts(self, path: str) -> dict[str, Path]:
        """The file of a list and what is added to it: ``mappings/routes.yaml``, then ``mappings/routes/*.yaml``.

        Returns:
            Their paths in the catalogue and on the disk.

        Raises:
            UsageError: no catalogue has the file.
        """
        folder = path.removesuffix(".yaml")
        return {path: self.file(path)} | {f"{folder}/{name}": file for name, file in self.files(folder).items()}

    def files(self, folder: str, pattern: str = "*.yaml") -> dict[str, Path]:
        """All files of ``folder`` by name, overlay first; sorted by name."""
        found: dict[str, Path] = {}
        for root in reversed(self.roots):
            found.update({path.name: path for path in (root / folder).glob(pattern)})
        return dict(sorted(found.items()))


def read_plain(path: Path) -> Any:
    """A YAML file as plain values; the JSON subset with comment lines, to which big files keep, is read much faster.

    Raises:
        MappingError: not YAML in UTF-8, or a key is repeated in one mapping; with line and column.
    """
    text = path.read_bytes()
    try:
        return json.loads(
            b"\n".join(line for line in text.splitlines() if not line.startswith(b"#")), object_pairs_hook=_once
        )
    except ValueError:
        # Other YAML, or wrong: the slower reader tells the line.
        return _read_yaml(path, text)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key is repeated")
    return found


def _read_yaml(path: Path, text: bytes) -> Any:
    from ruamel.yaml import YAML
    from ruamel.yaml.constructor import DuplicateKeyError
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    try:
        return YAML(typ="safe").load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark
        line, column = (mark.line + 1, mark.column + 1) if mark is not None else (0, 0)
        problem = str(error.problem or "")
        if isinstance(error, DuplicateKeyError):
            reason = Text("ключ повторяется", "a key is repeated")
        else:
            reason = Text(f"не YAML: {problem}", f"not YAML: {problem}")
        raise MappingError(reason, file=str(path), line=line, column=column) from None
    except (YAMLError, UnicodeDecodeError) as error:
        raise MappingError(Text("не YAML в UTF-8", "not YAML in UTF-8"), file=str(path)) from error
