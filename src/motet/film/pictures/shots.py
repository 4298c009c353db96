"""The shots of a film: where one ends and the next begins, by a cut, a fade or a dissolve.

Pictures are taken one after another, at about 96 pixels; of each only its moment is kept.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

__all__ = ["Bound", "Kind", "Shot", "between", "shots", "snap"]

Kind = Literal["begin", "cut", "fade", "dissolve"]


@dataclass(frozen=True)
class Shot:
    """`start` to `end` in seconds from the first picture, and how it begins: with the film (or the span that was looked at), with
    a cut, out of a fade, or out of a dissolve, which are said to be where one picture is half gone or the colour between
    them half over. `score`: how many thresholds high the change was; 0 at the begin."""

    start: float
    end: float
    kind: Kind
    score: float


class Pictured(Protocol):
    """What `motet.video.footage.Picture` is: a moment, and planes (3, h, w) of luma and chroma in full range."""

    @property
    def seconds(self) -> Fraction | float: ...
    @property
    def planes(self) -> npt.NDArray[np.uint8]: ...


@dataclass(frozen=True)
class Bound:
    """Where a shot begins."""

    seconds: float
    kind: Kind
    score: float


def shots(pictures: Iterable[Pictured]) -> list[Shot]:
    """The shots of a whole film, which they fill from its first picture to its last; none without pictures.

    Hard cuts, fades through a colour, and dissolves of a third of a second to three seconds. The last shot ends one picture
    after its last begins.
    """
    from motet.film.pictures.finding import Finder  # loads compiled code

    finder = Finder()
    gap, first, moments = 0.0, None, 0.0
    times = array("d")
    for picture in pictures:
        moment = float(picture.seconds)
        if first is None:
            first = moment
        else:
            gap = moment - moments
        moments = moment
        times.append(moment)
        finder.push(moment, picture.planes)
    if first is None:
        return []
    return between(finder.bounds(), first, moments + gap, np.array(times))


def between(bounds: Sequence[Bound], start: float, end: float, times: npt.NDArray[np.float64]) -> list[Shot]:
    """The shots of the span from `start` to `end`; bounds lie on the first picture (of `times`) at or after them."""
    edges = [Bound(start, "begin", 0.0)]
    for bound in bounds:
        if bound.seconds < start - 1e-6:
            continue
        place = int(np.searchsorted(times, bound.seconds - 1e-6))
        moment = float(times[place]) if place < len(times) else bound.seconds
        if moment <= start + 1e-6:
            edges[0] = replace(bound, seconds=start)
        elif moment < end - 1e-6 and moment > edges[-1].seconds:
            edges.append(replace(bound, seconds=moment))
    ends = [*(edge.seconds for edge in edges[1:]), end]
    return [Shot(edge.seconds, stop, edge.kind, edge.score) for edge, stop in zip(edges, ends, strict=True)]


def snap(start: float, end: float, shots: Sequence[Shot], *, within: float) -> tuple[float, float]:
    """A clip with its ends on bounds between shots, where there are any inside the clip, at most `within` seconds from its ends.

    It never grows. Of bounds in reach the nearest counts; where both ends would meet, or nothing would be left, the clip stays
    as it is. Raises ValueError for ends that are no span or a negative `within`.
    """
    if not (math.isfinite(start) and math.isfinite(end) and start <= end):
        raise ValueError(f"a clip from {start} to {end} s is no span")
    if not within >= 0:
        raise ValueError(f"a clip cannot be moved by {within} s")
    bounds = sorted({edge for shot in shots for edge in (shot.start, shot.end) if start <= edge <= end})
    begin = next((edge for edge in bounds if edge - start <= within), start)
    stop = next((edge for edge in reversed(bounds) if end - edge <= within), end)
    return (begin, stop) if begin < stop else (start, end)
