"""Recordings read piece by piece: sound in any container and codec that PyAV's FFmpeg knows, and nothing outside the file."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from motet.audio.containers import Source, clean, limits, opened, refuse
from motet.audio.errors import Unusable

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.audio.stream import AudioStream
    from av.container import InputContainer

__all__ = ["Fault", "Recording", "Samples", "open_recording"]

Samples = npt.NDArray[np.float32]
"""Sound: float32 (frames, channels), full scale 1.0."""

LONGEST = 6 * 3600.0  # seconds
RATES = (1_000, 768_000)  # Hz
MOST_CHANNELS = 64
LOUDEST = 2.0**20  # full scales: beyond +120 dB no number of a file is a sample, and sums of squares overflow
SLACK = 0.25  # seconds by which what a header tells and what comes may differ: delays and paddings of encoders
COUNTED = frozenset("aiff ape asf au caf dsf flac matroska mov mpc mpc8 ogg tak tta w64 wav wv".split())
"""Containers that tell how long the sound is; of the others FFmpeg guesses from the bit rate."""


@dataclass(frozen=True)
class Fault:
    """What was wrong with a recording whose sound, or a part of it, came nevertheless."""

    reason: str
    """`truncated`: less came than the file tells of; `damaged`: packets amid it could not be decoded, and are left out."""
    detail: str
    seconds: float
    """that came"""
    lost: int
    """packets, mostly of 5 to 100 ms each, that could not be decoded"""


class Recording:
    """An open recording: what is known of it, and its sound once, from beginning to end."""

    rate: int
    """Hz of the first decoded frame, 1,000 to 768,000; headers are not believed"""
    channels: int
    """1 to 64, of the first decoded frame"""
    layout: str
    """FFmpeg's name: `mono`, `stereo`, `5.1(side)`, …; `3 channels` where the file does not say which three"""
    told_seconds: float | None
    """what the file itself tells, or None where it tells nothing that it counted"""
    codec: str
    container: str
    tags: dict[str, str]
    """names in lower case; no control characters, bounded in number and length"""
    fault: Fault | None
    """known when `blocks` has ended; None before, and where nothing was wrong"""

    def __init__(self, source: Source, container: "InputContainer", longest: float) -> None:
        """Raises Unusable `no_sound`, `unknown_codec`, `protected`, `odd_rate`, `odd_channels`, `unreadable`."""
        from av.audio.stream import AudioStream

        stream = container.streams.best("audio")
        if not isinstance(stream, AudioStream):
            raise Unusable("no_sound", f"{source.called} has no audio stream")
        self._source, self._longest = source, longest
        self._lost = self._doubted = self._came = 0
        self._broke: str | None = None
        self.container = container.format.name.partition(",")[0]
        self.codec = _codec(stream, source)
        self.tags = _tags(container.metadata, stream.metadata)
        stream.codec_context.thread_count = 1
        self._frames = self._decoded(container, stream)
        self._first = next(self._frames, None)
        if self._first is None:
            source.check()
            if self._lost or self._doubted or self._broke:
                raise Unusable("unreadable", f"nothing of the {self.codec} sound of {source.called} can be decoded")
            raise Unusable("no_sound", f"{source.called} has an audio stream with nothing in it")
        self.rate = self._first.sample_rate
        self.channels, self.layout = _layout(self._first)
        if not RATES[0] <= self.rate <= RATES[1]:
            raise Unusable("odd_rate", f"{source.called} has {self.rate:,} samples a second, not {RATES[0]:,} to {RATES[1]:,}")
        if not 1 <= self.channels <= MOST_CHANNELS:
            raise Unusable("odd_channels", f"{source.called} has {self.channels:,} channels, not 1 to {MOST_CHANNELS}")
        self.fault = None
        self.told_seconds = self._told(container, stream)
        self._wanted = _wanted(self.container, self.codec, container.metadata, self.told_seconds, self.rate)

    def _told(self, container: "InputContainer", stream: "AudioStream") -> float | None:
        if self.container not in COUNTED and not (self.container == "mp3" and self._source.counts_frames()):
            return None
        if stream.duration and stream.time_base and stream.duration > 0:
            return float(stream.duration * stream.time_base)
        if container.streams.video or not container.duration or container.duration <= 0:
            return None  # of a film it is the picture's length, too
        # Matroska is told where it ends on its clock.
        late = float(stream.start_time * stream.time_base) if stream.start_time and stream.time_base else 0.0
        return container.duration / 1e6 - (max(0.0, late) if container.format.name.startswith("matroska") else 0.0)

    def blocks(self, frames: int = 1 << 16) -> Iterator[Samples]:
        """Its sound in blocks of `frames`, the last one shorter. Can be called once; afterwards `fault` is known.

        What an encoder put before and behind the sound is left out where the file tells of it. Where rate or channels change
        midway, the rest is made like the beginning (in Ogg the recording ends there: FFmpeg reads no such chains). What cannot
        be decoded is left out. Raises Unusable `not_finite` (a sample is NaN, infinite or beyond +120 dBFS), `too_long`,
        `unreadable` (the disk fails).
        """
        if self._first is None:
            raise RuntimeError("the blocks of a recording can be taken once")
        block, filled = np.empty((frames, self.channels), np.float32), 0
        for part in self._whole():
            while len(part):
                taken = part[: frames - filled]
                block[filled : filled + len(taken)] = taken
                part, filled = part[len(taken) :], filled + len(taken)
                if filled == frames:
                    yield self._checked(block)
                    block, filled = np.empty((frames, self.channels), np.float32), 0
        if filled:
            yield self._checked(block[:filled])
        self._source.check()
        self.fault = self._judged()

    def _checked(self, block: Samples) -> Samples:
        if not (block.min() >= -LOUDEST and block.max() <= LOUDEST):
            wrong = int(np.argmin((np.abs(block) <= LOUDEST).all(axis=1)))
            second = (self._came + wrong) / self.rate
            raise Unusable("not_finite", f"{self._source.called} has a sample that is no level of sound, at {second:.3f} s")
        self._came += len(block)
        if self._came > self._longest * self.rate:
            raise Unusable("too_long", f"{self._source.called} is longer than {self._longest / 3600:.4g} hours")
        return block

    def _whole(self) -> Iterator[Samples]:
        """The decoded frames; what reaches beyond the told end is padding if nothing follows it."""
        held: Samples | None = None
        came = 0
        for part in self._alike():
            if held is not None:
                yield held
                held, self._wanted = None, None
            if self._wanted is not None and came + len(part) > self._wanted:
                held = part
            else:
                yield part
                came += len(part)
        if held is not None and self._wanted is not None:
            yield held[: max(0, self._wanted - came)]

    def _alike(self) -> Iterator[Samples]:
        """Each decoded frame with the first one's rate and channels."""
        from av import AudioResampler
        from av.error import FFmpegError

        first, self._first = self._first, None
        assert first is not None
        own = (first.sample_rate, first.layout.name)
        converter, converts = None, None
        frame: AudioFrame | None = first
        try:
            while frame is not None:
                kind = (frame.sample_rate, frame.layout.name, frame.format.name)
                if converter is not None and kind != converts:
                    yield from map(_samples, converter.resample(None))
                    converter = converts = None
                if kind[:2] == own and kind[2].removesuffix("p") in SCALES:
                    yield _samples(frame)
                else:
                    if converter is None:
                        converter, converts = AudioResampler("flt", first.layout.name, first.sample_rate), kind
                    frame.pts = None  # of another clock
                    yield from map(_samples, converter.resample(frame))
                frame = next(self._frames, None)
            if converter is not None:
                yield from map(_samples, converter.resample(None))
        except (FFmpegError, ValueError):  # only the converter raises them
            self._broke = "what follows has another rate or other channels"

    def _decoded(self, container: "InputContainer", stream: "AudioStream") -> Iterator["AudioFrame"]:
        """What can be decoded. Packets that cannot count as lost only between two that can: tags often stand at the ends."""
        from av.error import FFmpegError, PatchWelcomeError

        packets = container.demux(stream)
        begun = False
        while True:
            try:
                packet = next(packets, None)
            except PatchWelcomeError:
                self._broke = "what follows has another rate or other channels"
                return
            except FFmpegError as error:
                self._broke = error.strerror or "the file ends too early"
                return
            if packet is None:
                return
            try:
                frames = packet.decode()
            except FFmpegError:
                self._doubted += begun or packet.size > 0
                continue
            for frame in frames:
                if frame.samples:
                    if begun:
                        self._lost += self._doubted
                    begun, self._doubted = True, 0
                    yield frame

    def _judged(self) -> Fault | None:
        seconds, told = self._came / self.rate, self.told_seconds
        if told is not None and seconds < told - SLACK:
            return Fault("truncated", f"{self._source.called} tells of {told:.2f} s, {seconds:.2f} s came", seconds, self._lost)
        if self._broke or (words := self._source.cut(self.container)):
            return Fault("truncated", f"{self._source.called} is cut off: {self._broke or words}", seconds, self._lost)
        if self._lost:
            parts = "a part" if self._lost == 1 else f"{self._lost:,} parts"
            return Fault("damaged", f"{parts} of {self._source.called} cannot be decoded", seconds, self._lost)
        return None


@contextmanager
def open_recording(source: Path | bytes, *, longest: float = LONGEST) -> Iterator[Recording]:
    """A recording, or the best audio stream of a video, of which at most `longest` seconds are read.

    Raises Unusable `missing`, `not_a_file`, `empty`, `lfs_pointer`, `web_page`, `not_sound` (another kind of file),
    `truncated` (its header or its index is cut off), `unreadable`, and what `Recording` says.
    """
    import av
    from av.error import FFmpegError

    with opened(source) as file:
        origin = Source(file, source.name if isinstance(source, Path) else "the recording")
        origin.check_head()
        try:
            container = av.open(
                origin, "r", options=limits(), metadata_encoding="utf-8", metadata_errors="replace", io_open=refuse
            )
        except (FFmpegError, ValueError) as error:
            origin.refused(error)
        with container:
            try:
                recording = Recording(origin, container, longest)
            except FFmpegError as error:
                origin.refused(error)
            yield recording


def _codec(stream: "AudioStream", source: Source) -> str:
    context = stream.codec_context
    try:
        tag = context.codec_tag if context is not None else ""
    except UnicodeDecodeError:  # four bytes of any kind
        tag = ""
    if tag in ("drms", "enca", "aavd"):
        raise Unusable("protected", f"{source.called} is locked by copy protection")
    if context is None:
        raise Unusable("unknown_codec", f"{source.called} is in a codec that cannot be decoded")
    return context.name.removesuffix("float")


def _layout(frame: "AudioFrame") -> tuple[int, str]:
    channels = frame.layout.nb_channels
    name = frame.layout.name
    if re.fullmatch(r"[12] channels", name):
        return channels, "mono" if channels == 1 else "stereo"
    return channels, clean(name)[:200]


# FFmpeg's sample formats, and what makes full scale 1.0; the rest (64-bit integers) is converted
SCALES: dict[str, tuple[float, float]] = {
    "u8": (1 / 128, -1.0), "s16": (1 / 2**15, 0.0), "s32": (1 / 2**31, 0.0), "flt": (1.0, 0.0), "dbl": (1.0, 0.0),
}  # fmt: skip


def _samples(frame: "AudioFrame") -> Samples:
    scale, shift = SCALES[frame.format.name.removesuffix("p")]
    array = frame.to_ndarray()
    shaped = array.T if frame.format.is_planar else array.reshape(-1, frame.layout.nb_channels)
    if scale == 1.0:
        with np.errstate(over="ignore"):  # a double beyond float32 is told as not finite
            return shaped.astype(np.float32, copy=False)
    samples: Samples = np.multiply(shaped, np.float32(scale), dtype=np.float32, casting="unsafe")
    return samples + np.float32(shift) if shift else samples


def _wanted(container: str, codec: str, metadata: dict[str, str], told: float | None, rate: int) -> int | None:
    """Frames without the padding at the end, where it is still in: iTunes's count, or the track's own."""
    if container != "mov" and (container, codec) != ("ogg", "vorbis"):
        return None
    fields = next((value for key, value in metadata.items() if key.lower() == "itunsmpb"), "").split()
    if len(fields) >= 4 and re.fullmatch("[0-9A-Fa-f]{16}", fields[3]) and 0 < int(fields[3], 16) < 1 << 40:
        return int(fields[3], 16)
    return round(told * rate) if told is not None else None


MOST_TAGS, LONGEST_NAME, LONGEST_TAG = 100, 64, 1_000  # of a file; characters of each


def _tags(*parts: dict[str, str]) -> dict[str, str]:
    tags: dict[str, str] = {}
    for part in parts:
        for key, value in part.items():
            name, words = clean(key[: 4 * LONGEST_NAME])[:LONGEST_NAME].lower(), clean(value[: 4 * LONGEST_TAG])[:LONGEST_TAG]
            if name and words and len(tags) < MOST_TAGS:
                tags.setdefault(name, words)
    return tags
