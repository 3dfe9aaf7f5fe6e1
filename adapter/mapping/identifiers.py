"""Canonical kinds of identifiers and code systems, whatever dialect spells them (``mappings/identifiers.yaml``)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from adapter.catalogue import Catalogue
from adapter.findings import Text
from adapter.mapping.yaml import Map, load, plain

_KEYS: Final = ("types", "vague", "systems", "suffix", "shape", "note")
_FILE: Final = "mappings/identifiers.yaml"
#: Any code of a code system, in ``types``.
_ANY: Final = "*"
_DICTIONARY: Final = re.compile(
    r"(?:https://)?nsi\.rosminzdrav\.ru/(?:#!/refbook/|dictionaries/|refbook/)([0-9.]+)(?:/.*)?"
)
_MIS_OID: Final = re.compile(r"[0-2](?:\.[0-9]+)+\.100(?:\.[0-9]+)+\.([0-9]+)")


@lru_cache(maxsize=4096)
def canonical(system: str) -> str:
    """A system compared as dialects are: lower case, ``https``, no ``urn:oid:``, no trailing slash.

    An address of a reference book on the НСИ portal becomes its OID.
    """
    text = system.strip().lower().rstrip("/")
    text = text.removeprefix("urn:oid:").removeprefix("oid:")
    if text.startswith("http://"):
        text = "https://" + text[7:]
    book = _DICTIONARY.fullmatch(text)
    return book.group(1) if book else text


class Identifiers:
    """Recognises identifiers; order: type, system, suffix of the OID, vague type, shape of the value."""

    def __init__(self, raw: Map) -> None:
        self._types: dict[tuple[str, str], str] = {}
        self._vague: dict[tuple[str, str], str] = {}
        self._systems: dict[str, str] = {}
        self._suffixes: dict[str, str] = {}
        self._shapes: list[tuple[re.Pattern[str], str]] = []
        self._implied: dict[str, Mapping[str, Any]] = {}
        self._books: dict[str, str] = {}
        self._by_system = lru_cache(maxsize=4096)(self._read_system)
        if "code_systems" in raw:
            books = _part(raw, "code_systems")
            for oid in books:
                self._books.update((canonical(str(name)), oid) for name in _list(books, oid))
        kinds = _part(raw, "kinds")
        self.kinds: frozenset[str] = frozenset(kinds)
        for kind in kinds:
            self._add(kind, _part(kinds, kind))

    def _add(self, kind: str, facts: Map) -> None:
        facts.check_keys(_KEYS, Text("ключ", "key"))
        for key, types in (("types", self._types), ("vague", self._vague)):
            for item in _list(facts, key):
                system, _, code = str(item).rpartition("#")
                # Types are looked up by the book, so that every spelling of its code system will do.
                types[self.book(system), code] = kind
        for item in _list(facts, "systems"):
            name: Any = item
            if isinstance(item, Map):
                item.check_keys(("system", "implies"), Text("ключ", "key"))
                name = item.get("system")
                self._implied[canonical(str(name))] = plain(_part(item, "implies"))
            if not isinstance(name, str) or not name:
                raise facts.error("ожидается система", "a system is expected", value="systems")
            self._systems[canonical(name)] = kind
        if "suffix" in facts:
            self._suffixes[str(facts["suffix"])] = kind
        if "shape" in facts:
            try:
                self._shapes.append((re.compile(str(facts["shape"])), kind))
            except re.error as error:
                text = f"{error}"
                raise facts.error(f"не выражение: {text}", f"not an expression: {text}", value="shape") from None

    def kind(self, identifier: Mapping[str, Any]) -> str:
        """The canonical kind of a FHIR Identifier; empty where it is not known."""
        kind = self._by_type(identifier.get("type"), self._types)
        if kind:
            return kind
        system = canonical(string_of(identifier, "system"))
        if system:
            kind = self._by_system(system)
            if kind:
                return kind
        kind = self._by_type(identifier.get("type"), self._vague)
        if kind:
            return kind
        value = identifier.get("value")
        if isinstance(value, str) and not system:
            return next((name for shape, name in self._shapes if shape.fullmatch(value)), "")
        return ""

    def _by_type(self, concept: Any, types: Mapping[tuple[str, str], str]) -> str:
        for coding in codings(concept):
            system = self.book(string_of(coding, "system"))
            kind = types.get((system, string_of(coding, "code"))) or types.get((system, _ANY))
            if kind:
                return kind
        return ""

    def _read_system(self, system: str) -> str:
        known = self._systems.get(system)
        if known:
            return known
        match = _MIS_OID.fullmatch(system)
        return self._suffixes.get(match.group(1), "") if match else ""

    def implied(self, identifier: Mapping[str, Any]) -> Mapping[str, Any]:
        """What the system of an identifier says besides its kind, e.g. the type of the policy."""
        return self._implied.get(canonical(string_of(identifier, "system")), {})

    def book(self, system: str) -> str:
        """The OID of a reference book under any spelling of its code system; other systems canonically."""
        name = canonical(system)
        return self._books.get(name, name)


# What a sender wrote may be of another type than FHIR has there: it says nothing then.


def string_of(element: Mapping[str, Any], name: str) -> str:
    """A text of an element; empty where there is none."""
    value = element.get(name)
    return value if isinstance(value, str) else ""


def codings(concept: Any) -> list[Mapping[str, Any]]:
    """The codings of a CodeableConcept."""
    found = concept.get("coding") if isinstance(concept, dict) else None
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def load_identifiers(catalogue: Catalogue) -> Identifiers:
    """Read ``mappings/identifiers.yaml``.

    Raises:
        MappingError: the file is wrong.
    """
    return Identifiers(load(catalogue.file(_FILE), _FILE))


def _part(at: Map, key: str) -> Map:
    value = at.get(key)
    if not isinstance(value, Map):
        raise at.error(f"«{key}» должен быть отображением", f"«{key}» must be a mapping", value=key)
    return value


def _list(at: Map, key: str) -> list[Any]:
    value = at.get(key, [])
    if not isinstance(value, list):
        raise at.error(f"«{key}» должен быть списком", f"«{key}» must be a list", value=key)
    return value
