"""Patterns are what of a song stays when it is transposed, played faster or louder, or its tracks are put in another order."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from duplicates.perturb import Piece, medley
from duplicates.tunes import DIVISION, DRUMS, TITLES, Line, melody, ready, song, tune, written
from motet import midi
from motet.duplicates import Patterns, Voices, patterns, sketch, voices
from motet.duplicates.candidates import MOST
from motet.duplicates.patterns import NOTE

RISING = [60, 62, 64, 65, 67, 69, 71, 72]

notes = st.lists(st.tuples(st.integers(0, 60).map(lambda eighth: eighth * 240), st.integers(30, 90)), min_size=8, max_size=40)
songs = st.lists(st.tuples(st.sampled_from([0, 33, 73, DRUMS]), notes), min_size=1, max_size=4)


def found(lines: list[Line], **played: float) -> Patterns:
    return patterns(voices(midi.read(written(lines, **played))))


def listed(these: Patterns, up: int = 0) -> list[tuple[int, int, int]]:
    return sorted(zip(these.hashes.tolist(), (these.pitches + up).tolist(), these.starts.tolist(), strict=True))


def test_a_pattern_is_six_steps_of_a_line() -> None:
    """Eight notes are seven steps, two patterns: of the voice itself, and of the highest and the lowest line of all."""
    these = found([melody(RISING)])
    assert len(these.hashes) == 6
    assert len(set(these.hashes.tolist())) == 2
    assert set(these.pitches.tolist()) == {60, 62}
    assert len(found([melody(RISING[:6])]).hashes) == 0


def test_repeated_notes_and_lengths_are_no_steps() -> None:
    dotted = (0, [(tick, pitch) for n, pitch in enumerate(RISING) for tick in (n * DIVISION, n * DIVISION + 360)])
    assert set(found([dotted]).hashes.tolist()) == set(found([melody(RISING)]).hashes.tolist())


@given(songs, st.integers(-30, 37))
def test_transposed_they_are_the_same_from_another_pitch(lines: list[Line], steps: int) -> None:
    moved = [(p, line if p == DRUMS else [(tick, pitch + steps) for tick, pitch in line]) for p, line in lines]
    assert listed(found(moved)) == listed(found(lines), up=steps)


@given(songs, st.floats(20, 400), st.integers(1, 127), st.randoms())
def test_tempo_velocity_and_the_order_of_tracks_change_nothing(lines: list[Line], bpm: float, velocity: int, dice) -> None:
    shuffled = dice.sample(lines, len(lines))
    assert listed(found(shuffled, bpm=bpm, velocity=velocity)) == listed(found(lines))


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param([], id="silence"),
        pytest.param([melody([60])], id="one note"),
        pytest.param([(0, [(0, pitch) for pitch in range(128)])], id="one chord of everything"),
        pytest.param([melody([35, 42, 38, 42, 36, 46, 38, 49] * 50, program=DRUMS)], id="drums"),
        pytest.param([melody([76, 77] * 200, step=60)], id="click track"),
        pytest.param([melody([60, 64, 67, 64] * 100)], id="ostinato of three pitches"),
    ],
)
def test_what_has_no_melody_has_no_patterns(lines: list[Line]) -> None:
    assert len(found(lines).hashes) == 0
    assert len(sketch(found(lines))) == 0


@pytest.mark.parametrize(
    "line",
    [
        pytest.param([*range(36, 84), *range(84, 36, -1)] * 20, id="chromatic scale"),
        pytest.param([60, 62, 64, 65, 67, 69, 71, 72, 71, 69, 67, 65, 64, 62] * 50, id="major scale"),
        pytest.param([60, 64, 67, 72, 67, 64] * 80, id="broken chord"),
    ],
)
def test_an_exercise_has_too_few_different_patterns_to_be_looked_up_by(line: list[int]) -> None:
    these = found([melody(line)])
    assert len(these.hashes) > 1000
    assert 6 <= len(set(these.hashes.tolist())) <= 14
    assert len(sketch(these)) == 0


# -- voices -------------------------------------------------------------------------------------------------------------


@given(
    st.lists(st.tuples(st.integers(0, 2**31 - 1), st.integers(0, 127), st.integers(0, 254)), max_size=50),
    st.lists(st.integers(0, 128), min_size=255, max_size=255),
    st.floats(1e-6, 16),
)
def test_voices_come_out_of_a_table_as_they_went_in(
    held: list[tuple[int, int, int]], programs: list[int], quarter: float
) -> None:
    one = Voices(np.array(held, NOTE), tuple(programs[: 1 + max((voice for *_, voice in held), default=-1)]), quarter)
    back = Voices.unpack(one.pack())
    assert back.notes.tolist() == one.notes.tolist()
    assert (back.programs, back.quarter) == (one.programs, one.quarter)


def test_voices_are_notes_by_onset_and_who_plays_them() -> None:
    one = voices(midi.read(written([melody([60, 64]), (DRUMS, [(DIVISION, 38)]), melody([43], program=33)], bpm=100)))
    assert one.notes.tolist() == [(0, 60, 0), (384, 64, 0), (768, 38, 1), (0, 43, 2)]
    assert one.programs == (0, 128, 33)
    assert one.quarter == pytest.approx(0.6)


def test_a_song_of_more_voices_than_a_byte_counts_keeps_the_first() -> None:
    one = voices(midi.read(written([melody(RISING, program=n % 128) for n in range(300)])))
    assert len(one.programs) == 255
    assert len(Voices.unpack(one.pack()).notes) == 255 * len(RISING)


def test_a_note_millions_of_quarters_away_is_still_the_last() -> None:
    """A file may say that a quarter note lasts a microsecond, and so be millions of them long in a few seconds."""
    starts = voices(midi.read(written([melody(RISING), (0, [(3_500_000 * DIVISION, 60)])], division=24, bpm=6e7))).notes["start"]
    assert starts.min() == 0
    assert starts.argmax() == len(starts) - 1


# -- sketches -----------------------------------------------------------------------------------------------------------


def of_hashes(hashes: set[int]) -> Patterns:
    zeros = np.zeros(len(hashes), np.int64)
    return Patterns(np.array(sorted(hashes), np.uint64), zeros, zeros)


@given(st.integers(40, 3000), st.integers(0, 3000), st.integers(0, 2**32))
def test_a_sketch_of_both_samples_each_as_its_own_does(few: int, many: int, seed: int) -> None:
    draw = np.random.default_rng(seed)
    one, other = (set(draw.integers(0, 2**64, count, np.uint64).tolist()) for count in (few, many))
    alone, together = (set(sketch(of_hashes(these)).tolist()) for these in (one, one | other))
    assert together & one <= alone
    if len(together) < MOST:
        assert {pattern for pattern in alone if pattern < 1 << 63} <= together


@pytest.mark.parametrize("title", ["Greensleeves", "Ode to Joy", "Oh! Susanna"])
def test_a_medley_keeps_the_sketch_of_its_songs(title: str) -> None:
    both = ready(medley(Piece.of(tune(title)), Piece.of(tune("Korobeiniki"))))
    own, kept = set(sketch(song(title).patterns).tolist()), set(sketch(both.patterns).tolist())
    assert len(own) > 100
    assert len(own & kept) > 0.75 * len(own)


@pytest.mark.parametrize("title", TITLES)
def test_every_tune_has_patterns_of_its_own(title: str) -> None:
    own = set(sketch(song(title).patterns).tolist())
    others = {pattern for other in TITLES if other != title for pattern in sketch(song(other).patterns).tolist()}
    assert len(own - others) > 100
