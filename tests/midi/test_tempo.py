"""The one clock, against exact fractions."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from motet.midi import TempoMap

divisions = st.sampled_from([1, 15, 24, 96, 120, 480, 960, 15360, 32767])
ticks = st.integers(0, 200_000)
tempi = st.lists(st.tuples(ticks, st.integers(1, (1 << 24) - 1)), max_size=8)
metres = st.lists(st.tuples(ticks, st.integers(1, 21), st.sampled_from([1, 2, 4, 8, 16])), max_size=6)


@st.composite
def clocks(draw: st.DrawFn) -> TempoMap:
    division = draw(divisions)
    return TempoMap(division, tuple(draw(tempi)), tuple(m for m in draw(metres) if 4 * division * m[1] >= m[2]))


def seconds_exactly(clock: TempoMap, tick: int) -> Fraction:
    total = Fraction(0)
    for (start, us), end in zip(clock.tempi, [t for t, _ in clock.tempi[1:]] + [tick], strict=True):
        total += Fraction(max(min(end, tick) - start, 0) * us, clock.division * 1_000_000)
    return total


def bar_exactly(clock: TempoMap, tick: int) -> tuple[int, Fraction]:
    """Counts bars one by one."""
    bar, line = 0, Fraction(0)
    changes = [m[0] for m in clock.metres[1:]] + [10**9]
    for (_, top, bottom), following in zip(clock.metres, changes, strict=True):
        length = Fraction(4 * clock.division * top, bottom)
        whole = min(tick, following - 1) - line
        if tick < following:
            return bar + whole // length, (tick - line) % length / length
        bar += -((line - following) // length)
        line = Fraction(following)
    raise AssertionError


def test_without_any_change_it_is_120_beats_a_minute_in_four_four() -> None:
    clock = TempoMap(480)
    assert clock.to_seconds(960) == 1.0
    assert clock.to_quarters(960) == 2.0
    assert clock.to_bars(1920 * 3 + 480) == (3, 0.25)
    assert clock.to_frames(960, 30) == 30.0
    assert clock.bpm_at(10**6) == 120.0
    assert clock.metre_at(5) == (4, 4)


def test_the_last_of_changes_at_one_tick_wins() -> None:
    assert TempoMap(480, ((0, 400_000), (0, 600_000))) == TempoMap(480, ((0, 600_000),))


def test_a_metre_change_inside_a_bar_starts_a_new_bar() -> None:
    clock = TempoMap(480, metres=((480 * 6, 3, 4),))
    assert clock.to_bars(480 * 6 - 1)[0] == 1
    assert clock.to_bars(480 * 6) == (2, 0.0)
    assert clock.bar_lines(480 * 12).tolist() == [0, 480 * 4, 480 * 6, 480 * 9, 480 * 12]


def test_a_repeated_metre_is_no_change() -> None:
    assert TempoMap(480, metres=((480, 4, 4),)) == TempoMap(480)


@given(clocks(), st.lists(st.integers(0, 1_000_000), min_size=1, max_size=20))
def test_seconds_are_the_exact_fraction_rounded_once(clock: TempoMap, asked: list[int]) -> None:
    exact = [float(seconds_exactly(clock, tick)) for tick in asked]
    assert [clock.to_seconds(tick) for tick in asked] == exact
    assert clock.to_seconds(asked).tolist() == exact


@given(clocks(), st.lists(st.integers(0, 1_000_000), min_size=1, max_size=20))
def test_every_way_there_leads_back(clock: TempoMap, asked: list[int]) -> None:
    assert clock.from_seconds(clock.to_seconds(asked)).tolist() == asked
    assert clock.from_quarters(clock.to_quarters(asked)).tolist() == asked
    assert clock.from_bars(*clock.to_bars(asked)).tolist() == asked
    assert [clock.from_seconds(clock.to_seconds(tick)) for tick in asked] == asked
    assert [clock.from_bars(*clock.to_bars(tick)) for tick in asked] == asked


@given(clocks(), st.integers(0, 250_000))
def test_bars_are_counted_as_one_would_by_hand(clock: TempoMap, tick: int) -> None:
    bar, fraction = bar_exactly(clock, tick)
    assert clock.to_bars(tick) == (bar, pytest.approx(float(fraction), abs=1e-12))


@given(clocks(), st.integers(0, 30_000))
def test_bar_lines_are_the_first_ticks_of_their_bars(clock: TempoMap, until: int) -> None:
    lines = clock.bar_lines(until)
    bars = clock.to_bars(np.arange(until + 1))[0]
    assert lines.tolist() == [0, *(np.flatnonzero(np.diff(bars)) + 1).tolist()]


@given(clocks(), st.integers(0, 1_000_000), st.sampled_from([24, 25, 30, 60, Fraction(24000, 1001), Fraction(30000, 1001)]))
def test_no_tick_is_put_in_the_wrong_frame(clock: TempoMap, tick: int, fps: float | Fraction) -> None:
    exact = seconds_exactly(clock, tick) * Fraction(fps)
    frames = clock.to_frames(tick, fps)
    assert int(frames) == exact // 1
    assert frames == pytest.approx(float(exact), rel=1e-12)
    assert clock.to_frames([tick], fps).tolist() == [frames]


@given(clocks(), st.integers(0, 5000), st.sampled_from([25, Fraction(30000, 1001)]))
def test_a_frame_starts_at_its_nearest_tick(clock: TempoMap, frame: int, fps: float | Fraction) -> None:
    wanted = frame / Fraction(fps)
    near = [
        abs(seconds_exactly(clock, tick) - wanted)
        for tick in range(max(clock.from_frames(frame, fps) - 1, 0), clock.from_frames(frame, fps) + 2)
    ]
    assert near[-2] <= min(near) + Fraction(1, 10**9)


@given(clocks())
def test_the_plain_form_tells_the_same_time(clock: TempoMap) -> None:
    assert TempoMap.from_rows(clock.to_rows()) == clock


@pytest.mark.parametrize(
    "arguments",
    [
        (0,),
        (1 << 15,),
        (480, ((0, 0),)),
        (480, ((-1, 500_000),)),
        (480, (), ((0, 0, 4),)),
        (480, (), ((0, 4, 3),)),
        (1, (), ((0, 1, 8),)),
    ],
)
def test_a_clock_that_could_not_run_is_refused(arguments: tuple) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        TempoMap(*arguments)


def test_ticks_are_whole_and_not_negative() -> None:
    with pytest.raises(TypeError, match="whole"):
        TempoMap(480).to_seconds(0.5)  # type: ignore[call-overload]
    with pytest.raises(ValueError, match="start at 0"):
        TempoMap(480).to_seconds([-1])


def test_a_million_bars_are_too_many_to_list() -> None:
    with pytest.raises(ValueError, match="bars up to tick"):
        TempoMap(1, metres=((0, 1, 4),)).bar_lines(1 << 30)
