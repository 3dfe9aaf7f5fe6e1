"""The console: pages for operators and authors of mappings, under ``/console``.

Server-rendered; every page works without scripts. ``parts`` is what the pages stand on, ``guard`` who may see them,
``rendering`` how they are made; the other modules are a page each. Pages are in ``pages/``, assets of ours in
``static/``, those of others in ``vendor/``, made at set-up and absent from the repository.
"""

from __future__ import annotations

from fastapi import APIRouter


def console_router() -> APIRouter:
    """All routes of the console."""
    from adapter.api.console import actions, assets, books, document, overview, playground, queue, signin
    from adapter.api.console.guard import missing, pages

    router = APIRouter()
    for part in (assets, signin, overview, queue, actions, document, books, playground):
        router.include_router(part.router)
    # What no page answers is told in a page, too.
    others = pages()
    others.add_api_route("/{rest:path}", missing, methods=["GET", "POST"])
    router.include_router(others)
    return router
