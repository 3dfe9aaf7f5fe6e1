"""Reading never crashes: any input is read, or refused with a finding."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapter.errors import InputError
from adapter.fhir import FhirVersion, Graph, operation_outcome, read, validate

NAMES = (
    *("resourceType", "id", "entry", "resource", "fullUrl", "type", "reference", "identifier", "system", "value"),
    *("contained", "extension", "url", "meta", "profile", "subject", "class", "name", "_id", "parameter", "response"),
)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=5),
    st.sampled_from(
        ["Bundle", "Patient", "Encounter", "Parameters", "#", "Patient/1", "urn:uuid:1", "Patient?identifier=a|b"]
    ),
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(NAMES), inner)),
    max_leaves=25,
)
resources = st.dictionaries(st.sampled_from(NAMES), values).map(lambda one: {"resourceType": "Patient"} | one)
bundles = st.lists(
    st.one_of(values, st.fixed_dictionaries({"resource": st.one_of(values, resources)})), max_size=4
).map(lambda entries: {"resourceType": "Bundle", "type": "collection", "entry": entries})


def check(data: bytes) -> None:
    try:
        readings = read(data)
    except InputError as error:
        assert error.finding.code.startswith(("FHIR", "XML"))
        return
    for reading in readings:
        graph = Graph(reading.bundle, reading.version)
        outcome = operation_outcome([*reading.findings, *graph.findings])
        assert validate(outcome, FhirVersion.R4) == []
        assert [graph.path(one) for one in graph.all()] or graph.all() == []


@given(st.one_of(bundles, resources, values))
def test_any_json(value: Any) -> None:
    check(json.dumps(value).encode())


@given(st.binary(max_size=60))
def test_any_bytes(data: bytes) -> None:
    check(data)


@given(bundles, st.integers(0, 400), st.binary(max_size=4), st.integers(0, 5))
def test_damaged_json(value: Any, at: int, put: bytes, cut: int) -> None:
    data = json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")
    check(data[:at] + put + data[at + cut :])


@given(st.lists(st.one_of(bundles, resources), min_size=2, max_size=5))
def test_any_ndjson_and_nothing_is_lost(items: list[Any]) -> None:
    data = b"\n".join(json.dumps(one).encode() for one in items)
    check(data)


@given(st.permutations(["Patient", "Encounter", "Observation", "Organization"]), st.integers(1, 3))
def test_groups_do_not_depend_on_the_order_of_lines(order: list[str], patients: int) -> None:
    lines = [
        {"resourceType": name, "id": f"{name}{number}"}
        | ({"subject": {"reference": f"Patient/Patient{number}"}} if name in {"Encounter", "Observation"} else {})
        | ({"managingOrganization": {"reference": "Organization/Organization0"}} if name == "Patient" else {})
        for name in order
        for number in range(1 if name == "Organization" else patients)
    ]
    readings = read(b"\n".join(json.dumps(line).encode() for line in lines))
    groups = {frozenset(entry["resource"]["id"] for entry in reading.bundle["entry"]) for reading in readings}
    expected = {
        frozenset({f"Patient{number}", f"Encounter{number}", f"Observation{number}", "Organization0"})
        for number in range(patients)
    }
    assert groups == expected


@pytest.mark.parametrize(
    "data", [b"\x00", b"{}\n{}", b'{"resourceType":"Bundle"}\n', b'{"resourceType": "Patient"}\r\n\r\n']
)
def test_small_inputs(data: bytes) -> None:
    check(data)
