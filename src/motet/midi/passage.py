"""A stretch of a song between two ticks, with what every measure of it starts from: notes, beats, pitches per beat."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from motet.midi.errors import Unreadable
from motet.midi.estimates import powers
from motet.midi.grid import Grid, accents, grid
from motet.midi.pulse import is_compound
from motet.midi.reading import Score
from motet.midi.runs import changes, holding
from motet.midi.tempo import TempoMap

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

CLASSES = np.arange(256) % 12  # of pitches; a table is several times as fast as division
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
        return cls(score, 0, score.end)

    @property
    def _is_whole(self) -> bool:
        return self.start == 0 and self.end >= self.score.end

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
        if self._is_whole:
            return notes
        return notes[(notes["start"] >= self.start) & (notes["start"] < self.end)]

    @cached_property
    def onsets(self) -> Ints:
        """The ticks at which notes of `struck` begin, ascending, each once."""
        starts = np.sort(self.struck["start"])
        return starts[changes(starts)]

    @cached_property
    def sounding(self) -> NDArray[np.void]:
        """The notes that sound in the passage, cut to it; those struck with no length are among them."""
        notes = self.score.notes
        if self._is_whole:
            return notes
        starts, ends = notes["start"], notes["start"] + notes["duration"]
        here = (starts < self.end) & ((ends > self.start) | (starts >= self.start))
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
            distinct = changes(ticks)
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
    def powers(self) -> Floats:
        """The power that each note of `struck` adds, times its seconds."""
        return powers(self)

    @cached_property
    def accents(self) -> Floats:
        """How strongly each note of `struck` is accented."""
        return accents(self)

    @cached_property
    def _spread(self) -> tuple[Ints, Ints, Floats, Floats]:
        """The beat in which each note of `pitched` begins and that in which it ends, and how far into them, as a share."""
        edges, starts = self.beats.edges, self.pitched["start"]
        ends = starts + self.pitched["duration"]
        first, last = holding(edges, starts), holding(edges, ends)
        length = (edges[1:] - edges[:-1]).astype(np.float64)
        return first, last, (starts - edges[first]) / length[first], (ends - edges[last]) / length[last]

    def chroma_of(self, chosen: NDArray[np.bool_] | slice) -> Floats:
        """How long some of the notes of `pitched` sound in each beat, by pitch class (C first): (beats, 12).

        In beats of that length, summed over notes: a note as long as its beat counts 1 there, two in unison count twice.
        """
        beats = len(self.beats)
        if not len(self.pitched):
            return np.zeros((beats, 12))
        first, last, into_first, into_last = (values[chosen] for values in self._spread)
        classes = CLASSES.take(self.pitched["pitch"][chosen])
        # What a note covers up to its end less what lies before its start; whole beats by a running sum.
        size, began, ended = beats * 12, first * 12 + classes, last * 12 + classes
        whole = np.bincount(began, minlength=size) - np.bincount(ended, minlength=size)
        part = np.bincount(ended, into_last, size) - np.bincount(began, into_first, size)
        sounded: Floats = np.cumsum(whole.reshape(beats, 12), axis=0) + part.reshape(beats, 12)
        return np.maximum(sounded, 0.0, out=sounded)

    @cached_property
    def chroma(self) -> Floats:
        """How long each pitch class (C first) sounds in each beat, drums left out, as `chroma_of` counts: (beats, 12)."""
        return self.chroma_of(slice(None))
