"""Fades and dissolves.

A fade is a slope of the contrast to a picture of one colour, or from it (Lienhart, "Reliable transition detection in videos",
International Journal of Image and Graphics 2001). A dissolve is known by how it is made (Hampapur, Jain and Weymouth, "Digital
video segmentation", ACM Multimedia 1994): every picture in it is a mixture of the first and the last, of which the share of the
last grows evenly; nothing that moves looks so.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from motet.film.pictures.blocks import framed, match, structure
from motet.film.pictures.cuts import CHANGED, Seen

__all__ = ["Dissolve", "Dissolves", "Fade", "Fades", "plain"]

PLAIN = 2.5  # levels of contrast under which a picture is of one colour
SLOPE = 1.0  # seconds before and after, in which a fade rises and falls
CONTENT = 6.0  # levels of contrast that there were, or will be
STEEP = 0.5  # of the contrast that goes or comes in one step: then it is a cut
RATE = 12.0  # pictures a second, in which dissolves are looked for
LENGTHS = (4, 6, 9, 12, 18, 24, 36)  # of such pictures: 1/3 s to 3 s
HELD = LENGTHS[-1] + 3
EVEN = 0.22  # by which a share may differ from an even growth
BACKWARD = 0.06  # by which it may fall
REST = 0.12  # of the squared change, that is no mixture
DIFFERENT = 5.0  # levels between the first and the last picture
UNLIKE = 0.3  # of the texture is another at least
STAYING = 0.6  # of the change in the middle at least remains when what moved is laid over itself: a movement leaves less
FAINT = 0.92  # of the edges at both ends remain in the middle at most: pictures laid over each other are faint
OUTSIDE = 0.12  # of the squared change, that goes on before and after


def plain(seen: Seen) -> bool:
    """Is it of one colour?"""
    return seen.contrast < PLAIN


@dataclass(frozen=True)
class Fade:
    """From `first` to `last` second the picture is of one colour; does it fade `out` to that, and `back` from it?"""

    first: float
    last: float
    out: bool
    back: bool


class Fades:
    def __init__(self) -> None:
        self._recent: deque[tuple[float, float]] = deque(maxlen=256)
        self._began: tuple[float, bool] | None = None  # the plain stretch, and whether it was faded out to
        self._ended: tuple[float, float, bool, float] | None = None  # first, last, out, the contrast of the picture after
        self._most = 0.0

    def push(self, seen: Seen) -> Iterator[Fade]:
        if self._ended:
            first, last, out, contrast = self._ended
            self._most = max(self._most, seen.contrast)
            if seen.seconds - last > SLOPE or plain(seen):
                self._ended = None
                if self._most >= CONTENT:
                    yield Fade(first, last, out, contrast < STEEP * self._most)
        if plain(seen):
            if self._began is None and self._recent:
                most = max((contrast for moment, contrast in self._recent if seen.seconds - moment <= 2 * SLOPE), default=0.0)
                self._began = seen.seconds, most >= CONTENT and self._recent[-1][1] < STEEP * most
        else:
            if self._began is not None:
                self._ended = self._began[0], seen.seconds, self._began[1], seen.contrast
                self._began, self._most = None, seen.contrast
            while self._recent and seen.seconds - self._recent[0][0] > SLOPE:
                self._recent.popleft()
            self._recent.append((seen.seconds, seen.contrast))

    def finish(self) -> Iterator[Fade]:
        if self._ended and self._most >= CONTENT:
            first, last, out, contrast = self._ended
            yield Fade(first, last, out, contrast < STEEP * self._most)


@dataclass(frozen=True)
class Dissolve:
    """From `first` to `last` second, half done at `seconds`; `score` is 1 for what is just one, and more for a clearer one."""

    first: float
    last: float
    seconds: float
    score: float


class Dissolves:
    def __init__(self) -> None:
        self._held: deque[tuple[Seen, npt.NDArray[np.float32]]] = deque(maxlen=HELD + 2)
        self._next = -np.inf
        self._come = 0
        self._best: Dissolve | None = None

    def push(self, seen: Seen) -> Iterator[Dissolve]:
        if seen.seconds < self._next - 1e-6:
            return
        self._next = max(self._next + 1 / RATE, seen.seconds + 0.5 / RATE)
        self._held.append((seen, _coarse(seen.planes)))
        self._come += 1
        for length in LENGTHS:
            if self._come % max(1, length // 6) == 0 and len(self._held) >= length + 4:
                found = self._look(length)
                if found is None:
                    continue
                if self._best and found.first < self._best.last:
                    self._best = max(self._best, found, key=lambda one: one.score)
                else:
                    if self._best:
                        yield self._best
                    self._best = found

    def finish(self) -> Iterator[Dissolve]:
        if self._best:
            yield self._best

    def _look(self, length: int) -> Dissolve | None:
        """Is there one that ended two pictures ago, and was so long?"""
        end = len(self._held) - 3
        start = end - length
        vectors = [vector for _, vector in list(self._held)[start - 1 :]]
        before, first, last, after = vectors[0], vectors[1], vectors[1 + length], vectors[-1]
        way = last - first
        power = float(way @ way)
        if power < DIFFERENT**2 * len(way):
            return None
        steps = np.stack(vectors[1 : 2 + length]) - first
        shares = steps @ way / power
        if np.abs(shares - np.linspace(0, 1, length + 1)).max() > EVEN or np.diff(shares).min() < -BACKWARD:
            return None
        rests = ((steps - shares[:, None] * way) ** 2).sum(axis=1) / power
        outside = max(float(((first - before) ** 2).sum()), float(((after - last) ** 2).sum())) / power
        rest = float(rests.max())
        if rest > REST or outside > OUTSIDE:
            return None
        held = list(self._held)[start : end + 1]
        if any(plain(seen) for seen, _ in held):
            return None
        one, other = held[0][0], held[-1][0]
        another, _ = structure(*framed(one.planes, other.planes))
        middle = match(held[length // 2 - 1][0].planes, held[length // 2 + 1][0].planes)
        stays = float(middle[:, 0].mean() / max(1e-9, middle[:, 1].mean()))
        if another < UNLIKE or stays < STAYING:
            return None
        found = match(one.planes, other.planes)[:, 0]
        if np.mean(found > CHANGED * found.mean()) < 0.5:
            return None
        if _edges(held[length // 2][0]) > FAINT * 0.5 * (_edges(one) + _edges(other)):
            return None
        at = int(np.argmax(shares >= 0.5))
        low, high = held[at - 1][0].seconds, held[at][0].seconds
        part = float((0.5 - shares[at - 1]) / max(1e-9, shares[at] - shares[at - 1]))
        score = 1 + (1 - rest / REST) + (1 - outside / OUTSIDE)
        return Dissolve(one.seconds, other.seconds, low + part * (high - low), score)


def _edges(seen: Seen) -> float:
    """The mean step of luma between neighbours."""
    luma = seen.planes[0].astype(np.int16)
    return float(np.abs(np.diff(luma, axis=0)).mean() + np.abs(np.diff(luma, axis=1)).mean())


def _coarse(planes: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Means over about 3 x 3 pixels."""
    _, height, width = planes.shape
    down, across = max(1, height // 3), max(1, width // 3)
    tall, wide = height // down, width // across
    cut = planes[:, : down * tall, : across * wide].reshape(3, down, tall, across, wide)
    means: npt.NDArray[np.float32] = cut.mean(axis=(2, 4), dtype=np.float32)
    return means.ravel()
