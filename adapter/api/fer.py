"""ФЭР calls us: SOAP 1.1 in front of the FHIR server of a МИС. Answers hold data of patients: nobody else is answered.

Who calls is told by the network, or by a certificate that a trusted proxy has verified; both are named in the part
``fer`` of the organisation's file. An organisation without that part is not served, and does not show that it is there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

from fastapi import APIRouter, Request, Response

from adapter.api import openapi
from adapter.api.incoming import body
from adapter.api.networks import networks, peer_of, within
from adapter.api.refusals import not_found, refused
from adapter.api.service import Service, service
from adapter.convert import Converter
from adapter.errors import DatabaseError, EgiszError, FhirRefused, InputError, RequestRefused, TransportFailed
from adapter.findings import Finding, Severity, Text
from adapter.log import get_logger
from adapter.pipeline.audit import Action
from adapter.pipeline.fer import StoredSessions
from adapter.registers.fer.config import Configured, Facts, served
from adapter.registers.fer.service import Answered, Registry
from adapter.registers.fer.soap import CONTENT_TYPE, asked, fault
from adapter.transport.fhir import FhirClient
from adapter.transport.http import AioHttp

router = APIRouter(tags=["fer"])

#: Who reads, in the audit.
_AGENT: Final = "fer"
_AWAY: Final = Finding(
    "FER03",
    Severity.ERROR,
    Text("МИС сейчас не отвечает; повторите запрос.", "The МИС does not answer now; send the request once more."),
)
_OURS: Final = Finding("FER05", Severity.ERROR, Text("Внутренняя ошибка службы.", "Internal error of the service."))


@dataclass(slots=True)
class Fer:
    """What the route stands on.

    Attributes:
        folder: files of organisations.
        xsd: of answers.
        converter: of an organisation, by its OID; loads the maps at the first use.
        http: to the FHIR servers.
    """

    folder: Path
    facts: Facts
    xsd: Path
    converter: Callable[[str], Converter]
    sessions: StoredSessions
    http: AioHttp

    def registry(self, oid: str, configured: Configured) -> Registry:
        """What answers for an organisation.

        Raises:
            EgiszError: its file or the catalogue is wrong, or the token of the МИС cannot be read.
        """
        assert configured.part.fhir is not None, "served"
        client = FhirClient(self.http, configured.part.fhir.url, configured.headers())
        return Registry(configured.part, self.facts, self.xsd, client, self.converter(oid), self.sessions)


@router.post("/fer/{oid}", summary="ФЭР: appointments of an organisation", openapi_extra=openapi.FER)
async def fer(oid: str, request: Request) -> Response:
    """SOAP 1.1: GetPatientInfo, GetMOInfoExtended, GetServicePostSpecsInfo, GetMOResourceInfo, GetScheduleInfo,
    CreateAppointment, CancelAppointment. A fault has the status 500, as SOAP 1.1 wants it.
    """
    parts = service(request)
    configured = served(parts.fer.folder, oid)
    if configured is None:
        raise not_found()
    _believe(parts, configured, request)
    raw = await body(request, parts.limit)
    try:
        question = asked(raw, parts.fer.facts)
    except InputError as error:
        return _fault("Sender", error.finding)
    try:
        registry = await asyncio.to_thread(parts.fer.registry, oid, configured)
        answer = await registry.answer(question, now=parts.clock())
        await _note(parts, oid, answer)
    except InputError as error:
        return _fault("Receiver" if error.finding.code == "FER04" else "Sender", error.finding)
    except (TransportFailed, FhirRefused) as error:
        code = error.finding.code if isinstance(error, FhirRefused) else "FER03"
        get_logger().warning("fer.mis_away", code=code, status=error.status, oid=oid)
        return _fault("Receiver", _AWAY)
    except DatabaseError as error:
        get_logger().error("api.database_away", error_type=type(error).__name__)
        return _fault("Receiver", _OURS)
    except EgiszError as error:
        get_logger().error("fer.failed", error_type=type(error).__name__, oid=oid)
        return _fault("Receiver", _OURS)
    return Response(answer.data, media_type=CONTENT_TYPE)


def _believe(parts: Service, configured: Configured, request: Request) -> None:
    """Whether it is ФЭР that calls.

    Raises:
        RequestRefused: 403.
    """
    part = configured.part
    fingerprint = parts.access.certificate(request.headers, request.client.host if request.client else "")
    if fingerprint in part.certificates or within(peer_of(request), networks(part.networks, "fer.networks")):
        return
    get_logger().warning("fer.refused", code="API02")
    raise _stranger()


def _stranger() -> RequestRefused:
    return refused(
        403,
        "API02",
        Text("Здесь отвечают только ФЭР.", "Nobody but ФЭР is answered here."),
        Text(
            "Доверие задают fer.networks и fer.certificates в настройках организации.",
            "fer.networks and fer.certificates in the organisation's file say whom to trust.",
        ),
    )


async def _note(parts: Service, oid: str, answer: Answered) -> None:
    """One line of the audit for an access to a patient, who is told by a keyed hash."""
    if answer.patient:
        patient = parts.fer.sessions.pseudonym(oid, answer.patient)
        await parts.audit.access(_AGENT, cast("Action", answer.action), "Patient", patient)


def _fault(side: str, finding: Finding) -> Response:
    data = fault("Sender" if side == "Sender" else "Receiver", finding)
    return Response(data, 500, media_type=CONTENT_TYPE)
