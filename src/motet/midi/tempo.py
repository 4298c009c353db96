"""One exact clock for a song: ticks to seconds, quarter notes, bars and video frames, and back.

A time is kept as an integer count of tick-microseconds (the sum of ticks times microseconds per quarter note) and
divided once, at the end. So every part of a dataset that asks for the same tick gets the same instant.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from typing import Any, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

DEFAULT_TEMPO = 500_000  # microseconds per quarter note: 120 BPM
DEFAULT_METRE = (4, 4)
MOST_BARS = 1_000_000


@dataclass(frozen=True)
class TempoMap:
    """The clock of a song, from ticks per quarter note, tempo changes and metre changes.

    `tempi` holds (tick, microseconds per quarter note), `metres` holds (tick, numerator, denominator), in any order.
    Of changes at one tick the last wins, 120 BPM and 4/4 hold until the first change, the last change holds for ever.
    A metre change inside a bar starts a new bar; a repetition of the metre in force is no change.

    Ticks are whole numbers >= 0. All methods take a number or an array and answer in kind. The tuples kept are the
    normal form, starting at tick 0, so two maps are equal when they tell the same time.
    """

    division: int
    tempi: tuple[tuple[int, int], ...] = ()
    metres: tuple[tuple[int, int, int], ...] = ()

    _tempo_ticks: Ints = field(init=False, repr=False, compare=False)
    _tempo_us: Ints = field(init=False, repr=False, compare=False)
    _tempo_elapsed: Ints = field(init=False, repr=False, compare=False)
    _metre_ticks: Ints = field(init=False, repr=False, compare=False)
    _metre_bars: Ints = field(init=False, repr=False, compare=False)
    _metre_tops: Ints = field(init=False, repr=False, compare=False)
    _metre_bottoms: Ints = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not 0 < self.division < 1 << 15:
            msg = f"ticks per quarter note must be 1 to 32767, not {self.division}"
            raise ValueError(msg)
        tempi = _changes(((tick, (us,)) for tick, us in self.tempi), (DEFAULT_TEMPO,))
        metres = _changes(((tick, (top, bottom)) for tick, top, bottom in self.metres), DEFAULT_METRE)
        tempo_ticks = np.array([tick for tick, _ in tempi], np.int64)
        tempo_us = np.array([us for _, (us,) in tempi], np.int64)
        if tempo_ticks[0] < 0 or tempo_us.min() <= 0 or tempo_us.max() >= 1 << 24:
            tick, us = next((tick, us) for tick, (us,) in tempi if tick < 0 or not 0 < us < 1 << 24)
            msg = f"no tempo: {us} microseconds per quarter note at tick {tick}"
            raise ValueError(msg)
        elapsed = np.zeros(len(tempi), np.int64)
        np.cumsum((tempo_ticks[1:] - tempo_ticks[:-1]) * tempo_us[:-1], out=elapsed[1:])
        bars = [0]
        for tick, metre in metres:
            top, bottom = metre
            if tick < 0 or not usable_metre(top, bottom, self.division):
                msg = f"no metre: {top}/{bottom} at tick {tick}, {self.division} ticks per quarter note"
                raise ValueError(msg)
        for (tick, (top, bottom)), (following, _) in pairwise(metres):
            bars.append(bars[-1] - ((tick - following) * bottom // (4 * self.division * top)))
        settle = object.__setattr__
        settle(self, "tempi", tuple((tick, us) for tick, (us,) in tempi))
        settle(self, "metres", tuple((tick, top, bottom) for tick, (top, bottom) in metres))
        settle(self, "_tempo_ticks", tempo_ticks)
        settle(self, "_tempo_us", tempo_us)
        settle(self, "_tempo_elapsed", elapsed)
        settle(self, "_metre_ticks", np.array([tick for tick, _ in metres], np.int64))
        settle(self, "_metre_bars", np.array(bars, np.int64))
        # A bar lasts `top / bottom` ticks.
        settle(self, "_metre_tops", np.array([4 * self.division * top for _, (top, _) in metres], np.int64))
        settle(self, "_metre_bottoms", np.array([bottom for _, (_, bottom) in metres], np.int64))

    # Seconds

    @overload
    def to_seconds(self, ticks: int) -> float: ...
    @overload
    def to_seconds(self, ticks: ArrayLike) -> Floats: ...
    def to_seconds(self, ticks: ArrayLike) -> Any:
        """Seconds from the start of the song at `ticks`."""
        return _same_kind(self._elapsed(_ticks(ticks)) / (self.division * 1_000_000))

    @overload
    def from_seconds(self, seconds: float) -> int: ...
    @overload
    def from_seconds(self, seconds: ArrayLike) -> Ints: ...
    def from_seconds(self, seconds: ArrayLike) -> Any:
        """The tick nearest to `seconds` (>= 0)."""
        wanted = np.asarray(seconds, np.float64) * (self.division * 1_000_000)
        at = np.maximum(np.searchsorted(self._tempo_elapsed, wanted, "right") - 1, 0)
        beyond = (wanted - self._tempo_elapsed[at]) / self._tempo_us[at]
        return _same_kind(self._tempo_ticks[at] + np.rint(beyond).astype(np.int64))

    # Quarter notes

    @overload
    def to_quarters(self, ticks: int) -> float: ...
    @overload
    def to_quarters(self, ticks: ArrayLike) -> Floats: ...
    def to_quarters(self, ticks: ArrayLike) -> Any:
        """Quarter notes from the start of the song at `ticks`."""
        return _same_kind(_ticks(ticks) / self.division)

    @overload
    def from_quarters(self, quarters: float) -> int: ...
    @overload
    def from_quarters(self, quarters: ArrayLike) -> Ints: ...
    def from_quarters(self, quarters: ArrayLike) -> Any:
        """The tick nearest to `quarters` (>= 0)."""
        return _same_kind(np.rint(np.asarray(quarters, np.float64) * self.division).astype(np.int64))

    # Bars

    @overload
    def to_bars(self, ticks: int) -> tuple[int, float]: ...
    @overload
    def to_bars(self, ticks: ArrayLike) -> tuple[Ints, Floats]: ...
    def to_bars(self, ticks: ArrayLike) -> Any:
        """The bar that holds `ticks`, counted from 0, and how far into it: 0 <= fraction < 1 of a full bar."""
        exact = _ticks(ticks)
        at = self._metre_ticks.searchsorted(exact, "right") - 1
        tops = self._metre_tops[at]
        whole, rest = np.divmod((exact - self._metre_ticks[at]) * self._metre_bottoms[at], tops)
        return _same_kind(self._metre_bars[at] + whole), _same_kind(rest / tops)

    @overload
    def from_bars(self, bars: int, fraction: float = 0.0) -> int: ...
    @overload
    def from_bars(self, bars: ArrayLike, fraction: ArrayLike = 0.0) -> Ints: ...
    def from_bars(self, bars: ArrayLike, fraction: ArrayLike = 0.0) -> Any:
        """The tick nearest to `fraction` of the way into bar `bars`; for fraction 0 the first tick in that bar.

        A bar that a metre change cuts short ends there: no tick beyond it is given.
        """
        number, part = np.asarray(bars, np.int64), np.asarray(fraction, np.float64)
        at = self._metre_bars.searchsorted(number, "right") - 1
        tops, bottoms = self._metre_tops[at], self._metre_bottoms[at]
        # Up to the first tick in the bar when fraction is 0: bar lines may fall between ticks.
        whole = (number - self._metre_bars[at]) * tops
        first = -(-whole // bottoms)
        if part.ndim or part:
            first = np.maximum(first, np.rint((whole + part * tops) / bottoms).astype(np.int64))
        ticks = self._metre_ticks[at] + first
        ends = np.append(self._metre_ticks[1:], np.iinfo(np.int64).max)[at]
        result = np.minimum(ticks, ends)
        return int(result) if result.ndim == 0 else result

    def bar_lines(self, until_tick: int) -> Ints:
        """The first tick of every bar that begins at or before `until_tick`.

        Raises ValueError for more than a million bars.
        """
        last = self.to_bars(until_tick)[0]
        if last > MOST_BARS:
            msg = f"{last} bars up to tick {until_tick}"
            raise ValueError(msg)
        lines = np.unique(self.from_bars(np.arange(last + 1)))
        return lines[lines <= until_tick]

    def metre_at(self, tick: int) -> tuple[int, int]:
        """Numerator and denominator in force at `tick`."""
        _, top, bottom = self.metres[int(self._metre_ticks.searchsorted(tick, "right")) - 1]
        return top, bottom

    # Video frames

    @overload
    def to_frames(self, ticks: int, fps: float | Fraction) -> float: ...
    @overload
    def to_frames(self, ticks: ArrayLike, fps: float | Fraction) -> Floats: ...
    def to_frames(self, ticks: ArrayLike, fps: float | Fraction) -> Any:
        """Video frames from the start at `ticks`, for `fps` such as 30 or Fraction(30000, 1001).

        The whole part is exact: a tick on the edge of a frame is never given to the frame before it.
        """
        rate = _rate(fps)
        second = self.division * 1_000_000
        seconds, rest = np.divmod(self._elapsed(_ticks(ticks)), second)
        more, rest = np.divmod(rest * rate.numerator, second)
        frames, over = np.divmod(seconds * rate.numerator + more, rate.denominator)
        part = (over + rest / second) / rate.denominator
        # The largest double below 1 keeps a rounded-up part inside its frame.
        return _same_kind(np.minimum(frames + part, np.nextafter(np.add(frames, 1, dtype=np.float64), 0)))

    @overload
    def from_frames(self, frames: float, fps: float | Fraction) -> int: ...
    @overload
    def from_frames(self, frames: ArrayLike, fps: float | Fraction) -> Ints: ...
    def from_frames(self, frames: ArrayLike, fps: float | Fraction) -> Any:
        """The tick nearest to the start of frame `frames` (>= 0)."""
        rate = _rate(fps)
        seconds = np.asarray(frames, np.float64) * rate.denominator / rate.numerator
        return self.from_seconds(seconds)

    # Tempo

    def bpm_at(self, tick: int) -> float:
        """Quarter notes per minute at `tick`."""
        return 60e6 / self.tempi[int(self._tempo_ticks.searchsorted(tick, "right")) - 1][1]

    # A plain form for tables

    def to_rows(self) -> dict[str, Any]:
        """Plain lists and numbers, for a table or JSON: division, tempi, metres."""
        return {"division": self.division, "tempi": [[*t] for t in self.tempi], "metres": [[*m] for m in self.metres]}

    @classmethod
    def from_rows(cls, rows: Mapping[str, Any]) -> TempoMap:
        """The map that `to_rows` wrote."""
        tempi = tuple((int(tick), int(us)) for tick, us in rows["tempi"])
        metres = tuple((int(tick), int(top), int(bottom)) for tick, top, bottom in rows["metres"])
        return cls(int(rows["division"]), tempi, metres)

    def _elapsed(self, ticks: Any) -> Any:
        """Exact time in tick-microseconds: seconds times division times a million."""
        if len(self.tempi) == 1:
            return ticks * self.tempi[0][1]
        at = self._tempo_ticks.searchsorted(ticks, "right") - 1
        return self._tempo_elapsed[at] + (ticks - self._tempo_ticks[at]) * self._tempo_us[at]


def usable_metre(top: int, bottom: int, division: int) -> bool:
    """Whether a metre has beats, a power of two below, and bars of at least one tick."""
    return 0 < top < 256 and 0 < bottom <= 128 and bottom & (bottom - 1) == 0 and 4 * division * top >= bottom


def _changes(events: Iterable[tuple[int, tuple[int, ...]]], default: tuple[int, ...]) -> list[tuple[int, tuple[int, ...]]]:
    """Changes in order of tick, one per tick (the last given), none that changes nothing, the default in front."""
    latest = {0: default} | dict(sorted(events, key=lambda event: event[0]))
    kept: list[tuple[int, tuple[int, ...]]] = []
    for tick, value in sorted(latest.items()):
        if not kept or kept[-1][1] != value:
            kept.append((tick, value))
    return kept


def _ticks(ticks: ArrayLike) -> Any:
    """Ticks as asked for, found sound: a plain number (numpy would take several times as long for one) or an array."""
    if type(ticks) is int and ticks >= 0:
        return ticks
    exact = np.asarray(ticks)
    if exact.dtype.kind not in "iu" and exact.size:
        msg = f"ticks are whole numbers, not {exact.dtype}"
        raise TypeError(msg)
    if exact.size and exact.min() < 0:
        msg = f"ticks start at 0, not {exact.min()}"
        raise ValueError(msg)
    return exact.astype(np.int64, copy=False)


def _rate(fps: float | Fraction) -> Fraction:
    rate = Fraction(fps).limit_denominator(1001)
    if not 0 < rate <= 1000:
        msg = f"frames per second must be above 0 and at most 1000, not {fps}"
        raise ValueError(msg)
    return rate


def _same_kind(values: Any) -> Any:
    """A plain number for a number, an array for anything else."""
    return values if type(values) in (int, float) or values.ndim else values.item()
