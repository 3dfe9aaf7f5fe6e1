"""Signing in and out, and the choice of a language."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from adapter.api.console.guard import cookie_name, local, pages, posted, signed_in
from adapter.api.console.navigation import HOME
from adapter.api.console.parts import console
from adapter.api.console.rendering import LANG_COOKIE, page
from adapter.api.console.session import Session
from adapter.api.service import service
from adapter.findings import Text

router = pages()
_YEAR = 365 * 86400


@router.get("")
async def without_slash() -> Response:
    """Where it all begins."""
    return RedirectResponse(HOME, 303)


@router.get("/sign-in")
async def form(request: Request, next: str = HOME, ticket: str = "") -> Response:  # noqa: A002 - name of the field
    """The form; a link with a ticket fills it, so that whoever merely looks at a link does not use it up."""
    return page(request, "sign-in.html.j2", target=local(next), ticket=ticket, problem=None)


@router.post("/sign-in")
async def sign_in(request: Request) -> Response:
    """Begin a session with a ticket."""
    parts, now = console(request), service(request).clock()
    fields = await posted(request, None)
    target = local(fields.get("next"))
    session = await parts.sessions.redeem(fields.get("ticket"), now=now)
    if session is None:
        problem = Text(
            "Код неверен, устарел или уже использован.", "The code is wrong, too old, or has been used already."
        )
        return page(request, "sign-in.html.j2", status=403, target=target, ticket="", problem=problem)
    await begun(request, session)
    return with_session(request, RedirectResponse(target, 303), session)


async def begun(request: Request, session: Session) -> None:
    """Tell the audit that somebody has signed in."""
    await service(request).audit.access(session.agent, "E", "Device", "console-sign-in")


def with_session(request: Request, answer: Response, session: Session) -> Response:
    """An answer that begins a session."""
    parts, now = console(request), service(request).clock()
    answer.set_cookie(
        cookie_name(secure=parts.secure),
        parts.sessions.cookie(session, now=now),
        max_age=int((session.expires - now).total_seconds()),
        path="/",
        secure=parts.secure,
        httponly=True,
        samesite="strict",
    )
    return answer


@router.post("/sign-out")
async def sign_out(request: Request) -> Response:
    """End the session."""
    session = await signed_in(request)
    await posted(request, session)
    parts = console(request)
    await parts.sessions.end(session)
    await service(request).audit.access(session.agent, "E", "Device", "console-sign-out")
    answer = RedirectResponse("/console/sign-in", 303)
    answer.delete_cookie(
        cookie_name(secure=parts.secure), path="/", secure=parts.secure, httponly=True, samesite="strict"
    )
    return answer


@router.get("/lang/{name}")
async def language(request: Request, name: str, next: str = HOME) -> Response:  # noqa: A002 - name of the field
    """Choose a language; it is a matter of this browser alone."""
    if name not in ("ru", "en"):
        raise HTTPException(404)
    target = "/console/sign-in" if next.startswith("/console/sign-in") else local(next)
    answer = RedirectResponse(target, 303)
    secure = console(request).secure
    answer.set_cookie(LANG_COOKIE, name, max_age=_YEAR, path="/console", secure=secure, httponly=True, samesite="lax")
    return answer
