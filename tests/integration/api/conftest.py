"""The application over a real PostgreSQL."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from fastapi import FastAPI
from fastapi.testclient import TestClient
from jwt.algorithms import ECAlgorithm

from adapter.api.access import ASSERTION_TYPE, Access
from adapter.api.app import create_app
from adapter.api.clients import StoredClients
from adapter.api.fer import Fer
from adapter.api.service import Service, utc_now
from adapter.api.trial import Trial
from adapter.api.trust import Callbacks
from adapter.catalogue import Catalogue
from adapter.convert import Converter
from adapter.nsi import BookStore
from adapter.organisation import Organisations
from adapter.pipeline import Journal
from adapter.pipeline.audit import Audit
from adapter.pipeline.fer import StoredSessions
from adapter.registers.fer.config import XSD, load_facts
from adapter.settings import Settings
from adapter.transport.answers import Answers
from adapter.transport.http import AioHttp
from adapter.transport.schema import CALLBACK_WSDL, Schema
from tests.database import service_settings
from tests.fixtures import database_url, server

__all__ = ["database_url", "server"]

BASE = "https://clinic.example/fhir"
TOKEN_URL = "https://clinic.example/auth/token"
#: The fictive organisation of the catalogue, and one of nobody here.
OURS, THEIRS = "1.2.643.5.1.13.13.12.2.77.99999", "1.2.643.5.1.13.13.12.2.78.1"
SENDER = ["system/Bundle.c", "system/Task.r", "system/DocumentReference.rs", "system/Binary.r"]
KEY = ec.generate_private_key(ec.SECP384R1())
JWKS = {"keys": [{**json.loads(ECAlgorithm.to_jwk(KEY.public_key())), "kid": "k1"}]}


@dataclass(slots=True)
class Clock:
    """A clock that tests move."""

    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@dataclass(slots=True)
class Api:
    """The running application.

    Attributes:
        http: a caller.
        service: what the application stands on, for a look behind it.
    """

    http: TestClient
    clock: Clock
    service: Service
    _number: int = 0

    def wait(self, work: Callable[..., Any], *arguments: Any) -> Any:
        """The result of a coroutine function, run in the loop of the application."""
        assert self.http.portal is not None
        return self.http.portal.call(work, *arguments)

    def register(self, name: str, *organisations: str, scopes: list[str] = SENDER) -> None:
        """A client with the key of these tests."""
        clients = self.service.access.clients
        assert isinstance(clients, StoredClients)
        self.wait(clients.add, name, organisations, JWKS, scopes, None)

    def token(self, name: str, scope: str = "system/*.*") -> str:
        """An access token, got as SMART says."""
        self._number += 1
        claims = {"iss": name, "sub": name, "aud": TOKEN_URL, "jti": str(self._number)}
        claims = {**claims, "exp": int(self.clock.now.timestamp()) + 200}
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": jwt.encode(claims, KEY, algorithm="ES384", headers={"kid": "k1"}),
            "scope": " ".join(SENDER) if scope == "system/*.*" else scope,
        }
        answer = self.http.post("/auth/token", data=form)
        assert answer.status_code == 200, answer.text
        token: str = answer.json()["access_token"]
        return token

    def headers(self, name: str = "mis", **more: str) -> dict[str, str]:
        """Headers of a client's request."""
        return {"Authorization": f"Bearer {self.token(name)}", "Content-Type": "application/fhir+json", **more}


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory, database_url: str) -> Iterator[Api]:
    """The application with the client ``mis`` of our organisation and ``other`` of another one."""
    clock = Clock()
    app = application(tmp_path_factory.mktemp("api"), database_url, clock)
    with TestClient(app, base_url="https://clinic.example", client=("127.0.0.1", 50000)) as http:
        made = Api(http, clock, app.state.service)
        made.register("mis", OURS)
        made.register("other", THEIRS)
        yield made


def application(home: Path, database_url: str, clock: Callable[[], datetime] = utc_now) -> FastAPI:
    """The application with its data in a folder."""
    settings = service_settings(database_url, home)
    catalogue = Catalogue()
    books = BookStore(home / "nsi", catalogue)
    known = Organisations(catalogue, home / "organisations")
    converter = Converter(catalogue, books, known.find(OURS), checker=None, cache=home / "templates")

    @asynccontextmanager
    async def opened() -> AsyncIterator[Service]:
        journal = await Journal.open(settings, clock=clock)
        try:
            async with AioHttp() as http:
                yield _service(journal, clock, lambda oid: converter.sent_by(known.find(oid)), settings, http)
        finally:
            await journal.close()

    return create_app(opened)


def _service(
    journal: Journal,
    clock: Callable[[], datetime],
    converter: Callable[[str], Converter],
    settings: Settings,
    http: AioHttp,
) -> Service:
    sessions = StoredSessions(journal.database, journal.vault)
    return Service(
        journal=journal,
        access=Access(StoredClients(journal.database), b"s" * 32, TOKEN_URL),
        audit=Audit(journal.database),
        trial=Trial(converter),
        callbacks=Callbacks(
            Answers("00000000-0000-4000-8000-000000000001", Schema(CALLBACK_WSDL)),
            None,
            (ipaddress.ip_network("127.0.0.0/8"),),
        ),
        fer=Fer(settings.organisations_dir, load_facts(Catalogue()), Catalogue().file(XSD), converter, sessions, http),
        base=BASE,
        limit=1_000_000,
        lang="en",
        clock=clock,
    )


@pytest.fixture(scope="session")
def bundle() -> bytes:
    """A Bundle that makes one document."""
    return (Path(__file__).parents[3] / "examples" / "bundles" / "170-r4-frcore.json").read_bytes()
