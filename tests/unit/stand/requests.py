"""Messages with something broken in them."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import strategies as st

from tests.mutated import Place, places

Breaking = tuple[Place, Any]
#: Something else in place of a value; ``...`` takes it away.
_OTHER = st.sampled_from([..., None, "", "x", "2199-01-01", -1, 0, 2**70, 1.5, True, [], {}, [[]], {"a": 1}])


def breakings(message: Any) -> st.SearchStrategy[list[Breaking]]:
    """Up to three places of a message, and what stands there instead."""
    return st.lists(st.tuples(st.sampled_from(list(places(message))), _OTHER), min_size=1, max_size=3)


def with_breakings(message: Any, broken: list[Breaking]) -> Any:
    """A copy of a message with them; a place that an earlier one took away is passed over."""
    made = copy.deepcopy(message)
    for path, value in broken:
        part = made
        for step in path[:-1]:
            try:
                part = part[step]
            except (KeyError, IndexError, TypeError):
                part = None
                break
        last = path[-1]
        if isinstance(part, dict) and isinstance(last, str):
            part.pop(last, None)
            if value is not ...:
                part[last] = value
        elif isinstance(part, list) and isinstance(last, int) and last < len(part):
            part[last] = None if value is ... else value
    return made
