"""Small questions to arrays that many measures ask, answered faster than numpy's general functions do."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


def changes(values: NDArray[Any]) -> NDArray[np.bool_]:
    """Which values differ from the one before them, the first among them."""
    differs = np.empty(len(values), np.bool_)
    differs[:1] = True
    np.not_equal(values[1:], values[:-1], out=differs[1:])
    return differs


def median(values: NDArray[np.float64]) -> float:
    """As numpy's, which takes several times as long for a few thousand values."""
    ordered = np.sort(values)
    return float(ordered[(len(values) - 1) // 2] + ordered[len(values) // 2]) / 2


def holding(edges: Ints, values: Ints) -> Ints:
    """The stretch between ascending `edges` that holds each value, 0 the first: that before the last edge for the last edge.

    Values lie from the first edge to the last. Even stretches, as beats and bars are in most songs, need no search.
    """
    count = len(edges) - 1
    if count < 3:
        return np.minimum(edges.searchsorted(values, "right") - 1, count - 1)
    step = int(edges[2] - edges[1])
    origin = int(edges[1]) - step
    inner = edges[1:-1]
    even = origin <= edges[0] and edges[-1] - edges[-2] <= step and ((inner[1:] - inner[:-1]) == step).all()
    at: Ints = (values - origin) // step if even else edges.searchsorted(values, "right") - 1
    return np.minimum(at, count - 1, out=at)
