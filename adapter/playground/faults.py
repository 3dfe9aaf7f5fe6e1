"""What is wrong with the text of a mapping, by its JSON Schema: everything at once, with places."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import jsonschema_rs

from adapter.errors import MappingError
from adapter.findings import Text
from adapter.mapping.yaml import Map, load, plain
from adapter.playground.files import schema_of

_MOST: Final = 50
_TOLD: Final = {
    "additionalProperties": Text("неизвестный ключ: {}", "unknown key: {}"),
    "required": Text("нет обязательного ключа {}", "a required key is missing: {}"),
    "enum": Text("ожидается одно из: {}", "one of these is expected: {}"),
    "type": Text("ожидается: {}", "expected: {}"),
    "pattern": Text("не подходит к образцу {}", "it does not match {}"),
    "maxProperties": Text("ключей не больше {}", "at most {} keys"),
    "minItems": Text("не меньше {} элементов", "at least {} items"),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong with a text: file, line and column from 1, 0 where unknown."""

    text: Text
    file: str
    line: int = 0
    column: int = 0


def of_error(error: MappingError) -> Fault:
    """An error of the catalogue."""
    return Fault(error.reason, error.file, error.line, error.column)


def faults(path: Path, file: str) -> list[Fault]:
    """Faults of a YAML file; none of one that has no schema."""
    schema = schema_of(file)
    if schema is None or not file.endswith(".yaml"):
        return []
    try:
        raw = load(path, file)
    except MappingError as refusal:
        return [of_error(refusal)]
    found: dict[tuple[int, int], Fault] = {}
    for error in jsonschema_rs.validator_for(schema).iter_errors(plain(raw)):
        for one in _innermost(error):
            fault = _fault(one, raw, file)
            found.setdefault((fault.line, fault.column), fault)
        if len(found) >= _MOST:
            break
    return sorted(found.values(), key=lambda fault: (fault.line, fault.column))


def _innermost(error: Any) -> list[Any]:
    """Of an error of alternatives those of the one that came furthest: that is the one that was meant."""
    context = getattr(error.kind, "context", None)
    if not context:
        return [error]
    branches = [[one for part in branch for one in _innermost(part)] for branch in context]
    return max(
        branches,
        key=lambda branch: (
            max((len(one.instance_path) for one in branch), default=0),
            any(one.kind.name != "type" for one in branch),
        ),
    )


def _fault(error: Any, raw: Map, file: str) -> Fault:
    kind = error.kind
    names = getattr(kind, "unexpected", None) or []
    line, column = _spot(raw, list(error.instance_path), str(names[0]) if names else "")
    wanted = {
        "additionalProperties": names,
        "required": getattr(kind, "property", ""),
        "enum": getattr(kind, "options", ""),
        "type": getattr(kind, "types", ""),
        "pattern": getattr(kind, "pattern", ""),
        "maxProperties": getattr(kind, "limit", ""),
        "minItems": getattr(kind, "limit", ""),
    }.get(kind.name, "")
    told = _TOLD.get(kind.name, Text(f"правило «{kind.name}» схемы", f"the rule “{kind.name}” of the schema"))
    words = ", ".join(map(str, wanted)) if isinstance(wanted, list | tuple) else str(wanted)
    return Fault(Text(told.ru.format(words), told.en.format(words)), file, line, column)


def _spot(raw: Map, path: Sequence[str | int], key: str) -> tuple[int, int]:
    """Line and column of a value, or of a key in it."""
    at: Any = raw
    spot: tuple[int, int] = raw.spot
    for part in path:
        if isinstance(at, Map) and part in at:
            spot, at = at.spots[str(part)], at[str(part)]
        elif isinstance(at, list) and isinstance(part, int) and part < len(at):
            at = at[part]
            spot = at.spot if isinstance(at, Map) else spot
        else:
            break
    if key and isinstance(at, Map):
        spot = at.spots.get(key, spot)
    return spot
