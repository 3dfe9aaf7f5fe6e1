"""Facts in the shape of a JSON Schema: order, types, what is absent, what does not fit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapter.errors import UsageError
from adapter.facts import II, Coding, Fact, Null, Quantity, fact
from adapter.registers.jsonform import JsonForm, dumped

SCHEMA = {
    "type": "object",
    "properties": {
        "second": {"type": ["integer", "null"]},
        "first": {"type": "string", "minLength": 2},
        "list": {"type": "array", "items": {"$ref": "#/$defs/item"}},
        "snils": {"type": ["string", "null"], "format": "snils"},
        "optional": {"type": "boolean"},
    },
    "required": ["second", "first", "list", "snils"],
    "$defs": {
        "item": {"type": "object", "properties": {"value": {"type": "number", "maximum": 9}}, "required": ["value"]}
    },
}


@pytest.fixture
def form(tmp_path: Path) -> JsonForm:
    path = tmp_path / "x.schema.json"
    path.write_text(json.dumps(SCHEMA), "utf-8")
    return JsonForm(path)


def test_order_is_that_of_the_schema_and_what_is_absent_is_null_or_empty(form: JsonForm) -> None:
    made = form.fitted(fact({"first": "ab"}))
    assert dumped(made) == b'{\n  "second": null,\n  "first": "ab",\n  "list": [],\n  "snils": null\n}\n'
    assert list(form.faults(made)) == []


def test_facts_become_what_the_type_wants(form: JsonForm) -> None:
    coding = Coding("7", "1.2.3", "", "", "семь")
    values = Fact(
        {
            "second": coding,
            "first": II("1.2", "AB-1"),
            "list": [Fact({"value": Quantity("36.6", "°C", None)})],
            "snils": Null("NAV"),
        }
    )
    assert form.fitted(values) == {"second": 7, "first": "AB-1", "list": [{"value": 36.6}], "snils": None}


def test_one_fact_where_a_list_is_wanted_is_a_list_of_it(form: JsonForm) -> None:
    assert form.fitted(fact({"list": {"value": "1"}, "first": "ab"}))["list"] == [{"value": 1.0}]


@pytest.mark.parametrize(
    ("values", "path", "keyword", "wanted"),
    [
        ({}, "first", "required", None),
        ({"first": "a"}, "first", "minLength", 2),
        ({"first": "ab", "second": "seven"}, "second", "type", ["integer", "null"]),
        ({"first": "ab", "list": [{"value": "1"}, {}]}, "list[1].value", "required", None),
        ({"first": "ab", "list": [{"value": "10"}]}, "list[0].value", "maximum", 9),
        ({"first": "ab", "snils": "11223344596"}, "snils", "format", "snils"),
    ],
)
def test_what_does_not_fit_is_told_by_its_path(
    form: JsonForm, values: dict[str, Any], path: str, keyword: str, wanted: Any
) -> None:
    (fault,) = form.faults(form.fitted(fact(values)))
    assert (fault.path, fault.keyword) == (path, keyword)
    if keyword != "required":
        assert fault.wanted == wanted


def test_a_fact_without_a_place_is_an_error_of_the_catalogue(form: JsonForm) -> None:
    with pytest.raises(UsageError, match=r"no place for list\[0\]\.other|no place for other"):
        form.fitted(fact({"other": 1}))


def test_what_is_no_schema(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text('{"type": 7}', "utf-8")
    with pytest.raises(UsageError, match="not a JSON Schema"):
        JsonForm(path)


_VALUES = st.none() | st.booleans() | st.integers() | st.text() | st.just(Null("NI"))


@given(values=st.dictionaries(st.sampled_from(["second", "first", "snils", "optional"]), _VALUES))
def test_any_facts_are_fitted_or_told(tmp_path_factory: pytest.TempPathFactory, values: dict[str, Any]) -> None:
    path = tmp_path_factory.getbasetemp() / "any.schema.json"
    if not path.exists():
        path.write_text(json.dumps(SCHEMA), "utf-8")
    form = JsonForm(path)
    made = form.fitted(Fact(values))
    for fault in form.faults(made):
        assert fault.path
    assert list(made) == [name for name in SCHEMA["properties"] if name in made]  # type: ignore[attr-defined] # a dict
