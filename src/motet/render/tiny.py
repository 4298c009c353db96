"""The synth `tinysoundfont`: fast, dry, and the same on every run."""

import hashlib
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from motet.render.errors import FontError, RenderError
from motet.render.fonts import Font
from motet.render.patch import Line
from motet.render.performance import DRUM_CHANNEL, Action, Verb
from motet.render.timeline import actions

__all__ = ["TinySoundFont", "load"]

VOICES = 512  # per channel in use: MOST_HELD notes of five layers each
LONGEST_TAIL = 8.0  # seconds after the last note is let go
FADE = 0.05  # seconds, where that limit cuts a tail
QUIET = 2.0**-16  # half a 16-bit step: -96 dBFS
SILENCE = 0.1  # seconds a part without notes lasts
STEP = 4096  # frames of tail between two looks


@lru_cache(maxsize=2)
def _engine(path: str, sha256: str) -> Any:
    try:
        # The package's own Synth can neither copy a loaded font nor fill part of an array; its C++ class can.
        from tinysoundfont import _tinysoundfont
    except ImportError:
        fix = "pip install tinysoundfont --no-deps"
        raise RenderError("missing_synth", f"the synth tinysoundfont is not installed: {fix}") from None
    with open(path, "rb") as file:
        data = file.read()
    if hashlib.sha256(data).hexdigest() != sha256:
        raise FontError("changed", f"the SoundFont {path} changed since it was found")
    try:
        return _tinysoundfont.SoundFont(data)
    except RuntimeError:
        raise FontError("damaged", f"tinysoundfont cannot load {path}") from None


def load(font: Font, sample_rate: int = 44100) -> "TinySoundFont":
    """A player of `font`; the font is loaded once per process."""
    engine = _engine(str(font.path), font.sha256)
    return TinySoundFont(font, sample_rate, engine)


@dataclass(frozen=True)
class TinySoundFont:
    """Plays parts one after another, each with a fresh copy of the font's state (the samples are shared)."""

    font: Font
    sample_rate: int
    engine: Any

    def render(self, lines: Iterable[Line | bytes]) -> Iterator[npt.NDArray[np.float32]]:
        """See `motet.render.Synth.render`. Raises RenderError, FontError (`no_preset`)."""
        for line in lines:
            yield self._play(actions(line, self.sample_rate))

    def _play(self, actions: list[Action]) -> npt.NDArray[np.float32]:
        rate = self.sample_rate
        last = max((a.frame for a in actions if a.verb in (Verb.NOTE_ON, Verb.NOTE_OFF)), default=None)
        if last is None:
            return np.zeros((round(SILENCE * rate), 2), np.float32)
        voices = self._fresh(len({a.channel for a in actions}))
        do = self._verbs(voices)
        limit = last + round(LONGEST_TAIL * rate)
        audio = np.zeros((limit, 2), np.float32)
        here = 0
        for frame, verb, channel, a, b in actions:
            if frame > here:
                if frame >= limit:
                    break
                voices.render(audio[here:frame], True)
                here = frame
            do[verb](channel, a, b)
        end = max(here, last)
        voices.render(audio[here:end], True)
        quiet = False
        while end < limit and not quiet:
            step = audio[end : min(end + STEP, limit)]
            voices.render(step, True)
            end += len(step)
            quiet = float(np.abs(step).max()) < QUIET
        if not quiet:
            fade = round(FADE * rate)
            audio[end - fade : end] *= np.linspace(1, 0, fade, dtype=np.float32)[:, None]
        audio = audio[:end]
        if not math.isfinite(float(audio.sum())):
            raise RenderError("not_finite", f"the font {self.font.name} makes tinysoundfont produce no valid sound")
        return audio

    def _fresh(self, channels: int) -> Any:
        voices = type(self.engine)(self.engine)
        from tinysoundfont import _tinysoundfont

        voices.set_output(_tinysoundfont.OutputMode.StereoInterleaved, self.sample_rate, 0.0)
        voices.set_max_voices(VOICES * channels)
        return voices

    def _verbs(self, voices: Any) -> dict[Verb, Callable[[int, Any, Any], None]]:
        missing: dict[int, str] = {}  # channel -> the sound it lacks

        def note_on(channel: int, key: int, velocity: int) -> None:
            if channel in missing:
                raise FontError("no_preset", f"the font {self.font.name} has no {missing[channel]}")
            # A touch above velocity/127, which the engine turns back into 0-127 by truncation.
            voices.channel_note_on(channel, key, (velocity + 0.001) / 127)

        def exact_preset(channel: int, bank: int, program: int) -> None:
            index = voices.get_preset_index(bank, program)
            if index < 0:
                raise FontError("no_preset", f"the font {self.font.name} has no program {program} in bank {bank}")
            voices.channel_set_preset_index(channel, index)

        def preset(channel: int, bank: int, program: int) -> None:
            index = self._preset(voices, bank, program, channel == DRUM_CHANNEL)
            if index is None:
                missing[channel] = "drum kit" if channel == DRUM_CHANNEL else f"program {program}"
            else:
                missing.pop(channel, None)
                voices.channel_set_preset_index(channel, index)

        return {
            Verb.NOTE_ON: note_on,
            Verb.NOTE_OFF: lambda channel, key, _: voices.channel_note_off(channel, key),
            Verb.PRESET: preset,
            Verb.GAIN: lambda channel, gain, _: voices.channel_set_volume(channel, gain),
            Verb.PAN: lambda channel, pan, _: voices.channel_set_pan(channel, pan),
            Verb.WHEEL: lambda channel, value, _: voices.channel_set_pitch_wheel(channel, value),
            Verb.WHEEL_RANGE: lambda channel, semitones, _: voices.channel_set_pitch_range(channel, semitones),
            Verb.TUNING: lambda channel, semitones, _: voices.channel_set_tuning(channel, semitones),
            Verb.EXACT_PRESET: exact_preset,
            Verb.CUT: lambda channel, _, __: voices.channel_sounds_off(channel),
        }

    @staticmethod
    def _preset(voices: Any, bank: int, program: int, drums: bool) -> int | None:
        """The sound asked for, else its plain variant: kits fall back to their family's first, then to Standard."""
        wanted = [(128, program), (128, program & ~7), (128, 0)] if drums else [(bank, program), (0, program)]
        found = (voices.get_preset_index(bank, number) for bank, number in wanted)
        return next((int(index) for index in found if index >= 0), None)
