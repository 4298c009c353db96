"""The loops of locating, compiled. No fastmath: compiled and cached code agree to the last bit."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

__all__ = ["BANDS", "CELL", "FINE", "agreement", "closely", "described", "standing_out"]

compiled = njit(nogil=True, cache=True)

Singles = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]
Whole: Any = np.int64  # which to mypy is no int

BANDS = 72  # of the field's 94: up to 1.6 kHz; above, two versions of a song have least in common
CELL = 6  # spectra that are taken together: 0.19 s
AVERAGE = np.float32(6.0)  # what a field says of a pitch that is as loud as around
STILL = np.float32(20.0)
FINE = 2  # spectra of a song of which one is kept for the closest look


@compiled
def described(field: Bytes, first: float, speed: float, shift: float, cells: Singles) -> None:
    """Write cells (count, BANDS): of song time from `first` on in the song's own clock, as the field plays it.

    Spectrum j of cell n is the field's at first + (CELL n + j) / speed, band b its b + shift; only what is above what is around
    counts, and each spectrum as much as any other.
    """
    spectra = field.shape[0]
    top = 2 * field.shape[1]
    under = Whole(math.floor(shift))
    part = np.float32(shift - under)
    one = np.empty(BANDS + 1, np.float32)
    for n in range(len(cells)):
        for b in range(BANDS):
            cells[n, b] = 0
        for j in range(CELL):
            t = Whole(math.floor(first + (CELL * n + j) / speed + 0.5))
            if t < 0 or t >= spectra:
                continue
            energy = STILL
            for b in range(BANDS + 1):
                c = b + under
                v = np.float32(0)
                if 0 <= c < top:
                    v = np.float32((field[t, c >> 1] >> (4 * (c & 1))) & 15) - AVERAGE
                    v = max(v, np.float32(0))
                one[b] = v
                energy += v * v
            share = np.float32(4.0 / CELL) / math.sqrt(energy)
            for b in range(BANDS):
                cells[n, b] += np.float32((one[b] * (np.float32(1) - part) + one[b + 1] * part) * share)


@compiled
def standing_out(
    sums: Any, share: Any, limits: Any, count: int, room: int, rows: Any, blocks: Any, places: Any, scores: Any
) -> int:
    """List where sums (places, rows, blocks) times `share` (places, blocks) are the highest of their neighbours and over the
    row's limit; only the first `count` places are looked at. Returns how many there are: at most `room` are listed."""
    found = 0
    for n in range(count):
        for r in range(sums.shape[1]):
            limit = limits[r]
            for b in range(sums.shape[2]):
                v = sums[n, r, b] * share[n, b]
                if v < limit:
                    continue
                if n > 0 and sums[n - 1, r, b] * share[n - 1, b] > v:
                    continue
                if n + 1 < count and sums[n + 1, r, b] * share[n + 1, b] >= v:
                    continue
                if found < room:
                    rows[found], blocks[found], places[found], scores[found] = r, b, n, v
                found += 1
    return found


@compiled
def agreement(song: Singles, film: Singles, start: int, shifts: int, sums: Any, powers: Any) -> None:
    """How far film cells (count, BANDS) agree with the whitened song's from cell `start` on, moved by up to `shifts`:
    sums and powers (2 shifts + 1, count)."""
    for k in range(2 * shifts + 1):
        for n in range(len(film)):
            at = start + n + k - shifts
            total, power = np.float32(0), np.float32(0)
            if 0 <= at < len(song):
                for b in range(song.shape[1]):
                    total += song[at, b] * film[n, b]
                    power += song[at, b] * song[at, b]
            sums[k, n], powers[k, n] = total, power


@compiled
def closely(
    song: Bytes, film: Bytes, first: int, last: int, start: float, speed: float, shift: float, lags: int, sums: Any
) -> None:
    """How the song's changes and the film's go together, with the film's `lags` spectra earlier to later.

    Of song spectra [first, last) in steps of FINE (`song` holds only these), the song's at `start` + i / speed of the film.
    `sums` (2, 2 lags + 1): of lower and upper pitches.
    """
    bands = 2 * song.shape[1]
    under = Whole(math.floor(shift + 0.5))
    width = 2 * lags + 1
    for i in range(max(first, 1), min(last, len(song) - 1)):
        t = Whole(math.floor(start + (i * FINE) / speed + 0.5))
        if t - lags < FINE or t + lags + FINE >= len(film):
            continue
        for b in range(bands):
            c = b + under
            if c < 0 or c >= bands:
                continue
            half, other = b >> 1, c >> 1
            side, aside = 4 * (b & 1), 4 * (c & 1)
            after = max(Whole((song[i + 1, half] >> side) & 15), 6)
            change = after - max(Whole((song[i - 1, half] >> side) & 15), 6)
            if change == 0:
                continue
            part = 0 if b < 36 else 1
            for k in range(width):
                u = t + k - lags
                later = max(Whole((film[u + FINE, other] >> aside) & 15), 6)
                sums[part, k] += change * (later - max(Whole((film[u - FINE, other] >> aside) & 15), 6))
