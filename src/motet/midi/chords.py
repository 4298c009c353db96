"""The chords of a passage, estimated beat by beat."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from motet.midi.key import Key
from motet.midi.passage import Beats, Floats, Ints, Passage

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
    """Pitch classes of the beat, then of its bass (24 down), against every chord (across)."""
    weights = np.zeros((24, 12, len(_NAMES)), np.float32)
    for column, (tones, _, _) in enumerate(_QUALITIES.values()):
        for root in range(12):
            weights[:12, root, column] = -_TONE
            for tone in tones:
                weights[(root + tone) % 12, root, column] = _TONE
                weights[12 + (root + tone) % 12, root, column] = _BASS_TONE
            weights[12 + root, root, column] = _BASS_ROOT
    return weights.reshape(24, -1)


_WEIGHTS = _weights()
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
    notes = grid.pitched
    kinds = notes["pitch"].astype(np.int64) % 12
    edges = grid.beats.edges
    low = _lowest(notes, edges)
    bass = grid.per_beat(notes[low], kinds[low], 12)
    states, chances = _decode(_scores(grid.chroma, bass))
    starts = np.flatnonzero(np.diff(states, prepend=-1))
    sums = np.add.reduceat(bass, starts, axis=0)
    sure = np.add.reduceat(chances, starts, dtype=np.float64) / np.diff(starts, append=len(states))
    ends = [*edges[starts[1:]].tolist(), passage.end]
    sounds = (sums.max(1) > 0).tolist()
    spelled = _MIXED if key is None else _FLATS if key.flat else _SHARPS
    return [
        _chord(start, end, state, lowest if heard else None, min(chance, 1.0), spelled)
        for start, end, state, lowest, heard, chance in zip(
            edges[starts].tolist(),
            ends,
            states[starts].tolist(),
            sums.argmax(1).tolist(),
            sounds,
            sure.tolist(),
            strict=True,
        )
    ]


def _chord(start: int, end: int, state: int, bass: int | None, chance: float, spelled: tuple[str, ...]) -> Chord:
    if state == _SILENCE:
        return Chord(start, end, None, "N", None, chance, "N")
    root, column = divmod(state, len(_NAMES))
    quality = _NAMES[column]
    bass = root if bass is None else bass
    symbol = spelled[root] + _QUALITIES[quality][1] + ("" if bass == root else "/" + spelled[bass])
    return Chord(start, end, root, quality, bass, chance, symbol)


def _as_played(passage: Passage) -> Passage:
    """The passage, on the beats that its notes keep where these lie apart from the file's by a steady distance."""
    beats, starts = passage.beats, passage.pitched["start"]
    edges = beats.edges
    at = np.searchsorted(edges, starts, "right") - 1
    turns = np.exp(2j * np.pi * ((starts - edges[at]) / (edges[at + 1] - edges[at])))
    quarters = (turns * turns) ** 2
    mean = complex(quarters.mean())
    fine = float(np.angle(mean)) / (8 * np.pi)
    if abs(mean) < _GROUPED or abs(fine) < _OFF_GRID:
        return passage
    coarse = float(np.angle(turns.mean())) / (2 * np.pi)
    shift = fine + round((coarse - fine) * 4) / 4
    shift -= round(shift)
    moved = edges[:-1] + np.rint(shift * np.diff(edges)).astype(np.int64)
    inside = (moved > passage.start) & (moved < passage.end)
    # A pickup, or the rest of one, stays a beat of its own.
    ticks = np.unique(np.concatenate([[passage.start], moved[inside], [passage.end]]))
    grid = Passage(passage.score, passage.start, passage.end)
    zeros = np.zeros(len(ticks) - 1, np.int64)
    grid.__dict__.update(pitched=passage.pitched, beats=Beats(ticks, zeros, zeros))
    return grid


def _lowest(notes: NDArray[np.void], edges: Ints) -> NDArray[np.bool_]:
    """Which notes are the lowest struck in their beat."""
    at = np.searchsorted(edges, notes["start"], "right") - 1
    pitches = notes["pitch"]
    lowest = np.full(len(edges), 255, np.uint8)
    np.minimum.at(lowest, at, pitches)
    low: NDArray[np.bool_] = pitches == lowest[at]
    return low


def _scores(chroma: Floats, bass: Floats) -> Singles:
    """How each beat speaks for each chord, as a logarithm: (beats, 133)."""
    total = chroma.sum(1, keepdims=True)
    shares = chroma / np.where(total > 0, total, 1)
    below = bass.sum(1, keepdims=True)
    parts = np.concatenate([shares, bass / np.where(below > 0, below, 1)], axis=1)
    scores = np.empty((len(chroma), _SILENCE + 1), np.float32)
    np.matmul(np.sqrt(parts).astype(np.float32), _WEIGHTS, out=scores[:, :-1])
    scores[:, :-1] += _BIASES
    sounds = total[:, 0]
    scores[:, -1] = _NONE + _NONE_SILENT * (sounds == 0) + _NONE_LONE * shares.max(1) + _NONE_FULL * np.log1p(sounds)
    return scores


def _decode(scores: Singles) -> tuple[Ints, Singles]:
    """The likeliest state of every beat and its chance, by forward-backward in windows that overlap, all at once."""
    beats = len(scores)
    evidence = np.exp(scores - scores.max(1, keepdims=True))
    windows = -(-beats // _WINDOW)
    # Beats beyond either end speak for nothing.
    padded = np.ones(((windows * _WINDOW) + 2 * _MARGIN, evidence.shape[1]), np.float32)
    padded[_MARGIN : _MARGIN + beats] = evidence
    states, chances = np.empty(windows * _WINDOW, np.int64), np.empty(windows * _WINDOW, np.float32)
    for first in range(0, windows, _AT_ONCE):
        count = min(_AT_ONCE, windows - first)
        marginals = _marginals(padded, first, count)
        here = slice(first * _WINDOW, (first + count) * _WINDOW)
        states[here] = marginals.argmax(1)
        chances[here] = marginals.max(1) / marginals.sum(1)
    return states[:beats], chances[:beats]


def _marginals(padded: Singles, first: int, count: int) -> Singles:
    """Chances, not yet adding up to 1, of the states of beats in `count` windows from number `first` on."""
    states = padded.shape[1]
    length = _WINDOW + 2 * _MARGIN
    step = padded.strides[0]
    shape, strides = (count, length, states), (_WINDOW * step, step, padded.strides[1])
    seen = np.lib.stride_tricks.as_strided(padded[first * _WINDOW :], shape, strides, writeable=False)
    both = np.stack([seen, seen[:, ::-1]])  # forwards and backwards
    came = np.empty((_WINDOW, 2, count, states), np.float32)  # what reaches the middle beats from either side
    flow = np.ones((2, count, states), np.float32)
    for beat in range(_MARGIN + _WINDOW):
        flow *= _STAY / flow.sum(2, keepdims=True)
        flow += 1
        if beat >= _MARGIN:
            came[beat - _MARGIN] = flow
        flow *= both[:, :, beat]
    middle = seen[:, _MARGIN : _MARGIN + _WINDOW]
    return (came[:, 0].transpose(1, 0, 2) * came[::-1, 1].transpose(1, 0, 2) * middle).reshape(-1, states)
