"""Which clips to keep, so that nothing outweighs the rest."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import NamedTuple

from motet.audio.balance.target import FIELDS, OTHERS, UNKNOWN, Clip, Target, aim_of, labels, percent, shares, with_families
from motet.wording import several

__all__ = ["Choice", "select"]


class Choice(NamedTuple):
    """`reason` is a word to count by and `detail` a few words for a person, both "" of a clip that is kept."""

    id: str
    keep: bool
    reason: str
    detail: str


def select(rows: Iterable[Clip], target: Target) -> Iterator[Choice]:
    """Which clips to keep, in their own order: of a capped label at most cap × the number kept, rounded up to a whole clip.

    Clips of one song, then of one artist, are thinned first. Of what is left as many are kept as the caps let in: those under
    the fewest and widest caps first, then by a hash of the lineage, not by the order or a seed. So more clips change few
    choices: where no clip falls under two caps, a new clip takes the place of at most one of its own label and of none of
    another. Where clips fall under several caps, one that comes in may keep out others that share a label with it. New clips
    of a song or an artist that has its most already may change which of its clips are kept. Caps that the clips can hardly
    meet leave hardly any.
    """
    rows = list(rows)
    order = sorted(range(len(rows)), key=lambda at: (_rank(rows[at].lineage), rows[at].id))
    dropped: dict[int, tuple[str, str]] = {}
    order = _thinned(order, [row.song for row in rows], target.most_per_song, "song", dropped)
    order = _thinned(order, [row.artist for row in rows], target.most_per_artist, "artist", dropped)
    caps = _Caps(target)
    _capped(order, [caps.over(row) for row in rows], caps, dropped)
    for at, row in enumerate(rows):
        yield Choice(row.id, at not in dropped, *dropped.get(at, ("", "")))


def _rank(lineage: str) -> bytes:
    return hashlib.blake2b(lineage.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _thinned(
    order: list[int], groups: Sequence[str], most: int | None, what: str, dropped: dict[int, tuple[str, str]]
) -> list[int]:
    """Those of the order that are among the first `most` of their group; a group without a name has no limit."""
    if most is None:
        return order
    seen: Counter[str] = Counter()
    kept = []
    for at in order:
        seen[groups[at]] += 1
        if groups[at] and seen[groups[at]] > most:
            dropped[at] = (f"enough_of_{what}", f"{several(most, 'clip')} of its {what} are kept")
        else:
            kept.append(at)
    return kept


class _Caps:
    """The caps that clips fall under, each with a number; "*" becomes a cap for every label that is met."""

    def __init__(self, target: Target) -> None:
        self.bins = target.tempo.bins
        self.told = {field: shares(aim_of(target, field).caps, field, self.bins) for field in FIELDS}
        self.numbers: dict[tuple[str, str], int] = {}
        self.shares: list[Fraction] = []
        self.words: list[tuple[str, str]] = []

    def over(self, row: Clip) -> tuple[int, ...]:
        """The numbers of the caps that a clip falls under."""
        return tuple(
            self._number(field, label)
            for field, told in self.told.items()
            if told
            for label in sorted(self._under(row, field, told))
        )

    def quotas(self, kept: int) -> list[int]:
        """How many of each may be among so many."""
        return [-(-share.numerator * kept // share.denominator) for share in self.shares]

    def _under(self, row: Clip, field: str, told: Mapping[str, Fraction]) -> set[str]:
        own = set(labels(row, field, self.bins))
        wide = with_families(own) if field == "genre" and UNKNOWN not in own else own
        return (wide & told.keys()) | (own - {UNKNOWN} if OTHERS in told else set())

    def _number(self, field: str, label: str) -> int:
        number = self.numbers.setdefault((field, label), len(self.shares))
        if number == len(self.shares):
            self.shares.append(self.told[field].get(label, self.told[field].get(OTHERS, Fraction(1))))
            self.words.append((field, label))
        return number


_PATIENCE = 40  # walks


def _capped(order: Sequence[int], under: Sequence[tuple[int, ...]], caps: _Caps, dropped: dict[int, tuple[str, str]]) -> None:
    """Drop what is over the caps.

    With quotas for T clips, K(T) are kept; the caps hold if K(T) >= T. The greatest such T is looked for from above: first
    counting a clip under each of its caps, which is never too few, and exact where none has two; then by walking.
    """
    # Clips that use up less of the narrow quotas come first: so more of them find room.
    cost = [float(1 / share) if share else math.inf for share in caps.shares]
    limited = sorted((at for at in order if under[at]), key=lambda at: math.fsum(cost[number] for number in under[at]))
    free = len(order) - len(limited)
    sizes = Counter(number for at in limited for number in under[at])
    aim = len(order)
    while (most := free + sum(min(sizes[n], quota) for n, quota in enumerate(caps.quotas(aim)))) < aim:
        aim = most
    walks = 0
    while (kept := free + len(limited) - len(over := _walk(limited, under, caps.quotas(aim)))) < aim:
        walks += 1
        aim = kept if walks < _PATIENCE else min(kept, aim * 63 // 64)
    for at, number in over.items():
        field, label = caps.words[number]
        dropped[at] = (f"enough_of_{field}", f"{field} {label} is held to {percent(caps.shares[number])} of the clips")


def _walk(limited: Sequence[int], under: Sequence[tuple[int, ...]], quotas: list[int]) -> dict[int, int]:
    """Who finds no room, first come first kept, and the cap that keeps each out."""
    left, over = quotas, {}
    for at in limited:
        for number in under[at]:
            if not left[number]:
                over[at] = number
                break
        else:
            for number in under[at]:
                left[number] -= 1
    return over
