"""A seeded sample of recordings for the costly stages, drawn as `sample` draws songs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from motet.dataset.rows import Recording
from motet.run import Verdict, stage
from motet.stages.sample import Sample, drawn


@stage(version=1, filters=True, timeout=3600)
def sample_recordings(songs: Iterable[Recording], settings: Sample) -> Iterator[Verdict[Any]]:
    yield from drawn(songs, settings)
