"""The values between keyframes: steps, straight lines, a natural cubic spline, one polynomial through all."""

from bisect import bisect_right
from collections.abc import Sequence

import numpy as np

from motet.video.parseq.errors import ExpressionError

__all__ = ["Curve"]


class Curve:
    """The keyframes of one field: `frames` (ascending, not empty) and the `values` that stand there."""

    def __init__(self, frames: Sequence[int], values: Sequence[float]) -> None:
        self.frames = frames
        self.values = values
        self._bends: list[float] | None = None

    def active(self, frame: int) -> float:
        """The value of the last keyframe at or before `frame`; before the first, the first's."""
        self._need_values()
        return self.values[max(bisect_right(self.frames, frame) - 1, 0)]

    def next_frame(self, frame: int) -> int:
        """The first keyframe after `frame`; after the last, the last."""
        return self.frames[min(bisect_right(self.frames, frame), len(self.frames) - 1)]

    def next_value(self, frame: int) -> float:
        """The value of the first keyframe after `frame`; after the last, the last's."""
        self._need_values()
        return self.values[min(bisect_right(self.frames, frame), len(self.values) - 1)]

    def linear(self, frame: int) -> float:
        """On the straight line between the two keyframes around `frame`; rounded as Parseq rounds it, which prompts can show."""
        left, length = self._around(frame)
        slope = (self.values[left + 1] - self.values[left]) / length if length else 0.0
        return slope * frame + (-slope * self.frames[left] + self.values[left])

    def cubic(self, frame: int) -> float:
        """On the natural cubic spline through all keyframes: smooth twice over, straight at both ends."""
        left, length = self._around(frame)
        if length == 0:
            return self.values[left]
        if self._bends is None:
            self._bends = _bends(self.frames, self.values)
        right = left + 1
        b = (frame - self.frames[left]) / length
        a = 1 - b
        bent = (a**3 - a) * self._bends[left] + (b**3 - b) * self._bends[right]
        return a * self.values[left] + b * self.values[right] + bent * length * length / 6

    def polynomial(self, frame: int) -> float:
        """On the polynomial of least degree through all keyframes, by Neville's scheme."""
        self._need_values()
        column = np.array(self.values, np.float64)
        frames = np.array(self.frames, np.float64)
        with np.errstate(all="ignore"):
            for order in range(1, len(column)):
                low, high = frames[:-order], frames[order:]
                column = ((frame - high) * column[:-1] - (frame - low) * column[1:]) / (low - high)
        return float(column[0])

    def _around(self, frame: int) -> tuple[int, int]:
        self._need_values()
        left = min(max(bisect_right(self.frames, frame) - 1, 0), max(len(self.frames) - 2, 0))
        if left + 1 == len(self.frames):
            return left, 0
        return left, self.frames[left + 1] - self.frames[left]

    def _need_values(self) -> None:
        if not self.values:
            raise ExpressionError("a prompt has no keyframe values of its own: name the field you mean")


def _bends(frames: Sequence[int], values: Sequence[float]) -> list[float]:
    """The second derivative at each keyframe: a tridiagonal system, solved by elimination (the Thomas algorithm)."""
    count = len(frames)
    bends, shares, sums = [0.0] * count, [0.0] * count, [0.0] * count
    for i in range(1, count - 1):
        before, after = frames[i] - frames[i - 1], frames[i + 1] - frames[i]
        turn = 6 * ((values[i + 1] - values[i]) / after - (values[i] - values[i - 1]) / before)
        pivot = 2 * (before + after) - before * shares[i - 1]
        shares[i] = after / pivot
        sums[i] = (turn - before * sums[i - 1]) / pivot
    for i in range(count - 2, 0, -1):
        bends[i] = sums[i] - shares[i] * bends[i + 1]
    return bends
