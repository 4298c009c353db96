"""How notes sit on the beat: quantised or played, on which grid, straight or swung."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from motet.midi.grid import FOLLOWED
from motet.midi.passage import Passage
from motet.midi.pulse import is_compound
from motet.midi.runs import changes, median
from motet.midi.tap import main_metre

GRIDS = (1, 2, 3, 4, 6, 8, 12, 16, 24)  # per quarter note
_PER_QUARTER = np.array(GRIDS)[:, None]

_NEAR = 0.0025  # seconds within which an onset is on the grid; half a tick where ticks are coarser
_EXPLAINED = 0.95  # share of the onsets that a grid must hold to explain them
_FIRST, _MIDDLE, _LAST = 0.42, 0.58, 0.72  # where in a beat an off-beat eighth lies: swing ratios 0.7 to 2.6
_ON = 0.12  # how far from the beat, in beats, an onset still falls on it
_HALF, _STEEP = 0.5, 12.0  # of the logistic from share on the grid, chance taken off, to the verdict
_TOGETHER = 0.06  # beats within which off-beats agree
_FEWEST_PAIRS = 8
_MOST_ONSETS = 1 << 17  # that are looked at


@dataclass(frozen=True)
class Feel:
    """Timing of the onsets of a passage against the grid of written notes.

    `on_grid` is the share of onsets within 2.5 ms (half a tick if that is more) of the `grid`: so many to the quarter note
    (3 and 6 are triplets), the coarsest that explains the notes; None where they follow none. `deviation` is the median
    distance from it in milliseconds, None without one. `quantised` is the verdict: entered by step or moved onto the
    grid, not played; `confidence` (0.5-1) says how clearly (chosen, not fitted: between machine and hand there is no label).

    `swing` is how long the first eighth of a beat lasts against the second: 1.0 straight, 2.0 as in triplets; None with
    too few off-beat eighths, in triple subdivisions and in compound metres. `swing_confidence` (0-1) grows with the
    number of beats and how much they agree, 0 for no `swing`.
    """

    quantised: bool
    confidence: float
    on_grid: float
    deviation: float | None
    grid: int | None
    swing: float | None
    swing_confidence: float


def feel(passage: Passage) -> Feel | None:
    """How the onsets of a passage sit on the beat, None for one without notes or of no length.

    The swing ratio is that of Friberg and Sundstroem, "Swing ratios and ensemble timing in jazz performance" (Music
    Perception 19, 2002): duration of the long eighth over the short one. It is read from beats split in two: with an
    onset on them, one or more between 0.42 and 0.72 of them, and none elsewhere. So dotted rhythms and sixteenths do not
    count; and where beats with an onset before 0.42 as
    well are more than half as many, the music is in triplets or sixteenths and has no swing. The median tells.
    """
    notes, clock = passage.struck, passage.clock
    quarters, seconds = clock.to_quarters(passage.end - passage.start), passage.seconds
    if not len(notes) or seconds <= 0:
        return None
    lattice = passage.grid
    division = clock.division
    onsets = passage.onsets[:_MOST_ONSETS] / division - lattice.shift
    quarter = seconds / quarters
    # All grids at once: how far each onset lies from each, in quarter notes.
    distances = onsets * _PER_QUARTER
    distances -= np.rint(distances)
    np.abs(distances, out=distances)
    distances /= _PER_QUARTER
    near = max(_NEAR / quarter, 0.51 / division)
    shares = np.array([np.count_nonzero(row) for row in distances <= near]) / len(onsets)
    chance = np.minimum(_PER_QUARTER[:, 0] * max(2 * near, 1 / division), 1.0)
    beyond = np.where(chance < 0.9, (shares - chance) / np.maximum(1 - chance, 0.1), 0.0)
    full = np.flatnonzero((shares >= _EXPLAINED) & (beyond >= 0.5))
    best = int(full[0]) if len(full) else int(beyond.argmax())
    certain = 1 / (1 + math.exp(_STEEP * (_HALF - float(beyond[best])) * len(onsets) / (len(onsets) + 4)))
    quantised = certain >= 0.5
    follows = quantised or lattice.strength >= FOLLOWED
    if follows and not quantised:
        best = GRIDS.index(lattice.per_quarter)
    top, bottom = main_metre(passage)
    swing, agreed = None, 0.0
    if lattice.strength >= FOLLOWED and not is_compound(top, bottom):
        swing, agreed = _swing(onsets)
    return Feel(
        quantised=quantised,
        confidence=max(certain, 1 - certain),
        on_grid=float(shares[best]),
        deviation=1000 * quarter * median(distances[best]) if follows else None,
        grid=GRIDS[best] if follows else None,
        swing=swing,
        swing_confidence=agreed,
    )


def _swing(onsets: NDArray[np.float64]) -> tuple[float | None, float]:
    """Swing ratio and confidence, from ascending onsets in quarter notes."""
    beats = np.floor(onsets + _ON)
    places = onsets - beats
    beat = np.cumsum(changes(beats)) - 1
    # Places in a beat: on it, before an off-beat eighth, that eighth early and late, after it.
    cells = beat * 5 + np.searchsorted(np.array([_ON, _FIRST, _MIDDLE, _LAST]), places, "right")
    size = int(beat[-1]) + 1
    on, before, early, late, after = np.bincount(cells, minlength=size * 5).reshape(size, 5).T
    sums = np.bincount(cells, places, size * 5).reshape(size, 5)
    split = (on > 0) & ((early > 0) != (late > 0))  # both is sixteenths
    pairs = split & (before == 0) & (after == 0)
    count = int(np.count_nonzero(pairs))
    triplets = int(np.count_nonzero(split & (before > 0) & (after == 0)))
    if count < _FEWEST_PAIRS or triplets > count / 2:
        return None, 0.0
    long = (sums[:, 2] + sums[:, 3])[pairs] / (early + late)[pairs] - sums[pairs, 0] / on[pairs]
    middle = median(long)
    agreed = float(np.count_nonzero(np.abs(long - middle) <= _TOGETHER)) / count
    return middle / (1 - middle), agreed * count / (count + _FEWEST_PAIRS)
