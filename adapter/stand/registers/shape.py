"""What a body in JSON must hold: the schemas of our messages, read as a register would.

The schemas say what the adapter sends: nothing else, and null where there is nothing. Of what others send more is
borne: a field that is not known is passed over, null is as good as absent where the field may be either.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Final

import jsonschema_rs
import orjson

from adapter.catalogue import Catalogue
from adapter.mapping.formats import FORMATS

FOLDER: Final = "mappings/registers/schemas"
#: Objects and lists within each other, at most.
DEPTH: Final = 60


class Shape:
    """One schema of ``mappings/registers/schemas``.

    Args:
        name: of the file, without ``.schema.json``.
        lists: lists must be there, too; else only what is neither list nor null.
    """

    def __init__(self, name: str, *, lists: bool = True) -> None:
        self._lists = lists
        schema = orjson.loads(Catalogue().file(f"{FOLDER}/{name}.schema.json").read_bytes())
        self._definitions: dict[str, Any] = schema.get("$defs", {})
        self._validator = jsonschema_rs.Draft202012Validator(
            self._loosened(schema),
            formats=dict(FORMATS),
            validate_formats=True,
            pattern_options=jsonschema_rs.RegexOptions(),
        )

    def wrong(self, body: Any) -> Iterator[tuple[str, str]]:
        """(path, what is wrong with it) of each fault, in the order of the body; never a value.

        Args:
            body: no deeper than :data:`DEPTH`.
        """
        for error in self._validator.iter_errors(_without_nulls(body)):
            keyword = str(error.schema_path[-1]) if error.schema_path else ""
            path = [str(part) for part in error.instance_path]
            if keyword == "required":
                path.append(str(error.kind.as_dict()["property"]))
            yield "/".join(path), keyword

    def _loosened(self, schema: Any) -> Any:
        if isinstance(schema, list):
            return [self._loosened(part) for part in schema]
        if not isinstance(schema, dict):
            return schema
        loose = {key: self._loosened(value) for key, value in schema.items() if key != "additionalProperties"}
        properties = schema.get("properties")
        if isinstance(properties, dict) and isinstance(schema.get("required"), list):
            loose["required"] = [name for name in schema["required"] if self._must(properties.get(name, {}))]
        return loose

    def _must(self, schema: dict[str, Any]) -> bool:
        while "$ref" in schema:
            schema = self._definitions[schema["$ref"].removeprefix("#/$defs/")]
        types = schema.get("type", ())
        types = {types} if isinstance(types, str) else set(types)
        return "null" not in types and (self._lists or "array" not in types)


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nulls(part) for name, part in value.items() if part is not None}
    return [_without_nulls(part) for part in value] if isinstance(value, list) else value


@lru_cache(maxsize=64)
def shape(name: str, *, lists: bool = True) -> Shape:
    """A shape, read once a process."""
    return Shape(name, lists=lists)
