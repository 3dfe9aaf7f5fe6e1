"""Our answers to what РЭМД sends."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from adapter.transport.callbacks import Callback, FileDelivery, FileRequest, Notice, RegistrationResult
from adapter.transport.content import DEFAULT_CHECKSUM, Checksum
from adapter.transport.envelope import Header, fault_body, write
from adapter.transport.errors import ErrorItem
from adapter.transport.schema import CALLBACK, Schema
from adapter.transport.security import Security

_NAMESPACE: Final = uuid.UUID("6d0b6a53-9e2c-5f0e-8f61-25f1c1a3c7d4")
_ANSWERS: Final[Mapping[type[Callback], str]] = {
    RegistrationResult: "registerDocumentResultResponse",
    FileRequest: "getDocumentFileResponse",
    Notice: "sendNoticeResponse",
    FileDelivery: "sendDocumentFileResponse",
}


@dataclass(frozen=True, slots=True)
class Answers:
    """Writes answers: in the version of SOAP of the message, ``RelatesTo`` its id as it was written.

    The id of an answer is made of the id of the message, so that a repeated message gets the same bytes.

    Attributes:
        client_entity_id: UUID of our system in ЕГИСЗ.
        schema: WSDL of the callback service.
        security: signs; ``None`` leaves answers unsigned.
        checksum: of files.
    """

    client_entity_id: str
    schema: Schema
    security: Security | None = None
    checksum: Checksum = DEFAULT_CHECKSUM

    def acknowledge(self, callback: Callback, *, at: datetime) -> bytes:
        """The message has come: ``success`` whatever it says, before anything is done about it.

        A request for a file gets this answer where the file follows in a message of its own.
        """
        name = _ANSWERS.get(type(callback))
        if name is None:
            return self.fault(callback, "Sender", "the operation is not known", at=at)
        return self._answer(callback, name, {"status": "success"}, at)

    def file(self, request: FileRequest, data: bytes, *, at: datetime) -> bytes:
        """The file in the answer itself.

        Args:
            request: the request.
            data: the document, to the byte as it was signed.
            at: now, aware.
        """
        content = {"status": "success", "docContent": self.checksum.content(data)}
        return self._answer(request, "getDocumentFileResponse", content, at)

    def no_file(self, request: FileRequest, errors: Sequence[ErrorItem], *, at: datetime) -> bytes:
        """There is no such file; РЭМД reports it later as GET_DOCUMENT_FILE_ERROR."""
        items = [{"code": item.code, "message": item.message} for item in errors]
        return self._answer(request, "getDocumentFileResponse", {"status": "error", "errors": items}, at)

    def fault(self, callback: Callback, code: str, reason: str, *, at: datetime) -> bytes:
        """A SOAP fault; ``Receiver`` asks for the message again, ``Sender`` says that it is wrong."""
        return write(
            fault_body(callback.soap, code, reason),
            self._header(callback, "Fault"),
            soap=callback.soap,
            security=self.security,
            at=at,
        )

    def _answer(self, callback: Callback, name: str, values: Mapping[str, Any], at: datetime) -> bytes:
        body = self.schema.build(f"{{{CALLBACK}}}{name}", values)
        header = self._header(callback, name)
        return write(body, header, soap=callback.soap, security=self.security, at=at)

    def _header(self, callback: Callback, action: str) -> Header:
        own = str(uuid.uuid5(_NAMESPACE, callback.message_id))
        return Header(action, own, self.client_entity_id, relates_to=callback.written_id)
