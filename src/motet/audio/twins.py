"""The same recording again, whole or in part, by its print: encoded anew, louder, brighter, cut at the start, faded out.

    prints = {path: fingerprint(blocks) for path, blocks in recordings}
    for pair in Twins().find(prints):
        print(pair.a, pair.b, pair.score)

Another performance of the same notes, or the same notes played by other instruments, is not the same recording.
"""

import hashlib
import itertools
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from motet.audio.fingerprint import NOTHING, SECONDS, Print
from motet.errors import UserError

__all__ = ["SAME", "Pair", "Twins", "same_sound"]

SAME = 0.55
"""The score from which two sounds are one.

Measured on pieces rendered from MIDI, each with copies that were encoded at 32 or 64 kbit/s, cut, faded, filtered or noisy: 529
of 530 copies have it (the lowest: a drum solo in AAC, 0.52; without drum solos 0.64). Two pieces have 0.49 or less, one piece
played with two SoundFonts has up to 0.53.
"""

VOTES = 2  # equal numbers at one offset before two recordings are compared
PER_RECORDING = 4  # places of one number in one recording that vote: a loop repeats it for ever
OFFSETS = 4  # best voted, that are compared of each two recordings
JITTER = 1  # hops to either side of what was voted
NEAR = 40  # hops to either side that a moment's likeness is taken over: 5 s in all
LIKE = 0.32  # of its bits differ at most, where two recordings are alike
SPARSE, UNLIKE = 4, 0.42  # a first look takes every fourth place, and is content with this much likeness somewhere
BRIDGED = 80  # hops between two such stretches that make them one
INFORMED = 0.08  # of the bits must be expected to differ by chance, else they tell nothing
ALONE = 5.0  # seconds, and a twentieth, that a recording may go on beyond what it has in common
SHORTEST = 5.0  # seconds that anything can be told from
TOGETHER = 1 << 22  # places in the index that are looked at together
MOST_VOTES = 1 << 24  # the numbers that most places share are left out, so that there are no more
LOW = np.uint64(0xFFFFFFFF)
MOST, PLACE = 1 << 20, 24  # recordings, and bits of a place within one

Words = npt.NDArray[np.uint64]
Places = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Pair:
    """Two recordings that have a stretch of sound in common.

    What sounds at t seconds in `a` sounds at t + `offset_seconds` in `b`, for `overlap_seconds`. `score`: 1 for equal prints,
    0 for no more likeness than chance. `contained`: "a" if all of `a` is a part of `b`, which is longer, "b" for the reverse.
    """

    a: str
    b: str
    score: float
    offset_seconds: float
    overlap_seconds: float
    contained: str


@dataclass(frozen=True)
class Twins:
    """What counts as twins: at least `least_score` over a stretch of `shortest` seconds.

    A recording that is shorter counts with nine tenths of its length, and never with less than 5 s.
    """

    least_score: float = SAME
    shortest: float = 10.0

    def find(self, prints: Mapping[str, Print], new: Collection[str] | None = None) -> Iterator[Pair]:
        """The pairs among `prints`, in their order; with `new`, only those of which one at least is among these names.

        Each of several identical prints is paired with the first of them, and what else they are twins of is told of that
        one alone. Memory: 8 bytes for each number of a print, and up to 0.8 GB beside.
        Raises UserError for more than a million recordings, or one of 6 days or more.
        """
        names, copies = _distinct(prints)
        distinct = [prints[name] for name in names]
        if len(names) >= MOST or any(len(one) >= 1 << (PLACE - 1) for one in distinct):
            raise UserError(f"twins are looked for among fewer than {MOST:,} recordings of less than 6 days: give them in parts")
        for name, others in copies.items():
            if _compared(prints[name], prints[name], 0, 1) is None:  # it says nothing
                continue
            for copy in others:
                if new is None or name in new or copy in new:
                    yield Pair(name, copy, 1.0, 0.0, len(prints[name]) * SECONDS, "")
        fresh = np.array([new is None or name in new for name in names], bool)
        for first, second, offsets in _voted(_votes(distinct, fresh)):
            if pair := self._judged(names[first], names[second], distinct[first], distinct[second], offsets):
                yield pair

    def _judged(self, a: str, b: str, one: Print, other: Print, offsets: Iterable[int]) -> Pair | None:
        least = round(max(min(self.shortest, 0.9 * min(len(one), len(other)) * SECONDS), SHORTEST) / SECONDS)
        likely = [offset for offset in offsets if _likely(one, other, offset, least)]
        tried = {offset + jitter for offset in likely for jitter in range(-JITTER, JITTER + 1)}
        found = [stretch for offset in sorted(tried) if (stretch := _compared(one, other, offset, least))]
        best = max(found, key=lambda stretch: stretch.score * (stretch.end - stretch.start), default=None)
        if best is None or best.score < self.least_score:
            return None
        common = best.end - best.start
        alone, others = len(one) - common, len(other) - common
        contained = "a" if _whole(alone, one) and others > alone and not _whole(others, other) else ""
        contained = "b" if _whole(others, other) and not _whole(alone, one) else contained
        return Pair(a, b, best.score, best.offset * SECONDS, common * SECONDS, contained)


def _whole(alone: int, one: Print) -> bool:
    return alone * SECONDS <= ALONE + 0.05 * len(one) * SECONDS


def same_sound(a: Print, b: Print) -> float:
    """How much two sounds are one, 0 to 1, as `Pair.score`; where either begins is not known.

    They are laid over each other at every offset that leaves three quarters of the shorter. Where too little is heard to tell
    (silence, a steady tone), 0.
    """
    least = -(-3 * min(len(a), len(b)) // 4)
    if not least:
        return 0.0
    best, score = 1.0, 0.0
    for offset in range(least - len(a), len(b) - least + 1):
        one, other = _laid(a, b, offset)
        differing = float(np.bitwise_count(one ^ other).mean()) / 32
        if differing < best:
            best, score = differing, _score(one, other)
    return score


@dataclass(frozen=True)
class _Stretch:
    """Where two recordings are alike: places [start, end) of the first, `offset` more in the second."""

    score: float
    offset: int
    start: int
    end: int


def _laid(a: Print, b: Print, offset: int) -> tuple[Print, Print]:
    """The parts of two prints that lie over each other when the second begins `offset` places before the first."""
    start, end = max(0, -offset), min(len(a), len(b) - offset)
    return a[start:end], b[start + offset : end + offset]


def _compared(a: Print, b: Print, offset: int, least: int) -> _Stretch | None:
    """The longest stretch of at least `least` places that are alike, or None."""
    one, other = _laid(a, b, offset)
    if len(one) < least:
        return None
    told = (one != NOTHING) | (other != NOTHING)
    told_near = _around(told.astype(np.int64))
    differing = _around(np.bitwise_count(one ^ other).astype(np.int64))
    alike = np.flatnonzero((differing <= LIKE * 32 * told_near) & (told_near > NEAR // 4))
    if not alike.size:
        return None
    breaks = np.flatnonzero(np.diff(alike) > BRIDGED)
    starts, ends = alike[np.concatenate(([0], breaks + 1))], alike[np.concatenate((breaks, [alike.size - 1]))] + 1
    longest = int(np.argmax(ends - starts))
    start, end = int(starts[longest]), int(ends[longest])
    if end - start < least:
        return None
    begin = max(0, -offset)
    return _Stretch(_score(one[start:end], other[start:end]), offset, begin + start, begin + end)


def _likely(a: Print, b: Print, offset: int, least: int) -> bool:
    """Whether a look at one place in four leaves it possible that the two have a stretch of `least` places in common."""
    one, other = _laid(a, b, offset)
    differing = np.bitwise_count(one[::SPARSE] ^ other[::SPARSE])
    count = len(differing) // NEAR
    blocks = differing[: count * NEAR].reshape(count, NEAR).sum(axis=1)  # 10 s each
    return len(one) >= least and (count < 2 or bool((blocks <= UNLIKE * 32 * NEAR).any()))


def _around(counts: Places) -> Places:
    """The sum of `NEAR` values to either side of each, and its own."""
    total = np.concatenate(([0], np.cumsum(counts)))
    at = np.arange(len(counts))
    around: Places = total[np.minimum(at + NEAR + 1, len(counts))] - total[np.maximum(at - NEAR, 0)]
    return around


def _score(one: Print, other: Print) -> float:
    """How far two prints of one length agree beyond chance (J. Cohen's kappa, 1960), 0 to 1.

    Chance is what each bit's share of ones in either lets expect. Where nearly all is constant, there is nothing to agree in: 0.
    """
    told = (one != NOTHING) | (other != NOTHING)
    if not told.any():
        return 0.0
    first, second = _bits(one[told]), _bits(other[told])
    ones, others = first.mean(axis=0), second.mean(axis=0)
    expected = float((ones * (1 - others) + others * (1 - ones)).mean())
    if expected < INFORMED:
        return 0.0
    return max(0.0, 1 - float((first != second).mean()) / expected)


def _bits(one: Print) -> npt.NDArray[np.uint8]:
    return np.unpackbits(np.ascontiguousarray(one, "<u4").view(np.uint8).reshape(-1, 4), axis=1, bitorder="little")


def _distinct(prints: Mapping[str, Print]) -> tuple[list[str], dict[str, list[str]]]:
    """The first name of each print that there is, and the further names of those that have several."""
    names: dict[bytes, str] = {}
    copies: dict[str, list[str]] = {}
    for name, one in prints.items():
        if not len(one):
            continue
        first = names.setdefault(hashlib.sha256(one.tobytes()).digest(), name)
        if first != name:
            copies.setdefault(first, []).append(name)
    return list(names.values()), copies


def _votes(prints: Sequence[Print], fresh: npt.NDArray[np.bool_]) -> Words:
    """What speaks for two recordings at an offset: a word of (first, second, offset) for each number they share, sorted."""
    starts = np.concatenate(([0], np.cumsum([len(one) for one in prints], dtype=np.int64)))
    if starts[-1] >= 1 << 32:
        raise UserError("twins are looked for among fewer than 70,000 hours of sound: give them in parts")
    index = np.empty(starts[-1], np.uint64)  # the number above, its place among all below
    for start, one in zip(starts, prints, strict=False):
        index[start : start + len(one)] = one.astype(np.uint64) << np.uint64(32)
    index |= np.arange(len(index), dtype=np.uint64)
    index.sort()
    index, sizes = _repeated(index, starts)
    rarest = np.bincount(sizes, weights=sizes * (sizes - 1) // 2) if len(sizes) else np.zeros(1)
    limit = int(np.searchsorted(np.cumsum(rarest), MOST_VOTES, side="right"))  # the first size that is too common
    votes = np.empty(int(rarest[:limit].sum()), np.uint64)
    count = 0
    for part, part_sizes in _runs(index, sizes):
        for words in _pairs(part, part_sizes, limit, starts, fresh):
            votes[count : count + len(words)] = words
            count += len(words)
    votes = votes[:count]
    votes.sort()
    return votes


def _repeated(index: Words, starts: Places) -> tuple[Words, Places]:
    """The part of a sorted index, moved to its front, whose numbers are in several recordings; how often each of them is."""
    sizes = []
    begin = count = 0
    while begin < len(index):
        end = min(begin + TOGETHER, len(index))
        if end < len(index):  # with all places of the last number
            end = int(np.searchsorted(index, index[end] | LOW, side="right"))
        part = index[begin:end]
        begin = end
        numbers = part >> np.uint64(32)
        again = np.zeros(len(part) + 1, bool)
        again[1:-1] = numbers[1:] == numbers[:-1]
        part = part[(again[:-1] | again[1:]) & (numbers != NOTHING)]
        if not part.size:
            continue
        numbers = part >> np.uint64(32)
        recordings = np.searchsorted(starts, (part & LOW).astype(np.int64), side="right")
        run = np.concatenate(([True], numbers[1:] != numbers[:-1]))
        own = run | np.concatenate(([True], recordings[1:] != recordings[:-1]))
        at = np.arange(len(part))
        number = np.cumsum(run) - 1
        several = np.bincount(number, weights=own) > 1
        kept = several[number] & (at - np.maximum.accumulate(np.where(own, at, 0)) < PER_RECORDING)
        sizes.append(np.bincount(number[kept], minlength=len(several))[several])
        part = part[kept]
        index[count : count + len(part)] = part
        count += len(part)
    return index[:count], np.concatenate(sizes) if sizes else np.zeros(0, np.int64)


def _runs(index: Words, sizes: Places) -> Iterator[tuple[Words, Places]]:
    """An index and its runs' sizes in parts."""
    ends = np.cumsum(sizes)
    run = at = 0
    while run < len(sizes):
        next_run = max(int(np.searchsorted(ends, at + TOGETHER, side="right")), run + 1)
        end = int(ends[next_run - 1])
        yield index[at:end], sizes[run:next_run]
        run, at = next_run, end


def _pairs(index: Words, sizes: Places, limit: int, starts: Places, fresh: npt.NDArray[np.bool_]) -> Iterator[Words]:
    """The votes of the runs that are smaller than `limit`."""
    rare = np.repeat(sizes < limit, sizes)
    run = np.repeat(np.arange(len(sizes)), sizes)[rare]
    places = (index[rare] & LOW).astype(np.int64)
    recordings = np.searchsorted(starts, places, side="right") - 1
    places -= starts[recordings]
    at, lag = np.arange(len(run)), 1
    while (at := at[: np.searchsorted(at, len(run) - lag)]).size:
        at = at[run[at + lag] == run[at]]
        first, second = recordings[at], recordings[at + lag]
        kept = (first != second) & (fresh[first] | fresh[second])
        offset = places[at + lag] - places[at] + (1 << (PLACE - 1))
        yield (first << 44 | second << 24 | offset)[kept].astype(np.uint64)
        lag += 1


def _voted(votes: Words) -> Iterator[tuple[int, int, list[int]]]:
    """The pairs of recordings that have enough votes at one offset, or beside it, and the offsets with most."""
    if not len(votes):
        return
    first = np.flatnonzero(np.concatenate(([True], votes[1:] != votes[:-1])))
    words, counts = votes[first], np.diff(np.concatenate((first, [len(votes)])))
    beside = words[1:] - words[:-1] == 1
    near = counts.copy()
    near[1:] += np.where(beside, counts[:-1], 0)
    near[:-1] += np.where(beside, counts[1:], 0)
    words, near = words[near >= VOTES], near[near >= VOTES]
    pairs = words >> np.uint64(PLACE)
    edges = np.flatnonzero(np.concatenate(([True], pairs[1:] != pairs[:-1], [True]))) if len(words) else np.zeros(1, np.int64)
    for start, end in itertools.pairwise(edges.tolist()):
        most = start + np.argsort(-near[start:end], kind="stable")[:OFFSETS]
        offsets = (words[most] & np.uint64((1 << PLACE) - 1)).astype(np.int64) - (1 << (PLACE - 1))
        pair = int(pairs[start])
        yield pair >> 20, pair & (MOST - 1), offsets.tolist()
