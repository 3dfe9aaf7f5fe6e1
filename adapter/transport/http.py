"""The HTTP port of the clients, and its implementation over aiohttp: one pool of connections, bounded waiting."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from adapter.errors import TransportFailed
from adapter.findings import Text

if TYPE_CHECKING:
    from aiohttp import ClientSession


@dataclass(frozen=True, slots=True, repr=False)
class HttpAnswer:
    """An answer: its status, its type and its bytes."""

    status: int
    content_type: str
    body: bytes


class Http(Protocol):
    """Sends a POST."""

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> HttpAnswer:
        """Send ``body``, whatever the status of the answer.

        Raises:
            TransportFailed: no answer came.
        """
        ...


class AnyHttp(Protocol):
    """Sends a request of any method."""

    async def request(self, method: str, url: str, body: bytes | None, headers: Mapping[str, str]) -> HttpAnswer:
        """Send it, whatever the status of the answer.

        Raises:
            TransportFailed: no answer came.
        """
        ...


class AioHttp:
    """An :class:`Http` and :class:`AnyHttp` that keeps its connections. Use it as an asynchronous context manager.

    Args:
        timeout: seconds for a whole exchange.
        connect_timeout: seconds for a connection.
        connections: most of them at a time, to one host.
        tls: certificates of ours and of theirs, where the defaults will not do.
        max_bytes: largest answer.
    """

    def __init__(
        self,
        *,
        timeout: float = 30.0,
        connect_timeout: float = 10.0,
        connections: int = 20,
        tls: ssl.SSLContext | None = None,
        max_bytes: int = 64 * 1024 * 1024,
    ) -> None:
        self._timeout, self._connect_timeout = timeout, connect_timeout
        self._connections, self._tls, self._max_bytes = connections, tls, max_bytes
        self._session: ClientSession | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> HttpAnswer:
        """See :class:`Http`."""
        return await self.request("POST", url, body, headers)

    async def request(self, method: str, url: str, body: bytes | None, headers: Mapping[str, str]) -> HttpAnswer:
        """See :class:`AnyHttp`; redirects are not followed: a message goes where it was sent."""
        from aiohttp import ClientError

        try:
            sending = self._opened().request(method, url, data=body, headers=headers, allow_redirects=False)
            async with sending as answer:
                data = await answer.content.read(self._max_bytes + 1)
                while len(data) <= self._max_bytes and not answer.content.at_eof():
                    data += await answer.content.read(self._max_bytes + 1 - len(data))
                if len(data) > self._max_bytes:
                    raise TransportFailed(Text("ответ слишком велик", "the answer is too large"), status=answer.status)
                return HttpAnswer(answer.status, answer.headers.get("Content-Type", ""), data)
        except (ClientError, TimeoutError, OSError, ValueError) as error:
            # The text of the error may quote the address with what stands in it.
            name = type(error).__name__
            raise TransportFailed(Text(f"нет ответа: {name}", f"no answer: {name}")) from error

    def _opened(self) -> ClientSession:
        if self._session is None:
            from aiohttp import ClientSession, ClientTimeout, TCPConnector

            connector = TCPConnector(
                limit=self._connections, limit_per_host=self._connections, ssl=self._tls if self._tls else True
            )
            self._session = ClientSession(
                connector=connector,
                timeout=ClientTimeout(total=self._timeout, sock_connect=self._connect_timeout),
                auto_decompress=True,
            )
        return self._session
