"""FluidSynth as the reference, fonts and songs, for what is measured of our synth.

The reference is libfluidsynth itself, without reverb and chorus, driven here: notes begin and end on its blocks of 64 frames,
songs are read by its own MIDI player. No rule of ours is between and compared with itself. MOTET_FONTS names the fonts, of
TimGM6mb, MuseScore and FluidR3.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import os
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from motet import demo, midi, render

RATE = 44100
BLOCK = 64  # frames in which fluidsynth works
HELD, TAIL = 689 * BLOCK, 345 * BLOCK  # frames: 1.0 s, 0.5 s
DRUMS, DRUM_CHANNEL = 128, 9  # the bank of kits
SEED = 15
SHORTEST, LONGEST = 30.0, 240.0  # seconds
CRAFTED = ("broken", "odd")  # made to break readers; not what a collection is like

Audio = NDArray[np.float32]


def fonts(wanted: Sequence[str]) -> list[render.Font]:
    """Those that are installed, of the ones asked for: TimGM6mb comes along."""
    places = {
        "TimGM6mb": "auto",
        "MuseScore": "/usr/share/sounds/sf3/MuseScore_General_Lite.sf3",
        "FluidR3": "/usr/share/sounds/sf2/FluidR3_GM.sf2",
    }
    asked = os.environ.get("MOTET_FONTS", " ".join(wanted)).split()
    return [render.find(places[name]) for name in asked if name == "TimGM6mb" or Path(places[name]).is_file()]


# --- fluidsynth, driven as natively as can be (FluidSynth 2 API reference) ---

_P, _I, _D, _S, _N = ctypes.c_void_p, ctypes.c_int, ctypes.c_double, ctypes.c_char_p, ctypes.c_size_t
FUNCTIONS = {  # name -> what it gives, and takes
    "fluid_version_str": (_S,),
    "fluid_set_log_function": (_P, _I, _P, _P),
    "new_fluid_settings": (_P,),
    "fluid_settings_setint": (_I, _P, _S, _I),
    "fluid_settings_setnum": (_I, _P, _S, _D),
    "fluid_settings_setstr": (_I, _P, _S, _S),
    "new_fluid_synth": (_P, _P),
    "fluid_synth_set_interp_method": (_I, _P, _I, _I),
    "fluid_synth_sfload": (_I, _P, _S, _I),
    "fluid_synth_get_sfont_by_id": (_P, _P, _I),
    "fluid_sfont_iteration_start": (None, _P),
    "fluid_sfont_iteration_next": (_P, _P),
    "fluid_preset_get_banknum": (_I, _P),
    "fluid_preset_get_num": (_I, _P),
    "fluid_preset_get_name": (_S, _P),
    "fluid_synth_program_select": (_I, _P, _I, _I, _I, _I),
    "fluid_synth_noteon": (_I, _P, _I, _I, _I),
    "fluid_synth_noteoff": (_I, _P, _I, _I),
    "fluid_synth_all_sounds_off": (_I, _P, _I),
    "fluid_synth_system_reset": (_I, _P),
    "fluid_synth_get_active_voice_count": (_I, _P),
    "fluid_synth_write_float": (_I, _P, _I, _P, _I, _I, _P, _I, _I),
    "new_fluid_player": (_P, _P),
    "fluid_player_add_mem": (_I, _P, _P, _N),
    "fluid_player_play": (_I, _P),
    "fluid_player_get_status": (_I, _P),
    "delete_fluid_player": (None, _P),
}
PLAYING, FOURTH_ORDER = 1, 4
LONGEST_TAIL = 8 * RATE


class Preset(NamedTuple):
    bank: int
    program: int
    name: str


class Fluid:
    """fluidsynth with a font, kept until the process ends. Raises RuntimeError where the library or the font will not do."""

    def __init__(self, font: Path) -> None:
        found = ctypes.util.find_library("fluidsynth")
        if found is None:
            msg = "the reference is missing: apt install libfluidsynth3"
            raise RuntimeError(msg)
        self.library = library = ctypes.CDLL(found)
        for function, (gives, *takes) in FUNCTIONS.items():
            getattr(library, function).restype = gives
            getattr(library, function).argtypes = takes
        for level in range(5):
            library.fluid_set_log_function(level, None, None)
        self.version = library.fluid_version_str().decode()
        settings = library.new_fluid_settings()
        library.fluid_settings_setnum(settings, b"synth.sample-rate", RATE)
        library.fluid_settings_setnum(settings, b"synth.gain", 1.0)
        for name, value in (
            ("reverb.active", 0),
            ("chorus.active", 0),
            ("cpu-cores", 1),
            ("lock-memory", 0),
            ("polyphony", 4096),
        ):
            library.fluid_settings_setint(settings, f"synth.{name}".encode(), value)
        library.fluid_settings_setstr(settings, b"synth.midi-bank-select", b"gs")
        library.fluid_settings_setstr(settings, b"player.timing-source", b"sample")
        library.fluid_settings_setint(settings, b"player.reset-synth", 1)
        self.synth = library.new_fluid_synth(settings)
        library.fluid_synth_set_interp_method(self.synth, -1, FOURTH_ORDER)
        self.font = library.fluid_synth_sfload(self.synth, os.fsencode(font), 1)
        if self.font < 0:
            msg = f"fluidsynth cannot load {font}"
            raise RuntimeError(msg)

    def presets(self) -> list[Preset]:
        library, found = self.library, []
        font = library.fluid_synth_get_sfont_by_id(self.synth, self.font)
        library.fluid_sfont_iteration_start(font)
        while preset := library.fluid_sfont_iteration_next(font):
            name = library.fluid_preset_get_name(preset).decode("latin-1")
            found.append(Preset(library.fluid_preset_get_banknum(preset), library.fluid_preset_get_num(preset), name))
        return sorted(found)

    def note(self, preset: Preset, key: int, velocity: int) -> Audio:
        """A note alone, held for HELD frames, and TAIL frames after it is let go."""
        library, channel = self.library, DRUM_CHANNEL if preset.bank == DRUMS else 0
        library.fluid_synth_system_reset(self.synth)
        library.fluid_synth_program_select(self.synth, channel, self.font, preset.bank, preset.program)
        library.fluid_synth_noteon(self.synth, channel, key, velocity)
        audio = np.zeros((HELD + TAIL, 2), np.float32)
        self._write(audio[:HELD])
        library.fluid_synth_noteoff(self.synth, channel, key)
        self._write(audio[HELD:])
        library.fluid_synth_all_sounds_off(self.synth, channel)
        self._write(np.zeros((BLOCK, 2), np.float32))  # what is switched off takes a block to go
        return audio

    def song(self, data: bytes) -> Audio:
        """A MIDI file by fluidsynth's own player, until all voices have ended, at most 8 s after the last event."""
        library = self.library
        library.fluid_synth_system_reset(self.synth)
        player = library.new_fluid_player(self.synth)
        library.fluid_player_add_mem(player, data, len(data))
        library.fluid_player_play(player)
        tiles, tail = [], 0
        while library.fluid_player_get_status(player) == PLAYING or (
            tail < LONGEST_TAIL and library.fluid_synth_get_active_voice_count(self.synth)
        ):
            tail += RATE if library.fluid_player_get_status(player) != PLAYING else 0
            tile = np.zeros((689 * BLOCK, 2), np.float32)
            self._write(tile)
            tiles.append(tile)
        library.delete_fluid_player(player)
        return np.concatenate(tiles)

    def _write(self, audio: Audio) -> None:
        at = audio.ctypes.data
        self.library.fluid_synth_write_float(self.synth, len(audio), at, 0, 2, at, 1, 2)


def songs(wanted: int) -> Iterator[tuple[str, bytes]]:
    """Real songs, drawn at random, else the demo tunes: name and bytes."""
    root = Path(os.environ.get("MOTET_SHARED") or Path(__file__).resolve().parents[2] / "shared") / "data" / "midi"
    if not root.is_dir():
        for tune in demo.TUNES[:wanted]:
            yield tune.title, demo.to_midi(demo.arrange(tune))
        return
    files = sorted(file for folder in root.iterdir() if folder.name not in CRAFTED for file in folder.rglob("*.mid"))
    random.Random(SEED).shuffle(files)
    for file in files:
        data = file.read_bytes()
        try:
            fits = SHORTEST <= midi.read(data).duration <= LONGEST
        except midi.Unreadable:
            continue
        if fits:
            yield file.relative_to(root).as_posix(), data
            wanted -= 1
            if not wanted:
                return
