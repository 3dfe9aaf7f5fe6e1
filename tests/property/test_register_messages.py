"""Messages of registers of any Bundle: made and valid, or told; the same ones each time, in any order."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapter.convert import Converter
from adapter.errors import InputError
from adapter.fhir import read
from adapter.findings import Severity
from adapter.registers.messages import Message
from adapter.xml import parse
from conformance.strategies import as_json, bundles, hostile_bundles, vaccination_bundles
from tests.mutated import entry_places, reordered, without

EXAMPLES = Path(__file__).parents[2] / "examples" / "registers"
LOADED = {path.stem: json.loads(path.read_bytes()) for path in sorted(EXAMPLES.glob("v*.json"))}
PRODUCTS = (
    "vaccination-record",
    "vaccination-record-person",
    "vaccination-record-complication",
    "vaccination-record-pregnancy",
    "vzn-patient",
    "vzn-record",
    "gip-patient",
)


def made(converter: Converter, bundle: dict[str, Any]) -> list[Message]:
    try:
        (reading,) = read(as_json(bundle))
    except InputError:
        return []
    return list(converter.convert(reading, products=PRODUCTS).messages)


def check(message: Message) -> None:
    """What holds for every message, whatever it was made of."""
    errors = [one for one in message.findings if one.severity is Severity.ERROR]
    assert message.ok == (message.data is not None and not errors)
    if message.data is None:
        assert errors
    elif message.form == "json":
        json.loads(message.data)
    else:
        parse(message.data)
    # A message that only the schema finds fault with was not looked at by its own rules.
    assert not errors or any(one.code != "XSD01" for one in errors), [(one.rule, one.xpath) for one in errors]
    for one in errors:
        assert one.rule, one.code


@settings(max_examples=60)
@given(bundle=st.one_of(bundles(), vaccination_bundles(complete=True), hostile_bundles().map(lambda one: one.bundle)))
def test_any_bundle(converter: Converter, bundle: dict[str, Any]) -> None:
    for message in made(converter, bundle):
        check(message)


PLACES = {name: entry_places(bundle) for name, bundle in LOADED.items()}


@pytest.mark.parametrize("name", LOADED)
@settings(max_examples=30)
@given(data=st.data())
def test_what_is_taken_out_is_told_or_not_missed(converter: Converter, name: str, data: st.DataObject) -> None:
    drawn = data.draw(st.lists(st.sampled_from(PLACES[name]), min_size=1, max_size=3, unique=True))
    for message in made(converter, without(LOADED[name], drawn)):
        check(message)


@pytest.mark.parametrize("name", LOADED)
@settings(max_examples=10)
@given(order=st.randoms(use_true_random=False))
def test_any_order_of_entries(
    converter: Converter, build: Callable[[], Converter], name: str, order: random.Random
) -> None:
    first = {one.name: one.data for one in made(converter, LOADED[name])}
    assert first == {one.name: one.data for one in made(converter, reordered(LOADED[name], order))}
    other = OTHER.setdefault("converter", build())
    assert first == {one.name: one.data for one in made(other, LOADED[name])}


OTHER: dict[str, Converter] = {}
