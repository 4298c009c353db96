"""Log-mel spectrograms, made in blocks: equal to those of the whole recording at once."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Literal

import librosa
import numpy as np
import numpy.typing as npt

from motet.inventory.preparing.sound import Samples, flattened

__all__ = ["Mel", "log_mel", "wrong"]

BLOCK = 2048  # frames of the spectrogram at a time
FLOOR = 1e-10  # of power, below which nothing is told apart


@dataclass(frozen=True)
class Mel:
    """How a spectrogram is made. `n_fft` and `hop` in samples, `fmin` and `fmax` in Hz (0: half the rate)."""

    n_mels: int
    n_fft: int
    hop: int
    fmin: float
    fmax: float
    log: Literal["db", "natural"]


def wrong(mel: Mel, rate: int) -> str:
    """Why no spectrogram of this kind can be made at this rate, a few words; "" if it can."""
    top = mel.fmax or rate / 2
    if top > rate / 2:
        return f"fmax {top:g} Hz is above half of the rate, {rate / 2:g} Hz"
    if mel.fmin >= top:
        return f"fmin {mel.fmin:g} Hz is not below fmax, {top:g} Hz"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that some are empty is what is asked here
        bank = librosa.filters.mel(sr=rate, n_fft=mel.n_fft, n_mels=mel.n_mels, fmin=mel.fmin, fmax=top)
    empty = int(np.count_nonzero(bank.max(axis=1) == 0))
    return f"{empty} of {mel.n_mels} mel bands are narrower than a bin of n_fft {mel.n_fft} at {rate:,} Hz" if empty else ""


def log_mel(samples: Samples, rate: int, mel: Mel) -> npt.NDArray[np.float32]:
    """The spectrogram of (frames, channels) at `rate`: float32 (n_mels, 1 + frames // hop), each column centred on its hop.

    Power of a Hann window, Slaney's bands with equal areas, then 10 log10 (db) or ln (natural) of it, not below 1e-10.
    """
    count = 1 + len(samples) // mel.hop
    told = np.empty((mel.n_mels, count), np.float32)
    for first in range(0, count, BLOCK):
        last = min(first + BLOCK, count)
        start = first * mel.hop - mel.n_fft // 2
        piece = _padded(samples, start, start + (last - first - 1) * mel.hop + mel.n_fft)
        power = librosa.feature.melspectrogram(
            y=piece,
            sr=rate,
            n_fft=mel.n_fft,
            hop_length=mel.hop,
            center=False,
            power=2.0,
            n_mels=mel.n_mels,
            fmin=mel.fmin,
            fmax=mel.fmax or rate / 2,
        )
        power = np.maximum(power, FLOOR)
        told[:, first:last] = 10 * np.log10(power) if mel.log == "db" else np.log(power)
    return told


def _padded(samples: Samples, start: int, stop: int) -> Samples:
    """Mono from sample `start` to `stop`, silence where there is none."""
    inside = flattened(samples[max(start, 0) : min(stop, len(samples))])
    before = max(0, min(-start, stop - start))
    return np.pad(inside, (before, stop - start - before - len(inside)))
