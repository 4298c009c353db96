"""An arrangement as a Standard MIDI File."""

from collections.abc import Callable, Sequence

from motet.midi import events as midi

from .arrange import Arrangement, Voice
from .notation import EIGHTH, QUARTER

_CONTROLLERS = {"pedal": 64, "expression": 11}
_VOLUME, _PAN = 7, 10


def to_midi(
    piece: Arrangement, *, ticks_per_quarter: int | None = None, order: Sequence[int] | None = None, softer: int = 0
) -> bytes:
    """The piece as Standard MIDI bytes: type 1, or type 0 when the tune says `one_track`.

    `ticks_per_quarter` (a multiple of the tune's own), `order` of the voices and `softer` (taken from each
    velocity) re-save the same notes differently.
    """
    tune = piece.tune
    division = ticks_per_quarter or tune.ticks_per_quarter
    finer = division // tune.ticks_per_quarter

    def tick(time: int) -> int:
        return (_swung(time) if tune.swing else time) * tune.ticks_per_quarter // QUARTER * finer

    tracks = [_conductor(piece, tick)]
    for place in order or range(len(piece.voices)):
        voice = piece.voices[place]
        name = [] if tune.one_track else [_meta(0, midi.TRACK_NAME, voice.part.name.title().encode())]
        tracks.append(name + _events(voice, tick, softer))
    if tune.one_track:
        tracks = [[event for track in tracks for event in track]]
    in_order = [sorted(track, key=_rank) for track in tracks]
    return midi.write(midi.Events(0 if tune.one_track else 1, division, in_order))


def _conductor(piece: Arrangement, tick: Callable[[int], int]) -> list[midi.Event]:
    beats, unit = piece.tune.metre
    clicks = 24 if unit == 4 else 36  # the metronome beats quarters, or the dotted quarters of 6/8
    return [
        _meta(0, midi.TRACK_NAME, piece.tune.title.encode()),
        _meta(0, midi.METRE, bytes((beats, unit.bit_length() - 1, clicks, 8))),
        _meta(0, midi.KEY, bytes((piece.key.fifths % 256, piece.key.minor))),
        *(_meta(tick(time), midi.TEMPO, tempo.to_bytes(3, "big")) for time, tempo in piece.tempos),
    ]


def _events(voice: Voice, tick: Callable[[int], int], softer: int) -> list[midi.Event]:
    channel = voice.channel
    events = [(tick(time), midi.PROGRAM | channel, bytes((program,))) for time, program in voice.programs]
    events.append((0, midi.CONTROL | channel, bytes((_VOLUME, voice.part.volume))))
    events.append((0, midi.CONTROL | channel, bytes((_PAN, voice.part.pan))))
    for time, kind, value in voice.gestures:
        if kind == "bend":
            bend = value + 8192
            events.append((tick(time), midi.BEND | channel, bytes((bend & 0x7F, bend >> 7))))
        else:
            events.append((tick(time), midi.CONTROL | channel, bytes((_CONTROLLERS[kind], value))))
    for note in voice.notes:
        velocity = max(note.velocity - softer, 1)
        events.append((tick(note.start), midi.NOTE_ON | channel, bytes((note.pitch, velocity))))
        events.append((tick(note.end), midi.NOTE_OFF | channel, bytes((note.pitch, 0))))
    return events


def _meta(tick: int, kind: int, payload: bytes) -> midi.Event:
    return tick, midi.META, bytes((kind,)) + payload


def _rank(event: midi.Event) -> tuple[int, int]:
    """At one tick, a note ends before the next begins, and what shapes a note comes before it."""
    tick, status, _ = event
    if status == midi.META:
        return tick, 1
    return tick, {midi.NOTE_OFF: 0, midi.NOTE_ON: 3}.get(status & 0xF0, 2)


def _swung(time: int) -> int:
    """Straight eighths to long and short: the second eighth of each beat falls on its last third."""
    beat, place = time // QUARTER * QUARTER, time % QUARTER
    return beat + (place * 4 // 3 if place < EIGHTH else 2 * QUARTER // 3 + (place - EIGHTH) * 2 // 3)
