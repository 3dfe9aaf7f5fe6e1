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
from adapter.errors import MappingError, UsageError
from adapter.findings import Text
from adapter.mapping.model import Route, products_of
from adapter.mapping.yaml import Map, load, plain

_OID: Final = re.compile(r"[0-2](?:\.(?:0|[1-9][0-9]*))+")
_ZONE: Final = re.compile(r"\+(?:0[0-9]|1[0-4])[0-5]0")
_ADDRESS_USE: Final = re.compile(r"rucore|frcore")


@dataclass(frozen=True, slots=True)
class Organisation:
    """A sending organisation.

    Attributes:
        oid: OID in ФРМО.
        root: root of the ids of its МИС: ``<oid>.100.<number of the МИС>.<number of the instance>``.
        zone: offset of local time, ``+0300``.
        routes: id of a route → what it makes instead (:attr:`Route.products`), ``True`` for a route that is on, or
            ``None`` for one that is off.
        values: everything in the file, for expressions.
    """

    oid: str
    root: str
    zone: str
    routes: Mapping[str, tuple[str, ...] | bool | None]
    values: Mapping[str, Any]

    def products(self, route: Route) -> tuple[str, ...]:
        """The document, or the editions of one, that a route makes for this organisation; empty: none."""
        wanted = self.routes.get(route.id, route.on)
        return route.products if wanted is True else wanted or ()


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
    if "address_use" in raw:
        _checked(raw, "address_use", _ADDRESS_USE)
    routes = {key: _route(raw, value) for key, value in (raw.get("routes") or {}).items()}
    return Organisation(oid, f"{oid}.100.{number}.{instance}", _checked(raw, "zone", _ZONE), routes, plain(raw))


def _checked(raw: Map, key: str, shape: re.Pattern[str]) -> str:
    value = str(raw.get(key, ""))
    if not shape.fullmatch(value):
        raise raw.error(f"«{key}» не задан или неверен", f"«{key}» is missing or malformed", value=key)
    return value


def _route(raw: Map, value: Any) -> tuple[str, ...] | bool | None:
    if value is False or value == "off":
        return None
    if value is True or value == "on":
        return True
    products = products_of(str(value) if isinstance(value, int) else value)
    if products is None:
        raise raw.error(
            "маршрут: on, off, вид документа или список видов",
            "a route: on, off, a kind, or a list of kinds",
            value="routes",
        )
    return products


class Organisations:
    """Configurations of senders.

    Args:
        catalogue: its fictive organisation is known by its own OID.
        folder: with a file ``<OID>.yaml`` for each.
    """

    def __init__(self, catalogue: Catalogue, folder: Path) -> None:
        self._catalogue, self._folder = catalogue, folder

    def find(self, oid: str) -> Organisation:
        """The configuration of an organisation.

        Raises:
            MappingError: its file is wrong, or tells another OID.
            UsageError: there is no file for it.
        """
        path = self._folder / f"{oid}.yaml"
        if _OID.fullmatch(oid) and path.is_file():
            found = load_organisation(self._catalogue, path)
            if found.oid != oid:
                raise MappingError(Text(f"ожидался oid: {oid}", f"expected oid: {oid}"), file=str(path))
            return found
        fictive = load_organisation(self._catalogue)
        if fictive.oid == oid:
            return fictive
        raise UsageError(
            Text(f"нет настроек организации {oid}: {path}", f"no configuration of organisation {oid}: {path}")
        )
