"""How loud a recording is to people (ITU-R BS.1770-4), and how high its waveform rises between samples."""

import math
from functools import cache

import numpy as np
import numpy.typing as npt

__all__ = ["integrated_loudness", "true_peak"]

Audio = npt.NDArray[np.float32]
OVERSAMPLING = 4
TAPS = 24  # per phase
BLOCK = 64  # frames whose true peak is bounded together
TOGETHER = 64  # blocks oversampled at once


def integrated_loudness(audio: Audio, sample_rate: int) -> float | None:
    """LUFS of `audio` (frames, 1 or 2), or None when it is too short (< 0.4 s) or too quiet (< -70 LUFS) to have one.

    Blocks of 400 ms, 75 % overlap, gates at -70 LUFS and 10 LU under the mean, as BS.1770-4 says; the K-weighting
    filters are pyloudnorm's. Works in pieces: memory does not grow with the recording.
    """
    from scipy.signal import sosfilt  # importing it takes a second, which most workers need not spend

    hop = round(sample_rate / 10)
    count = len(audio) // hop
    if count < 4:
        return None
    weighting = _k_weighting(sample_rate)
    state = np.zeros((len(weighting), audio.shape[1], 2))
    energy = np.empty(count)
    piece = 100
    for first in range(0, count, piece):
        last = min(first + piece, count)
        signal = np.ascontiguousarray(audio[first * hop : last * hop].T)
        signal, state = sosfilt(weighting, signal, axis=1, zi=state)
        shaped = signal.reshape(signal.shape[0], last - first, hop)
        energy[first:last] = np.einsum("cbh,cbh->b", shaped, shaped)
    power = np.convolve(energy, np.ones(4), "valid") / (4 * hop)
    power = power[power > _power(-70)]
    if not power.size:
        return None
    power = power[power > power.mean() / 10]
    return -0.691 + 10 * math.log10(float(power.mean()))


def _power(lufs: float) -> float:
    return float(10 ** ((lufs + 0.691) / 10))


@cache
def _k_weighting(sample_rate: int) -> npt.NDArray[np.float64]:
    from pyloudnorm.iirfilter import IIRfilter

    shelf = IIRfilter(4.0, 1 / math.sqrt(2), 1500.0, sample_rate, "high_shelf")
    highpass = IIRfilter(0.0, 0.5, 38.0, sample_rate, "high_pass")
    return np.array([np.concatenate([stage.b, stage.a]) for stage in (shelf, highpass)])


def true_peak(audio: Audio) -> float:
    """The highest point of the waveform (frames, channels) at four times its sample rate, linear; 1.0 is full scale.

    BS.1770-4 annex 2 with a longer filter (24 taps a phase). Only stretches whose samples could reach the peak are
    oversampled: no interpolated value exceeds the samples around it by more than the filter's absolute sum.
    """
    if not audio.size:
        return 0.0
    interpolator, bound = _interpolator()
    blocks = -(-len(audio) // BLOCK)
    padded = np.zeros(((blocks + 2) * BLOCK, audio.shape[1]), np.float32)
    padded[BLOCK : BLOCK + len(audio)] = audio
    shaped = padded.reshape(-1, BLOCK * audio.shape[1])
    tops = np.maximum(shaped.max(axis=1), -shaped.min(axis=1))
    peak = float(tops.max())
    around = np.maximum(np.maximum(tops[:-2], tops[1:-1]), tops[2:])  # of each block and its neighbours
    candidates = np.flatnonzero(around * bound > peak)
    candidates = candidates[np.argsort(-around[candidates], kind="stable")]
    windows = np.lib.stride_tricks.sliding_window_view(padded, TAPS, axis=0)
    inside = np.arange(BLOCK + 1) + BLOCK - TAPS // 2
    for first in range(0, len(candidates), TOGETHER):
        chosen = candidates[first : first + TOGETHER]
        if around[chosen[0]] * bound <= peak:
            break
        between = windows[chosen[:, None] * BLOCK + inside].reshape(-1, TAPS) @ interpolator
        peak = max(peak, float(between.max()), -float(between.min()))
    return peak


@cache
def _interpolator() -> tuple[npt.NDArray[np.float32], float]:
    """A Kaiser-windowed sinc at 1/4, 1/2 and 3/4 between two samples: (TAPS, 3), and its largest absolute sum."""
    taps = np.arange(TAPS) - (TAPS // 2 - 1)
    columns = []
    for phase in range(1, OVERSAMPLING):
        x = taps - phase / OVERSAMPLING
        window = np.i0(5.0 * np.sqrt(np.clip(1 - (x / (TAPS / 2)) ** 2, 0, 1))) / np.i0(5.0)
        column = np.sinc(x) * window
        columns.append(column / column.sum())
    table = np.stack(columns, axis=1)
    return table.astype(np.float32), float(np.abs(table).sum(axis=0).max())
