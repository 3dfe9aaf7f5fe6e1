"""The register services over HTTP: ``/registers/<service>/…``, their pages, and ``/admin/registers``."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from adapter.stand.registers.contract import Answer, RegisterService, Request
from adapter.stand.registers.faults import RegisterFaults, spoilt
from adapter.stand.registers.pages import index, page
from adapter.stand.registers.state import Store

_METHODS: Final = ["GET", "POST", "PUT", "DELETE", "PATCH"]
_PAGE: Final = b"<html><body><h1>503 Service Unavailable</h1></body></html>"


class Seed(BaseModel):
    """What a register held before the stand was started (:class:`~adapter.stand.registers.state.Record`)."""

    model_config = ConfigDict(extra="forbid")

    kind: str
    key: str
    number: str = ""
    data: dict[str, Any]


_SEEDS: Final = TypeAdapter(list[Seed])


class Desk:
    """The register services of one stand.

    Args:
        services: them.
        store: their state.
        faults: what goes wrong.
        clock: now, aware.
    """

    def __init__(
        self, services: Iterable[RegisterService], store: Store, faults: RegisterFaults, clock: Callable[[], datetime]
    ) -> None:
        self.services = {service.id: service for service in services}
        self.store, self.faults, self._clock = store, faults, clock

    async def handle(self, service: RegisterService, http: HttpRequest) -> Answer:
        """Answer one request, with the faults that it meets."""
        request = Request(
            http.method,
            http.path_params.get("path", "").strip("/"),
            dict(http.query_params),
            {name.lower(): value for name, value in http.headers.items()},
            await http.body(),
            self._clock(),
        )
        faults = self.faults.draw(service.id)
        number = self.store.receive(
            service.id, request.method, request.path, request.query, request.body, faults, request.at
        )
        answer = await self._answer(service, request, faults, http)
        self.store.answered(number, answer.status, answer.body)
        return answer

    async def _answer(
        self, service: RegisterService, request: Request, faults: Mapping[str, str], http: HttpRequest
    ) -> Answer:
        if "slow" in faults:
            await _wait(http, int(faults["slow"]))
        if "timeout" in faults:
            await _wait(http, int(faults["timeout"]))
            return Answer(504, _PAGE, "text/html")
        if "error" in faults:
            return service.failure(int(faults["error"]))
        answer = self._handled(service, request)
        if "duplicate" in faults:
            answer = self._handled(service, request)
        if "lost" in faults:
            return Answer(int(faults["lost"]), _PAGE, "text/html")
        if "malformed" in faults:
            body, content_type = spoilt(answer.body, faults["malformed"])
            return Answer(answer.status, body, content_type or answer.content_type)
        return answer

    def _handled(self, service: RegisterService, request: Request) -> Answer:
        with self.store.service(service.id) as state:
            return service.handle(request, state)

    def seed(self, service: str, records: Iterable[Seed]) -> None:
        """Put into a register what it held before."""
        with self.store.service(service) as state:
            for one in records:
                state.put(one.kind, one.key, one.data, number=one.number, at=self._clock())

    def told(self, service: str) -> dict[str, Any]:
        """What a service received and holds, for ``/admin/registers/<service>``."""
        with self.store.service(service) as state:
            records = [asdict(record) for record in state.all()]
        return {"received": [_listed(asdict(one)) for one in self.store.received(service)], "records": records}


def routes(desk_of: Callable[[HttpRequest], Desk]) -> list[Route]:
    """The routes of the registers; ``desk_of`` gives the desk of the stand that a request came to."""

    async def call(http: HttpRequest) -> Response:
        desk = desk_of(http)
        service = desk.services.get(http.path_params["service"])
        if service is None:
            return JSONResponse({"error": "no such service", "services": sorted(desk.services)}, 404)
        if http.method == "GET" and not http.path_params.get("path", "").strip("/") and "wsdl" not in http.query_params:
            return Response(page(service.id, http.query_params.get("lang", "")), media_type="text/html")
        answer = await desk.handle(service, http)
        return Response(answer.body, answer.status, media_type=answer.content_type)

    async def pages(http: HttpRequest) -> Response:
        return Response(index(desk_of(http).services, http.query_params.get("lang", "")), media_type="text/html")

    async def admin(http: HttpRequest) -> Response:
        desk = desk_of(http)
        counts = desk.store.counts()
        return JSONResponse({name: {"received": counts.get(name, 0)} for name in desk.services})

    async def admin_service(http: HttpRequest) -> Response:
        desk, name = desk_of(http), http.path_params["service"]
        if name not in desk.services:
            return JSONResponse({"error": "no such service", "services": sorted(desk.services)}, 404)
        if http.method == "POST":
            try:
                desk.seed(name, _SEEDS.validate_json(await http.body()))
            except ValidationError as error:
                return JSONResponse({"error": error.errors(include_url=False, include_input=False)[0]["msg"]}, 400)
        return JSONResponse(desk.told(name))

    return [
        Route("/registers", pages),
        Route("/registers/", pages),
        Route("/registers/{service}", call, methods=_METHODS),
        Route("/registers/{service}/{path:path}", call, methods=_METHODS),
        Route("/admin/registers", admin),
        Route("/admin/registers/{service}", admin_service, methods=["GET", "POST"]),
    ]


async def _wait(http: HttpRequest, seconds: int) -> None:
    """Let time pass, as long as the client is there: a stand that is stopped does not wait for those who have gone."""
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    while loop.time() < until and not await http.is_disconnected():
        await asyncio.sleep(min(0.1, max(0.0, until - loop.time())))


def _listed(received: dict[str, Any]) -> dict[str, Any]:
    """A request as JSON tells it: bytes that are no text in Base64."""
    for name in ("body", "answer"):
        data = received[name]
        if data is not None:
            try:
                received[name] = data.decode()
            except UnicodeDecodeError:
                received[name], received[f"{name}_base64"] = None, base64.b64encode(data).decode()
    return received
