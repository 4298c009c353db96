"""Recordings indexed by pairs of their points, and their places in a film.

First pairs vote for half seconds of the catalogue; then each likely one is laid over the film at many speeds, and what the film
has at all the song's points is summed; what stands out is followed along its line, forward and backward, until it ends.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from motet.film.locating.sound import BROAD, Sound

__all__ = ["Catalogue", "Placement"]

SONG_PAIRS, FILM_PAIRS = 6, 14
CHUNK = 160  # spectra of a film that vote together: 5.12 s
PLACE = 16  # spectra of a half second
LIKELY = 120  # places a chunk
LEAST_VOTES = 1.7
HALF = 230.0  # spectra to either side that a line is first laid over
SPEEDS = np.linspace(0.958, 1.042, 10)
LEAST_LAID = 3.0
LIKELY_POINTS, LIKELY_FIELD = 5.0, 13.0  # by either of them

Heard = npt.NDArray[np.int8]
Singles = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Placement:
    """A stretch of a film in which a song is heard: song time = song_start + speed * (film time - film_start), in seconds.

    `speed` is above 1 where the film plays it faster; `pitch_kept` tells whether its pitch stayed nevertheless, None where the
    speed is too near 1 to tell. `confidence` is how probable it is that the song plays there, `second_score` how far the whole
    stretch stands out from the same laid elsewhere, in standard deviations.
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


@dataclass(frozen=True, slots=True)
class _Line:
    """Song time `origin` at film spectrum `centre`; all in spectra."""

    song: int
    origin: float
    centre: float
    speed: float
    kept: bool
    score: float
    votes: float = 0.0

    def at(self, spectrum: float) -> float:
        return self.origin + self.speed * (spectrum - self.centre)


class Catalogue:
    """Recordings that a film may hold."""

    def __init__(self, sounds: Mapping[str, Sound]) -> None:
        from motet.film.locating import kernel

        self._names = sorted(sounds)
        listed = [sounds[name] for name in self._names]
        self._times = [one.times.astype(np.float32) for one in listed]
        self._pitches = [one.pitches.astype(np.float32) for one in listed]
        self._field_edges = np.concatenate(([0], np.cumsum([-(-len(one.field) // kernel.STEP) for one in listed]))).astype(
            np.int64
        )
        empty = np.zeros((0, BROAD // 2), np.uint8)
        self._all_fields = np.concatenate([*(one.field[:: kernel.STEP] for one in listed), empty])
        self._fields = np.split(self._all_fields, self._field_edges[1:-1]) if listed else []
        self._edges = np.concatenate(([0], np.cumsum([len(one.times) for one in listed]))).astype(np.int64)
        self._all_times = np.concatenate([*self._times, np.zeros(0, np.float32)])
        self._all_pitches = np.concatenate([*self._pitches, np.zeros(0, np.float32)])
        self._lengths = np.array([len(one.field) for one in listed], np.int64)
        gap = 4 * CHUNK // PLACE
        places = self._lengths // PLACE + 1
        self._starts = np.concatenate(([0], np.cumsum(places + gap)))[:-1] + gap if listed else np.zeros(0, np.int64)
        self._size = int(self._starts[-1] + places[-1] + gap) if listed else 0
        self._bounds = np.concatenate((self._starts - gap // 2, [self._size]))
        nothing = np.zeros(0, np.uint32)
        count = 0
        for one in listed:
            count = kernel.pair_keys(one.times, one.pitches, 0, SONG_PAIRS, nothing, nothing, count)
        keys, where = np.empty(count, np.uint32), np.empty(count, np.uint32)
        count = 0
        for one, start in zip(listed, self._starts, strict=True):
            count = kernel.pair_keys(one.times, one.pitches, int(start) * PLACE // 4, SONG_PAIRS, keys, where, count)
        order = np.argsort(keys, kind="stable")
        self._places = where[order]
        self._begins = np.concatenate(([0], np.cumsum(np.bincount(keys, minlength=kernel.CELLS)))).astype(np.int64)

    def locate(self, film: Sound, *, least: float = 0.5, shortest: float = 5.0) -> list[Placement]:
        """Where songs of the catalogue are heard in the film, for `shortest` seconds or more, in order of `film_start`."""
        from motet.film.locating import kernel

        if not len(film.times) or not self._names:
            return []
        heard = np.zeros((BROAD, len(film.field) + 2 * kernel.EDGE), np.int8)
        kernel.unpacked(film.field, heard, 1, 0)
        felt = np.zeros_like(heard)
        kernel.unpacked(film.field, felt, 0, kernel.FAINT)
        lines = self._likely(film, heard, felt)
        return self._followed(lines, film, heard, felt, least, shortest)

    def _likely(self, film: Sound, heard: Heard, felt: Heard) -> list[_Line]:
        from motet.film.locating import kernel

        count = len(film.field) // CHUNK + 1
        edges = np.searchsorted(film.times, np.arange(count + 1) * CHUNK)
        shift = CHUNK // PLACE
        before = np.zeros(self._size, np.int32)
        scores = np.empty(self._size, np.float32)
        found: list[_Line] = []
        for chunk in range(count):
            votes = np.zeros(self._size, np.int32)
            centre = chunk * CHUNK + CHUNK // 2
            kernel.count_votes(
                film.times, film.pitches, edges[chunk], edges[chunk + 1], FILM_PAIRS, centre, self._begins, self._places, votes
            )
            both = votes.astype(np.float32)
            both[shift:] += before[:-shift]
            before = votes
            scores[:] = 0
            kernel.standing(both, self._bounds, scores)
            best = np.flatnonzero(scores > LEAST_VOTES)
            if len(best) > LIKELY:
                best = np.sort(best[np.argsort(-scores[best], kind="stable")[:LIKELY]])
            best = best[np.concatenate(([True], np.diff(best) > 1))] if len(best) else best
            songs = np.searchsorted(self._bounds, best, side="right") - 1
            origins = (best - self._starts[songs] + 1) * float(PLACE) - CHUNK / 2
            middle = float(centre - CHUNK / 2)
            laid = np.empty((len(best), 4))
            kernel.lay_all(self._all_times, self._all_pitches, self._edges, heard, songs, origins, middle, HALF, SPEEDS, laid)
            told = np.empty((len(best), 3))
            kernel.compare_all(self._all_fields, self._field_edges, felt, songs, laid, origins, middle, HALF, LEAST_LAID, told)
            by_field = told[:, 0] / LIKELY_FIELD > laid[:, 0] / LIKELY_POINTS
            score = np.maximum(told[:, 0] / LIKELY_FIELD, laid[:, 0] / LIKELY_POINTS)
            for n in np.flatnonzero(score >= 1).tolist():
                speed, later = (told if by_field[n] else laid)[n, 1:3].tolist()
                origin, kept = float(origins[n]), bool(laid[n, 3] > 0)
                found.append(_Line(int(songs[n]), origin, middle + later, speed, kept, float(score[n]), float(scores[best[n]])))
        return found

    def _followed(
        self, lines: list[_Line], film: Sound, heard: Heard, felt: Heard, least: float, shortest: float
    ) -> list[Placement]:
        from motet.film.locating.following import followed

        return followed(
            lines, film, heard, felt, self._names, self._times, self._pitches, self._fields, self._lengths, least, shortest
        )
