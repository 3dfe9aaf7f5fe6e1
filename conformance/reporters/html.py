"""One self-contained HTML page: the document as a person reads it beside the findings, and its source below.

The page shows values of the document that the caller gave; nothing else of this project does. Text of the
document reaches the page only through Jinja's autoescape and :mod:`markupsafe`; a content security policy
with hashes allows the one script and the one style sheet of the page and nothing
else, whatever the document says.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from ruamel.yaml import YAML

from adapter.catalogue import builtin_root
from adapter.errors import XmlRefused
from adapter.findings import Finding, Severity, Text
from adapter.xml import Element, parse, place
from conformance.report import Report, Stage
from conformance.reporters import Options
from conformance.reporters import words as w
from conformance.reporters.document import DocumentView, view
from conformance.reporters.places import resolve
from conformance.reporters.source import SourceLine, has_long_lines, indented, numbered

_BAD_FIRST = (Severity.ERROR, Severity.WARNING, Severity.NOTE)


@dataclass(frozen=True, slots=True)
class Shown:
    """A finding with the anchors that it leads to (empty where there is no such place on the page)."""

    finding: Finding
    line: int = 0
    block: str = ""
    block_title: str = ""


@dataclass(slots=True)
class Page:
    """One document on the page: everything that the template needs of it."""

    report: Report
    prefix: str
    document: DocumentView | None = None
    source: list[SourceLine] = field(default_factory=list)
    source_indented: bool = False
    source_partly: bool = False
    note: str = ""
    groups: list[tuple[Stage, list[Shown]]] = field(default_factory=list)
    blocks: dict[Element, str] = field(default_factory=dict)
    marks: dict[int, Severity] = field(default_factory=dict)
    anchors: frozenset[int] = frozenset()


def render(reports: Sequence[Report], options: Options) -> str:
    """See :mod:`conformance.reporters`; a document not in ``options`` is shown by its findings alone."""
    style, script = ((_folder() / name).read_text("utf-8") for name in ("report.css", "report.js"))
    labels = {key: text.get(options.language) for key, text in _labels().items()}
    template = _environment().get_template("page.html.j2")
    return template.render(
        language=options.language,
        t=labels,
        pages=[_page(report, f"d{number}", options, labels) for number, report in enumerate(reports, start=1)],
        totals=[
            (severity, total, sum(report.count(severity) for report in reports)) for severity, total in w.TOTALS.items()
        ],
        w=w,
        style=Markup(style),  # noqa: S704 - our own file, shipped with the package
        script=Markup(script),  # noqa: S704 - our own file, shipped with the package
        style_hash=_csp_hash(style),
        script_hash=_csp_hash(script),
    )


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(_folder()),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _folder() -> Path:
    return builtin_root() / "templates" / "report"


@lru_cache(maxsize=1)
def _labels() -> dict[str, Text]:
    loaded = YAML(typ="safe").load(_folder() / "labels.yaml")
    return {key: Text(**text) for key, text in loaded.items()}


def _csp_hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _page(report: Report, prefix: str, options: Options, labels: dict[str, str]) -> Page:
    page = Page(report, prefix)
    data = options.documents.get(report.source)
    root: Element | None = None
    if data is None:
        page.note = labels["no_document"]
    else:
        data, root = _read(page, data, labels)
    if root is not None:
        page.document = view(root)
        page.note = "" if page.document else labels["not_cda"]
        page.blocks = _blocks(page)
    titles = _titles(page, labels)
    page.groups = [
        (stage, [_shown(page, finding, root, titles) for finding in findings]) for stage, findings in w.by_stage(report)
    ]
    page.marks = _marks(page)
    if data is not None:
        page.source = numbered(data, page.marks)
        page.anchors = frozenset(line.number for line in page.source)
        page.source_partly = any(line.gap for line in page.source)
    return page


def _read(page: Page, data: bytes, labels: dict[str, str]) -> tuple[bytes, Element | None]:
    """The document to show, laid out anew where its lines are too long, and its root if it can be parsed."""
    try:
        root = parse(data).getroot()
    except XmlRefused:
        page.note = labels["not_rendered"]
        return data, None
    if has_long_lines(data):
        page.source_indented = True
        data = indented(root)
        root = parse(data).getroot()
    return data, root


def _blocks(page: Page) -> dict[Element, str]:
    """Elements that stand as a block of the rendered document, with the anchor of each."""
    if page.document is None:
        return {}
    elements = [card.element for card in page.document.cards]
    elements += [section.element for section in page.document.sections]
    return {element: f"{page.prefix}-b{number}" for number, element in enumerate(elements, start=1)}


def _titles(page: Page, labels: dict[str, str]) -> dict[str, str]:
    if page.document is None:
        return {}
    titles = {page.blocks[card.element]: labels[card.label] for card in page.document.cards}
    for section in page.document.sections:
        titles[page.blocks[section.element]] = section.title or labels["no_title"]
    return titles


def _marks(page: Page) -> dict[int, Severity]:
    """Lines with findings, each with the worst severity on it."""
    marks: dict[int, Severity] = {}
    for severity in reversed(_BAD_FIRST):
        for _, group in page.groups:
            marks.update({shown.line: severity for shown in group if shown.finding.severity is severity})
    marks.pop(0, None)
    return marks


def _shown(page: Page, finding: Finding, root: Element | None, titles: dict[str, str]) -> Shown:
    line = 0 if page.source_indented or finding.place.file else finding.place.line
    element = resolve(root, finding.xpath) if root is not None and finding.xpath else None
    if element is None:
        return Shown(finding, line)
    block = next((page.blocks[node] for node in _upwards(element) if node in page.blocks), "")
    return Shown(finding, line or place(element).line, block, titles.get(block, ""))


def _upwards(element: Element) -> Iterable[Element]:
    yield element
    yield from element.iterancestors()
