"""All duplicates among many songs: candidates by rare patterns, each compared note by note, groups with a survivor."""

from __future__ import annotations

from collections.abc import Callable, Iterator, MutableMapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from motet.duplicates.alignment import Song
from motet.duplicates.candidates import candidates
from motet.duplicates.judging import Likeness, judge
from motet.duplicates.patterns import Hashes

Known = MutableMapping[tuple[str, str], Likeness | None]

KEPT = 512  # songs kept ready for comparing


@dataclass(frozen=True)
class Entry:
    """A song in a search: a digest of its notes and tempo, by which all is ordered and remembered, and its sketch."""

    digest: str
    sketch: Hashes


@dataclass(frozen=True)
class Pair:
    """Two songs by number, and how they are alike; `first` is the one of lower digest."""

    first: int
    second: int
    likeness: Likeness


class Search:
    """A search over songs of different content, numbered as given; `load` gives the notes of one.

    `known` remembers what was judged, by digests: a song that was compared before is not compared again.
    """

    def __init__(self, entries: Sequence[Entry], load: Callable[[int], Song], known: Known | None = None) -> None:
        self.entries = entries
        self.known: Known = {} if known is None else known
        self._load = lru_cache(KEPT)(load)

    def ordered(self, one: int, other: int) -> tuple[int, int]:
        """Two songs, the one of lower digest first."""
        return (one, other) if self.entries[one].digest <= self.entries[other].digest else (other, one)

    def judge(self, one: int, other: int) -> Likeness | None:
        """The likeness of two songs, whichever comes first: seen from the one of higher digest."""
        first, second = self.ordered(one, other)
        key = (self.entries[first].digest, self.entries[second].digest)
        if key not in self.known:
            self.known[key] = judge(self._load(first), self._load(second))
        return self.known[key]

    def pairs(self) -> Iterator[Pair]:
        """All pairs of duplicates among the candidates, in order of digest."""
        order = sorted(range(len(self.entries)), key=lambda song: self.entries[song].digest)
        for one in candidates([self.entries[song].sketch for song in order]):
            first, second = order[one.first], order[one.second]
            likeness = self.judge(first, second)
            if likeness is not None:
                yield Pair(first, second, likeness)
