"""What of a recording can be compared with notes: semitones, 50 times a second, and rises of energy by band, 150 times."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from motet.film.errors import FilmError

__all__ = ["BANDS", "FINE", "LONGEST", "LOWEST", "RATE", "SEMITONES", "SLOW", "Heard", "hear"]

Samples = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float32]
Halves = npt.NDArray[np.float16]

RATE = 22_050  # Hz, of the sound that is heard
LONGEST = 3600.0  # seconds
SLOW, FINE = 50, 150  # frames a second of the semitones, and of the bands
LOWEST, SEMITONES = 36, 64  # from C2 up
BANDS = 36  # of equal steps in pitch between the two below
LOW, HIGH = 60.0, 10_000.0  # Hz

_STEPS = 3  # places of a semitone that are kept until the tuning is known
_LONG, _SHORT = 4096, 1024  # samples of the windows: 186 ms tell semitones apart, 46 ms moments
_AT_ONCE = 512  # slow frames
_SCALE = 256.0  # by which magnitudes are raised for half floats
_SILENCE = 1e-5  # RMS: -100 dBFS
_SHORTEST = 2.0  # seconds


@dataclass(frozen=True, eq=False)
class Heard:
    """A recording as `align` needs it; frame 0 of either is at 0 s.

    `semitones` (n, 64) are magnitudes from C2 up at `SLOW` frames a second, in the recording's own tuning, `bands` (m, 36)
    those of short windows at `FINE`. `seconds` is its length, `tuning_cents` (-50 to 50) how far it stands over A = 440 Hz.
    """

    semitones: Halves
    bands: Halves
    seconds: float
    tuning_cents: float


def hear(blocks: Iterable[Samples]) -> Heard:
    """What is heard of a recording: mono float32 at `RATE` in `blocks` of any length. Samples that are no numbers are silence.

    Memory: 30 MB for a quarter of an hour, whatever the blocks.

    Raises FilmError: `no_sound` for silence or nothing, `too_short` under 2 s, `too_long` over an hour; ValueError for another
    shape than (frames,).
    """
    slow: list[Halves] = []
    fine: list[Halves] = []
    turned, energy, length = 0j, 0.0, 0
    for piece, frames, used in _pieces(blocks):
        length += used
        sound = piece[_LONG // 2 : _LONG // 2 + used]
        energy += float(np.dot(sound, sound))
        if frames:
            magnitudes, turn = _semitones(piece, frames)
            slow.append(magnitudes)
            fine.append(_bands(piece, frames * (FINE // SLOW)))
            turned += turn
    if not length or energy / length < _SILENCE**2:
        raise FilmError("no_sound", "there is no sound in this recording")
    if length < _SHORTEST * RATE:
        raise FilmError("too_short", f"a recording must last {_SHORTEST:g} s at least to be aligned, not {length / RATE:.1f} s")
    tuning = float(np.angle(turned) / (2 * np.pi) * 100) if turned else 0.0
    semitones = np.concatenate([_tuned(part, tuning) for part in slow])
    return Heard(semitones, np.concatenate(fine), length / RATE, tuning)


def _pieces(blocks: Iterable[Samples]) -> Iterator[tuple[Samples, int, int]]:
    """Sound for `_AT_ONCE` slow frames, with half a window before and after; how many frames, and how many samples are new."""
    hop, half = RATE // SLOW, _LONG // 2
    step, size = _AT_ONCE * hop, _AT_ONCE * hop + _LONG
    waiting = np.zeros(half, np.float32)
    total = 0
    for block in blocks:
        if block.ndim == 2 and block.shape[1] == 1:
            block = block[:, 0]
        if block.ndim != 1:
            msg = f"wanted mono sound (frames,) or (frames, 1), not {block.shape}"
            raise ValueError(msg)
        total += len(block)
        if total > LONGEST * RATE:
            raise FilmError("too_long", f"recordings of up to {LONGEST / 60:g} minutes can be aligned")
        for first in range(0, len(block), step):
            part = block[first : first + step].astype(np.float32, copy=False)
            if not np.isfinite(np.dot(part, part)):
                part = np.clip(np.nan_to_num(part, nan=0.0, posinf=0.0, neginf=0.0), -100, 100)
            waiting = np.concatenate([waiting, part])
            while len(waiting) >= size:
                yield waiting[:size], _AT_ONCE, step
                waiting = waiting[step:]
    rest = len(waiting) - half
    while rest > 0:
        frames = min(-(-rest // hop), _AT_ONCE)
        piece = np.zeros(frames * hop + _LONG, np.float32)
        known = waiting[: len(piece)]
        piece[: len(known)] = known
        yield piece, frames, min(rest, step)
        waiting, rest = waiting[step:], rest - step


def _semitones(piece: Samples, frames: int) -> tuple[Halves, complex]:
    """Magnitudes (frames, 3 * 66) at thirds of semitones, and the sum of the peaks' places on the circle of a semitone."""
    from scipy.fft import rfft  # 0.15 s to import

    hop = RATE // SLOW
    weights, last = _thirds()
    window = (np.hanning(_LONG + 1)[:-1] * (4 / _LONG)).astype(np.float32)
    shaped = np.lib.stride_tricks.sliding_window_view(piece, _LONG)[: frames * hop : hop] * window
    spectrum = np.abs(rfft(shaped, axis=1)[:, :last])
    magnitudes = (spectrum @ weights * np.float32(_SCALE)).clip(0, 6e4).astype(np.float16)
    part = spectrum[::5]
    first = int(200 * _LONG / RATE)
    inner = part[:, first + 1 : -1]
    left, right = part[:, first:-2], part[:, first + 2 :]
    strong = (inner > left) & (inner >= right) & (inner > 0.1 * part.max(axis=1, keepdims=True)) & (inner > 1e-5)
    when, at = np.nonzero(strong)
    a, b, c = (np.log(one[when, at] + 1e-12) for one in (left, inner, right))
    bend = 0.5 * (a - c) / np.minimum(a - 2 * b + c, np.float32(-1e-6))
    hertz = (at + first + 1 + np.clip(bend, -0.5, 0.5)) * (RATE / _LONG)
    phase = np.exp(2j * np.pi * 12 * np.log2(hertz / 440.0))
    return magnitudes, complex((np.sqrt(inner[when, at]) * phase).sum())


@cache
def _thirds() -> tuple[Floats, int]:
    """Triangular filters (bins, 198) around every third of a semitone from one below `LOWEST`, each two bins wide at least."""
    pitch = LOWEST - 1 + np.arange((SEMITONES + 2) * _STEPS) / _STEPS
    hertz = 440 * 2 ** ((pitch - 69) / 12)
    centre = hertz * _LONG / RATE
    width = np.maximum(centre * (2 ** (0.6 / 12) - 1), 1.0)
    bins = np.arange(int(centre[-1] + width[-1]) + 2)[:, None]
    weights = np.maximum(1 - np.abs(bins - centre) / width, 0)
    return weights.astype(np.float32), len(bins)


def _tuned(thirds: Halves, cents: float) -> Halves:
    """Semitones (n, 64) out of their thirds, looked up where the tuning puts them."""
    at = (np.arange(SEMITONES) + 1 + cents / 100) * _STEPS
    low = np.floor(at).astype(np.int64)
    part = (at - low).astype(np.float32)
    mixed: Halves = (thirds[:, low] * (1 - part) + thirds[:, low + 1] * part).astype(np.float16)
    return mixed


def _bands(piece: Samples, frames: int) -> Halves:
    """Magnitudes (frames, 36) of short windows, centred on the frames."""
    from scipy.fft import rfft

    hop = RATE // FINE
    window = (np.hanning(_SHORT + 1)[:-1] * (4 / _SHORT)).astype(np.float32)
    moved = piece[(_LONG - _SHORT) // 2 :]
    shaped = np.lib.stride_tricks.sliding_window_view(moved, _SHORT)[: frames * hop : hop] * window
    weights = _wide()
    bands: Halves = (np.abs(rfft(shaped, axis=1)) @ weights * np.float32(_SCALE)).clip(0, 6e4).astype(np.float16)
    return bands


@cache
def _wide() -> Floats:
    """Triangular filters (bins, 36), each a bin wide at least."""
    points = LOW * (HIGH / LOW) ** (np.arange(-1, BANDS + 1) / (BANDS - 1)) * _SHORT / RATE
    bins = np.arange(_SHORT // 2 + 1)[:, None]
    left, centre, right = points[:-2], points[1:-1], points[2:]
    up, down = (bins - left) / np.maximum(centre - left, 1), (right - bins) / np.maximum(right - centre, 1)
    weights = np.maximum(np.minimum(np.minimum(up, down), 1), 0)
    weights /= np.maximum(weights.sum(axis=0), 1e-9)
    return weights.astype(np.float32)
