"""Windows from bar line to bar line, and which of them are worth a film."""

from __future__ import annotations

import random
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from symusic.core import NoteTick, ScoreTick, TempoTick, TimeSignatureTick, TrackTick

from motet import midi
from motet.errors import UserError
from motet.video.errors import VideoError
from motet.video.windows import Limits, Window, choose, rhythm, windows

BAR = 1920


def song(
    notes: list[tuple[int, int, int]], *, drums: bool = False, metres: list[tuple[int, int, int]] | None = None, bpm: float = 120
) -> midi.Score:
    """One track of notes (tick, ticks, pitch)."""
    score = ScoreTick(480)
    score.tempos.append(TempoTick(0, bpm))
    for tick, top, bottom in metres or []:
        score.time_signatures.append(TimeSignatureTick(tick, top, bottom))
    track = TrackTick("", 0, drums)
    for start, length, pitch in notes:
        track.notes.append(NoteTick(start, length, pitch, 80))
    score.tracks.append(track)
    return midi.read(score.dumps_midi())


def quarters(bars: int, **more: object) -> midi.Score:
    return song([(480 * beat, 480, 60) for beat in range(4 * bars)], **more)  # type: ignore[arg-type]


def test_sixteen_seconds_at_120_beats_are_eight_bars() -> None:
    assert windows(quarters(16)) == [Window(0, 8 * BAR, 0.0, 16.0, 0, 8), Window(8 * BAR, 16 * BAR, 16.0, 32.0, 8, 8)]


def test_a_window_is_not_longer_than_asked_for() -> None:
    found = windows(quarters(16, bpm=118))  # eight bars would take 16.3 s
    assert [window.bars for window in found] == [7, 7, 2]


def test_a_bar_longer_than_asked_for_is_a_window_by_itself() -> None:
    found = windows(quarters(3, bpm=120), seconds=1.0)
    assert [(window.bars, window.seconds) for window in found] == [(1, 2.0)] * 3


def test_windows_begin_with_the_bar_of_the_first_note() -> None:
    found = windows(song([(5 * BAR + 100, 480, 60)]))
    assert found == [Window(5 * BAR, 6 * BAR, 10.0, 12.0, 5, 1)]


@given(
    st.lists(st.tuples(st.integers(0, 60_000), st.integers(0, 3000), st.integers(0, 127)), min_size=1, max_size=30),
    st.lists(st.tuples(st.integers(0, 60_000), st.integers(1, 12), st.sampled_from([2, 4, 8])), max_size=4),
    st.floats(20, 300),
    st.floats(0.5, 30),
)
def test_windows_follow_one_another_on_bar_lines_and_cover_all_notes(
    notes: list[tuple[int, int, int]], metres: list[tuple[int, int, int]], bpm: float, seconds: float
) -> None:
    score = song(notes, metres=metres, bpm=bpm)
    found = windows(score, seconds)
    lines = set(score.tempo_map.bar_lines(found[-1].end_tick).tolist())
    assert found[0].start_tick <= score.notes["start"].min()
    assert found[-1].end_tick >= score.end
    assert all(one.end_tick == other.start_tick for one, other in pairwise(found))
    assert all({window.start_tick, window.end_tick} <= lines for window in found)
    assert all(window.seconds <= seconds + 1e-9 or window.bars == 1 for window in found)


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf"), 10_000])
def test_seconds_out_of_range_are_the_users_mistake(seconds: float) -> None:
    with pytest.raises(UserError, match="A window has"):
        windows(quarters(4), seconds)


def test_a_song_without_notes_has_no_windows() -> None:
    with pytest.raises(VideoError, match="no notes") as caught:
        windows(song([]))
    assert caught.value.reason == "no_notes"


def test_the_rhythm_of_even_quarters() -> None:
    score = quarters(8)
    told = rhythm(score, windows(score)[0])
    assert (told.notes, told.drum_notes, told.mapped, told.drums) == (32, 0, 32, 0)
    assert told.per_second == 2.0
    assert told.on_grid == 1.0
    assert told.longest_gap == 0.5
    assert told.silence == 0.0


def test_silence_is_what_no_note_fills() -> None:
    score = song([(0, 960, 60), (480, 240, 64), (4 * BAR, 480, 60), (8 * BAR - 480, 480, 60)])
    told = rhythm(score, windows(score)[0])
    assert told.silence == pytest.approx(14 / 16)
    assert told.longest_gap == pytest.approx(7.5)


def test_drums_are_counted_by_what_they_are() -> None:
    score = song([(480 * beat, 10, [35, 36, 38, 42][beat % 4]) for beat in range(32)], drums=True)
    told = rhythm(score, windows(score)[0])
    assert (told.drum_notes, told.drums) == (32, 3)
    assert told.silence == pytest.approx(0.5)  # a drum sounds for a quarter of a second


def test_onsets_anywhere_are_off_the_grid() -> None:
    anywhere = random.Random(4)
    score = song([(anywhere.randrange(8 * BAR), 100, 60) for _ in range(200)])
    assert rhythm(score, windows(score)[0]).on_grid < 0.6


def chosen(score: midi.Score, limits: Limits | None = None, seed: int = 0) -> list[str]:
    """The reasons why windows were left out."""
    return [one.reason for one in choose(score, windows(score), limits, random=random.Random(seed)).left_out]


def test_what_is_left_at_the_end_of_a_song_is_too_short() -> None:
    assert chosen(quarters(10)) == ["too_short"]


@pytest.mark.parametrize(
    "limits, reason",
    [
        (Limits(fewest_notes=33), "too few notes"),
        (Limits(fewest_drum_notes=1), "drum notes"),
        (Limits(fewest_drums=2), "drums are struck"),
        (Limits(densest=1.0), "onsets a second"),
        (Limits(sparsest=3.0), "onsets a second"),
        (Limits(longest_gap=0.4), "without an onset"),
        (Limits(on_grid=1.1), "grid"),
        (Limits(silence=-1.0), "silent"),
        (Limits(fewest_mapped=40), "mapped notes"),
    ],
)
def test_every_limit_tells_its_own_reason(limits: Limits, reason: str) -> None:
    score = quarters(8)
    with pytest.raises(VideoError) as caught:
        choose(score, windows(score), limits, random=random.Random(0))
    assert caught.value.reason == "no_window"
    assert reason.replace("too few notes", "notes begin") in caught.value.detail


def test_where_many_windows_fail_their_reasons_are_counted() -> None:
    score = quarters(24)
    with pytest.raises(VideoError, match="none of the song's 3 windows will do: 3 too few notes"):
        choose(score, windows(score), Limits(fewest_notes=100), random=random.Random(0))


def test_of_a_ten_minute_song_the_drawn_windows_are_spread() -> None:
    score = quarters(300)  # 600 s, 37 windows that will do
    picked = choose(score, windows(score), Limits(most=4), random=random.Random(1))
    places = [window.start / 600 for window, _ in picked.kept]
    assert [int(place * 4) for place in places] == [0, 1, 2, 3]
    assert {one.reason for one in picked.left_out} == {"not_drawn", "too_short"}
    again = choose(score, windows(score), Limits(most=4), random=random.Random(1))
    assert again.kept == picked.kept
    others = {choose(score, windows(score), Limits(most=4), random=random.Random(seed)).kept for seed in range(5)}
    assert len(others) > 1


def test_of_a_day_of_music_some_windows_are_looked_at() -> None:
    score = song([(bar * BAR, BAR, 60) for bar in range(3000)], bpm=240)
    everything = windows(score, seconds=4.0)
    assert len(everything) == 750
    limits = Limits(fewest_notes=1, sparsest=0, most=3)
    picked = choose(score, everything, limits, seconds=4.0, random=random.Random(0))
    assert len(picked.kept) == 3
    assert sum(one.reason == "not_judged" for one in picked.left_out) == 750 - 512
    assert len(picked.kept) + len(picked.left_out) == 750


def test_no_window_wanted_is_the_users_mistake() -> None:
    with pytest.raises(UserError, match="one window or more, not 0"):
        chosen(quarters(8), Limits(most=0))


def test_bars_too_short_to_measure() -> None:
    score = song([(0, 1, 60), (500_000, 1, 60)], metres=[(0, 1, 64), (499_000, 1, 64)])
    told = [rhythm(score, window) for window in windows(score, 0.5)]
    assert all(np.isfinite(one.per_second) and 0 <= one.silence <= 1 for one in told)


def test_a_song_in_which_nothing_is_mapped_is_told_so() -> None:
    score = quarters(8)
    with pytest.raises(VideoError) as caught:
        choose(score, windows(score), random=random.Random(0), mapped=np.zeros(len(score.notes), bool))
    assert caught.value.reason == "no_mapped_notes"
