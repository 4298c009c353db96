"""All duplicates among many songs: candidates by rare patterns, each compared note by note, groups with a survivor."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, MutableMapping, Sequence
from dataclasses import dataclass

from motet.duplicates.candidates import candidates
from motet.duplicates.judging import Likeness
from motet.duplicates.patterns import Hashes

Known = MutableMapping[tuple[str, str], Likeness | None]
Judge = Callable[[Sequence[tuple[int, int]]], Iterable[Likeness | None]]


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
    """A search over songs of different content, numbered as given; `judge` tells how alike pairs of them are.

    `known` remembers what was judged, by digests: a song that was compared before is not compared again.
    """

    def __init__(self, entries: Sequence[Entry], judge: Judge, known: Known | None = None) -> None:
        self.entries = entries
        self.known: Known = {} if known is None else known
        self._judge = judge

    def ordered(self, one: int, other: int) -> tuple[int, int]:
        """Two songs, the one of lower digest first."""
        return (one, other) if self.entries[one].digest <= self.entries[other].digest else (other, one)

    def judge(self, one: int, other: int) -> Likeness | None:
        """The likeness of two songs, whichever comes first: seen from the one of higher digest."""
        pair = self.ordered(one, other)
        self._learn([pair])
        return self.known[self._key(pair)]

    def pairs(self) -> Iterator[Pair]:
        """All pairs of duplicates among the candidates, in order of digest."""
        order = sorted(range(len(self.entries)), key=lambda song: self.entries[song].digest)
        found = candidates([self.entries[song].sketch for song in order])
        pairs = [(order[one.first], order[one.second]) for one in found]
        self._learn(pairs)
        for pair in pairs:
            likeness = self.known[self._key(pair)]
            if likeness is not None:
                yield Pair(*pair, likeness)

    def _learn(self, pairs: Iterable[tuple[int, int]]) -> None:
        """Judge what is not known yet, in an order that brings the pairs of a song together: it is made ready once, and is
        still there for the next."""
        new = [pair for pair in pairs if self._key(pair) not in self.known]
        # Copies of a song have the same lowest pattern.
        new.sort(key=lambda pair: [(self.entries[song].sketch[:1].tolist(), self.entries[song].digest) for song in pair])
        new = _from_song_to_song(new)
        for pair, likeness in zip(new, self._judge(new), strict=True):
            self.known[self._key(pair)] = likeness

    def _key(self, pair: tuple[int, int]) -> tuple[str, str]:
        return self.entries[pair[0]].digest, self.entries[pair[1]].digest


def _from_song_to_song(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The same pairs as one walks them: all of a song, then those of the song it was met with last, depth first."""
    of_song: dict[int, list[int]] = {}
    for at, pair in enumerate(pairs):
        for song in pair:
            of_song.setdefault(song, []).append(at)
    walked: dict[int, None] = {}
    seen: set[int] = set()
    for start, _ in pairs:
        waiting = [start]
        while waiting:
            song = waiting.pop()
            if song in seen:
                continue
            seen.add(song)
            for at in of_song[song]:
                walked[at] = None
                waiting += [other for other in pairs[at] if other not in seen]
    return [pairs[at] for at in walked]
