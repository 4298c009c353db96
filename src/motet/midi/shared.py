"""Channels that several tracks share: a synth keeps one state per channel, wherever its events stand in the file.

Part of that state is whether a channel plays drums. Channel 10 does, and on synths that follow Roland's GS, Yamaha's XG
or General MIDI 2 a file may make others do so by system exclusive messages and, in XG and GM2, by bank selects.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from heapq import merge
from operator import itemgetter

from motet.midi.chase import is_reset
from motet.midi.events import (
    CONTROL,
    DRUM_CHANNEL,
    ESCAPE,
    META,
    NOTE_ON,
    POLY_PRESSURE,
    PORT,
    PROGRAM,
    SYSEX,
    TRACK_NAME,
    Event,
)

# A MIDI port and a channel 0-15 of it: files for more than 16 channels number their ports by meta events.
Voice = tuple[int, int]
Track = list[Event]

by_tick = itemgetter(0)

# "Use for rhythm part" of GS (a part from 0, a map or 0 for none), "part mode" of XG (a part, a mode or 0 for none).
_GS_RHYTHM = re.compile(rb"\x41[\x00-\x7f]\x42\x12\x40([\x10-\x1f])\x15([\x00-\x7f])")
_XG_PART_MODE = re.compile(rb"\x43[\x10-\x1f]\x4c\x08([\x00-\x0f])\x07([\x00-\x7f])")
_XG_ON, _GM2_ON = b"\x4c\x00\x00\x7e\x00", b"\x7f\x09\x03"
# Banks (controller 0) that choose drums or melodic sounds. Elsewhere they mean something else: 126 and 127 are the
# melodic sounds of older synths in GS.
_XG_DRUMS, _GM2_DRUMS, _GM2_MELODIC = (126, 127), 120, 121


def port_of(track: Track) -> int:
    """The MIDI port a track plays on, 0 when it does not say so before its first note."""
    for _, status, data in track:
        if status == META and data[0] == PORT and len(data) == 2:
            return data[1]
        if status & 0xF0 == NOTE_ON and data[1]:  # one of velocity 0 ends a note
            break
    return 0


Chosen = list[dict[Voice, Track]]


def programs_chosen(tracks: Sequence[Track]) -> Chosen:
    """For each track, the program changes it holds, by voice."""
    chosen: Chosen = []
    for track in tracks:
        voices: dict[Voice, Track] = {}
        changes = [event for event in track if event[1] & 0xF0 == PROGRAM]
        port = port_of(track) if changes else 0
        for event in changes:
            voices.setdefault((port, event[1] & 15), []).append(event)
        chosen.append(voices)
    return chosen


def inherit_programs(tracks: Sequence[Track], chosen: Chosen | None = None) -> list[Track]:
    """Tracks in which every channel that plays is told its program by the track itself.

    A track that chooses a program keeps it. One that chooses none, on a channel whose programs stand in other tracks,
    is given those its notes need, each before its own events of that tick. `chosen` is what `programs_chosen` finds.
    """
    if chosen is None:
        chosen = programs_chosen(tracks)
    choices: dict[Voice, list[Track]] = {}
    for voices in chosen:
        for voice, changes in voices.items():
            choices.setdefault(voice, []).append(changes)
    common = {voice: list(merge(*changes, key=by_tick)) for voice, changes in choices.items()}
    ticks = {voice: [tick for tick, _, _ in changes] for voice, changes in common.items()}
    told = []
    for own, track in zip(chosen, tracks, strict=True):
        channels = sorted({status & 15 for _, status, _ in track if status & 0xF0 == NOTE_ON})
        port = port_of(track)
        silent = [voice for channel in channels if (voice := (port, channel)) in common and voice not in own]
        given = [_needed(common[voice], ticks[voice], track, voice[1]) for voice in silent]
        told.append(list(merge(*given, track, key=by_tick)) if given else track)
    return told


def _needed(changes: Track, ticks: list[int], track: Track, channel: int) -> Track:
    """Of program changes for a channel, and their ticks, those in force when notes of a track begin."""
    onsets = {tick for tick, status, _ in track if status == NOTE_ON | channel}
    in_force = sorted({bisect_right(ticks, tick) for tick in onsets} - {0})
    return [changes[after - 1] for after in in_force]


def may_move_drums(data: bytes) -> bool:
    """Whether these MIDI bytes may make other channels than the tenth play drums. Most files do not: they say so fast."""
    if b"\xf0" not in data:
        return False
    if b"\x42\x12\x40" in data and _GS_RHYTHM.search(data):
        return True
    if b"\x4c\x08" in data and _XG_PART_MODE.search(data):
        return True
    if _XG_ON in data:
        return any(bytes((0, bank)) in data for bank in _XG_DRUMS)
    return _GM2_ON in data and any(bytes((0, bank)) in data for bank in (_GM2_DRUMS, _GM2_MELODIC))


def drums_moved(tracks: Sequence[Track]) -> dict[Voice, bool]:
    """The voices that play drums though not on channel 10 (True), and those on channel 10 that do not (False).

    What a file says last of a voice holds for all of the song. Channel 10 stays drums where an XG file selects bank 0
    there: writers of files do so without meaning a melody.
    """
    said = [
        [(tick, status, data, port) for tick, status, data in track if status == SYSEX or _selects_bank(status, data)]
        for track, port in ((track, port_of(track)) for track in tracks)
    ]
    drums: dict[Voice, bool] = {}
    xg = gm2 = False
    for tick, status, data, port in merge(*said, key=by_tick):
        channel = status & 15
        if status == SYSEX:
            if is_reset((tick, status, data)):
                drums = {}
                xg, gm2 = _XG_ON in data, data.startswith(b"\x7e\x7f\x09\x03")
            elif found := _GS_RHYTHM.match(data):
                # GS counts the part on channel 10 as 0, those before it from 1.
                part = found[1][0] & 15
                drums[port, DRUM_CHANNEL if part == 0 else part - 1 if part <= DRUM_CHANNEL else part] = found[2] != b"\0"
            elif found := _XG_PART_MODE.match(data):
                drums[port, found[1][0]] = found[2] != b"\0"
        elif xg and channel != DRUM_CHANNEL:
            drums[port, channel] = data[1] in _XG_DRUMS
        elif gm2 and data[1] in (_GM2_DRUMS, _GM2_MELODIC):
            drums[port, channel] = data[1] == _GM2_DRUMS
    return {voice: plays for voice, plays in drums.items() if plays != (voice[1] == DRUM_CHANNEL)}


def says_drums(event: Event) -> bool:
    """Whether an event is a system exclusive message that says whether some channel plays drums."""
    _, status, data = event
    return status == SYSEX and bool(_GS_RHYTHM.match(data) or _XG_PART_MODE.match(data))


def drums_on_ten(tracks: Sequence[Track]) -> list[Track]:
    """Tracks with all drums on channel 10 and nothing else there, for a reader that knows no other.

    A voice that must move gets a track of its own behind the one it was in: there it meets no other notes.
    """
    moved = drums_moved(tracks)
    told = list[Track]()
    for track in tracks:
        port = port_of(track)
        leaving = [channel for where, channel in moved if where == port]
        told.append([event for event in track if event[1] >= SYSEX or event[1] & 15 not in leaving] if leaving else track)
        for channel in leaving:
            own = [event for event in track if event[1] < SYSEX and event[1] & 15 == channel]
            if own:
                named = [event for event in track if event[1] == META and event[2][0] == TRACK_NAME]
                new = plain_channel((port, channel), moved)
                told.append(to_channel(merge(named, own, key=by_tick), new))
    return told


def plain_channel(voice: Voice, moved: Mapping[Voice, bool]) -> int:
    """The channel on which any synth plays a voice as drums or as no drums, as it should: its own if it can be.

    `moved` is what `drums_moved` found. Drums go to channel 10, what is none to the first channel nothing is said of.
    """
    port, channel = voice
    if voice not in moved:
        return channel
    if moved[voice]:
        return DRUM_CHANNEL
    return next((free for free in range(16) if free != DRUM_CHANNEL and (port, free) not in moved), 0)


def to_channel(events: Iterable[Event], channel: int) -> Track:
    """Events with their channel messages on `channel`."""
    return [(tick, status & 0xF0 | channel if status < SYSEX else status, data) for tick, status, data in events]


def _selects_bank(status: int, data: bytes) -> bool:
    return status & 0xF0 == CONTROL and data[0] == 0


class ChannelStates:
    """For each track and voice, the events of other tracks that shape its sound.

    Tracks that choose different programs are different instruments which only happen to use the same channel number:
    they do not share its state.
    """

    def __init__(self, tracks: Sequence[Track], chosen: Chosen) -> None:
        self._programs = [
            {voice: frozenset(data for *_, data in changes) for voice, changes in voices.items()} for voices in chosen
        ]
        self._sysex: list[tuple[int, Track]] = []
        self._shaping: dict[Voice, list[tuple[int, Track]]] = {}
        for index, track in enumerate(tracks):
            if sysex := [event for event in track if event[1] in (SYSEX, ESCAPE)]:
                self._sysex.append((index, sysex))
            port = port_of(track)
            for channel in {status & 15 for _, status, _ in track if POLY_PRESSURE <= status < SYSEX}:
                events = [event for event in track if POLY_PRESSURE <= event[1] < SYSEX and event[1] & 15 == channel]
                self._shaping.setdefault((port, channel), []).append((index, events))

    @property
    def sysex_in_pieces(self) -> bool:
        """Whether some system exclusive message goes on in a later event."""
        return any(status == ESCAPE for _, track in self._sysex for _, status, _ in track)

    def foreign(self, index: int, voice: Voice) -> Track:
        """Sysex of all tracks but `index`, and channel state from those that share it, in order of time."""
        own = self._programs[index].get(voice)
        heard = [sysex for other, sysex in self._sysex if other != index]
        for other, events in self._shaping.get(voice, ()):
            theirs = self._programs[other].get(voice)
            if other != index and (not own or not theirs or own == theirs):
                heard.append(events)
        return list(merge(*heard, key=by_tick))
