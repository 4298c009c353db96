"""A span of a film looked at: sought, decoded as far as needed, and measured while it passes."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from motet.film.errors import FilmError
from motet.film.pictures.looks import Looks
from motet.film.pictures.opening import MOST_PER_SECOND, Opened, Small, open_film, small, small_size, stamp
from motet.film.pictures.shots import Shot, between

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

    from motet.film.pictures.finding import Finder
    from motet.film.pictures.gauge import Gauge

__all__ = ["Span", "look_at"]

LEAD = 1.5  # seconds before and after a span that are looked at, too, so that its bounds are found as in the whole film
BACK = (0.0, 5.0, 30.0)  # seconds by which a place that was sought in vain is sought earlier
MOST = 6_000_000  # pictures
WIDE = frozenset((1, 9, 10))  # matrices of ITU-T H.273: BT.709 and BT.2020
NARROW = frozenset((4, 5, 6))  # and of standard definition
HIGH = 720  # lines from which on a film that does not say has the colours of BT.709


@dataclass(frozen=True)
class Span:
    """`frames` pictures, the first shown at `start` seconds from the film's first picture, the last until `end`; the shots that
    fill it, and its looks. `steady`: each picture is shown for equally long. `lost`: pictures that are damaged or could not be
    decoded, in it and up to a second and a half around it."""

    frames: int
    start: float
    end: float
    shots: list[Shot]
    looks: Looks
    steady: bool
    lost: int


def look_at(path: Path, start: float, end: float) -> Span:
    """The pictures of a film that are shown first within `start` ≤ t < `end`, in seconds from its first picture.

    Decoding begins at the key picture before, at most 1.5 s early, and ends 1.5 s late; memory: 8 bytes a picture.
    Raises ValueError for numbers that are no span; FilmError as `open_film` does, and `past_end` (the film ends before `start`,
    or none of its pictures begins within the span), `no_picture`, `odd_rate`, `unreadable`.
    """
    if math.isnan(start) or math.isnan(end) or not start < end or start == math.inf:
        raise ValueError(f"{start} to {end} s is no span")
    with open_film(path) as film:
        first = _first_stamp(film)
    wanted = max(0.0, start - LEAD)
    for back in BACK:
        sought = max(0.0, wanted - back)
        with open_film(path) as film:
            if sought <= 0:
                break
            found = _pass(film, first, start, end, sought)
        if found is not None:
            return found
    with open_film(path) as film:
        found = _pass(film, first, start, end, 0.0)
    assert found is not None  # from the begin on, nothing is sought
    return found


def _first_stamp(film: Opened) -> Fraction:
    for frame, _ in _decoded(film):
        return stamp(frame) or Fraction(0)
    raise FilmError("no_picture", f"no picture of {film.called} can be decoded")


def _decoded(film: Opened) -> Iterator[tuple[VideoFrame, int]]:
    """What can be decoded, and how much before it could not."""
    from av.error import FFmpegError
    from av.video.frame import VideoFrame

    lost = 0
    for packet in film.container.demux(film.stream):
        try:
            frames = packet.decode()
        except FFmpegError:
            lost += 1
            continue
        for frame in frames:
            if isinstance(frame, VideoFrame):
                yield frame, lost
                lost = 0


def _pass(film: Opened, first: Fraction, start: float, end: float, sought: float) -> Span | None:
    """Look at the span; None where seeking did not come before it."""
    from av.error import FFmpegError

    from motet.film.pictures.finding import Finder  # loads compiled code
    from motet.film.pictures.gauge import Gauge

    if sought > 0:
        try:
            film.container.seek(math.floor((first + Fraction(sought)) / film.tick), stream=film.stream)
        except FFmpegError:
            return None
    finder = Finder()
    gauge: Gauge | None = None
    size = small_size(film.width, film.height)
    step = 1 / film.told_fps if film.told_fps else Fraction(1, 25)
    last: Fraction | None = None
    times, after, lost = array("d"), None, 0
    for frame, missed in _decoded(film):
        at = stamp(frame)
        if last is None and sought > 0 and (at is None or at - first > sought or (frame.is_corrupt and not frame.key_frame)):
            if at is not None and at - first <= sought:
                continue  # leans on pictures before the key picture
            return None
        at = at if at is not None and (last is None or at > last) else (last + step if last is not None else first)
        last = at
        moment = float(at - first)
        if moment < sought - 1e-9 and moment < start - LEAD:
            continue
        if moment >= end + LEAD:
            after = moment if after is None else after
            break
        lost += missed + bool(frame.is_corrupt)
        planes = _upright(small(frame, size), frame.rotation)
        finder.push(moment, planes)
        if start <= moment < end:
            gauge = gauge or Gauge(wide=_wide(frame, film.height))
            gauge.push(moment, planes)
            times.append(moment)
            if len(times) > MOST or len(times) > MOST_PER_SECOND * (moment - start + 10):
                raise FilmError("odd_rate", f"{film.called} has more than {MOST_PER_SECOND} pictures a second")
        elif moment >= end and after is None:
            after = moment
    if gauge is None:
        if last is None:
            return None if sought > 0 else _nothing(film)
        raise FilmError("past_end", f"{film.called} shows no new picture from {start:.2f} to {end:.2f} s")
    return _span(film, finder, gauge, np.frombuffer(times), after, float(step), lost)


def _nothing(film: Opened) -> Span:
    raise FilmError("no_picture", f"no picture of {film.called} can be decoded")


def _span(
    film: Opened,
    finder: Finder,
    gauge: Gauge,
    times: npt.NDArray[np.float64],
    after: float | None,
    step: float,
    lost: int,
) -> Span:
    gaps = np.diff(times)
    usual = float(gaps.mean()) if len(gaps) else step
    steady = bool(np.all(np.abs(gaps - usual) <= float(film.tick) * 1.01 + 1e-9))
    start, end = float(times[0]), after if after is not None else float(times[-1]) + (float(gaps[-1]) if len(gaps) else step)
    shots = between(finder.bounds(), start, end, times)
    rate = sum(shot.kind != "begin" for shot in shots[1:]) * 60 / (end - start) if end > start else 0.0
    return Span(len(times), start, end, shots, gauge.looks(rate), steady, lost)


def _upright(planes: Small, rotation: int) -> Small:
    """As a player turns it; `rotation` is in degrees, counter-clockwise."""
    turns = round((rotation or 0) / 90) % 4
    return np.ascontiguousarray(np.rot90(planes, turns, axes=(1, 2))) if turns else planes


def _wide(frame: VideoFrame, height: int) -> bool:
    told = int(frame.colorspace)
    return told in WIDE or (told not in NARROW and height >= HIGH)
