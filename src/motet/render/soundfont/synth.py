"""The synth: parts in, sound out, tile by tile."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from motet.render import timeline
from motet.render.errors import FontError, SynthError
from motet.render.fonts import Font, whole
from motet.render.patch import Line
from motet.render.performance import Verb
from motet.render.soundfont import kernel, sends
from motet.render.soundfont.font import SoundFont
from motet.render.soundfont.generators import AS_PLAYED, Reading
from motet.render.soundfont.memory import Memory
from motet.render.soundfont.part import TILE, Part
from motet.render.soundfont.rendering import LONG
from motet.render.soundfont.score import Score
from motet.render.soundfont.tones import Tones
from motet.render.soundfont.voicing import Voicing
from motet.render.voices import LONGEST_TAIL, QUIET, SILENCE, STEP

__all__ = ["SoundFontSynth", "Tile", "load"]

Singles = npt.NDArray[np.float32]

LONGEST = 6 * 3600.0  # seconds of what is streamed
KEPT = 1 << 25  # samples of rendered notes: 128 MiB


@dataclass(frozen=True)
class Tile:
    """The same frames of all lines: `lines` (lines, frames, 2), and `mix` (frames, 2), their sum."""

    lines: Singles
    mix: Singles


def load(font: Font, sample_rate: int = 44100, reading: Reading = AS_PLAYED, *, wet: bool = False) -> SoundFontSynth:
    """A player of `font`, which is read once per process; `wet` with reverb and chorus where font and controllers send to them.

    Raises FontError `changed` and what `find` raises, SynthError `damaged_cache`.
    """
    try:
        kernel.get_ready()
        if wet:
            sends.get_ready()
    except (EOFError, pickle.UnpicklingError) as error:
        folder = kernel.sound.stats.cache_path
        fix = f"delete the files *.nbi and *.nbc in {folder}"
        raise SynthError("damaged_cache", f"the compiled code of the synth motet is damaged ({error}): {fix}") from None
    return SoundFontSynth(font, sample_rate, reading, wet=wet)


class SoundFontSynth:
    """Plays SoundFonts as the standard says (2.04), each distinct note once: equal notes are added wherever they occur."""

    def __init__(
        self, font: Font, sample_rate: int = 44100, reading: Reading = AS_PLAYED, *, wet: bool = False, keep: int = KEPT
    ) -> None:
        """`keep` is how many samples of rendered notes are kept, 4 bytes each, 0 for none; nothing that is heard hangs on it."""
        self.sample_rate = sample_rate
        self._wet = wet
        self._name = font.name
        self._font = _read(font.path, font.sha256, reading)
        self._tones = Tones(self._font, sample_rate, reading)
        self._memory = Memory(max(keep, 4 * LONG), reuse=keep > 0)

    def render(self, lines: Iterable[Line | bytes]) -> Iterator[Singles]:
        """See `motet.render.Synth.render`. Raises RenderError, FontError."""
        for line in lines:
            part = self._part(line)
            audio = np.zeros((part.limit, 2), np.float32)
            while not part.over:
                part.fill(audio[part.here : part.here + TILE])
            yield audio[: _end(audio, part)]

    def stream(self, lines: Sequence[Line | bytes]) -> Iterator[Tile]:
        """All lines and their mix side by side, TILE frames at a time: memory holds no more sound, however long they are.

        The last tiles hold what is too quiet for `render` to keep. Raises as `render`, but for `too_long` only beyond LONGEST.
        """
        parts = [self._part(line, LONGEST) for line in lines]
        while any(not part.over for part in parts):
            sides = np.zeros((len(parts), TILE, 2), np.float32)
            mix = np.zeros((TILE, 2), np.float32)
            for part, side in zip(parts, sides, strict=True):
                if not part.over and part.fill(side):
                    mix += side
            yield Tile(sides, mix)

    def _part(self, line: Line | bytes, longest: float = timeline.LONGEST) -> Part:
        told = timeline.actions(line, self.sample_rate, raw=True, longest=longest)
        last = max((a[0] for a in told if a[1] in (Verb.NOTE_ON, Verb.NOTE_OFF)), default=None)
        if last is None:
            end = round(SILENCE * self.sample_rate)
            return Part([], end, end, self.sample_rate, self._memory)
        limit = last + round(LONGEST_TAIL * self.sample_rate)
        score = Score(told, self._font, self._name)
        voicing = Voicing(self._tones, score.channels, self.sample_rate, limit)
        voices = [voice for struck in score.struck if (voice := voicing.voice(struck)) is not None]
        return Part(voices, last, limit, self.sample_rate, self._memory, wet=self._wet)


@lru_cache(maxsize=2)
def _read(path: Path, sha256: str, reading: Reading) -> SoundFont:
    """A font with the samples that were decoded of it; a process needs one or two."""
    data = whole(path)
    if hashlib.sha256(data).hexdigest() != sha256:
        raise FontError("changed", f"the SoundFont {path} changed since it was found")
    return SoundFont(data, str(path), reading)


def _end(audio: Singles, part: Part) -> int:
    """Where all is quiet, some frames after the last sound."""
    end = part.here
    while end - STEP >= part.last and float(np.abs(audio[end - STEP : end]).max(initial=0)) < QUIET:
        end -= STEP
    return end
