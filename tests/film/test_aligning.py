"""A score laid along a recording: played with a moving tempo, higher, late, cut, noisy; and told from other songs."""

from collections.abc import Iterator
from functools import cache

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motet import midi
from motet.demo import TUNES, arrange, to_midi
from motet.film.aligning import RATE, Alignment, Bar, Heard, align, hear
from motet.film.errors import FilmError

Samples = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]


@cache
def tune(number: int) -> midi.Score:
    return midi.read(to_midi(arrange(TUNES[number])))


def warped(score: midi.Score, speed: float, depth: float) -> tuple[Doubles, Doubles]:
    """Where every second of the score is to sound: at a tempo that swings by `depth` around `speed`, every 20 s."""
    at = np.arange(0, score.duration + 2, 0.25)
    tempo = speed * np.exp(depth * np.sin(at / 20 * 2 * np.pi))
    return at, np.concatenate([[0.0], np.cumsum(0.25 / tempo)[:-1]])


def played(score: midi.Score, at: Doubles, there: Doubles, shift: float = 0.0) -> Samples:
    """Plucked tones with five partials, and drums of noise."""
    rng = np.random.default_rng(1)
    sound = np.zeros(round((there[-1] + 1) * RATE), np.float32)
    clock = score.tempo_map
    for note in score.notes:
        ticks = np.array([note["start"], note["start"] + note["duration"]])
        first, last = np.rint(np.interp(clock.to_seconds(ticks), at, there) * RATE).astype(int)
        time = np.arange(max(min(last - first, 2 * RATE), 500)) / RATE
        if note["is_drum"]:
            wave = rng.normal(0, 0.3, len(time)) * np.exp(-time * 30)
        else:
            pitch = 440 * 2 ** ((int(note["pitch"]) + shift - 69) / 12)
            wave = sum(np.sin(2 * np.pi * pitch * k * time) / k for k in range(1, 6)) * np.exp(-time * 2)  # type: ignore[assignment]
        wave = wave * np.minimum(1, time[::-1] * 100 + 0.01) * int(note["velocity"]) / 127 * 0.1
        sound[first : first + len(wave)] += wave[: len(sound) - first]
    return sound


def blocks(sound: Samples, size: int = 1 << 16) -> Iterator[Samples]:
    return (sound[first : first + size] for first in range(0, len(sound), size))


def onsets(score: midi.Score) -> Doubles:
    return np.unique(score.tempo_map.to_seconds(score.notes["start"]))


def with_other_bars(score: midi.Score, bars: range) -> midi.Score:
    """The same, with all notes of some bars six semitones higher."""
    notes = score.notes
    sheet = score.symusic.copy()
    number = 0
    for track in sheet.tracks:
        for note in track.notes:
            where = int(score.tempo_map.to_bars(int(notes["start"][number]))[0])
            number += 1
            if where in bars and not track.is_drum:
                note.pitch += 6 if note.pitch < 100 else -6
    return midi.read(sheet.dumps_midi())


@cache
def heard_of(number: int) -> Heard:
    return hear(blocks(played(tune(number), *warped(tune(number), 1.1, 0.08))))


@pytest.mark.parametrize(
    ("number", "speed", "depth", "shift", "noise"),
    [(0, 1.0, 0.0, 0.0, 0.0), (1, 1.3, 0.15, 2.0, 0.0), (2, 0.8, 0.1, -1.25, 0.005)],
)
def test_a_recording_is_followed_through_its_tempo_and_key(
    number: int, speed: float, depth: float, shift: float, noise: float
) -> None:
    score = tune(number)
    at, there = warped(score, speed, depth)
    sound = played(score, at, there, shift)
    sound += np.random.default_rng(0).normal(0, noise, len(sound)).astype(np.float32)
    found = align(score, hear(blocks(sound)))
    assert found.accepted
    assert found.reason == ""
    assert found.transposition + found.tuning_cents / 100 == pytest.approx(shift, abs=0.1)
    assert found.speed == pytest.approx(score.duration / np.interp(score.duration, at, there), rel=0.05)
    struck = onsets(score)
    wrong = np.abs(found.to_sound(struck) - np.interp(struck, at, there))
    wrong = wrong[np.isfinite(wrong)]
    assert len(wrong) >= 0.95 * len(struck)
    assert np.median(wrong) <= 0.02
    assert np.quantile(wrong, 0.95) <= 0.06


def test_a_hold_lies_between_the_notes_that_it_parts() -> None:
    score = tune(3)
    struck = onsets(score)
    at, there = warped(score, 1.1, 0.05)
    hold = float(struck[len(struck) // 2 : len(struck) // 2 + 2].mean())
    knots = np.sort(np.concatenate([at, [hold - 1e-3, hold + 1e-3]]))
    late = np.interp(knots, at, there) + 1.5 * (knots > hold)
    found = align(score, hear(blocks(played(score, knots, late))))
    near = struck[np.abs(struck - hold) < 3]
    assert len(near) > 5
    assert found.to_sound(near) == pytest.approx(np.interp(near, knots, late), abs=0.06)


@pytest.mark.parametrize("other", [4, 9, 12])
def test_another_song_is_refused(other: int) -> None:
    found = align(tune(other), heard_of(3))
    assert not found.accepted
    assert found.reason in ("other_arrangement", "too_short")
    assert found.detail
    assert found.confidence < 0.5


def test_a_recording_that_begins_late_and_stops_early_matches_a_stretch_only() -> None:
    score = tune(5)
    at, there = warped(score, 1.0, 0.05)
    sound = played(score, at, there)
    begin, end = 0.3 * there[-1], 0.8 * there[-1]
    found = align(score, hear(blocks(sound[int(begin * RATE) : int(end * RATE)])))
    assert found.accepted
    truth = np.interp(found.midi_seconds[[0, -1]], at, there) - begin
    assert found.sound_seconds[[0, -1]] == pytest.approx(truth, abs=0.3)
    assert np.isnan(found.to_sound([0.0, score.duration])).all()
    assert found.bars[0].sound is None
    assert found.bars[0].confidence == 0
    inside = [bar for bar in found.bars if bar.sound is not None]
    assert 0.3 < len(inside) / len(found.bars) < 0.7


def test_silence_before_and_after_the_song_is_left_out() -> None:
    score = tune(6)
    at, there = warped(score, 1.0, 0.0)
    quiet = np.zeros(12 * RATE, np.float32)
    found = align(score, hear([quiet, played(score, at, there), quiet]))
    assert found.accepted
    struck = onsets(score)
    assert np.nanmedian(np.abs(found.to_sound(struck) - struck - 12)) <= 0.02
    assert np.isnan(found.to_midi([1.0, 20 + there[-1]])).all()


def test_bars_that_are_not_what_is_heard_have_less_confidence() -> None:
    swapped = range(6, 10)
    found = align(with_other_bars(tune(3), swapped), heard_of(3))
    there = [bar.confidence for bar in found.bars if bar.number - 1 in swapped]
    others = [bar.confidence for bar in found.bars if bar.number - 1 not in swapped and bar.sound is not None]
    assert max(there) < np.median(others)
    assert np.mean(there) < 0.5 < np.mean(others)


def test_the_warp_rises_and_goes_both_ways() -> None:
    found = align(tune(3), heard_of(3))
    assert (np.diff(found.midi_seconds) > 0).all()
    assert (np.diff(found.sound_seconds) > 0).all()
    at = np.linspace(found.midi_seconds[0], found.midi_seconds[-1], 50).reshape(5, 10)
    assert found.to_midi(found.to_sound(at)) == pytest.approx(at, abs=1e-6)


def test_the_same_recording_gives_the_same_bytes_however_it_comes() -> None:
    sound = played(tune(3), *warped(tune(3), 1.0, 0.1))[: 20 * RATE]
    told = {align(tune(3), hear(blocks(sound, size))).to_bytes() for size in (1000, 225_793, len(sound))}
    assert len(told) == 1


times = st.floats(0, 1e5, allow_nan=False)


@given(
    steps=st.lists(st.tuples(st.floats(1e-3, 100), st.floats(1e-3, 100)), max_size=20),
    bars=st.lists(st.builds(Bar, st.integers(1, 10**6), times, st.none() | times, st.floats(0, 1)), max_size=10),
    shift=st.integers(-5, 6),
    accepted=st.booleans(),
    detail=st.text(),
)
@settings(max_examples=60, deadline=None)
def test_bytes_keep_all(steps: list[tuple[float, float]], bars: list[Bar], shift: int, accepted: bool, detail: str) -> None:
    rising = np.cumsum(np.array(steps, np.float64).reshape(-1, 2), axis=0)
    found = Alignment(rising[:, 0], rising[:, 1], shift, -3.5, tuple(bars), 0.25, accepted, "why", detail, 1.5)
    again = Alignment.from_bytes(found.to_bytes())
    assert again.midi_seconds.tolist() == found.midi_seconds.tolist()
    assert again.sound_seconds.tolist() == found.sound_seconds.tolist()
    assert again.bars == found.bars
    assert (again.transposition, again.accepted, again.detail, again.reason) == (shift, accepted, detail, "why")
    assert again.to_bytes() == found.to_bytes()


@given(st.binary(max_size=200))
@settings(max_examples=60, deadline=None)
def test_other_bytes_are_no_alignment(data: bytes) -> None:
    with pytest.raises(ValueError, match="no alignment"):
        Alignment.from_bytes(data)


@pytest.mark.parametrize(
    ("sound", "reason"),
    [
        (np.zeros(0, np.float32), "no_sound"),
        (np.zeros(5 * RATE, np.float32), "no_sound"),
        (np.full(5 * RATE, np.nan, np.float32), "no_sound"),
        (np.ones(RATE, np.float32), "too_short"),
    ],
)
def test_what_cannot_be_heard_is_said(sound: Samples, reason: str) -> None:
    with pytest.raises(FilmError) as told:
        hear([sound])
    assert told.value.reason == reason


def test_an_endless_recording_is_not_waited_for() -> None:
    def endless() -> Iterator[Samples]:
        while True:
            yield np.zeros(1 << 27, np.float32)

    with pytest.raises(FilmError) as told:
        hear(endless())
    assert told.value.reason == "too_long"


def test_stereo_is_refused() -> None:
    with pytest.raises(ValueError, match="mono"):
        hear([np.zeros((10, 2), np.float32)])


def test_a_score_without_notes_is_refused() -> None:
    bare = tune(0).symusic.copy()
    for track in bare.tracks:
        track.notes.clear()
    with pytest.raises(FilmError) as told:
        align(midi.read(bare.dumps_midi()), heard_of(3))
    assert told.value.reason == "no_notes"


@pytest.mark.parametrize("kind", ["noise", "click", "wild"])
def test_a_recording_without_music_matches_nothing(kind: str) -> None:
    rng = np.random.default_rng(3)
    sound = rng.normal(0, 0.1, 20 * RATE).astype(np.float32)
    if kind == "click":
        sound[:] = 0
        sound[::RATE] = 1
    if kind == "wild":
        sound[::1000] = np.inf
        sound[5::1000] = np.nan
    assert not align(tune(1), hear([sound])).accepted
