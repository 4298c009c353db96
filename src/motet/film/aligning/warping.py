"""From a rough path to a warp: drawn in the recording's time, laid along it again, finer, and made plain."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from motet.film.aligning import kernel
from motet.film.aligning.features import chroma, loud, onsets
from motet.film.aligning.hearing import SLOW
from motet.film.aligning.notes import Notes, semitones
from motet.film.aligning.searching import Rough

__all__ = ["Warp", "finer", "plain", "smooth"]

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]

_WEIGHT = 1.0
_BLOCK = 5  # frames of one shift
_SMOOTH = 4.0  # seconds over which the rough path is smoothed
_LED = 6.0  # seconds whose tempo holds beyond an end
_TRIMMED = 1.5  # seconds of the rough path's ends
_HOLD = 8.0  # what a hold costs, however long
_STOOD = 0.15  # seconds more than the block before that are a hold
_EXTENDED = 6.0  # seconds that a path is led on to where one of both ends
_EXACT = 0.001  # seconds that a plainer warp may be off
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
    notes are drawn in the recording's clock. A hold, of whatever length, costs the same.
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
    path = kernel.held_path(gains, np.full(len(gains), stiff, np.float32), np.full(len(gains), _HOLD, np.float32))
    here = (np.arange(len(gains)) * _BLOCK + _BLOCK / 2) / SLOW + first / SLOW
    return _joined(warp, here, here + (path - far) / SLOW - _LAG), levels


def _joined(warp: Warp, here: Doubles, there: Doubles) -> Warp:
    """The warp followed by a path of blocks, smoothed over half a second between holds and made to rise."""
    from scipy.ndimage import uniform_filter1d

    off = there - here
    parts = np.split(off, np.flatnonzero(np.diff(off) > _STOOD) + 1)
    off = np.concatenate([uniform_filter1d(part, min(5, len(part)), mode="nearest") for part in parts])
    sound = np.maximum.accumulate(here + off)
    midi = warp.to_midi(here)
    keep = np.concatenate([[True], (np.diff(sound) > 1e-3) & (np.diff(midi) > 1e-3)])
    return Warp(midi[keep], sound[keep])


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
