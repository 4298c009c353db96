"""miditoolkit: ticks, and its table from ticks to seconds."""

from typing import Any

import miditoolkit


def load(path: str) -> Any:
    return miditoolkit.MidiFile(path)


def facts(song: Any) -> tuple[int, float, int]:
    notes = [note for instrument in song.instruments for note in instrument.notes]
    last = max((note.end for note in notes), default=0)
    return len(notes), float(song.get_tick_to_time_mapping()[last]) if notes else 0.0, len(song.tempo_changes)
