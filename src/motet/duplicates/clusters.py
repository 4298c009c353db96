"""Which of many duplicates stays: groups around a survivor that each member itself matches, so that nothing chains."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any


def clusters(
    ranks: Sequence[tuple[int | str | bool | float, ...]], links: Iterable[tuple[int, int]], alike: Callable[[int, int], bool]
) -> list[list[int]]:
    """Songs in groups, the survivor of each first, then by rank; songs without a link are in none.

    `ranks` sorts songs, the best lowest. `links` are pairs of duplicates. Linked songs are taken together, the best of them
    stays, and those that are `alike` with it (asked where no link says so) go with it; what is linked to it through others
    only and is not alike forms groups of its own, in the same way. So two songs that share no more than a medley, or a
    chain of small changes, are never one group. The result does not hang on the order of links.
    """
    neighbours: dict[int, set[int]] = {}
    for one, other in links:
        neighbours.setdefault(one, set()).add(other)
        neighbours.setdefault(other, set()).add(one)
    waiting = sorted(neighbours, key=lambda song: ranks[song])
    settled: set[int] = set()
    found = []
    for survivor in waiting:
        if survivor in settled:
            continue
        group, reached, front = [survivor], {survivor}, [survivor]
        while front:
            # Outward from the survivor through members: who is not alike with it leads no further.
            near = {n for song in front for n in neighbours[song]} - reached - settled
            reached |= near
            front = [n for n in sorted(near) if n in neighbours[survivor] or alike(survivor, n)]
            group += front
        settled.update(group)
        if len(group) > 1:
            found.append([survivor, *sorted(group[1:], key=lambda song: ranks[song])])
    return found


def families(ranks: Mapping[str, Any], links: Iterable[tuple[str, str]]) -> dict[str, str]:
    """For each song the best of all that are linked to it, directly or through others. `ranks` sorts songs, the best lowest."""
    best = {song: song for song in ranks}

    def found(song: str) -> str:
        while best[song] != song:
            best[song] = song = best[best[song]]
        return song

    for pair in links:
        first, second = sorted((found(pair[0]), found(pair[1])), key=lambda song: ranks[song])
        best[second] = first
    return {song: found(song) for song in ranks}
