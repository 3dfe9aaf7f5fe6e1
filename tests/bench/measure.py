"""Timing: medians of interleaved rounds, so that a drift of the machine meets everything alike.

A round calls each run several times in a row: the first call after another run finds the processor's caches cold.
"""

from __future__ import annotations

import gc
import resource
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from time import perf_counter, process_time

Run = Callable[[], object]


def medians(runs: Mapping[str, Run], *, rounds: int = 20, calls: int = 10, warmup: int = 5) -> dict[str, float]:
    """Median milliseconds of each run over all its calls."""
    for run in runs.values():
        for _ in range(warmup):
            run()
    times: dict[str, list[float]] = {name: [] for name in runs}
    gc.collect()
    for _ in range(rounds):
        for name, run in runs.items():
            for _ in range(calls):
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


def peak_memory() -> float:
    """Most memory that this process ever held, MB; on Linux without what its parent held before the start."""
    status = Path("/proc/self/status")
    if status.exists():
        (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
