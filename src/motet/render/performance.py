"""What a MIDI part tells a synth to do, frame by frame: General MIDI's rules, independent of any engine."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple

from motet.render.patch import Preset

__all__ = ["Action", "Event", "Verb", "perform"]

DRUM_CHANNEL = 9
SHORTEST_NOTE = 0.010  # seconds: a drum hit of one tick must still reach its attack
MOST_HELD = 96  # notes held at once on a channel; the oldest is let go beyond that
VIBRATO_HZ = 5.1  # what the vibrato oscillators of common fonts are tuned to
VIBRATO_CENTS = 50.0  # at controller 1 = 127 (SoundFont 2.04, section 8.4.6)
VIBRATO_STEP = 256  # frames between two steps of it
CENTRE = 8192


class Event(NamedTuple):
    """One channel message: its frame, status byte (channel included), and data bytes."""

    frame: int
    status: int
    first: int
    second: int


class Verb(IntEnum):
    """What a synth is asked to do; in brackets, what `a` and `b` mean."""

    NOTE_ON = 0  # (key, velocity 1-127)
    NOTE_OFF = 1  # (key) the longest sounding one of that key
    PRESET = 2  # (bank, program); a drum kit when the channel is DRUM_CHANNEL
    GAIN = 3  # (linear 0-1)
    PAN = 4  # (0 left - 1 right)
    WHEEL = 5  # (0-16383)
    WHEEL_RANGE = 6  # (semitones)
    TUNING = 7  # (semitones)
    CUT = 8  # all sound off
    EXACT_PRESET = 9  # (bank, program), and no other in its place


class Action(NamedTuple):
    """One instruction to a synth."""

    frame: int
    verb: Verb
    channel: int
    a: float
    b: float = 0


@dataclass
class Channel:
    """What a MIDI channel remembers; the defaults are General MIDI's."""

    bank: int = 0
    program: int = 0
    volume: int = 100
    expression: int = 127
    pan: int = 64
    wheel: int = CENTRE
    modulation: int = 0
    pressure: int = 0
    pedal: bool = False
    parameter: tuple[int, int] = (127, 127)
    bend: list[int] = field(default_factory=lambda: [2, 0])
    fine: list[int] = field(default_factory=lambda: [64, 0])
    coarse: int = 64
    sounding: dict[int, tuple[int, int]] = field(default_factory=dict)  # serial -> (key, first frame)
    keys: dict[int, list[int]] = field(default_factory=dict)  # key held by hand -> serials
    pedalled: dict[int, list[int]] = field(default_factory=dict)  # key held by the pedal alone -> serials
    caught: dict[int, bool] = field(default_factory=dict)  # serial held by the sostenuto pedal -> whether its key was let go

    def rings_on(self) -> set[int]:
        """Notes that only a pedal still holds: nobody lifts it after the end, so they ring as long as they do."""
        let_go = {serial for serial, gone in self.caught.items() if gone}
        return let_go.union(*self.pedalled.values())

    @property
    def gain(self) -> float:
        return (self.volume / 127 * self.expression / 127) ** 2  # 40 log10, as General MIDI 2 asks

    @property
    def tuning(self) -> float:
        return self.coarse - 64 + (self.fine[0] * 128 + self.fine[1] - CENTRE) / CENTRE

    @property
    def vibrato(self) -> float:
        """Depth in semitones."""
        return VIBRATO_CENTS / 100 * min(127, self.modulation + self.pressure) / 127


def perform(events: Iterable[Event], sample_rate: int, preset: Preset | None = None) -> list[Action]:
    """The actions that play `events` (which come in order of frame), in order of frame.

    `preset` takes the place of every sound that the events ask for.

    Every channel in use starts from General MIDI's defaults. Note lengths are at least 10 ms. The sustain and sostenuto
    pedals, bend range and tuning (RPN 0-2), vibrato (controller 1 and channel pressure) and the reset messages are
    resolved here, so an engine needs to know none of them. Notes nobody ends are ended with the last event;
    those that only a pedal holds then ring out.
    """
    return _Player(sample_rate, preset).play(events)


class _Player:
    def __init__(self, sample_rate: int, preset: Preset | None) -> None:
        self.rate = sample_rate
        self.preset = preset
        self.shortest = round(SHORTEST_NOTE * sample_rate)
        self.actions: list[Action] = []
        self.channels: dict[int, Channel] = {}
        self.shaking: set[int] = set()  # channels with vibrato
        self.serial = 0

    def play(self, events: Iterable[Event]) -> list[Action]:
        now = 0
        for event in events:
            if self.shaking:
                self._shake(now, event.frame)
            now = event.frame
            number = event.status & 15
            channel = self.channels.get(number) or self._open(number)
            match event.status & 0xF0:
                case 0x90 if event.second:
                    self._strike(now, number, channel, event.first, event.second)
                case 0x80 | 0x90:
                    self._let_go(now, number, channel, event.first)
                case 0xB0:
                    self._control(now, number, channel, event.first, event.second)
                case 0xC0:
                    channel.program = event.first
                    self._sound(now, number, channel)
                case 0xD0:
                    channel.pressure = event.first
                    self._vibrato_changed(now, number, channel)
                case 0xE0:
                    channel.wheel = event.first | event.second << 7
                    self._do(now, Verb.WHEEL, number, channel.wheel)
        for number, channel in self.channels.items():
            for serial in sorted(set(channel.sounding) - channel.rings_on()):
                self._end(now, number, channel, serial)
        self.actions.sort(key=lambda action: action.frame)  # stable: what was said first is done first
        return self.actions

    def _do(self, frame: int, verb: Verb, channel: int, a: float, b: float = 0) -> None:
        self.actions.append(Action(frame, verb, channel, a, b))

    def _open(self, number: int) -> Channel:
        channel = self.channels[number] = Channel()
        if self.preset:
            self._do(0, Verb.EXACT_PRESET, number, self.preset.bank, self.preset.program)
        self._sound(0, number, channel)
        self._do(0, Verb.GAIN, number, channel.gain)
        return channel

    def _sound(self, now: int, number: int, channel: Channel) -> None:
        if not self.preset:
            self._do(now, Verb.PRESET, number, channel.bank, channel.program)

    # --- notes and the pedal ---

    def _strike(self, now: int, number: int, channel: Channel, key: int, velocity: int) -> None:
        for serial in channel.pedalled.pop(key, ()):  # one string cannot sound twice
            self._end(now, number, channel, serial)
        if len(channel.sounding) >= MOST_HELD:
            self._end(now, number, channel, next(iter(channel.sounding)))
        self.serial += 1
        channel.sounding[self.serial] = (key, now)
        channel.keys.setdefault(key, []).append(self.serial)
        self._do(now, Verb.NOTE_ON, number, key, velocity)

    def _let_go(self, now: int, number: int, channel: Channel, key: int) -> None:
        held = channel.keys.get(key)
        if not held:
            return
        serial = held.pop(0)
        if serial not in channel.sounding:
            return
        if serial in channel.caught:
            channel.caught[serial] = True
        else:
            self._leave(now, number, channel, key, serial)

    def _leave(self, now: int, number: int, channel: Channel, key: int, serial: int) -> None:
        """No finger holds the note any more; the pedal may."""
        if channel.pedal:
            channel.pedalled.setdefault(key, []).append(serial)
        else:
            self._end(now, number, channel, serial)

    def _end(self, now: int, number: int, channel: Channel, serial: int) -> None:
        if serial in channel.sounding:
            key, since = channel.sounding.pop(serial)
            self._do(max(now, since + self.shortest), Verb.NOTE_OFF, number, key)

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
            case 1:
                channel.modulation = value
                self._vibrato_changed(now, number, channel)
            case 7:
                channel.volume = value
                self._do(now, Verb.GAIN, number, channel.gain)
            case 11:
                channel.expression = value
                self._do(now, Verb.GAIN, number, channel.gain)
            case 10:
                channel.pan = value
                self._do(now, Verb.PAN, number, (max(value, 1) - 1) / 126)
            case 64 if value >= 64:
                channel.pedal = True
            case 64:
                self._lift_pedal(now, number, channel)
            case 66 if value >= 64 and not channel.caught:  # the notes whose keys are down, and none that follow
                channel.caught = {serial: False for serials in channel.keys.values() for serial in serials}
            case 66 if value < 64:
                self._lift_sostenuto(now, number, channel)
            case 98 | 99:
                channel.parameter = (127, 127)  # NRPNs are a maker's own
            case 100:
                channel.parameter = (channel.parameter[0], value)
            case 101:
                channel.parameter = (value, channel.parameter[1])
            case 6 | 38:
                self._data(now, number, channel, coarse=controller == 6, value=value)
            case 120:
                channel.sounding.clear()
                channel.keys.clear()
                channel.pedalled.clear()
                channel.caught.clear()
                self._do(now, Verb.CUT, number, 0)
            case 121:
                self._reset(now, number, channel)
            case 123 | 124 | 125 | 126 | 127:
                for key in list(channel.keys):
                    while channel.keys[key]:
                        self._let_go(now, number, channel, key)

    def _data(self, now: int, number: int, channel: Channel, *, coarse: bool, value: int) -> None:
        match channel.parameter:
            case (0, 0):
                channel.bend[0 if coarse else 1] = value
                self._do(now, Verb.WHEEL_RANGE, number, channel.bend[0] + channel.bend[1] / 100)
            case (0, 1):
                channel.fine[0 if coarse else 1] = value
                self._do(now, Verb.TUNING, number, channel.tuning)
            case (0, 2) if coarse:
                channel.coarse = value
                self._do(now, Verb.TUNING, number, channel.tuning)

    def _reset(self, now: int, number: int, channel: Channel) -> None:
        """Reset All Controllers: volume, pan, bank, program and tuning stay (MMA RP-015)."""
        channel.expression, channel.wheel = 127, CENTRE
        channel.modulation = channel.pressure = 0
        channel.parameter = (127, 127)
        self._lift_pedal(now, number, channel)
        self._lift_sostenuto(now, number, channel)
        self._do(now, Verb.GAIN, number, channel.gain)
        self._do(now, Verb.WHEEL, number, channel.wheel)
        self._vibrato_changed(now, number, channel)

    # --- vibrato ---

    def _vibrato_changed(self, now: int, number: int, channel: Channel) -> None:
        if channel.vibrato:
            self.shaking.add(number)
        elif number in self.shaking:
            self.shaking.remove(number)
            self._do(now, Verb.TUNING, number, channel.tuning)

    def _shake(self, start: int, end: int) -> None:
        for number in sorted(self.shaking):
            channel = self.channels[number]
            if not channel.sounding:
                continue
            for frame in range(-(-start // VIBRATO_STEP) * VIBRATO_STEP, end, VIBRATO_STEP):
                turn = math.sin(2 * math.pi * VIBRATO_HZ * frame / self.rate)
                self._do(frame, Verb.TUNING, number, channel.tuning + channel.vibrato * turn)
