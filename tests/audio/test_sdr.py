"""Scores of separated stems: BSS Eval's published numbers, and the laws that they keep."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import soundfile

from motet.audio.sdr import bss_eval_images, bss_eval_sources, framewise, sdr, si_sdr

Array = npt.NDArray[np.float64]


@pytest.fixture
def sources() -> Array:
    return np.random.default_rng(1).standard_normal((3, 2000))


def noisy(sources: Array, level: float) -> Array:
    return sources + level * np.random.default_rng(2).standard_normal(sources.shape)


def test_a_tenth_of_noise_is_20_db(sources: Array) -> None:
    assert sdr(sources, noisy(sources, 0.1)) == pytest.approx(20, abs=0.2)
    assert si_sdr(sources[0], noisy(sources, 0.1)[0]) == pytest.approx(20, abs=0.3)


def test_only_the_plain_sdr_minds_the_level(sources: Array) -> None:
    found = noisy(sources, 0.1)
    assert si_sdr(sources[0], 7 * found[0]) == pytest.approx(si_sdr(sources[0], found[0]))
    assert sdr(sources[0], 7 * found[0]) < 0
    once, louder = bss_eval_sources(sources, found), bss_eval_sources(sources, found * [[7], [0.1], [-2]])
    np.testing.assert_allclose([once.sdr, once.sir, once.sar], [louder.sdr, louder.sir, louder.sar])


def test_perfect_estimates_have_no_faults(sources: Array) -> None:
    assert sdr(sources, sources) == math.inf
    scores = bss_eval_sources(sources, sources)
    assert min(*scores.sdr, *scores.sir, *scores.sar) > 150


def test_sources_may_be_filtered_and_images_may_not(sources: Array) -> None:
    echo = np.stack([np.convolve(source, [1, 0, 0, 0.5])[: sources.shape[1]] for source in sources])
    assert min(bss_eval_sources(sources, echo).sdr) > 30
    images = np.stack([sources, 0.5 * sources], axis=2)
    scores = bss_eval_images(images, np.stack([echo, 0.5 * echo], axis=2))
    assert max(scores.isr) == pytest.approx(6, abs=0.5)
    assert min(scores.sar) > 30


def test_what_another_source_leaks_is_interference_and_noise_is_not(sources: Array) -> None:
    leaking = bss_eval_sources(sources, sources + 0.1 * np.roll(sources, 1, axis=0))
    assert max(leaking.sir) == pytest.approx(20, abs=2)
    assert min(leaking.sar) > 100
    hissing = bss_eval_sources(sources[:1], noisy(sources[:1], 0.1))
    assert hissing.sir[0] == math.inf
    assert hissing.sdr[0] == hissing.sar[0] == pytest.approx(20, abs=2)


def test_estimates_are_put_in_order(sources: Array) -> None:
    found = noisy(sources, 0.1)
    shuffled = bss_eval_sources(sources, found[[2, 0, 1]])
    assert list(shuffled.perm) == [1, 2, 0]
    np.testing.assert_allclose(shuffled.sdr, bss_eval_sources(sources, found).sdr)
    assert max(bss_eval_sources(sources, found[[2, 0, 1]], permute=False).sdr) < 0


def test_a_copied_or_silent_channel_changes_nothing_but_what_it_holds(sources: Array) -> None:
    found = noisy(sources, 0.1)
    one = bss_eval_images(sources[:, :, None], found[:, :, None])
    for gain in (0.0, 1.0):
        two = bss_eval_images(np.stack([sources, gain * sources], axis=2), np.stack([found, gain * found], axis=2))
        np.testing.assert_allclose([one.sdr, one.isr, one.sir, one.sar], [two.sdr, two.isr, two.sir, two.sar], atol=1e-6)


def test_sound_without_treble_has_scores_too() -> None:
    slow = np.cumsum(np.random.default_rng(3).standard_normal((2, 4000)), axis=1)
    smooth = np.fft.irfft(np.fft.rfft(slow)[:, :300], 4000)  # numerically, its delays depend on one another
    scores = bss_eval_sources(smooth, smooth + 0.1 * smooth[::-1])
    assert np.isfinite([scores.sdr, scores.sir, scores.sar]).all()
    assert list(scores.perm) == [0, 1]


def test_frames_with_silence_have_no_score(sources: Array) -> None:
    sources[1, :1000] = 0
    scores = framewise(bss_eval_sources, sources, noisy(sources, 0.1), 1000, 500)
    assert [score is None for score in scores] == [True, False, False]
    assert framewise(bss_eval_sources, sources, sources, 5000, 1000) == []


def test_silence_is_neither_near_nor_far() -> None:
    nothing, something = np.zeros(10), np.ones(10)
    assert sdr(nothing, something) == -math.inf
    assert math.isnan(sdr(nothing, nothing))
    assert math.isnan(si_sdr(nothing, nothing))
    assert si_sdr(nothing, something) == -math.inf


@pytest.mark.parametrize(
    "true, found, said",
    [
        (np.ones((2, 9)), np.ones((3, 9)), "do not go together"),
        (np.ones((2, 9, 2)), np.ones((2, 9, 2)), "are not .sources, frames."),
        (np.zeros((0, 9)), np.zeros((0, 9)), "are not .sources, frames."),
        (np.ones((2, 9)), np.full((2, 9), np.nan), "not finite"),
        (np.ones((2, 9)), np.stack([np.ones(9), np.zeros(9)]), "silent"),
    ],
)
def test_what_cannot_be_scored_is_refused(true: Array, found: Array, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        bss_eval_sources(true, found)


# --- the scores of mir_eval's own tests ---

NAMES = {"sdr": "Source to Distortion", "sir": "Source to Interference", "sar": "Source to Artifact"}


def read(folder: Path) -> Array:
    return np.stack([soundfile.read(path, always_2d=True)[0].mean(axis=1) for path in sorted(folder.iterdir())])


def spread(sources: Array, channels: int, gain: float) -> Array:
    return np.stack([sources, *[gain * sources] * (channels - 1)], axis=2)


@pytest.mark.shared
@pytest.mark.parametrize("number", ["01", "02", "03", "05", "06", "07", "08", "09"])
def test_scores_are_those_of_bss_eval(shared: Path, number: str) -> None:
    folder = shared / "audio/separation_eval_mir_eval"
    told: dict[str, Any] = json.loads((folder / f"output{number}.json").read_text())
    true, found = read(folder / f"ref{number}"), read(folder / f"est{number}")
    scores = bss_eval_sources(true, found)
    assert list(scores.perm) == told["Sources"]["Source permutation"]
    for ours, theirs in NAMES.items():
        np.testing.assert_allclose(getattr(scores, ours), told["Sources"][theirs], rtol=1e-8)

    images = told["Images"]  # made of the same mono files: the estimate's further channels are louder
    seen = bss_eval_images(spread(true, images["nchan"], 1), spread(found, images["nchan"], images["gain"]))
    assert list(seen.perm) == images["Source permutation"]
    for ours, theirs in (NAMES | {"isr": "Image to Spatial"}).items():
        np.testing.assert_allclose(getattr(seen, ours), images[theirs], rtol=1e-4)


@pytest.mark.shared
@pytest.mark.parametrize("number", ["01", "06", "07", "09"])
def test_scores_of_frames_are_those_of_bss_eval(shared: Path, number: str) -> None:
    folder = shared / "audio/separation_eval_mir_eval"
    told = json.loads((folder / f"output{number}.json").read_text())["Framewise"]
    frames = framewise(bss_eval_sources, read(folder / f"ref{number}"), read(folder / f"est{number}"), told["win"], told["hop"])
    for ours, theirs in NAMES.items():
        by_source = np.stack([getattr(frame, ours) for frame in frames], axis=1)
        np.testing.assert_allclose(by_source, told[theirs], rtol=1e-6)
