"""Text of a document stays text on the HTML page, whatever it says and wherever it stands."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree, html

from adapter.findings import Finding, Place, Severity, Text
from adapter.xml import HL7, locate
from conformance.report import Report, Stage, StageName, Status
from conformance.reporters import render
from conformance.reporters.source import numbered

#: Elements that our own page is made of; a document can add none.
OURS = {
    "html", "head", "meta", "title", "style", "body", "header", "h1", "h2", "h3", "h4", "p", "span", "b", "fieldset",
    "legend", "label", "input", "main", "article", "ol", "ul", "li", "small", "a", "div", "section", "dl", "dt", "dd",
    "details", "summary", "table", "thead", "tbody", "tfoot", "tr", "th", "td", "caption", "pre", "code", "i", "aside",
    "script", "sub", "sup", "br", "nav",
}  # fmt: skip
HOSTILE = st.sampled_from(
    [
        "<script>alert(1)</script>",
        "</script><script>alert(1)</script>",
        "</style></pre></code><img src=x onerror=alert(1)>",
        "\"><svg onload='alert(1)'>",
        "' onmouseover='alert(1)",
        "{{ 7 * 7 }}{% include 'page.html.j2' %}",
        "]]><!--",
        "--><iframe src=//x.invalid>",
        "javascript:alert(1)",
        "&lt;script&gt;",
    ]
)
TEXT = st.one_of(HOSTILE, st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=30)).filter(
    lambda text: not any(ord(character) in {0xFFFE, 0xFFFF} for character in text)
)
NARRATIVE = st.sampled_from(
    ["table", "tr", "td", "list", "item", "paragraph", "content", "br", "caption", "sub", "script", "style", "svg", "a"]
)


@st.composite
def narratives(draw: st.DrawFn) -> etree._Element:
    """A ``section/text`` with elements of the narrative and others, hostile text and attributes."""
    root = etree.Element(f"{{{HL7}}}text")
    nodes = [root]
    for _ in range(draw(st.integers(0, 8))):
        node = etree.SubElement(draw(st.sampled_from(nodes)), f"{{{HL7}}}{draw(NARRATIVE)}")
        for name in draw(st.lists(st.sampled_from(["onclick", "style", "href", "styleCode", "colspan", "ID"]))):
            node.set(name, draw(TEXT))
        node.text, node.tail = draw(TEXT), draw(TEXT)
        nodes.append(node)
    return root


@st.composite
def documents(draw: st.DrawFn) -> etree._Element:
    root = etree.Element(f"{{{HL7}}}ClinicalDocument", nsmap={None: HL7})

    def add(parent: etree._Element, path: str, text: str = "") -> etree._Element:
        for name in path.split("/"):
            parent = etree.SubElement(parent, f"{{{HL7}}}{name}")
        parent.text = text
        return parent

    add(root, "title", draw(TEXT))
    add(root, "id").set("root", draw(TEXT))
    add(root, "code").set("displayName", draw(TEXT))
    add(root, "recordTarget/patientRole/patient/name/family", draw(TEXT))
    section = add(root, "component/structuredBody/component/section")
    add(section, "title", draw(TEXT))
    section.append(draw(narratives()))
    observation = add(section, "entry/observation")
    add(observation, "code").set("displayName", draw(TEXT))
    add(observation, "value", draw(TEXT))
    return root


def report(root: etree._Element, name: str) -> Report:
    stages = tuple(Stage(stage, Status.PASSED) for stage in StageName)
    nodes = list(root.iter("*"))
    findings = tuple(
        Finding("SCH01", Severity.ERROR, Text("т", "t"), place=Place(1), xpath=locate(node)) for node in nodes
    )
    return Report(name, "170", name, name, stages, findings)


@settings(max_examples=100, deadline=None)
@given(documents(), TEXT)
def test_no_text_of_a_document_becomes_markup(root: etree._Element, name: str) -> None:
    checked = report(root, name)
    page = html.document_fromstring(render("html", [checked], documents={name: etree.tostring(root)}))
    scripts = page.cssselect("script")
    harmless = html.document_fromstring(render("html", [replace(checked, source="x", title="x", pack="x")]))
    assert [script.text for script in scripts] == [script.text for script in harmless.cssselect("script")]
    for element in page.iter("*"):
        assert element.tag in OURS, element.tag
        assert not [key for key in element.attrib if key.startswith("on") or key in {"style", "src", "srcdoc"}]
        assert (element.get("href") or "#").startswith("#")


@settings(max_examples=100, deadline=None)
@given(documents())
def test_title_is_shown_as_it_is(root: etree._Element) -> None:
    checked = report(root, "x")
    page = html.document_fromstring(render("html", [checked], documents={"x": etree.tostring(root)}))
    title = " ".join((root[0].text or "").split())
    assert (page.cssselect(".paper > h3")[0].text or "") == title


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200) | TEXT.map(str.encode))
def test_source_lines_of_any_bytes(data: bytes) -> None:
    lines = numbered(data, ())
    assert [line.number for line in lines] == list(range(1, len(lines) + 1))
    for line in lines:
        fragment = html.fragment_fromstring(f"<pre>{line.html}</pre>")
        assert {element.tag for element in fragment.iter("*")} <= {"pre", "i"}
