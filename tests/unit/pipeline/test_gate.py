"""The gate before a neighbour: how many may wait for it, and when it is left alone."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import timedelta

import pytest

from adapter.errors import SigningError, TransportFailed
from adapter.pipeline.retry import Again, Backoff, Gate


class Ticks:
    """Seconds that a test lets pass."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def _gate(ticks: Ticks, limit: int = 3) -> Gate:
    pauses = Backoff(timedelta(seconds=1), timedelta(seconds=30), jitter=lambda: 1.0)
    return Gate(limit, pauses, ticks)


def _fail(gate: Gate, error: Exception) -> None:
    with pytest.raises(type(error)), gate.passing():
        raise error


def test_some_wait_and_no_more() -> None:
    gate = _gate(Ticks())
    with ExitStack() as inside:
        for _ in range(3):
            inside.enter_context(gate.passing())
        with pytest.raises(Again) as again, gate.passing():
            pass
        assert again.value.delay >= timedelta(seconds=1)
    with gate.passing():
        pass


def test_what_is_silent_is_left_alone_for_longer_and_longer() -> None:
    ticks = Ticks()
    gate = _gate(ticks)
    for _ in range(5):
        _fail(gate, TransportFailed("silent"))
    for pause in (1, 2, 4, 8, 16, 30, 30):
        _fail(gate, Again(timedelta()))
        ticks.now += pause
        _fail(gate, TransportFailed("silent"))
    ticks.now += 30
    with gate.passing():
        pass
    # It has answered: one silence is no reason again.
    _fail(gate, TransportFailed("silent"))
    with gate.passing():
        pass


def test_calls_that_were_under_way_together_are_one_reason() -> None:
    ticks = Ticks()
    gate = _gate(ticks, limit=20)
    for _ in range(4):
        _fail(gate, TransportFailed("silent"))
    together = [gate.passing() for _ in range(10)]
    for one in together:
        one.__enter__()
    for one in together:
        assert not one.__exit__(TransportFailed, TransportFailed("silent"), None)
    ticks.now += 1
    with gate.passing():
        pass


@pytest.mark.parametrize(
    ("error", "shut"),
    [
        (SigningError("no answer", "transport"), True),
        (SigningError("the document is of the future", "temporary"), False),
        (SigningError("the key of one person is wrong"), False),
        (ValueError("a bug"), False),
    ],
)
def test_only_silence_shuts(error: Exception, shut: bool) -> None:
    gate = _gate(Ticks())
    for _ in range(6):
        try:
            with gate.passing():
                raise error
        except (type(error), Again) as found:
            last = found
    assert isinstance(last, Again) == shut
