"""Whether the notes heard are those of the MIDI, and how well they are in tune (twelve equal semitones, A at 440 Hz)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from motet.render.hearing.kinds import Kind
from motet.render.hearing.notes import Struck

__all__ = ["Tuning", "tuning"]

Audio = NDArray[np.float32]

LONG = 0.15  # seconds of a spectrum, at least; the next power of two is 186 ms at 11 kHz
SETTLED: dict[Kind, float] = {"percussive": 0.03, "plucked": 0.03, "sustained": 0.08, "noise": 0.08}  # seconds after the strike
SHORTEST = 0.15  # seconds: a note that can be judged
RINGING = 0.10  # seconds a note goes on after its end
MOST = 48  # notes judged
PARTIALS = range(1, 9)
SHOWN = 4  # of them, the lowest that can be told apart, show that a note is there
CLEARLY = 1.5  # times what is a semitone away
# Bins: at 11 kHz 180 and 4500 Hz. Below, semitones blur into each other; above, the copy holds what was folded down.
LOWEST, HIGHEST = 33, 836
DEEPEST, LOW = 4, 66  # bins, 22 and 355 Hz: a fundamental that may show alone; a lower one is bent by its own mirror image
LEADING = 0.25  # of the strongest there is, at least, for that
SEMITONE = 2 ** (1 / 12)
QUIET = 1e-3  # of the peak


@dataclass(frozen=True)
class Tuning:
    """Of `judged` notes `present` stand out at their pitch; `cents` is how far those are off, the median, None without one."""

    judged: int
    present: int
    cents: float | None


def tuning(copy: Audio, copy_rate: float, notes: Struck, sample_rate: int, kind: Kind) -> Tuning:
    """Judge up to 48 notes, evenly spread, that last 150 ms without bend and without another one a semitone from them.

    Each is one Hann-windowed spectrum of 186 ms. A note is present if its lowest four partials from 180 Hz on, within 50
    cents of where they belong, are half as much again as the same places a semitone above and below; or, as deep sounds have
    few overtones, if its fundamental (22 to 355 Hz) is a leading peak within 50 cents of its place. What is lower is not
    judged. Its deviation is that of its partials up to the eighth, the median weighted by their strength; peaks by a
    parabola through the logarithms. A low piano's partials are stretched and some presets beat with themselves: a few cents
    either way are the instrument's own.
    """
    size = 1 << (math.ceil(LONG * copy_rate) - 1).bit_length()
    chosen = _clear(notes, sample_rate, kind, size / copy_rate)
    starts = np.rint((notes.start[chosen] / sample_rate + SETTLED[kind]) * copy_rate).astype(np.int64)
    inside = starts + size <= len(copy)
    chosen, starts = chosen[inside], starts[inside]
    if not len(chosen):
        return Tuning(0, 0, None)
    windows = np.lib.stride_tricks.sliding_window_view(copy, size)[starts]
    loud = np.abs(windows).max(axis=1) > QUIET * np.abs(copy).max()
    spectra = np.abs(np.fft.rfft(windows * np.hanning(size + 1)[:-1].astype(np.float32)))
    pitches = notes.key[chosen] + notes.pitch[chosen]
    judged = present = 0
    cents = []
    for spectrum, pitch, sounds in zip(spectra, pitches.tolist(), loud.tolist(), strict=True):
        base = 440 * 2 ** ((pitch - 69) / 12) * size / copy_rate  # in bins
        partials = [base * number for number in PARTIALS if base * number <= HIGHEST]
        places = [place for place in partials if place >= LOWEST]
        if base < DEEPEST or not places:
            continue
        judged += 1
        if not sounds:
            continue
        lowest = places[:SHOWN]
        here, above, below = (_height(spectrum, lowest, step) for step in (1, SEMITONE, 1 / SEMITONE))
        if here > CLEARLY * max(above, below):
            off = _deviation(spectrum, places)
        elif base < LOW and _leads(spectrum, base):
            off = _deviation(spectrum, partials)
        else:
            continue
        present += 1
        if off is not None:
            cents.append(off)
    return Tuning(judged, present, float(np.median(cents)) if cents else None)


def _clear(notes: Struck, sample_rate: int, kind: Kind, seconds: float) -> NDArray[np.int64]:
    """The notes to judge."""
    if kind in ("percussive", "noise"):
        return np.zeros(0, np.int64)
    fit = notes.steady & ~notes.is_drum & (notes.level > 0) & (notes.end - notes.start >= SHORTEST * sample_rate)
    chosen = np.flatnonzero(fit)
    chosen = chosen[np.unique(np.linspace(0, len(chosen) - 1, 2 * MOST).round().astype(np.int64))] if len(chosen) else chosen
    pitch = notes.key + notes.pitch
    length = round(seconds * sample_rate)
    kept = []
    for one in chosen.tolist():
        first = notes.start[one] + round(SETTLED[kind] * sample_rate)
        together = (notes.start < first + length) & (notes.end + round(RINGING * sample_rate) > first)
        apart = np.abs(pitch[together] - pitch[one]) % 12
        if not (((apart > 0.5) & (apart < 1.5)) | ((apart > 10.5) & (apart < 11.5))).any():
            kept.append(one)
    return np.array(kept[:: max(1, -(-len(kept) // MOST))], np.int64)


def _height(spectrum: Audio, places: list[float], step: float) -> float:
    """The most there is within 50 cents of each place a step away, together; roots keep one partial from being all."""
    reach = SEMITONE**0.5
    total = 0.0
    for place in places:
        first = round(place * step / reach)
        total += float(spectrum[first : max(round(place * step * reach), first) + 1].max()) ** 0.5
    return total**2


def _leads(spectrum: Audio, base: float) -> bool:
    """Whether one of the strongest peaks is within 50 cents of a fundamental.

    The place of a lone peak is known far better than two are told apart: that of a sine of 27 Hz, five bins, to 5 cents.
    """
    peak = _peak(spectrum, base)
    return peak is not None and abs(peak[0]) <= 50 and peak[1] >= LEADING * spectrum[DEEPEST - 1 : HIGHEST].max()


def _deviation(spectrum: Audio, places: list[float]) -> float | None:
    """How far the partials are from their places, in cents; None if none has a peak within a semitone."""
    peaks = sorted(peak for place in places if (peak := _peak(spectrum, place)) is not None)
    if not peaks:
        return None
    weights = np.cumsum([strength for _, strength in peaks])
    return peaks[int(weights.searchsorted(weights[-1] / 2))][0]


def _peak(spectrum: Audio, place: float) -> tuple[float, float] | None:
    """How far, in cents, and how strong the peak within a semitone (and not less than a bin) of a place is, if there is one."""
    first, last = min(round(place / SEMITONE), round(place) - 1), max(round(place * SEMITONE), round(place) + 1)
    at = first + int(spectrum[first : last + 1].argmax())
    left, top, right = (float(spectrum[at + step]) + 1e-12 for step in (-1, 0, 1))
    if top < left or top < right:
        return None
    left, middle, right = math.log(left), math.log(top), math.log(right)
    bend = left - 2 * middle + right
    peak = at + (0.5 * (left - right) / bend if bend < 0 else 0.0)
    return 1200 * math.log2(peak / place), top
