"""The catalogue of kinds: facts, detection, and what happens to a broken file."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from adapter.catalogue import Catalogue
from adapter.documents.kinds import FILE, Kinds, load_kinds
from adapter.errors import UsageError
from adapter.xml import parse

TYPES, GUIDES, KINDS = "1.2.643.5.1.13.13.11.1522", "1.2.643.5.1.13.13.99.2.1079", "1.2.643.5.1.13.13.11.1520"

FACTS = '"title": "x", "edition": 1, "type": "1", "guide": ""'


@pytest.fixture(scope="module")
def kinds() -> Kinds:
    return load_kinds(Catalogue())


def document(*roots: str, code: str = "", system: str = TYPES, translation: str = "") -> object:
    inner = f'<translation code="{translation}" codeSystem="{KINDS}"/>' if translation else ""
    templates = "".join(f'<templateId root="{root}"/>' for root in roots)
    body = f'{templates}<code code="{code}" codeSystem="{system}">{inner}</code>'
    return parse(f'<ClinicalDocument xmlns="urn:hl7-org:v3">{body}</ClinicalDocument>'.encode()).getroot()


def codes(kinds: Kinds, root: object) -> list[str]:
    return [kind.code for kind in kinds.candidates(root)]


def test_the_file_means_the_same_to_a_yaml_reader(tmp_path: Path, kinds: Kinds) -> None:
    """The built-in file is read as JSON without its comments: YAML must agree, and any other YAML must do too."""
    path = Catalogue().file(FILE)
    overlay = tmp_path / FILE
    overlay.parent.mkdir()
    with overlay.open("w", encoding="utf-8") as file:
        YAML(typ="safe").dump(YAML(typ="safe").load(path), file)
    assert overlay.read_bytes() != path.read_bytes()
    again = load_kinds(Catalogue(tmp_path))
    assert {kind.code: kind for kind in again} == {kind.code: kind for kind in kinds}


def test_facts_of_a_kind(kinds: Kinds) -> None:
    kind = kinds.by_code("170")
    assert kind is not None
    assert kind.official_title == "Сертификат профилактических прививок (CDA) Редакция 2"
    assert (kind.start, kind.start_mark) == (date(2023, 8, 28), "H")
    assert (kind.end, kind.end_mark) == (date(2025, 7, 1), "M")
    assert (kind.xsd_family, kind.generation, kind.guide_code) == ("modular", "G2", "46")
    assert kind.template_ids == (("1.2.643.5.1.13.13.14.53.9.2", ""),)
    assert kind.document_codes == ("53",)
    assert kind.code_systems[0] == TYPES
    assert kinds.by_code("0") is None


def test_every_kind_is_consistent(kinds: Kinds) -> None:
    assert len(kinds) == 220
    for kind in kinds:
        assert kind.title
        assert kind.end is None or kind.start <= kind.end
        assert all(kinds.by_code(code) is not None for code in kind.successors)
        assert {kind.start_mark, kind.end_mark} <= {"H", "M"}
        assert {kind.template_mark, kind.code_mark} <= {"H", "INF"}
        assert bool(kind.document_codes) == bool(kind.code_systems)
        assert {template.document_code for template in kind.template_ids} - {""} <= {
            "5",
            "85",
            "241",
            "346",
            "13",
            "353",
        }


def test_successor_is_the_newest_that_is_open(kinds: Kinds) -> None:
    def successor(code: str, day: date) -> str | None:
        kind = kinds.by_code(code)
        assert kind is not None
        later = kinds.successor(kind, day)
        return later.code if later else None

    assert successor("16", date(2026, 11, 24)) == "227"
    assert successor("16", date(2024, 1, 1)) == "119"
    assert successor("105", date(2023, 1, 1)) is None
    assert successor("227", date(2026, 11, 24)) is None


@pytest.mark.parametrize(
    ("expected", "root"),
    [
        (["170"], document("1.2.643.5.1.13.13.14.53.9.2", code="53")),
        (["170"], document("1.2.3", "1.2.643.5.1.13.13.14.53.9.2", code="wrong")),
        (["119"], document("1.2.643.5.1.13.2.7.5.1.5.9.4", code="5")),
        (["119"], document("1.2.643.5.1.13.13.14.85.9.4", code="85")),
        (["83"], document("1.2.643.5.1.13.13.14.71.9.2", code="71")),
        (["81"], document("1.2.643.5.1.13.13.14.122.9.2", code="122")),
        (["98"], document("1.2.643.5.1.13.13.14.346.9.1", code="346")),
        (["126"], document("1.2.643.5.1.13.13.14.353.9.6", code="353")),
        (["82", "83", "84"], document("1.2.643.5.1.13.13.14.69.9.2", code="5")),
        (["76", "118"], document("1.2.643.5.1.13.2.7.5.1.33.9.4", code="33")),
        (["118"], document("1.2.643.5.1.13.2.7.5.1.33.9.4", code="33", translation="118")),
        (["195"], document("1.2.643.5.1.13.13.15.61.2", code="61", system=GUIDES, translation="195")),
        (["227"], document("1.2.3", code="227", system=KINDS)),
        (["195"], document("1.2.3", code="61", system=GUIDES, translation="195")),
        ([], document("1.2.3", code="53")),
        ([], document()),
    ],
)
def test_detection(kinds: Kinds, expected: list[str], root: object) -> None:
    assert codes(kinds, root) == expected
    only = kinds.detect(root)
    assert (only.code if only else None) == (expected[0] if len(expected) == 1 else None)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("kinds: [", "kinds.yaml:2:1: not YAML"),
        ('{"kinds": {"1": {},\n"2": {},\n "1": {}}}', "kinds.yaml:3:2: a key is repeated"),
        ("kinds:\n  1: {}\n  1: {}\n", "kinds.yaml:3:3: a key is repeated"),
        ("- 1", "not a catalogue"),
        ("{}", "systems"),
        ('{"systems": {}, "kinds": {"1": {"title": "x"}}}', "kind 1"),
        (f'{{"systems": {{}}, "kinds": {{"1": {{{FACTS}, "start": "soon"}}}}}}', "kind 1.*ValueError"),
        (f'{{"systems": {{}}, "kinds": {{"1": {{{FACTS}, "start": "2024-01-01", "coded": "Z"}}}}}}', "kind 1.*'Z'"),
    ],
)
def test_a_broken_file_is_named(tmp_path: Path, text: str, named: str) -> None:
    (tmp_path / FILE).parent.mkdir()
    (tmp_path / FILE).write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=named):
        load_kinds(Catalogue(tmp_path))


def test_a_folder_adds_and_replaces_kinds(tmp_path: Path, kinds: Kinds) -> None:
    own = tmp_path / "mappings/kinds/own.yaml"
    own.parent.mkdir(parents=True)
    added, other = (
        f'"9001": {{{FACTS}, "start": "2026-01-01", "coded": "A"}}',
        f'"227": {{{FACTS}, "start": "2027-01-01"}}',
    )
    own.write_text(f"kinds: {{{added}, {other}}}\n", encoding="utf-8")
    changed = load_kinds(Catalogue(tmp_path))
    assert {kind.code for kind in changed} == {*(kind.code for kind in kinds), "9001"}
    new, replaced = changed.by_code("9001"), changed.by_code("227")
    assert new is not None
    assert new.code_systems[0] == TYPES
    assert replaced is not None
    assert replaced.start == date(2027, 1, 1)
    own.write_text("kinds: {1: {}}\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"own\.yaml: kind 1"):
        load_kinds(Catalogue(tmp_path))


def test_editions(kinds: Kinds) -> None:
    assert kinds.newest_first(["16", "999999", "227", "68", "119"]) == ["227", "119", "68", "16", "999999"]
    assert kinds.are_editions("119", "16")
    assert kinds.are_editions("16", "119")
    assert not kinds.are_editions("119", "170")
    assert not kinds.are_editions("119", "119")
    assert not kinds.are_editions("119", "999999")
