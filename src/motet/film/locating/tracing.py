"""Lines through a film and a song, followed to where they end, and how sure it is that the song is heard along them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from motet.film.locating.searching import Hit, Whitened, variant

__all__ = ["Stretch", "traced"]

Singles = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]
Songs = Callable[[int], Singles]

NEAR = 3.0  # cells by which two hits of one song may differ to be on one line
AROUND = 235  # cells to either side of a line's middle that are looked at: 45 s
SHIFTS = 3  # cells
SLOWEST, FASTEST = 0.955, 1.047
STEP = 0.004
LEAST_LEVEL = 0.7
LAGS = 14  # spectra to either side that the closest look is taken over: 0.45 s
PART = 60  # spectra of a song, in steps of FINE, that have a lag of their own: 4 s
LEAST = 5.0  # standard deviations of a stretch that is looked at further
SPAN = 160  # spectra of film: 5 s
SKETCHED, TRIED = 12, 4  # lines with their middle in a span that are looked at once, and closely


@dataclass(frozen=True, slots=True)
class Line:
    """Song cell `place` at film spectrum `centre`."""

    song: int
    place: float
    centre: float
    speed: float
    kept: bool
    score: float

    def at(self, spectrum: float) -> float:
        from motet.film.locating import loops

        return self.place + self.speed * (spectrum - self.centre) / loops.CELL

    def when(self, cell: float) -> float:
        from motet.film.locating import loops

        return self.centre + (cell - self.place) * loops.CELL / self.speed


@dataclass(frozen=True, slots=True)
class Stretch:
    """Film spectra [first, last) along a line; `score` and `fine` in standard deviations."""

    line: Line
    first: float
    last: float
    score: float
    total: float
    level: float
    fine: float = 0.0
    upper: float = 0.0
    rival: float = 0.0


def traced(
    found: Iterable[Hit], film: Bytes, by: Whitened, whitened: Songs, fields: Sequence[Bytes], variance: float
) -> list[Stretch]:
    """All stretches that are likely, the likeliest first; of those on one place of the film the best."""
    lines = _likely(_lines(found), film, by, whitened, variance)
    taken: list[Stretch] = []
    for line in lines:
        if any(
            one.line.song == line.song and one.first <= line.centre <= one.last and abs(one.line.at(line.centre) - line.place) < 8
            for one in taken
        ):
            continue
        best = _followed(line, film, by, whitened(line.song), variance)
        if best is None or best.score < LEAST:
            continue
        taken.append(best)
    taken.sort(key=lambda one: (-one.total, one.line.song, one.first))
    result: list[Stretch] = []
    for one in taken:
        rivals = [other for other in result if _common(one, other) > 0.5]
        if any(other.line.song == one.line.song or one.total < 0.6 * other.total for other in rivals):
            continue
        song = whitened(one.line.song)
        moved = _resolved(one, film, by, song, variance)
        moved = _refined(moved, film, fields[one.line.song])
        against = [other.total for other in taken if other.line.song != one.line.song and _common(one, other) > 0.5]
        result.append(replace(moved, rival=math.sqrt(2 * max(against, default=0.0))))
    return result


def _likely(lines: Sequence[Line], film: Bytes, by: Whitened, whitened: Songs, variance: float) -> list[Line]:
    """Of the lines through each few seconds of film the best, by their whole stretch."""
    spans: dict[int, list[Line]] = {}
    for line in lines:
        span = spans.setdefault(int(line.centre) // SPAN, [])
        if len(span) < SKETCHED:
            span.append(line)
    result: list[tuple[float, Line]] = []
    # Song by song, so that each is whitened once.
    sketched: dict[int, list[tuple[float, Line]]] = {}
    for line in sorted((line for span in spans.values() for line in span), key=lambda line: (line.song, line.centre, line.place)):
        stretch = _stretched(line, film, by, whitened(line.song), variance)
        if stretch:
            sketched.setdefault(int(line.centre) // SPAN, []).append((stretch.total, line))
    for several in sketched.values():
        result += sorted(several, key=lambda one: (-one[0], one[1].song, one[1].place))[:TRIED]
    return [line for _, line in sorted(result, key=lambda one: (-one[0], one[1].song, one[1].centre, one[1].place))]


def _common(one: Stretch, other: Stretch) -> float:
    """What part of the shorter of two stretches of film they share."""
    return (min(one.last, other.last) - max(one.first, other.first)) / max(
        1.0, min(one.last - one.first, other.last - other.first)
    )


def _lines(found: Iterable[Hit]) -> list[Line]:
    """Hits that lie on one line taken together, the strongest first."""
    from motet.film.locating import loops

    by_song: dict[int, list[Hit]] = {}
    for hit in found:
        by_song.setdefault(hit.song, []).append(hit)
    lines: list[Line] = []
    for song, listed in by_song.items():
        listed.sort(key=lambda hit: (hit.centre, -hit.score, hit.place, hit.speed, hit.kept))
        groups: list[list[Hit]] = []
        for hit in listed:
            for group in reversed(groups[-60:]):
                other = group[-1]
                ahead = hit.centre - other.centre
                if (
                    ahead <= 480
                    and abs(hit.place - other.place - ahead * hit.speed / loops.CELL) < NEAR + 0.03 * ahead / loops.CELL
                ):
                    group.append(hit)
                    break
            else:
                groups.append([hit])
        for group in groups:
            tops: dict[float, float] = {}
            for hit in group:
                tops[hit.centre] = max(tops.get(hit.centre, 0.0), hit.score)
            best = max(group, key=lambda hit: hit.score)
            # Pieces overlap by half, so that two of them tell the same twice.
            score = math.sqrt(max(best.score**2, 0.6 * sum(top**2 for top in tops.values())))
            lines.append(Line(song, best.place, best.centre, best.speed, best.kept, score))
    lines.sort(key=lambda line: (-line.score, line.song, line.centre, line.place))
    return lines


def _followed(line: Line, film: Bytes, by: Whitened, song: Singles, variance: float) -> Stretch | None:
    """The line's speed and place from what is around its middle, then from all of its stretch, and the stretch."""
    from motet.film.locating import loops

    half, step, tries = 30, STEP, 4
    stretch: Stretch | None = None
    for turn in range(3):
        best, top = line, -1.0
        speeds = line.speed + step * np.arange(-tries, tries + 1)
        for kept in (line.kept, not line.kept) if turn == 0 or abs(line.speed - 1) < 0.02 else (line.kept,):
            for speed in speeds[(speeds >= SLOWEST) & (speeds <= FASTEST)].tolist():
                for part in (0.0, 0.5):
                    start = math.floor(line.place) - half
                    # Song cell `start` begins at this spectrum of the film, which then is half a cell later or not.
                    first = line.centre + (start - line.place) * loops.CELL / speed + part * loops.CELL
                    cells = variant(film, first, 2 * half, speed, kept) - by.mean
                    sums, powers = np.empty((2 * SHIFTS + 1, 2 * half)), np.empty((2 * SHIFTS + 1, 2 * half))
                    loops.agreement(song, cells, start, SHIFTS, sums, powers)
                    scores = sums.sum(axis=1) / np.sqrt(powers.sum(axis=1) * variance + 1e-9)
                    k = int(np.argmax(scores))
                    if scores[k] > top:
                        top = float(scores[k])
                        # What fits the song's later cells comes earlier in the film.
                        place = line.place + (k - SHIFTS) - part * speed
                        best = replace(line, place=place, speed=speed, kept=kept)
        stretch = _stretched(best, film, by, song, variance)
        if stretch is None:
            return None
        middle = 0.5 * (stretch.first + stretch.last)
        line = replace(best, place=best.at(middle), centre=middle)
        length = best.at(stretch.last) - best.at(stretch.first)
        half = max(15, min(AROUND, round(0.5 * length)))
        step, tries = min(0.004, 0.7 / half), 2
    return stretch


def _stretched(line: Line, film: Bytes, by: Whitened, song: Singles, variance: float) -> Stretch | None:
    """From where to where the film has what the song has along a line: the stretch around its middle that is most probable.

    Each cell gains the logarithm of how much more probable it is with the song than without, taking both for normal
    (the cumulative sum of E. S. Page, "Continuous Inspection Schemes", 1954).
    """
    from motet.film.locating import loops

    low, high = max(0, math.floor(line.place) - AROUND), min(len(song), math.floor(line.place) + AROUND)
    # No further than the film.
    low = max(low, math.ceil(line.at(0.0)))
    high = min(high, math.floor(line.at(float(len(film)))))
    cells = high - low
    middle = math.floor(line.place) - low
    if cells < 12 or not 0 <= middle < cells:
        return None
    played = variant(film, line.when(low), cells, line.speed, line.kept) - by.mean
    sums, powers = np.empty((1, cells)), np.empty((1, cells))
    loops.agreement(song, played, low, 0, sums, powers)
    value, power = sums[0], powers[0]
    first, last = max(0, middle - 25), min(cells, middle + 26)
    level, gain = LEAST_LEVEL, np.zeros(cells)
    begin = end = middle
    for _ in range(3):
        level = max(LEAST_LEVEL * math.sqrt(variance), float(value[first:last].sum()) / max(1e-9, float(power[first:last].sum())))
        gain = level / variance * (value - 0.5 * level * power)
        total = np.concatenate(([0.0], np.cumsum(gain)))
        first = int(np.argmin(total[: middle + 1]))
        last = middle + 1 + int(np.argmax(total[middle + 1 :]))
    begin, end = low + first, low + last
    whole = float(gain[first:last].sum())
    score = float(value[first:last].sum()) / math.sqrt(float(power[first:last].sum()) * variance + 1e-9)
    return Stretch(line, line.when(begin), line.when(end), score, max(0.0, whole), level / math.sqrt(variance))


def _resolved(stretch: Stretch, film: Bytes, by: Whitened, song: Singles, variance: float) -> Stretch:
    """The same stretch of the film at that place of the song that it is most like: a song repeats itself."""
    from scipy.fft import irfft, next_fast_len, rfft

    line = stretch.line
    start, end = line.at(stretch.first), line.at(stretch.last)
    count = max(1, round(end - start))
    played = variant(film, stretch.first, count, line.speed, line.kept) - by.mean
    size = next_fast_len(len(song) + count, real=True)
    sums = irfft((rfft(song, size, axis=0) * rfft(played, size, axis=0).conj()).sum(axis=1), size)
    places = sums[: max(1, len(song) - count // 2)]
    top = float(places.max())
    best = stretch
    for _ in range(3):
        place = int(np.argmax(places))
        if places[place] < 0.85 * top:
            break
        if abs(place - start) > 4:
            middle = 0.5 * (stretch.first + stretch.last)
            moved = replace(line, place=place + line.at(middle) - start, centre=middle)
            other = _followed(moved, film, by, song, variance)
            if other and other.total > best.total and other.first < middle < other.last:
                best = other
        places[max(0, place - 3) : place + 4] = -np.inf
    return best


def _refined(stretch: Stretch, film: Bytes, field: Bytes) -> Stretch:
    """The line moved, by spectra, to where changes in the song and in the film are most alike, and how far that stands out.

    Each few seconds have lags of their own; of all straight lines through these the one that gathers most is the speed.
    """
    from motet.film.locating import loops

    line = stretch.line
    first, last = int(line.at(stretch.first) * loops.CELL / loops.FINE), int(line.at(stretch.last) * loops.CELL / loops.FINE)
    count = max(2, min(24, (last - first) // PART))
    edges = np.linspace(first, last, count + 1).astype(int).tolist()
    shift = 0.0 if line.kept else 18 * math.log2(line.speed)
    parts = np.zeros((count, 2, 2 * LAGS + 1))
    for part, begin, end in zip(parts, edges, edges[1:], strict=False):
        loops.closely(field, film, begin, end, line.when(0.0), line.speed, shift, LAGS, part)
    at = (np.arange(count) + 0.5) / count - 0.5
    lags = np.arange(-LAGS, LAGS + 1.0)
    tops = []
    tilts = np.arange(-8.0, 8.01, 0.25)  # spectra from the stretch's beginning to its end
    for tilt in tilts.tolist():
        both = np.sum([np.interp(lags + tilt * x, lags, part.sum(axis=0)) for x, part in zip(at, parts, strict=True)], axis=0)
        # Thirds of what is beside make one number of a peak between two lags.
        tops.append(float(np.convolve(both, (0.25, 0.5, 0.25), "same")[LAGS - 8 : LAGS + 9].max()))
    tilt = float(tilts[int(np.argmax(np.array(tops) - 1e-9 * np.abs(tilts)))])
    sums = np.sum([[np.interp(lags + tilt * x, lags, one) for one in part] for x, part in zip(at, parts, strict=True)], axis=0)
    both = sums.sum(axis=0)
    k = int(np.argmax(both[LAGS - 8 : LAGS + 9])) + LAGS - 8
    apart = np.abs(np.arange(2 * LAGS + 1) - k) > 5
    fine = float(both[k] - both[apart].mean()) / (float(both[apart].std()) + 1e-9)
    upper = float(sums[1][k] - sums[1][apart].mean()) / (float(sums[1][apart].std()) + 1e-9)
    if fine < 3:
        return replace(stretch, fine=fine, upper=upper)
    left, middle, right = both[k - 1], both[k], both[k + 1]
    bend = left - 2 * middle + right
    lag = k - LAGS + (0.5 * (left - right) / bend if bend < 0 else 0.0)
    centre = 0.5 * (stretch.first + stretch.last)
    # What comes ever later is played more slowly.
    speed = line.speed / (1 + tilt / max(1.0, stretch.last - stretch.first))
    return replace(stretch, line=replace(line, place=line.at(centre), centre=centre + lag, speed=speed), fine=fine, upper=upper)
