"""How strongly something new begins at each moment of a recording: the curve that tempo and beats are read from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

__all__ = ["BANDS", "Novelty", "novelty"]

Samples = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float32]

BANDS = (200.0, 800.0, 3200.0)  # Hz between the four bands: kick and bass, chords, voice and snare, cymbals
SLOWEST_RATE = 2000  # Hz; below, nothing is left of most instruments

_PER_SECOND = 100
_WINDOW = 0.046  # seconds
_FILTERS, _LOWEST, _HIGHEST = 64, 27.5, 10_000.0  # and Hz
_BACK = 2  # frames between which a rise is measured
_COMPRESSION = 30.0  # of magnitudes relative to the recording's own level
_SILENCE = 1e-5  # RMS: -100 dBFS
_AT_ONCE = 2048  # frames
_SLOW, _LONG_WINDOW, _FEW = 10, 0.186, 512  # frames per second of the pitches, seconds, frames at once
_SEMITONES, _A1 = 60, 55.0  # and Hz


@dataclass(frozen=True, eq=False)
class Novelty:
    """Onset strength (n,) and the same per band (n, 4), from low to high, at `rate` frames per second; frame 0 is at 0 s.

    All >= 0; 0 where nothing begins and throughout a silent recording. It does not depend on the recording's level.
    `pitches` (m, 60) is the compressed spectrum in semitones from A1 (55 Hz), at `slow_rate` frames per second: what chords
    change by. Semitones out of the recording's reach are 0.
    """

    strength: Floats
    bands: Floats
    rate: float
    pitches: Floats
    slow_rate: float


def novelty(mono: Samples, rate: int) -> Novelty:
    """The spectral flux of `mono` (frames,) at `rate` Hz (>= 2000; 22,050 is meant), 100 frames per second.

    Rises of the compressed mel spectrum against the loudest of the neighbouring bands 20 ms before, so that vibrato is
    no onset (SuperFlux: Boeck and Widmer, DAFx 2013). Samples that are no numbers count as silence. Works in pieces.

    Raises ValueError for another shape or a lower rate.
    """
    if mono.ndim != 1 or rate < SLOWEST_RATE:
        msg = f"wanted (frames,) at {SLOWEST_RATE} Hz or more, not {mono.shape} at {rate} Hz"
        raise ValueError(msg)
    hop = max(round(rate / _PER_SECOND), 1)
    size = 1 << round(np.log2(rate * _WINDOW))
    weights, edges = _mel(rate, size)
    frames = -(-len(mono) // hop)
    flux = np.zeros((frames, len(BANDS) + 1), np.float32)  # some stay empty at low rates
    level = _level(mono)
    if level > _SILENCE:
        from scipy.fft import rfft  # 0.15 s to import

        window = (np.hanning(size + 1)[:-1] * (2 * _COMPRESSION / (size * level))).astype(np.float32)
        before = np.zeros((_BACK, weights.shape[1]), np.float32)
        for first in range(0, frames, _AT_ONCE):
            count = min(_AT_ONCE, frames - first)
            piece = _around(mono, first * hop - size // 2, (count - 1) * hop + size)
            shaped = np.lib.stride_tricks.sliding_window_view(piece, size)[::hop] * window
            mel = np.log1p(np.abs(rfft(shaped, axis=1)) @ weights)
            known = np.concatenate([before, mel])
            rises = np.maximum(mel - _widened(known[:-_BACK]), 0)
            if first == 0:
                rises[:_BACK] = 0  # what sounds at the first moment may have begun before
            flux[first : first + count, : len(edges) - 1] = np.add.reduceat(rises, edges[:-1], axis=1)
            before = known[-_BACK:]
    pitches, slow_rate = _pitches(mono, rate, level)
    return Novelty(flux.sum(axis=1), flux, rate / hop, pitches, slow_rate)


def _pitches(mono: Samples, rate: int, level: float) -> tuple[Floats, float]:
    """See `Novelty.pitches`, and the rate of its frames."""
    hop, size = round(rate / _SLOW), 1 << round(np.log2(rate * _LONG_WINDOW))
    weights = _semitones(rate, size)
    frames = -(-len(mono) // hop)
    pitches = np.zeros((frames, weights.shape[1]), np.float32)
    if level > _SILENCE:
        from scipy.fft import rfft

        window = (np.hanning(size + 1)[:-1] * (2 * _COMPRESSION / (size * level))).astype(np.float32)
        for first in range(0, frames, _FEW):
            count = min(_FEW, frames - first)
            piece = _around(mono, first * hop - size // 2, (count - 1) * hop + size)
            shaped = np.lib.stride_tricks.sliding_window_view(piece, size)[::hop] * window
            pitches[first : first + count] = np.log1p(np.abs(rfft(shaped, axis=1)[:, : len(weights)]) @ weights)
    return pitches, rate / hop


def _level(mono: Samples) -> float:
    """The RMS of the finite samples (frames,)."""
    total, count = 0.0, 0
    for first in range(0, len(mono), 1 << 20):
        piece = mono[first : first + (1 << 20)]
        energy = float(np.dot(piece, piece))
        if not np.isfinite(energy):
            piece = _clean(piece).astype(np.float64)
            energy = float(np.dot(piece, piece))
        total += energy
        count += len(piece)
    return float(np.sqrt(total / count)) if count else 0.0


def _clean(piece: Samples) -> Samples:
    return np.clip(np.nan_to_num(piece, nan=0.0, posinf=0.0, neginf=0.0), -1e6, 1e6)


def _around(mono: Samples, first: int, length: int) -> Samples:
    """`length` samples from `first` on; zeros outside the recording."""
    piece = np.zeros(length, np.float32)
    start, end = max(first, 0), min(first + length, len(mono))
    if end > start:
        piece[start - first : end - first] = mono[start:end]
    if not np.isfinite(np.dot(piece, piece)):
        piece = _clean(piece)
    return piece


def _widened(mel: Floats) -> Floats:
    """The loudest of each band and its two neighbours."""
    wide = mel.copy()
    np.maximum(wide[:, 1:], mel[:, :-1], out=wide[:, 1:])
    np.maximum(wide[:, :-1], mel[:, 1:], out=wide[:, :-1])
    return wide


@cache
def _mel(rate: int, size: int) -> tuple[Floats, npt.NDArray[np.intp]]:
    """Triangular filters (bins, filters) of equal steps in mel, each at least a bin wide, and the edges of the bands."""
    highest = min(_HIGHEST, rate / 2)
    lowest, top = (2595 * np.log10(1 + hz / 700) for hz in (_LOWEST, highest))
    points = 700 * (10 ** (np.linspace(lowest, top, _FILTERS + 2) / 2595) - 1) * size / rate
    bins = np.arange(size // 2 + 1)[:, None]
    left, centre, right = points[:-2], points[1:-1], points[2:]
    up = (bins - left) / np.maximum(centre - left, 1)
    down = (right - bins) / np.maximum(right - centre, 1)
    weights = np.maximum(np.minimum(up, down), 0).astype(np.float32)
    kept = weights.any(axis=0)  # where filters are narrower than bins, some hold none
    inner = np.searchsorted(centre[kept] * rate / size, [hz for hz in BANDS if hz < highest * 0.9])
    weights = weights[:, kept]
    return weights / weights.sum(axis=0), np.array([0, *inner, weights.shape[1]], np.intp)


@cache
def _semitones(rate: int, size: int) -> Floats:
    """Triangular filters (bins, 60) around each semitone from A1 up, only as many bins as they reach."""
    centre = _A1 * 2 ** (np.arange(-1, _SEMITONES + 1) / 12) * size / rate
    bins = np.arange(min(int(centre[-1]) + 2, size // 2 + 1))[:, None]
    width = np.maximum(np.diff(centre), 1)
    weights = np.minimum(1 - (centre[1:-1] - bins) / width[:-1], 1 - (bins - centre[1:-1]) / width[1:])
    return np.maximum(weights, 0).astype(np.float32)
