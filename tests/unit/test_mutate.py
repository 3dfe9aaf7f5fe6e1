"""The mutation tool."""

from __future__ import annotations

from collections import Counter
from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from adapter.errors import XmlRefused
from adapter.xml import HL7, locate, parse
from conformance.mutate import OPERATORS, mutants

DOCUMENT = f"""<?xml version="1.0" encoding="UTF-8"?>
<!-- made by hand -->
<ClinicalDocument xmlns="{HL7}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
  <id root="1.2.643.5.1" extension="a-1"/>
  <code code="53" codeSystem="1.2.643.5.1.13.13.11.1522" codeSystemVersion="7.24"/>
  <title>Title</title>
  <effectiveTime value="202402151030+0300"/>
  <author><id root="1.2.643.5.2"/><time nullFlavor="NI"/></author>
  <component><structuredBody>
    <component><section><text>one <b>two</b> three</text></section></component>
    <component><section><entry><observation>
      <value xsi:type="INT" value="1"/>
    </observation></entry></section></component>
  </structuredBody></component>
</ClinicalDocument>""".encode()


def canonical(data: bytes) -> bytes:
    return etree.tostring(parse(data), method="c14n2")


def test_the_same_seed_gives_the_same_mutants():
    first = list(mutants(DOCUMENT, seed=1, count=100))
    assert first == list(mutants(DOCUMENT, seed=1, count=100))
    assert first[:40] == list(mutants(DOCUMENT, seed=1, count=40))
    assert first != list(mutants(DOCUMENT, seed=2, count=100))


def test_mutants_go_over_all_operators_in_turn():
    used = Counter(mutant.name for mutant in mutants(DOCUMENT, seed=1, count=len(OPERATORS) * 3))
    assert used == dict.fromkeys(OPERATORS, 3)


def test_operators_without_a_place_are_left_out():
    used = {mutant.name for mutant in mutants(b"<a/>", seed=1, count=100)}
    assert "rename-element" in used
    assert not used & {"remove-element", "code-system", "date", "move-section", "swap-siblings"}


def test_mutants_go_over_the_whole_document():
    items = "".join(f'<item n="{n}"/>' for n in range(100))
    places = [
        int(mutant.xpath.rpartition("[")[2].rstrip("]"))
        for mutant in mutants(f"<a>{items}</a>".encode(), seed=3, count=800)
        if mutant.name == "remove-element"
    ]
    tenths = Counter((place - 1) // 10 for place in places)
    assert set(tenths) == set(range(10))
    assert max(tenths.values()) <= 2 * min(tenths.values())


@pytest.mark.parametrize("name", list(OPERATORS))
def test_every_operator_changes_the_document_where_it_says(name):
    original = {locate(element) for element in parse(DOCUMENT).iter("*")}
    made = [mutant for mutant in mutants(DOCUMENT, seed=5, count=len(OPERATORS) * 8) if mutant.name == name]
    assert {mutant.xpath for mutant in made} <= original
    assert any(canonical(mutant.data) != canonical(DOCUMENT) for mutant in made)
    assert all(mutant.description.ru and mutant.description.en for mutant in made)


def one(name: str, document: str) -> etree._Element:
    """The root of the first mutant of ``document`` by the operator ``name``."""
    found = (mutant for mutant in mutants(document.encode(), seed=1, count=500) if mutant.name == name)
    return parse(next(islice(found, 1)).data).getroot()


def test_text_around_a_removed_element_stays():
    root = one("remove-element", "<a>one<b/>two</a>")
    assert len(root) == 0
    assert root.text == "onetwo"


def test_an_emptied_element_keeps_its_attributes():
    root = one("empty-element", '<a x="1">text<b/>tail</a>')
    assert dict(root.attrib) == {"x": "1"}
    assert len(root) == 0
    assert not root.text


def test_a_comment_leaves_the_text_as_it_was():
    root = one("insert-comment", "<a>some text</a>")
    assert root[0].tag is etree.Comment
    assert root.xpath("string()") == "some text"


def test_swapped_siblings():
    assert [child.tag for child in one("swap-siblings", "<a><b/><c/></a>")] == ["c", "b"]


def test_replacing_by_a_null_flavor_leaves_nothing_else():
    root = one("replace-by-null-flavor", '<a x="1">text</a>')
    assert list(root.attrib) == ["nullFlavor"]
    assert not root.text


def test_comments_before_the_root_and_the_declaration_stay():
    mutant = next(mutants(DOCUMENT, seed=1, count=1))
    assert mutant.data.startswith(b'<?xml version="1.0" encoding="UTF-8"?>\n<!-- made by hand -->')


def test_a_document_that_is_refused():
    with pytest.raises(XmlRefused):
        list(mutants(b"<a", seed=1, count=1))


names = st.sampled_from((f"{{{HL7}}}a", f"{{{HL7}}}section", f"{{{HL7}}}id", "{urn:hl7-ru:identity}p", "b"))
values = st.sampled_from(("", "1", "2024", "20240215+0300", "a]]>", "<&\"'", "Я\n"))


def build(name, attributes, text, children, tail):
    element = etree.Element(name, attributes)
    element.text, element.tail = text, tail
    element.extend(children)
    return element


trees = st.recursive(
    st.builds(build, names, st.dictionaries(st.sampled_from(("value", "code", "root", "nullFlavor")), values), values,
              st.just([]), values),
    lambda inner: st.builds(build, names, st.just({}), values, st.lists(inner, max_size=3), values),
    max_leaves=10,
)  # fmt: skip


@settings(max_examples=100)
@given(trees, st.integers(0, 2**32))
def test_mutants_are_well_formed_whatever_the_document(tree, seed):
    tree.tail = None
    for mutant in mutants(etree.tostring(tree, encoding="UTF-8"), seed=seed, count=40):
        parse(mutant.data)
