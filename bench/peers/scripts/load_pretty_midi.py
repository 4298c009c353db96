"""pretty_midi: notes and seconds as its objects say."""

from typing import Any

import pretty_midi


def load(path: str) -> Any:
    return pretty_midi.PrettyMIDI(path)


def facts(song: Any) -> tuple[int, float, int]:
    notes = [note for instrument in song.instruments for note in instrument.notes]
    return len(notes), max((note.end for note in notes), default=0.0), len(song.get_tempo_changes()[0])


def tempo(song: Any) -> float:
    return float(song.estimate_tempo())
