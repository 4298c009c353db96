"""Which key a recording is in: told from chords we play ourselves."""

import numpy as np
import numpy.typing as npt
import pytest

from motet.audio.facts.chroma import Chroma, chroma
from motet.audio.facts.key import key

RATE = 22_050
Samples = npt.NDArray[np.float32]

MAJOR_SONG = ((0, "M"), (9, "m"), (5, "M"), (7, "M"))  # I vi IV V, as steps above the tonic
MINOR_SONG = ((0, "m"), (8, "M"), (5, "m"), (7, "M"))  # i VI iv V


def tone(hertz: float, seconds: float, partials: int = 6) -> Samples:
    """A plucked note with falling overtones."""
    t = np.arange(round(seconds * RATE)) / RATE
    waves = [np.sin(2 * np.pi * hertz * n * t) * 0.6**n for n in range(1, partials + 1) if hertz * n < RATE / 2]
    plucked: Samples = (np.sum(waves, axis=0) * np.exp(-2 * t)).astype(np.float32)
    return plucked


def hertz(pitch: float) -> float:
    return 440 * 2 ** ((pitch - 69) / 12)


def song(tonic: int, chords: tuple[tuple[int, str], ...], rounds: int = 4, cents: float = 0.0) -> Samples:
    """A second for each chord: its root in the bass, its triad in the middle."""
    parts = []
    for step, kind in chords * rounds:
        root = 48 + (tonic + step) % 12
        pitches = (root - 12, root, root + (4 if kind == "M" else 3), root + 7)
        parts.append(sum(tone(hertz(pitch + cents / 100), 1.0) for pitch in pitches))
    return (np.concatenate(parts) * 0.1).astype(np.float32)


def drums(length: int, seed: int = 0) -> Samples:
    """Bursts of noise, two a second, as loud as the chords."""
    noise = np.random.default_rng(seed).normal(0, 0.2, length)
    t = np.arange(length) / RATE % 0.5
    return (noise * np.exp(-30 * t)).astype(np.float32)


@pytest.mark.parametrize("tonic", range(0, 12, 5))
@pytest.mark.parametrize("mode, chords", [("major", MAJOR_SONG), ("minor", MINOR_SONG)])
def test_the_key_of_four_chords_is_told_in_every_transposition(
    tonic: int, mode: str, chords: tuple[tuple[int, str], ...]
) -> None:
    told = key(chroma(song(tonic, chords), RATE))
    assert told is not None
    assert (told.tonic, told.mode) == (tonic, mode)
    assert told.confidence > told.runner_up_confidence > 0
    assert told.runner_up != (tonic, mode)


def test_drums_do_not_hide_the_key() -> None:
    sound = song(2, MAJOR_SONG)
    told = key(chroma(sound + drums(len(sound)), RATE))
    assert told is not None
    assert told.name == "D major"


@pytest.mark.parametrize("cents", [-40.0, 0.0, 30.0])
def test_a_recording_out_of_tune_has_the_same_key_and_its_tuning_told(cents: float) -> None:
    told = chroma(song(9, MINOR_SONG, cents=cents), RATE)
    assert told.tuning_cents == pytest.approx(cents, abs=3)
    found = key(told)
    assert found is not None
    assert found.short == "A"
    assert found.mode == "minor"


def test_moving_the_pitch_classes_moves_the_key_and_nothing_else() -> None:
    rng = np.random.default_rng(1)
    frames = rng.gamma(0.5, size=(50, 12)).astype(np.float32)
    first = key(Chroma(frames, frames, 5.0, 0.0))
    moved = key(Chroma(np.roll(frames, 3, axis=1), np.roll(frames, 3, axis=1), 5.0, 0.0))
    assert first is not None
    assert moved is not None
    assert ((first.tonic + 3) % 12, first.mode) == (moved.tonic, moved.mode)
    assert moved.confidence == pytest.approx(first.confidence, abs=1e-5)


def test_level_and_rate_do_not_matter() -> None:
    sound = song(7, MAJOR_SONG)
    quiet = key(chroma(sound * np.float32(0.01), RATE))
    loud = key(chroma(sound, RATE))
    assert quiet is not None
    assert loud is not None
    assert (quiet.tonic, quiet.mode) == (loud.tonic, loud.mode)
    assert quiet.confidence == pytest.approx(loud.confidence, abs=0.02)


def test_one_note_is_its_pitch_class_whatever_its_overtones() -> None:
    for pitch in (33, 57, 69, 81):
        told = chroma(tone(hertz(pitch), 3.0, partials=4), RATE)
        assert told.frames.shape[1] == 12
        assert told.frames.sum(axis=0).argmax() == pitch % 12
        assert bool(told.bass.any()) == (pitch < 52)


def test_frame_times_are_told_by_the_rate() -> None:
    sound = np.concatenate([tone(hertz(60), 5.0), tone(hertz(66), 5.0)])
    told = chroma(sound, RATE)
    assert len(told.frames) / told.rate == pytest.approx(10, abs=0.4)
    assert told.frames[round(2 * told.rate)].argmax() == 0
    assert told.frames[round(7 * told.rate)].argmax() == 6


@pytest.mark.parametrize("sound", [np.zeros(0, np.float32), np.zeros(1, np.float32), np.zeros(RATE * 3, np.float32)])
def test_silence_and_nothing_have_no_key(sound: Samples) -> None:
    assert key(chroma(sound, RATE)) is None


def test_noise_has_no_key_that_one_would_trust() -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, RATE * 20).astype(np.float32)
    told = key(chroma(noise, RATE))
    assert told is None or told.confidence < 0.5


def test_samples_that_are_no_numbers_count_as_silence() -> None:
    sound = song(0, MAJOR_SONG)
    sound[1000:1010] = np.nan
    sound[5000] = np.inf
    told = key(chroma(sound, RATE))
    assert told is not None
    assert told.name == "C major"
    assert key(chroma(np.full(RATE, np.nan, np.float32), RATE)) is None


def test_two_channels_are_refused() -> None:
    with pytest.raises(ValueError, match="frames"):
        chroma(np.zeros((10, 2), np.float32), RATE)
