"""Songs that are another one again are dropped or linked, each pair with its level and the reason.

Same bytes: the files are equal. Same notes: onsets and lengths in quarters, pitches, drums and programs are equal. Hard: the
same arrangement, edited. Soft: another arrangement of the same song. See `motet.duplicates`.

Which one stays: the one read without sanitising, then the more complete (by tenths more notes), then the one with more tempo
and metre changes (a re-save may lose them), then more tracks, then the shorter path, then the path in alphabetical order.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Literal

import numpy as np
from pydantic import Field

from motet import duplicates
from motet.dataset.rows import Duplicate, Fingerprint, Song
from motet.run import Drop, Settings, Tools, Verdict, stage

Level = Literal["same_bytes", "same_notes", "hard", "soft"]
LEVELS: tuple[Level, ...] = ("same_bytes", "same_notes", "hard", "soft")

_Rank = tuple[bool, int, int, int, int, str, str]


class Deduplicate(Settings):
    remove: Level = Field(default="hard", description="the loosest level at which only one song stays; looser ones are linked")
    link: Level = Field(default="soft", description="the loosest level looked for")


@dataclass(frozen=True)
class _One:
    """What is kept of a song while all are looked at."""

    rank: _Rank
    sha256: str
    notes: str
    tempo: float

    @property
    def id(self) -> str:
        return self.rank[-1]

    @property
    def path(self) -> str:
        return self.rank[-2]


def _rank(song: Song) -> _Rank:
    changes = len(song.tempo_changes) + len(song.metre_changes)
    complete = round(math.log(song.notes) / math.log(1.1))
    return (song.read_as != "strict", -complete, -changes, -song.tracks, len(song.path), song.path, song.id)


@dataclass(frozen=True)
class _Link:
    """A song's duplicate, and how they are alike, seen from the song."""

    level: Level
    other: _One
    likeness: duplicates.Likeness

    @property
    def evidence(self) -> str:
        return "same bytes" if self.level == "same_bytes" else self.likeness.evidence


@stage(version=6, filters=True, timeout=24 * 3600, libraries=["numpy"])
def deduplicate(
    songs: Iterable[Song], fingerprints: Iterable[Fingerprint], settings: Deduplicate, tools: Tools
) -> Iterator[Verdict[Duplicate]]:
    """Verdicts on all songs. In memory are a rank, two digests and a sketch per song; notes are on disk."""
    everyone = {one.id: one for one in (_One(_rank(song), song.sha256, song.notes_digest, song.tempo) for song in songs)}
    best: dict[str, _One] = {}
    for one in everyone.values():
        if one.notes not in best or one.rank < best[one.notes].rank:
            best[one.notes] = one
    links: dict[str, list[_Link]] = defaultdict(list)
    survivors: dict[str, _One] = {}
    for one in everyone.values():
        first = best[one.notes]
        level: Level = "same_bytes" if one.sha256 == first.sha256 else "same_notes"
        if one is not first and _within(level, settings.link):
            links[one.id].append(_Link(level, first, _same(first.tempo / one.tempo)))
            if _within(level, settings.remove):
                survivors[one.id] = first
    if _within("hard", settings.link):
        chosen = {one.id: one for one in best.values()}
        with _search(chosen, fingerprints, tools) as (found, search):
            _compare(found, search, settings, links, survivors)
    families = duplicates.families(
        {one.id: one.rank for one in everyone.values()},
        ((song, link.other.id) for song, linked in links.items() for link in linked),
    )
    for song_id in everyone:
        yield _verdict(everyone[song_id], links[song_id], survivors, families)


def _same(tempo: float) -> duplicates.Likeness:
    """The same notes, at another tempo or not."""
    return duplicates.Likeness("hard", 1.0, 0, tempo, 1.0, 0.0, (1.0, 1.0), "", ())


def _within(level: Level, loosest: Level) -> bool:
    return LEVELS.index(level) <= LEVELS.index(loosest)


@contextmanager
def _search(
    chosen: dict[str, _One], fingerprints: Iterable[Fingerprint], tools: Tools
) -> Iterator[tuple[list[_One], duplicates.Search]]:
    """A search over the chosen songs. The notes of those to be compared are in a file meanwhile."""
    songs: list[_One] = []
    entries: list[duplicates.Entry] = []
    numbers: dict[str, int] = {}
    for row in fingerprints:
        if row.id in chosen:
            one = chosen[row.id]
            numbers[row.id] = len(songs)
            songs.append(one)
            sketch = np.frombuffer(row.sketch, "<u8").astype(np.uint64)
            entries.append(duplicates.Entry(f"{one.notes} {one.tempo:.6f}", sketch))
    tools.cache.mkdir(parents=True, exist_ok=True)

    def judged(pairs: Sequence[tuple[int, int]]) -> Iterator[duplicates.Likeness | None]:
        lacking = {song for pair in pairs for song in pair} - notes.places.keys()
        if lacking:
            # A second time all, so that no third is needed.
            wanted = lacking if not notes.places else set(numbers.values()) - notes.places.keys()
            notes.write((numbers[row.id], row.voices) for row in fingerprints if numbers.get(row.id) in wanted)
        return notes.judged(pairs, tools.workers)

    with (
        duplicates.Notes(tools.cache / "notes") as notes,
        closing(duplicates.Judged(tools.cache / "judged.sqlite")) as known,
    ):
        yield songs, duplicates.Search(entries, judged, known)


def _compare(
    songs: list[_One],
    search: duplicates.Search,
    settings: Deduplicate,
    links: dict[str, list[_Link]],
    survivors: dict[str, _One],
) -> None:
    """Add links between songs of different notes, and the survivor of each that goes."""

    def goes(likeness: duplicates.Likeness | None) -> bool:
        """Whether songs so alike are one too many. A part of a song, or of a medley, is only linked to it."""
        return likeness is not None and _within(likeness.level, settings.remove) and not likeness.contained

    pairs = {(p.first, p.second): p.likeness for p in search.pairs() if _within(p.likeness.level, settings.link)}
    alike = (pair for pair, likeness in pairs.items() if goes(likeness))
    for survivor, *others in duplicates.clusters([s.rank for s in songs], alike, lambda a, b: goes(search.judge(a, b))):
        for other in others:
            survivors[songs[other].id] = songs[survivor]
            pair = search.ordered(survivor, other)
            likeness = search.judge(*pair)
            assert likeness is not None
            pairs[pair] = likeness
    for (first, second), likeness in sorted(pairs.items()):
        earlier, later = songs[first], songs[second]
        if earlier.rank < later.rank:
            links[later.id].append(_Link(likeness.level, earlier, likeness))
        else:
            links[earlier.id].append(_Link(likeness.level, later, likeness.turned()))


def _verdict(one: _One, links: list[_Link], survivors: dict[str, _One], families: dict[str, str]) -> Verdict[Duplicate]:
    stays, last = survivors.get(one.id), one
    while last.id in survivors:
        last = survivors[last.id]
    rows = tuple(_row(link, link.other is stays, last.id, families[one.id]) for link in links)
    if stays is None:
        return Verdict(one.id, rows=rows)
    link = next(link for link in links if link.other is stays)
    return Verdict(one.id, Drop(link.level, f"as {stays.path}: {link.evidence}"), rows)


def _row(link: _Link, removed: bool, cluster: str, family: str) -> Duplicate:
    likeness = link.likeness
    return Duplicate(
        level=link.level,
        other=link.other.id,
        other_path=link.other.path,
        removed=removed,
        cluster=cluster,
        family=family,
        score=round(likeness.score, 4),
        transposition=likeness.transposition,
        tempo=round(likeness.tempo, 4),
        offset=round(likeness.offset, 3),
        shared=round(likeness.shared[1], 4),
        other_shared=round(likeness.shared[0], 4),
        contained={"": "", "first": "other", "second": "this"}[likeness.contained],
        evidence=link.evidence,
    )
