"""What the routes stand on: made once, when the application starts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from starlette.requests import Request

from adapter.api.access import Access, Principal
from adapter.api.refusals import refused
from adapter.findings import Text

if TYPE_CHECKING:
    from adapter.api.console.parts import Console
    from adapter.api.fer import Fer
    from adapter.api.trial import Trial
    from adapter.api.trust import Callbacks
    from adapter.pipeline import Journal
    from adapter.pipeline.audit import Audit


def utc_now() -> datetime:
    """The clock, where none is injected."""
    return datetime.now(UTC)


@dataclass(slots=True)
class Service:
    """The parts of the application.

    Attributes:
        base: address of the FHIR endpoint as callers know it, without a slash at its end.
        limit: most bytes of a body.
        trial: converts for ``$convert`` and ``$validate``.
        callbacks: takes messages of РЭМД.
        fer: answers ФЭР.
        console: ``None`` where there is none.
    """

    journal: Journal
    access: Access
    audit: Audit
    trial: Trial
    callbacks: Callbacks
    fer: Fer
    base: str
    limit: int
    lang: str = "ru"
    clock: Callable[[], datetime] = utc_now
    console: Console | None = None


def service(request: Request) -> Service:
    """The parts, for a route."""
    found: Service = request.app.state.service
    return found


async def authorised(request: Request, resource_type: str, letter: str) -> Principal:
    """The caller, who may do ``letter`` (of ``cruds``) to a type of resource.

    Raises:
        RequestRefused: 401 or 403.
    """
    parts = service(request)
    peer = request.client.host if request.client else ""
    principal = await parts.access.principal(request.headers, peer, now=parts.clock())
    if not principal.scopes.allow(resource_type, letter):
        raise refused(
            403,
            "API02",
            Text("Область действия токена этого не позволяет.", "The scope of the token does not allow this."),
            Text(
                f"Нужна область system/{resource_type}.{letter} или шире.",
                f"The scope system/{resource_type}.{letter} or a wider one is needed.",
            ),
            headers={"WWW-Authenticate": 'Bearer realm="egisz", error="insufficient_scope"'},
        )
    return principal
