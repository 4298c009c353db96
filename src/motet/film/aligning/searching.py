"""Where in a recording a MIDI file may lie: its key, its speed and a rough path, of all local paths the best."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from motet.film.aligning import kernel
from motet.film.aligning.features import centred, classes, loud, thinned
from motet.film.aligning.hearing import SLOW
from motet.film.aligning.notes import Notes, semitones

__all__ = ["Rough", "search"]

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]

_RATE = 2.0  # frames a second, unless songs are long
_CELLS = 4_000_000
_SPEEDS = (0.6, 1.0, 1.65)  # each is bent to half and to twice itself
_DRAWN = 12.5  # frames a second that notes are drawn at for it
_FLOOR, _BENT = 0.15, 0.3


@dataclass(frozen=True, eq=False)
class Rough:
    """A path in seconds, both (k,) rising; `score` is its length times how alike both are along it, `alike` the mean alone."""

    midi: Doubles
    sound: Doubles
    transposition: int
    score: float
    alike: float


def search(notes: Notes, levels: Floats, seconds: float) -> Rough | None:
    """The best local path of the notes through the levels heard (n, 64), in all twelve keys, at speeds from 0.3 to 3.3.

    `seconds` is the recording's length. None where nothing is alike.
    """
    length = float(notes.end.max())
    rate = min(_RATE, (_CELLS / max(length / _SPEEDS[0] * seconds, 1.0)) ** 0.5)
    sound = centred(thinned(classes(levels), SLOW, rate))
    best: tuple[float, int, float, npt.NDArray[np.int64], float] | None = None
    for speed in _SPEEDS:
        frames = int(length / speed * _DRAWN) + 1
        drawn = semitones(notes, notes.start / speed, notes.end / speed, frames, _DRAWN, 0, 0.186)
        written = centred(thinned(classes(loud(drawn)), _DRAWN, rate))
        if len(written) < 2 or len(sound) < 2:
            continue
        steps = np.zeros((len(written), len(sound)), np.uint8)
        for shift in range(12):
            alike = np.roll(written, shift, axis=1) @ sound.T
            score, row, column = kernel.local_path(alike, _FLOOR, _BENT, steps)
            if row >= 0 and (best is None or score > best[0]):
                path = _walked(steps, row, column)
                best = score, shift, speed, path, float(alike[path[:, 0], path[:, 1]].mean())
    if best is None or len(best[3]) < 2:
        return None
    score, shift, speed, path, alike_there = best
    times = path.astype(np.float64) / rate
    return Rough(times[:, 0] * speed, times[:, 1], (shift + 5) % 12 - 5, float(score / rate), alike_there)


def _walked(steps: npt.NDArray[np.uint8], row: int, column: int) -> npt.NDArray[np.int64]:
    path = []
    while True:
        path.append((row, column))
        step = int(steps[row, column])
        if step in (0, 4):
            break
        row, column = row - 1 - (step == 2), column - 1 - (step == 3)
    return np.array(path[::-1], np.int64)
