"""The overview: what came in, what is registered, what waits, what failed."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from adapter.api.console.guard import pages, signed_in
from adapter.api.console.rendering import page

router = pages()


@router.get("/")
async def overview(request: Request) -> Response:
    """The page."""
    await signed_in(request)
    return page(request, "overview.html.j2")
