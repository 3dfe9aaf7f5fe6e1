"""Rules of our own, over everything a value or a document can be."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone

from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from adapter.catalogue import Catalogue
from adapter.documents.kinds import load_kinds
from adapter.xml import HL7, XSI, Locator, locate, parse
from conformance.codes import all_codes
from conformance.rules import RULES, run_rules, values
from conformance.rules.registry import ELEMENT_CHECKS

KINDS = load_kinds(Catalogue())
TODAY = date(2026, 11, 24)
DIGITS = st.text("0123456789", min_size=1)


def digits(size: int) -> st.SearchStrategy[str]:
    return st.text("0123456789", min_size=size, max_size=size)


def change(value: str, place: int, step: int) -> str:
    """``value`` with the digit at ``place`` moved by ``step`` (1 to 9): always another digit."""
    return value[:place] + str((int(value[place]) + step) % 10) + value[place + 1 :]


PLACE, STEP = st.integers(0, 15), st.integers(1, 9)

# Numbers are made here by the published algorithms, not by the code under test.


def snils(base: str) -> str:
    total = sum(int(digit) * (9 - index) for index, digit in enumerate(base))
    if total > 101:
        total %= 101
    return f"{base}{0 if total in {100, 101} else total:02}"


def inn(base: str) -> str:
    weights = {9: [2, 4, 10, 3, 5, 9, 4, 6, 8], 10: [7, 2, 4, 10, 3, 5, 9, 4, 6, 8]}[len(base)]
    base += str(sum(int(d) * w for d, w in zip(base, weights, strict=True)) % 11 % 10)
    if len(base) == 10:
        return base
    return base + str(sum(int(d) * w for d, w in zip(base, [3, *weights], strict=True)) % 11 % 10)


def enp(base: str) -> str:
    """Luhn: the published rule by doubled digits, which is equivalent to the one that the code uses."""
    total = 0
    for index, digit in enumerate(reversed(base)):
        doubled = int(digit) * (2 if index % 2 == 0 else 1)
        total += doubled - 9 if doubled > 9 else doubled
    return base + str(-total % 10)


@given(digits(9).filter(lambda base: int(base) > 1_001_998), PLACE, STEP)
def test_snils(base: str, place: int, step: int) -> None:
    number = snils(base)
    assert values.is_snils(number)
    assert values.is_snils(f"{number[:3]}-{number[3:6]}-{number[6:9]} {number[9:]}")
    other = change(number, place % 11, step)
    residues = {sum(int(d) * (9 - i) for i, d in enumerate(n[:9])) % 101 for n in (number, other)}
    if int(other[:9]) > 1_001_998 and residues != {0, 100}:  # 0 and 100 share the check digits 00
        assert not values.is_snils(other)


@given(st.one_of(digits(9), digits(10)), PLACE, STEP)
def test_inn(base: str, place: int, step: int) -> None:
    number = inn(base)
    assert values.is_inn(number)
    checks = 1 if len(number) == 10 else 2
    assert not values.is_inn(change(number, len(number) - 1 - place % checks, step))


@given(digits(12), PLACE, STEP)
def test_ogrn(base: str, place: int, step: int) -> None:
    number = base + str(int(base) % 11)[-1]
    assert values.is_ogrn(number)
    other = change(number, place % 13, step)
    if {int(number[:12]) % 11, int(other[:12]) % 11} != {0, 10}:
        assert not values.is_ogrn(other)


@given(digits(14), PLACE, STEP)
def test_ogrnip(base: str, place: int, step: int) -> None:
    number = base + str(int(base) % 13)[-1]
    assert values.is_ogrnip(number)
    other = change(number, place % 15, step)
    if abs(int(number[:14]) % 13 - int(other[:14]) % 13) != 10:
        assert not values.is_ogrnip(other)


@given(digits(15), PLACE, STEP)
def test_enp_detects_every_changed_digit(base: str, place: int, step: int) -> None:
    number = enp(base)
    assert values.is_enp(number)
    assert not values.is_enp(change(number, place, step))


ZONES = st.integers(0, 84).map(lambda tens: timezone(timedelta(minutes=10 * tens)))
MOMENTS = st.datetimes(datetime(1000, 1, 1), datetime(2999, 12, 31), timezones=ZONES)


@given(MOMENTS)
def test_every_real_moment_is_accepted(moment: datetime) -> None:
    for form in ("%Y%m%d", "%Y%m%d%H%M%z", "%Y%m%d%H%M%S%z"):
        found = values.moment(moment.strftime(form))
        assert found.faults == frozenset()
        assert found.day == moment.date()
    assert found.instant == moment.replace(microsecond=0)
    assert values.moment(moment.strftime("%Y%m%d%H%M")).faults == {"TS03"}
    assert values.moment(moment.strftime("%Y%m%d%H%M") + "Z").faults == {"TS04"}
    assert values.moment(moment.strftime("%Y")).faults == {"TS02"}


@given(st.one_of(st.text(), st.from_regex(r"[0-9]{4,20}([Z+-][0-9]{0,5})?", fullmatch=True), DIGITS))
def test_no_value_makes_a_check_crash(text: str) -> None:
    found = values.moment(text)
    assert found.faults <= set(RULES)
    assert found.faults or found.day is not None
    for check in (values.is_inn, values.is_ogrn, values.is_ogrnip, values.is_enp, values.is_oid, values.is_guid):
        assert check(text) in {True, False}
    if values.is_snils_shape(text):
        assert values.is_snils(text) in {True, False}
    assert values.is_postal_code(text) == (len(text) == 6 and text.isascii() and text.isdigit())


HOSTILE = st.one_of(
    st.sampled_from(
        ["", " ", "0", "1.2.643.100.3", "1.2.643.5.1.13.13.17.1.1", "1.2.643.5.1.13.13.11.1035", "REF", "NI", "TS"]
    ),
    st.sampled_from(["20240229", "202402301530", "99999999999999999999", "IVL_TS", "x:TS", "tel:", "2", "185", "170"]),
    st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=12),
    st.just("9" * 5000),
)
NAMES = st.sampled_from(
    [*ELEMENT_CHECKS, *(f"{{{HL7}}}{name}" for name in ("templateId", "code", "translation", "author", "participant"))]
)
ATTRIBUTES = st.dictionaries(
    st.sampled_from(
        ["root", "extension", "value", "code", "codeSystem", "nullFlavor", "typeCode", "typ", f"{{{XSI}}}type"]
    ),
    HOSTILE,
    max_size=4,
)


@st.composite
def elements(draw: st.DrawFn, depth: int = 3) -> etree._Element:
    element = etree.Element(draw(NAMES), draw(ATTRIBUTES))
    element.text = draw(HOSTILE)
    if depth:
        for child in draw(st.lists(elements(depth - 1), max_size=3)):
            element.append(child)
            if draw(st.booleans()):
                child.addprevious(etree.Comment("x"))
    return element


@settings(max_examples=200)
@given(elements(), st.sampled_from([None, *KINDS]))
def test_rules_never_raise_and_never_quote(element: etree._Element, kind: object) -> None:
    root = etree.Element(f"{{{HL7}}}ClinicalDocument")
    root.append(element)
    for child in list(element)[:2]:
        root.append(child)
    secret = "тайна-424242"
    for node in root.iter("*"):
        node.set("secret", secret)
        if node.get("extension") is not None:
            node.set("extension", secret)
    tree = parse(etree.tostring(root))
    findings = run_rules(tree, kind=kind, kinds=KINDS, today=TODAY)
    lines = [finding.place.line for finding in findings]
    assert lines == sorted(lines)
    for finding in findings:
        assert finding.code in all_codes()
        assert secret not in repr(finding)
        assert tree.xpath(_executable(finding.xpath), namespaces=_PREFIXES)
    assert findings == run_rules(tree, kind=kind, kinds=KINDS, today=TODAY)


_PREFIXES = {
    "h": HL7,
    "identity": "urn:hl7-ru:identity",
    "address": "urn:hl7-ru:address",
    "fias": "urn:hl7-ru:fias",
    "PII": "urn:hl7-ru:PII",
}


def _executable(xpath: str) -> str:
    """A place of a finding as an XPath that lxml can run: HL7 names get a prefix."""
    return "/".join(step if not step or ":" in step else f"h:{step}" for step in xpath.split("/"))


@given(elements())
def test_places_found_together_are_those_found_one_by_one(element: etree._Element) -> None:
    nodes = list(element.iter("*"))
    kept = Locator()
    assert [kept(node) for node in nodes] == [locate(node) for node in nodes]
