"""The HTML page: what it shows, where its links lead, and that text of a document stays text."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace

import pytest
from lxml import html
from lxml.html import HtmlElement

from adapter.findings import Finding, Place, Severity, Text
from adapter.xml import locate, parse
from conformance.report import Report
from conformance.reporters import render
from conformance.reporters.document import moment, view
from conformance.reporters.narrative import narrative
from conformance.reporters.places import resolve
from conformance.reporters.source import MAX_LINES, numbered


def page(report: Report, document: bytes | None, language: str = "ru") -> HtmlElement:
    documents = {} if document is None else {report.source: document}
    return html.document_fromstring(render("html", [report], language=language, documents=documents))


def text(element: HtmlElement) -> str:
    return " ".join(element.text_content().split())


def test_document_is_rendered_for_a_person(rejected: Report, document: bytes) -> None:
    (paper,) = page(rejected, document).cssselect(".paper")
    shown = text(paper)
    for expected in ("Сертификат о прививках", "Пациентов Пётр Ильич", "01.03.1985", "112-233-445 95",
                     "Авторова Анна", "Медсестра (171)", "15.02.2024 10:30 +0300", "Иммунизация", "80 кг"):  # fmt: skip
        assert expected in shown
    assert paper.cssselect(".narrative table th")[0].get("colspan") == "2"
    assert [item.text for item in paper.cssselect(".narrative ol li")] == ["боль"]


def test_findings_lead_to_the_line_and_to_the_section(rejected: Report, document: bytes) -> None:
    root = page(rejected, document)
    anchors = {element.get("id") for element in root.cssselect("[id]")}
    links = root.cssselect(".finding a[href]")
    assert links
    assert {link.get("href").lstrip("#") for link in links} <= anchors
    at = {text(link): text(root.get_element_by_id(link.get("href")[1:])) for link in root.cssselect(".finding a.at")}
    assert at["Иммунизация"].startswith("Иммунизация")
    assert at["Пациент"].startswith("Пациент")
    line = root.get_element_by_id("d1-L14")
    assert "birthTime" in text(line)
    assert "error" in line.get("class").split()


def test_anchors_are_unique(reports: list[Report], documents: dict[str, bytes]) -> None:
    root = html.document_fromstring(render("html", reports, documents=documents))
    anchors = [element.get("id") for element in root.cssselect("[id]")]
    assert len(anchors) == len(set(anchors))
    assert len(root.cssselect("nav.index tbody tr")) == len(reports)


@pytest.mark.parametrize("language", ["ru", "en"])
def test_page_language(rejected: Report, document: bytes, language: str) -> None:
    root = page(rejected, document, language)
    assert root.get("lang") == language
    assert root.cssselect(".paper")[0].get("lang") == "ru"


def test_page_needs_nothing_from_outside(rejected: Report, document: bytes) -> None:
    root = page(rejected, document)
    assert not root.cssselect("link, img, iframe, object, embed, base, form, [src], [style]")
    assert all(link.get("href").startswith("#") for link in root.cssselect("[href]"))


def test_content_security_policy_allows_only_our_style_and_script(rejected: Report, document: bytes) -> None:
    root = page(rejected, document)
    (policy,) = root.cssselect("meta[http-equiv='Content-Security-Policy']")
    (style,), (script,) = root.cssselect("style"), root.cssselect("script")
    for element in (style, script):
        digest = base64.b64encode(hashlib.sha256(element.text.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy.get("content")
    assert policy.get("content").startswith("default-src 'none';")
    assert "unsafe" not in policy.get("content")


def test_partly_checked_is_said(partial: Report, document: bytes) -> None:
    root = page(partial, document)
    assert text(root.cssselect(".verdict")[0]) == "ПРОВЕРЕНО ЧАСТИЧНО"
    assert len(root.cssselect(".stages .not_checked")) == 2


def test_document_that_cannot_be_parsed_is_shown_as_source(broken: Report, document: bytes) -> None:
    root = page(broken, document[:300])
    assert not root.cssselect(".paper")
    assert "error" in root.get_element_by_id("d1-L3").get("class")


@pytest.mark.parametrize("data", [b"", b"\xff\xfe<\x00", b"\x00\x01<a>\xc3", b"<a/>"])
def test_any_bytes_can_be_shown(broken: Report, data: bytes) -> None:
    assert text(page(broken, data).cssselect(".note-box")[0])


def test_document_that_is_not_at_hand(broken: Report) -> None:
    root = page(broken, None)
    assert not root.cssselect(".source")
    assert not root.cssselect(".finding a")
    assert root.cssselect(".finding")


def test_document_in_one_line_is_indented_and_found_by_xpath(rejected: Report, document: bytes) -> None:
    one = re.sub(rb"\s*\n\s*", b" ", document)
    findings = tuple(replace(found, place=Place(1)) for found in rejected.findings if found.xpath)
    root = page(replace(rejected, findings=findings), one)
    (first, *_) = root.cssselect(".finding a.go")
    assert "birthTime" in text(root.get_element_by_id(first.get("href")[1:]))


def test_long_source_is_cut_to_what_is_near_findings() -> None:
    lines = numbered(b"<a/>\n" * (MAX_LINES * 2), {MAX_LINES + 50})
    numbers = [line.number for line in lines]
    assert MAX_LINES + 50 in numbers
    assert len(numbers) < 100
    assert [line.number for line in lines if line.gap] == [MAX_LINES + 50 - 12]


def test_source_keeps_every_character() -> None:
    data = b"<?xml version='1.0'?>\n<!-- two\nlines --><a b='1 > 0' c=\"<\">x &amp; y</a\n><"
    assert "\n".join(_plain(line.html) for line in numbered(data, ())) == data.decode()


def _plain(markup: str) -> str:
    return html.fragment_fromstring(f"<pre>{markup}</pre>").text_content()


def test_resolve_is_the_inverse_of_locate(document: bytes) -> None:
    root = parse(document).getroot()
    for element in root.iter("*"):
        assert resolve(root, locate(element)) is element


def test_resolve_stops_at_the_deepest_element_there_is(document: bytes) -> None:
    root = parse(document).getroot()
    patient = resolve(root, "/ClinicalDocument/recordTarget")
    assert patient is not None
    assert resolve(root, "/ClinicalDocument/recordTarget/nothing/id") is patient
    assert resolve(root, "/ClinicalDocument/recordTarget/@typeCode") is patient
    assert resolve(root, "/ClinicalDocument/recordTarget/patientRole[2]") is patient
    assert resolve(root, "/Envelope") is None
    assert resolve(root, "") is None
    foreign = parse(b'<a xmlns="http://x/y"><b/><b/></a>').getroot()
    assert resolve(foreign, "/{http://x/y}a/{http://x/y}b[2]") is foreign[1]


@pytest.mark.parametrize(
    ("cda", "expected"),
    [
        ("a<br/>b", "a<br>b"),
        ('<content styleCode="Bold xx">a</content>', '<span class="bold">a</span>'),
        ("<paragraph>a<sub>1</sub></paragraph>", '<div class="paragraph">a<sub>1</sub></div>'),
        ("<table><caption>c</caption><tr><td colspan='2'>x</td></tr></table>",
         '<table><caption>c</caption><tr><td colspan="2">x</td></tr></table>'),
        ("<td rowspan='1e9' onclick='x()'>x</td>", "<td>x</td>"),
        ("<linkHtml href='javascript:x()'>a</linkHtml>", "a"),
        ("<script>x()</script>", "x()"),
        ('<script xmlns="http://www.w3.org/1999/xhtml">x()</script>', "x()"),
        ('<td xmlns="http://www.w3.org/1999/xhtml">x</td>', "x"),
        ("a<!-- c -->b<?p i?>c", "abc"),
        ("&lt;script&gt;", "&lt;script&gt;"),
    ],
)  # fmt: skip
def test_narrative(cda: str, expected: str) -> None:
    root = parse(f'<text xmlns="urn:hl7-org:v3">{cda}</text>'.encode()).getroot()
    assert narrative(root) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [("2024", "2024"), ("202402", "02.2024"), ("20240215", "15.02.2024"),
     ("202402151030+0300", "15.02.2024 10:30 +0300"),
     ("20240215103005+0300", "15.02.2024 10:30:05 +0300"), ("вчера", "вчера"), ("2024021", "2024021")],
)  # fmt: skip
def test_moment(value: str, expected: str) -> None:
    assert moment(value) == expected


def test_view_of_something_else_is_nothing() -> None:
    assert view(parse(b"<ClinicalDocument/>").getroot()) is None


def test_finding_without_a_place(accepted: Report, document: bytes) -> None:
    note = Finding("NSI05", Severity.NOTE, Text("а", "a"))
    root = page(replace(accepted, findings=(note,)), document)
    assert not root.cssselect(".finding a")
