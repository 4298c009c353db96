"""A camera that leaps at events and glides between them, whatever it is told."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

__all__ = ["Camera"]

GLIDE = np.array([0.003, 0.12, 0.0015, 0.0015, 0.10, 0.10])
"""The most in one frame at 24 a second where nothing happens, in the units of `script.MOVES`."""
LEAP = np.array([0.09, 7.0, 0.05, 0.05, 5.0, 5.0])
"""The most at an event."""
FORGOTTEN = 0.93  # of what is still to be made good, kept to the next frame


class Camera:
    """Follows the sum of the movements it is given. What a document takes back after an impulse, it makes good slowly."""

    def __init__(self, fps: float) -> None:
        self._owed = np.zeros(len(GLIDE))
        self._glide = GLIDE * (24.0 / fps)
        self._kept = FORGOTTEN ** (24.0 / fps)

    def follow(self, move: npt.NDArray[np.float64], *, event: bool) -> npt.NDArray[np.float64]:
        """What the picture does in this frame: zoom, roll in radians, two shifts in half heights, two rotations in radians."""
        self._owed = np.clip(self._owed + move, -2.0 * LEAP, 2.0 * LEAP)
        limit = LEAP if event else self._glide
        moved = np.clip(self._owed, -limit, limit)
        self._owed = (self._owed - moved) * self._kept
        turn = math.pi / 180.0
        scaled: npt.NDArray[np.float64] = moved * np.array([1.0, turn, 2.0, 2.0, turn, turn])
        return scaled
