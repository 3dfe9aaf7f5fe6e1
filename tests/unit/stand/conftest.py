"""Register services of the stand, asked without HTTP."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from adapter.stand.registers.contract import Answer, Request
from adapter.stand.registers.listed import register_services
from adapter.stand.registers.state import Store

AT = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
MO = "1.2.643.5.1.13.13.12.2.77.99999"
SNILS = "11223344595"
GOLDEN = Path(__file__).parents[2] / "golden"


class Registers:
    """The services of one stand."""

    def __init__(self, **options: Any) -> None:
        self.services = {service.id: service for service in register_services(**options)}
        self.store = Store()

    def ask(
        self,
        service: str,
        call: str,
        body: Any = None,
        *,
        token: str = "token",
        at: datetime = AT,
        **query: str,
    ) -> Answer:
        """Answer to a call like ``POST person``; ``body`` is bytes, or what becomes JSON."""
        method, _, path = call.partition(" ")
        data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        headers = {"authorization": f"Bearer {token}"} if token else {}
        with self.store.service(service) as state:
            return self.services[service].handle(Request(method, path, query, headers, data, at), state)


@pytest.fixture
def registers() -> Iterator[Registers]:
    made = Registers()
    yield made
    made.store.close()


def told(answer: Answer) -> dict[str, Any]:
    """The JSON of an answer."""
    value = json.loads(answer.body)
    assert isinstance(value, dict)
    return value


def message_of(answer: Answer) -> str:
    """The text of a refusal, whose form is the one that was seen."""
    value = told(answer)
    assert value["code"] == answer.status
    assert value["timestamp"].endswith("Z")
    assert value["reasonPhrase"]
    return str(value["message"])


def golden(name: str) -> dict[str, Any]:
    """A golden message, by the beginning of its path under ``tests/golden``; its own each time."""
    (path,) = GOLDEN.glob(f"{name}_*.json")
    return copy.deepcopy(json.loads(path.read_bytes()))


def changed(value: Mapping[str, Any], path: str, new: Any) -> dict[str, Any]:
    """A copy with another value at a path like ``reg/sub_stages/0/gtin``; ``...`` removes it."""
    made = copy.deepcopy(dict(value))
    *steps, last = path.split("/")
    part: Any = made
    for step in steps:
        part = part[int(step)] if isinstance(part, list) else part[step]
    if new is ...:
        del part[last]
    else:
        part[int(last) if isinstance(part, list) else last] = new
    return made
