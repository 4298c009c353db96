"""From a tune and its plan to the notes and gestures of every instrument."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from .backing import bass_line, chord_part, drum_part
from .form import Part, Stretch, Tune, lay_out, plan_of, tempos_of
from .lines import LINE, melody_line
from .notation import (
    QUARTER,
    Bar,
    Chord,
    Key,
    NotationError,
    Note,
    parse_chord,
    parse_key,
    parse_melody,
    parse_pickup,
)
from .playing import expressed, last_bar, pedalled, played, untangled
from .styles import BASS, CHORDS, GROOVES

DRUM_CHANNEL = 9
_Pattern = TypeVar("_Pattern")


@dataclass(frozen=True)
class Voice:
    """What one part plays through the whole piece: notes, program changes, and gestures as (time, kind, value)."""

    part: Part
    channel: int
    notes: tuple[Note, ...]
    programs: tuple[tuple[int, int], ...]
    gestures: tuple[tuple[int, str, int], ...]


@dataclass(frozen=True)
class Arrangement:
    """A whole piece: voices, and tempo changes as (time, microseconds per quarter).

    Times are in 1/960 quarters and straight; swing comes when they are written.
    """

    tune: Tune
    key: Key
    tempos: tuple[tuple[int, int], ...]
    voices: tuple[Voice, ...]


@dataclass(frozen=True)
class _Sheet:
    """A tune as read from its text, in the key it sounds in."""

    tune: Tune
    key: Key
    bars: tuple[Bar, ...]
    pickup: Bar
    stretches: tuple[Stretch, ...]
    last_chord: Chord


def arrange(tune: Tune) -> Arrangement:
    """Play the tune through its form; the same tune gives the same notes on every machine.

    Raises NotationError when the melody, a chord, a part or a pattern cannot be read.
    """
    key = parse_key(tune.key)
    bars = tuple(bar.transposed(tune.transpose) for bar in parse_melody(tune.melody, key, tune.bar_length))
    sheet = _Sheet(
        tune,
        key.transposed(tune.transpose),
        bars,
        parse_pickup(tune.pickup, key).transposed(tune.transpose),
        tuple(lay_out(tune, bars)),
        parse_chord(tune.last_chord).transposed(tune.transpose),
    )
    channels = iter(channel for channel in range(16) if channel != DRUM_CHANNEL)
    voices = [_voice(sheet, part, DRUM_CHANNEL if part.role == "drums" else next(channels)) for part in tune.parts]
    return Arrangement(tune, sheet.key, tempos_of(tune, sheet.stretches), tuple(voices))


def _voice(sheet: _Sheet, part: Part, channel: int) -> Voice:
    notes: list[Note] = []
    programs = [(0, part.program)]
    gestures: list[tuple[int, str, int]] = []
    after_fill = False
    for stretch in sheet.stretches:
        pattern = plan_of(stretch.section).get(part.name)
        if part.name in stretch.section.programs:
            programs.append((stretch.start, stretch.section.programs[part.name]))
        if pattern is not None:
            fresh = _play(pattern, sheet, part, stretch, notes, after_fill)
            if part.role == "lead" and fresh:
                notes = _breathing(notes, fresh[0].start)
            notes += [played(sheet.tune, part, note, stretch) for note in fresh]
            if "pedal" in part.gestures:
                gestures += pedalled(stretch)
        after_fill = pattern is not None and stretch.section.fill
    if pattern is not None:
        end = stretch.end
        final = last_bar(sheet.tune, part, sheet.last_chord, end, notes)
        notes += [played(sheet.tune, part, note, stretch) for note in final]
        if "pedal" in part.gestures:
            gestures += [(end + QUARTER // 8, "pedal", 127), (end + sheet.tune.bar_length, "pedal", 0)]
    notes = untangled(notes)
    gestures += expressed(part, notes)
    return Voice(part, channel, tuple(notes), tuple(programs), tuple(sorted(gestures, key=lambda gesture: gesture[0])))


def _play(pattern: str, sheet: _Sheet, part: Part, stretch: Stretch, before: Sequence[Note], after_fill: bool) -> list[Note]:
    """What the part plays in a stretch; `before` is what it has played so far."""
    if part.role == "drums":
        groove = _known(GROOVES, pattern, "groove")
        return list(drum_part(groove, stretch, after_fill and groove.crash))
    if line := LINE.fullmatch(pattern):
        return melody_line(line, part, sheet.key, stretch, sheet.bars, sheet.pickup)
    if part.role == "bass":
        return list(bass_line(_known(BASS, pattern, "bass pattern"), part, stretch, before))
    return list(chord_part(_known(CHORDS, pattern, "chord pattern"), part, stretch))


def _breathing(notes: Sequence[Note], entry: int) -> list[Note]:
    """A line ends its last note where it goes on, as when the next verse begins with an upbeat."""
    return [replace(note, length=min(note.length, entry - note.start)) for note in notes if note.start < entry]


def _known(patterns: Mapping[str, _Pattern], name: str, kind: str) -> _Pattern:
    if name not in patterns:
        raise NotationError("unknown_pattern", f"No {kind} {name!r}; there are {', '.join(sorted(patterns))}.")
    return patterns[name]
