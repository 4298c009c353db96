"""music21: a stream of notes and chords; its key by Krumhansl and Schmuckler."""

from typing import Any

from music21 import converter


def load(path: str) -> Any:
    return converter.parse(path, format="midi", forceSource=True)


def facts(score: Any) -> tuple[int, float, int]:
    notes = sum(len(one.pitches) if one.isChord else 1 for one in score.flatten().notes)
    changes = score.metronomeMarkBoundaries()
    ends = [mark.durationToSeconds(stop - start) for start, stop, mark in changes]
    return notes, float(sum(ends)), len(changes)


def key(score: Any) -> str:
    found = score.analyze("key")
    return f"{found.tonic.name} {found.mode}"
