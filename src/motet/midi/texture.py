"""How thick, how high, how loud and how busy a passage is: counts over its notes, nothing estimated."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from motet.midi.passage import Passage
from motet.midi.tempo import TempoMap


@dataclass(frozen=True)
class Texture:
    """Counts over a passage; None where there is nothing to count.

    `notes` are those struck, drums included. Polyphony and register leave drums out: `polyphony` is the mean number of
    notes that sound together while any does, `polyphony_most` the largest. `velocity_spread` is the standard deviation.
    `sounding` is the share of the passage's time in which any pitched note sounds. `pitch_classes` are the shares of
    sounding time, C first.
    """

    notes: int
    notes_per_second: float
    drum_notes_per_second: float
    sounding: float
    polyphony: float | None
    polyphony_most: int
    pitch_low: int | None
    pitch_median: float | None
    pitch_high: int | None
    velocity_mean: float | None
    velocity_spread: float | None
    pitch_classes: tuple[float, ...] | None


def texture(passage: Passage) -> Texture:
    struck, pitched, seconds = passage.struck, passage.pitched, passage.seconds
    drums = int(np.count_nonzero(struck["is_drum"]))
    starts = pitched["start"]
    ends = starts + pitched["duration"]
    heard, most = together(starts, ends, passage.clock)
    sounded = float((passage.clock.to_seconds(ends) - passage.clock.to_seconds(starts)).sum())
    velocities = struck["velocity"].astype(np.float64)
    # How many notes have each pitch or a lower one: a median without sorting.
    below = np.cumsum(np.bincount(pitched["pitch"], minlength=128))
    middle = below.searchsorted([(len(pitched) - 1) // 2, len(pitched) // 2], "right")
    classes = passage.chroma.sum(axis=0) if sounded else np.zeros(12)
    return Texture(
        notes=len(struck),
        notes_per_second=len(struck) / seconds if seconds else 0.0,
        drum_notes_per_second=drums / seconds if seconds else 0.0,
        sounding=min(heard / seconds, 1.0) if seconds else 0.0,
        polyphony=sounded / heard if heard else None,
        polyphony_most=most,
        pitch_low=int(below.searchsorted(0, "right")) if len(pitched) else None,
        pitch_median=float(middle.sum()) / 2 if len(pitched) else None,
        pitch_high=int(below.searchsorted(len(pitched))) if len(pitched) else None,
        velocity_mean=float(velocities.mean()) if len(struck) else None,
        velocity_spread=float(velocities.std()) if len(struck) else None,
        pitch_classes=tuple((classes / classes.sum()).tolist()) if classes.sum() else None,
    )


def together(starts: NDArray[np.int64], ends: NDArray[np.int64], clock: TempoMap) -> tuple[float, int]:
    """For how many seconds any of the notes sounds, and how many sound at once at most."""
    long = ends > starts
    if not long.all():
        starts, ends = starts[long], ends[long]
    if not len(starts):
        return 0.0, 0
    first, last = np.sort(starts), np.sort(ends)
    over = np.searchsorted(last, first, "right")  # notes ended before each onset, in order of onset
    before = np.arange(len(first))
    alone = np.flatnonzero(over >= before)  # all earlier notes are over: a stretch of sound begins
    until = np.append(last[alone[1:] - 1], last[-1])
    heard = clock.to_seconds(until) - clock.to_seconds(first[alone])
    return float(heard.sum()), int((before + 1 - over).max())
