"""Tempo, beats and bars of recordings whose truth is known because they are made here."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from motet.audio.facts.beats import Beats, beats
from motet.audio.facts.onsets import Novelty, novelty
from motet.audio.facts.tempo import Tempo, tempo

RATE = 22_050
Sound = npt.NDArray[np.float32]


def struck(times: npt.ArrayLike, note: Sound, seconds: float) -> Sound:
    """`note` beginning at each of `times` (seconds)."""
    sound = np.zeros(round(seconds * RATE) + len(note), np.float32)
    for time in np.asarray(times).ravel():
        start = round(float(time) * RATE)
        sound[start : start + len(note)] += note
    return sound[: round(seconds * RATE)]


def decaying(hz: float, seconds: float = 0.25, fall: float = 12.0) -> Sound:
    t = np.arange(round(seconds * RATE)) / RATE
    return (np.sin(2 * np.pi * hz * t) * np.exp(-t * fall)).astype(np.float32)


def hiss(seconds: float = 0.06, seed: int = 0) -> Sound:
    t = np.arange(round(seconds * RATE)) / RATE
    return (np.random.default_rng(seed).normal(size=len(t)) * np.exp(-t * 60)).astype(np.float32) * 0.5


def band(beat_times: npt.NDArray[np.float64], per_bar: int = 4, seconds: float = 40.0) -> Sound:
    """Bass drum on the first beat (and the third of four), snare on the others, hi-hat in halves, a new chord in each bar."""
    every = np.arange(len(beat_times))
    place = every % per_bar
    low = (place == 0) | ((place == 2) & (per_bar == 4))
    halves = np.sort(np.concatenate([beat_times, (beat_times[1:] + beat_times[:-1]) / 2]))
    sound = struck(beat_times[low], decaying(60), seconds) + 0.7 * struck(beat_times[~low], hiss(0.1, 1), seconds)
    sound += 0.2 * struck(halves, hiss(0.03, 2), seconds)
    roots = (0, 9, 5, 7)
    lasts = per_bar * float(np.diff(beat_times).mean())
    for bar, first in enumerate(beat_times[place == 0]):
        for third in (0, 4, 7):
            long = decaying(220 * 2 ** ((roots[bar % 4] + third) / 12), lasts, 0.5)
            sound += 0.3 * struck([first], long, seconds)
    return sound


def steps(bpm: float, seconds: float = 40.0, start: float = 0.5) -> npt.NDArray[np.float64]:
    return np.arange(start, seconds - 0.3, 60 / bpm)


def heard(sound: Sound, rate: int = RATE) -> tuple[Tempo, Beats]:
    curve = novelty(sound, rate)
    found = tempo(curve)
    assert found is not None
    return found, beats(curve, found)


@pytest.mark.parametrize("bpm", [72.0, 96.0, 118.5, 140.0])
def test_the_tempo_of_a_band(bpm: float) -> None:
    found, _ = heard(band(steps(bpm)))
    assert found.bpm == pytest.approx(bpm, rel=0.005)
    assert found.confidence > 0.5
    assert found.steady is True


def test_other_levels_of_the_metre_are_alternatives() -> None:
    found, _ = heard(band(steps(100)))
    assert any(bpm == pytest.approx(200, rel=0.02) or bpm == pytest.approx(50, rel=0.02) for bpm, _ in found.alternatives)
    chances = [found.confidence, *(chance for _, chance in found.alternatives)]
    assert chances == sorted(chances, reverse=True)
    assert sum(chances) <= 1.0 + 1e-9


def test_beats_and_bars_of_a_band() -> None:
    truth = steps(104)
    found, where = heard(band(truth))
    assert found.bpm == pytest.approx(104, rel=0.005)
    errors = np.abs(where.times[:, None] - truth).min(axis=1)
    assert np.median(errors) < 0.012
    assert errors.max() < 0.04
    assert len(where.times) >= len(truth) - 3
    assert where.beats_per_bar == 4
    first = where.times[where.downbeats]
    assert np.abs(first[:, None] - truth[::4]).min(axis=1).max() < 0.04
    assert np.all(np.diff(where.downbeats) == 4)


def test_bars_of_three() -> None:
    truth = steps(112)
    found, where = heard(band(truth, per_bar=3))
    assert found.bpm == pytest.approx(112, rel=0.01)
    assert where.beats_per_bar == 3
    assert np.abs(where.times[where.downbeats][:, None] - truth[::3]).min(axis=1).max() < 0.04


def test_beats_follow_a_slow_drift() -> None:
    """From 100 to 112 beats a minute in 40 seconds."""
    time, truth = 0.5, []
    while time < 39.5:
        truth.append(time)
        time += 60 / (100 + 12 * time / 40)
    known = np.array(truth)
    found, where = heard(band(known))
    assert found.bpm == pytest.approx(106, rel=0.06)
    assert found.steady is False
    assert np.mean(np.abs(known[:, None] - where.times).min(axis=1) < 0.07) > 0.9


def test_the_level_does_not_matter() -> None:
    sound = band(steps(126, 20), seconds=20)
    loud, quiet = novelty(sound, RATE), novelty(sound * 0.003, RATE)
    assert np.allclose(loud.strength, quiet.strength, atol=0.02 * loud.strength.max())
    assert loud.bands.sum(axis=1) == pytest.approx(loud.strength, rel=1e-4)


@pytest.mark.parametrize("rate", [2000, 8000, 44_100])
def test_another_rate_gives_the_same_tempo(rate: int) -> None:
    sound = band(steps(90, 24), seconds=24)
    there = np.interp(np.arange(round(24 * rate)) / rate, np.arange(len(sound)) / RATE, sound).astype(np.float32)
    assert novelty(there, rate).bands.shape[1] == 4
    found, _ = heard(there, rate)
    assert found.bpm == pytest.approx(90, rel=0.01)


def test_onsets_come_when_they_sound() -> None:
    curve = novelty(struck([1.0, 2.5], hiss(0.1), 4.0), RATE)
    loud = curve.strength > 0.5 * curve.strength.max()
    starts = np.flatnonzero(loud[1:] & ~loud[:-1]) / curve.rate
    assert starts == pytest.approx([1.0, 2.5], abs=0.03)


def test_a_bass_drum_is_low_and_a_hi_hat_high() -> None:
    low = novelty(struck([1.0], decaying(60), 2.0), RATE).bands.sum(axis=0)
    high = novelty(struck([1.0], np.diff(hiss(0.1), n=2).astype(np.float32), 2.0), RATE).bands.sum(axis=0)
    assert low[0] / low.sum() > high[0] / high.sum()
    assert high[3] / high.sum() > low[3] / low.sum()


def test_silence_has_no_tempo() -> None:
    curve = novelty(np.zeros(RATE * 10, np.float32), RATE)
    assert not curve.strength.any()
    assert tempo(curve) is None


def test_too_short_for_a_tempo() -> None:
    assert tempo(novelty(band(steps(120, 2.5), seconds=2.5), RATE)) is None
    assert tempo(novelty(np.zeros(0, np.float32), RATE)) is None


@pytest.mark.parametrize("seed", range(4))
def test_noise_has_no_tempo_to_speak_of(seed: int) -> None:
    found = tempo(novelty(np.random.default_rng(seed).normal(size=RATE * 30).astype(np.float32), RATE))
    assert found is None or found.confidence < 0.3


def test_one_long_note_has_no_tempo_to_speak_of() -> None:
    t = np.arange(RATE * 20) / RATE
    found = tempo(novelty(np.sin(2 * np.pi * 440 * t).astype(np.float32), RATE))
    assert found is None or found.confidence < 0.3


def test_onsets_at_random_have_no_tempo_to_speak_of() -> None:
    times = np.cumsum(np.random.default_rng(3).exponential(0.4, 90))
    found = tempo(novelty(struck(times[times < 29], hiss(), 30.0), RATE))
    assert found is None or found.confidence < 0.4


def test_samples_that_are_no_numbers_count_as_silence() -> None:
    sound = band(steps(120, 20), seconds=20)
    sound[5 * RATE : 5 * RATE + 50] = np.nan
    sound[9 * RATE] = np.inf
    sound[11 * RATE] = -3e38
    curve = novelty(sound, RATE)
    assert np.isfinite(curve.strength).all()
    assert np.isfinite(curve.pitches).all()
    sound[11 * RATE] = 0
    found, _ = heard(sound)
    assert found.bpm == pytest.approx(120, rel=0.02)


def test_what_follows_does_not_change_what_is_worked_on_in_pieces() -> None:
    """Frames at the seam of two pieces are those of a recording that begins elsewhere."""
    sound = band(steps(100, 30), seconds=30)
    hop = round(RATE / 100)
    sound /= np.sqrt(np.mean(sound**2))
    whole = novelty(sound, RATE)
    later = novelty(sound[hop * 1000 :], RATE)
    seam = slice(2030, 2070)
    ratio = np.sqrt(np.mean(sound[hop * 1000 :] ** 2))
    assert np.allclose(
        whole.strength[seam], later.strength[1030:1070], rtol=0.2, atol=0.05 * whole.strength.max() + abs(1 - ratio)
    )


def test_stereo_and_low_rates_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\(frames,\)"):
        novelty(np.zeros((100, 2), np.float32), RATE)
    with pytest.raises(ValueError, match="1000 Hz"):
        novelty(np.zeros(100, np.float32), 1000)


@pytest.mark.parametrize("per_minute", [40.0, 120.0, 240.0])
def test_beats_of_nothing(per_minute: float) -> None:
    nothing = Novelty(np.zeros(500, np.float32), np.zeros((500, 4), np.float32), 100.0, np.zeros((50, 60), np.float32), 10.0)
    where = beats(nothing, Tempo(per_minute, 0.5, (), None))
    assert where.beats_per_bar is None
    assert where.confidence == 0.0


@pytest.mark.shared
def test_a_loop_at_a_known_tempo(shared: Path) -> None:
    soundfile = pytest.importorskip("soundfile", reason="soundfile reads the loop")
    soxr = pytest.importorskip("soxr", reason="soxr resamples the loop")
    audio, rate = soundfile.read(shared / "audio" / "essentia" / "techno_loop.mp3", dtype="float32", always_2d=True)
    found, where = heard(soxr.resample(audio.mean(axis=1), rate, RATE))
    assert found.bpm == pytest.approx(125, rel=0.01)
    assert found.confidence > 0.8
    assert np.diff(where.times) == pytest.approx(60 / 125, abs=0.04)
