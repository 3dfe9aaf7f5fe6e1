"""The progress bar of commands that work on many files."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import Final, TypeVar

T = TypeVar("T")

#: Files below this number are done before a progress bar could be read.
BAR_FROM: Final = 20


def shown(results: Iterable[T], total: int, *, quiet: bool = False) -> Iterator[T]:
    """The results, with a bar on standard error where a person would wait for them."""
    if quiet or total < BAR_FROM or not sys.stderr.isatty():
        yield from results
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=total)
        for result in results:
            bar.advance(task)
            yield result
