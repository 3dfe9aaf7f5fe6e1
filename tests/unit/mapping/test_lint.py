"""Each rule of lint: a catalogue that breaks it, and that the shipped one breaks none by an error."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapter.catalogue import Catalogue
from adapter.findings import Severity
from adapter.mapping.lint import lint
from adapter.mapping.mappings import Mappings
from adapter.nsi import BookStore
from adapter.nsi.terms import Terms, load_vocabulary
from adapter.organisation import load_organisation
from conformance.codes import all_codes
from tests.unit.mapping.conftest import GENDER, KINDS, Small

ROUTE = "routes:\n  - {{id: r, product: {}, focus: Patient}}\n"
MESSAGE = "register: m\nsource: Patient\nmessage: {form: json, schema: p.schema.json}\n"
PERSON = """{"properties": {"family": {"type": "string"}, "of": {"type": "array", "items": {"$ref": "#/$defs/of"}}},
"$defs": {"of": {"properties": {"born": {"type": "string"}}}}}"""
ROUTED = {"mappings/routes/m.yaml": "routes: [{id: m, product: m, focus: Patient, on: false}]\n"}
#: (code, file and line, words of the message or hint)
Found = list[tuple[str, str, str]]


def found(small: Small, *codes: str) -> Found:
    findings = lint(small.catalogue, small.load(), load_organisation(small.catalogue), small.terms)
    return [
        (one.code, f"{one.place.file.removeprefix('mappings/')}:{one.place.line}", f"{one.message.en} {one.hint.en}")
        for one in findings
        if not codes or one.code in codes
    ]


def document(fields: str, head: str = "") -> str:
    return f'document: "1"\nsource: Patient\ntemplate: body.xml.j2\n{head}fields:\n{fields}'


def only(small: Small, code: str, place: str, words: str = "") -> None:
    ((_, where, message),) = found(small, code)
    assert where == place
    assert words in message


def test_the_tiny_catalogue_is_clean_but_for_its_tests(small: Small) -> None:
    assert [code for code, _, _ in found(small)] == ["LNT13"]


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("sex", "«sex» in Patient"),
        ("birthDat", "Nearest: birthDate"),
        ("name.familly", "Nearest: family"),
        ("name.where(usse = 'official').family", "«usse» in HumanName"),
        ("name.first().family.foo", "«foo» in string"),
        ("contact.name.givn", "Nearest: given"),
        ("oneOf('Encounter').where(clas = 'AMB').status", "«clas» in Encounter"),
        ("iif(active, name.famly, {})", "Nearest: family"),
        ("(name | contact.name).famly", "Nearest: family"),
        ("extension('x').valu", "Nearest: value"),
        ("identifier.exists().nothing", "«nothing» in boolean"),
        ("multipleBirth.ofType(Quantity).amount", "«amount» in Quantity"),
        ("%resource.sex", "«sex» in Patient"),
        ("%bundle.entri", "Nearest: entry"),
    ],
)
def test_lnt01_an_element_that_fhir_does_not_have(small: Small, expression: str, words: str) -> None:
    small.write({"mappings/documents/1.yaml": document(f'  family: "{expression}"\n')})
    only(small, "LNT01", "documents/1.yaml:5", words)


@pytest.mark.parametrize(
    "expression",
    [
        "name.family", "Patient.name.family", "multipleBirth", "multipleBirthInteger",
        "managingOrganization.resolve().whatever", "%org.whatever", "extension('x').valueString", "name[0].given",
        "birthDate.extension('x').valueCode", "contained.whatever", "$this.gender", "resourceType",
        "name.select(family).first()", "oneOf('Encounter').class.code", "oneOf('Encounter').actualPeriod.start",
        "%resource.where(resourceType = 'Encounter').diagnosis.exists()",
    ],
)  # fmt: skip
def test_lnt01_lets_pass(small: Small, expression: str) -> None:
    small.write({"mappings/documents/1.yaml": document(f'  family: "{expression}"\n')})
    assert found(small, "LNT01", "LNT02") == []


def test_the_focus_follows_fields_lets_and_maps(small: Small) -> None:
    small.map("map: m\nsource: HumanName\nfields: {f: famly}\n")
    small.write(
        {
            "mappings/documents/1.yaml": document(
                "  family:\n    from: name\n    let: {u: period.strt}\n    fields:\n      a: given\n      b: givn\n"
                "      c: '%u'\n      d: {from: '%n', use: m}\n",
                "let: {n: contact.name}\n",
            ),
            "templates/body.xml.j2": "{{ facts.family.a }}{{ facts.family.b }}{{ facts.family.c }}{{ facts.family.d }}",
        }
    )
    places = [place for _, place, _ in found(small, "LNT01")]
    assert places == ["documents/1.yaml:8", "documents/1.yaml:11", "resources/m.yaml:3"]


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ("Practitioner.name.family", "Practitioner begins it"),
        ("oneOf('Pacient').id", "no release of FHIR"),
        ("{from: address, use: m}", "is for HumanName"),
    ],
)
def test_lnt02_never_of_that_type(small: Small, field: str, words: str) -> None:
    small.map("map: m\nsource: HumanName\nfields: {f: family}\n")
    small.write({"mappings/documents/1.yaml": document(f"  family: {field}\n")})
    only(small, "LNT02", "documents/1.yaml:5", "")
    assert words.lower() in found(small, "LNT02")[0][2].lower()


def test_lnt02_in_a_route(small: Small) -> None:
    small.write(
        {"mappings/routes.yaml": 'routes:\n  - {id: r, product: "1", focus: Patient, when: Encounter.status}\n'}
    )
    assert [code for code, _, _ in found(small, "LNT02")] == ["LNT02"]


def test_lnt03_what_is_not_compiled(small: Small) -> None:
    small.write({"mappings/documents/1.yaml": document("  family: name.family.encode('base64')\n")})
    mapping = small.load().documents["1"]
    if mapping.fields["family"].sources[0].native:
        pytest.skip("the compiler has learned it")
    only(small, "LNT03", "documents/1.yaml:5")


SEX = f"concepts: sex\ntarget: {GENDER}\ngroups:\n  - source: ''\n    elements:\n"


def with_gender(small: Small, concept: str) -> Small:
    small.map("map: m\nsource: Patient\nfields:\n  sex: {from: gender, concept: sex}\n")
    return small.write(
        {
            "mappings/concepts/sex.yaml": concept,
            "mappings/documents/1.yaml": document("  family: name.family\n  m: {use: m}\n"),
            "templates/body.xml.j2": "{{ facts.family }}{{ facts.m.sex.code }}",
        }
    )


def test_lnt04_a_code_of_fhir_without_a_row(small: Small) -> None:
    with_gender(small, f'{SEX}      male: "1"\n      female: "2"\n      other: {{absent: OTH}}\n')
    only(small, "LNT04", "concepts/sex.yaml:1", "unknown")


def test_lnt05_a_code_that_the_book_does_not_have(small: Small) -> None:
    with_gender(small, f'{SEX}      male: "1"\n      female: "9"\n      other: "1"\n      unknown: "1"\n')
    only(small, "LNT05", "concepts/sex.yaml:7", "no code 9")
    assert found(small, "LNT04", "LNT06") == []


def test_lnt06_a_book_that_is_not_here(small: Small) -> None:
    with_gender(small, f'{SEX}      male: "1"\n'.replace(GENDER, "1.2.643.5.1.13.13.11.99999"))
    only(small, "LNT06", "concepts/sex.yaml:1")


@pytest.mark.parametrize(
    "template",
    [
        "{{ facts.sirname }}{{ facts.family }}",
        "{{ facts.family }}{% if facts.sirname %}x{% endif %}",
        "{% macro m(x) %}{{ x.family }}{{ x.sirname }}{% endmacro %}{{ m(facts) }}",
        "{% set f = facts %}{{ f.family }}{{ f.sirname|upper }}",
        "{{ facts.family }}{{ facts['sirname'] }}",
        "{{ facts.family }}{% if header.payer == 'optional' %}{{ facts.sirname }}{% endif %}",
        "{{ facts.family if facts.sirname else '' }}",
    ],
)
def test_lnt07_a_template_reads_what_nothing_makes(small: Small, template: str) -> None:
    small.write({"templates/body.xml.j2": template})
    only(small, "LNT07", "templates/body.xml.j2:1", "Here there are: family.")
    assert found(small, "LNT08") == []


def test_lnt07_follows_extends_imports_and_calls(small: Small) -> None:
    small.write(
        {
            "templates/body.xml.j2": '{% extends "base.xml.j2" %}{% block b %}{{ facts.family }}{% endblock %}',
            "templates/base.xml.j2": '{% from "part.xml.j2" import part as p %}\n{% import "part.xml.j2" as other %}\n'
            "{{ p(facts, h=header) }}{% block b required %}{% endblock %}{% call other.called(facts) %}"
            "{{ facts.third }}{% endcall %}",
            "templates/part.xml.j2": "{% macro part(f, h) %}\n{{ f.first }}{% endmacro %}\n"
            "{% macro called(f) %}{{ f.second }}{{ caller() }}{% endmacro %}",
        }
    )
    places = sorted((place, message.split("«")[1].split("»")[0]) for _, place, message in found(small, "LNT07"))
    assert places == [
        ("templates/base.xml.j2:3", "third"),
        ("templates/part.xml.j2:2", "first"),
        ("templates/part.xml.j2:3", "second"),
    ]


@pytest.mark.parametrize(
    ("fields", "template"),
    [
        ("  family: name.family\n", "{{ facts.family }}{% if header.payer == 'absent' %}{{ facts.no }}{% endif %}"),
        (
            "  family: name.family\n",
            "{% macro m(f, h) %}{% if h.payer != 'optional' and f.no %}"
            "{% endif %}{% endmacro %}{{ facts.family }}{{ m(facts, header) }}",
        ),
        ("  n: {each: name, fields: {f: family}}\n", "{% for x in facts.n[:2] %}{{ x.f }}{{ loop.index }}{% endfor %}"),
        ("  n: {each: name, fields: {f: family}}\n", "{{ facts.n|join }}"),
        (f"  n: {{coding: '{GENDER}#1'}}\n", "{{ facts.n.code }}{{ facts.n.display }}"),
        ("  n: {from: name, absent: NI, fields: {f: family}}\n", "{{ facts.n.f if facts.n else facts.n.flavor }}"),
        ("  n: {from: identifier, as: ii}\n", "{{ facts.n.root }}"),
        (
            "  n: {from: ['%a', '%b']}\n",
            "{% if facts.n is string %}{{ facts.n.text }}{% else %}{{ facts.n.f }}{% endif %}",
        ),
    ],
)
def test_lnt07_and_lnt08_let_pass(small: Small, fields: str, template: str) -> None:
    lets = "let: {a: {from: name, fields: {text: text}}, b: {from: name, fields: {f: family}}}\n"
    head = lets if "%a" in fields else ""
    small.write({"mappings/documents/1.yaml": document(fields, head), "templates/body.xml.j2": template})
    assert found(small, "LNT07", "LNT08", "LNT16") == []


@pytest.mark.parametrize(
    ("fields", "template"),
    [
        ("  family: name.family\n  x: gender\n", "{{ facts.family }}"),
        ("  family: {from: name, fields: {a: family,\n    b: text}}\n", "{{ facts.family.a }}"),
        (
            "  family: {each: name, fields: {a: family,\n    b: text}}\n",
            "{% for f in facts.family %}{{ f.a }}{% endfor %}",
        ),
        (
            "  family: {fields: {a: gender,\n    b: birthDate}}\n",
            "{% if facts.family %}{{ facts.family.a }}{% endif %}",
        ),
        (
            "  family: gender\n  x: gender\n",
            "{{ facts.family }}{% if header.payer == 'absent' %}{{ facts.x }}{% endif %}",
        ),
    ],
)
def test_lnt08_a_fact_that_no_template_reads(small: Small, fields: str, template: str) -> None:
    small.write({"mappings/documents/1.yaml": document(fields), "templates/body.xml.j2": template})
    only(small, "LNT08", "documents/1.yaml:6")


def test_lnt08_says_nothing_of_the_kind_and_of_nothing(small: Small) -> None:
    small.write({"mappings/documents/1.yaml": document('  family: name.family\n  kind: {constant: "1"}\n  no: "{}"\n')})
    assert found(small, "LNT08") == []


def test_lnt09_and_lnt10_what_nothing_uses(small: Small) -> None:
    small.map("map: m\nsource: Patient\nfields: {a: {from: gender, concept: used}}\n")
    small.write(
        {
            "mappings/resources/base.yaml": "map: base\nsource: Patient\nfields: {a: gender}\n",
            "mappings/resources/child.yaml": "map: child\nsource: Patient\nextends: base\n",
            "mappings/documents/1.yaml": document("  family: {use: child}\n"),
            "mappings/concepts/used.yaml": f"concepts: used\ntarget: {GENDER}\n",
            "mappings/concepts/unused.yaml": f"concepts: unused\ntarget: {GENDER}\n",
            "mappings/concepts/waiting.yaml": f"concepts: waiting\ntarget: {GENDER}\nwaits: {{ru: а, en: a}}\n",
        }
    )
    places = [(code, place) for code, place, _ in found(small, "LNT09", "LNT10")]
    assert places == [("LNT10", "concepts/unused.yaml:1"), ("LNT09", "resources/m.yaml:1")]


def test_lnt11_a_route_to_nowhere(small: Small) -> None:
    small.write({"mappings/routes.yaml": 'routes:\n  - {id: r, product: "11", focus: Patient}\n'})
    only(small, "LNT11", "routes.yaml:1", "Nearest: 1.")
    assert [code for code, _, _ in found(small, "LNT15")] == ["LNT15"]


def test_lnt11_of_editions_one_can_be_made(small: Small) -> None:
    small.write({"mappings/kinds.yaml": KINDS, "mappings/routes.yaml": ROUTE.format('["2", "1"]')})
    assert found(small, "LNT11", "LNT15", "LNT17") == []
    small.write({"mappings/routes.yaml": ROUTE.format('["2", "4"]')})
    assert [code for code, _, _ in found(small, "LNT11", "LNT17")] == ["LNT11", "LNT17"]


def test_lnt17_a_family_of_strangers(small: Small) -> None:
    small.write({"mappings/kinds.yaml": KINDS, "mappings/routes.yaml": ROUTE.format('["1", "4"]')})
    only(small, "LNT17", "routes.yaml:1", "«1» and «4»")


def test_lnt12_and_lnt14_names(small: Small) -> None:
    small.map("map: m\nsource: Any\nfields: {a: '%outer', b: '%othr'}\n")
    small.write(
        {
            "mappings/documents/1.yaml": document(
                "  family: {use: m}\n", "let:\n  outer: name.family\n  inner: '%outer'\n  other: gender\n"
            )
        }
    )
    assert [(code, place) for code, place, _ in found(small, "LNT12", "LNT14")] == [
        ("LNT12", "documents/1.yaml:6"),
        ("LNT12", "documents/1.yaml:7"),
        ("LNT14", "resources/m.yaml:3"),
    ]
    assert "Nearest: %other." in found(small, "LNT14")[0][2]


def test_lnt13_a_rule_that_no_test_tries(small: Small) -> None:
    only(small, "LNT13", "documents/1.yaml:4", "1.family")
    small.write(
        {
            "mappings/tests/t.yaml": (
                'tests:\n  - {name: t, map: "1", given: {resourceType: Patient, name: [{family: А}]}}\n'
            )
        }
    )
    assert found(small, "LNT13") == []


@pytest.mark.parametrize("template", ["{% if %}", '{% extends "none.xml.j2" %}'])
def test_lnt16_a_template_that_is_none(small: Small, template: str) -> None:
    small.write({"templates/body.xml.j2": template})
    assert [code for code, _, _ in found(small, "LNT16")] == ["LNT16"]


def test_the_shipped_catalogue_has_neither_errors_nor_warnings(tmp_path: Path) -> None:
    catalogue = Catalogue()
    terms = Terms(BookStore(tmp_path, catalogue), load_vocabulary(catalogue))
    findings = lint(catalogue, Mappings.load(catalogue), load_organisation(catalogue), terms)
    assert [(one.code, one.place, one.rule) for one in findings if one.severity is not Severity.NOTE] == []
    assert {one.code for one in findings} <= set(all_codes())


def test_every_code_is_documented() -> None:
    documented = {code for code in all_codes() if code.startswith("LNT")}
    assert documented == {f"LNT{number:02}" for number in range(1, 19)}


@pytest.mark.parametrize(
    ("body", "schema", "place", "words"),
    [
        ("{fields: {famly: name.family}}", PERSON, "registers/m.yaml:4", "«famly». Here there are: family, of"),
        ("{fields: {of: {fields: {brn: birthDate}}}}", PERSON, "registers/m.yaml:4", "«brn». Here there are: born"),
        ("{fields: {family: name.family}}", "[", "registers/m.yaml:1", "p.schema.json is absent or unreadable"),
        ("{fields: {family: name.family}}", "", "registers/m.yaml:1", "p.schema.json is absent or unreadable"),
    ],
)
def test_lnt18_a_fact_of_a_message_without_a_place(
    small: Small, body: str, schema: str, place: str, words: str
) -> None:
    small.write({"mappings/registers/m.yaml": f"{MESSAGE}fields: {{body: {body}}}\n", **ROUTED})
    if schema:
        small.write({"mappings/registers/schemas/p.schema.json": schema})
    only(small, "LNT18", place, words)


def test_lnt18_a_message_without_a_body(small: Small) -> None:
    small.write({"mappings/registers/m.yaml": f"{MESSAGE}fields: {{operation: id}}\n", **ROUTED})
    only(small, "LNT18", "registers/m.yaml:1", "no fact «body»")


def test_lnt18_is_silent_where_every_fact_has_a_place(small: Small) -> None:
    body = "{fields: {family: name.family, of: {each: contact, fields: {born: name.family}}}}"
    small.write({"mappings/registers/m.yaml": f"{MESSAGE}fields: {{body: {body}}}\n", **ROUTED})
    small.write({"mappings/registers/schemas/p.schema.json": PERSON})
    assert found(small, "LNT18", "LNT11") == []
