"""``differences.yaml``: facts of FHIR that the models do not say."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from ruamel.yaml import YAML

FILE: Final = Path(__file__).with_name("differences.yaml")
_NAME: Final = re.compile(r"[A-Z][A-Za-z]{1,63}")


def is_name(name: str) -> bool:
    """Whether a text can be the name of a type."""
    return _NAME.fullmatch(name) is not None


@lru_cache(maxsize=1)
def load() -> dict[str, Any]:
    """The whole file."""
    found: dict[str, Any] = YAML(typ="safe").load(FILE)
    return found


@lru_cache(maxsize=3)
def _codes(release: str) -> dict[str, tuple[str, ...]]:
    codes = load()["codes"]
    return {
        place: tuple(text.split())
        for part in ("both", "R5" if release == "R5" else "R4B")
        for place, text in codes[part].items()
    }


def codes(release: str, name: str, element: str) -> tuple[str, ...]:
    """The codes that an element is limited to; empty where it is free, or not in our list."""
    return _codes(release).get(f"{name}.{element}", ())


@lru_cache(maxsize=16)
def words(section: str, name: str) -> frozenset[str]:
    """A list of names in the file."""
    return frozenset(load()[section][name].split())
