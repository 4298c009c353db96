"""The MIDI of a clip, as it is written and as it is heard with the film."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from motet import midi
from motet.film.clips.opening import check_span
from motet.film.errors import FilmError
from motet.midi.events import (
    DRUM_CHANNEL,
    END_OF_TRACK,
    KEY,
    META,
    NOTE_OFF,
    NOTE_ON,
    POLY_PRESSURE,
    TEMPO,
    Event,
    Events,
    parse,
    write,
)
from motet.midi.shared import drums_moved, port_of

__all__ = ["Place", "Sliced", "Warp", "midi_slice", "transposed"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

ACCURATE = 0.00025  # seconds: how far an event may be from its moment for the tempo map to be simpler
FAST, SLOW = 1, (1 << 24) - 1  # microseconds a quarter note that a MIDI file can say
PAUSE = 500  # microseconds of a tick that is put in where the music waits
NEVER_EARLIER = 0.00025  # seconds: a note so little before the clip begins with it
PACES = 100_000, 2_000_000  # microseconds of a quarter note that can be one: 30 to 600 a minute
MOST_TICKS = 1 << 29


class Warp(Protocol):
    """How the MIDI goes along with the recording: seconds of one at seconds of the other, NaN where it does not."""

    @property
    def transposition(self) -> int:
        """Semitones by which the recording is higher than the MIDI."""

    def to_sound(self, midi_seconds: Any, /) -> Any:
        """Recording seconds at MIDI seconds (n,), never falling."""

    def to_midi(self, sound_seconds: Any, /) -> Any:
        """MIDI seconds at recording seconds (n,), never falling."""


@dataclass(frozen=True)
class Place:
    """Where a recording plays in a film: song time = song_start + speed x (film time - film_start), all in seconds."""

    film_start: float
    film_end: float
    song_start: float
    speed: float

    def to_song(self, film: float) -> float:
        """Song seconds at film seconds."""
        return self.song_start + self.speed * (film - self.film_start)

    def to_film(self, song: Floats) -> Floats:
        """Film seconds at song seconds."""
        return self.film_start + (song - self.song_start) / self.speed


@dataclass(frozen=True)
class Sliced:
    """The MIDI of a clip twice: `unwarped` in its own tempo, `warped` on the clip's clock (0: its first picture).

    Both hold the notes that sound from `start_tick` (with it) to `end_tick` (without) of the score; `bar` (from 0) and
    `bar_fraction` are where in the score that begins. Tick 0 of `unwarped` sounds `offset` seconds after the clip begins;
    `covered` are the clip's seconds for which the alignment knows the score. Keys are `transposed` semitones from the score's
    (drums are not; keys beyond 0-127 moved by octaves). `paused` ticks of silence were put into `warped`, where its file
    could not say how slow the music goes; `tempi` is how many tempo changes tell the warp.
    """

    unwarped: bytes = field(repr=False)
    warped: bytes = field(repr=False)
    start_tick: int
    end_tick: int
    bar: int
    bar_fraction: float
    offset: float
    covered: tuple[float, float]
    transposed: int
    notes: int
    tempi: int
    paused: int


def midi_slice(score_bytes: bytes, warp: Warp, place: Place, start: float, end: float) -> Sliced:
    """The MIDI that is heard from film second `start` to `end`, as far as the recording plays there (`place`).

    Notes held into the span or out of it are cut to it, and controllers, programs and what else is set stand at its start, as
    `motet.midi.cut` does. In `warped` each note begins and ends within half a millisecond of its film time, and errors do not
    add up: its tempo map is a line through the moments of all its events, as simple as that allows (Ramer 1972, Douglas and
    Peucker 1973).
    Raises FilmError `bad_span`, `bad_place`, `outside_place`, `outside_alignment`, and the reasons of `motet.midi.Unreadable`.
    """
    check_span(start, end)
    _check_place(place, start, end)
    try:
        score = midi.read(score_bytes)
        clock = score.tempo_map
        times = _Times(clock, warp, place, start)
        length = min(end, place.film_end) - start
        low, high = times.ticks(length, score.end)
        cut = midi.cut(score_bytes, low, high)
        bar, fraction = clock.to_bars(low)
        events = parse(cut)
        semitones = int(warp.transposition)
        if semitones:
            events = transposed(events, semitones)
        unwarped = write(events)
        begin = float(times.clip(np.array([low]))[0])
        stop = float(np.nanmax(times.clip(np.array([high - 1, high]))))
        warped, tempi, paused = _warped(events, times, low, length)
        notes = len(midi.read(unwarped).notes)
    except midi.Unreadable as error:
        raise FilmError(error.reason, error.detail) from None
    covered = max(begin, 0.0), min(stop, length)
    return Sliced(unwarped, warped, low, high, bar, fraction, begin, covered, semitones, notes, tempi, paused)


def _check_place(place: Place, start: float, end: float) -> None:
    numbers = (place.film_start, place.film_end, place.song_start, place.speed)
    if not all(map(math.isfinite, numbers)) or not 0.25 <= place.speed <= 4 or place.film_end <= place.film_start:
        raise FilmError("bad_place", f"a recording cannot play at {place}")
    if end <= place.film_start or start >= place.film_end:
        words = f"{place.film_start:.2f} s to {place.film_end:.2f} s"
        raise FilmError("outside_place", f"the recording plays from {words} of the film, not from {start:.2f} s to {end:.2f} s")


@dataclass(frozen=True)
class _Times:
    """Clip seconds at ticks of the score, NaN where the alignment knows none; they never fall."""

    clock: midi.TempoMap
    warp: Warp
    place: Place
    start: float

    def clip(self, ticks: Ints) -> Floats:
        """(n,) at rising `ticks` (n,)"""
        sound = np.asarray(self.warp.to_sound(self.clock.to_seconds(ticks)), np.float64)
        if sound.shape != ticks.shape:
            raise FilmError("bad_alignment", f"an alignment of {len(ticks)} moments gave an answer of the shape {sound.shape}")
        seconds = self.place.to_film(sound) - self.start
        known = np.isfinite(seconds)
        seconds[~known] = np.nan
        seconds[known] = np.maximum.accumulate(seconds[known])
        return seconds

    def ticks(self, length: float, last: int) -> tuple[int, int]:
        """The first tick that sounds within the first `length` seconds of the clip, and the first behind it."""
        known = self._known(last)
        low = self._first(known, max(0.0, self.place.film_start - self.start) - NEVER_EARLIER)
        high = self._first(known, length)
        if high <= low:
            raise FilmError("outside_alignment", "the alignment does not reach the span of this clip")
        return low, high

    def _known(self, last: int) -> tuple[int, int]:
        """The first and the last tick that the alignment knows, of its longest stretch."""
        every = max(1, self.clock.division // 8, last // 200_000)
        grid = np.unique(np.append(np.arange(0, last + 1, every, dtype=np.int64), last))
        there = np.isfinite(self.clip(grid)).astype(np.int8)
        edges = np.flatnonzero(np.diff(np.concatenate([[0], there, [0]])))
        if not len(edges):
            raise FilmError("outside_alignment", "the alignment knows no moment of the score")
        lengths = edges[1::2] - edges[::2]
        widest = int(np.argmax(lengths))
        low, high = int(grid[edges[2 * widest]]), int(grid[edges[2 * widest + 1] - 1])
        fine = np.arange(max(0, low - every), low + 1, dtype=np.int64)
        low = int(fine[np.isfinite(self.clip(fine))][0])
        fine = np.arange(high, min(last, high + every) + 1, dtype=np.int64)
        return low, int(fine[np.isfinite(self.clip(fine))][-1])

    def _first(self, known: tuple[int, int], seconds: float) -> int:
        """The first known tick at `seconds` of the clip or later; one more than the last where all are earlier."""
        low, high = known[0], known[1] + 1
        while low < high:
            middle = (low + high) // 2
            if float(self.clip(np.array([middle]))[0]) >= seconds:
                high = middle
            else:
                low = middle + 1
        return low


def _warped(events: Events, times: _Times, low: int, length: float) -> tuple[bytes, int, int]:
    """The slice on the clip's clock, the number of its tempo changes, and ticks that were put in."""
    used = sorted({0} | {tick for track in events.tracks for tick, status, data in track})
    ticks = np.array(used, np.int64)
    moments = times.clip(low + ticks)
    known = np.flatnonzero(np.isfinite(moments))
    moments = np.interp(ticks, ticks[known], moments[known])
    moments = np.maximum.accumulate(np.clip(moments, 0, length))
    if moments[0] <= NEVER_EARLIER:
        moments[0] = 0.0
    kept = _simplest(ticks, moments)
    new, tempi = _tempo_map(ticks[kept], moments[kept], events.division)
    move = dict(zip(used, np.rint(np.interp(ticks, ticks[kept], new)).astype(np.int64).tolist(), strict=True))
    tracks = [_moved(track, move) for track in events.tracks]
    conductor = tempi + tracks[0] if tracks else tempi
    tracks[:1] = [conductor]
    tracks = [_in_order(track) for track in tracks]
    paused = new[-1] - int(ticks[-1])
    return write(Events(events.format, events.division, tracks)), len(tempi), paused


def _moved(track: Sequence[Event], move: dict[int, int]) -> list[Event]:
    return [
        # What is said of the piece stands at its very start, also where the music waits.
        (0 if tick == 0 and status == META and data[0] != END_OF_TRACK else move[tick], status, data)
        for tick, status, data in track
        if not (status == META and data[0] == TEMPO)
    ]


def _in_order(track: list[Event]) -> list[Event]:
    return sorted(track, key=lambda event: (event[1] == META and event[2][0] == END_OF_TRACK, event[0]))


def _simplest(ticks: Ints, moments: Floats) -> list[int]:
    """Which of rising moments are enough for all others to lie on straight lines between them, to 0.25 ms."""
    kept, waiting = {0, len(ticks) - 1}, [(0, len(ticks) - 1)]
    while waiting:
        low, high = waiting.pop()
        if high - low < 2:
            continue
        inside = slice(low + 1, high)
        share = (ticks[inside] - ticks[low]) / (ticks[high] - ticks[low])
        off = np.abs(moments[low] + share * (moments[high] - moments[low]) - moments[inside])
        worst = int(np.argmax(off))
        if off[worst] > ACCURATE:
            middle = low + 1 + worst
            kept.add(middle)
            waiting += [(low, middle), (middle, high)]
    return sorted(kept)


def _tempo_map(ticks: Ints, moments: Floats, division: int) -> tuple[list[int], list[Event]]:
    """New ticks of the moments, and tempi that bring a player to each in time: of each what is missing until then."""
    unhurried = PAUSE * division
    new, tempi, reached = [int(ticks[0])], list[Event](), 0  # tick-microseconds, the exact unit of a TempoMap
    if moments[0] > 0:  # the music begins later than the clip
        wanted = moments[0] * 1e6 * division
        # Rests at the pace of what follows, where that has one.
        pace = (moments[1] - moments[0]) * 1e6 * division / int(ticks[1] - ticks[0]) if len(ticks) > 1 else 0
        pause = max(1, math.ceil(wanted / (pace if PACES[0] < pace < PACES[1] else unhurried)))
        tempi.append(_tempo(0, wanted / pause))
        reached += pause * int.from_bytes(tempi[-1][2][1:])
        new = [int(ticks[0]) + pause]
    for at in range(1, len(ticks)):
        apart = int(ticks[at] - ticks[at - 1])
        missing = moments[at] * 1e6 * division - reached
        begun, pause = new[-1], 0
        if missing / apart > SLOW:
            pause = math.ceil(missing / unhurried) - apart
            if pause > MOST_TICKS:
                raise FilmError("bad_alignment", "the alignment stands still for hours")
        event = _tempo(begun, missing / (apart + pause))
        reached += (apart + pause) * int.from_bytes(event[2][1:])
        if not tempi or tempi[-1][2] != event[2]:
            tempi.append(event)
        new.append(begun + apart + pause)
    return new, tempi


def _tempo(tick: int, us: float) -> Event:
    return tick, META, bytes((TEMPO,)) + min(max(round(us), FAST), SLOW).to_bytes(3)


def transposed(events: Events, semitones: int) -> Events:
    """All notes but drums some semitones higher; those that leave 0-127 move by octaves back into it. Keys follow."""
    moved = drums_moved(events.tracks)
    tracks = []
    for track in events.tracks:
        port = port_of(track)
        drums = {channel for channel in range(16) if moved.get((port, channel), channel == DRUM_CHANNEL)}
        tracks.append([_transposed(event, semitones, drums) for event in track])
    return Events(events.format, events.division, tracks, events.repaired)


def _transposed(event: Event, semitones: int, drums: set[int]) -> Event:
    tick, status, data = event
    if status == META and data[0] == KEY and len(data) == 3:
        sharps = data[1] - 256 if data[1] > 127 else data[1]
        return tick, status, bytes((KEY, ((sharps + 7 * semitones + 6) % 12 - 6) & 0xFF, data[2]))
    if status >= 0xF0 or status & 0xF0 not in (NOTE_OFF, NOTE_ON, POLY_PRESSURE) or status & 15 in drums:
        return event
    key = data[0] + semitones
    key -= 12 * -(-(key - 127) // 12) if key > 127 else 0
    key += 12 * -(key // 12) if key < 0 else 0
    return tick, status, bytes((key, data[1]))
