"""A database that takes connections and answers nothing any more."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit
from uuid import UUID

import pytest

from adapter.errors import DatabaseError
from adapter.pipeline import Journal
from adapter.settings import Settings
from tests.database import service_settings

_SOCKET = ".s.PGSQL.5432"
_NOBODY = UUID(int=0)


class Between:
    """Stands between a client and the server, and passes on what both say while ``open`` is set."""

    def __init__(self, server: str) -> None:
        self._server = server
        self.open = asyncio.Event()
        self.open.set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        theirs, ours = await asyncio.open_unix_connection(self._server)
        for source, target in ((reader, ours), (theirs, writer)):
            task = asyncio.create_task(self._pass(source, target))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pass(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(65536):
                await self.open.wait()
                target.write(data)
                await target.drain()
        except ConnectionError:
            pass
        finally:
            target.close()

    def stop(self) -> None:
        for task in self._tasks:
            task.cancel()


@asynccontextmanager
async def between(service: Settings, folder: Path) -> AsyncIterator[tuple[Between, Settings]]:
    """Settings of a service whose database is reached through a `Between`."""
    assert service.database_url is not None
    url = service.database_url.get_secret_value()
    real = unquote(urlsplit(url).query.removeprefix("host="))
    middle = Between(f"{real}/{_SOCKET}")
    server = await asyncio.start_unix_server(middle.take, folder / _SOCKET)
    through = url.partition("?")[0] + f"?host={quote(str(folder), safe='/')}"
    try:
        yield middle, service_settings(through, service.data, database_timeout=0.3)
    finally:
        middle.stop()
        server.close()


def test_a_database_that_hangs_is_unreachable_and_is_used_again_once_it_answers(
    service: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapter.pipeline.journal._ANSWERS_WITHIN", 0.1)

    async def scenario(folder: Path) -> None:
        async with between(service, folder) as (middle, conf):
            journal = await Journal.open(conf)
            try:
                assert await journal.submission(_NOBODY) is None
                middle.open.clear()
                for _ in range(3):
                    with pytest.raises(DatabaseError):
                        await journal.submission(_NOBODY)
                    with pytest.raises(DatabaseError):
                        async with journal.database.transaction() as connection:
                            await connection.execute("select 1")
                    assert await journal.not_ready() == ["database"]
                middle.open.set()
                while await journal.not_ready():
                    await asyncio.sleep(0.05)
                assert await journal.submission(_NOBODY) is None
            finally:
                await journal.close()

    # A path of pytest may be longer than that of a socket.
    with tempfile.TemporaryDirectory(prefix="egisz-") as folder:
        asyncio.run(asyncio.wait_for(scenario(Path(folder)), 60))
