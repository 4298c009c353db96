"""Files: exact, cut to the sample, never clipped in silence; and the outline drawn of them."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motet.render import RenderError, decode, encode, peaks
from render.notation import RATE

RNG = np.random.default_rng(1)
STEPS = RNG.integers(-32768, 32768, (100_000, 2))
AUDIO = (STEPS / 32768).astype(np.float32)
FILE = encode(AUDIO, RATE)


def test_sixteen_bits_come_back_as_they_went_in() -> None:
    audio, rate = decode(FILE)
    assert rate == RATE
    assert np.array_equal(audio, AUDIO)
    assert encode(AUDIO, RATE) == FILE


@settings(max_examples=40)
@given(st.integers(0, 100_000), st.integers(0, 110_000))
def test_a_cut_is_exact_to_the_sample(start: int, length: int) -> None:
    assert np.array_equal(decode(FILE, start, start + length)[0], AUDIO[start : start + length])


def test_a_file_is_cut_by_its_path_too(tmp_path: Path) -> None:
    path = tmp_path / "a.flac"
    path.write_bytes(FILE)
    assert np.array_equal(decode(path, 99_990)[0], AUDIO[99_990:])


def test_nothing_is_clipped_in_silence() -> None:
    audio = np.full((10, 2), 1.0, np.float32)
    assert decode(encode(audio, RATE))[0].max() == pytest.approx(1, abs=2**-15)
    for bad in (1.001, -1.001, np.nan, np.inf):
        audio[3, 1] = bad
        with pytest.raises(RenderError) as caught:
            encode(audio, RATE)
        assert caught.value.reason == "too_loud"
    assert encode(np.full((10, 2), 3.0, np.float32), RATE, gain_db=-12)


def test_silence_is_small_and_stays_silent() -> None:
    file = encode(np.zeros((60 * RATE, 2), np.float32), RATE)
    assert len(file) < 40_000
    assert not decode(file)[0].any()


def test_what_is_no_audio_is_refused(tmp_path: Path) -> None:
    for bad in (b"", b"<html>", FILE[:20], tmp_path / "gone.flac"):
        with pytest.raises(RenderError) as caught:
            decode(bad)
        assert caught.value.reason == "unreadable"
    with pytest.raises(RenderError) as caught:
        decode(FILE[: len(FILE) // 2])
    assert caught.value.reason == "unreadable"
    with pytest.raises(RenderError) as caught:
        decode(FILE, 100_001)
    assert caught.value.reason == "out_of_range"


def test_peaks_hold_the_lowest_and_highest_of_each_stretch() -> None:
    audio = np.zeros((1000, 2), np.float32)
    audio[150, 0], audio[199, 1], audio[950, 1] = 0.5, -1.0, 7.0
    drawn = peaks(audio, 10)
    assert drawn.dtype == np.int8
    assert drawn.tolist() == [[0, 0], [-127, 64], *[[0, 0]] * 7, [0, 127]]
    assert peaks(audio[:3], 10).shape == (3, 2)
    assert peaks(audio[:0], 10).shape == (0, 2)
