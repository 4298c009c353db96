"""The MIDI of a clip: a span of a song, cut from the whole or from its parts."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from heapq import merge

from motet.midi.chase import chase, is_reset
from motet.midi.events import (
    COPYRIGHT,
    DRUM_CHANNEL,
    END_OF_TRACK,
    ESCAPE,
    KEY,
    META,
    METRE,
    POLY_PRESSURE,
    PORT,
    PROGRAM,
    SYSEX,
    TEMPO,
    TRACK_NAME,
    Event,
    Events,
    write,
)
from motet.midi.reading import prepare, unwrap
from motet.midi.shared import Track, Voice, by_tick, inherit_programs, port_of
from motet.midi.split import CONDUCTED, stays, take_apart

_INSTRUMENT_NAME = 0x04


@dataclass
class _Source:
    """The tracks of one MIDI file, and for each where its notes in the clip stand: positions of on and off, program."""

    tracks: list[Track]
    ports: list[int]
    notes: list[list[tuple[int, int, int]]]
    voices: list[Voice] = field(default_factory=list)


def cut(data: bytes | Sequence[bytes], start_tick: int, end_tick: int) -> bytes:
    """The MIDI of the span start_tick <= tick < end_tick, beginning at tick 0, from one song or several parts of it.

    Notes that sound in the span are clipped to it. Tempo, metre, key, and for each channel that plays its program,
    bank, controllers, parameters, bend and pressure stand at the start as they were. Parts that use one channel number
    for different instruments are given free ones as far as there are any; drums stay on channel 10.

    Raises ValueError for an empty span or parts on different clocks, `Unreadable` as `read` does.
    """
    if not 0 <= start_tick < end_tick:
        msg = f"a clip from tick {start_tick} to {end_tick} is empty"
        raise ValueError(msg)
    files = [prepare(unwrap(one)[0]) for one in ([data] if isinstance(data, bytes) else data)]
    if len({file.division for file in files}) != 1:
        msg = "parts of one song share its ticks per quarter note"
        raise ValueError(msg)
    sources = [_source(inherit_programs(file.tracks), start_tick, end_tick) for file in files]
    length = end_tick - start_tick
    tracks = [_conductor([track for source in sources for track in source.tracks], start_tick, end_tick)]
    channels = _channels(sources)
    for number, source in enumerate(sources):
        tracks += _cut_source(source, {voice: channels[number, voice] for voice in source.voices}, start_tick, end_tick)
    ended = [[*track, (length, META, bytes((END_OF_TRACK,)))] for track in tracks]
    return write(Events(1, files[0].division, ended))


def _source(tracks: list[Track], start: int, end: int) -> _Source:
    source = _Source(tracks, [port_of(track) for track in tracks], [])
    voices: set[Voice] = set()
    for track, port in zip(tracks, source.ports, strict=True):
        sounding: list[tuple[int, int, int]] = []
        for (_, program), voicing in take_apart(track)[2].items():
            for on, off in zip(voicing.positions[::2], voicing.positions[1::2], strict=True):
                began = track[on][0]
                if began < end and (began >= start or track[off][0] > start):
                    sounding.append((on, off, program))
                    voices.add((port, track[on][1] & 15))
        source.notes.append(sounding)
    source.voices = sorted(voices)
    return source


def _channels(sources: Sequence[_Source]) -> dict[tuple[int, Voice], int]:
    """The channel each voice of each source is given in the clip."""
    wanted = {voice for source in sources for voice in source.voices}
    taken: set[Voice] = set()
    given: dict[tuple[int, Voice], int] = {}
    for number, source in enumerate(sources):
        for port, channel in source.voices:
            mine = channel
            if (port, channel) in taken and channel != DRUM_CHANNEL:
                free = (c for c in range(16) if c != DRUM_CHANNEL and (port, c) not in taken and (port, c) not in wanted)
                mine = next(free, channel)
            taken.add((port, mine))
            given[number, (port, channel)] = mine
    return given


def _conductor(tracks: Sequence[Track], start: int, end: int) -> Track:
    """Tempo, metre and key in force at the start, then what conducts the clip, and sysex, each event once."""
    events = [
        event
        for event in merge(*tracks, key=by_tick)
        if event[1] in (SYSEX, ESCAPE) or (event[1] == META and event[2][0] in CONDUCTED)
    ]
    before = [event for event in events if event[0] <= start]
    in_force = [_last(before, kind) for kind in (COPYRIGHT, TEMPO, METRE, KEY)]
    sysex = [event for event in before if event[1] != META]
    reset = max((at for at, event in enumerate(sysex) if is_reset(event)), default=0)
    # Several parts repeat the sysex of their song: of equal messages the last stands for all.
    latest = dict.fromkeys(event[1:] for event in reversed(sysex[reset:]))
    first = [(0, *event[1:]) for found in in_force for event in found]
    first += [(0, status, data) for status, data in reversed(latest)]
    first += [(0, META, data) for tick, status, data in before if tick == start and _is_marker(status, data)]
    during = [(tick - start, status, data) for tick, status, data in events if start < tick < end]
    return list(dict.fromkeys(first + during))


def _last(events: Sequence[Event], kind: int) -> Track:
    return next(([event] for event in reversed(events) if event[1] == META and event[2][0] == kind), [])


def _is_marker(status: int, data: bytes) -> bool:
    return status == META and data[0] not in (COPYRIGHT, TEMPO, METRE, KEY)


def _cut_source(source: _Source, channels: dict[Voice, int], start: int, end: int) -> Iterable[Track]:
    """The tracks of one source that play in the clip or shape what plays, their channels changed to `channels`."""
    unsaid = set(source.voices)
    for index, track in enumerate(source.tracks):
        port = source.ports[index]
        playing = sorted({track[on][1] & 15 for on, _, _ in source.notes[index]})
        # Equal ticks keep the order of the file by their position, with room between for what is put in.
        timed: list[tuple[int, int, int, bytes]] = []
        for on, off, _ in source.notes[index]:
            began, status, data = track[on]
            timed.append((max(began - start, 0), 4 * on, status, data))
            ended, status, data = track[off]
            timed.append((min(ended, end) - start, 4 * off, status, data))
        for at, (tick, status, data) in enumerate(track):
            if start <= tick < end and _goes_along(status, data, port, channels, bool(playing), tick > start):
                timed.append((tick - start, 4 * at, status, data))
        if not timed:
            continue
        state: list[tuple[int, bytes]] = []
        for channel in playing:
            own = [event for event in track if event[1] == PROGRAM | channel]
            before = [event for event in own if event[0] < start]
            if own and not before:
                state.append((PROGRAM | channel, b"\0"))  # or it would inherit the program of another track
            if (port, channel) in unsaid:
                unsaid.discard((port, channel))
                state += _state(source, index, (port, channel), start)
            elif before:
                state.append(before[-1][1:])
        named = [event[1:] for event in track if event[0] < start and _names(event)] if playing else []
        timed += _held_programs(track, source.notes[index], start)
        timed.sort()
        events = [(0, status, data) for status, data in named + state]
        events += [(tick, status, data) for tick, _, status, data in timed]
        yield [(tick, _moved(status, port, channels), data) for tick, status, data in events]


def _held_programs(track: Track, notes: Sequence[tuple[int, int, int]], start: int) -> list[tuple[int, int, int, bytes]]:
    """For notes held into the clip that began under another program than the one at its start: to it, and back."""
    placed: list[tuple[int, int, int, bytes]] = []
    current = {event[1] & 15: event[2][0] for event in track if _chooses(event) and event[0] < start}
    for on, _, program in notes if current else ():
        tick, status, _ = track[on]
        at_start = current.get(status & 15, 0)
        if tick < start and program != at_start:
            placed.append((0, 4 * on - 1, PROGRAM | status & 15, bytes((program,))))
            placed.append((0, 4 * on + 1, PROGRAM | status & 15, bytes((at_start,))))
    return placed


def _state(source: _Source, index: int, voice: Voice, start: int) -> list[tuple[int, bytes]]:
    """The state of a voice at the start, its program as track `index` has it."""
    port, channel = voice
    before = [[event for event in track if event[0] <= start] for track in source.tracks]
    # A reset at the same tick as settings comes before them, in whatever track it stands.
    heard = [[event for event in track if is_reset(event)] for track in before]
    for other, track in enumerate(before):
        if source.ports[other] == port:
            mine = other == index
            heard.append([event for event in track if _sets(event, channel) and (mine or not _chooses(event))])
    events = merge(*heard, key=by_tick)
    # A program change at the very start stays where it is among the notes of that tick.
    return chase((event for event in events if event[0] < start or not _chooses(event)), channel)


def _sets(event: Event, channel: int) -> bool:
    return POLY_PRESSURE <= event[1] < SYSEX and event[1] & 15 == channel


def _chooses(event: Event) -> bool:
    return event[1] & 0xF0 == PROGRAM


def _goes_along(status: int, data: bytes, port: int, channels: dict[Voice, int], plays: bool, later: bool) -> bool:
    """Whether an event in the clip is kept; channel state at its very start is in the chased state already."""
    if status == META:
        return plays and stays(data[0])
    if not POLY_PRESSURE <= status < SYSEX or (port, status & 15) not in channels:
        return False
    return later or status & 0xF0 in (POLY_PRESSURE, PROGRAM)


def _names(event: Event) -> bool:
    return event[1] == META and event[2][0] in (TRACK_NAME, _INSTRUMENT_NAME, PORT)


def _moved(status: int, port: int, channels: dict[Voice, int]) -> int:
    return status if status >= SYSEX else status & 0xF0 | channels[port, status & 15]
