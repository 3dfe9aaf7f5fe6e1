"""What РЭМД says to us: stored first, acknowledged, worked on later; files are given at once.

The address is known to the outside, and a file is a patient's document: a message is believed if a trusted certificate
has signed it, or if it comes from a network that the settings name (by default this machine alone).
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from fastapi import APIRouter, Request, Response

from adapter.api import openapi
from adapter.api.incoming import body
from adapter.api.refusals import refused
from adapter.api.service import Service, service
from adapter.errors import InputError, RequestRefused
from adapter.findings import Text
from adapter.log import get_logger
from adapter.transport.answers import Answers
from adapter.transport.callbacks import Callback, FileRequest, callback_of
from adapter.transport.envelope import SOAP12, Envelope, read
from adapter.transport.errors import ErrorItem
from adapter.transport.security import Verifier

router = APIRouter(tags=["callbacks"])

_MEDIA: Final = {True: "application/soap+xml; charset=utf-8", False: "text/xml; charset=utf-8"}
#: Headers by which a proxy says that it is one.
_FORWARDED: Final = ("forwarded", "x-forwarded-for", "x-real-ip", "via")
_NO_FILE: Final = ErrorItem("REGISTRY_ITEM_NOT_FOUND", "Документ не найден")


@dataclass(frozen=True, slots=True)
class Callbacks:
    """How messages of РЭМД are taken.

    Attributes:
        answers: writes our answers.
        verifier: of their signatures; ``None``: no certificate is trusted.
        networks: where unsigned messages may come from.
    """

    answers: Answers
    verifier: Verifier | None
    networks: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]

    def believe(self, envelope: Envelope, peer: str, *, at: datetime) -> None:
        """Whether a message is from РЭМД.

        Args:
            peer: address of the other end; empty where it is not known who stands behind it.

        Raises:
            RequestRefused: 403.
        """
        reason: tuple[str, ...] = ()
        if self.verifier is not None:
            try:
                self.verifier.verify(envelope.root, at=at)
            except InputError as error:
                reason = (error.finding.code,)
            else:
                return
        if _within(peer, self.networks):
            return
        get_logger().warning("callback.refused", code=",".join(reason) or "API02")
        raise refused(
            403,
            "API02",
            Text("Сообщение не подписано тем, кому доверяют.", "Nobody who is trusted has signed the message."),
            Text(
                "Доверие задают EGISZ_CALLBACK_TRUST и EGISZ_CALLBACK_NETWORKS.",
                "EGISZ_CALLBACK_TRUST and EGISZ_CALLBACK_NETWORKS say whom to trust.",
            ),
        )


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
    parts.callbacks.believe(envelope, _peer(request), at=now)
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


def _peer(request: Request) -> str:
    """Who sends; nobody where a proxy stands between, whose address says nothing of who is behind it."""
    if request.client is None or any(name in request.headers for name in _FORWARDED):
        return ""
    return request.client.host


def _within(peer: str, networks: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]) -> bool:
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return False
    return any(address in network for network in networks)
