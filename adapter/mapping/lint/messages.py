"""Messages of registers against their schemas: a fact without a place, a body or a schema that is not there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from adapter.errors import UsageError
from adapter.findings import Finding, Severity, Text
from adapter.mapping.keys import SCHEMAS
from adapter.mapping.lint.subject import Subject, at_file, at_rule
from adapter.mapping.lint.walk import Slot
from adapter.mapping.model import MapSpec, MessageForm


def messages(subject: Subject) -> Iterator[Finding]:
    """LNT18: a message that cannot be made as its map says."""
    for spec, _, facts in subject.messages:
        assert spec.message is not None, "a message says its form"
        body = facts.get("body")
        if body is None:
            yield _of_map(spec, Text("У сообщения нет факта «body».", "The message has no fact «body»."))
            continue
        schema = _schema(subject, spec.message)
        if schema is None:
            name = f"{SCHEMAS}/{spec.message.schema}"
            yield _of_map(spec, Text(f"Схемы {name} нет, или она не читается.", f"{name} is absent or unreadable."))
        elif schema:
            yield from _without_place(body, schema, schema)


def _schema(subject: Subject, form: MessageForm) -> dict[str, Any] | None:
    """The JSON Schema of a message; empty for other forms, which have no properties; ``None`` where it is not there."""
    try:
        path = subject.catalogue.file(f"{SCHEMAS}/{form.schema}")
        schema = orjson.loads(path.read_bytes()) if form.form == "json" else {}
    except (UsageError, ValueError, OSError):
        return None
    return schema if isinstance(schema, dict) else None


def _without_place(slot: Slot, schema: Mapping[str, Any], root: Mapping[str, Any]) -> Iterator[Finding]:
    schema = _object(schema, root)
    known = schema.get("properties", {})
    for shape in slot.shapes:
        for name, inner in (shape.facts or {}).items():
            if name in known:
                yield from _without_place(inner, known[name], root)
            else:
                yield at_rule(
                    "LNT18",
                    Severity.ERROR,
                    inner.rule,
                    Text(f"В схеме нет места для факта «{name}».", f"The schema has no place for the fact «{name}»."),
                    Text(f"Здесь есть: {', '.join(known)}.", f"Here there are: {', '.join(known)}."),
                )


def _object(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema of an object, of the items where it is that of a list."""
    while "$ref" in schema or "items" in schema:
        name = str(schema.get("$ref", "")).removeprefix("#/$defs/")
        schema = root.get("$defs", {}).get(name, {}) if name else schema["items"]
    return schema


def _of_map(spec: MapSpec, message: Text) -> Finding:
    return at_file("LNT18", Severity.ERROR, spec.file, spec.id, message)
