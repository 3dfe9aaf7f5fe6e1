"""Configuration of a sending organisation: what a Bundle does not carry and a document needs.

A YAML file; the built-in ``mappings/organisation.yaml`` is a fictive organisation for demos and tests. Expressions
read it as ``%org``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from adapter.catalogue import Catalogue
from adapter.mapping.model import Route
from adapter.mapping.yaml import Map, load, plain

_OID: Final = re.compile(r"[0-2](?:\.(?:0|[1-9][0-9]*))+")
_ZONE: Final = re.compile(r"\+(?:0[0-9]|1[0-4])[0-5]0")


@dataclass(frozen=True, slots=True)
class Organisation:
    """A sending organisation.

    Attributes:
        oid: OID in ФРМО.
        root: root of the ids of its МИС: ``<oid>.100.<number of the МИС>.<number of the instance>``.
        zone: offset of local time, ``+0300``.
        routes: id of a route → id of another document mapping, ``True`` for a route that is on, or ``None`` for one
            that is off.
        values: everything in the file, for expressions.
    """

    oid: str
    root: str
    zone: str
    routes: Mapping[str, str | bool | None]
    values: Mapping[str, Any]

    def product(self, route: Route) -> str | None:
        """The document that a route makes for this organisation; ``None``: none."""
        wanted = self.routes.get(route.id, route.on or None)
        return route.product if wanted is True else wanted or None


def load_organisation(catalogue: Catalogue, path: Path | None = None) -> Organisation:
    """Read a configuration file; without ``path`` the built-in fictive organisation.

    Raises:
        MappingError: a value that documents cannot do without is missing or malformed.
    """
    name = "mappings/organisation.yaml"
    raw = load(path) if path else load(catalogue.file(name), name)
    oid = _checked(raw, "oid", _OID)
    mis = raw.get("mis")
    if not isinstance(mis, Map):
        raise raw.error("нет раздела «mis»", "the part «mis» is missing", value="mis")
    number, instance = (_checked(mis, key, re.compile(r"[0-9]+")) for key in ("number", "instance"))
    routes = {key: _route(value) for key, value in (raw.get("routes") or {}).items()}
    return Organisation(oid, f"{oid}.100.{number}.{instance}", _checked(raw, "zone", _ZONE), routes, plain(raw))


def _checked(raw: Map, key: str, shape: re.Pattern[str]) -> str:
    value = str(raw.get(key, ""))
    if not shape.fullmatch(value):
        raise raw.error(f"«{key}» не задан или неверен", f"«{key}» is missing or malformed", value=key)
    return value


def _route(value: Any) -> str | bool | None:
    if value is False or value == "off":
        return None
    return True if value is True or value == "on" else str(value)
