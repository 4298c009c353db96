"""The synth `fluidsynth`: slower than tinysoundfont, with finer interpolation and all of SoundFont's modulators."""

from __future__ import annotations

import ctypes
import ctypes.util
import hashlib
import math
import os
import weakref
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np
import numpy.typing as npt

from motet.render.errors import FontError, RenderError, SynthError
from motet.render.fonts import Font
from motet.render.patch import Line
from motet.render.timeline import actions
from motet.render.voices import VOICES, play

__all__ = ["FluidSynth", "load", "version"]

Audio = npt.NDArray[np.float32]

SLOWEST, FASTEST = 8000, 96000  # samples a second; another rate would silently be 44,100
CENTRE = 8192  # of the pitch wheel
SOFTEST = 1440.0  # centibels; the engine's own floor
PAN, FINE_TUNING, ATTENUATION = 17, 52, 48  # generators (SoundFont 2.04, section 8.1.2)
SETTINGS = {
    "synth.reverb.active": 0,
    "synth.chorus.active": 0,
    "synth.cpu-cores": 1,
    "synth.lock-memory": 0,
}
_P, _I, _D, _F, _S = ctypes.c_void_p, ctypes.c_int, ctypes.c_double, ctypes.c_float, ctypes.c_char_p
FUNCTIONS = {  # name -> what it gives, and takes (FluidSynth 2 API reference)
    "fluid_version_str": (_S,),
    "fluid_set_log_function": (_P, _I, _P, _P),
    "new_fluid_settings": (_P,),
    "fluid_settings_setint": (_I, _P, _S, _I),
    "fluid_settings_setnum": (_I, _P, _S, _D),
    "delete_fluid_settings": (None, _P),
    "new_fluid_synth": (_P, _P),
    "delete_fluid_synth": (None, _P),
    "fluid_synth_sfload": (_I, _P, _S, _I),
    "fluid_synth_get_sfont_by_id": (_P, _P, _I),
    "fluid_synth_add_sfont": (_I, _P, _P),
    "fluid_synth_remove_sfont": (_I, _P, _P),
    "fluid_sfont_get_id": (_I, _P),
    "fluid_sfont_get_preset": (_P, _P, _I, _I),
    "fluid_synth_program_select": (_I, _P, _I, _I, _I, _I),
    "fluid_synth_noteon": (_I, _P, _I, _I, _I),
    "fluid_synth_noteoff": (_I, _P, _I, _I),
    "fluid_synth_cc": (_I, _P, _I, _I, _I),
    "fluid_synth_set_gen": (_I, _P, _I, _I, _F),
    "fluid_synth_all_sounds_off": (_I, _P, _I),
    "fluid_synth_write_float": (_I, _P, _I, _P, _I, _I, _P, _I, _I),
}


@cache
def _library() -> ctypes.CDLL:
    fix = "install libfluidsynth 2 or newer (apt install libfluidsynth3, brew install fluid-synth)"
    name = ctypes.util.find_library("fluidsynth")
    if name is None:
        raise SynthError("missing_synth", f"the synth fluidsynth needs a library that is not there: {fix}")
    try:
        library = ctypes.CDLL(name)
        for function, (gives, *takes) in FUNCTIONS.items():
            getattr(library, function).restype = gives
            getattr(library, function).argtypes = takes
    except (OSError, AttributeError) as error:
        raise SynthError("missing_synth", f"the synth fluidsynth cannot use {name} ({error}): {fix}") from None
    for level in range(5):  # what goes wrong is told by what it returns
        library.fluid_set_log_function(level, None, None)
    return library


def version() -> str:
    """The library's version, "" if there is none."""
    try:
        return str(_library().fluid_version_str().decode())
    except RenderError:
        return ""


class _LoadedFont:
    """A font in memory, lent to one synth after the other; it belongs to a synth that never plays."""

    def __init__(self, font: str) -> None:
        library = _library()
        settings = _settings(44100, 1)
        owner = library.new_fluid_synth(settings)
        self._freed = weakref.finalize(self, _free, library, owner, settings)
        number = library.fluid_synth_sfload(owner, os.fsencode(font), 0)
        if number < 0:
            raise FontError("damaged", f"fluidsynth cannot load {font}")
        self.pointer = library.fluid_synth_get_sfont_by_id(owner, number)


def _settings(sample_rate: int, channels: int) -> int:
    library = _library()
    settings: int = library.new_fluid_settings()
    library.fluid_settings_setnum(settings, b"synth.sample-rate", sample_rate)
    library.fluid_settings_setnum(settings, b"synth.gain", 1.0)
    library.fluid_settings_setint(settings, b"synth.polyphony", VOICES * channels)
    for name, value in SETTINGS.items():
        library.fluid_settings_setint(settings, name.encode(), value)
    return settings


def _free(library: ctypes.CDLL, synth: int, settings: int) -> None:
    library.delete_fluid_synth(synth)
    library.delete_fluid_settings(settings)


@lru_cache(maxsize=2)
def _loaded(path: str, sha256: str) -> _LoadedFont:
    with open(path, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != sha256:
        raise FontError("changed", f"the SoundFont {path} changed since it was found")
    return _LoadedFont(path)


def load(font: Font, sample_rate: int = 44100) -> FluidSynth:
    """A player of `font`; the font is loaded once per process.

    Raises SynthError `missing_synth` without the library, RenderError `wrong_rate`, FontError `changed`, `damaged`.
    """
    _library()
    if not SLOWEST <= sample_rate <= FASTEST:
        raise RenderError("wrong_rate", f"fluidsynth plays {SLOWEST} to {FASTEST} samples a second, not {sample_rate}")
    return FluidSynth(font, sample_rate, _loaded(str(font.path), font.sha256))


@dataclass(frozen=True)
class FluidSynth:
    """Plays parts one after another, each with a fresh synth; without reverb and chorus."""

    font: Font
    sample_rate: int
    loaded: _LoadedFont

    def render(self, lines: Iterable[Line | bytes]) -> Iterator[Audio]:
        """See `motet.render.Synth.render`. Raises RenderError, FontError (`no_preset`).

        FluidSynth works in blocks of 64 frames and begins what it is told with the next one: up to 1.5 ms late at 44.1 kHz.
        """
        for line in lines:
            yield play(actions(line, self.sample_rate), self.sample_rate, self.font.name, self._fresh)

    def _fresh(self, channels: int) -> _Voices:
        return _Voices(self.loaded, self.sample_rate, channels)


class _Voices:
    """See `motet.render.voices.Voices`. A channel's gain, pan and pitch are offsets to its sounds' own generators."""

    def __init__(self, loaded: _LoadedFont, sample_rate: int, channels: int) -> None:
        self.library = library = _library()
        self.font = loaded.pointer
        settings = _settings(sample_rate, channels)
        self.synth = library.new_fluid_synth(settings)
        library.fluid_synth_add_sfont(self.synth, self.font)
        weakref.finalize(self, _give_back, library, self.synth, settings, loaded)
        self.struck: Counter[tuple[int, int]] = Counter()  # (channel, key) -> notes on
        self.bend = [0.0] * 16  # -1 to 1
        self.range = [2.0] * 16  # semitones
        self.tuned = [0.0] * 16  # semitones
        for channel in range(16):
            library.fluid_synth_cc(self.synth, channel, 7, 127)  # volume is in our gain

    def render(self, buffer: Audio) -> None:
        at = buffer.ctypes.data
        self.library.fluid_synth_write_float(self.synth, len(buffer), at, 0, 2, at, 1, 2)

    def has(self, bank: int, program: int) -> bool:
        return bool(self.library.fluid_sfont_get_preset(self.font, bank, program))

    def select(self, channel: int, bank: int, program: int) -> None:
        number = self.library.fluid_sfont_get_id(self.font)
        self.library.fluid_synth_program_select(self.synth, channel, number, bank, program)

    def note_on(self, channel: int, key: int, velocity: int) -> None:
        self.struck[channel, key] += 1
        self.library.fluid_synth_noteon(self.synth, channel, key, velocity)

    def note_off(self, channel: int, key: int) -> None:
        """The engine lets a key go when it is struck again: of several notes of a key only the last still sounds."""
        self.struck[channel, key] -= 1
        if self.struck[channel, key] <= 0:
            self.library.fluid_synth_noteoff(self.synth, channel, key)

    def gain(self, channel: int, gain: float) -> None:
        centibels = min(SOFTEST, -200 * math.log10(gain)) if gain > 0 else SOFTEST
        self.library.fluid_synth_set_gen(self.synth, channel, ATTENUATION, centibels)

    def pan(self, channel: int, pan: float) -> None:
        self.library.fluid_synth_set_gen(self.synth, channel, PAN, 1000 * (pan - 0.5))

    def wheel(self, channel: int, value: int) -> None:
        self.bend[channel] = (value - CENTRE) / CENTRE
        self._tune(channel)

    def wheel_range(self, channel: int, semitones: float) -> None:
        self.range[channel] = semitones
        self._tune(channel)

    def tuning(self, channel: int, semitones: float) -> None:
        self.tuned[channel] = semitones
        self._tune(channel)

    def cut(self, channel: int) -> None:
        self.library.fluid_synth_all_sounds_off(self.synth, channel)

    def _tune(self, channel: int) -> None:
        cents = 100 * (self.tuned[channel] + self.bend[channel] * self.range[channel])
        self.library.fluid_synth_set_gen(self.synth, channel, FINE_TUNING, cents)


def _give_back(library: ctypes.CDLL, synth: int, settings: int, loaded: _LoadedFont) -> None:
    library.fluid_synth_remove_sfont(synth, loaded.pointer)
    _free(library, synth, settings)
