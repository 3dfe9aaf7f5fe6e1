"""The FHIR endpoint: Bundles in, Tasks, DocumentReferences and documents out."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response

from adapter.api import openapi, resources
from adapter.api.access import Principal
from adapter.api.capability import capability_statement
from adapter.api.incoming import Incoming, receive
from adapter.api.media import Form, resource_response, wanted
from adapter.api.refusals import not_found, refused
from adapter.api.service import Service, authorised, service
from adapter.errors import UsageError
from adapter.fhir.versions import parse_version
from adapter.findings import Text
from adapter.pipeline.model import ProductRow

router = APIRouter(prefix="/fhir", tags=["FHIR"])
_ACCEPTING = openapi.sending({202: "stored; the Task is in Content-Location"}, openapi.IDEMPOTENCY)
_TRYING = openapi.sending({200: "what would become of it"}, openapi.PRODUCT)


@router.get("/metadata", summary="CapabilityStatement", openapi_extra=openapi.open_to_all())
async def metadata(request: Request) -> Response:
    """What this endpoint can do; needs no token."""
    return resource_response(capability_statement(service(request).base), form_of(request))


@router.post("", status_code=202, summary="Accept a Bundle", openapi_extra=_ACCEPTING)
@router.post("/", include_in_schema=False)
@router.post("/Bundle", status_code=202, summary="Accept a Bundle", openapi_extra=_ACCEPTING)
async def accept(request: Request) -> Response:
    """Store a Bundle and answer 202 with its Task; what becomes of it is asked for there.

    The same Bundle again (by ``Idempotency-Key``, else Bundle.identifier, else its bytes) gives the same Task.
    """
    form = form_of(request)
    principal = await authorised(request, "Bundle", "c")
    parts = service(request)
    incoming = await receive(request, parts.limit)
    accepted = await parts.journal.accept(
        client=principal.client,
        organisation=organisation(request.query_params.get("organization", ""), principal, incoming),
        data=incoming.data,
        media_type=incoming.form.value,
        fhir_version=_declared_version(request) or "",
        idempotency_key=_idempotency_key(request),
        bundle_identifier=incoming.identifier or None,
    )
    headers = {"Content-Location": f"{parts.base}/Task/{accepted.submission_id}"}
    if "return=minimal" in request.headers.get("prefer", "").replace(" ", ""):
        return Response(status_code=202, headers=headers)
    products = [] if accepted.created else await parts.journal.products(accepted.submission_id)
    return resource_response(resources.task(accepted.row, products, lang=_lang(request, parts)), form, 202, headers)


@router.post("/Bundle/$convert", summary="Convert without storing", openapi_extra=_TRYING)
async def convert(request: Request) -> Response:
    """The documents of a Bundle at once, with all findings; nothing is stored, signed or sent."""
    return await _tried(request, documents=True)


@router.post("/Bundle/$validate", summary="Check without storing", openapi_extra=_TRYING)
async def validate(request: Request) -> Response:
    """All findings about a Bundle and about the documents that it yields."""
    return await _tried(request, documents=False)


@router.get("/Task/{ident}", summary="What became of a Bundle", openapi_extra=openapi.reading("404"))
async def read_task(request: Request, ident: str) -> Response:
    """Status, findings and numbers of each product of a Bundle."""
    form = form_of(request)
    principal = await authorised(request, "Task", "r")
    parts = service(request)
    made = await _task(parts, principal, _uuid(ident), request)
    await parts.audit.access(principal.client, "R", "Task", ident)
    return resource_response(made, form, headers={"ETag": f'W/"{made["meta"]["versionId"]}"'})


@router.get("/DocumentReference/{ident}", summary="A document", openapi_extra=openapi.reading("404"))
async def read_document_reference(request: Request, ident: str) -> Response:
    """Where a document and its signatures are, and its numbers."""
    form = form_of(request)
    principal = await authorised(request, "DocumentReference", "r")
    parts = service(request)
    product = await _product(parts, principal, _uuid(ident))
    signatures = await parts.journal.signatures(product.id)
    await parts.audit.access(principal.client, "R", "DocumentReference", ident)
    return resource_response(resources.document_reference(product, len(signatures), parts.base), form)


@router.get(
    "/Binary/{ident}", summary="The bytes of a document or of a signature", openapi_extra=openapi.reading("404")
)
async def read_binary(request: Request, ident: str) -> Response:
    """The document as it is signed and registered, or, with ``-s1``, ``-s2`` … after its id, a signature.

    As FHIR says, the bytes themselves; a Binary where ``Accept`` names FHIR.
    """
    principal = await authorised(request, "Binary", "r")
    parts = service(request)
    name, _, number = ident.partition("-s")
    product = await _product(parts, principal, _uuid(name))
    content = await _content(parts, product.id, number)
    await parts.audit.access(principal.client, "R", "Binary", ident)
    media_type = resources.CMS if number else "application/xml"
    if "fhir" in request.headers.get("accept", "") or request.query_params.get("_format"):
        return resource_response(resources.binary(ident, media_type, content), form_of(request))
    return Response(content, media_type=media_type, headers={"X-Content-Type-Options": "nosniff"})


def organisation(asked: str, principal: Principal, incoming: Incoming) -> str:
    """The organisation on whose behalf a Bundle is sent.

    The one asked for, else the only one of the client, else the only one of its organisations that the Bundle names.

    Raises:
        RequestRefused: 403 it is not the client's, 422 it is not clear.
    """
    asked = asked.removeprefix("urn:oid:")
    if asked:
        if asked not in principal.organisations:
            raise refused(
                403,
                "API02",
                Text("Клиенту не разрешена эта организация.", "The client may not send for this organisation."),
                Text("Организации клиента задаёт egisz client.", "egisz client sets the organisations of a client."),
            )
        return asked
    own = principal.organisations
    if len(own) != 1:
        own = own & incoming.organisations
    if len(own) != 1:
        raise refused(
            422,
            "API06",
            Text("Не ясно, от какой организации Bundle.", "It is not clear for which organisation the Bundle is sent."),
            Text(
                "Назовите её OID: параметр organization или идентификатор ФРМО в Organization.",
                "Name its OID: the parameter organization, or the ФРМО identifier of an Organization.",
            ),
        )
    return next(iter(own))


async def _tried(request: Request, *, documents: bool) -> Response:
    form = form_of(request)
    principal = await authorised(request, "Bundle", "c")
    parts = service(request)
    incoming = await receive(request, parts.limit)
    oid = organisation(request.query_params.get("organization", ""), principal, incoming)
    products = tuple(request.query_params.getlist("product"))
    made = await parts.trial.run(incoming.data, oid, _declared_version(request), products, documents=documents)
    return resource_response(made, form)


async def _task(parts: Service, principal: Principal, ident: UUID, request: Request) -> dict[str, Any]:
    submission = await parts.journal.submission(ident)
    if submission is None or submission.organisation not in principal.organisations:
        raise not_found()
    products = await parts.journal.products(ident)
    return resources.task(submission, products, lang=_lang(request, parts))


async def _product(parts: Service, principal: Principal, ident: UUID) -> ProductRow:
    product = await parts.journal.product(ident)
    if product is None or product.organisation not in principal.organisations or not product.has_document:
        raise not_found()
    return product


async def _content(parts: Service, ident: UUID, number: str) -> bytes:
    if not number:
        content = await parts.journal.document(ident)
    else:
        signatures = await parts.journal.signatures(ident)
        index = int(number) - 1 if number.isascii() and number.isdigit() and len(number) < 4 else -1
        content = signatures[index].data if 0 <= index < len(signatures) else None
    if content is None:
        raise not_found()
    return content


def form_of(request: Request) -> Form:
    """The form of the answer that a request wants."""
    return wanted(request.headers.get("accept", ""), request.query_params.get("_format", ""))


def _lang(request: Request, parts: Service) -> str:
    """The language of texts: the first of Accept-Language that is known."""
    for part in request.headers.get("accept-language", "").split(","):
        name = part.strip()[:2].lower()
        if name in ("ru", "en"):
            return name
    return parts.lang


def _declared_version(request: Request) -> str | None:
    """The ``fhirVersion`` of the media type, as FHIR defines it; else the version is detected."""
    for part in request.headers.get("content-type", "").split(";")[1:]:
        key, _, value = part.strip().partition("=")
        if key.lower() == "fhirversion":
            try:
                return parse_version(value.strip('"')).value
            except UsageError as error:
                raise refused(400, "API08", error.text) from None
    return None


def _idempotency_key(request: Request) -> str | None:
    key = request.headers.get("idempotency-key")
    if key is not None and not 0 < len(key) <= 255:
        raise refused(
            400,
            "API08",
            Text("Idempotency-Key — от 1 до 255 знаков.", "Idempotency-Key has 1 to 255 characters."),
        )
    return key


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise not_found() from None
