"""What the standard leaves to players, or players do in spite of it: libfluidsynth is the measure, dry.

Each field of `Reading` has a small font on which both readings part. Ours must follow FluidSynth as played, and must leave it
when that one field is as written: so each of these tests hears what it is about. Levels are against a plain note by the same
synth, as their overall gains are free.
"""

from __future__ import annotations

import ctypes.util
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields, replace
from itertools import count

import numpy as np
import pytest

from motet.render import Font as Found
from motet.render import Line, find, fluid
from motet.render import Preset as Chosen
from motet.render.soundfont.generators import AS_PLAYED, AS_WRITTEN, Reading
from motet.render.soundfont.synth import load
from render.notation import Message, level, pitch
from render.soundfont.conftest import Hear
from render.soundfont.making import RATE, Font, Sample, click, noise, one, ramp, steady
from render.soundfont.measuring import BLOCK, Sound, cents, decibels, loudness, place, played, response, song

pytestmark = pytest.mark.skipif(ctypes.util.find_library("fluidsynth") is None, reason="libfluidsynth is not installed")

OFF = 344 * BLOCK  # half a second: FluidSynth lets go at the beginning of a block, as ours does
DEEP = -60.0  # dB: below, FluidSynth's envelope ends in a step of its own
CLICK = 8 * BLOCK

Measure = Callable[[Sound], Sound]
Render = Callable[[Font, Iterable[Message]], Sound]


@pytest.fixture(scope="session")
def by_fluidsynth(tmp_path_factory: pytest.TempPathFactory) -> Render:
    folder = tmp_path_factory.mktemp("fluid")
    numbers = count()

    def rendered(font: Font, messages: Iterable[Message]) -> Sound:
        found = find(str(font.write(folder / f"{next(numbers)}.sf2")))
        (audio,) = fluid.load(found, RATE).render([Line(song(messages))])
        return audio.astype(np.float64)

    return rendered


@pytest.fixture(scope="session")
def its_unit(by_fluidsynth: Render) -> float:
    """FluidSynth's overall gain, as `unit` is ours."""
    plain = by_fluidsynth(one(Sample(steady(), (64, 192)), sample_modes=1, pan=-500), played(0, 16384))
    return float(np.median(plain[1024:16000, 0]) / 0.5)


def gain(sound: Sound) -> Sound:
    """How loud a steady sample is, in dB, block by block, from 2 blocks after its onset on."""
    padded = np.zeros((2 * OFF, 2))
    padded[: len(sound)] = sound[: 2 * OFF]
    return np.maximum(decibels(loudness(padded)), DEEP)[2 * BLOCK + BLOCK // 2 :: BLOCK]


def passed(sound: Sound) -> Sound:
    """What the filter lets through of a click from 100 Hz to 10 kHz, in dB."""
    return decibels(response(sound, CLICK, np.geomspace(100, 10000, 60), 4096))


def colour(sound: Sound) -> Sound:
    """The level of noise in each octave from 250 Hz to 16 kHz, in dB."""
    power = np.abs(np.fft.rfft(sound[1024:17408, 0])) ** 2
    width = RATE / 16384
    edges = (250 * 2 ** np.arange(7) / width).astype(int)
    return np.asarray(10 * np.log10(np.add.reduceat(power, edges)[:-1]))


def tuning(sound: Sound) -> Sound:
    """Cents off the stored pitch, over 64 blocks each."""
    return cents(place(sound), 1024 + 1024 * np.arange(8), 64 * BLOCK)


@dataclass(frozen=True)
class Parting:
    """A font and a note on which the readings part, and what is measured of it, to within `tolerance`."""

    font: Font
    measure: Measure
    tolerance: float  # dB, or cents
    velocity: int = 127


def flat(**generators: int) -> Font:
    return one(Sample(steady(), (64, 192)), sample_modes=1, **generators)


PARTINGS = {
    # A gain is exact; of the release of 1 s, FluidSynth makes whole blocks: 690 for 689.1.
    "attenuation": Parting(flat(attenuation=250, volume_release=0), gain, 0.2),
    # The fall of 96 dB a second moves by 0.14 dB a block, in another corner of which FluidSynth looks; then as above.
    "full_scale": Parting(flat(volume_decay=0, volume_sustain=300, volume_release=0), gain, 0.3),
    # Interpolation by other cubics: 0.05 dB off all octaves of noise.
    "velocity_filters": Parting(one(Sample(noise(30000), (64, 29000)), sample_modes=1, pan=-500), colour, 0.1, velocity=10),
    # The same two-pole low-pass.
    "resonance_peaks": Parting(one(Sample(click(CLICK)), pan=-500, filter_cutoff=8500, filter_q=200), passed, 0.02),
    # Of a ramp a place is exact to the rounding of single precision.
    "correction_scaled": Parting(one(Sample(ramp(), correction=40), pan=-500, scale_tuning=50), tuning, 0.05),
    # A triangle of 40 dB in 2 s: 0.05 dB a block; the release as above.
    "tremolo_above": Parting(flat(mod_lfo_to_volume=200, mod_lfo_frequency=-4838, attenuation=250, volume_release=0), gain, 0.3),
    # 11 whole blocks for 10.8: 2 % of the 60 dB that are looked at.
    "shortest_release": Parting(flat(volume_release=-12000), gain, 1.5),
}


def test_every_field_of_a_reading_has_its_font() -> None:
    assert set(PARTINGS) == {one.name for one in fields(Reading)}


@pytest.mark.parametrize("field", PARTINGS)
def test_as_played_is_as_fluidsynth_plays(hear: Hear, by_fluidsynth: Render, its_unit: float, field: str) -> None:
    case = PARTINGS[field]
    note = played(0, OFF, velocity=case.velocity)
    theirs = case.measure(by_fluidsynth(case.font, note) / its_unit)

    def off(reading: Reading) -> float:
        return float(np.abs(case.measure(hear(case.font, note, reading)) - theirs).max())

    assert off(AS_PLAYED) < case.tolerance
    assert off(replace(AS_PLAYED, **{field: getattr(AS_WRITTEN, field)})) > 3 * case.tolerance


LEVEL, PITCH = 0.5, 2.0  # dB of the first second; cents, of which the look at the spectrum takes a half

NOTES = [  # bank, program, key, velocity; strings are left out: their layers are detuned, and which is strongest is a toss-up
    (0, 0, 60, 100),
    (0, 0, 72, 40),
    (0, 6, 60, 64),
    (0, 16, 60, 100),
    (0, 24, 72, 40),
    (0, 33, 60, 100),
    (0, 40, 60, 100),
    (0, 56, 72, 64),
    (0, 61, 60, 127),
    (0, 73, 72, 40),
    (0, 80, 60, 100),
    (0, 88, 72, 100),
    (128, 0, 36, 100),
    (128, 0, 42, 40),
    (128, 0, 49, 100),
]


@pytest.mark.parametrize("bank, program, key, velocity", NOTES)
def test_a_real_font_sounds_as_fluidsynth_plays_it(
    font: Found, unit: float, its_unit: float, bank: int, program: int, key: int, velocity: int
) -> None:
    messages = played(0, 689 * BLOCK, key, velocity, channel=9 if bank == 128 else 0)
    line = Line(song(messages), Chosen(bank, program))
    (ours,), (theirs,) = load(font, RATE).render([line]), fluid.load(font, RATE).render([line])
    assert level(ours[:RATE] / unit) - level(theirs[:RATE] / its_unit) == pytest.approx(0, abs=LEVEL)
    if bank != 128:
        assert 1200 * np.log2(pitch(ours[4096:RATE]) / pitch(theirs[4096:RATE])) == pytest.approx(0, abs=PITCH)
