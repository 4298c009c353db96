"""The loops of listening, compiled. No fastmath: compiled and cached code agree to the last bit."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

__all__ = ["flatten", "packed", "pitched", "points"]

compiled = njit(nogil=True, cache=True)

Singles = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int32]
Bytes = npt.NDArray[np.uint8]
Whole: Any = np.int64  # which to mypy is no int

QUIET = np.float32(1e-5)  # energy of a spectrum's bin: -100 dB or so below full scale; what lies below is nobody's
WIDE = 18  # thirds of a semitone to either side that a mean is taken over
STANDS_OUT = np.float32(1.0)  # nepers of energy over what is around
REACH, HIGH = 5, 4  # spectra and thirds of a semitone over which a point is the highest


@compiled
def pitched(spectrum: Any, low: Ints, high: Ints, middle: Singles, levels: Singles) -> None:
    """The logarithm of the energy at each pitch: of the highest bin that it covers, or between the two that surround it."""
    count, bins = levels.shape
    power = np.empty(spectrum.shape[1], np.float32)
    for t in range(count):
        for k in range(low[0] - 1, high[bins - 1] + 2):
            z = spectrum[t, k]
            power[k] = z.real * z.real + z.imag * z.imag
        for b in range(bins):
            under = np.int32(middle[b])
            part = middle[b] - np.float32(under)
            top = power[under] * (np.float32(1) - part) + power[under + 1] * part
            for k in range(low[b], high[b] + 1):
                if power[k] > top:
                    top = power[k]
            levels[t, b] = math.log(top + QUIET)


@compiled
def flatten(levels: Singles, around: int, flat: Singles) -> None:
    """Levels less the mean of what is around in time and in pitch, half of each."""
    count, bins = levels.shape
    across = np.empty((count, bins), np.float32)
    for t in range(count):
        for b in range(bins):
            total, first, last = np.float32(0), max(0, b - WIDE), min(bins, b + WIDE + 1)
            if b == 0:
                for k in range(first, last):
                    total += levels[t, k]
            else:
                total = across[t, b - 1]
                if b + WIDE < bins:
                    total += levels[t, b + WIDE]
                if b - WIDE - 1 >= 0:
                    total -= levels[t, b - WIDE - 1]
            across[t, b] = total
        for b in range(bins):
            across[t, b] /= np.float32(min(bins, b + WIDE + 1) - max(0, b - WIDE))
    # Sums are taken anew for each spectrum's neighbours in whole steps, so that a cut elsewhere changes nothing.
    for t in range(count):
        first, last = max(0, t - around), min(count, t + around + 1)
        for b in range(bins):
            flat[t, b] = np.float32(0)
        for u in range(first, last):
            for b in range(bins):
                flat[t, b] += levels[u, b]
        share = np.float32(1) / np.float32(last - first)
        for b in range(bins):
            flat[t, b] = levels[t, b] - np.float32(0.5) * (flat[t, b] * share + across[t, b])


@compiled
def points(flat: Singles, first: int, last: int) -> tuple[Ints, Bytes, Bytes]:
    """The points of spectra [first, last) that are the highest around."""
    count, bins = flat.shape
    room = (last - first) * 12 + 16
    times, pitches, levels = np.empty(room, np.int32), np.empty(room, np.uint8), np.empty(room, np.uint8)
    found = 0
    for t in range(first, last):
        for b in range(1, bins - 1):
            v = flat[t, b]
            if v < STANDS_OUT or v <= flat[t, b - 1] or v < flat[t, b + 1]:
                continue
            highest = True
            for u in range(max(0, t - REACH), min(count, t + REACH + 1)):
                for k in range(max(0, b - HIGH), min(bins, b + HIGH + 1)):
                    other = flat[u, k]
                    if other > v or (other == v and (u < t or (u == t and k < b))):
                        highest = False
                        break
                if not highest:
                    break
            if highest and found < room:
                times[found], pitches[found] = t, b
                levels[found] = min(255, int(v * np.float32(8)))
                found += 1
    return times[:found].copy(), pitches[:found].copy(), levels[:found].copy()


@compiled
def packed(flat: Singles, first: int, last: int) -> Bytes:
    """Spectra [first, last) in 4 bits for each two pitches."""
    half = flat.shape[1] // 4
    kept = np.empty((last - first, half), np.uint8)
    for t in range(first, last):
        for k in range(half):
            both = 0
            for side in range(2):
                b = 4 * k + 2 * side
                v = max(flat[t, b], flat[t, b + 1])
                both |= min(15, max(0, Whole(math.floor(v * np.float32(2) + np.float32(6.5))))) << (4 * side)
            kept[t - first, k] = both
    return kept
