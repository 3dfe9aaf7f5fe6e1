"""The application: routes, what they stand on, and what stands around them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from fastapi import FastAPI
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response

from adapter import __version__
from adapter.api import answers, callbacks, fer, fhir, openapi, operations, search, tokens
from adapter.api.observe import Observed
from adapter.api.service import Service

Opened = Callable[[], AbstractAsyncContextManager[Service]]


def create_app(opened: Opened, *, console: bool = False) -> FastAPI:
    """The application.

    Args:
        opened: opens the parts when the application starts, and closes them when it stops.
        console: with the pages of the console; the parts have to have it.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with opened() as parts:
            app.state.service = parts
            yield

    app = FastAPI(
        title="egisz-adapter",
        version=__version__,
        summary="FHIR → ЕГИСЗ",
        lifespan=lifespan,
        redirect_slashes=False,
        # The pages of FastAPI load scripts from elsewhere, and are for everybody.
        docs_url=None,
        redoc_url=None,
        # Routes say themselves what they answer.
        default_response_class=Response,
    )
    plain = app.openapi
    app.openapi = lambda: openapi.completed(plain())  # type: ignore[method-assign]  # the way that FastAPI offers
    answers.install(app)
    for part in (search, fhir, tokens, callbacks, fer, operations):
        app.include_router(part.router)
    if console:
        from adapter.api.console import console_router

        app.include_router(console_router())
    # XML packs well at once; harder, it would cost more of the processor than of the line.
    app.add_middleware(GZipMiddleware, minimum_size=1000, compresslevel=1)
    app.add_middleware(Observed)
    return app
