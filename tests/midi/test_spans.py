"""Cutting at bar lines: spans of the wanted length, nothing left out that need not be."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from motet.midi import spans

bar_lengths = st.lists(st.floats(0.2, 40.0), min_size=0, max_size=80)


@given(bar_lengths, st.floats(1.0, 15.0), st.floats(0.0, 10.0), st.floats(0.0, 10.0))
def test_spans_are_in_order_apart_and_of_the_lengths_asked(
    lengths: list[float], shortest: float, more: float, most: float
) -> None:
    times = np.concatenate([[0.0], np.cumsum(lengths)])
    found = spans(times, shortest, shortest + more + most, shortest + more)
    for a, b in found:
        assert shortest - 1e-6 <= times[b] - times[a] <= shortest + more + most + 1e-6
    assert all(before[1] <= after[0] for before, after in itertools.pairwise(found))


def test_even_bars_are_covered_whole() -> None:
    times = np.arange(0, 121, 2.0)
    found = spans(times, 10, 30, 20)
    assert (found[0][0], found[-1][1]) == (0, 60)
    assert all(a[1] == b[0] for a, b in itertools.pairwise(found))
    assert {times[b] - times[a] for a, b in found} == {20.0}


def test_a_remainder_is_shared_out_and_not_dropped() -> None:
    times = np.arange(0, 51, 2.0)  # 50 s: two clips of 24 and 26, not two of 20 and a lost end
    found = spans(times, 10, 30, 20)
    assert sum(times[b] - times[a] for a, b in found) == 50


def test_a_bar_too_long_for_any_clip_is_left_out() -> None:
    assert spans(np.array([0.0, 40.0, 50.0, 60.0]), 10, 30, 20) == [(1, 3)]


def test_nothing_fits_in_too_little() -> None:
    assert spans(np.array([]), 10, 30, 20) == []
    assert spans(np.array([0.0]), 10, 30, 20) == []
    assert spans(np.array([0.0, 4.0, 8.0]), 10, 30, 20) == []
