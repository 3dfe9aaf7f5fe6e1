"""Structures: small ones written here, each check by a document that breaks it."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapter.catalogue import Catalogue
from adapter.errors import MappingError, UsageError
from adapter.findings import Severity
from adapter.xml import HL7, XSI, parse
from conformance.structure import Structures, check_without_pack, load

BASE = """
null_flavors: [NI, NAV]
short_oids: {"11.": "1.2.643.5.1.13.13.11."}
patterns: {day: '[0-9]{8}'}
blocks:
  line: {text: any}
  date: {attributes: {value: ~day}}
  list: {card: 1, children: {list: list 0..1, line: line 0..1}}
document:
  attributes: {ID: optional any}
  children:
    id: [{attributes: {root: =1}}, {attributes: {root: =2}, nullFlavor: [NAV], card: 0..1}]
    code: {book: "11.1522", codes: [53]}
    time: {is: date, nullFlavor: any}
    title: line 0..1
    part:
      card: 0..*
      by: code/@code
      cases:
        A: {card: 1, children: {code: {attributes: {code: any}}, line: line}}
        B: {card: 0..1, children: {code: {attributes: {code: any}}}}
    value:
      card: 0..1
      by: "@xsi:type"
      cases: {ST: {attributes: {xsi:type: any}, text: any, nullFlavor: any}}
    pair: {card: 0..1, order: any, children: {x: line 0..1, y: line 0..1}, one_of: [{of: [x, y], card: 1}]}
    tied:
      card: 0..1
      children: {kind: {attributes: {code: any}}, number: {text: free, nullFlavor: any}, more: line 0..1}
      rules:
        - {when: {kind/@code: =8}, then: {number: "null"}}
        - {when: {kind/@code: =9}, then: {number: given, more: present}}
        - {when: {kind/@code: =7}, then: {more: absent}}
        - {when: {kind/@code: =6}, then: {number: any}}
    run: {card: 0..1, text: mixed any, children: {b: line 0..*}}
    list: list 0..1
    any: {card: 0..1, text: skip}
    typed: {card: 0..1, attributes: {xsi:type: =ST, code: any}, nullFlavor: any}
    coded: {card: 0..1, book: any}
    wide: {card: 0..1, open: true, nullFlavor: any, attributes: {k: any}, children: {a: line 0..1, b: line}}
    found:
      card: 0..1
      children: {it: {card: 0..*, attributes: {k: any}}}
      rules: [{when: {"it[@k='1']": present}, then: {"it[@k='2']": present}}]
"""
CODE = (
    '<code code="53" codeSystem="1.2.643.5.1.13.13.11.1522" codeSystemName="n" codeSystemVersion="1" displayName="d"/>'
)
PART = '<part><code code="A"/><line>x</line></part>'


@pytest.fixture
def structures(tmp_path: Path) -> Structures:
    return catalogue(tmp_path, base=BASE, **{"900": 'kind: "900"\nextends: base'})


def catalogue(root: Path, **files: str) -> Structures:
    """Structures of an overlay with these files."""
    folder = root / "mappings" / "structures"
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return load(Catalogue(root))


def codes(structures: Structures, body: str, kind: str = "900") -> list[tuple[str, str]]:
    """Code and place of every finding, the root left out of the place."""
    text = f'<ClinicalDocument xmlns="{HL7}" xmlns:xsi="{XSI}">{body}</ClinicalDocument>'
    findings = structures.check(parse(text.encode()), kind)
    return [(finding.code, finding.xpath.removeprefix("/ClinicalDocument")) for finding in findings]


def document(more: str = PART, *, ids: str = '<id root="1"/>', code: str = CODE, time: str = "20240101") -> str:
    return f'{ids}{code}<time value="{time}"/>{more}'


VALID = {
    "least": document(),
    "second id": document(ids='<id root="1"/><id root="2"/>'),
    "null id": document(ids='<id root="1"/><id nullFlavor="NAV"/>'),
    "cases": document(PART + '<part><code code="B"/></part>'),
    "comments": document("<!-- c --><title>a<!-- b --></title>" + PART + "<run>a<b>c</b></run>"),
    "value": document(PART + '<value xsi:type="ST" nullFlavor="NI"/>'),
    "spaces about the code of a case": document(PART + '<part><code code=" B "/></part>'),
    "comment in a number": document(PART + '<tied><kind code="6"/><number><!-- c -->5</number></tied>'),
    "any order": document(PART + "<pair><y>1</y></pair>"),
    "rules": document(PART + '<tied><kind code="8"/><number nullFlavor="NI"/></tied>'),
    "no rule": document(PART + '<tied><kind code="1"/><number/></tied>'),
    "inside itself": document(PART + "<list><list><list><line>1</line></list></list></list>"),
    "skipped": document(PART + "<any><what/>ever</any>"),
    "open": document(PART + '<wide k="1" l="2"><what/><b>1</b><a>1</a></wide>'),
    "open and null": document(PART + '<wide nullFlavor="x"><what/></wide>'),
    "step with an attribute": document(PART + '<found><it k="1"/><it k="2"/></found>'),
}
BROKEN = {
    "missing": (document(""), [("STR01", "")]),
    "missing second": (f'<id root="1"/>{CODE}{PART}', [("STR01", "")]),
    "too many": (document("<title>a</title><title>b</title>" + PART), [("STR02", "/title[2]")]),
    "too many of a case": (document(PART + PART), [("STR02", "/part[2]")]),
    "unknown element": (document(PART + "<what/>"), [("STR03", "/what")]),
    "foreign element": (document(PART + '<x:title xmlns:x="urn:x"/>'), [("STR03", "/{urn:x}title")]),
    "fixed value": (document(ids='<id root="9"/>'), [("STR04", "/id")]),
    "by position": (document(ids='<id root="2"/><id root="1"/>'), [("STR04", "/id[1]"), ("STR04", "/id[2]")]),
    "unknown case": (document(PART + '<part><code code="C"/></part>'), [("STR04", "/part[2]/code")]),
    "spaces about a required code": (
        document(PART.replace('"A"', '" A "')),
        [("STR01", ""), ("STR04", "/part/code")],
    ),
    "null without a datatype": (document(PART + '<typed nullFlavor="NI"/>'), [("STR05", "/typed")]),
    "no code of any book": (document(PART + '<coded code="1" codeSystem=""/>'), [("STR05", "/coded")] * 4),
    "no case": (document(PART + "<part/>"), [("STR04", "/part[2]")]),
    "code": (document(code=CODE.replace('"53"', '"54"')), [("STR04", "/code")]),
    "missing attribute": (document(code=CODE.replace(' displayName="d"', "")), [("STR05", "/code")]),
    "empty attribute": (document(code=CODE.replace('"d"', '""')), [("STR05", "/code")]),
    "book": (document(code=CODE.replace(".1522", ".1520")), [("STR06", "/code")]),
    "nullFlavor": (document(ids='<id nullFlavor="NI"/>'), [("STR07", "/id")]),
    "other nullFlavor": (document(ids='<id root="1"/><id nullFlavor="NI"/>'), [("STR07", "/id[2]")]),
    "order": (f'<id root="1"/><time value="20240101"/>{CODE}{PART}', [("STR08", "/time")]),
    "order of the optional": (document(PART + "<title>a</title>"), [("STR08", "/title")]),
    "pattern": (document(time="2024"), [("STR09", "/time")]),
    "no datatype": (document(PART + '<value nullFlavor="NI"/>'), [("STR04", "/value")]),
    "attribute": (document("<title lang='ru'>a</title>" + PART), [("STR10", "/title")]),
    "no text": (document("<title/>" + PART), [("STR11", "/title")]),
    "stray text": (document(PART) + "text", []),
    "text in a leaf": (document(code=CODE.replace("/>", ">t</code>")), [("STR11", "/code")]),
    "text among elements": (document("<part>t" + PART.removeprefix("<part>")), [("STR11", "/part")]),
    "no run": (document(PART + "<run><b><!-- c --></b></run>"), [("STR11", "/run"), ("STR11", "/run/b")]),
    "neither": (document(PART + "<pair/>"), [("STR01", "/pair")]),
    "both": (document(PART + "<pair><x>1</x><y>1</y></pair>"), [("STR02", "/pair")]),
    "null asked": (document(PART + '<tied><kind code="8"/><number>1</number></tied>'), [("STR12", "/tied/number")]),
    "given asked": (
        document(PART + '<tied><kind code="9"/><number nullFlavor="NI"/></tied>'),
        [("STR12", "/tied"), ("STR12", "/tied/number")],
    ),
    "open, and yet asked": (document(PART + "<wide><what/></wide>"), [("STR01", "/wide"), ("STR05", "/wide")]),
    "step with an attribute": (document(PART + '<found><it k="1"/></found>'), [("STR12", "/found")]),
    "absent asked": (
        document(PART + '<tied><kind code="7"/><number/><more>1</more></tied>'),
        [("STR12", "/tied/more")],
    ),
}


@pytest.mark.parametrize("name", VALID)
def test_valid(structures: Structures, name: str) -> None:
    for _ in range(2):  # the second time from what the nodes remember
        assert codes(structures, VALID[name]) == []


@pytest.mark.parametrize("name", BROKEN)
def test_broken(structures: Structures, name: str) -> None:
    body, expected = BROKEN[name]
    assert codes(structures, VALID["least"]) == []
    for _ in range(2):
        assert codes(structures, body) == expected


def test_finding(structures: Structures) -> None:
    text = f'<ClinicalDocument xmlns="{HL7}">\n{document(time="SECRET")}</ClinicalDocument>'
    (finding,) = structures.check(parse(text.encode()), "900")
    assert finding.severity is Severity.ERROR
    assert finding.place.line == 2
    assert finding.rule == "900:time"
    assert finding.message.en == "The value of @value has the wrong form."
    assert finding.hint.en == "Expected form: day."
    assert "SECRET" not in str(finding)


def test_root_of_another_name(structures: Structures) -> None:
    (finding,) = structures.check(parse(b"<ClinicalDocument/>"), "900")
    assert finding.code == "STR03"
    assert not structures.accepts(parse(b"<ClinicalDocument/>"), "900")


def test_changes(tmp_path: Path) -> None:
    kind = """
kind: "901"
extends: base
changes:
  title: absent
  id[2]: {card: 1}
  time: {nullFlavor: forbidden}
  part: {card: "1"}
  part{B}: absent
  part{A}: {children: {note: line, line: {text: =x|y}}}
"""
    structures = catalogue(tmp_path, base=BASE, **{"901": kind})
    ids = '<id root="1"/><id root="2"/>'
    good = '<part><code code="A"/><note>n</note><line>x</line></part>'
    assert codes(structures, document(good, ids=ids), "901") == []
    assert codes(structures, document(good), "901") == [("STR01", "")]
    assert codes(structures, document("<title>a</title>" + good, ids=ids), "901") == [("STR03", "/title")]
    bad = good.replace(">x<", ">z<").replace("<note>n</note>", "")
    assert codes(structures, document(bad, ids=ids), "901") == [("STR01", "/part"), ("STR09", "/part/line")]
    two = document(good + '<part><code code="B"/></part>', ids=ids)
    assert ("STR04", "/part[2]/code") in codes(structures, two, "901")
    assert codes(structures, document(good, ids=ids, time='" nullFlavor="NI'), "901") != []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("document: {childs: {}}", "did you mean 'children'"),
        ("documents: {}", "did you mean 'document'"),
        ("document: {is: lime}", "did you mean 'line'"),
        ("document: {children: {a: {card: many}}}", "cardinality"),
        ("document: {text: ~days}", "~day"),
        ("document: {children: {q:a: line}}", "unknown prefix"),
        ("document: {children: {a: {book: 11.1040}}}", "quotes"),
        ("changes: {titel/x: line}", "no element 'titel'"),
        ("changes: {'part{Z}': absent}", "no case 'Z'"),
        ("document: [", "expected"),
        ("- 1", "mapping"),
        ("document: {rules: [{when: {}, than: {}}]}", "did you mean 'then'"),
    ],
)
def test_errors_of_a_file(tmp_path: Path, text: str, said: str) -> None:
    header = "" if text.startswith("-") else 'kind: "902"\nextends: base\n'
    with pytest.raises(MappingError, match=r"902|base") as caught:
        catalogue(tmp_path, base=BASE, **{"902": header + text}).node("902")
    assert said in str(caught.value)


def test_ring(tmp_path: Path) -> None:
    with pytest.raises(MappingError, match="ring"):
        catalogue(tmp_path, **{"903": 'kind: "903"\nextends: other', "other": 'extends: "903"'}).node("903")


def test_kind_of_another_file(tmp_path: Path) -> None:
    with pytest.raises(MappingError, match="904"):
        catalogue(tmp_path, base=BASE, **{"904": 'kind: "905"\nextends: base'}).node("904")


def test_without_pack(structures: Structures) -> None:
    tree = parse(f'<ClinicalDocument xmlns="{HL7}"/>'.encode())
    assert "base" not in structures.kinds
    assert check_without_pack(tree, "900", structures, installed=False)
    assert check_without_pack(tree, "900", structures, installed=True) == []
    assert check_without_pack(tree, "899", structures, installed=False) == []
    with pytest.raises(UsageError, match="899"):
        structures.check(tree, "899")


def test_a_consultation_of_a_follow_up_wants_what_its_type_wants() -> None:
    """Kind 119 as type 85: who referred, the referral, when the follow-up began; as type 5: whether a first visit."""
    (golden,) = (Path(__file__).parents[2] / "golden" / "documents" / "119-follow-up-r4").glob("*.xml")
    own = load(Catalogue())
    assert own.check(parse(golden.read_bytes()), "119") == []

    def rules(path: str, code: str) -> list[tuple[str, str]]:
        tree = parse(golden.read_bytes())
        root = tree.getroot()
        for child in root.xpath(path, namespaces={"h": HL7}):
            child.getparent().remove(child)
        root.find(f"{{{HL7}}}code").set("code", code)
        return [(finding.code, finding.message.en) for finding in own.check(tree, "119")]

    body = "component/structuredBody/component/section/entry/observation/code"
    for path, place in {
        "h:participant[@typeCode = 'REF']": "participant[@typeCode='REF']",
        "h:inFulfillmentOf": "inFulfillmentOf",
        "//h:entry[h:observation/h:code/@code = '7002']": f"{body}[@code='7002']",
    }.items():
        assert rules(path, "85") == [("STR12", f"{place} does not agree with other values.")]
        assert rules(path, "5") == []
    assert rules("//h:entry[h:observation/h:code/@code = '800']", "85") == []
    assert len(rules("//h:entry[h:observation/h:code/@code = '800']", "5")) == 1
    assert len(rules("h:participant[@typeCode = 'IND']", "5")) == 1
