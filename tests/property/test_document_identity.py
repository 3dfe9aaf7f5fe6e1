"""Identity of documents: pure, stable, without collisions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapter.documents.identity import (
    Suffix,
    derived_id,
    identity_of,
    is_local_root,
    local_root,
    number_of,
)
from adapter.facts import II, Fact

BASE = "1.2.643.5.1.13.13.12.2.77.99999.100.1.1"
PARTS = st.lists(st.text(max_size=12), max_size=4)


@pytest.mark.parametrize("suffix", Suffix)
def test_roots(suffix: Suffix) -> None:
    assert is_local_root(local_root(BASE, suffix), suffix)
    assert local_root(BASE, suffix) == f"{BASE}.{suffix.value}"
    assert not any(is_local_root(local_root(BASE, suffix), other) for other in Suffix if other is not suffix)


@pytest.mark.parametrize(
    "oid", ["", "1.2.643.100.3", f"{BASE}.510", f"{BASE}.051", "1.2.100.51", f"x{BASE}.51", f"{BASE}.51\n"]
)
def test_not_roots(oid: str) -> None:
    assert not is_local_root(oid, Suffix.DOCUMENT)


@given(PARTS, PARTS)
def test_ids_differ_where_anything_differs(one: list[str], other: list[str]) -> None:
    made = derived_id(f"{BASE}.50", one)
    assert made == derived_id(f"{BASE}.50", one)
    assert made.root == f"{BASE}.50"
    assert (made == derived_id(f"{BASE}.50", other)) == (one == other)


def test_parts_are_taken_apart() -> None:
    flat = derived_id("1.2", ["1.2.3", "a", "1", "", "b"])
    assert derived_id("1.2", [Fact({"set": II("1.2.3", "a"), "version": 1}), None, ["b"]]) == flat


def test_derived_ids_never_change() -> None:
    of_set = derived_id(f"{BASE}.50", ["170", "P-2", "Immunization/1"])
    assert of_set.extension == "3d79097d-4f07-5c26-9378-a630103d8718"
    assert derived_id(f"{BASE}.51", [of_set, 1]).extension == "a9c0663d-9a4a-5e1b-9737-48bb7dbbf395"


@pytest.mark.parametrize(
    ("resource", "full_url", "identity"),
    [
        ({"resourceType": "Immunization", "id": "1"}, "urn:uuid:x", "Immunization/1"),
        (
            {"resourceType": "Immunization", "id": "1", "identifier": [{"value": ""}, {"system": "s", "value": "v"}]},
            "",
            "s|v",
        ),
        ({"resourceType": "Composition", "identifier": {"system": "s", "value": "v"}}, "", "s|v"),
        (
            {"resourceType": "Immunization"},
            "https://mis/fhir/Immunization/1/_history/2",
            "https://mis/fhir/Immunization/1",
        ),
        ({"resourceType": "Immunization"}, "", ""),
        ({"resourceType": "Patient", "id": "p", "identifier": "1"}, "", "Patient/p"),  # no identifier of FHIR
    ],
)
def test_identity_of_resources(resource: dict[str, object], full_url: str, identity: str) -> None:
    assert identity_of(resource, full_url) == identity


@pytest.mark.parametrize(
    ("resource", "full_url", "number"),
    [
        ({"resourceType": "Patient", "id": "p-1"}, "urn:uuid:2", "p-1"),
        ({"resourceType": "Patient"}, "urn:uuid:0000-0001", "0000-0001"),
        ({"resourceType": "Patient"}, "https://mis/fhir/Patient/7", "7"),
        ({"resourceType": "Patient"}, "https://mis/fhir/Patient/7/_history/3", "7"),
        ({"resourceType": "Patient"}, "", ""),
    ],
)
def test_numbers_of_resources(resource: dict[str, object], full_url: str, number: str) -> None:
    assert number_of(resource, full_url) == number
