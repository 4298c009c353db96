"""Cutting a song at its bar lines into clips of a wanted length."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def spans(times: npt.NDArray[np.float64], shortest: float, longest: float, target: float) -> list[tuple[int, int]]:
    """Consecutive spans between bar lines at `times` (seconds, ascending), each `shortest` to `longest` seconds.

    Of all ways to cut, the one that leaves least uncovered, and among those whose spans come nearest to `target` (by the sum
    of squared differences, each in units of `target`). Returns pairs of indices into `times`; empty when nothing fits.
    Dynamic programming over bar lines: time grows with their number times the bars in `longest` seconds.
    """
    count = len(times)
    cost = np.full(count, np.inf)  # of the best cut of times[:i + 1]
    came_from = np.full(count, -1)
    took = np.zeros(count, bool)  # whether the span before bar line i is a clip, or a bar left out
    if count:
        cost[0] = 0.0
    uncovered = 10.0 / target  # a second left out weighs more than any misfit of length
    first = np.searchsorted(times, times - longest - 1e-9)
    last = np.searchsorted(times, times - shortest + 1e-9, side="right")
    for i in range(1, count):
        cost[i] = cost[i - 1] + uncovered * (times[i] - times[i - 1])
        came_from[i] = i - 1
        a, b = int(first[i]), min(int(last[i]), i)
        if a < b:
            lengths = times[i] - times[a:b]
            tried = cost[a:b] + ((lengths - target) / target) ** 2
            best = int(np.argmin(tried))
            if tried[best] < cost[i]:
                cost[i], came_from[i], took[i] = tried[best], a + best, True
    found = []
    i = count - 1
    while i > 0:
        if took[i]:
            found.append((int(came_from[i]), i))
        i = int(came_from[i])
    return found[::-1]
