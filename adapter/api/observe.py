"""One canonical log line, one metric and one span a request: method, route, status, time.

Never an address as it was called: identifiers and parameters stand in it.
"""

from __future__ import annotations

from time import perf_counter
from typing import Final

from opentelemetry import trace
from prometheus_client import Counter, Histogram
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from adapter.api.answers import internal
from adapter.errors import InternalError
from adapter.log import get_logger

REQUESTS: Final = Counter("egisz_http_requests_total", "HTTP requests", ["method", "route", "status"])
SECONDS: Final = Histogram(
    "egisz_http_request_seconds",
    "Seconds to answer a request",
    ["method", "route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Observed:
    """ASGI middleware, the outermost."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._tracer = trace.get_tracer("egisz-adapter")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status, started_to_answer = 500, False
        started = perf_counter()

        async def noticed(message: Message) -> None:
            nonlocal status, started_to_answer
            if message["type"] == "http.response.start":
                status, started_to_answer = message["status"], True
            await send(message)

        with self._tracer.start_as_current_span("http.request") as span:
            try:
                await self._app(scope, receive, noticed)
            except Exception as error:  # noqa: BLE001 - what is above would print its text, which may quote a Bundle
                if started_to_answer:
                    raise InternalError("an answer broke off") from None
                answer = await internal(Request(scope, receive), error)
                await answer(scope, receive, noticed)
            finally:
                method = scope["method"] if scope["method"] in _METHODS else "OTHER"
                route = _template(scope)
                seconds = perf_counter() - started
                REQUESTS.labels(method, route, str(status)).inc()
                SECONDS.labels(method, route).observe(seconds)
                span.set_attributes({"http.request.method": method, "http.route": route})
                span.set_attribute("http.response.status_code", status)
                get_logger().info(
                    "http.request", method=method, route=route, status=status, ms=round(seconds * 1000, 1)
                )


def _template(scope: Scope) -> str:
    """The route as it is written in the code; what matched none has no name that is safe to keep."""
    route = scope.get("route")
    return str(getattr(route, "path", "")) or "unmatched"
