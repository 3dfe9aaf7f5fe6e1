"""Who may call: assertions, tokens, certificates."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from adapter.api.access import ASSERTION_TYPE, Access, Client, TokenRefused
from adapter.api.scopes import parse_scopes
from adapter.errors import RequestRefused

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
URL = "https://clinic.example/auth/token"
KEY = ec.generate_private_key(ec.SECP384R1())
OTHER = ec.generate_private_key(ec.SECP384R1())
JWK = {**json.loads(ECAlgorithm.to_jwk(KEY.public_key())), "kid": "k1", "alg": "ES384"}
MIS = Client("mis", {"keys": [JWK]}, parse_scopes(["system/*.*"]), frozenset({"1.2.3"}))


class Memory:
    """Clients in memory."""

    def __init__(self, *clients: Client) -> None:
        self.clients = {client.id: client for client in clients}
        self.used: set[tuple[str, str]] = set()

    async def find(self, client_id: str) -> Client | None:
        return self.clients.get(client_id)

    async def by_certificate(self, fingerprint: str) -> Client | None:
        return self.clients.get("mis") if fingerprint == "ab" * 32 else None

    async def first_use(self, client_id: str, jti: str, until: datetime) -> bool:
        assert until > NOW
        new = (client_id, jti) not in self.used
        self.used.add((client_id, jti))
        return new


def access(*clients: Client, **options: Any) -> Access:
    return Access(Memory(*clients), b"s" * 32, URL, **options)


def assertion(key: Any = KEY, **changes: Any) -> str:
    claims = {"iss": "mis", "sub": "mis", "aud": URL, "exp": int(NOW.timestamp()) + 240, "jti": "one", **changes}
    claims = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(claims, key, algorithm="ES384", headers={"kid": "k1"})


def form(assertion: str, scope: str = "system/Bundle.c", **changes: str) -> dict[str, str]:
    fields = {"grant_type": "client_credentials", "client_assertion_type": ASSERTION_TYPE}
    return {**fields, "client_assertion": assertion, "scope": scope, **changes}


def token(door: Access, fields: dict[str, str]) -> dict[str, Any]:
    return asyncio.run(door.token(fields, now=NOW))


def principal(door: Access, headers: dict[str, str], *, peer: str = "10.0.0.1", after: int = 0) -> Any:
    return asyncio.run(door.principal(headers, peer, now=NOW + timedelta(seconds=after)))


def test_an_assertion_gives_a_token_and_the_token_lets_in() -> None:
    door = access(MIS)
    answer = token(door, form(assertion()))
    assert answer["token_type"] == "bearer"
    assert answer["expires_in"] == 300
    caller = principal(door, {"authorization": f"Bearer {answer['access_token']}"})
    assert (caller.client, caller.organisations) == ("mis", {"1.2.3"})
    assert caller.scopes.allow("Bundle", "c")
    assert not caller.scopes.allow("Task", "r")


@pytest.mark.parametrize(
    "changes",
    [
        {"key": OTHER},
        {"aud": "https://elsewhere.example/auth/token"},
        {"exp": int(NOW.timestamp()) - 60},
        {"exp": int(NOW.timestamp()) + 3600},
        {"exp": "soon"},
        {"exp": None},
        {"jti": None},
        {"iss": "other"},
        {"sub": "other"},
    ],
)
def test_assertions_that_prove_nothing(changes: dict[str, Any]) -> None:
    key = changes.pop("key", KEY)
    with pytest.raises(TokenRefused) as refusal:
        token(access(MIS), form(assertion(key, **changes)))
    assert (refusal.value.error, refusal.value.status) == ("invalid_client", 401)


def test_an_assertion_is_good_once() -> None:
    door = access(MIS)
    token(door, form(assertion()))
    with pytest.raises(TokenRefused, match="jti"):
        token(door, form(assertion()))


def test_an_assertion_without_a_signature_proves_nothing() -> None:
    claims = {"iss": "mis", "sub": "mis", "aud": URL, "exp": int(NOW.timestamp()) + 100, "jti": "x"}
    with pytest.raises(TokenRefused):
        token(access(MIS), form(jwt.encode(claims, "", algorithm="none")))


def test_a_shared_secret_made_of_the_public_key_proves_nothing() -> None:
    claims = {"iss": "mis", "sub": "mis", "aud": URL, "exp": int(NOW.timestamp()) + 100, "jti": "x"}
    forged = jwt.encode(claims, JWK["x"].encode(), algorithm="HS384", headers={"kid": "k1"})
    with pytest.raises(TokenRefused):
        token(access(MIS), form(forged))


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"client_assertion_type": "x"}, "invalid_client"),
        ({"client_assertion": "no.jwt"}, "invalid_client"),
        ({"scope": "system/Bundle.c"}, ""),
        ({"scope": "openid"}, "invalid_scope"),
        ({"scope": ""}, "invalid_scope"),
    ],
)
def test_requests_of_tokens(fields: dict[str, str], error: str) -> None:
    if not error:
        assert token(access(MIS), form(assertion(), **fields))["access_token"]
        return
    with pytest.raises(TokenRefused) as refusal:
        token(access(MIS), form(assertion(), **fields))
    assert refusal.value.error == error


def test_a_token_ends() -> None:
    door = access(MIS)
    headers = {"authorization": f"Bearer {token(door, form(assertion()))['access_token']}"}
    assert principal(door, headers, after=299)
    with pytest.raises(RequestRefused) as refusal:
        principal(door, headers, after=301)
    assert refusal.value.status == 401
    assert "invalid_token" in refusal.value.headers["WWW-Authenticate"]


def test_a_client_that_is_gone_is_refused_at_once() -> None:
    clients = Memory(MIS)
    door = Access(clients, b"s" * 32, URL)
    headers = {"authorization": f"Bearer {token(door, form(assertion()))['access_token']}"}
    clients.clients.clear()
    with pytest.raises(RequestRefused):
        principal(door, headers)


def test_a_token_of_another_installation_is_refused() -> None:
    foreign = Access(Memory(MIS), b"t" * 32, URL).issue("mis", MIS.scopes, now=NOW)
    with pytest.raises(RequestRefused):
        principal(access(MIS), {"authorization": f"Bearer {foreign}"})


@pytest.mark.parametrize(
    ("options", "peer", "let_in"),
    [
        ({}, "10.0.0.1", False),  # not switched on
        ({"certificate_header": "X-Cert", "proxies": ["10.0.0.0/8"]}, "10.0.0.1", True),
        ({"certificate_header": "X-Cert", "proxies": ["10.0.0.0/8"]}, "192.0.2.1", False),
        ({"certificate_header": "X-Cert", "proxies": []}, "10.0.0.1", False),
        ({"certificate_header": "X-Cert", "proxies": ["10.0.0.0/8"]}, "unix", False),
    ],
)
def test_a_certificate_counts_only_from_a_trusted_proxy(options: dict[str, Any], peer: str, let_in: bool) -> None:
    headers = {"x-cert": ":".join(["AB"] * 32)}
    if let_in:
        assert principal(access(MIS, **options), headers, peer=peer).client == "mis"
    else:
        with pytest.raises(RequestRefused):
            principal(access(MIS, **options), headers, peer=peer)
