"""Which form of FHIR a caller sends and wants: JSON or XML, by the rules of HTTP and of FHIR (``_format``)."""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache
from typing import Any, Final

import msgspec
from starlette.responses import Response

from adapter.api.refusals import refused
from adapter.errors import InternalError
from adapter.fhir.model import FhirVersion
from adapter.fhir.models import model
from adapter.findings import Text

#: The version of FHIR that this server speaks; what callers send may be of any version that is read.
VERSION: Final = FhirVersion.R4


class Form(StrEnum):
    """The two forms of a resource, with their media type."""

    JSON = "application/fhir+json"
    XML = "application/fhir+xml"


_ANY: Final = frozenset({"*/*", "application/*"})
_NAMES: Final = {
    Form.JSON: frozenset({"json", "application/json", "text/json", Form.JSON.value}),
    Form.XML: frozenset({"xml", "application/xml", "text/xml", Form.XML.value}),
}


def wanted(accept: str, query: str = "") -> Form:
    """The form of the answer.

    Args:
        accept: the header Accept, empty where there is none.
        query: the parameter ``_format``, which wins.

    Raises:
        RequestRefused: 406, neither form is acceptable.
    """
    if query:
        return _named(query.replace(" ", "+")) or _not_acceptable()
    if not accept:
        return Form.JSON
    for name in _by_quality(accept):
        form = Form.JSON if name in _ANY else _named(name)
        if form is not None:
            return form
    return _not_acceptable()


def sent(content_type: str) -> Form:
    """The form of a body by its header Content-Type.

    Raises:
        RequestRefused: 415, neither.
    """
    form = _named(content_type)
    if form is None:
        raise refused(
            415,
            "API05",
            Text("Тело запроса должно быть FHIR в JSON или XML.", "The body must be FHIR in JSON or XML."),
            Text("Content-Type: application/fhir+json.", "Content-Type: application/fhir+json."),
        )
    return form


def resource_response(
    resource: dict[str, Any], form: Form, status: int = 200, headers: dict[str, str] | None = None
) -> Response:
    """A resource as an answer."""
    body = to_xml(resource) if form is Form.XML else msgspec.json.encode(resource)
    return Response(body, status, headers, media_type=f"{form.value}; fhirVersion={VERSION.value}; charset=utf-8")


def to_xml(resource: dict[str, Any]) -> bytes:
    """A resource as XML, by the models of fhir.resources; for answers, which are few and small."""
    cls = model(VERSION.name, resource["resourceType"])
    if cls is None:
        raise InternalError("an answer of a type that FHIR does not have")
    text: str | bytes = cls.model_validate(resource).model_dump_xml()
    return text.encode() if isinstance(text, str) else text


def _named(media_type: str) -> Form | None:
    plain = media_type.partition(";")[0].strip().lower()
    return next((form for form, names in _NAMES.items() if plain in names), None)


@lru_cache(maxsize=256)
def _by_quality(accept: str) -> tuple[str, ...]:
    """Media types of an Accept header, the most wanted first, those with q=0 left out."""
    ranked = []
    for position, part in enumerate(accept.split(",")):
        name, *parameters = (piece.strip().lower() for piece in part.split(";"))
        quality = next((_number(one[2:]) for one in parameters if one.startswith("q=")), 1.0)
        if name and quality > 0:
            ranked.append((-quality, position, name))
    return tuple(name for _, _, name in sorted(ranked))


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def _not_acceptable() -> Form:
    raise refused(
        406,
        "API04",
        Text("Ответ возможен только как FHIR в JSON или XML.", "The answer can only be FHIR in JSON or XML."),
        Text("Accept: application/fhir+json.", "Accept: application/fhir+json."),
    )
