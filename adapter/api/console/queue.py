"""The queue: documents and Bundles, found by what a person knows of them."""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from adapter.api.console.bulk import MOVES
from adapter.api.console.filters import Filter, key_of, key_text
from adapter.api.console.guard import pages, signed_in
from adapter.api.console.parts import Console, console
from adapter.api.console.queries import BUNDLE_GROUPS, COUNTED, GROUPS, Key
from adapter.api.console.rendering import page
from adapter.api.console.session import Role
from adapter.api.console.words import title, tone, word, words
from adapter.api.service import service
from adapter.findings import Severity
from adapter.pipeline import ProductRow, SubmissionRow
from adapter.pipeline.states import product_machine, submission_machine

router = pages()
#: Rows of a page.
PAGE: Final = 50


@router.get("/queue")
async def queue(request: Request) -> Response:
    """The page; with ``HX-Request`` the list alone."""
    session = await signed_in(request)
    parts = console(request)
    asked = Filter.of(lambda name: request.query_params.get(name, ""))
    after = key_of(request.query_params.get("after", ""))
    wanted = await asked.wanted(parts.queries)
    rows: list[Any]
    if asked.what == "bundles":
        rows = list(await parts.queries.bundles(wanted, after, PAGE + 1))
        count = None
    else:
        rows = list(await parts.queries.products(wanted, after, PAGE + 1))
        count = await parts.queries.count(wanted)
    following = rows[PAGE - 1] if len(rows) > PAGE else None
    values: dict[str, Any] = {
        "asked": asked,
        "rows": rows[:PAGE],
        "count": count,
        "counted": COUNTED,
        "first": after is None,
        "older": asked.address(after=key_text(_key(following))) if following is not None else "",
        "moves": MOVES if session.allows(Role.OPERATOR) else (),
        "now": service(request).clock(),
        "word": word,
        "tone": tone,
        "title": title,
        "number": number,
        "codes": codes,
        "reason": reason,
    }
    name = "queue-list.html.j2" if "hx-request" in request.headers else "queue.html.j2"
    return page(request, name, **values, **(await _choices(parts, asked) if name == "queue.html.j2" else {}))


async def _choices(parts: Console, asked: Filter) -> dict[str, Any]:
    """What the fields of the filter offer."""
    machine, groups = (submission_machine(), BUNDLE_GROUPS) if asked.what == "bundles" else (product_machine(), GROUPS)
    kinds = await parts.watched("kinds", 60, parts.queries.kinds, key=None)
    organisations = await parts.watched("organisations", 60, parts.queries.organisations, key=None)
    return {
        "groups": list(groups),
        "states": [name for name in words("states") if name in machine.states],
        "classes": words("classes"),
        "kinds": sorted(kinds, key=lambda code: (not code.isdecimal(), code.zfill(6))),
        "organisations": organisations,
    }


def _key(row: ProductRow | SubmissionRow) -> Key:
    return Key(row.created_at if isinstance(row, ProductRow) else row.received_at, row.id)


def number(row: ProductRow) -> str:
    """The number by which a person knows a document: its own in its set, else its id."""
    return (row.set_id or "").partition("^")[2] or row.local_uid or str(row.id)


def codes(row: ProductRow | SubmissionRow) -> list[tuple[str, int]]:
    """Codes of what is wrong, each with how often it stands."""
    found = Counter(one.code for one in row.findings if one.severity == Severity.ERROR)
    return [*((code, 1) for code in (row.error.codes if row.error else ())), *found.most_common()]


def reason(row: ProductRow | SubmissionRow) -> Any:
    """The first thing that is wrong, in both languages; ``None`` where nothing is."""
    if row.error is not None:
        return row.error.text
    return next((one.message for one in row.findings if one.severity == Severity.ERROR), None)
