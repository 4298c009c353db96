"""A film read back from its file: small pictures with the moments at which they are shown, and the soundtrack.

Nothing that the file says of itself is believed: pictures are decoded and counted, and their moments are their time stamps.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from motet.audio.channels import downmix
from motet.audio.containers import Source, opened, refuse
from motet.audio.decoding import open_recording
from motet.audio.errors import Unusable
from motet.video.errors import VideoError

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.stream import Stream
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

__all__ = ["Footage", "Picture", "Soundtrack", "limits", "open_footage", "soundtrack"]

CONTAINERS = "apng asf avi flv gif matroska,webm mov,mp4,m4a,3gp,3g2,mj2 mpeg mpegts ogg"
LONGEST = 3600.0  # seconds
LARGEST = 8192 * 8192  # pixels of a picture
MOST_PER_SECOND = 1000  # pictures
SMALL = 96  # pixels of the longer side of a small picture
SLACK = 1.0  # seconds by which a film may be shorter than it tells
LEAST = 8  # pixels of the shorter side
COPY_RATE, FASTEST = 11025, 13000  # Hz, about; of the mono copy of a soundtrack
BALANCE = np.array([0.625, 0.375], np.float32)  # of left and right in it: unequal, so that opposite channels do not cancel
NEVER_DECODED = frozenset("ansi bethsoftvid idf xbin".split())  # text and games, not films


@dataclass(frozen=True, eq=False)
class Picture:
    """One picture, from `seconds` after the first one on.

    `planes` (3, height, width) is uint8 in full range: luma, blue and red chroma, averaged over areas so that the longer side
    has at most 96 pixels. `key` tells a picture that the encoder wrote without regard to those before.
    """

    seconds: Fraction
    key: bool
    planes: npt.NDArray[np.uint8]


class Footage:
    """An open film: what is known of it at once, and its pictures once, from the first to the last."""

    called: str
    codec: str
    width: int
    height: int
    fps: Fraction
    """pictures a second: what the file tells, and after the last picture what its time stamps say"""
    steady: bool
    """after the last picture: is each shown for equally long?"""
    has_sound: bool
    frames: int
    """pictures decoded so far"""

    def __init__(self, source: Source, container: InputContainer, longest: float) -> None:
        """Raises VideoError `no_picture`, `unknown_codec`, `odd_size`."""
        from av.video.stream import VideoStream

        self.called, self._source, self._longest = source.called, source, longest
        self.has_sound = bool(container.streams.audio)
        shown = [stream for stream in container.streams.video if not _is_cover(stream)]
        if not shown:
            raise VideoError("no_picture", f"{self.called} has no moving picture")
        stream = shown[0]
        assert isinstance(stream, VideoStream)
        if stream.codec_context is None:
            raise VideoError("unknown_codec", f"{self.called} is in a codec that cannot be decoded")
        self.codec = stream.codec_context.name
        self.width, self.height = stream.width, stream.height
        self._check_size(self.width, self.height)
        stream.codec_context.thread_count = 1
        self._told, self._told_seconds = stream.frames, _told_seconds(container, stream)
        rates = (stream.average_rate, stream.guessed_rate, stream.base_rate)
        self.fps = next((Fraction(rate) for rate in rates if rate and 0 < rate <= MOST_PER_SECOND), Fraction(0))
        self.frames, self.steady = 0, True
        self._lost = 0
        self._container, self._stream = container, stream
        self._begun = False

    def _check_size(self, width: int, height: int) -> None:
        if width < LEAST or height < LEAST or width * height > LARGEST:
            raise VideoError("odd_size", f"the pictures of {self.called} are {width} × {height} pixels")

    def pictures(self) -> Iterator[Picture]:
        """Its pictures in the order in which they are shown. Can be called once.

        Raises VideoError `no_picture` (none can be decoded), `truncated` (fewer came than the file tells of), `damaged`
        (packets amid them cannot be decoded), `size_changes`, `too_long`, `odd_rate`, `unreadable`.
        """
        from av.error import FFmpegError

        if self._begun:
            raise RuntimeError("the pictures of a film can be taken once")
        self._begun = True
        moments: list[Fraction] = []
        try:
            for frame in self._decoded():
                if (frame.width, frame.height) != (self.width, self.height):
                    words = f"{self.width} × {self.height} to {frame.width} × {frame.height}"
                    raise VideoError("size_changes", f"the pictures of {self.called} change from {words} pixels")
                moment = self._moment(frame, moments)
                if moments and moment - moments[0] > self._longest:
                    raise VideoError("too_long", f"{self.called} is longer than {self._longest / 60:.4g} minutes")
                moments.append(moment)
                self.frames += 1
                if self.frames > self._longest * MOST_PER_SECOND:
                    raise VideoError("odd_rate", f"{self.called} has more than {MOST_PER_SECOND} pictures a second")
                yield Picture(moment - moments[0], bool(frame.key_frame), self._small(frame))
        except FFmpegError as error:
            raise VideoError("damaged", f"{self.called} cannot be read further: {error.strerror}") from None
        try:
            self._source.check()
        except Unusable as error:
            raise VideoError(error.reason, error.detail) from None
        self._judge(moments)

    def _decoded(self) -> Iterator[VideoFrame]:
        """What can be decoded; packets that cannot count as lost."""
        from av.error import FFmpegError
        from av.video.frame import VideoFrame

        for packet in self._container.demux(self._stream):
            try:
                frames = packet.decode()
            except FFmpegError:
                self._lost += 1
                continue
            for frame in frames:
                if isinstance(frame, VideoFrame):
                    self._lost += bool(frame.is_corrupt)
                    yield frame

    def _moment(self, frame: VideoFrame, moments: list[Fraction]) -> Fraction:
        """Seconds on the file's own clock; a picture without a time stamp, or with one that turns back, follows the last."""
        step = 1 / self.fps if self.fps else Fraction(1, 25)
        stamp = frame.pts * frame.time_base if frame.pts is not None and frame.time_base is not None else None
        if not moments:
            return stamp if stamp is not None else Fraction(0)
        return stamp if stamp is not None and stamp > moments[-1] else moments[-1] + step

    def _small(self, frame: VideoFrame) -> npt.NDArray[np.uint8]:
        shrink = min(1.0, SMALL / max(self.width, self.height))
        width, height = max(LEAST, round(self.width * shrink)), max(LEAST, round(self.height * shrink))
        small = frame.reformat(width, height, "yuv444p", interpolation="AREA", dst_color_range="JPEG", threads=1)
        return np.stack([np.frombuffer(memoryview(plane), np.uint8).reshape(height, -1)[:, :width] for plane in small.planes])

    def _judge(self, moments: list[Fraction]) -> None:
        if not moments:
            raise VideoError("no_picture", f"no picture of {self.called} can be decoded")
        if self._told and self.frames + 2 < self._told:
            raise VideoError("truncated", f"{self.called} tells of {self._told:,} pictures, {self.frames:,} came")
        lasting = moments[-1] - moments[0]
        if self._told_seconds is not None and lasting + SLACK < self._told_seconds:
            words = f"{self._told_seconds:.2f} s, {float(lasting):.2f} s of pictures came"
            raise VideoError("truncated", f"{self.called} tells of {words}")
        if self._lost:
            parts = "a part" if self._lost == 1 else f"{self._lost:,} parts"
            raise VideoError("damaged", f"{parts} of the picture of {self.called} cannot be decoded")
        if len(moments) < 2:
            self.fps = self.fps or Fraction(1)
            return
        gaps = np.diff(np.array(moments, np.float64))
        measured = (len(moments) - 1) / (moments[-1] - moments[0])
        clock = float(self._stream.time_base or 0)
        self.steady = bool(np.all(np.abs(gaps - float(1 / measured)) <= clock * 1.01 + 1e-9))
        # A told rate stands where the time stamps, whole ticks of the file's clock, allow it.
        slack = 2 * clock / float(moments[-1] - moments[0]) + 1e-6
        if not self.fps or (self.steady and abs(float(measured / self.fps) - 1) > slack):
            self.fps = measured.limit_denominator(1001)
        if not 0 < self.fps <= MOST_PER_SECOND:
            raise VideoError("odd_rate", f"{self.called} has {float(measured):,.3f} pictures a second")


def _is_cover(stream: VideoStream) -> bool:
    from av.stream import Disposition

    return bool(stream.disposition & (Disposition.attached_pic | Disposition.still_image | Disposition.timed_thumbnails))


def _told_seconds(container: InputContainer, stream: VideoStream) -> float | None:
    """How long the file says its picture is; None where it does not, or speaks of picture and sound together."""
    if stream.duration and stream.time_base and stream.duration > 0:
        return float(stream.duration * stream.time_base)
    if found := re.fullmatch(r"(\d{1,4}):(\d\d):(\d\d(?:\.\d+)?)", stream.metadata.get("DURATION", "")):
        return int(found[1]) * 3600 + int(found[2]) * 60 + float(found[3])
    alone = not container.streams.audio and container.format.name.partition(",")[0] in ("avi", "matroska", "mov")
    return container.duration / 1e6 if alone and container.duration and container.duration > 0 else None


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
    formats = CONTAINERS.replace(" ", ",")
    return {"format_whitelist": formats, "codec_whitelist": ",".join(decoders), "protocol_whitelist": "none"}


@contextmanager
def open_footage(path: Path, *, longest: float = LONGEST) -> Iterator[Footage]:
    """A film, of which at most `longest` seconds are read.

    Raises VideoError `missing`, `not_a_file`, `empty`, `lfs_pointer`, `web_page`, `truncated` (its index is cut off),
    `not_video` (another kind of file), `unreadable`, and what `Footage` says.
    """
    import av
    from av.error import FFmpegError

    try:
        with opened(path) as file:
            source = Source(file, path.name)
            source.check_head()
            try:
                container = av.open(
                    source, "r", options=limits(), metadata_encoding="utf-8", metadata_errors="replace", io_open=refuse
                )
            except (FFmpegError, ValueError) as error:
                source.refused(error)
            with container:
                yield Footage(source, container, longest)
    except Unusable as error:
        if error.reason in ("not_sound", "unreadable"):
            raise VideoError("not_video", error.detail.replace("no recording", "no film")) from None
        raise VideoError(error.reason, error.detail) from None


@dataclass(frozen=True, eq=False)
class Soundtrack:
    """The sound of a film: a mono `copy` (float32, full scale 1.0) of about 11 kHz, whose first sample is heard `start` seconds
    after the first picture is shown; `peak` is linear, of all channels."""

    copy: npt.NDArray[np.float32]
    rate: float
    start: float
    seconds: float
    peak: float


def soundtrack(path: Path, *, longest: float = LONGEST) -> Soundtrack | None:
    """The sound of a film; None for a silent one. Raises VideoError `unreadable`, `too_long`, `not_finite`, …

    The copy has no anti-alias filter: what shimmers above its band folds into it, so that cymbals are heard.
    """
    pieces, peak, came = [], 0.0, 0
    try:
        with open_recording(path, longest=longest) as recording:
            factor = max(1, round(recording.rate / COPY_RATE))
            for block in recording.blocks((1 << 15) // factor * factor):
                mono = block @ BALANCE if block.shape[1] == 2 else downmix(block, recording.layout, 1)[:, 0]
                peak = max(peak, float(block.max()), -float(block.min()))
                came += len(block)
                whole = len(mono) // factor * factor
                pieces.append(mono[:whole].reshape(-1, factor).mean(axis=1))
            rate = recording.rate
    except Unusable as error:
        if error.reason == "no_sound":
            return None
        raise VideoError(error.reason, error.detail) from None
    copy = np.concatenate(pieces).astype(np.float32) if pieces else np.zeros(0, np.float32)
    copy_rate = rate / factor
    if copy_rate > FASTEST:  # 16 kHz, of the usual rates
        moments = np.arange(int(len(copy) * COPY_RATE / copy_rate)) * (copy_rate / COPY_RATE)
        copy, copy_rate = np.interp(moments, np.arange(len(copy)), copy).astype(np.float32), COPY_RATE
    return Soundtrack(copy, copy_rate, _sound_starts(path), came / rate, peak)


def _sound_starts(path: Path) -> float:
    """Seconds from the first picture to the first sample, by the time stamps of both."""
    import av

    with opened(path) as file, av.open(Source(file, path.name), "r", options=limits(), io_open=refuse) as container:
        seen, heard = (_start(container.streams.best(kind)) for kind in ("video", "audio"))
    return float(heard - seen)


def _start(stream: Stream | None) -> Fraction:
    if stream is None or stream.start_time is None or stream.time_base is None:
        return Fraction(0)
    return stream.start_time * stream.time_base
