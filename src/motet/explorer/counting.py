"""How many rows there are under each value of a facet, and in which bins figures are counted."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from motet.explorer.shelf import place_of

MOST_VALUES = 40  # of a facet, shown with their counts
BINS = 20  # of a range, about


def binned(figures: npt.NDArray[np.float64], edge: list[float]) -> dict[str, Any]:
    known = figures[~np.isnan(figures)]
    counts = np.bincount(np.searchsorted(edge, known, side="right"), minlength=len(edge) + 1).tolist()
    bins = [[low, high, count] for low, high, count in zip(edge, edge[1:], counts[1:], strict=False)]
    return {"bins": bins, "unknown": len(figures) - len(known)}


def shown(values: list[str], counts: npt.NDArray[np.intp], chosen: list[str]) -> dict[str, Any]:
    """The commonest of sorted values with their counts, those that are chosen always among them, and how many more occur."""
    here = np.flatnonzero(counts)
    ranked = here[np.argsort(-counts[here], kind="stable")]
    first = {values[place]: int(counts[place]) for place in ranked[:MOST_VALUES].tolist()}
    picked = {value: int(counts[place]) if (place := place_of(values, value)) is not None else 0 for value in chosen}
    others = [value for value in first if value not in picked][: max(MOST_VALUES - len(picked), 0)]
    shown = picked | {value: first[value] for value in others}
    listed = sorted(shown.items(), key=lambda each: (-each[1], each[0]))
    return {"values": [[value, count] for value, count in listed], "more": len(here) - sum(map(bool, shown.values()))}


def edges(figures: npt.NDArray[np.float64]) -> list[float]:
    """Round limits of about twenty equal bins; rare figures far outside fall into a wider first and last one."""
    known = figures[~np.isnan(figures)]
    if not len(known):
        return []
    least, most = float(known.min()), float(known.max())
    low, high = (float(value) for value in np.quantile(known, [0.005, 0.995]))
    if most - least <= 2 * (high - low):
        low, high = least, most
    step = _round((high - low) / BINS)
    found = [_tidy(n * step) for n in range(math.floor(low / step), math.floor(high / step) + 2)]
    if least < found[0]:
        found.insert(0, _tidy(math.floor(least / step - 1e-9) * step))
    if most >= found[-1]:
        found.append(_tidy((math.floor(most / step + 1e-9) + 1) * step))
    return found


def _tidy(number: float) -> float:
    return round(number, 6) + 0.0  # no -0.0


def _round(step: float) -> float:
    """The next of 1, 2, 5, 10, 20, 50 …, not below 0.1."""
    if step <= 0.1:
        return 0.1 if step > 0 else 1.0
    power: float = 10.0 ** math.floor(math.log10(step))
    return next(factor * power for factor in (1.0, 2.0, 5.0, 10.0) if factor * power >= step * 0.999999)
