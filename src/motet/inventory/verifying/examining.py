"""What one audio or MIDI file holds, by decoding it. Runs in a child: on hostile bytes a decoder may hang, or crash."""

from __future__ import annotations

import ctypes
import math
import os
import resource
import signal
import stat
import sys
import threading
import time
from dataclasses import dataclass, field, replace
from io import BytesIO
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, TypeAlias

from motet.files.places import open_for_reading
from motet.inventory import tree
from motet.inventory.scanning.contents import look

if TYPE_CHECKING:  # heavy to load, and only children decode
    import numpy as np
    import numpy.typing as npt

Fault: TypeAlias = tree.Fault | Literal["undecodable", "timed_out"]
SILENT = 10 ** (-70 / 20)
"""Peak of full scale below which nothing is heard: -70 dBFS."""
RUN = 3
"""Full-scale samples in a row that count as clipping."""

_BLOCK = 1 << 18  # samples decoded at a time, over all channels
_MOST_MIDI = 64 << 20
_MEMORY = 2 << 30
_FULL = {"PCM_S8": 127 / 128, "PCM_U8": 127 / 128, "PCM_24": 1 - 2**-23, "PCM_32": 1 - 2**-24}  # what float32 can tell
_FULL_16 = 32767 / 32768  # also of what was coded by ear: MP3, Vorbis
_PLAIN = ("WAV", "WAVEX", "AIFF", "RF64", "W64", "AU", "CAF")
_SOUGHT = ("FLAC", "OGG")  # their last sample is found without decoding what comes before
_SLACK = 4608  # frames that MP3 decoders may differ by, at both ends together


@dataclass(frozen=True)
class Sample:
    """A file to look at: on disk (`file`), or its bytes."""

    path: str  # as told to people
    kind: Literal["audio", "midi"]
    size: int
    file: str = ""
    data: bytes = field(default=b"", repr=False)
    ends: bool = False  # of coded audio only the header and the last sample: all its bytes are there
    tag: Any = None  # the caller's own, never sent to a child


@dataclass(frozen=True)
class Sound:
    """Samples as decoded; figures of level are of full scale, and 0 where only decoding was asked for."""

    rate: int  # Hz
    channels: int
    frames: int
    peak: float = 0.0
    clipped: int = 0  # samples in runs of RUN or more at full scale
    runs: int = 0
    swing: float = 0.0  # widest distance between the lowest and highest sample of one channel
    not_finite: int = 0  # samples that are no numbers

    @property
    def seconds(self) -> float:
        return self.frames / self.rate


@dataclass(frozen=True)
class Song:
    """MIDI as read: its notes, their digest and the seconds to the end of the last."""

    notes: int
    digest: str
    seconds: float


@dataclass(frozen=True)
class Examined:
    """What became of one file: what it holds, or the fault in a word and a sentence. A truncated one may hold something too."""

    sound: Sound | None = None
    song: Song | None = None
    fault: Fault = ""
    sentence: str = ""
    ends: bool = False  # only the header and the last sample were decoded

    @property
    def seconds(self) -> float | None:
        held = self.sound or self.song
        return held.seconds if held else None


def start() -> None:
    """Prepare a fresh child: it dies with its parent, leaves no core file and may not eat all memory."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
        resource.setrlimit(resource.RLIMIT_DATA, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # a native loop must die at the first knock
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
        os.environ[name] = "1"
    nothing = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):  # decoders complain there, into a person's terminal
        os.dup2(nothing, stream)
    os.close(nothing)
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
    # Loaded before the first file's time begins.
    import soundfile  # noqa: F401

    import motet.midi  # noqa: F401


def examine_all(samples: list[Sample], deep: bool) -> list[Examined]:
    return [examine(sample, deep) for sample in samples]


def examine(sample: Sample, deep: bool) -> Examined:
    """Decode all of it; `deep` measures levels and the digest of notes too. Nothing about the file is raised."""
    try:
        if sample.file:
            with os.fdopen(open_for_reading(sample.file), "rb") as file:
                status = os.fstat(file.fileno())
                if not stat.S_ISREG(status.st_mode):
                    return Examined(fault="unreadable", sentence="It is not a file but a folder, a pipe or a device.")
                return _examined(sample, file, status.st_size, deep)
        return _examined(sample, BytesIO(sample.data), len(sample.data), deep)
    except OSError as error:
        return Examined(fault="unreadable", sentence=f"The system does not let us read it: {error.strerror or error}.")
    except ValueError as error:
        return Examined(fault="undecodable", sentence=f"It cannot be decoded: {error}.")
    except MemoryError:
        return Examined(fault="undecodable", sentence="Decoding it needs more memory than it may use.")


def _examined(sample: Sample, file: BinaryIO, size: int, deep: bool) -> Examined:
    def read(length: int, offset: int) -> bytes:
        file.seek(offset)
        return file.read(length)

    seen, detail = look(sample.path.rpartition("/")[2], sample.kind, size, read)
    if seen and seen != "truncated":
        return Examined(fault=seen, sentence=sentence(seen, detail))
    file.seek(0)
    held = _midi(file, size, deep) if sample.kind == "midi" else _audio(sample, file, size, deep)
    return replace(held, fault=seen, sentence=sentence(seen, detail)) if seen else held


def sentence(fault: Fault, detail: str) -> str:
    """What `contents.look` saw, for people."""
    behind = f": {detail}" if detail else ""
    match fault:
        case "empty":
            return "It has 0 bytes."
        case "lfs_pointer":
            return f"It is a Git-LFS pointer{f' ({detail})' if detail else ''}, not the content."
        case "web_page":
            return "It is a page of a web server, not the content."
        case "other_kind":
            return f"Its content is not of the kind that its name says{behind}."
        case "truncated":
            return f"It is cut short{behind}."
        case _:
            return f"It cannot be used{behind}."


def _midi(file: BinaryIO, size: int, deep: bool) -> Examined:
    from motet.midi import Unreadable, notes_digest, read

    if size > _MOST_MIDI:
        return Examined(fault="undecodable", sentence=f"It has {size:,} bytes, more than a MIDI file of {_MOST_MIDI:,}.")
    try:
        score = read(file.read(_MOST_MIDI))
        return Examined(song=Song(len(score.notes), notes_digest(score) if deep else "", score.duration))
    except Unreadable as error:
        fault: Fault = "truncated" if error.reason == "truncated" else "undecodable"
        return Examined(fault=fault, sentence=f"It is no MIDI that can be used: {error.detail}.")


def _audio(sample: Sample, file: BinaryIO, size: int, deep: bool) -> Examined:
    import soundfile

    try:
        # A descriptor of its own is read without Python between; closing it is libsndfile's.
        source: Any = os.dup(file.fileno()) if sample.file else file
        with soundfile.SoundFile(source) as opened:
            if opened.samplerate <= 0 or opened.channels <= 0:
                return Examined(fault="undecodable", sentence="Its header names no rate or no channels.")
            ends = sample.ends and not deep and opened.format in _SOUGHT and opened.frames > 0
            sound, broken = _last(opened) if ends else _levels(opened, deep)
            declared, at = opened.frames, file.seek(0, os.SEEK_CUR)
    except soundfile.SoundFileError as error:
        return Examined(fault="undecodable", sentence=f"It cannot be decoded: {_words(error)}.")
    short = 0 < declared < 1 << 62 and sound.frames < declared - _SLACK
    if short and (not broken or at >= size):
        told = f"It ends before the {declared:,} frames that its header names: {sound.frames:,} could be decoded block by block."
        return Examined(sound=sound, fault="truncated", sentence=told)
    if broken:
        told = f"It cannot be decoded beyond frame {sound.frames:,} of {declared:,}: {broken}."
        return Examined(sound=sound, fault="undecodable", sentence=told)
    if sound.frames == 0:
        return Examined(sound=sound, fault="empty", sentence="It is audio without a single sample.")
    return Examined(sound=sound, ends=ends)


def _last(opened: Any) -> tuple[Sound, str]:
    """As if all were decoded, if the last sample can be."""
    import soundfile

    try:
        opened.seek(opened.frames - 1)
        return Sound(opened.samplerate, opened.channels, opened.frames - 1 + len(opened.read(1, dtype="float32"))), ""
    except soundfile.SoundFileError as error:
        return Sound(opened.samplerate, opened.channels, 0), _words(error)


def _levels(opened: Any, deep: bool) -> tuple[Sound, str]:
    """What can be decoded, and in a few words what ended it early."""
    import numpy as np
    import soundfile

    rate, channels = opened.samplerate, opened.channels
    if not deep and opened.format in _PLAIN and opened.subtype.startswith("PCM_") and opened.frames > 0:
        opened.seek(opened.frames - 1)  # samples as they are need no decoding: the last one tells that all are there
        return Sound(rate, channels, opened.frames - 1 + len(opened.read(1, dtype="float32"))), ""
    block = np.empty((max(1, _BLOCK // channels), channels), np.float32)
    meter = _Meter(channels, _FULL.get(opened.subtype, _FULL_16)) if deep else None
    frames, broken = 0, ""
    try:
        while n := len(part := opened.read(out=block)):
            frames += n
            if meter:
                meter.add(part)
    except soundfile.SoundFileError as error:
        broken = _words(error)
    return (meter.told(rate, frames) if meter else Sound(rate, channels, frames)), broken


def _words(error: Exception) -> str:
    return (getattr(error, "error_string", "") or str(error)).rstrip(".")


class _Meter:
    """Levels over blocks, the runs of full-scale samples across their borders too."""

    def __init__(self, channels: int, full: float) -> None:
        import numpy as np

        self._full = np.float32(full)
        self._low = np.full(channels, np.inf, np.float32)
        self._high = np.full(channels, -np.inf, np.float32)
        self._open = [0] * channels  # full-scale samples at the end of what was seen
        self._clipped = self._runs = self._not_finite = 0

    def add(self, block: npt.NDArray[np.float32]) -> None:
        """A block (frames, channels)."""
        import numpy as np

        lines = np.ascontiguousarray(block.T)  # a channel after the other: minima over short rows take thirty times as long
        low, high = lines.min(axis=1), lines.max(axis=1)
        if not (np.isfinite(low).all() and np.isfinite(high).all()):
            finite = np.isfinite(lines)
            self._not_finite += int(lines.size - finite.sum())
            lines = np.where(finite, lines, np.float32(0))
            low, high = lines.min(axis=1), lines.max(axis=1)
        self._low, self._high = np.minimum(self._low, low), np.maximum(self._high, high)
        for channel, line in enumerate(lines):
            if max(high[channel], -low[channel]) < self._full:
                self._end_runs(channel)
            else:
                self._add_runs(channel, np.abs(line) >= self._full)

    def _add_runs(self, channel: int, full: npt.NDArray[np.bool_]) -> None:
        import numpy as np

        edges = np.flatnonzero(np.diff(full, prepend=False, append=False))
        starts, ends = edges[::2].tolist(), edges[1::2].tolist()
        if not starts or starts[0] > 0:
            self._end_runs(channel)
        for begin, end in zip(starts, ends, strict=True):
            self._open[channel] += end - begin
            if end < len(full):
                self._end_runs(channel)

    def _end_runs(self, channel: int) -> None:
        if self._open[channel] >= RUN:
            self._clipped += self._open[channel]
            self._runs += 1
        self._open[channel] = 0

    def told(self, rate: int, frames: int) -> Sound:
        channels = len(self._open)
        for channel in range(channels):
            self._end_runs(channel)
        if not frames:
            return Sound(rate, channels, 0, not_finite=self._not_finite)
        peak = float(max(self._high.max(), -self._low.min()))
        swing = float((self._high - self._low).max())
        return Sound(rate, channels, frames, peak, self._clipped, self._runs, swing, self._not_finite)


def decibels(level: float) -> float:
    """dBFS of a level of full scale."""
    return 20 * math.log10(level) if level > 0 else -math.inf
