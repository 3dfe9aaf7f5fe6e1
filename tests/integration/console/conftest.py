"""The console over a real PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from adapter.api.app import create_app
from adapter.api.assembly import assembled
from adapter.api.console.session import Role, Sessions
from adapter.api.service import Service
from adapter.pipeline import Journal
from adapter.settings import Settings
from tests.database import service_settings
from tests.fixtures import database, database_url, server

__all__ = ["database", "database_url", "server"]

BASE = "https://clinic.example"
BOTH = (Role.OPERATOR, Role.AUTHOR)


@dataclass(slots=True)
class Clock:
    """A clock that tests move."""

    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@dataclass(slots=True)
class Desk:
    """A browser at the console, without scripts.

    Attributes:
        http: keeps cookies, follows no redirects.
        service: what the application stands on, for a look behind it.
    """

    http: TestClient
    clock: Clock
    service: Service

    @property
    def sessions(self) -> Sessions:
        assert self.service.console is not None
        return self.service.console.sessions

    def wait(self, work: Callable[..., Any], *arguments: Any) -> Any:
        """The result of a coroutine function, run in the loop of the application."""
        assert self.http.portal is not None
        return self.http.portal.call(work, *arguments)

    def query(self, statement: str, *arguments: Any) -> list[Any]:
        """Rows of the database."""

        async def run() -> list[Any]:
            async with self.service.journal.database.connection() as connection:
                return await connection.fetch(statement, *arguments)

        rows: list[Any] = self.wait(run)
        return rows

    def sign_in(self, *roles: Role, name: str = "ivanov") -> None:
        """Sign in with a ticket."""
        self.http.cookies.clear()
        ticket = self.sessions.ticket(name, roles or BOTH, now=self.clock())
        answer = self.http.post("/console/sign-in", data={"ticket": ticket, "next": "/console/"})
        assert answer.status_code == 303, answer.text

    def get(self, path: str, **headers: str) -> str:
        """A page that is there."""
        answer = self.http.get(path, headers=headers)
        assert answer.status_code == 200, (answer.status_code, answer.text)
        return answer.text

    def post(self, path: str, **fields: Any) -> Any:
        """Send a form as its page would."""
        return self.http.post(path, data={"form_token": self.form_token(), **fields})

    def form_token(self) -> str:
        page = self.get("/console/")
        return page.split('name="form_token" value="', 1)[1].split('"', 1)[0]


@contextmanager
def at_desk(settings: Settings) -> Iterator[Desk]:
    """The application with a browser at it."""
    clock = Clock()

    @asynccontextmanager
    async def opened() -> AsyncIterator[Service]:
        journal = await Journal.open(settings, clock=clock)
        parts = assembled(settings, BASE, journal)
        try:
            yield parts
        finally:
            assert parts.console is not None
            await parts.console.close()
            await journal.close()

    app = create_app(opened, console=True)
    with TestClient(app, base_url=BASE, follow_redirects=False, headers={"Accept-Language": "en"}) as http:
        yield Desk(http, clock, app.state.service)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory, database_url: str) -> Iterator[Desk]:
    """The console over a database of the tests of a module."""
    home: Path = tmp_path_factory.mktemp("console")
    with at_desk(service_settings(database_url, home, nsi=home / "nsi", packs=home / "packs")) as made:
        yield made
