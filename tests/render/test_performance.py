"""What a synth is told to do: with `raw`, as one is told that has SoundFont's modulators; resets and drum parts for all."""

import time
from collections import Counter
from collections.abc import Callable, Iterable

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from motet.render import Audio, RenderError
from motet.render.performance import AT_FIRST, KITS, Action, Verb, wanted
from motet.render.timeline import actions, read
from render.notation import RATE, TICKS, Message, bend, control, note, part, program

GS_RESET = "41 10 42 12 40 00 7f 00 41"
XG_ON = "43 10 4c 00 00 7e 00"
GM_ON, GM2_ON = "7e 7f 09 01", "7e 7f 09 03"
Told = tuple[Verb, float, float]


def sysex(tick: int, data: str, *, start: int = 0xF0, end: str = "f7") -> Message:
    body = bytes.fromhex(data + end)
    return tick, bytes([start, len(body)]) + body


def pressure(tick: int, value: int, channel: int = 0) -> Message:
    return tick, bytes([0xD0 | channel, value])


def key_pressure(tick: int, key: int, value: int, channel: int = 0) -> Message:
    return tick, bytes([0xA0 | channel, key, value])


def controls(tick: int, *pairs: tuple[int, int], channel: int = 0) -> list[Message]:
    return [control(tick, controller, value, channel) for controller, value in pairs]


def told(messages: Iterable[Message], *verbs: Verb) -> list[Told]:
    """What is told raw, of these verbs."""
    return [(verb, a, b) for _, verb, _, a, b in actions(part(messages), RATE, raw=True) if verb in verbs]


def sounds(messages: Iterable[Message]) -> list[tuple[float, float]]:
    """The bank and program of each note."""
    playing: dict[int, tuple[float, float]] = {}
    played = []
    for _, verb, channel, a, b in actions(part(messages), RATE):
        if verb is Verb.PRESET:
            playing[channel] = (a, b)
        elif verb is Verb.NOTE_ON:
            played.append(playing[channel])
    return played


# --- controllers as they are ---


def test_controllers_are_told_as_they_are_and_only_when_they_change() -> None:
    messages = [*controls(0, (1, 20), (7, 90), (1, 20), (1, 21), (67, 127), (74, 3), (91, 0)), *note(0, TICKS, 60)]
    assert told(messages, Verb.CONTROL, Verb.GAIN, Verb.PAN, Verb.TUNING) == [
        (Verb.CONTROL, *pair) for pair in ((1, 20), (7, 90), (1, 21), (67, 127), (74, 3), (91, 0))
    ]


def test_a_pedal_holds_notes_and_is_told_too() -> None:
    pedalled = [control(0, 64, 127), *note(0, TICKS, 60), control(2 * TICKS, 64, 0)]
    heard = [(frame, verb, a) for frame, verb, _, a, _ in actions(part(pedalled), RATE, raw=True) if verb is not Verb.PRESET]
    assert heard == [(0, Verb.CONTROL, 64), (0, Verb.NOTE_ON, 60), (RATE, Verb.CONTROL, 64), (RATE, Verb.NOTE_OFF, 60)]


def test_banks_parameters_and_modes_are_resolved() -> None:
    selected = controls(0, (0, 3), (32, 1), (101, 0), (100, 0), (6, 12), (38, 50), (96, 1), (123, 0), (127, 0))
    assert told(selected, Verb.CONTROL) == []
    assert told(selected, Verb.WHEEL_RANGE)[-1] == (Verb.WHEEL_RANGE, 12.5, 0)


def test_pressures_and_the_wheel_are_told() -> None:
    messages = [pressure(0, 5), pressure(0, 5), key_pressure(0, 60, 7), bend(0, 100), bend(0, 100)]
    assert told(messages, Verb.PRESSURE, Verb.KEY_PRESSURE, Verb.WHEEL) == [
        (Verb.PRESSURE, 5, 0),
        (Verb.KEY_PRESSURE, 60, 7),
        (Verb.WHEEL, 100, 0),
    ]


# --- generators ---


@pytest.mark.parametrize(
    ("generator", "entry", "offset"),
    [
        (8, 8192 + 600, 1200),  # filter cutoff: two cents a step (SoundFont 2.04, section 9.6)
        (22, 0, -32768),  # frequency of an oscillator: four
        (48, 16383, 8191),  # attenuation: one centibel
    ],
)
def test_a_soundfont_nrpn_offsets_a_generator(generator: int, entry: int, offset: float) -> None:
    selected = controls(0, (99, 120), (98, generator), (38, entry & 127), (6, entry >> 7))
    assert told(selected, Verb.GENERATOR)[-1] == (Verb.GENERATOR, generator, offset)


@pytest.mark.parametrize(
    "selection",
    [
        [(99, 1), (98, 8)],  # another maker's
        [(99, 120), (98, 100), (98, 8)],  # generator 108
        [(99, 120), (98, 101), (98, 102), (98, 8)],  # 11008
        [(99, 120), (98, 53)],  # which sample: nothing to add to
        [(99, 120), (98, 8), (101, 127), (100, 127)],  # none any more
    ],
)
def test_what_selects_no_generator_offsets_none(selection: list[tuple[int, int]]) -> None:
    assert told(controls(0, *selection, (6, 70)), Verb.GENERATOR, Verb.WHEEL_RANGE, Verb.TUNING) == []


def test_data_goes_to_what_was_selected_last() -> None:
    both = controls(0, (99, 120), (98, 100), (98, 8), (98, 8), (6, 65), (101, 0), (100, 2), (6, 66), (98, 9), (6, 70))
    assert told(both, Verb.GENERATOR, Verb.TUNING) == [(Verb.GENERATOR, 8, 256), (Verb.TUNING, 2, 0)]


# --- portamento ---


def test_a_note_glides_from_the_one_before_while_portamento_is_on() -> None:
    switch = [*note(0, 9, 60), *controls(10, (5, 64), (65, 127)), *note(20, 9, 72), *note(40, 9, 72), *note(60, 9, 70)]
    glides = told([*switch, control(70, 65, 0), *note(80, 9, 50)], Verb.GLIDE, Verb.NOTE_ON)
    assert glides == [
        (Verb.NOTE_ON, 60, 100),
        (Verb.GLIDE, 60, 12 / 20),  # 20 semitones a second
        (Verb.NOTE_ON, 72, 100),
        (Verb.NOTE_ON, 72, 100),
        (Verb.GLIDE, 72, 2 / 20),
        (Verb.NOTE_ON, 70, 100),
        (Verb.NOTE_ON, 50, 100),
    ]


def test_a_named_key_is_glided_from_once() -> None:
    named = [*controls(0, (5, 64), (84, 48)), *note(10, 9, 60), *note(20, 9, 62)]
    assert told(named, Verb.GLIDE) == [(Verb.GLIDE, 48, 12 / 20)]


@pytest.mark.parametrize(("channel", "glide_time"), [(9, 64), (0, 0)])
def test_drums_do_not_glide_and_time_0_is_none(channel: int, glide_time: int) -> None:
    notes = [*note(10, 9, 40, channel=channel), *note(30, 9, 50, channel=channel)]
    assert told([*controls(0, (5, glide_time), (65, 127), channel=channel), *notes], Verb.GLIDE) == []


SC_55 = {2: 0.023, 4: 0.05, 8: 0.11, 16: 0.25, 32: 0.5, 64: 2.06, 80: 4.2, 96: 8.4, 112: 19.5, 116: 26.7, 120: 40, 124: 80}
"""Seconds that 40 semitones took by controller 5, as measured (dosbox-staging pull request 2705)."""


@pytest.mark.parametrize(("glide_time", "seconds"), SC_55.items())
def test_glides_last_as_on_the_device_that_was_measured(glide_time: int, seconds: float) -> None:
    messages = [*controls(0, (5, glide_time), (84, 40)), *note(0, TICKS, 80)]
    ((_, _, lasting),) = told(messages, Verb.GLIDE)
    assert 1 / 1.41 < lasting / seconds < 1.41


# --- resets ---


def test_reset_all_controllers_takes_back_what_rp_015_says() -> None:
    said = [*controls(0, (1, 9), (11, 50), (65, 127), (67, 127), (7, 80), (74, 9), (91, 3)), pressure(0, 4), bend(0, 0)]
    reset = [*said, key_pressure(0, 60, 7), control(TICKS, 121, 0), *note(TICKS, TICKS, 60)]
    later = {(verb, a, b) for frame, verb, _, a, b in actions(part(reset), RATE, raw=True) if frame == RATE // 2}
    assert later == {
        *((Verb.CONTROL, *pair) for pair in ((1, 0), (11, 127), (65, 0), (67, 0))),
        (Verb.PRESSURE, 0, 0),
        (Verb.KEY_PRESSURE, 60, 0),
        (Verb.WHEEL, 8192, 0),
        (Verb.NOTE_ON, 60, 100),
    }


@pytest.mark.parametrize(
    "reset",
    [
        GS_RESET,
        "41 10 42 12 00 00 7f 00 01",
        XG_ON,
        GM_ON,
        GM2_ON,
        "7e 05 09 01",
        "41 11 42 12 40 00 7f 00 00",
        "43 13 4c 00 00 7e 00",
    ],
)
def test_a_reset_message_puts_every_engine_back_whatever_device_it_names(
    reset: str, play: Callable[[list[Message]], Audio]
) -> None:
    """To the byte: what follows sounds as if nothing had been said before."""
    before = [program(0, 73), *controls(0, (7, 20), (10, 0), (1, 99), (101, 0), (100, 1), (6, 90)), bend(0, 0)]
    after = note(TICKS, TICKS, 69)
    assert np.array_equal(play([*before, sysex(TICKS // 2, reset), *after]), play(after))


def test_a_reset_comes_first_in_its_tick() -> None:
    """Tracks say their programs at the start, and the one with the reset may stand behind them in the file."""
    assert sounds([program(0, 73), sysex(0, GS_RESET), *note(0, TICKS, 60)]) == [(0, 73)]


def test_a_reset_ends_notes_that_pedals_hold() -> None:
    messages = [*controls(0, (64, 127), (66, 127)), *note(0, TICKS, 60), sysex(2 * TICKS, GM_ON), *note(8 * TICKS, TICKS, 62)]
    assert next(frame for frame, verb, *_ in actions(part(messages), RATE) if verb is Verb.NOTE_OFF) == RATE


def test_system_exclusive_in_pieces_is_joined() -> None:
    pieces = [sysex(5, "41 10 42", end=""), sysex(6, "12 40 00", start=0xF7, end=""), sysex(7, "7f 00 41", start=0xF7)]
    assert sounds([program(0, 73), *pieces, *note(TICKS, TICKS, 60)]) == [(0, 0)]


def test_system_exclusive_is_no_event_for_plugins() -> None:
    assert [event.status for event in read(part([sysex(0, XG_ON), program(0, 3)]), RATE)] == [0xC0]


# --- banks and drums ---


@pytest.mark.parametrize(
    ("reset", "coarse", "fine", "bank"), [(GS_RESET, 8, 2, 8), (XG_ON, 0, 2, 2), (GM2_ON, 121, 2, 2), (XG_ON, 64, 2, 64)]
)
def test_banks_are_counted_as_the_last_reset_says(reset: str, coarse: int, fine: int, bank: int) -> None:
    messages = [sysex(0, reset), *controls(1, (0, coarse), (32, fine)), program(1, 5), *note(2, TICKS, 60)]
    assert sounds(messages) == [(bank, 5)]


@pytest.mark.parametrize(
    ("messages", "sound"),
    [
        ([sysex(0, GS_RESET), sysex(1, "41 10 42 12 40 12 15 01 00")], (KITS, 25)),  # part 2, map 1
        ([sysex(0, GS_RESET), sysex(1, "41 10 42 12 40 12 15 00 00")], (0, 25)),
        ([sysex(0, XG_ON), control(1, 0, 127, 1)], (KITS, 25)),
        ([sysex(0, XG_ON), control(1, 0, 126, 1)], (KITS, 56)),  # sound effects
        ([sysex(0, XG_ON), sysex(1, "43 10 4c 08 01 07 02")], (KITS, 25)),
        ([sysex(0, GM2_ON), control(1, 0, 120, 1)], (KITS, 25)),
        ([control(1, 0, 127, 1)], (127, 25)),
        ([sysex(0, "41 10 42 12 40 12 15 01 00"), sysex(1, GS_RESET)], (0, 25)),
    ],
)
def test_a_channel_may_be_made_drums(messages: list[Message], sound: tuple[int, int]) -> None:
    assert sounds([*messages, program(2, 25, 1), *note(3, TICKS, 36, channel=1)]) == [sound]


def test_drums_on_another_channel_sound_like_drums(play: Callable[[list[Message]], Audio]) -> None:
    moved = [sysex(0, "41 10 42 12 40 12 15 01 00"), program(0, 25, 1), *note(TICKS, TICKS, 36, channel=1)]
    assert np.array_equal(play(moved), play([program(0, 25, 9), *note(TICKS, TICKS, 36, channel=9)]))


def test_what_a_font_lacks_has_a_plainer_variant() -> None:
    assert wanted(8, 5) == ((8, 5), (0, 5))
    assert wanted(KITS, 26) == ((KITS, 26), (KITS, 24), (KITS, 0))


# --- laws ---

messages = st.lists(
    st.tuples(
        st.integers(0, 960),
        st.one_of(
            st.tuples(st.integers(0x80, 0x82), st.integers(59, 62), st.integers(0, 127)),
            st.tuples(st.integers(0x90, 0x92), st.integers(59, 62), st.integers(0, 127)),
            st.tuples(st.integers(0xA0, 0xA2), st.integers(59, 62), st.integers(0, 127)),
            st.tuples(
                st.integers(0xB0, 0xB2),
                st.sampled_from((0, 1, 5, 6, 7, 10, 38, 64, 65, 66, 84, 91, 120, 121, 123)),
                st.integers(0, 127),
            ),
            st.tuples(st.integers(0xB0, 0xB2), st.sampled_from((98, 99, 100, 101)), st.sampled_from((0, 1, 2, 8, 48, 120))),
            st.tuples(st.integers(0xC0, 0xDF), st.integers(0, 127)),
            st.tuples(st.integers(0xE0, 0xE2), st.integers(0, 127), st.integers(0, 127)),
        ).map(bytes),
    ),
    max_size=60,
)
RESETS = st.lists(st.sampled_from([sysex(tick, data) for tick in (200, 700) for data in (GS_RESET, XG_ON)]), max_size=2)


def of(verbs: Iterable[Verb], said: list[Action]) -> list[Action]:
    return [action for action in said if action[1] in verbs]


@given(messages, RESETS)
def test_the_notes_and_sounds_are_the_same_in_both_readings(said: list[Message], resets: list[Message]) -> None:
    alike = (Verb.NOTE_ON, Verb.NOTE_OFF, Verb.PRESET, Verb.CUT, Verb.WHEEL, Verb.WHEEL_RANGE)
    midi = part([*said, *resets])
    resolved, raw = actions(midi, RATE), actions(midi, RATE, raw=True)
    assert of(alike, resolved) == of(alike, raw)
    assert [action[0] for action in raw] == sorted(action[0] for action in raw)


@given(messages)
@example(controls(0, (99, 120), (98, 8), (6, 70)))
def test_a_reset_leaves_nothing_of_what_was_said(said: list[Message]) -> None:
    """Whatever was told before it, the last value of everything is the first, and no note is left."""
    end = [sysex(1000, GS_RESET), *note(1000, TICKS, 1, channel=15)]
    last: dict[tuple[int, Verb, float], float] = {}
    ringing: Counter[int] = Counter()
    for _, verb, channel, a, b in actions(part([*said, *end]), RATE, raw=True):
        if verb in (Verb.CONTROL, Verb.KEY_PRESSURE, Verb.GENERATOR):
            last[channel, verb, a] = b
        elif verb in (Verb.WHEEL, Verb.WHEEL_RANGE, Verb.TUNING, Verb.PRESSURE):
            last[channel, verb, 0] = a
        elif verb in (Verb.NOTE_ON, Verb.NOTE_OFF):
            ringing[channel] += 1 if verb is Verb.NOTE_ON else -1
        elif verb is Verb.CUT:
            ringing[channel] = 0
    assert not any(ringing.values())
    first = {Verb.WHEEL: 8192, Verb.WHEEL_RANGE: 2}
    for (_, verb, a), value in last.items():
        assert value == (AT_FIRST.get(int(a), 0) if verb is Verb.CONTROL else first.get(verb, 0))


# --- limits ---


def test_hours_are_read_by_those_who_ask_for_them() -> None:
    long = part(note(8000 * TICKS, TICKS, 60))
    with pytest.raises(RenderError, match="after 1800 s"):
        actions(long, RATE)
    assert actions(long, RATE, longest=2 * 3600)[-1][0] == round(4000.5 * RATE)


def test_notes_that_nobody_ends_do_not_slow_the_pedals_down() -> None:
    """Work grows with the messages, not with their square."""
    crowd = [(0, bytes([0x90, 60, 1]))] * 50_000
    pedals = [control(1, 66, value) for value in (127, 0)] * 25_000
    began = time.process_time()
    actions(part([*crowd, *pedals, *((2, bytes([0x80, 60, 0])) for _ in range(50_000))]), RATE, raw=True)
    assert time.process_time() - began < 10
