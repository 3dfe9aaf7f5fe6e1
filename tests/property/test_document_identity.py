"""Identity of documents: pure, stable, without collisions."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from adapter.documents.identity import (
    Suffix,
    document_id,
    identity_of,
    is_local_root,
    local_root,
    own_id,
    set_id,
    version_number,
)

BASE = "1.2.643.5.1.13.13.12.2.77.99999.100.1.1"
WORDS = st.text(max_size=12)


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


@given(WORDS, WORDS, WORDS, st.tuples(WORDS, WORDS, WORDS))
def test_sets_differ_where_anything_differs(
    kind: str, identity: str, patient: str, other: tuple[str, str, str]
) -> None:
    one = set_id(BASE, kind, identity, patient)
    assert one == set_id(BASE, kind, identity, patient)
    assert one.root == f"{BASE}.50"
    assume(other != (kind, identity, patient))
    assert one != set_id(BASE, *other)


@given(WORDS, st.integers(1, 999), st.integers(1, 999))
def test_versions_are_documents_of_one_set(identity: str, first: int, second: int) -> None:
    of_set = set_id(BASE, "170", identity)
    one, two = document_id(BASE, of_set, first), document_id(BASE, of_set, second)
    assert (one == two) == (first == second)
    assert one.root == f"{BASE}.51"
    assert one.extension != of_set.extension


def test_derived_ids_never_change() -> None:
    of_set = set_id(BASE, "170", "Immunization/1", "P-2")
    assert of_set.extension == "d6927166-8a31-5b23-b808-0512ebf41af3"
    assert document_id(BASE, of_set, 1).extension == "db38743d-a39d-5757-9052-8eb18b01adec"


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
    ],
)
def test_identity_of_resources(resource: dict[str, object], full_url: str, identity: str) -> None:
    assert identity_of(resource, full_url) == identity


@pytest.mark.parametrize(
    ("resource", "full_url", "extension"),
    [
        ({"resourceType": "Patient", "id": "p-1"}, "", "p-1"),
        ({"resourceType": "Patient", "identifier": [{"system": "s", "value": "12|3"}]}, "", "12|3"),
        (
            {"resourceType": "Patient"},
            "urn:uuid:00000000-0000-0000-0000-000000000001",
            "00000000-0000-0000-0000-000000000001",
        ),
        ({"resourceType": "Patient"}, "https://mis/fhir/Patient/7", "7"),
    ],
)
def test_own_ids(resource: dict[str, object], full_url: str, extension: str) -> None:
    assert own_id(BASE, Suffix.PATIENT, resource, full_url) == (f"{BASE}.10", extension)


def test_no_own_id() -> None:
    assert own_id(BASE, Suffix.PATIENT, {"resourceType": "Patient"}) is None


@pytest.mark.parametrize(
    ("candidates", "number"),
    [([], 1), (["3"], 3), ([None, "W/2", "", " 7 "], 7), (["0", "-1", "1.2", "9" * 12], 1), ([5], 5), (["١"], 1)],
)
def test_version_numbers(candidates: list[object], number: int) -> None:
    assert version_number(candidates) == number
