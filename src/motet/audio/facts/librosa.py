"""The same facts from librosa: another ear, and what Motet's own are measured against."""

from __future__ import annotations

from importlib.metadata import version as installed

import numpy as np
import numpy.typing as npt

from motet.audio.facts.beats import Beats
from motet.audio.facts.key import Key, Mode
from motet.audio.facts.tempo import Tempo

__all__ = ["key", "pulse", "version"]

Samples = npt.NDArray[np.float32]

# How well each pitch class fits above a tonic (Krumhansl and Kessler, Psychological Review 89, 1982).
_FITS: dict[Mode, tuple[float, ...]] = {
    "major": (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88),
    "minor": (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17),
}


def version() -> str:
    return installed("librosa")


def pulse(mono: Samples, rate: int) -> tuple[Tempo, Beats] | None:
    """Tempo and beats of `mono` (frames,) as `librosa.beat.beat_track` tells them, without confidence (0); None without beats."""
    import librosa

    if not mono.any():
        return None
    bpm, times = librosa.beat.beat_track(y=mono, sr=rate, units="time")
    told = float(np.atleast_1d(bpm)[0])
    if not told > 0 or not len(times):
        return None
    beats = Beats(np.asarray(times, np.float64), np.zeros(0, np.int64), None, 0.0, 0.0)
    return Tempo(told, 0.0, (), None), beats


def key(mono: Samples, rate: int) -> Key | None:
    """The key of `mono` (frames,) whose profile correlates best with the mean of `librosa.feature.chroma_cqt`; None for silence.

    The method of Krumhansl (1990) with Kessler's profiles; `confidence` is that correlation, 0 to 1, not a chance.
    """
    import librosa

    if not mono.any():
        return None
    heard = librosa.feature.chroma_cqt(y=mono, sr=rate).mean(axis=1)
    fits = [(tonic, mode, np.roll(fit, tonic)) for mode, fit in _FITS.items() for tonic in range(12)]
    told = [(float(np.corrcoef(heard, fit)[0, 1]), tonic, mode) for tonic, mode, fit in fits]
    (first, tonic, mode), (second, other, its) = sorted(told, key=lambda one: -one[0])[:2]
    return Key(tonic, mode, min(max(first, 0.0), 1.0), (other, its), min(max(second, 0.0), 1.0))
