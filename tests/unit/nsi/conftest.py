"""Handmade books in the REST form, and a local service that replays such a folder."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from adapter.nsi import BookStore
from adapter.nsi.importer import import_folder

OID = "1.2.643.5.1.13.13.99.2.7001"
KEY = "very-secret-key"

Rows = Sequence[dict[str, str | None]]
MakeBook = Callable[..., Path]


@pytest.fixture
def rest(tmp_path: Path) -> Path:
    """The folder into which ``make_book`` writes."""
    return tmp_path / "rest"


@pytest.fixture
def make_book(rest: Path) -> MakeBook:
    """Write a book in the REST form: ``make_book(rows, oid=…, version=…, value=None, rows_count=…, …)``."""

    def make(
        rows: Rows,
        *,
        oid: str = OID,
        version: str = "1.1",
        full_name: str = "Учебный справочник",
        key: str = "ID",
        value: str | None = "NAME",
        columns: Sequence[str] = (),
        rows_count: int | None = None,
        folder: str = "",
        other: Sequence[str] = (),
        parts: bool = True,
        size: int = 2000,
    ) -> Path:
        target = rest / (folder or oid) / version
        target.mkdir(parents=True, exist_ok=True)
        names = columns or list(dict.fromkeys(name for row in rows for name in row)) or ["ID", "NAME"]
        passport = {
            "result": "OK",
            "oid": oid,
            "version": version,
            "fullName": full_name,
            "rowsCount": len(rows) if rows_count is None else rows_count,
            "lastUpdate": "01.02.2024 10:00",
            "fields": [{"field": name, "dataType": "VARCHAR", "alias": name.lower()} for name in names],
            "keys": [{"field": key, "type": "PRIMARY"}] + ([{"field": value, "type": "VALUE"}] if value else []),
            "codes": [{"value": one, "type": "TYPE_OTHER"} for one in (oid, *other)],
        }
        (target / "passport.json").write_text(json.dumps(passport), "utf-8")
        for number, start in enumerate(range(0, len(rows), size) if parts else (), start=1):
            page = [
                [{"column": name, "value": value} for name, value in row.items()] for row in rows[start : start + size]
            ]
            answer = {"result": "OK", "total": len(rows), "list": page}
            (target / f"part{number}.json").write_text(json.dumps(answer), "utf-8")
        return target

    return make


@pytest.fixture
def books(rest: Path, tmp_path: Path) -> Callable[[], BookStore]:
    """Import what ``make_book`` wrote and open the store."""

    def imported() -> BookStore:
        import_folder(rest, tmp_path / "store")
        return BookStore(tmp_path / "store")

    return imported


class Replay:
    """The REST service of ФНСИ over a folder; ``script`` holds what to answer first instead, one a request."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.script: list[int | str] = []
        self.requests: list[dict[str, str]] = []
        self.paths: list[str] = []

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/port/rest/{method}", self._answer)
        return app

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(dict(request.query))
        self.paths.append(request.path)
        if self.script:
            return await self._scripted(request, self.script.pop(0))
        if request.query.get("userKey") != KEY:
            return web.Response(status=401, text=f"bad key {request.query.get('userKey')}")
        book = self.folder / request.query["identifier"]
        versions = sorted(book.glob("*"), key=lambda path: [int(part) for part in path.name.split(".")])
        version = request.query.get("version", versions[-1].name if versions else "")
        part = f"part{request.query.get('page')}.json"
        file = book / version / ("passport.json" if request.match_info["method"] == "passport" else part)
        if not file.is_file():
            return web.json_response({"result": "ERROR", "resultText": f"no book for {KEY}"})
        return web.Response(body=file.read_bytes(), content_type="application/json")

    async def _scripted(self, request: web.Request, what: int | str) -> web.StreamResponse:
        if what == "late":
            await asyncio.sleep(5)
        if what == "redirect":
            raise web.HTTPFound(f"{request.path}?{request.query_string}")
        if what == "torn":
            # In the middle of the body: a connection that breaks before it, the HTTP client mends by itself.
            answer = web.StreamResponse(headers={"Content-Length": "1000"})
            await answer.prepare(request)
            await answer.write(b"{")
            assert request.transport is not None
            request.transport.close()
            return answer
        if isinstance(what, int):
            return web.Response(status=what, text=f"{what} {KEY}")
        return web.Response(body=what.encode())


@pytest.fixture
def replay(rest: Path) -> Replay:
    """The service over the handmade books."""
    return Replay(rest)


def serve(replay: Replay, use: Callable[[str], Awaitable[Any]]) -> Any:
    """Run ``use(address)`` while the service listens on a free local port."""

    async def run() -> Any:
        async with TestServer(replay.app()) as server:
            return await use(str(server.make_url("")))

    return asyncio.run(run())


@pytest.fixture
def served() -> Callable[[Replay, Callable[[str], Awaitable[Any]]], Any]:
    """:func:`serve` for tests."""
    return serve
