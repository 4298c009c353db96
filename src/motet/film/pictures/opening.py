"""A film's file opened with care: only known containers and decoders, nothing outside the file, errors as reasons."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from motet.audio.containers import Source, opened, refuse
from motet.audio.errors import Unusable
from motet.film.errors import FilmError

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.stream import Stream
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

__all__ = ["SMALL", "Opened", "Small", "open_film", "small", "small_size", "stamp"]

CONTAINERS = "apng asf avi flv gif matroska,webm mov,mp4,m4a,3gp,3g2,mj2 mpeg mpegts ogg"
NEVER_DECODED = frozenset("ansi bethsoftvid idf xbin".split())  # text and games, not films
LARGEST = 8192 * 8192  # pixels of a picture
LEAST = 8  # pixels of its shorter side
MOST_PER_SECOND = 1000  # pictures
SMALL = 96  # pixels of the longer side of a small picture
MOST_STREAMS = 256

Small = npt.NDArray[np.uint8]
"""(3, height, width) in full range: luma, blue and red chroma; the longer side has at most 96 pixels."""


@cache
def limits() -> dict[str, str]:
    """FFmpeg's options: the containers, decoders and protocols (none) it may use."""
    import av
    from av.codec import Codec
    from av.codec.codec import UnknownCodecError

    decoders = []
    for name in sorted(av.codecs_available):
        try:
            codec = Codec(name, "r")
        except UnknownCodecError:  # it encodes only
            continue
        if codec.type in ("video", "audio") and name not in NEVER_DECODED:
            decoders.append(name)
    return {
        "format_whitelist": CONTAINERS.replace(" ", ","),
        "codec_whitelist": ",".join(decoders),
        "protocol_whitelist": "none",
    }


class Opened:
    """An open film: its container, the stream of its moving picture, and the stream of its sound, if it has one."""

    def __init__(self, source: Source, container: InputContainer) -> None:
        """Raises FilmError `no_picture`, `unknown_codec`, `odd_size`."""
        from av.video.stream import VideoStream

        self.called, self.source, self.container = source.called, source, container
        if len(container.streams) > MOST_STREAMS:
            raise FilmError("unreadable", f"{self.called} has {len(container.streams):,} streams, more than {MOST_STREAMS}")
        shown = [stream for stream in container.streams.video if not _is_cover(stream)]
        if not shown:
            held = "sound and a still cover" if container.streams.video else "no moving picture"
            raise FilmError("no_picture", f"{self.called} has {held}")
        # The default one, as players do; several are angles, or one film in several sizes.
        stream = max(shown, key=lambda one: (_is_default(one), -one.index))
        assert isinstance(stream, VideoStream)
        if stream.codec_context is None:
            raise FilmError("unknown_codec", f"{self.called} is in a codec that cannot be decoded")
        self.stream = stream
        self.sound = container.streams.best("audio")
        self.codec = stream.codec_context.name
        self.width, self.height = stream.width, stream.height
        if self.width < LEAST or self.height < LEAST or self.width * self.height > LARGEST:
            raise FilmError("odd_size", f"the pictures of {self.called} are {self.width} × {self.height} pixels")
        stream.codec_context.thread_count = 1
        rates = (stream.average_rate, stream.guessed_rate, stream.base_rate)
        self.told_fps = next((Fraction(rate) for rate in rates if rate and 0 < rate <= MOST_PER_SECOND), Fraction(0))

    @property
    def tick(self) -> Fraction:
        """Seconds of one step of the picture's clock."""
        return Fraction(self.stream.time_base or Fraction(1, 1000))


def _is_cover(stream: VideoStream) -> bool:
    from av.stream import Disposition

    return bool(stream.disposition & (Disposition.attached_pic | Disposition.still_image | Disposition.timed_thumbnails))


def _is_default(stream: Stream) -> bool:
    from av.stream import Disposition

    return bool(stream.disposition & Disposition.default)


@contextmanager
def open_film(path: Path) -> Iterator[Opened]:
    """An open film. Raises FilmError `missing`, `not_a_file`, `empty`, `lfs_pointer`, `web_page`, `truncated` (its index is cut
    off), `not_video` (another kind of file), `unreadable`, and what `Opened` says."""
    import av
    from av.error import FFmpegError

    try:
        with opened(path) as file:
            source = Source(file, path.name)
            source.check_head()
            try:
                container = av.open(
                    source,
                    "r",
                    options=limits(),
                    metadata_encoding="utf-8",
                    metadata_errors="replace",
                    io_open=refuse,
                    buffer_size=1 << 16,
                )
            except (FFmpegError, ValueError) as error:
                source.refused(error)
            with container:
                film = Opened(source, container)
                try:
                    yield film
                except FFmpegError as error:
                    raise FilmError("unreadable", f"{film.called} cannot be read further: {error.strerror}") from None
                source.check()
    except Unusable as error:
        known = error.reason in ("not_sound", "unreadable") and "no recording" in error.detail
        reason = "not_video" if known else error.reason
        raise FilmError(reason, error.detail.replace("no recording", "no film")) from None


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
