"""What a MIDI part tells a synth to do, frame by frame: General MIDI's rules, independent of any engine.

In two readings: resolved for engines that know gain, pan and pitch only, or raw for one that has SoundFont's modulators and
wants the controllers themselves. Notes, pedals, tuning, banks and resets are the same in both.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from operator import itemgetter
from typing import NamedTuple

from motet.render.patch import Preset

__all__ = ["AT_FIRST", "DRUM_CHANNEL", "KITS", "RESET", "Action", "Dialect", "Event", "Verb", "perform", "wanted"]

DRUM_CHANNEL = 9
KITS = 128  # the bank where SoundFonts have their drum kits
SFX_BANK, SFX_KIT = 126, 56  # XG's bank of sound effects on keys, and the kit of GS (and of fonts) that has them
SHORTEST_NOTE = 0.010  # seconds: a drum hit of one tick must still reach its attack
MOST_HELD = 96  # notes held at once on a channel; the oldest is let go beyond that
VIBRATO_HZ = 5.1  # what the vibrato oscillators of common fonts are tuned to
VIBRATO_CENTS = 50.0  # at controller 1 = 127 (SoundFont 2.04, section 8.4.6)
VIBRATO_STEP = 256  # frames between two steps of it
CENTRE = 8192
NOTHING = (127, 127)  # the registered parameter that is none
RESET = 0xFF  # as an event's status: the synth starts anew; its first byte is a Dialect
GLIDE_RATE = 20.0  # semitones a second at portamento time 64

SUSTAIN, SOSTENUTO, GLIDE_TIME, GLIDE_SWITCH, GLIDE_FROM = 64, 66, 5, 65, 84
AT_FIRST: Mapping[int, int] = {7: 100, 8: 64, 10: 64, 11: 127, **dict.fromkeys(range(70, 80), 64), 91: 40}
"""What controllers are at before a part says anything (General MIDI 2, section 3.3); all others are at 0."""
_TAKEN_BACK = {1: 0, 11: 127, 64: 0, 65: 0, 66: 0, 67: 0}  # by controller 121 (MMA RP-015)

_SOUNDFONT_NRPN = 120  # controller 99 that selects a generator (SoundFont 2.04, section 9.6)
# What one step of a data entry counts there, in units of the generator. Those that choose something, and so cannot be added to,
# are left out: instrument, sample, ranges, fixed key and velocity, loop mode, exclusive class, root key.
_STEPS = dict.fromkeys((*range(14), 15, 16, 17, 29, 31, 32, 37, 39, 40, 45, 48, 50, 51, 52, 56), 1)
_STEPS |= dict.fromkeys((5, 6, 7, 8, 10, 11, 21, 23, 25, 26, 27, 28, 30, 33, 34, 35, 36, 38), 2) | {22: 4, 24: 4}


class Event(NamedTuple):
    """One channel message: its frame, status byte (channel included), and data bytes."""

    frame: int
    status: int
    first: int
    second: int


Heard = tuple[int, int, int, int]  # an Event, or as much as one


class Dialect(IntEnum):
    """How a part numbers its banks, as its last reset message says."""

    GS = 0  # by controller 0; also General MIDI, and parts that say nothing
    XG = 1  # by controller 32 where 0 is at 0
    GM2 = 2  # by controller 32 where 0 is at 121


class Verb(IntEnum):
    """What a synth is asked to do; in brackets, what `a` and `b` mean. Verbs up to EXACT_PRESET are said to every engine."""

    NOTE_ON = 0  # (key, velocity 1-127)
    NOTE_OFF = 1  # (key) the longest sounding one of that key
    PRESET = 2  # (bank, program); drum kits are in bank KITS
    GAIN = 3  # (linear 0-1); not raw
    PAN = 4  # (0 left - 1 right); not raw
    WHEEL = 5  # (0-16383)
    WHEEL_RANGE = 6  # (semitones)
    TUNING = 7  # (semitones)
    CUT = 8  # all sound off
    EXACT_PRESET = 9  # (bank, program), and no other in its place
    CONTROL = 10  # raw: (controller, value 0-127)
    PRESSURE = 11  # raw: (0-127) of the channel
    KEY_PRESSURE = 12  # raw: (key, 0-127)
    GENERATOR = 13  # raw: (SoundFont generator, offset in its units), in place of the offset before
    GLIDE = 14  # raw: (key, seconds) the note struck next comes from that key, at a constant rate


Action = tuple[int, Verb, int, float, float]
"""One instruction to a synth: its frame, verb and channel, then `a` and `b` (0 where the verb has none)."""


@dataclass(slots=True)
class Channel:
    """What a MIDI channel remembers; the defaults are General MIDI's."""

    bank: int = 0
    bank_fine: int = 0
    program: int = 0
    volume: int = 100
    expression: int = 127
    pan: int = 64
    wheel: int = CENTRE
    modulation: int = 0
    pressure: int = 0
    pedal: bool = False
    parameter: tuple[int, int] = NOTHING
    bend: list[int] = field(default_factory=lambda: [2, 0])
    fine: list[int] = field(default_factory=lambda: [64, 0])
    coarse: int = 64
    sounding: dict[int, tuple[int, int]] = field(default_factory=dict)  # serial -> (key, first frame)
    keys: dict[int, deque[int]] = field(default_factory=dict)  # key held by hand -> serials
    pedalled: dict[int, list[int]] = field(default_factory=dict)  # key held by the pedal alone -> serials
    caught: dict[int, bool] = field(default_factory=dict)  # serial held by the sostenuto pedal -> whether its key was let go
    # What only a raw reading knows:
    said: dict[int, int] = field(default_factory=dict)  # controller -> value
    pressed: set[int] = field(default_factory=set)  # keys with a pressure
    hundreds: int = -1  # added to the generator selected next; -1 while no generators are selected
    generator: int = -1  # selected, -1 for none
    entry: list[int] = field(default_factory=lambda: [64, 0])
    shifted: set[int] = field(default_factory=set)  # generators with an offset
    struck: int = -1  # the last key
    source: int = -1  # the key the next note comes from

    def rings_on(self) -> set[int]:
        """Notes that only a pedal still holds: nobody lifts it after the end, so they ring as long as they do."""
        let_go = {serial for serial, gone in self.caught.items() if gone}
        return let_go.union(*self.pedalled.values())

    @property
    def gain(self) -> float:
        return (self.volume / 127 * self.expression / 127) ** 2  # 40 log10, as General MIDI 2 asks

    @property
    def wheel_range(self) -> float:
        return self.bend[0] + self.bend[1] / 100

    @property
    def tuning(self) -> float:
        return self.coarse - 64 + (self.fine[0] * 128 + self.fine[1] - CENTRE) / CENTRE

    @property
    def vibrato(self) -> float:
        """Depth in semitones."""
        return VIBRATO_CENTS / 100 * min(127, self.modulation + self.pressure) / 127


def perform(
    events: Iterable[Heard],
    sample_rate: int,
    preset: Preset | None = None,
    *,
    raw: bool = False,
    drums: Collection[int] = (DRUM_CHANNEL,),
) -> list[Action]:
    """The actions that play `events` (as `Event`; they come in order of frame), in order of frame.

    `preset` takes the place of every sound that the events ask for; channels in `drums` play kits.

    Every channel in use starts from General MIDI's defaults (`AT_FIRST`), and does so again at a RESET, which also ends its
    notes. Note lengths are at least 10 ms. The sustain and sostenuto pedals, bank selects, bend range and tuning (RPN 0-2) and
    the reset messages are resolved here, so an engine needs to know none of them. Mono mode only ends notes, like all of
    controllers 123-127. Notes nobody ends are ended with the last event; those that only a pedal holds then ring out.

    Else vibrato (controller 1 and channel pressure), volume, expression and pan are resolved too. With `raw` all controllers
    that are not bank, parameter, data or mode are told as they are when they change, the pedals too, and so are pressure, the
    SoundFont NRPNs (2.04, section 9.6) and portamento: from the last key struck while controller 65 is on, or once from the key
    that controller 84 names. The soft pedal (67) is a value like others: fonts may map it, no standard says how softly it plays.

    A glide takes as long as on Roland's SC-55: at a constant rate, here 20 (128 - t) / t semitones a second for controller 5 at
    t. That is our fit to the measured times (dosbox-staging pull request 2705, FluidSynth issue 1722): within a factor of 1.4 for
    t of 2 to 124.
    """
    player = _Raw if raw else _Resolved
    return player(sample_rate, preset, drums).play(events)


def wanted(bank: int, program: int) -> tuple[tuple[int, int], ...]:
    """The sounds (bank, program) that may play what PRESET asks for, the best first.

    They are what was asked for, then its plain variant: a kit's family first, then Standard; else the capital tone in bank 0.
    """
    if bank == KITS:
        return (KITS, program), (KITS, program & ~7), (KITS, 0)
    return (bank, program), (0, program)


class _Player:
    """Notes, pedals, sounds, tuning and resets."""

    def __init__(self, sample_rate: int, preset: Preset | None, drums: Collection[int]) -> None:
        self.rate = sample_rate
        self.preset = preset
        self.drums = frozenset(drums)
        self.dialect = Dialect.GS
        self.shortest = round(SHORTEST_NOTE * sample_rate)
        self.actions: list[Action] = []
        self.say = self.actions.append
        self.channels: dict[int, Channel] = {}
        self.late: list[int] = []  # which actions are ends of notes that were too short
        self.since = 0  # the frame at which all was as at first
        self.serial = 0

    def play(self, events: Iterable[Heard]) -> list[Action]:
        for now, status, first, second in events:
            if status == RESET:
                self._restart(now, Dialect(first))
                continue
            number = status & 15
            channel = self.channels.get(number) or self._open(number)
            kind = status & 0xF0
            if kind == 0x90 and second:
                self._strike(now, number, channel, first, second)
            elif kind <= 0x90:
                self._let_go(now, number, channel, first)
            elif kind == 0xB0:
                self._control(now, number, channel, first, second)
            elif kind == 0xE0:
                self._bend(now, number, channel, first | second << 7)
            elif kind == 0xC0:
                channel.program = first
                self._sound(now, number, channel)
            elif kind == 0xD0:
                self._press(now, number, channel, first)
            else:
                self._press_key(now, number, channel, first, second)
        for number, channel in self.channels.items():
            for serial in sorted(set(channel.sounding) - channel.rings_on()):
                self._end(now, number, channel, serial)
        self.actions.sort(key=itemgetter(0))  # stable: what was said first is done first
        return self.actions

    # --- where the two readings differ ---

    def _turn(self, now: int, number: int, channel: Channel, controller: int, value: int) -> None:
        """A controller that shapes the sound."""
        raise NotImplementedError

    def _press(self, now: int, number: int, channel: Channel, value: int) -> None:
        raise NotImplementedError

    def _press_key(self, now: int, number: int, channel: Channel, key: int, value: int) -> None:
        """Pressure on one key."""

    def _take_back(self, now: int, number: int, channel: Channel) -> None:
        """What Reset All Controllers does beyond wheel, pedals and parameters."""
        raise NotImplementedError

    def _forget(self, now: int, number: int, channel: Channel) -> None:
        """What a reset of the synth does beyond that, and beyond what opening the channel again says."""
        raise NotImplementedError

    # --- channels ---

    def _open(self, number: int) -> Channel:
        channel = self.channels[number] = Channel()
        if self.preset:
            self.say((self.since, Verb.EXACT_PRESET, number, self.preset.bank, self.preset.program))
        self._sound(self.since, number, channel)
        return channel

    def _sound(self, now: int, number: int, channel: Channel) -> None:
        if self.preset:
            return
        bank, program = channel.bank, channel.program
        if number in self.drums:
            if self.dialect is Dialect.XG and bank == SFX_BANK:
                program = SFX_KIT
            bank = KITS
        elif (self.dialect, bank) in ((Dialect.XG, 0), (Dialect.GM2, 121)):
            bank = channel.bank_fine
        self.say((now, Verb.PRESET, number, bank, program))

    def _restart(self, now: int, dialect: Dialect) -> None:
        first = Channel()
        for number, channel in self.channels.items():
            self._reset(now, number, channel)
            self._let_all_go(now, number, channel)
            self._forget(now, number, channel)
            if channel.wheel_range != first.wheel_range:
                self.say((now, Verb.WHEEL_RANGE, number, first.wheel_range, 0))
            if channel.tuning != first.tuning:
                self.say((now, Verb.TUNING, number, first.tuning, 0))
        self.channels.clear()
        self.since = now
        self.dialect = dialect

    # --- notes and the pedals ---

    def _strike(self, now: int, number: int, channel: Channel, key: int, velocity: int) -> None:
        if channel.pedalled:
            for serial in channel.pedalled.pop(key, ()):  # one string cannot sound twice
                self._end(now, number, channel, serial)
        sounding = channel.sounding
        if len(sounding) >= MOST_HELD:
            self._end(now, number, channel, next(iter(sounding)))
        self.serial += 1
        sounding[self.serial] = (key, now)
        held = channel.keys.get(key)
        if held:
            held.append(self.serial)
        else:
            channel.keys[key] = deque((self.serial,))
        self.say((now, Verb.NOTE_ON, number, key, velocity))

    def _let_go(self, now: int, number: int, channel: Channel, key: int) -> None:
        held = channel.keys.get(key)
        if not held:
            return
        serial = held.popleft()
        if serial not in channel.sounding:
            return
        if serial in channel.caught:
            channel.caught[serial] = True
        else:
            self._leave(now, number, channel, key, serial)

    def _let_all_go(self, now: int, number: int, channel: Channel) -> None:
        for key in list(channel.keys):
            while channel.keys[key]:
                self._let_go(now, number, channel, key)

    def _leave(self, now: int, number: int, channel: Channel, key: int, serial: int) -> None:
        """No finger holds the note any more; the pedal may."""
        if channel.pedal:
            channel.pedalled.setdefault(key, []).append(serial)
        else:
            self._end(now, number, channel, serial)

    def _end(self, now: int, number: int, channel: Channel, serial: int) -> None:
        if serial in channel.sounding:
            key, since = channel.sounding.pop(serial)
            if since + self.shortest > now:
                self.late.append(len(self.actions))
            self.say((max(now, since + self.shortest), Verb.NOTE_OFF, number, key, 0))

    def _end_at_once(self, now: int, number: int, channel: Channel) -> None:
        """All notes, also those whose end is yet to come: it must not end the next of their keys."""
        for at in self.late:
            frame, verb, other, key, _ = self.actions[at]
            if other == number and frame > now:
                self.actions[at] = (now, verb, number, key, 0)
        self.late = [at for at in self.late if self.actions[at][0] > now]
        for key, _ in channel.sounding.values():
            self.say((now, Verb.NOTE_OFF, number, key, 0))
        channel.sounding.clear()

    def _lift_pedal(self, now: int, number: int, channel: Channel) -> None:
        channel.pedal = False
        for serials in channel.pedalled.values():
            for serial in serials:
                self._end(now, number, channel, serial)
        channel.pedalled.clear()

    def _lift_sostenuto(self, now: int, number: int, channel: Channel) -> None:
        let_go = [serial for serial, gone in channel.caught.items() if gone and serial in channel.sounding]
        channel.caught.clear()
        for serial in let_go:
            self._leave(now, number, channel, channel.sounding[serial][0], serial)

    # --- controllers ---

    def _control(self, now: int, number: int, channel: Channel, controller: int, value: int) -> None:
        match controller:
            case 0:
                channel.bank = value
            case 32:
                channel.bank_fine = value
            case 64 if value >= 64:
                channel.pedal = True
            case 64:
                self._lift_pedal(now, number, channel)
            case 66 if value >= 64 and not channel.caught:  # the notes whose keys are down, and none that follow
                let_go = channel.rings_on()
                channel.caught = {serial: False for serial in channel.sounding if serial not in let_go}
            case 66 if value < 64:
                self._lift_sostenuto(now, number, channel)
            case 98 | 99:
                channel.parameter = NOTHING
            case 100:
                channel.parameter = (channel.parameter[0], value)
            case 101:
                channel.parameter = (value, channel.parameter[1])
            case 6 | 38:
                self._data(now, number, channel, coarse=controller == 6, value=value)
            case 120:
                self._end_at_once(now, number, channel)
                channel.keys.clear()
                channel.pedalled.clear()
                channel.caught.clear()
                self.say((now, Verb.CUT, number, 0, 0))
            case 121:
                self._reset(now, number, channel)
            case 123 | 124 | 125 | 126 | 127:
                self._let_all_go(now, number, channel)
            case _:
                self._turn(now, number, channel, controller, value)

    def _data(self, now: int, number: int, channel: Channel, *, coarse: bool, value: int) -> None:
        match channel.parameter:
            case (0, 0):
                channel.bend[0 if coarse else 1] = value
                self.say((now, Verb.WHEEL_RANGE, number, channel.wheel_range, 0))
            case (0, 1):
                channel.fine[0 if coarse else 1] = value
                self.say((now, Verb.TUNING, number, channel.tuning, 0))
            case (0, 2) if coarse:
                channel.coarse = value
                self.say((now, Verb.TUNING, number, channel.tuning, 0))

    def _bend(self, now: int, number: int, channel: Channel, value: int) -> None:
        if channel.wheel != value:
            channel.wheel = value
            self.say((now, Verb.WHEEL, number, value, 0))

    def _reset(self, now: int, number: int, channel: Channel) -> None:
        """Reset All Controllers: volume, pan, bank, program and tuning stay (MMA RP-015)."""
        channel.parameter = NOTHING
        self._lift_pedal(now, number, channel)
        self._lift_sostenuto(now, number, channel)
        self._bend(now, number, channel, CENTRE)
        self._take_back(now, number, channel)


class _Resolved(_Player):
    """Controllers as gain, pan and tuning; vibrato as many small steps of tuning."""

    def __init__(self, sample_rate: int, preset: Preset | None, drums: Collection[int]) -> None:
        super().__init__(sample_rate, preset, drums)
        self.shaking: set[int] = set()  # channels with vibrato

    def play(self, events: Iterable[Heard]) -> list[Action]:
        return super().play(self._shaken(events))

    def _shaken(self, events: Iterable[Heard]) -> Iterator[Heard]:
        """The events, each when what vibrato there is has been told up to it."""
        before = 0
        for event in events:
            if self.shaking:
                self._shake(before, event[0])
            before = event[0]
            yield event

    def _open(self, number: int) -> Channel:
        channel = super()._open(number)
        self.say((self.since, Verb.GAIN, number, channel.gain, 0))
        return channel

    def _turn(self, now: int, number: int, channel: Channel, controller: int, value: int) -> None:
        match controller:
            case 1:
                channel.modulation = value
                self._vibrato_changed(now, number, channel)
            case 7:
                channel.volume = value
                self.say((now, Verb.GAIN, number, channel.gain, 0))
            case 11:
                channel.expression = value
                self.say((now, Verb.GAIN, number, channel.gain, 0))
            case 10:
                channel.pan = value
                self.say((now, Verb.PAN, number, (max(value, 1) - 1) / 126, 0))

    def _press(self, now: int, number: int, channel: Channel, value: int) -> None:
        channel.pressure = value
        self._vibrato_changed(now, number, channel)

    def _take_back(self, now: int, number: int, channel: Channel) -> None:
        channel.expression = 127
        channel.modulation = channel.pressure = 0
        self.say((now, Verb.GAIN, number, channel.gain, 0))
        self._vibrato_changed(now, number, channel)

    def _forget(self, now: int, number: int, channel: Channel) -> None:
        self.say((now, Verb.PAN, number, 0.5, 0))

    def _vibrato_changed(self, now: int, number: int, channel: Channel) -> None:
        if channel.vibrato:
            self.shaking.add(number)
        elif number in self.shaking:
            self.shaking.remove(number)
            self.say((now, Verb.TUNING, number, channel.tuning, 0))

    def _shake(self, start: int, end: int) -> None:
        for number in sorted(self.shaking):
            channel = self.channels[number]
            if not channel.sounding:
                continue
            for frame in range(-(-start // VIBRATO_STEP) * VIBRATO_STEP, end, VIBRATO_STEP):
                turn = math.sin(2 * math.pi * VIBRATO_HZ * frame / self.rate)
                self.say((frame, Verb.TUNING, number, channel.tuning + channel.vibrato * turn, 0))


class _Raw(_Player):
    """Controllers as they are, whenever they change."""

    def _strike(self, now: int, number: int, channel: Channel, key: int, velocity: int) -> None:
        source = channel.source
        if source < 0 and channel.said.get(GLIDE_SWITCH, 0) >= 64:
            source = channel.struck
        channel.source, channel.struck = -1, key
        time = channel.said.get(GLIDE_TIME, 0)
        if source not in (-1, key) and time and number not in self.drums:
            self.say((now, Verb.GLIDE, number, source, abs(key - source) * time / (128 - time) / GLIDE_RATE))
        super()._strike(now, number, channel, key, velocity)

    def _control(self, now: int, number: int, channel: Channel, controller: int, value: int) -> None:
        match controller:
            case 64 | 66:
                self._turn(now, number, channel, controller, value)
            case 99:
                channel.generator, channel.hundreds = -1, 0 if value == _SOUNDFONT_NRPN else -1
            case 98 if channel.hundreds < 0:
                channel.generator = -1
            case 98 if value < 100:
                channel.generator, channel.hundreds, channel.entry = channel.hundreds + value, 0, [64, 0]
            case 98 if value < 103:  # counts hundreds, thousands, ten thousands
                channel.hundreds += 10 ** (value - 98)
            case 100 | 101:
                channel.generator = channel.hundreds = -1
        super()._control(now, number, channel, controller, value)

    def _turn(self, now: int, number: int, channel: Channel, controller: int, value: int) -> None:
        if controller == GLIDE_FROM:
            channel.source = value
        if controller not in (96, 97, 122) and channel.said.get(controller) != value:
            channel.said[controller] = value
            self.say((now, Verb.CONTROL, number, controller, value))

    def _data(self, now: int, number: int, channel: Channel, *, coarse: bool, value: int) -> None:
        if channel.generator not in _STEPS:
            super()._data(now, number, channel, coarse=coarse, value=value)
            return
        channel.entry[0 if coarse else 1] = value
        if not coarse:  # the coarse one comes last, and makes it count (SoundFont 2.04, section 9.6.3)
            return
        channel.shifted.add(channel.generator)
        offset = (channel.entry[0] * 128 + channel.entry[1] - CENTRE) * _STEPS[channel.generator]
        self.say((now, Verb.GENERATOR, number, channel.generator, offset))

    def _press(self, now: int, number: int, channel: Channel, value: int) -> None:
        if channel.pressure != value:
            channel.pressure = value
            self.say((now, Verb.PRESSURE, number, value, 0))

    def _press_key(self, now: int, number: int, channel: Channel, key: int, value: int) -> None:
        channel.pressed.add(key)
        self.say((now, Verb.KEY_PRESSURE, number, key, value))

    def _take_back(self, now: int, number: int, channel: Channel) -> None:
        channel.generator = channel.hundreds = channel.source = -1
        for controller, value in _TAKEN_BACK.items():
            if channel.said.get(controller, value) != value:
                self._turn(now, number, channel, controller, value)
        self._press(now, number, channel, 0)
        for key in sorted(channel.pressed):
            self.say((now, Verb.KEY_PRESSURE, number, key, 0))
        channel.pressed.clear()

    def _forget(self, now: int, number: int, channel: Channel) -> None:
        for controller, value in channel.said.items():
            if value != AT_FIRST.get(controller, 0):
                self.say((now, Verb.CONTROL, number, controller, AT_FIRST.get(controller, 0)))
        for generator in sorted(channel.shifted):
            self.say((now, Verb.GENERATOR, number, generator, 0))
