"""A part's messages on the song's one clock, in frames of audio."""

from __future__ import annotations

from operator import itemgetter

import numpy as np

from motet.midi.chase import is_reset
from motet.midi.errors import Unreadable
from motet.midi.events import ESCAPE, META, SYSEX, TEMPO, Events
from motet.midi.events import Event as Message
from motet.midi.reading import prepare, unwrap
from motet.midi.shared import drums_moved
from motet.midi.tempo import TempoMap
from motet.render.errors import RenderError
from motet.render.patch import Line
from motet.render.performance import DRUM_CHANNEL, RESET, Action, Dialect, Event, perform

__all__ = ["LONGEST", "actions", "read"]

LONGEST = 1800.0  # seconds; half an hour of stereo is 635 MB of samples
AFTERMATH = 8.0  # seconds in which pedal and controllers still matter after the last note
TELLING = 16  # bytes of a system exclusive message by which those that matter are known


def actions(line: Line | bytes, sample_rate: int, *, raw: bool = False, longest: float = LONGEST) -> list[Action]:
    """All that an engine is told to do to play a line: what `perform` makes of it, `raw` or not.

    Reset messages (GS, XG, General MIDI) are heeded, whatever device they address: they come before all else of their tick.
    Channels play drums for all of the song where `motet.midi` reads drums, so that sound and facts agree. Raises RenderError
    as `read` does.
    """
    if isinstance(line, bytes):
        line = Line(line)
    heard, drums = _heard(line.midi, sample_rate, longest)
    return perform(heard, sample_rate, line.preset, raw=raw, drums=drums)


def read(midi: bytes, sample_rate: int, *, longest: float = LONGEST) -> list[Event]:
    """The channel messages of all tracks, each at the frame nearest to its time, in order (tracks in file order).

    Messages long after the last note are left out. Raises RenderError `too_long` (a note ends after `longest` seconds), or the
    MIDI reader's reason.
    """
    heard, _ = _heard(midi, sample_rate, longest)
    return [Event._make(event) for event in heard if event[1] != RESET]


def _heard(midi: bytes, sample_rate: int, longest: float) -> tuple[list[tuple[int, int, int, int]], set[int]]:
    """The channel messages and resets, and the channels that play drums."""
    try:
        data, _ = unwrap(midi)
        file = prepare(data)
        clock = _clock(file)
    except Unreadable as error:
        raise RenderError(error.reason, error.detail) from None
    resets, drums = _system(file.tracks) if b"\xf0" in data else ([], {DRUM_CHANNEL})
    events = resets + [event for track in file.tracks for event in track if event[1] < SYSEX]
    events.sort(key=itemgetter(0))
    last = clock.to_seconds(next((tick for tick, status, _ in reversed(events) if status & 0xE0 == 0x80), 0))
    if last > longest:
        raise RenderError("too_long", f"the last note of the part comes after {longest:.0f} s")
    seconds = clock.to_seconds(np.array([tick for tick, _, _ in events], np.int64))
    frames = np.rint(seconds[: seconds.searchsorted(last + AFTERMATH, "right")] * sample_rate).astype(np.int64).tolist()
    return [
        (frame, status, data[0], data[1] if len(data) > 1 else 0)
        for frame, (_, status, data) in zip(frames, events, strict=False)
    ], drums


def _system(tracks: list[list[Message]]) -> tuple[list[Message], set[int]]:
    """The resets, and the channels that play drums, as system exclusive messages and bank selects tell."""
    told = [_whole(track) for track in tracks]
    resets = [(event[0], RESET, bytes((_dialect(event[2]),))) for track in told for event in track if is_reset(event)]
    drums = {DRUM_CHANNEL}
    for (_, channel), plays in drums_moved(told).items():
        (drums.add if plays else drums.discard)(channel)
    return resets, drums


def _dialect(reset: bytes) -> Dialect:
    if reset.startswith(b"\x43"):
        return Dialect.XG
    return Dialect.GM2 if reset.startswith(b"\x7e\x7f\x09\x03") else Dialect.GS


def _whole(track: list[Message]) -> list[Message]:
    """A track whose system exclusive messages are in one piece each, cut to what tells them, and sent to all devices."""
    told: list[Message] = []
    open_at = -1  # where a message stands in `told` that may go on
    for event in track:
        tick, status, data = event
        if status == SYSEX:
            open_at = -1 if data.endswith(b"\xf7") else len(told)
            told.append((tick, SYSEX, _to_all(data[:TELLING])))
        elif status != ESCAPE:
            told.append(event)
        elif open_at >= 0:
            begun, _, start = told[open_at]
            told[open_at] = (begun, SYSEX, _to_all((start + data[:TELLING])[:TELLING]))
            open_at = -1 if data.endswith(b"\xf7") else open_at
    return told


def _to_all(data: bytes) -> bytes:
    """A message to one device as one to the device that files mostly mean."""
    maker = data[:1]
    if maker == b"\x7e":
        return maker + b"\x7f" + data[2:]
    if maker == b"\x41" or (maker == b"\x43" and data[1:2] and data[1] & 0xF0 == 0x10):
        return maker + b"\x10" + data[2:]
    return data


def _clock(file: Events) -> TempoMap:
    changes = [
        (tick, int.from_bytes(data[1:4]))
        for track in file.tracks
        for tick, status, data in track
        if status == META and data[0] == TEMPO and len(data) >= 4
    ]
    try:
        return TempoMap(file.division, tuple(changes))
    except ValueError as error:
        raise RenderError("no_clock", f"the part has no usable time: {error}") from None
