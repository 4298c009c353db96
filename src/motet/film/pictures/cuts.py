"""Hard cuts: the picture is another from one moment to the next, was not so restless before or after, and does not come back.

What moved is laid over itself first (`blocks`), so that pans, shakes and fast movement count little; a peak must stand out from
the pictures around it, as the adaptive thresholds of Yeo and Liu ("Rapid scene analysis on compressed video", IEEE Trans.
Circuits and Systems for Video Technology 1995) want; and what returns within a quarter of a second is a flash.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from motet.film.pictures.blocks import framed, match, structure

__all__ = ["Cut", "Cuts", "Seen"]

AROUND = 8  # pictures to each side that a cut stands out from
AHEAD = 16  # pictures that must have come before one is judged: more than `AROUND` and than a flash at 60 a second
REPEATED = 0.15  # levels: under them a picture is shown again, and tells nothing of how restless the film is
LEAST = 1.5  # levels that a cut changes, in the mean of all blocks, and in addition
TIMES = 2.5  # so many times the upper quartile around it
SHARE = 0.5  # of the blocks at least that change
CHANGED = 0.35  # of the mean change, by which a block counts as one that does
RETURNED = 0.5  # of the change at the cut: pictures of both sides that differ by less show the same
FADING = 0.75  # the same, where nothing jumps between: a flash that fades
JUMP = 0.4  # of the change at the cut, by which a picture differs from the one before
SAME = 0.2  # of the texture that may be another in pictures of one place
TEXTURED = 3.0  # levels of texture from which on it can tell
FLASH = 0.25  # seconds
CLOSEST = 0.1  # seconds between two cuts


@dataclass(frozen=True, eq=False)
class Seen:
    """A picture as it is compared: halved planes, its change from the picture before in levels, and the share of its blocks that
    changed; `contrast` and `light` of its luma, in levels."""

    seconds: float
    planes: npt.NDArray[np.uint8]
    change: float
    share: float
    contrast: float
    light: float


@dataclass(frozen=True)
class Cut:
    seconds: float
    score: float


class Cuts:
    """Takes pictures one after another, and tells of each cut some pictures later."""

    def __init__(self) -> None:
        self._held: deque[Seen] = deque(maxlen=2 * AHEAD + 1)
        self._come = 0
        self._last: Cut | None = None

    def push(self, seen: Seen) -> Iterator[Cut]:
        self._held.append(seen)
        self._come += 1
        if self._come > AHEAD:
            yield from self._judge(len(self._held) - 1 - AHEAD)

    def finish(self) -> Iterator[Cut]:
        for place in range(max(0, len(self._held) - AHEAD), len(self._held)):
            yield from self._judge(place)
        if self._last:
            yield self._last
            self._last = None

    def _judge(self, place: int) -> Iterator[Cut]:
        """A cut is told when the next is found, for of two that are too close only the stronger counts."""
        score = self._score(place)
        if score < 1:
            return
        cut = Cut(self._held[place].seconds, score)
        if self._last and cut.seconds - self._last.seconds < CLOSEST:
            self._last = max(self._last, cut, key=lambda one: one.score)
            return
        if self._last:
            yield self._last
        self._last = cut

    def _score(self, place: int) -> float:
        """The change in thresholds, and 0 for what is no cut."""
        held = self._held
        now = held[place]
        if place == 0 or now.change < LEAST or now.share < SHARE:
            return 0.0
        around = [*range(max(1, place - AROUND), place), *range(place + 1, min(len(held), place + AROUND + 1))]
        changes = [held[other].change for other in around if held[other].change >= REPEATED]
        usual = float(np.quantile(changes, 0.75)) if changes else 0.0
        score = now.change / (LEAST + TIMES * usual)
        if score < 1 or self._returns(place) or self._same(held[place - 1], now):
            return 0.0
        return score

    def _returns(self, place: int) -> bool:
        """Is it the begin or the end of a flash?"""
        held = self._held
        now, before = held[place], held[place - 1]
        last = [
            other
            for number, other in enumerate(list(held)[place + 1 : place + AHEAD])
            if number < 1 or other.seconds - now.seconds <= FLASH
        ]
        gentle = True
        for number, other in enumerate(last):
            gentle = gentle and (other.change < JUMP * now.change)
            if self._alike(before, other, now.change, FADING if gentle and number else RETURNED):
                return True
        first = [
            other
            for number, other in enumerate(reversed(list(held)[max(0, place - AHEAD) : place - 1]))
            if number < 1 or before.seconds - other.seconds <= FLASH
        ]
        return any(self._alike(other, now, now.change, RETURNED) for other in first)

    def _alike(self, one: Seen, other: Seen, change: float, share: float) -> bool:
        return float(match(one.planes, other.planes)[:, 0].mean()) < share * change or self._same(one, other)

    def _same(self, one: Seen, other: Seen) -> bool:
        """Do both show one place, in another light?"""
        another, texture = structure(*framed(one.planes, other.planes))
        return texture >= TEXTURED and another < SAME
