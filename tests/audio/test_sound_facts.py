"""What a recording sounds like: measured on sounds whose answers are known."""

import json
import math
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motet.audio.facts import essentia
from motet.audio.facts.describe import describe
from motet.audio.facts.dynamics import Dynamics, dynamics, energy
from motet.audio.facts.sections import sections
from motet.audio.facts.timbre import RATE, timbre
from motet.errors import UserError
from motet.render.loudness import integrated_loudness

Samples = npt.NDArray[np.float32]


def sine(hertz: float, seconds: float, level: float = 0.5, rate: int = RATE) -> Samples:
    return (level * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def noise(seconds: float, level: float = 0.1, rate: int = RATE, seed: int = 0) -> Samples:
    return np.random.default_rng(seed).normal(0, level, round(seconds * rate)).astype(np.float32)


def clicks(seconds: float, every: float = 0.5) -> Samples:
    t = np.arange(round(seconds * RATE)) / RATE % every
    return (noise(seconds, 0.5) * np.exp(-60 * t)).astype(np.float32)


# Timbre


@pytest.mark.parametrize("hertz", [440.0, 3000.0])
def test_a_sine_lies_where_it_sounds(hertz: float) -> None:
    told = timbre(sine(hertz, 4), RATE)
    assert told is not None
    assert told.centroid_hz == pytest.approx(hertz, rel=0.05)
    assert told.rolloff_hz == pytest.approx(hertz, abs=25)
    assert told.zero_crossings == pytest.approx(2 * hertz / RATE, rel=0.01)
    assert told.flatness < 0.01
    assert told.brightness == pytest.approx(float(hertz > 1500), abs=0.01)


def test_white_noise_is_flat_wide_and_as_bright_as_its_band_is_wide() -> None:
    told = timbre(noise(6), RATE)
    assert told is not None
    assert told.centroid_hz == pytest.approx(RATE / 4, rel=0.05)
    assert told.bandwidth_hz == pytest.approx(RATE / 2 / math.sqrt(12), rel=0.05)
    assert told.rolloff_hz == pytest.approx(0.85 * RATE / 2, rel=0.05)
    assert told.brightness == pytest.approx(1 - 1500 / (RATE / 2), abs=0.02)
    assert told.flatness > 0.5


def test_clicks_are_strokes_and_held_notes_are_not() -> None:
    struck = timbre(clicks(6), RATE)
    held = timbre(sine(220, 6) + sine(331, 6), RATE)
    assert struck is not None
    assert held is not None
    assert held.percussive < 0.2 < 0.6 < struck.percussive


def test_timbre_is_that_of_what_sounds_and_not_of_the_level() -> None:
    sound = sine(1000, 4) + noise(4, 0.01)
    with_rest = np.concatenate([sound, np.zeros(4 * RATE, np.float32)])
    alone, rested, quiet = timbre(sound, RATE), timbre(with_rest, RATE), timbre(sound * np.float32(0.01), RATE)
    assert alone is not None
    assert rested is not None
    assert quiet is not None
    assert rested.centroid_hz == pytest.approx(alone.centroid_hz, rel=0.02)
    assert quiet.centroid_hz == pytest.approx(alone.centroid_hz, rel=0.02)
    assert quiet.brightness == pytest.approx(alone.brightness, abs=0.001)


@pytest.mark.parametrize("rate", [44_100, 48_000, 16_000])
def test_the_same_sound_at_another_rate_has_the_same_timbre(rate: int) -> None:
    told = timbre(sine(2000, 4, rate=rate) + sine(300, 4, rate=rate), rate)
    here = timbre(sine(2000, 4) + sine(300, 4), RATE)
    assert told is not None
    assert here is not None
    assert told.centroid_hz == pytest.approx(here.centroid_hz, rel=0.02)
    assert told.zero_crossings == pytest.approx(here.zero_crossings, rel=0.05)


@settings(max_examples=15)
@given(st.lists(st.integers(1, 40_000), min_size=1, max_size=6))
def test_blocks_of_any_length_give_what_the_whole_gives(cuts: list[int]) -> None:
    sound = noise(2, seed=3) * np.linspace(0, 1, 2 * RATE, dtype=np.float32)
    blocks = np.split(sound, np.minimum(np.cumsum(cuts), len(sound)))
    whole, parts = timbre(sound, RATE), timbre(iter(blocks), RATE)
    assert whole is not None
    assert parts is not None
    assert parts.centroid_hz == pytest.approx(whole.centroid_hz)
    assert parts.percussive == pytest.approx(whole.percussive)
    assert parts.zero_crossings == pytest.approx(whole.zero_crossings, abs=1e-3)  # those between blocks are not looked at


def test_silence_has_no_timbre() -> None:
    assert timbre(np.zeros(RATE, np.float32), RATE) is None
    assert timbre(np.zeros(0, np.float32), RATE) is None


# Dynamics


def test_a_sine_of_full_scale_has_the_levels_that_the_standards_state() -> None:
    left = sine(997, 20, 1.0, 48_000)[:, None]
    told = dynamics(left, 48_000)
    assert told.lufs == pytest.approx(-3.01, abs=0.1)  # BS.1770: 0 dBFS at 997 Hz in one channel
    assert told.rms_db == pytest.approx(-3.01, abs=0.01)
    assert told.peak_db == pytest.approx(0, abs=0.01)
    assert told.crest_db == pytest.approx(3.01, abs=0.01)
    assert told.range_lu == pytest.approx(0, abs=0.05)
    assert told.complexity_db == pytest.approx(0, abs=0.05)


# EBU Tech 3342, table 1: levels in dBFS, 20 s each, of a stereo sine at 1 kHz.
@pytest.mark.parametrize("levels, wanted", [((-20, -30), 10), ((-20, -15), 5), ((-40, -20), 20), ((-50, -35, -20, -35, -50), 15)])
def test_loudness_range_meets_the_standards_own_test_signals(levels: tuple[int, ...], wanted: float) -> None:
    sound = np.concatenate([sine(1000, 20, 10 ** (level / 20), 48_000) for level in levels])
    told = dynamics(np.stack([sound, sound], axis=1), 48_000)
    assert told.range_lu == pytest.approx(wanted, abs=1)


def test_loudness_is_the_one_that_renders_are_mixed_to() -> None:
    sound = np.stack([noise(5), noise(5, 0.05, seed=1)], axis=1)
    assert dynamics(sound, RATE).lufs == pytest.approx(integrated_loudness(sound, RATE))


def test_surround_is_as_loud_as_all_its_channels() -> None:
    one = noise(3)[:, None]
    six = np.concatenate([one * 0, one * 0, one * 0, one, one * 0, one], axis=1)
    stereo = dynamics(np.concatenate([one, one], axis=1), RATE)
    assert dynamics(six, RATE).lufs == pytest.approx(stereo.lufs, abs=0.01)


def test_silence_and_nothing_have_no_levels() -> None:
    for length in (0, 1, RATE * 5):
        assert dynamics(np.zeros((length, 2), np.float32), RATE) == Dynamics(None, None, None, None, None, None)


def test_energy_rises_with_loudness_strokes_and_brightness_and_stays_in_range() -> None:
    soft, loud = Dynamics(-30.0, 8.0, -32.0, -10.0, 22.0, 5.0), Dynamics(-8.0, 2.0, -10.0, -0.5, 9.5, 1.0)
    low, high = energy(soft, 0.01, 1.0), energy(loud, 0.3, 6.0)
    assert low is not None
    assert high is not None
    assert 0 <= low < 0.4 < 0.7 < high <= 1
    assert energy(Dynamics(40.0, 0.0, 40.0, 40.0, 0.0, 0.0), 1.0, 1e9) == pytest.approx(1)
    assert energy(Dynamics(None, None, None, None, None, None), 0.5, 1.0) is None


# Sections


def passage(kind: str, seconds: float) -> Samples:
    """A: low held chords; B: bright arpeggios over noise."""
    if kind == "A":
        return sine(110, seconds, 0.2) + sine(138.6, seconds, 0.2) + sine(164.8, seconds, 0.2) + noise(seconds, 0.002)
    t = np.arange(round(seconds * RATE)) / RATE
    pitch = np.choose((t * 4).astype(int) % 3, [587.3, 740.0, 880.0])
    turn = np.cumsum(pitch) / RATE
    return (0.2 * np.sign(np.sin(2 * np.pi * turn)) + noise(seconds, 0.05)).astype(np.float32)


def test_boundaries_lie_where_the_music_changes_and_what_returns_has_its_letter() -> None:
    form = (("A", 20.0), ("B", 24.0), ("A", 18.0), ("B", 20.0))
    told = sections(np.concatenate([passage(kind, seconds) for kind, seconds in form]), RATE)
    assert [section.label for section in told] == ["A", "B", "A", "B"]
    assert [section.start for section in told] == pytest.approx([0, 20, 44, 62], abs=1)
    assert all(0 < section.confidence <= 1 for section in told)
    assert all(one.end == other.start for one, other in pairwise(told))


def test_sections_begin_on_beats_near_by() -> None:
    sound = np.concatenate([passage("A", 20.0), passage("B", 20.0)])
    beats = [at * 0.7 for at in range(57)]
    told = sections(sound, RATE, beats)
    assert [section.start in (0.0, *beats) for section in told] == [True, True]
    assert told[1].start == pytest.approx(20, abs=1)


def test_what_never_changes_is_one_section() -> None:
    assert [(one.label, one.start) for one in sections(passage("A", 60.0), RATE)] == [("A", 0.0)]
    assert [one.label for one in sections(noise(60), RATE)] == ["A"]


def test_short_recordings_are_one_section_and_silence_none() -> None:
    (only,) = sections(passage("B", 5.0), RATE)
    assert (only.start, only.label) == (0.0, "A")
    assert only.end == pytest.approx(5, abs=0.1)
    assert sections(np.zeros(30 * RATE, np.float32), RATE) == ()
    assert sections(np.zeros(0, np.float32), RATE) == ()


# All together


def tune(seconds: float = 24.0, rate: int = 44_100) -> Samples:
    """120 beats a minute in C major, stereo: a chord each bar, a click each beat."""
    t = np.arange(round(seconds * rate)) / rate
    sound = np.zeros(len(t))
    for bar, root in enumerate((48, 53, 55, 48) * math.ceil(seconds / 8)):
        here = (t >= 2 * bar) & (t < 2 * bar + 2)
        for pitch in (root - 12, root, root + 4, root + 7):
            sound[here] += 0.08 * np.sin(2 * np.pi * 440 * 2 ** ((pitch - 69) / 12) * t[here]) * np.exp(-(t[here] % 2))
    beat = t % 0.5
    sound += noise(seconds, 0.3, rate) * np.exp(-80 * beat) + 0.4 * np.sin(2 * np.pi * 60 * beat) * np.exp(-20 * beat)
    return np.stack([sound, sound * 0.8], axis=1).astype(np.float32)


def test_all_facts_of_a_tune_are_told_and_kept_as_json() -> None:
    told = describe(tune(), 44_100)
    assert told.key is not None
    assert told.key.name == "C major"
    assert told.tempo is not None
    assert min(abs(told.tempo.bpm / bpm - 1) for bpm in (60, 120, 240)) < 0.02
    assert told.seconds == pytest.approx(24)
    kept = json.loads(json.dumps(told.as_dict(), allow_nan=False))
    assert kept["key"]["name"] == "C major"
    assert kept["key"]["by"].startswith("motet ")
    assert kept["dynamics"]["confidence"] == 1
    assert kept["energy"]["confidence"] is None
    assert {"confidence", "by"} <= kept["tempo"].keys() & kept["sections"].keys() & kept["timbre"].keys()
    assert kept["sections"]["spans"][0]["label"] == "A"


@pytest.mark.parametrize("length", [0, 1, 7, 1000, 44_100])
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_anything_can_be_described(length: int, channels: int) -> None:
    loud = np.random.default_rng(length).normal(0, 0.2, (length, channels)).astype(np.float32)
    for sound in (loud, np.zeros_like(loud), np.full_like(loud, np.nan)):
        json.dumps(describe(sound, 44_100).as_dict(), allow_nan=False)


def test_silence_has_no_facts_but_its_length() -> None:
    told = describe(np.zeros((44_100 * 5, 2), np.float32), 44_100)
    assert told.seconds == 5
    assert (told.key, told.tempo, told.timbre, told.energy, told.sections) == (None, None, None, None, ())


def test_samples_that_are_no_numbers_change_nothing_around_them() -> None:
    sound = tune()
    broken = sound.copy()
    broken[100:105] = np.nan
    whole, told = describe(sound, 44_100), describe(broken, 44_100)
    assert told.key is not None
    assert told.key.name == "C major"
    assert told.dynamics.lufs == pytest.approx(whole.dynamics.lufs, abs=0.1)


def test_a_stranger_cannot_speak() -> None:
    with pytest.raises(UserError, match="choose one of motet, librosa, essentia"):
        describe(tune(1.0), 44_100, by="oracle")  # type: ignore[arg-type]


def test_a_wrong_shape_is_refused() -> None:
    with pytest.raises(ValueError, match="channels"):
        describe(np.zeros(100, np.float32), 44_100)


@pytest.mark.slow
def test_librosa_speaks_where_asked() -> None:
    told = describe(tune(), 44_100, by="librosa")
    assert told.key is not None
    assert told.key.name == "C major"
    assert told.by["tempo"].startswith("librosa ")
    assert told.by["timbre"].startswith("motet ")


def test_essentia_speaks_where_it_is_installed() -> None:
    pytest.importorskip("essentia", reason="another ear for tempo and key: pip install motet[essentia]")
    told = describe(tune(), 44_100, by="essentia")
    assert told.key is not None
    assert told.key.name == "C major"
    assert told.tempo is not None
    assert told.tempo.bpm == pytest.approx(120, abs=2)
    assert told.beats is not None
    assert np.diff(told.beats.times) == pytest.approx(0.5, abs=0.05)
    assert told.by["key"].startswith("essentia ")
    assert told.key.runner_up is None
    json.dumps(told.as_dict(), allow_nan=False)
    assert describe(np.zeros((44_100, 2), np.float32), 44_100, by="essentia").tempo is None


def test_without_essentia_one_sentence_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    essentia._loaded.cache_clear()
    monkeypatch.setattr(essentia, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"pip install \"motet\[essentia\]\""):
        describe(tune(4.0), 44_100, by="essentia")
