"""Clips of which there are too many alike are thinned, as far as the recipe states how the set should look."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import Field

from motet.audio.balance import Clip, Target, select
from motet.dataset.folder import Dataset, read_recipe_file
from motet.dataset.rows import RecordedClip
from motet.midi.key import Key, Mode
from motet.run import Drop, Settings, Verdict, stage

_MODES: tuple[Mode, ...] = ("major", "minor")
_KEYS = {Key(t, mode, 0.0, (t, mode), 0.0).name: (t, mode) for t in range(12) for mode in _MODES}


class Balance(Settings):
    target: Target = Field(
        default=Target(), description="caps and wishes, such as {genre: {caps: {rock: 0.3}}, most_per_artist: 20}"
    )


@stage(version=1, filters=True, timeout=3600)
def balance(clips: Iterable[RecordedClip], settings: Balance) -> Iterator[Verdict[Any]]:
    rows = [counted(vars(row)) for row in clips]
    for choice in select(rows, settings.target):
        yield Verdict(choice.id, None if choice.keep else Drop(choice.reason, choice.detail))


def counted(row: Mapping[str, Any]) -> Clip:
    """What of a row of the table `clips` is counted."""
    tonic, mode = _KEYS.get(row["key"] or "", (None, ""))
    return Clip(
        id=row["id"],
        lineage=row["lineage"],
        artist=row["artist"],
        song=row["source"],
        genre=tuple(row["genres"]),
        mood=tuple(row["moods"]),
        instrument=tuple(row["instruments"]),
        key=tonic,
        mode=mode,
        tempo=row["tempo"],
    )


def target_of(dataset: Dataset) -> Target:
    """What the dataset's recipe states."""
    stages = read_recipe_file(dataset.folder).get("stages") or {}
    return Target.model_validate((stages.get("balance") or {}).get("target") or {})
