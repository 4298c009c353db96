"""Two songs laid over each other: how far one is transposed, stretched and moved against the other, and what they share."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from motet.duplicates.patterns import DRUMS, SCALE, Hashes, Patterns, Voices, patterns

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

MOST_PLACES = 8  # of one pattern in the other song that are looked at, those of about the same number
FEWEST_MATCHES = 3
NEAR = 0.13  # quarter notes within which two notes are the same: more than half a sixteenth
STRETCH = 8.0  # quarter notes within which one offset holds: bars put in or taken out move what follows
IN_LINE = 0.6  # quarter notes from the main diagonal
OFFSETS = 12  # tried, the best supported first
UNISON = 4  # voices on one note, at most, that are told apart
OTHERS = 0.8  # of the notes that another than the main offset explains count as many
_CHANCE = (1.37, -2.71, 5.19, -7.43)  # quarter notes beside the right offset: what two such songs share there is chance
_STEEPEST = 1.1  # octaves of tempo
_TRIES = 600
_FAR = 1 << 16  # half quarter notes between offsets that are counted one by one
_SAMPLE = 256  # notes of a song that tell how much of it can be shared
_DRUM = 1000  # semitones that drums are kept above pitched notes, out of reach of any transposition


class Song:
    """A song to be compared; what every comparison asks of it is made once, when first asked for."""

    def __init__(self, voices: Voices) -> None:
        self.voices = voices

    @cached_property
    def patterns(self) -> Patterns:
        return patterns(self.voices)

    @cached_property
    def heads(self) -> Ints:
        """Where each different pattern has its first place in `patterns`."""
        return np.flatnonzero(np.append(True, np.diff(self.patterns.hashes) != 0)[: len(self.patterns.hashes)])

    @cached_property
    def distinct(self) -> Hashes:
        """The different patterns, ascending."""
        return self.patterns.hashes[self.heads]

    @cached_property
    def places(self) -> Ints:
        """How often each different pattern comes."""
        return np.diff(self.heads, append=len(self.patterns.hashes))

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

    @cached_property
    def by_pitch(self) -> Notes:
        """All notes by pitch, drums last, then by onset."""
        pitches = self.voices.notes["pitch"].astype(np.int64) + np.where(self.drums, _DRUM, 0)
        order = np.argsort(pitches << 32 | self.voices.notes["start"], kind="stable")
        return Notes(pitches[order], self.quarters[order], self.voices.notes["voice"][order])

    @cached_property
    def halves(self) -> int:
        """How many half notes it lasts."""
        return int(self.quarters.max() // 2) + 1

    @cached_property
    def chroma(self) -> Chroma:
        return _chroma(self, 0, 1.0, 0.0, self.halves)


@dataclass(frozen=True, eq=False)
class Notes:
    """Notes by pitch, then by onset; the `pitches` of drums are `_DRUM` higher."""

    pitches: Ints
    quarters: Floats
    voices: NDArray[np.uint8]

    def moved(self, transposition: int, stretch: float) -> Notes:
        pitches = np.where(self.pitches < _DRUM, self.pitches + transposition, self.pitches)
        return Notes(pitches, self.quarters * stretch, self.voices)

    def line(self, room: float) -> Floats:
        """One number for each note, ascending; notes of different pitch are at least `room` apart."""
        return self.pitches * (2 * room) + self.quarters


@dataclass(frozen=True, eq=False)
class Chroma:
    """Notes struck of each pitch class in each half note that has any, as rows of length 1; `at` numbers the half notes."""

    at: Ints
    rows: Floats


@dataclass(frozen=True)
class Overlay:
    """How a second song may lie over a first, by their patterns alone: the fields are those of `Alignment`, but for
    `offsets`, which holds all worth trying, the best supported first."""

    transposition: int
    stretch: float
    offsets: tuple[float, ...]
    in_line: int
    common: float
    harmony: float


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
    over = overlay(first, second)
    return compare(first, second, over) if over else None


def overlay(first: Song, second: Song) -> Overlay | None:
    """The first half of `align`: what patterns tell, a third of the work."""
    if not (len(first.distinct) and len(second.distinct)):
        return None
    at, to, weights, found = _in_common(first, second)
    if len(at) < FEWEST_MATCHES:
        return None
    moves = second.patterns.pitches[to] - first.patterns.pitches[at]
    transposition = int(np.bincount(moves + 128, weights, 257).argmax()) - 128
    agreed = moves == transposition
    at = at[agreed]
    x = first.patterns.starts[at] / SCALE
    y = second.patterns.starts[to[agreed]] / SCALE
    weights = weights[agreed]
    stretch = _stretch(x, y, weights)
    if stretch is None:
        return None
    offsets = _offsets(y - stretch * x, weights)
    on_line = first.patterns.hashes[at[np.abs(y - stretch * x - offsets[0]) < IN_LINE]]
    return Overlay(
        transposition=transposition,
        stretch=stretch,
        offsets=offsets,
        in_line=int(np.count_nonzero(np.diff(on_line))) + 1 if len(on_line) else 0,
        common=found / min(len(first.distinct), len(second.distinct)),
        harmony=_harmony(first, second, transposition, stretch, offsets[0]),
    )


def compare(first: Song, second: Song, over: Overlay, near: float = NEAR) -> Alignment:
    """The second half of `align`: what they share, note by note, no more than `near` quarter notes apart."""
    mine, theirs = first.by_pitch.moved(over.transposition, over.stretch), second.by_pitch
    room = _room(mine, theirs, over.offsets)
    ours, line = mine.line(room), theirs.line(room)
    x, y = mine.quarters, theirs.quarters
    hit, laid, straight = _laid(ours, x, line, over.offsets, near)
    back, laid_back, straight_back = _laid(line, y, ours, tuple(-offset for offset in over.offsets), near)
    both, taken = hit >= 0, back >= 0
    # One chorus may be found in all of the other's: each note is shared once.
    notes = int(min(both.sum(), taken.sum()))
    return Alignment(
        transposition=over.transposition,
        stretch=over.stretch,
        offset=over.offsets[0],
        shared=(notes / len(both), notes / len(taken)),
        covered=(
            _covered(x, straight | _met(ours, laid_back[taken], near)),
            _covered(y, straight_back | _met(line, laid[both], near)),
        ),
        notes=notes,
        chance=float(np.mean([np.mean(_found(ours + (over.offsets[0] + beside), line, near) >= 0) for beside in _CHANCE])),
        voices=_voices(mine.voices, theirs.voices, laid, line, hit, near),
        in_line=over.in_line,
        common=over.common,
        harmony=over.harmony,
    )


def _laid(ours: Floats, quarters: Floats, line: Floats, offsets: tuple[float, ...], near: float) -> tuple[Ints, Floats, Flags]:
    """Where on `line` each of our notes is found, -1 for nowhere, where each lies: at the offset of its stretch; and which
    are found at the main offset."""
    hit, laid = _found(ours + offsets[0], line, near), ours + offsets[0]
    straight: Flags = hit >= 0
    stretches = (quarters // STRETCH).astype(np.int64)
    unsure = np.bincount(stretches, straight) < OTHERS * np.bincount(stretches)
    left = np.flatnonzero(unsure[stretches])  # elsewhere no other offset can win
    if len(left) and len(offsets) > 1:
        wanted, stretches = ours[left], stretches[left]
        hits = np.stack([hit[left], *(_found(wanted + offset, line, near) for offset in offsets[1:])])
        found = np.stack([np.bincount(stretches, row >= 0) for row in hits]).astype(np.float64)
        found[1:] = found[1:] * OTHERS
        chosen = found.argmax(0)[stretches]
        hit[left] = hits[chosen, np.arange(len(left))]
        laid[left] = wanted + np.array(offsets)[chosen]
    return hit, laid, straight


def most_shared(first: Song, second: Song, over: Overlay) -> float:
    """What share of either song's notes the other can have at most: an estimate from 256 of its notes or more, each of
    which may lie at whichever of the offsets suits it."""
    mine, theirs = first.by_pitch.moved(over.transposition, over.stretch), second.by_pitch
    room = _room(mine, theirs, over.offsets)
    ours, line = mine.line(room), theirs.line(room)
    offsets = np.array(over.offsets)[:, None]
    own = _found(ours[:: max(1, len(ours) // _SAMPLE)] + offsets, line)
    other = _found(line[:: max(1, len(line) // _SAMPLE)] - offsets, ours)
    return max(float((hits >= 0).any(0).mean()) for hits in (own, other))


def _room(mine: Notes, theirs: Notes, offsets: tuple[float, ...]) -> float:
    """Quarter notes by which to keep pitches apart on a line, so that no offset makes two meet."""
    return float(max(mine.quarters.max(), theirs.quarters.max()) + 2 * max(map(abs, offsets)) + 100)


def _found(wanted: Floats, line: Floats, near: float = NEAR) -> Ints:
    """For each note wanted the first place in `line` from `near` before it to `near` after it, -1 where there is none."""
    at = np.searchsorted(line, wanted - near)
    there = np.minimum(at, len(line) - 1)
    return np.where((at < len(line)) & (line[there] <= wanted + near), there, -1)


def _in_common(first: Song, second: Song) -> tuple[Ints, Ints, Floats, int]:
    """Places in both of the patterns they share, and how many those are; a pattern in many places weighs less."""
    there = np.minimum(np.searchsorted(second.distinct, first.distinct), len(second.distinct) - 1)
    both = np.flatnonzero(second.distinct[there] == first.distinct)
    own, there = first.places[both], there[both]
    places = second.places[there].repeat(own)
    taken = np.minimum(places, MOST_PLACES)
    number = _counted(own)
    at = (first.heads[both].repeat(own) + number).repeat(taken)
    # A loop's tenth turn is the other's tenth, or one near it.
    begin = second.heads[there].repeat(own) + np.clip(number - MOST_PLACES // 2, 0, places - taken)
    to = begin.repeat(taken) + _counted(taken)
    return at, to, (1.0 / places).repeat(taken), len(both)


def _counted(counts: Ints) -> Ints:
    """0, 1, 2 ... up to each count."""
    ramp: Ints = np.arange(counts.sum()) - (np.cumsum(counts) - counts).repeat(counts)
    return ramp


def _stretch(x: Floats, y: Floats, weights: Floats) -> float | None:
    """How many quarter notes of the second song pass in one of the first: 1 if that explains the matches, else by vote."""
    if len(x) < FEWEST_MATCHES:
        return None
    unstretched = _peak(y - x, weights)
    if unstretched >= 0.25 * weights.sum():
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
    stretch = float(2.0 ** _median(steepness[np.abs(steepness - middle) < 0.02]))
    for width in (2.0, 0.5):
        # Least squares over the matches near the main diagonal.
        offsets = y - stretch * x
        near = np.abs(offsets - _mode(offsets, weights)) < width
        if near.any() and np.ptp(x[near]) > 16:
            run = x[near] - x[near].mean()
            stretch = float(run @ y[near] / (run @ run))
    return stretch if _peak(y - stretch * x, weights) > unstretched else 1.0


def _binned(offsets: Floats, weights: Floats) -> tuple[Ints, Floats]:
    """The half quarter note of each offset, counted from the lowest, and the weight of each."""
    bins = np.floor(offsets * 2).astype(np.int64)
    bins -= bins.min()
    if bins.max() > _FAR:
        bins = np.unique(bins, return_inverse=True)[1].astype(np.int64)
    return bins, np.bincount(bins, weights).astype(np.float64)


def _peak(offsets: Floats, weights: Floats) -> float:
    """The weight of the half quarter note that most matches agree on."""
    return float(_binned(offsets, weights)[1].max())


def _mode(offsets: Floats, weights: Floats) -> float:
    bins, votes = _binned(offsets, weights)
    return (float(np.floor(offsets[(bins == votes.argmax()).argmax()] * 2)) + 0.5) / 2


def _offsets(offsets: Floats, weights: Floats) -> tuple[float, ...]:
    """The offsets best supported, best first."""
    bins, votes = _binned(offsets, weights)
    voted = np.flatnonzero(votes)
    best = voted[np.argsort(-votes[voted], kind="stable")[:OFFSETS]].tolist()
    return tuple(_median(offsets[bins == one]) for one in best)


def _median(values: Floats) -> float:
    """As NumPy's, in a tenth of the time where there are few."""
    values = np.sort(values)
    return float(values[(len(values) - 1) // 2] + values[len(values) // 2]) / 2


def _harmony(first: Song, second: Song, transposition: int, stretch: float, offset: float) -> float:
    ours, theirs = _chroma(first, transposition, stretch, offset, second.halves), second.chroma
    elsewhere = [_cosine(ours, theirs, second.halves, by) for by in (3, -5, 7, -11)]
    return _cosine(ours, theirs, second.halves, 0) - sum(elsewhere) / len(elsewhere)


def _chroma(song: Song, transposition: int, stretch: float, offset: float, halves: int) -> Chroma:
    pitched = ~song.drums
    at = np.floor((song.quarters[pitched] * stretch + offset) / 2).astype(np.int64)
    classes = (song.voices.notes["pitch"][pitched].astype(np.int64) + transposition) % 12
    inside = (at >= 0) & (at < halves)
    struck = np.bincount(at[inside] * 12 + classes[inside], minlength=halves * 12).reshape(halves, 12)
    filled = np.flatnonzero(struck.any(1))
    rows = struck[filled].astype(np.float64)
    return Chroma(filled, rows / np.sqrt(np.einsum("ij,ij->i", rows, rows))[:, None])


def _cosine(one: Chroma, other: Chroma, halves: int, by: int) -> float:
    """The mean cosine of the half notes that both have, the first moved by some, around the end; 0 if they are few."""
    if not len(other.at):
        return 0.0
    moved = (one.at + by) % halves
    there = np.minimum(np.searchsorted(other.at, moved), len(other.at) - 1)
    both = other.at[there] == moved
    count = int(np.count_nonzero(both))
    return float(np.einsum("ij,ij->", one.rows[both], other.rows[there[both]])) / count if count > 4 else 0.0


def _met(ours: Floats, laid: Floats, near: float) -> Flags:
    """Which of our notes one of those laid there meets."""
    return _found(ours, np.sort(laid), near) >= 0 if len(laid) else np.zeros(len(ours), np.bool_)


def _covered(quarters: Floats, met: Flags) -> float:
    """The share of stretches with notes that the other song covers: it meets a tenth of a stretch's notes, each of its own
    laid once, or straight on."""
    stretches = (quarters // STRETCH).astype(np.int64)
    count = np.bincount(stretches)
    covered = np.bincount(stretches, met) >= 0.1 * count
    return float(covered[count > 0].mean())


def _voices(
    ours: NDArray[np.uint8], theirs: NDArray[np.uint8], laid: Floats, line: Floats, hit: Ints, near: float
) -> tuple[tuple[int, int, float], ...]:
    """For each voice of the first the voice of the second that has most of its notes, and the share it has."""
    pairs: list[Ints] = []
    for beside in range(UNISON):
        at = np.minimum(hit + beside, len(line) - 1)
        same = np.flatnonzero((hit >= 0) & (hit + beside < len(line)) & (line[at] <= laid + near))
        pairs.append(ours[same].astype(np.int64) << 8 | theirs[at[same]])
    found, counts = np.unique(np.concatenate(pairs), return_counts=True)
    sizes = np.bincount(ours)
    told: dict[int, tuple[int, float]] = {}
    for pair, count in zip(found.tolist(), counts.tolist(), strict=True):
        voice, share = pair >> 8, min(count / int(sizes[pair >> 8]), 1.0)
        if share > told.get(voice, (0, 0.0))[1]:
            told[voice] = (pair & 255, share)
    return tuple((voice, other, share) for voice, (other, share) in sorted(told.items()))
