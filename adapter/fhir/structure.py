"""The structure of resources and types, read from the models of fhir.resources once and kept on disk.

The models take a second to import and are not needed to read a right Bundle, so what they say is cached as JSON under
the cache folder, one file a resource type, keyed by the version of the library and by our own data.
"""

from __future__ import annotations

import hashlib
import threading
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import Any, Final

import orjson

from adapter.cache import keep
from adapter.fhir import data
from adapter.fhir.primitives import PRIMITIVES
from adapter.log import get_logger
from adapter.settings import settings

#: Changed by hand when the form of the cached files changes.
_FORM: Final = "1"
_DATATYPES: Final = "Extension"


@dataclass(frozen=True, slots=True)
class Field:
    """An element: name of its type, whether it is a list, the codes it is limited to (empty: any)."""

    type: str
    many: bool
    codes: tuple[str, ...] = ()

    @property
    def primitive(self) -> bool:
        """Whether values are JSON scalars."""
        return self.type in PRIMITIVES


@dataclass(frozen=True, slots=True)
class Choice:
    """An element ``name[x]``: at most one of ``names``, exactly one where ``required``."""

    name: str
    required: bool
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Type:
    """A resource, a data type or a part of one.

    Attributes:
        resource: whether it is a resource.
        fields: every element by its name in JSON, ``_name`` included.
        required: elements that must stand.
        required_values: primitive elements that must have a value, or ``_name`` with an extension that says why not.
    """

    name: str
    resource: bool
    fields: dict[str, Field]
    required: tuple[str, ...]
    required_values: tuple[str, ...]
    choices: tuple[Choice, ...]


class Structure:
    """The types of one release, loaded as they are needed.

    Args:
        release: ``R4``, ``R4B`` or ``R5``.
    """

    def __init__(self, release: str) -> None:
        self.release = release
        self._types: dict[str, Type | None] = {}
        self._lock = threading.Lock()

    def type(self, name: str) -> Type:
        """A data type, or a part of a resource whose resource was loaded before."""
        if not self._types:
            self._load(_DATATYPES)
        found = self._types.get(name) or self._load(name)
        if found is None:
            raise KeyError(name)
        return found

    def resource(self, name: str) -> Type | None:
        """A resource type; ``None`` where the release has none of this name."""
        if name in self._types:
            found = self._types[name]
        elif not self._types and not data.is_name(name):
            return None
        else:
            found = self._load(name)
        return found if found is not None and found.resource else None

    def _load(self, name: str) -> Type | None:
        """Read a type and all that it is made of, from the cache or from the models."""
        with self._lock:
            if name != _DATATYPES and not self._types:
                self._add(_DATATYPES)
            if name not in self._types:
                self._add(name)
            return self._types[name]

    def _add(self, name: str) -> None:
        raw = self._raw(name) if data.is_name(name) else {}
        self._types.setdefault(name, None)
        for key, facts in raw.items():
            self._types[key] = _type(key, facts)

    def _raw(self, name: str) -> dict[str, Any]:
        path = _folder() / self.release / f"{name}.json"
        with suppress(OSError):
            try:
                raw: dict[str, Any] = orjson.loads(path.read_bytes())
            except orjson.JSONDecodeError as error:
                get_logger().warning("fhir.cache_damaged", type=name, exc_info=error)
            else:
                return raw
        from adapter.fhir.models import describe

        known = {key for key, one in self._types.items() if one is not None}
        types = describe(self.release, name, known)
        raw = {one.name: {key: value for key, value in asdict(one).items() if key != "name"} for one in types}
        if raw:
            keep(path, orjson.dumps(raw), "fhir.cache_unwritable")
        return raw


def _type(name: str, facts: dict[str, Any]) -> Type:
    return Type(
        name,
        facts["resource"],
        {key: Field(one["type"], one["many"], tuple(one["codes"])) for key, one in facts["fields"].items()},
        tuple(facts["required"]),
        tuple(facts["required_values"]),
        tuple(Choice(one["name"], one["required"], tuple(one["names"])) for one in facts["choices"]),
    )


@lru_cache(maxsize=4)
def structure(release: str) -> Structure:
    """The structure of a release, one a process."""
    return Structure(release)


@lru_cache(maxsize=1)
def _key() -> str:
    digest = hashlib.sha256(data.FILE.read_bytes()).hexdigest()[:12]
    return f"{metadata.version('fhir.resources')}-{_FORM}-{digest}"


def _folder() -> Path:
    return settings().cache / "fhir" / _key()
