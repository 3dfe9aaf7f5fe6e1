"""Errors of a mapping name file, line, column, what was expected, and the nearest valid name."""

from __future__ import annotations

import pytest

from adapter.errors import MappingError
from tests.unit.mapping.conftest import Small

HEAD = "map: m\nsource: Patient\nfields:\n"


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("map: m\nsource: Patient\nfeilds: {}\n", "3:1", ("unknown key", "feilds", "nearest: fields")),
        ("map: m\nfields: {}\n", "1:1", ("source",)),
        ("source: Patient\nfields: {}\n", "1:1", ("map",)),
        ("map: 12\nsource: Patient\nfields: {}\n", "1:6", ("quotes",)),
        (f"{HEAD}  a: {{form: family}}\n", "4:7", ("unknown key", "nearest: from")),
        (f"{HEAD}  a: {{from: b, constant: c}}\n", "4:16", ("exclude",)),
        (f"{HEAD}  a: {{from: b, as: hl7-data}}\n", "4:20", ("converter", "nearest: hl7-date")),
        (f"{HEAD}  a: {{from: b, as: {{x: 1, y: 2}}}}\n", "4:20", ("converter",)),
        (f"{HEAD}  a: {{from: []}}\n", "4:13", ("empty",)),
        (f"{HEAD}  a: {{from: b, absent: NAX}}\n", "4:24", ("nullFlavor", "nearest: NA")),
        (f"{HEAD}  a: {{from: b, required: sometimes}}\n", "4:26", ("error or warning",)),
        (f"{HEAD}  a: {{from: b, hint: do it}}\n", "4:22", ("ru",)),
        (f"{HEAD}  a: {{coding: 1.2.3}}\n", "4:15", ("OID#code",)),
        (f"{HEAD}  a: {{constant: [1]}}\n", "4:17", ("constant",)),
        (f"{HEAD}  a: {{from: b, use: mm}}\n", "4:21", ("map", "nearest: m")),
        (f"{HEAD}  a: {{identifier: snisl}}\n", "4:19", ("nearest: snils",)),
        (f"{HEAD}  a: {{from: b, concept: sex}}\n", "4:25", ("sex",)),
        (f"{HEAD}  a: {{from: {{x: 1}}}}\n", "4:13", ("expression",)),
        (f"{HEAD}  a: name..given\n", "4:6", ()),
        (f"{HEAD}  a: b\n  a: c\n", "5:3", ("repeated",)),
        (f"{HEAD}  a: null\n", "4:3", ("nothing to take away",)),
        ("map: m\nsource: Patient\nextends: k\nfields: {}\n", "3:10", ("map",)),
        ("map: m\nsource: Patient\nextends: m\nfields: {}\n", "3:1", ("circle",)),
        ("map: m\nfields: [\n", "3:1", ("not YAML",)),
        ("- 1\n", "1", ("a mapping of keys",)),
    ],
)
def test_error_of_a_map(small: Small, text: str, place: str, words: tuple[str, ...]) -> None:
    with pytest.raises(MappingError) as caught:
        small.map(text).load()
    message = str(caught.value)
    assert message.startswith(f"mappings/resources/m.yaml:{place}: ")
    for word in words:
        assert word in message
    assert caught.value.text.ru != caught.value.text.en


@pytest.mark.parametrize(
    ("file", "text", "place", "word"),
    [
        ("routes.yaml", "routes:\n  - {id: a, product: b}\n", "2:5", "focus"),
        ("routes.yaml", "routes:\n  - {id: a, product: b, focus: C, wenn: d}\n", "2:35", "nearest: when"),
        ("routes.yaml", "routes:\n  - x\n", "2:3", "mapping"),
        ("identifiers.yaml", "kind: {}\n", "1:1", "kinds"),
        ("identifiers.yaml", "kinds:\n  a: {sistems: []}\n", "2:7", "nearest: systems"),
        ("identifiers.yaml", "kinds:\n  a: {shape: '('}\n", "2:14", "expression"),
        ("identifiers.yaml", "kinds:\n  a: {systems: [{implies: {}}]}\n", "2:16", "system"),
        ("identifiers.yaml", "kinds:\n  a: {systems: b}\n", "2:16", "list"),
        ("concepts/c.yaml", "concepts: c\n", "1:1", "target"),
        ("concepts/c.yaml", "concepts: c\ntarget: 1.2\ngroups: [{sauce: a}]\n", "3:11", "nearest: source"),
        ("concepts/c.yaml", "concepts: c\ntarget: 1.2\nunmapped: never\n", "3:11", "absent"),
        ("concepts/c.yaml", "concepts: c\ntarget: 1.2\nwaits: soon\n", "3:8", "ru and en"),
        ("concepts/c.yaml", "concepts: c\ntarget: 1.2\ngroups: [{elements: {a: []}}]\n", "3:21", "code"),
        ("concepts/c.yaml", "concepts: c\ntarget: 1.2\ngroups: [{elements: {a: }}]\n", "3:21", "code"),
        ("organisation.yaml", "oid: x\n", "1:6", "oid"),
        ("organisation.yaml", "oid: 1.2\nmis: {number: 1, instance: 1}\naddress_use: b\n", "3:14", "address_use"),
        ("coverage.yaml", "ignore: [{path: a}]\n", "1:10", "reason"),
    ],
)
def test_error_of_another_file(small: Small, file: str, text: str, place: str, word: str) -> None:
    from adapter.mapping.coverage import load_ignored
    from adapter.organisation import load_organisation

    small.write({f"mappings/{file}": text})
    with pytest.raises(MappingError) as caught:
        small.load()
        load_organisation(small.catalogue)
        load_ignored(small.catalogue)
    message = str(caught.value)
    assert message.startswith(f"mappings/{file}:")
    assert message.startswith(f"mappings/{file}:{place}"), message
    assert word in message


def test_two_maps_of_one_id(small: Small) -> None:
    small.map("map: m\nsource: A\nfields: {}\n")
    with pytest.raises(MappingError, match=r"n\.yaml:1:1: .*m\.yaml"):
        small.write({"mappings/resources/n.yaml": "map: m\nsource: A\nfields: {}\n"}).load()


def test_two_concept_maps_of_one_id(small: Small) -> None:
    small.write({f"mappings/concepts/{name}.yaml": "concepts: c\ntarget: 1.2\n" for name in "ab"})
    with pytest.raises(MappingError, match=r"b\.yaml:1:1"):
        small.load()


def test_a_child_merges_deeply_and_takes_away(small: Small) -> None:
    small.write(
        {
            "mappings/resources/base.yaml": """
        map: base
        source: Patient
        let: {x: name.family, y: name.text}
        fields:
          kept: gender
          gone: birthDate
          nested: {from: name.first(), required: true, fields: {a: family, b: text}}
          listed: {each: name, fields: {f: family}}
        """
        }
    )
    small.map("""
        map: m
        source: Patient
        extends: base
        let: {x: name.given}
        fields:
          gone: null
          nested: {absent: NI, fields: {b: null, c: given}}
          listed: {from: name.last()}
          added: "%x"
        """)
    spec = small.load().maps["m"]
    assert list(spec.fields) == ["kept", "nested", "listed", "added"]
    nested = spec.fields["nested"]
    assert (nested.absent, nested.required, list(nested.fields)) == ("NI", "error", ["a", "c"])
    assert (nested.rule, nested.line) == ("m.nested", 7)
    assert nested.fields["a"].rule == "base.nested.a"
    assert nested.fields["a"].file == "mappings/resources/base.yaml"
    assert not spec.fields["listed"].each
    assert list(spec.fields["listed"].fields) == ["f"]
    assert (spec.let["x"].rule, spec.let["y"].rule) == ("m.%x", "base.%y")
    assert spec.extends == "base"


def test_a_document_inherits_its_switches(small: Small) -> None:
    small.write(
        {
            "mappings/documents/2.yaml": """
        document: "2"
        extends: "1"
        header: {payer: absent}
        """
        }
    )
    document = small.load().documents["2"]
    assert (document.template, document.source, dict(document.header)) == (
        "body.xml.j2",
        ("Patient",),
        {"payer": "absent"},
    )


def test_numbers_stay_as_written() -> None:
    from pathlib import Path
    from tempfile import TemporaryDirectory

    from adapter.mapping.yaml import load

    with TemporaryDirectory() as folder:
        path = Path(folder) / "x.yaml"
        path.write_text("version: 1.10\ndate: 2024-01-02\ncount: 3\nyes: on\n", "utf-8")
        assert dict(load(path)) == {"version": "1.10", "date": "2024-01-02", "count": 3, "yes": "on"}
        assert str(load(path, decimals=True)["version"]) == "1.10"
        assert not isinstance(load(path, decimals=True)["version"], str)
