"""Samples of SoundFont 2.04: loops to the frame (6.2; 8.1.2, 54), both halves of a stereo pair, 16 and 24 bits, Vorbis.

Noise tells where in a sample a sound comes from. At the pitch it was recorded at every frame is heard as it is stored.
"""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from render.soundfont.conftest import Hear
from render.soundfont.making import LEFT, MONO, RATE, RIGHT, Font, Instrument, Sample, noise, one, packed, steady, zone
from render.soundfont.measuring import BLOCK, Sound, decibels, loudness, played

STEP = 2 / 32768  # one unit of a 16-bit sample, and as much for the synth's own arithmetic
WARM = 43 + 2 * BLOCK  # frames until the shortest attack, a millisecond, is over
OFF = 160 * BLOCK
FRAMES = 4000


def left(hear: Hear, sample: Sample, length: int = OFF, **generators: int) -> Sound:
    return hear(one(sample, pan=-500, **generators), played(0, length))[:, 0]


def looped(wave: Sound, start: int, end: int, frames: int) -> Sound:
    at = np.arange(frames)
    return np.asarray(wave[np.where(at < end, at, start + (at - start) % (end - start))])


@pytest.mark.parametrize("start, end", [(1000, 1500), (64, 96), (500, 3992), (1234, 1271)])
def test_mode_1_goes_round_for_as_long_as_it_sounds(hear: Hear, start: int, end: int) -> None:
    """The frame at the loop's end is the one at its start: the last one played is before it."""
    wave = noise(FRAMES)
    found = left(hear, Sample(wave, (start, end)), sample_modes=1, volume_release=0)
    assert found[WARM : OFF - 1] == pytest.approx(looped(wave, start, end, OFF)[WARM : OFF - 1], abs=STEP)
    after = OFF + 2048
    faded = looped(wave, start, end, after + 512)[after:] * 10 ** (-5 * np.arange(after - OFF, after - OFF + 512) / RATE)
    assert found[after : after + 512] == pytest.approx(faded, abs=0.01 * 0.5)  # a block of the release is 1 %


@settings(max_examples=25)
@given(st.integers(100, 3900), st.integers(32, 2000), st.integers(24, 400))
def test_any_loop_is_exact_to_the_frame(hear: Hear, start: int, length: int, blocks: int) -> None:
    end = min(start + length, FRAMES - 8)
    wave = noise(FRAMES)
    found = left(hear, Sample(wave, (start, end)), length=blocks * BLOCK, sample_modes=1)
    span = slice(WARM, blocks * BLOCK - 1)
    assert found[span] == pytest.approx(looped(wave, start, end, blocks * BLOCK)[span], abs=STEP)


@pytest.mark.parametrize("mode", [0, 2])
def test_modes_0_and_2_end_with_the_sample(hear: Hear, mode: int) -> None:
    """2 is not used and means no loop. The note is still held; two frames past the end are an interpolator's."""
    wave = noise(FRAMES)
    found = left(hear, Sample(wave, (1000, 1500)), sample_modes=mode)
    assert found[WARM : FRAMES - 2] == pytest.approx(wave[WARM:-2], abs=STEP)
    assert np.abs(found[FRAMES + 2 :]).max(initial=0) <= STEP


def test_mode_3_goes_round_until_it_is_let_go_then_on_to_the_end(hear: Hear) -> None:
    """From where it is in the loop, through the loop's end, to the sample's. A release of 100 s takes 0.1 dB of it."""
    wave, (start, end) = noise(FRAMES), (1000, 1500)
    found = left(hear, Sample(wave, (start, end)), sample_modes=3, volume_release=7973)
    assert found[WARM:OFF] == pytest.approx(looped(wave, start, end, OFF)[WARM:], abs=STEP)
    at = start + (OFF - start) % (end - start)
    rest = wave[at:]
    assert found[OFF : OFF + len(rest) - 2] == pytest.approx(rest[:-2], abs=STEP + 0.012 * 0.5)
    assert np.abs(found[OFF + len(rest) + 2 :]).max(initial=0) <= STEP


def test_mode_3_let_go_before_its_loop_never_loops(hear: Hear) -> None:
    wave = noise(12000)
    found = left(hear, Sample(wave, (9000, 9500)), length=64 * BLOCK, sample_modes=3, volume_release=7973)
    assert found[WARM:11998] == pytest.approx(wave[WARM:11998], abs=STEP + 0.03 * 0.5)


def test_each_zone_may_loop_a_sample_in_its_own_way(hear: Hear) -> None:
    wave = noise(FRAMES)
    zones = [zone(0, pan=-500, sample_modes=1), zone(0, pan=500, sample_modes=0)]
    sound = hear(Font([Sample(wave, (1000, 1500))], [Instrument(zones)]), played(0, OFF))
    assert sound[WARM:OFF, 0] == pytest.approx(looped(wave, 1000, 1500, OFF)[WARM:], abs=STEP)
    assert np.abs(sound[FRAMES + 2 : OFF, 1]).max() <= STEP


@pytest.mark.parametrize("semitones", [-12, -5, 3, 12])
def test_a_looped_sine_stays_one_at_any_pitch(hear: Hear, semitones: int) -> None:
    """Whole periods in the loop: what is no sine is the interpolator's error and the seam's, 60 dB down at 441 Hz."""
    wave = 0.5 * np.sin(2 * np.pi * np.arange(1000) / 100)
    sound = hear(one(Sample(wave, (200, 900)), pan=-500, sample_modes=1), played(0, 32768, 60 + semitones))[4096:30000, 0]
    turn = 2 * np.pi * 441 * 2 ** (semitones / 12) / RATE * np.arange(len(sound))
    basis = np.stack([np.cos(turn), np.sin(turn)], axis=1)
    fit, *_ = np.linalg.lstsq(basis, sound, rcond=None)
    assert np.hypot(*fit) == pytest.approx(0.5, abs=0.001)
    assert decibels(np.std(sound - basis @ fit) / np.std(sound)) < -60


@pytest.mark.parametrize("bits", [16, 24])
def test_depth(hear: Hear, bits: int) -> None:
    """A sample of 100 / 2^23, below the last bit of 16: `sm24` holds it, and only there."""
    level = 100 / 2**23
    samples = [Sample(steady(level), (64, 192)), Sample(steady(0.25), (64, 192))]  # the other: nobody takes the whole for silence
    font = Font(samples, [Instrument([zone(0, pan=-500, sample_modes=1), zone(1, pan=500, sample_modes=1)])], bits=bits)
    sound = hear(font, played(0, 16384))
    assert np.median(sound[2048:16000, 0]) == pytest.approx(level if bits == 24 else 0, abs=level / 100)


def test_a_24_bit_sample_below_nought(hear: Hear) -> None:
    """The low byte has no sign of its own."""
    wave = noise(FRAMES) + 77 / 2**23
    found = hear(one(Sample(wave), pan=-500, bits=24), played(0, OFF))[WARM : FRAMES - 8, 0]
    assert found == pytest.approx(wave[WARM : FRAMES - 8], abs=4 / 2**23)


def test_both_halves_of_a_stereo_pair_play_where_their_zones_say(hear: Hear) -> None:
    """7.10: each half is a zone of its own; linked ones begin together."""
    waves = [noise(FRAMES, seed=seed) for seed in (1, 2)]
    samples = [Sample(waves[0], kind=LEFT, link=1), Sample(waves[1], kind=RIGHT, link=0)]
    sound = hear(Font(samples, [Instrument([zone(0, pan=-500), zone(1, pan=500)])]), played(0, OFF))
    for side in (0, 1):
        found = sound[WARM : FRAMES - 2, side]
        assert found == pytest.approx(waves[side][WARM:-2], abs=0.0125 * 0.5)  # a controller's 64 is a step off centre


def test_a_rom_sample_is_silent_and_takes_nothing_with_it(hear: Hear) -> None:
    """7.10: it lies in a sound card's memory, which nobody has."""
    samples = [Sample(steady(), (64, 192)), Sample(steady(0.25), (64, 192), kind=0x8000 | MONO)]
    font = Font(samples, [Instrument([zone(0, sample_modes=1), zone(1, sample_modes=1)])])
    assert np.median(loudness(hear(font, played(0, 8192)))[2048:8000]) == pytest.approx(1, abs=0.001)


@pytest.mark.parametrize("mode", [0, 1])
def test_a_vorbis_sample_plays_as_it_is_decoded(hear: Hear, mode: int) -> None:
    """sf3: loop points count frames of the decoded sample."""
    sample = Sample(noise(20000) / 2, (2000, 3000))
    decoded, _ = soundfile.read(BytesIO(packed(sample)))
    font = Font([sample, sample], [Instrument([zone(1, pan=-500, sample_modes=mode)])], vorbis=True)
    found = hear(font, played(0, 32768))[:32000, 0]
    expected = looped(decoded, 2000, 3000, 32000) if mode else decoded[:-2]
    assert found[WARM : len(expected)] == pytest.approx(expected[WARM:], abs=STEP)
    assert mode or np.abs(found[20002:]).max(initial=0) <= STEP


def test_a_loop_that_cannot_be_plays_the_sample_once(hear: Hear) -> None:
    """Its end is before its start."""
    wave = noise(FRAMES)
    found = left(hear, Sample(wave, (1500, 1000)), sample_modes=1)
    assert found[WARM : FRAMES - 2] == pytest.approx(wave[WARM:-2], abs=STEP)
    assert np.abs(found[FRAMES + 2 :]).max(initial=0) <= STEP
