"""Converters, one value at a time."""

from __future__ import annotations

from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapter.facts import II, Coding, Fact
from adapter.mapping.conversion import ConversionError
from adapter.mapping.converters import CONVERTERS

ROOT = "1.2.643.5.1.13.13.12.2.77.1.100.2.3"
RUN: Any = SimpleNamespace(
    organisation=SimpleNamespace(zone="+0300", root=ROOT),
    graph=SimpleNamespace(full_url=lambda resource: "urn:uuid:7" if "language" in resource else None),
    identifiers=SimpleNamespace(book=lambda system: system),
    terms=SimpleNamespace(coding=lambda *_, **__: None, find=lambda *_: []),
)


def convert(name: str, value: Any, **arguments: Any) -> Any:
    return CONVERTERS[name](value, arguments, RUN)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("hl7-date", "2024-02-15", "20240215"),
        ("hl7-date", "2024-02-15T10:00:00+03:00", "20240215"),
        ("hl7-time", "2024-02-15T10:15:00+03:00", "202402151015+0300"),
        ("hl7-time", "2024-02-15T10:15:30.123Z", "202402151015+0000"),
        ("hl7-time", "2024-02-15", "20240215"),
        ("hl7-time", "2024-02-15T23:30:00-05:00", "202402160730+0300"),
        ("hl7-time", "2024-02-15T10:00:00+05:45", "202402150715+0300"),
        ("utc-day", "2024-02-15", "2024-02-15T00:00:00Z"),
        ("utc-day", "2024-02-15T22:30:00Z", "2024-02-16T00:00:00Z"),
        ("utc-day", "2024-02-15T00:00:00+03:00", "2024-02-15T00:00:00Z"),
        ("oid", "urn:oid:1.2.3", "1.2.3"),
        ("oid", "https://nsi.rosminzdrav.ru/dictionaries/1.2.643.1/passport/2.1", "1.2.643.1"),
        ("snils", "11223344595", "112-233-445 95"),
        ("snils", {"value": "112-233-445 95"}, "112-233-445 95"),
        ("snils", "00100199800", "001-001-998 00"),
        ("digits", "a1-2 3", "123"),
        ("code", Coding("1", "1.2", "Книга", "1.0", "Один"), "1"),
        ("phone", "8 (495) 123-45-67", "tel:+74951234567"),
        ("phone", "тел. 7 495 1234567, доб. 12", "tel:+74951234567"),
        ("phone", "+84 91 234 56 78", "tel:+84912345678"),
        ("phone", "(812) 123-45-67", "tel:8121234567"),
        ("phone", "tel:+74951234567", "tel:+74951234567"),
        ("ii", {"system": "urn:oid:1.2.3", "value": "A"}, II("1.2.3", "A")),
        ("identity", {"resourceType": "Patient", "id": "1"}, "Patient/1"),
        ("identity", {"resourceType": "Patient"}, None),
        ("integer", Decimal("2.0"), 2),
        ("string", Decimal("36.60"), "36.60"),
        ("string", True, "true"),
        ("boolean", "false", False),
        ("text", " a\n b ", "a b"),
        ("text", "№\u00a01", "№\u00a01"),
        ("first", [1, 2], 1),
        ("last", [1, 2], 2),
        ("join", ["a", "b"], "a b"),
        ("telecom", {"system": "email", "value": "a@b", "use": "work"}, Fact({"value": "mailto:a@b", "use": "WP"})),
        ("telecom", {"value": "+7 900 000-00-00"}, Fact({"value": "tel:+79000000000", "use": None})),
        ("series-number", "4509123456", Fact({"series": "4509", "number": "123456"})),
        ("series-number", {"value": "4509:123456"}, Fact({"series": "4509", "number": "123456"})),
        ("series-number", "II-ЮБ-123456", Fact({"series": "II-ЮБ", "number": "123456"})),
        ("series-number", "1234567890123456", Fact({"series": None, "number": "1234567890123456"})),
    ],
)  # fmt: skip
def test_value(name: str, value: Any, expected: Any) -> None:
    assert convert(name, value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"system": "urn:oid:1.2.3.100.1.1.10", "value": "A"}, II("1.2.3.100.1.1.10", "A")),
        ({"system": "urn:oid:1.2.3.100.1.1.15", "value": "A"}, II(f"{ROOT}.10", "A")),
        ({"system": "http://x", "value": "A"}, II(f"{ROOT}.10", "A")),
        ({"resourceType": "Patient", "id": "p"}, II(f"{ROOT}.10", "p")),
        ({"resourceType": "Patient", "language": "ru"}, II(f"{ROOT}.10", "7")),
        ("key", II(f"{ROOT}.10", "key")),
        (II("1.2.3", "A"), II("1.2.3", "A")),
    ],
)
def test_an_id_of_the_sender(value: Any, expected: II) -> None:
    assert convert("mis-ii", value, suffix="10") == expected


def test_a_derived_id_depends_on_every_part() -> None:
    one, other = (convert("derived-ii", Fact({"kind": "170", "of": of}), suffix="50") for of in ("1", None))
    assert one.root == f"{ROOT}.50"
    assert one == convert("derived-ii", Fact({"kind": "170", "of": "1"}), suffix="50")
    assert one != other


def test_a_passport_with_a_divided_series() -> None:
    assert convert("series-number", "45 09 123456", kind="passport") == Fact({"series": "45 09", "number": "123456"})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("hl7-date", "2024-02"), ("hl7-date", 5), ("hl7-time", "2024"), ("hl7-time", "2024-02-31T10:00:00-05:00"),
        ("oid", "1.02"), ("oid", "x"), ("snils", "112-233-445 96"), ("snils", "1"), ("snils", {}),
        ("phone", "нет"), ("ii", {"system": "http://x", "value": "A"}), ("ii", {"system": "1.2.3"}), ("ii", "A"),
        ("identity", "A"), ("derived-ii", "A"),
        ("mis-ii", {"resourceType": "Patient"}), ("mis-ii", {"system": "1.2.3"}), ("integer", "2.5"), ("integer", "x"),
        ("quantity", {"unit": "кг"}), ("quantity", 5), ("boolean", "да"), ("coding", {"code": "1"}), ("coding", "1"),
        ("string", {"a": 1}), ("text", 5), ("join", [1]), ("code", "1"),
    ],
)  # fmt: skip
def test_a_value_that_cannot_be_converted_is_not_shown(name: str, value: Any) -> None:
    with pytest.raises(ConversionError) as caught:
        convert(name, value)
    assert caught.value.message.ru
    assert caught.value.message.en


@given(st.sampled_from(sorted(CONVERTERS)), st.text() | st.from_regex(r"[0-9T:.+Z-]{0,25}", fullmatch=True))
def test_any_text_converts_or_is_refused(name: str, value: str) -> None:
    try:
        convert(name, value)
    except ConversionError as error:
        assert value not in error.message.en or len(value) < 3
