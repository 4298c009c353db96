"""The tempo at which a listener would tap along."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from motet.midi.grid import FOLLOWED, KICKS, SNARES, Grid
from motet.midi.passage import Passage
from motet.midi.pulse import is_compound
from motet.midi.runs import changes

Floats = NDArray[np.float64]

_PREFERRED = 110.0  # taps per minute
# Fitted by conditional logit on POP909 and the Groove dataset, each song as written (8 parts in 10) and with its note
# values doubled and halved (1 part in 10 each).
_RESONANCE, _WRITTEN, _BACKBEAT, _EVENTS, _USUAL_EVENTS = 2.2, 1.8, 1.9, 1.3, 3.8

_CYCLE, _CELLS = 12, 12  # quarter notes of a fold of the drums, and its cells per quarter note
_MOST_FOLDS = 256
_FRAMES = 100  # per second, of the onset curve
_LONGEST = 1 << 16  # frames of it
_SLOWEST, _FASTEST = 40.0, 240.0
_REPEATS = 5.0  # weight of the logarithm of the autocorrelation
_FEWEST_ONSETS = 8


@dataclass(frozen=True)
class Tap:
    """The pulse of a passage as estimated; tempi in taps per minute, weighted by time.

    `confidence` is the estimated chance (0-1) that `tempo` is right, and not its double, half or something else;
    `runner_up` is the next best tempo, None where there is none. `follows_map` says that the notes lie on the grid of the
    file: then `quarters` is how many written quarter notes a tap lasts, and taps fall on multiples of it, `shift` quarter
    notes after the written beats. Otherwise the written tempo means nothing, as in a recording without a click: `tempo`
    is estimated from the onsets alone, and `quarters` is how long a tap lasts by the file's clock on average. A passage
    too short for such an estimate is taken to follow the map, with little confidence.
    """

    tempo: float
    quarters: float
    confidence: float
    runner_up: float | None
    follows_map: bool
    shift: float


def tap(passage: Passage) -> Tap | None:
    """The pulse a listener would tap to, None for a passage without notes or of no length.

    On the grid of the file the written beat, its half and its double compete (thirds and triples where beats fall into
    three or bars have three): by nearness to 110 taps per minute, the preferred tempo (Parncutt, Music Perception 11,
    1994; van Noorden and Moelants, Journal of New Music Research 28, 1999), the written beat itself, kick and snare that
    take turns, and the number of onsets per tap. Off the grid, by autocorrelation of the onsets in seconds.
    """
    notes, clock = passage.struck, passage.clock
    length, seconds = passage.end - passage.start, passage.seconds
    if not len(notes) or seconds <= 0:
        return None
    per_minute = 60 * clock.to_quarters(length) / seconds
    lattice = passage.grid
    if lattice.strength < FOLLOWED and (free := _free(passage)) is not None:
        tempo, confidence, runner_up = free
        return Tap(tempo, per_minute / tempo, confidence, runner_up, False, 0.0)
    return _written(passage, lattice, per_minute)


def main_metre(passage: Passage) -> tuple[int, int]:
    """The metre that holds for most of a passage's time, the earlier of two that hold for as long."""
    clock = passage.clock
    inside = [metre for metre in clock.metres if passage.start < metre[0] < passage.end]
    if not inside:
        return clock.metre_at(passage.start)
    times = clock.to_seconds([passage.start, *(tick for tick, _, _ in inside), passage.end])
    held: dict[tuple[int, int], float] = {}
    metres = [clock.metre_at(passage.start), *((top, bottom) for _, top, bottom in inside)]
    for metre, time in zip(metres, np.diff(times).tolist(), strict=True):
        held[metre] = held.get(metre, 0.0) + time
    return max(held, key=held.__getitem__)


def _written(passage: Passage, lattice: Grid, per_minute: float) -> Tap:
    """The best of the metre's levels."""
    top, bottom = main_metre(passage)
    compound = is_compound(top, bottom)
    beat = 4 / bottom * (3 if compound else 1)
    levels = beat * np.array([1, 1 / 3, 2] if compound else [1, 1 / 2, 3] if top == 3 else [1, 1 / 2, 2])
    tempi = per_minute / levels
    # Onsets at least 40 ms apart are heard as two.
    moments = (passage.onsets * (60 * 25 / (per_minute * passage.clock.division))).astype(np.int64)
    distinct = int(np.count_nonzero(changes(moments)))
    events = distinct * 25 * 60 / (max(int(moments[-1] - moments[0]), 25) * tempi)
    scores = _liking(tempi, events)
    scores[0] += _WRITTEN
    scores += _BACKBEAT * _turns(passage, levels)
    chances = np.exp(scores - scores.max())
    chances /= chances.sum()
    chances *= min(1.0, 0.25 + 1.5 * lattice.strength)  # it may be no click after all
    best, second = np.argsort(-chances)[:2].tolist()
    return Tap(float(tempi[best]), float(levels[best]), float(chances[best]), float(tempi[second]), True, lattice.shift)


def _liking(tempi: Floats, events: Floats) -> Floats:
    """The logarithm, up to a constant, of the chance that one taps at `tempi` with so many `events` per tap."""
    liking: Floats = -_RESONANCE * np.log2(tempi / _PREFERRED) ** 2 - _EVENTS * np.log2(events / _USUAL_EVENTS) ** 2
    return liking


def _turns(passage: Passage, levels: Floats) -> Floats:
    """How far kick and snare take turns on the taps of each level: 1 as in a backbeat, -1 where both strike together.

    The inner product of the two drums' Fourier coefficients at the period of two taps, in folds of 12 quarter notes.
    """
    notes = passage.struck
    drums = notes["is_drum"]
    if not drums.any():
        return np.zeros(len(levels))
    drums = np.flatnonzero(drums)
    pitches = notes["pitch"][drums]
    kicks = notes[drums[(pitches == KICKS[0]) | (pitches == KICKS[1])]]
    snares = notes[drums[(pitches >= SNARES[0]) & (pitches <= SNARES[-1])]]
    if not len(kicks) or not len(snares):
        return np.zeros(len(levels))
    division, cells = passage.clock.division, _CYCLE * _CELLS
    fold = -(-(passage.end - passage.start) // (division * 4 * _CYCLE * _MOST_FOLDS)) * 4 * _CYCLE * division
    first = passage.start // fold
    folds = (passage.end - 1) // fold - first + 1
    # Where in the cycle a fold starts does not matter: both drums turn alike.
    spectra = []
    for drum in (kicks, snares):
        places = drum["start"] // fold - first
        places = places * cells + drum["start"] * _CELLS // division % cells
        spectra.append(np.fft.rfft(np.bincount(places, drum["velocity"], folds * cells).reshape(folds, cells), axis=1))
    kick, snare = spectra
    most = float(np.sqrt((kick[:, 0].real ** 2).sum() * (snare[:, 0].real ** 2).sum()))
    turns = np.zeros(len(levels))
    for index, level in enumerate(levels.tolist()):
        cycles = _CYCLE / (2 * level)
        if most and cycles.is_integer() and cycles <= cells // 2:
            turns[index] = -float((kick[:, int(cycles)] * snare[:, int(cycles)].conj()).real.sum()) / most
    return turns


def _free(passage: Passage) -> tuple[float, float, float] | None:
    """Tempo, confidence and runner-up from the onsets in seconds, None where they are too few or too short a time.

    Autocorrelation of an onset curve at 100 frames per second over the first eleven minutes at most.
    """
    clock = passage.clock
    times = (clock.to_seconds(passage.struck["start"]) - clock.to_seconds(passage.start)) * _FRAMES
    frames = np.floor(times - times.min()).astype(np.int64)
    weights = passage.accents
    if int(frames.max()) >= _LONGEST:
        weights, frames = weights[frames < _LONGEST], frames[frames < _LONGEST]
    lags = int(60 / _SLOWEST * _FRAMES) + 2
    size = int(frames.max()) + 1
    if size < 2 * lags or len(frames) < _FEWEST_ONSETS:
        return None
    # Chords are loud by more than their loudest note, but not by the number of notes.
    curve = np.convolve(np.sqrt(np.bincount(frames, weights)), np.hanning(9)[1:-1], "same")
    curve -= curve.mean()
    power = np.abs(np.fft.rfft(curve, 1 << (size + lags - 1).bit_length())) ** 2
    repeats = np.fft.irfft(power)[:lags]
    if repeats[0] <= 0:
        return None
    repeats = repeats / repeats[0] * (size / (size - np.arange(lags)))
    periods = np.geomspace(60 / _FASTEST, 60 / _SLOWEST, 300)  # steps of 0.6 %
    repeated = np.interp(periods * _FRAMES, np.arange(lags), repeats)
    tempi = 60 / periods
    events = np.count_nonzero(np.bincount(frames // 4)) / size * _FRAMES * periods
    scores = _REPEATS * np.log(np.maximum(repeated, 1e-6)) + _liking(tempi, events)
    best = int(scores.argmax())
    others = np.where(np.abs(np.log2(tempi / tempi[best])) > 0.1, scores, -np.inf)
    second = int(others.argmax())
    ahead = min(float(scores[best] - others[second]), 3.0)
    # Logistic fit on the same collections played as if without a click, their tempo drifting by 0 to 4 %.
    certain = min(1.0, 10 * max(float(repeated[best]), 0.0)) / (1 + math.exp(0.44 - 1.09 * ahead))  # noise hardly repeats
    return float(tempi[best]), certain, float(tempi[second])
