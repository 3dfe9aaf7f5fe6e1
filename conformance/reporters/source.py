"""The XML source of a document as numbered, lightly coloured lines of HTML."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from lxml import etree
from markupsafe import Markup, escape

from adapter.xml import Element

#: Longer lines than this on average cannot be read: the document is shown indented anew.
LONG_LINES = 500
#: Above this many lines only those around findings are shown.
MAX_LINES = 6000
CONTEXT = 12

_TOKEN = re.compile(r"(?P<c><!--.*?(?:-->|\Z))|(?P<p><\?.*?(?:\?>|\Z))|(?P<t><[^>]*>?)|(?P<x>[^<]+)", re.DOTALL)
_VALUE = re.compile(r"(\"[^\"]*\"|'[^']*')")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


@dataclass(frozen=True, slots=True)
class SourceLine:
    """One line; ``gap`` says that lines before it are left out."""

    number: int
    html: Markup
    gap: bool = False


def has_long_lines(data: bytes) -> bool:
    """Whether a person could not read it as it is written."""
    return len(data) / (data.count(b"\n") + 1) > LONG_LINES


def indented(root: Element) -> bytes:
    """The document laid out anew, one element a line; positions of elements among their siblings stay."""
    etree.indent(root, "  ")
    return etree.tostring(root.getroottree(), encoding="UTF-8", xml_declaration=True)


def numbered(data: bytes, marked: Collection[int]) -> list[SourceLine]:
    """Lines of the source for display.

    Args:
        data: the document; bytes that are not UTF-8 are shown as replacement characters.
        marked: numbers of lines that must be shown when the document is too long to show whole.
    """
    lines = list(_coloured(_CONTROL.sub("\ufffd", data.decode("utf-8-sig", "replace").replace("\r\n", "\n"))))
    if len(lines) > 1 and not lines[-1]:
        lines.pop()  # what follows the last line break is no line
    wanted = _window(len(lines), marked)
    shown: list[SourceLine] = []
    before = 0
    for number in wanted:
        shown.append(SourceLine(number, lines[number - 1], gap=number != before + 1))
        before = number
    return shown


def _window(count: int, marked: Collection[int]) -> list[int]:
    if count <= MAX_LINES:
        return list(range(1, count + 1))
    near: set[int] = set(range(1, CONTEXT + 1))
    for line in marked:
        near.update(range(max(1, line - CONTEXT), min(count, line + CONTEXT) + 1))
    return sorted(near)[:MAX_LINES]


def _coloured(text: str) -> Iterator[Markup]:
    """Lines with ``<i class>`` around comments, tags and attribute values; total on any text."""
    line: list[Markup] = []
    for token in _TOKEN.finditer(text):
        for piece, css in _pieces(token):
            first, *rest = piece.split("\n")
            line.append(_span(first, css))
            for part in rest:
                yield Markup("").join(line)
                line = [_span(part, css)]
    yield Markup("").join(line)


def _pieces(token: re.Match[str]) -> Iterator[tuple[str, str]]:
    kind = token.lastgroup or "x"
    if kind != "t":
        yield token[0], "" if kind == "x" else "c"
        return
    for piece in _VALUE.split(token[0]):
        yield piece, "v" if piece[:1] in {'"', "'"} else "t"


def _span(text: str, css: str) -> Markup:
    if not text or not css:
        return escape(text)
    return Markup('<i class="{}">{}</i>').format(css, text)
