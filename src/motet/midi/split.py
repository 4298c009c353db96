"""A song → one MIDI file per instrument, losing nothing that can be heard.

An instrument is a track, a channel and the program in effect when its notes begin. Its file is of format 1: a
conductor track, and one track with its notes as they were played and all that shapes their sound: the program change
and bank selects that choose it, controllers, bend and pressure of its channel from any track, and system exclusive
messages. Rendered alone it sounds as it does in the whole.
"""

import struct
from collections import deque
from dataclasses import dataclass
from heapq import merge

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
    track_chunk,
)
from motet.midi.reading import notes_of, parse_symusic, prepare, read, unwrap
from motet.midi.shared import ChannelStates, Track, by_tick, inherit_programs, port_of

CONDUCTED = frozenset((TEMPO, METRE, KEY, MARKER, SMPTE_OFFSET, COPYRIGHT))
_CONTROL_CHARACTERS = dict.fromkeys((*range(32), *range(127, 160)), " ")

# Parts repeat what they share (tempo, sysex, controllers): a hostile file must not multiply by it.
_MOST_EVENTS = 1_000_000


@dataclass(frozen=True)
class Part:
    """One instrument of a song, as its own MIDI file.

    `channel` counts from 0 (drums are on 9), seconds are on the song's clock, `track` is the index in the file.
    `program` of a drum part is its kit.
    """

    index: int
    midi: bytes
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


@dataclass
class _Voicing:
    """The notes of one part: where their events stand in the track, and their extent."""

    positions: list[int]
    pitches: set[int]
    first_on: int
    last_off: int


def split(data: bytes) -> list[Part]:
    """The parts of a song in order of track, channel and program.

    The notes of all parts, read back, are exactly those of `read(data)`. Raises `Unreadable` as `read` does, with
    reason `too_entangled` when parts would repeat too much of each other, and `notes_differ` should the promise about
    notes ever fail.
    """
    score = read(data)
    midi = prepare(unwrap(data)[0])
    tracks = midi.tracks
    told = inherit_programs(tracks)
    states = ChannelStates(tracks)
    header = b"MThd" + struct.pack(">IHHH", 6, 1, 2, midi.division)
    conductor = _conductor(tracks)
    head = header + track_chunk(conductor)
    parts: list[Part] = []
    spent = 0
    for index, track in enumerate(told):
        port = port_of(track)
        name = track_name(track)
        kept, shaping, voicings = take_apart(track)
        for channel, program in sorted(voicings):
            voicing = voicings[channel, program]
            own = sorted(kept + shaping[channel] + voicing.positions)
            foreign = states.foreign(index, (port, channel))
            spent += len(own) + len(foreign) + len(conductor)
            if spent > _MOST_EVENTS:
                raise Unreadable("too_entangled", "the parts would repeat too many events of each other")
            events = _with_program([track[at] for at in own], foreign, program, channel, voicing.first_on)
            end = max(track[-1][0], events[-1][0])
            parts.append(
                Part(
                    index=len(parts),
                    midi=head + track_chunk([*events, (end, META, bytes((END_OF_TRACK,)))]),
                    track=index,
                    channel=channel,
                    program=program,
                    is_drum=channel == DRUM_CHANNEL,
                    track_name=name,
                    notes=len(voicing.positions) // 2,
                    first_onset=score.tempo_map.to_seconds(voicing.first_on),
                    last_off=score.tempo_map.to_seconds(voicing.last_off),
                    pitch_low=min(voicing.pitches),
                    pitch_high=max(voicing.pitches),
                )
            )
    # symusic may stumble over sysex in pieces; `read` sees to that.
    careful = states.sysex_in_pieces
    heard = [read(part.midi).notes if careful else notes_of(parse_symusic(part.midi)) for part in parts]
    played = np.concatenate([score.notes[:0], *heard])
    if not same_notes(score.notes, played):
        raise Unreadable("notes_differ", f"the parts hold {len(played)} notes, not the song's {len(score.notes)}")
    return parts


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
    events = list(merge(*kept, key=by_tick))
    end = max((track[-1][0] for track in tracks if track), default=0)
    return [*events, (end, META, bytes((END_OF_TRACK,)))]


def _with_program(own: Track, foreign: Track, program: int, channel: int, first_on: int) -> Track:
    """A part's events: foreign state before its own at each tick, and no program change but to its program."""
    chosen = False
    events: Track = []
    for event in merge(foreign, own, key=by_tick) if foreign else own:
        if event[1] & 0xF0 == PROGRAM:
            if event[2][0] != program:
                continue
            chosen |= event[0] <= first_on
        events.append(event)
    if not chosen:
        # The program a channel has from the start, said before any bank select can change what it means.
        events.insert(0, (0, PROGRAM | channel, bytes((program,))))
    return events
