"""Which songs are worth comparing: those that share rare patterns. No pair is looked at that shares none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from motet.duplicates.patterns import Hashes, Patterns

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

# Different patterns of a song, at least: scales, exercises and jingles would all be each other's duplicates.
VARIETY = 32
FRACTION = 2  # one pattern in so many is kept in a sketch, always the same ones
FEWEST, MOST = 128, 768  # patterns of a sketch, as far as a song has them
ALL_PAIRS = 8  # songs with one pattern that are all paired with each other; of more, each with its next two
NEXT = 2
LEAST_RARE, LEAST_COMMON = 2, 3  # patterns in common that few others share, and of all
LEAST_SUPPORT = 0.02  # of a song's weight of patterns
PARTNERS = 24  # candidates of a song, the best supported
_OWNER_BITS = 24
_BLOCK = 8192  # songs whose pairs are counted at once


@dataclass(frozen=True)
class Candidate:
    """A pair of songs by number, the lower first, and their support: the share of rare patterns in common, 0 to 1."""

    first: int
    second: int
    support: float


def sketch(found: Patterns) -> Hashes:
    """The patterns by which a song is looked up: those with the lowest hashes, ascending, the same in every song.

    None of a song that has fewer than 32 of them. A sample by hash is the same in a song and in a medley with it (scaled
    MinHash: Brown and Irber, JOSS 2016).
    """
    distinct = np.unique(found.hashes)
    if len(distinct) < VARIETY:
        return distinct[:0]
    low = int(np.searchsorted(distinct, np.uint64((1 << 64) // FRACTION)))
    return distinct[: min(max(low, FEWEST), MOST)]


def candidates(sketches: Sequence[Hashes]) -> list[Candidate]:
    """Pairs of songs, numbered as given, that share at least three patterns of their sketches and enough of the rare ones.

    A pattern weighs the logarithm of how rare it is. Where many songs share one, each is paired with the next two that
    have it only: a thousand copies of a song form a chain, not half a million pairs. Give the songs in an order of their
    content, and the result does not hang on the order of files. Time grows with the patterns, memory too; at most
    2^24 songs.
    """
    count = len(sketches)
    sizes = np.array([len(one) for one in sketches], np.int64)
    if not sizes.sum():
        return []
    owners = np.repeat(np.arange(count, dtype=np.uint64), sizes)
    # Sorted by pattern, then by song, in one plain sort; 40 bits tell patterns apart.
    low = np.uint64((1 << _OWNER_BITS) - 1)
    entries = np.concatenate(sketches) & ~low | owners
    entries.sort()
    songs: Ints = (entries & low).astype(np.int64)
    entries >>= np.uint64(_OWNER_BITS)
    heads = np.flatnonzero(np.diff(entries, prepend=entries[0] + np.uint64(1)) != 0)
    shared_by = np.diff(heads, append=len(entries))
    many = np.repeat(shared_by.astype(np.int32), shared_by)
    weights = np.log((count + 1) / shared_by).astype(np.float32).repeat(shared_by)
    # Each song's weights in the order of its sketch.
    own = weights[np.argsort(songs, kind="stable")]
    edges = np.concatenate(([0], np.cumsum(sizes)))
    rarity = [own[first:last] for first, last in pairwise(edges.tolist())]
    found: list[Candidate] = []
    for begin in range(0, count, _BLOCK):
        for one, other in _of_block(entries, songs, many, count, begin):
            support = _support(sketches, rarity, one, other)
            if support >= LEAST_SUPPORT:
                found.append(Candidate(one, other, support))
    return _best(found, count)


def _of_block(entries: Hashes, owners: Ints, many: NDArray[np.int32], count: int, begin: int) -> Iterator[tuple[int, int]]:
    """Pairs whose first song is one of the block's, and that share two patterns few others have, or stand side by side."""
    mine = np.flatnonzero((owners >= begin) & (owners < begin + _BLOCK) & (many > 1))
    keys: list[Ints] = []
    for lag in range(1, ALL_PAIRS):
        first = mine[mine + lag < len(entries)]
        second = first + lag
        together = entries[first] == entries[second]
        if lag > NEXT:
            together &= many[first] <= ALL_PAIRS
        keys.append(owners[first[together]] * count + owners[second[together]])
    pairs, common = np.unique(np.concatenate(keys), return_counts=True)
    pairs = pairs[common >= LEAST_RARE]
    yield from zip((pairs // count).tolist(), (pairs % count).tolist(), strict=True)


def _support(sketches: Sequence[Hashes], rarity: Sequence[NDArray[np.float32]], one: int, other: int) -> float:
    """The weight of all patterns in common, as a share of the song's that has less; 0 for fewer than three."""
    at = sketches[other].searchsorted(sketches[one])
    at[at == len(sketches[other])] = 0
    common = sketches[other][at] == sketches[one]
    if np.count_nonzero(common) < LEAST_COMMON:
        return 0.0
    least = min(float(rarity[one].sum()), float(rarity[other].sum()))
    return min(float(rarity[one][common].sum()) / least, 1.0) if least > 0 else 0.0


def _best(found: list[Candidate], count: int) -> list[Candidate]:
    """Those that are among the best of one of their two songs, in order."""
    taken = [0] * count
    kept = []
    for one in sorted(found, key=lambda c: (-c.support, c.first, c.second)):
        if taken[one.first] < PARTNERS or taken[one.second] < PARTNERS:
            kept.append(one)
            taken[one.first] += 1
            taken[one.second] += 1
    return sorted(kept, key=lambda c: (c.first, c.second))
