"""States and moves of the journal, read from ``transitions.yaml``: the one place that says what may follow what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from adapter.errors import InternalError
from adapter.mapping.yaml import load, plain


@dataclass(frozen=True, slots=True)
class Move:
    """One allowed move.

    Attributes:
        before: states that it starts from; empty for a row that is new.
        after: state that it ends in.
        job: job enqueued with it; empty for none.
        gated: not while an earlier version of the set is on its way.
    """

    name: str
    before: frozenset[str]
    after: str
    job: str = ""
    gated: bool = False


@dataclass(frozen=True, slots=True)
class Machine:
    """The states and moves of one kind of row."""

    name: str
    states: frozenset[str]
    final: frozenset[str]
    moves: Mapping[str, Move]

    def move(self, name: str, state: str | None) -> Move:
        """The move of that name from a state (``None``: a new row).

        Raises:
            InternalError: it is not allowed, or there is none of that name.
        """
        move = self.moves.get(name)
        if move is None:
            raise InternalError(f"{self.name}: there is no move {name}")
        if not (state is None and not move.before) and state not in move.before:
            raise InternalError(f"{self.name}: the move {name} is not allowed from {state or 'nothing'}")
        return move

    def allows(self, name: str, state: str) -> bool:
        """Whether a row in that state may make the move."""
        return state in self.moves[name].before


@lru_cache(maxsize=1)
def _machines() -> dict[str, Machine]:
    tables = plain(load(Path(__file__).with_name("transitions.yaml"), "transitions.yaml"))
    return {key: _machine(key, table) for key, table in tables.items()}


def _machine(name: str, table: Mapping[str, Any]) -> Machine:
    states = table["states"]
    moves = {
        key: Move(key, frozenset(one["from"]), one["to"], one.get("job", ""), one.get("gated", False))
        for key, one in table["moves"].items()
    }
    known = frozenset(states)
    for move in moves.values():
        if not (move.before | {move.after}) <= known:
            raise InternalError(f"{name}: the move {move.name} names a state that is not listed")
    return Machine(name, known, frozenset(key for key, one in states.items() if one.get("final")), moves)


def submission_machine() -> Machine:
    """Of submissions."""
    return _machines()["submission"]


def product_machine() -> Machine:
    """Of products."""
    return _machines()["product"]
