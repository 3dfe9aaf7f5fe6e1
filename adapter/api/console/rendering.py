"""How pages are made: Jinja with escaping always, texts in the reader's language."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, Literal

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from adapter import __version__
from adapter.api.console import assets
from adapter.api.console.navigation import places
from adapter.api.console.parts import console
from adapter.findings import Text
from adapter.settings import settings

Lang = Literal["ru", "en"]
LANG_COOKIE: Final = "egisz-lang"


@lru_cache(maxsize=1)
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("adapter.api.console", "pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters["moment"] = moment
    made.filters["day"] = lambda value: value.astimezone().strftime("%d.%m.%Y")
    made.filters["iso"] = lambda value: value.isoformat(timespec="seconds")
    made.filters["grouped"] = grouped
    return made


def lang_of(request: Request) -> Lang:
    """The language of the reader: chosen, else that of the browser, else that of the service."""
    chosen = request.cookies.get(LANG_COOKIE)
    if chosen in ("ru", "en"):
        return chosen  # type: ignore[return-value]  # one of the two
    for part in request.headers.get("accept-language", "").split(","):
        name = part.split(";")[0].strip().lower()[:2]
        if name in ("ru", "en"):
            return name  # type: ignore[return-value]  # one of the two
    return settings().lang


def render(request: Request, name: str, **values: Any) -> str:
    """A page, or a part of one, as HTML.

    Besides ``values`` a page has: ``lang``, ``t(ru, en)``, ``say(Text)``, ``ago(seconds)``, ``session`` (``None`` where
    nobody is signed in), ``form_token``, ``places`` (navigation), ``static(name)``, ``vendor(name)`` (empty where
    set-up has not made it), ``path``, ``here`` (with the query) and ``version``.
    """
    lang = lang_of(request)
    session = getattr(request.state, "session", None)
    context = {
        "lang": lang,
        "t": lambda ru, en: ru if lang == "ru" else en,
        "say": lambda text: text.get(lang),
        "ago": _ago(lang),
        "session": session,
        "form_token": console(request).sessions.form_token(session) if session is not None else "",
        "places": places(session, request.url.path) if session is not None else [],
        "static": assets.static,
        "vendor": assets.vendor,
        "path": request.url.path,
        "here": request.url.path + (f"?{request.url.query}" if request.url.query else ""),
        "version": __version__,
    }
    return _environment().get_template(name).render({**context, **values})


def page(request: Request, name: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    """A page as an answer; see :func:`render`."""
    return HTMLResponse(render(request, name, **values), status)


def moment(value: datetime) -> str:
    """A time for a person, by the clock of the service."""
    return value.astimezone().strftime("%d.%m.%Y %H:%M:%S")


def grouped(value: int) -> str:
    """A number with its thousands apart, by narrow spaces that do not break."""
    return f"{value:,}".replace(",", "\u202f")


def _ago(lang: Lang) -> Callable[[float], str]:
    """A length of time in one or two words."""

    def told(seconds: float) -> str:
        units = (
            (86400, Text("д", "d")),
            (3600, Text("ч", "h")),
            (60, Text("мин", "min")),
            (1, Text("с", "s")),
        )
        left = max(int(seconds), 0)
        for index, (size, unit) in enumerate(units):
            if left >= size or size == 1:
                first = f"{left // size} {unit.get(lang)}"
                if index >= 2:
                    return first
                smaller, name = units[index + 1]
                rest = left % size // smaller
                return f"{first} {rest} {name.get(lang)}" if rest else first
        return ""

    return told
