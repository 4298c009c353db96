"""Recordings at one rate, with so many channels and within a length: decoded, resampled and stored in blocks."""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from motet.audio.errors import Unusable
from motet.inventory.scanning import contents
from motet.inventory.tree import Fault

__all__ = ["AudioFormat", "Fit", "Sound", "Unusable", "at_rate", "fault", "flattened", "read", "stored"]

AudioFormat = Literal["flac", "wav"]
Samples = npt.NDArray[np.float32]

BLOCK = 1 << 16  # frames decoded or written at a time
MOST_CHANNELS = 64
LOWEST_RATE, HIGHEST_RATE = 1000, 768_000
FLAC_CHANNELS, FLAC_RATE = 8, 655_350
# What these hold is told by guesses of their headers: an MP3's frames are counted by size, Vorbis may be cut and joined.
_COUNTED_LOOSELY = ("VORBIS", "OPUS", "MPEG_LAYER_I", "MPEG_LAYER_II", "MPEG_LAYER_III")


@dataclass(frozen=True)
class Fit:
    """What a recording is made to fit. `rate` in Hz and `channels`: 0 leaves them as they are; lengths in seconds."""

    rate: int
    channels: Literal[0, 1, 2]
    shortest: float
    longest: float
    too_long: Literal["trim", "drop"]


@dataclass(frozen=True, eq=False)
class Sound:
    """A recording as it was made to fit. `samples` are float32 (frames, channels), full scale 1.0, in a temporary file."""

    samples: Samples
    rate: int
    raw_rate: int
    raw_channels: int
    raw_seconds: float
    trimmed: bool

    @property
    def seconds(self) -> float:
        return len(self.samples) / self.rate


def fault(name: str, source: bytes | Path) -> tuple[Fault, str]:
    """What the first bytes and the headers of a file say is wrong with it, and a few words; ("", "") if nothing."""
    with _file(source) as file:
        size = file.seek(0, os.SEEK_END)

        def part(length: int, offset: int) -> bytes:
            file.seek(offset)
            data: bytes = file.read(length)
            return data

        return contents.look(name, contents.kind_of(name), size, part)


@contextmanager
def read(source: bytes | Path, fit: Fit, folder: Path) -> Iterator[Sound]:
    """An audio file (its bytes or its path) made to fit, with its samples in a file of `folder` that goes with the context.

    Raises Unusable `unreadable`, `truncated`, `no_sound`, `too_short`, `too_long`.
    """
    with _opened(source) as file, tempfile.TemporaryFile(dir=folder) as spool:
        raw_rate, raw_channels = int(file.samplerate), int(file.channels)
        if not (LOWEST_RATE <= raw_rate <= HIGHEST_RATE and 1 <= raw_channels <= MOST_CHANNELS):
            raise Unusable("unreadable", f"its header tells {raw_rate:,} Hz and {raw_channels} channels")
        told = file.frames / raw_rate
        if fit.too_long == "drop" and told > fit.longest and file.subtype not in _COUNTED_LOOSELY:
            raise Unusable("too_long", f"{told:,.1f} s of sound, more than {fit.longest:g}")
        rate, channels = fit.rate or raw_rate, fit.channels or raw_channels
        decoded = _Decoded(file)
        most, frames, over = int(fit.longest * rate), 0, False
        for block in _resampled(decoded.blocks(), raw_rate, rate, channels):
            kept = block[: most - frames]
            spool.write(np.ascontiguousarray(kept, np.float32).tobytes())
            frames += len(kept)
            if over := len(kept) < len(block):
                break
        if over and fit.too_long == "drop":
            raise Unusable("too_long", f"more than {fit.longest:g} s of sound")
        if not frames:
            raise Unusable("no_sound", "it holds no sound")
        if frames / rate < fit.shortest:
            raise Unusable("too_short", f"{frames / rate:.3f} s of sound, less than {fit.shortest:g}")
        spool.flush()
        samples = np.memmap(spool, np.float32, "r", shape=(frames, channels))
        yield Sound(samples, rate, raw_rate, raw_channels, told if over else decoded.frames / raw_rate, over)


def flattened(samples: Samples) -> Samples:
    """Any number of channels as one, their mean: (frames,)."""
    mono: Samples = samples[:, 0] if samples.shape[1] == 1 else samples.mean(axis=1, dtype=np.float32)
    return mono


def at_rate(samples: Samples, rate: int, wanted: int) -> Samples:
    """Mono samples (frames,) at another rate."""
    if rate == wanted:
        return samples
    resampled: Samples = soxr.resample(samples, rate, wanted, quality="HQ")
    return resampled


def stored(sound: Sound, format: AudioFormat) -> tuple[bytes, int]:
    """A file of 16 bits a sample, and how many samples did not fit under full scale and were held at it.

    Raises Unusable `not_for_flac`.
    """
    stream, clipped = io.BytesIO(), 0
    shape = {"samplerate": sound.rate, "channels": sound.samples.shape[1], "subtype": "PCM_16", "format": format.upper()}
    if format == "flac" and (sound.samples.shape[1] > FLAC_CHANNELS or sound.rate > FLAC_RATE):
        raise Unusable("not_for_flac", f"FLAC holds no {sound.samples.shape[1]} channels at {sound.rate:,} Hz")
    with soundfile.SoundFile(stream, "w", **shape) as file:
        for start in range(0, len(sound.samples), BLOCK):
            steps = np.rint(sound.samples[start : start + BLOCK] * np.float32(1 << 15))
            clipped += int(np.count_nonzero((steps > (1 << 15)) | (steps < -(1 << 15))))
            file.write(np.clip(steps, -(1 << 15), (1 << 15) - 1).astype(np.int16))
    return stream.getvalue(), clipped


class _Steady(soundfile.SoundFile):  # type: ignore[misc]
    """A file that is read on and on: soundfile seeks around every read otherwise, and an MP3's decoder loses its thread."""

    def seekable(self) -> bool:
        return False


@contextmanager
def _opened(source: bytes | Path) -> Iterator[Any]:
    try:
        with _file(source) as file, _Steady(file) as sound:
            yield sound
    except soundfile.SoundFileError as error:
        raise Unusable("unreadable", f"it is no sound file that can be read: {error}") from None


def _file(source: bytes | Path) -> Any:
    return io.BytesIO(source) if isinstance(source, bytes) else source.open("rb")


@dataclass
class _Decoded:
    """The blocks of an open sound file, and how many frames came."""

    file: Any
    frames: int = 0

    def blocks(self) -> Iterator[Samples]:
        """Raises Unusable `truncated` where fewer frames come than the header tells, or a sample is no number."""
        while len(block := self.file.read(BLOCK, dtype="float32", always_2d=True)):
            self.frames += len(block)
            if not np.isfinite(block).all():
                raise Unusable("unreadable", "a sample of it is no finite number")
            yield block
        if self.frames < self.file.frames and self.file.subtype not in _COUNTED_LOOSELY:
            raise Unusable("truncated", f"{self.frames:,} frames come where its header tells {self.file.frames:,}")


def _resampled(blocks: Iterator[Samples], raw_rate: int, rate: int, channels: int) -> Iterator[Samples]:
    resampler = None if raw_rate == rate else soxr.ResampleStream(raw_rate, rate, channels, dtype="float32", quality="HQ")
    for block in blocks:
        fitted = _fitted(block, channels)
        yield fitted if resampler is None else resampler.resample_chunk(fitted)
    if resampler is not None:
        yield resampler.resample_chunk(np.zeros((0, channels), np.float32), last=True)


def _fitted(block: Samples, channels: int) -> Samples:
    """As many channels as wanted: the mean of more, copies of fewer."""
    if block.shape[1] == channels:
        return block
    return np.repeat(flattened(block)[:, None], channels, axis=1)
