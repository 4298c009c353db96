"""Train, validation and test, disjoint by group: a group's own name decides, so that more files move none."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping
from typing import Literal, get_args

__all__ = ["SPLITS", "Split", "assigned", "draw", "leaks", "published", "repaired"]

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = get_args(Split)
Shares = tuple[float, float, float]

_WORDS: dict[str, Split] = {
    **dict.fromkeys(("train", "training", "tr"), "train"),
    **dict.fromkeys(("validation", "valid", "val", "dev", "development", "cv"), "validation"),
    **dict.fromkeys(("test", "testing", "eval", "evaluation", "tt"), "test"),
}


def draw(*names: object) -> float:
    """A number of [0, 1) that hangs on the names alone."""
    digest = hashlib.blake2b("\0".join(map(str, names)).encode(errors="surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest) / (1 << 64)


def assigned(group: str, shares: Shares, seed: int) -> Split:
    """The split of a group by its name and the seed alone."""
    lot = draw("split", seed, group)
    if lot < shares[0]:
        return "train"
    return "validation" if lot < shares[0] + shares[1] or not shares[2] else "test"


def repaired(
    groups: Iterable[str], splits: Mapping[str, Split], shares: Shares, seed: int, settled: Collection[str] = ()
) -> dict[str, Split]:
    """The splits of these groups, with one group in each split that has a share, where there are three groups or more.

    An empty split gets the group that is drawn first for it, from a split with more than one; never one of `settled`. Nothing
    else moves: with many groups no split is empty, and each stays where its name puts it.
    """
    chosen = {group: splits[group] for group in groups}
    wanted = [split for split, share in zip(SPLITS, shares, strict=True) if share > 0]
    if len(chosen) < len(SPLITS):
        return chosen
    for split in wanted:
        if split in chosen.values():
            continue
        held = {name: sum(one == name for one in chosen.values()) for name in SPLITS}
        movable = [group for group, one in chosen.items() if held[one] > 1 and group not in settled]
        if movable:
            chosen[min(movable, key=lambda group: (draw("repair", seed, split, group), group))] = split
    return chosen


def published(word: object) -> Split | None:
    """What a publisher calls a split, in our words; None for what is none."""
    return _WORDS.get(str(word).strip().lower())


def leaks(pairs: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    """Of (group, split) pairs: the groups that stand in more than one split, with these splits."""
    found: dict[str, set[str]] = {}
    for group, split in pairs:
        found.setdefault(group, set()).add(split)
    order = [*SPLITS, *sorted(set().union(*found.values()) - set(SPLITS))] if found else []
    return {group: tuple(sorted(splits, key=order.index)) for group, splits in sorted(found.items()) if len(splits) > 1}
