"""The synth `tinysoundfont`: fast, dry, and the same on every run."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from motet.render.errors import FontError, SynthError
from motet.render.fonts import Font
from motet.render.patch import Line
from motet.render.timeline import actions
from motet.render.voices import VOICES, play

__all__ = ["TinySoundFont", "load"]

Audio = npt.NDArray[np.float32]


@lru_cache(maxsize=2)
def _engine(path: str, sha256: str) -> Any:
    try:
        # The package's own Synth can neither copy a loaded font nor fill part of an array; its C++ class can.
        from tinysoundfont import _tinysoundfont
    except ImportError:
        fix = "pip install tinysoundfont --no-deps"
        raise SynthError("missing_synth", f"the synth tinysoundfont is not installed: {fix}") from None
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

    def render(self, lines: Iterable[Line | bytes]) -> Iterator[Audio]:
        """See `motet.render.Synth.render`. Raises RenderError, FontError (`no_preset`)."""
        for line in lines:
            yield play(actions(line, self.sample_rate), self.sample_rate, self.font.name, self._fresh)

    def _fresh(self, channels: int) -> "_Voices":
        return _Voices(self.engine, self.sample_rate, channels)


class _Voices:
    """See `motet.render.voices.Voices`."""

    def __init__(self, engine: Any, sample_rate: int, channels: int) -> None:
        from tinysoundfont import _tinysoundfont

        self.engine = type(engine)(engine)
        self.engine.set_output(_tinysoundfont.OutputMode.StereoInterleaved, sample_rate, 0.0)
        self.engine.set_max_voices(VOICES * channels)

    def render(self, buffer: Audio) -> None:
        self.engine.render(buffer, True)

    def has(self, bank: int, program: int) -> bool:
        return bool(self.engine.get_preset_index(bank, program) >= 0)

    def select(self, channel: int, bank: int, program: int) -> None:
        self.engine.channel_set_preset_index(channel, self.engine.get_preset_index(bank, program))

    def note_on(self, channel: int, key: int, velocity: int) -> None:
        # A touch above velocity/127, which the engine turns back into 0-127 by truncation.
        self.engine.channel_note_on(channel, key, (velocity + 0.001) / 127)

    def note_off(self, channel: int, key: int) -> None:
        self.engine.channel_note_off(channel, key)

    def gain(self, channel: int, gain: float) -> None:
        self.engine.channel_set_volume(channel, gain)

    def pan(self, channel: int, pan: float) -> None:
        self.engine.channel_set_pan(channel, pan)

    def wheel(self, channel: int, value: int) -> None:
        self.engine.channel_set_pitch_wheel(channel, value)

    def wheel_range(self, channel: int, semitones: float) -> None:
        self.engine.channel_set_pitch_range(channel, semitones)

    def tuning(self, channel: int, semitones: float) -> None:
        self.engine.channel_set_tuning(channel, semitones)

    def cut(self, channel: int) -> None:
        self.engine.channel_sounds_off(channel)
