"""Files of settings checked by a pydantic model: what is wrong is told by line and column, never by its value."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any, Final, NoReturn, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from adapter.errors import MappingError
from adapter.findings import Text
from adapter.mapping.yaml import Map, Spot


class FileModel(BaseModel):
    """A part of such a file: keys that are not known are refused."""

    # Errors must not quote what stands in the file: somebody may have written a password into it.
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)


_Model = TypeVar("_Model", bound=BaseModel)

_PROBLEMS: Final = {
    "extra_forbidden": Text("такого ключа нет", "there is no such key"),
    "missing": Text("не задано", "is missing"),
    "too_short": Text("пусто", "is empty"),
    "string_too_short": Text("пусто", "is empty"),
    "string_pattern_mismatch": Text("не той формы", "is malformed"),
    "int_type": Text("нужно целое число", "needs a whole number"),
    "string_type": Text("нужен текст (цифры в кавычках)", "needs a text (digits in quotes)"),
}


def validated(
    raw: Map,
    model: type[_Model],
    *,
    names: Collection[str],
    tags: Collection[str] = (),
    problems: Mapping[str, Text] = MappingProxyType({}),
) -> _Model:
    """The model of a mapping of a file.

    Args:
        names: every key that there is, for the nearest one to a misspelled key.
        tags: names of the members of unions, which stand in a location of pydantic's and not in the file.
        problems: texts for kinds of errors of pydantic's, beside the usual ones.

    Raises:
        MappingError: something in it is wrong; names file and line.
    """
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        _refuse(raw, error, sorted(names), tags, {**_PROBLEMS, **problems})


def _refuse(
    raw: Map, error: ValidationError, known: list[str], tags: Collection[str], problems: Mapping[str, Text]
) -> NoReturn:
    # A name that is misspelled makes another one missing: the former is what to mend.
    order = {"extra_forbidden": 0, "missing": 2, "too_short": 3}
    found = error.errors(include_url=False, include_context=False, include_input=False)
    first = min(found, key=lambda one: order.get(one["type"], 1))
    (line, column), names = _spot(raw, first["loc"], tags)
    where = ".".join(names)
    message = first["msg"].removeprefix("Value error, ")
    text = problems.get(first["type"]) or Text(message, message)
    if first["type"] == "extra_forbidden":
        near = difflib.get_close_matches(names[-1], known, n=1)
        text = Text(f"{text.ru}; ближайший: {near[0]}", f"{text.en}; nearest: {near[0]}") if near else text
    raise MappingError(
        Text(f"{where}: {text.ru}", f"{where}: {text.en}") if where else text,
        file=raw.file,
        line=line,
        column=column,
    ) from None


def _spot(raw: Map, location: tuple[int | str, ...], tags: Collection[str]) -> tuple[Spot, list[str]]:
    """The nearest place of the file that a location of pydantic's leads to, and its names."""
    value: Any = raw
    spot, names = raw.spot, list[str]()
    for part in location:
        if isinstance(value, Map) and isinstance(part, str):
            if part not in value:
                # The tag of the union, or a key that is missing.
                if part not in tags or value is raw:
                    names.append(part)
                continue
            spot = value.spots[part]
            value = value[part]
        elif isinstance(value, list) and isinstance(part, int):
            value = value[part]
            spot = value.spot if isinstance(value, Map) else spot
        else:
            continue
        names.append(str(part))
    return spot, names
