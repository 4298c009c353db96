"""Windows of a song from bar line to bar line, what their rhythm is like, and which of them are worth a film."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from motet.errors import UserError
from motet.midi.passage import Passage
from motet.midi.reading import Score
from motet.video.drums import drum
from motet.video.errors import VideoError

__all__ = ["Chosen", "LeftOut", "Limits", "Rhythm", "Window", "choose", "rhythm", "windows"]

LONGEST = 600.0  # seconds of a window asked for
MOST_JUDGED = 512  # windows of a song that are looked at: more than two hours of the usual ones
_RINGS = 0.25  # seconds that a drum sounds whatever its note says
_INSTANT = 1e-9  # seconds: no bar is shorter, though it may seem to have no length at all late in a long song
_ON_GRID = 0.04  # quarter notes from the grid within which an onset lies on it


@dataclass(frozen=True)
class Window:
    """`bars` bars of a song, from tick `start_tick` to before `end_tick`; `start` and `end` in seconds of the song."""

    start_tick: int
    end_tick: int
    start: float
    end: float
    first_bar: int
    bars: int

    @property
    def seconds(self) -> float:
        return self.end - self.start


@dataclass(frozen=True)
class Rhythm:
    """What the onsets of a window are like.

    `notes` begin in it, `drum_notes` of them on drums, `mapped` of them move something (all, where nothing is known of a
    mapping); `per_second` counts moments at which notes begin. `on_grid` is the share of these moments within a 25th of a
    quarter note of the grid they keep to (3 or 4 to the quarter, as `motet.midi.grid` finds it). `drums` counts the different
    drums struck. `longest_gap` are the most seconds without an onset, `silence` is the share of time in which nothing sounds
    (a drum sounds for a quarter of a second).
    """

    notes: int
    drum_notes: int
    mapped: int
    per_second: float
    on_grid: float
    drums: int
    longest_gap: float
    silence: float


@dataclass(frozen=True)
class Limits:
    """What a window must have to be chosen, and how many of a song are at `most`.

    `shortest` is a share of the seconds asked for, so that what is left at a song's end makes no film of its own.
    """

    shortest: float = 0.75
    longest: float = 1.5
    fewest_notes: int = 8
    fewest_drum_notes: int = 0
    fewest_drums: int = 0
    fewest_mapped: int = 4
    sparsest: float = 0.5
    densest: float = 25.0
    on_grid: float = 0.0
    longest_gap: float = 4.0
    silence: float = 0.5
    most: int = 8


@dataclass(frozen=True)
class LeftOut:
    """A window that was not chosen: `reason` is a word to count by, `detail` a sentence; no `rhythm` if it was not looked at."""

    window: Window
    rhythm: Rhythm | None
    reason: str
    detail: str


@dataclass(frozen=True)
class Chosen:
    """The windows of a song worth a film, in order, and those left out."""

    kept: tuple[tuple[Window, Rhythm], ...]
    left_out: tuple[LeftOut, ...]


def windows(score: Score, seconds: float = 16.0) -> list[Window]:
    """The song cut at bar lines into windows of as many whole bars as fit into `seconds`; a longer bar is a window by itself.

    They follow one another from the bar of the first onset to the bar in which the last note ends; what is left at the end is
    the last and may be shorter. Raises UserError for `seconds` out of range and VideoError (no_notes) for a song without notes.
    """
    if not (isinstance(seconds, int | float) and 0.5 <= seconds <= LONGEST):
        raise UserError(f"A window has 0.5 to {LONGEST:g} seconds, not {seconds!r:.40}.")
    notes, clock = score.notes, score.tempo_map
    if not len(notes):
        raise VideoError("no_notes", "the song has no notes, so that nothing would move")
    first = int(notes["start"].min())
    last_bar = clock.to_bars(score.end - 1)[0]
    lines = np.unique(clock.from_bars(np.arange(clock.to_bars(first)[0], last_bar + 2)))
    elapsed = np.asarray(clock._elapsed(lines), np.int64)
    # Moments are whole numbers of tick-microseconds: a window may last no more than the floor of what is asked for.
    most = math.floor(Fraction(seconds) * clock.division * 1_000_000)
    found, at = [], 0
    while at < len(lines) - 1:
        until = max(int(elapsed.searchsorted(elapsed[at] + most, "right")) - 1, at + 1)
        begin, end = int(lines[at]), int(lines[until])
        found.append(Window(begin, end, clock.to_seconds(begin), clock.to_seconds(end), clock.to_bars(begin)[0], until - at))
        at = until
    return found


def rhythm(score: Score, window: Window, mapped: NDArray[np.bool_] | None = None) -> Rhythm:
    """What the onsets of a window are like; `mapped` tells of each of `score.notes` whether a mapping moves something by it."""
    notes = score.notes
    here = (notes["start"] >= window.start_tick) & (notes["start"] < window.end_tick)
    struck, clock = notes[here], score.tempo_map
    beaten = struck[struck["is_drum"]]
    hits = {(int(pitch), int(kit)) for pitch, kit in zip(beaten["pitch"], beaten["program"], strict=True)}
    passage = Passage(score, window.start_tick, window.end_tick)
    moments = passage.onsets
    at = clock.to_seconds(moments) - window.start
    gaps = np.diff(np.concatenate([[0.0], at, [window.seconds]]))
    on_grid = 0.0
    if len(moments):
        found = passage.grid
        steps = (moments / clock.division - found.shift) * found.per_quarter
        on_grid = float((np.abs(steps - np.rint(steps)) <= _ON_GRID * found.per_quarter).mean())
    return Rhythm(
        notes=len(struck),
        drum_notes=len(beaten),
        mapped=len(struck) if mapped is None else int(mapped[here].sum()),
        per_second=len(moments) / max(window.seconds, _INSTANT),
        on_grid=on_grid,
        drums=len({drum(pitch, kit) for pitch, kit in hits}),
        longest_gap=float(gaps.max()),
        silence=_silence(passage, window),
    )


def _silence(passage: Passage, window: Window) -> float:
    notes, clock = passage.sounding, passage.clock
    starts = clock.to_seconds(notes["start"])
    ends = clock.to_seconds(notes["start"] + notes["duration"])
    ends = np.minimum(np.where(notes["is_drum"], np.maximum(ends, starts + _RINGS), ends), window.end)
    order = np.argsort(starts, kind="stable")
    starts, ends = starts[order], ends[order]
    heard_until = np.maximum.accumulate(np.concatenate([[window.start], ends]))
    quiet = np.maximum(np.append(starts, window.end) - heard_until, 0.0).sum()
    return float(min(quiet / max(window.seconds, _INSTANT), 1.0))


def choose(
    score: Score,
    found: Sequence[Window],
    limits: Limits | None = None,
    *,
    seconds: float = 16.0,
    random: random.Random,
    mapped: NDArray[np.bool_] | None = None,
) -> Chosen:
    """The windows that keep within `limits`; of more than `limits.most` so many drawn, one from each equal part of the song.

    `seconds` are those the windows were asked for, `mapped` as `rhythm` takes it. Raises VideoError: no_mapped_notes for a song
    in which the mapping moves nothing at all, no_window where none of the windows will do.
    """
    limits = limits or Limits()
    if mapped is not None and not mapped.any():
        raise VideoError(
            "no_mapped_notes",
            "the mapping maps none of the song's notes, so that nothing would move: another one may, such as full-song",
        )
    if limits.most < 1:
        raise UserError(f"A song gives one window or more, not {limits.most}.")
    good: list[tuple[Window, Rhythm]] = []
    judged, unseen = _spread(found)
    left = [LeftOut(window, None, "not_judged", f"{MOST_JUDGED} windows of the song were looked at") for window in unseen]
    for window in judged:
        told = rhythm(score, window, mapped)
        fault = _fault(window, told, limits, seconds)
        if fault is None:
            good.append((window, told))
        else:
            left.append(LeftOut(window, told, *fault))
    if not good:
        raise VideoError("no_window", _none_of(left))
    if len(good) > limits.most:
        edges = [round(part * len(good) / limits.most) for part in range(limits.most + 1)]
        drawn = {random.randrange(low, high) for low, high in pairwise(edges)}
        left += [
            LeftOut(*one, "not_drawn", f"{limits.most} of the song's {len(good)} windows were drawn, and not this one")
            for index, one in enumerate(good)
            if index not in drawn
        ]
        good = [good[index] for index in sorted(drawn)]
    return Chosen(tuple(good), tuple(sorted(left, key=lambda one: one.window.start_tick)))


def _spread(found: Sequence[Window]) -> tuple[list[Window], list[Window]]:
    """The windows to be looked at, evenly spread where there are too many, and the others."""
    step = max(len(found) / MOST_JUDGED, 1.0)
    places = {int(number * step) for number in range(min(len(found), MOST_JUDGED))}
    chosen = [window for index, window in enumerate(found) if index in places]
    return chosen, [window for index, window in enumerate(found) if index not in places]


def _fault(window: Window, told: Rhythm, limits: Limits, seconds: float) -> tuple[str, str] | None:
    least, most = limits.shortest * seconds, limits.longest * seconds
    checks = (
        ("too_short", window.seconds < least, f"it lasts {window.seconds:.1f} s, less than {least:.1f}"),
        ("too_long", window.seconds > most, f"its one bar lasts {window.seconds:.1f} s, more than {most:.1f}"),
        ("too_few_notes", told.notes < limits.fewest_notes, f"{told.notes} notes begin of {limits.fewest_notes} wanted"),
        (
            "too_few_mapped",
            told.mapped < limits.fewest_mapped,
            f"{told.mapped} mapped notes of {limits.fewest_mapped} wanted",
        ),
        (
            "too_few_drum_notes",
            told.drum_notes < limits.fewest_drum_notes,
            f"{told.drum_notes} drum notes begin of {limits.fewest_drum_notes} wanted",
        ),
        ("too_few_drums", told.drums < limits.fewest_drums, f"{told.drums} drums are struck of {limits.fewest_drums} wanted"),
        (
            "too_sparse",
            told.per_second < limits.sparsest,
            f"{told.per_second:.2f} onsets a second of {limits.sparsest:g}",
        ),
        ("too_dense", told.per_second > limits.densest, f"{told.per_second:.1f} onsets a second, more than {limits.densest:g}"),
        ("off_grid", told.on_grid < limits.on_grid, f"{told.on_grid:.0%} of its onsets keep to a grid, not {limits.on_grid:.0%}"),
        ("long_gap", told.longest_gap > limits.longest_gap, f"{told.longest_gap:.1f} s pass without an onset"),
        ("too_silent", told.silence > limits.silence, f"{told.silence:.0%} of it is silent, more than {limits.silence:.0%}"),
    )
    return next(((reason, detail) for reason, fails, detail in checks if fails), None)


def _none_of(left: Sequence[LeftOut]) -> str:
    if len(left) == 1:
        return f"the song's only window will not do: {left[0].detail}"
    counts = Counter(one.reason for one in left).most_common(3)
    said = ", ".join(f"{count} {reason.replace('_', ' ')}" for reason, count in counts)
    first = next(one for one in left if one.reason == counts[0][0])
    return f"none of the song's {len(left)} windows will do: {said} (of the first of these, {first.detail})"
