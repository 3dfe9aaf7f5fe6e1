"""What the files of a pack say about themselves: templates, version, title, counts; where a schema leads to.

Facts of the notation are from the published files: https://github.com/1CMedicine/semd_validator, commit c8164c6.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from lxml import etree

from adapter.documents.kinds import TemplateId
from adapter.errors import XmlRefused
from adapter.xml import ElementTree, parse
from conformance.packs.model import refuse

_SCH: Final = "{http://purl.oclc.org/dsdl/schematron}"
_XS: Final = "{http://www.w3.org/2001/XMLSchema}"

_TEMPLATE_CONTEXT = re.compile(r"(?:^|/)ClinicalDocument(\[.*\])?/templateId$")
_CODE_CONTEXT = re.compile(r"(?:^|/)ClinicalDocument/code$")
_ROOTS = re.compile(r"@root\s*=\s*(\[[^\]]*\]|'[^']*'|\"[^\"]*\")")
_CODES = re.compile(r"@code\s*=\s*(\[[^\]]*\]|'[^']*'|\"[^\"]*\")")
_LITERAL = re.compile(r"'([^']*)'|\"([^\"]*)\"")
_CHANGE = re.compile(r"(\d{2})\.(\d{2})\.(\d{4})\s*-\s*v\.?\s*(\d{1,4}(?:\.\d{1,4}){0,3})\b")
_TITLE = re.compile(r"[Сс]хематрон для СЭМД\s*[\"«]([^\"»]{1,400})[\"»]")
_REMOTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


@dataclass(frozen=True, slots=True)
class SchematronFacts:
    """What a ``.sch`` says about itself.

    Attributes:
        template_ids: roots asserted for ``ClinicalDocument/templateId``, each with a document code where the
            rules tie one to it.
        version: the highest version of the changelog in its first comments; empty where it has none.
        published: ISO date of that version.
        title: title of the kind in its first comment; empty where it has none.
        patterns, rules, asserts, reports: how many.
    """

    template_ids: tuple[TemplateId, ...]
    version: str
    published: str
    title: str
    patterns: int
    rules: int
    asserts: int
    reports: int


def parse_rules(name: str, data: bytes) -> ElementTree:
    """Parse a ``.sch`` or ``.xsd`` through the hardened entry point.

    Raises:
        PackError: not well-formed, with a DOCTYPE, not UTF-8; names the file and the line.
    """
    try:
        return parse(data)
    except XmlRefused as error:
        finding = error.finding
        raise refuse(
            f"{name}:{finding.place.line}",
            f"{finding.message.ru} [{finding.code}]",
            f"{finding.message.en} [{finding.code}]",
        ) from error


def read_schematron(name: str, tree: ElementTree) -> SchematronFacts:
    """The facts of a parsed ``.sch``.

    Raises:
        PackError: the file is not a Schematron.
    """
    root = tree.getroot()
    if root.tag != f"{_SCH}schema":
        raise refuse(name, "не схематрон (другой корневой элемент)", "not a Schematron (another root element)")
    comments = [comment.text or "" for comment in _prolog(root)]
    version, published = _version(comments)
    titles = (_TITLE.search(comment) for comment in comments)
    count = {tag: sum(1 for _ in root.iter(f"{_SCH}{tag}")) for tag in ("pattern", "rule", "assert", "report")}
    return SchematronFacts(
        template_ids=tuple(dict.fromkeys(_templates(root))),
        version=version,
        published=published,
        title=next((match.group(1).strip() for match in titles if match), ""),
        patterns=count["pattern"],
        rules=count["rule"],
        asserts=count["assert"],
        reports=count["report"],
    )


def xsd_family(entry: ElementTree) -> Literal["generic", "modular"]:
    """``generic`` where the entry includes HL7's own ``POCD_MT000040.xsd``, else ``modular`` (a file per block)."""
    names = {posixpath.basename(location) for _, location in _locations(entry)}
    return "generic" if "POCD_MT000040.xsd" in names else "modular"


def check_locations(name: str, tree: ElementTree, files: Mapping[str, object]) -> None:
    """See that a schema takes others from its own pack alone.

    Some published schemas import with a backslash (``coreschemas\\datatypes-base.xsd``). libxml2 finds no such
    file and goes on with what was included before, so they compile; the files are kept as they are. A location
    that exists nowhere is left to the compiler: an include must exist, an import need not.

    Raises:
        PackError: the location is remote, absolute, or outside the pack.
    """
    for line, location in _locations(tree):
        path = posixpath.normpath(posixpath.join(posixpath.dirname(name), location))
        leaves = path.startswith(("/", "../")) or path == ".."
        if path not in files and (leaves or _REMOTE.match(location)):
            raise refuse(
                f"{name}:{line}",
                "схема подключает файл вне пакета",
                "the schema takes a file from outside of the pack",
            )


def _locations(tree: ElementTree) -> Iterator[tuple[int, str]]:
    for tag in ("include", "import", "redefine", "override"):
        for element in tree.iter(f"{_XS}{tag}"):
            location = element.get("schemaLocation")
            if location is not None:
                yield element.sourceline or 0, location.strip().replace("\\", "/")


def _prolog(root: etree._Element) -> Iterable[etree._Element]:
    before = [node for node in root.itersiblings(preceding=True) if isinstance(node, etree._Comment)]
    return reversed(before)


def _version(comments: Iterable[str]) -> tuple[str, str]:
    best: tuple[tuple[int, ...], str, str] = ((), "", "")
    for comment in comments:
        for day, month, year, version in _CHANGE.findall(comment):
            number = tuple(int(part) for part in version.split("."))
            best = max(best, (number, version, f"{year}-{month}-{day}"))
    return best[1], best[2]


def _templates(root: etree._Element) -> Iterator[TemplateId]:
    codes = tuple(_asserted(root, _CODE_CONTEXT, _CODES)) or ("",)
    for rule in root.iter(f"{_SCH}rule"):
        context = _TEMPLATE_CONTEXT.search(rule.get("context", "").strip())
        if context is None:
            continue
        own = tuple(_literals(_CODES, context.group(1) or "")) or codes
        for check in rule.iter(f"{_SCH}assert"):
            for value in _literals(_ROOTS, check.get("test", "")):
                yield from (TemplateId(value, code) for code in own)


def _asserted(root: etree._Element, context: re.Pattern[str], values: re.Pattern[str]) -> Iterator[str]:
    for rule in root.iter(f"{_SCH}rule"):
        if context.search(rule.get("context", "").strip()):
            for check in rule.iter(f"{_SCH}assert"):
                yield from _literals(values, check.get("test", ""))


def _literals(values: re.Pattern[str], text: str) -> Iterator[str]:
    for match in values.finditer(text):
        for single, double in _LITERAL.findall(match.group(1)):
            yield single or double
