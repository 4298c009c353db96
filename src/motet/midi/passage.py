"""A stretch of a song between two ticks, with what every measure of it starts from: notes, beats, pitches per beat."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from motet.midi.errors import Unreadable
from motet.midi.grid import Grid, accents, grid
from motet.midi.pulse import is_compound
from motet.midi.reading import Score
from motet.midi.tempo import TempoMap

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

MOST_BEATS = 200_000  # 24 hours at 138 beats per minute


@dataclass(frozen=True, eq=False)
class Beats:
    """The beats of a passage as its metres count them. There are n; the last may be cut short by the passage's end.

    `edges` (n + 1 ticks, ascending) bound them, `bars` holds the bar of each, counted from 0 at the start of the song,
    `places` its place in the bar: 0 is the downbeat.
    """

    edges: Ints
    bars: Ints
    places: Ints

    def __len__(self) -> int:
        return len(self.bars)


@dataclass(frozen=True, eq=False)
class Passage:
    """The notes of a score from tick `start` to before tick `end` (0 <= start < end, or both 0: nothing at all).

    Raises `Unreadable` (absurd_length) where beats are asked for and there are more than 200,000 of them.
    """

    score: Score
    start: int
    end: int

    @classmethod
    def whole(cls, score: Score) -> Passage:
        """The song from tick 0 to the end of its last note, or one tick beyond its last onset if that is later."""
        notes = score.notes
        struck = int(notes["start"].max()) + 1 if len(notes) else 0
        return cls(score, 0, max(score.last_off, struck))

    @property
    def clock(self) -> TempoMap:
        return self.score.tempo_map

    @cached_property
    def seconds(self) -> float:
        return self.clock.to_seconds(self.end) - self.clock.to_seconds(self.start)

    @cached_property
    def struck(self) -> NDArray[np.void]:
        """The notes that begin in the passage, as `Score.notes` has them."""
        notes = self.score.notes
        inside = (notes["start"] >= self.start) & (notes["start"] < self.end)
        return notes if inside.all() else notes[inside]

    @cached_property
    def sounding(self) -> NDArray[np.void]:
        """The notes that sound in the passage, cut to it; those struck with no length are among them."""
        notes = self.score.notes
        starts, ends = notes["start"], notes["start"] + notes["duration"]
        here = (starts < self.end) & ((ends > self.start) | (starts >= self.start))
        cut = here & ((starts < self.start) | (ends > self.end))
        if here.all() and not cut.any():
            return notes
        kept: NDArray[np.void] = notes[here]
        first = np.maximum(kept["start"], self.start)
        kept["duration"] = np.minimum(kept["start"] + kept["duration"], self.end) - first
        kept["start"] = first
        return kept

    @cached_property
    def pitched(self) -> NDArray[np.void]:
        """Of the notes that sound, those that are no drums."""
        notes = self.sounding
        return notes[~notes["is_drum"]] if notes["is_drum"].any() else notes

    @cached_property
    def beats(self) -> Beats:
        clock = self.clock
        metres = [*clock.metres, (self.end, 0, 0)]
        edges: list[Ints] = []
        places: list[Ints] = []
        total = 0
        for (tick, top, bottom), (until, _, _) in pairwise(metres):
            first, last = max(tick, self.start), min(until, self.end)
            if first >= last:
                continue
            group = 3 if is_compound(top, bottom) else 1
            long = 4 * clock.division * group  # a beat lasts long / bottom ticks
            low, high = (first - tick) * bottom // long, -((tick - last) * bottom // long)
            total += high - low
            if total > MOST_BEATS:
                raise Unreadable("absurd_length", f"more than {MOST_BEATS:,} beats")
            numbers = np.arange(low, high)
            # Up to the first tick in the beat: beats may fall between ticks.
            ticks = tick - (-numbers * long // bottom)
            distinct = np.flatnonzero(np.diff(ticks, prepend=-1))
            edges.append(np.maximum(ticks[distinct], first))
            places.append(numbers[distinct] % (top // group))
        starts = np.concatenate(edges) if edges else np.zeros(0, np.int64)
        bars = clock.to_bars(starts)[0]
        return Beats(np.append(starts, self.end), bars, np.concatenate(places) if places else starts)

    @cached_property
    def grid(self) -> Grid:
        """How the notes that begin in the passage lie on the grid of its beats."""
        return grid(self)

    @cached_property
    def accents(self) -> Floats:
        """How strongly each note of `struck` is accented."""
        return accents(self)

    def per_beat(self, notes: NDArray[np.void], kinds: Ints, count: int) -> Floats:
        """How long notes of each kind sound in each beat, summed over notes, in beats of that length: (beats, count).

        `kinds` sorts the notes, which lie within the passage, into 0 to `count` - 1. A note as long as its beat counts 1
        there; two in unison count twice.
        """
        edges, beats = self.beats.edges, len(self.beats)
        if not len(notes):
            return np.zeros((beats, count))
        starts = notes["start"]
        ends = starts + notes["duration"]
        first = np.searchsorted(edges, starts, "right") - 1
        last = np.minimum(np.searchsorted(edges, ends, "right") - 1, beats - 1)
        length = np.diff(edges).astype(np.float64)
        into_first, into_last = (starts - edges[first]) / length[first], (ends - edges[last]) / length[last]
        # What a note covers up to its end less what lies before its start; whole beats by a running sum.
        size, began, ended = beats * count, first * count + kinds, last * count + kinds
        whole = np.bincount(began, minlength=size) - np.bincount(ended, minlength=size)
        part = np.bincount(ended, into_last, size) - np.bincount(began, into_first, size)
        sounded: Floats = np.cumsum(whole.reshape(beats, count), axis=0) + part.reshape(beats, count)
        return np.maximum(sounded, 0.0)

    @cached_property
    def chroma(self) -> Floats:
        """How long each pitch class (C first) sounds in each beat, drums left out, as `per_beat` counts: (beats, 12)."""
        return self.per_beat(self.pitched, self.pitched["pitch"].astype(np.int64) % 12, 12)
