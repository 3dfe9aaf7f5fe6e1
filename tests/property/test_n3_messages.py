"""Messages of N3 of any Bundle: made and valid, or refused with a reason; the same each time."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapter.catalogue import Catalogue
from adapter.convert import Converter
from adapter.errors import InputError
from adapter.fhir import read
from adapter.findings import Severity
from adapter.registers.messages import Message
from adapter.xml import parse
from conformance.rules.values import is_snils
from conformance.strategies import as_json, bundles, encounter_bundles, hostile_bundles, vaccination_bundles
from conformance.xsd import load_schema
from tests.mutated import entry_places, reordered, without

ROOT = Path(__file__).parents[2]
SCHEMAS = Catalogue().file("mappings/registers/schemas/n3/emk.wsdl").parent
PRODUCTS = (
    "iemk-patient",
    "iemk-case",
    "iemk-step",
    "iemk-vaccination",
    "iemk-reaction",
    "iemk-exemption",
    "iemk-plan",
)
CASES = {
    path.stem: json.loads(path.read_bytes()) for path in sorted((ROOT / "examples" / "registers").glob("case-*.json"))
}


def messages(converter: Converter, data: bytes) -> tuple[Message, ...]:
    (reading,) = read(data)
    return converter.convert(reading, products=PRODUCTS).messages


def check(message: Message) -> None:
    """What holds for every message, whatever it was made of."""
    wrong = [one for one in message.findings if one.severity is Severity.ERROR]
    assert message.ok == (message.data is not None and not wrong)
    if message.data is None:
        assert wrong
        return
    tree = parse(message.data)
    schema = load_schema(SCHEMAS / ("pix.xsd" if message.product == "iemk-patient" else "emk.xsd"))
    assert schema.accepts(tree) or wrong
    if message.ok:
        for document in tree.iter("{*}DocumentDto", "{*}IdentityDocument"):
            if document.findtext("{*}IdDocumentType") == "223":
                assert is_snils(document.findtext("{*}DocN") or "")


@settings(max_examples=60)
@given(bundle=st.one_of(bundles(), vaccination_bundles(complete=True), encounter_bundles(complete=True)))
def test_any_valid_bundle(converter: Converter, bundle: dict[str, Any]) -> None:
    for message in messages(converter, as_json(bundle)):
        check(message)


@settings(max_examples=30)
@given(bundle=hostile_bundles().map(lambda one: one.bundle))
def test_any_hostile_bundle(converter: Converter, bundle: dict[str, Any]) -> None:
    for message in messages(converter, as_json(bundle)):
        check(message)


PLACES = {name: entry_places(bundle) for name, bundle in CASES.items()}


@pytest.mark.parametrize("name", CASES)
@settings(max_examples=40)
@given(data=st.data())
def test_anything_taken_out_is_told_or_not_missed(converter: Converter, name: str, data: st.DataObject) -> None:
    bundle = without(CASES[name], [data.draw(st.sampled_from(PLACES[name]))])
    try:
        made = messages(converter, json.dumps(bundle).encode())
    except InputError:
        return
    for message in made:
        check(message)


@pytest.mark.parametrize("name", CASES)
@settings(max_examples=10)
@given(seed=st.integers())
def test_the_order_of_entries_changes_nothing(converter: Converter, name: str, seed: int) -> None:
    bundle = reordered(CASES[name], random.Random(seed))
    made = {one.name: one.data for one in messages(converter, json.dumps(bundle).encode())}
    assert made == {one.name: one.data for one in messages(converter, json.dumps(CASES[name]).encode())}
