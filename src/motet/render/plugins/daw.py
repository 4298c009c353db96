"""The guest's side of dawdreamer: VST2, VST3, and LV2 by URI."""

from __future__ import annotations

import importlib
import tempfile
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from motet.render.plugins.errors import PluginError
from motet.render.plugins.knobs import PROGRAMS
from motet.render.plugins.wire import Audio

__all__ = ["Instance"]

dawdreamer: Any = importlib.import_module("dawdreamer")  # has no types, and may be absent where types are checked

BLOCK = 512  # frames
SETTLING = 0.5  # seconds of silence before everything, thrown away: each render starts a plug-in, and some play a note then
FINE = 4  # ticks a frame: a message comes a quarter after its frame, so that neither rounding nor cutting moves it
MOST_TICKS = 32767  # a quarter note in a MIDI file
WORDS = 1000  # asked of each parameter


@dataclass
class _Knob:
    plugin: Any
    index: int
    name: str
    unit: str
    starts: list[float] = field(default_factory=list)  # of the stretches that show one word
    words: list[str] = field(default_factory=list)

    def text(self, raw: float) -> str:
        if raw == self.get():
            return str(self.plugin.get_parameter_text(self.index))
        if not self.words:
            ranges = sorted(self.plugin.get_parameter_range(self.index, WORDS, False).items())
            self.starts, self.words = [float(start) for (start, _), _ in ranges], [str(word) for _, word in ranges]
        return self.words[max(bisect_right(self.starts, raw) - 1, 0)] if self.words else ""

    def get(self) -> float:
        return float(self.plugin.get_parameter(self.index))

    def turn(self, raw: float) -> None:
        self.plugin.set_parameter(self.index, raw)


class Instance:
    """One fresh copy of a plug-in, in an engine of its own: a second render of one engine differs."""

    version = ""  # dawdreamer tells neither
    vendor = ""

    def __init__(self, path: str, called: str, sample_rate: int) -> None:
        self.rate = sample_rate
        self.lead = round(SETTLING * sample_rate)
        self.engine: Any = dawdreamer.RenderEngine(sample_rate, BLOCK)
        self.plugin: Any = self.engine.make_plugin_processor("plugin", path)
        self.plugin.disable_nonmain_buses()
        self.vst3 = path.lower().endswith(".vst3")
        self.name = called  # of its own name it tells nothing
        self.inputs = int(self.plugin.get_num_input_channels())
        self.instrument = self.inputs == 0
        self.channels = (
            1 if 1 in (self.inputs, int(self.plugin.get_num_output_channels())) else 2
        )  # VST2 counts side chains as inputs

    @property
    def latency(self) -> int:
        return int(self.plugin.get_latency_samples())

    def knobs(self) -> list[_Knob]:
        """All but the programs of a VST3: those reach the sound at some later moment, or never."""
        told = [one for one in self.plugin.get_parameters_description() if one["isAutomatable"]]
        fit = [one for one in told if not (self.vst3 and PROGRAMS.match(one["name"]))]
        return [_Knob(self.plugin, one["index"], one["name"], one["label"]) for one in fit]

    def load_preset(self, file: Path) -> None:
        loaders = {".vstpreset": self.plugin.load_vst3_preset, ".fxp": self.plugin.load_preset}
        if file.suffix not in loaders:
            raise PluginError("no_preset", f"dawdreamer loads presets in files .vstpreset or .fxp, not {file.suffix!r}")
        try:
            taken = loaders[file.suffix](str(file))
        except RuntimeError as error:
            raise PluginError("no_preset", f"{self.name} does not take this preset: {error}") from None
        if taken is False:
            raise PluginError("no_preset", f"{self.name} does not take this preset")

    def preset(self) -> bytes:
        raise PluginError("no_preset", "dawdreamer writes no preset files: save a VST3's through pedalboard")

    def settle(self) -> None:
        """Run once: some know their latency only then."""
        self._render(np.zeros((max(self.inputs, 1), self.lead), np.float32))

    def _render(self, audio: Audio) -> Audio:
        """The sound of as many frames as `audio` has, which an effect is fed."""
        graph: list[tuple[Any, Sequence[str]]] = [(self.plugin, [] if self.instrument else ["input"])]
        if not self.instrument:
            graph.insert(0, (self.engine.make_playback_processor("input", audio), []))
        self.engine.load_graph(graph)
        self.engine.render((audio.shape[1] + 0.25) / self.rate)
        made: Audio = self.engine.get_audio()[:, : audio.shape[1]]
        if made.shape[1] < audio.shape[1]:
            raise RuntimeError(f"{made.shape[1]} frames came of {audio.shape[1]}")
        return made

    def play(self, messages: list[tuple[int, bytes]], frames: int) -> Audio:
        """(channels, frames) of an instrument, its latency taken off; messages come in order of frame."""
        self.plugin.clear_midi()
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "part.mid"
            file.write_bytes(_midi([(frame + self.lead, data) for frame, data in messages], self.rate))
            self.plugin.load_midi(str(file), clear_previous=True, beats=False, all_events=True)
        late = self.lead + self.latency
        return self._render(np.broadcast_to(np.float32(0), (1, late + frames)))[:, late:]

    def process(self, audio: Audio) -> Audio:
        """(channels, frames) through an effect, its latency taken off; other inputs, a side chain's, hear nothing."""
        late = self.lead + self.latency
        fed = np.zeros((self.inputs, late + audio.shape[1]), np.float32)
        fed[: len(audio), self.lead : self.lead + audio.shape[1]] = audio
        return self._render(fed)[:, late:]


def _midi(messages: list[tuple[int, bytes]], sample_rate: int) -> bytes:
    """A MIDI file whose tick is a quarter of a frame."""
    halvings = 0
    while (ticks := sample_rate >> halvings) > MOST_TICKS or (halvings < 1 and sample_rate % 2 == 0):
        halvings += 1
    # `ticks` a quarter note, of which a second has 4 * 2**halvings, if the rate divides; else of one tick a quarter note.
    quarters = FINE << halvings
    if ticks << halvings != sample_rate or 1_000_000 % quarters:
        raise PluginError(
            "bad_sample_rate", f"dawdreamer is not told times at {sample_rate} Hz: take an even rate up to 192,000 Hz"
        )
    body, now = b"\0\xff\x51\x03" + (1_000_000 // quarters).to_bytes(3), 0
    track = bytearray(body)
    for frame, data in messages:
        tick = frame * FINE + 1
        track += _delta(tick - now) + data
        now = tick
    track += b"\0\xff\x2f\0"
    return b"MThd" + bytes((0, 0, 0, 6, 0, 0, 0, 1)) + ticks.to_bytes(2) + b"MTrk" + len(track).to_bytes(4) + bytes(track)


def _delta(ticks: int) -> bytes:
    data = [ticks & 0x7F]
    while ticks := ticks >> 7:
        data.append(ticks & 0x7F | 0x80)
    return bytes(reversed(data))
