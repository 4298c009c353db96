"""Which split a clip is in: decided by a hash, so that no split shares an artist or a group with another."""

from __future__ import annotations

import hashlib
import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from itertools import accumulate

from motet.errors import UserError

SPLITS = {"train": 0.9, "valid": 0.05, "evaluate": 0.05}

_NOBODY = frozenset(("", "va", "various", "various artists", "unknown", "unknown artist", "unbekannt", "unbekannter kunstler"))
_GUEST = re.compile(r"(?i)[\s(\[]+(?:feat|ft|featuring)\b.*$", re.DOTALL)


def assign(clips: Iterable[tuple[str, str, str]], splits: Mapping[str, float] = SPLITS) -> tuple[dict[str, str], list[str]]:
    """The split of each clip (id, artist, group), and remarks: clips that share an artist or a group share a split.

    A hash of the artist decides, or of the group where nobody is named, so songs added later move no others; unless one of
    them joins what was apart: a group of two artists makes one of them. A split that nobody falls into takes the nearest from
    the fullest one, and gives them back when somebody does. Raises UserError for shares that are none, and two clips of one id.
    """
    _check(splits)
    parents: dict[str, str] = {}
    of: dict[str, str] = {}
    for clip, artist, group in clips:
        if clip in of:
            raise UserError(f"Two clips have the id {clip}: build the dataset again.", 1)
        lead = main_artist(artist)
        of[clip] = first = f"a {lead}" if lead else f"g {group}"
        for one in {first, f"g {group}"}:
            parents.setdefault(one, one)
        _join(parents, first, f"g {group}")
    members: dict[str, list[str]] = defaultdict(list)
    for one in parents:
        members[_top(parents, one)].append(one)
    # An artist speaks for the groups; of several the one with the lowest hash, which an artist added later rarely is.
    points = {top: min(((one[0] != "a"), _point(one)) for one in ones)[1] for top, ones in members.items()}
    placed = {top: _split_at(point, splits) for top, point in points.items()}
    remarks = _filled(placed, points, splits)
    return {clip: placed[_top(parents, first)] for clip, first in of.items()}, remarks


def _check(splits: Mapping[str, float]) -> None:
    if not splits or not all(share > 0 for share in splits.values()) or not math.isclose(sum(splits.values()), 1.0, abs_tol=1e-6):
        raise UserError("The shares of the splits do not add up to 1: write for example train 0.9, valid 0.05, evaluate 0.05.")


def main_artist(artist: str) -> str:
    """The main artist so that spellings meet, "" for nobody in particular."""
    from motet.naming.spelling import folded, plain

    main = _GUEST.sub("", artist).strip()
    return "" if folded(main).strip() in _NOBODY else plain(main) or main.casefold()


def _top(parents: dict[str, str], one: str) -> str:
    while parents[one] != one:
        parents[one] = one = parents[parents[one]]
    return one


def _join(parents: dict[str, str], one: str, other: str) -> None:
    parents[_top(parents, other)] = _top(parents, one)


def _point(name: str) -> float:
    """A place from 0 to 1 that hangs on the name alone."""
    return int.from_bytes(hashlib.blake2b(name.encode(errors="replace"), digest_size=8).digest()) / 2**64


def _split_at(point: float, splits: Mapping[str, float]) -> str:
    edge = 0.0
    for name, share in splits.items():
        edge += share
        if point < edge:
            return name
    return name


def _filled(placed: dict[str, str], points: Mapping[str, float], splits: Mapping[str, float]) -> list[str]:
    remarks = []
    for (name, share), edge in zip(splits.items(), accumulate(splits.values()), strict=True):
        counts = Counter(placed.values())
        fullest = max(counts, key=lambda split: (counts[split], splits[split]), default="")
        if name in counts or counts[fullest] < 2:
            continue
        off = {top: abs(points[top] - (edge - share / 2)) for top, split in placed.items() if split == fullest}
        placed[min(off, key=lambda top: (off[top], points[top]))] = name
        remarks.append(f"Too few artists for {name}: one was taken from {fullest}, and goes back there when others come.")
    return remarks
