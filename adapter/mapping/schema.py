"""JSON Schemas of the language, for editors; made of :mod:`adapter.mapping.keys`, by which the loader checks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import orjson

from adapter.mapping import keys
from adapter.mapping.converters import CONVERTERS
from adapter.mapping.keys import Key

_DRAFT: Final = "https://json-schema.org/draft/2020-12/schema"


def _object(known: Mapping[str, Key], required: Iterable[str] = ()) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {
            name: {**key.schema, "description": f"{key.text.ru} / {key.text.en}"} for name, key in known.items()
        },
        "required": list(required),
        "additionalProperties": False,
    }


def _converter() -> dict[str, Any]:
    """A converter: its name, or its name with arguments."""
    names = sorted(CONVERTERS)
    with_arguments = {name: {"type": "object"} for name in names}
    return {
        "oneOf": [
            {"enum": names},
            {"type": "object", "properties": with_arguments, "additionalProperties": False, "maxProperties": 1},
        ]
    }


def _field() -> dict[str, Any]:
    """A field: an expression, alternatives, or a mapping of keys."""
    long = _object(keys.FIELD)
    converter = {"$ref": "#/$defs/converter"}
    long["properties"]["as"] = {
        "oneOf": [converter, {"type": "array", "items": converter}],
        "description": long["properties"]["as"]["description"],
    }
    scalar = {"type": ["string", "boolean", "number"]}
    return {"oneOf": [scalar, {"type": "array", "items": scalar, "minItems": 1}, long]}


def _file(title: str, body: dict[str, Any], defs: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"$schema": _DRAFT, "title": title, **body, **({"$defs": defs} if defs else {})}


def _map() -> dict[str, Any]:
    return _file("map", _object(keys.MAP, ["map"]), {"field": _field(), "converter": _converter()})


def _document() -> dict[str, Any]:
    return _file("document", _object(keys.DOCUMENT, ["document"]), {"field": _field(), "converter": _converter()})


def _register() -> dict[str, Any]:
    return _file("register", _object(keys.REGISTER, ["register"]), {"field": _field(), "converter": _converter()})


def _concepts() -> dict[str, Any]:
    return _file("concepts", _object(keys.CONCEPTS, ["concepts", "target"]), {"group": _object(keys.GROUP)})


def _list_of(name: str, known: Mapping[str, Key], required: Iterable[str]) -> dict[str, Any]:
    body = {
        "type": "object",
        "properties": {name: {"type": "array", "items": _object(known, required)}, "note": {"type": "string"}},
        "required": [name],
        "additionalProperties": False,
    }
    return _file(name, body)


#: File name → what makes the schema.
SCHEMAS: Final[Mapping[str, Callable[[], dict[str, Any]]]] = {
    "map.schema.json": _map,
    "document.schema.json": _document,
    "register.schema.json": _register,
    "concepts.schema.json": _concepts,
    "routes.schema.json": lambda: _list_of("routes", keys.ROUTE, ["id", "product", "focus"]),
    "tests.schema.json": lambda: _list_of("tests", keys.TEST, ["name", "given"]),
}

#: Folder of the catalogue (or file) → its schema.
FILES: Final[Mapping[str, str]] = {
    "mappings/resources": "map.schema.json",
    "mappings/documents": "document.schema.json",
    "mappings/registers": "register.schema.json",
    "mappings/concepts": "concepts.schema.json",
    "mappings/routes.yaml": "routes.schema.json",
    "mappings/routes": "routes.schema.json",
    "mappings/tests": "tests.schema.json",
}


def written(name: str) -> str:
    """A schema as it is committed."""
    return orjson.dumps(SCHEMAS[name](), option=orjson.OPT_INDENT_2).decode() + "\n"
