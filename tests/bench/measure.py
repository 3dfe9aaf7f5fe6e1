"""Timing: medians of interleaved rounds, so that a drift of the machine meets everything alike."""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping
from statistics import median
from time import perf_counter, process_time

Run = Callable[[], object]


def medians(runs: Mapping[str, Run], *, rounds: int = 200, warmup: int = 5) -> dict[str, float]:
    """Median milliseconds of each run; one call of each in every round."""
    for run in runs.values():
        for _ in range(warmup):
            run()
    times: dict[str, list[float]] = {name: [] for name in runs}
    gc.collect()
    for _ in range(rounds):
        for name, run in runs.items():
            started = perf_counter()
            run()
            times[name].append(perf_counter() - started)
    return {name: median(values) * 1000 for name, values in times.items()}


def once(run: Run) -> float:
    """Processor milliseconds of one call."""
    started = process_time()
    run()
    return (process_time() - started) * 1000


def table(title: str, rows: Mapping[str, str]) -> None:
    """Print rows under a title."""
    print(f"\n{title}")
    width = max(map(len, rows))
    for name, value in rows.items():
        print(f"  {name:<{width}}  {value}")
