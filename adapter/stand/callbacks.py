"""The messages of the stand to a МИС, and how their answers are read."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from adapter.errors import TransportFailed
from adapter.stand.registry import Received, Registered
from adapter.transport.callbacks import decoded
from adapter.transport.content import Checksum
from adapter.transport.envelope import CONTENT_TYPE, SOAP11, SOAP12, Envelope, Header, find, find_text, read, write
from adapter.transport.errors import ErrorItem
from adapter.transport.http import Http
from adapter.transport.schema import CALLBACK, CALLBACK_WSDL, load_schema
from adapter.transport.security import Security

#: As whom the stand sends.
REMD: Final = "00000000-0000-4000-8000-00000000e3d0"
_NAMESPACE: Final = uuid.UUID("b1b7a0de-7a86-5c56-8a4e-1c5f1a35d5a2")
#: What ИПС is seen to sign.
PARTS: Final = ("Body", "MessageID", "ReplyTo", "To", "Action")


@dataclass(frozen=True, slots=True, repr=False)
class File:
    """What a МИС answered to a request for a file.

    Attributes:
        data: the file; ``None`` where the answer has none.
        checksum: as written.
        status: ``success``, ``error`` or ``""``.
    """

    data: bytes | None
    checksum: str
    status: str


class Callbacks:
    """Sends messages to a МИС.

    Args:
        http: sends them.
        address: where the stand itself is, for ``ReplyTo``.
        security: signs them, if any; РЭМД signs with RSA.
        checksum: of files.
    """

    def __init__(self, http: Http, address: str, *, security: Security | None, checksum: Checksum) -> None:
        self._http, self._address, self._security, self._checksum = http, address, security, checksum
        self._schema = load_schema(CALLBACK_WSDL)

    async def ask_file(self, to: str, local_uid: str, message_id: str, at: datetime) -> File:
        """Ask for the file of a document.

        Args:
            message_id: of this request, by which a file that comes later is known.

        Raises:
            TransportFailed: no answer.
            InputError: the answer is no SOAP, or a fault.
        """
        values = {"localUid": local_uid}
        answer = await self._send(to, "getDocumentFile", "getDocumentFileRequest", values, message_id, at)
        body = answer.body
        if answer.fault is not None or body is None or not str(body.tag).endswith("}getDocumentFileResponse"):
            raise TransportFailed("the answer is no getDocumentFileResponse")
        content = find(body, "docContent")
        status = find_text(body, "status").lower()
        return File(decoded(find_text(content, "data")), find_text(content, "checksum"), status)

    async def tell(
        self,
        message: Received,
        to: str,
        at: datetime,
        *,
        document: Registered | None,
        errors: Sequence[ErrorItem] = (),
        warnings: Sequence[ErrorItem] = (),
        turn: int = 0,
    ) -> None:
        """Send the result of a registration.

        Args:
            document: where it is registered.
            errors: why it is not.
            turn: which message about the same registration this is; a repeated one has the same id.

        Raises:
            TransportFailed: no answer, or not one of success.
            InputError: the answer is no SOAP.
        """
        old = "old" in message.faults
        told = _spelt(message.written, turn) if "spelling" in message.faults else message.written
        values = {
            "relatesToMessage": told,
            "status": ("OK" if old else "success") if document is not None else "error",
            "localUid": message.local_uid,
            "documentStatus": "Зарегистрировано" if old and document is not None else None,
            "registryItem": None if document is None else record(document, warnings),
            "errors": _items(errors) or None,
        }
        own = str(uuid.uuid5(_NAMESPACE, f"{message.id} {turn}"))
        soap = SOAP11 if old else SOAP12
        await self._send(to, "sendRegisterDocumentResult", "registerDocumentResult", values, own, at, told, soap)

    async def deliver(self, to: str, relates_to: str, document: Registered, at: datetime) -> None:
        """Send a file that was demanded. Errors as of :meth:`tell`."""
        values = {
            "relatesToMessage": relates_to,
            "emdrId": document.emdr_id,
            "localUid": document.local_uid,
            "docContent": self._checksum.content(document.file),
        }
        own = str(uuid.uuid5(_NAMESPACE, f"{relates_to} file"))
        await self._send(to, "sendDocumentFile", "sendDocumentFileRequest", values, own, at, relates_to)

    async def _send(
        self,
        to: str,
        action: str,
        name: str,
        values: Mapping[str, Any],
        message_id: str,
        at: datetime,
        relates_to: str = "",
        soap: str = SOAP12,
    ) -> Envelope:
        body = self._schema.build(f"{{{CALLBACK}}}{name}", values)
        header = Header(action, message_id, REMD, to, self._address, relates_to)
        security = self._security
        data = write(body, header, soap=soap, security=security, at=at)
        answer = await self._http.post(to, data, {"Content-Type": CONTENT_TYPE[soap], "SOAPAction": f'"{action}"'})
        if answer.status >= 300:
            raise TransportFailed(f"HTTP {answer.status}", status=answer.status)
        return read(answer.body)


def record(document: Registered, warnings: Sequence[ErrorItem] = ()) -> dict[str, Any]:
    """A registered document as messages have it."""
    return {
        "emdrId": document.emdr_id,
        "localUid": document.local_uid,
        "kind": document.kind,
        "organization": document.organization,
        "documentNumber": document.document_number,
        "documentVersion": document.version,
        "creationDateTime": document.created,
        "registrationDateTime": document.registered,
        "storeTillDate": document.store_till,
        "registrationWarnings": _items(warnings) or None,
    }


def _items(items: Sequence[ErrorItem]) -> list[dict[str, str]]:
    return [{"code": one.code, "message": one.message} for one in items]


def _spelt(written: str, turn: int) -> str:
    """The same id in another spelling."""
    plain = written.lower().removeprefix("urn:uuid:")
    return (plain.replace("-", "").upper(), f"urn:uuid:{plain}", f"<{plain}>")[turn % 3]
