"""For operators: is it alive, is it ready, what does it measure."""

from __future__ import annotations

import msgspec
from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, generate_latest

from adapter.api import openapi
from adapter.api.service import service

router = APIRouter(tags=["operations"])


@router.get("/health/live", summary="The process answers", openapi_extra=openapi.plain({200: (openapi.JSON, "live")}))
async def live() -> Response:
    """200 as long as the process answers at all."""
    return Response(b'{"status":"live"}', media_type="application/json")


@router.get(
    "/health/ready",
    summary="Bundles can be accepted",
    openapi_extra=openapi.plain({200: (openapi.JSON, "ready"), 503: (openapi.JSON, "not ready")}),
)
async def ready(request: Request) -> Response:
    """200 where Bundles can be stored, else 503 with the names of the parts that are not ready."""
    waiting = await service(request).journal.not_ready()
    body = {"status": "waiting" if waiting else "ready", "waiting": waiting}
    return Response(msgspec.json.encode(body), 503 if waiting else 200, media_type="application/json")


@router.get("/metrics", summary="Metrics of Prometheus", openapi_extra=openapi.plain({200: ("text/plain", "metrics")}))
async def metrics(request: Request) -> Response:
    """Counts, times and the state of the queue; no identifiers."""
    await service(request).journal.measure()
    return Response(generate_latest(REGISTRY), media_type=CONTENT_TYPE_LATEST)
