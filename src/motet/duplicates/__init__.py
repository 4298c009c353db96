"""Duplicates: the same song again, found by its notes, with the reason for each pair.

songs = {path: midi.read(path.read_bytes()) for path in paths}
for pair in find(list(songs.values())):
    print(pair.first, pair.second, pair.likeness.evidence)
"""

from __future__ import annotations

from collections.abc import Sequence

from motet.duplicates.alignment import Alignment, Song, align
from motet.duplicates.candidates import Candidate, candidates, sketch
from motet.duplicates.clusters import clusters, families
from motet.duplicates.comparing import Notes
from motet.duplicates.judging import Likeness, judge
from motet.duplicates.memory import Judged
from motet.duplicates.patterns import Patterns, Voices, patterns, voices
from motet.duplicates.search import Entry, Pair, Search
from motet.midi import Score, notes_digest

__all__ = [
    "Alignment",
    "Candidate",
    "Entry",
    "Judged",
    "Likeness",
    "Notes",
    "Pair",
    "Patterns",
    "Search",
    "Song",
    "Voices",
    "align",
    "candidates",
    "clusters",
    "families",
    "find",
    "judge",
    "patterns",
    "sketch",
    "voices",
]


def find(songs: Sequence[Score]) -> list[Pair]:
    """The pairs of hard and soft duplicates among some songs held in memory, by their number."""
    ready = [Song(voices(score)) for score in songs]
    entries = [
        Entry(f"{notes_digest(score)} {song.voices.quarter:.9f}", sketch(song.patterns))
        for score, song in zip(songs, ready, strict=True)
    ]
    return list(Search(entries, lambda pairs: [judge(ready[one], ready[other]) for one, other in pairs]).pairs())
