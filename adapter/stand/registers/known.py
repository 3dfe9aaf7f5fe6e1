"""What is known of a service, and in which words it refuses: data (``facts/<service>.yaml``), each with its mark."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from adapter.catalogue import read_plain
from adapter.findings import Text

_FOLDER: Final = Path(__file__).parent / "facts"


@dataclass(frozen=True, slots=True)
class KnownFact:
    """One thing that a service of the stand does.

    Attributes:
        call: which call it is about, or ``""``.
        mark: how certain it is: a key of ``facts/marks.yaml``.
        text: what it does.
    """

    call: str
    mark: str
    text: Text


@dataclass(frozen=True, slots=True)
class Refusal:
    """One way in which a service says no.

    Attributes:
        status: of HTTP.
        text: that it says, with places ``{0}``, ``{1}`` for what is told.
        code: of the service; 0 where it has none.
    """

    status: int
    text: str
    code: int = 0


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a service: facts in the order of certainty, refusals by name."""

    title: Text
    facts: tuple[KnownFact, ...]
    refusals: Mapping[str, Refusal]


@lru_cache(maxsize=1)
def marks() -> dict[str, Text]:
    """Marks of certainty, the most certain first."""
    return {name: Text(**text) for name, text in read_plain(_FOLDER / "marks.yaml").items()}


@lru_cache(maxsize=32)
def known(service: str) -> Known:
    """What is known of a service; what its file says it ``shares`` with others comes first."""
    read: dict[str, Any] = read_plain(_FOLDER / f"{service}.yaml")
    parts = [*(read_plain(_FOLDER / f"{name}.yaml") for name in read.get("shares", ())), read]
    facts: list[KnownFact] = []
    refusals: dict[str, Refusal] = {}
    for part in parts:
        facts += [KnownFact(one.get("call", ""), one["mark"], Text(one["ru"], one["en"])) for one in part["facts"]]
        for name, one in part.get("refusals", {}).items():
            refusals[name] = Refusal(one["status"], one["says"], one.get("code", 0))
            number = f" {one['code']}" if one.get("code") else ""
            call = f"{one['status']}{number} {one['says']}"
            facts.append(KnownFact(call, one["mark"], Text(one["ru"], one["en"])))
    order = list(marks())
    return Known(Text(**read["title"]), tuple(sorted(facts, key=lambda one: order.index(one.mark))), refusals)
