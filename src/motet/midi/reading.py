"""MIDI bytes → a score on one clock, or the reason why not."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from heapq import merge
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from symusic.core import ScoreTick

from motet.midi.care import needs_care
from motet.midi.errors import Unreadable
from motet.midi.events import (
    ESCAPE,
    KEY,
    META,
    METRE,
    NOTE_ON,
    SYSEX,
    TEMPO,
    Event,
    Events,
    chunks,
    parse,
    read_track,
    write,
)
from motet.midi.shared import by_tick, drums_on_ten, inherit_programs, may_move_drums
from motet.midi.tempo import MOST_BARS, TempoMap, usable_metre

LONGEST_TICKS = 1 << 30
LONGEST_SECONDS = 24 * 3600.0

_META_SIZES = {TEMPO: 3, METRE: 4, KEY: 2}
_HTML = re.compile(rb"<(?:!doctype html|html|head|body|script|title)\b", re.IGNORECASE)

NOTE = np.dtype(
    [
        ("start", np.int64),
        ("duration", np.int64),
        ("pitch", np.uint8),
        ("velocity", np.uint8),
        ("program", np.uint8),
        ("is_drum", np.bool_),
        ("track", np.int32),
    ]
)

CONTROL = np.dtype([("moment", np.int64), ("number", np.uint8), ("value", np.uint8)])


@dataclass(frozen=True, eq=False)
class Score:
    """A song as read: symusic's score in ticks, and the clock that tells its seconds, bars and frames.

    `how` is "sanitised" when bytes of the file had to be changed or passed over to read it.
    """

    symusic: ScoreTick
    tempo_map: TempoMap
    how: Literal["strict", "sanitised"]

    @cached_property
    def notes(self) -> NDArray[np.void]:
        """All notes, track after track, as a structured array.

        Fields: `start` and `duration` in ticks, `pitch`, `velocity`, `program` (0-127), `is_drum`, `track` (index
        among symusic's tracks).
        """
        return notes_of(self.symusic)

    @cached_property
    def _controls(self) -> NDArray[np.void]:
        """All controller events, in order of their moments: these are ticks, the track's index above them."""
        played = [(index, track.controls.numpy()) for index, track in enumerate(self.symusic.tracks) if track.controls]
        controls = np.empty(sum(len(columns["time"]) for _, columns in played), CONTROL)
        end = 0
        for index, columns in played:
            begin, end = end, end + len(columns["time"])
            controls["moment"][begin:end] = columns["time"]
            controls["moment"][begin:end] += index << 32
            controls["number"][begin:end], controls["value"][begin:end] = columns["number"], columns["value"]
        return controls

    def controlled(
        self, numbers: Iterable[int], tracks: NDArray[np.integer], ticks: NDArray[np.int64]
    ) -> Iterator[NDArray[np.int64] | None]:
        """For each controller, what it was last set to on each track (by symusic's index) at each tick or before.

        -1 where it was not set; None for one that never is.
        """
        own = tracks.astype(np.int64) << 32
        asked = own | ticks
        for number in numbers:
            told = self._controls[self._controls["number"] == number]
            if not len(told):
                yield None
                continue
            moments = np.ascontiguousarray(told["moment"])
            at = moments.searchsorted(asked, "right") - 1
            yield np.where((at >= 0) & (moments[at] >= own), told["value"][at], np.int64(-1))

    @cached_property
    def last_off(self) -> int:
        """The tick at which the last note ends, 0 without notes."""
        return int((self.notes["start"] + self.notes["duration"]).max(initial=0))

    @cached_property
    def end(self) -> int:
        """The tick at which the song is over: `last_off`, or one tick beyond the last onset if that is later."""
        return max(self.last_off, int(self.notes["start"].max(initial=-1)) + 1)

    @cached_property
    def duration(self) -> float:
        """Seconds from the start of the song to the end of its last note."""
        return self.tempo_map.to_seconds(self.last_off)


def read(data: bytes) -> Score:
    """Read Standard MIDI bytes: `.mid`, `.kar`, RMID (`.rmi`), or MIDI behind a stray header.

    Drums are the notes of channel 10 and of channels that GS, XG or GM2 messages make drums.

    Raises `Unreadable` with one of the reasons empty_file, html_page, midi2_clip, not_midi, truncated, unparsable,
    several_songs, bad_division, zero_tempo, wrapped_time, absurd_length.
    """
    data, stray = unwrap(data)
    moves_drums = may_move_drums(data)
    if moves_drums or needs_care(data):
        events = prepare(data)
        return _read_clean(write(audible(events, moves_drums)), repaired=stray or events.repaired)
    try:
        return _read_clean(data, repaired=stray)
    except Unreadable as error:
        if error.reason != "unparsable":
            raise
    # symusic's own sanitising also clamps the bytes of tempo and text, so clean bytes are made here.
    events = prepare(data)
    return _read_clean(write(audible(events)), repaired=True)


def notes_of(score: ScoreTick) -> NDArray[np.void]:
    """All notes of a symusic score as `Score.notes` has them."""
    tracks = score.tracks
    columns = [track.notes.numpy() for track in tracks]
    sizes = [len(column["time"]) for column in columns]
    notes = np.empty(sum(sizes), NOTE)
    if not columns:
        return notes
    for name, source in (("start", "time"), ("duration", "duration"), ("pitch", "pitch"), ("velocity", "velocity")):
        np.concatenate([column[source] for column in columns], out=notes[name], casting="unsafe")
    notes["track"] = np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)
    notes["program"] = np.repeat(np.array([track.program for track in tracks], np.uint8), sizes)
    notes["is_drum"] = np.repeat(np.array([track.is_drum for track in tracks], np.bool_), sizes)
    return notes


def together(scores: Sequence[Score]) -> Score:
    """Parts of one song as one score again: their tracks one after another, on the clock they share (at least one part)."""
    symusic = scores[0].symusic.copy()
    for score in scores[1:]:
        symusic.tracks.extend(score.symusic.tracks)
    whole = Score(symusic, scores[0].tempo_map, scores[0].how)
    notes = np.concatenate([score.notes for score in scores])
    before = np.cumsum([0, *(len(score.symusic.tracks) for score in scores)])[:-1]
    notes["track"] += np.repeat(before, [len(score.notes) for score in scores]).astype(np.int32)
    whole.__dict__["notes"] = notes
    return whole


def unwrap(data: bytes) -> tuple[bytes, bool]:
    """The MIDI inside `data`, and whether something stray stood in front of it; `Unreadable` if there is none."""
    if data[:4] == b"MThd":
        return data, False
    if not data:
        raise Unreadable("empty_file", "the file is empty")
    if data[:8] == b"SMF2CLIP":
        raise Unreadable("midi2_clip", "a MIDI 2.0 clip file, which is not supported")
    at = data.find(b"MThd", 0, 1024)
    if at >= 0:
        return data[at:], data[:4] != b"RIFF"
    if not data.strip(b"\0"):
        raise Unreadable("empty_file", "the file holds nothing but zeros")
    if _is_html(data[:4096]):
        raise Unreadable("html_page", "a web page saved under the name of a MIDI file")
    raise Unreadable("not_midi", f"the file starts with {data[:12]!r}, not with a MIDI header")


def _is_html(head: bytes) -> bool:
    head = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    while head.startswith(b"<!--"):
        head = head.partition(b"-->")[2].lstrip()
    return bool(_HTML.match(head))


def prepare(data: bytes) -> Events:
    """The events of unwrapped MIDI as a song on one clock, so that symusic reads from them what was meant.

    SMPTE time becomes ticks per quarter note, malformed meta events go.
    """
    midi = parse(data)
    _check_header(midi.format, midi.division)
    repaired = midi.repaired
    tracks = []
    for track in midi.tracks:
        if track and track[-1][0] > LONGEST_TICKS:
            raise Unreadable("absurd_length", f"a track ends at tick {track[-1][0]}")
        kept = [event for event in track if event[1] != META or _well_formed(event[2])]
        repaired |= len(kept) < len(track)
        tracks.append(kept)
    if midi.format == 2 and sum(map(_plays, tracks)) > 1:
        raise Unreadable("several_songs", "the file holds several independent songs (format 2)")
    division = midi.division
    if division & 0x8000:
        division, tempo = _smpte(division)
        tracks = [[event for event in track if not _is_meta(event, TEMPO)] for track in tracks]
        tracks[:1] = [[(0, META, bytes((TEMPO,)) + tempo.to_bytes(3)), *(tracks[0] if tracks else [])]]
    return Events(min(midi.format, 1), division, tracks, repaired)


def audible(midi: Events, moves_drums: bool = False) -> Events:
    """What symusic should read of a song: tracks told their programs, drums on channel 10, no sysex to stumble over."""
    tracks = inherit_programs(midi.tracks)
    if moves_drums:
        tracks = drums_on_ten(tracks)
    return replace(midi, tracks=[[event for event in track if event[1] not in (SYSEX, ESCAPE)] for track in tracks])


def _check_header(form: int, division: int) -> None:
    if division & 0x8000:
        _smpte(division)
    elif not division:
        raise Unreadable("bad_division", "the header says 0 ticks per quarter note")


def _smpte(division: int) -> tuple[int, int]:
    """SMPTE time as ticks per quarter note and microseconds per quarter note.

    Such a file has no beats; a quarter note is taken to be one second of its frame count (1.001 s at 29.97).
    """
    rate, per_frame = 256 - (division >> 8), division & 0xFF
    if rate not in (24, 25, 29, 30) or not per_frame:
        raise Unreadable("bad_division", f"the header says {rate} frames per second of {per_frame} ticks")
    if rate == 29:
        return 30 * per_frame, 1_001_000
    return rate * per_frame, 1_000_000


def _plays(track: list[Event]) -> bool:
    return any(status & 0xF0 == NOTE_ON and data[1] for _, status, data in track)


def _well_formed(meta: bytes) -> bool:
    size = len(meta) - 1
    return _META_SIZES.get(meta[0], size) == size


def _is_meta(event: Event, kind: int) -> bool:
    return event[1] == META and event[2][0] == kind


def parse_symusic(data: bytes) -> ScoreTick:
    """What symusic makes of clean bytes, its errors turned into ours."""
    try:
        return ScoreTick.from_midi(data)
    except (RuntimeError, ValueError) as error:
        raise Unreadable("unparsable", str(error).removesuffix(": iostream error")) from error


def _read_clean(data: bytes, *, repaired: bool) -> Score:
    """The score that symusic reads, once its times and clock are found sound."""
    symusic = parse_symusic(data)
    notes = notes_of(symusic)
    starts, ends = notes["start"], notes["start"] + notes["duration"]
    tempi, metres = symusic.tempos.numpy(), symusic.time_signatures.numpy()
    times = [column for column in (starts, ends, tempi["time"], metres["time"]) if len(column)]
    if times and min(int(column.min()) for column in times) < 0:
        raise Unreadable("wrapped_time", "times run past 2^31 ticks")
    track = notes["track"]
    if ((starts[1:] < starts[:-1]) & (track[1:] == track[:-1])).any():
        raise Unreadable("wrapped_time", "times run past 2^32 ticks")
    end = max((int(column.max()) for column in times), default=0)
    if end > LONGEST_TICKS:
        raise Unreadable("absurd_length", f"the song ends at tick {end}")
    if not tempi["mspq"].all():
        raise Unreadable("zero_tempo", "a tempo event says 0 microseconds per quarter note")
    division = symusic.ticks_per_quarter
    if _contradicts(tempi) or _contradicts(metres):
        # symusic sorts changes of equal time in no sure order.
        tempo_map = _clock_of_events(division, data)
    else:
        tempo_map = _clock(
            division,
            zip(tempi["time"].tolist(), tempi["mspq"].tolist(), strict=True),
            zip(*(metres[name].tolist() for name in ("time", "numerator", "denominator")), strict=True),
        )
    score = Score(symusic, tempo_map, "sanitised" if repaired else "strict")
    # `notes` is a cached property: what was just computed is its value.
    score.__dict__["notes"] = notes
    seconds = tempo_map.to_seconds(end)
    if seconds > LONGEST_SECONDS:
        raise Unreadable("absurd_length", f"the song lasts {seconds / 3600:.0f} hours")
    if tempo_map.to_bars(end)[0] > MOST_BARS:
        raise Unreadable("absurd_length", f"the song has {tempo_map.to_bars(end)[0]} bars")
    return score


def _contradicts(changes: dict[str, NDArray[np.int32]]) -> bool:
    """Whether changes in order of time hold different values at one time."""
    time, *values = changes.values()
    together = np.diff(time) == 0
    return bool(together.any()) and any((np.diff(value.astype(np.int64))[together] != 0).any() for value in values)


def _clock_of_events(division: int, data: bytes) -> TempoMap:
    tracks = []
    for start, end in chunks(data, 14, int.from_bytes(data[10:12])):
        if data.find(b"\xff\x51\x03", start, end) >= 0 or data.find(b"\xff\x58\x04", start, end) >= 0:
            track: list[Event] = []
            read_track(data, start, end, track)
            tracks.append([event for event in track if event[1] == META])
    metas = list(merge(*tracks, key=by_tick))
    tempi = [(tick, int.from_bytes(meta[1:])) for tick, _, meta in metas if meta[0] == TEMPO]
    metres = [(tick, meta[1], 1 << meta[2]) for tick, _, meta in metas if meta[0] == METRE]
    return _clock(division, tempi, metres)


def _clock(division: int, tempi: Iterable[tuple[int, int]], metres: Iterable[tuple[int, int, int]]) -> TempoMap:
    """The tempo map, without metres nobody could count."""
    usable = (metre for metre in metres if usable_metre(metre[1], metre[2], division))
    return TempoMap(division, tuple(tempi), tuple(usable))
