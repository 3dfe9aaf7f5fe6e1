"""When something is tried again."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta


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
