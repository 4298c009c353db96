"""The moments at which something begins in the soundtrack of a film."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from motet.render.hearing.onsets import HOP
from motet.render.hearing.onsets import onsets as heard
from motet.video.footage import Soundtrack

__all__ = ["onsets"]

Floats = npt.NDArray[np.float64]

STEP = 0.001  # seconds
BEFORE, BEHIND = 12, 4  # steps: the level of so many is compared with that of so many that follow
FAINT = 1e-4  # of the peak


def onsets(sound: Soundtrack) -> Floats:
    """Seconds after the first picture, ascending.

    Found by spectral flux to half a hop (see `motet.render.hearing.onsets`), then set to the ms, within a hop either way, where
    the level rises most over what it was in the 12 ms before. The search knows neither the notes nor the picture.
    """
    rough = heard(sound.copy, sound.rate)
    step = max(1, round(sound.rate * STEP))
    steps = len(sound.copy) // step
    if not len(rough) or steps <= BEFORE + BEHIND:
        return rough + sound.start
    energy = np.square(sound.copy[: steps * step].reshape(steps, step).astype(np.float64)).mean(axis=1)
    total = np.concatenate([[0.0], np.cumsum(energy)])
    places = np.arange(BEFORE, steps - BEHIND)
    behind = (total[places + BEHIND] - total[places]) / BEHIND
    before = (total[places] - total[places - BEFORE]) / BEFORE
    rise = np.zeros(steps)
    rise[places] = np.log((behind + FAINT**2 * sound.peak**2) / (before + FAINT**2 * sound.peak**2))
    reach = max(1, round(HOP / step))
    found = []
    for moment in rough.tolist():
        middle = round(moment * sound.rate / step)
        first, last = max(0, middle - reach), min(steps, middle + reach + 1)
        best = first + int(rise[first:last].argmax()) if last > first else middle
        found.append(best * step / sound.rate if last > first and rise[best] > 0 else moment)
    return np.unique(found) + sound.start
