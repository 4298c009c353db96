"""A film opened to look at: its streams, and small pictures of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from motet.audio.containers import Source
from motet.film.opening import film_opened, seeing
from motet.video.footage import LEAST

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame

__all__ = ["SMALL", "Opened", "Small", "open_film", "small", "small_size", "stamp"]

MOST_PER_SECOND = 1000  # pictures
SMALL = 96  # pixels of the longer side of a small picture

Small = npt.NDArray[np.uint8]
"""(3, height, width) in full range: luma, blue and red chroma; the longer side has at most 96 pixels."""


class Opened:
    """An open film: its container, the stream of its moving picture, and the stream of its sound, if it has one."""

    def __init__(self, source: Source, container: InputContainer) -> None:
        """Raises what `seeing` says."""
        self.called, self.source, self.container = source.called, source, container
        stream = self.stream = seeing(container, source.called)
        self.sound = container.streams.best("audio")
        assert stream.codec_context is not None
        self.codec = stream.codec_context.name
        self.width, self.height = stream.width, stream.height
        rates = (stream.average_rate, stream.guessed_rate, stream.base_rate)
        self.told_fps = next((Fraction(rate) for rate in rates if rate and 0 < rate <= MOST_PER_SECOND), Fraction(0))

    @property
    def tick(self) -> Fraction:
        """Seconds of one step of the picture's clock."""
        return Fraction(self.stream.time_base or Fraction(1, 1000))


@contextmanager
def open_film(path: Path) -> Iterator[Opened]:
    """An open film. Raises FilmError as `film_opened` and `seeing` do."""
    with film_opened(path) as (source, container):
        yield Opened(source, container)


def stamp(frame: VideoFrame) -> Fraction | None:
    """When a picture is shown, in seconds of the file's clock, or None where it does not say."""
    if frame.pts is None or frame.time_base is None:
        return None
    return Fraction(frame.pts * frame.time_base)


def small_size(width: int, height: int) -> tuple[int, int]:
    """The sides of the small picture."""
    shrink = min(1.0, SMALL / max(width, height))
    return max(LEAST, round(width * shrink)), max(LEAST, round(height * shrink))


def small(frame: VideoFrame, size: tuple[int, int]) -> Small:
    """The picture averaged over areas to `size` (width, height)."""
    width, height = size
    shown = frame.reformat(width, height, "yuv444p", interpolation="AREA", dst_color_range="JPEG", threads=1)
    return np.stack([np.frombuffer(memoryview(plane), np.uint8).reshape(height, -1)[:, :width] for plane in shown.planes])
