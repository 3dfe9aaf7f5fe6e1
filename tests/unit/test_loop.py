"""What would hold up the event loop of a service."""

from __future__ import annotations

import gc

from adapter.cli.loop import settle


def test_what_a_start_has_made_is_not_collected_again() -> None:
    made = [[] for _ in range(1000)]  # type: list[list[int]]
    before = gc.get_freeze_count()
    try:
        settle()
        assert gc.get_freeze_count() >= before + len(made)
        assert not any(one is made for one in gc.get_objects())
    finally:
        gc.unfreeze()
