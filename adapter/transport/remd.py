"""The client of РЭМД: registration, search, reading, and files sent as messages of their own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

from adapter.errors import InputError, TransportFailed, UsageError
from adapter.facts import Fact
from adapter.findings import Text
from adapter.transport.callbacks import FileRequest, items_of, record_of, succeeded
from adapter.transport.content import DEFAULT_CHECKSUM, Checksum
from adapter.transport.envelope import CONTENT_TYPE, SOAP12, Envelope, Header, children, find, find_text, read, write
from adapter.transport.errors import ErrorBook, ErrorItem, Verdict, error_book
from adapter.transport.http import Http, HttpAnswer
from adapter.transport.ids import normalise_message_id
from adapter.transport.schema import SERVICE, Schema
from adapter.transport.security import Security, Verifier

#: Facts of a registration that are no element of its request: who is to sign, and with what role.
SIGNERS: Final = "signers"


@dataclass(frozen=True, slots=True, repr=False)
class Signature:
    """A signature of a document: a detached CMS in DER.

    Attributes:
        data: the container.
        snils: digits of the signer's СНИЛС, who is found by it among the signers of the registration; empty: the
            signature is the organisation's.
        role: code of 99.2.368, where a person is a signer in several roles; empty: the first.
    """

    data: bytes
    snils: str = ""
    role: str = ""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where and as whom messages go.

    Attributes:
        url: of the HTTP request.
        client_entity_id: UUID of our system in ЕГИСЗ.
        to: ``wsa:To``, the address of the service in ИПС; empty on the direct port.
        reply_to: our callback service in ИПС.
        message_id: a bare UUID, or ``urn:uuid:``.
        content_type: empty for the usual one of the version of SOAP.
        soap: namespace of the version.
    """

    url: str
    client_entity_id: str
    to: str = ""
    reply_to: str = ""
    message_id: Literal["bare", "urn"] = "bare"
    content_type: str = ""
    soap: str = SOAP12


@dataclass(frozen=True, slots=True, repr=False)
class Message:
    """A message that is ready to be sent: the same bytes as often as is needed.

    Attributes:
        id: normalised.
        operation: name of the operation.
    """

    id: str
    operation: str
    data: bytes


@dataclass(frozen=True, slots=True, repr=False)
class Acknowledgement:
    """What the service said at once. For a registration ``ok`` means "taken for processing", not "registered".

    Attributes:
        errors: why it was refused; a SOAP fault is ``soap:<code>``, an HTTP status without SOAP ``http:<status>``.
        verdict: what the errors mean; ``None`` where it is ``ok``.
        request, response: bytes on the wire, for the exchange log.
        status: of HTTP.
        body: the answer, for readers of more than this; ``None`` where it is no SOAP.
    """

    ok: bool
    errors: tuple[ErrorItem, ...]
    verdict: Verdict | None
    request: bytes
    response: bytes
    status: int
    body: Envelope | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Record:
    """A record of the registry.

    Attributes:
        facts: ``document_version``, ``registered_at``, ``store_till``, ``warnings``, as of a registration's result.
    """

    emdr_id: str
    local_uid: str = ""
    kind: str = ""
    organization: str = ""
    document_number: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


class RemdClient:
    """A client of РЭМД. Messages are the same bytes for the same arguments.

    Args:
        http: sends them.
        endpoint: where to and as whom.
        schema: WSDL of the service.
        security: signs messages; ``None`` on a direct port.
        verifier: verifies answers; ``None`` believes the connection.
        checksum: of signatures and files.
        errors: what answers mean.
        clock: now, aware; for the time stamps of answers.
    """

    def __init__(
        self,
        http: Http,
        endpoint: Endpoint,
        schema: Schema,
        *,
        security: Security | None = None,
        verifier: Verifier | None = None,
        checksum: Checksum = DEFAULT_CHECKSUM,
        errors: ErrorBook | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now().astimezone(),
    ) -> None:
        self._http, self.endpoint, self._schema = http, endpoint, schema
        self._security, self._verifier, self._checksum = security, verifier, checksum
        self.errors, self._clock = errors or error_book(), clock

    # -- messages -------------------------------------------------------------------------------------------------

    def registration(
        self, registration: Fact, signatures: Sequence[Signature], *, message_id: str | UUID, at: datetime
    ) -> Message:
        """The message of a registration. Blocks where the key is a process or a service.

        Args:
            registration: facts of ``mappings/registers/remd-registration.yaml``, named as the request's elements.
            signatures: of the document; signers without one are left out.
            message_id: a UUID.
            at: now, aware.

        Raises:
            UsageError: the WSDL does not take the facts, or a signature has no signer.
            SigningError: the key of our system cannot be used.
        """
        values = {name: value for name, value in registration if name != SIGNERS}
        signers = list(getattr(registration, SIGNERS, None) or [])
        people = [one for one in signatures if one.snils]
        placed = {_signer(signers, one): one for one in people}
        if len(placed) != len(people):
            raise UsageError(Text("подпись дважды", "a signer has signed twice"))
        values["personalSignatures"] = [
            {"signer": signers[index], "signature": self._checksum.content(one.data)}
            for index, one in sorted(placed.items(), key=lambda pair: pair[0])
        ]
        organisations = [one for one in signatures if not one.snils]
        if organisations:
            values["orgSignature"] = self._checksum.content(organisations[0].data)
        return self._message("registerDocument", values, message_id, at)

    def file(self, request: FileRequest, data: bytes, *, message_id: str | UUID, at: datetime) -> Message:
        """The file that РЭМД asked for, as a message of its own (the reading "message" of EGISZ_REMD_FILES)."""
        values = {
            "relatesToMessage": request.written_id,
            "status": "success",
            "localUid": request.local_uid or None,
            "docContent": self._checksum.content(data),
        }
        return self._message("sendDocumentFile", values, message_id, at, relates_to=request.written_id)

    def _message(
        self, operation: str, values: Mapping[str, Any], message_id: str | UUID, at: datetime, relates_to: str = ""
    ) -> Message:
        to = self.endpoint
        written = f"urn:uuid:{message_id}" if to.message_id == "urn" else str(message_id)
        header = Header(operation, written, to.client_entity_id, to.to, to.reply_to, relates_to)
        body = self._schema.build(f"{{{SERVICE}}}{operation}Request", values)
        data = write(body, header, soap=to.soap, security=self._security, at=at)
        return Message(normalise_message_id(written), operation, data)

    # -- exchange -------------------------------------------------------------------------------------------------

    async def send(self, message: Message) -> Acknowledgement:
        """Send a message and read the answer.

        Raises:
            TransportFailed: no answer of the service: nobody knows whether the message was taken.
        """
        endpoint = self.endpoint
        headers = {
            "Content-Type": endpoint.content_type or CONTENT_TYPE[endpoint.soap],
            "SOAPAction": f'"{message.operation}"',
        }
        answer = await self._http.post(endpoint.url, message.data, headers)
        envelope = self._read(answer)
        if envelope is None:
            return self._without_soap(message, answer)
        if envelope.fault is not None:
            errors: tuple[ErrorItem, ...] = (ErrorItem(f"soap:{envelope.fault.code}", envelope.fault.reason),)
            ok = False
        elif envelope.body is None or not _is_answer(envelope, message.operation):
            # Neither the answer nor a fault: a page of a gateway in the shape of SOAP.
            return self._without_soap(message, answer)
        else:
            errors = items_of(find(envelope.body, "errors"))
            ok = succeeded(envelope.body, errors)
        verdict = None if ok else self.errors.classify(errors, operation=message.operation)
        return Acknowledgement(ok, errors, verdict, message.data, answer.body, answer.status, envelope)

    def _read(self, answer: HttpAnswer) -> Envelope | None:
        try:
            envelope = read(answer.body)
        except InputError:
            return None
        if self._verifier is not None:
            try:
                self._verifier.verify(envelope.root, at=self._clock())
            except InputError as error:
                code = error.finding.code
                raise TransportFailed(
                    Text(f"ответу нет доверия: {code}", f"the answer is not trusted: {code}"), status=answer.status
                ) from error
        return envelope

    def _without_soap(self, message: Message, answer: HttpAnswer) -> Acknowledgement:
        verdict = self.errors.http(answer.status)
        if verdict.error_class.retried:
            status = answer.status
            raise TransportFailed(
                Text(f"вместо ответа сервиса HTTP {status}", f"HTTP {status} instead of an answer"), status=status
            )
        errors = (ErrorItem(f"http:{answer.status}"),)
        return Acknowledgement(False, errors, verdict, message.data, answer.body, answer.status)

    # -- operations -----------------------------------------------------------------------------------------------

    async def register(
        self, registration: Fact, signatures: Sequence[Signature], *, message_id: str | UUID, at: datetime
    ) -> Acknowledgement:
        """Send a document for registration; its result comes by callback. See :meth:`registration`, :meth:`send`."""
        message = await asyncio.to_thread(self.registration, registration, signatures, message_id=message_id, at=at)
        return await self.send(message)

    async def send_file(
        self, request: FileRequest, data: bytes, *, message_id: str | UUID, at: datetime
    ) -> Acknowledgement:
        """Send a file as a message of its own. See :meth:`file`, :meth:`send`."""
        return await self.send(await asyncio.to_thread(self.file, request, data, message_id=message_id, at=at))

    async def search(
        self, query: Mapping[str, str | datetime], *, message_id: str | UUID, at: datetime
    ) -> tuple[Acknowledgement, tuple[Record, ...]]:
        """Search the registry.

        Args:
            query: ``organization``, ``kind``, ``registerDateBegin``, ``registerDateEnd``, ``patientSnils`` (digits).
            message_id, at: as of a registration.
        """
        values = {name: one.isoformat() if isinstance(one, datetime) else one for name, one in query.items()}
        message = await asyncio.to_thread(self._message, "searchRegistryItem", values, message_id, at)
        answer = await self.send(message)
        matches = find(answer.body.body, "matches") if answer.body is not None else None
        return answer, tuple(_record(item) for item in children(matches, "item"))

    async def get_item(
        self, emdr_id: str, *, message_id: str | UUID, at: datetime
    ) -> tuple[Acknowledgement, Record | None]:
        """Read one record, in its current version."""
        message = await asyncio.to_thread(self._message, "getRegistryItem", {"emdrId": emdr_id}, message_id, at)
        answer = await self.send(message)
        item = find(answer.body.body, "registryItem") if answer.body is not None else None
        return answer, None if item is None else _record(item)

    async def demand_content(self, emdr_id: str, *, message_id: str | UUID, at: datetime) -> Acknowledgement:
        """Ask for the file of a registered document; it comes by callback (``sendDocumentFile``)."""
        message = await asyncio.to_thread(self._message, "demandContent", {"emdrId": emdr_id}, message_id, at)
        return await self.send(message)


def _signer(signers: Sequence[Fact], signature: Signature) -> int:
    """Index of the signer of a signature."""
    for index, signer in enumerate(signers):
        role = getattr(signer, "role", None)
        same = str(getattr(signer, "snils", "")) == signature.snils
        if same and signature.role in {"", str(getattr(role, "code", role))}:
            return index
    raise UsageError(Text("подписи нет среди подписантов", "a signature is of none of the signers"))


def _is_answer(envelope: Envelope, operation: str) -> bool:
    assert envelope.body is not None
    name = str(envelope.body.tag).rpartition("}")[2]
    return name.lower() == f"{operation}Response".lower()


def _record(element: Any) -> Record:
    facts = record_of(element)
    return Record(
        facts.pop("emdr_id"),
        find_text(element, "localUid"),
        find_text(element, "kind", "code") or find_text(element, "kind"),
        find_text(element, "organization"),
        find_text(element, "documentNumber"),
        facts,
    )
