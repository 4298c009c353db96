"""Melody lines: the tune, a second voice under it, a slow counter-line."""

import re
from collections.abc import Sequence
from dataclasses import replace

from .form import Part, Stretch, chord_at, spans_of
from .notation import EIGHTH, QUARTER, Bar, Chord, Key, Note

LINE = re.compile(r"(tune|thirds|counter)([+-]\d+)?(?:>(\d+))?")


def melody_line(line: re.Match[str], part: Part, key: Key, stretch: Stretch, bars: Sequence[Bar], pickup: Bar) -> list[Note]:
    """The stretch's own bars of the tune, or a voice made for them; a verse from bar 1 brings its upbeat along."""
    what, shift, late = line[1], int(line[2] or 0), int(line[3] or 0)
    if what == "counter":
        return _counter(part, key, stretch)
    notes: list[Note] = []
    time = stretch.start
    if stretch.numbers[0] == 0 and not late and stretch.start >= pickup.length:
        notes += [replace(note, start=time - pickup.length + note.start) for note in pickup.notes]
    for number in stretch.numbers:
        bar = bars[(number - late) % len(bars)]  # a canon enters `late` bars behind
        notes += [replace(note, start=time + note.start) for note in bar.notes]
        time += bar.length
    if what == "thirds":
        spans = spans_of(stretch)
        notes = [replace(note, pitch=_below(note.pitch, chord_at(spans, note.start), key)) for note in notes]
    return [replace(note, pitch=note.pitch + shift) for note in notes]


def _below(pitch: int, chord: Chord, key: Key) -> int:
    """The nearest chord tone a third to a sixth below; under a passing note, the key's own third."""
    if pitch % 12 in chord.classes:
        return next((pitch - gap for gap in range(3, 10) if (pitch - gap) % 12 in chord.classes), pitch - 12)
    return next((pitch - gap for gap in (3, 4, 5) if (pitch - gap) % 12 in key.scale), pitch - 12)


def _counter(part: Part, key: Key, stretch: Stretch) -> list[Note]:
    """A slow line of chord tones that prefers steps, moves against the melody and avoids what it sings."""
    melody: list[Note] = []
    time = stretch.start
    for bar in stretch.bars:
        melody += [replace(note, start=time + note.start) for note in bar.notes]
        time += bar.length
    spans = spans_of(stretch)
    chosen: list[int] = []
    before, sung_before = part.centre, 0
    for start, end, chord in spans:
        sung = next((note.pitch for note in melody if note.start < end and note.end > start), 0)

        def cost(pitch: int, sung: int = sung, before: int = before, rise: int = sung - sung_before) -> int:
            move = pitch - before
            same_way = 2 if move * rise > 0 else 0
            crossed = 8 if sung and pitch > sung - 3 else 0
            doubled = 3 if sung and (sung - pitch) % 12 == 0 else 0
            leap = (5, 0, 0, 2, 3, 4, 6, 6)[min(abs(move), 7)]
            return leap + same_way + crossed + doubled + abs(pitch - part.centre) // 3

        before = min((p for p in range(part.centre - 10, part.centre + 11) if p % 12 in chord.classes), key=cost)
        chosen.append(before)
        sung_before = sung
    notes: list[Note] = []
    for place, ((start, end, _), pitch) in enumerate(zip(spans, chosen, strict=True)):
        following = chosen[place + 1] if place + 1 < len(chosen) else pitch
        between = [p for p in range(min(pitch, following) + 1, max(pitch, following)) if p % 12 in key.scale]
        step = EIGHTH if end - start < 2 * QUARTER else QUARTER
        if len(between) == 1 and end - start >= QUARTER:
            notes += [Note(start, end - start - step, pitch), Note(end - step, step, between[0])]
        elif notes and notes[-1].pitch == pitch and notes[-1].end == start and notes[-1].length < 4 * QUARTER:
            notes[-1] = replace(notes[-1], length=notes[-1].length + end - start)
        else:
            notes.append(Note(start, end - start, pitch))
    return notes
