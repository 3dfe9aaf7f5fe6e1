"""A СЭМД as a person reads it: cards of the header, sections with their narrative and coded data.

Values of the document are plain strings here; the template escapes them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, cast

from lxml import etree
from markupsafe import Markup

from adapter.xml import HL7, Element
from conformance.reporters.narrative import is_empty, narrative

_NS: Final = {"c": HL7, "identity": "urn:hl7-ru:identity"}
_SNILS: Final = "1.2.643.100.3"
_TS = re.compile(r"(\d{4})(?:(\d\d)(?:(\d\d)(?:(\d\d)(\d\d)(\d\d)?)?)?)?(?:\.\d+)?([+-]\d{4})?")

#: Facts of a card: label, XPath of the elements that hold it (read by :func:`shown`).
_PERSON = "(.//c:assignedPerson|.//c:associatedPerson|.//c:patient)/c:name"
_ORGANISATION = (
    ".//c:representedOrganization/c:name|.//c:representedCustodianOrganization/c:name|.//c:scopingOrganization/c:name"
    "|.//c:receivedOrganization/c:name|.//c:providerOrganization/c:name"
)
_CARDS: Final[dict[str, tuple[tuple[str, str], ...]]] = {
    "recordTarget": (
        ("name", "c:patientRole/c:patient/c:name"),
        ("birth", "c:patientRole/c:patient/c:birthTime"),
        ("gender", "c:patientRole/c:patient/c:administrativeGenderCode"),
        ("snils", f"c:patientRole/c:id[@root='{_SNILS}']"),
        ("address", "c:patientRole/c:addr/c:streetAddressLine"),
        ("telecom", "c:patientRole/c:telecom"),
        ("organisation", "c:patientRole/c:providerOrganization/c:name"),
    ),
    "author": (
        ("name", _PERSON),
        ("position", "c:assignedAuthor/c:code"),
        ("organisation", _ORGANISATION),
        ("date", "c:time"),
    ),
    "custodian": (
        ("organisation", _ORGANISATION),
        ("address", ".//c:addr/c:streetAddressLine"),
        ("telecom", ".//c:telecom"),
    ),
    "informationRecipient": (("organisation", _ORGANISATION),),
    "legalAuthenticator": (
        ("name", _PERSON),
        ("position", "c:assignedEntity/c:code"),
        ("organisation", _ORGANISATION),
        ("date", "c:time"),
    ),
    "participant": (
        ("name", _PERSON),
        ("type", "c:associatedEntity/c:code"),
        ("number", ".//identity:DocInfo/identity:Number"),
        ("organisation", _ORGANISATION),
    ),
    "inFulfillmentOf": (("type", "c:order/c:code"), ("id", "c:order/c:id")),
    "documentationOf": (
        ("type", "c:serviceEvent/c:code"),
        ("date", "c:serviceEvent/c:effectiveTime"),
        ("name", _PERSON),
    ),
    "componentOf": (
        ("type", "c:encompassingEncounter/c:code"),
        ("date", "c:encompassingEncounter/c:effectiveTime"),
        ("id", "c:encompassingEncounter/c:id"),
    ),
    "relatedDocument": (("id", "c:parentDocument/c:id"),),
}
_ABOUT: Final = (
    ("type", "c:code"),
    ("date", "c:effectiveTime"),
    ("id", "c:id"),
    ("set_id", "c:setId"),
    ("version", "c:versionNumber"),
    ("confidentiality", "c:confidentialityCode"),
)


@dataclass(frozen=True, slots=True)
class Card:
    """One part of the header: the key of its title in the labels, and (label key, values)."""

    element: Element
    label: str
    facts: list[tuple[str, list[str]]]


@dataclass(frozen=True, slots=True)
class Row:
    """One coded datum of a section."""

    depth: int
    label: str
    value: str


@dataclass(frozen=True, slots=True)
class Section:
    """One section; ``depth`` is 0 for sections of the body itself."""

    element: Element
    depth: int
    title: str
    narrative: Markup | None
    rows: list[Row] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class DocumentView:
    """A whole document."""

    title: str
    cards: list[Card]
    sections: list[Section]


def view(root: Element) -> DocumentView | None:
    """What to show of a document; None where it is not a ClinicalDocument of HL7."""
    if root.tag != f"{{{HL7}}}ClinicalDocument":
        return None
    return DocumentView(
        title=" ".join(root.findtext("c:title", "", _NS).split()),
        cards=[card for card in _cards(root) if card.facts],
        sections=list(_sections(root)),
    )


def _cards(root: Element) -> Iterator[Card]:
    yield Card(root, "ClinicalDocument", _facts(root, _ABOUT))
    for element in root.iterchildren(f"{{{HL7}}}*"):
        local = etree.QName(element).localname
        if local in _CARDS:
            kind = element.get("typeCode", "")
            label = f"{local}_{kind}" if local == "participant" and kind in {"IND", "REF"} else local
            yield Card(element, label, _facts(element, _CARDS[local]))


def _facts(element: Element, paths: tuple[tuple[str, str], ...]) -> list[tuple[str, list[str]]]:
    facts = []
    for label, path in paths:
        found = cast("list[Element]", element.xpath(path, namespaces=_NS))
        values = [text for node in found if not node.get("nullFlavor") and (text := shown(node))]
        if values:
            facts.append((label, list(dict.fromkeys(values))))
    return facts


def shown(element: Element) -> str:
    """A datatype of CDA (CD, II, TS, PQ, PN, AD, TEL, ST, …) as one line for a person."""
    if flavor := element.get("nullFlavor"):
        return f"— ({flavor})"
    if display := element.get("displayName"):
        code = element.get("code")
        return f"{display} ({code})" if code else display
    if element.get("root") is not None:
        root, extension = element.get("root", ""), element.get("extension")
        return extension if root == _SNILS and extension else " ^ ".join(filter(None, (root, extension)))
    value = element.get("value")
    if value is not None:
        return _value(element, value)
    ends = [element.find(f"c:{name}", _NS) for name in ("low", "high")]
    if any(end is not None for end in ends):
        return " … ".join("" if end is None else shown(end) for end in ends).strip()
    parts = (" ".join(str(text).split()) for text in element.itertext("*"))
    return " ".join(part for part in parts if part)


def _value(element: Element, value: str) -> str:
    local = etree.QName(element).localname
    if local in {"effectiveTime", "time", "birthTime", "low", "high"}:
        return moment(value)
    return " ".join(filter(None, (value, element.get("unit"))))


def moment(value: str) -> str:
    """``202402151030+0300`` → ``15.02.2024 10:30 +0300``; anything else unchanged."""
    match = _TS.fullmatch(value)
    if match is None:
        return value
    year, month, day, hour, minute, second, zone = match.groups()
    date = ".".join(part for part in (day, month, year) if part)
    clock = ":".join(part for part in (hour, minute, second) if part)
    return " ".join(part for part in (date, clock, zone) if part)


def _sections(root: Element) -> Iterator[Section]:
    tag = f"{{{HL7}}}section"
    for element in root.iter(tag):
        text = element.find("c:text", _NS)
        yield Section(
            element=element,
            depth=sum(1 for _ in element.iterancestors(tag)),
            title=" ".join(element.findtext("c:title", "", _NS).split()),
            narrative=None if text is None or is_empty(text) else narrative(text),
            rows=[row for entry in element.iterfind("c:entry", _NS) for row in _rows(entry)],
        )


def _rows(entry: Element) -> Iterator[Row]:
    """The coded statements of an entry: everything that has a named code, nested as in the document."""
    depth = 0
    for event, node in etree.iterwalk(entry, events=("start", "end")):
        code = node.find("c:code[@displayName]", _NS)
        if code is None:
            continue
        if event == "end":
            depth -= 1
            continue
        values = [
            text
            for name in ("value", "text", "effectiveTime")
            for child in node.iterfind(f"c:{name}", _NS)
            if (text := shown(child))
        ]
        yield Row(depth, code.get("displayName", ""), "; ".join(values))
        depth += 1
