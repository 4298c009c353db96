"""How a part is played on an engine's voices: frame by frame, with the font's sounds, until it has rung out."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Protocol

import numpy as np
import numpy.typing as npt

from motet.render.errors import FontError, RenderError
from motet.render.performance import KITS, Action, Verb, wanted

__all__ = ["VOICES", "Voices", "play"]

Audio = npt.NDArray[np.float32]

VOICES = 512  # an engine needs per channel in use: MOST_HELD notes of five layers each
LONGEST_TAIL = 8.0  # seconds after the last note is let go
FADE = 0.05  # seconds, where that limit cuts a tail
QUIET = 2.0**-16  # half a 16-bit step: -96 dBFS
SILENCE = 0.1  # seconds a part without notes lasts
STEP = 4096  # frames of tail between two looks


class Voices(Protocol):
    """An engine with a font and 16 fresh channels. What the arguments mean is told at `Verb`."""

    def render(self, buffer: Audio) -> None:
        """The next frames, written into `buffer` (frames, 2)."""
        ...

    def has(self, bank: int, program: int) -> bool:
        """Whether the font has this sound; kits are in bank 128."""
        ...

    def select(self, channel: int, bank: int, program: int) -> None: ...
    def note_on(self, channel: int, key: int, velocity: int) -> None: ...
    def note_off(self, channel: int, key: int) -> None: ...
    def gain(self, channel: int, gain: float) -> None: ...
    def pan(self, channel: int, pan: float) -> None: ...
    def wheel(self, channel: int, value: int) -> None: ...
    def wheel_range(self, channel: int, semitones: float) -> None: ...
    def tuning(self, channel: int, semitones: float) -> None: ...
    def cut(self, channel: int) -> None: ...


def play(actions: list[Action], sample_rate: int, font: str, fresh: Callable[[int], Voices]) -> Audio:
    """The sound (frames, 2) of `actions` by the voices that `fresh` gives for a number of channels; `font` is its name.

    It ends when all is quiet, or faded out 8 s after the last note is let go. Raises FontError `no_preset`, RenderError
    `not_finite`.
    """
    last = max((frame for frame, verb, *_ in actions if verb in (Verb.NOTE_ON, Verb.NOTE_OFF)), default=None)
    if last is None:
        return np.zeros((round(SILENCE * sample_rate), 2), np.float32)
    voices = fresh(len({channel for _, _, channel, *_ in actions}))
    sounds = _Sounds(font, voices)
    limit = last + round(LONGEST_TAIL * sample_rate)
    audio = np.zeros((limit, 2), np.float32)
    here = 0
    for frame, verb, channel, a, b in actions:
        if frame > here:
            if frame >= limit:
                break
            voices.render(audio[here:frame])
            here = frame
        match verb:
            case Verb.NOTE_ON:
                sounds.demand(channel)
                voices.note_on(channel, int(a), int(b))
            case Verb.NOTE_OFF:
                voices.note_off(channel, int(a))
            case Verb.TUNING:
                voices.tuning(channel, a)
            case Verb.GAIN:
                voices.gain(channel, a)
            case Verb.WHEEL:
                voices.wheel(channel, int(a))
            case Verb.PAN:
                voices.pan(channel, a)
            case Verb.PRESET:
                sounds.choose(channel, int(a), int(b))
            case Verb.EXACT_PRESET:
                sounds.insist(channel, int(a), int(b))
            case Verb.WHEEL_RANGE:
                voices.wheel_range(channel, a)
            case Verb.CUT:
                voices.cut(channel)
    end = max(here, last)
    voices.render(audio[here:end])
    quiet = False
    while end < limit and not quiet:
        step = audio[end : min(end + STEP, limit)]
        voices.render(step)
        end += len(step)
        quiet = float(np.abs(step).max()) < QUIET
    if not quiet:
        fade = round(FADE * sample_rate)
        audio[end - fade : end] *= np.linspace(1, 0, fade, dtype=np.float32)[:, None]
    audio = audio[:end]
    if not math.isfinite(float(audio.sum())):
        raise RenderError("not_finite", f"the font {font} gives no valid sound")
    return audio


class _Sounds:
    """Which sound of the font each channel plays with."""

    def __init__(self, font: str, voices: Voices) -> None:
        self.font = font
        self.voices = voices
        self.missing: dict[int, str] = {}  # channel -> the sound it lacks

    def choose(self, channel: int, bank: int, program: int) -> None:
        """The sound asked for, or the best that `wanted` has in its place."""
        found = next((one for one in wanted(bank, program) if self.voices.has(*one)), None)
        if found is None:
            self.missing[channel] = "drum kit" if bank == KITS else f"program {program}"
        else:
            self.missing.pop(channel, None)
            self.voices.select(channel, *found)

    def insist(self, channel: int, bank: int, program: int) -> None:
        if not self.voices.has(bank, program):
            raise FontError("no_preset", f"the font {self.font} has no program {program} in bank {bank}")
        self.voices.select(channel, bank, program)

    def demand(self, channel: int) -> None:
        """A channel that is never played may lack its sound."""
        if channel in self.missing:
            raise FontError("no_preset", f"the font {self.font} has no {self.missing[channel]}")
