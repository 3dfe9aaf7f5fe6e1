"""Who calls: SMART Backend Services (``private_key_jwt``), or a certificate that a trusted proxy has verified.

A client proves itself with a signed assertion at the token endpoint and gets a token of five minutes. Tokens are JWT of
our own, signed with a key of this installation, so that a request costs no look-up of the token; whether the client
still exists is asked of :class:`Clients`.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Protocol

import jwt

from adapter.api.networks import networks, within
from adapter.api.refusals import refused
from adapter.api.scopes import Scopes, parse_scopes
from adapter.errors import EgiszError, RequestRefused
from adapter.findings import Text

#: Seconds a token lives, and the longest life of an assertion: SMART allows no more.
LIFETIME: Final = 300
#: Signature algorithms of assertions that SMART demands, and those that are as good.
ALGORITHMS: Final = ("RS384", "ES384", "RS256", "RS512", "PS256", "PS384", "PS512", "ES256", "ES512", "EdDSA")
_OF_RSA: Final = frozenset(name for name in ALGORITHMS if name[:2] in ("RS", "PS"))
ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_SKEW: Final = 30


@dataclass(frozen=True, slots=True)
class Client:
    """A registered sender.

    Attributes:
        keys: its public keys, a JWK set.
        organisations: OIDs whose data it sends and sees.
    """

    id: str
    keys: Mapping[str, Any]
    scopes: Scopes
    organisations: frozenset[str]


@dataclass(frozen=True, slots=True)
class Principal:
    """The caller of a request, with what it may do and see."""

    client: str
    scopes: Scopes
    organisations: frozenset[str]


class Clients(Protocol):
    """Where clients are kept."""

    async def find(self, client_id: str) -> Client | None:
        """A client that is not disabled."""

    async def by_certificate(self, fingerprint: str) -> Client | None:
        """The client with a certificate of this SHA-256 fingerprint (hexadecimal, lower case)."""

    async def first_use(self, client_id: str, jti: str, until: datetime) -> bool:
        """Remember the id of an assertion; ``False`` where it was used before."""


class TokenRefused(EgiszError):
    """The token endpoint says no, in OAuth's own words (RFC 6749, 5.2)."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(description)
        self.error, self.status = error, status


class Access:
    """Checks callers.

    Args:
        clients: the registered ones.
        secret: 32 bytes or more; the same in all processes of an installation.
        token_url: the address of the token endpoint as clients know it: the ``aud`` of their assertions.
        certificate_header: header in which a proxy gives the fingerprint of the client's certificate; empty: none.
        proxies: networks from which that header is believed.
    """

    def __init__(
        self,
        clients: Clients,
        secret: bytes,
        token_url: str,
        *,
        certificate_header: str = "",
        proxies: Sequence[str] = (),
    ) -> None:
        self.clients, self._secret, self.token_url = clients, secret, token_url
        self._header = certificate_header.lower()
        self._proxies = networks(proxies, "EGISZ_MTLS_PROXIES")

    async def token(self, form: Mapping[str, str], *, now: datetime) -> dict[str, Any]:
        """Answer a token request.

        Args:
            form: ``grant_type``, ``scope``, ``client_assertion_type``, ``client_assertion``.
            now: an aware time.

        Raises:
            TokenRefused: why not.
        """
        if form.get("grant_type") != "client_credentials":
            raise TokenRefused("unsupported_grant_type", "grant_type must be client_credentials")
        if form.get("client_assertion_type") != ASSERTION_TYPE:
            raise TokenRefused("invalid_client", f"client_assertion_type must be {ASSERTION_TYPE}", 401)
        client = await self._asserted(form.get("client_assertion", ""), now)
        asked = form.get("scope", "").split()
        granted = client.scopes.narrowed(asked)
        if not granted.granted:
            raise TokenRefused("invalid_scope", "none of the scopes asked for is granted to this client")
        return {
            "access_token": self.issue(client.id, granted, now=now),
            "token_type": "bearer",
            "expires_in": LIFETIME,
            "scope": " ".join(sorted(granted.granted)),
        }

    def issue(self, client_id: str, scopes: Scopes, *, now: datetime, lifetime: int = LIFETIME) -> str:
        """A token of this installation."""
        claims = {
            "sub": client_id,
            "scope": " ".join(sorted(scopes.granted)),
            "exp": int(now.timestamp()) + lifetime,
            "jti": secrets.token_urlsafe(12),
        }
        return jwt.encode(claims, self._secret, algorithm="HS256")

    async def principal(self, headers: Mapping[str, str], peer: str, *, now: datetime) -> Principal:
        """The caller of a request.

        Args:
            headers: names in lower case.
            peer: address of the other end.
            now: an aware time.

        Raises:
            RequestRefused: 401.
        """
        scheme, _, credentials = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return await self._bearer(credentials.strip(), now)
        if fingerprint := self.certificate(headers, peer):
            client = await self.clients.by_certificate(fingerprint)
            if client is not None:
                return Principal(client.id, client.scopes, client.organisations)
        raise _unauthorized("")

    def certificate(self, headers: Mapping[str, str], peer: str) -> str:
        """The fingerprint of the certificate that a trusted proxy has verified; empty where there is none.

        Args:
            headers, peer: see :meth:`principal`.
        """
        if self._header and self._header in headers and within(peer, self._proxies):
            return _fingerprint(headers[self._header])
        return ""

    async def _bearer(self, token: str, now: datetime) -> Principal:
        try:
            claims = jwt.decode(
                token,
                self._secret,
                algorithms=["HS256"],
                options={"require": ["sub", "exp", "scope"], "verify_exp": False},
            )
        except jwt.InvalidTokenError:
            raise _unauthorized("invalid_token") from None
        if float(claims["exp"]) <= now.timestamp():
            raise _unauthorized("invalid_token")
        client = await self.clients.find(claims["sub"])
        if client is None:
            raise _unauthorized("invalid_token")
        return Principal(client.id, parse_scopes(str(claims["scope"]).split()), client.organisations)

    async def _asserted(self, assertion: str, now: datetime) -> Client:
        """The client that an assertion proves."""
        try:
            name = str(jwt.decode(assertion, options={"verify_signature": False}).get("sub", ""))
            header = jwt.get_unverified_header(assertion)
        except jwt.InvalidTokenError:
            raise TokenRefused("invalid_client", "client_assertion is no JWT", 401) from None
        client = await self.clients.find(name)
        if client is None:
            raise TokenRefused("invalid_client", "no such client", 401)
        claims = self._verified(assertion, client, header)
        expires = _expiry(claims, now)
        # Remembered a little longer than the skew allows it to be used.
        until = datetime.fromtimestamp(expires, UTC) + timedelta(seconds=2 * _SKEW)
        if not await self.clients.first_use(client.id, str(claims["jti"]), until):
            raise TokenRefused("invalid_client", "the jti of client_assertion was used before", 401)
        return client

    def _verified(self, assertion: str, client: Client, header: Mapping[str, Any]) -> dict[str, Any]:
        for key in _keys(client.keys, header.get("kid"), header.get("alg")):
            try:
                claims: dict[str, Any] = jwt.decode(
                    assertion,
                    key,
                    algorithms=list(ALGORITHMS),
                    audience=self.token_url,
                    issuer=client.id,
                    options={
                        "require": ["iss", "sub", "aud", "exp", "jti"],
                        "verify_exp": False,
                        "verify_nbf": False,
                        "verify_iat": False,
                    },
                )
            except (jwt.InvalidSignatureError, jwt.InvalidAlgorithmError):
                continue  # another key of the client may be the one
            except jwt.InvalidTokenError as error:
                raise TokenRefused("invalid_client", f"client_assertion: {type(error).__name__}", 401) from None
            return claims
        raise TokenRefused("invalid_client", "no key of the client verifies client_assertion", 401)


def _keys(jwks: Mapping[str, Any], key_id: str | None, algorithm: str | None) -> list[jwt.PyJWK]:
    """Keys that may have signed. An RSA key that does not say for which algorithm it is, is for all of RSA's."""
    found = [raw for raw in jwks.get("keys", []) if key_id is None or raw.get("kid") in (None, key_id)]
    asked = algorithm if algorithm in _OF_RSA else None
    return [
        jwt.PyJWK.from_dict(raw, asked if raw.get("kty") == "RSA" and not raw.get("alg") else None) for raw in found
    ]


def _expiry(claims: Mapping[str, Any], now: datetime) -> float:
    moment = now.timestamp()
    try:
        expires = float(claims["exp"])
    except (TypeError, ValueError):
        raise TokenRefused("invalid_client", "exp of client_assertion is no number", 401) from None
    if not expires + _SKEW > moment:  # also where it is not a number
        raise TokenRefused("invalid_client", "client_assertion has expired", 401)
    if expires > moment + LIFETIME + _SKEW:
        raise TokenRefused("invalid_client", "client_assertion lives longer than five minutes", 401)
    return expires


def _fingerprint(text: str) -> str:
    return text.replace(":", "").strip().lower()


def _unauthorized(error: str) -> RequestRefused:
    challenge = 'Bearer realm="egisz"' + (f', error="{error}"' if error else "")
    return refused(
        401,
        "API01",
        Text("Нужен действующий токен доступа.", "A valid access token is needed."),
        Text(
            "Получите токен по SMART Backend Services; адреса — в /.well-known/smart-configuration.",
            "Get a token by SMART Backend Services; the addresses are in /.well-known/smart-configuration.",
        ),
        headers={"WWW-Authenticate": challenge},
    )
