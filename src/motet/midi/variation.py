"""The same music a little otherwise: in another key, at another speed, played by hands instead of a grid."""

import random
from dataclasses import dataclass

from motet.midi.events import (
    BEND,
    CONTROL,
    DRUM_CHANNEL,
    END_OF_TRACK,
    KEY,
    META,
    NOTE_OFF,
    NOTE_ON,
    POLY_PRESSURE,
    PRESSURE,
    PROGRAM,
    TEMPO,
    Event,
    Events,
    write,
)
from motet.midi.reading import prepare, unwrap
from motet.midi.tempo import DEFAULT_TEMPO, TempoMap

__all__ = ["Variation", "vary"]

SLOWEST = (1 << 24) - 1  # microseconds a quarter note
FIRM = 3.0  # standard deviations a hand may be off
_SHAPING = frozenset((CONTROL, PROGRAM, PRESSURE, BEND))


@dataclass(frozen=True)
class Variation:
    """What is changed: nothing, as it stands.

    `transpose` in semitones, which drums do not follow; `speed` 1.1 plays a tenth faster; `timing_ms` and `velocity` are standard
    deviations of what hands add to each note's moment and to its velocity (1-127).
    """

    transpose: int = 0
    speed: float = 1.0
    timing_ms: float = 0.0
    velocity: float = 0.0

    @property
    def none(self) -> bool:
        return self == Variation()


def vary(midi: bytes, variation: Variation, dice: random.Random) -> bytes:
    """The MIDI file varied, as another MIDI file; byte for byte as it was where nothing is to change.

    Keys that transposing takes out of 0-127 move by octaves back into it; key signatures follow. Tempi are whole microseconds a
    quarter note, so a speed is exact to one in some hundred thousand, and everything that reads the file has the same. A note's
    end moves with its beginning; no note moves before the last message that shapes its sound.
    Raises `Unreadable` as `read` does, ValueError for a speed that is not above 0.
    """
    if variation.none:
        return midi
    if not variation.speed > 0:
        msg = f"a speed must be above 0, not {variation.speed}"
        raise ValueError(msg)
    events = prepare(unwrap(midi)[0])
    tracks = events.tracks
    if variation.speed != 1:
        tracks = _at_speed(tracks, variation.speed)
    if variation.transpose:
        tracks = [[_transposed(event, variation.transpose) for event in track] for track in tracks]
    if variation.timing_ms or variation.velocity:
        clock = TempoMap(events.division, tuple((tick, int.from_bytes(data[1:4])) for tick, data in _tempi(tracks)))
        tracks = [_by_hand(track, clock, variation, dice) for track in tracks]
    return write(Events(events.format, events.division, tracks))


def _tempi(tracks: list[list[Event]]) -> list[tuple[int, bytes]]:
    return [(tick, data) for track in tracks for tick, status, data in track if status == META and data[0] == TEMPO]


def _at_speed(tracks: list[list[Event]], speed: float) -> list[list[Event]]:
    def tempo(us: int) -> bytes:
        return bytes((TEMPO,)) + min(max(round(us / speed), 1), SLOWEST).to_bytes(3)

    faster: list[list[Event]] = [
        [
            (tick, status, tempo(int.from_bytes(data[1:4])) if status == META and data[0] == TEMPO else data)
            for tick, status, data in track
        ]
        for track in tracks
    ]
    if not any(tick == 0 for tick, _ in _tempi(faster)):
        faster[:1] = [[(0, META, tempo(DEFAULT_TEMPO)), *(faster[0] if faster else [])]]
    return faster


def _transposed(event: Event, semitones: int) -> Event:
    tick, status, data = event
    if status == META and data[0] == KEY and len(data) == 3:
        return tick, status, bytes((KEY, _signature(data[1], semitones), data[2]))
    if status & 0xF0 not in (NOTE_OFF, NOTE_ON, POLY_PRESSURE) or status & 15 == DRUM_CHANNEL or status >= 0xF0:
        return event
    key = data[0] + semitones
    while key > 127:
        key -= 12
    while key < 0:
        key += 12
    return tick, status, bytes((key, data[1]))


def _signature(byte: int, semitones: int) -> int:
    """Sharps (flats below 0, as a byte in two's complement) of a key some semitones higher; six flats, not six sharps."""
    sharps = byte - 256 if byte > 127 else byte
    return ((sharps + 7 * semitones + 6) % 12 - 6) & 0xFF


def _by_hand(track: list[Event], clock: TempoMap, variation: Variation, dice: random.Random) -> list[Event]:
    """A track with its notes moved and struck as hands would."""

    def off_by(spread: float) -> float:
        return max(-FIRM, min(FIRM, dice.gauss(0, 1))) * spread

    played: list[Event] = list(track)
    held: dict[tuple[int, int], list[int]] = {}  # (channel, key) -> places of its sounding notes
    shaped = dict.fromkeys(range(16), 0)  # channel -> tick of the last message that shapes its sound
    for at, (tick, status, data) in enumerate(track):
        kind, channel = status & 0xF0, status & 15
        if status >= 0xF0:
            continue
        if kind in _SHAPING:
            shaped[channel] = tick
        elif kind == NOTE_ON and data[1]:
            moved = _moved(clock, tick, off_by(variation.timing_ms / 1000))
            velocity = min(max(round(data[1] + off_by(variation.velocity)), 1), 127)
            played[at] = (max(moved, shaped[channel]), status, bytes((data[0], velocity)))
            held.setdefault((channel, data[0]), []).append(at)
        elif kind in (NOTE_OFF, NOTE_ON) and held.get((channel, data[0])):  # the oldest ends first, as everywhere
            began = held[channel, data[0]].pop(0)
            late = played[began][0] - track[began][0]
            played[at] = (max(tick + late, played[began][0] + 1), status, data)
    played.sort(key=lambda event: (event[1] == META and event[2][0] == END_OF_TRACK, event[0]))
    return [(max(tick, played[at - 1][0] if at else 0), status, data) for at, (tick, status, data) in enumerate(played)]


def _moved(clock: TempoMap, tick: int, seconds: float) -> int:
    return clock.from_seconds(max(clock.to_seconds(tick) + seconds, 0.0)) if seconds else tick
