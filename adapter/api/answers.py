"""Errors as answers: OperationOutcome under ``/fhir``, problem details (RFC 7807) elsewhere; no value of a request."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import msgspec
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from adapter.api.access import TokenRefused
from adapter.api.media import Form, resource_response, wanted
from adapter.api.refusals import refused
from adapter.errors import DatabaseError, EgiszError, RequestRefused
from adapter.fhir.outcome import operation_outcome
from adapter.findings import Text
from adapter.log import get_logger
from adapter.settings import settings


def install(app: FastAPI) -> None:
    """Let every error of an application become an answer."""
    app.add_exception_handler(RequestRefused, _refused)
    app.add_exception_handler(TokenRefused, _token_refused)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _parameters)
    app.add_exception_handler(DatabaseError, _away)
    app.add_exception_handler(EgiszError, internal)


def answer(request: Request, error: RequestRefused) -> Response:
    """The answer to a request that is refused."""
    if request.url.path.startswith("/fhir"):
        outcome = operation_outcome(error.findings, lang=settings().lang)
        return resource_response(outcome, _form(request), error.status, error.headers)
    finding = error.findings[0]
    problem = {
        "type": f"urn:egisz-adapter:finding:{finding.code}",
        "title": finding.message.get("en"),
        "detail": finding.hint.get("en"),
        "status": error.status,
        "code": finding.code,
        "title_ru": finding.message.get("ru"),
        "detail_ru": finding.hint.get("ru"),
    }
    return Response(msgspec.json.encode(problem), error.status, error.headers, "application/problem+json")


def _form(request: Request) -> Form:
    try:
        return wanted(request.headers.get("accept", ""), request.query_params.get("_format", ""))
    except RequestRefused:
        return Form.JSON


async def _refused(request: Request, error: Any) -> Response:
    return answer(request, error)


async def _token_refused(_request: Request, error: Any) -> Response:
    body = msgspec.json.encode({"error": error.error, "error_description": str(error)})
    return Response(body, error.status, {"Cache-Control": "no-store"}, "application/json")


async def _http(request: Request, error: Any) -> Response:
    status = HTTPStatus(error.status_code)
    code = {404: "API03", 405: "API13"}.get(status, "API08")
    texts = {
        "API03": Text("Такого адреса нет.", "There is no such address."),
        "API13": Text("Здесь этого сделать нельзя.", "This cannot be done here."),
        "API08": Text("Запрос неверен.", "The request is malformed."),
    }
    hint = Text("Что есть, говорит /fhir/metadata.", "/fhir/metadata tells what there is.")
    return answer(request, refused(status, code, texts[code], hint, headers=dict(error.headers or {})))


async def _parameters(request: Request, error: Any) -> Response:
    names = ", ".join(sorted({str(one["loc"][-1]) for one in error.errors()}))
    text = Text(f"Параметры неверны: {names}.", f"Malformed parameters: {names}.")
    return answer(request, refused(400, "API08", text))


async def _away(request: Request, error: Exception) -> Response:
    get_logger().error("api.database_away", error_type=type(error).__name__)
    return answer(
        request,
        refused(
            503,
            "API11",
            Text("Хранилище сейчас недоступно; ничего не принято.", "The storage is away; nothing was accepted."),
            Text("Повторите запрос позже, с тем же Idempotency-Key.", "Repeat later, with the same Idempotency-Key."),
            headers={"Retry-After": "5"},
        ),
    )


async def internal(request: Request, error: Exception) -> Response:
    """The answer to an error of ours; its text may quote a Bundle and is told to nobody."""
    get_logger().error("api.failed", error_type=type(error).__name__)
    return answer(
        request,
        refused(
            500,
            "API12",
            Text("Внутренняя ошибка.", "Internal error."),
            Text("Сообщите разработчикам время и адрес запроса.", "Tell the developers the time and the address."),
        ),
    )
