"""A document as a doctor reads it: what stands in its header and in the texts of its sections, in plain blocks.

Only what a person is meant to read is taken over, as words; nothing of a document becomes markup.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from adapter.documents.narrative import moment
from adapter.findings import Text
from adapter.lineage.ways import Piece
from adapter.xml import HL7, Element, ElementTree

#: From the text of an element or attribute, marks and all, to pieces.
Cut = Callable[[str], tuple[Piece, ...]]

_N: Final = {"h": HL7}
_PATIENT: Final = "h:recordTarget/h:patientRole"
#: Caption, and where what it is said of stands: names of persons, texts, times, display names, identifiers.
_HEADER: Final = (
    (Text("Пациент", "Patient"), f"{_PATIENT}/h:patient/h:name"),
    (Text("Дата рождения", "Born"), f"{_PATIENT}/h:patient/h:birthTime/@value"),
    (Text("Пол", "Sex"), f"{_PATIENT}/h:patient/h:administrativeGenderCode/@displayName"),
    (Text("СНИЛС", "СНИЛС"), f"{_PATIENT}/h:id[@root='1.2.643.100.3']/@extension"),
    (Text("Адрес", "Address"), f"{_PATIENT}/h:addr/h:streetAddressLine"),
    (Text("Организация", "Organisation"), "h:custodian/h:assignedCustodian/h:representedCustodianOrganization/h:name"),
    (Text("Автор", "Author"), "h:author/h:assignedAuthor/h:assignedPerson/h:name"),
    (Text("Должность", "Position"), "h:author/h:assignedAuthor/h:code/@displayName"),
    (Text("Заверил", "Attested by"), "h:legalAuthenticator/h:assignedEntity/h:assignedPerson/h:name"),
    (Text("Создан", "Created"), "h:effectiveTime/@value"),
    (Text("Номер документа", "Document id"), "h:id/@extension"),
    (Text("Версия", "Version"), "h:versionNumber/@value"),
)
_TIMES: Final = ("effectiveTime", "birthTime")
_LEAVES: Final = frozenset({"tr", "paragraph", "item", "caption"})


@dataclass(frozen=True, slots=True)
class Block:
    """Something that stands by itself.

    Attributes:
        kind: ``title``, ``heading``, ``field`` (caption and value), ``row`` (of a table), ``paragraph`` or ``item``.
        level: of a heading, from 2.
        caption: of a field.
        cells: a text each; ``heads`` says which of them are headings of their row or column.
    """

    kind: str
    cells: tuple[tuple[Piece, ...], ...]
    level: int = 0
    caption: Text | None = None
    heads: tuple[bool, ...] = ()


def read_document(tree: ElementTree, cut: Cut) -> tuple[Block, ...]:
    """The blocks of a document; empty for what is no ClinicalDocument."""
    root = tree.getroot()
    if root.tag != f"{{{HL7}}}ClinicalDocument":
        return ()
    return tuple(_blocks(root, cut))


def _blocks(root: Element, cut: Cut) -> Iterator[Block]:
    for title in root.findall("h:title", _N):
        yield Block("title", (_said(title, cut),))
    for caption, path in _HEADER:
        for found in _found(root, path, cut):
            yield Block("field", (found,), caption=caption)
    for section in root.findall("h:component/h:structuredBody/h:component/h:section", _N):
        yield from _section(section, cut, 2)


def _found(root: Element, path: str, cut: Cut) -> Iterator[tuple[Piece, ...]]:
    elements, _, attribute = path.partition("/@")
    for element in root.findall(elements, _N):
        if attribute:
            value = element.get(attribute)
            if value:
                pieces = cut(value)
                yield _timed(pieces) if _name(element) in _TIMES else pieces
        else:
            said = _said(element, cut)
            if said:
                yield said


def _timed(pieces: tuple[Piece, ...]) -> tuple[Piece, ...]:
    return tuple(Piece(str(moment(piece.text)), piece.way) for piece in pieces)


def _section(section: Element, cut: Cut, level: int) -> Iterator[Block]:
    for title in section.findall("h:title", _N):
        yield Block("heading", (_said(title, cut),), level=level)
    for text in section.findall("h:text", _N):
        yield from _narrative(text, cut)
    for inner in section.findall("h:component/h:section", _N):
        yield from _section(inner, cut, min(level + 1, 6))


def _narrative(element: Element, cut: Cut) -> Iterator[Block]:
    """The text of a section; what is no row, paragraph or item is a paragraph."""
    loose: list[Piece] = [*_words(element.text, cut)]
    for child in element:
        name = _name(child)
        if name in _LEAVES or _has_leaves(child):
            if loose:
                yield Block("paragraph", (tuple(loose),))
                loose = []
            yield from _leaf(child, name, cut) if name in _LEAVES else _narrative(child, cut)
        else:
            loose += _said(child, cut)
        loose += _words(child.tail, cut)
    if loose:
        yield Block("paragraph", (tuple(loose),))


def _name(element: Element) -> str:
    """Its local name; empty of what is no element."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _has_leaves(element: Element) -> bool:
    return any(_name(one) in _LEAVES for one in element.iter())


def _leaf(element: Element, name: str, cut: Cut) -> Iterator[Block]:
    if name == "tr":
        cells: Sequence[Element] = [one for one in element if _name(one)]
        heads = tuple(_name(one) == "th" for one in cells)
        yield Block("row", tuple(_said(one, cut) for one in cells), heads=heads)
    else:
        said = _said(element, cut)
        if said:
            yield Block("item" if name == "item" else "paragraph", (said,))


def _said(element: Element, cut: Cut) -> tuple[Piece, ...]:
    """The words of an element and of those in it, apart by spaces."""
    found: list[Piece] = []
    for text in element.itertext():
        words = _words(text, cut)
        if words and found:
            found.append(Piece(" "))
        found += words
    return tuple(found)


def _words(text: str | None, cut: Cut) -> tuple[Piece, ...]:
    return cut(text.strip()) if text and text.strip() else ()
