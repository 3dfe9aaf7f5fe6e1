"""What the registers over REST have in common: routes, a token, bodies in JSON, envelopes of answers, refusals."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC
from functools import cached_property
from typing import Any, Final

import orjson

from adapter.stand.registers.contract import Answer, Request
from adapter.stand.registers.jwt import wrong_with
from adapter.stand.registers.known import known
from adapter.stand.registers.shape import DEPTH, shape
from adapter.stand.registers.state import State

_NAMESPACE: Final = uuid.UUID("0f2c9f52-7b1e-5f0a-9c46-2d8a51f6a0c3")
_REASONS: Final = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    413: "Payload Too Large",
}
#: Faults of a body that are told.
_MOST: Final = 20
_BODIES: Final = frozenset({"POST", "PUT"})


@dataclass(frozen=True, slots=True)
class Call:
    """A request that has found its route.

    Attributes:
        args: parts of the path, by the names that the route gives them.
        body: the object of a POST or PUT; else empty.
    """

    request: Request
    state: State
    args: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] = field(default_factory=dict)

    def get(self, name: str) -> str:
        """A parameter of the address; ``""`` where it is absent."""
        return self.request.query.get(name, "")


Handler = Callable[[Call], Answer]


@dataclass(frozen=True, slots=True)
class Way:
    """A route: ``path`` has words and ``{names}``."""

    method: str
    path: str
    handler: Handler

    def match(self, path: str) -> dict[str, str] | None:
        """The parts of a path; ``None`` where it is another."""
        wanted, given = self.path.split("/"), path.split("/")
        if len(wanted) != len(given):
            return None
        parts = {}
        for name, value in zip(wanted, given, strict=True):
            if name.startswith("{"):
                parts[name.strip("{}")] = value
            elif name != value:
                return None
        return parts if all(parts.values()) else None


class RestService:
    """A register over REST; subclasses say their ways.

    Args:
        name: of the service, and of the file of its facts.
        signed: takes a token that is signed alone; else any that is there, and of signed ones the good.
    """

    def __init__(self, name: str, *, signed: bool = False) -> None:
        self.id, self._signed = name, signed

    def ways(self) -> Sequence[Way]:
        """Its routes; of those that match the first counts."""
        raise NotImplementedError

    def handle(self, request: Request, state: State) -> Answer:
        """See :class:`~adapter.stand.registers.contract.RegisterService`."""
        found = [(way, parts) for way in self._ways if (parts := way.match(request.path)) is not None]
        chosen = next(((way, parts) for way, parts in found if way.method == request.method), None)
        refused = self._admitted(request)
        if refused is not None:
            return refused
        if chosen is None:
            return self._refuse(request, "method" if found else "path")
        way, parts = chosen
        if way.method not in _BODIES:
            return way.handler(Call(request, state, parts))
        body = _object(request.body)
        return self._refuse(request, "json") if body is None else way.handler(Call(request, state, parts, body))

    def failure(self, status: int) -> Answer:
        """See :class:`~adapter.stand.registers.contract.RegisterService`."""
        return _json(status, {"code": status, "reasonPhrase": "Internal Server Error", "message": "on demand"})

    @cached_property
    def _ways(self) -> Sequence[Way]:
        return self.ways()

    def _admitted(self, request: Request) -> Answer | None:
        """Why who asks is not let in."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token:
            return self._refuse(request, "no-token")
        wrong = wrong_with(token, request.at) if self._signed or token.count(".") == 2 else ""
        return self._refuse(request, "token", wrong) if wrong else None

    # -- answers ------------------------------------------------------------------------------------------------------

    def content(self, call: Call, content: Any) -> Answer:
        """Success, with what was asked for."""
        return _json(200, {"requestId": self._request_id(call), "errorUserMessage": None, "content": content})

    def done(self, call: Call) -> Answer:
        """Success of a change."""
        return _json(200, {"requestId": self._request_id(call), "errorUserMessage": None})

    def listed(self, call: Call, content: Sequence[Any], *, most: int = 100) -> Answer:
        """Success, with a page of a list; ``offset`` and ``limit`` are parameters of the address."""
        offset, limit = _count(call.get("offset"), 0), min(_count(call.get("limit"), most), most)
        return _json(
            200,
            {
                "requestId": self._request_id(call),
                "errorUserMessage": None,
                "content": list(content[offset : offset + limit]),
                "offset": offset,
                "limit": limit,
                "total": len(content),
            },
        )

    def refuse(self, call: Call, name: str, *told: str, **more: Any) -> Answer:
        """A refusal of the file of facts; ``more`` stands beside its text."""
        return self._refuse(call.request, name, *told, **more)

    def _refuse(self, request: Request, name: str, *told: str, **more: Any) -> Answer:
        refusal = known(self.id).refusals[name]
        at = request.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        reason = _REASONS.get(refusal.status, "Error")
        told = told or ("",)
        text = refusal.text.format(*told)
        return _json(
            refusal.status, {"timestamp": at, "code": refusal.status, "reasonPhrase": reason, "message": text, **more}
        )

    def misshapen(self, call: Call, name: str, body: Any, *, lists: bool = True) -> Answer | None:
        """A refusal of a body that does not fit a schema."""
        wrong = list(dict.fromkeys(f"{path}: {keyword}" for path, keyword in shape(name, lists=lists).wrong(body)))
        return self.refuse(call, "invalid", "; ".join(wrong[:_MOST])) if wrong else None

    def _request_id(self, call: Call) -> str:
        return self.entity(call, "request")

    def entity(self, call: Call, kind: str) -> str:
        """A new GUID; the same ones for the same requests in the same order."""
        return str(uuid.uuid5(_NAMESPACE, f"{self.id} {kind} {call.state.next(kind)}"))


def nested(body: Any, *names: str) -> Iterator[Any]:
    """The values at a path of a body, through lists; a part that is of another kind has none."""
    if not names:
        yield body
    elif isinstance(body, list):
        for one in body:
            yield from nested(one, *names)
    elif isinstance(body, dict) and body.get(names[0]) is not None:
        value = body[names[0]]
        for one in value if isinstance(value, list) else [value]:
            yield from nested(one, *names[1:])


def _object(data: bytes) -> dict[str, Any] | None:
    try:
        value = orjson.loads(data)
    except ValueError:
        return None
    return value if isinstance(value, dict) and _flat(value) else None


def _flat(value: Any) -> bool:
    """Whether no more is within each other than any register has."""
    level = [value]
    for _ in range(DEPTH):
        level = [
            part
            for one in level
            for part in (one.values() if isinstance(one, dict) else one)
            if isinstance(part, dict | list)
        ]
        if not level:
            return True
    return False


def _json(status: int, value: Mapping[str, Any]) -> Answer:
    return Answer(status, orjson.dumps(value))


def _count(text: str, default: int) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else default
