"""Channels that several tracks share: a synth keeps one state per channel, wherever its events stand in the file."""

from bisect import bisect_right
from collections.abc import Sequence
from heapq import merge
from operator import itemgetter

from motet.midi.events import ESCAPE, META, NOTE_ON, POLY_PRESSURE, PORT, PROGRAM, SYSEX, Event

# A MIDI port and a channel 0-15 of it: files for more than 16 channels number their ports by meta events.
Voice = tuple[int, int]
Track = list[Event]

by_tick = itemgetter(0)


def port_of(track: Track) -> int:
    """The MIDI port a track plays on, 0 when it does not say so before its first note."""
    for _, status, data in track:
        if status == META and data[0] == PORT and len(data) == 2:
            return data[1]
        if status & 0xF0 == NOTE_ON:
            break
    return 0


def programs_chosen(tracks: Sequence[Track]) -> list[dict[Voice, Track]]:
    """For each track, the program changes it holds, by voice."""
    chosen: list[dict[Voice, Track]] = []
    for track in tracks:
        voices: dict[Voice, Track] = {}
        changes = [event for event in track if event[1] & 0xF0 == PROGRAM]
        port = port_of(track) if changes else 0
        for event in changes:
            voices.setdefault((port, event[1] & 15), []).append(event)
        chosen.append(voices)
    return chosen


def inherit_programs(tracks: Sequence[Track]) -> list[Track]:
    """Tracks in which every channel that plays is told its program by the track itself.

    A track that chooses a program keeps it. One that chooses none, on a channel whose programs stand in other tracks,
    is given those its notes need, each before its own events of that tick.
    """
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


class ChannelStates:
    """For each track and voice, the events of other tracks that shape its sound.

    Tracks that choose different programs are different instruments which only happen to use the same channel number:
    they do not share its state.
    """

    def __init__(self, tracks: Sequence[Track]) -> None:
        chosen = programs_chosen(tracks)
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
