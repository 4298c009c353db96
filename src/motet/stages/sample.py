"""A seeded sample of songs for the costly stages: always the same ones, and mostly the same as the collection grows."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from typing import Any

from pydantic import Field

from motet.dataset.rows import Part, Row
from motet.run import Drop, Settings, Verdict, stage
from motet.run.keys import digest


class Sample(Settings):
    songs: int = Field(default=0, ge=0, description="how many songs go on; 0 for all")
    seed: int = Field(default=0, description="draws another sample")


@stage(version=1, filters=True, timeout=3600)
def sample(parts: Iterable[Part], settings: Sample) -> Iterator[Verdict[Any]]:
    yield from drawn(parts, settings)


def drawn(rows: Iterable[Row], settings: Sample) -> Iterator[Verdict[Any]]:
    """Which rows belong to the sources that go on."""
    ids: list[tuple[str, str]] = []
    lots: dict[str, tuple[str, str]] = {}
    for row in rows:
        ids.append((row.id, row.source))
        if row.source not in lots:
            lots[row.source] = (digest(row.lineage.split(".")[0], settings.seed), row.source)
    lucky = lots.values() if not settings.songs else heapq.nsmallest(settings.songs, lots.values())
    chosen = {source for _, source in lucky}
    for row_id, source in ids:
        yield Verdict(row_id, None if source in chosen else Drop("not_sampled", f"a sample of {settings.songs} songs"))
