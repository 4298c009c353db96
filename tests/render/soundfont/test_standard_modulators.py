"""Modulators of SoundFont 2.04: the ten defaults (8.4), and those that a font defines (7.4, 8.2, 8.3, 9.5).

What a modulator does is heard as the level of a constant, 24 dB down so that there is room to either side, as the pitch of a
ramp, or as the cutoff of a click.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motet.render.soundfont.generators import AS_PLAYED, AS_WRITTEN, Reading
from render.notation import Message, bend, control
from render.soundfont.conftest import Hear
from render.soundfont.making import (
    CHANNEL_PRESSURE,
    CURVES,
    KEY,
    KEY_PRESSURE,
    LINK,
    RATE,
    VELOCITY,
    WHEEL,
    WHEEL_RANGE,
    Curve,
    Font,
    Instrument,
    Modulator,
    Preset,
    Sample,
    click,
    controller,
    one,
    ramp,
    source,
    steady,
    zone,
)
from render.soundfont.measuring import (
    BLOCK,
    Sound,
    cents,
    cutoff,
    decibels,
    follows,
    loudness,
    place,
    played,
    seconds,
    triangle,
)

LEVEL = 0.01  # dB: a table of whole centibels would be 0.05 off
STEP = (
    1 / 127
)  # of a controller: its top is 127/128 by the letter (9.5.3), 1 to many players; 64 is the middle or a step beside it
ROOM = 240  # centibels
FREE = 20  # a controller that means nothing to MIDI
VELOCITY_TO_LEVEL = source(VELOCITY, "concave", falling=True)
CLICK = 1024


def flat(*modulators: Modulator, attenuation: int = ROOM, **generators: int) -> Font:
    return one(Sample(steady(), (64, 192)), *modulators, sample_modes=1, attenuation=attenuation, **generators)


def tuned(*modulators: Modulator, **generators: int) -> Font:
    return one(Sample(ramp()), *modulators, pan=-500, **generators)


def levels(hear: Hear, font: Font, before: Sequence[Sequence[Message]], *, velocity: int = 127, key: int = 60) -> list[float]:
    """The level in dB of one note after each list of messages, without the 24 dB of room."""
    step = 16384
    messages = [(number * step, data) for number, ones in enumerate(before) for _, data in ones]
    for number in range(len(before)):
        messages += played(number * step + BLOCK, 8192, key, velocity)
    level = decibels(loudness(hear(font, messages)))
    return [float(np.median(level[n * step + 4096 : n * step + 8192])) + ROOM / 10 for n in range(len(before))]


def level(hear: Hear, font: Font, *before: Message, velocity: int = 127, key: int = 60) -> float:
    return levels(hear, font, [before], velocity=velocity, key=key)[0]


def pitch(hear: Hear, font: Font, *before: Message, key: int = 60) -> float:
    places = place(hear(font, [*before, *played(0, 8192, key)]))
    return float(cents(places, 1024, 4096))


def channel_pressure(value: int, tick: int = 0) -> Message:
    return tick, bytes([0xD0, value])


def key_pressure(value: int, key: int = 60, tick: int = 0) -> Message:
    return tick, bytes([0xA0, key, value])


# --- the ten defaults ---


@pytest.mark.parametrize("velocity", [1, 2, 20, 64, 100, 126, 127])
def test_1_velocity_to_attenuation(hear: Hear, velocity: int) -> None:
    """8.4.1: 960 centibels by the concave curve are the square of the velocity; of velocity 1, -84 dB."""
    assert level(hear, flat(attenuation=0), velocity=velocity) - ROOM / 10 == pytest.approx(
        40 * np.log10(velocity / 127), abs=LEVEL
    )


@pytest.mark.parametrize("reading, depth", [(AS_WRITTEN, 2400), (AS_PLAYED, 0)], ids=["written", "played"])
def test_2_velocity_to_the_cutoff(hear: Hear, reading: Reading, depth: float) -> None:
    """8.4.2: up to 2400 cents lower, in a line."""
    font = one(Sample(click(CLICK)), pan=-500, filter_cutoff=9600)
    for velocity in (64, 127):
        sound = hear(font, played(0, 16384, velocity=velocity), reading)
        assert cutoff(sound, CLICK) == pytest.approx(9600 - depth * (1 - velocity / 127), abs=10 + depth * STEP)


@pytest.mark.parametrize("how", ["3 channel pressure", "4 modulation wheel", "both"])
def test_vibrato(hear: Hear, how: str) -> None:
    """8.4.3, 8.4.4: 50 cents each of the vibrato LFO, and what two modulators do adds."""
    pressure, wheel = (127 if how != "4 modulation wheel" else 0), (100 if how != "3 channel pressure" else 0)
    depth = 50 * (pressure + wheel) / 127
    messages = [channel_pressure(pressure), control(0, 1, wheel), *played(0, 44032)]
    at = np.arange(128, 44000, BLOCK)
    measured = cents(place(hear(tuned(vib_lfo_frequency=-3600), messages)), at)
    follows(measured, lambda t: depth * triangle(t / RATE * 8.176 / 8), at + BLOCK / 2, 0.3 + 50 * STEP)


@pytest.mark.parametrize("number, value", [(7, 1), (7, 64), (7, 100), (11, 1), (11, 64), (11, 126)])
def test_5_volume_and_8_expression(hear: Hear, number: int, value: int) -> None:
    """8.4.5, 8.4.7: the square, each."""
    assert level(hear, flat(), control(0, number, value)) == pytest.approx(40 * np.log10(value / 127), abs=LEVEL)


def test_volume_nought_is_silence(hear: Hear) -> None:
    """The curve's end, 96 dB."""
    for number in (7, 11):
        assert level(hear, flat(), control(0, number, 0)) < -90


@settings(max_examples=25)
@given(st.integers(30, 127), st.integers(30, 127), st.integers(30, 127), st.integers(0, 200))
def test_velocity_volume_expression_and_attenuation_add_in_decibels(
    hear: Hear, velocity: int, volume: int, expression: int, attenuation: int
) -> None:
    expected = 40 * np.log10(velocity * volume * expression / 127**3) - attenuation / 10
    found = level(hear, flat(attenuation=attenuation), control(0, 7, volume), control(0, 11, expression), velocity=velocity)
    assert found - ROOM / 10 == pytest.approx(expected, abs=LEVEL)


@pytest.mark.parametrize("value", [0, 32, 64, 96, 127])
@pytest.mark.parametrize("zone_pan", [0, -200])
def test_6_pan(hear: Hear, value: int, zone_pan: int) -> None:
    """8.4.6: hard left to hard right about the zone's own place, no further. A step of the controller is 0.0124 of the angle."""
    sound = hear(flat(pan=zone_pan, attenuation=0), [control(0, 10, value), *played(0, 8192)])
    left, right = np.median(sound[2048:8000], axis=0) / 0.5
    pan = min(max(zone_pan + 500 * (value - 64) / 63.5, -500), 500)
    angle = (pan + 500) / 1000 * np.pi / 2
    assert (left, right) == pytest.approx((np.cos(angle), np.sin(angle)), abs=0.0124)


@pytest.mark.parametrize("value", [0, 4096, 8192, 12288, 16383])
@pytest.mark.parametrize("semitones", [2, 12])
def test_10_pitch_wheel_by_its_range(hear: Hear, value: int, semitones: int) -> None:
    """8.4.10: the range is that of RPN 0, two semitones until then. 14 bits: a step is 0.15 cents of 12 semitones."""
    wide = [control(0, 101, 0), control(0, 100, 0), control(0, 6, semitones)] if semitones != 2 else []
    measured = pitch(hear, tuned(), *wide, bend(0, value))
    assert measured == pytest.approx(semitones * 100 * (value - 8192) / 8192, abs=0.1 + semitones * 100 / 8192)


# --- curves ---


def curved(value: int, curve: Curve, bipolar: bool, falling: bool) -> float:
    """8.2.2 to 8.2.4: concave and convex are 96 dB of the square, mirrored; bipolar ones go both ways from the middle."""
    if falling:
        value = 127 - value
    if curve == "switch":
        return float(value > 63) * (2 if bipolar else 1) - bipolar
    x = 2 * value / 127 - 1 if bipolar else value / 127
    size = abs(x)
    if curve == "concave":
        size = 1.0 if size >= 1 else min(1.0, -40 / 96 * np.log10(1 - size))
    if curve == "convex":
        size = 0.0 if size <= 0 else max(0.0, 1 + 40 / 96 * np.log10(size))
    return float(np.copysign(size, x))


@pytest.mark.parametrize("curve, bipolar, falling", list(product(CURVES, [False, True], [False, True])))
def test_a_curve(hear: Hear, curve: Curve, bipolar: bool, falling: bool) -> None:
    """Sixteen shapes of a controller, over its values, as 24 dB of level. Bipolar curves jump at the middle: not asked there."""
    values = [0, 20, 63, 64, 90, 110, 127]
    if bipolar and curve in ("concave", "convex"):
        values = [0, 20, 45, 80, 90, 110, 127]
    font = flat(Modulator(controller(FREE, curve, bipolar=bipolar, falling=falling), "attenuation", -ROOM))
    heard = levels(hear, font, [[control(0, FREE, value)] for value in values])
    slope = 3.2 if curve == "concave" else 1.0  # near its end a concave curve is that steep
    for value, found in zip(values, heard, strict=True):
        expected = 24 * curved(value, curve, bipolar, falling)
        assert min(expected, 24.0) == pytest.approx(found, abs=LEVEL + 24 * STEP * slope * (2 if bipolar else 1)), value


@pytest.mark.parametrize(
    "what, messages, key, velocity, expected",
    [
        (source(KEY), [], 96, 127, 96 / 127),
        (source(VELOCITY), [], 60, 32, 32 / 127),
        (source(CHANNEL_PRESSURE), [channel_pressure(50)], 60, 127, 50 / 127),
        (source(KEY_PRESSURE), [key_pressure(50)], 60, 127, 50 / 127),
        (source(KEY_PRESSURE), [key_pressure(50, 61)], 60, 127, 0),
        (source(WHEEL), [bend(0, 12288)], 60, 127, 0.75),
        (source(WHEEL, bipolar=True), [bend(0, 4096)], 60, 127, -0.5),
        (source(WHEEL_RANGE), [control(0, 101, 0), control(0, 100, 0), control(0, 6, 24)], 60, 127, 24 / 127),
        (source(), [], 60, 127, 1),
    ],
    ids=["key", "velocity", "channel pressure", "key pressure", "another key's", "wheel", "both ways", "range", "none"],
)
def test_a_source(hear: Hear, what: int, messages: list[Message], key: int, velocity: int, expected: float) -> None:
    """8.2.1, the general palette; "none" is always 1. The amount switches velocity's own level off."""
    off = Modulator(VELOCITY_TO_LEVEL, "attenuation", 0)
    font = flat(off, Modulator(what, "attenuation", ROOM))
    found = level(hear, font, *messages, velocity=velocity, key=key)
    assert found == pytest.approx(-24 * expected, abs=LEVEL + 24 * STEP * abs(expected))


# --- amounts, sums, what supersedes what ---


def test_a_second_source_scales_the_first(hear: Hear) -> None:
    font = flat(Modulator(controller(FREE), "attenuation", ROOM, controller(21, bipolar=True)))
    pairs = [(127, 127), (64, 127), (127, 0), (0, 0), (64, 20)]
    heard = levels(hear, font, [[control(0, FREE, a), control(0, 21, b)] for a, b in pairs])
    assert heard == pytest.approx([-24 * a / 127 * (2 * b / 127 - 1) for a, b in pairs], abs=LEVEL + 3 * 24 * STEP)


def test_modulators_of_one_destination_add(hear: Hear) -> None:
    font = flat(Modulator(controller(FREE), "attenuation", ROOM), Modulator(controller(21), "attenuation", 2 * ROOM))
    assert level(hear, font, control(0, FREE, 127), control(0, 21, 64)) == pytest.approx(
        -24 - 48 * 64 / 127, abs=LEVEL + 72 * STEP
    )


def test_an_instruments_modulator_takes_the_place_of_a_default(hear: Hear) -> None:
    """9.5: one of the same source, destination, second source and transform; here with half the amount."""
    font = flat(Modulator(VELOCITY_TO_LEVEL, "attenuation", 480))
    assert level(hear, font, velocity=40) == pytest.approx(20 * np.log10(40 / 127), abs=LEVEL)


def test_an_amount_of_nothing_switches_a_default_off(hear: Hear) -> None:
    font = flat(Modulator(VELOCITY_TO_LEVEL, "attenuation", 0))
    assert level(hear, font, velocity=3) == pytest.approx(0, abs=LEVEL)


def test_a_modulator_that_differs_in_its_curve_stands_beside_the_default(hear: Hear) -> None:
    font = flat(Modulator(source(VELOCITY, "linear", falling=True), "attenuation", 120))
    expected = 40 * np.log10(64 / 127) - 12 * (1 - 64 / 127)
    assert level(hear, font, velocity=64) == pytest.approx(expected, abs=LEVEL + 12 * STEP)


def test_a_presets_modulator_adds_to_the_instruments(hear: Hear) -> None:
    """9.5: to the default, and to one that took its place."""
    sample, over = Sample(steady(), (64, 192)), Modulator(VELOCITY_TO_LEVEL, "attenuation", 480)
    for inside, power in (((), 3), ((over,), 2), ((Modulator(VELOCITY_TO_LEVEL, "attenuation", 0),), 1)):
        made = [Instrument([zone(0, *inside, sample_modes=1, attenuation=ROOM)])]
        font = Font([sample], made, [Preset([zone(0, over)])])
        assert level(hear, font, velocity=50) == pytest.approx(power * 20 * np.log10(50 / 127), abs=LEVEL)


def test_a_presets_modulator_of_its_own_is_heard(hear: Hear) -> None:
    made = [Instrument([zone(0, sample_modes=1, attenuation=ROOM)])]
    font = Font([Sample(steady(), (64, 192))], made, [Preset([zone(0, Modulator(controller(FREE), "attenuation", 100))])])
    assert level(hear, font, control(0, FREE, 127)) == pytest.approx(-10, abs=LEVEL + 10 * STEP)


def test_a_global_zones_modulator_is_superseded_by_the_zones(hear: Hear) -> None:
    """9.5: a global modulator holds where the zone has none of the same identity."""
    everywhere = zone(None, Modulator(controller(FREE), "attenuation", 100), sample_modes=1, attenuation=ROOM)
    here = zone(0, Modulator(controller(FREE), "attenuation", 50), keys=(0, 60))
    font = Font([Sample(steady(), (64, 192))], [Instrument([everywhere, here, zone(0, keys=(61, 127))])])
    assert level(hear, font, control(0, FREE, 127), key=60) == pytest.approx(-5, abs=LEVEL + 5 * STEP)
    assert level(hear, font, control(0, FREE, 127), key=61) == pytest.approx(-10, abs=LEVEL + 10 * STEP)


def test_a_transform_to_the_absolute_value(hear: Hear) -> None:
    """8.3: 2; the sign of the amount is part of what it takes."""
    font = flat(Modulator(controller(FREE, bipolar=True), "attenuation", ROOM, transform=2))
    heard = levels(hear, font, [[control(0, FREE, value)] for value in (0, 32, 127)])
    assert heard == pytest.approx([-24, -24 * (1 - 64 / 127), -24], abs=LEVEL + 2 * 24 * STEP)


@pytest.mark.parametrize(
    "bad",
    [
        Modulator(source(1), "attenuation", ROOM),
        Modulator(source(0) | 4 << 10, "attenuation", ROOM),
        Modulator(source(), "attenuation", ROOM, transform=1),
        Modulator(source(), "attenuation", ROOM, source(5)),
    ],
    ids=["source", "curve", "transform", "second source"],
)
def test_what_the_standard_does_not_know_is_ignored(hear: Hear, bad: Modulator) -> None:
    """10.3: unknown enumerators are of versions to come, and their modulators are left out."""
    assert level(hear, flat(bad)) == pytest.approx(0, abs=LEVEL)


def test_modulators_that_feed_each_other_are_left_out(hear: Hear) -> None:
    """9.5.4: a circle is illegal, and all that are in it are ignored."""
    font = flat(Modulator(source(LINK), 1, 127), Modulator(source(LINK), 0, 127), Modulator(controller(FREE), "attenuation", 100))
    assert level(hear, font, control(0, FREE, 127)) == pytest.approx(-10, abs=LEVEL + 10 * STEP)


def test_a_modulator_may_feed_another(hear: Hear) -> None:
    """9.5.4: a destination with the top bit set is the modulator of that number in the zone, whose source is the link.

    How a link is scaled is not written; that nothing gives nothing, and that more does not give less, is.
    """
    font = flat(Modulator(source(LINK), "attenuation", ROOM), Modulator(controller(FREE), 0, 127))
    none, half, full = levels(hear, font, [[control(0, FREE, value)] for value in (0, 64, 127)])
    assert none == pytest.approx(0, abs=LEVEL)
    assert -1 > half >= full


# --- what a font may map, while it sounds ---


def test_a_note_follows_its_controllers(hear: Hear) -> None:
    """Expression from 127 to 40 and back within a note: as the values say, a block's ramp apart."""
    changes = [control(16384, 11, 40), control(32768, 11, 90)]
    level = decibels(loudness(hear(flat(attenuation=0), [*changes, *played(0, 44032)])))
    for first, last, value in (
        (2048, 16384 - BLOCK, 127),
        (16384 + 2 * BLOCK, 32768 - BLOCK, 40),
        (32768 + 2 * BLOCK, 44000, 90),
    ):
        assert level[first:last] == pytest.approx(40 * np.log10(value / 127), abs=LEVEL)


def test_a_note_follows_pressure_wheel_and_bend(hear: Hear) -> None:
    """A bend in a held note moves its pitch within two blocks."""
    places = place(hear(tuned(), [bend(16384, 12288), bend(24576, 0), *played(0, 40000)]))
    for first, last, expected in (
        (1024, 16384 - BLOCK, 0),
        (16384 + 2 * BLOCK, 24576 - BLOCK, 100),
        (24576 + 2 * BLOCK, 39000, -200),
    ):
        assert cents(places, first, last - first) == pytest.approx(expected, abs=0.15)


@pytest.mark.parametrize("pressed", [key_pressure(127, tick=16384), channel_pressure(127, tick=16384)], ids=["key", "channel"])
def test_a_note_follows_pressure(hear: Hear, pressed: Message) -> None:
    what = source(KEY_PRESSURE if pressed[1][0] == 0xA0 else CHANNEL_PRESSURE)
    found = decibels(loudness(hear(flat(Modulator(what, "attenuation", 120), attenuation=0), [pressed, *played(0, 32768)])))
    assert found[2048 : 16384 - BLOCK] == pytest.approx(0, abs=LEVEL)
    assert found[16384 + 2 * BLOCK : 32000] == pytest.approx(-12, abs=LEVEL + 12 * STEP)


@pytest.mark.parametrize("number, to, start, amount", [(74, "filter_cutoff", 9600, -2400), (71, "filter_q", 0, 200)])
def test_sound_controllers_reach_the_filter_where_a_font_maps_them(
    hear: Hear, number: int, to: str, start: int, amount: int
) -> None:
    """71 resonance, 74 brightness."""
    base = {"filter_cutoff": 9600} | {to: start}
    mapped = one(Sample(click(CLICK)), Modulator(controller(number), to, amount), pan=-500, **base)
    plain = one(Sample(click(CLICK)), pan=-500, **base | {to: start + amount})
    heard = hear(mapped, [control(0, number, 127), *played(0, 16384)])
    assert heard[:14000] == pytest.approx(hear(plain, played(0, 16384))[:14000], abs=0.01)


@pytest.mark.parametrize(
    "number, to, start, amount",
    [(72, "volume_release", -3600, 2400), (73, "volume_attack", -3600, 1200), (75, "volume_decay", -3600, 2400)],
)
def test_sound_controllers_reach_the_envelope_where_a_font_maps_them(
    hear: Hear, number: int, to: str, start: int, amount: int
) -> None:
    """72 release time, 73 attack time, 75 decay time: as if the generator held the sum, to the rounding of 1 in 127."""

    def heard(font: Font, *before: Message) -> Sound:
        sound = hear(font, [*before, *played(0, 16384)])[:32768]
        return np.pad(sound, ((0, 32768 - len(sound)), (0, 0)))

    base = {"volume_sustain": 300, "attenuation": 0}
    mapped = heard(flat(Modulator(controller(number), to, amount), **base | {to: start}), control(0, number, 127))
    plain = heard(flat(**base | {to: start + amount}))
    unmapped = heard(flat(**base | {to: start}), control(0, number, 127))
    assert np.abs(mapped - plain).max() < 0.1 * np.abs(unmapped - plain).max()


@pytest.mark.parametrize("number, to", [(76, "vib_lfo_frequency"), (77, "vib_lfo_to_pitch"), (78, "vib_lfo_delay")])
def test_vibrato_controllers_reach_the_lfo_where_a_font_maps_them(hear: Hear, number: int, to: str) -> None:
    """76 rate, 77 depth, 78 delay."""
    base = {"vib_lfo_frequency": -1200, "vib_lfo_to_pitch": 60, "vib_lfo_delay": -3600}
    amount = 60 if to == "vib_lfo_to_pitch" else 1200
    law = base | {to: base[to] + amount}
    font = tuned(Modulator(controller(number), to, amount), **base)
    at = np.arange(128, 44000, BLOCK)
    measured = cents(place(hear(font, [control(0, number, 127), *played(0, 44032)])), at)
    hz, delay = 8.176 * seconds(law["vib_lfo_frequency"]), seconds(law["vib_lfo_delay"])

    def lfo(t: Sound) -> Sound:
        return law["vib_lfo_to_pitch"] * triangle((t / RATE - delay) * hz)

    follows(measured, lfo, at + BLOCK / 2, 0.3 + amount * STEP / 4)
