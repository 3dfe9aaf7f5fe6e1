"""What the pages of the console stand on: made once, when the application starts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from starlette.requests import Request

from adapter.api.console.session import Sessions

if TYPE_CHECKING:
    from adapter.settings import Settings


@dataclass(slots=True)
class Console:
    """The parts of the console.

    Attributes:
        base: address of the console as browsers know it, without a slash at its end.
        leaving: the service is told to stop; pages that stay open have to end.
    """

    settings: Settings
    sessions: Sessions
    base: str
    leaving: bool = field(default=False)

    @property
    def secure(self) -> bool:
        """Browsers come over TLS, be it that a proxy ends it."""
        return self.base.startswith("https:")


def console(request: Request) -> Console:
    """The parts, for a page."""
    found: Console = request.app.state.service.console
    return found
