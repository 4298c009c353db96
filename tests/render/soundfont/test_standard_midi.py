"""What MIDI says, heard: MIDI 1.0, RP-015 (reset all controllers), GM2, GS and XG drum parts, and the SoundFont NRPN (9.6).

A tick is a frame here. Which sound plays is told by levels whose sums tell every subset apart; when, by a ramp.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from motet.render import Line, find
from motet.render.soundfont import load
from motet.render.soundfont.generators import AS_WRITTEN
from render.notation import Message, bend, control, note, part, program
from render.soundfont.conftest import Hear
from render.soundfont.making import RATE, Font, Instrument, Preset, Sample, click, noise, one, ramp, steady, zone
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
)

LEVEL = 0.01  # dB: gains are worked out, not measured; a table of whole centibels would be 0.05 off
EXACT = 0.1  # cents: single-precision rounding of places over a few hundred frames makes 0.05
SETTLE = 2 * BLOCK  # a change at a frame is heard in full after the ramp of the block that begins next
LEVELS = [2.0**-5, 2.0**-4, 2.0**-3, 2.0**-2]
ONE, TWO, FOUR, EIGHT = (1, 2, 4, 8)  # how loud those are, in the least


def flat(**generators: int) -> Font:
    return one(Sample(steady(), (64, 192)), sample_modes=1, **generators)


def tuned(**generators: int) -> Font:
    return one(Sample(ramp()), pan=-500, **generators)


def orchestra(*places: tuple[int, int]) -> Font:
    """Presets at these banks and programs, each as loud again as the one before."""
    samples = [Sample(steady(level), (64, 192)) for level in LEVELS]
    made = [Instrument([zone(number, sample_modes=1)]) for number in range(4)]
    return Font(samples, made, [Preset([zone(number)], program, bank) for number, (bank, program) in enumerate(places)])


def sounding(hear: Hear, font: Font, messages: list[Message], *at: int) -> list[float]:
    """The sum of what sounds at these frames, in the least of the orchestra's levels, to a tenth of it."""
    sound = loudness(hear(font, messages), 1) * 2**5
    return [round(float(np.median(sound[one : one + 512])) if one + 512 <= len(sound) else 0.0, 1) for one in at]


def pitch(hear: Hear, *messages: Message, font: Font | None = None) -> float:
    return float(cents(place(hear(font or tuned(), [*messages, *played(0, 8192)])), 1024, 4096))


def registered(number: int, coarse: int, fine: int = 0, tick: int = 0, channel: int = 0) -> list[Message]:
    """A registered parameter (RPN) and its value."""
    said = [(101, number >> 7), (100, number & 127), (6, coarse), (38, fine)]
    return [control(tick, controller, value, channel) for controller, value in said]


def generator(number: int, offset: int, tick: int = 0) -> list[Message]:
    """The SoundFont NRPN (9.6): the LSB of the value comes first, its MSB puts it to work."""
    value = offset + 8192
    said = [(99, 120), (98, number), (38, value & 127), (6, value >> 7)]
    return [control(tick, controller, one) for controller, one in said]


def exclusive(data: str, tick: int = 0) -> Message:
    body = bytes.fromhex(data)
    return tick, b"\xf0" + bytes([len(body)]) + body


GS_RESET = exclusive("41 10 42 12 40 00 7f 00 41 f7")
XG_ON = exclusive("43 10 4c 00 00 7e 00 f7")
GM_ON = exclusive("7e 7f 09 01 f7")
GM2_ON = exclusive("7e 7f 09 03 f7")


# --- when ---


def test_onsets_are_exact_under_twenty_tempo_changes_in_the_first_beat(tmp_path: Path) -> None:
    """The time of a tick is the exact sum of the tempi before it; a note at t seconds begins at frame round(44100 t).

    A steep ramp that sounds alone tells at which frame it began, wherever it is looked at.
    """
    tempi = [(24 * number, 300_000 + 61_717 * ((number * 7) % 20)) for number in range(20)]  # microseconds per quarter note
    ticks = [0, 1, 25, 100, 233, 455, 456, 479, 480, 481, 960, 1777]

    def time(tick: int) -> Fraction:
        spans = zip(tempi, [*tempi[1:], (10**9, 0)], strict=True)
        return sum((Fraction(max(0, min(tick, end) - start) * us, 480 * 10**6) for (start, us), (end, _) in spans), Fraction(0))

    font = find(str(tuned(volume_release=-12000, exclusive_class=1).write(tmp_path / "ramp.sf2")))
    changes = [(tick, b"\xff\x51\x03" + us.to_bytes(3)) for tick, us in tempi]
    synth = load(font, RATE, reading=AS_WRITTEN)
    unit = 0.0
    for tick in ticks:
        (audio,) = synth.render([Line(part([control(0, 7, 127), *changes, *note(tick, 400, 60, 127)]))])
        sound = audio[:, 0].astype(np.float64)
        onset = round(time(tick) * RATE)
        assert not sound[:onset].any()
        inside = np.arange(onset + 256, onset + 2048)
        unit = unit or float(np.polyfit(inside, sound[inside], 1)[0])  # of the first: a frame's rise
        began = inside - (sound[inside] / unit + 30000)
        assert began == pytest.approx(onset, abs=0.05), tick


def test_a_note_sounds_the_same_wherever_it_begins(hear: Hear) -> None:
    """To the bit, on a frame of the blocks or between."""
    font = one(Sample(noise(9000)), vib_lfo_to_pitch=30, filter_cutoff=9000, mod_env_to_filter=-2000, mod_decay=-2000)
    sound = hear(font, [*played(0, 8192, 55), *played(20001, 8192, 55)])
    assert np.array_equal(sound[:8192], sound[20001:28193])


def test_a_tail_rings_out(hear: Hear) -> None:
    """A release of 2 s after the last message: 50 dB in the first of them."""
    level = decibels(loudness(hear(flat(volume_release=1200), played(0, 8192))))
    at = np.arange(8192, 8192 + RATE * 1.2, 1000.0)
    follows(level[at.astype(int)], lambda t: -np.clip((t - 8192) / RATE * 50, 0, None), at, 0.02)
    assert len(level) > 8192 + 1.2 * RATE


def test_the_same_key_struck_again_ends_the_note_before(hear: Hear) -> None:
    """One key has one string. Both are gone after as many note-offs; a note that was let go rings on beside the next."""
    font = orchestra((0, 0))
    twice = [(0, b"\x90\x3c\x7f"), (16384, b"\x90\x3c\x7f"), (32768, b"\x80\x3c\x40"), (32768, b"\x80\x3c\x40")]
    assert sounding(hear, font, twice, 8192, 18000, 30000, 34000) == [ONE, ONE, ONE, 0]


def test_a_note_on_of_velocity_nought_is_a_note_off(hear: Hear) -> None:
    messages = [(0, b"\x90\x3c\x7f"), (8192, b"\x90\x3c\x00"), *played(30000, 500, 64)]
    assert sounding(hear, orchestra((0, 0)), messages, 4096, 9000) == [ONE, 0]


def test_channels_have_controllers_of_their_own(hear: Hear) -> None:
    font = orchestra((0, 0), (0, 1))
    messages = [program(0, 1, 1), control(0, 7, 0, 1), control(8192, 7, 127, 1), *played(0, 16384), *played(0, 16384, channel=1)]
    assert sounding(hear, font, messages, 4096, 12000) == [ONE, ONE + TWO]


# --- which sound ---


def test_a_bank_and_a_program(hear: Hear) -> None:
    """Controller 0, and the program after it (MIDI 1.0). A bank alone changes nothing yet."""
    font = orchestra((0, 0), (0, 9), (3, 9))
    messages = [
        *played(0, 8192),
        program(8192, 9),
        *played(8192, 8192),
        control(16384, 0, 3),
        *played(16384, 8192),
        program(24576, 9),
        *played(24576, 8192),
    ]
    assert sounding(hear, font, messages, 4096, 12288, 20480, 28672) == [ONE, TWO, TWO, FOUR]


def test_a_bank_that_a_font_lacks_is_the_capital_tone(hear: Hear) -> None:
    messages = [control(0, 0, 7), program(0, 9), *played(0, 8192)]
    assert sounding(hear, orchestra((0, 0), (0, 9)), messages, 4096) == [TWO]


def test_a_program_change_leaves_the_notes_that_sound(hear: Hear) -> None:
    messages = [*played(0, 24576, 60), program(8192, 9), *played(12288, 8192, 64)]
    assert sounding(hear, orchestra((0, 0), (0, 9)), messages, 4096, 10000, 16384, 22000) == [ONE, ONE, ONE + TWO, ONE]


def test_channel_ten_plays_kits(hear: Hear) -> None:
    """Bank 128 (7.2), by program."""
    font = orchestra((0, 0), (0, 8), (128, 0), (128, 8))
    messages = [*played(0, 8192, channel=9), program(8192, 8, 9), *played(8192, 8192, channel=9)]
    assert sounding(hear, font, messages, 4096, 12288) == [FOUR, EIGHT]


@pytest.mark.parametrize("part_, channel", [("11", 0), ("1a", 10), ("1f", 15), ("19", 8)], ids=["1", "11", "16", "9"])
def test_gs_makes_any_part_a_drum_part(hear: Hear, part_: str, channel: int) -> None:
    """40 1x 15: block 0 is part 10, blocks 1 to 9 are parts 1 to 9, A to F parts 11 to 16."""
    told = exclusive(f"41 10 42 12 40 {part_} 15 02 00 f7")
    messages = [GS_RESET, (100, told[1]), control(200, 7, 127, channel), *played(1000, 8192, channel=channel)]
    font = orchestra((0, 0), (0, 9), (128, 0))
    assert sounding(hear, font, messages, 5000) == [FOUR]
    assert sounding(hear, font, [GS_RESET, *messages[2:]], 5000) == [ONE]


def test_gs_makes_channel_ten_an_instrument(hear: Hear) -> None:
    told = exclusive("41 10 42 12 40 10 15 00 00 f7", 100)
    messages = [GS_RESET, told, control(200, 7, 127, 9), *played(1000, 8192, channel=9)]
    assert sounding(hear, orchestra((0, 0), (128, 0)), messages, 5000) == [ONE]


def test_xg_makes_a_channel_drums_by_its_bank(hear: Hear) -> None:
    """XG: bank MSB 127 are drum kits; where it is 0, the LSB chooses among the variations."""
    font = orchestra((0, 5), (4, 5), (128, 5))
    drums = [XG_ON, control(50, 7, 127), control(100, 0, 127), program(100, 5), *played(1000, 8192)]
    varied = [XG_ON, control(50, 7, 127), control(100, 0, 0), control(100, 32, 4), program(100, 5), *played(1000, 8192)]
    assert sounding(hear, font, drums, 5000) == [FOUR]
    assert sounding(hear, font, varied, 5000) == [TWO]


def test_gm2_makes_a_channel_drums_by_its_bank(hear: Hear) -> None:
    """GM2: bank MSB 120 is rhythm, 121 melody with the variation in the LSB."""
    font = orchestra((0, 5), (4, 5), (128, 5))
    drums = [GM2_ON, control(50, 7, 127), control(100, 0, 120), control(100, 32, 0), program(100, 5), *played(1000, 8192)]
    varied = [GM2_ON, control(50, 7, 127), control(100, 0, 121), control(100, 32, 4), program(100, 5), *played(1000, 8192)]
    assert sounding(hear, font, drums, 5000) == [FOUR]
    assert sounding(hear, font, varied, 5000) == [TWO]


@pytest.mark.parametrize("reset", [GM_ON, GM2_ON, GS_RESET, XG_ON], ids=["GM", "GM2", "GS", "XG"])
def test_a_reset_of_the_system_goes_back_to_the_first_program(hear: Hear, reset: Message) -> None:
    """And with it controllers: expression to 127. Volume is 100 then, 4.15 dB less than the tests' own."""
    before = [program(0, 9), control(0, 11, 10), bend(0, 0)]
    messages = [*before, (1000, reset[1]), *played(2000, 8192)]
    font = orchestra((0, 0), (0, 9))
    assert sounding(hear, font, messages, 6000) == [round((100 / 127) ** 2, 1)]


# --- pitch ---


@pytest.mark.parametrize("coarse, fine, semitones", [(2, 0, 2), (2, 50, 2.5), (24, 0, 24), (0, 0, 0)])
def test_rpn_0_sets_how_far_the_wheel_bends(hear: Hear, coarse: int, fine: int, semitones: float) -> None:
    """Semitones in the MSB, cents in the LSB. The wheel is at three quarters: half of the range."""
    assert pitch(hear, *registered(0, coarse, fine), bend(0, 12288)) == pytest.approx(50 * semitones, abs=EXACT)


@pytest.mark.parametrize(
    "number, coarse, fine, expected",
    [
        (1, 64, 0, 0),
        (1, 96, 0, 50),
        (1, 0, 0, -100),
        (1, 64, 64, 100 * 64 / 8192),
        (2, 64, 0, 0),
        (2, 59, 0, -500),
        (2, 76, 0, 1200),
    ],
)
def test_rpn_1_and_2_tune_a_channel(hear: Hear, number: int, coarse: int, fine: int, expected: float) -> None:
    """Fine tuning in 8192ths of a semitone, coarse tuning in semitones, each about the middle."""
    assert pitch(hear, *registered(number, coarse, fine)) == pytest.approx(expected, abs=EXACT)


def test_tuning_and_bend_add(hear: Hear) -> None:
    messages = [*registered(2, 67), *registered(1, 80), *registered(0, 12), bend(0, 4096)]
    assert pitch(hear, *messages) == pytest.approx(300 + 25 - 600, abs=EXACT)


def test_data_after_the_null_parameter_is_nobodys(hear: Hear) -> None:
    messages = [*registered(2, 67), control(0, 101, 127), control(0, 100, 127), control(0, 6, 10)]
    assert pitch(hear, *messages) == pytest.approx(300, abs=EXACT)


@pytest.mark.parametrize("number, offset, expected", [(52, 50, 50), (52, -30, -30), (51, 7, 700), (51, -12, -1200)], ids=str)
def test_nrpn_tunes_by_a_generator(hear: Hear, number: int, offset: int, expected: float) -> None:
    """9.6: MSB 120, and the generator's number; an offset in its units about 8192."""
    assert pitch(hear, *generator(number, offset)) == pytest.approx(expected, abs=EXACT)


def test_nrpn_waits_for_the_msb_of_its_value_and_ends_with_an_rpn(hear: Hear) -> None:
    """9.6.3: applied when the MSB comes, and only if no RPN was chosen since."""
    chosen = [control(0, 99, 120), control(0, 98, 51), control(0, 38, 7)]
    assert pitch(hear, *chosen) == pytest.approx(0, abs=EXACT)
    assert pitch(hear, *chosen, control(0, 6, 64)) == pytest.approx(700, abs=EXACT)
    assert pitch(hear, *chosen, *registered(2, 67)) == pytest.approx(300, abs=EXACT)


def test_nrpn_leaves_alone_what_is_no_matter_of_real_time(hear: Hear) -> None:
    """9.6.2: root key and fixed key, for two."""
    assert pitch(hear, *generator(58, -12), *generator(46, 72)) == pytest.approx(0, abs=EXACT)


def test_nrpn_reaches_attenuation_pan_and_the_notes_that_sound(hear: Hear) -> None:
    font = flat(attenuation=100)
    level = decibels(loudness(hear(font, [*generator(48, 60, 16384), *played(0, 32768)])))
    assert level[2048 : 16384 - BLOCK] == pytest.approx(-10, abs=LEVEL)
    assert level[16384 + SETTLE : 32000] == pytest.approx(-16, abs=LEVEL)
    sound = hear(flat(), [*generator(17, -500), *played(0, 8192)])
    assert np.abs(sound[2048:8000, 1]).max() < 0.0065 * 0.5  # a controller's 64 is a step off centre


def test_nrpn_moves_the_cutoff_by_two_cents_a_step(hear: Hear) -> None:
    """9.6.3: a range of more than 8192 units is halved until 14 bits reach across."""
    font = one(Sample(click(1024)), pan=-500, filter_cutoff=9600)
    assert cutoff(hear(font, [*generator(8, -600), *played(0, 16384)]), 1024) == pytest.approx(9600 - 1200, abs=10)


def gliding(hear: Hear, *before: Message, first: int = 48, last: int = 60) -> Sound:
    """The pitch of a note played after another, in cents below its own key, over time."""
    font = tuned()
    messages = [*before, *played(0, 2048, first), *played(4096, 60032 - 4096, last)]
    places = place(hear(font, messages))
    at = np.arange(4096 + 4 * BLOCK, 44000, BLOCK)
    return cents(places, at)


def test_portamento_glides_from_the_key_before(hear: Hear) -> None:
    """Controller 65, with the time in 5: from an octave below up to the key, without a step back. Its speed is left free."""
    measured = gliding(hear, control(0, 65, 127), control(0, 5, 64))
    assert -1200 <= measured[0] < -600
    assert (np.diff(measured) > -0.5).all()
    assert measured[-1] == pytest.approx(0, abs=0.5)


def test_a_longer_portamento_time_takes_longer(hear: Hear) -> None:
    def under_way(time: int) -> int:
        measured = gliding(hear, control(0, 65, 127), control(0, 5, time))
        return int((measured < -10).sum())

    assert under_way(30) < under_way(64) < under_way(80)


def test_without_its_switch_nothing_glides(hear: Hear) -> None:
    measured = gliding(hear, control(0, 65, 0), control(0, 5, 64))
    assert measured == pytest.approx(0, abs=0.5)


def test_portamento_control_names_the_key_to_glide_from(hear: Hear) -> None:
    """Controller 84, for the next note alone and without the switch."""
    measured = gliding(hear, control(0, 5, 64), control(4000, 84, 72))
    assert 600 < measured[0] <= 1200
    assert measured[-1] == pytest.approx(0, abs=0.5)


# --- pedals, and the channel mode messages ---


@pytest.mark.parametrize("value, held", [(127, True), (64, True), (63, False), (0, False)])
def test_the_hold_pedal(hear: Hear, value: int, held: bool) -> None:
    """64: down from a value of 64."""
    messages = [control(0, 64, value), *played(0, 8192), control(24576, 64, 0), *played(40000, 500)]
    assert sounding(hear, orchestra((0, 0)), messages, 4096, 16384, 26000) == [ONE, ONE if held else 0, 0]


def test_the_sostenuto_pedal_holds_the_keys_that_are_down(hear: Hear) -> None:
    """66: the first note, and not the second, struck later."""
    font = Font(
        [Sample(steady(level), (64, 192)) for level in LEVELS[:2]],
        [Instrument([zone(0, keys=(60, 60), sample_modes=1), zone(1, keys=(64, 64), sample_modes=1)])],
    )
    messages = [
        *played(0, 8192, 60),
        control(4096, 66, 127),
        *played(6000, 8192, 64),
        control(24576, 66, 0),
        *played(40000, 500, 30),
    ]
    assert sounding(hear, font, messages, 2048, 7000, 12000, 20000, 26000) == [ONE, ONE + TWO, ONE + TWO, ONE, 0]


def test_all_sound_off_ends_even_what_rings(hear: Hear) -> None:
    """120: "as soon as possible", not by its release of 4 s: nothing is left after a twentieth of a second."""
    font = flat(volume_release=2400)
    sound = loudness(hear(font, [control(0, 64, 127), *played(0, 24576), control(8192, 120, 0), *played(30000, 500, 30)]))
    assert sound[8000] == pytest.approx(1, abs=0.001)
    assert sound[8192 + RATE // 20 : 29000].max() < 1e-4


def test_all_notes_off_lets_go_and_heeds_the_pedal(hear: Hear) -> None:
    """123: like so many note-offs."""
    font = orchestra((0, 0))
    off = [*played(0, 24576, 60), *played(0, 24576, 64), control(8192, 123, 0), *played(40000, 500, 30)]
    assert sounding(hear, font, off, 4096, 12000) == [TWO, 0]
    assert sounding(hear, font, [control(0, 64, 127), *off], 4096, 12000) == [TWO, TWO]


def test_reset_all_controllers(hear: Hear) -> None:
    """121, RP-015: wheel, modulation, expression and pressures go back; volume, pan, program, bank and tunings stay."""
    before = [control(0, 11, 30), bend(0, 0), control(0, 1, 127), (0, b"\xd0\x7f"), *registered(2, 67)]
    messages = [*before, control(100, 121, 0), *played(200, 44032)]
    places = place(hear(tuned(), messages))
    at = np.arange(1024, 40000, 512)
    assert cents(places, at, 512) == pytest.approx(300, abs=EXACT)
    font = orchestra((0, 0), (0, 9))
    kept = [program(0, 9), control(0, 7, 110), control(0, 11, 3), control(100, 121, 0), *played(200, 8192)]
    assert sounding(hear, font, kept, 4096) == [round(2 * (110 / 127) ** 2, 1)]


def test_reset_all_controllers_lifts_the_pedal(hear: Hear) -> None:
    messages = [control(0, 64, 127), *played(0, 8192), control(16384, 121, 0), *played(40000, 500, 30)]
    assert sounding(hear, orchestra((0, 0)), messages, 12000, 18000) == [ONE, 0]


# --- sends ---


@pytest.mark.parametrize("number, name", [(91, "reverb"), (93, "chorus")])
def test_a_send_is_heard_by_its_generator_and_its_controller(hear: Hear, number: int, name: str) -> None:
    """15, 16 and 8.4.8, 8.4.9: in tenths of a percent of the sound; a controller at 127 adds 20 %. None leaves it dry."""
    plain = one(Sample(noise(9000)), chorus=0, reverb=0)
    dry = [control(0, 91, 0), control(0, 93, 0), *played(0, 16384)]
    reference = hear(plain, dry, wet=True)

    def added(font: Font, value: int) -> float:
        sound = hear(font, [control(0, 91, 0), control(0, 93, 0), control(0, number, value), *played(0, 16384)], wet=True)
        wet = np.zeros((max(len(sound), len(reference)), 2))
        wet[: len(sound)] = sound
        wet[: len(reference)] -= reference
        return float(np.sqrt((wet**2).sum()))

    sent = one(Sample(noise(9000)), **{name: 200})
    assert added(plain, 0) == 0
    whole = added(plain, 127)
    assert whole > 0.001 * np.sqrt((reference**2).sum())
    assert added(sent, 0) == pytest.approx(whole, rel=0.02)  # the controller's top is 1 or 127/128, and tails end by level
    assert added(sent, 127) == pytest.approx(2 * whole, rel=0.02)
