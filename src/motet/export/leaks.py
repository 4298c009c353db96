"""Whether splits leak: a proof made from items and their splits alone, whoever placed them."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from motet.export.artists import main_artist
from motet.export.example import SPLITS, Split

__all__ = ["Proof", "prove"]

_SHOWN = 10


class Thing(Protocol):
    """What of an item the proof looks at: `motet.export.splits.Item` is one."""

    @property
    def id(self) -> str: ...
    @property
    def groups(self) -> tuple[str, ...]: ...
    @property
    def artist(self) -> str: ...
    @property
    def weight(self) -> float: ...
    @property
    def strata(self) -> tuple[str, ...]: ...


@dataclass(frozen=True)
class Proof:
    """What was counted over a finished assignment.

    `items` are placed, `left_out` are not. `groups_across` and `artists_across` count those with items in two splits or more;
    `leaks` names the first ten. `pairs` of near-duplicates were looked at, and `pairs_across` have their two items in two splits.
    `shares` are of the weight of all that is placed. `strata` is, for each split, the total variation distance between its
    distribution of tags and that of all that is placed: half the sum over tags of |p - q|, by weight, from 0 (alike) to 1 (no
    tag in common). `largest` counts the items of the heaviest component, joined by groups and artists; `largest_share` is its
    share of the weight.
    """

    items: int
    left_out: int
    groups: int
    artists: int
    groups_across: int
    artists_across: int
    pairs: int
    pairs_across: int
    shares: Mapping[Split, float]
    strata: Mapping[Split, float]
    largest: int
    largest_share: float
    leaks: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether nothing is in two splits."""
        return not (self.groups_across or self.artists_across or self.pairs_across)


def prove(items: Iterable[Thing], placed: Mapping[str, Split | None], pairs: Iterable[tuple[str, str]] = ()) -> Proof:
    """Count what is in two splits. An item that `placed` does not name is left out."""
    weights = array("d")
    numbers: dict[str, int] = {}
    bits: list[int] = []  # of each name, the splits it is in
    rows, held = array("q"), array("q")
    tags: dict[str, list[float]] = {}
    sums = [0.0] * len(SPLITS)
    left_out = 0
    for item in items:
        split = placed.get(item.id)
        if split is None:
            left_out += 1
            continue
        side = SPLITS.index(split)
        artist = main_artist(item.artist)
        for name in (*dict.fromkeys(f"g{group}" for group in item.groups if group), *((f"a{artist}",) if artist else ())):
            at = numbers.setdefault(name, len(numbers))
            if at == len(bits):
                bits.append(0)
            bits[at] |= 1 << side
            rows.append(len(weights))
            held.append(at)
        for tag in dict.fromkeys(item.strata):
            tags.setdefault(tag, [0.0] * len(SPLITS))[side] += item.weight
        sums[side] += item.weight
        weights.append(item.weight)
    largest, heaviest = _largest(np.array(rows), np.array(held), len(numbers), np.array(weights))
    total = math.fsum(sums)
    across = sorted(name for name, at in numbers.items() if bits[at] & (bits[at] - 1))
    looked = [(placed.get(one), placed.get(other)) for one, other in pairs]
    return Proof(
        items=len(weights),
        left_out=left_out,
        groups=sum(name[0] == "g" for name in numbers),
        artists=sum(name[0] == "a" for name in numbers),
        groups_across=sum(name[0] == "g" for name in across),
        artists_across=sum(name[0] == "a" for name in across),
        pairs=len(looked),
        pairs_across=sum(None not in both and both[0] != both[1] for both in looked),
        shares={split: sums[at] / total if total else 0.0 for at, split in enumerate(SPLITS)},
        strata=_distances(list(tags.values())),
        largest=largest,
        largest_share=heaviest / total if total else 0.0,
        leaks=tuple(_leak(name, bits[numbers[name]]) for name in across[:_SHOWN]),
    )


def _largest(
    rows: npt.NDArray[np.int64], held: npt.NDArray[np.int64], names: int, weights: npt.NDArray[np.float64]
) -> tuple[int, float]:
    """Items and weight of the heaviest component."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    size = len(weights) + names
    if not len(weights):
        return 0, 0.0
    edges = coo_array((np.ones(len(rows), np.int8), (rows, len(weights) + held)), shape=(size, size))
    _, component = connected_components(edges, directed=False)
    heavy = np.bincount(component[: len(weights)], weights)
    counts = np.bincount(component[: len(weights)])
    best = max(range(len(counts)), key=lambda one: (heavy[one], counts[one]))
    return int(counts[best]), float(heavy[best])


def _distances(tags: list[list[float]]) -> dict[Split, float]:
    """Total variation distance of each split with tags from all of them together; a split without any has no entry."""
    sides = [math.fsum(tag[at] for tag in tags) for at in range(len(SPLITS))]
    whole = math.fsum(sides)
    return {
        split: math.fsum(abs(tag[at] / sides[at] - math.fsum(tag) / whole) for tag in tags) / 2
        for at, split in enumerate(SPLITS)
        if sides[at] > 0
    }


def _leak(name: str, bits: int) -> str:
    told = " ".join(name[1:].encode(errors="replace").decode().split())[:80]
    where = " and ".join(split for at, split in enumerate(SPLITS) if bits >> at & 1)
    return f"the {'artist' if name[0] == 'a' else 'group'} {told} is in {where}"
