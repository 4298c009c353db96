"""A part as it sounds: its voices, rendered when they begin, added up tile by tile."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from heapq import heappop, heappush

import numpy as np
import numpy.typing as npt

from motet.render.soundfont import kernel
from motet.render.soundfont.controls import Live
from motet.render.soundfont.memory import Kept, Memory
from motet.render.soundfont.rendering import Long, Rendering, is_long
from motet.render.soundfont.sends import Chorus, Room
from motet.render.soundfont.voicing import Voice
from motet.render.voices import FADE

__all__ = ["TILE", "Part"]

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Singles = npt.NDArray[np.float32]

TILE = 1 << 15  # frames: two sides of them stay near the processor while voices are added
MOST_SOUNDING = 1024  # voices at once: more than any instrument, and few enough to be played in the end
WAY = 4 * kernel.BLOCK  # frames
NOWHERE = -1


class Part:
    """`fill` gives the part's frames from `here` on, up to `limit` at most; `last` is where its last note is let go."""

    def __init__(
        self, voices: Sequence[Voice], last: int, limit: int, sample_rate: int, memory: Memory, *, wet: bool = False
    ) -> None:
        self.here = 0
        self.last = last
        self.limit = limit
        self._memory = memory
        self._voices = _fewer(sorted(voices, key=lambda voice: voice.start))
        self._rendering = Rendering(self._voices, memory)
        self._fade = round(FADE * sample_rate)
        count = len(voices)
        self._onset = np.array([voice.start for voice in self._voices], np.int64)
        self._end = self._onset + np.array([voice.frames for voice in self._voices], np.int64)
        self._envelopes = np.array([voice.envelope for voice in self._voices]).reshape(count, kernel.ENVELOPE)
        self._levels = np.array([voice.tone.level for voice in self._voices]).reshape(count, 3)
        self._spans = np.zeros((count, 2, 3), np.int64)
        self._age = np.full(count, NOWHERE)
        self._frames, self._offsets, self._curves = _curves(voice.live for voice in self._voices)
        self._wet = _Wet(self._voices, self._levels, self._offsets, sample_rate) if wet else None
        self._rings_until = 0
        self._begun = 0
        self._sounding = np.zeros(0, np.int64)
        self._long: dict[int, Long] = {}
        self._sides = np.zeros((2, TILE), np.float32)

    @property
    def over(self) -> bool:
        """Whether nothing is left to fill: no voice sounds, and the last note was let go."""
        silent = self._begun == len(self._voices) and not len(self._sounding)
        return self.here >= self.limit or (silent and self.here >= max(self.last, self._rings_until))

    def fill(self, out: Singles) -> bool:
        """Writes the next TILE frames or less into `out` (frames, 2), zeros on entry; whether anything sounds in them."""
        here, end = self.here, min(self.here + len(out), self.limit)
        begun = int(np.searchsorted(self._onset, end))
        sounding = np.concatenate([self._sounding, np.arange(self._begun, begun)])
        self._begun = begun
        self.here = end
        if not len(sounding) and here >= self._rings_until:
            if self._wet:
                self._wet.skip(end - here)
            return False
        left, right = self._sides[:, : end - here]
        self._sides[:] = 0
        rest = sounding
        while len(rest):
            ready = self._render(rest, here, end)
            self._add(rest[:ready], self._levels, self._offsets, here, left, right)
            if self._wet:
                for levels, sent in zip(self._wet.levels, self._wet.sent, strict=True):
                    heard = rest[:ready][levels[rest[:ready], 0] < kernel.SILENT]
                    self._add(heard, levels, self._wet.offsets, here, *sent[:, : end - here])
            rest = rest[ready:]
            if len(rest):
                self._memory.forget()
        if self._wet:
            self._wet.answer(left, right)
            if len(sounding):
                self._rings_until = end + self._wet.tail
        self._sounding = sounding[self._end[sounding] > end]
        out = out[: end - here]
        kernel.interleave(left, right, out)
        if end > self.limit - self._fade:  # what would ring on is faded out
            out *= np.minimum(1, (self.limit - np.arange(here, end)) / self._fade).astype(np.float32)[:, None]
        return True

    def _render(self, sounding: Integers, here: int, end: int) -> int:
        """Sees to it that the voices are in memory; the number of those that have room there."""
        for i in np.flatnonzero(self._age[sounding] != self._memory.age).tolist():
            number = int(sounding[i])
            voice = self._voices[number]
            if is_long(voice):
                if not self._play_on(number, voice, here, end):
                    return int(i)
                continue
            spans = self._rendering.spans(voice)
            if spans is None:
                return int(i)
            self._spans[number] = spans
            self._age[number] = self._memory.age
        return len(sounding)

    def _play_on(self, number: int, voice: Voice, here: int, end: int) -> bool:
        """The frames of a long voice that fall into this tile."""
        place = self._memory.room(end - here + kernel.BLOCK)
        if place is None:
            return False
        first = max(here, voice.start)
        long = self._long.setdefault(number, Long(voice))
        length = long.play(end - first, self._memory.samples[place:])
        self._memory.keep(None, Kept(place, length, whole=False))
        self._spans[number, 0] = first - voice.start, min(length, voice.start + voice.frames - first), place
        return True

    def _add(self, sounding: Integers, levels: Floats, offsets: Floats, here: int, left: Singles, right: Singles) -> None:
        kernel.add_voices(
            self._memory.samples,
            self._spans[sounding],
            self._onset[sounding],
            self._envelopes[sounding],
            levels[sounding],
            self._curves[sounding],
            self._frames,
            offsets,
            here,
            left,
            right,
        )


class _Wet:
    """What a part sends to a room and a chorus of its own, and what these answer. A note's sends are those of its onset."""

    def __init__(self, voices: Sequence[Voice], levels: Floats, offsets: Floats, sample_rate: int) -> None:
        self.rooms: tuple[Room | Chorus, ...] = (Room(sample_rate), Chorus(sample_rate))
        self.tail = max(room.tail for room in self.rooms)
        self.levels = []
        for room in range(len(self.rooms)):
            share = np.array([voice.sends[room] for voice in voices]) / 1000
            sent = levels.copy()
            sent[:, 0] += np.where(share > 0, -200 * np.log10(np.maximum(share, 1e-9)), 2 * kernel.SILENT)
            sent[:, 1] = -500  # before the pan, and all of it in one of two sides
            self.levels.append(sent)
        self.offsets = offsets * [1, 0, 1]
        self.sent = np.zeros((len(self.rooms), 2, TILE), np.float32)

    def skip(self, frames: int) -> None:
        for room in self.rooms:
            room.skip(frames)

    def answer(self, left: Singles, right: Singles) -> None:
        for room, (sent, _) in zip(self.rooms, self.sent, strict=True):
            room.add(sent[: len(left)], left, right)
        self.sent[:] = 0


def _fewer(voices: list[Voice]) -> list[Voice]:
    """Voices in order of their onsets, of which never more than MOST_SOUNDING sound: the one that began first makes way."""
    fewer = list(voices)
    sounding: dict[int, None] = {}  # in order of their onsets
    ends: list[tuple[int, int]] = []
    for number, voice in enumerate(voices):
        while ends and ends[0][0] <= voice.start:
            sounding.pop(heappop(ends)[1], None)
        if len(sounding) >= MOST_SOUNDING:
            oldest = next(iter(sounding))
            del sounding[oldest]
            fewer[oldest] = _making_way(fewer[oldest], voice.start)
        sounding[number] = None
        heappush(ends, (voice.start + voice.frames, number))
    return fewer


def _making_way(voice: Voice, frame: int) -> Voice:
    """The same, faded out from `frame` on within WAY."""
    envelope = list(voice.envelope)
    envelope[kernel.HURRIED], envelope[kernel.HURRY] = frame - voice.start, WAY
    return replace(
        voice, envelope=envelope, frames=min(voice.frames, -(-(frame - voice.start + WAY) // kernel.BLOCK) * kernel.BLOCK)
    )


def _curves(lives: Iterable[Live]) -> tuple[Integers, Floats, Integers]:
    """The steps of all that acts on rendered voices, one set behind the other, and which of them are each voice's."""
    rows: dict[int, tuple[int, int]] = {}
    frames: list[int] = []
    offsets: list[Floats] = [np.zeros((0, 3))]
    spans = []
    for live in lives:
        if id(live) not in rows:
            rows[id(live)] = len(frames), len(frames) + len(live.outer_frames)
            frames += live.outer_frames
            offsets.append(live.outer)
        spans.append(rows[id(live)])
    return np.array(frames, np.int64), np.concatenate(offsets), np.array(spans, np.int64).reshape(-1, 2)
