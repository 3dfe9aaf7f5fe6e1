"""What the pages of the console stand on: made once, when the application starts."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar

from starlette.requests import Request

from adapter.api.console.bulk import Bulk
from adapter.api.console.oidc import Provider
from adapter.api.console.queries import Queries
from adapter.api.console.session import Sessions
from adapter.api.console.shelf import uses_of
from adapter.pipeline.making import ProcessMaker
from adapter.playground.trials import Playground

if TYPE_CHECKING:
    from adapter.settings import Settings

Value = TypeVar("Value")


@dataclass(slots=True)
class Console:
    """The parts of the console.

    Attributes:
        base: address of the console as browsers know it, without a slash at its end.
        provider: of identities; ``None`` where people sign in with codes alone.
        leaving: the service is told to stop; pages that stay open have to end.
    """

    settings: Settings
    sessions: Sessions
    queries: Queries
    bulk: Bulk
    base: str
    provider: Provider | None = None
    leaving: bool = field(default=False)
    _watched: dict[str, tuple[float, Any, Any]] = field(default_factory=dict)
    _maker: ProcessMaker | None = None
    _preparing: asyncio.Task[Any] | None = None
    _playground: Playground | None = None
    _looking: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def secure(self) -> bool:
        """Browsers come over TLS, be it that a proxy ends it."""
        return self.base.startswith("https:")

    async def watched(self, name: str, seconds: float, look: Callable[[], Awaitable[Value]], *, key: Any) -> Value:
        """What many readers watch at once, asked once in so many seconds, and less often where asking takes long.

        Args:
            key: what it depends on; another one asks anew.
        """
        async with self._looking:
            until, known, value = self._watched.get(name, (0.0, None, None))
            if known != key or monotonic() > until:
                begun = monotonic()
                value = await look()
                ended = monotonic()
                self._watched[name] = ended + max(seconds, 10 * (ended - begun)), key, value
        found: Value = value
        return found

    def prepare(self) -> None:
        """Read what pages need of the catalogue while a person looks at the first one."""
        if self._preparing is None:
            self._preparing = asyncio.create_task(asyncio.to_thread(uses_of, self.settings.catalogue))

    def maker(self) -> ProcessMaker:
        """Converts Bundles in a process of its own, which starts when it is first asked for."""
        self._maker = self._maker or ProcessMaker()
        return self._maker

    def playground(self) -> Playground:
        """Tries changes of mappings, in processes that may be killed."""
        self._playground = self._playground or Playground()
        return self._playground

    async def close(self) -> None:
        """End what runs in the background."""
        self.leaving = True
        await self.bulk.close()
        if self._preparing is not None:
            # An error of the catalogue is told by the pages that need it.
            await asyncio.gather(self._preparing, return_exceptions=True)
        if self.provider is not None:
            await self.provider.close()
        if self._maker is not None:
            await asyncio.to_thread(self._maker.close)
        if self._playground is not None:
            await asyncio.to_thread(self._playground.close)


def console(request: Request) -> Console:
    """The parts, for a page."""
    found: Console = request.app.state.service.console
    return found
