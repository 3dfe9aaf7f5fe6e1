"""Answers of the ФНСИ REST service: passports and pages of rows.

The same form lies in files (``passport.json``, ``partK.json``) and comes over the network, so one decoder
serves import and sync.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

import orjson

from adapter.errors import BookError
from adapter.nsi.model import Column, Passport

#: A page of rows turned by 90 degrees: column → values, all of the same length, in the order of the rows.
Page = dict[str, list[str | None]]


def _broken(source: str, what: str) -> NoReturn:
    raise BookError(f"{source}: {what}")


def _answer(data: bytes, source: str) -> Mapping[str, Any]:
    try:
        answer = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        _broken(source, f"not JSON (line {error.lineno}, column {error.colno})")
    if not isinstance(answer, dict):
        _broken(source, "not a JSON object")
    if answer.get("result") != "OK":
        _broken(source, "the answer of ФНСИ is an error: its field result is not OK")
    return answer


def _text(answer: Mapping[str, Any], name: str, source: str) -> str:
    value = answer.get(name)
    if not isinstance(value, str) or not value:
        _broken(source, f"the field {name} is missing or is not a text")
    return value


def _objects(answer: Mapping[str, Any], name: str, source: str) -> list[Mapping[str, Any]]:
    value = answer.get(name) or []
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        _broken(source, f"the field {name} is not a list of objects")
    return value


def decode_passport(data: bytes, source: str) -> Passport:
    """A passport from the bytes of ``/port/rest/passport``.

    Args:
        data: UTF-8 JSON.
        source: name of the file or of the request, for errors.

    Raises:
        BookError: the answer is broken or is an error answer.
    """
    answer = _answer(data, source)
    rows = answer.get("rowsCount")
    if not isinstance(rows, int) or isinstance(rows, bool) or rows < 0:
        _broken(source, "the field rowsCount is missing or is not a count")
    oid = _text(answer, "oid", source)
    columns = tuple(
        Column(_text(field, "field", source), str(field.get("dataType") or ""), str(field.get("alias") or ""))
        for field in _objects(answer, "fields", source)
    )
    keys: dict[str, str] = {}
    for key in _objects(answer, "keys", source):
        keys.setdefault(_text(key, "type", source), _text(key, "field", source))
    codes = (_text(code, "value", source) for code in _objects(answer, "codes", source))
    return Passport(
        oid=oid,
        version=_text(answer, "version", source),
        full_name=_text(answer, "fullName", source),
        rows_count=rows,
        columns=columns,
        primary=keys.get("PRIMARY"),
        value=keys.get("VALUE"),
        other_oids=tuple(code for code in codes if code != oid),
        updated=str(answer.get("lastUpdate") or ""),
    )


def decode_page(data: bytes, source: str) -> tuple[int, Page]:
    """Rows from the bytes of ``/port/rest/data``: their number and the page.

    A column that a row does not name is null there. Where a row names a column twice, the last one counts.

    Raises:
        BookError: the answer is broken or is an error answer.
    """
    answer = _answer(data, source)
    rows = answer.get("list")
    if not isinstance(rows, list):
        _broken(source, "the field list is missing or is not a list")
    page: Page = {}
    number = 0
    try:
        for number, row in enumerate(rows):
            for cell in row:
                name, value = cell["column"], cell["value"]
                values = page.get(name)
                if values is None:
                    values = page[name] = [None] * len(rows)
                values[number] = value
    except (TypeError, KeyError):
        _broken(source, f"row {number + 1} is not a list of pairs column and value")
    for name, values in page.items():
        if not isinstance(name, str) or not all(value is None or isinstance(value, str) for value in values):
            _broken(source, "a column name is not a text, or a value is neither a text nor null")
    return len(rows), page
