"""Everything an expression may ask about the frame it is worked out for."""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from dataclasses import field as with_default
from itertools import accumulate
from typing import Any

from motet.video.errors import VideoError
from motet.video.parseq.errors import ExpressionError
from motet.video.parseq.interpolation import Curve
from motet.video.parseq.patterns import pattern
from motet.video.parseq.values import Value

__all__ = ["Effort", "Labels", "Moment", "TimeSeries"]

EFFORT = 30_000_000


class Effort:
    """How much work a document may still cause: about one unit for each number an expression touches."""

    def __init__(self, left: int = EFFORT) -> None:
        self.left = left

    def spend(self, units: int) -> None:
        self.left -= units
        if self.left < 0:
            raise VideoError("too_much_work", "The document is too costly to render: it has too many frames for its expressions.")


class TimeSeries:
    """Points (x, y) of a measured curve, x in frames or in milliseconds."""

    def __init__(self, points: Sequence[tuple[float, float]], *, milliseconds: bool) -> None:
        self._x = [x for x, _ in points]
        self._y = [y for _, y in points]
        self._highest = list(accumulate(self._x, max))  # the first x at or after a place, whatever their order
        self._milliseconds = milliseconds

    def at(self, frame: float, fps: float, *, linear: bool) -> float:
        """The value at a frame: of the last point before it, or on the line to the next; beyond the ends, the end's."""
        if not self._x:
            return 0.0
        place = frame / fps * 1000 if self._milliseconds else frame
        after = bisect_left(self._highest, place)
        if after == len(self._x):
            return self._y[-1]
        if after == 0 or not linear:
            return self._y[max(after - 1, 0)]
        low, high = self._x[after - 1], self._x[after]
        return self._y[after - 1] + (place - low) / (high - low) * (self._y[after] - self._y[after - 1])


class Labels:
    """The info labels of the keyframes, in order of frame."""

    def __init__(self, labels: Sequence[tuple[int, str | None]], effort: Effort) -> None:
        self.frames = [frame for frame, _ in labels]
        self._labels = labels
        self._effort = effort
        self._matched: dict[str, list[int]] = {}

    def matching(self, source: str) -> list[int]:
        """The frames whose label matches a regular expression."""
        if source not in self._matched:
            machine = pattern(source)
            self._effort.spend(sum(len(label) + 1 for _, label in self._labels if label is not None) * machine.size * 3)
            self._matched[source] = [frame for frame, label in self._labels if label is not None and machine.found(label)]
        return self._matched[source]

    def previous(self, source: str, frame: int) -> int | None:
        """The last matching keyframe at or before `frame`."""
        frames = self.matching(source)
        at = bisect_right(frames, frame)
        return frames[at - 1] if at else None

    def following(self, source: str, frame: int) -> int | None:
        """The first matching keyframe after `frame`."""
        frames = self.matching(source)
        at = bisect_right(frames, frame)
        return frames[at] if at < len(frames) else None


@dataclass(slots=True)
class Moment:
    """One frame of one field, or (`positive` is not None) of a prompt's positive or negative text."""

    field: str
    curve: Curve
    labels: Labels
    series: Mapping[str, TimeSeries]
    effort: Effort
    fps: float
    bpm: float
    cadence: float
    last_frame: int
    rest: float = 0.0
    frame: int = 0
    active: int = 0
    variables: Mapping[str, Value] = with_default(default_factory=dict)
    computed: Sequence[Value] = ()
    rendered: Sequence[Mapping[str, Any]] = ()
    positive: bool | None = None
    memory: MutableMapping[Any, Any] = with_default(default_factory=dict)

    @property
    def beat(self) -> float:
        """Beats since frame 0."""
        return self.frame / (self.fps * 60 / self.bpm)

    def variable(self, name: str) -> Value:
        """A variable that the language itself does not know: a field, or the value of a time series now."""
        if name in self.variables:
            return self.variables[name]
        if name in self.series:
            return self.series[name].at(self.frame, self.fps, linear=False)
        raise ExpressionError(f"there is no variable {name[:60]!r}")
