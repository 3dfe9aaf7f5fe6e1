"""Envelopes of ИПС: SOAP 1.2 (or 1.1) with WS-Addressing and the transport header of ЕГИСЗ.

Written to the letter, read with tolerance: by name of element, whatever prefix, white space and comments.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from lxml import etree

from adapter.errors import InputError
from adapter.findings import Finding, Severity, Text
from adapter.transport.ids import normalise_message_id
from adapter.xml import Element, parse

if TYPE_CHECKING:
    from adapter.transport.security import Security

SOAP12: Final = "http://www.w3.org/2003/05/soap-envelope"
SOAP11: Final = "http://schemas.xmlsoap.org/soap/envelope/"
WSA: Final = "http://www.w3.org/2005/08/addressing"
EGISZ: Final = "http://egisz.rosminzdrav.ru"
WSSE: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
WSU: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
ANONYMOUS: Final = "http://www.w3.org/2005/08/addressing/anonymous"

CONTENT_TYPE: Final = {SOAP12: "application/soap+xml; charset=UTF-8", SOAP11: "text/xml; charset=UTF-8"}

_NSMAP: Final = {"wsa": WSA, "wsu": WSU}
_text: Final = etree.XPath("string()")


@dataclass(frozen=True, slots=True)
class Header:
    """Headers of a message of ours.

    Attributes:
        action: name of the operation.
        message_id: as it is written: a bare UUID, or a URN of one.
        client_entity_id: UUID of our system in ЕГИСЗ.
        to: address of the service in ИПС; empty on the direct port.
        reply_to: where the answer goes; a signed message without one says anonymous.
        relates_to: id of the message that is answered, as it was written.
    """

    action: str
    message_id: str
    client_entity_id: str
    to: str = ""
    reply_to: str = ""
    relates_to: str = ""


@dataclass(frozen=True, slots=True)
class Fault:
    """A SOAP fault: its code without the prefix (``Sender``), its text as it came (may quote data: never log it)."""

    code: str
    reason: str


@dataclass(frozen=True, slots=True, repr=False)
class Envelope:
    """A message that was read.

    Attributes:
        root: the whole of it.
        soap: namespace of its version.
        body: the first element of the Body; ``None`` for an empty one.
        action, to, reply_to, client_entity_id: as written, white space aside; empty where absent.
        message_id, relates_to: as written; see :meth:`id` and :meth:`relates` for the form that is compared.
    """

    root: Element
    soap: str
    body: Element | None
    action: str = ""
    message_id: str = ""
    relates_to: str = ""
    to: str = ""
    reply_to: str = ""
    client_entity_id: str = ""

    @property
    def id(self) -> str:
        """The normalised message id."""
        return normalise_message_id(self.message_id)

    @property
    def relates(self) -> str:
        """The normalised id of the message that it answers."""
        return normalise_message_id(self.relates_to)

    @property
    def fault(self) -> Fault | None:
        """The fault that it is, if it is one."""
        if self.body is None or self.body.tag != f"{{{self.soap}}}Fault":
            return None
        if self.soap == SOAP12:
            code = find_text(self.body, "Code", "Value")
            reason = find_text(self.body, "Reason", "Text")
        else:
            code, reason = find_text(self.body, "faultcode"), find_text(self.body, "faultstring")
        return Fault(code.rpartition(":")[2], reason)


def write(
    body: Element,
    header: Header,
    *,
    soap: str = SOAP12,
    security: Security | None = None,
    at: datetime | None = None,
) -> bytes:
    """A message as it goes over the wire; the same arguments give the same bytes.

    Args:
        body: the element of the Body; it is moved into the envelope.
        header: see there.
        soap: namespace of the version.
        security: signs the message.
        at: time of the signature; needed with ``security``.
    """
    root = etree.Element(f"{{{soap}}}Envelope", nsmap={"soap": soap, **_NSMAP})
    head = etree.SubElement(root, f"{{{soap}}}Header")
    transport = etree.SubElement(head, f"{{{EGISZ}}}transportHeader", nsmap={"egisz": EGISZ})
    info = etree.SubElement(transport, f"{{{EGISZ}}}authInfo")
    etree.SubElement(info, f"{{{EGISZ}}}clientEntityId").text = header.client_entity_id
    etree.SubElement(head, f"{{{WSA}}}MessageID").text = header.message_id
    etree.SubElement(head, f"{{{WSA}}}Action").text = header.action
    if header.to:
        etree.SubElement(head, f"{{{WSA}}}To").text = header.to
    reply_to = header.reply_to or (ANONYMOUS if security is not None else "")
    if reply_to:
        reply = etree.SubElement(head, f"{{{WSA}}}ReplyTo")
        etree.SubElement(reply, f"{{{WSA}}}Address").text = reply_to
    if header.relates_to:
        etree.SubElement(head, f"{{{WSA}}}RelatesTo").text = header.relates_to
    etree.SubElement(root, f"{{{soap}}}Body").append(body)
    if security is not None:
        assert at is not None, "a signature has a time"
        security.sign(root, header.message_id, at)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def fault_body(soap: str, code: str, reason: str) -> Element:
    """A SOAP fault.

    Args:
        soap: namespace of the version.
        code: ``Sender`` or ``Receiver``; written as version 1.1 has it there.
        reason: for the operator of the other side; no values of documents.
    """
    fault = etree.Element(f"{{{soap}}}Fault", nsmap={"soap": soap})
    if soap == SOAP12:
        etree.SubElement(etree.SubElement(fault, f"{{{soap}}}Code"), f"{{{soap}}}Value").text = f"soap:{code}"
        text = etree.SubElement(etree.SubElement(fault, f"{{{soap}}}Reason"), f"{{{soap}}}Text")
        text.set("{http://www.w3.org/XML/1998/namespace}lang", "en")
        text.text = reason
    else:
        old = {"Sender": "Client", "Receiver": "Server"}
        etree.SubElement(fault, "faultcode").text = f"soap:{old.get(code, code)}"
        etree.SubElement(fault, "faultstring").text = reason
    return fault


def read(data: bytes) -> Envelope:
    """Read a message.

    Raises:
        XmlRefused: not XML, or refused by the hardened entry point.
        InputError: SOAP01, not a SOAP message.
    """
    root = parse(data).getroot()
    name = etree.QName(root)
    if name.localname != "Envelope" or name.namespace not in {SOAP11, SOAP12}:
        raise _not_soap()
    soap = str(name.namespace)
    head, body = root.find(f"{{{soap}}}Header"), root.find(f"{{{soap}}}Body")
    if body is None:
        raise _not_soap()
    found: dict[str, Element] = {}
    for child in () if head is None else head.iterchildren(etree.Element):
        found.setdefault(etree.QName(child).localname, child)
    client = found.get("transportHeader")
    return Envelope(
        root,
        soap,
        next(body.iterchildren(etree.Element), None),
        text_of(found.get("Action")),
        text_of(found.get("MessageID")),
        text_of(found.get("RelatesTo")),
        text_of(found.get("To")),
        find_text(found["ReplyTo"], "Address") if "ReplyTo" in found else "",
        "" if client is None else find_text(client, "authInfo", "clientEntityId"),
    )


def text_of(element: Element | None) -> str:
    """The text of an element without comments and outer white space."""
    return "" if element is None else str(_text(element)).strip()


def children(element: Element | None, name: str = "") -> Iterator[Element]:
    """Child elements with a local name, whatever its case and namespace; all of them without a name."""
    if element is not None:
        for child in element.iterchildren(etree.Element):
            if not name or etree.QName(child).localname.lower() == name.lower():
                yield child


def find(element: Element | None, *path: str) -> Element | None:
    """The first element at a path of local names."""
    for name in path:
        element = next(children(element, name), None)
    return element


def find_text(element: Element | None, *path: str) -> str:
    """The text at a path of local names; empty where nothing is there."""
    return text_of(find(element, *path))


def _not_soap() -> InputError:
    return InputError(
        Finding(
            "SOAP01",
            Severity.ERROR,
            Text("Это не сообщение SOAP 1.1 или 1.2.", "This is not a message of SOAP 1.1 or 1.2."),
            Text("Нужен элемент Envelope с элементом Body.", "An Envelope with a Body is needed."),
        )
    )
