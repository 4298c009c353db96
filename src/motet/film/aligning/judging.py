"""Whether what a MIDI file says is what is heard: bar by bar, and as a whole."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from motet import midi
from motet.film.aligning.alignment import Alignment, Bar
from motet.film.aligning.features import centred, classes, loud, onsets
from motet.film.aligning.hearing import SLOW, Heard
from motet.film.aligning.notes import Notes, semitones
from motet.film.aligning.searching import Rough
from motet.film.aligning.warping import Warp

__all__ = ["judged", "refused"]

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]

_MOST_BARS = 20_000
_BESIDE = (-41, -29, -19, -13, 13, 19, 29, 41)  # frames away, where onsets agree by chance only
_AWAY = (0.13, 0.29, 0.41, 0.57, 0.73)  # of the stretch away, where harmony does
# Logistic weights, a constant first, fitted on renders of real MIDI with equal weight for what fits and what does not. Bars:
# 886 that were played and 226 that were exchanged. Wholes: 62 songs, each beside two other songs (121) and itself with its bars
# shuffled by fours (61); of these, asked of songs left out, 60, 0 and 9 are accepted.
_BAR = (-2.99, 3.28, 4.32, 2.05)
_WHOLE = (-7.02, 2.76, 3.41, 0.77, 4.96)
_ACCEPTED = 0.5
_LEAST_COVERED = 0.35  # of what both have in common


def refused(score: midi.Score, reason: str, detail: str) -> Alignment:
    """Nothing of this score in this recording."""
    bars = tuple(Bar(number + 1, at, None, 0.0) for number, at in enumerate(bar_lines(score)[:-1].tolist()))
    return Alignment(np.zeros(0), np.zeros(0), 0, 0.0, bars, 0.0, False, reason, detail, 1.0)


def bar_lines(score: midi.Score) -> Doubles:
    """Seconds (k + 1,) at which each bar begins, and the last ends; as many bars as hold notes, 20,000 at most."""
    clock = score.tempo_map
    last = int(clock.to_bars(max(score.end - 1, 0))[0])
    ticks = clock.from_bars(np.arange(min(last + 1, _MOST_BARS) + 1))
    return np.asarray(clock.to_seconds(ticks), np.float64)


def judged(score: midi.Score, notes: Notes, heard: Heard, rough: Rough, warp: Warp, levels: Floats) -> Alignment:
    """The alignment along `warp`, with what speaks for it; `levels` (n, 64) are the recording's."""
    lines = bar_lines(score)
    inside = (lines >= warp.midi[0]) & (lines <= warp.midi[-1])
    there = warp.to_sound(lines)
    sure, noted, whole = compared(notes, rough, warp, levels, heard.seconds, lines)
    if noted.any():
        sure = np.where(noted, sure, np.interp(np.arange(len(sure)), np.flatnonzero(noted), sure[noted]))
    else:
        sure = np.zeros(len(sure))
    bars = tuple(
        Bar(k + 1, float(lines[k]), float(there[k]) if inside[k] else None, round(float(sure[k]), 4) if inside[k] else 0.0)
        for k in range(len(lines) - 1)
    )
    confidence = float(_sure(whole[None, :4], _WHOLE)[0])
    covered = float(whole[4])
    if covered < _LEAST_COVERED:
        confidence = min(confidence, 0.4)
    accepted = confidence >= _ACCEPTED
    speed = float((warp.midi[-1] - warp.midi[0]) / (warp.sound[-1] - warp.sound[0]))
    reason = "" if accepted else "other_arrangement"
    detail = "" if accepted else f"what is heard fits this MIDI badly (confidence {confidence:.2f})"
    found = warp.midi, warp.sound, rough.transposition, heard.tuning_cents
    return Alignment(*found, bars, round(confidence, 4), accepted, reason, detail, speed)


def _sure(facts: Doubles, weights: tuple[float, ...]) -> Doubles:
    """Logistic of facts (n, d)."""
    total = weights[0] + facts @ np.array(weights[1:])
    sure: Doubles = 1 / (1 + np.exp(-np.clip(total, -50, 50)))
    return sure


def compared(
    notes: Notes, rough: Rough, warp: Warp, levels: Floats, seconds: float, lines: Doubles
) -> tuple[Doubles, npt.NDArray[np.bool_], Doubles]:
    """How alike notes and sound are along a warp: the confidence of each bar (k,), which of them hold notes, and facts (5,).

    These are: how much more than by chance the harmony is alike, the semitones, the onsets; the share of bars that fit; and
    the share that is covered of what both have in common.
    """
    first, last = max(int(warp.sound[0] * SLOW), 0), min(int(warp.sound[-1] * SLOW) + 1, len(levels))
    start, end = (warp.to_sound(one) - first / SLOW for one in (notes.start, notes.end))
    mine = loud(semitones(notes, start, end, last - first, SLOW, rough.transposition, 0.186))
    theirs = levels[first:last]
    count = last - first
    edges = np.clip(np.rint(warp.to_sound(lines) * SLOW).astype(np.int64) - first, 0, count)
    tones = _tones(mine, theirs, edges)
    kinds = _harmony(mine, theirs, edges)
    struck = _struck(mine, theirs, edges)
    bars = _sure(np.stack([one[0] for one in (kinds, tones, struck)], axis=1), _BAR)
    noted = (np.diff(edges) >= 5) & (_sums(mine.sum(axis=1), edges) > 0.05 * max(float(mine.sum()) / max(count, 1), 1e-9))
    noted &= (lines[:-1] >= warp.midi[0]) & (lines[1:] <= warp.midi[-1] + 0.5)
    good = float((bars[noted] > _ACCEPTED).mean()) if noted.any() else 0.0
    length = float(notes.end.max())
    speed = (warp.midi[-1] - warp.midi[0]) / (warp.sound[-1] - warp.sound[0])
    covered = warp.sound[-1] - warp.sound[0]
    missed = min(warp.sound[0], (warp.midi[0] - float(notes.start[0])) / speed)
    missed = max(missed, 0.0) + max(min(seconds - warp.sound[-1], (length - warp.midi[-1]) / speed), 0.0)
    whole = np.array([kinds[1], tones[1], struck[1], good, covered / (covered + missed)])
    return bars, noted, whole


def _sums(values: npt.NDArray[np.floating], edges: npt.NDArray[np.int64]) -> Doubles:
    total = np.concatenate([[0.0], np.cumsum(values, dtype=np.float64)])
    sums: Doubles = total[edges[1:]] - total[edges[:-1]]
    return sums


def _agreed(a: Floats, b: Floats, edges: npt.NDArray[np.int64]) -> tuple[Doubles, float]:
    """The correlation of the frames (n, d) of each bar, and of all."""
    product, left, right = ((one * other).sum(axis=1) for one, other in ((a, b), (a, a), (b, b)))
    floor = 1e-3 * math.sqrt(float(left.sum(dtype=np.float64)) * float(right.sum(dtype=np.float64))) / max(len(a), 1) + 1e-9
    width = np.maximum(np.diff(edges), 1)
    bars: Doubles = _sums(product, edges) / (np.sqrt(_sums(left, edges) * _sums(right, edges)) + floor * width)
    sizes = math.sqrt(float(left.sum(dtype=np.float64)) * float(right.sum(dtype=np.float64)))
    return bars, float(product.sum(dtype=np.float64)) / (sizes + 1e-9)


def _tones(mine: Floats, theirs: Floats, edges: npt.NDArray[np.int64]) -> tuple[Doubles, float]:
    return _agreed(mine - mine.mean(axis=0), theirs - theirs.mean(axis=0), edges)


def _harmony(mine: Floats, theirs: Floats, edges: npt.NDArray[np.int64]) -> tuple[Doubles, float]:
    a, b = centred(classes(mine)), centred(classes(theirs))
    bars, whole = _agreed(a, b, edges)
    return bars, whole - float(np.mean([_agreed(a, np.roll(b, int(len(b) * by), axis=0), edges)[1] for by in _AWAY]))


def _struck(mine: Floats, theirs: Floats, edges: npt.NDArray[np.int64]) -> tuple[Doubles, float]:
    a, b = onsets(mine), onsets(theirs)
    bars, whole = _agreed(a, b, edges)
    chance = [_agreed(a, np.roll(b, by, axis=0), edges) for by in _BESIDE]
    return bars - np.mean([one[0] for one in chance], axis=0), whole - float(np.mean([one[1] for one in chance]))
