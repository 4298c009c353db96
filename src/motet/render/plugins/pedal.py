"""The guest's side of pedalboard: VST3."""

from __future__ import annotations

import importlib
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from motet.render.plugins.errors import PluginError
from motet.render.plugins.knobs import PROGRAMS, WIRING
from motet.render.plugins.wire import Audio

__all__ = ["Instance"]

pedalboard: Any = importlib.import_module("pedalboard")  # may be absent where types are checked

SETTLING = 0.1  # seconds of silence at a time after loading, thrown away: some play a note, others glide to their parameters
SETTLINGS = 50  # at most: an effect may hum for ever
EFFECT_SETTLINGS = 10  # at least: pedalboard probes an effect with noise, and chance, when it loads it; delays keep it that long
SETTLED = 1e-9  # full scale is 1; a lower bar than -96 dBFS, since what is left of that noise is heard by what it changes
WAITING = 2.0  # seconds an instrument gets to load its samples: pedalboard strikes notes until one sounds
SPAN = 30.0  # seconds at a time: pedalboard keeps the time of a message in 24 bits, which is a sixth of a frame after 30 s

# pedalboard asks every parameter for 1,000 words when it loads a plug-in: 12 s for an instrument with 2,080 MIDI controllers.
importlib.import_module("pedalboard._pedalboard").PARAMETER_NAME_REGEXES_TO_IGNORE.add(re.compile(""))


@dataclass
class _Knob:
    parameter: Any
    all: list[_Knob] = field(repr=False)

    @property
    def name(self) -> str:
        return str(self.parameter.name)

    @property
    def unit(self) -> str:
        return str(self.parameter.label or "")

    def text(self, raw: float) -> str:
        return str(self.parameter.get_text_for_raw_value(raw))

    def get(self) -> float:
        return float(self.parameter.raw_value)

    def turn(self, raw: float) -> None:
        self.parameter.raw_value = raw
        if PROGRAMS.match(self.name):
            # The plug-in now shows the program's values, and its sound may not know: only a knob that moves is passed on.
            for other in self.all:
                if other is not self:
                    value = other.get()
                    other.parameter.raw_value = value / 2 + 0.5 if value < 0.5 else value / 2
                    other.parameter.raw_value = value


class Instance:
    """One fresh copy of a plug-in."""

    def __init__(self, path: str, called: str, sample_rate: int) -> None:
        self.rate = sample_rate
        self.plugin: Any = pedalboard.VST3Plugin(path, initialization_timeout=WAITING)
        self.called = called
        self.instrument = bool(self.plugin.is_instrument)
        self.name = str(self.plugin.name)
        self.version = str(self.plugin.version)
        self.vendor = str(self.plugin.manufacturer_name)
        self.channels = 2

    @property
    def latency(self) -> int:
        return int(self.plugin.reported_latency_samples)

    def knobs(self) -> list[_Knob]:
        found: list[_Knob] = []
        found += (_Knob(one, found) for one in self.plugin._parameters if one.is_automatable and not WIRING.match(one.name))
        return found

    def load_preset(self, file: Path) -> None:
        if file.suffix != ".vstpreset":
            raise PluginError("no_preset", f"pedalboard loads presets in files .vstpreset, not {file.suffix!r}")
        try:
            self.plugin.load_preset(str(file))
        except RuntimeError as error:
            raise PluginError("no_preset", f"{self.called} does not take this preset: {error}") from None

    def preset(self) -> bytes:
        return bytes(self.plugin.preset_data)

    def settle(self) -> None:
        """Run through silence until it is silent. An instrument is not reset then: pedalboard would load it anew, and wait."""
        for channels in (2, 1):
            try:
                self.channels = channels
                for blocks in range(1, SETTLINGS + 1):
                    settled = float(np.abs(self._silence()).max(initial=0)) < SETTLED
                    if settled and (self.instrument or blocks >= EFFECT_SETTLINGS):
                        break
                return
            except ValueError as error:
                if channels == 1 or "channel" not in str(error):
                    raise

    def _silence(self) -> Audio:
        if self.instrument:
            made: Audio = self.plugin.process([], SETTLING, self.rate, num_channels=self.channels, reset=False)
        else:
            made = self.plugin.process(np.zeros((self.channels, round(SETTLING * self.rate)), np.float32), self.rate, reset=False)
        return made

    def play(self, messages: list[tuple[int, bytes]], frames: int) -> Audio:
        """(channels, frames) of an instrument, its latency taken off; messages come in order of frame."""
        frames += (late := self.latency)
        audio = np.zeros((self.channels, frames), np.float32)
        span = round(SPAN * self.rate)
        first = 0
        for start in range(0, frames, span):
            stop = min(start + span, frames)
            last = first
            while last < len(messages) and messages[last][0] < stop:
                last += 1
            # Half a frame later: the time is cut to whole frames, and must not fall short of one by rounding.
            timed = [(data, (frame - start + 0.5) / self.rate) for frame, data in messages[first:last]]
            first = last
            made = self.plugin.process(
                timed, (stop - start + 0.25) / self.rate, self.rate, num_channels=self.channels, reset=False
            )
            audio[:, start:stop] = made[:, : stop - start]
        return audio[:, late:]

    def process(self, audio: Audio) -> Audio:
        """(channels, frames) through an effect; pedalboard takes its latency off."""
        made: Audio = self.plugin.process(audio, self.rate)
        return made
