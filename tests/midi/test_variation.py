"""The same music in another key, at another speed, by hands."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from motet import midi
from motet.midi import Variation, vary
from motet.midi.events import KEY, META, parse
from render.notation import TICKS, bend, control, note, part, program, tempo

TUNE = part(
    [
        (0, b"\xff\x59\x02\x00\x00"),
        program(0, 24),
        tempo(2 * TICKS, 90),
        *(event for n in range(24) for event in note(n * TICKS // 2, TICKS // 3, 48 + 3 * n % 40, 40 + 3 * n)),
        *(event for n in range(8) for event in note(n * TICKS, TICKS // 4, 38, 100, channel=9)),
        control(4 * TICKS, 7, 90),
        bend(5 * TICKS, 9000),
    ]
)


def seconds(data: bytes) -> np.ndarray:
    score = midi.read(data)
    return np.asarray(score.tempo_map.to_seconds(score.notes["start"]))


def test_nothing_to_change_is_the_same_file() -> None:
    assert vary(TUNE, Variation(), random.Random(1)) is TUNE


@given(st.integers(-60, 60))
def test_every_note_but_a_drum_moves_by_so_many_semitones(semitones: int) -> None:
    before, after = midi.read(TUNE).notes, midi.read(vary(TUNE, Variation(transpose=semitones), random.Random(1))).notes
    was, drums = before["pitch"].astype(int), before["is_drum"]
    moved = after["pitch"].astype(int) - was
    assert (moved[drums] == 0).all()
    assert ((moved[~drums] - semitones) % 12 == 0).all()
    inside = ~drums & (was + semitones >= 0) & (was + semitones <= 127)
    assert (moved[inside] == semitones).all()


@pytest.mark.parametrize("semitones, sharps", [(0, 0), (7, 1), (2, 2), (-7, -1), (6, -6), (1, -5)])
def test_the_key_signature_follows(semitones: int, sharps: int) -> None:
    varied = parse(vary(TUNE, Variation(transpose=semitones, velocity=0.001), random.Random(1)))
    (said,) = (data for track in varied.tracks for _, status, data in track if status == META and data[0] == KEY)
    assert said[1] == sharps & 0xFF


@given(st.floats(0.5, 2.0))
def test_a_speed_divides_every_time(speed: float) -> None:
    faster = seconds(vary(TUNE, Variation(speed=speed), random.Random(1)))
    assert np.allclose(faster * speed, seconds(TUNE), rtol=1e-5)


@given(st.integers(0, 1000))
def test_hands_are_never_far_off_and_drop_no_note(seed: int) -> None:
    data = vary(TUNE, Variation(timing_ms=10, velocity=5), random.Random(seed))
    before, after = midi.read(TUNE).notes, midi.read(data).notes
    assert len(before) == len(after)
    tick = 1000 * 60 / 90 / TICKS  # milliseconds of the longest
    assert np.abs(np.sort(seconds(TUNE)) - np.sort(seconds(data))).max() <= (3 * 10 + tick) / 1000
    assert after["velocity"].min() >= 1
    assert (after["duration"] >= 1).all()


def test_hands_are_the_same_for_the_same_dice() -> None:
    same, again, other = (vary(TUNE, Variation(timing_ms=10), random.Random(seed)) for seed in (1, 1, 2))
    assert same == again != other


def test_no_note_begins_before_what_shapes_its_sound() -> None:
    """A note that stands where its program is chosen must not be played by another."""
    tune = part([program(0, 5), program(TICKS, 40), *note(TICKS, TICKS, 60)])
    for seed in range(20):
        (played,) = midi.read(vary(tune, Variation(timing_ms=20), random.Random(seed))).notes
        assert played["program"] == 40


def test_a_speed_must_be_one() -> None:
    with pytest.raises(ValueError, match="above 0"):
        vary(TUNE, Variation(speed=0), random.Random(1))
