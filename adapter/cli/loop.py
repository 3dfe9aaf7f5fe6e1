"""The event loop of the services, and what would hold it up."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable


def quick_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop, where there is one: a request costs a third less."""
    try:
        from uvloop import new_event_loop
    except ImportError:
        return None
    return new_event_loop


def settle() -> None:
    """Leave what a start has made out of the collection of garbage from now on.

    It stays as long as the process does, and to look through it again takes a twentieth of a second, in which nobody is
    answered.
    """
    gc.collect()
    gc.freeze()
