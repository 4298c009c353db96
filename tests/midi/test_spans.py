"""Cutting at bar lines: spans of the wanted length, nothing left out that need not be."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from motet.midi.sections import Section
from motet.midi.spans import cut_costs, fixed_spans, spans

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


def section(start: int, end: int, confidence: float = 0.9) -> Section:
    return Section(start, end, "A", confidence, 1.0)


def test_clips_are_whole_sections_where_they_fit() -> None:
    lines = np.arange(0, 41 * 4, 4)  # bars of 2 s: sections of 16, 24, 16 and 24 s
    form = [section(0, 32), section(32, 80), section(80, 112), section(112, 160)]
    found = spans(lines / 2, 10, 30, 20, cut_costs(lines, form))
    assert found == [(0, 8), (8, 20), (20, 28), (28, 40)]


def test_a_long_section_is_cut_between_phrases() -> None:
    lines = np.arange(0, 25 * 4, 4)
    found = spans(lines / 2, 10, 30, 20, cut_costs(lines, [section(0, 96)]))
    assert {a % 4 for a, _ in found} == {0}
    assert (found[0][0], found[-1][1]) == (0, 24)


def test_coverage_wins_over_phrases() -> None:
    times = np.arange(14) * 3.0  # 39 s: two clips must part in the middle of a phrase or leave music out
    found = spans(times, 18, 21, 20, cut_costs(np.arange(14), [section(0, 13)]))
    assert (found[0][0], found[-1][1]) == (0, 13)


def test_phrases_of_the_first_section_are_counted_from_its_end() -> None:
    lines = np.arange(18)  # a bar of upbeat, then 8 bars and 8 bars
    costs = cut_costs(lines, [section(0, 9), section(9, 17)])
    assert np.flatnonzero(costs <= 0).tolist() == [0, 1, 5, 9, 13, 17]
    assert costs.argmin() == 9


def test_the_surer_a_section_the_cheaper_the_cut() -> None:
    costs = [cut_costs(np.arange(14), [section(0, 5), section(5, 13, sure)])[5] for sure in (0.2, 0.9)]
    assert costs[1] < costs[0] < cut_costs(np.arange(14), [section(0, 13)])[5]


@given(bar_lengths, st.lists(st.floats(-1, 1), min_size=81, max_size=81))
def test_no_cost_costs_coverage(lengths: list[float], costs: list[float]) -> None:
    times = np.concatenate([[0.0], np.cumsum(lengths)])
    plain, priced = (spans(times, 10, 30, 20, c) for c in (None, np.array(costs[: len(times)])))
    covered = [sum(times[b] - times[a] for a, b in found) for found in (plain, priced)]
    assert covered[1] == pytest.approx(covered[0], abs=0.1)


def test_fixed_spans_leave_out_what_is_too_short() -> None:
    assert fixed_spans(1.0, 71.0, 30) == [(1.0, 31.0), (31.0, 61.0)]
    assert fixed_spans(1.0, 71.0, 30, shortest=10) == [(1.0, 31.0), (31.0, 61.0), (61.0, 71.0)]
    assert fixed_spans(0.0, 60.0, 30, shortest=10) == [(0.0, 30.0), (30.0, 60.0)]
    assert fixed_spans(0.0, 9.0, 30, shortest=10) == []
    assert fixed_spans(5.0, 5.0, 30) == []
