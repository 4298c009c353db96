"""Pictures and sound in one file: H.264 and AAC in MP4, the same bytes for the same film, and checked once written."""

from __future__ import annotations

import math
import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from motet.video.errors import VideoError

if TYPE_CHECKING:
    from av import Packet, VideoFrame
    from av.audio.stream import AudioStream
    from av.container import OutputContainer
    from av.video.stream import VideoStream

__all__ = ["LARGEST", "SMALLEST", "Filmed", "Picture", "check_size", "dub", "replacing", "write"]

Bytes = npt.NDArray[np.uint8]
Samples = npt.NDArray[np.float32]

SMALLEST, LARGEST = 64, 4096
"""Pixels of a side."""
# x264 with one thread writes the same bytes every time, but with its macroblock tree: small films differed in 1 of 100 then,
# by what happened to lie in memory. At 20 what a soft note adds, some percent of the picture, is not lost.
H264 = {"preset": "veryfast", "crf": "20", "threads": "1", "x264-params": "threads=1:lookahead_threads=1:mbtree=0"}
KEYFRAMES = 10  # seconds between two at most
AAC_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 64000, 88200, 96000)
OTHER_RATE = 48000  # Hz, for sound of a rate that AAC does not know
SOUND_BITS = 96000  # a second and channel
# Measured on 16 s of stereo: two thirds of the time of the encoder's other way to weigh its steps, for 2 dB more noise (-27 dB).
AAC = {"aac_coder": "fast"}
BT709, LIMITED = 1, 1  # in FFmpeg's words for colour: how its planes hold a picture, 16 to 235


@dataclass(frozen=True)
class Picture:
    """One picture as films hold it: `planes` (3 h / 2, w), all of Y and below it U and V of half the height and width.

    BT.709, Y from 16 to 235.
    """

    planes: Bytes

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        rows, width = self.planes.shape
        return width, rows * 2 // 3

    @property
    def luma(self) -> Bytes:
        """(h, w)"""
        return self.planes[: self.size[1]]

    @property
    def chroma(self) -> tuple[Bytes, Bytes]:
        """Blue and red, (h / 2, w / 2) each."""
        width, height = self.size
        both = self.planes.reshape(-1)[width * height :].reshape(2, height // 2, width // 2)
        return both[0], both[1]

    def rgb(self) -> Bytes:
        """(h, w, 3)"""
        y = (self.luma.astype(np.float32) - 16) * np.float32(255 / 219)
        blue, red = (
            (plane.repeat(2, axis=0).repeat(2, axis=1).astype(np.float32) - 128) * np.float32(255 / 224) for plane in self.chroma
        )
        mixed = np.stack([y + 1.5748 * red, y - 0.1873 * blue - 0.4681 * red, y + 1.8556 * blue], axis=2)
        shown: Bytes = np.clip(np.rint(mixed), 0, 255).astype(np.uint8)
        return shown


@dataclass(frozen=True)
class Filmed:
    """What was written: `bytes` is the size of the file, `seconds` its pictures' length."""

    frames: int
    seconds: float
    width: int
    height: int
    fps: Fraction
    bytes: int


def check_size(size: tuple[int, int]) -> None:
    """Raises VideoError `wrong_size`: a film's sides are even numbers of pixels, from 64 to 4096."""
    if len(size) != 2 or any(side % 2 or not SMALLEST <= side <= LARGEST for side in size):
        shown = " x ".join(map(str, size))
        raise VideoError(
            "wrong_size", f"a picture of {shown} pixels cannot be filmed: both sides are even, {SMALLEST} to {LARGEST}"
        )


def write(
    path: Path,
    pictures: Iterable[Picture | Bytes],
    *,
    fps: Fraction,
    size: tuple[int, int],
    sound: tuple[Samples, int] | None = None,
    frames: int | None = None,
) -> Filmed:
    """Film `pictures` (as planes, or as RGB (h, w, 3)) of `size` (width, height), with `sound` (samples, Hz) cut or padded.

    Writes MP4 in one step: a file of that name is whole. Equal pictures and sound give equal bytes under the same versions
    of the libraries. The sound begins with the first picture to the sample, and is resampled to 48 kHz where AAC does not
    know its rate; peaks above full scale are cut off. `frames` is the number of pictures that there must be.
    Raises VideoError `wrong_size`, `wrong_rate`, `wrong_picture`, `no_pictures`, `wrong_length`, `wrong_sound`, `not_written`.
    """
    check_size(size)
    if not 1 <= fps <= 240:
        raise VideoError("wrong_rate", f"{float(fps):g} pictures a second cannot be filmed: 1 to 240 can")
    played = None if sound is None else _Sound.of(*sound)
    with replacing(path) as temporary:
        count = _film(temporary, pictures, fps, size, played, frames)
        _check(temporary, count, fps, size, played is not None)
        length = temporary.stat().st_size
    return Filmed(count, float(count / fps), *size, fps, length)


def dub(silent: Path, path: Path, *, sound: tuple[Samples, int]) -> Filmed:
    """Give the film `silent` another soundtrack, in a file of its own: its pictures stay as they are encoded.

    The sound (samples, Hz) is cut or padded to the pictures. Raises VideoError `no_pictures`, `wrong_sound`, `not_written`.
    """
    import av

    played = _Sound.of(*sound)
    with replacing(path) as temporary:
        try:
            with (
                av.open(os.fspath(silent)) as source,
                av.open(
                    os.fspath(temporary), "w", format="mp4", options={"movflags": "+faststart", "fflags": "+bitexact"}
                ) as container,
            ):
                seen = source.streams.video[0] if source.streams.video else None
                fps = seen.average_rate if seen else None
                if seen is None or not fps:
                    raise VideoError("no_pictures", f"{silent.name} holds no pictures")
                copied, heard, count = container.add_stream_from_template(seen), _audio(container, played), 0
                for packet in source.demux(seen):
                    if packet.dts is not None:
                        packet.stream = copied
                        container.mux(packet)
                        count += 1
                        heard.up_to(count, fps)
                heard.end(count, fps)
                size = seen.width, seen.height
        except av.FFmpegError as error:
            raise VideoError("not_written", f"the film could not be written: {error.strerror}") from error
        _check(temporary, count, fps, size, sound=True)
        return Filmed(count, float(count / fps), *size, fps, temporary.stat().st_size)


@dataclass(frozen=True)
class _Sound:
    samples: Samples
    rate: int

    @classmethod
    def of(cls, samples: Samples, rate: int) -> _Sound:
        if samples.ndim != 2 or samples.shape[1] not in (1, 2):
            raise VideoError("wrong_sound", f"sound of the shape {samples.shape} is not (frames, 1 or 2)")
        if not 1000 <= rate <= 384000:
            raise VideoError("wrong_sound", f"a sample rate of {rate} Hz is not between 1000 and 384000")
        if not np.isfinite(samples).all():
            raise VideoError("wrong_sound", "the sound holds numbers that are not finite")
        if rate in AAC_RATES:
            return cls(samples, rate)
        import soxr

        return cls(np.asarray(soxr.resample(samples, rate, OTHER_RATE, quality="VHQ"), np.float32), OTHER_RATE)

    def piece(self, start: int, stop: int) -> Samples:
        """The frames [start, stop) as (channels, frames), with silence past the end."""
        piece = np.zeros((self.samples.shape[1], stop - start), np.float32)
        held = self.samples[start:stop]
        np.clip(held.T, -1.0, 1.0, out=piece[:, : len(held)])
        return piece


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A name beside `path` to write under; what is there is synced and renamed when all went well, and removed when not."""
    temporary = path.with_name(f".film.{secrets.token_hex(6)}.tmp")
    try:
        yield temporary
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _film(
    path: Path,
    pictures: Iterable[Picture | Bytes],
    fps: Fraction,
    size: tuple[int, int],
    sound: _Sound | None,
    frames: int | None,
) -> int:
    import av

    try:
        with av.open(os.fspath(path), "w", format="mp4", options={"movflags": "+faststart", "fflags": "+bitexact"}) as container:
            seen = _video(container, fps, size)
            heard = None if sound is None else _audio(container, sound)
            count = 0
            for packets in _encoded(seen, pictures, fps, size):
                container.mux(packets)
                if heard is not None:
                    # A second of sound after a second of pictures: a player finds both near one another.
                    heard.up_to(count, fps)
                count += 1
            if not count:
                raise VideoError("no_pictures", "there are no pictures to film")
            if frames is not None and count != frames:
                raise VideoError("wrong_length", f"the film was to have {frames:,} pictures, and was given {count:,}")
            container.mux(seen.encode(None))
            if heard is not None:
                heard.end(count, fps)
    except av.FFmpegError as error:
        raise VideoError("not_written", f"the film could not be written: {error.strerror}") from error
    return count


def _video(container: OutputContainer, fps: Fraction, size: tuple[int, int]) -> VideoStream:
    stream = container.add_stream("libx264", rate=fps, options=H264)
    stream.width, stream.height = size
    stream.pix_fmt = "yuv420p"
    context = stream.codec_context
    context.time_base = 1 / fps
    context.gop_size = max(1, round(KEYFRAMES * fps))
    context.colorspace = context.color_primaries = context.color_trc = BT709
    context.color_range = LIMITED
    return stream


def _encoded(
    stream: VideoStream, pictures: Iterable[Picture | Bytes], fps: Fraction, size: tuple[int, int]
) -> Iterator[list[Packet[VideoStream]]]:
    for number, picture in enumerate(pictures):
        frame = _frame(picture, size)
        frame.pts, frame.time_base = number, 1 / fps
        yield stream.encode(frame)


def _frame(picture: Picture | Bytes, size: tuple[int, int]) -> VideoFrame:
    from av import VideoFrame

    if isinstance(picture, Picture):
        if picture.size != size:
            raise VideoError("wrong_picture", f"a picture of {picture.size} pixels does not fit into a film of {size}")
        frame = VideoFrame(*size, "yuv420p")
        for plane, values in zip(frame.planes, (picture.luma, *picture.chroma), strict=True):
            held = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
            held[: values.shape[0], : values.shape[1]] = values
        return frame
    if picture.dtype != np.uint8 or picture.shape != (size[1], size[0], 3):
        raise VideoError("wrong_picture", f"a picture of the shape {picture.shape} does not fit into a film of {size}")
    seen = VideoFrame.from_ndarray(np.ascontiguousarray(picture), "rgb24")
    return seen.reformat(format="yuv420p", dst_colorspace="ITU709")


def _audio(container: OutputContainer, sound: _Sound) -> _Track:
    channels = sound.samples.shape[1]
    stream = container.add_stream("aac", rate=sound.rate, layout="stereo" if channels == 2 else "mono", options=AAC)
    stream.bit_rate = SOUND_BITS * channels
    return _Track(container, stream, sound)


class _Track:
    """The film's sound, encoded as far as there are pictures."""

    def __init__(self, container: OutputContainer, stream: AudioStream, sound: _Sound) -> None:
        self.container, self.stream, self.sound = container, stream, sound
        self.done = 0

    def up_to(self, picture: int, fps: Fraction) -> None:
        """Encode the whole seconds before `picture`."""
        second = self.sound.rate
        while self.done + second <= picture / fps * self.sound.rate:
            self._encode(self.done + second)

    def end(self, pictures: int, fps: Fraction) -> None:
        """Encode the rest of a film of so many pictures."""
        last = math.floor(pictures / fps * self.sound.rate + Fraction(1, 2))
        if last > self.done:
            self._encode(last)
        self.container.mux(self.stream.encode(None))

    def _encode(self, stop: int) -> None:
        from av import AudioFrame

        frame = AudioFrame.from_ndarray(self.sound.piece(self.done, stop), "fltp", self.stream.layout.name)
        frame.sample_rate, frame.pts, frame.time_base = self.sound.rate, self.done, Fraction(1, self.sound.rate)
        self.container.mux(self.stream.encode(frame))
        self.done = stop


def _check(path: Path, frames: int, fps: Fraction, size: tuple[int, int], sound: bool) -> None:
    """Read back what was written."""
    import av

    with av.open(os.fspath(path)) as container:
        stream = container.streams.video[0]
        count = sum(packet.size > 0 for packet in container.demux(stream))
        found = (count, stream.average_rate, (stream.width, stream.height), len(container.streams.audio))
    if found != (frames, fps, size, int(sound)):
        raise VideoError("not_written", f"the film was written as {found}, not as {(frames, fps, size, int(sound))}")
