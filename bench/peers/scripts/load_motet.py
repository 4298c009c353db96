"""Motet: what the stage `clean` reads and counts."""

from pathlib import Path
from typing import Any

from motet import midi


def load(path: str) -> Any:
    return midi.read(Path(path).read_bytes())


def facts(score: Any) -> tuple[int, float, int]:
    found = midi.facts(score)
    return found.notes, found.duration, len(score.tempo_map.tempi)


def tempo(score: Any) -> float:
    found = midi.tap(midi.Passage.whole(score))
    return found.tempo if found else 0.0


def key(score: Any) -> str:
    found = midi.key(midi.Passage.whole(score))
    return found.name if found else ""
