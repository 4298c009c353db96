"""Cutting a song into clips of a wanted length: at its bar lines, sections and phrases kept whole, or at fixed times."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from operator import add

import numpy as np
from numpy.typing import NDArray

from motet.midi.sections import Section

Floats = NDArray[np.float64]

PHRASE = 4  # bars
ELSEWHERE, MID_SECTION, AT_SECTION = 1.0, 0.0, -1.0  # what a cut costs: inside a phrase, between phrases, between sections
FINEST = 1000  # bar lines looked at in the longest clip


def spans(times: Floats, shortest: float, longest: float, target: float, costs: Floats | None = None) -> list[tuple[int, int]]:
    """Consecutive spans between bar lines at `times` (seconds, ascending), each `shortest` to `longest` seconds.

    `costs` holds what a cut costs at each bar line, as `cut_costs` tells it; all alike without. Of all ways to cut, the one
    that leaves least uncovered; among those, the one whose cuts and lengths together cost least. The length of a span
    costs its squared difference from `target` in units of `target`, which for 10 to 30 s around 20 s is at most 0.25, so
    that a whole phrase (1.0) wins over a length. A section boundary costs less than nothing: to cross one costs as much
    as to cut at one spares.

    Returns pairs of indices into `times`; empty when nothing fits. Dynamic programming over bar lines: time grows with
    their number times the bars in `longest` seconds. Lines closer than a thousandth of `longest` may be passed over.
    """
    if len(times) < 2:
        return []
    kept = np.flatnonzero(np.diff(np.floor((times - times[0]) * (FINEST / longest)), prepend=-1.0))
    if kept[-1] != len(times) - 1:
        kept[-1] = len(times) - 1  # the end is no line to lose
    lines = times[kept]
    halves = np.zeros(len(lines)) if costs is None else costs[kept] / 2  # each cut ends one span and begins another
    first = np.searchsorted(lines, lines - longest - 1e-9)
    last = np.searchsorted(lines, lines - shortest + 1e-9, side="right")
    # A second left out weighs more than anything else.
    missed = (np.diff(lines) * (1000.0 / target)).tolist()
    best, came, took = [0.0], [0], [False]
    for begin in range(0, len(lines), FINEST):
        # For as many lines at once as memory allows: what the span from each line in reach costs.
        block = slice(begin, begin + FINEST)
        reach = int((last[block] - first[block]).max())
        at = first[block, None] + np.arange(max(reach, 1))
        past = at >= last[block, None]
        at = np.minimum(at, len(lines) - 1)
        price = ((lines[block, None] - lines[at]) / target - 1) ** 2 + halves[at] + halves[block, None]
        price[past] = np.inf
        for i, (low, row) in enumerate(zip(first[block].tolist(), price.tolist(), strict=True), start=begin):
            if not i:
                continue
            left_out = best[i - 1] + missed[i - 1]
            tried = list(map(add, best[low:i], row))
            least = min(tried, default=left_out)
            took.append(least < left_out)
            came.append(low + tried.index(least) if took[i] else i - 1)
            best.append(least if took[i] else left_out)
    found = []
    i = len(lines) - 1
    while i:
        if took[i]:
            found.append((int(kept[came[i]]), int(kept[i])))
        i = came[i]
    return found[::-1]


def cut_costs(lines: NDArray[np.int64], sections: Sequence[Section]) -> Floats:
    """What a cut at each bar line (ticks, ascending) costs `spans`: section boundaries are cheapest, the surer the cheaper.

    Next come the ends of 4-bar phrases, counted from the start of their section, but in the first section back from its
    end, so that an upbeat or a count-in shifts nothing. Without sections all bar lines cost the same.
    """
    if not sections:
        return np.zeros(len(lines))
    starts = np.searchsorted(lines, [section.start for section in sections])
    number = np.arange(len(lines))
    within = np.maximum(np.searchsorted(starts, number, side="right") - 1, 0)
    origin = starts[within]
    if len(starts) > 1:
        origin[within == 0] = starts[1]
    costs = np.where((number - origin) % PHRASE == 0, MID_SECTION, ELSEWHERE)
    sure = np.array([section.confidence for section in sections])
    inside = starts < len(lines)
    boundaries = starts[inside]
    costs[boundaries] += (AT_SECTION - costs[boundaries]) * sure[inside]
    return costs


def fixed_spans(start: float, end: float, seconds: float, shortest: float | None = None) -> list[tuple[float, float]]:
    """Spans of exactly `seconds` one after another from `start` to `end` (all in seconds), wherever bar lines fall.

    What remains at the end is a span of its own if it is at least `shortest` long (by default `seconds`), else left out.
    """
    edges = start + seconds * np.arange(int(max(end - start, 0.0) / seconds + 1e-9) + 1)
    found = [(a, min(b, end)) for a, b in pairwise(edges.tolist())]
    rest = end - float(edges[-1])
    if rest > 1e-9 and rest >= (seconds if shortest is None else shortest) - 1e-9:
        found.append((float(edges[-1]), end))
    return found
