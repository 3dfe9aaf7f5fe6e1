"""What РЭМД sends to us: read with tolerance, never refused for what it says.

The service has no public schema, so elements are found by their local names; what is absent is empty. Anything that is
SOAP gives a :class:`Callback`; an unknown operation, an :class:`Unknown`.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from typing import Any, Final

from adapter.transport.envelope import SOAP12, Envelope, children, find, find_text, read, text_of
from adapter.transport.errors import ErrorItem
from adapter.transport.ids import normalise_message_id
from adapter.xml import Element

#: Zone of a time without one: РЭМД works by Moscow time [inferred].
_MOSCOW: Final = timezone(timedelta(hours=3))
_SUCCESS: Final = frozenset({"success", "ok"})
_REGISTERED: Final = "зарегистрировано"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Callback:
    """A message from РЭМД.

    Attributes:
        message_id: normalised; empty where it has none.
        relates_to: normalised id of our message that it is about; empty where it names none.
        written_id: its id as written, for ``RelatesTo`` of the answer.
        reply_to: where it wants the answer.
        soap: namespace of its version of SOAP.
        action: ``wsa:Action``.
        client_entity_id: system that is named in its transport header.
    """

    message_id: str = ""
    relates_to: str = ""
    written_id: str = ""
    reply_to: str = ""
    soap: str = SOAP12
    action: str = ""
    client_entity_id: str = ""

    def __repr__(self) -> str:
        # What it holds may be about a patient.
        return f"{type(self).__name__}({self.message_id!r}, relates_to={self.relates_to!r})"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class RegistrationResult(Callback):
    """The final result of a registration (``sendRegisterDocumentResult``).

    Attributes:
        ok: it is registered: the status says so, or an older message does by ``documentStatus``, or there is a number
            and no error.
        status: as written.
        emdr_id: number in РЭМД.
        registered_at: aware.
        errors: why it is not registered.
        warnings: remarks on a registered document.
        local_uid, kind, organization, document_number: where the message repeats them.
    """

    ok: bool
    status: str = ""
    emdr_id: str = ""
    document_version: int | None = None
    registered_at: datetime | None = None
    store_till: date | None = None
    errors: tuple[ErrorItem, ...] = ()
    warnings: tuple[ErrorItem, ...] = ()
    local_uid: str = ""
    kind: str = ""
    organization: str = ""
    document_number: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class FileRequest(Callback):
    """РЭМД asks for the file of a document (``getDocumentFile``).

    Attributes:
        local_uid: of a document that is being registered.
        emdr_id: of a document that is registered already: served too, and no step of a registration.
    """

    local_uid: str = ""
    emdr_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Notice(Callback):
    """A related document was registered (``sendNotice``); what it holds is not published."""

    emdr_id: str = ""
    local_uid: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class FileDelivery(Callback):
    """The file of a document that we asked for (``sendDocumentFile``).

    Attributes:
        data: the file; ``None`` where there is none, or it is not base64.
        checksum: as written.
    """

    emdr_id: str = ""
    local_uid: str = ""
    data: bytes | None = field(default=None)
    checksum: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Unknown(Callback):
    """A message of an operation that is not known; ``name`` is the local name of its body."""

    name: str = ""


def parse_callback(body: bytes, content_type: str = "") -> Callback:
    """Read a message from РЭМД.

    Args:
        body: of the HTTP request.
        content_type: not trusted: the envelope says which version it is.

    Raises:
        XmlRefused: not XML.
        InputError: SOAP01, not SOAP.
    """
    return callback_of(read(body))


def callback_of(envelope: Envelope) -> Callback:
    """A message from РЭМД by its envelope; see :func:`parse_callback`."""
    common: dict[str, Any] = {
        "message_id": envelope.id,
        "relates_to": envelope.relates,
        "written_id": envelope.message_id,
        "reply_to": envelope.reply_to,
        "soap": envelope.soap,
        "action": envelope.action,
        "client_entity_id": envelope.client_entity_id,
    }
    if envelope.fault is not None:
        # A fault that was sent to us instead of a result.
        item = ErrorItem(f"soap:{envelope.fault.code}", envelope.fault.reason)
        return RegistrationResult(ok=False, status="fault", errors=(item,), **common)
    if envelope.body is None:
        return Unknown(**common)
    name = _name(envelope.body)
    for part in (envelope.body, *children(envelope.body)):
        reader = _READERS.get(_name(part).lower().removesuffix("request"))
        if reader is not None:
            made: Callback = reader(part, common)
            return made
    return Unknown(name=name, **common)


def items_of(element: Element | None) -> tuple[ErrorItem, ...]:
    """The errors of ``<errors><item><code/><message/></item></errors>``; an error without an item around it, too."""
    found = list(children(element, "item")) or ([] if find(element, "code") is None or element is None else [element])
    return tuple(ErrorItem(find_text(item, "code"), find_text(item, "message")) for item in found)


def record_of(element: Element | None) -> dict[str, Any]:
    """The fields of a record of the registry by the names of :class:`RegistrationResult`; only those that are there."""
    moments = (_moment(find_text(element, name)) for name in ("registrationDateTime", "registrationDate"))
    version = find_text(element, "documentVersion")
    return {
        "emdr_id": find_text(element, "emdrId"),
        "document_version": int(version) if version.isascii() and version.isdigit() and len(version) < 10 else None,
        "registered_at": next((moment for moment in moments if moment), None),
        "store_till": _day(find_text(element, "storeTillDate")),
        "warnings": items_of(find(element, "registrationWarnings")),
    }


def succeeded(element: Element, errors: tuple[ErrorItem, ...]) -> bool:
    """Whether an answer says success; one without a status, where it has no error."""
    status = find_text(element, "status").lower()
    return status in _SUCCESS or (not status and not errors)


def _result(element: Element, common: dict[str, Any]) -> RegistrationResult:
    record = find(element, "registryItem")
    facts = record_of(record if record is not None else element)
    errors = items_of(find(element, "errors"))
    told = find_text(element, "relatesToMessage") or element.get("relatesToMessage", "")
    status = find_text(element, "status")
    registered = find_text(element, "documentStatus").lower() == _REGISTERED
    ok = status.lower() in _SUCCESS or (not status and not errors and (registered or bool(facts["emdr_id"])))
    return RegistrationResult(
        ok=ok,
        status=status,
        errors=errors,
        local_uid=find_text(element, "localUid") or find_text(record, "localUid"),
        kind=find_text(element, "kind", "code") or find_text(element, "kind") or find_text(record, "kind"),
        organization=find_text(element, "organization"),
        document_number=find_text(element, "documentNumber"),
        **facts,
        **{**common, "relates_to": normalise_message_id(told) or common["relates_to"]},
    )


def _file_request(element: Element, common: dict[str, Any]) -> FileRequest:
    return FileRequest(local_uid=find_text(element, "localUid"), emdr_id=find_text(element, "emdrId"), **common)


def _notice(element: Element, common: dict[str, Any]) -> Notice:
    return Notice(local_uid=_anywhere(element, "localUid"), emdr_id=_anywhere(element, "emdrId"), **common)


def _delivery(element: Element, common: dict[str, Any]) -> FileDelivery:
    told = find_text(element, "relatesToMessage")
    content = find(element, "docContent")
    content = element if content is None else content
    return FileDelivery(
        local_uid=find_text(element, "localUid"),
        emdr_id=find_text(element, "emdrId"),
        data=decoded(find_text(content, "data")),
        checksum=find_text(content, "checksum"),
        **{**common, "relates_to": normalise_message_id(told) or common["relates_to"]},
    )


_READERS: Final = {
    "registerdocumentresult": _result,
    "getdocumentfile": _file_request,
    "sendnotice": _notice,
    "senddocumentfile": _delivery,
}


def _name(element: Element) -> str:
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _anywhere(element: Element, name: str) -> str:
    return next((text_of(one) for one in element.iter(f"{{*}}{name}")), "")


def decoded(text: str) -> bytes | None:
    """The bytes of base64, in lines or not; ``None`` where it is empty, or is none."""
    try:
        return base64.b64decode("".join(text.split()), validate=True) if text else None
    except (binascii.Error, ValueError):
        return None


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=_MOSCOW)


def _day(text: str) -> date | None:
    """A date, which may carry an offset: ``2048-09-22+03:00``."""
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        return None
