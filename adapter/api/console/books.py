"""Books and packs: what is installed, which kinds are open, what uses what; search in a book."""

from __future__ import annotations

import asyncio
from itertools import islice
from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from adapter.api.console.guard import PageRefused, pages, signed_in
from adapter.api.console.parts import console
from adapter.api.console.rendering import page
from adapter.api.console.shelf import Shelf, read_shelf
from adapter.api.service import service
from adapter.findings import Text
from adapter.nsi import Book

router = pages()
#: Rows of a page of a book.
PAGE: Final = 100
#: Seconds that what is installed is remembered.
_KEPT: Final = 30.0


@router.get("/books")
async def books(request: Request) -> Response:
    """The page."""
    await signed_in(request)
    shelf = await _shelf(request)
    return page(request, "books.html.j2", shelf=shelf, today=service(request).clock().astimezone().date())


@router.get("/books/{oid}/{version}")
async def book(request: Request, oid: str, version: str, q: str = "", after: str = "") -> Response:
    """A book, row by row, or what is found in it."""
    await signed_in(request)
    shelf = await _shelf(request)
    found = await asyncio.to_thread(shelf.store.book, oid, version)
    if found is None:
        raise HTTPException(404)
    rows = list(islice(_rows(found, q, after), PAGE + 1))
    older = rows[PAGE - 1][0] if len(rows) > PAGE else ""
    users = next((one.users for one in shelf.books if one.oid == oid), ())
    values: dict[str, Any] = {
        "book": found,
        "rows": rows[:PAGE],
        "q": q,
        "more": older,
        "first": not after,
        "users": users,
    }
    name = "book-rows.html.j2" if "hx-request" in request.headers else "book.html.j2"
    return page(request, name, **values)


def _rows(found: Book, q: str, after: str) -> list[tuple[str, str]]:
    """Code and name of the rows that match, in the order of the book, those after a code.

    Raises:
        PageRefused: there is no such code.
    """
    words = q.casefold().split()
    entries = [(code, name or "") for code, name in found.codes.items()]
    if after:
        codes = [code for code, _ in entries]
        if after not in found.codes:
            raise PageRefused(404, Text("Такого кода в справочнике нет.", "There is no such code in the book."))
        entries = entries[codes.index(after) + 1 :]
    return [
        (code, name)
        for code, name in entries
        if all(word in code.casefold() or word in name.casefold() for word in words)
    ]


async def _shelf(request: Request) -> Shelf:
    parts = console(request)
    return await parts.watched("shelf", _KEPT, lambda: asyncio.to_thread(read_shelf, parts.settings), key=None)
