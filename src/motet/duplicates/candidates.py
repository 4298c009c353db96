"""Which songs are worth comparing: those that share rare patterns. No pair is looked at that shares none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from motet.duplicates.patterns import SCALE, Hashes, Patterns

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
# Of the patterns in common so many begin as far apart in pitch, and so many also in time; or most begin so, if few are in
# common. Of songs that share patterns by chance it is true of one pair in four.
LEAST_TRANSPOSED, LEAST_IN_LINE, LEAST_OF_FEW = 7, 3, 4
_LOW_BITS = 24  # of an entry: in a sketch the pitch and the start of the pattern, in the search its song
_LOW = np.uint64((1 << _LOW_BITS) - 1)
_SIXTEEN = np.uint64((1 << 16) - 1)
_START_BITS = 17
_LINE = 4  # half quarter notes
_BLOCK = 8192  # songs whose pairs are counted at once


@dataclass(frozen=True)
class Candidate:
    """A pair of songs by number, the lower first, and their support: the share of rare patterns in common, 0 to 1."""

    first: int
    second: int
    support: float


def sketch(found: Patterns) -> Hashes:
    """The patterns by which a song is looked up: those with the lowest hashes, ascending, the same in every song.

    In the upper 40 bits is the hash, in the lower the pitch and the half quarter note at which it begins first. None of a
    song that has fewer than 32 of them. A sample by hash is the same in a song and in a medley with it (scaled
    MinHash: Brown and Irber, JOSS 2016).
    """
    shown: Hashes
    shown, first = np.unique(found.hashes >> np.uint64(_LOW_BITS), return_index=True)
    if len(shown) < VARIETY:
        return shown[:0]
    kept = int(np.searchsorted(shown, np.uint64((1 << 64 - _LOW_BITS) // FRACTION)))
    first = first[: min(max(kept, FEWEST), MOST)]
    starts = np.minimum(found.starts[first] * 2 // SCALE, (1 << _START_BITS) - 1)
    places = (found.pitches[first] << _START_BITS | starts).astype(np.uint64)
    return shown[: len(first)] << np.uint64(_LOW_BITS) | places


def candidates(sketches: Sequence[Hashes]) -> list[Candidate]:
    """Pairs of songs, numbered as given, that share at least three patterns of their sketches and enough of the rare ones,
    with some that lie alike in both.

    A pattern weighs the logarithm of how rare it is. Where many songs share one, each is paired with the next two that
    have it only: a thousand copies of a song form a chain, not half a million pairs. Give the songs in an order of their
    content, and the result does not hang on the order of files. Time grows with the patterns, memory too; at most
    2^24 songs.
    """
    count = len(sketches)
    sizes = np.array([len(one) for one in sketches], np.int64)
    if not sizes.sum():
        return []
    # Sorted by pattern, then by song, in one plain sort; 40 bits tell patterns apart.
    entries = np.concatenate(sketches)
    entries &= ~_LOW
    entries |= np.repeat(np.arange(count, dtype=np.uint64), sizes)
    entries.sort()
    songs = (entries & _LOW).astype(np.int32)
    entries >>= np.uint64(_LOW_BITS)
    heads = np.flatnonzero(np.append(True, entries[1:] != entries[:-1]))
    shared_by = np.diff(heads, append=len(entries)).astype(np.int32)
    # In whole thousandths, so that sums are exact in any order.
    weights = np.rint(1000 * np.log((count + 1) / shared_by)).astype(np.float32).repeat(shared_by)
    # Each song's weights in the order of its sketch.
    weights = weights[np.argsort(songs, kind="stable")]
    edges = np.concatenate(([0], np.cumsum(sizes)))
    rarity = [weights[first:last] for first, last in pairwise(edges.tolist())]
    known = [_Known(*one, float(one[1].sum(dtype=np.float64))) for one in zip(sketches, rarity, strict=True)]
    many = shared_by.repeat(shared_by)
    found: list[Candidate] = []
    for begin in range(0, count, _BLOCK):
        for one, others in _of_block(entries, songs, many, count, begin):
            found += _supported(known, one, others)
    return _best(found, count)


@dataclass(frozen=True, eq=False, slots=True)
class _Known:
    """A song's sketch, what each of its patterns weighs, and all of them."""

    sketch: Hashes
    weights: NDArray[np.float32]
    weight: float


def _of_block(
    entries: Hashes, owners: NDArray[np.int32], many: NDArray[np.int32], count: int, begin: int
) -> Iterator[tuple[int, list[int]]]:
    """Each song of the block with the later ones that share two patterns with it that few others have, or in which they
    stand side by side."""
    mine = np.flatnonzero((owners >= begin) & (owners < begin + _BLOCK) & (many > 1))
    keys: list[Ints] = []
    for lag in range(1, ALL_PAIRS):
        first = mine[mine + lag < len(entries)]
        second = first + lag
        together = entries[first] == entries[second]
        if lag > NEXT:
            together &= many[first] <= ALL_PAIRS
        keys.append(owners[first[together]].astype(np.int64) * count + owners[second[together]])
    pairs, common = np.unique(np.concatenate(keys), return_counts=True)
    first, second = np.divmod(pairs[common >= LEAST_RARE], count)
    heads = np.flatnonzero(np.append(True, first[1:] != first[:-1])[: len(first)])
    yield from zip(first[heads].tolist(), (others.tolist() for others in np.split(second, heads[1:])), strict=False)


def _supported(known: Sequence[_Known], song: int, others: list[int]) -> Iterator[Candidate]:
    """Those of the others that go with a song. The support of a pair is the weight of all patterns in common, as a share of
    what the song has that has less."""
    mine = known[song]
    hashes = mine.sketch >> np.uint64(_LOW_BITS)
    sketches = [known[other].sketch for other in others]
    entries = np.concatenate(sketches)
    theirs = entries >> np.uint64(_LOW_BITS)
    # Sixteen bits rule out nearly all that are not in common, in a fifth of the time of a search for each.
    there = np.zeros(1 << 16, np.bool_)
    there[hashes & _SIXTEEN] = True
    maybe = np.flatnonzero(there[theirs & _SIXTEEN])
    at = hashes.searchsorted(theirs[maybe])
    at[at == len(hashes)] = 0
    same = hashes[at] == theirs[maybe]
    at, common = at[same], entries[maybe[same]]
    edges = maybe[same].searchsorted(np.cumsum([0, *map(len, sketches)]))
    owners = np.arange(len(others)).repeat(np.diff(edges))
    weights = np.bincount(owners, mine.weights[at], len(others))
    support = weights / [max(1.0, min(mine.weight, known[other].weight)) for other in others]
    for one in np.flatnonzero((np.diff(edges) >= LEAST_COMMON) & (support >= LEAST_SUPPORT)).tolist():
        span = slice(edges[one], edges[one + 1])
        if _agree(mine.sketch[at[span]] & _LOW, common[span] & _LOW):
            yield Candidate(song, others[one], float(support[one]))


def _agree(ours: Hashes, theirs: Hashes) -> bool:
    """Whether patterns in common lie alike in two songs, by where each begins first: a look that needs no notes."""
    # Differences of pitch in the upper bits, of starts in the lower.
    apart = np.sort(theirs.astype(np.int64) - ours.astype(np.int64))
    if (apart[LEAST_IN_LINE - 1 :] - apart[: 1 - LEAST_IN_LINE] <= _LINE).any():
        return True
    moves = apart + (1 << _START_BITS - 1) >> _START_BITS
    least = min(LEAST_TRANSPOSED, max(LEAST_OF_FEW, int(0.6 * len(moves)) + 1))
    return bool((moves[least - 1 :] == moves[: 1 - least]).any())


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
