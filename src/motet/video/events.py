"""The onsets of a window of a song, each at its exact moment and at the frame nearest to that.

A tick is an exact count of tick-microseconds (`TempoMap`), a rate of frames a fraction; so a frame is found in whole numbers
and is never more than half a frame from its note, whatever the tempo map.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from motet.midi.passage import Passage
from motet.midi.pulse import is_compound
from motet.midi.reading import Score
from motet.midi.tempo import TempoMap
from motet.video.drums import drum

__all__ = ["Onset", "beats", "frames_of", "frames_until", "onsets"]

Ints = NDArray[np.int64]

FASTEST = 1000  # frames a second
DRUMS = "drums"


@dataclass(frozen=True)
class Onset:
    """A note that begins in the window: at `frame` of its film, `seconds` after its start.

    `role` is that of its track, `drum` what is struck ("" for what is no drum), `duration` in seconds, `tick` that of the song.
    """

    frame: int
    seconds: float
    tick: int
    role: str
    drum: str
    pitch: int
    velocity: int
    program: int
    duration: float
    length: int  # frames up to the one nearest to the note's end


def frames_of(clock: TempoMap, ticks: Ints, start: int, fps: Fraction) -> Ints:
    """The frame nearest to each tick (>= `start`), of a film that begins at tick `start`: floor(t * fps + 1/2), exactly."""
    whole, rest, second = _scaled(clock, ticks, start, fps)
    below: Ints = (2 * whole + fps.denominator + 2 * rest // second) // (2 * fps.denominator)
    return below


def frames_until(clock: TempoMap, start: int, end: int, fps: Fraction) -> int:
    """How many frames a film from tick `start` to `end` has: all that begin before its end."""
    whole, rest, _ = _scaled(clock, np.array([end], np.int64), start, fps)
    return int(-(-(whole[0] + (1 if rest[0] else 0)) // fps.denominator))


def _scaled(clock: TempoMap, ticks: Ints, start: int, fps: Fraction) -> tuple[Ints, Ints, int]:
    """Seconds times the numerator of `fps`: the whole part, and the rest as a numerator over `second`.

    Taken apart so that no product leaves 64 bits: seconds are below 2^21, `second` below 2^35, the numerator below 2^20.
    """
    if not 0 < fps <= FASTEST or fps.denominator > 1001:
        msg = f"frames per second must be above 0 and at most {FASTEST}, over at most 1001, not {fps}"
        raise ValueError(msg)
    second = clock.division * 1_000_000
    seconds, part = np.divmod(_elapsed(clock, ticks, start), second)
    more, rest = np.divmod(part * fps.numerator, second)
    return seconds * fps.numerator + more, rest, second


def onsets(score: Score, roles: Sequence[str], start: int, end: int, fps: Fraction) -> list[Onset]:
    """The notes that begin from tick `start` to before `end`, in order of time, then of track and pitch.

    `roles[i]` is the role of symusic's track i; drums are "drums" whatever it says. A note whose frame is no more one of the
    film (less than half a frame before its end) is left out.
    """
    tracks = score.symusic.tracks
    if len(roles) != len(tracks):
        msg = f"{len(roles)} roles for {len(tracks)} tracks"
        raise ValueError(msg)
    notes = score.notes
    notes = notes[(notes["start"] >= start) & (notes["start"] < end)]
    notes = notes[np.lexsort((notes["pitch"], notes["track"], notes["start"]))]
    clock = score.tempo_map
    frames = frames_of(clock, notes["start"], start, fps)
    ends = notes["start"] + notes["duration"]
    seconds = _seconds(clock, notes["start"], start)
    durations = _seconds(clock, ends, start) - seconds
    lasting = frames_of(clock, ends, start, fps) - frames
    inside = frames < frames_until(clock, start, end, fps)
    columns = (
        frames, seconds, notes["start"], notes["track"], notes["is_drum"], notes["pitch"], notes["velocity"], notes["program"],
        durations, lasting,
    )  # fmt: skip
    found = []
    for frame, at, tick, track, is_drum, pitch, velocity, program, duration, length in zip(
        *(column[inside].tolist() for column in columns), strict=True
    ):
        struck = drum(pitch, program) if is_drum else ""
        role = DRUMS if is_drum else roles[track]
        found.append(Onset(frame, at, tick, role, struck, pitch, velocity, program, duration, length))
    return found


def beats(score: Score, start: int, end: int, fps: Fraction) -> tuple[list[float], list[float]]:
    """The beats and the downbeats of a window as its metres count them, in frames of its film and parts of frames.

    Raises `Unreadable` (absurd_length) for more than 200,000 beats.
    """
    counted = Passage(score, start, end).beats
    at = np.round(_seconds(score.tempo_map, counted.edges[:-1], start) * float(fps), 6)
    first = counted.places == 0
    return at.tolist(), at[first].tolist()


def beat_ticks(clock: TempoMap, tick: int) -> Fraction:
    """How many ticks a beat of the metre in force at `tick` lasts: a dotted one in 6/8, 9/8 and 12/8."""
    top, bottom = clock.metre_at(tick)
    return Fraction(4 * clock.division * (3 if is_compound(top, bottom) else 1), bottom)


def bar_ticks(clock: TempoMap, tick: int) -> Fraction:
    """How many ticks a full bar of the metre in force at `tick` lasts."""
    top, bottom = clock.metre_at(tick)
    return Fraction(4 * clock.division * top, bottom)


def _seconds(clock: TempoMap, ticks: Ints, start: int) -> NDArray[np.float64]:
    return np.asarray(_elapsed(clock, ticks, start) / (clock.division * 1_000_000), np.float64)


def _elapsed(clock: TempoMap, ticks: Ints, start: int) -> Ints:
    """Tick-microseconds from tick `start`, exactly."""
    return np.asarray(clock._elapsed(np.asarray(ticks, np.int64)), np.int64) - int(clock._elapsed(start))
