"""What notes should sound like: the semitones that they and their overtones fill, and the bands in which each begins."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from motet import midi
from motet.film.aligning import kernel
from motet.film.aligning.hearing import BANDS, HIGH, LOW, LOWEST, SEMITONES
from motet.film.errors import FilmError

__all__ = ["Notes", "onset_bands", "onset_tones", "semitones", "take_notes"]

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]

_PARTIALS = ((0, 1.0), (12, 0.6), (19, 0.4), (24, 0.3), (28, 0.2))  # semitones above, and strength
_FADE, _RING = 1.5, 0.12  # seconds in which a held tone, and one let go, falls by e
_FAINTEST = 0.02
_MOST = 2_000_000  # notes
# Lowest and highest band, as Hz, in which drums of General MIDI begin.
_KICK, _SNARE, _CYMBAL, _TOM = (60.0, 250.0), (180.0, 6000.0), (3000.0, 10_000.0), (80.0, 1000.0)
_KICKS, _CYMBALS, _TOMS = (35, 36), (42, 44, 46, 49, 51, 52, 53, 54, 55, 57, 59, 69, 70, 82), (41, 43, 45, 47, 48, 50)


@dataclass(frozen=True, eq=False)
class Notes:
    """The notes of a score in order of onset, each (n,): `start` and `end` in seconds, `pitch`, `level` (0-1), `drum`."""

    start: Doubles
    end: Doubles
    pitch: Places
    level: Floats
    drum: npt.NDArray[np.bool_]


def take_notes(score: midi.Score) -> Notes:
    """The notes that are to be heard. Raises FilmError: `no_notes`, `too_many_notes`."""
    notes = score.notes
    if len(notes) > _MOST:
        raise FilmError("too_many_notes", f"{len(notes):,} notes are more than can be aligned ({_MOST:,})")
    level = (notes["velocity"] / 127.0) ** 1.5
    tracks = notes["track"].astype(np.int64)
    for set_to in score.controlled((7, 11), tracks, notes["start"]):
        if set_to is not None:
            level = level * np.where(set_to < 0, 1.0, (np.maximum(set_to, 0) / 100.0) ** 1.5)
    order = np.argsort(notes["start"], kind="stable")
    order = order[level[order] > _FAINTEST * level.max(initial=0.0)]
    if not len(order):
        raise FilmError("no_notes", "this MIDI file has no notes to be heard")
    kept = notes[order]
    start = score.tempo_map.to_seconds(kept["start"])
    end = score.tempo_map.to_seconds(kept["start"] + kept["duration"])
    loud = (level[order] / level.max()).astype(np.float32)
    return Notes(start, np.maximum(end, start + 0.02), kept["pitch"].astype(np.int64), loud, kept["is_drum"].copy())


def semitones(notes: Notes, start: Doubles, end: Doubles, frames: int, rate: float, shift: int, window: float) -> Floats:
    """Magnitudes (frames, 64) of the pitched notes, `shift` semitones higher, as a window of `window` seconds would show them.

    `start` and `end` (n,) are the notes' times in seconds, of the clock on which `rate` frames a second are drawn.
    """
    from scipy.ndimage import convolve1d

    out = np.zeros((frames, SEMITONES), np.float32)
    reached = ~notes.drum & (end * rate > -1) & (start * rate < frames)
    for above, strength in _PARTIALS:
        row = notes.pitch + (shift + above - LOWEST)
        kept = reached & (row >= 0) & (row < SEMITONES)
        weights = notes.level[kept] * np.float32(strength)
        kernel.draw(out, start[kept] * rate, end[kept] * rate, row[kept], weights, _FADE * rate, _RING * rate)
    size = 2 * int(window * rate / 2) + 1
    shape = np.hanning(size + 2)[1:-1]
    drawn: Floats = convolve1d(out, (shape / shape.sum()).astype(np.float32), axis=0, mode="constant")
    return drawn


def onset_bands(notes: Notes, shift: int) -> Floats:
    """For each note, in which bands (n, 36) its onset is to be seen; a tone's from its fundamental up, a drum's by its kind."""
    hertz = LOW * (HIGH / LOW) ** (np.arange(BANDS) / (BANDS - 1))
    bands = np.zeros((128, 2, BANDS), np.float32)
    for pitch in range(128):
        fundamental = 440 * 2 ** ((pitch + shift - 69) / 12)
        for number, strength in enumerate((1.0, 0.8, 0.6, 0.5, 0.3, 0.3, 0.2, 0.2), 1):
            gap = np.abs(np.log2(hertz / (fundamental * number)))
            np.maximum(bands[pitch, 0], strength * np.maximum(1 - gap * 4, 0), out=bands[pitch, 0])
        low, high = _KICK if pitch in _KICKS else _CYMBAL if pitch in _CYMBALS else _TOM if pitch in _TOMS else _SNARE
        bands[pitch, 1] = (hertz >= low) & (hertz <= high)
    bands /= np.maximum(np.sqrt((bands**2).sum(axis=2, keepdims=True)), 1e-6)
    mine: Floats = bands[notes.pitch, notes.drum.astype(np.int64)] * np.sqrt(notes.level)[:, None]
    return mine


def onset_tones(notes: Notes, shift: int, groups: Places, count: int) -> Floats:
    """For each of `count` groups of notes, by `groups` (n,), the semitones that they bring (count, 64), to length 1."""
    tones = np.zeros((count, SEMITONES), np.float32)
    for above, strength in _PARTIALS[:3]:
        row = notes.pitch + (shift + above - LOWEST)
        kept = (row >= 0) & (row < SEMITONES) & ~notes.drum
        np.maximum.at(tones, (groups[kept], row[kept]), np.sqrt(notes.level[kept]) * np.float32(strength))
    tones /= np.maximum(np.sqrt((tones**2).sum(axis=1, keepdims=True)), 1e-6)
    return tones
