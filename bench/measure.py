"""One line of the bench: what was measured how often, its spread, and how it stands to its peer and its goal."""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Line:
    """`values` holds one figure per repeat; the median is the figure that is compared.

    `ratio` is this line's figure over that of `peer`, the label of an earlier line in the same run.
    """

    name: str
    values: tuple[float, ...]
    unit: str
    n: int  # rows, files or tunes behind each value
    ratio: float | None = None
    peer: str = ""
    goal: str = ""
    reached: bool | None = None  # None where there is no goal, or too little was measured to judge it
    note: str = ""

    @property
    def figure(self) -> float:
        return statistics.median(self.values)


def seconds(work: Callable[[], object], repeats: int, clock: Callable[[], float] = time.perf_counter) -> tuple[float, ...]:
    """What each of `repeats` calls takes by `clock`."""
    taken = []
    for _ in range(repeats):
        began = clock()
        work()
        taken.append(clock() - began)
    return tuple(taken)


def over(numerators: Sequence[float], denominators: Sequence[float]) -> float:
    """The ratio of two medians."""
    return statistics.median(numerators) / statistics.median(denominators)


def cpu() -> float:
    """CPU seconds of this process so far, all threads, without its children."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def fresh(module: str, *arguments: object) -> dict[str, Any]:
    """Run `bench/<module>.py` in a process of its own and return what it prints as JSON."""
    script = Path(__file__).with_name(f"{module}.py")
    done = subprocess.run([sys.executable, str(script), *map(str, arguments)], capture_output=True, text=True, check=False)
    if done.returncode:
        msg = f"bench/{module}.py ended with {done.returncode}: {done.stderr.strip()[-2000:]}"
        raise RuntimeError(msg)
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def peak_mb() -> float:
    """MB that this process held at most. Not by getrusage: to it, a process began as large as the one that started it."""
    return int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]) * 1024 / 1e6
