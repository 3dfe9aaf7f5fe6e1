"""A FHIR server of a МИС for tests: searches with pages, versions, If-Match, If-None-Exist; over real HTTP."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

Resource = dict[str, Any]
TOKEN = "test-token"


@dataclass(slots=True)
class FhirServer:
    """Resources in memory.

    Attributes:
        page: resources of a page.
        down: status of every answer, where it is not 0.
        down_after: method and type of the write after which nobody answers any more: ``PUT Slot``.
        lost: methods and types whose next request is done and not answered: ``POST Appointment``.
        refused: the same, refused with 422.
        versions: whether versions are told.
        next_url: in place of the address of the next page.
        asked: methods and paths of requests, with their queries.
    """

    base: str = ""
    page: int = 3
    down: int = 0
    down_after: str = ""
    versions: bool = True
    next_url: str = ""
    lost: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    resources: dict[tuple[str, str], Resource] = field(default_factory=dict)
    _searches: dict[str, tuple[str, list[tuple[str, str]]]] = field(default_factory=dict)

    def put(self, resource: Resource) -> Resource:
        """Keep a resource as its next version."""
        key = resource["resourceType"], resource["id"]
        before = self.resources.get(key)
        number = int(before["meta"]["versionId"]) + 1 if before else 1
        kept = {**resource, "meta": {"versionId": str(number)}}
        self.resources[key] = kept
        return kept

    def all(self, kind: str) -> list[Resource]:
        return [one for (name, _), one in sorted(self.resources.items()) if name == kind]

    def get(self, kind: str, ident: str) -> Resource:
        return self.resources[kind, ident]

    # -- HTTP ---------------------------------------------------------------------------------------------------------

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(f"{request.method} {request.path_qs}")
        path = request.path.removeprefix("/fhir").strip("/").split("/")
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return web.Response(status=401)
        if self.down:
            return web.Response(status=self.down)
        await asyncio.sleep(0)
        named = f"{request.method} {path[0]}"
        if named in self.refused and path[-1] != "_search":
            self.refused.remove(named)
            return web.Response(status=422)
        answer = self._answer(request, path, await request.read())
        if named == self.down_after and path[-1] != "_search":
            self.down = 503
        if named in self.lost and path[-1] != "_search":
            self.lost.remove(named)
            assert request.transport is not None
            request.transport.close()
        return answer

    def _answer(self, request: web.Request, path: list[str], body: bytes) -> web.Response:
        if path[-1] == "_search":
            return self._found(path[0], parse_qsl(body.decode()), 0)
        if request.query.get("_page"):
            search, _, start = request.query["_page"].partition("-")
            return self._found(*self._searches[search], int(start))
        if request.method == "GET":
            found = self.resources.get((path[0], path[1]))
            return web.Response(status=404) if found is None else self._told(found)
        resource = json.loads(body)
        if request.method == "PUT":
            return self._change(request, resource)
        if unless := request.headers.get("If-None-Exist"):
            there = self._matching(resource["resourceType"], parse_qsl(unless))
            if there:
                return self._told(there[0])
        resource["id"] = f"new-{len(self.resources)}"
        return self._told(self.put(resource), 201)

    def _change(self, request: web.Request, resource: Resource) -> web.Response:
        before = self.resources[resource["resourceType"], resource["id"]]
        if request.headers.get("If-Match") != f'W/"{before["meta"]["versionId"]}"':
            return web.Response(status=412)
        return self._told(self.put(resource))

    def _told(self, resource: Resource, status: int = 200) -> web.Response:
        return _json(self._shown(resource), status)

    def _shown(self, resource: Resource) -> Resource:
        return resource if self.versions else {key: value for key, value in resource.items() if key != "meta"}

    def _found(self, kind: str, query: list[tuple[str, str]], start: int) -> web.Response:
        found = self._matching(kind, query)
        bundle: Resource = {
            "resourceType": "Bundle",
            "type": "searchset",
            "total": len(found),
            "entry": [{"resource": self._shown(one)} for one in found[start : start + self.page]],
        }
        if start + self.page < len(found):
            name = str(len(self._searches))
            self._searches[name] = kind, query
            url = self.next_url or f"{self.base}?_page={name}-{start + self.page}"
            bundle["link"] = [{"relation": "next", "url": url}]
        return _json(bundle)

    def _matching(self, kind: str, query: list[tuple[str, str]]) -> list[Resource]:
        return [one for one in self.all(kind) if all(_matches(one, name, value.split(",")) for name, value in query)]


_REFERENCES = {
    "organization": ("organization", "providedBy"),
    "partof": ("partOf",),
    "practitioner": ("practitioner",),
    "actor": ("actor",),
    "schedule": ("schedule",),
}


def _matches(resource: Resource, name: str, values: list[str]) -> bool:
    if name == "_id":
        return resource["id"] in values
    if name == "identifier":
        known = resource.get("identifier", [])
        return any(
            value in (one["value"], f"{one.get('system', '')}|{one['value']}") for one in known for value in values
        )
    if name == "status":
        return resource.get("status") in values
    if name == "start":
        (value,) = values
        bound = datetime.fromisoformat(value[2:])
        try:
            at = datetime.fromisoformat(resource["start"])
            at = at if at.tzinfo else at.replace(tzinfo=bound.tzinfo)
        except (TypeError, ValueError):
            # A server that does not look at what it has.
            return True
        return at >= bound if value.startswith("ge") else at < bound
    found = [resource.get(key) for key in _REFERENCES[name]]
    flat = [one for part in found if part for one in (part if isinstance(part, list) else [part])]
    return any(isinstance(one, dict) and one.get("reference") in values for one in flat)


def _identifiers(resource: Resource) -> Iterator[tuple[str, str]]:
    found = resource.get("identifier")
    for one in found if isinstance(found, list) else ():
        if isinstance(one, dict):
            yield str(one.get("value")), f"{one.get('system')}|{one.get('value')}"


def _json(value: Any, status: int = 200) -> web.Response:
    return web.Response(text=json.dumps(value), status=status, content_type="application/fhir+json")


@contextmanager
def running(server: FhirServer) -> Iterator[FhirServer]:
    """The server at a free port, in a thread of its own."""
    loop = asyncio.new_event_loop()
    started, stop = threading.Event(), asyncio.Event()

    async def main() -> None:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", server.handle)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        server.base = f"http://127.0.0.1:{runner.addresses[0][1]}/fhir"
        started.set()
        await stop.wait()
        await runner.cleanup()

    thread = threading.Thread(target=loop.run_until_complete, args=(main(),), daemon=True)
    thread.start()
    assert started.wait(30)
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(30)
        loop.close()
