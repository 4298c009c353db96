"""One linear gain: what goes in must add up to what comes out."""

import tracemalloc
from typing import Literal

import numpy as np
import pyloudnorm
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motet.render import Audio, RenderError, decode, encode, gain, integrated_loudness, mix, pieces, stored_gain, true_peak
from motet.render.loudness import STRETCH
from render.notation import RATE, level


def tone(hz: float, seconds: float, amplitude: float = 0.1, phase: float = 0.0) -> Audio:
    """A sine in both channels, faded over 50 ms at both ends."""
    t = np.arange(round(seconds * RATE)) / RATE
    fade = np.clip(np.minimum(t, t[::-1]) / 0.05, 0, 1)
    wave = amplitude * np.sin(2 * np.pi * hz * t + phase) * fade
    return np.stack([wave, wave], axis=1).astype(np.float32)


def noise(seed: int, seconds: float, amplitude: float = 0.1) -> Audio:
    rng = np.random.default_rng(seed)
    return (rng.standard_normal((round(seconds * RATE), 2)) * amplitude).astype(np.float32)


def test_loudness_of_the_standards_own_example() -> None:
    """BS.1770: a 997 Hz sine at full scale in one channel measures -3.01 LUFS."""
    wave = tone(997, 10, 1.0)
    wave[:, 1] = 0
    assert integrated_loudness(wave, RATE) == pytest.approx(-3.01, abs=0.05)


@settings(max_examples=25)
@given(
    st.sampled_from([8000, 11025, 16000, 22050, 32000, 44100, 48000, 96000, 192000]),
    st.sampled_from([1, 2]),
    st.integers(0, 2**32 - 1),
    st.floats(20, 3900),
    st.floats(0.001, 1),
)
def test_loudness_is_that_of_filtering_every_sample(rate: int, channels: int, seed: int, hz: float, amplitude: float) -> None:
    """A tone, deep ones too, in and beside noise, with loud, soft and silent stretches: as pyloudnorm measures it.

    pyloudnorm cuts blocks a sample off where 100 ms are no whole number of samples, and rounds the number of blocks.
    """
    rng = np.random.default_rng(seed)
    wave = np.sin(2 * np.pi * hz / rate * np.arange(3 * rate) + rng.random() * 7)
    quiet = rng.standard_normal((rate, channels)) * 0.002
    loud = wave[:, None] * amplitude * rng.random(channels) + rng.standard_normal((3 * rate, channels)) * amplitude / 30
    audio = np.concatenate([loud, quiet, np.zeros((rate, channels)), loud[rate // 3 :]])
    audio = audio[: len(audio) // (rate // 10) * (rate // 10)].astype(np.float32)
    expected = pyloudnorm.Meter(rate).integrated_loudness(audio.astype(np.float64))
    assert integrated_loudness(audio, rate) == pytest.approx(expected, abs=0.02)


def test_silence_and_a_click_have_no_loudness() -> None:
    assert integrated_loudness(np.zeros((RATE, 2), np.float32), RATE) is None
    assert integrated_loudness(noise(1, 0.39), RATE) is None


def test_the_true_peak_lies_between_the_samples() -> None:
    """A quarter of the sample rate, samples at 45 degrees: they reach 0.707 of the wave (BS.1770-4, annex 2)."""
    wave = tone(RATE / 4, 1, 0.5, np.pi / 4)
    assert np.abs(wave).max() == pytest.approx(0.5 / np.sqrt(2), rel=0.01)
    assert true_peak(wave) == pytest.approx(0.5, rel=0.01)
    assert true_peak(np.zeros((0, 2), np.float32)) == 0


@given(st.integers(0, 2**32 - 1), st.integers(1, 3000))
@settings(max_examples=30)
def test_the_true_peak_found_block_by_block_is_that_of_the_whole(seed: int, frames: int) -> None:
    rng = np.random.default_rng(seed)
    audio = (rng.standard_normal((frames, 2)) * rng.random((frames, 1)) ** 4).astype(np.float32)
    whole = np.concatenate([audio, np.zeros((5000, 2), np.float32)])
    whole[-1] = -np.abs(audio).max()  # every block a candidate or not: the answer may not hang on it
    assert true_peak(whole) >= true_peak(audio) >= np.abs(audio).max()
    assert true_peak(audio[::-1].copy()) == pytest.approx(true_peak(audio), rel=1e-5)


def test_a_peak_is_the_same_wherever_it_lies_in_a_long_recording() -> None:
    wave = tone(RATE / 4, 0.2, 0.5, np.pi / 4)
    for start in (0, STRETCH - 4410 - 1, STRETCH - 4410, STRETCH - 4410 + 70, STRETCH):
        audio = np.zeros((STRETCH + 20_000, 2), np.float32)
        audio[start : start + len(wave)] = wave
        assert true_peak(audio) == pytest.approx(true_peak(wave), rel=1e-6)
        audio[STRETCH - 3 : STRETCH + 3] = 0.7  # a square hump: what it overshoots to hangs on both sides of it
        hump = true_peak(audio[STRETCH - 500 : STRETCH + 500])
        assert true_peak(audio) == pytest.approx(max(hump, true_peak(wave)), rel=1e-6)


def test_a_mix_reaches_the_loudness_asked_for() -> None:
    made = mix([noise(1, 3, 0.02), noise(2, 2, 0.02)], target_lufs=-30)
    assert not made.ceiling_won
    assert made.lufs == pytest.approx(-30, abs=0.001)
    assert integrated_loudness(made.audio, RATE) == pytest.approx(made.lufs, abs=0.001)
    assert made.gain_db == round(made.gain_db, 3)
    assert len(made.audio) == 3 * RATE


def test_the_ceiling_wins_over_the_loudness() -> None:
    click = noise(1, 3, 0.01)
    click[RATE] = 0.9
    made = mix([click], target_lufs=-14, ceiling_dbtp=-1)
    assert made.ceiling_won
    assert -1.002 <= made.true_peak_db <= -1
    assert 20 * np.log10(true_peak(made.audio)) <= -1
    assert made.lufs is not None
    assert made.lufs < -14


def test_silence_and_shorts_are_told_as_they_are() -> None:
    silent = mix([np.zeros((RATE, 2), np.float32)])
    assert (silent.gain_db, silent.lufs, silent.true_peak_db, silent.ceiling_won) == (0.0, None, None, False)
    short = mix([tone(440, 0.2, 0.5)])
    assert (short.gain_db, short.lufs, short.ceiling_won) == (0.0, None, False)
    loud = mix([tone(440, 0.2, 2.0)])
    assert loud.ceiling_won
    assert np.abs(loud.audio).max() < 1


@settings(max_examples=15)
@given(st.lists(st.tuples(st.integers(0, 99), st.floats(0.05, 0.6), st.floats(1e-4, 3.0)), min_size=1, max_size=6))
def test_stored_stems_with_their_gains_sum_to_the_stored_mix(stems: list[tuple[int, float, float]]) -> None:
    check_sum([noise(*stem) for stem in stems])


def test_two_hundred_stems_sum_to_their_mix() -> None:
    check_sum([noise(seed, 0.5, 0.02 + seed / 100) for seed in range(200)])


def check_sum(stems: list[Audio], channels: Literal[1, 2] = 2) -> None:
    stored = [stored_gain(stem) for stem in stems]
    roles = [3.0 * (index % 5 - 2) for index in range(len(stems))]  # dB that a mix makes each louder or softer
    files = [encode(stem, RATE, gain_db=-db) for stem, db in zip(stems, stored, strict=True)]
    gains = [round(db + role, 3) for db, role in zip(stored, roles, strict=True)]
    made = mix((pieces(file) for file in files), gains, channels=channels)
    kept, _ = decode(encode(made.audio, RATE))
    again = np.zeros(kept.shape)
    original = np.zeros(kept.shape)
    for stem, file, db, role in zip(stems, files, gains, roles, strict=True):
        again[: len(stem)] += heard(decode(file)[0] * gain(db + made.gain_db), channels)
        original[: len(stem)] += heard(stem * gain(role + made.gain_db), channels)
    assert level(kept - again) <= -95  # the goal is -80; rounding the mix to 16 bits costs -101
    assert level(kept - original) <= -70  # and of the synth's own output little is lost


def heard(audio: Audio, channels: int) -> Audio:
    """In one channel, half of either side; in two, a mono stem from both."""
    return audio.mean(axis=1, keepdims=True) if audio.shape[1] > channels else audio


def test_mono_and_stereo_stems_sum_to_a_mix_of_either_kind() -> None:
    stems = [noise(1, 1), noise(2, 0.5)[:, :1], noise(3, 2, 0.3)]
    check_sum(stems, 1)
    check_sum(stems, 2)
    assert mix(stems, channels=1).audio.shape == (2 * RATE, 1)


def test_a_stem_may_come_in_pieces_of_any_size() -> None:
    stems = [noise(1, 3), np.concatenate([np.zeros((2 * RATE, 2), np.float32), noise(2, 0.3), np.zeros((RATE, 2), np.float32)])]
    whole = mix(stems, [3.0, -2.0])
    cut = mix([np.array_split(stem, [1, 70_000, 70_001]) for stem in stems], [3.0, -2.0])
    assert np.array_equal(whole.audio, cut.audio)
    steps = [np.rint(stem * 32768).astype(np.int16) for stem in stems]
    as_floats = [step.astype(np.float32) / 32768 for step in steps]
    assert level(mix(steps).audio - mix(as_floats).audio) < -130


def test_memory_holds_one_sum_and_no_whole_stem() -> None:
    seconds = 60
    file = encode(noise(1, seconds), RATE)
    mix([pieces(file)])  # what is loaded once
    tracemalloc.start()
    made = mix(pieces(file) for _ in range(5))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 1.0 * made.audio.nbytes + (1 << 25)


def test_a_stem_is_stored_at_minus_twelve_whatever_its_level() -> None:
    for amplitude in (0.001, 0.3, 20.0):
        stem = tone(440, 1, amplitude)
        stored, _ = decode(encode(stem, RATE, gain_db=-stored_gain(stem)))
        assert 20 * np.log10(np.abs(stored).max()) == pytest.approx(-12, abs=0.01)
    assert stored_gain(np.zeros((9, 2), np.float32)) == 0


@pytest.mark.parametrize(
    "stems, gains, reason",
    [
        ([], None, "no_stems"),
        ([np.zeros((9, 3), np.float32)], None, "wrong_channels"),
        ([np.full((9, 2), np.nan, np.float32)], None, "not_finite"),
        ([np.zeros((9, 2), np.float32)], [0.0, 0.0], "wrong_gains"),
        ([np.zeros((9, 2), np.float32)], [], "wrong_gains"),
    ],
)
def test_what_cannot_be_mixed_is_named(stems: list[Audio], gains: list[float] | None, reason: str) -> None:
    with pytest.raises(RenderError) as caught:
        mix(stems, gains)
    assert caught.value.reason == reason
