"""The pulse one taps to, on music whose tempo is known."""

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from symusic.core import NoteTick, ScoreTick, TempoTick, TimeSignatureTick, TrackTick

from motet.midi import read
from motet.midi.passage import Passage
from motet.midi.tap import Tap, tap

KICK, SNARE, HAT = 36, 38, 42
Hits = list[tuple[float, int]]  # quarter note, drum


def drummed(hits: Hits, bpm: float = 120, division: int = 480, metre: tuple[int, int] = (4, 4)) -> Passage:
    score = ScoreTick(division)
    score.tempos.append(TempoTick(0, bpm))
    score.time_signatures.append(TimeSignatureTick(0, *metre))
    drums = TrackTick("drums", 0, True)
    for quarter, drum in hits:
        drums.notes.append(NoteTick(round(quarter * division), division // 8, drum, 100 if drum != HAT else 60))
    score.tracks.append(drums)
    return Passage.whole(read(score.dumps_midi()))


def rock(bars: int = 16, stretch: float = 1.0) -> Hits:
    """Kick on 1 and 3, snare on 2 and 4, hi-hat in eighths; note values times `stretch`."""
    bar = [(0.0, KICK), (1.0, SNARE), (2.0, KICK), (3.0, SNARE), *((eighth / 2, HAT) for eighth in range(8))]
    return [((4 * number + place) * stretch, drum) for number in range(bars) for place, drum in bar]


def found(passage: Passage) -> Tap:
    pulse = tap(passage)
    assert pulse
    return pulse


@pytest.mark.parametrize(("stretch", "bpm"), [(1, 110), (2, 220), (0.5, 55)])
def test_a_beat_written_in_other_note_values_is_tapped_alike(stretch: float, bpm: float) -> None:
    pulse = found(drummed(rock(stretch=stretch), bpm))
    assert pulse.tempo == pytest.approx(110, rel=1e-4)
    assert pulse.quarters == stretch
    assert pulse.follows_map
    assert pulse.confidence > 0.5


def test_a_jig_is_tapped_in_dotted_quarters() -> None:
    jig = [(eighth / 2, HAT if eighth % 3 else KICK) for eighth in range(6 * 32)]
    pulse = found(drummed(jig, 165, metre=(6, 8)))
    assert (pulse.quarters, pulse.tempo) == (1.5, pytest.approx(110, rel=1e-4))


def test_the_tempo_is_weighted_by_time() -> None:
    score = ScoreTick(480)
    score.tempos.extend([TempoTick(0, 120), TempoTick(480 * 32, 60)])
    track = TrackTick("piano", 0, False)
    for eighth in range(128):
        track.notes.append(NoteTick(eighth * 240, 240, 60, 80))
    score.tracks.append(track)
    pulse = found(Passage.whole(read(score.dumps_midi())))
    assert pulse.tempo * pulse.quarters == pytest.approx(80, rel=1e-4)  # 64 quarter notes in 48 seconds


def test_music_moved_against_the_ticks_is_tapped_where_it_sounds() -> None:
    moved = found(drummed([(quarter + 0.3, drum) for quarter, drum in rock()], 100))
    assert moved.follows_map
    assert moved.shift == pytest.approx(0.3, abs=0.03)
    assert found(drummed(rock(), 100)).shift == 0


@pytest.mark.parametrize("bpm", [93.7, 106.3, 131.1])
def test_played_without_a_click_the_onsets_tell_the_tempo(bpm: float) -> None:
    played = [(quarter * 120 / bpm, drum) for quarter, drum in rock(24)]  # at any tempo, in a file that says 120
    chance = np.random.default_rng(3)
    pulse = found(drummed([(quarter + 0.4 + chance.normal(0, 0.015), drum) for quarter, drum in played]))
    assert not pulse.follows_map
    assert pulse.tempo == pytest.approx(bpm, rel=0.02)
    assert pulse.quarters == pytest.approx(120 / bpm, rel=0.02)


def test_notes_at_random_have_no_tempo_to_be_sure_of() -> None:
    chance = np.random.default_rng(2)
    assert found(drummed([(quarter, HAT) for quarter in chance.uniform(0, 400, 3000).tolist()])).confidence < 0.5


@given(st.sampled_from([24, 96, 480, 960]), st.floats(70, 150))
def test_ticks_per_quarter_change_nothing(division: int, bpm: float) -> None:
    one, other = found(drummed(rock(8), bpm, division)), found(drummed(rock(8), bpm, division * 2))
    assert (one.quarters, one.follows_map, one.shift) == (other.quarters, other.follows_map, other.shift)
    assert one.tempo == pytest.approx(other.tempo, rel=1e-2)


@given(st.lists(st.tuples(st.floats(0, 300), st.sampled_from([KICK, SNARE, HAT])), max_size=60), st.floats(10, 900))
def test_any_notes_have_a_finite_pulse(hits: Hits, bpm: float) -> None:
    pulse = tap(drummed(hits, bpm))
    assert (pulse is None) == (not hits)
    if pulse:
        assert 0 < pulse.tempo < np.inf
        assert 0 < pulse.quarters < np.inf
        assert 0 <= pulse.confidence <= 1


@pytest.mark.shared
def test_drummers_keep_the_tempo_of_their_click(shared: Path) -> None:
    folder = shared / "datasets" / "groove"
    with (folder / "info.csv").open() as file:
        takes = [take for take in csv.DictReader(file) if take["beat_type"] == "beat" and float(take["duration"]) > 60]
    ratios = [found(Passage.whole(read((folder / t["midi_filename"]).read_bytes()))).tempo / int(t["bpm"]) for t in takes[::4]]
    right = [abs(ratio - 1) < 0.04 for ratio in ratios]
    assert sum(right) / len(right) > 0.9
