"""A part's channel messages on the song's one clock, in frames of audio."""

import numpy as np

from motet.midi.errors import Unreadable
from motet.midi.events import META, TEMPO, Events
from motet.midi.reading import prepare, unwrap
from motet.midi.tempo import TempoMap
from motet.render.errors import RenderError
from motet.render.patch import Line
from motet.render.performance import Action, Event, perform

__all__ = ["actions", "read"]

LONGEST = 1800.0  # seconds; half an hour of stereo is 635 MB of samples
AFTERMATH = 8.0  # seconds in which pedal and controllers still matter after the last note
LAST_TICK = 1 << 38  # times the slowest tempo still fits 64 bits


def actions(line: Line | bytes, sample_rate: int) -> list[Action]:
    """All that an engine is told to do to play a line. Raises RenderError as `read` does."""
    if isinstance(line, bytes):
        line = Line(line)
    return perform(read(line.midi, sample_rate), sample_rate, line.preset)


def read(midi: bytes, sample_rate: int) -> list[Event]:
    """The channel messages of all tracks, each at the frame nearest to its time, in order (tracks in file order).

    Messages long after the last note are left out. Raises RenderError `too_long` (half an hour), or the MIDI reader's reason.
    """
    try:
        file = prepare(unwrap(midi)[0])
        clock = _clock(file)
    except Unreadable as error:
        raise RenderError(error.reason, error.detail) from None
    events = [event for track in file.tracks for event in track if event[1] < 0xF0]
    events.sort(key=lambda event: event[0])
    last = max((tick for tick, status, _ in events if status & 0xE0 == 0x80), default=0)
    if last > LAST_TICK or clock.to_seconds(last) > LONGEST:
        raise RenderError("too_long", f"the last note of the part comes after {LONGEST:.0f} s")
    end = clock.to_seconds(last) + AFTERMATH
    ticks = np.array([min(tick, LAST_TICK) for tick, _, _ in events], np.int64)
    seconds = clock.to_seconds(ticks)
    frames = np.rint(seconds * sample_rate).astype(np.int64).tolist()
    return [
        Event(frame, status, data[0], data[1] if len(data) > 1 else 0)
        for frame, second, (_, status, data) in zip(frames, seconds.tolist(), events, strict=True)
        if second <= end
    ]


def _clock(file: Events) -> TempoMap:
    changes = [
        (tick, int.from_bytes(data[1:4]))
        for track in file.tracks
        for tick, status, data in track
        if status == META and data[0] == TEMPO and len(data) >= 4 and tick <= LAST_TICK
    ]
    try:
        return TempoMap(file.division, tuple(changes))
    except ValueError as error:
        raise RenderError("no_clock", f"the part has no usable time: {error}") from None
