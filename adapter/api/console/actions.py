"""Moves of the queue: what would happen first, then the move itself, with how far it has come."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import quote
from uuid import UUID

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from adapter.api.console.bulk import MOVES, MoveName, Progress
from adapter.api.console.filters import Filter
from adapter.api.console.guard import Form, PageRefused, local, pages, posted, signed_in
from adapter.api.console.parts import Console, console
from adapter.api.console.queries import Verdict, Wanted, uuid_of
from adapter.api.console.rendering import page
from adapter.api.console.session import Role
from adapter.api.console.words import word
from adapter.api.service import service
from adapter.catalogue import Catalogue
from adapter.findings import Text
from adapter.pipeline.preview import preview
from adapter.pipeline.states import product_machine, submission_machine
from adapter.registers.services import Services

router = pages()
#: Seconds that an answer waits for a move to end, so that a short one needs no second look.
_SOON: Final = 0.6
_GONE: Final = Text("Bundle уже не хранится", "the Bundle is no longer kept")
_LATER: Final = Text("следующая версия документа уже отправлена", "a later version of the document has left already")


@dataclass(frozen=True, slots=True)
class Choice:
    """What is to be moved.

    Attributes:
        ids: what was marked; empty where everything of the filter is meant.
        asked: the filter.
        back: address to return to.
    """

    move: MoveName
    ids: Sequence[UUID]
    asked: Filter
    back: str


@dataclass(frozen=True, slots=True)
class Fate:
    """Rows that would fare alike.

    Attributes:
        why_not: ``None`` where they would be moved.
        examples: id and number of some.
    """

    why_not: Text | None
    rows: int
    examples: Sequence[tuple[UUID, str]]


@router.post("/queue/dry-run")
async def dry_run(request: Request) -> Response:
    """What a move would do; nothing is done."""
    session = await signed_in(request, Role.OPERATOR)
    choice = _choice(await posted(request, session))
    # What comes while a person reads the page is not meant.
    choice = replace(choice, asked=choice.asked.before(service(request).clock()))
    fates = await _fates(console(request), choice)
    return page(
        request,
        "dry-run.html.j2",
        choice=choice,
        fates=fates,
        moved=sum(one.rows for one in fates if one.why_not is None),
        refused=sum(one.rows for one in fates if one.why_not is not None),
        word=word,
    )


@router.post("/queue/move")
async def move(request: Request) -> Response:
    """The move, in the background."""
    session = await signed_in(request, Role.OPERATOR)
    choice = _choice(await posted(request, session))
    parts = console(request)
    ids = choice.ids or await parts.queries.ids(await _movable(parts, choice))
    progress = parts.bulk.begin(choice.move, ids, session.agent)
    for _ in range(int(_SOON / 0.05)):
        if progress.finished:
            break
        await asyncio.sleep(0.05)
    return RedirectResponse(f"/console/queue/jobs/{progress.id}?back={quote(choice.back, safe='')}", 303)


@router.get("/queue/jobs/{ident}")
async def job(request: Request, ident: UUID, back: str = "") -> Response:
    """How far a move has come; with ``HX-Request`` the part that changes."""
    await signed_in(request)
    progress = _job(request, ident)
    name = "job-progress.html.j2" if "hx-request" in request.headers else "job.html.j2"
    return page(request, name, progress=progress, back=local(back), word=word)


@router.get("/queue/preview/{ident}")
async def previewed(request: Request, ident: UUID) -> Response:
    """What a replay would change in a document: places and findings, no values."""
    await signed_in(request, Role.OPERATOR)
    parts = console(request)
    services = Services.load(Catalogue(parts.settings.catalogue))
    found = await preview(service(request).journal, ident, parts.maker(), services)
    name = "preview-part.html.j2" if "hx-request" in request.headers else "preview.html.j2"
    return page(request, name, previews=found, ident=ident)


def _job(request: Request, ident: UUID) -> Progress:
    progress = console(request).bulk.find(ident)
    if progress is None:
        raise HTTPException(404)
    return progress


def _choice(form: Form) -> Choice:
    """What a form asks for.

    Raises:
        PageRefused: no such move, or nothing is marked.
    """
    name = form.get("move")
    if name not in MOVES:
        raise PageRefused(400, Text("Нет такого действия.", "There is no such action."))
    asked = Filter.of(form.get)
    everything = form.get("scope") == "all" and asked.what == "documents"
    ids = [] if everything else [found for one in form.all("ids") if (found := uuid_of(one)) is not None]
    if not ids and not everything:
        raise PageRefused(
            400,
            Text("Ничего не отмечено.", "Nothing is marked."),
            Text("Отметьте строки или выберите «все найденные».", "Mark rows, or choose “all found”."),
        )
    back = form.get("back")
    return Choice(name, ids, asked, local(back) if back else asked.address())


async def _movable(parts: Console, choice: Choice) -> Wanted:
    """Everything of a filter that can make the move."""
    wanted = await choice.asked.wanted(parts.queries)
    allowed = product_machine().moves[choice.move].before
    return replace(
        wanted, states=sorted(allowed & set(wanted.states)) if wanted.states is not None else sorted(allowed)
    )


async def _fates(parts: Console, choice: Choice) -> list[Fate]:
    if choice.asked.what == "bundles":
        return await _bundle_fates(parts, choice)
    wanted = Wanted(ids=choice.ids) if choice.ids else await choice.asked.wanted(parts.queries)
    found: dict[Text | None, Fate] = {}
    for verdict in await parts.queries.verdicts(wanted, choice.move):
        _add(found, _why_not(choice.move, verdict), verdict.rows, list(zip(verdict.ids, verdict.numbers, strict=True)))
    return _sorted(found)


async def _bundle_fates(parts: Console, choice: Choice) -> list[Fate]:
    found: dict[Text | None, Fate] = {}
    for row in await parts.queries.bundles_of(choice.ids):
        why_not = None
        if not submission_machine().allows(choice.move, row.state):
            why_not = _state(row.state)
        elif choice.move == "replay" and row.payload_id is None:
            why_not = _GONE
        _add(found, why_not, 1, [(row.id, str(row.id))])
    return _sorted(found)


def _add(found: dict[Text | None, Fate], why_not: Text | None, rows: int, examples: Sequence[tuple[UUID, str]]) -> None:
    known = found.get(why_not, Fate(why_not, 0, ()))
    found[why_not] = Fate(why_not, known.rows + rows, [*known.examples, *examples][:5])


def _sorted(found: dict[Text | None, Fate]) -> list[Fate]:
    return sorted(found.values(), key=lambda one: (one.why_not is not None, -one.rows))


def _why_not(move_: MoveName, row: Verdict) -> Text | None:
    """Why rows cannot make a move, as :class:`adapter.pipeline.outbox.Outbox` decides; ``None`` where they can."""
    if move_ == "replay" and row.unmade:
        if not row.kept:
            return _GONE
        return None if submission_machine().allows(move_, row.submission_state) else _state(row.submission_state)
    if not product_machine().allows(move_, row.state):
        return _state(row.state)
    return _LATER if row.overtaken else None


def _state(state: str) -> Text:
    known = word("states", state)
    return Text(f"состояние: {known.ru}", f"state: {known.en}")
