"""A song → one MIDI file per instrument, losing nothing that can be heard.

An instrument is a track, a channel and the program in effect when its notes begin. Its file is of format 1: a
conductor track, and one track with its notes as they were played and all that shapes their sound: the program change
and bank selects that choose it, controllers, bend and pressure of its channel from any track, and system exclusive
messages. Rendered alone it sounds as it does in the whole.
"""

import re
import struct
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import merge as in_order
from itertools import chain
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from motet.midi.errors import Unreadable
from motet.midi.events import (
    COPYRIGHT,
    DRUM_CHANNEL,
    END_OF_TRACK,
    KEY,
    MARKER,
    META,
    METRE,
    NOTE_ON,
    POLY_PRESSURE,
    PROGRAM,
    SMPTE_OFFSET,
    SYSEX,
    TEMPO,
    TRACK_NAME,
    Event,
    Events,
    parse,
    track_chunk,
    write,
)
from motet.midi.general_midi import drum_kit, family, instrument
from motet.midi.reading import notes_of, parse_symusic, prepare, read, unwrap
from motet.midi.shared import (
    ChannelStates,
    Track,
    Voice,
    by_tick,
    drums_moved,
    inherit_programs,
    may_move_drums,
    plain_channel,
    port_of,
    programs_chosen,
    says_drums,
    to_channel,
)

CONDUCTED = frozenset((TEMPO, METRE, KEY, MARKER, SMPTE_OFFSET, COPYRIGHT))
_CONTROL_CHARACTERS = dict.fromkeys((*range(32), *range(127, 160)), " ")

# Parts repeat what they share (tempo, sysex, controllers of other tracks): a hostile file must not multiply by it.
_MOST_EVENTS = 1_000_000
_LONGEST_NAME = 60
# Names that programs give, not people.
_SAYS_NOTHING = re.compile(
    r"(?i)[\W\d_]*|(?:midi|track|channel|staff|chan|ch|trk|untitled|unnamed|new|part|out|in)?[\W\d_]*"
    r"(?:track|channel|untitled|out)?[\W\d_]*"
)

_Instrument = tuple[int, int, int]  # track, channel, program

Merge = Literal["none", "program", "family"]


@dataclass(frozen=True)
class Source:
    """Where the events of one track of a part's file stand in the song.

    `track` is the song's track, `channel` the channel there (None: as in the file). `places` are the positions in that
    track, event for event; -1 is what the part repeats from other tracks or says for clarity.
    """

    track: int
    channel: int | None
    places: tuple[int, ...]


@dataclass(frozen=True)
class Part:
    """One instrument of a song, as its own MIDI file.

    `channel` counts from 0 and is that of the song (drums are on 9 in the part's own file), seconds are on the song's
    clock, `track` is the index in the file. `program` of a drum part is its kit. `name` is no other part's: that of the
    track with the instrument behind it where two share it ("Lead (flute)"), or of the instrument where the track has none
    or one that many share. Of a part
    that was merged, `track`, `channel`, `program` and `track_name` are those of its first instrument.
    """

    index: int
    midi: bytes = field(repr=False)
    name: str
    track: int
    channel: int
    program: int
    is_drum: bool
    track_name: str
    notes: int
    first_onset: float
    last_off: float
    pitch_low: int
    pitch_high: int
    sources: tuple[Source, ...] = field(repr=False)

    @property
    def file_name(self) -> str:
        """`name` behind the part's number, such as "03 Lead Vocal": a name for a file on any system, without suffix."""
        plain = "".join(letter if letter.isalnum() or letter in " ()-'&,+." else "_" for letter in self.name)
        return f"{self.index:02d} {plain}".rstrip(" .")


@dataclass(frozen=True)
class LeftOut:
    """What is in no part: a silent track of a song, or a silent channel or program (not None) of one that plays.

    `reason` is one of: no notes; all notes at velocity 0; no note ends; controls other tracks (which have its events in
    their parts); program never plays; says which channels are drums. `midi` holds the events, but not those that conduct,
    notes without an end, and ends without a note.
    """

    track: int
    channel: int | None
    program: int | None
    name: str
    reason: str
    midi: bytes = field(repr=False)
    sources: tuple[Source, ...] = field(repr=False)


@dataclass(frozen=True)
class Separated:
    """A song taken apart: the parts that play, and what does not."""

    parts: list[Part]
    left_out: list[LeftOut]


@dataclass
class _Voicing:
    """The notes of one part: where their events stand in the track, and their extent."""

    positions: list[int]
    pitches: set[int]
    first_on: int
    last_off: int


@dataclass(frozen=True)
class _Taken:
    """A track taken apart: its events as told, where they stand in the song's track, and what `take_apart` found.

    `apart` are the messages that say which channels are drums, where some are that otherwise were not, or the reverse.
    """

    track: Track
    places: Sequence[int]
    port: int
    name: str
    kept: list[int]
    shaping: list[list[int]]
    voicings: dict[tuple[int, int], _Voicing]
    apart: list[int]


def split(data: bytes, merge: Merge = "none") -> list[Part]:
    """The parts of a song in order of track, channel and program: those of `separate`."""
    return separate(data, merge).parts


def separate(data: bytes, merge: Merge = "none") -> Separated:
    """The parts of a song in order of track, channel and program, and what plays in none of them.

    `merge` makes one part of all instruments of a program, or of a family as `family` has them; drums are merged with
    drums of the same kit. Each instrument keeps a track of its own in the file.

    The notes of all parts, read back, are exactly those of `read(data)`. Raises `Unreadable` as `read` does, with
    reason `too_entangled` when parts would repeat too much of each other, and `notes_differ` should the promise about
    notes ever fail.
    """
    score = read(data)
    bare = unwrap(data)[0]
    midi = prepare(bare)
    tracks = midi.tracks
    moved = drums_moved(tracks) if may_move_drums(bare) else {}
    chosen = programs_chosen(tracks)
    taken = [_take(told, track, moved) for told, track in zip(inherit_programs(tracks, chosen), tracks, strict=True)]
    states = ChannelStates(tracks, chosen)
    conductor = _conductor(tracks)
    conducted = track_chunk(conductor)
    parts: list[Part] = []
    spent = 0
    names = _names(taken, moved)
    for instruments in _grouped(taken, moved, merge):
        first, channel, program = instruments[0]
        is_drum = _plays_drums((taken[first].port, channel), moved)
        chunks, sources, used = [], list[Source](), set[int]()
        for (index, own_channel), programs in _by_voice(instruments).items():
            one = taken[index]
            voice = (one.port, own_channel)
            foreign = states.foreign(index, voice)
            if moved:
                foreign = [event for event in foreign if not says_drums(event)]
            events, places = _gather(one, own_channel, programs, foreign)
            spent += len(foreign) + len(conductor)
            if spent > _MOST_EVENTS:
                raise Unreadable("too_entangled", "the parts would repeat too many events of each other")
            free = plain_channel(voice, moved)
            if free in used and not is_drum:
                free = next((c for c in range(16) if c not in used and c != DRUM_CHANNEL and (one.port, c) not in moved), free)
            used.add(free)
            if free != own_channel:
                events = to_channel(events, free)
            end = max(one.track[-1][0], events[-1][0])
            chunks.append(track_chunk([*events, (end, META, bytes((END_OF_TRACK,)))]))
            sources.append(Source(index, own_channel, tuple(places)))
        voicings = [taken[index].voicings[channel, program] for index, channel, program in instruments]
        parts.append(
            Part(
                index=len(parts),
                midi=b"".join((_header(1 + len(chunks), midi.division), conducted, *chunks)),
                name=names[instruments[0]],
                track=first,
                channel=channel,
                program=program,
                is_drum=is_drum,
                track_name=taken[first].name,
                notes=sum(len(voicing.positions) for voicing in voicings) // 2,
                first_onset=score.tempo_map.to_seconds(min(voicing.first_on for voicing in voicings)),
                last_off=score.tempo_map.to_seconds(max(voicing.last_off for voicing in voicings)),
                pitch_low=min(min(voicing.pitches) for voicing in voicings),
                pitch_high=max(max(voicing.pitches) for voicing in voicings),
                sources=tuple(sources),
            )
        )
    # symusic may stumble over sysex in pieces; `read` sees to that.
    careful = states.sysex_in_pieces
    heard = [read(part.midi).notes if careful else notes_of(parse_symusic(part.midi)) for part in parts]
    played = np.concatenate([score.notes[:0], *heard])
    if not same_notes(score.notes, played):
        raise Unreadable("notes_differ", f"the parts hold {len(played)} notes, not the song's {len(score.notes)}")
    return Separated(parts, list(_left_out(taken, midi.division)))


def join(song: Separated) -> bytes:
    """The song that was taken apart, as far as its parts and what was left out of them hold it.

    That is its notes, controllers, bends, pressure, programs, sysex and texts, in the tracks, on the channels and in the
    order they had there, and in front a track with what conducts them all. Notes without an end, ends without a note and
    channel prefixes are gone. Some parts may be missing: then so is what only they hold. Raises ValueError without any.
    """
    if not song.parts:
        msg = "there are no parts to join"
        raise ValueError(msg)
    tracks: dict[int, dict[int, Event]] = {}
    ends: dict[int, int] = {}
    for one in chain[Part | LeftOut](song.parts, song.left_out):
        for track, source in zip(parse(one.midi).tracks[-len(one.sources) :], one.sources, strict=True):
            *events, end = track if source.channel is None else to_channel(track, source.channel)
            mine = tracks.setdefault(source.track, {})
            mine.update((place, event) for place, event in zip(source.places, events, strict=True) if place >= 0)
            ends[source.track] = max(ends.get(source.track, 0), end[0])
    first = parse(song.parts[0].midi)
    joined = first.tracks[:1]
    for index, placed in sorted(tracks.items()):
        joined.append([*(placed[place] for place in sorted(placed)), (ends[index], META, bytes((END_OF_TRACK,)))])
    return write(Events(1, first.division, joined))


def same_notes(one: NDArray[np.void], other: NDArray[np.void]) -> bool:
    """Whether two arrays of notes are equal but for their order and the track."""

    def keys(notes: NDArray[np.void]) -> NDArray[np.int64]:
        times = notes["start"] << 32 | notes["duration"]
        voices = notes["is_drum"].astype(np.int64) << 8 | notes["program"]
        sounds = (voices << 8 | notes["pitch"]) << 8 | notes["velocity"]
        order = np.lexsort((sounds, times))
        return np.stack((times[order], sounds[order]))

    return len(one) == len(other) and bool((keys(one) == keys(other)).all())


def track_name(track: Track) -> str:
    """The first name a track gives itself: UTF-8, else Windows Latin, without control characters."""
    for _, status, data in track:
        if status == META and data[0] == TRACK_NAME and (name := decode(data[1:])):
            return name
    return ""


def decode(text: bytes) -> str:
    """Text of a MIDI file, whose encoding nothing states, on one line."""
    for encoding in ("utf-8", "cp1252", "latin-1"):
        try:
            return " ".join(text.decode(encoding).translate(_CONTROL_CHARACTERS).split())
        except UnicodeDecodeError:
            continue
    raise AssertionError("Latin-1 decodes anything")


def take_apart(track: Track) -> tuple[list[int], list[list[int]], dict[tuple[int, int], _Voicing]]:
    """Where in a track stand: events for all its parts, events that shape each channel, and notes by part.

    Parts are keyed by channel and program. Notes are paired as symusic pairs them: the first note-off ends the note
    that began first; notes without an end do not count.
    """
    kept: list[int] = []
    shaping: list[list[int]] = [[] for _ in range(16)]
    voicings: dict[tuple[int, int], _Voicing] = {}
    sounding: dict[tuple[int, int], deque[tuple[int, int, int]]] = {}
    programs = [0] * 16
    for at, (tick, status, data) in enumerate(track):
        if status < POLY_PRESSURE:
            channel, pitch = status & 15, data[0]
            if status >= NOTE_ON and data[1]:
                sounding.setdefault((channel, pitch), deque()).append((at, tick, programs[channel]))
            elif waiting := sounding.get((channel, pitch)):
                began, onset, program = waiting.popleft()
                voicing = voicings.get((channel, program))
                if voicing is None:
                    voicing = voicings[channel, program] = _Voicing([], set(), onset, tick)
                elif onset < voicing.first_on:
                    voicing.first_on = onset
                voicing.positions += (began, at)
                voicing.pitches.add(pitch)
                voicing.last_off = tick
        elif status < SYSEX:
            shaping[status & 15].append(at)
            if status & 0xF0 == PROGRAM:
                programs[status & 15] = data[0]
        elif status != META or stays(data[0]):
            kept.append(at)
    return kept, shaping, voicings


def stays(kind: int) -> bool:
    """Whether a meta event belongs to the track it stands in."""
    return kind not in CONDUCTED and kind not in (0x20, END_OF_TRACK)


def _conductor(tracks: list[Track]) -> Track:
    """What all parts are conducted by: tempo, metre, key, markers and copyright of every track."""
    kept = ([event for event in track if event[1] == META and event[2][0] in CONDUCTED] for track in tracks)
    events = list(in_order(*kept, key=by_tick))
    end = max((track[-1][0] for track in tracks if track), default=0)
    return [*events, (end, META, bytes((END_OF_TRACK,)))]


def _names(taken: list[_Taken], moved: Mapping[Voice, bool]) -> dict[_Instrument, str]:
    """A name for every instrument: its track's, with what it is where two share it, or only what it is.

    What three or more are called is the name of the song, or of a track that holds all of it.
    """
    plain: dict[_Instrument, str] = {}
    kinds: dict[_Instrument, str] = {}
    for index, one in enumerate(taken):
        for channel, program in sorted(one.voicings):
            drums = _plays_drums((one.port, channel), moved)
            kinds[index, channel, program] = drum_kit(program) if drums else instrument(program)
            plain[index, channel, program] = "" if _SAYS_NOTHING.fullmatch(one.name) else one.name[:_LONGEST_NAME].rstrip()
    shared = Counter(plain.values())
    names: dict[_Instrument, str] = {}
    times = Counter[str]()
    for key, kind in kinds.items():
        name = plain[key]
        if not name or shared[name] > 2:
            name = kind
        elif shared[name] == 2:
            name = f"{name} ({kind})"
        times[name] += 1
        names[key] = name if times[name] == 1 else f"{name} {times[name]}"
    return names


def _take(told: Track, track: Track, moved: Mapping[Voice, bool]) -> _Taken:
    places: Sequence[int] = range(len(track))
    if told is not track:
        # What a track is told stands between its own events, which are the very same objects.
        places, at = [], 0
        for event in told:
            own = at < len(track) and event is track[at]
            places.append(at if own else -1)
            at += own
    kept, shaping, voicings = take_apart(told)
    # Parts have their drums on channel 10: a message that says otherwise of some channel has no place in them.
    apart = [at for at in kept if says_drums(told[at])] if moved else []
    if apart:
        kept = [at for at in kept if at not in apart]
    return _Taken(told, places, port_of(track), track_name(track), kept, shaping, voicings, apart)


def _plays_drums(voice: Voice, moved: Mapping[Voice, bool]) -> bool:
    return moved.get(voice, voice[1] == DRUM_CHANNEL)


def _grouped(taken: list[_Taken], moved: Mapping[Voice, bool], merge: Merge) -> Iterable[list[_Instrument]]:
    """The instruments of each part: indices of tracks, channels, programs."""
    groups: dict[tuple[object, ...], list[_Instrument]] = {}
    for index, one in enumerate(taken):
        for channel, program in sorted(one.voicings):
            drums = _plays_drums((one.port, channel), moved)
            key: tuple[object, ...] = (index, channel, program)
            if merge != "none":
                key = (drums, program if drums or merge == "program" else family(program))
            groups.setdefault(key, []).append((index, channel, program))
    return groups.values()


def _by_voice(instruments: list[_Instrument]) -> dict[tuple[int, int], list[int]]:
    """Their programs, by track and channel."""
    voices: dict[tuple[int, int], list[int]] = {}
    for index, channel, program in instruments:
        voices.setdefault((index, channel), []).append(program)
    return voices


def _gather(one: _Taken, channel: int, programs: list[int], foreign: Track) -> tuple[Track, list[int]]:
    """A part's events and where each stands in the song's track.

    Foreign state comes before the part's own at each tick. No program change is kept but to the part's programs.
    """
    track = one.track
    shaping = [at for at in one.shaping[channel] if track[at][1] & 0xF0 != PROGRAM or track[at][2][0] in programs]
    voicings = [one.voicings[channel, program] for program in programs]
    own = sorted(chain(one.kept, shaping, *(voicing.positions for voicing in voicings)))
    events = [track[at] for at in own]
    places = own if isinstance(one.places, range) else [one.places[at] for at in own]
    chosen_at = min((track[at][0] for at in shaping if track[at][1] & 0xF0 == PROGRAM), default=None)
    if foreign:
        # Where several programs take turns, only the track itself says when.
        foreign = [
            event for event in foreign if event[1] & 0xF0 != PROGRAM or (len(programs) == 1 and event[2][0] == programs[0])
        ]
        said = [event[0] for event in foreign if event[1] & 0xF0 == PROGRAM]
        chosen_at = min(said if chosen_at is None else [*said, chosen_at], default=None)
        before = events
        events = list(in_order(foreign, before, key=by_tick))
        placed, at = list[int](), 0
        for event in events:
            mine = at < len(before) and event is before[at]
            placed.append(places[at] if mine else -1)
            at += mine
        places = placed
    opening = min(voicings, key=lambda voicing: voicing.first_on)
    if chosen_at is None or chosen_at > opening.first_on:
        # The program a channel has from the start, said before any bank select can change what it means.
        program = programs[voicings.index(opening)]
        events.insert(0, (0, PROGRAM | channel, bytes((program,))))
        places.insert(0, -1)
    return events, places


def _left_out(taken: list[_Taken], division: int) -> Iterator[LeftOut]:
    """What stands in no part, in order of track."""
    sounding = {(one.port, channel) for one in taken for channel, _ in one.voicings}
    for index, one in enumerate(taken):
        playing = {channel for channel, _ in one.voicings}
        yield from _silence(one, index, None, None, one.apart, division, "says which channels are drums")
        silent = [channel for channel in range(16) if one.shaping[channel] and channel not in playing]
        if not playing:
            positions = sorted(chain(one.kept, *one.shaping))
            controls = any((one.port, channel) in sounding for channel in silent)
            yield from _silence(one, index, None, None, positions, division, "controls other tracks" if controls else "")
            continue
        for channel in silent:
            controls = (one.port, channel) in sounding
            positions = one.shaping[channel]
            yield from _silence(one, index, channel, None, positions, division, "controls other tracks" if controls else "")
        for channel in sorted(playing):
            changes = [at for at in one.shaping[channel] if one.track[at][1] & 0xF0 == PROGRAM]
            for program in sorted({one.track[at][2][0] for at in changes}):
                if (channel, program) not in one.voicings:
                    positions = [at for at in changes if one.track[at][2][0] == program]
                    yield from _silence(one, index, channel, program, positions, division, "program never plays")


def _silence(
    one: _Taken, index: int, channel: int | None, program: int | None, positions: list[int], division: int, reason: str
) -> Iterator[LeftOut]:
    positions = [at for at in positions if one.places[at] >= 0]
    struck: list[int] = []
    if not reason:
        struck = [data[1] for _, status, data in one.track if status & 0xF0 == NOTE_ON and channel in (None, status & 15)]
    if not positions and not struck:
        return
    if not reason:
        reason = "no note ends" if any(struck) else "all notes at velocity 0" if struck else "no notes"
    events = [*(one.track[at] for at in positions), (one.track[-1][0], META, bytes((END_OF_TRACK,)))]
    source = Source(index, channel, tuple(one.places[at] for at in positions))
    yield LeftOut(index, channel, program, one.name, reason, _header(1, division) + track_chunk(events), (source,))


def _header(tracks: int, division: int) -> bytes:
    return b"MThd" + struct.pack(">IHHH", 6, 1, tracks, division)
