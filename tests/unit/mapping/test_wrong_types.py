"""What a sender writes as another type than FHIR has there is told or says nothing; the rest of the Bundle is made."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.mapping.conftest import GENDER, Small

WRONG: tuple[Any, ...] = (1, True, "x", {}, [], [1], ["x"], [[]], {"coding": 1}, {"coding": [1]}, {"coding": {}})
SNILS = {"system": "https://example.org/systems/snils", "value": "11223344595"}
CODING = {"system": f"urn:oid:{GENDER}", "code": "1", "display": "Мужской"}
Facts = Callable[..., Any]


@pytest.fixture
def of_patient(small: Small, facts: Facts) -> Facts:
    """Facts of a Patient with some elements; there is a concept map ``sex``."""
    small.write({"mappings/concepts/sex.yaml": f"concepts: sex\ntarget: {GENDER}\ngroups: []\nunmapped: error\n"})
    return lambda fields, elements: facts(fields, {"resourceType": "Patient", "id": "p", **elements})


@pytest.mark.parametrize(("name", "wrong"), [*itertools.product(("type", "system"), WRONG)])
def test_an_identifier_before_the_one_that_is_meant(of_patient: Facts, name: str, wrong: Any) -> None:
    other = {"system": "urn:other", "value": "1", name: wrong}
    made = of_patient("f: {identifier: snils, fields: {n: value, i: '%implied.kind'}}", {"identifier": [other, SNILS]})
    assert made.facts.f.n == "11223344595"
    assert made.findings == ()


@pytest.mark.parametrize(("part", "wrong"), [*itertools.product(("system", "code", "display", "version"), WRONG)])
@pytest.mark.parametrize(
    "field", ["{from: value, concept: sex}", "{from: value.coding, as: coding}", "{from: value, as: coding}"]
)
def test_a_coding(of_patient: Facts, field: str, part: str, wrong: Any) -> None:
    made = of_patient(f"f: {field}", {"valueCodeableConcept": {"coding": [CODING | {part: wrong}]}})
    assert made.facts.f is not None or made.findings


@pytest.mark.parametrize("wrong", WRONG)
def test_a_concept(of_patient: Facts, wrong: Any) -> None:
    made = of_patient("f: {from: value, concept: sex}", {"valueCodeableConcept": wrong})
    assert made.facts.f is None


def test_an_expression_that_does_not_fit_what_is_dropped_is_told(of_patient: Facts) -> None:
    made = of_patient(
        "f: {from: family, dropped: \"name.where(family.contains('x'))\"}", {"name": [{"family": 1}], "family": "y"}
    )
    assert [one.code for one in made.findings] == ["MAP04"]
    assert made.facts.f == "y"
