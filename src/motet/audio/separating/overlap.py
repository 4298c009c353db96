"""Overlapping segments cut from a stream, heard by a model, and cross-faded.

They are those that `demucs.apply.apply_model` would cut from the whole recording, and so are the triangles that weigh them: what
comes differs from the recording heard as a whole in rounding only. (A short last segment is filled up with what lies before it,
as demucs does for its transformers; others would hear it bare.)
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from motet.audio.errors import Unusable

if TYPE_CHECKING:
    from motet.audio.separating.separator import Separator

__all__ = ["Overlapped", "Wave"]

Wave = npt.NDArray[np.float32]
"""(channels, frames), or stacks of it"""

SHIFT = 0.5  # seconds
LEAST_OFFSET = 0.01  # of the level: smaller ones are let be, so that silence stays nothing but zeros


class Overlapped:
    """A mix at the model's rate goes in; mix and stems come out as they become final, freed of a constant offset (1 % and more).

    Models were trained on recordings of standard deviation 1. As a stream knows no whole, the first two segments with sound
    tell offset and level for all of it: models bring each segment to one level by themselves, too, so that little hangs on it.
    """

    def __init__(self, separator: Separator, channels: int, told: list[str]) -> None:
        self._separator, self._channels = separator, channels
        longest, shifts = int(SHIFT * separator.card.rate), separator.shifts
        leads = [longest * turn // shifts for turn in range(shifts)] or [0]
        self._passes = [_Pass(separator, channels, lead, told) for lead in leads]
        self._raw: Wave = np.zeros((channels, 0), np.float32)  # until the level is known
        self._mix: Wave = np.zeros((channels, 0), np.float32)  # at that level, until its stems are known
        self._known = False
        self._offset: Wave = np.zeros((channels, 1), np.float32)
        self._level = np.float32(1)

    def push(self, wave: Wave, last: bool) -> Iterator[tuple[Wave, Wave]]:
        """(channels, frames) -> pairs of the mix (channels, frames) and its stems (stems, channels, frames)."""
        self._raw = np.concatenate([self._raw, wave], axis=1)
        while not self._known and (self._raw.shape[1] >= 2 * self._separator.frames or (last and self._raw.size)):
            self._learn(self._raw[:, : 2 * self._separator.frames])
            if not self._known:
                silence, self._raw = np.split(self._raw, [2 * self._separator.frames], axis=1)
                yield from self._through(silence, False)
        if self._known or last:
            ready, self._raw = self._raw, self._raw[:, :0]
            yield from self._through(ready, last)

    def _learn(self, beginning: Wave) -> None:
        if _constant(beginning):
            return
        offset = beginning.mean(axis=1, keepdims=True, dtype=np.float64)
        level = float(np.sqrt(np.square(beginning - offset).mean()))
        if level > 0:
            self._offset = np.where(np.abs(offset) > LEAST_OFFSET * level, offset, 0).astype(np.float32)
            self._level, self._known = np.float32(level), True

    def _through(self, wave: Wave, last: bool) -> Iterator[tuple[Wave, Wave]]:
        step = self._separator.frames
        for start in range(0, max(wave.shape[1], 1), step):
            piece = (wave[:, start : start + step] - self._offset) / self._level
            yield from self._heard(piece, last and start + step >= wave.shape[1])

    def _heard(self, piece: Wave, last: bool) -> Iterator[tuple[Wave, Wave]]:
        self._mix = np.concatenate([self._mix, piece], axis=1)
        for one in self._passes:
            one.push(piece, last)
        ready, stride = min(one.ready for one in self._passes), self._separator.stride
        while ready >= stride or (last and ready):
            long = min(stride, ready)
            stems = np.mean([one.take(long) for one in self._passes], axis=0, dtype=np.float32)
            mix, self._mix = self._mix[:, :long], self._mix[:, long:]
            ready -= long
            yield np.multiply(mix, self._level), np.multiply(stems, self._level)


class _Pass:
    """A recording that begins `lead` frames late is heard once: so its segments fall elsewhere."""

    def __init__(self, separator: Separator, channels: int, lead: int, told: list[str]) -> None:
        self._separator, self._channels, self._told = separator, channels, told
        self._mix: Wave = np.zeros((channels, lead), np.float32)
        self._at = 0  # in `_mix`, where the next segment begins
        stems = len(separator.card.stems)
        self._sum: Wave = np.zeros((stems, channels, 0), np.float32)  # from the first frame that was not taken
        self._weights: Wave = np.zeros(0, np.float32)
        self._final, self._lead = 0, lead
        half = separator.frames // 2
        rise, fall = np.arange(1, half + 1), np.arange(separator.frames - half, 0, -1)
        self._triangle = (np.concatenate([rise, fall]) / max(separator.frames - half, 1)).astype(np.float32)

    @property
    def ready(self) -> int:
        """Frames that no further segment changes."""
        return max(0, self._final - self._lead)

    def take(self, frames: int) -> Wave:
        """The next frames (stems, channels, frames)."""
        ends = self._lead + frames
        taken: Wave = self._sum[:, :, self._lead : ends] / self._weights[self._lead : ends]
        self._sum, self._weights = self._sum[:, :, ends:].copy(), self._weights[ends:].copy()
        self._final, self._lead = self._final - ends, 0
        return taken

    def push(self, wave: Wave, last: bool) -> None:
        self._mix = np.concatenate([self._mix, wave], axis=1)
        size, stride, batch = self._separator.frames, self._separator.stride, self._separator.batch
        while self._at + (batch - 1) * stride + size <= self._mix.shape[1]:
            self._hear([self._at + number * stride for number in range(batch)])
        if last:
            while self._at < self._mix.shape[1]:
                self._hear([self._at])
            self._final = len(self._weights)
        if (gone := self._at - size) > 0:  # a short last segment is filled up from what lies before it
            self._mix, self._at = self._mix[:, gone:].copy(), size

    def _hear(self, starts: list[int]) -> None:
        size, total = self._separator.frames, self._mix.shape[1]
        long = min(size, total - starts[0])
        sounding = [number for number, start in enumerate(starts) if not _constant(self._mix[:, start : start + long])]
        # What is silent has silent stems: a model might make a noise of it.
        answers = np.zeros((len(starts), self._sum.shape[0], self._channels, long), np.float32)
        if sounding:
            before = (size - long) // 2
            given = self._given(self._separator.hear(self._taken([starts[each] - before for each in sounding]), self._told))
            if not np.isfinite(given).all():
                raise Unusable("no_separation", f"the model {self._separator.card.name} gave numbers that are not finite")
            answers[sounding] = given[..., before : before + long]
        for answer in answers:
            self._add(answer)
            self._at += self._separator.stride

    def _add(self, answer: Wave) -> None:
        """A segment's answer (stems, channels, frames), where the next one begins."""
        at, long = self._final, answer.shape[2]
        if (more := at + long - len(self._weights)) > 0:
            self._sum = np.pad(self._sum, ((0, 0), (0, 0), (0, more)))
            self._weights = np.pad(self._weights, (0, more))
        self._sum[:, :, at : at + long] += answer * self._triangle[:long]
        self._weights[at : at + long] += self._triangle[:long]
        self._final += self._separator.stride

    def _taken(self, starts: list[int]) -> Wave:
        """Segments (items, model channels, frames): a mono model hears each channel by itself, a stereo model mono twice."""
        size, total = self._separator.frames, self._mix.shape[1]
        pieces = np.zeros((len(starts), self._channels, size), np.float32)
        for piece, start in zip(pieces, starts, strict=True):
            first, end = max(0, start), min(start + size, total)
            piece[:, first - start : end - start] = self._mix[:, first:end]
        if self._separator.card.channels == 1:
            return pieces.reshape(-1, 1, size)
        return np.repeat(pieces, 2, axis=1) if self._channels == 1 else pieces

    def _given(self, answers: Wave) -> Wave:
        """Of (items, stems, the model's channels, frames): (segments, stems, channels, frames)."""
        if self._separator.card.channels == 1:
            split = answers.reshape(-1, self._channels, *answers.shape[1:])[:, :, :, 0]
            return np.ascontiguousarray(split.swapaxes(1, 2))
        return answers.mean(axis=2, keepdims=True) if self._channels == 1 else answers


def _constant(wave: Wave) -> bool:
    return bool(np.all(wave == wave[:, :1]))
