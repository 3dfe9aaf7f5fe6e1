"""The same work on many items, in several processes: results in the order of the items, Ctrl-C in the parent alone."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import lru_cache
from multiprocessing import get_context
from threading import current_thread, main_thread
from typing import Any, Final, TypeVar

from adapter.log import configure
from adapter.settings import settings

Item = TypeVar("Item")
Result = TypeVar("Result")
Setup = TypeVar("Setup")
Tool = TypeVar("Tool")

#: Most items a worker takes at a time.
MAX_CHUNK: Final = 32


def in_processes(
    items: Sequence[Item],
    work: Callable[[Tool, Item], Result],
    make: Callable[[Setup], Tool],
    setup: Setup,
    jobs: int,
) -> Iterator[Result]:
    """Results of ``work`` in the order of ``items``.

    Args:
        items: what is worked on.
        work: the work on one item; a function of a module, as ``make`` is, because processes import them.
        make: makes what ``work`` needs; called once a process.
        setup: what ``make`` needs; it and the items are pickled.
        jobs: number of processes; 1 works in this one.
    """
    if jobs <= 1:
        tool = make(setup)
        for item in items:
            yield work(tool, item)
        return
    chunk = max(1, min(MAX_CHUNK, len(items) // (jobs * 4)))
    # Not forked: the caller may have threads (a progress bar), and locks of libxml2 would be copied held.
    pool = ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=_start, initargs=(work, make, setup))
    try:
        with _interrupts_ignored():
            results = pool.map(_work, items, chunksize=chunk)
        yield from results
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def _interrupts_ignored() -> Iterator[None]:
    """Processes started inside ignore Ctrl-C from their first instruction: the parent alone answers it."""
    if current_thread() is not main_thread():  # only the main thread may say so, and only it is interrupted
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


_given: tuple[Callable[[Any, Any], Any], Callable[[Any], Any], Any] | None = None


def _start(work: Callable[[Any, Any], Any], make: Callable[[Any], Any], setup: Any) -> None:
    """First in every worker."""
    global _given  # noqa: PLW0603 - state of a worker process, set once by the pool
    _given = work, make, setup
    configure(settings().log_level)


@lru_cache(maxsize=1)
def _tool() -> Any:
    """Made by the first item, not in the initializer: there an error would only break the pool."""
    assert _given is not None
    return _given[1](_given[2])


def _work(item: Any) -> Any:
    assert _given is not None
    return _given[0](_tool(), item)
