"""Bass, chords and drums, played from the patterns of a style."""

from collections.abc import Iterable, Sequence
from itertools import pairwise

from .form import Part, Stretch, chord_at, spans_of
from .notation import QUARTER, Chord, Note
from .styles import KIT, Groove, steps

_ACCENTS = {"X": 14, "x": 0, "o": -16, "g": -30, "D": 10, "d": 0, "u": -12}
_LOWEST, _HIGHEST = 28, 50  # the open low E of a bass, and the D above its top string


def bass_line(pattern: tuple[str, ...], part: Part, stretch: Stretch, before: Sequence[Note]) -> Iterable[Note]:
    """The pattern's degrees as bass notes (E1 to D3), going on from where the bass was."""
    spans = spans_of(stretch)
    near = before[-1].pitch if before else 38
    time = stretch.start
    rooted: Chord | None = None
    for count, bar in enumerate(stretch.bars):
        plan = [(time + start, length, sign) for start, length, sign in steps(pattern, count, bar.length)]
        changes = [time + offset for offset, _ in bar.chords]
        for start, length, sign in _cut(plan, changes):
            chord = chord_at(spans, start)
            if chord != rooted:  # the ear wants a new chord's own bass first, whatever the pattern says
                pitch, rooted = bass_pitch(chord.bass, min(near, 43)), chord
            elif sign == "a":
                pitch = _approach(near, chord_at(spans, start + length), chord)
            else:
                pitch = bass_pitch(chord.bass if sign == "1" else chord.root + chord.degree(sign), near)
            near = pitch
            yield Note(start, length * 9 // 10, pitch)
        time += bar.length


def _cut(plan: Iterable[tuple[int, int, str]], changes: Sequence[int]) -> Iterable[tuple[int, int, str]]:
    """Break what is held across a chord change, so that it sounds again with the new chord."""
    for start, length, sign in plan:
        inside = [change for change in changes if start < change < start + length]
        edges = [start, *inside, start + length]
        yield from ((a, b - a, sign) for a, b in pairwise(edges))


def bass_pitch(pitch: int, near: int) -> int:
    """The pitch class of `pitch` in the bass's range, as near as possible to the note before."""
    return min((p for p in range(_LOWEST, _HIGHEST + 1) if p % 12 == pitch % 12), key=lambda p: (abs(p - near), p))


def _approach(near: int, following: Chord, chord: Chord) -> int:
    """One step away from the next bass note, on the side the line comes from; the fifth when the chord stays."""
    target = bass_pitch(following.bass, near)
    if following == chord:
        return bass_pitch(chord.root + chord.degree("5"), near)
    step = target - 1 if near <= target else target + 2
    return step if _LOWEST <= step <= _HIGHEST else target


def chord_part(pattern: tuple[str, ...], part: Part, stretch: Stretch) -> Iterable[Note]:
    """The pattern's blocks, strums or broken chords, in voicings that lead into each other."""
    spans = spans_of(stretch)
    time = stretch.start
    voicing: tuple[int, ...] = ()
    current: Chord | None = None
    for count, bar in enumerate(stretch.bars):
        plan = [(time + start, length, sign) for start, length, sign in steps(pattern, count, bar.length)]
        changes = [time + offset for offset, _ in bar.chords]
        for start, length, sign in _cut(plan, changes):
            chord = chord_at(spans, start)
            if chord != current:
                voicing, current = close_chord(chord, part, voicing), chord
            if sign.isdigit():
                ends = next(end for begin, end, _ in spans if begin <= start < end)
                climb = voicing + tuple(pitch + 12 for pitch in voicing)
                yield Note(start, ends - start, climb[int(sign) - 1], 70)
                continue
            order = voicing[::-1] if sign == "u" else voicing
            spread = QUARTER // 64 if sign in "Ddu" else 0
            for place, pitch in enumerate(order):
                yield Note(start + place * spread, length * 9 // 10 - place * spread, pitch, 70 + _ACCENTS[sign])
        time += bar.length


def close_chord(chord: Chord, part: Part, before: tuple[int, ...]) -> tuple[int, ...]:
    """The chord in close position around the part's centre, with as little movement as possible."""
    classes = list(chord.classes)
    if len(classes) > part.voices:
        classes.remove((chord.root + chord.degree("5")) % 12)
    choices = []
    for lowest in range(part.centre - 12, part.centre + 5):
        if lowest % 12 not in classes:
            continue
        pitches = [lowest]
        while len(pitches) < part.voices:
            pitches.append(next(p for p in range(pitches[-1] + 1, pitches[-1] + 13) if p % 12 in classes))
        if {p % 12 for p in pitches} >= set(classes[: part.voices]):
            choices.append(tuple(pitches))
    goal = before or (part.centre,) * part.voices
    middle = part.centre * part.voices

    def movement(pitches: tuple[int, ...]) -> int:
        return 2 * sum(abs(a - b) for a, b in zip(pitches, goal, strict=True)) + abs(sum(pitches) - middle)

    return min(choices, key=movement)


def drum_part(groove: Groove, stretch: Stretch, crash: bool) -> Iterable[Note]:
    """The groove bar by bar, with its fill in the last; `crash` adds a cymbal at the start."""
    time = stretch.start
    for count, bar in enumerate(stretch.bars):
        last = stretch.section.fill and count == len(stretch.bars) - 1
        for name, pattern in (groove.fill if last else groove.lines).items():
            for start, _, sign in steps(pattern, count, bar.length):
                yield Note(time + start, QUARTER // 8, KIT[name], 76 + _ACCENTS[sign])
        time += bar.length
    if crash:
        yield Note(stretch.start, QUARTER // 8, KIT["crash"], 84)
