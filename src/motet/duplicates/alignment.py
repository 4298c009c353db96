"""Two songs laid over each other: how far one is transposed, stretched and moved against the other, and what they share."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from motet.duplicates.patterns import DRUMS, SCALE, Patterns, Voices, patterns

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

MOST_PLACES = 8  # of one pattern in the other song that are looked at: what is everywhere says nothing
FEWEST_MATCHES = 3
NEAR = 0.13  # quarter notes within which two notes are the same: more than half a sixteenth
STRETCH = 8.0  # quarter notes within which one offset holds: bars put in or taken out move what follows
IN_LINE = 0.6  # quarter notes from the main diagonal
OFFSETS = 12  # tried, the best supported first
OTHERS = 0.8  # of the notes that another than the main offset explains count as many
_CHANCE = (1.37, -2.71, 5.19, -7.43)  # quarter notes beside the right offset: what two such songs share there is chance
_STEEPEST = 1.1  # octaves of tempo
_TRIES = 600


class Song:
    """A song to be compared, its patterns made when first asked for."""

    def __init__(self, voices: Voices) -> None:
        self.voices = voices

    @cached_property
    def patterns(self) -> Patterns:
        return patterns(self.voices)

    @cached_property
    def drums(self) -> Flags:
        """Which notes are drums."""
        programs = np.array(self.voices.programs, np.int64)
        flags: Flags = programs[self.voices.notes["voice"]] == DRUMS
        return flags

    @cached_property
    def quarters(self) -> Floats:
        """Where each note begins."""
        return self.voices.notes["start"] / SCALE


@dataclass(frozen=True)
class Alignment:
    """How a second song lies over a first: its pitches are `transposition` semitones higher, a quarter note of the first
    lasts `stretch` of its own, and the first's start falls `offset` quarter notes after the second's (negative: before).

    `shared` are the shares of the first's and of the second's notes that the other has, 0 to 1, drums included; `covered`
    the shares of their time in which they share any; `chance`
    is what they would share laid elsewhere. `voices` pairs voices of the two that match: first's, second's, share of the
    first's notes. `in_line` counts the patterns in common that lie on the main diagonal, each once; `common` is the share of
    patterns in common of the song that has fewer. `harmony` is how much more alike pitch classes are there, half note by
    half note, than laid elsewhere: a difference of cosines.
    """

    transposition: int
    stretch: float
    offset: float
    shared: tuple[float, float]
    covered: tuple[float, float]
    notes: int
    chance: float
    voices: tuple[tuple[int, int, float], ...]
    in_line: int
    common: float
    harmony: float


def align(first: Song, second: Song) -> Alignment | None:
    """The best way to lay `second` over `first`, None where they have no melody in common.

    Patterns in common vote for a transposition, then for a stretch, then for offsets (a Hough transform); notes of
    equal pitch within 0.13 quarter notes are then the same. Each stretch of 8 quarter notes may have its own of the best
    supported offsets, so that bars put in or left out cost only themselves.
    """
    at, to, weights = _in_common(first.patterns, second.patterns)
    if len(at) < FEWEST_MATCHES:
        return None
    moves = second.patterns.pitches[to] - first.patterns.pitches[at]
    transposition = int(np.bincount(moves + 128, weights, 257).argmax()) - 128
    agreed = moves == transposition
    x = first.patterns.starts[at[agreed]] / SCALE
    y = second.patterns.starts[to[agreed]] / SCALE
    weights = weights[agreed]
    stretch = _stretch(x, y, weights)
    if stretch is None:
        return None
    offsets = _offsets(y - stretch * x, weights)
    on_line = np.abs(y - stretch * x - offsets[0]) < IN_LINE
    found = np.unique(first.patterns.hashes[at])
    fewest = min(len(np.unique(song.patterns.hashes)) for song in (first, second))
    shared, covered, notes, chance, voices = _shared(first, second, transposition, stretch, offsets)
    return Alignment(
        transposition=transposition,
        stretch=stretch,
        offset=offsets[0],
        shared=shared,
        covered=covered,
        notes=notes,
        chance=chance,
        voices=voices,
        in_line=len(np.unique(first.patterns.hashes[at[agreed][on_line]])),
        common=len(found) / max(fewest, 1),
        harmony=_harmony(first, second, transposition, stretch, offsets[0]),
    )


def _in_common(first: Patterns, second: Patterns) -> tuple[Ints, Ints, Floats]:
    """Places in both of the patterns they share; a pattern in many places weighs less."""
    low = np.searchsorted(second.hashes, first.hashes, "left")
    places = np.searchsorted(second.hashes, first.hashes, "right") - low
    taken = np.minimum(places, MOST_PLACES)
    at = np.repeat(np.arange(len(first.hashes)), taken)
    to = np.repeat(low, taken) + np.arange(len(at)) - np.repeat(np.cumsum(taken) - taken, taken)
    return at, to, 1.0 / np.maximum(places[at], 1)


def _stretch(x: Floats, y: Floats, weights: Floats) -> float | None:
    """How many quarter notes of the second song pass in one of the first: 1 if that explains the matches, else by vote."""
    if len(x) < FEWEST_MATCHES:
        return None
    if _peak(y - x, weights) >= 0.25 * weights.sum():
        return 1.0
    draw = np.random.default_rng(0)
    one, other = draw.integers(0, len(x), _TRIES), draw.integers(0, len(x), _TRIES)
    dx, dy = x[other] - x[one], y[other] - y[one]
    apart = (np.abs(dx) > 4) & (dx * dy > 0)
    steepness = np.log2(dy[apart] / dx[apart])
    steepness = steepness[np.abs(steepness) < _STEEPEST]
    if len(steepness) < FEWEST_MATCHES:
        return 1.0
    bins = np.floor((steepness + _STEEPEST) * 100).astype(np.int64)
    votes = np.convolve(np.bincount(bins, minlength=221), (1, 1, 1), "same")
    middle = (int(votes.argmax()) + 0.5) / 100 - _STEEPEST
    stretch = float(2.0 ** np.median(steepness[np.abs(steepness - middle) < 0.02]))
    for width in (2.0, 0.5):
        # Least squares over the matches near the main diagonal.
        offsets = y - stretch * x
        near = np.abs(offsets - _mode(offsets, weights)) < width
        if near.any() and np.ptp(x[near]) > 16:
            stretch = float(np.polyfit(x[near], y[near], 1)[0])
    return stretch if _peak(y - stretch * x, weights) > _peak(y - x, weights) else 1.0


def _binned(offsets: Floats, weights: Floats) -> tuple[Ints, Ints, Floats]:
    bins, which = np.unique(np.floor(offsets * 2).astype(np.int64), return_inverse=True)
    votes = np.bincount(which, weights).astype(np.float64)
    return bins.astype(np.int64), which.astype(np.int64), votes


def _peak(offsets: Floats, weights: Floats) -> float:
    """The weight of the half quarter note that most matches agree on."""
    return float(_binned(offsets, weights)[2].max())


def _mode(offsets: Floats, weights: Floats) -> float:
    bins, _, votes = _binned(offsets, weights)
    return (float(bins[votes.argmax()]) + 0.5) / 2


def _offsets(offsets: Floats, weights: Floats) -> list[float]:
    """The offsets best supported, best first."""
    _, which, votes = _binned(offsets, weights)
    best = np.argsort(-votes, kind="stable")[:OFFSETS].tolist()
    return [float(np.median(offsets[which == one])) for one in best]


Share = tuple[float, float]


def _shared(
    first: Song, second: Song, transposition: int, stretch: float, offsets: list[float]
) -> tuple[Share, Share, int, float, tuple[tuple[int, int, float], ...]]:
    """What `Alignment` tells of notes: shared, covered, notes, chance, voices."""
    x, y = first.quarters * stretch, second.quarters
    pitches = first.voices.notes["pitch"].astype(np.int64) + np.where(first.drums, 1000, transposition)
    targets = second.voices.notes["pitch"].astype(np.int64) + np.where(second.drums, 1000, 0)
    # Notes of the second on one line, pitch by pitch, far enough apart to meet no other's.
    room = float(max(x.max(), y.max()) + 2 * max(map(abs, offsets)) + 100)
    line = targets * (2 * room) + y
    order = np.argsort(line, kind="stable")
    line = line[order]

    def found(offset: float) -> Ints:
        """For each note of the first the nearest place in `line` from `NEAR` before it, -1 where there is no such note."""
        wanted = pitches * (2 * room) + x + offset
        at = np.searchsorted(line, wanted - NEAR)
        there = np.minimum(at, len(line) - 1)
        return np.where((at < len(line)) & (line[there] <= wanted + NEAR), there, -1)

    hits = np.stack([found(offset) for offset in offsets])
    stretches = (x // STRETCH).astype(np.int64)
    count = np.stack([np.bincount(stretches, row >= 0) for row in hits]).astype(np.float64)
    count[1:] *= OTHERS
    hit = hits[count.argmax(0)[stretches], np.arange(len(x))]
    both = hit >= 0
    taken = np.unique(hit[both])
    chance = float(np.mean([np.mean(found(offsets[0] + beside) >= 0) for beside in _CHANCE]))
    shared = (float(both.mean()), len(taken) / len(line))
    covered = (_covered(x, x[both]), _covered(y, y[order[taken]]))
    voices = _voices(first.voices.notes["voice"], second.voices.notes["voice"][order[hit]], both)
    return shared, covered, len(taken), chance, voices


def _harmony(first: Song, second: Song, transposition: int, stretch: float, offset: float) -> float:
    halves = int(second.quarters.max() // 2) + 1
    ours = _chroma(first, transposition, stretch, offset, halves)
    theirs = _chroma(second, 0, 1.0, 0.0, halves)
    elsewhere = [_cosine(np.roll(ours, by, axis=0), theirs) for by in (3, -5, 7, -11)]
    return _cosine(ours, theirs) - float(np.mean(elsewhere))


def _chroma(song: Song, transposition: int, stretch: float, offset: float, halves: int) -> Floats:
    """Notes struck of each pitch class in each half note, drums left out: (halves, 12)."""
    pitched = ~song.drums
    at = np.floor((song.quarters[pitched] * stretch + offset) / 2).astype(np.int64)
    classes = (song.voices.notes["pitch"][pitched].astype(np.int64) + transposition) % 12
    inside = (at >= 0) & (at < halves)
    return np.bincount(at[inside] * 12 + classes[inside], minlength=halves * 12).reshape(halves, 12).astype(np.float64)


def _cosine(one: Floats, other: Floats) -> float:
    """The mean cosine of rows that both have."""
    sizes = np.sqrt(np.einsum("ij,ij->i", one, one) * np.einsum("ij,ij->i", other, other))
    both = sizes > 0
    return float((np.einsum("ij,ij->i", one, other)[both] / sizes[both]).mean()) if both.sum() > 4 else 0.0


def _covered(every: Floats, shared: Floats) -> float:
    """The share of stretches with notes in which a fifth of them is shared."""
    stretches = (every // STRETCH).astype(np.int64)
    count = np.bincount(stretches)
    hit = np.bincount((shared // STRETCH).astype(np.int64), minlength=len(count))
    return float((hit[count > 0] >= 0.2 * count[count > 0]).mean())


def _voices(ours: NDArray[np.uint8], theirs: NDArray[np.uint8], both: Flags) -> tuple[tuple[int, int, float], ...]:
    """For each voice of the first the voice of the second that has most of its notes, and the share it has."""
    pairs, counts = np.unique(ours[both].astype(np.int64) << 8 | theirs[both], return_counts=True)
    sizes = np.bincount(ours)
    told: dict[int, tuple[int, float]] = {}
    for pair, count in zip(pairs.tolist(), counts.tolist(), strict=True):
        voice, share = pair >> 8, count / int(sizes[pair >> 8])
        if share > told.get(voice, (0, 0.0))[1]:
            told[voice] = (pair & 255, share)
    return tuple((voice, other, share) for voice, (other, share) in sorted(told.items()))
