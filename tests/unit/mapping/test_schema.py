"""The JSON Schemas of the language: held to the code, and to what the loader takes and refuses."""

from __future__ import annotations

from pathlib import Path

import jsonschema_rs
import pytest

from adapter.catalogue import Catalogue, builtin_root
from adapter.mapping import keys
from adapter.mapping.schema import FILES, SCHEMAS, written
from adapter.mapping.yaml import load, plain

FOLDER = Path(__file__).parents[3] / "docs" / "reference" / "schemas"


def shipped() -> list[tuple[str, str]]:
    found = []
    for place, schema in FILES.items():
        names = [place] if place.endswith(".yaml") else [f"{place}/{name}" for name in Catalogue().files(place)]
        found += [(name, schema) for name in names]
    return found


def valid(name: str, value: object) -> bool:
    return jsonschema_rs.validator_for(SCHEMAS[name]()).is_valid(value)


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_committed_copy_is_what_the_code_says(name: str) -> None:
    assert (FOLDER / name).read_text("utf-8") == written(name), "run: egisz map schema -o docs/reference/schemas"


@pytest.mark.parametrize(("file", "schema"), shipped())
def test_every_shipped_file_is_valid(file: str, schema: str) -> None:
    value = plain(load(builtin_root() / file))
    errors = [str(error) for error in jsonschema_rs.validator_for(SCHEMAS[schema]()).iter_errors(value)]
    assert errors == []


@pytest.mark.parametrize(
    "field",
    [
        "family",
        ["a", "b"],
        {"from": "a", "as": "hl7-date"},
        {"each": ["a"], "as": [{"hl7-date": {"precision": "day"}}, "text"]},
        {"fields": {"x": "y", "z": None}},
        {"required": True, "absent": "NI"},
    ],
)
def test_a_field_that_the_loader_takes(field: object) -> None:
    assert valid("map.schema.json", {"map": "m", "source": "Patient", "fields": {"f": field}})


@pytest.mark.parametrize(
    "field",
    [
        {"form": "a"},
        {"from": []},
        {"as": "hl7-data"},
        {"as": {"hl7-date": {}, "text": {}}},
        {"absent": "NONE"},
        {"coding": "1.2.3"},
        {"required": "always"},
        {"fields": {"x": {"form": "a"}}},
    ],
)
def test_a_field_that_the_loader_refuses(field: object) -> None:
    assert not valid("map.schema.json", {"map": "m", "source": "Patient", "fields": {"f": field}})


def test_every_key_is_described() -> None:
    for known in (keys.FIELD, keys.MAP, keys.DOCUMENT, keys.CONCEPTS, keys.GROUP, keys.ROUTE, keys.TEST):
        for key in known.values():
            assert key.text.ru
            assert key.text.en
