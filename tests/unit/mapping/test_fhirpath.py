"""Expressions and what they give, written out by hand from FHIRPath N1."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from adapter.mapping.fhirpath import Env, compile_expression
from adapter.mapping.fhirpath.compiler import FUNCTIONS, INTERPRETED
from tests.written import same_as_written_out

FIAS = "https://fhir.ru/ig/core/StructureDefinition/fias"
ORGANIZATION = {"resourceType": "Organization", "id": "mo", "name": "МО"}
PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "p1",
    "active": True,
    "birthDate": "1980-05-06",
    "_birthDate": {"extension": [{"url": "urn:extension:birthDateTime", "valueDateTime": "1980-05-06T07:00:00Z"}]},
    "deceasedDateTime": "2024-01",
    "multipleBirthInteger": 2,
    "name": [
        {"use": "usual", "family": "Обычный"},
        {"use": "official", "family": "Тестов", "given": ["Иван", "Иванович"]},
        {"use": "old", "given": [None, "Пётр"]},
    ],
    "address": [
        {
            "city": "Казань",
            "extension": [
                {"url": FIAS, "extension": [{"url": "aoguid", "valueString": "g"}]},
                {"url": "other", "valueInteger": 1},
            ],
        },
        {"city": "Уфа"},
    ],
    "maritalStatus": {"coding": [{"system": "s", "code": "M"}]},
    "managingOrganization": {"reference": "Organization/mo"},
    "generalPractitioner": [{"reference": "Organization/mo"}, {"reference": "Organization/none"}],
}
OBSERVATION: dict[str, Any] = {
    "resourceType": "Observation",
    "status": "final",
    "effectiveDateTime": "2024-03-01T10:00:00+03:00",
    "valueQuantity": {"value": Decimal("36.6"), "unit": "Cel"},
    "component": [{"valueString": "a"}, {"valueInteger": 5}, {"valueQuantity": {"value": 7}}],
}


class FakeGraph:
    def resolve(self, reference: dict[str, Any]) -> dict[str, Any] | None:
        return ORGANIZATION if reference.get("reference") == "Organization/mo" else None

    def of_type(self, name: str) -> list[dict[str, Any]]:
        return [ORGANIZATION] if name == "Organization" else []


ENV = Env({"name": "N", "many": [1, 2], "list": [3], "none": None, "resource": PATIENT}, FakeGraph())

ON_PATIENT: list[tuple[str, list[Any]]] = [
    # paths
    ("id", ["p1"]),
    ("nothing", []),
    ("id.nothing", []),
    ("Patient.id", ["p1"]),
    ("Practitioner.id", []),
    ("Resource.id", ["p1"]),
    ("name.family", ["Обычный", "Тестов"]),
    ("name.given", ["Иван", "Иванович", "Пётр"]),
    ("maritalStatus.coding.code", ["M"]),
    ("$this.maritalStatus.coding[0].code", ["M"]),
    ("name[1].given[1]", ["Иванович"]),
    ("name[9]", []),
    ("name[%list - 2].family", ["Тестов"]),
    ("`id`", ["p1"]),
    # one element of several types
    ("deceased", ["2024-01"]),
    ("multipleBirth", [2]),
    ("deceased is dateTime", [True]),
    ("deceased is boolean", [False]),
    ("deceased.ofType(dateTime)", ["2024-01"]),
    ("deceased as boolean", []),
    ("deceasedDateTime", ["2024-01"]),
    ("$this is Patient", [True]),
    ("$this is Organization", [False]),
    ("ofType(FHIR.Patient).id", ["p1"]),
    # collections
    ("name.where(use = 'official').first().family", ["Тестов"]),
    ("name.where(use = 'official').given", ["Иван", "Иванович"]),
    ("name.where(given.exists()).use", ["official", "old"]),
    ("name.where($index = 1).use", ["official"]),
    ("name.where(given.where($index = 1).exists()).use", ["official"]),
    ("name.select(given.first())", ["Иван", "Пётр"]),
    ("name.select($index)", [0, 1, 2]),
    ("name.all(use.exists())", [True]),
    ("name.all(family.exists())", [False]),
    ("name.exists(use = 'old')", [True]),
    ("name.any(use = 'none')", [False]),
    ("name.exists($index = 2)", [True]),
    ("name.all($index < 2)", [False]),
    ("contact.all(false)", [True]),
    ("name.empty()", [False]),
    ("contact.empty()", [True]),
    ("contact.exists().not()", [True]),
    ("name.count()", [3]),
    ("name.use.first()", ["usual"]),
    ("name.use.last()", ["old"]),
    ("name.use.tail()", ["official", "old"]),
    ("name.use.skip(1).take(1)", ["official"]),
    ("name.use.take(-1)", []),
    ("name.where(use = 'old').single().use", ["old"]),
    ("(1 | 2 | 1)", [1, 2]),
    ("(1).combine(1)", [1, 1]),
    ("(1 | 2).union(2 | 3)", [1, 2, 3]),
    ("(1 | 2).intersect(2 | 3)", [2]),
    ("(1 | 2).exclude(2)", [1]),
    ("(1).combine(1).distinct()", [1]),
    ("(1).combine(1).isDistinct()", [False]),
    ("(1 | 2).subsetOf(1 | 2 | 3)", [True]),
    ("(1 | 2).supersetOf(1 | 3)", [False]),
    ("(true | false).anyTrue()", [True]),
    ("(true | false).allTrue()", [False]),
    ("(true | false).anyFalse()", [True]),
    ("(false).allFalse()", [True]),
    ("coalesce(contact, id)", ["p1"]),
    ("iif(active, 'yes', 'no')", ["yes"]),
    ("iif(contact.exists(), 'yes')", []),
    ("address.repeat(extension).url", [FIAS, "other", "aoguid"]),
    ("maritalStatus.descendants().count()", [3]),
    ("maritalStatus.coding.children()", ["s", "M"]),
    ("id.hasValue()", [True]),
    ("maritalStatus.hasValue()", [False]),
    ("id.getValue()", ["p1"]),
    # equality and order
    ("id = 'p1'", [True]),
    ("'p1' = id", [True]),
    ("id != 'p1'", [False]),
    ("contact = 'p1'", []),
    ("name.use = 'usual'", [False]),
    ("name.use = name.use", [True]),
    ("active = 1", [False]),
    ("maritalStatus = maritalStatus", [True]),
    ("$this = %resource", [True]),
    ("1 = 1.0", [True]),
    ("'Ab  c' ~ 'ab C'", [True]),
    ("1.25 ~ 1.3", [False]),
    ("{} ~ {}", [True]),
    ("id !~ 'P1'", [False]),
    ("(1 | 2) ~ (2 | 1)", [True]),
    ("birthDate < @1980-05-07", [True]),
    ("birthDate < @1980-05", []),
    ("birthDate >= @1979", [True]),
    ("birthDate = @1980-05-06", [True]),
    ("birthDate = @1980-05", []),
    ("birthDate != @1981", [True]),
    ("birthDate < deceased", [True]),
    ("'b' > 'a'", [True]),
    ("2 <= 2.0", [True]),
    ("@2024-01-01T10:00:00+03:00 = @2024-01-01T07:00:00Z", [True]),
    ("@2024-01-01T10:00:00 < @2024-01-01T07:00:00Z", []),
    ("@2024-01-01T10:00:00 < @2024-01-03T07:00:00Z", [True]),
    ("@T10:30 < @T10:31", [True]),
    ("@T10:30 < @T10:30:05", []),
    ("'old' in name.use", [True]),
    ("name.use contains 'new'", [False]),
    ("{} in name.use", []),
    ("id in ('p1' | 'p2')", [True]),
    ("contact in ('p1' | 'p2')", []),
    ("active in ('p1' | 'p2')", [False]),
    ("multipleBirth in (1 | 2)", [True]),
    ("'x' in contact", [False]),
    # logic of three values
    ("true and {}", []),
    ("{} and false", [False]),
    ("{} and true", []),
    ("false and {}", [False]),
    ("{} or true", [True]),
    ("{} or false", []),
    ("true xor true", [False]),
    ("true xor {}", []),
    ("{} implies true", [True]),
    ("false implies {}", [True]),
    ("true implies {}", []),
    ("id and active", [True]),
    ("{}.not()", []),
    # arithmetic
    ("1 + 2 * 3", [7]),
    ("(1 + 2) * 3", [9]),
    ("7 / 2", [Decimal("3.5")]),
    ("7 div 2", [3]),
    ("-7 div 2", [-3]),
    ("-7 mod 2", [-1]),
    ("7.5 mod 2", [Decimal("1.5")]),
    ("1 / 0", []),
    ("1 + {}", []),
    ("'a' + 'b'", ["ab"]),
    ("'a' & {} & 'b'", ["ab"]),
    ("-multipleBirth", [-2]),
    ("(-1.5).abs()", [Decimal("1.5")]),
    ("1.2.ceiling()", [2]),
    ("(-1.2).floor()", [-2]),
    ("(-1.8).truncate()", [-1]),
    ("2.345.round(2)", [Decimal("2.35")]),
    # strings
    ("'abc'.startsWith('ab')", [True]),
    ("'abc'.endsWith('ab')", [False]),
    ("'abc'.contains('b')", [True]),
    ("'abc'.contains({})", []),
    ("contact.startsWith('ab')", []),
    ("'abcd'.indexOf('c')", [2]),
    ("'abcd'.substring(1)", ["bcd"]),
    ("'abcd'.substring(1, 2)", ["bc"]),
    ("'abcd'.substring(4)", []),
    ("'a-b'.replace('-', '+')", ["a+b"]),
    ("'a,b'.split(',')", ["a", "b"]),
    ("'Abc'.upper() & 'Abc'.lower()", ["ABCabc"]),
    ("' a '.trim()", ["a"]),
    ("'<div><p>a &lt; &#1073;</p></div>'.plainText()", ["a < б"]),
    ("'<div> </div>'.plainText()", []),
    ("'<div>&#160;</div>'.plainText()", []),
    ("'<div> а&#160; </div>'.plainText()", ["а\u00a0"]),
    ("'abc'.length()", [3]),
    ("'ab'.toChars()", ["a", "b"]),
    ("name.given.join(' ')", ["Иван Иванович Пётр"]),
    ("contact.join(' ')", []),
    (r"'12.3'.matches('^\\d+\\.\\d$')", [True]),
    ("'a1b'.matches('[0-9]')", [True]),
    (r"'a\nb'.matches('a.b')", [True]),
    ("'2024-01'.replaceMatches('(....)-(..)', '$2.$1')", ["01.2024"]),
    (r"'a'.replaceMatches('a', '\\')", ["\\"]),
    (r"'\'\u0416\n'", ["'Ж\n"]),
    # conversions
    ("true.toString()", ["true"]),
    ("1.50.toString()", ["1.50"]),
    ("'12'.toInteger()", [12]),
    ("'x'.toInteger()", []),
    ("'1.5'.toDecimal()", [Decimal("1.5")]),
    ("'Yes'.toBoolean()", [True]),
    ("'0'.toBoolean()", [False]),
    ("deceased.toDate()", ["2024-01"]),
    ("'2024-01-02T10:00:00Z'.toDate()", ["2024-01-02"]),
    ("'10:30'.toTime()", ["10:30"]),
    ("'x'.convertsToDateTime()", [False]),
    ("'1'.convertsToInteger()", [True]),
    # FHIR
    ("managingOrganization.resolve().name", ["МО"]),
    ("generalPractitioner.resolve().id", ["mo"]),
    ("generalPractitioner.resolve() is Organization", [True]),
    ("oneOf('Organization').id", ["mo"]),
    ("oneOf('Encounter')", []),
    ("address.extension('fias').extension('aoguid').value", ["g"]),
    (f"address.extension('{FIAS.replace('https', 'http').upper()}/').exists()", [True]),
    ("address.extension('ias')", []),
    ("address.extension('other').value + 1", [2]),
    ("birthDate.extension('birthDateTime').value", ["1980-05-06T07:00:00Z"]),
    ("name.select(extension('x'))", []),
    # variables
    ("%name", ["N"]),
    ("%many", [1, 2]),
    ("%list", [3]),
    ("%none", []),
    ("%context.id", ["p1"]),
    ("name.where(use = 'old').select(%context.id)", ["p1"]),
    ("name.where(%context.active).count()", [3]),
    ("%ucum", ["http://unitsofmeasure.org"]),
    # words
    ("id // note", ["p1"]),
    ("/* a\nb */ id", ["p1"]),
    ("name . use\n . first ( )", ["usual"]),
]
ON_OBSERVATION: list[tuple[str, list[Any]]] = [
    ("value.unit", ["Cel"]),
    ("value.ofType(Quantity).value", [Decimal("36.6")]),
    ("(value as Quantity).unit", ["Cel"]),
    ("value.ofType(string)", []),
    ("component.value", ["a", 5, {"value": 7}]),
    ("component.value.ofType(integer)", [5]),
    ("component.where(value is string).value", ["a"]),
    ("effective > @2024-03-01T06:59:00Z", [True]),
    ("effective is dateTime", [True]),
    ("value.value > 36", [True]),
    ("value.value + 1", [Decimal("37.6")]),
]


def check(text: str, focus: Any, expected: list[Any]) -> None:
    expression = compile_expression(text)
    assert expression.native
    found = expression.all(focus, ENV)
    assert found == expected
    assert [type(item) is bool for item in found] == [type(item) is bool for item in expected]
    assert expression.first(focus, ENV) == (expected[0] if expected else None)
    same_as_written_out(text, focus, ENV)


@pytest.mark.parametrize(("text", "expected"), ON_PATIENT, ids=lambda value: value if isinstance(value, str) else "")
def test_patient(text: str, expected: list[Any]) -> None:
    check(text, PATIENT, expected)


@pytest.mark.parametrize(
    ("text", "expected"), ON_OBSERVATION, ids=lambda value: value if isinstance(value, str) else ""
)
def test_observation(text: str, expected: list[Any]) -> None:
    check(text, OBSERVATION, expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("active", True),
        ("contact", False),
        ("id", True),
        ("deceased = @2024", False),
        ("id = 'x'", False),
        ("{}", False),
    ],
)
def test_truth(text: str, expected: bool) -> None:
    assert compile_expression(text).truth(PATIENT, ENV) is expected
    same_as_written_out(text, PATIENT, ENV)


@pytest.mark.parametrize("focus", [None, "text", 5, [], {}])
def test_a_focus_without_the_element_gives_nothing(focus: Any) -> None:
    for text in ("a", "a.b.c", "value", "a.where(b = 'c').first().d", "a[0]", "a.extension('x').value"):
        expression = compile_expression(text)
        assert expression.all(focus, ENV) == []
        assert expression.first(focus, ENV) is None
        assert expression.truth(focus, ENV) is False
        same_as_written_out(text, focus, ENV)


@pytest.mark.parametrize("condition", ["true", "false", "{}", "%many", "name", "active", "id"])
@pytest.mark.parametrize("other", ["true", "false", "{}", "nothing.exists()", "id = 'p1'", "name.family = 'x'"])
def test_verdicts_are_written_out_as_the_closures(condition: str, other: str) -> None:
    for text in (
        f"{condition} and {other}", f"{condition} or {other}", f"({condition} or {other}).not()",
        f"({other} and {condition}).not()", f"({condition}).not()", f"iif({condition}, {other}, 'no')",
        f"iif({condition}, name.given)", f"name.where({other})", f"name.exists({other}).not()", f"name.any({other})",
        f"({condition}).empty()", f"name.where({other} and {condition}).first().family", f"{other} = 'x'",
    ):  # fmt: skip
        same_as_written_out(text, PATIENT, ENV)


@pytest.mark.parametrize("source", ["%many", "%none", "%name", "name.given", "id", "birthDate", "{}", "$this", "'x'"])
def test_forms_are_written_out_as_the_closures(source: str) -> None:
    for form in (
        "first()", "where($this = 'N')", "exists()", "empty()", "resolve()", "ofType(Patient)", "contains('a')",
        "startsWith('N')", "endsWith('N')", "lower()", "upper()", "trim()", "matches('^.$')",
        "replaceMatches('(.)', '$1$1')", "where($this in ('N' | 'p1'))", "nothing", "value", "select($this)", "count()",
        "where($index = 0)", "extension('x')", "where(%context.exists())",
    ):  # fmt: skip
        same_as_written_out(f"{source}.{form}", PATIENT, ENV)
    for text in (
        f"({source})[0]",
        f"({source})[1]",
        f"{source} = 'N'",
        f"{source} != 'p1'",
        f"{source} in ('N' | 'x')",
        f"{source} | id",
        f"%none | {source}",
        f"{source} | %none",
        f"({source} | {source}).exists()",
    ):
        same_as_written_out(text, PATIENT, ENV)


@pytest.mark.parametrize("text", ["a", "a.b", "a.exists()", "a[0]", "a[1]", "a.count()", "a = 'x'", "a.where(true)"])
@pytest.mark.parametrize("value", [[None], [None, "x"], ["x", None], [], [{"b": [None, "x"]}, None], {"b": [None]}])
def test_nulls_that_keep_a_place_are_no_items(text: str, value: Any) -> None:
    """Of primitives without a value (FHIR R4, 2.6.2.3)."""
    assert None not in compile_expression(text).all({"a": value}, ENV)
    same_as_written_out(text, {"a": value}, ENV)


def test_the_first_of_a_path_looks_into_every_item() -> None:
    focus = {"a": [{"b": []}, {"c": 1}, {"b": [{"c": None}, {"c": 2}]}]}
    assert compile_expression("a.b.c").first(focus, ENV) == 2


def test_results_are_the_objects_of_the_document() -> None:
    assert compile_expression("name.where(use = 'official')").first(PATIENT, ENV) is PATIENT["name"][1]
    slow = compile_expression("name.where(use = 'official' and 1.sqrt() = 1)")
    assert not slow.native
    assert slow.first(PATIENT, ENV) is PATIENT["name"][1]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("birthDate + 1 year", ["1981-05-06"]),
        ("4.sqrt()", [2]),
        ("name[1].given.aggregate($this & $total, '')", ["ИвановичИван"]),
        ("address.extension('FIAS').where(1.exp() > 2).count()", [1]),
        ("managingOrganization.resolve().where(1.exp() > 2).id", ["mo"]),
        ("oneOf('Organization').where(1.exp() > 2).id", ["mo"]),
        ("%list.where(1.exp() > 2)", [3]),
        ("('<b>a</b>' | '<b/>').plainText().where(1.exp() > 2)", ["a"]),
    ],
)
def test_beyond_the_subset(text: str, expected: list[Any]) -> None:
    expression = compile_expression(text)
    assert not expression.native
    assert expression.all(PATIENT, ENV) == expected


def test_what_an_expression_reads() -> None:
    expression = compile_expression("Patient.name.where(use = %wanted).extension('x').value.ofType(Age)")
    assert expression.variables == {"wanted"}
    assert {"name", "use", "extension", "value", "valueAge"} <= expression.elements
    assert "Patient" not in expression.elements
    assert "*" in compile_expression("descendants()").elements


def test_compiled_once() -> None:
    assert compile_expression("a.b") is compile_expression("a.b")


def test_every_function_of_the_reference_is_known() -> None:
    from fhirpathpy.engine.invocations import invocation_registry

    functions = {name for name, entry in invocation_registry.items() if name.isalpha() and not name.endswith("Op")}
    operators = {"and", "or", "xor", "implies", "mod", "div"}
    refused = {"now", "today", "timeOfDay", "trace"}
    assert functions - operators - refused - set(FUNCTIONS) - INTERPRETED == {"is", "as", "ofType"}
    assert functions >= INTERPRETED
