"""What ФЭР asks, read by the names of elements, and answers and faults of SOAP 1.1."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, time
from typing import Final, Literal

from lxml import etree

from adapter.errors import InputError
from adapter.findings import Finding, Severity, Text
from adapter.registers.fer.config import Facts
from adapter.transport.envelope import SOAP11, children, fault_body, find_text, read, text_of
from adapter.xml import Element

V2: Final = "http://www.rt-eu.ru/med/er/v2_0"
V1: Final = "http://www.rt-eu.ru/med/er/"
CONTENT_TYPE: Final = "text/xml; charset=utf-8"
_REQUEST: Final = "Request"
OPERATIONS: Final = frozenset(
    {
        "GetPatientInfo",
        "GetMOInfoExtended",
        "GetServicePostSpecsInfo",
        "GetMOResourceInfo",
        "GetScheduleInfo",
        "CreateAppointment",
        "CancelAppointment",
    }
)


@dataclass(frozen=True, slots=True, repr=False)
class Asked:
    """A request.

    Attributes:
        operation: its name in version 2.
        called: the name that it was called by; the answer has it, too.
        namespace: of the version.
        body: the element of the Body.
    """

    operation: str
    called: str
    namespace: str
    body: Element

    def text(self, *path: str) -> str:
        """The text at a path of names; empty where nothing is there."""
        return find_text(self.body, *path)

    def texts(self, *path: str) -> list[str]:
        """The texts of all elements at a path, of which the last name is repeated, or its parent is."""
        found: list[Element] = [self.body]
        for name in path:
            found = [child for one in found for child in children(one, name)]
        return [text for one in found if (text := text_of(one))]

    def wanted(self, *path: str) -> str:
        """The text at a path, which must be there.

        Raises:
            InputError: FER02.
        """
        text = self.text(*path)
        if not text:
            raise malformed(path[-1], "непустой текст", "a text")
        return text

    def day(self, name: str) -> date:
        """A day.

        Raises:
            InputError: FER02.
        """
        try:
            return date.fromisoformat(self.wanted(name)[:10])
        except ValueError:
            raise malformed(name, "день ГГГГ-ММ-ДД", "a day YYYY-MM-DD") from None

    def time(self, name: str, default: time) -> time:
        """A time of the day, without its offset.

        Raises:
            InputError: FER02.
        """
        text = self.text(name)
        if not text:
            return default
        try:
            return time.fromisoformat(text).replace(tzinfo=None)
        except ValueError:
            raise malformed(name, "время ЧЧ:ММ:СС", "a time HH:MM:SS") from None


def asked(raw: bytes, facts: Facts) -> Asked:
    """Read a request.

    Raises:
        InputError: no SOAP (XML…, SOAP01), or no operation that is served (FER01).
    """
    envelope = read(raw)
    body = envelope.body
    name = None if body is None else etree.QName(body)
    if body is None or name is None or envelope.soap != SOAP11 or name.namespace not in {V1, V2}:
        raise _unknown()
    called = name.localname.removesuffix(_REQUEST)
    operation = facts.names.get(called, called)
    if operation not in OPERATIONS or not name.localname.endswith(_REQUEST):
        raise _unknown()
    return Asked(operation, called, name.namespace, body)


def written(message: Element, to: Asked) -> bytes:
    """An answer: a message of version 2 in the namespace and by the name that the request had."""
    for one in message.iter(etree.Element):
        one.tag = f"{{{to.namespace}}}{etree.QName(one).localname}"
    message.tag = f"{{{to.namespace}}}{to.called}Response"
    renamed = etree.Element(message.tag, nsmap={None: to.namespace})
    renamed.extend(list(message))
    etree.cleanup_namespaces(renamed)
    return _envelope(renamed)


def fault(side: Literal["Sender", "Receiver"], finding: Finding) -> bytes:
    """A fault: whose it is, the code of the finding and its text."""
    return _envelope(fault_body(SOAP11, side, f"{finding.code}: {finding.message.ru} / {finding.message.en}"))


def _envelope(body: Element) -> bytes:
    root = etree.Element(f"{{{SOAP11}}}Envelope", nsmap={"soap": SOAP11})
    etree.SubElement(root, f"{{{SOAP11}}}Body").append(body)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def _unknown() -> InputError:
    names = ", ".join(sorted(OPERATIONS))
    return InputError(
        Finding(
            "FER01",
            Severity.ERROR,
            Text(f"Нет такой операции SOAP 1.1; есть: {names}.", f"No such operation of SOAP 1.1; there are: {names}."),
        )
    )


def malformed(name: str, ru: str, en: str) -> InputError:
    """FER02, about an element."""
    return InputError(Finding("FER02", Severity.ERROR, Text(f"{name}: ожидается {ru}.", f"{name}: {en} is expected.")))
