"""The one entry point for XML from outside: DOCTYPE refused, UTF-8 only, size and depth limited, no network.

Every other use of an XML parser is banned by lint (``pyproject.toml``). The parser never reports a value of
the document: libxml2's own messages quote content, so only the kind of the error and its place are kept.
"""

from __future__ import annotations

import re
import threading
from collections import Counter
from dataclasses import dataclass
from typing import Final

from lxml import etree

from adapter.errors import XmlRefused
from adapter.findings import Finding, Place, Severity, Text

HL7: Final = "urn:hl7-org:v3"
XSI: Final = "http://www.w3.org/2001/XMLSchema-instance"

#: Prefixes by which namespaces of СЭМД are written in places and rules; HL7 names stand without one.
PREFIXES: Final[dict[str, str]] = {
    HL7: "",
    "urn:hl7-ru:identity": "identity:",
    "urn:hl7-ru:address": "address:",
    "urn:hl7-ru:medService": "medService:",
    "urn:hl7-ru:fias": "fias:",
    "urn:hl7-ru:PII": "PII:",
    XSI: "xsi:",
}

#: Characters that XML 1.0 cannot carry.
FORBIDDEN: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

Element = etree._Element
ElementTree = etree._ElementTree

_BOM = b"\xef\xbb\xbf"
_PROLOG_DOCTYPE = re.compile(rb"(?:\xef\xbb\xbf)?(?:\s+|<\?.*?\?>|<!--.*?-->)*<!DOCTYPE", re.DOTALL)
_DECLARED = re.compile(rb"(?:\xef\xbb\xbf)?<\?xml[^>]*?\sencoding\s*=\s*[\"']([A-Za-z0-9._-]+)[\"']")
_WIDE = (b"\xff\xfe", b"\xfe\xff", b"<\x00", b"\x00<", b"\x00\x00")
_UTF8_NAMES = frozenset({"utf-8", "utf8", "us-ascii", "ascii"})


@dataclass(frozen=True, slots=True)
class XmlLimits:
    """Bounds on a document.

    Depth is bounded by libxml2 itself (256 levels in old releases, 2048 in new ones), as is the length of one
    text or attribute (10 MB).
    """

    max_bytes: int = 64 * 1024 * 1024


_LOCAL = threading.local()


def _parser() -> etree.XMLParser:
    """One parser a thread: lxml serialises threads that share one."""
    parser: etree.XMLParser | None = getattr(_LOCAL, "parser", None)
    if parser is None:
        parser = etree.XMLParser(
            resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, collect_ids=False
        )
        _LOCAL.parser = parser
    return parser


def refuse(code: str, message: Text, hint: Text, *, line: int = 0, column: int = 0) -> XmlRefused:
    """The exception for a document that is refused as a whole."""
    return XmlRefused(Finding(code, Severity.ERROR, message, hint, Place(line, column)))


def too_large(size: int, limits: XmlLimits) -> XmlRefused:
    """The refusal of a document of ``size`` bytes; callers that know the size before reading use it too."""
    return refuse(
        "XML03",
        Text(
            f"Документ больше допустимого: {size} байт, предел {limits.max_bytes}.",
            f"The document is too large: {size} bytes, the limit is {limits.max_bytes}.",
        ),
        Text("Предел задаёт EGISZ_XML_MAX_BYTES.", "EGISZ_XML_MAX_BYTES sets the limit."),
    )


def parse(data: bytes, limits: XmlLimits = XmlLimits()) -> ElementTree:
    """Parse untrusted bytes.

    Args:
        data: the document, UTF-8 with or without a byte order mark.
        limits: bounds on size.

    Raises:
        XmlRefused: codes XML01 (not well-formed), XML02 (DOCTYPE), XML03 (too large), XML04 (too deep or too
            long a text), XML05 (not UTF-8).
    """
    if len(data) > limits.max_bytes:
        raise too_large(len(data), limits)
    _refuse_encoding(data)
    if b"<!DOCTYPE" in data and _PROLOG_DOCTYPE.match(data):
        raise _doctype()
    try:
        root = etree.fromstring(data, _parser())
    except etree.XMLSyntaxError as error:
        raise _syntax(error) from None
    tree = root.getroottree()
    if tree.docinfo.doctype:
        raise _doctype()
    return tree


def has_bom(data: bytes) -> bool:
    """Whether the document begins with a UTF-8 byte order mark."""
    return data.startswith(_BOM)


def _refuse_encoding(data: bytes) -> None:
    declared = _DECLARED.match(data)
    name = declared.group(1).decode("ascii").lower() if declared else "utf-8"
    if data.startswith(_WIDE) or name not in _UTF8_NAMES:
        raise refuse(
            "XML05",
            Text("Документ не в кодировке UTF-8.", "The document is not in UTF-8."),
            Text(
                'Сохраните документ в UTF-8 с объявлением <?xml version="1.0" encoding="UTF-8"?>.',
                'Save the document as UTF-8 with the declaration <?xml version="1.0" encoding="UTF-8"?>.',
            ),
            line=1,
        )


def _doctype() -> XmlRefused:
    return refuse(
        "XML02",
        Text("В документе есть DOCTYPE.", "The document has a DOCTYPE."),
        Text(
            "СЭМД не содержит DOCTYPE: удалите его (и сущности, которые он объявляет).",
            "A СЭМД has no DOCTYPE: remove it (and the entities that it declares).",
        ),
        line=1,
    )


def _syntax(error: etree.XMLSyntaxError) -> XmlRefused:
    entry = error.error_log.last_error if error.error_log else None
    kind = entry.type_name.removeprefix("ERR_").replace("_", " ").lower() if entry is not None else "syntax"
    line, column = error.position if error.position else (0, 0)
    message = str(error)
    if "depth" in message or "XML_PARSE_HUGE" in message or "too long" in message or "too big" in message:
        return refuse(
            "XML04",
            Text(
                "Слишком глубокая вложенность или слишком длинный текст.",
                "The nesting is too deep or a text is too long.",
            ),
            Text(
                "Такой документ РЭМД не примет: проверьте, как он создан.",
                "No register accepts such a document: check how it was made.",
            ),
            line=line,
            column=column,
        )
    if entry is not None and entry.type_name in {
        "ERR_INVALID_ENCODING",
        "ERR_UNSUPPORTED_ENCODING",
        "I18N_CONV_FAILED",
    }:
        return refuse(
            "XML05",
            Text("Байты документа не являются UTF-8.", "The bytes of the document are not UTF-8."),
            Text("Сохраните документ в UTF-8.", "Save the document as UTF-8."),
            line=line,
            column=column,
        )
    return refuse(
        "XML01",
        Text(f"Документ не является правильным XML ({kind}).", f"The document is not well-formed XML ({kind})."),
        Text(
            "Исправьте разметку в указанном месте; до этого ничего не проверяется.",
            "Mend the markup at this place; nothing else is checked before that.",
        ),
        line=line,
        column=column,
    )


def qname(tag: str) -> str:
    """``{urn:hl7-ru:identity}Props`` → ``identity:Props``; HL7 names bare; unknown namespaces stay."""
    uri, brace, local = tag.rpartition("}")
    if not brace:
        return local
    prefix = PREFIXES.get(uri[1:])
    return tag if prefix is None else prefix + local


class Locator:
    """Places of elements of one document, in time linear in the document however many are asked for."""

    def __init__(self) -> None:
        self._paths: dict[Element, str] = {}

    def __call__(self, element: Element) -> str:
        """XPath of ``element`` for people: ``/ClinicalDocument/recordTarget/patientRole/id[2]``.

        A position is written where the parent has several children of that name.
        """
        way = [element]
        while way[-1] not in self._paths and (parent := way[-1].getparent()) is not None:
            way.append(parent)
        if way[-1] not in self._paths:
            self._paths[way[-1]] = "/" + _step(way[-1])
        for parent in way[:0:-1]:
            self._children(parent, self._paths[parent])
        return self._paths[element]

    def _children(self, parent: Element, path: str) -> None:
        total = Counter(child.tag for child in parent)
        seen: Counter[object] = Counter()
        for child in parent:
            seen[child.tag] += 1
            position = f"[{seen[child.tag]}]" if total[child.tag] > 1 and isinstance(child.tag, str) else ""
            self._paths[child] = f"{path}/{_step(child)}{position}"


def _step(element: Element) -> str:
    tag = element.tag
    if isinstance(tag, str):
        return qname(tag)
    return "comment()" if isinstance(element, etree._Comment) else "processing-instruction()"


def locate(element: Element) -> str:
    """XPath of one ``element`` for people, see :class:`Locator`; for many of a document keep a Locator."""
    return Locator()(element)


def place(element: Element) -> Place:
    """Line of ``element`` in its source."""
    return Place(line=element.sourceline or 0)
