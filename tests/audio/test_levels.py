"""What a recording's levels say is what was put into it."""

import io

import numpy as np
import pytest
import soundfile
from hypothesis import example, given, settings
from hypothesis import strategies as st

from motet.audio.decoding import Samples, open_recording
from motet.audio.levels import Levels, Meter, measure, metered
from motet.render.encoding import encode

RATE = 44_100


def levels(audio: Samples, rate: int = RATE, size: int = 10_000) -> Levels:
    meter = Meter(rate, audio.shape[1])
    for start in range(0, len(audio), size):
        meter.add(audio[start : start + size])
    return meter.levels()


def music(seconds: float = 4.0, channels: int = 2, seed: int = 0) -> Samples:
    """Tones that swell over noise: no two peaks are alike. Peaks near 0.5."""
    rng = np.random.default_rng(seed)
    t = np.arange(round(seconds * RATE)) / RATE
    tones = sum(np.sin(2 * np.pi * hz * t + phase) for hz, phase in zip((97, 221, 523, 1310), rng.uniform(0, 6, 4), strict=True))
    sides = [tones * (0.6 + 0.4 * np.sin(2 * np.pi * 0.7 * t + side)) for side in range(channels)]
    audio = np.stack(sides, axis=1) + 0.2 * rng.standard_normal((len(t), channels))
    return np.asarray(0.5 * audio / np.abs(audio).max(), np.float32)


def test_a_sine_has_its_levels() -> None:
    sine = np.asarray(0.5 * np.sin(2 * np.pi * 441 * np.arange(RATE) / RATE)[:, None], np.float32)
    told = levels(sine)
    assert told.peak_dbfs == pytest.approx(-6.02, abs=0.01)
    assert told.rms_dbfs == pytest.approx(-9.03, abs=0.01)
    assert told.dc == pytest.approx(0, abs=1e-6)
    assert (told.frames, told.seconds, told.clipped, told.silences, told.same_channels) == (RATE, 1.0, 0.0, (), False)


def test_silence_has_no_level() -> None:
    told = levels(np.zeros((RATE, 2), np.float32))
    assert (told.peak_dbfs, told.rms_dbfs, told.bandwidth_hz, told.silent) == (None, None, None, 1.0)
    assert told.same_channels
    assert levels(np.zeros((0, 2), np.float32)).silent == 0.0


def test_an_offset_is_told_of_the_worse_channel() -> None:
    assert levels(music() + np.array([0.01, -0.02], np.float32)).dc == pytest.approx(-0.02, abs=0.002)


@given(size=st.integers(1, 100_000))
@settings(max_examples=15)
def test_the_size_of_the_blocks_changes_nothing(size: int) -> None:
    audio = np.clip(3 * music(1.5), -0.6, 0.6)
    audio[20_000:50_000] = 0
    assert levels(audio, size=max(size, 50)) == levels(audio, size=len(audio))


# Clipping


@pytest.mark.parametrize("ceiling", [1.0, 0.99, 0.7, 0.3])
@pytest.mark.parametrize("bits", [8, 16, 24, 32])
def test_flat_tops_are_clipping_wherever_the_ceiling_is(ceiling: float, bits: int) -> None:
    loud = 6 * ceiling * music()
    steps = 2.0 ** (min(bits, 24) - 1)
    audio = np.asarray(np.clip(np.rint(np.clip(loud, -ceiling, ceiling) * steps), -steps, steps - 1) / steps, np.float32)
    share = float((np.abs(loud) >= ceiling).mean())
    assert levels(audio).clipped == pytest.approx(share, rel=0.25)


@pytest.mark.parametrize("bits", [8, 16, 32])
@pytest.mark.parametrize("level", [0.1, 0.5, 0.999])
def test_music_that_was_not_clipped_has_no_flat_tops(bits: int, level: float) -> None:
    steps = 2.0 ** (min(bits, 24) - 1)
    for seed in range(5):
        audio = music(seed=seed)
        audio = np.asarray(np.rint(audio * level / np.abs(audio).max() * steps) / steps, np.float32)
        assert levels(audio).clipped == 0


@given(hz=st.floats(20, 5_000), level=st.floats(0.05, 1.0), phase=st.floats(0, 6))
@example(hz=72.0, level=0.75, phase=0.0)  # falls by five steps beside a top of three samples
@settings(max_examples=60)
def test_smooth_peaks_are_not_clipping(hz: float, level: float, phase: float) -> None:
    sine = level * np.sin(2 * np.pi * hz * np.arange(RATE) / RATE + phase)
    assert levels(np.asarray(np.rint(sine * 32767)[:, None] / 32768, np.float32)).clipped == 0


def test_only_the_clipped_channel_counts() -> None:
    audio = music()
    audio[:, 0] = np.clip(6 * audio[:, 0], -1, 1)
    both = np.clip(6 * music(), -1, 1)
    assert levels(audio).clipped == pytest.approx(levels(both).clipped / 2, rel=0.2)


def test_square_waves_are_all_ceiling() -> None:
    square = np.sign(np.sin(2 * np.pi * 100 * np.arange(RATE) / RATE + 0.1))
    assert levels(np.asarray(square[:, None], np.float32)).clipped == pytest.approx(1, abs=0.02)


# Silence


def test_silences_are_found_where_they_are() -> None:
    audio = music(6.0)
    audio[: RATE // 2] = 0
    audio[2 * RATE : 3 * RATE] *= 1e-4
    audio[4 * RATE : 4 * RATE + RATE // 4] = 0  # too short
    audio[-RATE:, :] = 0
    audio[-RATE // 2, 1] = 0.5  # a click between two silences too short
    told = levels(audio)
    assert np.asarray(told.silences) == pytest.approx(np.asarray([[0, 0.5], [2, 3], [5, 5.5]]), abs=0.011)
    assert told.silent == pytest.approx(2 / 6, abs=0.01)


def test_one_channel_that_sounds_is_no_silence() -> None:
    audio = music()
    audio[:, 1] = 0
    assert levels(audio).silences == ()


# Mono in stereo, and enlarged files


def test_fake_stereo_is_told() -> None:
    audio = music()
    twice = audio[:, [0, 0]]
    assert levels(twice).same_channels
    assert not levels(audio).same_channels
    assert not levels(audio[:, :1]).same_channels
    twice[-1, 1] += 0.001
    assert not levels(twice).same_channels


@pytest.mark.parametrize("cut", [4_000, 11_000, 16_000])
def test_the_bandwidth_is_where_the_sound_ends(cut: int) -> None:
    spectrum = np.fft.rfft(np.random.default_rng(0).standard_normal(5 * RATE))
    spectrum[5 * cut :] = 0
    audio = 0.1 * np.fft.irfft(spectrum)[:, None]
    told = levels(np.asarray(np.rint(audio * 32768) / 32768, np.float32))
    assert told.bandwidth_hz == pytest.approx(cut, abs=150)


def test_white_noise_reaches_to_the_top() -> None:
    noise = np.asarray(0.1 * np.random.default_rng(0).standard_normal((5 * RATE, 1)), np.float32)
    assert levels(noise).bandwidth_hz == pytest.approx(RATE / 2, rel=0.01)


# The content's name


def of_file(file: bytes) -> Levels:
    with open_recording(file) as recording:
        return measure(recording)


def stored(audio: Samples, container: str, subtype: str) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, audio, RATE, format=container, subtype=subtype)
    return file.getvalue()


def test_one_master_has_one_name_in_every_lossless_file() -> None:
    audio = np.asarray(np.rint(music() * 32768) / 32768, np.float32)
    files = [stored(audio, *kind) for kind in (("WAV", "PCM_16"), ("FLAC", "PCM_16"), ("AIFF", "PCM_24"), ("WAV", "FLOAT"))]
    assert len({of_file(file).sha256 for file in files}) == 1
    assert of_file(encode(audio, RATE, "mp3")).sha256 != of_file(files[0]).sha256


def test_another_sound_rate_or_length_has_another_name() -> None:
    audio = music()
    changed = audio.copy()
    changed[1000, 1] += 2**-12
    names = [
        levels(audio),
        levels(audio, 48_000),
        levels(audio[:-1]),
        levels(changed),
        levels(audio[:, ::-1]),
        levels(audio[:, :1]),
    ]
    assert len({told.sha256 for told in names}) == len(names)


def test_mono_told_twice_has_the_name_of_mono() -> None:
    audio = music()
    assert levels(audio[:, [0, 0]]).sha256 == levels(audio[:, :1]).sha256


def test_blocks_are_measured_in_passing() -> None:
    audio = music()
    meter = Meter(RATE, 2)
    blocks = [audio[at : at + 3000] for at in range(0, len(audio), 3000)]
    passed = list(metered(blocks, meter))
    np.testing.assert_array_equal(np.concatenate(passed), audio)
    assert meter.levels() == levels(audio)


@given(st.lists(st.floats(-2, 2, width=32), min_size=1, max_size=300), st.sampled_from([1, 1_000, 44_100]))
@settings(max_examples=60)
def test_any_samples_have_levels(samples: list[float], rate: int) -> None:
    audio = np.asarray(samples, np.float32)[:, None]
    told = levels(audio, rate)
    peak = float(np.abs(audio).max())
    assert (told.peak_dbfs is None) == (peak == 0)
    assert 0 <= told.clipped <= 1
    assert 0 <= told.silent <= 1
