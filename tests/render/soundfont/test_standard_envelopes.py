"""Envelopes and LFOs of SoundFont 2.04 (8.1.2, 5 to 7, 13 and 21 to 40; 9.1.6, 9.1.7): their shape over time.

The volume envelope is heard as the level of a constant, the modulation envelope and the LFOs as the pitch of a ramp. Each value
is held against its law within two blocks of 64 frames, the step in which control values may move.
"""

from __future__ import annotations

import numpy as np
import pytest

from motet.render.soundfont.generators import AS_PLAYED, AS_WRITTEN, Reading
from render.soundfont.conftest import Hear
from render.soundfont.making import RATE, Font, Sample, one, ramp, steady
from render.soundfont.measuring import (
    BLOCK,
    Sound,
    cents,
    decibels,
    follows,
    hertz,
    loudness,
    place,
    played,
    seconds,
    triangle,
)

DECIBELS = 0.02  # on top of what two blocks make: a gain that moves straight from block to block cuts corners by less
LINEAR = 0.002  # of full scale, likewise
CENTS = 0.3  # likewise, and the rounding of places over one block makes 0.05
OFF = 22016  # 344 blocks: half a second
HEARD = 0.6 * RATE  # frames of a release of 1 s: 60 dB, after which a buffer may end for want of sound


def flat(**generators: int) -> Font:
    return one(Sample(steady(), (64, 192)), sample_modes=1, **generators)


def tuned(**generators: int) -> Font:
    return one(Sample(ramp()), pan=-500, **generators)


def between(first: float, last: float) -> Sound:
    return np.arange(first, last, 100.0)


def held_to(measured: Sound, at: Sound) -> Sound:
    return np.asarray(measured[at.astype(int)])


# --- the volume envelope ---


def test_it_waits_for_its_delay(hear: Hear) -> None:
    """33: -1200 timecents are half a second."""
    gain = loudness(hear(flat(volume_delay=-1200), played(0, 44032)))
    assert not gain[: RATE // 2 - BLOCK].any()
    assert gain[RATE // 2 + 43 + 2 * BLOCK : 44000] == pytest.approx(1, abs=LINEAR)


@pytest.mark.parametrize("timecents", [-2400, -1200, 0])
def test_the_attack_is_linear_in_amplitude(hear: Hear, timecents: int) -> None:
    """34: "linear in amplitude" is what 8.1.2 calls convex in decibels: its time is that to the peak."""
    frames = seconds(timecents) * RATE
    gain = loudness(hear(flat(volume_attack=timecents), played(0, 60032)))
    at = between(0, 60000)
    follows(held_to(gain, at), lambda t: np.clip(t / frames, 0, 1), at, LINEAR)


def test_without_an_attack_it_is_over_in_a_millisecond(hear: Hear) -> None:
    """-12000 timecents, the default."""
    gain = loudness(hear(flat(), played(0, 8192)))
    assert gain[44 + BLOCK : 8000] == pytest.approx(1, abs=LINEAR)


@pytest.mark.parametrize("reading, span", [(AS_WRITTEN, 100.0), (AS_PLAYED, 96.0)], ids=["written", "played"])
def test_hold_decay_and_sustain(hear: Hear, reading: Reading, span: float) -> None:
    """35, 36, 37: a quarter of a second at the peak, then so many dB in 2 s as full scale has, down to 12 % of it."""
    font = flat(volume_hold=-2400, volume_decay=1200, volume_sustain=120)
    level = decibels(loudness(hear(font, played(0, 60032), reading)))
    start = RATE * (seconds(-2400) + seconds(-12000))
    at = between(256, 60000)
    follows(held_to(level, at), lambda t: -np.clip((t - start) / RATE / 2 * span, 0, 0.12 * span), at, DECIBELS)


def test_a_sustain_of_nothing_decays_to_silence(hear: Hear) -> None:
    """The decay lasts until -100 dB, of which 90 must be heard."""
    sound = hear(flat(volume_decay=-1200, volume_sustain=1000), played(0, 60032))
    level = decibels(loudness(sound))
    at = between(256, 0.44 * RATE)
    follows(held_to(level, at), lambda t: -np.clip((t - RATE / 1024) / (RATE / 2) * 100, 0, 100), at, 0.1)
    assert np.abs(sound[RATE // 2 + 128 :]).max(initial=0) < 2e-5


@pytest.mark.parametrize("reading, span", [(AS_WRITTEN, 100.0), (AS_PLAYED, 96.0)], ids=["written", "played"])
def test_the_release_is_linear_in_decibels(hear: Hear, reading: Reading, span: float) -> None:
    """38: the time of full scale; it begins where the sound is, here at -6 %."""
    font = flat(volume_decay=-12000, volume_sustain=60, volume_release=0)
    level = decibels(loudness(hear(font, played(0, OFF), reading)))
    at = between(1024, OFF + HEARD)
    follows(held_to(level, at), lambda t: -0.06 * span - np.clip((t - OFF) / RATE * span, 0, None), at, DECIBELS)


def test_a_release_in_the_attack_begins_at_its_level(hear: Hear) -> None:
    level = decibels(loudness(hear(flat(volume_attack=0, volume_release=0), played(0, OFF))))
    peak = 20 * np.log10(OFF / RATE)
    assert level[OFF] == pytest.approx(peak, abs=0.06)  # two blocks of the attack
    at = between(OFF + 256, OFF + HEARD)
    follows(held_to(level, at), lambda t: peak - (t - OFF) / RATE * 100, at, 0.06)


def test_a_note_let_go_in_its_delay_is_not_heard(hear: Hear) -> None:
    """Nothing has begun that could be released."""
    assert not hear(flat(volume_delay=0), played(0, OFF)).any()


def test_a_note_off_between_blocks_waits_for_the_next(hear: Hear) -> None:
    """A note struck at frame 1000 and let go 9,990 later: its level is left after 157 blocks, with what one ramp makes."""
    level = decibels(loudness(hear(flat(volume_release=-1200), played(1000, 9990))))
    off = 1000 + 157 * BLOCK
    assert level[2000 : off - 1] == pytest.approx(0, abs=DECIBELS)
    assert level[off + 640] == pytest.approx(-200 * 640 / RATE, abs=200 * 2 * BLOCK / RATE)


@pytest.mark.parametrize("key, factor", [(48, 2.0), (60, 1.0), (72, 0.5), (84, 0.25)])
def test_hold_and_decay_follow_the_key(hear: Hear, key: int, factor: float) -> None:
    """39, 40: 100 timecents a key shorten by half an octave up, about key 60."""
    hold = flat(volume_hold=-2400, key_to_volume_hold=100, volume_decay=-1200, scale_tuning=0, volume_sustain=300)
    decay = flat(volume_hold=-3600, volume_decay=0, key_to_volume_decay=100, volume_sustain=300, scale_tuning=0)
    at = between(256, 44000)

    def holds(font: Font, held: float, fall: float) -> None:
        """For so many seconds, then falls by so many dB in one."""
        level = decibels(loudness(hear(font, played(0, 44032, key))))
        start = RATE * (held + seconds(-12000))
        follows(held_to(level, at), lambda t: -np.clip((t - start) / RATE * fall, 0, 30), at, DECIBELS)

    holds(hold, 0.25 * factor, 200)
    holds(decay, 0.125, 100 / factor)


def test_the_modulation_envelopes_hold_and_decay_follow_the_key_too(hear: Hear) -> None:
    """31, 32: two octaves below key 60, 50 timecents a key make the one twice as long and the other half."""
    scaled = {"mod_hold": -3600, "key_to_mod_hold": 50, "mod_decay": -1200, "key_to_mod_decay": -50}
    measured, at = pitches(hear, tuned(mod_env_to_pitch=300, mod_sustain=1000, scale_tuning=0, **scaled), 40000, key=36)
    quarter = RATE * seconds(-2400)
    follows(measured, lambda t: 300 * np.clip(1 - (t - quarter - RATE / 1024) / quarter, 0, 1), at, CENTS)


# --- the modulation envelope ---


def pitches(hear: Hear, font: Font, last: int, *, off: int = 44032, key: int = 60) -> tuple[Sound, Sound]:
    """The pitch in cents over each block, and the frame in its middle, once the volume's own attack is over."""
    at = np.arange(BLOCK * 2, last, BLOCK)
    return cents(place(hear(font, played(0, off, key))), at), np.asarray(at + BLOCK / 2, np.float64)


def convex(rise: Sound) -> Sound:
    """The convex curve of the standard, 96 dB deep, from 0 to 1."""
    return np.clip(1 + 40 / 96 * np.log10(np.maximum(rise, 1e-9)), 0, 1)


def test_its_delay_attack_hold_and_decay(hear: Hear) -> None:
    """25 to 29: an eighth of a second each, then in a quarter as far as 60 % of full scale, in tenths of a percent."""
    font = tuned(mod_env_to_pitch=300, mod_delay=-3600, mod_attack=-3600, mod_hold=-3600, mod_decay=-2400, mod_sustain=400)
    measured, at = pitches(hear, font, 40000)
    step = RATE / 8

    def law(t: Sound) -> Sound:
        return 300 * np.minimum(convex((t - step) / step), np.clip(1 - (t - 3 * step) / (2 * step), 0.6, 1))

    follows(measured, law, at, CENTS)


def test_its_release_is_linear_from_where_it_is(hear: Hear) -> None:
    """30: from 70 % at a full scale in half a second. The sample ends before the volume's release of 100 s makes 0.7 dB,
    which the ramp's slope is freed from."""
    font = tuned(mod_env_to_pitch=300, mod_decay=-12000, mod_sustain=300, mod_release=-1200, volume_release=8000)
    sound = hear(font, played(0, OFF))[:50000]
    released = np.clip(np.arange(len(sound)) - OFF, 0, None) / RATE
    at = np.arange(BLOCK * 2, 44000, BLOCK)
    measured = cents(place(sound * 10 ** (100 * released / seconds(8000) / 20)[:, None]), at)
    follows(measured, lambda t: 300 * np.clip(0.7 - (t - OFF) / (RATE / 2), 0, 0.7), at + BLOCK / 2, 3)


def test_a_negative_depth_lowers(hear: Hear) -> None:
    measured, _ = pitches(hear, tuned(mod_env_to_pitch=-700), 40000)
    assert measured == pytest.approx(-700, abs=CENTS)


# --- LFOs ---


@pytest.mark.parametrize("lfo", ["mod_lfo", "vib_lfo"])
@pytest.mark.parametrize("depth", [100, -40])
def test_an_lfo_to_pitch(hear: Hear, lfo: str, depth: int) -> None:
    """5, 6 with 21 to 24: a triangle of so many cents that begins to rise after its delay, an eighth of a second here."""
    font = tuned(**{f"{lfo}_to_pitch": depth, f"{lfo}_delay": -3600, f"{lfo}_frequency": -1200})
    measured, at = pitches(hear, font, 50000, off=60032)
    follows(measured, lambda t: depth * triangle((t / RATE - 0.125) * hertz(-1200)), at, CENTS)


def test_an_lfo_without_a_delay_begins_with_the_note(hear: Hear) -> None:
    """Its default frequency, 0 cents, is 8.176 Hz; the default delay of a millisecond is less than a block."""
    measured, at = pitches(hear, tuned(vib_lfo_to_pitch=50), 50000, off=60032)
    follows(measured, lambda t: 50 * triangle(t / RATE * 8.176), at, CENTS)


def test_both_lfos_and_the_envelope_add(hear: Hear) -> None:
    font = tuned(mod_lfo_to_pitch=30, mod_lfo_frequency=-1200, vib_lfo_to_pitch=20, vib_lfo_frequency=-2400, mod_env_to_pitch=100)
    measured, at = pitches(hear, font, 50000, off=60032)
    follows(
        measured,
        lambda t: 100 + 30 * triangle(t / RATE * hertz(-1200)) + 20 * triangle(t / RATE * hertz(-2400)),
        at,
        CENTS,
    )


@pytest.mark.parametrize("depth", [60, -100])
def test_the_modulation_lfo_to_volume(hear: Hear, depth: int) -> None:
    """13: a positive excursion makes a sound louder by so many centibels; at -20 dB there is room to either side."""
    font = flat(attenuation=200, mod_lfo_to_volume=depth, mod_lfo_frequency=-2400)
    level = decibels(loudness(hear(font, played(0, 60032))))
    at = between(256, 60000)
    follows(held_to(level, at), lambda t: -20 + depth / 10 * triangle(t / RATE * hertz(-2400)), at, DECIBELS)


def test_the_vibrato_lfo_leaves_the_volume_alone(hear: Hear) -> None:
    gain = loudness(hear(flat(vib_lfo_to_pitch=100), played(0, 30016)))
    assert gain[512:30000] == pytest.approx(1, abs=LINEAR)
