"""The loops of listening and locating, compiled. No fastmath: compiled and cached code agree to the last bit."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

__all__ = [
    "EDGE", "FAINT", "STEP", "compare", "compare_all", "count_votes", "evidence", "explain", "flatten", "lay", "lay_all",
    "packed", "pair_keys", "pitched", "points", "residuals", "silence", "standing", "told", "unpacked",
]  # fmt: skip

compiled = njit(nogil=True, cache=True)

Singles = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int32]
Words = npt.NDArray[np.uint32]
Bytes = npt.NDArray[np.uint8]
Whole: Any = np.int64  # which to mypy is no int

QUIET = np.float32(1e-5)  # energy of a spectrum's bin: -100 dB or so below full scale; what lies below is nobody's
WIDE = 18  # thirds of a semitone to either side that a mean is taken over
STANDS_OUT = np.float32(1.0)  # nepers of energy over what is around
EDGE = 64  # empty spectra before and behind a film's, so that a line may be moved to and fro
NEARBY = 16  # spectra to either side of a place that lines are tried
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


# Pairs of points: the pitch of the first in semitones, the step in thirds of a semitone, the time between in spectra.
SOONEST, LATEST, WIDEST = 2, 34, 30  # spectra, spectra, thirds of a semitone
SEMITONES, STEPS, LAGS = 66, 2 * WIDEST + 1, LATEST - SOONEST + 1
CELLS = SEMITONES * STEPS * LAGS


@compiled
def pair_keys(times: Ints, pitches: Bytes, base: int, most: int, keys: Words, places: Words, found: int) -> int:
    """Write the key and the place of each pair of a song from `found` on; with no room (keys is empty) only count them."""
    writes = len(keys) > 0
    for i in range(len(times)):
        taken = 0
        for j in range(i + 1, len(times)):
            lag = times[j] - times[i]
            if lag > LATEST or taken == most:
                break
            step = np.int32(pitches[j]) - np.int32(pitches[i])
            if lag < SOONEST or step > WIDEST or step < -WIDEST:
                continue
            if writes:
                keys[found] = ((Whole(pitches[i]) // 3 + 1) * STEPS + step + WIDEST) * LAGS + lag - SOONEST
                places[found] = base + times[i] // 4
            found += 1
            taken += 1
    return found


@compiled
def count_votes(
    times: Ints, pitches: Bytes, first: int, last: int, most: int, centre: int, begins: Any, places: Words, votes: Ints
) -> None:
    """Count, at each half second of the catalogue, the pairs of film points [first, last) that would have it at `centre`."""
    size = len(votes)
    for i in range(first, last):
        taken = 0
        ahead = Whole(times[i]) - centre
        low, high = (Whole(pitches[i]) - 2) // 3 + 1, (Whole(pitches[i]) + 2) // 3 + 1
        for j in range(i + 1, len(times)):
            lag = Whole(times[j]) - Whole(times[i])
            if lag > LATEST or taken == most:
                break
            step = Whole(pitches[j]) - Whole(pitches[i])
            if lag < SOONEST or step > WIDEST or step < -WIDEST:
                continue
            taken += 1
            slack = 1 + lag // 24
            from_lag, to_lag = max(lag - slack, SOONEST) - SOONEST, min(lag + slack, LATEST) - SOONEST
            for semitone in range(low, high + 1):
                for k in range(max(-WIDEST, step - 1), min(WIDEST, step + 1) + 1):
                    cell = (semitone * STEPS + k + WIDEST) * LAGS
                    for n in range(begins[cell + from_lag], begins[cell + to_lag + 1]):
                        at = (Whole(places[n]) * 4 - ahead) >> 4
                        if 0 <= at < size:
                            votes[at] += 1


@compiled
def standing(votes: Singles, starts: Any, scores: Singles) -> None:
    """How far each half second's votes (with the next one's) are above its song's mean, in standard deviations."""
    for s in range(len(starts) - 1):
        total, squares, count = np.float64(0), np.float64(0), max(1, starts[s + 1] - starts[s])
        for b in range(starts[s], starts[s + 1]):
            both = votes[b] + (votes[b + 1] if b + 1 < len(votes) else np.float32(0))
            scores[b] = both
            total += both
            squares += both * both
        mean = total / count
        share = 1 / math.sqrt(squares / count - mean * mean + 0.5 * mean + 2)
        for b in range(starts[s], starts[s + 1]):
            scores[b] = (scores[b] - mean) * share


@compiled
def lay(
    times: Singles,
    pitches: Singles,
    film: Any,
    origin: float,
    centre: float,
    half: float,
    shifts: int,
    speeds: Any,
    kept: bool,
    sums: Any,
) -> int:
    """Lay a song over the film, its time `origin` at spectrum `centre`, at each of `speeds` and up to `shifts` spectra around.

    `film` (bands, EDGE + spectra + EDGE). `sums` (speeds, 2 shifts + 1) tells how far the film stands out at the song's points
    within `half` spectra of the film; the number of points at the last speed is returned.
    """
    bands, spectra = film.shape[0], film.shape[1] - 2 * EDGE
    width = 2 * shifts + 1
    count = 0
    for s in range(len(speeds)):
        speed = speeds[s]
        shift = 0.0 if kept else 36.0 * math.log2(speed)
        low, high = np.searchsorted(times, origin - half * speed), np.searchsorted(times, origin + half * speed)
        count = 0
        total = np.zeros(width, np.int32)
        for i in range(low, high):
            t = Whole(math.floor((times[i] - origin) / speed + centre + 0.5))
            b = Whole(math.floor((pitches[i] + shift + 0.5) / 2))
            if 0 <= t < spectra and 0 <= b < bands:
                count += 1
                row = film[b, t + EDGE - shifts : t + EDGE + shifts + 1]
                for k in range(width):
                    total[k] += row[k]
        for k in range(width):
            sums[s, k] = total[k]
    return count


@compiled
def lay_all(
    times: Singles,
    pitches: Singles,
    starts: Any,
    film: Any,
    songs: Any,
    origins: Any,
    centre: float,
    half: float,
    speeds: Any,
    best: Any,
) -> None:
    """For each of several places the best line near it: `best` (places, 4) is score, speed, shift, whether pitch is kept."""
    sums = np.empty((len(speeds), 2 * NEARBY + 1), np.int32)
    for n in range(len(songs)):
        first, last = starts[songs[n]], starts[songs[n] + 1]
        best[n, 0] = -1.0
        for kept in range(2):
            count = lay(times[first:last], pitches[first:last], film, origins[n], centre, half, NEARBY, speeds, kept == 1, sums)
            share = 1 / (16 * math.sqrt(count + 4.0))
            for s in range(len(speeds)):
                for k in range(2 * NEARBY + 1):
                    if sums[s, k] * share > best[n, 0]:
                        best[n, 0], best[n, 1], best[n, 2], best[n, 3] = sums[s, k] * share, speeds[s], k - NEARBY, kept


@compiled
def evidence(
    times: Singles, pitches: Singles, film: Any, origin: float, centre: float, speed: float, kept: bool, at: Ints, values: Singles
) -> int:
    """For each point of a song that the line lays within the film: its film spectrum and how far the film stands out there."""
    bands, spectra = film.shape[0], film.shape[1] - 2 * EDGE
    shift = 0.0 if kept else 36.0 * math.log2(speed)
    found = 0
    for i in range(len(times)):
        t = Whole(math.floor((times[i] - origin) / speed + centre + 0.5))
        b = Whole(math.floor((pitches[i] + shift + 0.5) / 2))
        if 0 <= t < spectra and 0 <= b < bands:
            at[found], values[found] = t, film[b, t + EDGE]
            found += 1
    return found


@compiled
def residuals(
    times: Singles,
    pitches: Singles,
    film_times: Ints,
    film_pitches: Bytes,
    line: Any,
    first: int,
    last: int,
    kept: bool,
    at: Any,
    off: Any,
) -> int:
    """How much later than the line (origin, centre, speed) says the film's own points come, where they are within 2 spectra."""
    shift = 0.0 if kept else 36.0 * math.log2(line[2])
    found, j = 0, 0
    for i in range(len(times)):
        t = (times[i] - line[0]) / line[2] + line[1]
        b = pitches[i] + shift
        if t < first or t >= last:
            continue
        while j < len(film_times) and film_times[j] < t - 3.0:
            j += 1
        k, nearest = j, 9.0
        while k < len(film_times) and film_times[k] <= t + 3.0:
            if abs(film_pitches[k] - b) <= 1.5 and abs(film_times[k] - t) < abs(nearest):
                nearest = film_times[k] - t
            k += 1
        if nearest < 9.0 and found < len(at):
            at[found], off[found] = t, nearest
            found += 1
    return found


@compiled
def explain(times: Singles, pitches: Singles, film: Any, line: Any, first: int, last: int, kept: bool) -> None:
    """Take out of `film` what the song's points along a line (origin, centre, speed) explain of spectra [first, last)."""
    bands, spectra = film.shape[0], film.shape[1] - 2 * EDGE
    shift = 0.0 if kept else 36.0 * math.log2(line[2])
    for i in range(len(times)):
        t = Whole(math.floor((times[i] - line[0]) / line[2] + line[1] + 0.5))
        b = Whole(math.floor((pitches[i] + shift + 0.5) / 2))
        if t < first or t >= last:
            continue
        for u in range(max(0, t - 4), min(spectra, t + 5)):
            for k in range(max(0, b - 1), min(bands, b + 2)):
                film[k, u + EDGE] = 0


@compiled
def unpacked(field: Bytes, film: Any, reach: int, floor: int) -> None:
    """The film's `field` as steps of a 16th of a standard deviation above what is around within 20 s, at most `reach` (0 or 1)
    spectra away; what is not above `floor` counts as that.

    `film` is (bands, EDGE + spectra + EDGE), zero at its edges.
    """
    spectra, half = field.shape
    around, hop = 625, 125
    blocks = spectra // hop + 1
    sums, squares, counts = np.zeros(blocks), np.zeros(blocks), np.zeros(blocks)
    tops = np.empty(spectra, np.int64)
    for b in range(2 * half):
        side = 4 * (b % 2)
        sums[:], squares[:], counts[:] = 0, 0, 0
        before, now = Whole(0), (Whole(field[0, b // 2]) >> side) & 15
        for t in range(spectra):
            after = (Whole(field[t + 1, b // 2]) >> side) & 15 if t + 1 < spectra else Whole(0)
            top = (max(before, now, after) if reach else now) - floor
            top = max(top, 0)
            before, now = now, after
            tops[t] = top
            sums[t // hop] += top
            squares[t // hop] += top * top
            counts[t // hop] += 1
        for g in range(blocks):
            low, high = max(0, g - around // hop), min(blocks, g + around // hop + 1)
            n = max(1.0, counts[low:high].sum())
            mean = sums[low:high].sum() / n
            share = 16 / math.sqrt(max(1.0, squares[low:high].sum() / n - mean * mean))
            for t in range(g * hop, min(spectra, (g + 1) * hop)):
                film[b, t + EDGE] = min(127, max(-127, Whole(math.floor((tops[t] - mean) * share + 0.5))))


FAINT = 7  # what a field must exceed to count: half a neper over what is around
STEP = 2  # spectra of a song of which one is compared


@compiled
def compare(field: Bytes, film: Any, line: Any, first: float, last: float, shifts: int, kept: bool, sums: Any) -> float:
    """How far the film stands out where the song does, by its `field` (every second spectrum), for film spectra [first, last).

    `line` is origin, centre and speed; `sums` (2 shifts + 1) is for a film that much later. Returns the sum of squared weights.
    """
    bands, spectra = film.shape[0], film.shape[1] - 2 * EDGE
    shift = 0 if kept else Whole(math.floor(18.0 * math.log2(line[2]) + 0.5))
    width = 2 * shifts + 1
    low = max(0, Whole(math.ceil((line[0] + (first - line[1]) * line[2]) / STEP)))
    high = min(len(field), Whole(math.ceil((line[0] + (last - line[1]) * line[2]) / STEP)))
    squares = 0.0
    total = np.zeros(width, np.int64)
    for n in range(low, high):
        t = Whole(math.floor((n * STEP - line[0]) / line[2] + line[1] + 0.5))
        if t < 0 or t >= spectra:
            continue
        for b in range(bands):
            w = ((Whole(field[n, b >> 1]) >> (4 * (b & 1))) & 15) - FAINT
            c = b + shift
            if w > 0 and 0 <= c < bands:
                squares += w * w
                for k in range(width):
                    total[k] += w * film[c, t + EDGE + k - shifts]
    for k in range(width):
        sums[k] = total[k]
    return squares


@compiled
def compare_all(
    fields: Bytes,
    starts: Any,
    film: Any,
    songs: Any,
    laid: Any,
    origins: Any,
    centre: float,
    half: float,
    least: float,
    best: Any,
) -> None:
    """The same for places laid by `lay_all`, with speeds around theirs: `best` (places, 3) is score, speed and shift."""
    sums = np.empty(7)
    line = np.empty(3)
    for n in range(len(songs)):
        best[n, 0], best[n, 1], best[n, 2] = 0.0, laid[n, 1], laid[n, 2]
        if laid[n, 0] < least:
            continue
        field = fields[starts[songs[n]] : starts[songs[n] + 1]]
        for s in range(-1, 2):
            line[0], line[1], line[2] = origins[n], centre + laid[n, 2], laid[n, 1] + 0.004 * s
            squares = compare(field, film, line, centre - half, centre + half, 3, laid[n, 3] > 0, sums)
            share = 1 / (16 * math.sqrt(squares + 100.0))
            for k in range(7):
                if sums[k] * share > best[n, 0]:
                    best[n, 0], best[n, 1], best[n, 2] = sums[k] * share, line[2], laid[n, 2] + k - 3


@compiled
def told(field: Bytes, film: Any, line: Any, kept: bool, at: Ints, values: Singles, squares: Singles) -> int:
    """For each second spectrum of a song on the film: its film spectrum, what `compare` sums there, and its squared weights."""
    bands, spectra = film.shape[0], film.shape[1] - 2 * EDGE
    shift = 0 if kept else Whole(math.floor(18.0 * math.log2(line[2]) + 0.5))
    found = 0
    for n in range(len(field)):
        t = Whole(math.floor((n * STEP - line[0]) / line[2] + line[1] + 0.5))
        if t < 0 or t >= spectra:
            continue
        total, square = Whole(0), Whole(0)
        for b in range(bands):
            w = ((Whole(field[n, b >> 1]) >> (4 * (b & 1))) & 15) - FAINT
            c = b + shift
            if w > 0 and 0 <= c < bands:
                square += w * w
                total += w * film[c, t + EDGE]
        at[found], values[found], squares[found] = t, total / np.float32(16), square
        found += 1
    return found


@compiled
def silence(field: Bytes, film: Any, line: Any, first: int, last: int, kept: bool) -> None:
    """Take out of `film` what the song's field explains along a line."""
    bands, spectra = film.shape[0], film.shape[1] - 2 * EDGE
    shift = 0 if kept else Whole(math.floor(18.0 * math.log2(line[2]) + 0.5))
    for t in range(max(0, first), min(spectra, last)):
        n = Whole(math.floor((line[0] + (t - line[1]) * line[2]) / STEP + 0.5))
        if n < 0 or n >= len(field):
            continue
        for b in range(bands):
            c = b + shift
            if 0 <= c < bands and ((Whole(field[n, b >> 1]) >> (4 * (b & 1))) & 15) > FAINT:
                film[c, t + EDGE] = 0
