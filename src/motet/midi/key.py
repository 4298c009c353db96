"""The key of a passage, estimated from how long each pitch class and each triad sounds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from motet.midi.passage import Ints, Passage

Mode = Literal["major", "minor"]

_SHORT: dict[Mode, tuple[str, ...]] = {
    "major": ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B"),
    "minor": ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "G#", "A", "Bb", "B"),
}
_FLAT_MAJORS = frozenset((1, 3, 5, 8, 10))  # by tonic; a minor key is written as its relative major is

# Major triads on C, C sharp, ... then minor ones: pitch classes down, triads across.
_TRIADS = (
    np.concatenate([np.isin((np.arange(12)[:, None] - np.arange(12)) % 12, tones) for tones in ((0, 4, 7), (0, 3, 7))], 1) * 1.0
)
_SHARPNESS = 6.0  # of a beat's choice among triads
# What each pitch class, major triad and minor triad, by distance above the tonic, says for a major and a minor key.
_WEIGHTS = np.array(
    [
        [
            [4.78, -1.08, -0.04, -2.82, 1.72, 2.58, -3.94, 3.61, -1.36, -1.59, -5.51, 2.40],
            [6.53, -0.42, -3.61, -2.27, -1.80, 3.30, -1.20, 4.67, 0.04, -1.27, -3.16, -1.87],
            [1.53, -0.90, 1.55, -1.38, 3.15, 2.32, -1.33, -1.41, -0.82, 1.70, -1.84, -3.09],
        ],
        [
            [3.23, -4.85, 2.16, 1.67, -2.13, -0.18, -1.11, 3.48, 1.86, -5.16, -0.31, 2.59],
            [1.63, -2.21, -1.88, -1.13, -0.47, -2.30, -1.57, 2.59, 3.86, -0.86, 3.60, -0.20],
            [6.82, -1.66, -3.69, -2.50, 0.97, 2.43, -0.80, 0.89, -0.60, -1.73, -1.42, 1.80],
        ],
    ]
)
_MINOR = 1.26
# The same for all tonics: what sounds down, keys across.
_SPEAKS = _WEIGHTS[:, :, (np.arange(12)[:, None] - np.arange(12)) % 12].transpose(1, 2, 3, 0).reshape(36, 24)
_MODES = np.tile((0.0, _MINOR), 12)


@dataclass(frozen=True)
class Key:
    """An estimated key: `tonic` is 0 (C) to 11.

    `confidence` (0-1) is the chance that tonic and mode are right, scaled on pop songs and excerpts of 10 to 30 s; on
    such excerpts it is up to 0.12 too high. `runner_up` is the second best (tonic, mode), with its own chance.
    """

    tonic: int
    mode: Mode
    confidence: float
    runner_up: tuple[int, Mode]
    runner_up_confidence: float

    @property
    def short(self) -> str:
        """The tonic as usually written in this mode: "Eb", "F#"."""
        return _SHORT[self.mode][self.tonic]

    @property
    def name(self) -> str:
        """The key in words: "E flat major", "F sharp minor"."""
        return _name(self.tonic, self.mode)

    @property
    def runner_up_name(self) -> str:
        return _name(*self.runner_up)

    @property
    def flat(self) -> bool:
        """Whether notes outside the white keys are best written with flats."""
        return "b" in self.short or (self.tonic + 3 * (self.mode == "minor")) % 12 in _FLAT_MAJORS


def key(passage: Passage) -> Key | None:
    """The key that most of a passage is in, None where nothing pitched sounds for any time. Best from 10 s of music on.

    Multinomial logistic regression over the 24 keys, the same for every tonic, on the square roots of the shares of
    pitch classes (Krumhansl, Cognitive Foundations of Musical Pitch, 1990) and of triads beat by beat. It was fitted
    on 120 pop songs (POP909; Wang et al., ISMIR 2020). Raises `Unreadable` where `Passage.beats` does.
    """
    return keys(passage, np.array([passage.start, passage.end]))[0]


def keys(passage: Passage, edges: Ints) -> list[Key | None]:
    """As `key`, of each span between ascending ticks `edges`, which lie in the passage; a beat counts where it begins."""
    beats = passage.beats.edges[:-1].searchsorted(edges)
    count = int(beats[-1])
    chroma = passage.chroma[:count]
    loudness = np.sqrt(np.einsum("ij,ij->i", chroma, chroma))
    fits = np.exp(_SHARPNESS * (chroma / (loudness + (loudness == 0))[:, None]) @ _TRIADS)
    fits *= ((loudness > 0) / (fits @ np.ones(24)))[:, None]
    # A row of nothing behind, for spans behind all beats; one without a beat would be given that at its edge.
    sounds = np.zeros((count + 1, 36))
    sounds[:-1, :12], sounds[:-1, 12:] = chroma, fits
    sums = np.add.reduceat(sounds, beats[:-1])
    sums[beats[1:] == beats[:-1]] = 0
    totals = np.stack([sums[:, :12].sum(1), sums[:, 12:].sum(1)], axis=1)
    heard = totals[:, 0] > 0
    shares = sums / np.repeat(np.where(heard[:, None], totals, 1), (12, 24), axis=1)
    scores = np.sqrt(shares) @ _SPEAKS + _MODES
    chances = np.exp(scores - scores.max(1, keepdims=True))
    chances /= chances.sum(1, keepdims=True)
    rows = zip(heard.tolist(), chances.argsort(1).tolist(), chances.tolist(), strict=True)
    return [_key(order, those) if any_ else None for any_, order, those in rows]


def _key(order: list[int], chances: list[float]) -> Key:
    """The likeliest of the keys C major, C minor, C sharp major ... in ascending order of chance."""
    second, first = order[-2:]
    return Key(first // 2, _mode(first), chances[first], (second // 2, _mode(second)), chances[second])


def _name(tonic: int, mode: Mode) -> str:
    return f"{_SHORT[mode][tonic].replace('b', ' flat').replace('#', ' sharp')} {mode}"


def _mode(state: int) -> Mode:
    return "minor" if state % 2 else "major"
