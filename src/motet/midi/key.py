"""The key of a passage, estimated from how long each pitch class sounds."""

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

# How much the share of each pitch class, by distance above the tonic, says for a major key and for a minor key.
_WEIGHTS = np.array(
    [
        [3.65, -0.82, 0.14, -1.29, 1.21, 1.52, -2.90, 2.97, -1.09, -0.97, -3.56, 1.24],
        [3.99, -3.20, 1.22, 0.88, -1.91, 0.14, -1.62, 2.37, 1.00, -3.24, -0.42, 0.70],
    ]
)
_MINOR = 0.13
_GROWTH = 0.40  # of what is said with the number of beats that sound: a little less than were each beat news of its own
# The same for all tonics: what sounds down, keys across.
_SPEAKS = _WEIGHTS[:, (np.arange(12)[:, None] - np.arange(12)) % 12].transpose(1, 2, 0).reshape(12, 24)
_MODES = np.tile((0.0, _MINOR), 12)


@dataclass(frozen=True)
class Key:
    """An estimated key: `tonic` is 0 (C) to 11.

    `confidence` (0-1) is the chance that tonic and mode are right, scaled on pop songs and excerpts of 8 s to 2 min. On
    average it is right to 0.04 there and on folk tunes, that it was not scaled on; files from the web state another key
    more often than it says, not always rightly. `runner_up` is the second best (tonic, mode), with its own chance.
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
    pitch classes (Krumhansl, Cognitive Foundations of Musical Pitch, 1990), surer the longer it is heard: 27 numbers,
    fitted on 120 pop songs (POP909; Wang et al., ISMIR 2020) so that keys stated wrongly there weigh little. Raises
    `Unreadable` where `Passage.beats` does.
    """
    return keys(passage, np.array([passage.start, passage.end]))[0]


def keys(passage: Passage, edges: Ints) -> list[Key | None]:
    """As `key`, of each span between ascending ticks `edges`, which lie in the passage; a beat counts where it begins."""
    beats = passage.beats.edges[:-1].searchsorted(edges)
    count = int(beats[-1])
    # A row of nothing behind, for spans behind all beats; one without a beat would be given that at its edge.
    sounds = np.zeros((count + 1, 13))
    sounds[:-1, :12] = passage.chroma[:count]
    sounds[:, 12] = sounds[:, :12] @ np.ones(12) > 0
    sums = np.add.reduceat(sounds, beats[:-1])
    sums[beats[1:] == beats[:-1]] = 0
    classes, lasting = sums[:, :12], sums[:, 12:]
    totals = classes.sum(1, keepdims=True)
    heard = totals[:, 0] > 0
    scores = (np.sqrt(classes / np.where(totals > 0, totals, 1)) @ _SPEAKS + _MODES) * lasting**_GROWTH
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
