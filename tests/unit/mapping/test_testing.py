"""Tests of mappings as data: what passes, what fails, and what it says."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapter.errors import MappingError
from adapter.mapping.testing import Result, Runner, load_cases, selected
from adapter.organisation import load_organisation
from tests.unit.mapping.conftest import GENDER, Small

MAP = f"""
map: m
source: Patient
fields:
  family: name.family
  names: {{each: name, fields: {{f: family, p: "given[1]"}}}}
  sex: {{coding: '{GENDER}#1'}}
  born: {{from: birthDate, as: hl7-date, required: true, absent: NI}}
  weight: {{from: extension('w').value, as: string}}
  active: active
  org: "%org.name"
  boss: {{from: managingOrganization.resolve().name}}
"""
GIVEN = "given: {resourceType: Patient, name: [{family: А, given: [Б, В]}]}"


def run(small: Small, body: str, of: str = "map: m") -> Result:
    small.map(MAP)
    lines = "\n".join(f"    {line}" for line in body.strip("\n").splitlines())
    text = f"tests:\n  - name: t\n    {of}\n{lines}\n"
    small.write({"mappings/tests/t.yaml": text})
    runner = Runner(small.load(), load_organisation(small.catalogue), small.terms)
    (case,) = load_cases(small.catalogue)
    return runner.run(case)


@pytest.mark.parametrize(
    "body",
    [
        f"{GIVEN}\nexpect: {{family: А, names: [{{f: А, p: В}}], sex: {{code: '1', display: Мужской}}}}",
        f"{GIVEN}\nexpect: {{born: {{null: NI}}, weight: null, boss: null}}",
        f"{GIVEN}\nfindings: [MAP01 m.born]",
        f"{GIVEN}\nfindings: [MAP01]",
        f"{GIVEN}\nexpect: {{names: [{{f: А}}]}}",
        "given: {resourceType: Patient, birthDate: 1980-01-02}\nexpect: {born: '19800102', names: null}\nfindings: []",
        "given: {resourceType: Patient, extension: [{url: w, valueDecimal: 3.40}]}\nexpect: {weight: '3.40'}",
        f"{GIVEN}\norganisation: {{name: Другая}}\nexpect: {{org: Другая}}",
        "given: {resourceType: Patient, managingOrganization: {reference: Organization/o}}\n"
        "with: [{resourceType: Organization, id: o, name: О}]\nexpect: {boss: О}",
        "given: {resourceType: Bundle, entry: [{resource: {resourceType: Basic}}, "
        "{resource: {resourceType: Patient, name: [{family: А}]}}]}\nexpect: {family: А}",
        "given: {name: [{family: А}]}\nexpect: {family: А}",
        f"fhir: R5\n{GIVEN}\nexpect: {{family: А}}",
    ],
)
def test_passes(small: Small, body: str) -> None:
    assert run(small, body).problems == ()


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (f"{GIVEN}\nexpect: {{family: Б}}", "family: expected 'Б', got 'А'"),
        (f"{GIVEN}\nexpect: {{family: null}}", "family: expected nothing, got 'А'"),
        (f"{GIVEN}\nexpect: {{famly: Б}}", "famly: there is no such fact; there is family"),
        (f"{GIVEN}\nexpect: {{names: []}}", "names: 0 items are expected, there are 1"),
        (f"{GIVEN}\nexpect: {{names: [{{p: Б}}]}}", "names[0].p: expected 'Б', got 'В'"),
        (f"{GIVEN}\nexpect: {{family: [А]}}", "family: expected a list of 1, got 'А'"),
        (f"{GIVEN}\nexpect: {{born: {{null: UNK}}}}", "born: expected null UNK, got {'null': 'NI'}"),
        (f"{GIVEN}\nexpect: {{born: null}}", "born: expected nothing, got {'null': 'NI'}"),
        (f"{GIVEN}\nexpect: {{sex: {{code: 1}}}}", "sex.code: expected 1, got '1'"),
        (f"{GIVEN}\nfindings: []", "unexpected finding MAP01 m.born"),
        (f"{GIVEN}\nfindings: [MAP01, MAP02 m.sex]", "the finding MAP02 m.sex is not there"),
        ("given: {resourceType: Patient, active: true}\nexpect: {active: 1}", "active: expected 1, got True"),
        ("given: {resourceType: Bundle}", "mappings/tests/t.yaml:4:12: the Bundle has no Patient"),
    ],
)
def test_fails(small: Small, body: str, problem: str) -> None:
    result = run(small, body)
    assert problem in result.problems
    assert not result.ok


CONCEPT = f"""
concepts: sex
target: {GENDER}
groups:
  - source: ""
    elements: {{male: "1", other: {{absent: OTH}}, both: ["1", "2"], none: "9"}}
unmapped: absent
"""


@pytest.mark.parametrize(
    ("body", "problems"),
    [
        ("given: male\nexpect: {code: '1', display: Мужской}\nfindings: []", 0),
        ("given: {text: male}\nexpect:\nfindings: []", 0),
        ("given: {system: 'urn:oid:1.2.643.5.1.13.13.11.1040', code: '2'}\nexpect: {code: '2'}", 0),
        ("given: other\nexpect: {null: OTH}", 0),
        ("given: both\nexpect:\nfindings: [MAP03 sex]", 0),
        ("given: male\nexpect: {code: '2'}\nfindings: [MAP02]", 2),
        ("given: male\nexpect:", 1),
        ("given: none\nexpect: {code: '9'}\nfindings: []", 2),
    ],
)
def test_a_concept_map_by_itself(small: Small, body: str, problems: int) -> None:
    small.write({"mappings/concepts/sex.yaml": CONCEPT})
    assert len(run(small, body, of="concept: sex").problems) == problems


def test_an_unknown_concept_map_is_named(small: Small) -> None:
    small.write({"mappings/concepts/sex.yaml": CONCEPT})
    (problem,) = run(small, "given: male", of="concept: sax").problems
    assert "nearest: sex" in problem


def test_an_unknown_map_is_named_with_its_place(small: Small) -> None:
    small.map(MAP).write({"mappings/tests/t.yaml": "tests:\n  - {name: t, map: mm, given: {}}\n"})
    runner = Runner(small.load(), load_organisation(small.catalogue), small.terms)
    (problem,) = runner.run(load_cases(small.catalogue)[0]).problems
    assert problem == "mappings/tests/t.yaml:2:20: there is no map «mm»; nearest: m"


def test_a_test_that_needs_an_absent_book_is_skipped(small: Small) -> None:
    result = run(small, f"{GIVEN}\nbooks: [{GENDER}]\nexpect: {{family: Б}}")
    assert result.ok
    assert GENDER in result.skipped


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tests: {}\n", "1:8: the list «tests» is missing"),
        ("tests:\n  - {map: m, given: {}}\n", "2:5: the test has no «name»"),
        ("tests:\n  - {name: t, map: m, given: []}\n", "2:30: «given»: a mapping is expected"),
        ("tests:\n  - {name: t, map: m, concept: c, given: {}}\n", "2:20: «map» does not go with «concept»"),
        ("tests:\n  - {name: t, map: m, given: {}, expected: {}}\n", "2:34: unknown key «expected»; nearest: expect"),
        ("tests:\n  - {name: t, map: m, given: {}, fhir: R3}\n", "2:40: one of R4, R4B, R5 is expected"),
        ("tests:\n  - {name: t, map: m, given: {}}\n  - {name: t, map: m, given: {}}\n", "3:12: the test «t» stands"),
    ],
)
def test_a_wrong_file_of_tests(small: Small, text: str, message: str) -> None:
    small.write({"mappings/tests/t.yaml": text})
    with pytest.raises(MappingError) as caught:
        load_cases(small.catalogue)
    assert str(caught.value).startswith(f"mappings/tests/t.yaml:{message}")


def test_selecting_by_file_name_and_map(small: Small) -> None:
    small.write(
        {
            "mappings/tests/a.yaml": "tests:\n  - {name: one, map: m, given: {}}\n  - {name: two, map: n, given: {}}\n",
            "mappings/tests/b.yaml": "tests:\n  - {name: one, map: m, given: {}}\n",
        }
    )
    cases = load_cases(small.catalogue)
    assert [case.id for case in selected(cases, ["TWO"])] == ["a.yaml: two"]
    assert [case.id for case in selected(cases, ["a.yaml"])] == ["a.yaml: one", "a.yaml: two"]
    assert [case.id for case in selected(cases, ["n"])] != []
    assert selected(cases, []) == cases
    assert [case.file for case in load_cases(small.catalogue, [small.root / "mappings/tests/b.yaml"])] == [
        str(small.root / "mappings/tests/b.yaml")
    ]


def test_rules_that_gave_a_value_are_told(small: Small) -> None:
    rules = run(small, GIVEN).rules
    assert {"m.family", "m.names", "m.names.p", "m.sex"} <= rules
    assert not rules & {"m.weight", "m.boss"}


def test_a_single_file_needs_no_catalogue(small: Small, tmp_path: Path) -> None:
    file = tmp_path / "own.yaml"
    file.write_text("tests:\n  - {name: t, map: m, given: {}}\n", "utf-8")
    assert [case.file for case in load_cases(small.catalogue, [file])] == [str(file)]
