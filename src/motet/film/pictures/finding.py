"""The search for bounds between shots, picture by picture."""

from __future__ import annotations

from bisect import bisect_left

import numpy as np
import numpy.typing as npt

from motet.film.pictures.blocks import halved, match
from motet.film.pictures.cuts import CHANGED, Cut, Cuts, Seen
from motet.film.pictures.gradual import Dissolve, Dissolves, Fade, Fades
from motet.film.pictures.shots import Bound

__all__ = ["Finder"]

TOUCHING = 0.25  # seconds by which a gradual change may reach into a cut


class Finder:
    """Finds the bounds between shots; `push` every picture, then ask `bounds`."""

    def __init__(self) -> None:
        self._cuts, self._fades, self._dissolves = Cuts(), Fades(), Dissolves()
        self._found: list[Cut] = []
        self._faded: list[Fade] = []
        self._mixed: list[Dissolve] = []
        self._before: npt.NDArray[np.uint8] | None = None
        self.last = 0.0

    def push(self, seconds: float, planes: npt.NDArray[np.uint8]) -> None:
        small = halved(planes)
        if self._before is None or self._before.shape != small.shape:
            change, share = 0.0, 0.0
        else:
            found = match(self._before, small)[:, 0]
            change = float(found.mean())
            share = float(np.mean(found > CHANGED * change)) if change > 0 else 0.0
        luma = small[0]
        seen = Seen(seconds, small, change, share, float(luma.std()), float(luma.mean()))
        self._before, self.last = small, seconds
        self._found += self._cuts.push(seen)
        self._faded += self._fades.push(seen)
        self._mixed += self._dissolves.push(seen)

    def bounds(self) -> list[Bound]:
        """All bounds, in order; ends the search."""
        cuts = [*self._found, *self._cuts.finish()]
        fades = [*self._faded, *self._fades.finish()]
        mixed = [*self._mixed, *self._dissolves.finish()]
        kept = [Bound(cut.seconds, "cut", cut.score) for cut in cuts if not any(_belongs(cut, fade) for fade in fades)]
        kept += [Bound((fade.first + fade.last) / 2, "fade", 1.0) for fade in fades if fade.out and fade.back]
        hard = sorted(bound.seconds for bound in kept)
        for one in mixed:
            place = bisect_left(hard, one.first - TOUCHING)
            if place == len(hard) or hard[place] > one.last + TOUCHING:
                kept.append(Bound(one.seconds, "dissolve", one.score))
        return sorted(kept, key=lambda bound: bound.seconds)


def _belongs(cut: Cut, fade: Fade) -> bool:
    """Is it but a step of a fade?"""
    return (fade.out and fade.first - 1 < cut.seconds <= fade.first) or (fade.back and fade.last <= cut.seconds < fade.last + 1)
