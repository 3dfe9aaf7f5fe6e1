"""Who may see a page and send a form, and what stands around every answer of the console."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Final
from urllib.parse import parse_qs, quote, urlsplit

from fastapi import APIRouter
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from adapter.api.console.navigation import HOME
from adapter.api.console.parts import console
from adapter.api.console.rendering import page
from adapter.api.console.session import Role, Session
from adapter.api.incoming import body
from adapter.api.service import service
from adapter.errors import DatabaseError, EgiszError, EnvironmentProblem, RequestRefused, UsageError
from adapter.findings import Text
from adapter.log import get_logger

#: Scripts, styles and everything else come from here alone, and none stands in a page.
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; frame-src 'self'; form-action 'self'; frame-ancestors 'self'; base-uri 'none'"
)
HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    # A form of ours has to say where it comes from, and nobody else has to know.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
#: Most bytes of a form with a filter, or some hundred ids.
FORM_BYTES: Final = 256 * 1024
_FIELDS: Final = 5000


class PageRefused(EgiszError):
    """A page or a form of the console is refused: status and texts for a person."""

    def __init__(self, status: int, text: Text, hint: Text = Text("", "")) -> None:  # noqa: B008 - is immutable
        super().__init__(text)
        self.status, self.hint = status, hint


class SignInNeeded(PageRefused):
    """Nobody is signed in."""

    def __init__(self) -> None:
        super().__init__(401, Text("Нужно войти.", "Please sign in."))


class ConsoleRoute(APIRoute):
    """A route whose answers carry the headers of the console, and whose errors are pages."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, with what stands around it."""
        inner = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            try:
                answer = await inner(request)
            except SignInNeeded:
                answer = _to_sign_in(request)
            except Exception as error:  # noqa: BLE001 - every error becomes a page; it is told there and in the log
                answer = _error_page(request, error)
            for name, value in HEADERS.items():
                answer.headers.setdefault(name, value)
            return answer

        return guarded


def pages() -> APIRouter:
    """A router for pages of the console."""
    return APIRouter(prefix="/console", include_in_schema=False, route_class=ConsoleRoute)


async def signed_in(request: Request, role: Role | None = None) -> Session:
    """Who is signed in, for a page.

    Args:
        role: one that the page needs; any person that is signed in where ``None``.

    Raises:
        PageRefused: nobody is, or the person has another role.
    """
    parts = console(request)
    cookie = request.cookies.get(cookie_name(secure=parts.secure), "")
    session = await parts.sessions.opened(cookie, now=service(request).clock()) if cookie else None
    if session is None:
        raise SignInNeeded
    request.state.session = session
    if role is not None and not session.allows(role):
        names = {Role.OPERATOR: Text("оператор", "operator"), Role.AUTHOR: Text("автор", "author")}[role]
        raise PageRefused(
            403,
            Text(f"Для этого нужна роль «{names.ru}».", f"This needs the role “{names.en}”."),
            Text("Роль выдаёт тот, кто выдаёт доступ.", "Roles are given by whoever gives access."),
        )
    return session


async def viewed(request: Request, session: Session, product: object, *, resource: str = "DocumentReference") -> None:
    """Tell the audit, before a page shows the data of a patient, who looks at what.

    Args:
        product: id of the document, or of the Bundle where ``resource`` is ``Bundle``.
    """
    await service(request).audit.access(session.agent, "R", resource, str(product))


class Form:
    """Fields of a form; one may stand several times."""

    def __init__(self, fields: dict[str, list[str]]) -> None:
        self._fields = fields

    def get(self, name: str) -> str:
        """The first value of a field, without spaces around it; empty where there is none."""
        return self._fields.get(name, [""])[0].strip()

    def all(self, name: str) -> list[str]:
        """Every value of a field."""
        return self._fields.get(name, [])


async def posted(request: Request, session: Session | None, *, limit: int = FORM_BYTES) -> Form:
    """The form of a request, sent by a page of ours.

    Args:
        session: whose token it has to carry; ``None`` for the form of signing in, which has none yet.
        limit: most bytes.

    Raises:
        PageRefused: another site has sent it, or it is no form.
        RequestRefused: it is too large.
    """
    if not _of_ours(request):
        raise _foreign()
    try:
        fields = parse_qs((await body(request, limit)).decode(), keep_blank_values=True, max_num_fields=_FIELDS)
    except ValueError:
        raise PageRefused(400, Text("Форма неверна.", "The form is malformed.")) from None
    form = Form(fields)
    if session is not None:
        token = request.headers.get("x-form-token") or form.get("form_token")
        if not console(request).sessions.form_is_ours(session, token):
            raise _foreign()
    return form


def _of_ours(request: Request) -> bool:
    """Whether the browser says that a page of ours sends it; old ones say less, and the token of the form decides."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc in (request.url.netloc, urlsplit(console(request).base).netloc)


def _foreign() -> PageRefused:
    return PageRefused(
        403,
        Text("Форма отправлена не с этой страницы.", "The form was not sent by this page."),
        Text("Откройте страницу заново и повторите.", "Open the page again and repeat."),
    )


def cookie_name(*, secure: bool) -> str:
    """Of the session; over TLS no neighbouring host can set one of that name."""
    return "__Host-egisz-console" if secure else "egisz-console"


def local(target: str) -> str:
    """An address of the console to go to next; where it is none, the overview."""
    inside = target.startswith("/console/") and not any(one in target for one in ("\\", "..")) and target.isprintable()
    return target if inside and not target.startswith("/console/sign") else HOME


async def missing(request: Request) -> Response:
    """What no route answers."""
    await signed_in(request)
    raise HTTPException(404)


def _to_sign_in(request: Request) -> Response:
    where = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    target = f"/console/sign-in?next={quote(where if request.method == 'GET' else HOME, safe='/')}"
    if "hx-request" in request.headers:
        return Response(status_code=401, headers={"HX-Redirect": "/console/sign-in"})
    return RedirectResponse(target, 303)


def _error_page(request: Request, error: Exception) -> Response:
    status, text, hint = _told(error)
    if status >= 500:
        get_logger().error("console.failed", error_type=type(error).__name__, status=status)
    return page(request, "error.html.j2", status=status, text=text, hint=hint)


_NOWHERE: Final = Text("Такой страницы нет.", "There is no such page.")
_MALFORMED: Final = Text("Запрос неверен.", "The request is malformed.")


def _told(error: Exception) -> tuple[int, Text, Text]:
    """Status, text and hint of an error; the text of one that is not for people stays unsaid."""
    nothing = Text("", "")
    match error:
        case PageRefused():
            return error.status, error.text, error.hint
        case RequestRefused():
            return error.status, error.findings[0].message, error.findings[0].hint
        case RequestValidationError():
            return 400, _MALFORMED, nothing
        case UsageError():
            return 400, error.text, nothing
        case HTTPException():
            return error.status_code, _NOWHERE if error.status_code == 404 else _MALFORMED, nothing
        case DatabaseError():
            return (
                503,
                Text("База данных недоступна.", "The database is away."),
                Text(
                    "Проверьте egisz doctor; страница откроется, когда база ответит.",
                    "See egisz doctor; the page opens once the database answers.",
                ),
            )
        case EnvironmentProblem():
            return 502, error.text, nothing
        case _:
            return (
                500,
                Text("Внутренняя ошибка.", "Internal error."),
                Text("Время и адрес страницы нужны разработчикам.", "Tell the developers the time and the address."),
            )
