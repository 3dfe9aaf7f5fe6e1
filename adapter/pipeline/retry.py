"""When something is tried again, and how much of a worker one neighbour that does not answer may take."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from adapter.errors import NetworkError, SigningError


class Again(Exception):
    """The job is to be tried again.

    Args:
        delay: not before that long.
    """

    def __init__(self, delay: timedelta) -> None:
        super().__init__("again")
        self.delay = delay


@dataclass(frozen=True, slots=True)
class Backoff:
    """Delays that double, within bounds, with jitter: what failed together does not come back together.

    Attributes:
        first: before the second attempt.
        longest: however many have failed.
        jitter: a number from 0 to 1, uniform.
    """

    first: timedelta = timedelta(seconds=2)
    longest: timedelta = timedelta(minutes=10)
    jitter: Callable[[], float] = random.random

    def delay(self, attempts: int, *, least: float | None = None) -> timedelta:
        """The delay after so many failed attempts.

        Args:
            attempts: at least 1.
            least: seconds that the other side asks to wait.
        """
        # Beyond 2^20 seconds the bound holds anyway.
        grown: timedelta = min(self.first * (1 << min(attempts - 1, 20)), self.longest)
        delay = grown * (0.5 + self.jitter() / 2)
        return max(delay, timedelta(seconds=least * (1 + self.jitter() / 4))) if least else delay


#: Calls in a row without an answer after which a neighbour is left alone for a while.
_PATIENCE: Final = 5
_CROWDED: Final = Backoff(timedelta(seconds=2), timedelta(seconds=2))


@dataclass(slots=True)
class Gate:
    """Before a neighbour of the pipeline: one that hangs holds some of the jobs of a worker, never all of them.

    Attributes:
        limit: jobs that may wait for it at once.
        pauses: how long it is left alone once it is silent; the longest also bounds how late its return is seen.
        clock: seconds of a clock that nobody sets.
    """

    limit: int
    pauses: Backoff = Backoff(timedelta(seconds=1), timedelta(seconds=30))
    clock: Callable[[], float] = time.monotonic
    _inside: int = field(default=0, init=False)
    _silences: int = field(default=0, init=False)
    _shuts: int = field(default=0, init=False)
    _shut_until: float = field(default=0.0, init=False)

    @contextmanager
    def passing(self) -> Iterator[None]:
        """Call the neighbour within.

        Raises:
            Again: not now: too many wait for it, or it is left alone; nothing was begun.
        """
        shut = self._shut_until - self.clock()
        if shut > 0:
            raise Again(timedelta(seconds=shut) + _CROWDED.delay(1))
        if self._inside >= self.limit:
            raise Again(_CROWDED.delay(1))
        self._inside += 1
        try:
            yield
        except (NetworkError, SigningError) as error:
            if isinstance(error, SigningError) and error.error_class != "transport":
                self._answered()
            else:
                self._silent()
            raise
        else:
            self._answered()
        finally:
            self._inside -= 1

    def _answered(self) -> None:
        self._silences = self._shuts = 0

    def _silent(self) -> None:
        """Calls that were under way together are one reason to shut, not many."""
        self._silences += 1
        if self._silences >= _PATIENCE and self.clock() >= self._shut_until:
            self._shuts += 1
            self._shut_until = self.clock() + self.pauses.delay(self._shuts).total_seconds()
