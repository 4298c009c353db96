"""A recording cut into the windows that a model hears, and their log-mel spectrograms."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from motet.audio.tagging.description import Mel
from motet.errors import UserError

__all__ = ["cut", "log_mel", "starts"]

Array = npt.NDArray[np.float32]
AT_ONCE = 2048  # columns of a spectrogram


def starts(frames: int, length: int, hop: int) -> list[int]:
    """Where windows begin: every hop, and so that the last one ends with the sound, which no window exceeds."""
    if frames <= length:
        return [0]
    begins = list(range(0, frames - length + 1, hop))
    return begins if begins[-1] + length == frames else [*begins, frames - length]


def cut(mono: Array, length: int, hop: int) -> Iterator[Array]:
    """Windows of `length` frames; a shorter sound is repeated until it fills one. Length 0: the whole sound is one."""
    if not length:
        yield mono
    elif len(mono) < length:
        yield np.resize(mono, length)
    else:
        for start in starts(len(mono), length, hop):
            yield mono[start : start + length]


def log_mel(window: Array, rate: int, mel: Mel) -> Array:
    """The spectrogram of (frames,): float32 (n_mels, columns), or the other way round as `mel.axes` says."""
    bank = _bank(rate, mel.n_fft, mel.n_mels, mel.fmin, mel.fmax, mel.scale, mel.norm)
    frames = _framed(window, mel)
    if mel.columns:
        frames = frames[: mel.columns]
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(mel.n_fft) / mel.n_fft)
    told = np.empty((len(frames), mel.n_mels), np.float32)
    for first in range(0, len(frames), AT_ONCE):
        spectrum = np.abs(np.fft.rfft(frames[first : first + AT_ONCE] * hann, axis=1))
        told[first : first + AT_ONCE] = _logarithm(spectrum**mel.power @ bank, mel)
    if len(told) < mel.columns:
        told = np.pad(told, ((0, mel.columns - len(told)), (0, 0)), mode="edge")
    return np.ascontiguousarray(told.T if mel.axes == "mel_time" else told)


def _logarithm(bands: npt.NDArray[np.float64], mel: Mel) -> npt.NDArray[np.float64]:
    bands = mel.offset * (mel.log != "none") + mel.gain * bands
    if mel.log == "natural":
        bands = np.log(bands)
    elif mel.log != "none":
        bands = np.log10(bands) * (10 if mel.log == "db" else 1)
    return np.asarray((bands - np.asarray(mel.mean)) / np.asarray(mel.std))


def _framed(window: Array, mel: Mel) -> Array:
    """What each column is made of: (columns, n_fft), a view."""
    if mel.centred:
        # Reflection needs more sound than it mirrors.
        reflects = mel.edges == "reflect" and len(window) > mel.n_fft // 2
        window = np.pad(window, mel.n_fft // 2, mode="reflect" if reflects else "constant")
    window = np.pad(window, (0, max(0, mel.n_fft - len(window))))
    return np.lib.stride_tricks.sliding_window_view(window, mel.n_fft)[:: mel.hop]


@lru_cache(maxsize=8)
def _bank(rate: int, n_fft: int, n_mels: int, fmin: float, fmax: float, scale: str, norm: str) -> npt.NDArray[np.float64]:
    """Weights (1 + n_fft // 2, n_mels). Raises UserError for bands that hold nothing."""
    import warnings

    import librosa

    top = fmax or rate / 2
    if not fmin < top <= rate / 2:
        raise UserError(f"The bands of mel must lie below half of the rate: fmin {fmin:g} < fmax {top:g} <= {rate / 2:g} Hz.")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # empty bands are named below
        bank = librosa.filters.mel(
            sr=rate, n_fft=n_fft, n_mels=n_mels, fmin=fmin, fmax=top,
            htk=scale == "htk", norm="slaney" if norm == "slaney" else None, dtype=np.float64,
        )  # fmt: skip
    # The lowest bands are empty in published models, too; a spectrogram without any is a mistake.
    if not bank.any():
        raise UserError(f"All {n_mels} mel bands are narrower than a bin of n_fft {n_fft} at {rate:,} Hz: give a larger n_fft.")
    weights: npt.NDArray[np.float64] = np.ascontiguousarray(bank.T)
    return weights
