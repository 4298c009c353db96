"""Voices told from instruments by their sliding partials: on singing made here, and on real recordings."""

import math
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from motet.audio.decoding import open_recording
from motet.audio.errors import Unusable
from motet.audio.voice import leftover, voice_activity

Mono = npt.NDArray[np.float32]

RATE = 16000
FORMANTS = ((730, 1090, 2440), (270, 2290, 3010), (300, 870, 2240), (530, 1840, 2480))


def notes(seconds: float, seed: int, glide: float, vibrato: float) -> npt.NDArray[np.float64]:
    """The pitch of a random melody in semitones, which takes `glide` seconds between notes and swings by `vibrato` at 5.5 Hz."""
    frames = int(seconds * RATE)
    steps = np.random.default_rng(seed).choice([0, 2, 4, 5, 7, 9, 11, 12], frames // (RATE // 2) + 1)
    pitch = np.repeat(57.0 + steps, RATE // 2)[:frames]
    if glide:
        width = int(glide * RATE)
        pitch = np.convolve(
            np.pad(pitch, (width // 2, width - 1 - width // 2), mode="edge"), np.hanning(width + 2)[1:-1], "valid"
        )
        pitch /= np.hanning(width + 2)[1:-1].sum()
    return pitch + vibrato * np.sin(2 * np.pi * 5.5 * np.arange(frames) / RATE)


def tone(pitch: npt.NDArray[np.float64], formants: bool) -> Mono:
    """Harmonics of a pitch, through the formants of changing vowels or all falling off alike."""
    hz = 440 * 2 ** ((pitch - 69) / 12)
    phase = 2 * np.pi * np.cumsum(hz) / RATE
    vowel = np.repeat(np.array(FORMANTS * (len(pitch) // RATE + 1), float), RATE // 2, axis=0)[: len(pitch)]
    sound = np.zeros(len(pitch))
    for number in range(1, 25):
        gain = sum(1 / (1 + ((number * hz - vowel[:, j]) / 150) ** 2) for j in range(3)) if formants else 1 / number
        sound += gain * (number * hz < 7000) * np.sin(number * phase) / number**0.5
    return (0.1 * sound / np.std(sound)).astype(np.float32)


def sung(seed: int, seconds: float = 8) -> Mono:
    return tone(notes(seconds, seed, 0.12, 0.4), True)


def played(seed: int, seconds: float = 8) -> Mono:
    """Two parts on keys, that strike and decay."""
    decay = np.exp(-3 * (np.arange(int(seconds * RATE)) % (RATE // 2)) / RATE)
    return (tone(notes(seconds, seed, 0, 0), False) + tone(notes(seconds, seed + 100, 0, 0) - 12, False)) * decay.astype(
        np.float32
    )


def test_singing_scores_above_keys() -> None:
    singing = [voice_activity(sung(seed), RATE).score for seed in range(3)]
    keys = [voice_activity(played(seed), RATE).score for seed in range(3)]
    assert min(singing) > 0.7
    assert max(keys) < 0.4


def test_what_is_left_of_a_voice_raises_the_score() -> None:
    scores = [voice_activity(played(1) + 10 ** (level / 20) * sung(1), RATE).score for level in (-60, -10, 0, 10)]
    assert scores == sorted(scores)
    assert scores[-1] > scores[0] + 0.2


def test_spans_tell_where_somebody_sings() -> None:
    voice = voice_activity(np.concatenate([played(2, 10), sung(2, 10), played(3, 10)]), RATE)
    assert len(voice.spans) == 1
    assert voice.spans[0] == pytest.approx((10, 20), abs=2)


def test_level_rate_and_sign_change_little() -> None:
    import soxr

    singing = sung(4)
    score = voice_activity(singing, RATE).score
    assert voice_activity(-0.01 * singing, RATE).score == pytest.approx(score, abs=0.01)
    assert voice_activity(soxr.resample(singing, RATE, 44100), 44100).score == pytest.approx(score, abs=0.05)


@pytest.mark.parametrize("frames", [0, 1, 1023, 16000])
def test_silence_has_no_voice_however_short(frames: int) -> None:
    voice = voice_activity(np.zeros(frames, np.float32), RATE)
    assert (voice.score, voice.spans) == (0.0, ())


def test_silence_around_singing_does_not_count() -> None:
    silence = np.zeros(10 * RATE, np.float32)
    voice = voice_activity(np.concatenate([silence, sung(5), silence]), RATE)
    assert voice.score == pytest.approx(voice_activity(sung(5), RATE).score, abs=0.15)
    assert all(start >= 8 and end <= 20 for start, end in voice.spans)


def test_noise_is_no_voice() -> None:
    assert voice_activity(np.random.default_rng(0).standard_normal(5 * RATE).astype(np.float32), RATE).score < 0.4


def test_numbers_that_are_not_finite_are_refused() -> None:
    broken = np.full(RATE, np.nan, np.float32)
    with pytest.raises(Unusable, match="not finite") as refusal:
        voice_activity(broken, RATE)
    assert refusal.value.reason == "not_finite"
    with pytest.raises(Unusable):
        leftover(broken, broken)
    with pytest.raises(ValueError, match="not mono"):
        voice_activity(np.zeros((9, 2), np.float32), RATE)


def test_leftovers_are_measured_against_what_they_are_left_in() -> None:
    band = np.random.default_rng(0).standard_normal((1000, 2)).astype(np.float32)
    assert leftover(0.1 * band, band) == pytest.approx(-20, abs=0.01)
    assert leftover(0 * band, band) == -math.inf
    assert leftover(band, 0 * band) == math.inf
    assert math.isnan(leftover(band[:0], band[:0]))


@pytest.mark.shared
def test_people_score_above_instruments(shared: Path) -> None:
    def score(name: str) -> float:
        with open_recording(shared / "audio" / name) as recording:
            sound = np.concatenate(list(recording.blocks())).mean(axis=1)
        return voice_activity(sound[: 20 * recording.rate], recording.rate).score

    people = ["vocadito/vocadito_10.wav", "vocadito/vocadito_14.wav", "librosa_data/3436-172162-0000.ogg"]
    instruments = ["essentia/359500__mtg__sax-tenor-e-major.wav", "essentia/techno_loop.mp3", "essentia/Guitar-A4-432-1.ogg"]
    assert min(map(score, people)) > 0.6 > max(map(score, instruments))
