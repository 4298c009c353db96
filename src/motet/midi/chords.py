"""The chords of a passage, estimated beat by beat."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from motet.midi.key import Key
from motet.midi.passage import Beats, Floats, Ints, Passage
from motet.midi.runs import changes, holding

Singles = NDArray[np.float32]

# Quality: tones above the root, how it is written, and how much it takes for granted (a log chance).
_QUALITIES: dict[str, tuple[tuple[int, ...], str, float]] = {
    "maj": ((0, 4, 7), "", 1.5),
    "min": ((0, 3, 7), "m", 1.18),
    "dim": ((0, 3, 6), "dim", -0.11),
    "aug": ((0, 4, 8), "aug", -1.31),
    "sus2": ((0, 2, 7), "sus2", 0.48),
    "sus4": ((0, 5, 7), "sus4", 0.38),
    "7": ((0, 4, 7, 10), "7", -0.9),
    "maj7": ((0, 4, 7, 11), "maj7", -0.67),
    "min7": ((0, 3, 7, 10), "m7", -0.97),
    "hdim7": ((0, 3, 6, 10), "m7b5", -1.79),
    "dim7": ((0, 3, 6, 9), "dim7", -2.22),
}
_NAMES = tuple(_QUALITIES)
_WRITTEN = tuple(written for _, written, _ in _QUALITIES.values())
_SILENCE = len(_NAMES) * 12  # the state of no chord, after root * 11 + quality
_TONE, _BASS_ROOT, _BASS_TONE = 2.69, 1.79, 0.58
# No chord: as it is, in silence, by the largest share of a pitch class, by the logarithm of 1 + what sounds.
_NONE, _NONE_SILENT, _NONE_LONE, _NONE_FULL = 1.43, 2.53, 4.34, -0.57
_STAY = np.float32(np.expm1(3.37))  # odds of keeping a chord against each other one, less 1

_SHARPS = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
_FLATS = ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B")
_MIXED = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")

_WINDOW, _MARGIN = 24, 12  # beats decoded at once, and those heard before and after to decide them
_AT_ONCE = 256  # windows
_GROUPED, _OFF_GRID = 0.6, 0.03  # least regularity of sixteenths, least distance from the beats (in beats)


def _weights() -> Singles:
    """What speaks (down: pitch classes of the beat, of its bass, and what `_evidence` adds) for every chord (across)."""
    weights = np.zeros((28, _SILENCE + 1), np.float32)
    states = weights[:, :-1].reshape(28, 12, len(_NAMES))
    for column, (tones, _, bias) in enumerate(_QUALITIES.values()):
        for root in range(12):
            states[:12, root, column] = -_TONE
            for tone in tones:
                states[(root + tone) % 12, root, column] = _TONE
                states[12 + (root + tone) % 12, root, column] = _BASS_TONE
            states[12 + root, root, column] = _BASS_ROOT
        states[24, :, column] = bias
    weights[:, :-1] = states.reshape(28, -1)
    weights[24:, -1] = _NONE, _NONE_SILENT, _NONE_LONE, _NONE_FULL
    return weights


_WEIGHTS = _weights()
_ONES = np.ones(_SILENCE + 1, np.float32)  # a product with them is a sum, and faster
_BIASES = np.tile(np.array([bias for _, _, bias in _QUALITIES.values()], np.float32), 12)


@dataclass(frozen=True)
class Chord:
    """A chord from tick `start` to before tick `end`, estimated. `root` and `bass` are 0 (C) to 11, None for no chord.

    `quality` is one of maj, min, dim, aug, sus2, sus4, 7, maj7, min7, hdim7, dim7, or N for no chord. `confidence`
    (0-1) is the mean chance over its beats that root and quality are right, scaled on pop songs for piano, where it is
    0.05 too high near 1. `symbol` is as in "Am7/G", or "N".
    """

    start: int
    end: int
    root: int | None
    quality: str
    bass: int | None
    confidence: float
    symbol: str


def chords(passage: Passage, key: Key | None = None) -> list[Chord]:
    """The chords of a passage in order, without gaps, no two neighbours alike; spelled as `key` would be if given.

    A chain of chords that tend to stay (a conditional random field: Lafferty, McCallum and Pereira, ICML 2001) over
    beats; every beat has the chord likeliest by all beats near it. The likelihood comes from chord tones and bass, by 20
    weights fitted on 120 pop songs (POP909; Wang et al., ISMIR 2020). Where the notes keep a steady distance from the
    beats of the file, chords change at the beats that the notes keep. Raises `Unreadable` where `Passage.beats` does.
    """
    if not len(passage.pitched):
        return [Chord(passage.start, passage.end, None, "N", None, 1.0, "N")] if passage.end > passage.start else []
    grid = _as_played(passage)
    edges = grid.beats.edges
    bass = grid.chroma_of(_lowest(grid.pitched, edges))
    states, chances = _decode(_evidence(grid.chroma, bass), len(grid.beats))
    starts = np.flatnonzero(changes(states))
    ticks = [*edges[starts].tolist(), passage.end]
    sums = np.add.reduceat(bass, starts, axis=0)
    most = sums.max(1)
    lowest = np.where(most > 0, sums.argmax(1), -1)
    # An arpeggio passes through other tones on its beats: the root is the bass where it is there for half as long.
    roots = np.minimum(states[starts] // len(_NAMES), 11)
    lowest = np.where((most > 0) & (sums[np.arange(len(starts)), roots] >= most / 2), roots, lowest)
    sure = np.add.reduceat(chances, starts, dtype=np.float64) / (np.append(starts[1:], len(states)) - starts)
    spelled = _MIXED if key is None else _FLATS if key.flat else _SHARPS
    found = zip(ticks, ticks[1:], states[starts].tolist(), lowest.tolist(), sure.tolist(), strict=False)
    return [_chord(start, end, state, low, min(chance, 1.0), spelled) for start, end, state, low, chance in found]


def _chord(start: int, end: int, state: int, bass: int, chance: float, spelled: tuple[str, ...]) -> Chord:
    """One chord; a `bass` of -1 is none that is heard, and the root is taken for it."""
    if state == _SILENCE:
        return Chord(start, end, None, "N", None, chance, "N")
    root, column = divmod(state, len(_NAMES))
    if bass < 0 or bass == root:
        return Chord(start, end, root, _NAMES[column], root, chance, spelled[root] + _WRITTEN[column])
    return Chord(start, end, root, _NAMES[column], bass, chance, f"{spelled[root]}{_WRITTEN[column]}/{spelled[bass]}")


def _as_played(passage: Passage) -> Passage:
    """The passage, on the beats that its notes keep where these lie apart from the file's by a steady distance."""
    shift = round(passage.grid.shift * passage.clock.division)
    if not shift:
        return passage
    moved = passage.beats.edges[:-1] + shift
    inside = (moved > passage.start) & (moved < passage.end)
    # A pickup, or the rest of one, stays a beat of its own.
    ticks = np.unique(np.concatenate([[passage.start], moved[inside], [passage.end]]))
    grid = Passage(passage.score, passage.start, passage.end)
    zeros = np.zeros(len(ticks) - 1, np.int64)
    grid.__dict__.update(pitched=passage.pitched, beats=Beats(ticks, zeros, zeros))
    return grid


def _lowest(notes: NDArray[np.void], edges: Ints) -> NDArray[np.bool_]:
    """Which notes are the lowest struck in their beat."""
    at = holding(edges, notes["start"])
    pitches = notes["pitch"]
    lowest = np.full(len(edges), 255, np.uint8)
    np.minimum.at(lowest, at, pitches)
    low: NDArray[np.bool_] = pitches == lowest[at]
    return low


def _evidence(chroma: Floats, bass: Floats) -> Singles:
    """How likely what sounds in each beat is with each chord: (beats, 133), `_MARGIN` before the first and more behind.

    Beats beyond either end speak for nothing.
    """
    beats = len(chroma)
    parts = np.zeros((-(-beats // _WINDOW) * _WINDOW + 2 * _MARGIN, len(_WEIGHTS)), np.float32)
    inside = parts[_MARGIN : _MARGIN + beats]
    total, below = chroma @ np.ones(12), bass @ np.ones(12)
    silent = total == 0
    np.divide(chroma, (total + silent)[:, None], out=inside[:, :12])
    np.divide(bass, (below + (below == 0))[:, None], out=inside[:, 12:24])
    lone = np.ascontiguousarray(inside[:, :12].T).max(0)  # along rows it takes several times as long
    np.sqrt(inside, out=inside)
    inside[:, 24], inside[:, 25], inside[:, 26], inside[:, 27] = 1, silent, lone, np.log1p(total)
    evidence: Singles = parts @ _WEIGHTS
    return np.exp(evidence, out=evidence)


def _decode(evidence: Singles, beats: int) -> tuple[Ints, Singles]:
    """The likeliest state of every beat and its chance, by forward-backward in windows that overlap, all at once."""
    windows = (len(evidence) - 2 * _MARGIN) // _WINDOW
    found, chances = np.empty(windows * _WINDOW, np.int64), np.empty(windows * _WINDOW, np.float32)
    for first in range(0, windows, _AT_ONCE):
        count = min(_AT_ONCE, windows - first)
        marginals = _marginals(evidence, first, count)
        here = slice(first * _WINDOW, (first + count) * _WINDOW)
        found[here] = best = marginals.argmax(1)
        chances[here] = marginals[np.arange(len(best)), best] / (marginals @ _ONES)
    return found[:beats], chances[:beats]


def _marginals(evidence: Singles, first: int, count: int) -> Singles:
    """Chances, not yet adding up to 1, of the states of beats in `count` windows from number `first` on."""
    states, (down, right) = evidence.shape[1], evidence.strides
    shape, strides = (_WINDOW + 2 * _MARGIN, count, states), (down, _WINDOW * down, right)
    seen = np.ndarray(shape, np.float32, evidence, first * strides[1], strides)
    both = np.empty((_MARGIN + _WINDOW, 2, count, states), np.float32)
    both[:, 0], both[:, 1] = seen[: _MARGIN + _WINDOW], seen[: _MARGIN - 1 : -1]  # forwards and backwards
    flow, part = both[0], np.empty((2, count, states), np.float32)
    for here in both[1:]:
        np.multiply(flow, (_STAY / (flow @ _ONES))[..., None], out=part)
        part += 1
        here *= part
        flow = here
    chances = np.multiply(both[_MARGIN:, 0].transpose(1, 0, 2), both[: _MARGIN - 1 : -1, 1].transpose(1, 0, 2), order="C")
    chances = chances.reshape(-1, states)
    chances /= evidence[_MARGIN + first * _WINDOW :][: len(chances)]  # a beat's own evidence is in both
    return chances
