"""Which newcomers stand between two splits: the fewest to leave out, so that nothing joins what was placed apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["fewest", "in_several"]

MOST = 200_000  # links of a component that a cut is computed for; in a larger one they are taken in one after another

Numbers = npt.NDArray[np.int64]
Marks = npt.NDArray[np.bool_]


def fewest(rows: Numbers, held: Numbers, names: int, newcomer: Marks, pins: Numbers, weights: npt.NDArray[np.float64]) -> Marks:
    """Which items to leave out. Link n joins item `rows[n]` and name `held[n]`; `pins` gives a name's split, -1 for none.

    A newcomer with names of two splits is a bridge, and out. Of a chain of newcomers between two splits the fewest are out: a
    minimum vertex cut, the one nearest to the first split. Between three splits it is the two cheaper of the cuts that isolate
    one of them, at most a third more than the fewest (Garg, Vazirani and Yannakakis 1994). What need not be out after all is
    taken back, the heaviest first.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    count = len(newcomer)
    direct = np.zeros(count, np.uint8)
    told = newcomer[rows] & (pins[held] >= 0)
    np.bitwise_or.at(direct, rows[told], np.left_shift(1, pins[held[told]]).astype(np.uint8))
    out = in_several(direct)
    inside = newcomer[rows] & ~out[rows] & (pins[held] < 0)
    size = count + names
    edges = coo_array((np.ones(inside.sum(), np.int8), (rows[inside], count + held[inside])), shape=(size, size))
    parts, component = connected_components(edges, directed=False)
    bits = np.zeros(parts, np.uint8)
    among = newcomer & ~out
    np.bitwise_or.at(bits, component[:count][among], direct[among])
    links = np.flatnonzero(inside & in_several(bits)[component[rows]])
    links = links[np.argsort(component[rows[links]], kind="stable")]
    starts = np.flatnonzero(np.diff(component[rows[links]], prepend=-1))
    for part in np.split(links, starts[1:]) if len(links) else ():
        items, at = np.unique(rows[part], return_inverse=True)
        found, name = np.unique(held[part], return_inverse=True)
        labels = np.array([-1, 0, 1, -1, 2])[direct[items]]
        cut = _cut(at, name, len(found), labels) if len(part) <= MOST else np.ones(len(items), bool)
        out[items[_needed(at, name, labels, cut, weights[items])]] = True
    return out


def _cut(items: Numbers, names: Numbers, count: int, labels: Numbers) -> Marks:
    sides = sorted(set(labels[labels >= 0].tolist()))
    cuts = [_isolating(items, names, count, labels, side) for side in (sides[:1] if len(sides) == 2 else sides)]
    cuts.sort(key=lambda cut: int(cut.sum()))
    together: Marks = np.logical_or.reduce(cuts[:-1] or cuts)
    return together


def _isolating(items: Numbers, names: Numbers, count: int, labels: Numbers, side: int) -> Marks:
    """The fewest items without which no item of `side` is joined with one of another: every item is an edge of capacity 1."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import breadth_first_order, maximum_flow

    n = len(labels)
    source, sink, endless = 2 * n + count, 2 * n + count + 1, n + 1
    every, mine, theirs = np.arange(n), np.flatnonzero(labels == side), np.flatnonzero((labels >= 0) & (labels != side))
    tails = [every, n + items, 2 * n + names, np.full(len(mine), source), n + theirs]
    heads = [n + every, 2 * n + names, items, mine, np.full(len(theirs), sink)]
    room = np.full(sum(map(len, tails)), endless, np.int32)
    room[:n] = 1
    graph: Any = coo_array((room, (np.concatenate(tails), np.concatenate(heads))), shape=(sink + 1, sink + 1)).tocsr()
    left: Any = graph - maximum_flow(graph, source, sink).flow
    left.eliminate_zeros()
    reached = np.zeros(sink + 1, bool)
    reached[breadth_first_order(left, source, return_predecessors=False)] = True
    cut: Marks = reached[:n] & ~reached[n : 2 * n]
    return cut


def _needed(items: Numbers, names: Numbers, labels: Numbers, out: Marks, weights: npt.NDArray[np.float64]) -> Marks:
    """Of the items that are out, those that stay out: the others are taken in again, as long as nothing is joined."""
    n = len(labels)
    parents = list(range(n + (int(names.max()) + 1)))
    side = [*labels.tolist(), *[-1] * (len(parents) - n)]
    its: list[list[int]] = [[] for _ in range(n)]
    for item, name in zip(items.tolist(), names.tolist(), strict=True):
        its[item].append(n + name)
    stays = out.copy()
    first = np.flatnonzero(~out).tolist()
    most = np.bincount(labels[labels >= 0], minlength=3)
    rest = sorted(np.flatnonzero(out).tolist(), key=lambda item: (_rank(side[item], most), -weights[item], item))
    for item in [*first, *rest]:
        tops = {item, *(_top(parents, name) for name in its[item])}
        sides = {side[top] for top in tops} - {-1}
        if len(sides) < 2:
            stays[item] = False
            for top in tops:
                parents[top] = item
            side[item] = min(sides, default=-1)
    return stays


def _rank(side: int, most: Sequence[int] | Numbers) -> int:
    """What is of no split comes first, then the split with most items."""
    return -(1 << 60) if side < 0 else -int(most[side])


def _top(parents: list[int], one: int) -> int:
    while parents[one] != one:
        parents[one] = one = parents[parents[one]]
    return one


def in_several(bits: npt.NDArray[np.uint8]) -> Marks:
    """Whether more than one bit is set."""
    found: Marks = (bits & (bits - 1)) != 0
    return found
