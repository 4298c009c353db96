"""The generators of SoundFont 2.04, section 8.1.2, one by one: what each does to a sound, in the units of 8.1.3.

Pitch is told by a ramp, whose sound says which of its frames is heard; level by a constant; the filter by a click.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from motet.render.soundfont.generators import AS_PLAYED, AS_WRITTEN, Reading
from render.soundfont.conftest import Hear
from render.soundfont.making import Font, Instrument, Preset, Sample, Zone, click, one, ramp, steady, zone
from render.soundfont.measuring import BLOCK, cents, cutoff, decibels, hertz, loudness, place, played, response, seconds, triangle

EXACT = 0.1  # cents: single-precision rounding of places over a few hundred frames makes 0.05
STEP = 2 / 32768  # one unit of a 16-bit sample, and as much for the synth's own arithmetic
LEVEL = 0.01  # dB: gains are worked out, not measured; a table of whole centibels would be 0.05 off
LOOPED = (64, 192)


def tuned(**generators: int) -> Font:
    return one(Sample(ramp()), pan=-500, **generators)


def flat(**generators: int) -> Font:
    return one(Sample(steady(), LOOPED), sample_modes=1, **generators)


def preset_over(sample: Sample, inside: Zone, outside: Zone) -> Font:
    return Font([sample], [Instrument([inside])], [Preset([outside])])


def level(hear: Hear, font: Font, *, key: int = 60, velocity: int = 127, reading: Reading = AS_WRITTEN) -> float:
    """In dB, once the attack is over."""
    sound = hear(font, played(0, 8192, key, velocity), reading)
    return float(decibels(np.median(loudness(sound)[2048:8000])))


# --- pitch ---


@pytest.mark.parametrize(
    "key, generators, expected",
    [
        (60, {}, 0),
        (67, {}, 700),
        (48, {}, -1200),
        (60, {"coarse_tune": -12}, -1200),
        (60, {"coarse_tune": 5, "fine_tune": -37}, 463),
        (60, {"fine_tune": 99}, 99),
        (72, {"scale_tuning": 50}, 600),
        (72, {"scale_tuning": 0}, 0),
        (48, {"scale_tuning": 120}, -1440),
        (60, {"root_key": 55}, 500),
        (64, {"root_key": 52, "scale_tuning": 50}, 600),
        (72, {"key": 55}, -500),
        (72, {"key": 55, "root_key": 55}, 0),
    ],
    ids=str,
)
def test_pitch(hear: Hear, key: int, generators: dict[str, int], expected: float) -> None:
    """Coarse and fine tune add (51, 52); scale tuning counts from the root key (56, 58); a fixed key is played for any (46)."""
    places = place(hear(tuned(**generators), played(0, 8192, key)))
    assert cents(places, 1024, 4096) == pytest.approx(expected, abs=EXACT)


@settings(max_examples=25)
@given(
    st.integers(36, 84),
    st.integers(40, 80),
    st.integers(0, 150),
    st.integers(-12, 12),
    st.integers(-99, 99),
    st.integers(-50, 50),
)
def test_all_that_tunes_adds(hear: Hear, key: int, root: int, scale: int, coarse: int, fine: int, correction: int) -> None:
    expected = scale * (key - root) + 100 * coarse + fine + correction
    assume(abs(expected) < 3000)
    font = one(Sample(ramp(), root=root, correction=correction), pan=-500, scale_tuning=scale, coarse_tune=coarse, fine_tune=fine)
    assert cents(place(hear(font, played(0, 8192, key))), 1024, 4096) == pytest.approx(expected, abs=EXACT)


@pytest.mark.parametrize("rate", [22050, 48000])
def test_pitch_and_time_do_not_depend_on_the_rate_of_the_output(hear: Hear, rate: int) -> None:
    places = place(hear(tuned(), played(0, 16384), rate=rate))
    assert cents(places, 1024, 4096) == pytest.approx(1200 * np.log2(44100 / rate), abs=EXACT)
    gain = loudness(hear(flat(volume_attack=0), played(0, 44032), rate=rate))
    assert gain[rate // 4] == pytest.approx(0.25, abs=2 * BLOCK / rate)


@pytest.mark.parametrize(
    "sample, expected",
    [
        (Sample(ramp(), root=64), -400),
        (Sample(ramp(), correction=-40), -40),
        (Sample(ramp(), rate=22050), -1200),
        (Sample(ramp(), rate=48000, root=61, correction=25), 1200 * np.log2(48000 / 44100) - 100 + 25),
        (Sample(ramp(), root=255), 0),  # unpitched: as if recorded at 60 (7.10)
    ],
    ids=["root", "correction", "rate", "all", "unpitched"],
)
def test_a_samples_own_pitch(hear: Hear, sample: Sample, expected: float) -> None:
    places = place(hear(one(sample, pan=-500), played(0, 8192)))
    assert cents(places, 1024, 4096) == pytest.approx(expected, abs=EXACT)


def test_a_root_key_takes_the_place_of_the_samples_but_not_of_its_correction(hear: Hear) -> None:
    """58: `overridingRootKey` stands for the sample's key alone."""
    places = place(hear(one(Sample(ramp(), root=72, correction=30), pan=-500, root_key=60), played(0, 8192)))
    assert cents(places, 1024, 4096) == pytest.approx(30, abs=EXACT)


def test_a_note_begins_at_its_frame_with_the_samples_first(hear: Hear) -> None:
    sound = hear(tuned(), played(5000, 8192))
    assert not sound[:5000].any()
    assert sound[5001:5064].any()
    assert place(sound)[6000] == pytest.approx(1000, abs=32768 * STEP)


# --- addresses ---


@pytest.mark.parametrize(
    "offsets, start",
    [({"start_offset": 700}, 700), ({"start_coarse": 1}, 32768), ({"start_offset": -68, "start_coarse": 1}, 32700)],
    ids=str,
)
def test_start_offsets(hear: Hear, offsets: dict[str, int], start: int) -> None:
    """0, and 4 in steps of 32,768 frames."""
    places = place(hear(tuned(**offsets), played(0, 8192)))
    assert places[2000] == pytest.approx(start + 2000, abs=32768 * STEP)


@pytest.mark.parametrize(
    "offsets, end",
    [
        ({}, 40000),
        ({"end_offset": -1000}, 39000),
        ({"end_coarse": -1}, 40000 - 32768),
        ({"end_offset": 100, "end_coarse": -1}, 40000 - 32668),
    ],
    ids=str,
)
def test_end_offsets(hear: Hear, offsets: dict[str, int], end: int) -> None:
    """1, and 12: nothing is heard after the last frame; two of them are an interpolator's."""
    sound = hear(one(Sample(np.full(40000, 0.25)), pan=-500, **offsets), played(0, 44032))
    assert sound[end - 128 : end - 2, 0] == pytest.approx(0.25, abs=STEP)
    assert not np.abs(sound[end + 2 :]).max(initial=0) > STEP


@pytest.mark.parametrize(
    "stored, offsets, loop",
    [
        ((1000, 1200), {"loop_start_offset": -300, "loop_end_offset": 150}, (700, 1350)),
        ((1000, 34000), {"loop_start_coarse": 1, "loop_end_coarse": 0, "loop_start_offset": -100}, (33668, 34000)),
        ((100, 300), {"loop_start_coarse": 1, "loop_end_coarse": 1}, (32868, 33068)),
    ],
    ids=["fine", "coarse start", "coarse"],
)
def test_loop_offsets(hear: Hear, stored: tuple[int, int], offsets: dict[str, int], loop: tuple[int, int]) -> None:
    """2, 3, and 45, 50 in steps of 32,768 frames. The frame heard goes round the loop."""
    places = place(hear(one(Sample(ramp(), stored), pan=-500, sample_modes=1, **offsets), played(0, 44032)))
    at = np.arange(1024, 44000, 7)
    expected = np.where(at < loop[1], at, loop[0] + (at - loop[1]) % (loop[1] - loop[0]))
    assert places[at] == pytest.approx(expected, abs=32768 * STEP)


def test_what_tells_one_sample_cannot_be_added_by_a_preset(hear: Hear) -> None:
    """Offsets, fixed key and velocity, sample modes, exclusive class and root key are the instrument's alone (8.5)."""
    addresses = zone(0, start_offset=500, start_coarse=1, end_coarse=-1, loop_start_offset=9, loop_end_offset=9)
    others = zone(0, velocity=1, key=72, sample_modes=1, exclusive_class=1, root_key=48)
    outside = Zone(0, addresses.generators + others.generators)
    font = preset_over(Sample(ramp(), (1000, 1200)), zone(0, pan=-500), outside)
    places = place(hear(font, played(0, 44032)))
    at = np.array([1024, 4096, 40000])
    assert places[at] == pytest.approx(at, abs=32768 * STEP)


# --- level and pan ---


@pytest.mark.parametrize("reading, scale", [(AS_WRITTEN, 1.0), (AS_PLAYED, 0.4)], ids=["written", "played"])
@pytest.mark.parametrize("centibels", [0, 5, 60, 300])
def test_attenuation(hear: Hear, reading: Reading, scale: float, centibels: int) -> None:
    assert level(hear, flat(attenuation=centibels), reading=reading) == pytest.approx(-scale * centibels / 10, abs=LEVEL)


@pytest.mark.parametrize("inside, outside, expected", [(100, -60, -4), (100, 45, -14.5), (50, -80, 0)])
def test_a_preset_adds_attenuation_down_to_none(hear: Hear, inside: int, outside: int, expected: float) -> None:
    """Presets add (9.4), and a sum outside 0 to 1440 is the nearest that can be (10.5)."""
    font = preset_over(Sample(steady(), LOOPED), zone(0, sample_modes=1, attenuation=inside), zone(0, attenuation=outside))
    assert level(hear, font) == pytest.approx(expected, abs=LEVEL)


@pytest.mark.parametrize("pan", [-500, -250, 0, 125, 500])
def test_pan(hear: Hear, pan: int) -> None:
    """17, in tenths of a percent; constant power: the angle goes with the pan. A controller's 64 may be a step off centre."""
    left, right = np.median(hear(flat(pan=pan), played(0, 8192))[2048:8000], axis=0) / 0.5
    angle = (pan + 500) / 1000 * np.pi / 2
    assert (left, right) == pytest.approx((np.cos(angle), np.sin(angle)), abs=0.0065)


def test_a_fixed_velocity_is_played_for_any(hear: Hear) -> None:
    """47: squared, as the default modulator has it (8.4.1)."""
    for velocity in (20, 127):
        assert level(hear, flat(velocity=64), velocity=velocity) == pytest.approx(40 * np.log10(64 / 127), abs=LEVEL)


# --- the filter ---

CLICK = 1024


def filtered(hear: Hear, font: Font) -> np.ndarray:
    return hear(font, played(0, 16384))


def clicked(at: int = CLICK, **generators: int) -> Font:
    return one(Sample(click(at, at + 12000)), pan=-500, **generators)


@pytest.mark.parametrize("absolute", [4500, 6900, 9000, 11400])
def test_the_cutoff_is_in_absolute_cents(hear: Hear, absolute: int) -> None:
    """8: 8.176 Hz at 0. Ten cents allow for coefficients kept by the cent and for what the window cuts off."""
    assert cutoff(filtered(hear, clicked(filter_cutoff=absolute)), CLICK) == pytest.approx(absolute, abs=10)


def test_without_resonance_it_falls_by_twelve_decibels_an_octave(hear: Hear) -> None:
    """Two poles (9.1.3); at DC 0 dB, at the cutoff between 0 and -6 dB, as two poles without a peak have it."""
    base = hertz(6900)
    dc, pole, octaves_2, octaves_3 = decibels(
        response(filtered(hear, clicked(filter_cutoff=6900)), CLICK, [1, base, 4 * base, 8 * base])
    )
    assert dc == pytest.approx(0, abs=0.1)
    assert -6.1 < pole < 0
    assert octaves_2 - octaves_3 == pytest.approx(12, abs=1)  # at 8 times, the bilinear transform takes 0.4 dB more


def resonant(hear: Hear, centibels: int) -> tuple[float, float]:
    """The gain in dB at DC, and the highest."""
    sound = filtered(hear, clicked(filter_cutoff=7500, filter_q=centibels))
    dc, *around = decibels(response(sound, CLICK, [1, *(hertz(one) for one in range(7000, 7800, 10))], 12000))
    return float(dc), float(max(around))


@pytest.mark.parametrize("centibels", [60, 100, 200, 400])
def test_resonance_lowers_dc_by_half(hear: Hear, centibels: int) -> None:
    """9: of 10 dB, by 5."""
    dc, _ = resonant(hear, centibels)
    assert dc == pytest.approx(-centibels / 20, abs=0.1)


@pytest.mark.parametrize("centibels", [60, 100, 200, 400])
def test_resonance_rises_above_dc(hear: Hear, centibels: int) -> None:
    """9: the peak is as high as it says above DC. The gain at the cutoff and the peak's differ by 0.3 dB at 6 dB, less above."""
    dc, peak = resonant(hear, centibels)
    assert peak - dc == pytest.approx(centibels / 10, abs=0.4)


@pytest.mark.parametrize("resonance", [0, -1])
def test_an_open_filter_changes_nothing(hear: Hear, resonance: int) -> None:
    """At 20 kHz and without resonance the response is flat (9)."""
    sound = filtered(hear, clicked(filter_cutoff=13500, filter_q=resonance))
    around = sound[CLICK - 8 : CLICK + 9, 0]
    assert around == pytest.approx(np.eye(17)[8], abs=STEP)


def test_the_modulation_envelope_opens_the_filter(hear: Hear) -> None:
    """11: at its full scale by as many cents."""
    font = clicked(filter_cutoff=6900, mod_env_to_filter=1500)
    assert cutoff(filtered(hear, font), CLICK) == pytest.approx(8400, abs=10)


def test_the_modulation_lfo_moves_the_filter(hear: Hear) -> None:
    """10: at 1 Hz the LFO is at its top after a quarter of a second, where two blocks make 1.2 % of the swing."""
    at = 11025
    font = clicked(at, filter_cutoff=6900, mod_lfo_to_filter=1200, mod_lfo_frequency=-3637)
    expected = 6900 + 1200 * float(triangle(np.array(at / 44100)))
    assert cutoff(filtered(hear, font), at) == pytest.approx(expected, abs=10 + 0.012 * 1200)


# --- which zones sound ---

LEVELS = [1 / 32, 2 / 32, 4 / 32, 8 / 32]  # every subset has a sum of its own


def heard_zones(hear: Hear, font: Font, key: int = 60, velocity: int = 127) -> set[int]:
    """The numbers of the samples that sound, from the sum of their levels."""
    sound = hear(font, played(0, 8192, key, velocity))
    if not len(sound) > 4096:
        return set()
    total = round(float(np.median(loudness(sound, 1)[2048:8000])) * 32 * (127 / velocity) ** 2)
    return {number for number in range(4) if total >> number & 1}


def layers(*zones: Zone, presets: list[Preset] | None = None) -> Font:
    samples = [Sample(steady(value), LOOPED) for value in LEVELS]
    return Font(samples, [Instrument(zones)], presets or [Preset()])


def test_all_zones_sound_whose_ranges_hold_key_and_velocity(hear: Hear) -> None:
    """43, 44: both ends belong to a range."""
    font = layers(
        zone(0, keys=(0, 60), sample_modes=1),
        zone(1, keys=(60, 72), sample_modes=1),
        zone(2, keys=(50, 70), velocities=(64, 127), sample_modes=1),
        zone(3, velocities=(100, 100), sample_modes=1),
    )
    for key, velocity, expected in [
        (59, 127, {0, 2}),
        (60, 63, {0, 1}),
        (60, 64, {0, 1, 2}),
        (61, 100, {1, 2, 3}),
        (72, 99, {1}),
        (71, 101, {1}),
    ]:
        assert heard_zones(hear, font, key, velocity) == expected, (key, velocity)


def test_a_presets_range_and_its_instruments_must_both_hold(hear: Hear) -> None:
    inside = [zone(0, keys=(40, 60), sample_modes=1), zone(1, keys=(55, 80), velocities=(1, 90), sample_modes=1)]
    font = layers(*inside, presets=[Preset([zone(0, keys=(58, 70), velocities=(80, 127))])])
    for key, velocity, expected in [
        (58, 85, {0, 1}),
        (60, 100, {0}),
        (65, 85, {1}),
    ]:
        assert heard_zones(hear, font, key, velocity) == expected, (key, velocity)


def test_two_presets_zones_may_play_the_same_instrument(hear: Hear) -> None:
    font = layers(zone(0, sample_modes=1), presets=[Preset([zone(0), zone(0)])])
    assert heard_zones(hear, font) == {1}, "twice sample 0 is as loud as sample 1"


def test_global_zones_are_defaults_of_the_zones_beside_them(hear: Hear) -> None:
    """7.3, 7.7: a first zone that plays nothing; a zone's own generator takes its place, a preset's global one adds."""
    samples = [Sample(steady(0.5), LOOPED)]
    font = Font(
        samples,
        [
            Instrument(
                [zone(None, attenuation=200, sample_modes=1), zone(0, keys=(0, 60)), zone(0, keys=(61, 127), attenuation=100)]
            )
        ],
        [Preset([zone(None, attenuation=30), zone(0, velocities=(0, 126)), zone(0, velocities=(127, 127), attenuation=10)])],
    )
    assert level(hear, font, key=60) == pytest.approx(-21, abs=LEVEL)
    assert level(hear, font, key=61) == pytest.approx(-11, abs=LEVEL)
    assert level(hear, font, key=61, velocity=126) == pytest.approx(-13 + 40 * np.log10(126 / 127), abs=LEVEL)


def test_only_the_first_zone_can_be_global(hear: Hear) -> None:
    font = Font(
        [Sample(steady(), LOOPED)], [Instrument([zone(0, sample_modes=1), zone(None, attenuation=300), zone(0, sample_modes=1)])]
    )
    assert level(hear, font) == pytest.approx(20 * np.log10(2), abs=LEVEL)


def test_what_follows_the_sample_in_a_zone_is_ignored(hear: Hear) -> None:
    """The terminal generator is a zone's last (7.9)."""
    font = one(Sample(steady(), LOOPED), sample_modes=1, sample=0, attenuation=300)
    assert level(hear, font) == pytest.approx(0, abs=LEVEL)


def test_presets_add_in_cents_and_timecents(hear: Hear) -> None:
    """9.4: half a semitone to a third, and of an attack of 1 s two."""
    sample = Sample(ramp())
    places = place(
        hear(preset_over(sample, zone(0, pan=-500, fine_tune=-20, coarse_tune=4), zone(0, fine_tune=70)), played(0, 8192))
    )
    assert cents(places, 1024, 4096) == pytest.approx(450, abs=EXACT)
    slow = preset_over(Sample(steady(), LOOPED), zone(0, sample_modes=1, volume_attack=0), zone(0, volume_attack=1200))
    assert loudness(hear(slow, played(0, 44100)))[44032] == pytest.approx(0.5 * seconds(0), abs=0.002)  # two blocks of 2 s


# --- exclusive classes ---


@pytest.mark.parametrize("classes, left", [((1, 1), {1}), ((1, 2), {0, 1}), ((0, 0), {0, 1})], ids=str)
def test_a_note_ends_those_of_its_exclusive_class(hear: Hear, classes: tuple[int, int], left: set[int]) -> None:
    """57: within the preset; 0 is no class. "Rapidly" is here by 40 dB in half a second, where its own release takes 4 s."""
    font = layers(
        zone(0, keys=(42, 42), sample_modes=1, exclusive_class=classes[0], volume_release=2400),
        zone(1, keys=(46, 46), sample_modes=1, exclusive_class=classes[1], volume_release=2400),
    )
    sound = hear(font, [*played(0, 40960, 42), *played(8192, 32768, 46)])
    heard = np.median(loudness(sound, 1)[8192 + 22050 : 8192 + 24000]) * 32
    assert heard == pytest.approx(sum(2**number for number in left), abs=0.01)


def test_zones_of_one_note_do_not_end_each_other(hear: Hear) -> None:
    font = layers(zone(0, sample_modes=1, exclusive_class=1), zone(1, sample_modes=1, exclusive_class=1))
    assert heard_zones(hear, font) == {0, 1}


def test_an_exclusive_class_is_its_channels_own(hear: Hear) -> None:
    font = layers(
        zone(0, keys=(42, 42), sample_modes=1, exclusive_class=1), zone(1, keys=(46, 46), sample_modes=1, exclusive_class=1)
    )
    sound = hear(font, [*played(0, 32768, 42), *played(8192, 24576, 46, channel=1)])
    assert np.median(loudness(sound, 1)[16384:24576]) * 32 == pytest.approx(3, abs=0.01)
