"""Planned moments against found ones, paired one to one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["APART", "Matching", "chance", "distances", "judge", "pairs"]

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

APART = 4.0  # frames
MOST_SHIFTS = 500


@dataclass(frozen=True)
class Matching:
    """How found moments agree with planned ones.

    `planned` distinct frames are planned, `judged` of them stand apart from the others; `found` moments are counted, `unjudged`
    more are left out, near what is planned but not judged. `right` pairs are within the tolerance. Recall is right / judged,
    precision right / found, None where there is nothing to divide by. Errors, in ms, are found minus planned over the pairs
    within half of the distance that judged frames are apart, right or not: `late_ms` their median with its sign, the others
    without; None without pairs.
    """

    planned: int
    judged: int
    found: int
    unjudged: int
    right: int
    precision: float | None
    recall: float | None
    f1: float | None
    late_ms: float | None
    mean_ms: float | None
    median_ms: float | None
    most_ms: float | None
    """the 95th percentile"""
    worst_ms: float | None

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def judge(
    planned: Sequence[float],
    found: Sequence[float],
    fps: Fraction | float,
    *,
    apart: float = APART,
    within: float = 0.5,
    also: Sequence[float] = (),
    exact: Sequence[float] | None = None,
) -> Matching:
    """Compare moments counted in frames, of `fps` a second, in any order; several planned at one moment are one.

    A planned moment is judged when every other is at least `apart` frames away, and when it is not that of the first picture:
    nothing is before that. A found one counts as wrong unless it has a partner within `within` frames, or is nearer than `apart`
    to a planned one that is not judged and nearer to that than to a judged one, or is within `within` of one of `also` (what
    may be seen but need not). `exact` are the moments in frames, unrounded, of `planned`, against which errors are told.
    """
    moments, first = np.unique(np.asarray(planned, np.float64), return_index=True)
    truth = moments if exact is None else np.asarray(exact, np.float64)[first]
    there = np.unique(np.asarray(found, np.float64))
    judged = _alone(moments, apart) & (moments >= 0.5)
    sure, loose = moments[judged], moments[~judged]
    matched = pairs(sure, there, within)
    right = len(matched)
    partner = np.zeros(len(there), np.bool_)
    partner[[other for _, other in matched]] = True
    near = distances(there, loose)
    free = (near < apart) & (near <= distances(there, sure)) | (distances(there, np.asarray(also, np.float64)) <= within)
    count = int(np.count_nonzero(partner | ~free))
    precision = right / count if count else None
    recall = right / len(sure) if len(sure) else None
    wide = pairs(sure, there, apart / 2)
    late = np.array([there[two] - truth[judged][one] for one, two in wide]) * (1000 / float(fps))
    size = np.abs(late)
    return Matching(
        planned=len(moments),
        judged=len(sure),
        found=count,
        unjudged=len(there) - count,
        right=right,
        precision=precision,
        recall=recall,
        f1=2 * right / (count + len(sure)) if count and len(sure) else (0.0 if len(sure) else None),
        late_ms=_rounded(np.median(late)) if len(late) else None,
        mean_ms=_rounded(size.mean()) if len(late) else None,
        median_ms=_rounded(np.median(size)) if len(late) else None,
        most_ms=_rounded(np.quantile(size, 0.95)) if len(late) else None,
        worst_ms=_rounded(size.max()) if len(late) else None,
    )


def _rounded(number: np.floating[Any]) -> float:
    return round(float(number), 3)


def _alone(moments: Floats, apart: float) -> Flags:
    """Which of ascending moments have no other nearer than `apart`?"""
    gaps = np.diff(moments, prepend=-np.inf, append=np.inf) >= apart
    alone: Flags = gaps[:-1] & gaps[1:]
    return alone


def distances(moments: Floats, others: Floats) -> Floats:
    """From each moment to the nearest of the others; infinite where there is none."""
    if not len(others):
        return np.full(len(moments), np.inf)
    others = np.sort(others)
    at = others.searchsorted(moments)
    before, behind = others[np.maximum(at - 1, 0)], others[np.minimum(at, len(others) - 1)]
    return np.asarray(np.minimum(np.abs(moments - before), np.abs(moments - behind)))


def pairs(one: Floats, other: Floats, within: float) -> list[tuple[int, int]]:
    """Indices of partners at most `within` apart: as many pairs as there can be, and of these the nearest in sum.

    Both are ascending. Two pairs that cross are uncrossed at no cost (the exchange lengthens neither the sum nor the longer of
    the two), so that a best pairing is in order, and the programme of the longest common subsequence finds it.
    """
    lows = other.searchsorted(one - within, "left")
    highs = other.searchsorted(one + within, "right")
    # best[k]: pairs and minus their sum, among the first so many of `other`; beyond what a row reaches it stays as it is.
    rows: list[list[tuple[int, float]]] = []
    low = high = 0
    last: list[tuple[int, float]] = [(0, 0.0)]
    for index, (start, end) in enumerate(zip(lows.tolist(), highs.tolist(), strict=True)):
        row = [last[min(start, high) - low]]
        for place in range(start, end):
            above = last[min(place + 1, high) - low]
            number, cost = last[min(place, high) - low]
            row.append(max(above, row[-1], (number + 1, cost - abs(float(one[index] - other[place])))))
        rows.append(row)
        last, low, high = row, start, end
    found = []
    place = int(highs[-1]) if len(highs) else 0
    for index in range(len(rows) - 1, -1, -1):
        start, best = int(lows[index]), rows[index]
        upper, upper_low = (rows[index - 1], int(lows[index - 1])) if index else ([(0, 0.0)], 0)
        place = min(place, start + len(best) - 1)
        while place > start and best[place - start] == best[place - 1 - start]:
            place -= 1
        if place > start and best[place - start] != upper[min(place - upper_low, len(upper) - 1)]:
            found.append((index, place - 1))
            place -= 1
    return found[::-1]


def chance(planned: Sequence[int], found: Sequence[int], frames: int, *, apart: int = 4) -> tuple[float, float]:
    """What a plan that has nothing to do with the film would get: the mean F1 of the plan moved round the film by every distance
    of at least `apart` frames, and the share of them that does as well as the plan itself.

    Both are whole frames, pairs are of equal frames, of up to 500 distances evenly chosen. (0, 1) where nothing can be judged.
    """
    moments = np.unique(np.asarray(planned, np.int64))
    moments = moments[(moments >= 0) & (moments < frames)]
    there = np.zeros(frames, np.bool_)
    there[[frame for frame in found if 0 <= frame < frames]] = True
    alone = _alone(moments.astype(np.float64), apart)
    sure, loose = moments[alone], moments[~alone]
    if not len(sure) or not there.any() or frames <= 2 * apart:
        return 0.0, 1.0
    count = int(there.sum())
    around = np.unique((loose[:, None] + np.arange(1 - apart, apart)).ravel())

    def score(shift: int) -> float:
        right = int(np.count_nonzero(there[(sure + shift) % frames]))
        near = np.unique((around + shift) % frames)
        counted = max(right, count - int(np.count_nonzero(there[near])))
        return 2 * right / (len(sure) + counted)

    shifts = np.unique(np.linspace(apart, frames - apart, min(MOST_SHIFTS, frames - 2 * apart + 1)).astype(np.int64))
    scores = np.array([score(int(shift)) for shift in shifts])
    return float(scores.mean()), float(np.mean(scores >= score(0) - 1e-9))
