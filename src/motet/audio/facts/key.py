"""The key of a recording, estimated from its chroma."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from motet import midi
from motet.audio.facts.chroma import Chroma
from motet.midi.key import Mode

__all__ = ["Key", "Mode", "evidence", "key"]

Floats = npt.NDArray[np.float64]

_QUIET = 0.1  # of the mean level: frames far below it count by their level, all others alike
_BASS = 0.5  # of the bass that is added before chords are told: their roots are there
_CHORD = 6  # frames that a chord is told from, about a second
_SURE = 18.0  # how much a chord's likeness says
_TRIADS: dict[Mode, tuple[int, ...]] = {"major": (0, 4, 7), "minor": (0, 3, 7)}

# How much each share says for a major and for a minor key, by distance above the tonic: pitch classes, major triads, minor
# triads. Fitted on renders of pop songs with annotated keys and of files from the web whose written key their notes bear out.
_WEIGHTS = np.array(
    [
        [
            [1.78, 0.07, 0.50, -0.14, 2.21, 2.15, -2.11, 1.75, -0.85, -1.81, -2.93, 0.57],
            [7.64, -0.04, -3.31, -0.74, -1.06, 0.58, -1.82, 3.60, -0.27, 0.00, -3.34, -1.69],
            [2.06, 1.27, 3.14, -1.86, 2.30, 1.95, -1.79, -1.44, -0.78, 2.67, -0.68, -0.12],
        ],
        [
            [2.28, -3.03, 0.73, 1.44, -1.36, 0.41, -1.11, 1.93, 0.51, -2.41, -0.51, -0.06],
            [2.52, -1.84, -2.39, 0.04, -1.57, -1.07, -2.39, 1.93, 4.01, -1.71, 3.58, -0.68],
            [6.97, -2.52, -2.05, -2.74, -1.54, 1.82, -1.56, 1.40, -1.28, -1.55, -3.38, -0.31],
        ],
    ]
)
_MINOR = 1.73
_SPEAKS = _WEIGHTS[:, :, (np.arange(12)[:, None] - np.arange(12)) % 12]  # by mode and evidence; what sounds down, tonics across


@dataclass(frozen=True)
class Key:
    """An estimated key: `tonic` is 0 (C) to 11, `confidence` (0-1) the estimated chance that tonic and mode are right.

    `runner_up` is the second best (tonic, mode) with its own chance, None where who estimated tells of none.
    """

    tonic: int
    mode: Mode
    confidence: float
    runner_up: tuple[int, Mode] | None = None
    runner_up_confidence: float = 0.0

    @property
    def short(self) -> str:
        """The tonic as usually written in this mode: "Eb", "F#"."""
        return self._written.short

    @property
    def name(self) -> str:
        """The key in words: "E flat major", "F sharp minor"."""
        return self._written.name

    @property
    def runner_up_name(self) -> str | None:
        """The second best in words."""
        return midi.Key(*self.runner_up, 0.0, self.runner_up, 0.0).name if self.runner_up else None

    @property
    def _written(self) -> midi.Key:
        return midi.Key(self.tonic, self.mode, self.confidence, (self.tonic, self.mode), self.confidence)


def key(chroma: Chroma) -> Key | None:
    """The key that most of a recording is in, None where nothing pitched sounds. Best from 20 s of music on.

    Multinomial logistic regression over the 24 keys, the same for every tonic, on the square roots of the shares of
    pitch classes (Krumhansl, Cognitive Foundations of Musical Pitch, 1990) and of major and minor triads by their roots:
    73 numbers. On songs it was not fitted on, it is right a little more often than `confidence` says. MIREX score there
    (eight folds): 0.87 of 72 renders of songs with a key annotated or written, 95 % interval 0.80 to 0.94.
    """
    told = evidence(chroma)
    if told is None:
        return None
    scores = np.einsum("et,mets->ms", told, _SPEAKS)
    scores[1] += _MINOR
    chances = np.exp(scores - scores.max())
    chances /= chances.sum()
    second, first = chances.T.ravel().argsort(kind="stable")[-2:].tolist()
    flat = chances.T.ravel()
    return Key(first // 2, _mode(first), float(flat[first]), (second // 2, _mode(second)), float(flat[second]))


def evidence(chroma: Chroma) -> Floats | None:
    """What speaks for a key (3, 12): roots of the shares of pitch classes, of major and of minor triads; None for silence."""
    heard = chroma.frames.astype(np.float64)
    totals = heard.sum(axis=1, keepdims=True)
    level = float(totals.mean()) if len(totals) else 0.0
    if not level > 0:
        return None
    classes = (heard / (totals + _QUIET * level)).mean(axis=0)
    sums = np.concatenate([np.zeros((1, 12)), np.cumsum(heard + _BASS * chroma.bass, axis=0)])
    at = np.arange(len(heard))
    smooth = (sums[np.minimum(at + _CHORD // 2, len(heard))] - sums[np.maximum(at - _CHORD // 2, 0)]) / _CHORD
    smooth /= np.linalg.norm(smooth, axis=1, keepdims=True) + 0.05 * level
    triads = []
    for steps in _TRIADS.values():
        template = np.zeros(12)
        template[list(steps)] = 1 / 3
        triads.append(np.stack([np.roll(template, root) for root in range(12)], axis=1))
    likeness = _SURE * (smooth @ np.concatenate(triads, axis=1))
    votes = np.exp(likeness - likeness.max(axis=1, keepdims=True))
    chords = (votes / votes.sum(axis=1, keepdims=True)).mean(axis=0).reshape(2, 12)
    told: Floats = np.sqrt(np.stack([classes / classes.sum(), *(chords / chords.sum(axis=1, keepdims=True))]))
    return told


def _mode(state: int) -> Mode:
    return "minor" if state % 2 else "major"
