"""The search for documents: FHIR's parameters, pages by key."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Request, Response

from adapter.api import openapi, resources
from adapter.api.fhir import form_of
from adapter.api.media import resource_response
from adapter.api.refusals import refused
from adapter.api.service import authorised, service
from adapter.errors import RequestRefused
from adapter.findings import Text
from adapter.pipeline.search import Wanted, documents

router = APIRouter(prefix="/fhir", tags=["FHIR"])

PARAMETERS: Final = ("_id", "identifier", "type", "_lastUpdated", "_count", "_cursor", "_format")
#: Most documents of a page, and those of a page where nobody says how many.
MOST: Final = 200
USUAL: Final = 50
_DATE: Final = re.compile(r"(eq|ge|gt|le|lt)?(\d{4}-\d\d-\d\d)(T\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:Z|[+-]\d\d:\d\d))?")


@router.get(
    "/DocumentReference",
    summary="Search for documents",
    openapi_extra=openapi.reading("400", search=openapi.SEARCH),
)
async def search(request: Request) -> Response:
    """Documents of the caller's organisations, the newest first; ``next`` leads to the following page."""
    form = form_of(request)
    principal = await authorised(request, "DocumentReference", "s")
    parts = service(request)
    wanted, count = _wanted(request, Wanted(principal.organisations))
    found = await documents(parts.journal.database, wanted, count + 1)
    page = found[:count]
    await parts.audit.access(principal.client, "E", "DocumentReference", "search")
    following = ""
    if len(found) > count:
        query = [(key, value) for key, value in request.query_params.multi_items() if key != "_cursor"]
        following = f"{parts.base}/DocumentReference?{urlencode([*query, ('_cursor', str(page[-1][0].id))])}"
    made = resources.searchset(
        [resources.document_reference(product, signatures, parts.base) for product, signatures in page],
        parts.base,
        f"{parts.base}/DocumentReference?{request.url.query}".rstrip("?"),
        following,
    )
    return resource_response(made, form)


def _wanted(request: Request, wanted: Wanted) -> tuple[Wanted, int]:
    count = USUAL
    for name, value in request.query_params.multi_items():
        if name not in PARAMETERS:
            raise _malformed(name)
        if "\x00" in value:
            raise _malformed(name)
        if name == "_count":
            count = _count(value)
        elif name == "_lastUpdated":
            wanted = _dated(wanted, value)
        elif name == "_id":
            wanted = replace(wanted, ident=_uuid(name, value))
        elif name == "_cursor":
            wanted = replace(wanted, after=_uuid(name, value))
        elif name == "identifier":
            wanted = replace(wanted, number=value.rpartition("|")[2].removeprefix("urn:uuid:"))
        elif name == "type":
            wanted = replace(wanted, kind=value.rpartition("|")[2])
    return wanted, count


def _count(value: str) -> int:
    if not (value.isascii() and value.isdigit() and int(value[:6]) > 0):
        raise _malformed("_count")
    return min(int(value[:6]), MOST)


def _dated(wanted: Wanted, value: str) -> Wanted:
    """A bound of the last change, as FHIR's prefixes say; a day without a time lasts until midnight of UTC."""
    match = _DATE.fullmatch(value)
    if match is None:
        raise _malformed("_lastUpdated")
    try:
        start = datetime.fromisoformat(match[2] + (match[3] or "T00:00:00Z")).astimezone(UTC)
        end = start + (timedelta(microseconds=1) if match[3] else timedelta(days=1))
    except (ValueError, OverflowError):
        raise _malformed("_lastUpdated") from None
    prefix = match[1] or "eq"
    since = {"eq": start, "ge": start, "gt": end}.get(prefix)
    before = {"eq": end, "le": end, "lt": start}.get(prefix)
    return replace(wanted, since=since or wanted.since, before=before or wanted.before)


def _uuid(name: str, value: str) -> UUID:
    try:
        return UUID(value)
    except ValueError:
        raise _malformed(name) from None


def _malformed(name: str) -> RequestRefused:
    known = name if name in PARAMETERS else "?"
    return refused(
        400,
        "API08",
        Text(
            f"Параметр поиска неверен или неизвестен: {known}.", f"A search parameter is malformed or unknown: {known}."
        ),
        Text(f"Параметры: {', '.join(PARAMETERS)}.", f"Parameters: {', '.join(PARAMETERS)}."),
    )
