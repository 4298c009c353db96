"""Which films show what there is: one window in several moods, mappings and sizes, and then every tune."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePath

__all__ = ["SERIES", "Wanted", "file_name", "wanted"]

SERIES = {
    "moods": "One window, several moods",
    "mappings": "One window, several mappings",
    "sizes": "One window, several sizes",
    "tunes": "Every tune",
}


@dataclass(frozen=True)
class Wanted:
    """A film to make: a tune by its place in the list, and how its window is to be shown."""

    tune: int
    size: tuple[int, int]
    mood: str
    mapping: str


def wanted(
    tunes: int,
    sizes: Sequence[tuple[int, int]],
    moods: Sequence[str],
    mappings: Sequence[str],
    moved: Callable[[int, str], int] = lambda tune, mapping: 1,
) -> dict[Wanted, list[str]]:
    """The films in order, each once, with the series of the page that it belongs to.

    `moved` tells at how many moments of a tune's window a mapping moves something. The tune that is shown in every way is the one
    of which even the mapping that moves least moves most, of several the first. The others take moods, mappings that move
    something and sizes by turns, but for the last size, which takes longest.
    """
    films: dict[Wanted, list[str]] = {}
    for series, film in _films(tunes, sizes, moods, mappings, moved):
        films.setdefault(film, []).append(series)
    return films


def _films(
    tunes: int,
    sizes: Sequence[tuple[int, int]],
    moods: Sequence[str],
    mappings: Sequence[str],
    moved: Callable[[int, str], int],
) -> Iterator[tuple[str, Wanted]]:
    moves = {place: [moved(place, mapping) for mapping in mappings] for place in range(tunes)}
    fitting = {place: [mapping for mapping, number in zip(mappings, moves[place], strict=True) if number] for place in moves}
    shown = max(moves, key=lambda place: (min(moves[place]), -place))
    ways = fitting[shown] or list(mappings)
    for mood in moods:
        yield "moods", Wanted(shown, sizes[0], mood, ways[0])
    for mapping in mappings:
        yield "mappings", Wanted(shown, sizes[0], moods[0], mapping)
    for size in sizes:
        yield "sizes", Wanted(shown, size, moods[0], ways[0])
    small = sizes[:-1] or sizes
    for place, own in fitting.items():
        if place == shown:
            yield "tunes", Wanted(place, sizes[0], moods[0], ways[0])
            continue
        mapping = (own or ways)[place % len(own or ways)]
        yield "tunes", Wanted(place, small[place % len(small)], moods[place % len(moods)], mapping)


def file_name(title: str, film: Wanted) -> str:
    """A name that every system takes: small letters, digits and hyphens."""
    width, height = film.size
    return "-".join([_plain(title), _plain(PurePath(film.mapping).stem), _plain(film.mood), f"{width}x{height}"])


def _plain(text: str) -> str:
    ascii_only = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().casefold()
    return re.sub(r"[^a-z0-9]+", "-", ascii_only).strip("-")[:40].strip("-") or "x"
