"""The grid that the notes of a passage lie on, and how strongly each is accented."""

from __future__ import annotations

import cmath
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from motet.midi.runs import changes, median

if TYPE_CHECKING:
    from motet.midi.passage import Passage

# Strength of a grid from which on the notes follow it: 98 % of takes to a click reach it, 4 % of those without.
FOLLOWED = 0.35
KICKS, SNARES = (35, 36), (37, 38, 39, 40)  # of General MIDI; side stick and clap do a snare's work

_BINS = 48  # of a quarter note
_STRETCH = 64  # quarter notes within which notes must keep to one grid
_MOST_STRETCHES = 256
_ALIGNED = 0.07  # quarter notes: nearer than this, the notes' grid is the written one
_MARGIN = 2.0  # how much heavier accents between the written beats must be to be taken for the beats

_STROKES = np.full(128, 0.3)  # how strong drums are
_STROKES[KICKS[0] : SNARES[-1] + 1] = 1.0


@dataclass(frozen=True)
class Grid:
    """How far onsets keep to a regular grid of the written quarter note.

    `strength` is the mean resultant length of their phases, 0 (anywhere) to 1 (exactly on it), on the best of the grids
    of 1, 2, 3, 4, 6 and 8 to the quarter, each stretch of 64 quarters by itself. `per_quarter` is that grid: 3 or 4.
    `shift` is where its beats lie, in quarter notes after the written ones, -0.5 to 0.5: 0 unless the whole grid is
    moved against the ticks, as in music recorded to a click whose first beat was not tick 0, or accents between the
    written beats are twice as heavy as on them; then the beat is the place on the grid with the heaviest accents.
    """

    strength: float
    per_quarter: int
    shift: float


def grid(passage: Passage) -> Grid:
    """The grid that the onsets of a passage keep to."""
    if not len(passage.struck):
        return Grid(0.0, 4, 0.0)
    division = passage.clock.division
    moments = passage.onsets * _BINS // division
    moments = moments[changes(moments)]  # a chord counts once
    stretches = moments // (_BINS * _STRETCH)
    stretches -= stretches[0]
    stretches //= stretches[-1] // _MOST_STRETCHES + 1
    count = np.bincount(stretches * _BINS + moments % _BINS, minlength=int(stretches[-1] + 1) * _BINS)
    spectrum = np.fft.rfft(count.reshape(-1, _BINS), axis=1)
    sizes = spectrum[:, 0].real
    power = (np.abs(spectrum[:, [1, 2, 3, 4, 6, 8]]) ** 2).sum(axis=0)
    # What onsets anywhere would reach by chance goes off.
    chance, most = float(len(moments)), float((sizes**2).sum())
    resultants = np.sqrt(np.maximum(power - chance, 0.0) / max(most - chance, 1.0))
    per_quarter = 3 if resultants[2] > resultants[3] else 4
    phase = cmath.phase((spectrum[:, per_quarter] * sizes).sum()) / (-2 * math.pi * per_quarter)
    phase += 0.5 / _BINS  # a bin is known by its lower edge
    fold = np.bincount(passage.struck["start"] * _BINS // division % _BINS, passage.accents, _BINS)
    choices = (phase + np.arange(per_quarter) / per_quarter + 0.5) % 1 - 0.5
    places = np.floor(choices * _BINS).astype(np.int64)
    felt = fold[places - 1] + fold[places] + fold[(places + 1) % _BINS]
    strength, aligned = float(resultants.max()), abs(phase) <= _ALIGNED
    if aligned:
        felt[0] *= _MARGIN
    best = int(felt.argmax())
    if strength < FOLLOWED or (aligned and not best):
        return Grid(strength, per_quarter, 0.0)
    # The bins know the shift to a 48th of a quarter note; where notes are quantised, the median is exact.
    steps = (passage.onsets / division - choices[best]) * per_quarter
    shift = float(choices[best]) + median(steps - np.rint(steps)) / per_quarter
    return Grid(strength, per_quarter, shift - round(shift))


def accents(passage: Passage) -> NDArray[np.float64]:
    """The weight of every struck note as a listener may feel it, 0 to 1.

    Drums by velocity, kick and snare before the rest; other notes by velocity and length, as longer notes sound accented
    up to about half a second (Parncutt, "A perceptual model of pulse salience", Music Perception 11, 1994).
    """
    notes = passage.struck
    quarters = passage.clock.to_quarters(passage.end - passage.start)
    scale = 2 * passage.seconds / quarters / passage.clock.division if quarters else 0.0
    weights: NDArray[np.float64] = 1 - np.exp(notes["duration"] * -scale)
    drums = notes["is_drum"]
    if drums.any():
        weights[drums] = _STROKES.take(notes["pitch"][drums])
    weights *= notes["velocity"] / 127
    return weights
