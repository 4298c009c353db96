"""Recordings that are looked for in films.

First each ten seconds of the film are correlated with all of the catalogue; then what stands out is followed along its line,
forward and backward, until it ends.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt

from motet.film.locating import searching, tracing
from motet.film.locating.sound import SECONDS, Sound

__all__ = ["SURE", "Catalogue", "Placement"]

SURE = 0.9
"""the confidence from which on placements are told"""
SPEEDS = (0.958, 1.044)  # what is told: 24/25 to 25/24, and what a measure of them may be off; chance seeks the edges
LEARNT = 400  # songs that the catalogue's covariance is taken over
KEPT = 64  # songs whose whitened cells are kept at a time
TELLING = 0.006  # how far from 1 a speed must be to tell whether pitch was kept

Bytes = npt.NDArray[np.uint8]
Singles = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Placement:
    """A stretch of a film in which a song is heard: song time = song_start + speed * (film time - film_start), in seconds.

    `speed` is above 1 where the film plays it faster; `pitch_kept` tells whether its pitch stayed nevertheless, None where the
    speed is too near 1 to tell. `confidence` is how probable it is that the song plays there, `second_score` how far the closest
    look stands out from the same laid some tenths of a second off, in standard deviations.
    """

    song: str
    film_start: float
    film_end: float
    song_start: float
    song_end: float
    speed: float
    pitch_kept: bool | None
    confidence: float
    second_score: float
    version: Literal["recording", "other version"]
    evidence: str


class Catalogue:
    """Recordings that a film may hold: about 220 kB in memory for each of 200 s, and 400 kB while a film is searched."""

    def __init__(self, sounds: Mapping[str, Sound]) -> None:
        from motet.film.locating import loops

        self._names = sorted(name for name in sounds if len(sounds[name].field))
        listed = [sounds[name] for name in self._names]
        self._lengths = [one.seconds for one in listed]
        self._cells = [searching.kept(one.field) for one in listed]
        # A copy: a slice would keep the whole of it.
        self._fields = [one.field[:: loops.FINE].copy() for one in listed]

    @cached_property
    def _covariance(self) -> npt.NDArray[np.complex128]:
        step = max(1, len(self._cells) // LEARNT)
        return searching.covariance([searching.told(one) for one in self._cells[::step]])

    @cached_property
    def _white(self) -> npt.NDArray[np.complex128]:
        return searching.white(self._covariance)

    def locate(self, film: Sound, *, least: float = SURE, shortest: float = 5.0) -> list[Placement]:
        """Where songs of the catalogue are heard in the film, for `shortest` seconds or more, in order of `film_start`."""
        from threadpoolctl import threadpool_limits

        if not self._names or not film.field.any():
            return []
        with threadpool_limits(1):
            by = searching.whitened(film.field, self._covariance, self._white)
            found, variance = searching.hits(film.field, self._cells, by)
            latest: OrderedDict[int, Singles] = OrderedDict()

            def whitened(song: int) -> Singles:
                if song not in latest:
                    latest[song] = searching.song_whitened(self._cells[song], by)
                    if len(latest) > KEPT:
                        latest.popitem(last=False)
                latest.move_to_end(song)
                return latest[song]

            stretches = tracing.traced(found, film.field, by, whitened, self._fields, variance)
        told = (self._placement(one, film.seconds) for one in stretches)
        likely = (
            one
            for one in told
            if one.confidence >= least and SPEEDS[0] <= one.speed <= SPEEDS[1] and one.film_end - one.film_start >= shortest
        )
        return sorted(_once(likely), key=lambda one: (one.film_start, one.song, one.song_start))

    def _placement(self, stretch: tracing.Stretch, film_seconds: float) -> Placement:
        line = stretch.line
        length, speed = self._lengths[line.song], float(line.speed)
        start, end = max(0.0, stretch.first * SECONDS), min(film_seconds, stretch.last * SECONDS)
        begins = searching.seconds(line.at(start / SECONDS))
        if begins < 0:
            start, begins = start - begins / speed, 0.0
        end = min(end, start + (length - begins) / speed)
        words = (
            f"{stretch.score:.1f} standard deviations over {end - start:.1f} s, {stretch.fine:.1f} at the closest look; "
            f"of another song {stretch.rival:.1f}"
        )
        return Placement(
            song=self._names[line.song],
            film_start=float(start),
            film_end=float(end),
            song_start=float(begins),
            song_end=float(begins + speed * (end - start)),
            speed=speed,
            pitch_kept=bool(line.kept) if abs(speed - 1) > TELLING else None,
            confidence=sureness(stretch),
            second_score=float(stretch.fine),
            version="recording" if stretch.upper >= 5 else "other version",
            evidence=words,
        )


def _once(placements: Iterable[Placement]) -> Iterator[Placement]:
    """A song that is told twice in one stretch of film, for it repeats itself, only where it fits best: sure, then long."""
    kept: list[Placement] = []
    for one in sorted(placements, key=lambda one: (-round(one.confidence, 2), one.film_start - one.film_end, one.song_start)):
        length = one.film_end - one.film_start
        twice = any(
            other.song == one.song
            and min(one.film_end, other.film_end) - max(one.film_start, other.film_start)
            > 0.5 * min(length, other.film_end - other.film_start)
            for other in kept
        )
        if not twice:
            kept.append(one)
            yield one


def sureness(stretch: tracing.Stretch) -> float:
    """A logistic curve, fitted on films of our own that held songs of the catalogue, other versions of them, and other music."""
    length = max(0.1, (stretch.last - stretch.first) * SECONDS)
    lead = min(stretch.score - stretch.rival, 8.0)
    score = 1.15 * min(stretch.score, 16.0) + 0.8 * min(stretch.fine, 8.0) + 5.0 * min(math.log(length), 3.0) + 0.3 * lead
    return 1 / (1 + math.exp(min(60.0, 29.0 - score)))
