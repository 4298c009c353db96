"""What is kept of a recording's or a film's sound: its pitches over time, coarse, and the points that stand out of them.

Sound at 8000 Hz becomes a spectrum every 32 ms on an axis of thirds of a semitone, in logarithms of energy, less its own mean
nearby in time and pitch, so that equalisers and steady noise cancel out. Points that stand out are the landmarks of A. Wang, "An
Industrial-Strength Audio Search Algorithm", ISMIR 2003; what lies between is kept in 4 bits, to look up what a song should have.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from motet.audio.decoding import Samples
from motet.film.errors import FilmError

__all__ = ["BINS", "BROAD", "HOP", "RATE", "SECONDS", "Sound", "listen", "listen_to"]

RATE = 8000
"""Hz of the mono sound that is listened to"""
HOP = 256
SECONDS = HOP / RATE
"""between two spectra: 32 ms"""
WINDOW = 2048  # samples: 256 ms, in which notes from 100 Hz up stand apart
LOWEST, PER_OCTAVE, BINS = 98.0, 36, 188  # Hz; thirds of a semitone, up to 3.6 kHz
BROAD = BINS // 2
"""bands of what is kept of all sound: two thirds of a semitone each"""
AT_ONCE = 512  # spectra that are made together
AROUND = 40  # spectra to either side that a mean is taken over: 1.3 s
REACH = 5  # spectra to either side over which a point must stand out
LONGEST = 48 * 3600.0  # seconds
LOUDEST = np.float32(2.0**20)
MAGIC = b"MoFS\x01"
HEAD = struct.Struct("<5s3xQQQ")

Bytes = npt.NDArray[np.uint8]
Times = npt.NDArray[np.int32]
Singles = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Sound:
    """What is kept of `seconds` of sound: about 1.6 kB a second.

    `times` (int32, spectra from the beginning, rising) and `pitches` (uint8, thirds of a semitone above 98 Hz) are of the points
    that stand out, `levels` (uint8) how far they do, in eighths of a neper. `field` (spectra, 47) holds two broad bands in each
    byte, low pitch in the low half: 6 is as loud as it is around, a step is half a neper of energy.
    """

    seconds: float
    times: Times
    pitches: Bytes
    levels: Bytes
    field: Bytes

    def to_bytes(self) -> bytes:
        """All of it, the same bytes for the same sound."""
        head = HEAD.pack(MAGIC, round(self.seconds * RATE), len(self.times), len(self.field))
        points = (self.times.astype("<i4"), self.pitches, self.levels, self.field)
        return head + b"".join(np.ascontiguousarray(one).tobytes() for one in points)

    @classmethod
    def from_bytes(cls, data: bytes) -> Sound:
        """The reverse of `to_bytes`. Raises FilmError `foreign_sound` for other bytes."""
        wrong = FilmError("foreign_sound", "these bytes are no sound that was listened to, or of another version")
        if len(data) < HEAD.size:
            raise wrong
        magic, samples, points, spectra = HEAD.unpack_from(data)
        if magic != MAGIC or samples > LONGEST * RATE or len(data) != HEAD.size + 6 * points + BROAD // 2 * spectra:
            raise wrong
        if spectra != _spectra(samples):
            raise wrong
        times = np.frombuffer(data, "<i4", points, HEAD.size).astype(np.int32)
        pitches = np.frombuffer(data, np.uint8, points, HEAD.size + 4 * points)
        levels = np.frombuffer(data, np.uint8, points, HEAD.size + 5 * points)
        field = np.frombuffer(data, np.uint8, offset=HEAD.size + 6 * points).reshape(spectra, BROAD // 2)
        if points and (times[0] < 0 or times[-1] >= spectra or (np.diff(times) < 0).any() or pitches.max() >= BINS):
            raise wrong
        return cls(samples / RATE, times, pitches, levels, field)


def listen(blocks: Iterable[Samples]) -> Sound:
    """What is kept of mono sound at `RATE`, in blocks (frames,) or (frames, 1) of float32.

    Memory grows with what is kept alone. Raises FilmError `not_finite`, `not_mono`, `too_long` (more than 48 hours).
    """
    from motet.film.locating import kernel

    low, high, near = _bands()
    window = _window()
    points: list[tuple[Times, Bytes, Bytes]] = []
    fields: list[Bytes] = []
    before: Singles = np.zeros((0, BINS), np.float32)
    context = AROUND + REACH
    done = 0  # spectra whose points are known
    total = 0

    def told(levels: Singles, first: int, count: int, start: int) -> None:
        """Of `levels`, keep the spectra from `first` on; `start` is the number of the first of all."""
        flat = np.empty_like(levels)
        kernel.flatten(levels, AROUND, flat)
        times, pitches, strengths = kernel.points(flat, first, first + count)
        points.append((times + np.int32(start), pitches, strengths))
        fields.append(kernel.packed(flat, first, first + count))

    counted = [0]
    for levels in _levels(_mono(blocks, counted), window, low, high, near):
        before = np.concatenate((before, levels))
        total += len(levels)
        kept = min(done, context)
        count = len(before) - kept - context
        if count >= AT_ONCE:
            told(before, kept, count, done - kept)
            done += count
            before = before[max(0, kept + count - context) :].copy()
    kept = min(done, context)
    if len(before) - kept > 0:
        told(before, kept, len(before) - kept, done - kept)
    seconds = counted[0] / RATE
    if not fields:
        none = np.zeros(0, np.uint8)
        return Sound(seconds, np.zeros(0, np.int32), none, none, none.reshape(0, BROAD // 2))
    times, pitches, strengths = (np.concatenate(part) for part in zip(*points, strict=True))
    return Sound(seconds, times, pitches, strengths, np.concatenate(fields))


def listen_to(source: Path | bytes, longest: float = 6 * 3600.0) -> Sound:
    """What is kept of a recording, or of the sound of a film.

    Raises FilmError for what cannot be decoded, with the reasons of `motet.audio.decoding.open_recording`; also where the sound
    ends before the file says (`truncated`).
    """
    from motet.audio.decoding import open_recording
    from motet.audio.errors import Unusable
    from motet.audio.resampling import mono

    try:
        with open_recording(source, longest=longest) as recording:
            sound = listen(mono(recording, RATE))
            if recording.fault is not None and recording.fault.reason == "truncated":
                raise FilmError(recording.fault.reason, recording.fault.detail)
            return sound
    except Unusable as error:
        raise FilmError(error.reason, error.detail) from None


def _mono(blocks: Iterable[Samples], counted: list[int]) -> Iterator[Singles]:
    for block in blocks:
        if block.ndim == 2 and block.shape[1] == 1:
            block = block[:, 0]
        if block.ndim != 1:
            raise FilmError("not_mono", f"sound to listen to has one channel, this has the shape {block.shape}")
        if not len(block):
            continue
        if not (block.min() >= -LOUDEST and block.max() <= LOUDEST):
            raise FilmError("not_finite", f"a sample is no level of sound, about {counted[0] / RATE:.0f} s from the beginning")
        counted[0] += len(block)
        if counted[0] > LONGEST * RATE:
            raise FilmError("too_long", f"there is more sound than {LONGEST / 3600:.0f} hours")
        yield np.asarray(block, np.float32)


def _spectra(samples: int) -> int:
    return -(-samples // HOP)


def _levels(
    blocks: Iterable[Singles], window: Singles, low: npt.NDArray[np.int32], high: npt.NDArray[np.int32], near: Singles
) -> Iterator[Singles]:
    """Levels (spectra, BINS), each spectrum's window centred on its moment; silence lies before and behind the sound."""
    kept = np.zeros(WINDOW // 2, np.float32)
    need = WINDOW + HOP * (AT_ONCE - 1)
    waiting: list[Singles] = []
    length = len(kept)
    came = made = 0
    for block in blocks:
        came += len(block)
        waiting.append(block)
        length += len(block)
        if length < need:
            continue
        kept = np.concatenate((kept, *waiting))
        waiting = []
        at = 0
        while len(kept) - at >= need:
            yield _leveled(kept[at : at + need], AT_ONCE, window, low, high, near)
            made += AT_ONCE
            at += AT_ONCE * HOP
        kept = kept[at:].copy()
        length = len(kept)
    kept = np.concatenate((kept, *waiting))
    while (left := min(_spectra(came) - made, AT_ONCE)) > 0:
        missing = WINDOW + HOP * (left - 1)
        piece = np.zeros(missing, np.float32)
        piece[: min(missing, len(kept))] = kept[:missing]
        yield _leveled(piece, left, window, low, high, near)
        made += left
        kept = kept[left * HOP :]


def _leveled(
    sound: Singles, count: int, window: Singles, low: npt.NDArray[np.int32], high: npt.NDArray[np.int32], near: Singles
) -> Singles:
    from scipy.fft import rfft

    from motet.film.locating import kernel

    frames = np.lib.stride_tricks.sliding_window_view(sound, WINDOW)[: count * HOP : HOP]
    spectrum = rfft(frames * window, axis=1)
    levels = np.empty((count, BINS), np.float32)
    kernel.pitched(spectrum, low, high, near, levels)
    return levels


@cache
def _window() -> Singles:
    return np.hanning(WINDOW + 1)[:-1].astype(np.float32)


@cache
def _bands() -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32], Singles]:
    """Of each third of a semitone the first and last bin of a spectrum, and where between two bins its middle lies."""
    middle = LOWEST * 2.0 ** (np.arange(BINS) / PER_OCTAVE) * WINDOW / RATE
    half = 2.0 ** (0.5 / PER_OCTAVE)
    low, high = np.ceil(middle / half).astype(np.int32), np.floor(middle * half).astype(np.int32)
    return low, high, middle.astype(np.float32)
