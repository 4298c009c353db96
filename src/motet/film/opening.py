"""A film's file opened with care: only known containers and decoders, nothing outside the file, errors as reasons."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from motet.audio.containers import Source, opened, refuse
from motet.audio.errors import Unusable
from motet.film.errors import FilmError
from motet.video.footage import LARGEST, LEAST, limits

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.stream import Stream
    from av.video.stream import VideoStream

__all__ = ["film_opened", "seeing"]

MOST_STREAMS = 256
BUFFER = 1 << 16  # bytes


@contextmanager
def film_opened(path: Path) -> Iterator[tuple[Source, InputContainer]]:
    """A film as FFmpeg sees it. Raises FilmError `missing`, `not_a_file`, `empty`, `lfs_pointer`, `web_page`, `truncated` (its
    index is cut off), `not_video` (another kind of file), `unreadable`."""
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
                    buffer_size=BUFFER,
                )
            except (FFmpegError, ValueError) as error:
                source.refused(error)
            with container:
                try:
                    yield source, container
                except FFmpegError as error:
                    raise FilmError("unreadable", f"{source.called} cannot be read further: {error.strerror}") from None
                source.check()
    except Unusable as error:
        foreign = error.reason in ("not_sound", "unreadable") and "no recording" in error.detail
        raise FilmError("not_video" if foreign else error.reason, error.detail.replace("no recording", "no film")) from None


def seeing(container: InputContainer, called: str) -> VideoStream:
    """Its moving picture: the default one, as players do, where there are several angles or sizes.

    Raises FilmError `no_picture`, `unknown_codec`, `odd_size`, `unreadable`.
    """
    from av.video.stream import VideoStream

    if len(container.streams) > MOST_STREAMS:
        raise FilmError("unreadable", f"{called} has {len(container.streams):,} streams, more than {MOST_STREAMS}")
    shown = [stream for stream in container.streams.video if not _is_cover(stream)]
    if not shown:
        held = "sound and a still cover" if container.streams.video else "no moving picture"
        raise FilmError("no_picture", f"{called} has {held}")
    stream = max(shown, key=lambda one: (_is_default(one), -one.index))
    assert isinstance(stream, VideoStream)
    if stream.codec_context is None:
        raise FilmError("unknown_codec", f"{called} is in a codec that cannot be decoded")
    if stream.width < LEAST or stream.height < LEAST or stream.width * stream.height > LARGEST:
        raise FilmError("odd_size", f"the pictures of {called} are {stream.width} × {stream.height} pixels")
    stream.codec_context.thread_count = 1
    return stream


def _is_cover(stream: VideoStream) -> bool:
    from av.stream import Disposition

    return bool(stream.disposition & (Disposition.attached_pic | Disposition.still_image | Disposition.timed_thumbnails))


def _is_default(stream: Stream) -> bool:
    from av.stream import Disposition

    return bool(stream.disposition & Disposition.default)
