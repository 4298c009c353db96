"""The notes of a part as a synth is told to strike them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from motet.render.performance import DRUM_CHANNEL, Action, Verb, perform
from motet.render.timeline import read

__all__ = ["Struck", "struck"]

Ints = NDArray[np.int64]
Floats = NDArray[np.float32]
Flags = NDArray[np.bool_]

CENTRE = 8192
FOREVER = 1 << 62
START, END, LEVEL, PITCH, STEADY, COLUMNS = 0, 1, 4, 5, 6, 8  # of a note while it is gathered
HELD_PITCH = 0.2  # seconds after a strike in which a bend or vibrato makes its pitch unsteady


@dataclass(frozen=True, eq=False)
class Struck:
    """One entry a note, in order of start.

    `start` and `end` are frames (`end` where the key or the pedal lets go), `key` and `velocity` MIDI's. `level` is the
    linear gain (0-1) of the channel once everything said at the frame of the strike is done, `pitch` what bend and tuning
    add at that moment, in semitones, `steady` whether it stays so for the next 0.2 s, `is_drum` whether it is a note of the
    drum channel.
    """

    start: Ints
    end: Ints
    key: Ints
    velocity: Ints
    level: Floats
    pitch: Floats
    steady: Flags
    is_drum: Flags

    def __len__(self) -> int:
        return len(self.start)


def struck(midi: bytes, sample_rate: int) -> Struck:
    """The notes of a part as played: tempo map, pedal, controllers, bend and tuning are those every synth here is told.

    Raises RenderError as `timeline.read` does.
    """
    return gathered(perform(read(midi, sample_rate), sample_rate), sample_rate)


@dataclass(slots=True)
class _Channel:
    gain: float = 1.0
    wheel: float = CENTRE
    span: float = 2.0
    tuning: float = 0.0
    frame: int = 0
    fresh: list[list[float]] = field(default_factory=list)  # notes struck at this frame
    young: list[list[float]] = field(default_factory=list)  # before it, with no change of pitch since
    sounding: dict[int, list[list[float]]] = field(default_factory=dict)  # by key

    @property
    def pitch(self) -> float:
        return (self.wheel - CENTRE) / CENTRE * self.span + self.tuning

    def go_to(self, frame: int) -> None:
        if frame > self.frame:
            for note in self.fresh:
                note[LEVEL], note[PITCH] = self.gain, self.pitch
            self.young += self.fresh
            self.fresh = []
            self.frame = frame


def gathered(actions: Iterable[Action], sample_rate: int) -> Struck:
    """The notes among the actions, which come in order of frame."""
    near = round(HELD_PITCH * sample_rate)
    notes: list[list[float]] = []  # start, end, key, velocity, level, pitch, steady, is_drum
    channels: dict[int, _Channel] = {}
    for frame, verb, number, a, b in actions:
        channel = channels.get(number)
        if channel is None:
            channel = channels[number] = _Channel()
        channel.go_to(frame)
        if verb is Verb.NOTE_ON:
            note = [frame, FOREVER, a, b, 0, 0, True, number == DRUM_CHANNEL]
            notes.append(note)
            channel.fresh.append(note)
            channel.sounding.setdefault(int(a), []).append(note)
        elif verb is Verb.NOTE_OFF:
            if held := channel.sounding.get(int(a)):
                held.pop(0)[END] = frame
        elif verb is Verb.GAIN:
            channel.gain = a
        elif verb is Verb.CUT:
            for held in channel.sounding.values():
                for note in held:
                    note[END] = frame
            channel.sounding.clear()
        elif verb in (Verb.WHEEL, Verb.WHEEL_RANGE, Verb.TUNING):
            before = channel.pitch
            if verb is Verb.WHEEL:
                channel.wheel = a
            elif verb is Verb.WHEEL_RANGE:
                channel.span = a
            else:
                channel.tuning = a
            if channel.pitch != before:
                for note in channel.young:
                    note[STEADY] = note[START] + near <= frame
                channel.young.clear()
    for channel in channels.values():
        channel.go_to(FOREVER)
    table = np.array(notes, np.float64).reshape(-1, COLUMNS)
    last = float(table[:, :1].max(initial=0))
    end = np.where(table[:, 1] >= FOREVER, last, table[:, 1])
    return Struck(
        start=table[:, 0].astype(np.int64),
        end=end.astype(np.int64),
        key=table[:, 2].astype(np.int64),
        velocity=table[:, 3].astype(np.int64),
        level=table[:, 4].astype(np.float32),
        pitch=table[:, 5].astype(np.float32),
        steady=table[:, 6].astype(np.bool_),
        is_drum=table[:, 7].astype(np.bool_),
    )
