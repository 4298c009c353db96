"""Clips that a person judged bad are left out, before anything is chosen, split or told of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from pydantic import Field

from motet.dataset.rows import Judgement, Row
from motet.labels import stamp_of
from motet.run import Drop, Settings, Verdict, stage


class Exclude(Settings):
    judged: list[Literal["good", "bad", "yes", "no", "unsure"]] = Field(
        default=["bad"], description="what was judged so on the page of `motet explore` is left out; [] leaves nothing out"
    )


@dataclass(frozen=True, kw_only=True)
class _Clip(Row):
    """What clips of every recipe have."""

    table: ClassVar[str] = "clips"
    start: float
    end: float


@stage(version=1, filters=True, timeout=3600)
def exclude(clips: Iterable[_Clip], judgements: Iterable[Judgement], settings: Exclude) -> Iterator[Verdict[Any]]:
    stamps = ((clip.id, stamp_of(clip.lineage, clip.start, clip.end)) for clip in clips)
    yield from refused(stamps, judgements, settings)


def refused(stamps: Iterable[tuple[str, str]], judgements: Iterable[Judgement], settings: Exclude) -> Iterator[Verdict[Any]]:
    """A drop for every row of which the judgement that stands is one of those left out; nothing of the others, who stay.

    `stamps` are pairs of a row's id and its stamp (`motet.labels.stamp_of`).
    """
    said = {one.stamp: one for one in judgements if one.verdict in settings.judged}
    if not said:
        return
    for row_id, stamp in stamps:
        if one := said.get(stamp):
            yield Verdict(row_id, Drop(f"judged_{one.verdict}", " ".join(one.note.split())))
