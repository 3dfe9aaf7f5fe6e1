"""JSON Schema of a resource type, made from the structure of the models.

What FHIR's own schema leaves out is said here: exactly one of a required ``[x]``, at most one of any ``[x]``, a value
or a reason where a primitive is required, dates by the calendar, closed lists of codes.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

import jsonschema_rs

from adapter.fhir.primitives import PRIMITIVES
from adapter.fhir.structure import Choice, Field, Structure, Type, structure

#: Resources inside a resource are validated by themselves, each by its own type.
_ANY_RESOURCE: Final[dict[str, Any]] = {"type": "object"}
_MANY_NAMES: Final = 8


@lru_cache(maxsize=512)
def validator(release: str, name: str) -> jsonschema_rs.Draft202012Validator:
    """The compiled schema of a resource type.

    Raises:
        KeyError: the release has no such resource.
    """
    return jsonschema_rs.Draft202012Validator(
        schema(structure(release), name), pattern_options=jsonschema_rs.RegexOptions()
    )


def schema(types: Structure, name: str) -> dict[str, Any]:
    """The schema of a resource type with all types that it is made of.

    Raises:
        KeyError: the release has no such resource.
    """
    resource = types.resource(name)
    if resource is None:
        raise KeyError(name)
    whole = _object(resource)
    whole["properties"]["resourceType"] = {"const": name}
    whole["required"] = [*whole.get("required", ()), "resourceType"]
    defs: dict[str, Any] = {key: one.schema for key, one in PRIMITIVES.items()}
    todo = [resource]
    while todo:
        for field in todo.pop().fields.values():
            if field.type not in defs and field.type != "Resource":
                inner = types.type(field.type)
                defs[field.type] = _object(inner)
                todo.append(inner)
    extension = defs["FHIRPrimitiveExtension"]
    extension["anyOf"] = [{"required": ["id"]}, {"required": ["extension"]}]
    defs["NullOrExtension"] = extension | {"type": ["object", "null"]}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$defs": defs} | whole


def _object(one: Type) -> dict[str, Any]:
    required = list(one.required)
    rules = [_choice(choice) for choice in one.choices]
    for name in one.required_values:
        if f"_{name}" in one.fields and not one.fields[name].many:
            rules.append(_value_or_reason(name))
        else:
            required.append(name)
    found: dict[str, Any] = {
        "type": "object",
        "additionalProperties": False,
        "properties": {name: _field(name, field) for name, field in one.fields.items()},
    }
    if required:
        found["required"] = required
    if rules:
        found["allOf"] = rules
    return found


def _field(name: str, field: Field) -> dict[str, Any]:
    item = _item(field)
    if not field.many:
        return item
    if name.startswith("_"):
        item = {"$ref": "#/$defs/NullOrExtension"}
    elif field.primitive:  # null holds the place of a value that only has an extension
        item = {"anyOf": [{"type": "null"}, item]}
    return {"type": "array", "items": item}


def _item(field: Field) -> dict[str, Any]:
    if field.type == "Resource":
        return _ANY_RESOURCE
    if field.codes:
        return {"enum": list(field.codes)}
    return {"$ref": f"#/$defs/{field.type}"}


def _choice(choice: Choice) -> dict[str, Any]:
    ways: list[dict[str, Any]] = [{"required": [name]} for name in choice.names]
    if not choice.required:
        ways.append({"not": {"anyOf": list(ways)}})
    rule: dict[str, Any] = {"oneOf": ways}
    if len(ways) > _MANY_NAMES and not choice.required:
        # An extension has 50 names for its value; with url and one more property there is no need to look at them.
        return {"anyOf": [{"maxProperties": 2, "required": ["url"]}, rule]}
    return rule


def _value_or_reason(name: str) -> dict[str, Any]:
    reason = {"required": ["extension"], "properties": {"extension": {"minItems": 1}}}
    return {"anyOf": [{"required": [name]}, {"required": [f"_{name}"], "properties": {f"_{name}": reason}}]}
