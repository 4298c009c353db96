"""The beat as the metre counts it."""

from __future__ import annotations

import pytest

from motet.midi import TempoMap, pulse


@pytest.mark.parametrize(
    ("metre", "beats"),
    [((4, 4), 120), ((3, 4), 120), ((2, 2), 60), ((6, 8), 80), ((9, 8), 80), ((12, 8), 80), ((3, 8), 240), ((5, 8), 240)],
)
def test_a_quarter_at_120_in_every_metre(metre: tuple[int, int], beats: float) -> None:
    clock = TempoMap(480, ((0, 500_000),), ((0, *metre),))
    found = pulse(clock, 0, 480 * 12)
    assert found.mean == pytest.approx(beats)
    assert found.steady
    assert found.metre == f"{metre[0]}/{metre[1]}"


def test_the_mean_is_weighted_by_time() -> None:
    clock = TempoMap(480, ((0, 500_000), (480, 1_000_000)))  # a quarter at 120, one at 60: two in 1.5 s
    found = pulse(clock, 0, 960)
    assert found.mean == pytest.approx(80)
    assert not found.steady


def test_changes_outside_the_span_do_not_count() -> None:
    clock = TempoMap(480, ((0, 500_000), (4800, 300_000)), ((0, 4, 4), (4800, 3, 4)))
    inside = pulse(clock, 0, 4800)
    assert (inside.steady, inside.metre) == (True, "4/4")


def test_a_metre_that_changes_has_no_name_and_is_counted_in_quarters() -> None:
    clock = TempoMap(480, (), ((0, 6, 8), (1440, 4, 4)))
    assert pulse(clock, 0, 2880).metre == ""
    assert pulse(clock, 0, 2880).mean == pytest.approx(120)
