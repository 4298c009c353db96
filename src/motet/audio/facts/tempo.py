"""The tempo of a recording: the pulse that a listener would tap."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from motet.audio.facts.onsets import Novelty

__all__ = ["Tempo", "tempo"]

Floats = npt.NDArray[np.float64]

SLOWEST, FASTEST = 40.0, 240.0  # taps per minute

_SHORTEST = 3.0  # seconds of a recording that may have a tempo
_LONGEST = 6.0  # seconds of the longest repetition looked at
_STRETCH, _STEP = 12.0, 4.0  # seconds looked at together, and from one such stretch to the next
_MOST_STRETCHES = 256  # spread evenly over a recording that has more: a quarter of an hour and longer
_LOOSE = 0.015  # seconds (standard deviation) that players may be apart
_AROUND = 0.5  # seconds in which an onset is compared with what is usual
_PEAKS, _PARENTS = 6, 3
_FAMILY = (1, 2, 3, 1 / 2, 1 / 3, 3 / 2, 2 / 3, 4 / 3, 3 / 4)  # levels of one metre
_SAME = 0.03  # closer periods (as a logarithm) are one
_LEVELS = (1 / 4, 1 / 3, 1 / 2, 2 / 3, 1, 3 / 2, 2, 3, 4)
_REPEATS = [8, 10, 11, 12]  # columns of the features: the repetition after one to four taps
_TURNS = (1 / 2, 1, 2, 4)
_PREFERRED, _USUAL_EVENTS = 110.0, 3.0  # taps per minute, onsets per tap
_STEADY = 0.02  # largest spread of the tempo, as a share
_FEWEST_STRETCHES = 3
_REPORTED = 4

# Fitted by conditional logit (the levels of one song compete; ridge of 2) on our own renders of 226 MIDI files of pop, rock
# and games whose notes follow their written tempo: that is what a tap should be. See `_features` for the order.
_WEIGHTS: Floats = np.array(
    [
        *(0.35, -1.50, -0.27, -0.84),  # nearness to the preferred tempo, onsets per tap
        *(1.50, -0.83, 0.78, -1.32, 2.90, -0.60, -0.03, 1.47, 0.19),  # what repeats, at each of `_LEVELS`
        *(-3.40, 0.24, -0.25, -1.05, 1.23, -0.90, 2.09, -1.45, 1.13),  # in the bass
        *(1.33, 2.58, -1.28, -0.42),  # bass with snare, at each of `_TURNS`
    ]
)
_PULSE, _PULSE_SPREAD = 0.10, 0.025  # of the mean repetition: about 0.05 in noise and speech, 0.2 and more in most songs
_NO_PULSE = 0.05


@dataclass(frozen=True)
class Tempo:
    """`bpm` (40-240) is the mean in taps per minute; `alternatives` hold others with their chances (0-1), likeliest first.

    `confidence` (0-1) is the estimated chance that `bpm` is right and not its double, half or something else; near 0 there
    may be no pulse at all. `steady` says that the tempo moves by less than 2 %, None where that cannot be told.
    """

    bpm: float
    confidence: float
    alternatives: tuple[tuple[float, float], ...]
    steady: bool | None


@dataclass(frozen=True, eq=False)
class _Repetition:
    """How far onsets come again after each lag, `rate` lags per second; 1 is at lag 0 of each curve itself.

    `own` is that of the whole curve and of the lowest band (2, lags), `stretches` of the whole curve in each stretch
    (stretches, lags), `turns` (lags,) says how far low and high onsets are that long apart; `density` is onsets per second.
    """

    own: Floats
    turns: Floats
    stretches: Floats
    density: float
    rate: float


def tempo(novelty: Novelty) -> Tempo | None:
    """The tempo of a recording of 3 s or more; None for silence, and where nothing repeats.

    Autocorrelation of the onset strength in stretches of 12 s gives the levels of the metre. Which of them one taps, a
    conditional logit decides: by nearness to 110 taps per minute (Parncutt, Music Perception 11, 1994), onsets per tap,
    what repeats after parts and multiples of the tap, in all bands and in the bass alone, and by bass and snare taking turns.
    """
    repetition = _measure(novelty)
    if repetition is None:
        return None
    periods = _candidates(repetition)
    if not periods.size:
        return None
    table = _features(repetition, periods)
    scores = table @ _WEIGHTS
    repeated = float(table[scores.argmax(), _REPEATS].mean())
    if repeated < _NO_PULSE:
        return None
    chances = np.exp(scores - scores.max())
    chances *= 1 / (1 + math.exp((_PULSE - repeated) / _PULSE_SPREAD)) / chances.sum()
    order = np.argsort(-chances, kind="stable")
    best = float(periods[order[0]])
    others = tuple((float(60 / periods[i]), float(chances[i])) for i in order[1 : 1 + _REPORTED])
    return Tempo(60 / best, float(chances[order[0]]), others, _steady(repetition, best))


def onset_curves(novelty: Novelty) -> Floats:
    """The onset strength, of all bands and of each (5, n), smoothed, compressed and above what is usual around each moment."""
    from scipy.ndimage import gaussian_filter1d, uniform_filter1d

    raw = np.concatenate([novelty.strength[:, None], novelty.bands], axis=1).T.astype(np.float64)
    raw = gaussian_filter1d(raw, _LOOSE * novelty.rate, axis=1)
    curves: Floats = np.sqrt(np.maximum(raw - uniform_filter1d(raw, round(_AROUND * novelty.rate), axis=1), 0))
    return curves


def _measure(novelty: Novelty) -> _Repetition | None:
    """The repetition in a recording, None where it is too short or has no onsets."""
    n, rate = len(novelty.strength), novelty.rate
    if n < _SHORTEST * rate or not novelty.strength.any():
        return None
    curves = onset_curves(novelty)
    size, lags = min(round(_STRETCH * rate), n), round(_LONGEST * rate) + 2
    count = min(1 + (n - size) // round(_STEP * rate), _MOST_STRETCHES)
    starts = np.linspace(0, n - size, count).astype(np.int64)
    windows = np.lib.stride_tricks.sliding_window_view(curves[[0, 1, 3]], size, axis=1)[:, starts]
    spectra = np.fft.rfft(windows - windows.mean(axis=2, keepdims=True), 1 << (size + lags - 1).bit_length(), axis=2)
    fade = size / np.maximum(size - np.arange(lags), size / 4)
    repeats = np.fft.irfft(np.abs(spectra) ** 2, axis=2)[:, :, :lags] * fade
    crossed = np.fft.irfft((spectra[1] * spectra[2].conj()).sum(axis=0).real)[:lags] * fade
    summed = repeats.sum(axis=1)
    if summed[0, 0] <= 0:
        return None
    scale = math.sqrt(max(float(summed[1, 0] * summed[2, 0]), 0.0))
    own = summed[:2] / np.maximum(summed[:2, :1], 1e-9)
    loudest = float(repeats[0, :, 0].max())
    stretches = repeats[0] / np.maximum(repeats[0, :, :1], 1e-3 * loudest)  # one that is all but silent repeats nothing
    whole = curves[0]
    usual = 0.3 * math.sqrt(float(np.mean(whole**2)))
    tops = (whole[1:-1] > whole[:-2]) & (whole[1:-1] >= whole[2:]) & (whole[1:-1] > usual)
    return _Repetition(own, crossed / max(scale, 1e-9), stretches, float(tops.sum() / n * rate), rate)


def _candidates(repetition: _Repetition) -> Floats:
    """Periods (seconds) that could be a tap: what repeats, and other levels of the metres that begin so."""
    own = repetition.own[0]
    grid = np.geomspace(60 / FASTEST / 1.02, 60 / SLOWEST * 1.02, 400)
    comb = np.sum([_at(own, grid * level * repetition.rate) for level in (1, 2, 4)], axis=0)
    tops = 1 + np.flatnonzero((comb[1:-1] > comb[:-2]) & (comb[1:-1] >= comb[2:]) & (comb[1:-1] > 0))
    tops = tops[np.argsort(-comb[tops], kind="stable")][:_PEAKS]
    found: list[float] = []
    for rank, top in enumerate(tops.tolist()):
        for ratio in _FAMILY if rank < _PARENTS else (1,):
            period = _refined(own, repetition.rate, float(grid[top]) * ratio)
            if 60 / FASTEST <= period <= 60 / SLOWEST and all(abs(math.log(period / one)) > _SAME for one in found):
                found.append(period)
    return np.array(found)


def _features(repetition: _Repetition, periods: Floats) -> Floats:
    """What speaks for each period: (periods, 26)."""
    octave = np.log2(60 / periods / _PREFERRED)
    events = np.log2(max(repetition.density, 0.2) * periods / _USUAL_EVENTS)
    lags = periods * repetition.rate
    columns = [octave, octave**2, events, events**2]
    columns += [_at(curve, lags * level) for curve in repetition.own for level in _LEVELS]
    columns += [_at(repetition.turns, lags * level) for level in _TURNS]
    return np.stack(columns, axis=1)


def _at(curve: Floats, lags: Floats) -> Floats:
    """The curve at fractions of a lag; 0 beyond its end."""
    return np.interp(lags, np.arange(len(curve)), curve, right=0.0)


def _refined(own: Floats, rate: float, period: float) -> float:
    """The period moved onto the peaks at its multiples: further ones tell it more exactly."""
    for level in (1, 2, 4, 8):
        middle = round(period * level * rate)
        reach = max(1, round(middle * 0.02))
        first = max(middle - reach, 1)
        if middle + reach + 2 >= len(own):
            break
        top = first + int(own[first : middle + reach + 1].argmax())
        if first < top < middle + reach:
            left, peak, right = own[top - 1 : top + 2].tolist()
            bend = left - 2 * peak + right
            period = (top + (0.5 * (left - right) / bend if bend < 0 else 0.0)) / rate / level
    return period


def _steady(repetition: _Repetition, period: float) -> bool | None:
    """Whether all stretches agree about the period, by the peak nearest to a multiple of two to four seconds."""
    level = max(1, round(3.0 / period))
    middle = period * level * repetition.rate
    first, last = int(middle * 0.92), min(math.ceil(middle * 1.08) + 1, repetition.stretches.shape[1])
    around = repetition.stretches[:, first:last]
    strong = around.max(axis=1) > 0.15
    if strong.sum() < _FEWEST_STRETCHES:
        return None
    low, high = np.percentile(first + around[strong].argmax(axis=1), (10, 90))
    return bool(high - low <= _STEADY * middle)
