"""The token endpoint of SMART Backend Services and its discovery document."""

from __future__ import annotations

from urllib.parse import parse_qs

import msgspec
from fastapi import APIRouter, Request, Response

from adapter.api import openapi
from adapter.api.access import TokenRefused
from adapter.api.capability import smart_configuration
from adapter.api.incoming import body
from adapter.api.service import service

router = APIRouter(tags=["access"])

#: Most bytes of a token request: an assertion has one or two thousand.
_LIMIT = 64 * 1024
_DISCOVERY = openapi.plain({200: (openapi.JSON, "addresses")})


@router.get("/.well-known/smart-configuration", summary="SMART configuration", openapi_extra=_DISCOVERY)
@router.get("/fhir/.well-known/smart-configuration", summary="SMART configuration", openapi_extra=_DISCOVERY)
async def configuration(request: Request) -> Response:
    """Where to get a token, and how; needs none."""
    made = smart_configuration(service(request).access.token_url)
    return Response(msgspec.json.encode(made), media_type="application/json")


@router.post("/auth/token", summary="Get an access token", openapi_extra=openapi.TOKEN)
async def token(request: Request) -> Response:
    """``client_credentials`` with a signed assertion (``private_key_jwt``), as SMART Backend Services says."""
    parts = service(request)
    form = _form(await body(request, _LIMIT))
    made = await parts.access.token(form, now=parts.clock())
    headers = {"Cache-Control": "no-store", "Pragma": "no-cache"}
    return Response(msgspec.json.encode(made), headers=headers, media_type="application/json")


def _form(data: bytes) -> dict[str, str]:
    try:
        fields = parse_qs(data.decode(), max_num_fields=20, strict_parsing=bool(data))
    except ValueError:
        raise TokenRefused("invalid_request", "the body must be a form") from None
    if any(len(values) != 1 for values in fields.values()):
        raise TokenRefused("invalid_request", "a field stands twice")
    return {name: values[0] for name, values in fields.items()}
