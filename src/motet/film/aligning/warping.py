"""From a rough path to a warp: drawn in the recording's time, laid along it again, finer, and moved to its rises of energy."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from motet.film.aligning import kernel
from motet.film.aligning.features import chroma, loud, onsets
from motet.film.aligning.hearing import BANDS, FINE, SLOW
from motet.film.aligning.notes import Notes, onset_bands, semitones
from motet.film.aligning.searching import Rough

__all__ = ["Warp", "finer", "moved", "plain", "smooth"]

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]

_WEIGHT = 1.0
_BLOCK = 5  # frames of one shift
_SMOOTH = 4.0  # seconds over which the rough path is smoothed
_LED = 6.0  # seconds whose tempo holds beyond an end
_TRIMMED = 1.5  # seconds of the rough path's ends
_EXTENDED = 6.0  # seconds that a path is led on to where one of both ends
_NEAR = 0.1  # seconds that an onset may be moved
_PLACES = 41  # within that
_TOGETHER = 0.03  # seconds within which notes are struck at once
_STIFF = 6.0  # what moving by a second more than the onset before costs, a second later
_EXACT = 0.001  # seconds that a plainer warp may be off
_LATE = 0.009  # seconds after an onset at which its rise is seen
_LAG = 0.022  # seconds by which semitones lag behind those drawn, as sounds swell


class Warp:
    """A piecewise linear map between two clocks, led on straight beyond its ends."""

    def __init__(self, midi: Doubles, sound: Doubles) -> None:
        self.midi, self.sound = midi, sound

    def to_sound(self, midi: Doubles) -> Doubles:
        return _led_on(midi, self.midi, self.sound)

    def to_midi(self, sound: Doubles) -> Doubles:
        return _led_on(sound, self.sound, self.midi)


def _led_on(at: Doubles, known: Doubles, there: Doubles) -> Doubles:
    """Looked up; beyond the ends at the mean slope of the last `_LED` seconds."""
    found = np.interp(at, known, there)
    early = max(int(np.searchsorted(known, known[0] + _LED)), 1)
    late = min(int(np.searchsorted(known, known[-1] - _LED)), len(known) - 2)
    before, after = at < known[0], at > known[-1]
    for beyond, end, inner in ((before, 0, min(early, len(known) - 1)), (after, -1, late)):
        slope = (there[inner] - there[end]) / (known[inner] - known[end])
        found = np.where(beyond, there[end] + (at - known[end]) * slope, found)
    mapped: Doubles = found
    return mapped


def smooth(rough: Rough, length: float, seconds: float) -> Warp:
    """A warp along the rough path, smoothed, led on by some seconds to where MIDI or recording ends."""
    from scipy.signal import savgol_filter

    # The last steps of a local path are bent to whatever is a little alike.
    cut = int(np.searchsorted(rough.sound, rough.sound[0] + _TRIMMED))
    cut = cut if len(rough.sound) > 6 * cut else 0
    midi, sound = rough.midi[cut : len(rough.midi) - cut], rough.sound[cut : len(rough.sound) - cut]
    along = midi + sound
    m, s = (np.interp(np.arange(along[0], along[-1], 0.5), along, one) for one in (midi, sound))
    size = min(int(_SMOOTH * 4) | 1, (len(m) - 1) | 1)
    if 3 <= size <= len(m):
        m, s = (savgol_filter(one, size, 1, mode="interp") for one in (m, s))
    smoothed = s
    keep = np.concatenate([[True], (np.diff(m) > 1e-3) & (np.diff(smoothed) > 1e-3)])
    m, smoothed = m[keep], np.maximum.accumulate(smoothed[keep])
    keep = np.concatenate([[True], np.diff(smoothed) > 1e-3])
    warp = Warp(m[keep], smoothed[keep])
    return _extended(warp, length, seconds)


def _extended(warp: Warp, length: float, seconds: float) -> Warp:
    m, s = warp.midi, warp.sound
    speed = (m[-1] - m[0]) / (s[-1] - s[0])
    before = min(s[0], m[0] / speed, _EXTENDED)
    after = min(seconds - s[-1], (length - m[-1]) / speed, _EXTENDED)
    ends = np.array([s[0] - before, s[-1] + max(after, 0)])
    at = warp.to_midi(ends)
    if before > 0.01:
        m, s = np.concatenate([[at[0]], m]), np.concatenate([[ends[0]], s])
    if after > 0.01:
        m, s = np.concatenate([m, [at[1]]]), np.concatenate([s, [ends[1]]])
    return Warp(m, s)


def finer(
    warp: Warp, notes: Notes, shift: int, heard_chroma: Floats, heard_onsets: Floats, reach: float, stiff: float
) -> tuple[Warp, Floats]:
    """The warp again, at most `reach` seconds off, to about a frame of `SLOW`; and the notes' levels drawn along the old one.

    Every 0.1 s the shift that makes chroma and onsets alike, at a price for each change of it: a band around the diagonal, as the
    notes are drawn in the recording's clock.
    """
    first = max(int(warp.sound[0] * SLOW), 0)
    last = min(int(warp.sound[-1] * SLOW) + 1, len(heard_chroma))
    count = last - first
    start, end = (warp.to_sound(one) - first / SLOW for one in (notes.start, notes.end))
    levels = loud(semitones(notes, start, end, count, SLOW, shift, 0.186))
    mine = np.concatenate([chroma(levels), onsets(levels)], axis=1)
    far = int(reach * SLOW)
    begin, stop = max(first - far, 0), min(last + far, len(heard_chroma))
    theirs = np.zeros((count + 2 * far, mine.shape[1]), np.float32)
    at = begin - (first - far)
    theirs[at : at + stop - begin, :12] = heard_chroma[begin:stop]
    theirs[at : at + stop - begin, 12:] = heard_onsets[begin:stop]
    gains = kernel.shifted_gains(mine, theirs, 12, _WEIGHT, far, _BLOCK)
    path = kernel.rise_path(gains, np.full(len(gains), stiff, np.float32))
    here = (np.arange(len(gains)) * _BLOCK + _BLOCK / 2) / SLOW + first / SLOW
    return _joined(warp, here, here + (path - far) / SLOW - _LAG), levels


def _joined(warp: Warp, here: Doubles, there: Doubles) -> Warp:
    """The warp followed by a path of blocks, smoothed over half a second and made to rise."""
    from scipy.ndimage import uniform_filter1d

    off = uniform_filter1d(there - here, min(5, len(here)), mode="nearest")
    sound = np.maximum.accumulate(here + off)
    midi = warp.to_midi(here)
    keep = np.concatenate([[True], (np.diff(sound) > 1e-3) & (np.diff(midi) > 1e-3)])
    return Warp(midi[keep], sound[keep])


def moved(warp: Warp, notes: Notes, shift: int, heard_rises: Floats) -> Warp:
    """The warp with onsets moved to the rises of energy near them, together as far as they agree."""
    inside = (notes.start >= warp.midi[0] - 0.05) & (notes.start <= warp.midi[-1] + 0.05)
    if not inside.any():
        return warp
    times = notes.start[inside]
    weights = onset_bands(notes, shift)[inside]
    groups = np.cumsum(np.concatenate([[0], np.diff(times) > _TOGETHER]))
    count = int(groups[-1]) + 1
    together = np.zeros((count, BANDS), np.float32)
    np.maximum.at(together, groups, weights)
    onset = np.bincount(groups, times) / np.bincount(groups)
    sound = warp.to_sound(onset)
    shifts = np.linspace(-_NEAR, _NEAR, _PLACES)
    gains = np.zeros((count, _PLACES), np.float32)
    for place, by in enumerate(shifts):
        at = np.clip((sound + by + _LATE) * FINE, 0, len(heard_rises) - 1.001)
        low = at.astype(np.int64)
        part = (at - low).astype(np.float32)[:, None]
        gains[:, place] = ((heard_rises[low] * (1 - part) + heard_rises[low + 1] * part) * together).sum(axis=1)
    usual = np.median(gains, axis=1, keepdims=True)
    gains = np.minimum(gains - usual, 4.0)
    gap = np.diff(sound, prepend=sound[0])
    stiff = _STIFF * (shifts[1] - shifts[0]) * 50 / (1 + np.maximum(gap, 0) * 4)
    path = kernel.rise_path(np.ascontiguousarray(gains), stiff.astype(np.float32))
    by = shifts[path]
    strength = gains[np.arange(count), path]
    new = _steadied(sound, by, strength)
    # Outside and far from onsets the warp keeps its shape.
    grid = np.union1d(warp.midi, onset)
    there = warp.to_sound(grid) + np.interp(grid, onset, new)
    there = np.maximum.accumulate(there)
    keep = np.concatenate([[True], (np.diff(there) > 1e-4) & (np.diff(grid) > 1e-4)])
    return Warp(grid[keep], there[keep])


def _steadied(sound: Doubles, by: Doubles, strength: Floats) -> Doubles:
    """Shifts averaged over half a second of onsets around, by their strength."""
    weights = np.maximum(strength, 0.05).astype(np.float64)
    sums = np.concatenate([[0.0], np.cumsum(weights)])
    total = np.concatenate([[0.0], np.cumsum(weights * by)])
    order = np.maximum.accumulate(sound)
    low, high = np.searchsorted(order, order - 0.3), np.searchsorted(order, order + 0.3, side="right")
    mean: Doubles = (total[high] - total[low]) / (sums[high] - sums[low])
    return mean


def plain(warp: Warp, length: float, seconds: float) -> Warp:
    """The warp within MIDI and recording, in tenths of milliseconds, with no more knots than it takes to be exact to 1 ms.

    A knot is left out while one straight line passes all since the last within that; there may be fewer than two left.
    """
    midi, sound = np.round(warp.midi, 4), np.round(warp.sound, 4)
    kept = (midi >= 0) & (midi <= length) & (sound >= 0) & (sound <= seconds)
    midi, sound = midi[kept], sound[kept]
    rising = np.concatenate([[True], np.diff(sound) > 0])[: len(sound)]
    midi, sound = midi[rising], sound[rising]
    rising = np.concatenate([[True], np.diff(midi) > 0])[: len(midi)]
    midi, sound = midi[rising], sound[rising]
    if len(midi) < 3:
        return Warp(midi, sound)
    x, y = midi.tolist(), sound.tolist()
    knots, low, high = [0], -np.inf, np.inf
    for k in range(1, len(x)):
        since = x[k] - x[knots[-1]]
        slope = (y[k] - y[knots[-1]]) / since
        if not low <= slope <= high:
            knots.append(k - 1)
            since = x[k] - x[k - 1]
            slope, low, high = (y[k] - y[k - 1]) / since, -np.inf, np.inf
        low, high = max(low, slope - _EXACT / since), min(high, slope + _EXACT / since)
    knots.append(len(x) - 1)
    return Warp(midi[knots], sound[knots])
