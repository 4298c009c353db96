"""Files: exact, cut to the sample, never clipped in silence; and the outline drawn of them."""

import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motet.render import Audio, Format, RenderError, decode, encode, peaks, pieces
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


def plucked(rate: int, seconds: float = 3.0) -> Audio:
    """Notes that sound like something: what lossy formats are made for."""
    time = np.arange(round(seconds * rate)) / rate
    wave = sum(
        0.2 * np.sin(2 * np.pi * hz * time) * np.exp(-6 * ((time - at) % 1.0)) for hz, at in ((220, 0), (554, 0.3), (880, 0.6))
    )
    return np.stack([wave, 0.7 * wave], axis=1).astype(np.float32)


EVERY = [(format, rate, channels) for format in get_args(Format) for rate in (16000, 24000, 48000) for channels in (1, 2)]


@pytest.mark.parametrize("format, rate, channels", EVERY)
def test_every_format_gives_back_the_same_frames_at_the_same_time(format: Format, rate: int, channels: int) -> None:
    audio = plucked(rate)[:, :channels]
    back, told = decode(encode(audio, rate, format))
    assert told == rate
    assert back.shape == audio.shape
    shifts = range(-50, 51)
    likeness = [float(np.dot(audio[100:-100, 0], back[100 + by : len(back) - 100 + by, 0])) for by in shifts]
    assert shifts[int(np.argmax(likeness))] == 0
    assert np.sqrt(np.mean((audio - back) ** 2)) < 0.1 * np.sqrt(np.mean(audio**2))


@pytest.mark.parametrize("format", get_args(Format))
def test_a_file_is_the_same_every_time_and_everywhere(format: Format) -> None:
    """An Ogg stream is numbered at random by the library; not here."""
    audio = plucked(48000, 0.5)
    code = (
        "import hashlib, numpy as np; from motet.render import encode;"
        f"audio = np.frombuffer(bytes.fromhex({audio.tobytes().hex()[:96000]!r}), np.float32).reshape(-1, 2);"
        f"print(hashlib.sha256(encode(audio, 48000, {format!r})).hexdigest())"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    assert answer == sha256(encode(audio[:6000], 48000, format)).hexdigest()


@pytest.mark.parametrize("format", get_args(Format))
def test_a_cut_of_any_format_is_that_of_the_whole(format: Format) -> None:
    file = encode(plucked(48000), 48000, format)
    whole, _ = decode(file)
    for start in (0, 1, 1000, 44_100, 100_001, 143_999):
        assert decode(file, start, start + 5000)[0] == pytest.approx(whole[start : start + 5000], abs=1e-6)


@pytest.mark.parametrize("format", get_args(Format))
def test_pieces_are_the_whole(format: Format, tmp_path: Path) -> None:
    path = tmp_path / "caf\udce9.audio"  # a name that is no Unicode
    path.write_bytes(encode(plucked(48000, 4), 48000, format))
    read = list(pieces(path))
    assert len(read) > 1
    joined = np.concatenate(read)
    joined = joined / np.float32(32768) if joined.dtype == np.int16 else joined
    assert np.array_equal(joined, decode(path)[0])


def test_twenty_four_bits_come_back_too() -> None:
    audio = (np.random.default_rng(2).integers(-(1 << 23), 1 << 23, (5000, 2)) / (1 << 23)).astype(np.float32)
    for format in ("flac", "wav"):
        file = encode(audio, RATE, format, bits=24)
        assert np.array_equal(decode(file)[0], audio)
        assert next(pieces(file)).dtype == np.float32


@pytest.mark.parametrize(
    "format, rate, reason", [("opus", 44100, "24000 and 48000 Hz, not 44100"), ("mp3", 96000, "48000 Hz"), ("flac", 10, "10 Hz")]
)
def test_a_rate_that_a_format_lacks_is_one_sentence_with_those_it_has(format: Format, rate: int, reason: str) -> None:
    with pytest.raises(RenderError, match=reason) as caught:
        encode(plucked(8000), rate, format)
    assert caught.value.reason == "wrong_rate"


@pytest.mark.parametrize("format", get_args(Format))
def test_a_single_frame_is_a_recording_and_none_is_not(format: Format) -> None:
    assert decode(encode(AUDIO[:1] / 2, 48000, format))[0].shape == (1, 2)
    with pytest.raises(RenderError) as caught:
        encode(AUDIO[:0], 48000, format)
    assert caught.value.reason == "empty"


def test_minutes_of_vorbis_are_written() -> None:
    """Handed over at once, three million frames crash the encoder."""
    assert len(decode(encode(np.zeros((3_000_000, 1), np.float32), 16000, "ogg"))[0]) == 3_000_000


def test_what_is_no_audio_is_refused(tmp_path: Path) -> None:
    for bad in (b"", b"<html>", FILE[:20], FILE[: len(FILE) // 2], tmp_path / "gone.flac"):
        with pytest.raises(RenderError) as caught:
            decode(bad)
        assert caught.value.reason == "unreadable"
        with pytest.raises(RenderError) as caught:
            list(pieces(bad))
        assert caught.value.reason == "unreadable"
    boast = bytearray(FILE)
    boast[21:26] = b"\xff" * 5  # STREAMINFO: 2^36 frames
    with pytest.raises(RenderError) as caught:
        decode(bytes(boast))
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
