"""Moments at which notes are struck, laid one by one on a recording's rises of energy: a hold lies between the right two."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from motet.film.aligning import kernel
from motet.film.aligning.hearing import BANDS, FINE
from motet.film.aligning.notes import Notes, onset_bands, onset_tones
from motet.film.aligning.warping import Warp

__all__ = ["Moments", "held", "moved", "take_moments"]

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]

_TOGETHER = 0.03  # seconds within which notes are struck at once
_LATE = 0.009  # seconds after an onset at which its rise is seen
_MOST = 4.0  # what one moment may gain
# Of holds.
_REACH = 2.5  # seconds that a moment may be moved, less where there are very many
_CELLS = 40_000_000
_PACE = 6.0  # seconds whose median pace a moment keeps
_BENT = 0.05  # by how much, as a part, the warp may have it go faster or slower
_TONES = 4.0  # what semitones count, beside bands
_KEPT = 0.8  # what a frame off the pace costs, less a second later
_HOLD = 10.0  # what a hold costs, however long
_STOOD = 0.12  # seconds beyond the pace that are a hold
# Of the last step.
_NEAR = 0.1  # seconds that an onset may be moved
_PLACES = 41  # within that
_STIFF = 6.0  # what moving by a second more than the onset before costs, a second later


@dataclass(frozen=True, eq=False)
class Moments:
    """Notes struck at once: when in the MIDI (n,), in which bands (n, 36) and semitones (n, 64) they are to be seen."""

    onset: Doubles
    bands: Floats
    tones: Floats


def take_moments(warp: Warp, notes: Notes, shift: int) -> Moments | None:
    """The moments of the matched stretch; None if there are none."""
    inside = (notes.start >= warp.midi[0] - 0.05) & (notes.start <= warp.midi[-1] + 0.05)
    if not inside.any():
        return None
    chosen = Notes(*(one[inside] for one in (notes.start, notes.end, notes.pitch, notes.level, notes.drum)))
    groups = np.cumsum(np.concatenate([[0], np.diff(chosen.start) > _TOGETHER]))
    count = int(groups[-1]) + 1
    bands = np.zeros((count, BANDS), np.float32)
    np.maximum.at(bands, groups, onset_bands(chosen, shift))
    onset = np.bincount(groups, chosen.start) / np.bincount(groups)
    return Moments(onset, bands, onset_tones(chosen, shift, groups, count))


def held(warp: Warp, moments: Moments, heard_rises: Floats, heard_tones: Floats) -> tuple[Warp, Doubles]:
    """The warp with each moment where it is seen to be struck, and the MIDI seconds of the moments before which time stood still.

    Moments follow each other at the pace of the seconds around. What is off that costs the more the longer it is, but a hold
    costs the same however long: it is put between the two moments that it parts, instead of into the pace of all around.
    """
    onset = moments.onset
    count = len(onset)
    reach = min(int(_REACH * FINE), _CELLS // (2 * count))
    if count < 3 or reach < 2:
        return warp, np.zeros(0)
    sound = warp.to_sound(onset)
    gap, step = np.diff(sound, prepend=sound[0]), np.diff(onset, prepend=onset[0])
    usual = step * _pace(warp, onset)
    wanted = np.clip(gap, usual * (1 - _BENT), usual * (1 + _BENT))
    centre = np.rint((sound + _LATE) * FINE).astype(np.int64)
    led = np.diff(centre - np.rint(np.cumsum(wanted) * FINE).astype(np.int64), prepend=0)
    led = np.clip(led, -reach, reach)
    stiff = (_KEPT / (1 + 4 * wanted)).astype(np.float32)
    evidence = heard_rises, moments.bands, heard_tones, moments.tones
    path = kernel.held_moments(*evidence, centre, reach, led, stiff, _TONES, _MOST, _HOLD)
    there = np.maximum.accumulate((centre + path - reach) / FINE - _LATE)
    stood = np.diff(there, prepend=there[0]) - wanted > _STOOD
    return _through(warp, onset, there), onset[stood]


def moved(warp: Warp, moments: Moments, heard_rises: Floats, stood: Doubles) -> Warp:
    """The warp with onsets moved to the rises of energy near them, together as far as they agree and no hold parts them."""
    onset = moments.onset
    sound = warp.to_sound(onset)
    shifts = np.linspace(-_NEAR, _NEAR, _PLACES)
    gains = np.zeros((len(onset), _PLACES), np.float32)
    for place, by in enumerate(shifts):
        at = np.clip((sound + by + _LATE) * FINE, 0, len(heard_rises) - 1.001)
        low = at.astype(np.int64)
        part = (at - low).astype(np.float32)[:, None]
        gains[:, place] = ((heard_rises[low] * (1 - part) + heard_rises[low + 1] * part) * moments.bands).sum(axis=1)
    gains = np.minimum(gains - np.median(gains, axis=1, keepdims=True), _MOST)
    gap = np.diff(sound, prepend=sound[0])
    stiff = _STIFF * (shifts[1] - shifts[0]) * 50 / (1 + np.maximum(gap, 0) * 4)
    path = kernel.rise_path(np.ascontiguousarray(gains), stiff.astype(np.float32))
    strength = gains[np.arange(len(onset)), path]
    parts = np.searchsorted(stood, onset, side="right")
    return _through(warp, onset, sound + _steadied(sound, shifts[path], strength, parts))


def _pace(warp: Warp, onset: Doubles) -> Doubles:
    """Seconds of the recording for one of the MIDI: the median of `_PACE` seconds around each onset."""
    from scipy.ndimage import median_filter

    grid = np.arange(warp.midi[0], warp.midi[-1], 0.25)
    if len(grid) < 3:
        return np.full(len(onset), (warp.sound[-1] - warp.sound[0]) / (warp.midi[-1] - warp.midi[0]))
    pace = median_filter(np.gradient(warp.to_sound(grid), 0.25), int(_PACE * 4) | 1, mode="nearest")
    around: Doubles = np.interp(onset, grid, pace)
    return around


def _through(warp: Warp, onset: Doubles, there: Doubles) -> Warp:
    """A warp straight between onsets; before the first and after the last it keeps its shape."""
    before, after = warp.midi < onset[0] - 0.02, warp.midi > onset[-1] + 0.02
    first, last = there[0] - warp.to_sound(onset[:1]), there[-1] - warp.to_sound(onset[-1:])
    midi = np.concatenate([warp.midi[before], onset, warp.midi[after]])
    sound = np.maximum.accumulate(np.concatenate([warp.sound[before] + first, there, warp.sound[after] + last]))
    keep = np.concatenate([[True], (np.diff(sound) > 1e-4) & (np.diff(midi) > 1e-4)])
    return Warp(midi[keep], sound[keep]) if keep.sum() > 1 else warp


def _steadied(sound: Doubles, by: Doubles, strength: Floats, parts: npt.NDArray[np.int64]) -> Doubles:
    """Shifts averaged over half a second of onsets around, by their strength, within the same of `parts` (n,), which rise."""
    weights = np.maximum(strength, 0.05).astype(np.float64)
    sums = np.concatenate([[0.0], np.cumsum(weights)])
    total = np.concatenate([[0.0], np.cumsum(weights * by)])
    order = np.maximum.accumulate(sound)
    low = np.maximum(np.searchsorted(order, order - 0.3), np.searchsorted(parts, parts))
    high = np.minimum(np.searchsorted(order, order + 0.3, side="right"), np.searchsorted(parts, parts, side="right"))
    mean: Doubles = (total[high] - total[low]) / (sums[high] - sums[low])
    return mean
