"""What OpenAPI says of routes whose bodies are FHIR: the types of FHIR are described by FHIR, so here is their form."""

from __future__ import annotations

from typing import Any, Final

from adapter.api.media import Form

_RESOURCE: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["resourceType"],
    "properties": {"resourceType": {"type": "string"}},
}
_BUNDLE: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["resourceType", "type"],
    "properties": {
        "resourceType": {"const": "Bundle"},
        "type": {"enum": ["batch", "transaction", "document", "message", "collection"]},
        "entry": {"type": "array", "items": {"type": "object", "properties": {"resource": _RESOURCE}}},
    },
}


def _content(schema: dict[str, Any]) -> dict[str, Any]:
    return {Form.JSON.value: {"schema": schema}, Form.XML.value: {"schema": {"type": "string"}}}


_REFUSALS: Final = {
    "400": "cannot be read",
    "401": "no valid access token",
    "403": "the token does not allow it",
    "404": "no such record",
    "405": "not this method",
    "406": "the answer has no such form",
    "413": "too large",
    "415": "the body has another form",
    "422": "readable, but asks for nothing that can be done",
    "500": "internal error",
    "503": "the storage is away",
}
_TOKEN: Final[list[dict[str, list[str]]]] = [{"smart": []}]


def _parameter(name: str, where: str, text: str, **schema: Any) -> dict[str, Any]:
    return {"name": name, "in": where, "description": text, "schema": {"type": "string", **schema}}


_FORMAT: Final = _parameter("_format", "query", "form of the answer, wins over Accept", enum=["json", "xml"])
_ORGANISATION: Final = _parameter(
    "organization", "query", "OID of the organisation, where the client has several", pattern="^[0-2](\\.[0-9]+)+$"
)


def answers(success: dict[int, str], *refusals: str, schema: dict[str, Any] = _RESOURCE) -> dict[str, Any]:
    """``responses`` of a FHIR route: what succeeds, and which refusals it may give."""
    made = {str(status): {"description": text, "content": _content(schema)} for status, text in success.items()}
    common = ("401", "403", "406", "500", "503")
    for status in sorted({*refusals, *common}):
        made[status] = {"description": f"OperationOutcome: {_REFUSALS[status]}", "content": _content(_RESOURCE)}
    return made


def reading(*refusals: str, search: tuple[dict[str, Any], ...] = ()) -> dict[str, Any]:
    """``openapi_extra`` of a route that reads."""
    return {"security": _TOKEN, "parameters": [_FORMAT, *search], "responses": answers({200: "as asked"}, *refusals)}


def open_to_all() -> dict[str, Any]:
    """``openapi_extra`` of a route that needs no token."""
    refusals = {status: {"description": _REFUSALS[status], "content": _content(_RESOURCE)} for status in ("406", "500")}
    success = {"200": {"description": "as asked", "content": _content(_RESOURCE)}}
    return {"parameters": [_FORMAT], "responses": {**success, **refusals}}


def sending(success: dict[int, str], *parameters: dict[str, Any]) -> dict[str, Any]:
    """``openapi_extra`` of a route that takes a Bundle."""
    return {
        "security": _TOKEN,
        "parameters": [_FORMAT, _ORGANISATION, *parameters],
        "requestBody": {"required": True, "content": _content(_BUNDLE)},
        "responses": answers(success, "400", "413", "415", "422"),
    }


IDEMPOTENCY: Final = _parameter("Idempotency-Key", "header", "the same key again gives the same Task", maxLength=255)
PRODUCT: Final = {
    "name": "product",
    "in": "query",
    "description": "codes of the kinds to make; all that the routes yield by default",
    "schema": {"type": "array", "items": {"type": "string", "pattern": "^[0-9]{1,4}$"}},
}
SCHEMES: Final = {
    "smart": {
        "type": "oauth2",
        "flows": {"clientCredentials": {"tokenUrl": "/auth/token", "scopes": {"system/*.*": "everything"}}},
    }
}
#: A date or a time of FHIR with a prefix; the days that a month has are not told.
DATE: Final = (
    "^(eq|ge|gt|le|lt)?(19|20)[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])"
    "(T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](Z|[+-](0[0-9]|1[0-3]):[0-5][0-9]))?$"
)
SEARCH: Final = (
    _parameter("_id", "query", "id of the document", format="uuid"),
    _parameter("identifier", "query", "its own id, or a number that the state gave it"),
    _parameter("type", "query", "code of the kind"),
    _parameter("_lastUpdated", "query", "time of the last change, with eq, ge, gt, le, lt", pattern=DATE),
    _parameter("_count", "query", "documents of a page", type="integer", minimum=1, maximum=200),
    _parameter("_cursor", "query", "the place of a page, from the link next", format="uuid"),
)


def plain(success: dict[int, tuple[str, str]], **refusals: str) -> dict[str, Any]:
    """``openapi_extra`` of a route that is not FHIR: status → media type and text; refusals are problem details."""
    made = {
        str(status): {"description": text, "content": {media_type: {"schema": {}}}}
        for status, (media_type, text) in success.items()
    }
    problems = {"application/problem+json": {"schema": {"type": "object", "required": ["title", "status", "code"]}}}
    for status in ("500", "503"):
        made[status] = {"description": _REFUSALS[status], "content": problems}
    for key, text in refusals.items():
        made[key.removeprefix("status_")] = {"description": text, "content": problems}
    return {"responses": made}


_OAUTH: Final[dict[str, Any]] = {"application/json": {"schema": {"type": "object", "required": ["error"]}}}
TOKEN: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/x-www-form-urlencoded": {
                "schema": {
                    "type": "object",
                    "required": ["grant_type", "scope", "client_assertion_type", "client_assertion"],
                    "properties": {
                        "grant_type": {"const": "client_credentials"},
                        "scope": {"type": "string"},
                        "client_assertion_type": {"const": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
                        "client_assertion": {"type": "string"},
                    },
                }
            }
        },
    },
    "responses": {
        "200": {
            "description": "a token of five minutes",
            "content": {"application/json": {"schema": {"type": "object", "required": ["access_token", "token_type"]}}},
        },
        "400": {"description": "as RFC 6749 says", "content": _OAUTH},
        "401": {"description": "the assertion proves nothing", "content": _OAUTH},
        **plain({}, status_413="too large", status_415="packed in another way")["responses"],
    },
}
CALLBACK: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {"application/soap+xml": {"schema": {"type": "string"}}, "text/xml": {"schema": {"type": "string"}}},
    },
    **plain(
        {200: ("application/soap+xml", "the answer, in the version of SOAP of the message")},
        status_400="not SOAP",
        status_403="nobody who is trusted has sent it",
        status_413="too large",
        status_415="packed in another way",
    ),
}
_FAULT: Final = "a fault of SOAP: FER01, FER02, SOAP01 of the request, FER03 of the МИС, FER04, FER05 of ours"
_FER: Final = plain(
    {200: ("text/xml", "the answer")},
    status_403="it is not ФЭР that calls",
    status_404="the organisation is not served",
    status_413="too large",
    status_415="packed in another way",
)
FER: Final[dict[str, Any]] = {
    "requestBody": {"required": True, "content": {"text/xml": {"schema": {"type": "string"}}}},
    "responses": {**_FER["responses"], "500": {"description": _FAULT, "content": {"text/xml": {"schema": {}}}}},
}
JSON: Final = "application/json"


def completed(description: dict[str, Any]) -> dict[str, Any]:
    """The description with how callers prove themselves, and without the refusals of FastAPI, which are not ours."""
    for operations in description["paths"].values():
        for operation in operations.values():
            if "HTTPValidationError" in str(operation["responses"].get("422")):
                del operation["responses"]["422"]
    description["components"] = {"securitySchemes": SCHEMES}
    return description
