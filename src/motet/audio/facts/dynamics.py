"""How loud a recording is, how much that changes, and how energetic it seems."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from motet.render.loudness import energies as k_weighted_energies
from motet.render.loudness import integrated_loudness

__all__ = ["Dynamics", "dynamics", "energy"]

Samples = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]

_GATE = -70.0  # LUFS
_RANGE_GATE = -20.0  # LU under the mean, of loudness range
_SHORT, _MOMENTARY = 30, 4  # tenths of a second
_BLOCK = 1 << 20  # frames


@dataclass(frozen=True)
class Dynamics:
    """Levels of a whole recording. What it is too short or too quiet for is None.

    `lufs` is the integrated loudness (BS.1770-4), `range_lu` the loudness range (EBU Tech 3342), `rms_db` and `peak_db`
    are of the samples, in dB of full scale, and `crest_db` what lies between them. `complexity_db` is the mean distance
    of the momentary loudness (0.4 s) from its mean (dynamic complexity: Streich, Universitat Pompeu Fabra, 2007).
    """

    lufs: float | None
    range_lu: float | None
    rms_db: float | None
    peak_db: float | None
    crest_db: float | None
    complexity_db: float | None


def dynamics(samples: Samples, rate: int) -> Dynamics:
    """The dynamics of `samples` (frames, channels) at `rate` Hz (>= 8000).

    Loudness of more than two channels is that of all added up, none weighted. Samples that are no numbers count as
    silence. Raises ValueError for another shape.
    """
    if samples.ndim != 2 or not samples.shape[1]:
        msg = f"wanted (frames, channels), not {samples.shape}"
        raise ValueError(msg)
    if samples.size and not math.isfinite(float(np.dot(flat := samples.reshape(-1), flat))):
        samples = np.clip(np.nan_to_num(samples, posinf=0.0, neginf=0.0), -1e6, 1e6)
    square, peak = 0.0, 0.0
    for first in range(0, len(samples), _BLOCK):
        block = samples[first : first + _BLOCK].reshape(-1)
        square += float(np.dot(block, block))
        peak = max(peak, float(block.max()), -float(block.min()))
    rms = math.sqrt(square / samples.size) if samples.size else 0.0
    tenths = _tenths(samples, rate)
    return Dynamics(
        lufs=_integrated(samples, rate, tenths),
        range_lu=_loudness_range(tenths),
        rms_db=_decibels(rms),
        peak_db=_decibels(peak),
        crest_db=20 * math.log10(peak / rms) if rms > 0 else None,
        complexity_db=_complexity(tenths),
    )


def energy(dynamics: Dynamics, brightness: float, onsets_per_second: float) -> float | None:
    """How energetic music seems, 0 to 1: a rule of thumb of our own, fitted to nobody's judgement; None for silence.

    0.4 of loudness (from -40 LUFS to -5), 0.2 each of density (a crest factor from 24 dB down to 6), of strokes (up to 6
    a second) and of brightness (its root, up to 0.25): what listeners' judgements are said to go by, with weights we chose.
    """
    if dynamics.lufs is None or dynamics.crest_db is None:
        return None
    loud, dense = (dynamics.lufs + 40) / 35, (24 - dynamics.crest_db) / 18
    parts = (loud, dense, onsets_per_second / 6, math.sqrt(max(brightness, 0.0)) / 0.5)
    return sum(weight * min(max(part, 0.0), 1.0) for weight, part in zip((0.4, 0.2, 0.2, 0.2), parts, strict=True))


def _tenths(samples: Samples, rate: int) -> Floats:
    """The mean K-weighted power of each tenth of a second, channels added up (n,)."""
    hop = round(rate / 10)
    count = len(samples) // hop
    power = np.zeros(count)
    for first in range(0, samples.shape[1] if count else 0, 2):
        pair = np.ascontiguousarray(samples[: count * hop, first : first + 2])
        power += k_weighted_energies(pair, rate, hop) / hop
    return power


def _integrated(samples: Samples, rate: int, tenths: Floats) -> float | None:
    """As `integrated_loudness`, of the powers already known."""
    if len(tenths) < _MOMENTARY:
        return integrated_loudness(samples[:, :2], rate)
    power = np.convolve(tenths, np.ones(_MOMENTARY) / _MOMENTARY, "valid")
    power = power[power > _power(_GATE)]
    return _loudness(power[power > power.mean() / 10].mean()) if power.size else None


def _loudness_range(tenths: Floats) -> float | None:
    if len(tenths) < _SHORT:
        return None
    power = np.convolve(tenths, np.ones(_SHORT) / _SHORT, "valid")
    power = power[power > _power(_GATE)]
    if not power.size:
        return None
    power = power[power > power.mean() * 10 ** (_RANGE_GATE / 10)]
    low, high = np.percentile(power, (10, 95))
    return float(10 * np.log10(high / low))


def _complexity(tenths: Floats) -> float | None:
    if len(tenths) < _MOMENTARY:
        return None
    power = np.convolve(tenths, np.ones(_MOMENTARY) / _MOMENTARY, "valid")
    power = power[power > _power(_GATE)]
    if not power.size:
        return None
    levels = 10 * np.log10(power)
    return float(np.abs(levels - levels.mean()).mean())


def _power(lufs: float) -> float:
    return float(10 ** ((lufs + 0.691) / 10))


def _loudness(power: float) -> float:
    return -0.691 + 10 * math.log10(power)


def _decibels(level: float) -> float | None:
    return 20 * math.log10(level) if level > 0 else None
