"""The hall and the chorus that sounds are sent to."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motet.render.soundfont.sends import BRIGHT, BRIGHT_DECAY, CENTRE, DECAY, RATE, SWING, Chorus, Room

Audio = npt.NDArray[np.float32]
BOTH = pytest.mark.parametrize("effect", [Room, Chorus])
RATES = pytest.mark.parametrize("rate", [22050, 44100, 96000])


def noise(frames: int, seed: int = 0) -> Audio:
    return (0.1 * np.random.default_rng(seed).standard_normal(frames)).astype(np.float32)


def sent(effect: Room | Chorus, send: Audio) -> Audio:
    """What both ears hear, (2, frames)."""
    ears = np.zeros((2, len(send)), np.float32)
    effect.add(send, ears[0], ears[1])
    return ears


def impulse_response(effect: Room | Chorus, frames: int) -> npt.NDArray[np.float64]:
    click = np.zeros(frames, np.float32)
    click[0] = 1
    return sent(effect, click).astype(np.float64)


def energies(response: npt.NDArray[np.float64], rate: int, low: float, high: float) -> float:
    """Of one ear, per Hz, between two frequencies; 1 is what a click holds."""
    power = np.abs(np.fft.rfft(response)) ** 2
    hertz = np.fft.rfftfreq(response.shape[-1], 1 / rate)
    return float(power[..., (hertz >= low) & (hertz < high)].mean())


def decay(response: npt.NDArray[np.float64], rate: int, low: float, high: float) -> float:
    """Seconds to fall by 60 dB between two frequencies: by the line through the levels of windows of 0.1 s, over one second."""
    width = rate // 10
    hertz = np.fft.rfftfreq(width, 1 / rate)
    windows = response[rate // 5 : rate // 5 + 10 * width].reshape(10, width) * np.hanning(width)
    power = np.abs(np.fft.rfft(windows)) ** 2
    level = 10 * np.log10(power[:, (hertz >= low) & (hertz < high)].sum(1))
    return float(-60 / np.polyfit(np.arange(10) / 10, level, 1)[0])


@BOTH
@given(cuts=st.lists(st.integers(0, 6000), max_size=6), seed=st.integers(0, 9))
@settings(max_examples=20, deadline=None)
def test_many_calls_and_one_give_the_same_bytes(effect: type[Room] | type[Chorus], cuts: list[int], seed: int) -> None:
    send = noise(6000, seed)
    streamed = np.zeros((2, 6000), np.float32)
    one = effect(22050)
    edges = [0, *sorted(cuts), 6000]
    for first, last in pairwise(edges):
        one.add(send[first:last], streamed[0, first:last], streamed[1, first:last])
    assert streamed.tobytes() == sent(effect(22050), send).tobytes()


@BOTH
def test_what_stems_send_apart_sums_to_what_they_send_together(effect: type[Room] | type[Chorus]) -> None:
    stems = [noise(44100, seed) for seed in range(4)]
    stems[1][:20000] = 0  # one begins late
    together = sent(effect(44100), sum(stems, np.zeros(44100, np.float32)))
    apart = sum(sent(effect(44100), stem).astype(np.float64) for stem in stems)
    assert np.abs(together).max() > 0.05
    # Single precision, some dozen roundings on each of some dozen rounds.
    assert np.abs(together - apart).max() < 1e-6


@BOTH
def test_nothing_heard_is_overwritten_and_lengths_must_agree(effect: type[Room] | type[Chorus]) -> None:
    ears = np.full((2, 3000), 0.5, np.float32)
    effect(44100).add(noise(3000), ears[0], ears[1])
    assert ears[:, :200].tolist() == np.full((2, 200), 0.5).tolist(), "before the first echo"
    assert (ears[:, 2500:] != 0.5).all()
    with pytest.raises(ValueError, match="3000 frames are sent"):
        effect(44100).add(noise(3000), ears[0], ears[1, :2999])


@RATES
def test_a_hall_decays_in_its_time_and_sooner_in_the_treble(rate: int) -> None:
    for ear in impulse_response(Room(rate), 5 * rate):
        assert decay(ear, rate, 100, 600) == pytest.approx(DECAY, rel=0.06)
        assert decay(ear, rate, BRIGHT - 500, BRIGHT + 500) == pytest.approx(BRIGHT_DECAY, rel=0.06)


@RATES
def test_a_hall_is_as_loud_at_any_sample_rate(rate: int) -> None:
    left, right = impulse_response(Room(rate), 5 * rate)
    for ear in (left, right):
        assert 10 * math.log10(energies(ear, rate, 100, 1600)) == pytest.approx(-3.5, abs=0.5)
        assert energies(ear, rate, 0, 5) < 0.02, "a constant is no sound"
    late = slice(rate // 5, None)
    assert abs(np.corrcoef(left[late], right[late])[0, 1]) < 0.2, "ears hear different echoes"


def test_late_echoes_of_a_hall_are_dense() -> None:
    """From 300 ms on they are too many to be told apart: as noise, whose fourth moment is 3 (single echoes: far more)."""
    late = impulse_response(Room(44100), 44100)[:, 13230:17640]
    assert (late**4).mean() / (late**2).mean() ** 2 == pytest.approx(3, abs=0.7)


@BOTH
def test_loud_sound_for_minutes_stays_bounded_and_fades_to_nothing(effect: type[Room] | type[Chorus]) -> None:
    """Full-scale square waves and a constant; then silence, which ends in zeros and not in numbers too small to count with."""
    rate = 8000
    one = effect(rate)
    square = np.sign(np.sin(2 * np.pi * 55 * np.arange(60 * rate) / rate) + 0.5).astype(np.float32)
    minutes = [np.abs(sent(one, square)).max() for _ in range(3)]
    assert minutes[2] == pytest.approx(minutes[1], rel=0.05)
    assert minutes[2] < 10
    sent(one, np.ones(2 * rate, np.float32))
    fading = np.abs(sent(one, np.zeros(30 * rate, np.float32)))
    assert fading[:, one.tail :].max() <= minutes[2] / 1000
    assert fading[fading > 0].min() > np.finfo(np.float32).tiny
    assert not fading[:, -rate:].any()


def test_a_chorus_swings_about_its_delay_and_begins_with_the_first_frame() -> None:
    """Clicks every 50 ms: an ear hears two taps of each, whose delays are sines of the time."""
    rate = 44100
    clicks = np.zeros(6 * rate, np.float32)
    clicks[:: rate // 20] = 1
    left, right = sent(Chorus(rate), clicks).astype(np.float64)
    for begin in range(0, 5 * rate, rate // 20):
        for ear, tap in ((left, 0), (right, 2)):
            heard = np.flatnonzero(np.abs(ear[begin : begin + rate // 20]) > 0.25)
            phase = (begin + CENTRE * rate) / rate * RATE + tap / 3
            expected = rate * (CENTRE + SWING / 2 * math.sin(2 * math.pi * phase))
            # A tap's delay is that of the moment it is heard, at most 3 ms from the middle: within a frame here.
            assert np.abs(heard - expected).min() < 2.5


@RATES
def test_a_chorus_is_as_loud_as_what_is_sent_and_soon_over(rate: int) -> None:
    chorus = Chorus(rate)
    send = noise(3 * rate)
    ears = sent(chorus, send).astype(np.float64)
    # Echoes of white noise are unlike each other, so energies add; a little treble is lost between frames.
    assert 10 * math.log10((ears**2).sum() / (send.astype(np.float64) ** 2).sum()) == pytest.approx(0, abs=1)
    after = sent(chorus, np.zeros(2 * chorus.tail, np.float32))
    assert after[:, : chorus.tail // 2].any()
    assert not after[:, chorus.tail :].any()
