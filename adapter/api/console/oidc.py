"""Signing in with the operator's identity provider: OpenID Connect, authorization code with PKCE.

What has to come back unchanged (state, nonce, verifier) waits in a cookie of ten minutes, signed, that the browser also
sends when it comes from the provider's pages; the session's own cookie it then would not send.
"""

from __future__ import annotations

import hashlib
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import monotonic
from typing import Any, Final
from urllib.parse import urlencode

import jwt
import orjson

from adapter.api.console.session import Role, Session, Sessions
from adapter.errors import EgiszError, EnvironmentProblem, TransportFailed
from adapter.findings import Text
from adapter.settings import Settings
from adapter.transport.http import AioHttp, AnyHttp

#: How long a person may take at the provider's pages.
WAITS: Final = timedelta(minutes=10)
#: Algorithms with public keys; a provider that offers a shared secret as key is not believed.
_ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
_SKEW: Final = 60.0
#: Seconds for which the provider's addresses and keys are remembered.
_KEPT: Final = 3600.0


class SignInRefused(EgiszError):
    """The provider, or what it says, lets nobody in."""


@dataclass(slots=True)
class Provider:
    """An identity provider.

    Args:
        base: address of the console, without a slash at its end.
        http: asks the provider.
    """

    settings: Settings
    sessions: Sessions
    base: str
    http: AnyHttp = field(default_factory=AioHttp)
    _known: dict[str, tuple[float, Any]] = field(default_factory=dict)

    @property
    def issuer(self) -> str:
        """Its name, which is an address."""
        return self.settings.console_oidc_issuer

    @property
    def redirect(self) -> str:
        """Where it sends people back to."""
        return f"{self.base}/oidc/callback"

    async def begin(self, target: str, *, now: datetime) -> tuple[str, str]:
        """The address of the provider's page, and what waits in the cookie.

        Raises:
            EnvironmentProblem: the provider does not answer, or answers something else.
        """
        found = await self._discovered()
        claims = {
            "state": secrets.token_urlsafe(24),
            "nonce": secrets.token_urlsafe(24),
            "verifier": secrets.token_urlsafe(48),
            "target": target,
        }
        query = {
            "response_type": "code",
            "client_id": self.settings.console_oidc_client_id,
            "redirect_uri": self.redirect,
            "scope": self.settings.console_oidc_scope,
            "state": claims["state"],
            "nonce": claims["nonce"],
            "code_challenge": _challenge(claims["verifier"]),
            "code_challenge_method": "S256",
        }
        joint = "&" if "?" in found["authorization_endpoint"] else "?"
        address = f"{found['authorization_endpoint']}{joint}{urlencode(query)}"
        return address, self.sessions.sign("oidc", claims, now=now, lives=WAITS)

    async def finish(self, query: Mapping[str, str], waiting: str, *, now: datetime) -> tuple[Session, str]:
        """The session of the person that comes back, and where to go.

        Args:
            query: of the address that the provider sent the browser to.
            waiting: of the cookie.

        Raises:
            SignInRefused: it is not the answer to our question, the person has no role, or the provider says no.
            EnvironmentProblem: the provider does not answer.
        """
        claims = self.sessions.read("oidc", waiting, now=now)
        if claims is None or not secrets.compare_digest(claims["state"].encode(), query.get("state", "").encode()):
            raise SignInRefused(
                Text("Вход начат не здесь или слишком давно.", "Signing in was not begun here, or too long ago.")
            )
        if query.get("iss", self.issuer) != self.issuer or "code" not in query:
            raise SignInRefused(Text("Провайдер не подтвердил вход.", "The provider has not confirmed who you are."))
        found = await self._discovered()
        token = await self._exchanged(found["token_endpoint"], query["code"], claims["verifier"])
        person = await self._verified(token, claims["nonce"], now)
        roles = self._roles(person)
        if not roles:
            raise SignInRefused(
                Text("У вас нет роли в консоли.", "You have no role in the console."),
            )
        return self.sessions.begin(_name(person), roles, now=now), str(claims["target"])

    async def close(self) -> None:
        """Close the connections."""
        if isinstance(self.http, AioHttp):
            await self.http.close()

    def _roles(self, person: Mapping[str, Any]) -> frozenset[Role]:
        """The roles that a claim gives, which may lie in others (``realm_access.roles``)."""
        value: Any = person
        for part in self.settings.console_oidc_roles_claim.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        given = {value} if isinstance(value, str) else set(value) if isinstance(value, list) else set()
        names = {
            Role.OPERATOR: self.settings.console_oidc_operator,
            Role.AUTHOR: self.settings.console_oidc_author,
        }
        return frozenset(role for role, name in names.items() if name in given)

    async def _exchanged(self, endpoint: str, code: str, verifier: str) -> str:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect,
            "client_id": self.settings.console_oidc_client_id,
            "code_verifier": verifier,
        }
        if (secret := self.settings.console_oidc_client_secret) is not None:
            form["client_secret"] = secret.get_secret_value()
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        status, answer = await self._asked("POST", endpoint, urlencode(form).encode(), headers)
        if status != 200 or not isinstance(answer.get("id_token"), str):
            raise SignInRefused(Text("Провайдер не подтвердил вход.", "The provider has not confirmed who you are."))
        token: str = answer["id_token"]
        return token

    async def _verified(self, token: str, nonce: str, now: datetime) -> dict[str, Any]:
        """The claims of an ID token (OpenID Connect Core, 3.1.3.7)."""
        try:
            header = jwt.get_unverified_header(token)
            key = await self._key(header.get("kid"))
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=list(_ALGORITHMS),
                audience=self.settings.console_oidc_client_id,
                issuer=self.issuer,
                options={"require": ["iss", "sub", "aud", "exp", "iat"], "verify_exp": False, "verify_iat": False,
                         "verify_nbf": False},
            )  # fmt: skip
        except jwt.PyJWTError:
            raise _untrue() from None
        several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
        party = claims.get("azp", None if several else self.settings.console_oidc_client_id)
        moment = now.timestamp()
        try:
            timely = moment - _SKEW < float(claims["exp"]) and float(claims["iat"]) < moment + _SKEW
        except (TypeError, ValueError):
            raise _untrue() from None
        if not timely or claims.get("nonce") != nonce or party != self.settings.console_oidc_client_id:
            raise _untrue()
        return claims

    async def _key(self, key_id: str | None) -> Any:
        """The provider's key; keys are asked for again where there is none of that name."""
        for fresh in (False, True):
            found = await self._discovered()
            raw = await self._remembered("keys", found["jwks_uri"], fresh=fresh)
            for one in raw.get("keys", []):
                if one.get("use", "sig") == "sig" and key_id in (None, one.get("kid")):
                    return jwt.PyJWK.from_dict(one)
        raise _untrue()

    async def _discovered(self) -> dict[str, Any]:
        address = f"{self.issuer.rstrip('/')}/.well-known/openid-configuration"
        found = await self._remembered("configuration", address)
        wanted = ("authorization_endpoint", "token_endpoint", "jwks_uri")
        if found.get("issuer") != self.issuer or not all(isinstance(found.get(name), str) for name in wanted):
            raise EnvironmentProblem(
                Text(
                    "EGISZ_CONSOLE_OIDC_ISSUER: по этому адресу отвечает не этот провайдер",
                    "EGISZ_CONSOLE_OIDC_ISSUER: what answers at this address is not that provider",
                )
            )
        return found

    async def _remembered(self, name: str, address: str, *, fresh: bool = False) -> dict[str, Any]:
        until, value = self._known.get(name, (0.0, {}))
        if fresh or monotonic() > until:
            status, value = await self._asked("GET", address, None, {"Accept": "application/json"})
            if status != 200:
                raise _silent()
            self._known[name] = monotonic() + _KEPT, value
        found: dict[str, Any] = value
        return found

    async def _asked(
        self, method: str, address: str, body: bytes | None, headers: Mapping[str, str]
    ) -> tuple[int, dict[str, Any]]:
        try:
            answer = await self.http.request(method, address, body, headers)
            value = orjson.loads(answer.body)
        except (TransportFailed, orjson.JSONDecodeError):
            raise _silent() from None
        return answer.status, value if isinstance(value, dict) else {}


def _challenge(verifier: str) -> str:
    return urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def _name(person: Mapping[str, Any]) -> str:
    """The name for the audit: what the person is called at the provider, with the id that does not change."""
    called = "".join(one for one in str(person.get("preferred_username") or "") if one.isprintable())
    return f"{called} {person['sub']}".strip()[:64]


def _untrue() -> SignInRefused:
    return SignInRefused(Text("Ответ провайдера не подлинный.", "The answer of the provider is not genuine."))


def _silent() -> EnvironmentProblem:
    return EnvironmentProblem(
        Text("провайдер входа не отвечает как положено", "the identity provider does not answer as it should")
    )
