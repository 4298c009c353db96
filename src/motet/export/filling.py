"""What nothing holds yet is dealt out: by the shares, and so that the splits have the same tags."""

from __future__ import annotations

import hashlib
import math
from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from motet.export.example import SPLITS
from motet.export.leaks import Thing

__all__ = ["fill"]

_HALF = 0.5  # of a split or of everything

Numbers = npt.NDArray[np.int64]


def fill(
    songs: Sequence[Thing], component: Numbers, free: npt.NDArray[np.bool_], split: Numbers, wanted: Sequence[float], seed: int
) -> list[str]:
    """Place the free components, and write their splits into `split`; remarks.

    In order of weight, then as the seed draws. Each goes where it brings the table of tags by splits nearest to the shares (its
    chi-square; "everything" is a tag too), of the splits that have room for it and of which it would be no more than half; if
    there are none, of those with room; if none has room, to the one that lacks most.
    """
    tops, first, member = np.unique(component[free], return_index=True, return_inverse=True)
    items = np.flatnonzero(free)
    weight = np.bincount(member, [songs[at].weight for at in items.tolist()], len(tops)).astype(np.float64)
    lots = [_lot(seed, songs[at].id) for at in items[first].tolist()]
    order = sorted(range(len(tops)), key=lambda one: (-weight[one], lots[one]))
    tags, mass, ends, table = _tagged(songs, free, member, len(tops), split)
    whole = table.sum(axis=0)
    places = [at for at, share in enumerate(wanted) if share > 0]
    goals = {at: (wanted[at] * whole).tolist() for at in places}
    have = {at: table[at].tolist() for at in places}
    total = float(whole[0])
    chosen = [places[0]] * len(tops)
    slack = 1e-9 * total
    for one in order:
        heavy = float(weight[one])
        its = range(ends[one], ends[one + 1])
        room = [at for at in places if goals[at][0] - have[at][0] + slack >= heavy]
        open_to = [at for at in room if heavy <= _HALF * goals[at][0] + slack] or room
        if heavy > _HALF * total:
            best = max(places, key=lambda at: (wanted[at], -at))
        elif not open_to:
            best = max(places, key=lambda at: (goals[at][0] - have[at][0], -at))
        else:
            best, least = open_to[0], math.inf
            for at in open_to if len(open_to) > 1 else ():
                goal, got, cost = goals[at], have[at], 0.0
                for link in its:
                    tag, much = tags[link], mass[link]
                    if goal[tag] > 0:
                        cost += much * (much + 2 * (got[tag] - goal[tag])) / goal[tag]
                if cost < least:
                    best, least = at, cost
        chosen[one] = best
        for link in its:
            have[best][tags[link]] += mass[link]
    remarks = _filled(chosen, order, split, weight, {at: goals[at][0] for at in places})
    split[items] = np.array(chosen, np.int64)[member] if len(tops) else -1
    return remarks


def _tagged(
    songs: Sequence[Thing], free: npt.NDArray[np.bool_], member: Numbers, count: int, split: Numbers
) -> tuple[list[int], list[float], list[int], npt.NDArray[np.float64]]:
    """The tags of each component and their masses, and the mass of each tag by split, free components in the last row.

    Tag 0 is everything. An item's first tag counts its weight, the second half of it, the third a third.
    """
    from scipy.sparse import coo_array

    numbers: dict[str, int] = {}
    row_of = np.where(split >= 0, split + count, -1)
    row_of[np.flatnonzero(free)] = member
    rows, columns, masses = array("q"), array("q"), array("d")
    for song, row in zip(songs, row_of.tolist(), strict=True):
        if row >= 0:
            rows.append(row)
            columns.append(0)
            masses.append(song.weight)
            for place, tag in enumerate(dict.fromkeys(song.strata), 1):
                rows.append(row)
                columns.append(numbers.setdefault(tag, len(numbers) + 1))
                masses.append(song.weight / place)
    shape = (count + len(SPLITS), len(numbers) + 1)
    found: Any = coo_array((np.array(masses), (np.array(rows), np.array(columns))), shape=shape).tocsr()
    found.sum_duplicates()
    table = np.vstack([found[count:].toarray(), np.asarray(found[:count].sum(axis=0)).reshape(1, -1)])
    stop = int(found.indptr[count])
    return found.indices[:stop].tolist(), found.data[:stop].tolist(), found.indptr[: count + 1].tolist(), table


def _filled(
    chosen: list[int], order: Sequence[int], split: Numbers, weight: npt.NDArray[np.float64], goals: Mapping[int, float]
) -> list[str]:
    """Give every empty split the lightest component of the one that has most too much."""
    remarks = []
    held = Counter(chosen)
    old = set(split[split >= 0].tolist())
    for at in goals:
        if held[at] or at in old:
            continue
        have = {one: float(weight[[c == one for c in chosen]].sum()) for one in goals}
        givers = [one for one in goals if held[one] > 1 or (held[one] and one in old)]
        if not givers:
            remarks.append(f"Too few artists for {SPLITS[at]}: it is empty.")
            continue
        giver = max(givers, key=lambda one: (have[one] - goals[one], -one))
        moved = next(one for one in reversed(order) if chosen[one] == giver)
        chosen[moved] = at
        held[giver] -= 1
        held[at] += 1
        remarks.append(f"Too few artists for {SPLITS[at]}: it has one, who would have been in {SPLITS[giver]}.")
    return remarks


def _lot(seed: int, name: str) -> bytes:
    return hashlib.blake2b(f"{seed}\0{name}".encode(errors="surrogatepass"), digest_size=8).digest()
