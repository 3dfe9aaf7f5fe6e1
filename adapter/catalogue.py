"""The catalogue: ``mappings/`` and ``templates/``, built in, an author's folder laid over them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson

from adapter.errors import InternalError, UsageError


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
            UsageError: no catalogue has it.
        """
        for root in self.roots:
            if (root / path).is_file():
                return root / path
        raise UsageError(f"the catalogue has no file {path}")

    def files(self, folder: str, pattern: str = "*.yaml") -> dict[str, Path]:
        """All files of ``folder`` by name, overlay first; sorted by name."""
        found: dict[str, Path] = {}
        for root in reversed(self.roots):
            found.update({path.name: path for path in (root / folder).glob(pattern)})
        return dict(sorted(found.items()))


def read_plain(path: Path) -> Any:
    """A YAML file as plain values; the JSON subset with comment lines, to which big files keep, is read much faster.

    Raises:
        UsageError: not YAML.
    """
    text = path.read_bytes()
    try:
        return orjson.loads(b"\n".join(line for line in text.splitlines() if not line.startswith(b"#")))
    except orjson.JSONDecodeError:
        return _read_yaml(path, text)


def _read_yaml(path: Path, text: bytes) -> Any:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        return YAML(typ="safe").load(text)
    except YAMLError as error:
        raise UsageError(f"{path}: not YAML: {error}") from error
