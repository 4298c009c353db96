"""Where notes begin: as heard in a recording, as its MIDI says, and how the two agree.

The recording is searched by spectral flux: what each short spectrum has, on a logarithmic scale, more than any of the three
before it (after Böck and Widmer, "Maximum filter vibrato suppression for onset detection", DAFx 2013; here the maximum is
over time alone, against the pulse of low notes). The search knows nothing of the MIDI.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from motet.render.hearing.kinds import Kind
from motet.render.hearing.notes import Struck

__all__ = ["HOP", "Agreement", "Expected", "agreement", "expected", "loudness", "onsets"]

Audio = NDArray[np.float32]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

SPECTRUM, HOP = 256, 128  # samples of the mono copy: 23 and 12 ms
BACK = 3  # spectra before
RANGE = 1000.0  # linear: what is 60 dB under the peak hardly counts
QUIET = 3e-4  # of the peak; where the level is below, nothing is looked for
RISE = 8.0  # the least flux of an onset, a sum of logarithms over the spectrum,
PROMINENCE = 1.0  # and in addition so many times the mean flux of
AROUND = 12  # hops on either side
APART = 3  # hops; an onset is the highest of those on either side
SLOPE = 2  # hops: where the level two later is
FALL = 0.4  # of what it was two before, a note is let go, which smears its spectrum and begins nothing
BATCH = 512  # spectra made at once

MERGED = 0.030  # seconds: what is struck together is one onset
CROWDED = 0.050  # seconds: what the search cannot be sure to tell apart
WINDOW: dict[Kind, float] = {"percussive": 0.050, "plucked": 0.050, "sustained": 0.120, "noise": 0.120}  # seconds either way
LAG = 0.250  # seconds either way in which a common lag is looked for
NARROW = 0.050  # seconds: a shift of all notes brings them as close as this,
BETTER, MOST = 1.25, 0.5  # brings so many times the pairs there were, and so many of all onsets
SOFT = 36.0  # dB under the loudest note of the part
SHORTEST: dict[Kind, float] = {"percussive": 0.0, "plucked": 0.0, "sustained": 0.060, "noise": 0.060}  # seconds
DRUM_KEYS = range(27, 88)  # General MIDI 2 knows no other drums


def onsets(copy: Audio, copy_rate: float) -> Floats:
    """Seconds at which something begins in mono sound at about 11 kHz (see `Levels.copy`), to half a hop: 6 ms."""
    flux = _flux(copy)
    count = len(flux)
    if not count:
        return np.zeros(0)
    padded = np.pad(flux, APART)
    highest = flux
    for shift in range(2 * APART + 1):
        highest = np.maximum(highest, padded[shift : shift + count])
    total = np.concatenate([[0.0], np.cumsum(flux, dtype=np.float64)])
    first = np.maximum(np.arange(count) - AROUND, 0)
    last = np.minimum(np.arange(count) + AROUND + 1, count)
    mean = (total[last] - total[first]) / (last - first)
    peaks = np.flatnonzero((flux == highest) & (flux > RISE + PROMINENCE * mean))
    level = np.pad(loudness(copy), SLOPE, mode="edge")
    peaks = peaks[level[peaks + 2 * SLOPE] >= FALL * level[peaks]]
    peaks = peaks[np.diff(peaks, prepend=-APART) >= APART]  # of equal neighbours the first
    return np.asarray(peaks * (HOP / copy_rate), np.float64)


def loudness(copy: Audio) -> Audio:
    """The level (root mean square) of every hop."""
    blocks = copy[: len(copy) // HOP * HOP].reshape(-1, HOP)
    level: Audio = np.sqrt(np.einsum("ij,ij->i", blocks, blocks) / HOP)
    return level


def _flux(copy: Audio) -> Audio:
    """The rise at every hop, whose spectrum is centred on it; 0 in silence."""
    count = len(copy) // HOP
    flux = np.zeros(count, np.float32)
    if not count:
        return flux
    peak = max(float(copy.max()), -float(copy.min()))
    if peak <= 0:
        return flux
    loud = loudness(copy) > QUIET * peak
    wanted = loud.copy()  # and the spectra before, for comparison
    for back in range(1, BACK + 1):
        wanted[:-back] |= loud[back:]
    chosen = np.flatnonzero(wanted)
    padded = np.concatenate([np.zeros(HOP, np.float32), copy[: count * HOP]])
    frames = np.lib.stride_tricks.as_strided(padded, (count, SPECTRUM), (HOP * padded.itemsize, padded.itemsize), writeable=False)
    window = (np.hanning(SPECTRUM + 1)[:-1] * (RANGE / peak / (SPECTRUM / 4))).astype(np.float32)
    before = np.zeros((BACK, SPECTRUM // 2 + 1), np.float32)
    rises = np.empty(len(chosen), np.float32)
    for first in range(0, len(chosen), BATCH):
        some = chosen[first : first + BATCH]
        spectra = np.abs(np.fft.rfft(frames[some] * window))
        np.log1p(spectra, out=spectra)
        joined = np.concatenate([before, spectra])
        highest = joined[: len(some)]
        for back in range(1, BACK):
            highest = np.maximum(highest, joined[back : back + len(some)])
        rise = np.maximum(np.subtract(spectra, highest, out=spectra), 0, out=spectra)
        rises[first : first + len(some)] = rise.sum(axis=1)
        before = joined[-BACK:]
    flux[chosen] = rises
    # Behind a gap the comparison was with another time; only what is before the sound itself was chosen for that.
    return np.where(loud, flux, 0)


@dataclass(frozen=True, eq=False)
class Expected:
    """Seconds at which something begins, ascending; `sure` tells those that must be heard from those that may be.

    `left_out` counts the notes by why their onsets need not be heard; `faint` tells the notes themselves.
    """

    times: Floats
    sure: Flags
    left_out: dict[str, int]
    faint: Flags


def expected(notes: Struck, sample_rate: int, kind: Kind) -> Expected:
    """The onsets of a part: its strikes, those within 30 ms of the first of them taken as one.

    An onset need not be heard, but may be, if all its notes are so. `muted`: the channel is at volume 0. `no_such_drum`:
    drum keys outside 27-87, for which General MIDI 2 has no sound. `soft`: more than 36 dB under the loudest note of the
    part, by velocity and channel gain as General MIDI weighs them (40 log10 each). `short`: notes of sustained instruments
    under 60 ms. `crowded`: less than 50 ms after the onset before. A note counts for the first reason that holds.
    """
    loudness = 40 * np.log10(np.maximum(notes.velocity, 1) / 127) + 20 * np.log10(np.maximum(notes.level, 1e-9))
    rules = {
        "muted": notes.level <= 0,
        "no_such_drum": notes.is_drum & ((notes.key < DRUM_KEYS.start) | (notes.key >= DRUM_KEYS.stop)),
        "soft": loudness < loudness.max(initial=-np.inf) - SOFT,
        "short": (notes.end - notes.start) < SHORTEST[kind] * sample_rate,
    }
    faint = np.zeros(len(notes), np.bool_)
    left_out = {}
    for reason, holds in rules.items():
        left_out[reason] = int(np.count_nonzero(holds & ~faint))
        faint |= holds
    plain = notes.start[~faint] / sample_rate
    clear = _merged(plain)
    sure = np.diff(clear, prepend=-np.inf) >= CROWDED
    # Those of the onset before go uncounted: they are heard with it.
    crowded = np.repeat(~sure, np.diff(np.append(plain.searchsorted(clear), len(plain))))
    left_out["crowded"] = int(np.count_nonzero(crowded))
    others = _merged(notes.start[faint] / sample_rate)
    times = np.concatenate([clear, others])
    order = np.argsort(times, kind="stable")
    return Expected(times[order], np.concatenate([sure, np.zeros(len(others), np.bool_)])[order], left_out, faint)


def _merged(times: Floats) -> Floats:
    kept: list[float] = []
    for time in times.tolist():
        if not kept or time - kept[-1] > MERGED:
            kept.append(time)
    return np.array(kept)


@dataclass(frozen=True)
class Agreement:
    """How found onsets agree with expected ones, paired one to one.

    `sure` of those that must be heard have a pair, `matched` of all. `late` is by how many seconds the found come after the
    expected, the median, and `spread` the distance between the quartiles; None without pairs.
    """

    sure: int
    matched: int
    late: float | None
    spread: float | None


def agreement(wanted: Expected, found: Floats, kind: Kind) -> Agreement:
    """Pair what is within 50 ms (120 ms for sustained sounds), as many as can be, as mir_eval's onset F-measure does; what
    must be heard comes first. If a common shift of up to 250 ms brings far more of it together, at least half of all, then
    `late` and `spread` are told of the pairs behind that shift.
    """
    must, may = wanted.times[wanted.sure], wanted.times[~wanted.sure]
    pairs = _pairs(must, found, WINDOW[kind])
    left = np.delete(found, pairs[:, 1])
    more = len(_pairs(may, left, WINDOW[kind]))
    shifted = _pairs(must + _lag(must, found), found, NARROW)
    plain = len(_pairs(must, found, NARROW))
    all_moved = len(shifted) > max(BETTER * plain, MOST * len(must))
    late = _late(must, found, shifted if all_moved else pairs)
    if not len(late):
        return Agreement(len(pairs), len(pairs) + more, None, None)
    quarter, median, three = np.quantile(late, [0.25, 0.5, 0.75])
    return Agreement(len(pairs), len(pairs) + more, float(median), float(three - quarter))


def _late(wanted: Floats, found: Floats, pairs: Ints) -> Floats:
    return found[pairs[:, 1]] - wanted[pairs[:, 0]]


def _pairs(wanted: Floats, found: Floats, window: float) -> Ints:
    """Both ascending and one window for all: taking each the earliest that fits gives as many pairs as there can be."""
    pairs = []
    other, count = 0, len(found)
    heard = found.tolist()
    for one, time in enumerate(wanted.tolist()):
        while other < count and heard[other] < time - window:
            other += 1
        if other < count and heard[other] <= time + window:
            pairs.append((one, other))
            other += 1
    return np.array(pairs, np.int64).reshape(-1, 2)


def _lag(wanted: Floats, found: Floats) -> float:
    """The shift that most distances between an expected and a found onset share, to 10 ms."""
    first, last = found.searchsorted(wanted - LAG), found.searchsorted(wanted + LAG)
    sizes = last - first
    if not sizes.sum():
        return 0.0
    places = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes) + np.repeat(first, sizes)
    apart = found[places] - np.repeat(wanted, sizes)
    bins = np.bincount(np.floor((apart + LAG) / 0.01).astype(np.int64), minlength=round(2 * LAG / 0.01) + 1)
    near = np.convolve(bins, [1, 2, 1], "same")
    return float((near.argmax() + 0.5) * 0.01 - LAG)
