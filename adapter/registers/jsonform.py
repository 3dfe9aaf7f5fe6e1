"""Messages in JSON: what a message holds and in which order is said by its JSON Schema.

Properties are written in the order of the schema. One that is ``required`` there and has no value is its ``default``,
or null or an empty list where its type allows it, as the services send it; else it is left out, and that is a fault.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, NamedTuple

import jsonschema_rs
import orjson

from adapter.errors import UsageError
from adapter.facts import II, Coding, Fact, Null, Quantity
from adapter.findings import Text
from adapter.mapping.formats import FORMATS

_SCALARS: Final = (str, int, float, bool)


class Fault(NamedTuple):
    """What is wrong with a message.

    Attributes:
        path: of the value, as facts are told: ``reg.sub_stages[0].gtin``; of the one that is absent.
        keyword: of JSON Schema.
        wanted: what the schema says there; never a value of the message.
    """

    path: str
    keyword: str
    wanted: Any


class JsonForm:
    """Messages of one JSON Schema; make one and keep it.

    Args:
        path: the schema, of draft 2020-12; ``$ref`` leads to its own ``$defs`` alone, ``format`` to
            :data:`~adapter.mapping.formats.FORMATS`, too.

    Raises:
        UsageError: it is no JSON Schema.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._schema: dict[str, Any] = orjson.loads(path.read_bytes())
            self._validator = jsonschema_rs.Draft202012Validator(
                self._schema,
                formats=dict(FORMATS),
                validate_formats=True,
                pattern_options=jsonschema_rs.RegexOptions(),
            )
        except (ValueError, OSError) as error:
            raise UsageError(Text(f"{path}: это не JSON Schema", f"{path}: not a JSON Schema")) from error

    def fitted(self, facts: Any) -> Any:
        """Facts as the message has them.

        Raises:
            UsageError: the schema has no place for a fact.
        """
        return self._fitted(facts, self._schema, "")

    def faults(self, message: Any) -> Iterator[Fault]:
        """What in a message does not fit the schema, in the order of the message."""
        for error in self._validator.iter_errors(message):
            keyword = str(error.schema_path[-1]) if error.schema_path else ""
            path = list(error.instance_path)
            if keyword == "required":
                path.append(error.kind.as_dict()["property"])
            yield Fault(_written(path), keyword, self._at(error.absolute_keyword_location, error.schema_path))

    def _at(self, location: str | None, path: list[str | int]) -> Any:
        """What the schema says at a place."""
        value: Any = self._schema
        steps = location.partition("#")[2].split("/")[1:] if location else path
        for step in steps:
            if isinstance(value, dict) and step == "$ref":
                continue
            if isinstance(value, dict) and "$ref" in value:
                value = self._resolved(value)
            value = (
                value[int(step)] if isinstance(value, list) else value.get(step) if isinstance(value, dict) else None
            )
        return value

    def _resolved(self, schema: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in schema:
            schema = self._schema["$defs"][schema["$ref"].removeprefix("#/$defs/")]
        return schema

    def _fitted(self, value: Any, schema: dict[str, Any], path: str) -> Any:
        schema = self._resolved(schema)
        if not isinstance(value, list) and _types(schema) - {"null"} == {"array"}:
            return self._fitted([value], schema, path)
        if isinstance(value, Fact):
            return self._object(dict(value), schema, path)
        if isinstance(value, list):
            items = schema.get("items", {})
            return [self._fitted(item, items, f"{path}[{index}]") for index, item in enumerate(value)]
        return _scalar(value, _types(schema))

    def _object(self, values: dict[str, Any], schema: dict[str, Any], path: str) -> dict[str, Any]:
        known = schema.get("properties", {})
        unknown = sorted(values.keys() - known.keys())
        if unknown:
            name = f"{path}.{unknown[0]}".lstrip(".")
            raise UsageError(
                Text(f"{self._path}: в схеме нет места для {name}", f"{self._path}: the schema has no place for {name}")
            )
        made = {}
        for name, part in known.items():
            value = values.get(name)
            if value is not None and value != [] and not isinstance(value, Null):
                made[name] = self._fitted(value, part, f"{path}.{name}")
            elif name in schema.get("required", ()):
                types = _types(self._resolved(part))
                if "default" in part:
                    made[name] = part["default"]
                elif "array" in types:
                    made[name] = []
                elif "null" in types:
                    made[name] = None
        return made


@lru_cache(maxsize=64)
def load_form(path: Path) -> JsonForm:
    """A form, read once a process."""
    return JsonForm(path)


def dumped(message: Any) -> bytes:
    """The bytes of a message, two spaces a level; for eyes as for the wire."""
    return orjson.dumps(message, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def _types(schema: Mapping[str, Any]) -> frozenset[str]:
    given = schema.get("type", ())
    return frozenset([given] if isinstance(given, str) else given)


def _scalar(value: Any, types: frozenset[str]) -> Any:
    """A fact as the schema wants it; what cannot be so stays as it is, for the schema to say."""
    if isinstance(value, Coding):
        value = value.code
    elif isinstance(value, II):
        value = value.extension
    elif isinstance(value, Quantity):
        value = value.value
    if isinstance(value, str) and "string" not in types:
        return _number(value, types)
    if "string" in types and not isinstance(value, str) and isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value if isinstance(value, _SCALARS) else str(value)


def _number(value: str, types: frozenset[str]) -> Any:
    text = value.strip()
    try:
        if "integer" in types and text.removeprefix("-").isascii():
            return int(text)
        if "number" in types:
            return float(text)
    except ValueError:
        pass
    return value


def _written(path: list[str | int]) -> str:
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text
