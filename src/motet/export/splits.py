"""Which split a song is in: no group and no artist in two splits, nothing moved by what comes later, splits that are alike.

What belongs together (a family of duplicates, an artist) is a component of a graph and placed whole. The order of priority is
that of the words: a song that would join two splits is left out and said so, rather than a leak; a song that an earlier run
placed stays where it is, rather than a better balance; the shares come next, and that tags are spread alike last.
Tags: after Sechidis, Tsoumakas and Vlahavas, "On the Stratification of Multi-label Data", 2011, with components as the units.
"""

from __future__ import annotations

import math
from array import array
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from motet.errors import UserError
from motet.export.artists import main_artist
from motet.export.bridges import fewest, in_several
from motet.export.example import SPLITS, Split
from motet.export.filling import fill
from motet.export.leaks import Proof, prove
from motet.wording import several

__all__ = ["Assignment", "Before", "Item", "Placed", "Proof", "assign", "main_artist", "prove"]

_HALF = 0.5  # of everything
_HEAVIEST = 1e12
_OFF = 0.02  # a share missed by more is said

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Item:
    """A song or a film clip: what is placed whole.

    `groups` are the clusters it belongs to ("family 4fc1…", "film …"). `artist` is as written, `weight` clips or seconds,
    `strata` the tags by which the splits should be alike, the most important first.
    """

    id: str
    groups: tuple[str, ...]
    artist: str = ""
    weight: float = 1.0
    strata: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Before:
    """Where an earlier run put an item, and the groups and the main artist that it had then."""

    split: Split
    groups: tuple[str, ...] = ()
    artist: str = ""


@dataclass(frozen=True, slots=True)
class Placed:
    """A split, or None for an item that is left out; `why` says what decided, or which splits it would join, and through whom.

    `was` is the split of an item that an earlier run placed: to be remembered as `Before` also where it is left out, or the next
    run would take it for a newcomer and put it elsewhere.
    """

    split: Split | None
    why: str
    was: Split | None = None


@dataclass(frozen=True)
class Assignment:
    """Every item's place by its id, in order of id; what a person should know; and the proof, made from the result alone."""

    placed: dict[str, Placed]
    remarks: tuple[str, ...]
    proof: Proof


@dataclass(frozen=True)
class _Links:
    """Items in order of id, and the names (groups, artists) that each has: link n joins item `rows[n]` and name `held[n]`."""

    songs: list[Item]
    names: list[str]
    rows: Numbers
    held: Numbers
    ends: Numbers  # item i has the links ends[i] to ends[i + 1]
    weights: npt.NDArray[np.float64]

    def of(self, item: int) -> list[int]:
        return self.held[self.ends[item] : self.ends[item + 1]].tolist()  # type: ignore[no-any-return]

    def called(self, item: int, name: int) -> str:
        """A name as a person knows it."""
        told = self.names[name]
        return _short(f"the artist {self.songs[item].artist}" if told[0] == "a" else told[1:])


def assign(
    items: Iterable[Item],
    shares: Mapping[Split, float],
    seed: int = 0,
    before: Mapping[str, Before] = MappingProxyType({}),
) -> Assignment:
    """Place every item, or leave it out. The order of the items does not matter; the seed only draws among equals.

    `before` tells of items that an earlier run placed, those that are gone or were left out since included: what shares a group
    or an artist with one of them follows it. Of newcomers that would join two splits the fewest are left out that keep them
    apart (a minimum cut). Where something new joins items that were placed apart, the lighter side's that share it are left out;
    nothing ever changes its split. Raises UserError for shares that do not add up to 1, two items of one id, and weights that
    are none.
    """
    wanted = _checked(shares)
    if wrong := next((earlier.split for earlier in before.values() if earlier.split not in SPLITS), None):
        raise UserError(f"An earlier run knows a split {_short(wrong)!r}; there are: {', '.join(SPLITS)}.")
    links = _linked(items)
    was, kept, remarks = _earlier(links, before, wanted)
    pins = _pinned(links, was, kept, before)
    newcomer = was < 0
    out = newcomer & fewest(links.rows, links.held, len(links.names), newcomer, pins, links.weights)
    component, label, top = _components(links, newcomer & ~out, pins)
    split = np.where(kept, was, np.where(newcomer & ~out, label[component], -1))
    free = newcomer & ~out & (split < 0)
    remarks += fill(links.songs, component, free, split, wanted, seed)
    reached = np.where(pins >= 0, pins, label[top])
    placed: dict[str, Placed] = {}
    same: dict[Placed, Placed] = {}  # one object for all that are placed for one reason
    for at, (song, side, stays, drawn) in enumerate(zip(links.songs, split.tolist(), kept.tolist(), free.tolist(), strict=True)):
        if side < 0:
            place = Placed(None, _bridge(links, at, int(was[at]), reached), SPLITS[was[at]] if was[at] >= 0 else None)
        else:
            told = "drawn" if drawn else "kept" if stays else _with(links, at, pins)
            place = Placed(SPLITS[side], told, SPLITS[side] if stays else None)
        placed[song.id] = same.setdefault(place, place)
    remarks += _left_out(links, was, split, placed)
    proof = prove(links.songs, {name: place.split for name, place in placed.items()})
    return Assignment(placed, (*remarks, *_missed(proof, wanted)), proof)


def _checked(shares: Mapping[Split, float]) -> list[float]:
    """The shares in the order of SPLITS."""
    wanted = [float(shares.get(split, 0)) for split in SPLITS]
    if unknown := [split for split in shares if split not in SPLITS]:
        raise UserError(f"There is no split {unknown[0]!r}; there are: {', '.join(SPLITS)}.")
    if not all(0 <= share <= 1 for share in wanted) or not math.isclose(sum(wanted), 1.0, abs_tol=1e-6):
        raise UserError("The shares of the splits do not add up to 1: write for example train 0.9, validation 0.05, test 0.05.")
    return wanted


def _linked(items: Iterable[Item]) -> _Links:
    songs = sorted(items, key=lambda song: song.id)
    for one, other in pairwise(songs):
        if one.id == other.id:
            raise UserError(f"Two songs have the id {_short(one.id)}: build the dataset again.", 1)
    if wrong := next((song for song in songs if not 0 <= song.weight <= _HEAVIEST), None):
        raise UserError(f"The song {_short(wrong.id)} has the weight {wrong.weight}, and not one from 0 to {_HEAVIEST:.0e}.")
    numbers: dict[str, int] = {}
    held, ends = array("q"), array("q", [0])
    for song in songs:
        held.extend(numbers.setdefault(name, len(numbers)) for name in _names(song.groups, main_artist(song.artist)))
        ends.append(len(held))
    rows = np.repeat(np.arange(len(songs)), np.diff(ends))
    weights = np.array([song.weight for song in songs], np.float64)
    return _Links(songs, list(numbers), rows, np.array(held), np.array(ends), weights)


def _names(groups: Iterable[str], artist: str) -> list[str]:
    names = [f"g{group}" for group in sorted(set(groups)) if group]
    return [*names, f"a{artist}"] if artist else names


def _earlier(
    links: _Links, before: Mapping[str, Before], wanted: Sequence[float]
) -> tuple[Numbers, npt.NDArray[np.bool_], list[str]]:
    """The split that each item had (-1 for newcomers), which of them keep it, and remarks."""
    was = np.full(len(links.songs), -1, np.int64)
    for at, song in enumerate(links.songs) if before else ():
        if earlier := before.get(song.id):
            was[at] = SPLITS.index(earlier.split)
    kept = was >= 0
    bits = np.zeros(len(links.names), np.uint8)
    known = kept[links.rows]
    np.bitwise_or.at(bits, links.held[known], np.left_shift(1, was[links.rows[known]]).astype(np.uint8))
    at_odds = known & in_several(bits)[links.held]
    sharing: dict[int, list[int]] = defaultdict(list)
    for item, name in zip(links.rows[at_odds].tolist(), links.held[at_odds].tolist(), strict=True):
        sharing[name].append(item)
    heavy = {name: sum(links.weights[item] for item in those) for name, those in sharing.items()}
    for name in sorted(sharing, key=lambda name: (-heavy[name], name)):
        sides: dict[int, tuple[float, int]] = {}
        for item in sharing[name]:
            if kept[item]:
                weight, count = sides.get(int(was[item]), (0.0, 0))
                sides[int(was[item])] = (weight + float(links.weights[item]), count + 1)
        if len(sides) > 1:
            stays = max(sides, key=lambda side: (*sides[side], wanted[side], -side))
            for item in sharing[name]:
                kept[item] &= was[item] == stays
    _taken_back(links, was, kept, sharing)
    remarks = []
    if fell := int((~kept & (was >= 0)).sum()):
        remarks.append(
            f"{several(fell, 'song')} of an earlier run {'is' if fell == 1 else 'are'} left out: something new joins "
            "what was placed apart. Nothing was moved from one split to another."
        )
    if unasked := sorted({SPLITS[side] for side in was[kept].tolist() if not wanted[side]}):
        remarks.append(f"No share is asked for {' and '.join(unasked)}, but what was there stays there.")
    return was, kept, remarks


def _taken_back(links: _Links, was: Numbers, kept: npt.NDArray[np.bool_], sharing: Mapping[int, list[int]]) -> None:
    """Keep what was left out because of an item that has since been left out itself, the heaviest first."""
    held_by = {name: {int(was[item]) for item in those if kept[item]} for name, those in sharing.items()}
    out = {item for those in sharing.values() for item in those if not kept[item]}
    for item in sorted(out, key=lambda item: (-links.weights[item], item)):
        mine = [held_by[name] for name in links.of(item) if name in held_by]
        if all(sides <= {int(was[item])} for sides in mine):
            kept[item] = True
            for sides in mine:
                sides.add(int(was[item]))


def _pinned(links: _Links, was: Numbers, kept: npt.NDArray[np.bool_], before: Mapping[str, Before]) -> Numbers:
    """The split that each name belongs to, -1 for none: of what is kept, else of what was there and is gone."""
    pins = np.full(len(links.names), -1, np.int64)
    held = kept[links.rows]
    pins[links.held[held]] = was[links.rows[held]]
    if before:
        numbers = {name: at for at, name in enumerate(links.names)}
        there = {song.id for song, stays in zip(links.songs, kept.tolist(), strict=True) if stays}
        gone: dict[int, int] = defaultdict(int)
        for name, earlier in before.items():
            if name not in there:
                for one in _names(earlier.groups, earlier.artist):
                    if (at := numbers.get(one)) is not None and pins[at] < 0:
                        gone[at] |= 1 << SPLITS.index(earlier.split)
        for at, bits in gone.items():
            if bits.bit_count() == 1:  # otherwise earlier runs had it in several, and there is nothing to keep
                pins[at] = bits.bit_length() - 1
    return pins


def _components(links: _Links, among: npt.NDArray[np.bool_], pins: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    """The component of each item, the split each component follows (-1 for none), and the component of each name."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    n, size = len(links.songs), len(links.songs) + len(links.names)
    inside = among[links.rows] & (pins[links.held] < 0)
    edges = coo_array((np.ones(inside.sum(), np.int8), (links.rows[inside], n + links.held[inside])), shape=(size, size))
    count, component = connected_components(edges, directed=False)
    label = np.full(count, -1, np.int64)
    told = among[links.rows] & (pins[links.held] >= 0)
    label[component[links.rows[told]]] = pins[links.held[told]]
    return component[:n], label, component[n:]


def _with(links: _Links, item: int, pins: Numbers) -> str:
    for name in links.of(item):
        if pins[name] >= 0:
            return f"with {links.called(item, name)}"
    mine = links.of(item)
    return f"with others of {links.called(item, mine[-1])}" if mine else "drawn"


def _bridge(links: _Links, item: int, was: int, reached: Numbers) -> str:
    through: dict[int, str] = {}
    for name in links.of(item):
        if reached[name] >= 0:
            through.setdefault(int(reached[name]), links.called(item, name))
    if was >= 0:
        others = " and ".join(f"{SPLITS[at]} through {name}" for at, name in sorted(through.items()) if at != was)
        return f"was in {SPLITS[was]}, and is now joined with {others}"
    return "would join " + " and ".join(f"{SPLITS[at]} (through {name})" for at, name in sorted(through.items()))


def _left_out(links: _Links, was: Numbers, split: Numbers, placed: Mapping[str, Placed]) -> list[str]:
    out = [links.songs[at].id for at in np.flatnonzero((split < 0) & (was < 0)).tolist()]
    if not out:
        return []
    return [
        f"{several(len(out), 'newcomer')} left out, which would join what is in different splits; the first, "
        f"{_short(out[0])}, {placed[out[0]].why}."
    ]


def _missed(proof: Proof, wanted: Sequence[float]) -> list[str]:
    remarks = []
    if proof.largest > 1 and proof.largest_share > _HALF:
        remarks.append(
            f"{several(proof.largest, 'song')} with {proof.largest_share:.0%} of the weight hang together by artists and groups, "
            "and are in one split: look whether one of these names is nobody."
        )
    for split, share in zip(SPLITS, wanted, strict=True):
        if proof.items and abs(proof.shares[split] - share) > _OFF:
            remarks.append(f"{split} has {proof.shares[split]:.1%} of the weight, where {share:.1%} was asked for.")
    return remarks


def _short(text: str) -> str:
    told = " ".join(text.encode(errors="replace").decode().split())
    return told if len(told) <= 80 else f"{told[:79]}…"
