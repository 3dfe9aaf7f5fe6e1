"""The operations that a МИС calls: checked roughly, answered at once."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from lxml import etree

from adapter.errors import InputError, UsageError
from adapter.findings import Finding
from adapter.stand.callbacks import REMD, record
from adapter.stand.checks import item, rough
from adapter.stand.faults import Faults
from adapter.stand.processing import Processing
from adapter.stand.registry import Received, Registered, Registry
from adapter.transport.callbacks import decoded
from adapter.transport.envelope import CONTENT_TYPE, SOAP12, Envelope, Header, fault_body, find, find_text, read, write
from adapter.transport.errors import ErrorItem
from adapter.transport.ids import normalise_message_id
from adapter.transport.schema import FOLDER, SERVICE, SERVICE_WSDL, load_schema
from adapter.transport.security import Verifier
from conformance.xsd import load_schema as load_xsd

_NAMESPACE: Final = uuid.UUID("2f0e4c02-6f9f-5c43-8f3f-3b3d3a1de1fb")
_PAGE: Final = b"<html><body><h1>503 Service Unavailable</h1></body></html>"


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer over HTTP."""

    status: int
    content_type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Entrance:
    """Whom the stand lets in.

    Attributes:
        clients: ids of systems that are registered; empty: any.
        verifier: of signatures; ``None`` takes unsigned messages.
    """

    clients: frozenset[str] = frozenset()
    verifier: Verifier | None = None


@dataclass(slots=True)
class Service:
    """The service of РЭМД.

    Attributes:
        registry: what was received.
        processing: goes on after the acknowledgement.
        faults: what goes wrong.
        entrance: whom it lets in.
        clock: now, aware.
        callback: where results go if a message names no address.
    """

    registry: Registry
    processing: Processing
    faults: Faults
    entrance: Entrance
    clock: Callable[[], datetime]
    callback: str = ""
    _schema: Any = field(default_factory=lambda: load_schema(SERVICE_WSDL))
    _xsd: Any = field(default_factory=lambda: load_xsd(FOLDER / "remd-service.xsd"))

    async def handle(self, data: bytes) -> Reply:
        """Answer one message."""
        try:
            envelope = read(data)
        except InputError as error:
            return self._fault(SOAP12, "", "Sender", error.finding.code)
        refusal = self._admit(envelope)
        if refusal is not None:
            return self._fault(envelope.soap, envelope.message_id, "Sender", refusal)
        name = "" if envelope.body is None else etree.QName(envelope.body).localname
        operation = self._operations().get(name)
        if operation is None or envelope.body is None:
            return self._fault(envelope.soap, envelope.message_id, "Sender", "the operation is not known")
        if self.entrance.clients and envelope.client_entity_id not in self.entrance.clients:
            return self._answer(envelope, name, {}, [item("NO_RMIS")])
        if name == "sendDocumentFileRequest":
            # As much as the XSD wants is not wanted of a file: its data are looked at where it is used.
            return await operation(envelope, {})
        invalid = self._xsd.validate(etree.ElementTree(envelope.body))
        if invalid:
            return self._answer(envelope, name, {}, [_invalid(one) for one in invalid[:5]])
        try:
            values = self._schema.parse(envelope.body)
        except UsageError as error:
            return self._answer(envelope, name, {}, [item("VALIDATION_ERROR", error.text.en)])
        return await operation(envelope, values)

    def _operations(self) -> Mapping[str, Callable[[Envelope, Mapping[str, Any]], Awaitable[Reply]]]:
        return {
            "registerDocumentRequest": self._register,
            "searchRegistryItemRequest": self._search,
            "getRegistryItemRequest": self._get,
            "demandContentRequest": self._demand,
            "sendDocumentFileRequest": self._file,
        }

    def _admit(self, envelope: Envelope) -> str | None:
        """Why a message is refused by the gateway; nothing of its body has been looked at."""
        for name, value in (
            ("clientEntityId", envelope.client_entity_id),
            ("MessageID", envelope.id),
            ("Action", envelope.action),
        ):
            if not value:
                return f"the header has no {name}"
        if self.entrance.verifier is not None:
            try:
                self.entrance.verifier.verify(envelope.root, at=self.clock())
            except InputError as error:
                return f"{error.finding.code}: {error.finding.message.en}"
        return None

    # -- operations ---------------------------------------------------------------------------------------------------

    async def _register(self, envelope: Envelope, values: Mapping[str, Any]) -> Reply:
        name = "registerDocumentRequest"
        assert envelope.body is not None
        known = self.registry.message(envelope.id)
        faults = known.faults if known is not None else self.faults.draw()
        early = await self._early(envelope, faults) if known is None else None
        if early is not None:
            return early
        errors = self._rough(values)
        if errors:
            return self._answer(envelope, name, {}, errors)
        message = Received(
            envelope.id,
            envelope.message_id,
            values["localUid"],
            envelope.reply_to,
            envelope.soap,
            etree.tostring(envelope.body, with_tail=False),
            faults,
        )
        if self.registry.receive(message, self.clock()):
            if "early" in faults:
                await self.processing.refuse_early(message)
            self.processing.begin(message.id, values)
            if "lost" in faults:
                return Reply(int(faults["lost"]), "text/html", _PAGE)
        elif known is not None and known.state == "rejected":
            # Sent again after its refusal: the result is told again.
            self.registry.told(known.id, yes=False)
            self.processing.begin(known.id)
        return self._answer(envelope, name, {}, [])

    async def _early(self, envelope: Envelope, faults: Mapping[str, str]) -> Reply | None:
        """What goes wrong before the message is taken."""
        if "slow" in faults:
            await asyncio.sleep(int(faults["slow"]))
        if "unavailable" in faults:
            return Reply(int(faults["unavailable"]), "text/html", _PAGE)
        if "fault" in faults:
            return self._fault(envelope.soap, envelope.message_id, faults["fault"], "on demand")
        if "refuse" in faults:
            return self._answer(envelope, "registerDocumentRequest", {}, [item(faults["refuse"])])
        return None

    def _rough(self, values: Mapping[str, Any]) -> list[ErrorItem]:
        document = self.registry.document(values["localUid"])
        if document is not None:
            return [item("NOT_UNIQUE_PROVIDED_ID", document.local_uid, document.emdr_id)]
        return rough(values)

    async def _search(self, envelope: Envelope, values: Mapping[str, Any]) -> Reply:
        wanted = (values.get(name) or "" for name in ("organization", "kind", "patientSnils"))
        found = [record(one) for one in self.registry.documents(*wanted) if _matches(one, values)]
        return self._answer(envelope, "searchRegistryItemRequest", {"matches": found}, [])

    async def _get(self, envelope: Envelope, values: Mapping[str, Any]) -> Reply:
        document = self.registry.document(emdr_id=values["emdrId"])
        if document is None:
            return self._answer(envelope, "getRegistryItemRequest", {}, [item("REGISTRY_ITEM_NOT_FOUND")])
        return self._answer(envelope, "getRegistryItemRequest", {"registryItem": record(document)}, [])

    async def _demand(self, envelope: Envelope, values: Mapping[str, Any]) -> Reply:
        document = self.registry.document(emdr_id=values["emdrId"])
        if document is None:
            return self._answer(envelope, "demandContentRequest", {}, [item("REGISTRY_ITEM_NOT_FOUND")])
        self.processing.deliver(document, envelope.message_id, envelope.reply_to or self.callback)
        return self._answer(envelope, "demandContentRequest", {}, [])

    async def _file(self, envelope: Envelope, _values: Mapping[str, Any]) -> Reply:
        told = normalise_message_id(find_text(envelope.body, "relatesToMessage")) or envelope.relates
        content = find(envelope.body, "docContent")
        data, checksum = decoded(find_text(content, "data")), find_text(content, "checksum")
        status = find_text(envelope.body, "status").lower()
        taken = self.processing.file_came(told, data, checksum, status)
        return self._answer(envelope, "sendDocumentFileRequest", {}, [] if taken else [item("WRONG_MESSAGE_ID")])

    # -- answers ------------------------------------------------------------------------------------------------------

    def _answer(
        self, envelope: Envelope, request: str, values: Mapping[str, Any], errors: Sequence[ErrorItem]
    ) -> Reply:
        name = request.removesuffix("Request") + "Response"
        told = [{"code": one.code, "message": one.message} for one in errors]
        status = "error" if errors else "success"
        body = self._schema.build(f"{{{SERVICE}}}{name}", {"status": status, **values, "errors": told or None})
        data = write(body, self._header(name, envelope.message_id), soap=envelope.soap)
        return Reply(200, CONTENT_TYPE[envelope.soap], data)

    def _fault(self, soap: str, message_id: str, code: str, reason: str) -> Reply:
        data = write(fault_body(soap, code, reason), self._header("Fault", message_id), soap=soap)
        return Reply(400 if code == "Sender" else 500, CONTENT_TYPE[soap], data)

    @staticmethod
    def _header(action: str, message_id: str) -> Header:
        return Header(action, str(uuid.uuid5(_NAMESPACE, action + message_id)), REMD, relates_to=message_id)


def _invalid(finding: Finding) -> ErrorItem:
    return item("VALIDATION_ERROR", f"{finding.rule} {finding.xpath}")


def _matches(document: Registered, query: Mapping[str, Any]) -> bool:
    """Whether a document was registered between the dates of a search."""
    registered = datetime.fromisoformat(document.registered)
    begin, end = query.get("registerDateBegin"), query.get("registerDateEnd")
    return (begin is None or _within(begin, registered)) and (end is None or _within(registered, end))


def _within(first: datetime, last: datetime) -> bool:
    """Whether one is not after the other; a time without a zone is of the zone of the other."""
    first = first if first.tzinfo else first.replace(tzinfo=last.tzinfo)
    last = last if last.tzinfo else last.replace(tzinfo=first.tzinfo)
    return first <= last
