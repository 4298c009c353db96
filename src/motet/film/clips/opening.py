"""A film opened for a cut: the moments of all its pictures, and a decoder that begins where it is told to."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from motet.film.errors import FilmError
from motet.film.opening import film_opened, seeing

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

__all__ = ["LONGEST", "Timeline", "check_span", "pictures_from", "timeline"]

LONGEST = 900.0  # seconds of a clip
LATEST = 24 * 3600.0  # seconds: no film is longer
MOST_PICTURES = 20_000_000
MOST_PER_SECOND = 1000
SLACK = 1.0  # seconds by which a film may be shorter than it tells
EARLIER = (0.0, 5.0, 30.0)  # seconds: some containers seek too far, and are asked again
ROUNDED = Fraction(1, 2000)  # seconds: half of the coarsest clock that rounds moments (Matroska, FLV: 1 ms)


@dataclass(frozen=True, eq=False)
class Timeline:
    """The moments of a film's pictures in the order in which they are shown.

    `stamps` (n,) int64 are ticks of `tick` seconds on the file's own clock; film second 0 is the first. `keys` (k, 2) are
    places and stamps of the pictures to start decoding at. `counted`: stamps are only counted (AVI), and pictures told by
    their number. `rate` is what the file tells, `aspect` the width of a pixel over its height.
    """

    called: str
    stamps: npt.NDArray[np.int64]
    tick: Fraction
    rate: Fraction | None
    keys: npt.NDArray[np.int64]
    counted: bool
    told_seconds: float | None
    aspect: Fraction

    def moment(self, number: int) -> Fraction:
        """Film seconds of a picture."""
        return int(self.stamps[number] - self.stamps[0]) * self.tick

    def at_or_after(self, seconds: float) -> int:
        """The first picture shown at `seconds` or later, within the rounding of the file's clock."""
        slack = min(self.tick / 2, ROUNDED) + Fraction(1, 10**6)
        wanted = math.ceil((Fraction(seconds) - slack) / self.tick)
        return int(np.searchsorted(self.stamps, int(self.stamps[0]) + max(wanted, 0)))

    @property
    def step(self) -> Fraction:
        """Seconds a picture is usually shown for."""
        gaps = np.diff(self.stamps)
        gaps = gaps[gaps > 0]
        if not len(gaps):
            return 1 / self.rate if self.rate else Fraction(1, 25)
        return int(np.median(gaps)) * self.tick


def check_span(start: float, end: float, *, negative: bool = False) -> None:
    """Raises FilmError `bad_span`: not finite, negative (unless allowed), empty, longer than 15 minutes, past 24 hours."""
    if not (math.isfinite(start) and math.isfinite(end)):
        raise FilmError("bad_span", f"a span from {start} s to {end} s has no beginning or no end")
    if start < 0 and not negative:
        raise FilmError("bad_span", f"a span cannot begin at {start:g} s, before the first picture")
    if end <= start:
        raise FilmError("bad_span", f"a span from {start:g} s to {end:g} s is empty")
    if end - start > LONGEST or max(abs(start), abs(end)) > LATEST:
        raise FilmError("bad_span", f"a span from {start:g} s to {end:g} s is longer than {LONGEST:g} s, or past a day")


def timeline(film: Path) -> Timeline:
    """The moments of a film's pictures, by its packets: nothing is decoded, and a film that did not change is read once.

    Raises FilmError as `film_opened` and `seeing` do, and `damaged`, `too_long`.
    """
    try:
        told = film.stat()
    except OSError:
        return _timeline(film, ())  # it says what is wrong
    return _timeline(film, (told.st_ino, told.st_size, told.st_mtime_ns))


@lru_cache(maxsize=8)
def _timeline(film: Path, version: tuple[int, ...]) -> Timeline:
    from av.error import FFmpegError

    with film_opened(film) as (source, container):
        stream = seeing(container, source.called)
        _only(container, stream)
        counted = container.format.name == "avi"
        stamps: list[int] = []
        keys: list[tuple[int, int]] = []
        try:
            for packet in container.demux(stream):
                if not packet.size or packet.is_discard:
                    continue
                stamp = packet.pts if packet.pts is not None else packet.dts
                if stamp is None:
                    continue
                if packet.is_keyframe:
                    keys.append((len(stamps), stamp))
                if keys and stamp >= keys[0][1]:  # what comes before the first key picture cannot be decoded
                    stamps.append(stamp)
                if len(stamps) > MOST_PICTURES:
                    raise FilmError("too_long", f"{source.called} has more than {MOST_PICTURES:,} pictures")
        except FFmpegError as error:
            raise FilmError("damaged", f"{source.called} cannot be read further: {error.strerror}") from None
        if not stamps or not stream.time_base:
            raise FilmError("no_picture", f"{source.called} holds no picture that could be decoded")
        rates = (stream.average_rate, stream.guessed_rate, stream.base_rate)
        rate = next((Fraction(rate) for rate in rates if rate and 0 < rate <= MOST_PER_SECOND), None)
        told = float(stream.duration * stream.time_base) if stream.duration and stream.duration > 0 else None
        return Timeline(
            source.called,
            np.sort(np.array(stamps, np.int64)),
            Fraction(stream.time_base),
            rate,
            np.array(keys, np.int64),
            counted,
            told,
            _aspect(stream.sample_aspect_ratio),
        )


def _aspect(told: Fraction | None) -> Fraction:
    """1 where the file does not tell, or tells what no film has."""
    if not told or not Fraction(1, 8) <= told <= 8 or abs(told - 1) <= Fraction(1, 100):
        return Fraction(1)
    return Fraction(told)


def _only(container: InputContainer, stream: Any) -> None:
    """Read one stream and pass over the others where the container can."""
    from av.stream import Discard

    for other in container.streams:
        if other.index != stream.index:
            other.discard = Discard.all


def pictures_from(film: Path, times: Timeline, first: int) -> Iterator[tuple[int, VideoFrame]]:
    """The pictures from number `first` on with their numbers, in the order in which they are shown.

    Raises FilmError `damaged` for a part that cannot be decoded, `size_changes`.
    """
    wanted = int(times.stamps[first])
    for earlier in (*EARLIER, None):
        with film_opened(film) as (source, container):
            stream = seeing(container, source.called)
            size = stream.width, stream.height
            _only(container, stream)
            if earlier is not None:
                container.seek(max(wanted - math.ceil(earlier / times.tick), int(times.stamps[0])), stream=stream)
            begun = False
            for number, frame in _numbered(source.called, container, stream, times):
                if not begun and number > first and earlier is not None:
                    break  # it landed too late
                if number < first:
                    begun = True
                    continue
                begun = True
                if (frame.width, frame.height) != size:
                    words = f"{size[0]} × {size[1]} to {frame.width} × {frame.height}"
                    raise FilmError("size_changes", f"the pictures of {source.called} change from {words} pixels")
                yield number, frame
            if begun:
                return


def _numbered(called: str, container: InputContainer, stream: VideoStream, times: Timeline) -> Iterator[tuple[int, VideoFrame]]:
    from av.error import FFmpegError
    from av.video.frame import VideoFrame

    last: int | None = None
    try:
        for packet in container.demux(stream):
            if last is None and not packet.is_keyframe:
                continue
            if last is None:
                last = _place(times, packet) - 1
            for frame in packet.decode():
                assert isinstance(frame, VideoFrame)
                if frame.is_corrupt:
                    raise FilmError(
                        "damaged", f"a picture of {called} about {float(times.moment(max(last, 0))):.2f} s is damaged"
                    )
                stamp = frame.pts
                if times.counted or stamp is None:
                    last += 1
                else:
                    found = int(np.searchsorted(times.stamps, stamp))
                    if found >= len(times.stamps) or times.stamps[found] != stamp:
                        continue  # before the first picture, or no picture of the list
                    last = max(found, last + 1) if found <= last else found
                if last >= len(times.stamps):
                    return
                yield last, frame
    except FFmpegError as error:
        second = float(times.moment(min(max(last or 0, 0), len(times.stamps) - 1)))
        raise FilmError("damaged", f"{called} cannot be decoded after {second:.2f} s: {error.strerror}") from None


def _place(times: Timeline, packet: Any) -> int:
    """The number of the key picture in `packet`."""
    stamp = packet.pts if packet.pts is not None else packet.dts
    if times.counted:
        at = int(np.searchsorted(times.keys[:, 1], stamp))
        if at < len(times.keys):
            return int(times.keys[at, 0])
    return int(np.searchsorted(times.stamps, stamp))
