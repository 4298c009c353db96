"""Lines through a film and a song, followed to where they end; what one song explains is no evidence for another."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from motet.film.locating.sound import SECONDS, Sound

if TYPE_CHECKING:
    from motet.film.locating.catalogue import Placement, _Line

__all__ = ["followed"]

Singles = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]
Heard = npt.NDArray[np.int8]

NEAR = 16.0  # spectra by which two lines of one song may differ to be one
REACHING = 1900.0  # spectra beyond a line's middle that are looked at first: a minute
CELL = 8  # spectra whose evidence is taken together
# Spectra by which a point comes earlier under noise than in the clean song, where the splash of an onset hides it for a moment:
# measured on tunes under noise, 0 to 1.3.
EARLY = 0.6
THREE = np.full(3, 1 / 3)
SURE = 6.0
SLOPE, EVEN = 1.5, 8.5  # of confidence over score
TELLING = 0.006  # how far from 1 a speed must be to tell whether pitch was kept
VERSION = 0.9
SLOWEST, FASTEST = 0.95, 1.05
ALONE = 1.25
JUMP = 10  # spectra
LEAST_LEVELS = 0.2, 0.03  # of points and of fields
VARIANCE = 1.7, 25.0  # that they have by chance


@dataclass(frozen=True, slots=True)
class _Stretch:
    song: int
    line: _Line
    first: int
    last: int
    score: float
    total: float
    by_points: float
    by_field: float


def followed(
    lines: Sequence[_Line],
    film: Sound,
    heard: Heard,
    felt: Heard,
    names: Sequence[str],
    times: Sequence[Singles],
    pitches: Sequence[Singles],
    fields: Sequence[Bytes],
    lengths: npt.NDArray[np.int64],
    least: float,
    shortest: float,
) -> list[Placement]:
    from motet.film.locating import kernel

    groups = sorted(_grouped(lines), key=lambda group: (-sum(line.score for line in group), group[0].song, group[0].centre))
    found: list[Placement] = []
    taken: list[tuple[_Stretch, float]] = []
    for group in groups:
        first = max(group, key=lambda line: line.score)
        if first.score < ALONE and len(group) < 2:
            continue
        if any(_explained(group, first, *other) for other in taken):
            continue
        best = _followed(first, heard, felt, times, pitches, fields)
        if best is None or best.score < SURE or not SLOWEST <= best.line.speed <= FASTEST:
            continue
        if any(_crowded(best, other) for other, _ in taken):
            continue
        best = _resolved(best, heard, felt, times, pitches, fields)
        if any(_crowded(best, other) for other, _ in taken):
            continue
        best = _refined(best, film, times, pitches)
        line = best.line
        taken.append((best, first.score))
        if (best.last - best.first) * SECONDS >= shortest:
            placement = _placement(best, names[best.song], int(lengths[best.song]))
            if placement.confidence >= least and placement.film_end - placement.film_start >= shortest:
                found.append(placement)
        told = np.array([line.origin, line.centre, line.speed])
        kernel.silence(fields[best.song], felt, told, best.first, best.last, line.kept)
        kernel.explain(times[best.song], pitches[best.song], heard, told, best.first, best.last, line.kept)
    return sorted(found, key=lambda one: (one.film_start, one.song, one.song_start))


def _explained(group: Sequence[_Line], first: _Line, stretch: _Stretch, score: float) -> bool:
    """Whether all lines lie in a stretch of their own song, or of one that was likelier by far."""
    if not all(stretch.first <= line.centre <= stretch.last for line in group):
        return False
    return first.song == stretch.song or first.score < 0.6 * score


def _crowded(one: _Stretch, other: _Stretch) -> bool:
    """Whether most of a stretch lies where its song is heard already, or where another is heard much better."""
    common = min(one.last, other.last) - max(one.first, other.first)
    if common < 0.5 * min(one.last - one.first, other.last - other.first):
        return False
    return one.song == other.song or one.score < 0.5 * other.score


def _resolved(
    stretch: _Stretch, heard: Heard, felt: Heard, times: Sequence[Singles], pitches: Sequence[Singles], fields: Sequence[Bytes]
) -> _Stretch:
    """The same stretch of the film at that place of the song that it is most like: a song repeats itself."""
    from motet.film.locating import kernel

    line = stretch.line
    field = fields[line.song]
    middle = 0.5 * (stretch.first + stretch.last)
    half = min(0.5 * (stretch.last - stretch.first), 250.0)
    origins = np.arange(0.0, float(len(field) * kernel.STEP), 2 * JUMP + 1.0)
    scores = np.empty(len(origins))
    sums = np.empty(2 * JUMP + 1)
    told = np.array([0.0, middle, line.speed])
    for o, origin in enumerate(origins.tolist()):
        told[0] = origin
        squares = kernel.compare(field, felt, told, middle - half, middle + half, JUMP, line.kept, sums)
        scores[o] = sums.max() / (16 * math.sqrt(squares + 100.0))
    best, own = stretch, line.at(middle)
    top = float(scores.max())
    for _ in range(3):
        place = int(np.argmax(scores))
        if scores[place] < 0.9 * top:
            break
        if abs(origins[place] - own) > 2 * JUMP:
            other = _followed(replace(line, origin=float(origins[place]), centre=middle), heard, felt, times, pitches, fields)
            if other and other.total > best.total and other.first < middle < other.last:
                best = other
        scores[max(0, place - 1) : place + 2] = -1
    return best


def _refined(stretch: _Stretch, film: Sound, times: Sequence[Singles], pitches: Sequence[Singles]) -> _Stretch:
    """The line moved to where the film's own points are."""
    from motet.film.locating import kernel

    line = stretch.line
    begin, end = np.searchsorted(film.times, (stretch.first - 4, stretch.last + 4))
    at, off = np.empty(len(times[line.song])), np.empty(len(times[line.song]))
    told = np.array([line.origin, line.centre, line.speed])
    count = kernel.residuals(
        times[line.song], pitches[line.song], film.times[begin:end], film.pitches[begin:end], told, stretch.first, stretch.last,
        line.kept, at, off,
    )  # fmt: skip
    at, off = at[:count] - line.centre, off[:count]
    # Laid lines are wrong by up to a spectrum: what is heard is kept at its loudest of three. So the densest place comes first.
    tried = np.arange(-2.0, 2.01, 0.25)
    shift = float(tried[int(np.argmax(np.exp(-0.5 * ((off - tried[:, None]) / 0.7) ** 2).sum(axis=1)))])
    drift = 0.0
    for _ in range(8):
        weight = np.exp(-0.5 * ((off - shift - drift * at) / 0.8) ** 2)
        total = weight.sum()
        if total < 12:
            return replace(stretch, line=replace(line, centre=line.centre + EARLY))
        mean, centre = (weight * off).sum() / total, (weight * at).sum() / total
        spread = (weight * (at - centre) ** 2).sum()
        drift = float((weight * (at - centre) * (off - mean)).sum() / (spread + 2e6))
        shift = float(mean - drift * centre)
    drift = max(-0.002, min(0.002, drift))
    # What comes `shift` later, and ever later, is played more slowly.
    moved = replace(line, centre=line.centre + shift + EARLY, speed=line.speed / (1 + drift))
    return replace(stretch, line=moved)


def _grouped(lines: Sequence[_Line]) -> list[list[_Line]]:
    """Lines of one song that meet where the later one has its middle."""
    groups: list[list[_Line]] = []
    last: dict[int, list[int]] = {}
    for line in lines:
        for g in last.get(line.song, []):
            other = groups[g][-1]
            if line.centre - other.centre < 900 and abs(other.at(line.centre) - line.origin) < NEAR + 0.01 * (
                line.centre - other.centre
            ):
                groups[g].append(line)
                break
        else:
            last.setdefault(line.song, []).append(len(groups))
            groups.append([line])
    return groups


def _followed(
    line: _Line, heard: Heard, felt: Heard, times: Sequence[Singles], pitches: Sequence[Singles], fields: Sequence[Bytes]
) -> _Stretch | None:
    from motet.film.locating import kernel

    field, song, pitch = fields[line.song], times[line.song], pitches[line.song]
    half, step, reach = 230.0, 0.003, 8
    stretch = None
    for _ in range(3):
        best, top = line, 0.0
        one = np.empty((1, 2 * reach + 1), np.int32)
        sums = np.empty(2 * reach + 1)
        for kept in (line.kept, not line.kept):
            for speed in (line.speed + step * np.arange(-2, 3)).tolist():
                told = np.array([line.origin, line.centre, speed])
                squares = kernel.compare(field, felt, told, line.centre - half, line.centre + half, reach, kept, sums)
                told[2] = speed
                count = kernel.lay(song, pitch, heard, line.origin, line.centre, half, reach, told[2:], kept, one)
                both = one[0] / math.sqrt((count + 4) * VARIANCE[0]) + sums / math.sqrt((squares + 100) * VARIANCE[1])
                both = np.convolve(both, THREE, "same")  # the middle of what is level
                k = int(np.argmax(both))
                if both[k] > top:
                    top = float(both[k])
                    best = replace(line, centre=line.centre + k - reach, speed=speed, kept=kept)
        stretch = _stretched(best, heard, felt, song, pitch, field)
        if stretch is None:
            return None
        middle = 0.5 * (stretch.first + stretch.last)
        line = replace(best, origin=best.at(middle), centre=middle)
        half = 0.5 * (stretch.last - stretch.first)
        step = min(0.003, 0.6 / max(half, 60.0))
        reach = 3
    return stretch


def _stretched(line: _Line, heard: Heard, felt: Heard, song: Singles, pitch: Singles, field: Bytes) -> _Stretch | None:
    """From where to where the film has what the song has along a line: the stretch around its middle that is most probable.

    Each quarter second gains the logarithm of how much more probable it is with the song than without, taking both for normal
    (the cumulative sum of E. S. Page, "Continuous Inspection Schemes", 1954).
    """
    from motet.film.locating import kernel

    told = np.array([line.origin, line.centre, line.speed])
    at, values, squares = np.empty(len(field), np.int32), np.empty(len(field), np.float32), np.empty(len(field), np.float32)
    count = kernel.told(field, felt, told, line.kept, at, values, squares)
    if count < 40:
        return None
    low, high = int(at[0]) // CELL, int(at[count - 1]) // CELL + 1
    cells = high - low
    place = at[:count] // CELL - low
    parts = [(np.bincount(place, values[:count], cells), np.bincount(place, squares[:count], cells))]
    at, values = np.empty(len(song), np.int32), np.empty(len(song), np.float32)
    count = kernel.evidence(song, pitch, heard, line.origin, line.centre, line.speed, line.kept, at, values)
    place = np.clip(at[:count] // CELL - low, 0, cells - 1)
    parts.insert(0, (np.bincount(place, values[:count] / 16, cells), np.bincount(place, minlength=cells).astype(float)))
    middle = min(max(0, int(line.centre) // CELL - low), cells - 1)
    first, last = max(0, middle - 18), min(cells, middle + 19)
    gain = np.zeros(cells)
    for _ in range(3):
        gain = np.zeros(cells)
        for (sums, power), least, variance in zip(parts, LEAST_LEVELS, VARIANCE, strict=True):
            level = max(least, float(sums[first:last].sum()) / max(1.0, float(power[first:last].sum())))
            gain += level / variance * (sums - 0.5 * level * power)
        total = np.concatenate(([0.0], np.cumsum(gain)))
        first = int(np.argmin(total[: middle + 1]))
        last = middle + 1 + int(np.argmax(total[middle + 1 :]))
    by = [
        float(sums[first:last].sum()) / math.sqrt((float(power[first:last].sum()) + 4) * variance)
        for (sums, power), variance in zip(parts, VARIANCE, strict=True)
    ]
    whole = float(gain[first:last].sum())
    begin, end = (low + first) * CELL, min(felt.shape[1] - 2 * kernel.EDGE, (low + last) * CELL)
    return _Stretch(line.song, line, begin, end, math.sqrt(max(0.0, 2 * whole)), whole, by[0], by[1])


def _placement(stretch: _Stretch, name: str, length: int) -> Placement:
    from motet.film.locating.catalogue import Placement

    line, speed = stretch.line, float(stretch.line.speed)
    start, end = stretch.first * SECONDS, stretch.last * SECONDS
    begins = float(line.at(stretch.first)) * SECONDS
    if begins < 0:
        start, begins = start - begins / speed, 0.0
    end = min(end, start + (length * SECONDS - begins) / speed)
    same = stretch.by_points >= VERSION * stretch.by_field
    words = (
        f"{stretch.by_points:.1f} standard deviations by points and {stretch.by_field:.1f} by all of the spectrum "
        f"over {end - start:.1f} s; "
        f"the pairs that voted for it stood out by {line.votes:.1f}"
    )
    return Placement(
        song=name,
        film_start=float(start),
        film_end=float(end),
        song_start=begins,
        song_end=begins + speed * float(end - start),
        speed=speed,
        pitch_kept=bool(line.kept) if abs(speed - 1) > TELLING else None,
        confidence=1 / (1 + math.exp(-SLOPE * (stretch.score - EVEN))),
        second_score=float(stretch.by_field),
        version="recording" if same else "other version",
        evidence=words,
    )
