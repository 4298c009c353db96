"""Many channels become two or one by documented rules, and other rates by exact lengths."""

import numpy as np
import pytest
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st

from motet.audio.channels import downmix
from motet.audio.decoding import Samples
from motet.audio.resampling import resampled

LAYOUTS = {
    "mono": 1,
    "stereo": 2,
    "2.1": 3,
    "3.0": 3,
    "quad": 4,
    "4.0": 4,
    "5.0": 5,
    "5.1": 6,
    "5.1(side)": 6,
    "6.1": 7,
    "7.1": 8,
}


def noise(frames: int, channels: int, seed: int = 0) -> Samples:
    return np.asarray(np.random.default_rng(seed).uniform(-1, 1, (frames, channels)), np.float32)


@given(layout=st.sampled_from(sorted(LAYOUTS)), channels=st.sampled_from([1, 2]), seed=st.integers(0, 99))
def test_a_downmix_cannot_clip_and_is_linear(layout: str, channels: int, seed: int) -> None:
    block = noise(50, LAYOUTS[layout], seed)
    mixed = downmix(block, layout, channels)  # type: ignore[arg-type]
    assert mixed.shape == (50, channels)
    assert mixed.dtype == np.float32
    assert (np.abs(mixed).max(axis=1) <= np.abs(block).max(axis=1) + 1e-6).all()
    np.testing.assert_allclose(downmix(0.5 * block, layout, channels), 0.5 * mixed, atol=1e-6)  # type: ignore[arg-type]
    assert not downmix(np.zeros_like(block), layout, channels).any()  # type: ignore[arg-type]


def test_five_channels_go_where_bs_775_says() -> None:
    left, right = downmix(np.eye(6, dtype=np.float32), "5.1", 2).T  # FL FR FC LFE BL BR
    np.testing.assert_allclose(left / left[0], [1, 0, 0.5**0.5, 0, 0.5**0.5, 0], atol=1e-6)
    np.testing.assert_allclose(right / right[1], [0, 1, 0.5**0.5, 0, 0, 0.5**0.5], atol=1e-6)
    assert 20 * np.log10(left[0]) == pytest.approx(-7.66, abs=0.01)


@pytest.mark.parametrize(
    "layout, mirrored", [("5.1", [1, 0, 2, 3, 5, 4]), ("7.1", [1, 0, 2, 3, 5, 4, 7, 6]), ("4.0", [1, 0, 2, 3])]
)
def test_left_and_right_are_treated_alike(layout: str, mirrored: list[int]) -> None:
    block = noise(100, len(mirrored))
    np.testing.assert_allclose(downmix(block[:, mirrored], layout, 2), downmix(block, layout, 2)[:, ::-1], atol=1e-6)
    np.testing.assert_allclose(downmix(block[:, mirrored], layout, 1), downmix(block, layout, 1), atol=1e-6)


def test_stereo_and_mono_keep_their_level() -> None:
    block = noise(100, 2)
    assert downmix(block, "stereo", 2) is block
    np.testing.assert_allclose(downmix(block, "stereo", 1)[:, 0], block.mean(axis=1), atol=1e-7)
    np.testing.assert_array_equal(downmix(block[:, :1], "mono", 2), block[:, [0, 0]])
    twice = block[:, [0, 0]]
    np.testing.assert_array_equal(downmix(twice, "stereo", 1), block[:, :1])


@pytest.mark.parametrize("layout", ["5 channels", "", "no such layout", "stereo", "ambisonic 1", "5 channels (FL+XX+FR+FC+LFE)"])
def test_layouts_that_are_not_known_give_the_mean(layout: str) -> None:
    block = noise(100, 5)
    np.testing.assert_allclose(downmix(block, layout, 2), block.mean(axis=1, keepdims=True).repeat(2, 1), atol=1e-6)
    np.testing.assert_allclose(downmix(block, layout, 1), block.mean(axis=1, keepdims=True), atol=1e-6)


def test_layouts_may_be_spelled_out() -> None:
    block = noise(100, 3)
    np.testing.assert_allclose(downmix(block, "3 channels (FL+FR+LFE)", 2), block[:, :2], atol=1e-6)


def test_uncorrelated_channels_keep_their_proportions_of_energy() -> None:
    block = noise(100_000, 6)
    power = (downmix(block, "5.1", 2) ** 2).mean(axis=0) / (block**2).mean()
    np.testing.assert_allclose(power, (1 + 0.5 + 0.5) / (1 + 2**0.5) ** 2, rtol=0.03)


# Resampling


@given(
    frames=st.integers(0, 20_000),
    rates=st.tuples(st.integers(1_000, 192_000), st.sampled_from([16_000, 32_000, 44_100])),
    channels=st.integers(1, 3),
    size=st.integers(1, 7_000),
)
@settings(max_examples=60)
def test_resampled_sound_is_as_long_as_it_was(frames: int, rates: tuple[int, int], channels: int, size: int) -> None:
    size = max(size, frames // 200)
    audio = noise(frames, channels)
    made = list(resampled([audio[at : at + size] for at in range(0, frames, size)], *rates))
    assert all(len(block) for block in made)
    assert abs(sum(map(len, made)) - frames * rates[1] / rates[0]) <= 0.5 + 1e-6


@pytest.mark.parametrize("rate, wanted", [(44_100, 32_000), (48_000, 16_000), (22_050, 32_000), (32_000, 32_000)])
def test_the_size_of_the_blocks_changes_nothing(rate: int, wanted: int) -> None:
    audio = noise(rate, 2)
    whole = soxr.resample(audio, rate, wanted, "VHQ")
    for size in (333, 10_000, rate):
        pieces = [audio[at : at + size] for at in range(0, len(audio), size)]
        np.testing.assert_allclose(np.concatenate(list(resampled(pieces, rate, wanted))), whole, atol=1e-5)


def test_a_tone_stays_where_it_was_in_time() -> None:
    t, at_32 = np.arange(44_100) / 44_100, np.arange(32_000) / 32_000
    tone = np.asarray(np.sin(2 * np.pi * 1000 * t)[:, None], np.float32)
    made = np.concatenate(list(resampled([tone], 44_100, 32_000)))
    np.testing.assert_allclose(made[500:-500, 0], np.sin(2 * np.pi * 1000 * at_32)[500:-500], atol=1e-5)


@pytest.mark.parametrize("quality", ["VHQ", "HQ"])
def test_what_the_new_rate_cannot_hold_is_gone(quality: str) -> None:
    tone = np.asarray(np.sin(2 * np.pi * 12_000 * np.arange(44_100) / 44_100)[:, None], np.float32)
    made = np.concatenate(list(resampled([tone], 44_100, 16_000, quality)))  # type: ignore[arg-type]
    assert np.abs(made[1000:-1000]).max() < 1e-5
