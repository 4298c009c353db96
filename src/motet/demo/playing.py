"""How notes are played: force, pedal, expression, vibrato, and the last bar."""

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import replace

from .backing import bass_pitch, close_chord
from .form import DYNAMICS, Part, Stretch, Tune, spans_of
from .notation import QUARTER, Chord, Note
from .styles import KIT


def last_bar(tune: Tune, part: Part, chord: Chord, start: int, before: Sequence[Note]) -> list[Note]:
    """One last bar: everybody holds the final chord."""
    length = tune.bar_length
    if part.role == "drums":
        return [Note(start, QUARTER // 8, KIT["kick"], 88), Note(start, QUARTER // 8, KIT["crash"], 72)]
    if part.role == "bass":
        return [Note(start, length, bass_pitch(chord.bass, before[-1].pitch), 76)]
    if part.role == "chords":
        rolled = enumerate(close_chord(chord, part, ()))
        late = QUARTER // 32
        return [Note(start + place * late, length - place * late, pitch, 70) for place, pitch in rolled]
    reached = before[-1].pitch
    tones = [pitch for pitch in range(reached - 6, reached + 7) if pitch % 12 in chord.classes]
    return [Note(start, length, min(tones, key=lambda pitch: abs(pitch - reached)))]


def played(tune: Tune, part: Part, note: Note, stretch: Stretch) -> Note:
    """The note with the force of its section, its place in the bar, and a little of a player's unevenness."""
    low, _, high = stretch.section.dynamic.replace(">", "<").partition("<")
    a, b = DYNAMICS[low], DYNAMICS[high or low]
    span = stretch.end - stretch.start
    force = a + (b - a) * min(max(note.start - stretch.start, 0), span) // span
    place = (note.start - stretch.start) % tune.bar_length
    if part.role == "drums":
        accent = 0
    elif place == 0:
        accent = 6
    else:
        accent = 2 if place % QUARTER == 0 else -3
    uneven = zlib.crc32(f"{tune.title}/{part.name}/{note.start}/{note.pitch}".encode()) % 9 - 4
    own = note.velocity - 76
    return replace(note, velocity=min(max(force + own + accent + uneven, 12), 124))


def untangled(notes: Iterable[Note]) -> list[Note]:
    """Notes in order, each ended before its own pitch sounds again."""
    ordered = sorted(notes, key=lambda note: (note.start, note.pitch, -note.velocity))
    following: dict[int, int] = {}
    kept: list[Note] = []
    for note in reversed(ordered):
        limit = following.get(note.pitch)
        if limit == note.start:
            continue
        following[note.pitch] = note.start
        kept.append(note if limit is None else replace(note, length=min(note.length, limit - note.start)))
    return kept[::-1]


def pedalled(stretch: Stretch) -> Iterable[tuple[int, str, int]]:
    """The pedal is changed just after each new chord, as a pianist does."""
    for start, end, _ in spans_of(stretch):
        yield start + QUARTER // 8, "pedal", 127
        yield end, "pedal", 0


def expressed(part: Part, notes: Sequence[Note]) -> Iterable[tuple[int, str, int]]:
    """Long notes swell and fade; some are scooped into from below and end in vibrato."""
    for note in notes:
        if note.length < 2 * QUARTER:
            if "swell" in part.gestures:
                yield note.start, "expression", 112
            continue
        if "swell" in part.gestures:
            for place, value in enumerate((92, 104, 116, 124, 120, 108, 96)):
                yield note.start + note.length * place // 8, "expression", value
        if "bend" in part.gestures:
            for place in range(5):  # from a little over a semitone below
                yield note.start + place * QUARTER // 16, "bend", -1365 * (4 - place)
            middle = note.start + note.length // 2
            for place in range((note.end - middle) // (QUARTER // 8)):
                yield middle + place * QUARTER // 8, "bend", (0, 420, 0, -420)[place % 4]
            yield note.end, "bend", 0
