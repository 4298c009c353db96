"""What recording and notes are compared by: pitch classes, and the moments at which each of them begins."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from motet.film.aligning.hearing import FINE, LOWEST, SLOW

__all__ = ["centred", "chroma", "classes", "loud", "onsets", "rises", "sprung", "thinned"]

Floats = npt.NDArray[np.float32]
Loud = Floats

_COMPRESSION = 20.0
_FLOOR = 9  # semitones over which what all share, noise and drums, is taken away
_KEPT = 0.85  # of an onset, a frame later


def loud(semitones: npt.NDArray[np.floating]) -> Floats:
    """Compressed magnitudes (n, 64): what stands out of its neighbourhood, relative to the loudest tenth of the whole."""
    from scipy.ndimage import median_filter

    sound = np.empty(semitones.shape, np.float32)
    for first in range(0, len(sound), 4096):
        part = semitones[first : first + 4096].astype(np.float32)
        sound[first : first + 4096] = np.maximum(part - median_filter(part, (1, _FLOOR), mode="nearest"), 0)
    level = float(np.quantile(sound.max(axis=1), 0.9)) if len(sound) else 0.0
    levels: Floats = np.log1p(sound * np.float32(_COMPRESSION / max(level, 1e-9)))
    return levels


def classes(levels: Floats) -> Floats:
    """Sums over octaves (n, 12), C first."""
    folded = np.zeros((len(levels), 12), np.float32)
    for row in range(levels.shape[1]):
        folded[:, (row + LOWEST) % 12] += levels[:, row]
    return folded


def thinned(frames: Floats, known: float, rate: float, window: float = 1.2) -> Floats:
    """Frames (n, d), `known` a second, smoothed over `window` seconds and looked at `rate` times a second."""
    from scipy.ndimage import convolve1d

    shape = np.hanning(int(window * known) + 2)[1:-1]
    smooth = convolve1d(frames, (shape / shape.sum()).astype(np.float32), axis=0, mode="nearest")
    at = np.minimum((np.arange(int(len(frames) * rate / known)) * (known / rate)).astype(np.int64), len(frames) - 1)
    kept: Floats = smooth[at]
    return kept


def centred(frames: Floats, mean: Floats | None = None) -> Floats:
    """Each frame (n, 12) less the mean of all, to length 1: by what it differs from the whole song. 0 where nothing sounds."""
    sums = frames.sum(axis=1, keepdims=True)
    parts = frames / np.maximum(sums, 1e-6)
    sounding = sums[:, 0] > 0.02 * max(float(np.quantile(sums, 0.9)), 1e-6) if len(frames) else sums[:, 0] > 0
    middle = parts[sounding].mean(axis=0) if mean is None and sounding.any() else np.full(12, 1 / 12) if mean is None else mean
    off = np.where(sounding[:, None], parts - middle, 0)
    size = np.sqrt((off**2).sum(axis=1, keepdims=True))
    unit: Floats = (off / np.maximum(size, 0.03)).astype(np.float32)
    return unit


def chroma(levels: Floats) -> Floats:
    """Unit vectors (n, 12) of the pitch classes at `SLOW` frames a second, as they are."""
    folded = classes(levels)
    size = np.sqrt((folded**2).sum(axis=1, keepdims=True))
    top = float(np.quantile(size, 0.9)) if len(size) else 0.0
    unit: Floats = np.where(size > 0.02 * top, folded / np.maximum(size, 1e-6), np.float32(12**-0.5)).astype(np.float32)
    return unit


def onsets(levels: Floats) -> Floats:
    """Decaying, locally normalised onsets of the pitch classes (n, 12), 0 to 1 (DLNCO of Ewert, Mueller and Grosche, 2009)."""
    from scipy.ndimage import maximum_filter1d

    rise = np.zeros_like(levels)
    rise[1:-1] = np.maximum(levels[2:] - levels[:-2], 0)
    folded = classes(rise)
    size = np.sqrt((folded**2).sum(axis=1))
    around = maximum_filter1d(size, 2 * SLOW + 1, mode="nearest")
    floor = 0.1 * float(np.quantile(around, 0.9)) if len(around) else 0.0
    now = folded / np.maximum(np.maximum(around, floor), 1e-6)[:, None]
    out: Floats = now.copy()
    kept = np.float32(_KEPT)
    for later in range(1, 10):
        np.maximum(out[later:], now[:-later] * kept**later, out=out[later:])
    return out


def rises(bands: npt.NDArray[np.floating]) -> Floats:
    """How much more is in each band (m, 36) than 20 ms before, at `FINE` frames a second, relative to the neighbourhood.

    Compressed magnitudes against the loudest of three neighbouring bands (SuperFlux: Boeck and Widmer, DAFx 2013).
    """
    from scipy.ndimage import uniform_filter1d

    levels = bands.astype(np.float32)
    level = np.sqrt((levels**2).mean(axis=0)) + 1e-6
    levels = np.log1p(levels * (np.float32(5.0) / level))
    wide = levels.copy()
    np.maximum(wide[:, 1:], levels[:, :-1], out=wide[:, 1:])
    np.maximum(wide[:, :-1], levels[:, 1:], out=wide[:, :-1])
    rise = np.zeros_like(levels)
    back = 3
    rise[back:] = np.maximum(levels[back:] - wide[:-back], 0)
    usual = np.sqrt(np.maximum(uniform_filter1d((rise**2).mean(axis=1), 4 * FINE, mode="nearest"), 0))
    out: Floats = rise / (usual + 0.05 * float(usual.max(initial=0.0)) + 1e-6)[:, None]
    return out


def sprung(levels: Floats) -> Floats:
    """How much louder each semitone (n, 64) is soon after than before, relative to the most within four seconds."""
    from scipy.ndimage import maximum_filter1d

    before, after = 3, 4  # frames, as the windows are long
    out = np.zeros_like(levels)
    if len(levels) > before + after:
        out[before:-after] = np.maximum(levels[before + after :] - levels[: -before - after], 0)
    size = np.sqrt((out**2).sum(axis=1))
    around = maximum_filter1d(size, 4 * SLOW + 1, mode="nearest")
    floor = 0.1 * float(np.quantile(around, 0.9)) if len(around) else 0.0
    out /= (np.maximum(around, floor) + np.float32(1e-6))[:, None]
    return out
