"""Pictures cut out of a film, to the picture: turned upright, square pixels, one rate, and the same bytes every time."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from motet.film.clips.opening import MOST_PER_SECOND, SLACK, Timeline, check_span, pictures_from, timeline
from motet.film.clips.sound import Samples, film_sound
from motet.film.errors import FilmError
from motet.video.errors import VideoError
from motet.video.film import LARGEST, SMALLEST, Picture, write

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

__all__ = ["Cut", "cut_picture", "planes_of"]

FASTEST = 240  # pictures a second that can be filmed
USUAL = 60  # pictures a second that a clip of uneven pictures has at most
HIGH = 720  # lines: from here on a film that does not say so is in BT.709, below in BT.601


@dataclass(frozen=True)
class Cut:
    """What was cut: `start` and `end` are exact, in film seconds (0: the first picture of the film is shown).

    `first_frame` is the number of the clip's first picture in the film. `steady`: the film's pictures are equally long here,
    and each is one of the clip; otherwise, or at another rate, `repeated` pictures are shown again and `left_out` never.
    `rotation` in degrees, clockwise, is how the film was turned upright. `has_sound`: sound was put under it.
    """

    frames: int
    seconds: float
    width: int
    height: int
    fps: Fraction
    bytes: int
    first_frame: int
    start: float
    end: float
    steady: bool
    repeated: int
    left_out: int
    rotation: int
    has_sound: bool


def cut_picture(
    film: Path,
    to: Path,
    *,
    start: float,
    end: float,
    fps: Fraction | None = None,
    size: tuple[int, int] | None = None,
    sound: Literal["film", "none"] | tuple[Samples, int] = "film",
) -> Cut:
    """Cut the film seconds [start, end) out of `film` into the file `to` (MP4, as `motet.video.film` writes).

    The first picture is the first with a time stamp at `start` or after it, the last the last before `end` (within the
    rounding of the film's clock, 0.5 ms at most). Where the film's pictures are equally long and `fps` is not another rate,
    each becomes one picture of the clip; otherwise picture n shows what the film shows n / fps seconds after its first:
    the film's last picture until then. The rate of a film with uneven pictures is that of their median length, 60 at most.

    `size` (width, height) is a box into which the picture is made to fit, never enlarged but to 64 pixels; bars are kept.
    `sound` begins with the first picture, and is the film's own at those moments, none, or samples and their rate.
    Raises FilmError `bad_span`, `no_pictures` (none begins in the span), `truncated`, `damaged`, `size_changes`, `odd_rate`,
    `odd_size`, `nowhere`, `not_written` and what opening a film may raise.
    """
    check_span(start, end)
    if size is not None and (len(size) != 2 or min(size) < SMALLEST or max(size) > LARGEST):
        raise FilmError("odd_size", f"a clip of {size} pixels cannot be written: {SMALLEST} to {LARGEST} can")
    if to.exists() and film.exists() and to.samefile(film):
        raise FilmError("nowhere", f"a clip cannot be written over {film.name}, the film it is cut from")
    times = timeline(film)
    first, behind = times.at_or_after(start), times.at_or_after(end)
    _check_there(times, first, behind, start, end)
    own, steady = _own_rate(times, first, behind)
    rate = own if fps is None else Fraction(fps)
    if not 1 <= rate <= FASTEST:
        raise FilmError("odd_rate", f"{float(rate):g} pictures a second cannot be filmed: 1 to {FASTEST} can")
    begin = times.moment(first)
    plain = steady and rate == own
    if plain:
        sources = np.arange(first, behind)
    else:
        over = times.moment(behind) if behind < len(times.stamps) else times.moment(behind - 1) + times.step
        count = max(1, math.ceil((min(over, Fraction(end)) - begin) * rate - Fraction(1, 1000)))
        sources = _shown(times, first, behind, count, rate)
    lasting = Fraction(len(sources)) / rate
    pictures = pictures_from(film, times, first)
    try:
        opening_number, opening = next(pictures)
    except StopIteration:
        raise FilmError("no_pictures", f"no picture of {times.called} from {start:g} s on can be decoded") from None
    shape = _Shape.of(opening, times.aspect, size)
    heard = _sound(film, sound, float(begin), float(begin + lasting))
    try:
        filmed = write(
            to,
            _taken(pictures, opening_number, opening, sources, shape, times),
            fps=rate,
            size=shape.shown,
            sound=heard,
            frames=len(sources),
        )
    except VideoError as error:
        raise FilmError(error.reason, error.detail) from None
    different = len(np.unique(sources))
    return Cut(
        filmed.frames, filmed.seconds, filmed.width, filmed.height, filmed.fps, filmed.bytes,
        first, float(begin), float(begin + lasting), steady, len(sources) - different, behind - first - different,
        shape.rotation, heard is not None,
    )  # fmt: skip


def _check_there(times: Timeline, first: int, behind: int, start: float, end: float) -> None:
    last = float(times.moment(len(times.stamps) - 1))
    if (
        behind == len(times.stamps)
        and times.told_seconds is not None
        and end > last + SLACK
        and times.told_seconds > last + SLACK
    ):
        raise FilmError("truncated", f"{times.called} tells of {times.told_seconds:.2f} s, {last:.2f} s of pictures came")
    if behind <= first:
        raise FilmError(
            "no_pictures", f"no picture of {times.called} begins from {start:g} s to {end:g} s: its last is at {last:.2f} s"
        )


def _own_rate(times: Timeline, first: int, behind: int) -> tuple[Fraction, bool]:
    """Pictures a second of the film in a span, and whether they are equally long there."""
    stamps = times.stamps[first:behind]
    told, measured = times.rate, 1 / times.step
    if len(stamps) < 2:
        return min(told or measured, Fraction(USUAL)), True
    mean = (len(stamps) - 1) / (int(stamps[-1] - stamps[0]) * times.tick) if stamps[-1] > stamps[0] else measured
    for rate in (told, mean.limit_denominator(1001)):
        if rate and 1 <= rate <= FASTEST:
            due = np.arange(len(stamps)) / float(rate * times.tick)
            if np.abs(stamps - stamps[0] - due).max() <= 1.01:
                return Fraction(rate), True
    rate = min(max(measured, Fraction(1)), Fraction(USUAL)).limit_denominator(1001)
    if not 0 < rate <= MOST_PER_SECOND:
        raise FilmError("odd_rate", f"{times.called} has {float(rate):g} pictures a second")
    return rate, False


def _shown(times: Timeline, first: int, behind: int, count: int, rate: Fraction) -> npt.NDArray[np.int64]:
    """For each of `count` pictures of the clip, the number of the film's picture that is shown at its moment."""
    stamps = times.stamps[first:behind]
    # Half a tick of slack: a moment that the file's clock rounded up is not missed.
    wanted = int(stamps[0]) + np.array([math.floor(n / rate / times.tick + Fraction(1, 2)) for n in range(count)], np.int64)
    return first + np.maximum(np.searchsorted(stamps, wanted, "right") - 1, 0)


def _taken(
    pictures: Iterator[tuple[int, VideoFrame]],
    number: int,
    frame: VideoFrame,
    sources: npt.NDArray[np.int64],
    shape: _Shape,
    times: Timeline,
) -> Iterator[Picture]:
    """The pictures that `sources` name (not falling); one that the decoder does not show is what was shown before it."""
    made: Picture | None = None
    ahead: tuple[int, VideoFrame] | None = next(pictures, None)
    for wanted in sources:
        while ahead is not None and ahead[0] <= wanted:
            (number, frame), made = ahead, None
            ahead = next(pictures, None)
        if ahead is None and number < wanted and wanted < len(times.stamps) - 1:
            second = float(times.moment(int(wanted)))
            raise FilmError("truncated", f"the pictures of {times.called} end before {second:.2f} s")
        if made is None:
            made = shape.upright(frame)
        yield made


@dataclass(frozen=True)
class _Shape:
    """How a film's pictures become those of the clip: `made` is their size before they are turned, `shown` after it."""

    made: tuple[int, int]
    rotation: int
    shown: tuple[int, int]

    @classmethod
    def of(cls, frame: VideoFrame, wide: Fraction, box: tuple[int, int] | None) -> _Shape:
        rotation = round(-frame.rotation / 90) * 90 % 360
        width, height = Fraction(frame.width), Fraction(frame.height)
        if wide > 1:
            width *= wide
        else:
            height /= wide
        if rotation % 180:
            width, height = height, width
        across, down = box or (LARGEST, LARGEST)
        scale = min(Fraction(1), across / width, down / height)
        scale = max(scale, SMALLEST / min(width, height))
        shown = _even(width * scale), _even(height * scale)
        if max(shown) > LARGEST:
            raise FilmError("odd_size", f"pictures of {frame.width} × {frame.height} pixels are too narrow for a clip")
        return cls(shown[::-1] if rotation % 180 else shown, rotation, shown)

    def upright(self, frame: VideoFrame) -> Picture:
        """The picture of the clip."""
        made = planes_of(frame, self.made)
        if not self.rotation:
            return made
        turns = -self.rotation // 90  # np.rot90 turns against the clock
        planes = [np.rot90(plane, turns) for plane in (made.luma, *made.chroma)]
        return joined(*planes)


def joined(luma: npt.NDArray[np.uint8], blue: npt.NDArray[np.uint8], red: npt.NDArray[np.uint8]) -> Picture:
    """A picture from its three planes."""
    height, width = luma.shape
    chroma = np.concatenate([blue.reshape(-1), red.reshape(-1)]).reshape(height // 2, width)
    return Picture(np.concatenate([luma, chroma]))


def planes_of(frame: VideoFrame, size: tuple[int, int] | None = None) -> Picture:
    """A decoded frame as films are written here: BT.709, limited range, of `size` (even), by area where that is smaller.

    A side that is one pixel larger than `size` loses its last row or column instead of being scaled.
    """
    from av.video.reformatter import Colorspace

    width, height = size or (_even(Fraction(frame.width)), _even(Fraction(frame.height)))
    trimmed = 0 <= frame.width - width <= 1 and 0 <= frame.height - height <= 1
    made = (frame.width, frame.height) if trimmed else (width, height)
    source: Colorspace | None = None
    if frame.colorspace in (0, 2):  # RGB, or not told
        source = Colorspace.ITU709 if frame.height >= HIGH or frame.colorspace == 0 else Colorspace.ITU601
    larger = width * height > frame.width * frame.height
    shown = frame.reformat(
        *made,
        "yuv420p",
        src_colorspace=source,
        dst_colorspace=Colorspace.ITU709,
        interpolation="BICUBIC" if larger else "AREA",
        dst_color_range="MPEG",
        threads=1,
    )
    parts = []
    for plane, (across, down) in zip(
        shown.planes, ((width, height), (width // 2, height // 2), (width // 2, height // 2)), strict=True
    ):
        held = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
        parts.append(held[:down, :across])
    return joined(*parts)


def _even(side: Fraction) -> int:
    return max(SMALLEST, int(side / 2 + Fraction(1, 4)) * 2) if side % 2 != 1 else max(SMALLEST, int(side) - 1)


def _sound(film: Path, wanted: str | tuple[Samples, int], start: float, end: float) -> tuple[Samples, int] | None:
    if isinstance(wanted, tuple):
        return wanted
    if wanted != "film":
        return None
    try:
        return film_sound(film, start, end, rate=None)
    except FilmError as error:
        if error.reason == "no_sound":
            return None
        raise
