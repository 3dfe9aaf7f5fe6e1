"""What a message in JSON has where the facts give nothing, by its schema alone."""

from __future__ import annotations

import json
from pathlib import Path

from adapter.facts import fact
from adapter.registers.jsonform import JsonForm

SCHEMA = {
    "type": "object",
    "properties": {
        "head": {"type": "string", "default": ""},
        "level": {"type": "integer", "default": 1},
        "rooms": {"type": ["array", "null"], "items": {"type": "string"}},
    },
    "required": ["head", "level", "rooms"],
}


def form(folder: Path) -> JsonForm:
    path = folder / "x.schema.json"
    path.write_text(json.dumps(SCHEMA), "utf-8")
    return JsonForm(path)


def test_a_default_stands_for_what_is_absent_and_required(tmp_path: Path) -> None:
    made = form(tmp_path).fitted(fact({"level": "2"}))
    assert made == {"head": "", "level": 2, "rooms": []}
    assert list(form(tmp_path).faults(made)) == []


def test_one_value_of_a_list_that_may_be_null_is_a_list_of_it(tmp_path: Path) -> None:
    assert form(tmp_path).fitted(fact({"rooms": "a"}))["rooms"] == ["a"]
