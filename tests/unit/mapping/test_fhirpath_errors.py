"""Expressions that are wrong, and data that an expression does not fit."""

from __future__ import annotations

from typing import Any

import pytest

from adapter.errors import ExpressionError, MappingError
from adapter.mapping.fhirpath import Env, compile_expression

PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "p1",
    "active": True,
    "birthDate": "1980-05-06",
    "deceasedDateTime": "2024-01",
    "multipleBirthInteger": 2,
    "name": [{"use": "usual", "family": "Обычный"}, {"use": "official", "given": ["Иван", "Иванович"]}],
    "address": [{"city": "Казань", "extension": [{"url": "other", "valueInteger": 1}]}],
    "maritalStatus": {"coding": [{"system": "s", "code": "M"}]},
    "managingOrganization": {"reference": "Organization/mo"},
}
ENV = Env({})


@pytest.mark.parametrize(
    ("text", "column", "words"),
    [
        ("", 1, "unexpected end"),
        ("name.", 6, "unexpected end"),
        ("name..use", 6, "unexpected ."),
        ("name use", 6, "unexpected use"),
        ("name.where(use = 'a'", 21, "')'"),
        ("name.wher(use = 'a')", 6, "did you mean where()?"),
        ("name.frobnicate()", 6, "no function frobnicate()"),
        ("name.first(1)", 6, "expected 0"),
        ("id.substring()", 4, "expected 1–2"),
        ("id = 'a", 6, "not closed"),
        ('id = "a"', 6, "single quotes"),
        ("id # 1", 4, "unexpected character"),
        (r"id.matches('\d')", 13, r"\\d"),
        ("id.matches('(')", 12, "no regular expression"),
        ("id.matches(1)", 12, "no regular expression"),
        ("birthDate > @2024-13-01", 13, "no such date"),
        ("a.$this", 3, "$this"),
        ("%", 2, "unexpected end"),
        ("oneOf(name)", 7, "quotes"),
        ("now() > birthDate", 1, "forbidden"),
        ("name.trace('x')", 6, "forbidden"),
        ("(" * 100 + "1" + ")" * 100, 61, "too deep"),
        ("a" + ".b" * 500, 401, "too long"),
    ],
)
def test_errors_name_the_column(text: str, column: int, words: str) -> None:
    with pytest.raises(MappingError) as caught:
        compile_expression(text)
    assert (caught.value.line, caught.value.column) == (0, column)
    assert words in caught.value.reason.en
    assert caught.value.reason.ru != caught.value.reason.en


def test_errors_of_several_lines_name_the_line() -> None:
    with pytest.raises(MappingError) as caught:
        compile_expression("name\n  .wher(use)")
    assert (caught.value.line, caught.value.column) == (2, 4)


@pytest.mark.parametrize(
    "text",
    [
        "name.use.startsWith('x')",
        "active.startsWith('x')",
        "name.single()",
        "name.where(given)",
        "name.use > 'a'",
        "active < 1",
        "active + 1",
        "id + 1",
        "-id",
        "id & active",
        "name.use in ('a')",
        "name.take('1')",
        "(1 | true).allTrue()",
        "maritalStatus.join()",
        "id.abs()",
        "deceased.toString().matches(multipleBirth)",
        "address.extension(1)",
        "%undefined",
        "1.sqrt() + id",
    ],
)
def test_data_that_does_not_fit_is_an_error_without_values(text: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        compile_expression(text).all(PATIENT, ENV)
    for value in ("p1", "usual", "Обычный", "1980"):
        assert value not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_without_a_bundle_there_is_nothing_to_resolve() -> None:
    with pytest.raises(ExpressionError):
        compile_expression("managingOrganization.resolve()").all(PATIENT, Env({}))
