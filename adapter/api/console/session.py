"""Who is signed in: one-time tickets, session cookies, and the tokens of forms.

All are JWT signed with a key of this installation, so that every process over the same database knows them. What must
not be used twice, and sessions that were ended, are remembered beside the assertions of clients.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

import jwt

from adapter.errors import UsageError
from adapter.findings import Text
from adapter.pipeline.database import Database
from adapter.pipeline.statements import sql

#: How long a ticket may be used, and how long a session lasts whatever is done in it.
TICKET_LIVES: Final = timedelta(minutes=15)
SESSION_LIVES: Final = timedelta(hours=12)
_NAME_LENGTH: Final = 64


class Role(StrEnum):
    """What a person may do besides looking: move the queue; use the playground."""

    OPERATOR = "operator"
    AUTHOR = "author"


@dataclass(frozen=True, slots=True)
class Session:
    """A person who is signed in.

    Attributes:
        id: of the session.
        name: who it is, as the audit tells it.
        roles: at least one.
    """

    id: str
    name: str
    roles: frozenset[Role]
    expires: datetime

    @property
    def agent(self) -> str:
        """As the audit names the person."""
        return f"console:{self.name}"

    def allows(self, role: Role) -> bool:
        """Whether the person has a role."""
        return role in self.roles


class Sessions:
    """Makes and checks tickets and sessions.

    Args:
        database: where used tickets and ended sessions are remembered.
        secret: 32 bytes or more; the same in all processes of an installation.
    """

    def __init__(self, database: Database, secret: bytes) -> None:
        self._database, self._secret = database, secret

    def ticket(self, name: str, roles: Iterable[Role], *, now: datetime, lives: timedelta = TICKET_LIVES) -> str:
        """A token with which somebody signs in once."""
        return self.sign("ticket", {"sub": named(name), "roles": sorted(roles)}, now=now, lives=lives)

    async def redeem(self, ticket: str, *, now: datetime) -> Session | None:
        """The session that a ticket opens; ``None`` where it is wrong, too old or used."""
        claims = self.read("ticket", ticket, now=now)
        if claims is None or not await self._first("ticket", claims):
            return None
        return self.begin(str(claims["sub"]), _roles(claims), now=now)

    def begin(self, name: str, roles: Iterable[Role], *, now: datetime) -> Session:
        """A session of a person who has proved to be that."""
        return Session(secrets.token_urlsafe(16), named(name), frozenset(roles), now + SESSION_LIVES)

    def cookie(self, session: Session, *, now: datetime) -> str:
        """The value of the cookie of a session."""
        claims = {"sub": session.name, "roles": sorted(session.roles), "jti": session.id}
        return self.sign("session", claims, now=now, lives=session.expires - now)

    async def opened(self, cookie: str, *, now: datetime) -> Session | None:
        """The session of a cookie; ``None`` where it is wrong, over or ended."""
        claims = self.read("session", cookie, now=now)
        if claims is None or not _roles(claims):
            return None
        async with self._database.connection() as connection:
            if await connection.fetchval(sql("console_ended"), _digest("session", claims)):
                return None
        expires = datetime.fromtimestamp(claims["exp"], UTC)
        return Session(str(claims["jti"]), str(claims["sub"]), _roles(claims), expires)

    async def end(self, session: Session) -> None:
        """End a session before its time: its cookie is good no more."""
        await self._first("session", {"jti": session.id, "exp": session.expires.timestamp()})

    def form_token(self, session: Session) -> str:
        """What every form of a session carries, so that nobody else's page can send one."""
        return hmac.new(self._secret, f"form\n{session.id}".encode(), "sha256").hexdigest()

    def form_is_ours(self, session: Session, token: str) -> bool:
        """Whether a form carries the token of its session."""
        return hmac.compare_digest(self.form_token(session).encode(), token.encode())

    def sign(self, use: str, claims: dict[str, Any], *, now: datetime, lives: timedelta) -> str:
        """A signed token for one use."""
        expires = int((now + lives).timestamp())
        return jwt.encode(
            {"jti": secrets.token_urlsafe(16), **claims, "aud": f"egisz-console-{use}", "exp": expires},
            self._secret,
            algorithm="HS256",
        )

    def read(self, use: str, token: str, *, now: datetime) -> dict[str, Any] | None:
        """The claims of a token that :meth:`sign` made for that use; ``None`` where it did not, or it is too old."""
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                self._secret,
                algorithms=["HS256"],
                audience=f"egisz-console-{use}",
                options={"require": ["exp", "jti"], "verify_exp": False},
            )
        except jwt.InvalidTokenError:
            return None
        return claims if claims["exp"] > now.timestamp() else None

    async def _first(self, use: str, claims: dict[str, Any]) -> bool:
        until = datetime.fromtimestamp(claims["exp"], UTC) + timedelta(minutes=1)
        async with self._database.connection() as connection:
            return await connection.fetchval(sql("jti_first_use"), _digest(use, claims), until) is not None


def named(name: str) -> str:
    """A name that the audit can tell.

    Raises:
        UsageError: it is empty, too long, or not one line.
    """
    if not name or len(name) > _NAME_LENGTH or not name.isprintable():
        raise UsageError(
            Text(f"имя: от 1 до {_NAME_LENGTH} печатных знаков", f"a name has 1 to {_NAME_LENGTH} printable characters")
        )
    return name


def _roles(claims: dict[str, Any]) -> frozenset[Role]:
    return frozenset(role for role in Role if role in claims.get("roles", ()))


def _digest(use: str, claims: dict[str, Any]) -> bytes:
    return hashlib.sha256(f"console {use}\n{claims['jti']}".encode()).digest()
