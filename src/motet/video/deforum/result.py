"""Whether a film that a server made holds what was asked; it counts only then."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from motet.video.errors import VideoError

__all__ = ["Film", "check", "fetch"]

LARGEST = 16 << 30  # bytes of a film that is copied


@dataclass(frozen=True)
class Film:
    """A film that was decoded to its end: pictures, (width, height), pictures a second, bytes."""

    frames: int
    size: tuple[int, int]
    fps: Fraction
    bytes: int


def check(path: Path, *, frames: int, size: tuple[int, int], fps: Fraction, called: str = "") -> Film:
    """Decode an MP4 file and compare. Raises VideoError: no_film, unreadable_film, wrong_size, wrong_frames or wrong_rate.

    Pictures are counted as decoded, whatever the header says, and each stands within a quarter frame of its time.
    """
    import av  # 0.1 s

    name = (called or path.name)[:100]

    if not path.is_file():
        raise VideoError("no_film", f"There is no film {name}.")
    try:
        # From an open file: names that are not UTF-8 are none of FFmpeg's, and what it finds inside opens no other file.
        with path.open("rb") as opened, av.open(opened, "r", format="mp4", metadata_errors="replace") as container:
            stream = next(iter(container.streams.video), None)
            if stream is None or stream.codec_context is None:  # which a codec that nobody knows has not
                raise VideoError("unreadable_film", f"{name} holds no pictures.")
            _same_size((stream.codec_context.width, stream.codec_context.height), size, name)
            first, seen, base = None, 0, stream.time_base
            for picture in container.decode(stream):
                if seen == frames:
                    raise VideoError("wrong_frames", f"{name} has more than {frames} frames.")
                _same_size((picture.width, picture.height), size, name)
                first = picture.pts if first is None else first
                if picture.pts is None or first is None or base is None:
                    raise VideoError("wrong_rate", f"{name} has pictures without a time.")
                if abs((picture.pts - first) * base - seen / fps) * fps > Fraction(1, 4):
                    raise VideoError("wrong_rate", f"{name} has not {float(fps):g} frames a second.")
                seen += 1
            rate = stream.average_rate
    except VideoError:
        raise
    except (av.error.FFmpegError, OSError, ValueError, OverflowError) as problem:
        raise VideoError("unreadable_film", f"{name} cannot be decoded: {type(problem).__name__}.") from None
    if seen != frames:
        raise VideoError("wrong_frames", f"{name} has {seen} frames, not {frames}.")
    if frames > 1 and (rate is None or abs(rate / fps - 1) > Fraction(1, 1000)):
        raise VideoError("wrong_rate", f"{name} has {float(rate or 0):g} frames a second, not {float(fps):g}.")
    return Film(frames, size, fps, path.stat().st_size)


def _same_size(found: tuple[int, int], size: tuple[int, int], name: str) -> None:
    if found != size:
        raise VideoError("wrong_size", f"{name} has {found[0]} × {found[1]} pixels, not {size[0]} × {size[1]}.")


def fetch(source: Path, to: Path, *, frames: int, size: tuple[int, int], fps: Fraction) -> Film:
    """Copy a film to `to`, which holds it whole and checked or is not touched. Raises VideoError as `check` does."""
    try:
        there = source.is_file()
    except (OSError, ValueError):  # a name that no system can have
        there = False
    if not there:
        raise VideoError("no_film", f"The server's job succeeded, and there is no film {source.name[:100]}.")
    to.parent.mkdir(parents=True, exist_ok=True)
    # One name per film, so that what a killed process left is written over: whoever fetches holds the film's job.
    part = to.with_name(f".{to.name}.tmp")
    try:
        with part.open("wb") as written, source.open("rb") as read:
            if os.fstat(read.fileno()).st_size > LARGEST:
                raise VideoError("unreadable_film", f"{source.name} has more than {LARGEST} bytes.")
            shutil.copyfileobj(read, written, 1 << 20)
            written.flush()
            os.fsync(written.fileno())
        film = check(part, frames=frames, size=size, fps=fps, called=source.name)
        part.replace(to)
    finally:
        part.unlink(missing_ok=True)
    folder = os.open(to.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return film
