"""Recordings that are heard in another one already are dropped or linked, each pair with its level.

Same bytes: the files are equal. Same sound: their samples are, whatever the format. Near: another encoding, loudness or cut of
the same recording, by acoustic fingerprint (see `motet.audio.twins`). A part of another recording is linked, and stays unless the
settings say otherwise: what holds it may be a radio show.

Which one stays: the longer (by hundredths), then the higher rate, then more channels, then what lost nothing in encoding, then
the shorter path, then the path in alphabetical order.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from pydantic import Field

from motet import duplicates
from motet.audio.fingerprint import Print
from motet.dataset.rows import Recording, Twin
from motet.run import Drop, Settings, Verdict, stage

Level = Literal["same_bytes", "same_sound", "near"]
LEVELS: tuple[Level, ...] = ("same_bytes", "same_sound", "near")
_LOSSLESS = ("pcm", "flac", "alac", "wavpack", "ape", "tta")

_Rank = tuple[int, int, int, bool, int, str, str]


class MatchRecordings(Settings):
    remove: Level = Field(default="near", description="the loosest level at which only one recording stays; looser are linked")
    parts: Literal["keep", "drop"] = Field(default="keep", description="what becomes of a recording that is a part of another")


@dataclass(frozen=True)
class _One:
    """What is kept of a recording while all are looked at."""

    rank: _Rank
    sha256: str
    content: str
    seconds: float

    @property
    def id(self) -> str:
        return self.rank[-1]

    @property
    def path(self) -> str:
        return self.rank[-2]


@dataclass(frozen=True)
class _Link:
    """A recording's twin, seen from the recording that ranks lower."""

    level: Level
    other: _One
    score: float
    offset: float
    overlap: float
    contained: str


def _rank(row: Recording) -> _Rank:
    length = round(math.log(max(row.seconds, 1e-3)) / math.log(1.01))
    lossy = not row.codec.startswith(_LOSSLESS)
    return (-length, -row.rate, -row.channels, lossy, len(row.path), row.path, row.id)


@stage(version=1, filters=True, timeout=24 * 3600, libraries=["numpy"])
def match_recordings(songs: Iterable[Recording], settings: MatchRecordings) -> Iterator[Verdict[Twin]]:
    """Verdicts on all recordings. In memory are a rank, two digests and a fingerprint of each (60 bytes a second)."""
    everyone: dict[str, _One] = {}
    prints = {}
    for row in songs:
        everyone[row.id] = _One(_rank(row), row.sha256, row.content, row.seconds)
        prints[row.id] = np.frombuffer(row.print, "<u4").astype(np.uint32)
    links = _links(everyone, prints)
    gone: dict[str, _Link] = {}
    # From the best down: what goes takes nobody with it, for its survivor stays.
    for one in sorted(everyone.values(), key=lambda one: one.rank):
        for link in sorted(links[one.id], key=lambda link: link.other.rank):
            taken = not link.contained or (link.contained == "this" and settings.parts == "drop")
            if taken and link.other.id not in gone and LEVELS.index(link.level) <= LEVELS.index(settings.remove):
                gone[one.id] = link
                break
    families = duplicates.families(
        {one.id: one.rank for one in everyone.values()},
        ((song, link.other.id) for song, linked in links.items() for link in linked),
    )
    for row_id, one in everyone.items():
        last = gone.get(row_id)
        rows = tuple(_row(link, link is last, families[one.id]) for link in links[row_id])
        yield Verdict(row_id, Drop(last.level, _told(last)) if last else None, rows)


def _links(everyone: dict[str, _One], prints: dict[str, Print]) -> dict[str, list[_Link]]:
    from motet.audio.twins import Twins

    links: dict[str, list[_Link]] = defaultdict(list)
    first: dict[str, _One] = {}
    for one in sorted(everyone.values(), key=lambda one: one.rank):
        same = first.setdefault(one.content, one)
        if same is not one:
            level: Level = "same_bytes" if one.sha256 == same.sha256 else "same_sound"
            links[one.id].append(_Link(level, same, 1.0, 0.0, one.seconds, ""))
    distinct = {one.id: prints[one.id] for one in everyone.values() if first[one.content] is one}
    for pair in Twins().find(distinct):
        a, b = everyone[pair.a], everyone[pair.b]
        contained = {"": "", "a": pair.a, "b": pair.b}[pair.contained]
        better, worse, offset = (a, b, pair.offset_seconds) if a.rank < b.rank else (b, a, -pair.offset_seconds)
        part = "" if not contained else "this" if contained == worse.id else "other"
        links[worse.id].append(_Link("near", better, pair.score, offset, pair.overlap_seconds, part))
    return links


def _told(link: _Link) -> str:
    if link.level != "near":
        return f"as {link.other.path}"
    return f"as {link.other.path}: {link.overlap:.0f} s are heard in both, alike to {link.score:.2f}"


def _row(link: _Link, removed: bool, family: str) -> Twin:
    return Twin(
        level=link.level,
        other=link.other.id,
        other_path=link.other.path,
        removed=removed,
        family=family,
        score=round(link.score, 4),
        offset=round(link.offset, 3),
        overlap=round(link.overlap, 3),
        contained=link.contained,
    )
