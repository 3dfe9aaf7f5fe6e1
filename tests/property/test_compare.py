"""Comparing documents: nothing is lost, and one change is one difference."""

from __future__ import annotations

import copy
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from adapter.xml import HL7, parse
from conformance.compare import Comparison, Verdict, compare

_NAMES = ("id", "code", "given", "section", "component", "entry", "observation", "text", "tr", "author", "templateId")
_VALUES = st.sampled_from(["1", "2", "1.2.643", "я", "x y"])
_ATTRIBUTES = st.dictionaries(st.sampled_from(("code", "root", "extension", "use")), _VALUES, max_size=3)
_TEXTS = st.one_of(st.just(""), st.just(" \n"), _VALUES)


@st.composite
def _element(draw: st.DrawFn, depth: int = 3) -> etree._Element:
    element = etree.Element(f"{{{HL7}}}{draw(st.sampled_from(_NAMES))}", draw(_ATTRIBUTES))
    element.text = draw(_TEXTS)
    for _ in range(draw(st.integers(0, 3)) if depth else 0):
        child = draw(_element(depth - 1))
        child.tail = draw(_TEXTS)
        element.append(child)
    return element


@st.composite
def _documents(draw: st.DrawFn) -> etree._ElementTree:
    root = etree.Element(f"{{{HL7}}}ClinicalDocument", nsmap={None: HL7})
    root.extend([draw(_element()) for _ in range(draw(st.integers(1, 4)))])
    return root.getroottree()


def _counts(found: Comparison) -> dict[str, int]:
    return {verdict.value: found.count(verdict) for verdict in Verdict if found.count(verdict)}


def _values(tree: etree._ElementTree) -> int:
    """Attributes and runs of text, counted in another way than the comparison does."""
    elements = list(tree.getroot().iter(etree.Element))
    texts = [text for one in elements for text in (one.text, one.tail) if text and text.strip()]
    return sum(len(one.attrib) for one in elements) + len(texts)


@given(_documents())
def test_a_document_equals_itself(tree: etree._ElementTree) -> None:
    found = compare(tree, copy.deepcopy(tree))
    assert found.ok
    assert _counts(found) == ({"equal": _values(tree)} if _values(tree) else {})


@given(_documents(), _documents())
def test_every_value_of_both_documents_is_told_once(one: etree._ElementTree, two: etree._ElementTree) -> None:
    found = compare(one, two)
    assert found.total == _values(one)
    places = [value.xpath for value in found.values if value.verdict is not Verdict.EXTRA]
    assert len(set(places)) == len(places)
    there = [value.actual_xpath for value in found.values if value.verdict is not Verdict.MISSING]
    assert len(set(there)) == len(there) == _values(two)


@given(_documents(), st.randoms(use_true_random=False))
def test_siblings_with_keys_stand_in_any_order(tree: etree._ElementTree, chance: random.Random) -> None:
    """Sections whose codes differ."""
    body = etree.SubElement(tree.getroot(), f"{{{HL7}}}structuredBody")
    for number, element in enumerate(tree.getroot()[:-1]):
        section = etree.SubElement(etree.SubElement(body, f"{{{HL7}}}component"), f"{{{HL7}}}section")
        etree.SubElement(section, f"{{{HL7}}}code", code=f"S{number}")
        section.append(copy.deepcopy(element))
    other = copy.deepcopy(tree)
    shuffled = list(other.getroot()[-1])
    chance.shuffle(shuffled)
    other.getroot()[-1][:] = shuffled
    assert set(_counts(compare(tree, other))) <= {"equal"}


def _official(examples_dir: Path) -> etree._ElementTree:
    return parse((examples_dir / "semd227_official.xml").read_bytes())


@pytest.mark.examples
def test_the_ministrys_example_has_the_values_that_others_count(examples_dir: Path) -> None:
    tree = _official(examples_dir)
    assert compare(tree, copy.deepcopy(tree)).total == _values(tree) == 1347


@pytest.mark.examples
@pytest.mark.parametrize("number", range(1, 687, 23))
def test_without_an_element_its_values_are_missing(number: int, examples_dir: Path) -> None:
    tree = _official(examples_dir)
    other = copy.deepcopy(tree)
    element = list(other.getroot().iter(etree.Element))[number]
    count = _values(element.getroottree())
    parent = element.getparent()
    assert parent is not None
    parent.remove(element)
    left = _values(other)
    assert _counts(compare(tree, other)) == {"equal": left} | ({"missing": count - left} if count > left else {})


@pytest.mark.examples
@pytest.mark.parametrize("number", range(0, 1217, 41))
def test_a_changed_attribute_is_one_difference(number: int, examples_dir: Path) -> None:
    tree = _official(examples_dir)
    other = copy.deepcopy(tree)
    element, name = [(one, name) for one in other.getroot().iter(etree.Element) for name in one.attrib][number]
    element.set(name, "changed")
    assert _counts(compare(tree, other)) == {"equal": 1346, "different": 1}
