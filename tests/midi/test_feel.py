"""Quantised or played, straight or swung."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from symusic.core import NoteTick, ScoreTick, TempoTick, TimeSignatureTick, TrackTick

from motet.midi import read
from motet.midi.feel import Feel, feel
from motet.midi.passage import Passage


def played(quarters: list[float], metre: tuple[int, int] = (4, 4), jitter_ms: float = 0, division: int = 480) -> Feel | None:
    score = ScoreTick(division)
    score.tempos.append(TempoTick(0, 120))
    score.time_signatures.append(TimeSignatureTick(0, *metre))
    track = TrackTick("piano", 0, False)
    late = np.random.default_rng(7).normal(0, jitter_ms / 500, len(quarters))
    for quarter, delay in zip(quarters, late.tolist(), strict=True):
        track.notes.append(NoteTick(max(round((quarter + delay) * division), 0), division // 4, 60, 80))
    score.tracks.append(track)
    return feel(Passage.whole(read(score.dumps_midi())))


def heard(*arguments: object, **named: object) -> Feel:
    result = played(*arguments, **named)  # type: ignore[arg-type]
    assert result
    return result


def eighths(ratio: float, beats: int = 64) -> list[float]:
    return [beat + place for beat in range(beats) for place in (0, ratio / (1 + ratio))]


@pytest.mark.parametrize("jitter", [0, 5, 15])
@pytest.mark.parametrize("ratio", [1.0, 1.5, 2.0])
def test_the_swing_ratio_is_the_long_eighth_over_the_short(ratio: float, jitter: float) -> None:
    result = heard(eighths(ratio), jitter_ms=jitter)
    assert result.swing == pytest.approx(ratio, rel=0.02 if not jitter else 0.1)
    assert result.swing_confidence > 0.5


def test_triplets_are_no_swing() -> None:
    triplets = [third / 3 for third in range(192)]
    assert heard(triplets).swing is None
    assert heard(triplets).grid == 3


def test_nor_is_a_jig_nor_a_dotted_march_nor_a_hymn() -> None:
    assert heard([eighth / 2 for eighth in range(192)], (6, 8)).swing is None
    assert heard([beat + place for beat in range(64) for place in (0, 0.75)]).swing is None
    assert heard(list(range(64))).swing is None


def test_sixteenths_among_straight_eighths_change_nothing() -> None:
    mixed = [beat + place for beat in range(64) for place in ((0, 0.5) if beat % 3 else (0, 0.25, 0.5, 0.75))]
    assert heard(mixed).swing == pytest.approx(1.0)


@pytest.mark.parametrize(("jitter", "quantised"), [(0, True), (5, False), (20, False)])
def test_human_timing_is_told_from_a_grid(jitter: float, quantised: bool) -> None:
    result = heard([sixteenth / 4 for sixteenth in range(256)], jitter_ms=jitter)
    assert result.quantised is quantised
    assert result.grid == 4
    assert result.confidence > 0.7
    # The median of |x| of a normal distribution is 0.674 of its sigma.
    assert result.deviation == pytest.approx(0.674 * jitter, rel=0.2)


@pytest.mark.parametrize("per_quarter", [1, 2, 3, 4, 6, 8, 12])
def test_the_coarsest_grid_that_explains_the_onsets(per_quarter: int) -> None:
    result = heard([step / per_quarter for step in range(32 * per_quarter)])
    assert (result.grid, result.on_grid, result.quantised) == (per_quarter, 1.0, True)


def test_a_grid_moved_against_the_ticks_is_still_a_grid() -> None:
    result = heard([quarter + 0.3 for quarter in eighths(1.0)])
    assert result.quantised
    assert result.swing == pytest.approx(1.0, abs=0.02)


def test_notes_anywhere_have_no_grid() -> None:
    result = heard(np.sort(np.random.default_rng(1).uniform(0, 200, 600)).tolist())
    assert (result.quantised, result.grid, result.deviation, result.swing) == (False, None, None, None)


def test_no_notes_have_no_feel() -> None:
    assert played([]) is None


@given(st.lists(st.floats(0, 300), min_size=1, max_size=60), st.sampled_from([1, 24, 480]))
def test_any_notes_have_a_finite_feel(quarters: list[float], division: int) -> None:
    result = heard(quarters, division=division)
    assert 0 <= result.on_grid <= 1
    assert 0.5 <= result.confidence <= 1
    assert 0 <= result.swing_confidence <= 1
    assert result.swing is None or 0.5 < result.swing < 3
