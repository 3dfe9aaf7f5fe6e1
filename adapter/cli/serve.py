"""``egisz serve``: the FHIR endpoint, and beside it the worker that signs and sends."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from adapter.cli.loop import quick_loop, settle
from adapter.findings import Text
from adapter.settings import settings

if TYPE_CHECKING:
    import uvicorn

    from adapter.api.service import Service
    from adapter.pipeline import Journal
    from adapter.settings import Settings

#: Where a token is printed for a developer: only this machine can use it.
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_DEVELOPER = "developer"
_TRIAL = timedelta(hours=12)


def serve(
    host: Annotated[str, typer.Option("--host", help="адрес / address to listen at")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", "-p", min=0, max=65535, help="порт / port")] = 8080,
    worker: Annotated[
        bool, typer.Option("--worker/--no-worker", help="и обработчик в том же процессе / a worker in the same process")
    ] = True,
) -> None:
    """Запустить службу: приём Bundle, подпись, отправка / accept Bundles, sign, send.

    Останавливается по Ctrl-C или SIGTERM, закончив начатое / stops on Ctrl-C or SIGTERM, finishing what was begun.
    """
    with asyncio.Runner(loop_factory=quick_loop()) as runner:
        runner.run(_serve(host, port, worker=worker))


async def _serve(host: str, port: int, *, worker: bool) -> None:
    import uvicorn

    from adapter.api.app import create_app
    from adapter.api.assembly import opened

    conf = settings()
    base = conf.base_url or f"http://{host}:{port}"
    async with opened(conf, base) as parts, _working(conf, parts.journal, worker=worker):
        app = create_app(lambda: nullcontext(parts), console=conf.console)
        config = uvicorn.Config(
            app, host=host, port=port, log_config=None, access_log=False, server_header=False, proxy_headers=False
        )
        if host in _LOOPBACK:
            await _greet(parts, base)
        server = uvicorn.Server(config)
        # uvicorn raises the signal again once it has stopped; by then it has done its work.
        for one in (signal.SIGTERM, signal.SIGINT):
            signal.signal(one, lambda *_: None)
        async with _leaving(server, parts):
            settle()
            await server.serve()


@asynccontextmanager
async def _leaving(server: uvicorn.Server, parts: Service) -> AsyncIterator[None]:
    """Tell pages of the console that stay open when the server is asked to stop, which waits for their end."""

    async def watch() -> None:
        while not server.should_exit:
            await asyncio.sleep(0.2)
        if parts.console is not None:
            parts.console.leaving = True

    async with asyncio.TaskGroup() as group:
        watching = group.create_task(watch())
        yield
        watching.cancel()


@asynccontextmanager
async def _working(conf: Settings, journal: Journal, *, worker: bool) -> AsyncIterator[None]:
    """A worker beside the endpoint, which finishes what it has begun when the endpoint stops."""
    if not worker:
        yield
        return
    from adapter.pipeline.running import configured_worker

    stop = asyncio.Event()
    async with configured_worker(journal, conf) as made, asyncio.TaskGroup() as group:
        group.create_task(made.run(stop=stop))
        yield
        stop.set()


async def _greet(parts: Service, base: str) -> None:
    """Where the service is; a token for trials, where there is no client yet."""
    from adapter.api.clients import StoredClients
    from adapter.api.scopes import parse_scopes
    from adapter.catalogue import Catalogue
    from adapter.organisation import load_organisation

    clients = parts.access.clients
    lang = settings().lang
    typer.echo(Text(f"Служба: {base}/fhir", f"Service: {base}/fhir").get(lang))
    if parts.console is not None and settings().database_url is None:
        _greet_console(parts, base)
    if not isinstance(clients, StoredClients) or any(row["id"] != _DEVELOPER for row in await clients.all()):
        return
    scopes = ["system/*.cruds"]
    fictive = load_organisation(Catalogue(settings().catalogue)).oid
    await clients.add(_DEVELOPER, [fictive], {"keys": []}, scopes, None)
    token = parts.access.issue(
        _DEVELOPER, parse_scopes(scopes), now=parts.clock(), lifetime=int(_TRIAL.total_seconds())
    )
    typer.echo(
        Text(
            f"Клиентов ещё нет. Токен для проб, на 12 часов, от вымышленной организации {fictive}:",
            f"There are no clients yet. A token for trials, for 12 hours, for the fictive organisation {fictive}:",
        ).get(lang)
    )
    typer.echo(token)


def _greet_console(parts: Service, base: str) -> None:
    """A link that signs a developer in to the console once."""
    from adapter.api.console.session import Role

    assert parts.console is not None
    ticket = parts.console.sessions.ticket(_DEVELOPER, Role, now=parts.clock(), lives=_TRIAL)
    link = f"{base}/console/sign-in?ticket={ticket}"
    typer.echo(Text(f"Консоль, вход один раз: {link}", f"Console, to sign in once: {link}").get(settings().lang))
