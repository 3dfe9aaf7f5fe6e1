"""Signing in and out, and the choice of a language."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from adapter.api.console.guard import cookie_name, local, pages, posted, signed_in
from adapter.api.console.navigation import HOME
from adapter.api.console.oidc import WAITS, Provider, SignInRefused
from adapter.api.console.parts import console
from adapter.api.console.rendering import LANG_COOKIE, page
from adapter.api.console.session import Session
from adapter.api.service import service
from adapter.findings import Text

router = pages()
_YEAR = 365 * 86400
_WAITING = "egisz-console-oidc"


@router.get("")
async def without_slash() -> Response:
    """Where it all begins."""
    return RedirectResponse(HOME, 303)


@router.get("/sign-in")
async def form(request: Request, next: str = HOME, ticket: str = "") -> Response:  # noqa: A002 - name of the field
    """The form; a link with a ticket fills it, so that whoever merely looks at a link does not use it up."""
    return _form(request, local(next), ticket=ticket)


def _form(request: Request, target: str, *, ticket: str = "", problem: Text | None = None) -> Response:
    provider = console(request).provider
    values = {"target": target, "ticket": ticket, "problem": problem}
    return page(request, "sign-in.html.j2", status=403 if problem else 200, provider=provider is not None, **values)


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
        return _form(request, target, problem=problem)
    await begun(request, session)
    return with_session(request, RedirectResponse(target, 303), session)


async def begun(request: Request, session: Session) -> None:
    """Tell the audit that somebody has signed in, and get ready for what is looked at next."""
    await service(request).audit.access(session.agent, "E", "Device", "console-sign-in")
    console(request).prepare()


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


@router.get("/oidc/begin")
async def to_provider(request: Request, next: str = HOME) -> Response:  # noqa: A002 - name of the field
    """Go to the provider's page."""
    provider, now = _provider(request), service(request).clock()
    address, waiting = await provider.begin(local(next), now=now)
    answer = RedirectResponse(address, 303)
    answer.set_cookie(
        _WAITING,
        waiting,
        max_age=int(WAITS.total_seconds()),
        path="/console/oidc",
        secure=console(request).secure,
        httponly=True,
        # A strict one would stay at home when the browser comes from the provider.
        samesite="lax",
    )
    return answer


@router.get("/oidc/callback")
async def from_provider(request: Request) -> Response:
    """Begin a session of the person that the provider sends back."""
    provider, now = _provider(request), service(request).clock()
    try:
        session, target = await provider.finish(request.query_params, request.cookies.get(_WAITING, ""), now=now)
    except SignInRefused as error:
        return _form(request, HOME, problem=error.text)
    await begun(request, session)
    # A page, not a redirect: the browser is still on the provider's errand, and would not send a strict cookie.
    answer = with_session(request, page(request, "signed-in.html.j2", target=local(target)), session)
    answer.delete_cookie(_WAITING, path="/console/oidc", secure=console(request).secure, httponly=True)
    return answer


def _provider(request: Request) -> Provider:
    provider = console(request).provider
    if provider is None:
        raise HTTPException(404)
    return provider


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
