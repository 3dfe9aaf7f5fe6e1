"""For operators: is it alive, is it ready, what does it measure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, generate_latest
from starlette.applications import Starlette
from starlette.routing import Route

from adapter.api import openapi
from adapter.api.service import service

if TYPE_CHECKING:
    from adapter.pipeline import Journal

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
    return await _readiness(service(request).journal)


@router.get("/metrics", summary="Metrics of Prometheus", openapi_extra=openapi.plain({200: ("text/plain", "metrics")}))
async def metrics(request: Request) -> Response:
    """Counts, times and the state of the queue; no identifiers."""
    return await _measured(service(request).journal)


def worker_app(journal: Journal) -> Starlette:
    """The same of a worker, which has no other addresses."""

    async def worker_live(_request: Request) -> Response:
        return await live()

    async def worker_ready(_request: Request) -> Response:
        return await _readiness(journal)

    async def worker_metrics(_request: Request) -> Response:
        return await _measured(journal)

    routes = [
        Route("/health/live", worker_live),
        Route("/health/ready", worker_ready),
        Route("/metrics", worker_metrics),
    ]
    return Starlette(routes=routes)


async def _readiness(journal: Journal) -> Response:
    waiting = await journal.not_ready()
    body = {"status": "waiting" if waiting else "ready", "waiting": waiting}
    return Response(msgspec.json.encode(body), 503 if waiting else 200, media_type="application/json")


async def _measured(journal: Journal) -> Response:
    await journal.measure()
    return Response(generate_latest(REGISTRY), media_type=CONTENT_TYPE_LATEST)
