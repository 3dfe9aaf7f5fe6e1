"""Signing in with an identity provider: a small real one, over real HTTP."""

from __future__ import annotations

import hashlib
import json
import secrets
import socket
import threading
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
import pytest
import uvicorn
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from tests.database import service_settings
from tests.integration.console.conftest import Desk, at_desk

CLIENT, SECRET = "egisz-console", "a secret of the client"


@dataclass
class Idp:
    """An identity provider: everybody who comes is ``ivanova``.

    Attributes:
        claims: what it says besides, or instead.
        skew: seconds that its clock is ahead.
    """

    issuer: str
    claims: dict[str, Any] = field(default_factory=dict)
    skew: float = 0
    key: Any = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    key_id: str = "k1"
    signs_with: Any = None
    _codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self.discovery),
                Route("/authorize", self.authorize),
                Route("/token", self.token, methods=["POST"]),
                Route("/keys", self.keys),
            ]
        )

    async def discovery(self, _request: Request) -> Response:
        names = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "keys"}
        return JSONResponse({"issuer": self.issuer, **{key: f"{self.issuer}/{name}" for key, name in names.items()}})

    async def authorize(self, request: Request) -> Response:
        asked = dict(request.query_params)
        assert asked["response_type"] == "code"
        assert asked["client_id"] == CLIENT
        assert "openid" in asked["scope"].split()
        code = secrets.token_urlsafe(8)
        self._codes[code] = asked
        return RedirectResponse(f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}", 303)

    async def token(self, request: Request) -> Response:
        form = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
        asked = self._codes.pop(form["code"], None)
        digest = urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).rstrip(b"=").decode()
        proved = (form["client_id"], form["client_secret"]) == (CLIENT, SECRET)
        if asked is None or not proved or digest != asked["code_challenge"]:
            return JSONResponse({"error": "invalid_grant"}, 400)
        assert form["redirect_uri"] == asked["redirect_uri"]
        now = time.time() + self.skew
        claims = {
            "iss": self.issuer,
            "sub": "42",
            "aud": CLIENT,
            "iat": now,
            "exp": now + 60,
            "nonce": asked["nonce"],
            "preferred_username": "ivanova",
            "roles": ["egisz-operator", "something else"],
        }
        claims = {name: value for name, value in {**claims, **self.claims}.items() if value is not None}
        token = jwt.encode(claims, self.signs_with or self.key, "ES256", headers={"kid": self.key_id})
        return JSONResponse({"id_token": token, "access_token": "x", "token_type": "Bearer"})

    async def keys(self, _request: Request) -> Response:
        public = json.loads(ECAlgorithm.to_jwk(self.key.public_key()))
        return JSONResponse({"keys": [{**public, "kid": self.key_id, "use": "sig"}]})


@pytest.fixture(scope="module")
def served() -> Iterator[Idp]:
    """The provider, running."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        idp = Idp(f"http://127.0.0.1:{sock.getsockname()[1]}")
        server = uvicorn.Server(uvicorn.Config(idp.app(), log_level="error"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]})
        thread.start()
        while not server.started:
            time.sleep(0.01)
        try:
            yield idp
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture
def idp(served: Idp) -> Iterator[Idp]:
    """The provider, as it is when all is well."""
    key = served.key
    yield served
    served.claims, served.skew, served.signs_with, served.key, served.key_id = {}, 0, None, key, "k1"


@pytest.fixture(scope="module")
def desk(served: Idp, database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A console that knows the provider."""
    home: Path = tmp_path_factory.mktemp("oidc")
    more = {
        "console_oidc_issuer": served.issuer,
        "console_oidc_client_id": CLIENT,
        "console_oidc_client_secret": SecretStr(SECRET),
    }
    with at_desk(service_settings(database_url, home, **more)) as made:
        yield made


@pytest.fixture(autouse=True)
def nobody(desk: Desk) -> None:
    desk.http.cookies.clear()


def to_provider(desk: Desk, target: str = "/console/queue") -> str:
    """The address at the provider that the browser is sent to."""
    answer = desk.http.get("/console/oidc/begin", params={"next": target})
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


def back(address: str) -> str:
    """Where the provider sends the browser, without the host of ours."""
    import httpx2 as httpx

    found = urlsplit(httpx.get(address).headers["location"])
    assert f"{found.scheme}://{found.netloc}" == "https://clinic.example"
    return f"{found.path}?{found.query}"


def test_a_person_signs_in_and_goes_where_she_was_going(desk: Desk, idp: Idp) -> None:
    assert "/console/oidc/begin?next=/console/queue" in desk.get("/console/sign-in?next=/console/queue")
    answer = desk.http.get(back(to_provider(desk)))
    assert answer.status_code == 200
    assert 'content="0;url=/console/queue"' in answer.text
    cookies = answer.headers.get_list("set-cookie")
    assert any(one.startswith("__Host-egisz-console=") and "SameSite=strict" in one for one in cookies)
    page = desk.get("/console/queue")
    assert "ivanova 42" in page
    assert 'title="operator"' in page
    rows = desk.query("select event from egisz.audit where event->>'agent' = 'console:ivanova 42'")
    assert len(rows) == 1


def test_the_question_carries_a_challenge_and_the_cookie_is_no_session(desk: Desk, idp: Idp) -> None:
    query = parse_qs(urlsplit(to_provider(desk)).query)
    assert query["code_challenge_method"] == ["S256"]
    assert "code_verifier" not in query
    cookie = desk.http.cookies["egisz-console-oidc"]
    desk.http.cookies.clear()
    desk.http.cookies.set("__Host-egisz-console", cookie)
    assert desk.http.get("/console/").status_code == 303


def test_another_browser_cannot_use_the_answer(desk: Desk, idp: Idp) -> None:
    address = back(to_provider(desk))
    desk.http.cookies.clear()
    answer = desk.http.get(address)
    assert answer.status_code == 403
    assert "was not begun here" in answer.text
    to_provider(desk)  # a cookie of another question
    assert desk.http.get(address).status_code == 403


def test_an_answer_is_good_once(desk: Desk, idp: Idp) -> None:
    address = back(to_provider(desk))
    waiting = desk.http.cookies["egisz-console-oidc"]
    assert desk.http.get(address).status_code == 200
    desk.http.cookies.clear()
    desk.http.cookies.set("egisz-console-oidc", waiting)
    assert desk.http.get(address).status_code == 403


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "another"},
        {"aud": "somebody else"},
        {"iss": "https://evil.example"},
        {"aud": [CLIENT, "another"]},
        {"azp": "another"},
        {"exp": 1},
        {"exp": "soon"},
        {"iat": 9_999_999_999},
        {"sub": None},
        {"nonce": None},
    ],
)
def test_a_token_that_is_not_for_us_lets_nobody_in(desk: Desk, idp: Idp, claims: dict[str, Any]) -> None:
    idp.claims = claims
    answer = desk.http.get(back(to_provider(desk)))
    assert answer.status_code == 403
    assert "not genuine" in answer.text
    assert desk.http.get("/console/").status_code == 303


def test_a_token_of_another_key_lets_nobody_in(desk: Desk, idp: Idp) -> None:
    idp.signs_with = ec.generate_private_key(ec.SECP256R1())
    assert desk.http.get(back(to_provider(desk))).status_code == 403


def test_a_new_key_of_the_provider_is_learnt(desk: Desk, idp: Idp) -> None:
    assert desk.http.get(back(to_provider(desk))).status_code == 200
    idp.key, idp.key_id = ec.generate_private_key(ec.SECP256R1()), "k2"
    assert desk.http.get(back(to_provider(desk))).status_code == 200


def test_nobody_without_a_role_gets_in(desk: Desk, idp: Idp) -> None:
    for roles in (None, [], ["egisz-reader"], {"egisz-operator": True}, 7):
        idp.claims = {"roles": roles}
        answer = desk.http.get(back(to_provider(desk)))
        assert answer.status_code == 403, roles
        assert "You have no role in the console." in answer.text


def test_a_name_of_the_provider_is_text(desk: Desk, idp: Idp) -> None:
    idp.claims = {"preferred_username": "<b>x</b>\n\u202e"}
    assert desk.http.get(back(to_provider(desk))).status_code == 200
    page = desk.get("/console/")
    assert "&lt;b&gt;x&lt;/b&gt;" in page
    assert "<b>x" not in page


def test_a_provider_that_says_no_or_nothing(desk: Desk, idp: Idp) -> None:
    query = parse_qs(urlsplit(to_provider(desk)).query)
    answer = desk.http.get(f"/console/oidc/callback?error=access_denied&state={query['state'][0]}")
    assert answer.status_code == 403
    assert "has not confirmed" in answer.text
    answer = desk.http.get(f"/console/oidc/callback?code=x&state={query['state'][0]}&iss=https://evil.example")
    assert answer.status_code == 403


def test_without_a_provider_there_is_no_way_to_it(database: str, tmp_path: Path) -> None:
    with at_desk(service_settings(database, tmp_path)) as other:
        assert "oidc" not in other.get("/console/sign-in")
        assert other.http.get("/console/oidc/begin").status_code == 404
