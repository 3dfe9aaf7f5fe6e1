"""What РЭМД says to us: stored first, acknowledged, worked on later; files are given at once.

The address is known to the outside, and a file is a patient's document: a message is believed if a trusted certificate
has signed it, or if it comes from a network that the settings name (by default this machine alone).
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from fastapi import APIRouter, Request, Response

from adapter.api import openapi
from adapter.api.incoming import body
from adapter.api.networks import peer_of
from adapter.api.service import Service, service
from adapter.errors import InputError, RequestRefused
from adapter.transport.callbacks import Callback, FileRequest, callback_of
from adapter.transport.envelope import SOAP12, read
from adapter.transport.errors import ErrorItem

router = APIRouter(tags=["callbacks"])

_MEDIA: Final = {True: "application/soap+xml; charset=utf-8", False: "text/xml; charset=utf-8"}
_NO_FILE: Final = ErrorItem("REGISTRY_ITEM_NOT_FOUND", "Документ не найден")


@router.post("/ips/emdr", summary="Callback service of РЭМД", openapi_extra=openapi.CALLBACK)
async def remd(request: Request) -> Response:
    """SOAP 1.1 or 1.2: getDocumentFile, sendRegisterDocumentResult, sendNotice, sendDocumentFile."""
    parts = service(request)
    now = parts.clock()
    raw = await body(request, parts.limit)
    try:
        envelope = read(raw)
        callback = callback_of(envelope)
    except InputError as error:
        raise RequestRefused(400, (error.finding,)) from None
    parts.callbacks.believe(envelope, peer_of(request), at=now)
    document = await parts.journal.callback(callback, raw)
    return _soap(callback, _answer(parts, callback, document, now))


def _answer(parts: Service, callback: Callback, document: bytes | None, now: datetime) -> bytes:
    answers = parts.callbacks.answers
    if not isinstance(callback, FileRequest):
        return answers.acknowledge(callback, at=now)
    if document is None:
        return answers.no_file(callback, [_NO_FILE], at=now)
    if parts.journal.files_by_message:
        # A worker sends it, as a message of its own.
        return answers.acknowledge(callback, at=now)
    return answers.file(callback, document, at=now)


def _soap(callback: Callback, data: bytes) -> Response:
    return Response(data, media_type=_MEDIA[callback.soap == SOAP12])
