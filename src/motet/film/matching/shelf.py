"""The titles of the film songs, to be found by key, by beginning, and by three-letter pieces; all in memory."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt

from motet.naming.spelling import grams

from .titles import Name

MOST_PIECES = 24  # of a name that are looked up, the rarest first
MOST_ROWS = 4_000  # titles that those may lead to
MOST_ALIKE = 8
MOST_BEGUN = 12


class Shelf:
    """What is found here is `(number of the song, Name)`. The order does not hang on that of the songs' keys."""

    def __init__(self, songs: Iterable[list[Name]]) -> None:
        self._loose: dict[str, list[tuple[int, Name]]] = {}
        self._plain: dict[str, list[tuple[int, Name]]] = {}
        for number, names in enumerate(songs):
            for name in names:
                self._loose.setdefault(name.found.loose, []).append((number, name))
                self._plain.setdefault(name.found.plain, []).append((number, name))
        self._runs = sorted(self._plain)
        self._ends = sorted(run[::-1] for run in self._plain)
        self._keys = sorted(self._loose)
        pieces: dict[str, list[int]] = {}
        for number, key in enumerate(self._keys):
            for piece in grams(key):
                pieces.setdefault(piece, []).append(number)
        self._pieces: dict[str, npt.NDArray[np.int32]] = {piece: np.array(rows, np.int32) for piece, rows in pieces.items()}
        self._lengths = np.array([len(grams(key)) for key in self._keys], np.int32)

    def titled(self, key: str) -> list[tuple[int, Name]]:
        """Songs called exactly so, by loose key."""
        return self._loose.get(key, [])

    def spelled(self, run: str) -> list[tuple[int, Name]]:
        """Songs called exactly so, by plain run."""
        return self._plain.get(run, [])

    def beginning(self, run: str) -> Iterator[tuple[int, Name]]:
        """Songs whose title begins with a plain run and goes on, the first by alphabet."""
        for one in _begun(self._runs, run):
            yield from self._plain[one]

    def ending(self, run: str) -> Iterator[tuple[int, Name]]:
        """Songs whose title ends with a plain run and has more before it."""
        for one in _begun(self._ends, run[::-1]):
            yield from self._plain[one[::-1]]

    def alike(self, key: str, least: float = 0.5) -> Iterator[tuple[int, Name]]:
        """Songs whose title shares so large a part of both's three-letter pieces with a loose key, the most alike first."""
        wanted = grams(key)
        posted = sorted((self._pieces[piece] for piece in wanted if piece in self._pieces), key=len)[:MOST_PIECES]
        if len(posted) < len(wanted) * least:
            return
        rows, looked_at = list[npt.NDArray[np.int32]](), 0
        for row in posted:
            looked_at += len(row)
            if rows and looked_at > MOST_ROWS:
                break
            rows.append(row)
        numbers, counts = np.unique(np.concatenate(rows), return_counts=True)
        shares = 2 * counts / (self._lengths[numbers] + len(wanted))
        order = np.lexsort((numbers, -shares))[:MOST_ALIKE]
        for at in order:
            if shares[at] >= least:
                yield from self._loose[self._keys[int(numbers[at])]]


def _begun(runs: list[str], run: str) -> list[str]:
    at = bisect_left(runs, run)
    return [one for one in runs[at : at + MOST_BEGUN] if one.startswith(run) and one != run]
