"""Where the sections of a song begin, and which of them are the same: intro, verse, chorus as A, B, C, B …

Bars are the unit, so tempo and metre make no difference. Each bar is compared with each other; a section is likely to
begin where stretches begin or cease to be repeats of others (Serrà et al. 2014, Unsupervised Music Structure Annotation
by Time Series Structure Features and Segment Similarity), where the next bars are unlike the last, bar by bar, after a
fill and at a crash. A dynamic programme weighs that against lengths that sections like to have.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from motet.midi.errors import Unreadable
from motet.midi.passage import MOST_BEATS, Passage
from motet.midi.runs import changes, holding

Ints = NDArray[np.int64]
Floats = NDArray[np.float32]

FEWEST = 8  # bars; less music than this is one section
LONGEST = 40  # bars
STRETCH, MARGIN = 512, 64  # bars compared with one another; a longer song is taken in stretches that overlap
LETTERS = 64  # a section is compared with the first of this many letters, the latest

# What a bar is compared by: how many numbers each, the last for silence, and its weight. First how it is accompanied,
# then what is told.
_BITS = 4
_SLOTS = 1 << _BITS  # moments told apart in a bar; shifts are several times as fast as divisions
_COLUMNS = {
    "rhythm": (_SLOTS + 1, 0.10),
    "drums": (5 * _SLOTS + 1, 0.10),
    "band": (129 + 1, 0.15),
    "harmony": (12 + 1, 0.10),
    "notes": (12 * _SLOTS + 1, 0.35),
    "intervals": (12 * _SLOTS + 1, 0.15),
    "register": (11 + 1, 0.05),
}
_SIZES = np.array([size for size, _ in _COLUMNS.values()])
_WIDTH = int(_SIZES.sum())
_SHARES = np.array([share for _, share in _COLUMNS.values()], np.float32)
_OFFSETS = np.cumsum(_SIZES) - _SIZES
_SILENCES = _OFFSETS + _SIZES - 1
_RHYTHM, _DRUMS, _BAND, _HARMONY, _NOTES, _INTERVALS, _REGISTER = _OFFSETS.tolist()
_MEMBERS = np.repeat(np.eye(len(_SIZES), dtype=np.float32), _SIZES, axis=0)  # which numbers are of which kind
_BACKING = _SHARES[:4].sum()

_CLASSES = np.arange(256) % 12  # of pitches, and of steps up
_CLASSES[-128:] = np.arange(-128, 0) % 12  # and down
_KINDS = np.full(128, 3)  # of drums: kick 0, snare 1, hi-hat and the like 2, toms and the rest 3, crash 4
_KINDS[[35, 36]] = 0
_KINDS[37:41] = 1
_KINDS[[42, 44, 46, 51, 53, 54, 59, 69, 70]] = 2
_CRASH = 4
_KINDS[[49, 52, 55, 57]] = _CRASH

# Log odds that a section begins: for each measure its value, its height above its neighbours, and that height as a
# share of the song's highest. By logistic regression on songs made to known forms and on markers of real ones.
_WEIGHTS = np.array(
    [
        [-0.62, 3.45, 0.80],  # begins to be like other bars
        [0.24, 3.07, -0.44],  # the same of the band, begins or ceases, by 4 bars
        [0.44, 1.83, 1.33],  # by 8
        [3.36, -0.03, 0.42],  # the band unlike the last 4 bars
        [1.29, 0.67, 0.30],  # unlike the last 4, against neighbours
        [0.37, 4.59, 0.56],  # unlike the last 8
        [0.31, 1.03, 0.88],  # the band unlike the last 2
        [0.32, 1.83, -0.52],  # a crash
        [0.71, 2.34, -0.42],  # after a fill
    ],
    np.float32,
)  # fmt: skip
_BIAS = 0.20


@dataclass(frozen=True)
class Section:
    """A section from tick `start` to before tick `end`.

    `label` is "A" to "Z", then "AA" …: sections of one letter are repeats, varied or transposed. `confidence` estimates
    the probability that a section begins at `start` (1 for the first), `label_confidence` that the likeness, or
    unlikeness, to earlier sections is rightly judged (1 for the first).
    """

    start: int
    end: int
    label: str
    confidence: float
    label_confidence: float


def sections(passage: Passage) -> list[Section]:
    """The sections of the music, from the bar of its first onset to the passage's end; none without notes.

    Sections begin on bar lines and follow one another without gaps. An upbeat belongs to the bar line after it, except
    before the first section, which begins with the bar of its first note (not before the passage itself). Music of under
    8 bars is one section; none is longer than 40, an upbeat and what rings on left aside. In songs of more than 512 bars
    boundaries rest on comparisons within stretches of 512, and a letter that 64 others followed is forgotten; so memory
    is bounded and time linear in bars and notes.

    Raises `Unreadable` (absurd_length) for more than 200,000 bars of music.
    """
    notes = passage.struck
    if not len(notes):
        return []
    lines = _bar_lines(passage, notes)
    begin = max(int(lines[0]), passage.start)
    if 2 * int(notes["start"].min()) >= int(lines[0] + lines[1]):
        # A bar that begins in its second half is an upbeat: bars are counted from the next.
        lines = lines[1:]
        notes = notes[notes["start"] >= lines[0]]
    if len(lines) <= FEWEST:
        return [Section(begin, passage.end, "A", 1.0, 1.0)]
    odds, moments = _over_stretches(notes, lines)
    edges = _cut(odds)
    chances = 1 / (1 + np.exp(-(_CALM * odds[edges[:-1]] + _DOUBT)))
    chances[0] = 1
    labels = _letters(_openings(moments, edges))
    ticks = [begin, *lines[edges[1:-1]].tolist(), passage.end]
    return [
        Section(start, end, name, float(chance), sure)
        for start, end, (name, sure), chance in zip(ticks, ticks[1:], labels, chances, strict=False)
    ]


def _bar_lines(passage: Passage, notes: NDArray[np.void]) -> Ints:
    """The bar lines of n bars, n + 1 of them, from the bar of the first onset to that of the last."""
    clock, starts = passage.clock, notes["start"]
    onset = int(starts.min())
    first, last = clock.to_bars(onset)[0], clock.to_bars(int(starts.max()))[0]
    lines = clock.from_bars(np.arange(first, max(last, first + 1) + 2)[: MOST_BEATS + 3])
    line, following = lines[:2].tolist()
    early = min(clock.division // 12, (following - line) // 4)
    # A note played a shade before the bar line belongs to the bar after.
    belated = following - onset <= early and following < passage.end
    lines = lines[1:] if belated else lines[: last - first + 2]
    if len(lines) > MOST_BEATS + 1:
        raise Unreadable("absurd_length", f"more than {MOST_BEATS:,} bars of music")
    return lines[changes(lines)]


def _over_stretches(notes: NDArray[np.void], lines: Ints) -> tuple[NDArray[np.float64], Floats]:
    """The log odds that a section begins at each bar, and what `_openings` needs of each."""
    bars = len(lines) - 1
    if bars <= STRETCH:
        counts = _count(notes, lines)
        return _odds(counts).astype(np.float64), _moments(counts)
    notes = notes[np.argsort(notes["start"])]
    odds, moments = [], []
    step = STRETCH - 2 * MARGIN
    for begin in range(0, bars, step):
        low = max(min(begin - MARGIN, bars - STRETCH), 0)
        here = lines[low : low + STRETCH + 1]
        first, last = np.searchsorted(notes["start"], here[[0, -1]])
        counts = _count(notes[first:last], here)
        own = slice(begin - low, min(begin + step, bars) - low)
        odds.append(_odds(counts)[own])
        moments.append(_moments(counts)[own])
    return np.concatenate(odds).astype(np.float64), np.concatenate(moments)


# What is in a bar


def _count(notes: NDArray[np.void], lines: Ints) -> Floats:
    """How often each thing that bars are compared by occurs in each bar: (bars, _WIDTH)."""
    bars = len(lines) - 1
    starts, drums = notes["start"], notes["is_drum"]
    at = np.maximum(holding(lines, starts), 0)
    length = (lines[1:] - lines[:-1])[at]
    # To the nearest moment: a note played early counts for the bar it was meant for. Quotients of floats are exact here, and
    # several times as fast.
    into = (np.maximum(2 * _SLOTS * (starts - lines[at]) + length, 0) / (2 * length)).astype(np.int64)
    moments = np.minimum(at * _SLOTS + into, bars * _SLOTS - 1)
    pitches, programs = notes["pitch"], notes["program"]
    counts = np.zeros((bars, _WIDTH), np.float32)

    def count(block: int, size: int, things: Ints) -> None:
        """Things of one kind, numbered through the bars, `size` numbers in each."""
        counts[:, block : block + size] = np.bincount(things, minlength=bars * size).reshape(bars, size)

    if drums.any():
        programs = np.where(drums, np.uint8(128), programs)
    count(_BAND, 129, (moments >> _BITS) * 129 + programs)
    if drums.any():
        count(_DRUMS, 5 * _SLOTS, moments[drums] * 5 + _KINDS.take(pitches[drums]))
        moments, pitches = moments[~drums], pitches[~drums]
    keys = np.sort(moments << 7 | pitches)
    moment, pitch = keys >> 7, keys & 127
    bar, tones = moment >> _BITS, _CLASSES.take(pitch)
    count(_RHYTHM, _SLOTS, moment)
    count(_HARMONY, 12, bar * 12 + tones)
    count(_REGISTER, 11, bar * 11 + (pitch - pitch.min(initial=127)) // 12)  # from the lowest: transposing changes nothing
    tones += moment * 12
    top = np.flatnonzero(changes(moment[::-1])[::-1])  # the highest note of each moment
    sung = tones[top]
    # It tells sections of the same harmony apart, and counts three times.
    count(_NOTES, 12 * _SLOTS, np.concatenate((tones, sung, sung)))
    line, melody = moment[top] * 12, pitch[top]
    line[1:] += _CLASSES[melody[1:] - melody[:-1]]
    count(_INTERVALS, 12 * _SLOTS, line)
    return counts


def _unit(counts: Floats) -> Floats:
    """Bars as vectors: the product of two is their likeness, 0 to 1; silence is like silence."""
    totals = counts @ _MEMBERS
    silent = totals == 0
    unit: Floats = (_SHARES / (totals + silent)) @ _MEMBERS.T
    unit *= counts
    unit[:, _SILENCES] = silent * _SHARES
    np.sqrt(unit, out=unit)
    return unit


# How likely a section begins at a bar line


def _odds(counts: Floats) -> Floats:
    """The log odds that a section begins at each bar."""
    bars = len(counts)
    unit = _unit(counts)
    backing, told = unit[:, :_NOTES], unit[:, _NOTES:]
    backed = backing @ backing.T
    whole, band = _lags(backed + told @ told.T), _lags(backed / _BACKING)
    whole_by_4, band_by_2 = _windows(whole, 4), _windows(band, 2)
    whole_by_8, band_by_4 = _windows(whole_by_4, 8, 4), _windows(band_by_2, 4, 2)
    crash = counts[:, _DRUMS + _CRASH] > 0
    measures = np.stack(
        [
            _repeats(whole_by_4, 4)[0],
            np.add(*_repeats(band_by_4, 4)),
            np.add(*_repeats(_windows(band_by_4, 8, 4), 8)),
            _unlike(band_by_4, 4),
            _above(_unlike(whole_by_4, 4), 4),
            _above(_unlike(whole_by_8, 8), 8),
            _above(_unlike(band_by_2, 2), 2),
            crash * np.float32(1 - crash.mean()),
            _fills(unit[:, _DRUMS:_BAND]),
        ]
    )
    around = _edged(measures, 2)
    highest = np.maximum(np.maximum(around[:, :-4], around[:, 1:-3]), np.maximum(around[:, 3:-1], around[:, 4:]))
    height = measures - highest
    peaks = np.maximum(height, 0)
    peaks[:, 0] = 0  # the beginning is no measure for the rest
    top = np.partition(peaks, bars - 3, axis=1)[:, bars - 3 :].mean(axis=1, keepdims=True)
    odds: Floats = _WEIGHTS[:, 0] @ measures + _WEIGHTS[:, 1] @ height + _WEIGHTS[:, 2] @ (peaks / (top + 0.02)) + _BIAS
    return odds


_PAD = 8  # zeros before and after each lag


def _lags(likeness: Floats) -> Floats:
    """[l, _PAD + i]: how much more bars i and i + l are alike than any two bars of the song, 0 beyond its end."""
    bars = len(likeness)
    mean = (float(likeness.sum()) - bars) / (bars * (bars - 1))
    more = likeness - np.float32(mean)
    np.maximum(more, 0, out=more)
    more /= np.float32(max(1 - mean, 1e-3))
    padded = np.zeros((bars, 2 * bars), np.float32)
    np.multiply(more, np.sqrt(more), out=padded[:, :bars])
    down, right = padded.strides
    lags = np.zeros((bars, bars + 2 * _PAD), np.float32)
    lags[:, _PAD : _PAD + bars] = np.ndarray((bars, bars), np.float32, padded, 0, (right, down + right))
    return lags


def _windows(lags: Floats, length: int, known: int = 1) -> Floats:
    """Sums over `length` bars from each on; `lags` are such sums over `known` bars, half as many unless that is 1."""
    while known < length:
        lags = lags[:, :-known] + lags[:, known:]
        known *= 2
    return lags


def _repeats(windows: Floats, length: int) -> tuple[Floats, Floats]:
    """How sharply `length` bars begin, and cease, to be like some others at each bar."""
    bars = len(windows)
    padded = np.zeros((bars, 2 * bars), np.float32)
    change = padded[:, bars:]
    np.subtract(windows[:, _PAD : _PAD + bars], windows[:, _PAD - length : _PAD - length + bars], out=change)
    change[:2] = 0
    # The same seen from the later of the two: row l moved l bars on.
    down, right = padded.strides
    later = np.ndarray((bars, bars), np.float32, padded, bars * right, (down - right, right))
    begins, ceases = np.maximum(change.max(0), later.max(0)), np.minimum(change.min(0), later.min(0))
    return begins / length, -ceases / length


def _unlike(windows: Floats, length: int) -> Floats:
    """How little the `length` bars from each bar on are like the `length` before, bar by bar: -1 to 0."""
    bars = len(windows)
    if bars <= 2 * length:
        return np.zeros(bars, np.float32)
    found = np.empty(bars, np.float32)
    own = found[length:]
    np.divide(windows[length, _PAD : _PAD + bars - length], -length, out=own)
    own[-length:] *= length / np.arange(length, 0, -1, dtype=np.float32)  # these have fewer bars to be like
    own[-2:] = found[:length] = own.mean()
    return found


def _above(values: Floats, length: int) -> Floats:
    """How far values lie above those `length` bars before and after."""
    around = _edged(values, length)
    above: Floats = values - (around[: len(values)] + around[2 * length :]) / np.float32(2)
    return above


def _edged(values: Floats, width: int) -> Floats:
    """Values with the first and the last of each row said `width` times more."""
    return np.concatenate([values[..., [0] * width], values, values[..., [-1] * width]], axis=-1)


def _fills(drums: Floats) -> Floats:
    """How far the bar before each differs from those around it, where these are like their neighbours."""
    near = np.einsum("ij,ij->i", drums[:-1], drums[1:]) / _SHARES[1]
    found = np.zeros(len(drums), np.float32)
    found[3:-1] = np.maximum(near[:-3] + near[3:] - near[1:-2] - near[2:-1], 0)[: len(drums) - 4] / 2
    return found


# Cutting


def _preference() -> NDArray[np.float64]:
    """Log odds of each length in bars, LONGEST first: multiples of eight and four, nothing very short or long."""
    bars = np.arange(LONGEST + 1)
    odds = -np.select([bars % 8 == 0, bars % 4 == 0, bars % 2 == 0], [0.10, 0.18, 1.20], 1.35)
    odds -= 0.83 * np.maximum(0, 4 - bars) + 0.20 * np.maximum(0, bars - 16) + 0.25 * np.maximum(0, bars - 24)
    odds[1] = -30
    return odds[:0:-1]


_PREFERENCE = _preference()


def _cut(odds: NDArray[np.float64]) -> list[int]:
    """The bars at which sections begin, and the number of bars."""
    bars = len(odds)
    gains = [*odds.tolist(), 0.0]
    best = np.full(LONGEST + bars + 1, -np.inf)  # of the music up to each bar; before its beginning there is none
    best[LONGEST] = 0.0
    came, tried = [0], np.empty(LONGEST)
    for end in range(1, bars + 1):
        np.add(best[end : end + LONGEST], _PREFERENCE, out=tried)
        at = int(tried.argmax())
        best[LONGEST + end] = tried[at] + gains[end]
        came.append(end + at - LONGEST)
    edges = [bars]
    while edges[-1]:
        edges.append(came[edges[-1]])
    return edges[::-1]


_CALM, _DOUBT = 0.59, -0.79  # from log odds of chosen boundaries to probabilities, fitted half on markers of real songs

# Letters

_LIKE_BARS, _LIKE_SLOTS = 8, _SLOTS // 2
_SAME, _OTHER = 16.9, 11.9  # log odds that two sections are the same, by their likeness


def _moments(counts: Floats) -> Floats:
    """The pitch classes of each bar in eighths of it: (bars, eighths, 12)."""
    sixteenths = counts[:, _NOTES : _INTERVALS - 1].reshape(-1, _LIKE_SLOTS, 2, 12)
    moments: Floats = sixteenths[:, :, 0] + sixteenths[:, :, 1]
    return moments


def _openings(moments: Floats, edges: list[int]) -> Floats:
    """The first eight bars of each section, as vectors of length 1."""
    begin, end = np.array(edges[:-1]), np.array(edges[1:])
    bars = begin[:, None] + np.arange(_LIKE_BARS)
    opening = np.sqrt(moments[np.minimum(bars, len(moments) - 1)])
    opening[bars >= end[:, None]] = 0
    flat = opening.reshape(len(begin), -1)
    unit: Floats = flat / np.maximum(np.sqrt(np.einsum("ij,ij->i", flat, flat)), 1e-6)[:, None]
    return unit


def _letters(openings: Floats) -> list[tuple[str, float]]:
    """A letter for each section, that of the earlier section most like it in any transposition, and how sure that is."""
    found: list[tuple[str, float]] = []
    known = np.zeros((0, openings.shape[1]), np.float32)
    names: list[int] = []
    count = 0
    for begin in range(0, len(openings), LETTERS):
        some = openings[begin : begin + LETTERS]
        against = np.concatenate([known, some])
        turned = _turned(some).reshape(12 * len(some), -1)
        likeness = (turned @ against.T).reshape(len(some), 12, -1).max(axis=1)
        firsts, numbers = list(range(len(known))), names
        for i, row in enumerate(likeness.tolist()):
            chance, letter = 0.0, -1
            if firsts:
                most = max(row[first] for first in firsts)
                chance = 1 / (1 + math.exp(_OTHER - _SAME * most))
                letter = numbers[[row[first] for first in firsts].index(most)]
            if chance <= 0.5:
                chance, letter = 1 - chance, count
                firsts, numbers = [*firsts, len(known) + i], [*numbers, letter]
                count += 1
            found.append((_name(letter), chance))
        known, names = against[firsts[-LETTERS:]], numbers[-LETTERS:]
    return found


def _turned(openings: Floats) -> Floats:
    """Openings in all twelve transpositions."""
    tones = openings.reshape(len(openings), -1, 12)
    twice = np.concatenate((tones, tones), axis=2)
    each, moment, tone = twice.strides
    return np.ndarray((len(openings), 12, twice.shape[1], 12), np.float32, twice, 0, (each, tone, moment, tone))


def _name(number: int) -> str:
    """A to Z, AA to AZ, BA …"""
    name = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        name = chr(65 + rest) + name
    return name
