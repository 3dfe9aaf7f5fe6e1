"""Each key of a field, on a map of one field."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from adapter.errors import MappingError
from adapter.facts import II, Coding, Fact, Null
from adapter.fhir import Graph
from adapter.mapping.testing import written
from adapter.nsi.terms import Terms
from adapter.organisation import load_organisation
from tests.unit.mapping.conftest import GENDER, Small

Facts = Callable[..., Any]
MALE = Coding("1", GENDER, "Пол", "2.1", "Мужской")
PATIENT = {
    "resourceType": "Patient",
    "id": "p",
    "name": [{"use": "old", "family": "Первая"}, {"use": "official", "family": "Вторая", "given": ["А", "Б"]}],
    "gender": "male",
    "active": True,
    "multipleBirthInteger": 2,
}


def codes(made: Any) -> list[tuple[str, str, str]]:
    return [(one.code, one.rule, one.severity.value) for one in made.findings]


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("gender", "male"),
        ("[birthDate, gender]", "male"),
        ("birthDate", None),
        ("{from: name.family}", "Первая"),
        ("{each: name.family}", ["Первая", "Вторая"]),
        ("{each: [name.text, name.family]}", ["Первая", "Вторая"]),
        ("{each: name.text}", []),
        ("{constant: да}", "да"),
        ("{constant: 0}", 0),
        ("{constant: false}", False),
        (f"{{coding: '{GENDER}#1'}}", MALE._asdict()),
        ("{from: gender, when: active}", "male"),
        ("{from: gender, when: active = false, required: true, absent: NI}", None),
        ("{each: name, when: birthDate, fields: {f: family}}", []),
        ("{from: birthDate, absent: ASKU}", {"null": "ASKU"}),
        ("{fields: {a: gender, b: birthDate}}", {"a": "male", "b": None}),
        ("{from: name.where(use = 'official'), fields: {f: family, g: 'given[1]'}}", {"f": "Вторая", "g": "Б"}),
        ("{each: name, fields: {f: family}}", [{"f": "Первая"}, {"f": "Вторая"}]),
        ("{from: contact, fields: {f: name}}", None),
        ("{let: {n: name.last()}, from: '%n.family'}", "Вторая"),
        ("{let: {n: name.last()}, fields: {f: '%n.family'}}", {"f": "Вторая"}),
        ("{from: multipleBirth, as: [string, text]}", "2"),
        ("'%org.name'", "Клиника"),
        ("'%resource.id'", "p"),
        ("'%bundle.entry.count()'", 1),
    ],
)  # fmt: skip
def test_field(facts: Facts, field: str, expected: Any) -> None:
    made = facts(f"a: {field}", PATIENT)
    assert written(made.facts.a) == expected
    assert made.findings == ()


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("{from: birthDate, required: true}", ("MAP01", "m.a", "error")),
        ("{from: birthDate, required: warning, absent: NI}", ("MAP01", "m.a", "warning")),
        ("{each: photo, required: true}", ("MAP01", "m.a", "error")),
        ("{identifier: snils, required: true}", ("MAP01", "m.a", "error")),
        ("{from: gender, as: hl7-date, required: true}", ("MAP04", "m.a", "error")),
        ("{fields: {b: {from: birthDate, required: true}}}", ("MAP01", "m.a.b", "error")),
    ],
)
def test_finding_of_a_field(facts: Facts, field: str, expected: tuple[str, str, str]) -> None:
    assert codes(facts(f"a: {field}", PATIENT)) == [expected]


def test_data_that_an_expression_does_not_fit_is_a_finding(facts: Facts) -> None:
    made = facts("a: {from: name.family.single(), required: true, absent: NI}\nb: gender", PATIENT)
    assert codes(made) == [("MAP04", "m.a", "error")]
    assert (made.facts.a, made.facts.b) == (Null("NI"), "male")


def test_a_missing_value_names_the_element_to_fill(facts: Facts) -> None:
    (found,) = facts("a: {from: birthDate, required: true}", PATIENT).findings
    assert "Patient.birthDate" in found.hint.en
    assert found.place.fhirpath == "Bundle.entry[0].resource.birthDate"
    (hinted,) = facts("a: {from: birthDate, required: true, hint: {ru: так, en: so}}", PATIENT).findings
    assert (hinted.hint.ru, hinted.hint.en) == ("так", "so")


def test_use_gives_the_map_its_focus_and_names(small: Small) -> None:
    small.write(
        {
            "mappings/resources/name.yaml": """
        map: human
        source: HumanName
        fields: {family: family, who: "%resource.id", sex: "%sex"}
        """
        }
    )
    small.map("map: m\nsource: Patient\nlet: {sex: gender}\nfields:\n  names: {each: name, use: human}\n")
    made = small.apply(PATIENT)
    assert written(made.facts.names) == [
        {"family": "Первая", "who": "p", "sex": "male"},
        {"family": "Вторая", "who": "p", "sex": "male"},
    ]


def test_a_used_resource_is_percent_resource(small: Small) -> None:
    small.write({"mappings/resources/n.yaml": "map: n\nsource: Organization\nfields: {id: '%resource.id'}\n"})
    small.map("map: m\nsource: Patient\nfields:\n  o: {from: managingOrganization.resolve(), use: n}\n")
    organization = {"resourceType": "Organization", "id": "o"}
    made = small.apply({**PATIENT, "managingOrganization": {"reference": "Organization/o"}}, organization)
    assert written(made.facts.o) == {"id": "o"}


def test_maps_may_use_each_other(small: Small) -> None:
    small.write({"mappings/resources/n.yaml": "map: n\nsource: Any\nfields: {back: {from: part, use: m}}\n"})
    small.map("map: m\nsource: Any\nfields: {n: number, there: {from: part, use: n}}\n")
    made = small.apply({"number": 1, "part": {"part": {"number": 3}}})
    assert written(made.facts) == {"n": 1, "there": {"back": {"n": 3, "there": None}}}


USED_TWICE = """
    map: m
    source: Patient
    let: {word: "'x'"}
    fields:
      a: {from: name.first(), use: n}
      b: {from: name.first(), use: n}
      c: {from: name.first(), let: {word: "'y'"}, use: n}
    """


def test_facts_of_one_focus_are_made_once(small: Small) -> None:
    small.write({"mappings/resources/n.yaml": "map: n\nsource: Any\nfields: {f: family}\n"})
    made = small.map(USED_TWICE).apply(PATIENT).facts
    assert made.a is made.b
    assert made.a.f == "Первая"


def test_each_run_makes_facts_of_its_own(small: Small) -> None:
    small.write({"mappings/resources/n.yaml": "map: n\nsource: Any\nfields: {f: family}\n"})
    small.map(USED_TWICE)
    mappings, organisation, terms = small.load(), load_organisation(small.catalogue), small.terms
    name = {"family": ""}
    focus = {"resourceType": "Patient", "name": [name]}
    families = []
    for family in ("А", "Б"):
        # The very same objects, of which the second Bundle has another value.
        name["family"] = family
        graph = Graph({"resourceType": "Bundle", "type": "collection", "entry": [{"resource": focus}]})
        families.append(mappings.apply(mappings.maps["m"], focus, graph, organisation, terms).facts.a.f)
    assert families == ["А", "Б"]


@pytest.mark.parametrize("field", ["f: '%word'", "f: {use: inner}", "f: {when: \"%word = 'y'\", from: \"'y'\"}"])
def test_a_map_that_reads_a_name_from_outside_is_made_for_each_use(small: Small, field: str) -> None:
    small.write(
        {
            "mappings/resources/n.yaml": f"map: n\nsource: Any\nfields: {{{field}}}\n",
            "mappings/resources/inner.yaml": "map: inner\nsource: Any\nfields: {w: '%word'}\n",
        }
    )
    made = small.map(USED_TWICE).apply(PATIENT).facts
    values = [written(one.f) for one in (made.a, made.b, made.c)]
    assert values[0] == values[1] != values[2]


def test_a_finding_of_a_map_is_told_for_each_use(small: Small) -> None:
    small.write({"mappings/resources/n.yaml": "map: n\nsource: Any\nfields: {f: {from: text, required: true}}\n"})
    assert codes(small.map(USED_TWICE).apply(PATIENT)) == [("MAP01", "n.f", "error")] * 3


def test_the_same_focus_in_another_resource_is_made_again(small: Small) -> None:
    small.write(
        {
            "mappings/resources/n.yaml": "map: n\nsource: Any\nfields: {f: '%resource.id'}\n",
            "mappings/resources/o.yaml": """
                map: o
                source: Any
                fields:
                  n: {from: "%bundle.entry.resource.where(resourceType = 'Patient').name.first()", use: n}
                """,
        }
    )
    small.map(
        """
        map: m
        source: Patient
        fields:
          a: {use: o}
          b: {from: "oneOf('Organization')", use: o}
        """
    )
    made = small.apply(PATIENT, {"resourceType": "Organization", "id": "o"}).facts
    assert (made.a.n.f, made.b.n.f) == ("p", "o")


def test_a_let_is_worked_out_when_first_read_and_once(small: Small) -> None:
    small.map("""
        map: m
        source: Patient
        let:
          bad: {from: gender, as: hl7-date}
          unread: {from: gender, as: oid}
        fields: {a: "%bad", b: "%bad"}
        """)
    assert codes(small.apply(PATIENT)) == [("MAP04", "m.%bad", "error")]


def test_a_let_through_itself_is_refused(small: Small) -> None:
    small.map("map: m\nsource: Any\nlet: {x: '%y', y: '%x'}\nfields: {a: '%x'}\n")
    with pytest.raises(MappingError, match="through itself"):
        small.apply(PATIENT)


@pytest.mark.parametrize("text", ["a\x00b", "a\x0bb", "a\ufffe", "\ud800"])
@pytest.mark.parametrize("field", ["family", "{from: family, as: text}", "{from: $this, fields: {b: family}}"])
def test_characters_that_xml_cannot_carry(facts: Facts, text: str, field: str) -> None:
    made = facts(f"a: {field}", {"family": text})
    assert [code for code, _, _ in codes(made)] == ["MAP04"]
    assert text not in repr(made.findings)


def test_such_characters_inside_what_a_converter_makes(facts: Facts) -> None:
    made = facts("a: {from: $this, as: ii}", {"system": "1.2.3", "value": "x\x01"})
    assert (made.facts.a, [code for code, _, _ in codes(made)]) == (None, ["MAP04"])


@pytest.mark.parametrize("text", ["<a>&'\"]]>", "\u202eобратно", "😀", "a\tb", "x" * 100_000])
def test_other_text_is_kept(facts: Facts, text: str) -> None:
    assert facts("a: family", {"family": text}).facts.a == text


def test_blank_text_is_nothing(facts: Facts) -> None:
    assert codes(facts("a: {from: family, required: true}", {"family": " \n "})) == [("MAP01", "m.a", "error")]


SNILS = {"value": "112-233-445 95"}
VAGUE = {"coding": [{"system": "http://example.org/vague", "code": "sb"}]}


@pytest.mark.parametrize(
    ("identifier", "found"),
    [
        ({**SNILS, "system": "https://example.org/systems/snils"}, True),
        ({**SNILS, "system": "HTTP://EXAMPLE.ORG/systems/snils/"}, True),
        ({**SNILS, "type": {"coding": [{"system": "http://example.org/types", "code": "snils"}]}}, True),
        ({**SNILS, "type": {"coding": [{"system": "http://example.org/book", "code": "9"}]}}, True),
        ({**SNILS, "type": {"coding": [{"system": "urn:oid:1.2.643.1", "code": "9"}]}}, True),
        ({**SNILS, "type": {"coding": [{"system": "urn:oid:1.2.643.1", "code": "8"}]}}, True),
        ({**SNILS, "type": VAGUE}, True),
        (
            {"value": "1", "system": "urn:o", "type": VAGUE},
            True,
        ),
        (
            {
                "value": "1",
                "system": "urn:oid:1.2.3.100.1.2.10",
                "type": VAGUE,
            },
            False,
        ),
        ({"value": "11223344595"}, True),
        ({"value": "11223344595", "system": "urn:other"}, False),
        ({"system": "urn:implying", "value": "1"}, True),
        ({}, False),
    ],
)
def test_identifier_of_any_dialect(facts: Facts, identifier: dict[str, Any], found: bool) -> None:
    made = facts("a: {identifier: snils, fields: {v: value}}", {"resourceType": "Patient", "identifier": [identifier]})
    assert (made.facts.a is not None) is found


def test_an_identifier_by_the_suffix_of_its_oid(facts: Facts) -> None:
    patient = {"resourceType": "Patient", "identifier": [{"system": "urn:oid:1.2.3.100.1.2.10", "value": "A"}]}
    made = facts("a: {identifier: mis-patient, as: {mis-ii: {suffix: '10'}}}", patient)
    assert made.facts.a == II("1.2.3.100.1.2.10", "A")


def test_what_a_system_implies(facts: Facts) -> None:
    patient = {"resourceType": "Patient", "identifier": [{"system": "urn:implying", "value": "1"}]}
    made = facts("a: {identifier: snils, fields: {c: '%implied.kind.code'}}", patient)
    assert written(made.facts.a) == {"c": "7"}


CONCEPTS = f"""
concepts: sex
target: {GENDER}
groups:
  - source: ""
    elements: {{male: "1", other: {{absent: OTH}}}}
  - source: http://example.org/sex
    elements: {{f: {{code: "2", status: inference}}, both: "1", either: ["2", "1"]}}
  - source: http://example.org/book
    identity: true
"""


def coding(system: str, code: str, **more: str) -> dict[str, Any]:
    return {"system": system, "code": code, **more}


@pytest.mark.parametrize(
    ("value", "code", "findings"),
    [
        ("male", "1", []),
        ("other", Null("OTH"), []),
        ("unheard", None, ["MAP02"]),
        ({"coding": [coding("HTTP://example.org/sex/", "f")]}, "2", []),
        ({"coding": [coding("urn:x", "y"), coding("http://example.org/sex", "f")]}, "2", []),
        ({"coding": [coding("http://example.org/sex", "f"), coding(f"urn:oid:{GENDER}", "1")]}, "1", []),
        ({"concept": {"coding": [coding("http://example.org/sex", "f")]}}, "2", []),
        (coding("http://example.org/sex", "f"), "2", []),
        (coding("urn:oid:1.2.643.1", "2"), "2", []),
        (coding("urn:oid:1.2.643.1", "77"), None, ["MAP02"]),
        (coding(f"urn:oid:{GENDER}", "77"), None, ["MAP02"]),
        (coding("http://example.org/sex", "either"), None, ["MAP03"]),
        ({"text": "словами"}, None, ["MAP02"]),
        (
            {"coding": [coding("http://example.org/sex", "f"), coding("http://example.org/sex", "both")]},
            None,
            ["MAP03"],
        ),
    ],
)
def test_concept(small: Small, facts: Facts, value: Any, code: Any, findings: list[str]) -> None:
    small.write({"mappings/concepts/sex.yaml": CONCEPTS})
    made = facts("a: {from: v, concept: sex}", {"v": value})
    assert (made.facts.a.code if isinstance(made.facts.a, Coding) else made.facts.a) == code
    assert [one for one, _, _ in codes(made)] == findings


def test_candidates_are_listed(small: Small, facts: Facts) -> None:
    small.write({"mappings/concepts/sex.yaml": CONCEPTS})
    both = {"coding": [coding("http://example.org/sex", "f"), coding("http://example.org/sex", "both")]}
    (found,) = facts("a: {from: v, concept: sex}", {"v": both}).findings
    assert "1, 2" in found.message.en


@pytest.mark.parametrize(
    ("value", "unmapped", "severity"),
    [
        ("?", "error", ["error"]),
        ("?", "warning", ["warning"]),
        ("?", "absent", []),
        # A code that is lost is never silent; a wrong code of the book itself is an error anyway.
        (coding("http://example.org/sex", "either"), "error", ["error"]),
        (coding("http://example.org/sex", "either"), "absent", ["warning"]),
        (coding("http://example.org/book", "77"), "error", ["error"]),
        (coding("urn:identity", "77"), "absent", ["warning"]),
        (coding(GENDER, "77"), "absent", ["error"]),
    ],
)
def test_unmapped(small: Small, facts: Facts, value: Any, unmapped: str, severity: list[str]) -> None:
    identity = "  - {source: 'urn:identity', identity: true}\n"
    small.write({"mappings/concepts/sex.yaml": f"{CONCEPTS}{identity}unmapped: {unmapped}\n"})
    assert [one.severity.value for one in facts("a: {from: v, concept: sex}", {"v": value}).findings] == severity


def test_a_column_has_a_word_for_nothing(small: Small, facts: Facts, monkeypatch: pytest.MonkeyPatch) -> None:
    """The book of laboratory tests writes 0 where there is no code of LOINC."""
    monkeypatch.setattr(Terms, "find", lambda *_: ["1", "2"])
    concept = f"concepts: sex\ntarget: {GENDER}\ngroups: [{{source: 'urn:x', column: LOINC, none: '0'}}]\n"
    small.write({"mappings/concepts/sex.yaml": concept})
    found = [codes(facts("a: {from: v, concept: sex}", {"v": coding("urn:x", code)})) for code in ("0", "1-8")]
    assert found == [[("MAP02", "m.a", "error")], [("MAP03", "m.a", "error")]]


def test_a_code_that_is_known_to_the_sender_only(small: Small, facts: Facts) -> None:
    book = "1.2.643.5.1.13.13.11.1005"
    small.write(
        {
            "mappings/vocabulary.yaml": (
                '{"books": {"11.1005": {"name": "МКБ-10", "version": "2.1", "partial": true, "codes": {}}}}'
            ),
            "mappings/concepts/icd.yaml": f"concepts: icd\ntarget: {book}\n",
        }
    )
    made = facts("a: {from: v, concept: icd}", {"v": coding(book, "J06.9", display="ОРВИ", version="2.26")})
    assert (made.facts.a.display, made.facts.a.version) == ("ОРВИ", "2.26")
    assert codes(made) == [("MAP06", "m.a", "note")]
    hostile = facts("a: {from: v, concept: icd}", {"v": coding(book, "J06.9", display="О\x00", version="2.26")})
    assert hostile.facts.a is None
    assert [code for code, _, _ in codes(hostile)] == ["MAP06", "MAP04"]


def test_the_trace_has_paths_rules_and_shapes_and_no_values(small: Small) -> None:
    small.map("""
        map: m
        source: Patient
        let: {first: name.first()}
        fields:
          family: "%first.family"
          names: {each: name, fields: {f: [text, family]}}
          lacking: {from: birthDate, absent: NI}
        """)
    made = small.apply(PATIENT, traced=True)
    lines = [(one.path, one.rule, one.place, one.expression, one.shape) for one in made.trace]
    here = "Bundle.entry[0].resource"
    assert lines == [
        ("family", "m.family", here, "%first.family", "string"),
        ("family.%first", "m.%first", here, "name.first()", "element"),
        ("names", "m.names", here, "name", "list of 2"),
        ("names[0].f", "m.names.f", f"{here}.name[0]", "family", "string"),
        ("names[1].f", "m.names.f", f"{here}.name[1]", "family", "string"),
        ("lacking", "m.lacking", here, "", "null NI"),
    ]
    assert "Вторая" not in repr(made.trace)
    assert made.facts == small.apply(PATIENT).facts


def test_traced_or_not_the_facts_are_the_same(small: Small, facts: Facts) -> None:
    fields = "a: {let: {x: name.last()}, from: '%x.given', required: true}\nb: {each: name, when: 'false'}"
    plain = facts(fields, PATIENT)
    assert small.apply(PATIENT, traced=True).facts == plain.facts == Fact({"a": "А", "b": []})
