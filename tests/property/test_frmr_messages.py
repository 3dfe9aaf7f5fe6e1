"""Messages of ФРМР and ФРМО of any Bundle: made and valid, or refused with a reason; the same in any order."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapter.catalogue import Catalogue
from adapter.convert import Converter
from adapter.errors import InputError
from adapter.fhir import read
from adapter.findings import Severity
from adapter.mapping.formats import FORMATS
from adapter.registers.messages import SCHEMAS, Message
from conformance.rules.values import is_inn, is_ogrn, is_ogrnip, is_snils
from conformance.strategies import as_json, bundles, encounter_bundles, hostile_bundles, vaccination_bundles
from tests.mutated import STRANGE, changed, entry_places, reordered, without

ROOT = Path(__file__).parents[2]
FILES = {
    path.name.removesuffix(".schema.json"): json.loads(path.read_bytes())
    for path in sorted(Catalogue().file(f"{SCHEMAS}/frmr-person.schema.json").parent.glob("frm*.schema.json"))
}
VALIDATORS = {
    name: jsonschema_rs.Draft202012Validator(
        schema, formats=dict(FORMATS), validate_formats=True, pattern_options=jsonschema_rs.RegexOptions()
    )
    for name, schema in FILES.items()
}
EXAMPLES = {
    path.stem: json.loads(path.read_bytes())
    for start in ("worker-", "organization-")
    for path in sorted((ROOT / "examples" / "registers").glob(f"{start}*.json"))
}
FULL = [name for name in EXAMPLES if name in {"worker-r4", "organization-r4"}]


def messages(converter: Converter, data: bytes) -> tuple[Message, ...]:
    (reading,) = read(data)
    return converter.convert(reading, products=tuple(FILES)).messages


def without_patients(bundle: dict[str, Any]) -> dict[str, Any]:
    """A Bundle that is about nobody: of one about a patient nothing is sent."""
    entries = bundle.get("entry")
    if not isinstance(entries, list):
        return bundle
    kept = [one for one in entries if not (isinstance(one, dict) and _is_patient(one.get("resource")))]
    return {**bundle, "type": "collection", "entry": kept}


def _is_patient(resource: Any) -> bool:
    return isinstance(resource, dict) and resource.get("resourceType") == "Patient"


def check(message: Message) -> None:
    """What holds for every message, whatever it was made of."""
    wrong = [one for one in message.findings if one.severity is Severity.ERROR]
    assert message.ok == (message.data is not None and not wrong)
    assert message.operation.split(" ")[0] in {"POST", "PUT"}
    for one in message.findings:
        assert one.rule
    if message.data is None:
        assert wrong
        return
    made = json.loads(message.data)
    assert VALIDATORS[message.product].is_valid(made) or wrong
    if message.ok:
        checksums(made)


def checksums(made: dict[str, Any]) -> None:
    if made.get("snils"):
        assert is_snils(made["snils"])
    if made.get("inn"):
        assert is_inn(made["inn"])
    if made.get("ogrn"):
        assert is_ogrn(made["ogrn"]) or is_ogrnip(made["ogrn"])


@settings(max_examples=25)
@given(bundle=st.one_of(bundles(), vaccination_bundles(complete=True), encounter_bundles(complete=True)))
def test_any_valid_bundle(converter: Converter, bundle: dict[str, Any]) -> None:
    for message in messages(converter, as_json(without_patients(bundle))):
        check(message)


@settings(max_examples=15)
@given(bundle=hostile_bundles().map(lambda one: one.bundle))
def test_any_hostile_bundle(converter: Converter, bundle: dict[str, Any]) -> None:
    try:
        made = messages(converter, as_json(without_patients(bundle)))
    except InputError:
        return
    for message in made:
        check(message)


PLACES = {name: entry_places(EXAMPLES[name]) for name in FULL}


@pytest.mark.parametrize("name", FULL)
@settings(max_examples=50)
@given(data=st.data())
def test_anything_taken_out_or_changed_is_told_or_not_missed(
    converter: Converter, name: str, data: st.DataObject
) -> None:
    path = data.draw(st.sampled_from(PLACES[name]))
    if data.draw(st.booleans()):
        bundle = without(EXAMPLES[name], [path])
    else:
        bundle = changed(EXAMPLES[name], path, data.draw(STRANGE))
    try:
        made = messages(converter, json.dumps(bundle).encode())
    except InputError:
        return
    for message in made:
        check(message)


TEXTS = {
    name: [path for path in PLACES[name] if path[-1] in {"family", "name", "valueString", "display", "value"}]
    for name in FULL
}


@pytest.mark.parametrize("name", FULL)
@settings(max_examples=25)
@given(data=st.data())
def test_no_finding_quotes_a_value(converter: Converter, name: str, data: st.DataObject) -> None:
    bundle = changed(EXAMPLES[name], data.draw(st.sampled_from(TEXTS[name])), "Секретное Значение")
    try:
        made = messages(converter, json.dumps(bundle).encode())
    except InputError as error:
        assert "Секретное" not in str(error.finding)
        return
    for message in made:
        check(message)
        assert "Секретное" not in repr(message.findings)


@pytest.mark.parametrize("name", EXAMPLES)
@settings(max_examples=4)
@given(seed=st.integers())
def test_the_order_of_entries_changes_nothing(converter: Converter, name: str, seed: int) -> None:
    bundle = reordered(EXAMPLES[name], random.Random(seed))
    made = {one.id: (one.name, one.data) for one in messages(converter, json.dumps(bundle).encode())}
    known = {one.id: (one.name, one.data) for one in messages(converter, json.dumps(EXAMPLES[name]).encode())}
    assert made == known
