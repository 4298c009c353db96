"""An ear and an eye of their own to judge films by: MIDI read by mido on exact rationals, and pictures that PyAV decodes.

Nothing of Motet is used or imported here, so that what is measured and what measures share no mistake.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from io import BytesIO
from math import floor
from pathlib import Path
from typing import Any

import mido
import numpy as np
from numpy.typing import NDArray

LEAST_APART = 4  # frames between events that are judged one by one
BLOCK = 16  # pixels
SHARE = 10  # the score of a frame is the mean of the most changed tenth of its blocks
FACTOR, FLOOR = 1.5, 2.0  # times the local median, and grey levels of 255 above that
AROUND = 12  # frames on either side make the local median
NEAR = 2  # frames on either side that a peak must top


class Unfit(Exception):
    """A file that has no single exact clock, or that mido cannot read."""


@dataclass(frozen=True)
class Clock:
    """Seconds of ticks, exact: `turns` are (tick, seconds, seconds per tick), the first at tick 0."""

    turns: tuple[tuple[int, Fraction, Fraction], ...]

    def seconds(self, tick: int) -> Fraction:
        at, passed, pace = self.turns[bisect_right(self.turns, tick, key=lambda turn: turn[0]) - 1]
        return passed + (tick - at) * pace


@dataclass(frozen=True)
class Onset:
    """A note-on of velocity 1 or more; `seconds` are from the start of the file."""

    track: int
    channel: int
    pitch: int
    velocity: int
    tick: int
    seconds: Fraction


@dataclass(frozen=True)
class Reading:
    clock: Clock
    onsets: tuple[Onset, ...]  # in order of time; of one time, in order of tracks


def parsed(data: bytes) -> mido.MidiFile:
    """The file as mido has it, read from its first `MThd` on; raises Unfit."""
    at = data.find(b"MThd")
    if at < 0:
        raise Unfit("no MIDI header")
    try:
        return mido.MidiFile(file=BytesIO(data[at:]), clip=True)
    except Exception as error:
        msg = f"{type(error).__name__} of mido"
        raise Unfit(msg) from error


def onsets(data: bytes) -> list[Onset]:
    """Every onset of types 0 and 1 (see `read`)."""
    return list(read(data).onsets)


def read(data: bytes) -> Reading:
    """Onsets and clock of a file of type 0 or 1; of type 2 (songs that are independent) only where a single track plays.

    Ticks run on through all messages of a track, meta events too, and begin anew in each track. One tempo map is merged
    of all tracks; of tempi at one tick the last holds. SMPTE time knows no tempo. Raises Unfit.
    """
    song = parsed(data)
    struck: list[tuple[int, int, int, int, int]] = []
    tempi: list[tuple[int, int]] = []
    for number, track in enumerate(song.tracks):
        tick = 0
        for message in track:
            tick += message.time
            if message.type == "note_on" and message.velocity > 0:
                struck.append((tick, number, message.channel, message.note, message.velocity))
            elif message.type == "set_tempo":
                tempi.append((tick, message.tempo))
    if song.type == 2 and len({number for _, number, *_ in struck}) > 1:
        raise Unfit("type 2: several independent songs")
    clock = _clock(song.ticks_per_beat, tempi)
    struck.sort(key=lambda one: one[0])
    heard = (Onset(number, channel, note, force, tick, clock.seconds(tick)) for tick, number, channel, note, force in struck)
    return Reading(clock, tuple(heard))


def _clock(division: int, tempi: Iterable[tuple[int, int]]) -> Clock:
    if division < 0:  # the header's two bytes: minus frames per second, ticks per frame
        frames, ticks = -(division >> 8), division & 0xFF
        if frames not in (24, 25, 29, 30) or not ticks:
            raise Unfit("no SMPTE rate")
        rate = Fraction(30_000, 1001) if frames == 29 else Fraction(frames)
        return Clock(((0, Fraction(0), 1 / (rate * ticks)),))
    if not division:
        raise Unfit("0 ticks per quarter note")
    turns = [(0, Fraction(0), Fraction(500_000, division * 1_000_000))]
    for tick, us in sorted(tempi, key=lambda change: change[0]):
        if not us:
            raise Unfit("a tempo of 0")
        at, passed, pace = turns[-1]
        turn = (tick, passed + (tick - at) * pace, Fraction(us, division * 1_000_000))
        turns[-1:] = [turn] if tick == at else [turns[-1], turn]
    return Clock(tuple(turns))


def nearest_frame(seconds: Fraction, fps: Fraction) -> int:
    """The frame whose moment k/fps is nearest to `seconds`; half-way, the later one."""
    return floor(seconds * fps + Fraction(1, 2))


# The seed


def seed_frames(data: bytes, fps: Fraction, *, forgiving: bool = False) -> list[int]:
    """The frame that V2MIDI's code gave to each note-on, in the order of the file's messages, for the table.

    As it was: 120 BPM whatever the file says, the time of meta events dropped, ticks that run on from track to track, and
    an exception at a note-on of velocity 0, whose note the code does not find. `forgiving` passes these over.
    """
    song = parsed(data)
    frames: list[int] = []
    ticks = 0
    for track in song.tracks:
        for message in track:
            if message.is_meta:
                continue
            ticks += message.time
            if message.type != "note_on":
                continue
            if message.velocity:
                frames.append(round(Fraction(ticks, 2 * song.ticks_per_beat) * fps))
            elif not forgiving:
                msg = f"note {message.note} of velocity 0"
                raise ValueError(msg)
    return frames


def in_messages(data: bytes) -> list[Onset]:
    """The onsets of `read` in the order of the file's messages: one for each frame of `seed_frames`."""
    return sorted(read(data).onsets, key=lambda onset: onset.track)


def excerpt(data: bytes, start: int, end: int) -> bytes:
    """The ticks [start, end) as a file of its own, beginning in the tempo and with the programs then in force.

    Meta events other than tempi keep their place. Notes still sounding from before are left out.
    """
    song = parsed(data)
    tempi: list[tuple[int, Any]] = []
    for track in song.tracks:
        tick = 0
        for message in track:
            tick += message.time
            if message.type == "set_tempo" and tick <= start:
                tempi.append((tick, message))
    cut = mido.MidiFile(type=song.type, ticks_per_beat=song.ticks_per_beat)
    for number, track in enumerate(song.tracks):
        kept = mido.MidiTrack()
        if not number and tempi:
            kept.append(sorted(tempi, key=lambda change: change[0])[-1][1].copy(time=0))
        tick, last = 0, start
        for message in track:
            tick += message.time
            inside = start <= tick < end and not (message.type == "set_tempo" and tick == start)
            if message.type == "end_of_track" or not (inside or (tick < start and message.type == "program_change")):
                continue
            kept.append(message.copy(time=max(tick - last, 0)))
            last = max(tick, start)
        cut.tracks.append(kept)
    written = BytesIO()
    cut.save(file=written)
    return written.getvalue()


# A plan against the reading


@dataclass(frozen=True)
class Planned:
    """A note as a manifest has it."""

    pitch: int
    velocity: int
    frame: int
    mapped: bool


def pairs(planned: Sequence[Planned], heard: Sequence[tuple[Onset, int]]) -> list[tuple[Planned | None, Onset | None, int]]:
    """Planned notes beside onsets of the same pitch and velocity (with the frame each should have), in order of time.

    Where one side has more, those pair that keep the order and lie nearest in all; the rest stand alone, frame -1.
    """
    ours: defaultdict[tuple[int, int], list[Planned]] = defaultdict(list)
    theirs: defaultdict[tuple[int, int], list[tuple[Onset, int]]] = defaultdict(list)
    for note in sorted(planned, key=lambda note: note.frame):
        ours[note.pitch, note.velocity].append(note)
    for onset, frame in sorted(heard, key=lambda one: one[0].seconds):
        theirs[onset.pitch, onset.velocity].append((onset, frame))
    found: list[tuple[Planned | None, Onset | None, int]] = []
    for key in sorted(ours.keys() | theirs.keys()):
        mine, other = ours[key], theirs[key]
        couples = _in_order([note.frame for note in mine], [frame for _, frame in other])
        found.extend((mine[i], *other[j]) for i, j in couples)
        mated, met = {i for i, _ in couples}, {j for _, j in couples}
        found.extend((note, None, -1) for i, note in enumerate(mine) if i not in mated)
        found.extend((None, onset, frame) for j, (onset, frame) in enumerate(other) if j not in met)
    return found


def _in_order(mine: Sequence[int], other: Sequence[int]) -> list[tuple[int, int]]:
    """Index pairs that use up the shorter of two sorted lists, in order, with the least sum of distances."""
    if len(mine) > len(other):
        return [(i, j) for j, i in _in_order(other, mine)]
    spare = len(other) - len(mine)
    least = np.zeros((len(mine) + 1, spare + 1), np.int64)  # [i, s]: the first i, paired with s of the others passed over
    for i, frame in enumerate(mine):
        paired = least[i] + np.abs(np.asarray(other[i : i + spare + 1], np.int64) - frame)
        least[i + 1] = np.minimum.accumulate(paired)
    found: list[tuple[int, int]] = []
    s = spare
    for i in range(len(mine), 0, -1):
        while s and least[i, s - 1] == least[i, s]:
            s -= 1
        found.append((i - 1, i - 1 + s))
    return found[::-1]


# The finished film


def changes(path: str | Path) -> list[int]:
    """The frames (by their time stamps) at which the picture of a film changes at once, by one plain rule.

    A frame's score is the mean over the most changed tenth of its 16 x 16 blocks of the mean absolute difference of luma to
    the frame before (0-255). A change is a frame that tops the two on either side (the first of equals), and 1.5 times the
    median score of the 12 on either side plus 2. The first frame has no frame before it and is never a change.
    """
    return peaks(scores(path))


def scores(path: str | Path) -> NDArray[np.float64]:
    """How much each frame of a film differs from the one before it (see `changes`)."""
    import av

    with av.open(str(path)) as film:
        stream = film.streams.video[0]
        rate, base = Fraction(stream.average_rate or 24), Fraction(stream.time_base or 1)
        found: dict[int, float] = {}
        before: NDArray[np.int16] | None = None
        for order, picture in enumerate(film.decode(stream)):
            at = order if picture.pts is None else nearest_frame(picture.pts * base, rate)
            luma = picture.to_ndarray(format="gray").astype(np.int16)
            found[at] = 0.0 if before is None else _score(np.abs(luma - before))
            before = luma
    listed = np.zeros(max(found, default=-1) + 1)
    for at, score in found.items():
        listed[at] = score
    return listed


def _score(change: NDArray[np.int16]) -> float:
    rows, columns = (-(-size // BLOCK) * BLOCK for size in change.shape)
    padded = np.pad(change, ((0, rows - change.shape[0]), (0, columns - change.shape[1])), mode="edge")
    blocks = padded.reshape(rows // BLOCK, BLOCK, columns // BLOCK, BLOCK).mean(axis=(1, 3)).ravel()
    most = max(1, len(blocks) // SHARE)
    return float(np.partition(blocks, -most)[-most:].mean())


def peaks(score: NDArray[np.float64]) -> list[int]:
    """The frames whose score is a change's (see `changes`)."""
    found = []
    for k in range(1, len(score)):
        nearby = score[max(k - AROUND, 1) : k + AROUND + 1]
        before, after = score[max(k - NEAR, 0) : k], score[k + 1 : k + NEAR + 1]
        tops = score[k] > before.max(initial=-1.0) and score[k] >= after.max(initial=-1.0)
        if tops and score[k] > FACTOR * float(np.median(nearby)) + FLOOR:
            found.append(k)
    return found


@dataclass(frozen=True)
class Judgement:
    """Of one film: events judged and excluded, those seen, changes that belong to no event, and offsets of those seen."""

    judged: int
    excluded: int
    seen: int
    false: int
    offsets: tuple[int, ...]

    @property
    def precision(self) -> float:
        return self.seen / (self.seen + self.false) if self.seen + self.false else 0.0

    @property
    def recall(self) -> float:
        return self.seen / self.judged if self.judged else 0.0

    @property
    def f1(self) -> float:
        return 2 * self.seen / (self.judged + self.seen + self.false) if self.judged + self.false else 0.0


def judge(planned: Iterable[int], changed: Iterable[int], tolerance: int = 1) -> Judgement:
    """Changes against planned frames: an event is seen where a change lies within `tolerance` frames of it.

    Judged are events at least 4 frames from any other, and not at frame 0, which nothing precedes. A change beside an event
    that is not judged counts neither for nor against.
    """
    events, found = sorted(set(planned)), sorted(set(changed))
    gaps = np.diff(np.array([-LEAST_APART, *events, max(events, default=0) + LEAST_APART]))
    clear = np.minimum(gaps[:-1], gaps[1:])[: len(events)] >= LEAST_APART
    alone = [frame for frame, is_clear in zip(events, clear, strict=True) if is_clear and frame]
    offsets = []
    for frame in alone:
        near = [change - frame for change in found if abs(change - frame) <= tolerance]
        if near:
            offsets.append(min(near, key=abs))
    false = sum(all(abs(change - frame) > tolerance for frame in events) for change in found)
    return Judgement(len(alone), len(events) - len(alone), len(offsets), false, tuple(offsets))


def squares(
    path: str | Path, events: Iterable[int], frames: int, paint: Callable[[int], NDArray[np.uint8]] | None = None
) -> None:
    """A film to try the eye on: grey, with a white square at each event that fades over 8 frames; 128 x 128 at 24 a second.

    `paint` gives the picture (128, 128) of each frame before squares are put on.
    """
    import av

    struck = sorted(events)
    with av.open(str(path), "w", format="mp4") as film:
        stream = film.add_stream("libx264", rate=24, width=128, height=128, pix_fmt="yuv420p")
        for k in range(frames):
            luma = paint(k) if paint else np.full((128, 128), 96, np.uint8)
            for order, frame in enumerate(struck):
                if 0 <= k - frame < 8:
                    row, column = 32 * (order % 3), 32 * (order // 3 % 3)
                    square = luma[row : row + 40, column : column + 40].astype(np.float64)
                    luma[row : row + 40, column : column + 40] = square + (255 - square) * 0.6 ** (k - frame)
            picture = av.VideoFrame.from_ndarray(np.repeat(luma[:, :, None], 3, axis=2), format="rgb24")
            film.mux(stream.encode(picture))
        film.mux(stream.encode())
