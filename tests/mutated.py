"""Bundles and messages with something taken out, changed or put in another order."""

from __future__ import annotations

import copy
import random
from collections.abc import Collection, Iterable, Iterator
from typing import Any

from hypothesis import strategies as st

#: Where something stands in plain JSON.
Place = tuple[str | int, ...]

#: Without these an entry of a Bundle is none.
_KEPT = frozenset({"resourceType", "fullUrl"})
#: What a sender may write in place of a value.
STRANGE = st.one_of(
    st.none(), st.booleans(), st.integers(-(10**20), 10**20), st.text(max_size=20), st.just({}), st.just([])
)


def places(value: Any, path: Place = (), *, kept: Collection[str] = ()) -> Iterator[Place]:
    """Every place within a value, but for the names that are to be kept."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, below in items:
        if name not in kept:
            yield (*path, name)
            yield from places(below, (*path, name), kept=kept)


def entry_places(bundle: dict[str, Any]) -> list[Place]:
    """What can be taken out of the entries of a Bundle."""
    return [*places(bundle["entry"], ("entry",), kept=_KEPT)]


def without(bundle: dict[str, Any], paths: Iterable[Place]) -> dict[str, Any]:
    """A copy of the Bundle; of the paths those are left out that the others took away."""
    made = copy.deepcopy(bundle)
    # From the end: what is taken out of a list moves what follows it.
    for path in sorted(paths, key=lambda one: [str(part).zfill(4) for part in one], reverse=True):
        at: Any = made
        try:
            for part in path[:-1]:
                at = at[part]
            del at[path[-1]]
        except (KeyError, IndexError):
            continue
    return made


def changed(bundle: dict[str, Any], path: Place, value: Any) -> dict[str, Any]:
    """A copy of the Bundle with another value at a place."""
    made = copy.deepcopy(bundle)
    at: Any = made
    for part in path[:-1]:
        at = at[part]
    at[path[-1]] = value
    return made


def reordered(bundle: dict[str, Any], order: random.Random) -> dict[str, Any]:
    """The Bundle with its entries in another order."""
    entries = list(bundle["entry"])
    order.shuffle(entries)
    return {**bundle, "entry": entries}
