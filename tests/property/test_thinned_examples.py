"""The example Bundles with anything taken out: what is missing is told, or the document is right without it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapter.convert import Converter
from adapter.errors import InputError
from adapter.fhir import read
from adapter.findings import Severity
from tests.mutated import entry_places, without

BUNDLES = Path(__file__).parents[2] / "examples" / "bundles"
#: No official pack of 227 is at hand.
NAMES = sorted({path.stem for path in BUNDLES.glob("*.json")} - {"227-r5-rucore"})
#: Findings of the Ministry's files: a document that only they find fault with is a fault of ours.
OFFICIAL = ("XSD", "SCH")


LOADED = {name: json.loads((BUNDLES / f"{name}.json").read_bytes()) for name in NAMES}
PLACES = {name: entry_places(bundle) for name, bundle in LOADED.items()}


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=15)
@given(data=st.data())
def test_what_is_taken_out_is_told_or_not_missed(converter: Converter, name: str, data: st.DataObject) -> None:
    paths = data.draw(st.lists(st.sampled_from(PLACES[name]), min_size=1, max_size=3, unique=True))
    try:
        (reading,) = read(json.dumps(without(LOADED[name], paths)).encode())
    except InputError:
        return
    for document in converter.convert(reading).documents:
        errors = [one for one in document.findings if one.severity is Severity.ERROR]
        faults = [(one.code, one.xpath, one.rule) for one in errors if one.code.startswith(OFFICIAL)]
        assert len(faults) < len(errors) or not errors, faults
