"""Clips of films are put into train, validation and test: no film, no recording, no MIDI and no artist is in two of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar

from motet.dataset.rows import Assigned, Duplicate, PlannedClip, Row
from motet.export.splits import Item
from motet.run import Tools, Verdict, stage
from motet.stages.assign_splits import AssignSplits, assigned


@dataclass(frozen=True, kw_only=True)
class _Song(Row):
    table: ClassVar[str] = "songs"
    sha256: str


class AssignFilmSplits(AssignSplits):
    pass


@stage(version=1, timeout=24 * 3600)
def assign_film_splits(
    clips: Iterable[PlannedClip],
    songs: Iterable[_Song],
    duplicates: Iterable[Duplicate] | None,
    settings: AssignFilmSplits,
    tools: Tools,
) -> Iterator[Verdict[Assigned]]:
    """A row for every clip. A negative shares the film of its own and the music of another: it binds both."""
    families = {row.source: row.family for row in duplicates or ()}
    notes = {song.sha256: families.get(song.source, song.source) for song in songs}
    items = (
        Item(
            id=row.id,
            groups=(
                f"film {row.film_sha256}",
                f"recording {row.recording_sha256}",
                *([f"notes {notes.get(row.midi_sha256, row.midi_sha256)}"] if row.midi_sha256 else []),
            ),
            artist=row.artist,
        )
        for row in clips
    )
    yield from assigned(items, settings, tools)
