"""Where the beats and the bars of a recording begin."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from motet.audio.facts.onsets import Novelty
from motet.audio.facts.tempo import Tempo, onset_curves

__all__ = ["Beats", "beats"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_TIGHTNESS = 100.0  # of the spacing of beats, against the strength of onsets
_FEWEST = 4
_FEWEST_IN_BARS = 12
_LATE = 0.006  # seconds by which the curve's peak follows an onset
_BARS = (4, 3)
_SURE_ENOUGH = 0.5  # chance from which downbeats are told
# Fitted by conditional logit (7 hypotheses a song; ridge of 1) on our own renders of 139 MIDI files whose beats were found,
# 7 of them in three: above all, chords change on a downbeat.
_WEIGHTS: Floats = np.array(
    [0.50, -0.04, 1.08, -0.65, 0.93, 1.48, 0.24, -0.10, -0.07, -0.54, 0.29, -0.41, -1.44],
)


@dataclass(frozen=True, eq=False)
class Beats:
    """Beats in seconds (ascending), `confidence` (0-1) that they are those a listener taps.

    `downbeats` are indices into `times`, `beats_per_bar` is 3 or 4, and `bar_confidence` (0-1) is the estimated chance that
    both are right, given the beats; where it is less than a half, there are no downbeats and `beats_per_bar` is None.
    """

    times: Floats
    downbeats: Ints
    beats_per_bar: int | None
    confidence: float
    bar_confidence: float


def beats(novelty: Novelty, tempo: Tempo) -> Beats:
    """The beats at about `tempo`, by dynamic programming (Ellis, Journal of New Music Research 36, 2007).

    They follow a tempo that drifts slowly, and go on through rests.
    """
    period = 60 / tempo.bpm * novelty.rate
    curves = onset_curves(novelty)
    spread = curves.std(axis=1, keepdims=True)
    curves = curves / np.where(spread > 0, spread, 1)
    frames = _tracked(curves[0] + curves[1], period)
    if len(frames) < _FEWEST:
        return Beats(np.zeros(0), np.zeros(0, np.int64), None, 0.0, 0.0)
    times = np.maximum(_between(curves[0], frames) / novelty.rate - _LATE, 0.0)
    contrast = float(_near(curves[0], frames).mean() - curves[0].mean())  # in standard deviations
    confidence = tempo.confidence * min(max(contrast, 0.0), 1.0)
    per_bar, first, certain = _bars(_evidence(novelty, curves, frames))
    downbeats = np.arange(first, len(frames), per_bar) if per_bar else np.zeros(0, np.int64)
    return Beats(times, downbeats.astype(np.int64), per_bar, confidence, certain)


def _tracked(curve: Floats, period: float) -> Ints:
    """The frames that are strong in `curve` (n,) and about `period` frames apart.

    A beat's predecessor is half to two periods before it, so half a period of frames is decided at once.
    """
    n = len(curve)
    near, far = max(int(period / 2), 1), max(round(period * 2), 2)
    lags = np.arange(near, far + 1)
    cost = -_TIGHTNESS * np.log(lags / period) ** 2
    score = np.zeros(n + far)  # what came before the recording is worth nothing
    score[:far] = -1e9
    before = np.full(n, -1, np.int64)
    started = 0.01 * float(curve.max(initial=0.0))
    begun = False
    for first in range(0, n, near):
        count = min(near, n - first)
        at = np.arange(first, first + count)
        reached = score[(at + far)[:, None] - lags] + cost
        best = reached.argmax(axis=1)
        value = reached[np.arange(count), best]
        linked = value > 0
        score[first + far : first + far + count] = curve[first : first + count] + np.where(linked, value, 0)
        begun = begun or bool((curve[first : first + count] > started).any())
        if begun:
            before[at[linked]] = at[linked] - lags[best[linked]]
    tail = score[far + max(n - round(period), 0) :]
    if not tail.size:
        return np.zeros(0, np.int64)
    place = n - len(tail) + int(tail.argmax())
    found = []
    while place >= 0:
        found.append(place)
        place = int(before[place])
    return _trimmed(curve, np.array(found[::-1], np.int64))


def _trimmed(curve: Floats, frames: Ints) -> Ints:
    """Without beats before the first and after the last onset of any strength."""
    strong = np.flatnonzero(_near(curve, frames) > 0.5 * math.sqrt(float(np.mean(curve[frames] ** 2))))
    return frames[strong[0] : strong[-1] + 1] if strong.size else frames[:0]


def _near(curve: Floats, frames: Ints, reach: int = 3) -> Floats:
    """The largest value of `curve` within `reach` frames of each frame."""
    around = np.clip(frames[:, None] + np.arange(-reach, reach + 1), 0, len(curve) - 1)
    largest: Floats = curve[around].max(axis=1)
    return largest


def _between(curve: Floats, frames: Ints) -> Floats:
    """Frames moved by less than one onto the peak of the parabola through the curve there, where it has one."""
    inner = np.clip(frames, 1, len(curve) - 2)
    left, middle, right = curve[inner - 1], curve[inner], curve[inner + 1]
    bend = left - 2 * middle + right
    shift = np.where((middle >= left) & (middle >= right) & (bend < 0), 0.5 * (left - right) / np.where(bend < 0, bend, -1), 0)
    moved: Floats = frames + np.clip(shift, -0.5, 0.5)
    return moved


def _evidence(novelty: Novelty, curves: Floats, frames: Ints) -> Floats:
    """What speaks for a bar at each beat (beats, 6): onsets in four bands, change of pitches to one and to two beats before.

    Each relative to the recording's own mean and spread.
    """
    columns = [_near(curve, frames) for curve in curves[1:]]
    edges = np.round(frames / novelty.rate * novelty.slow_rate).astype(np.int64)
    summed = np.concatenate([np.zeros((1, novelty.pitches.shape[1])), np.cumsum(novelty.pitches, axis=0, dtype=np.float64)])
    for span in (1, 2):
        length = max(round(span * float(np.diff(edges).mean())), 1)
        start, end = np.clip(edges - length, 0, len(summed) - 1), np.clip(edges + length, 0, len(summed) - 1)
        middle = np.clip(edges, 0, len(summed) - 1)
        old, new = summed[middle] - summed[start], summed[end] - summed[middle]
        sizes = np.linalg.norm(old, axis=1) * np.linalg.norm(new, axis=1)
        columns.append(np.where(sizes > 0, 1 - (old * new).sum(axis=1) / np.where(sizes > 0, sizes, 1), 0))
    table = np.stack(columns, axis=1)
    spread = table.std(axis=0)
    relative: Floats = (table - table.mean(axis=0)) / np.where(spread > 1e-6, spread, 1)
    return relative


def _hypotheses(table: Floats) -> tuple[list[tuple[int, int]], Floats]:
    """Every bar length and first downbeat, and for each the mean evidence on its downbeats and on those two beats later."""
    kinds, rows = [], []
    for per_bar in _BARS:
        for first in range(per_bar):
            on = table[first::per_bar]
            other = table[first + 2 :: per_bar] if per_bar == 4 else table[:0]
            half = other.mean(axis=0) if len(other) else np.zeros(table.shape[1])
            kinds.append((per_bar, first))
            rows.append(np.concatenate([on.mean(axis=0), half, [per_bar == 3]]))
    return kinds, np.array(rows)


def _bars(table: Floats) -> tuple[int | None, int, float]:
    """Beats per bar, the first downbeat and the chance that both are right; no bar where that is less than a half."""
    if len(table) < _FEWEST_IN_BARS:
        return None, 0, 0.0
    kinds, rows = _hypotheses(table)
    scores = rows @ _WEIGHTS
    chances = np.exp(scores - scores.max())
    best = int(scores.argmax())
    certain = float(chances[best] / chances.sum())
    if certain < _SURE_ENOUGH:
        return None, 0, certain
    return *kinds[best], certain
