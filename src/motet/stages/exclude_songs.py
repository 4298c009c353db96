"""Songs that a person judged bad are left out. What they stood for as duplicates does not come in their place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from motet.dataset.rows import Judgement, Song
from motet.labels import stamp_of
from motet.run import Verdict, stage
from motet.stages.exclude import Exclude, refused


@stage(version=1, filters=True, timeout=3600)
def exclude_songs(songs: Iterable[Song], judgements: Iterable[Judgement], settings: Exclude) -> Iterator[Verdict[Any]]:
    yield from refused(((song.id, stamp_of(song.lineage)) for song in songs), judgements, settings)
