"""Our synth beside the players: how alike it and fluidsynth sound (`conformance`), and how fast all three are (`measure`).

The reference is libfluidsynth itself, without reverb and chorus, driven here: notes begin and end on its blocks of 64 frames,
songs are read by its own MIDI player, put on one clock before. No rule of ours is between and compared with itself.

MOTET_SYNTH plays another of our synths in the place of `motet` (conformance only); MOTET_FONTS names the fonts, of TimGM6mb,
MuseScore and FluidR3; MOTET_OUTLIERS a file for every note and song that is out of bounds, as JSON lines.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import json
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from measure import Line, cpu, over
from motet import demo, midi, render
from motet.midi import events
from motet.render.soundfont.synth import KEPT, SoundFontSynth
from motet.render.timeline import actions
from planted import wilson

RATE = 44100
BLOCK = 64  # frames in which fluidsynth works
HELD, TAIL = 689 * BLOCK, 345 * BLOCK  # frames: 1.0 s, 0.5 s
DRUMS, DRUM_CHANNEL = 128, 9  # the bank of kits
KEYS, KIT_KEYS, VELOCITIES = range(24, 109, 12), range(29, 82, 4), (30, 64, 100, 127)
QUICK_KEYS, QUICK_KIT_KEYS, QUICK_VELOCITIES, QUICK_STEP = (36, 60, 84), (36, 46), (64, 127), 8
SEED = 15
SONGS, QUICK_SONGS = 50, 4
SHORTEST, LONGEST = 30.0, 240.0  # seconds
CRAFTED = ("broken", "odd")  # made to break readers; not what a collection is like

Audio = NDArray[np.float32]
Floats = NDArray[np.float64]


def _own() -> str:
    return os.environ.get("MOTET_SYNTH", "motet")


def _load(font: render.Font) -> render.Synth:
    if _own() == "motet":
        return SoundFontSynth(font, RATE)
    return render.load(font, RATE, synth=_own())


def _fonts(wanted: Sequence[str]) -> list[render.Font]:
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


def _note_file(preset: Preset, key: int, velocity: int) -> bytes:
    """The same note as a MIDI file whose ticks are frames."""
    channel = DRUM_CHANNEL if preset.bank == DRUMS else 0
    division = RATE // 2  # with the default tempo
    notes = [(0, 0x90 | channel, bytes([key, velocity])), (HELD, 0x80 | channel, bytes([key, 64]))]
    end = (HELD, events.META, bytes([events.END_OF_TRACK]))
    return events.write(events.Events(0, division, [[*notes, end]]))


# --- how alike two notes are ---

LEVEL_BOUND, PITCH_BOUND = 1.0, 2.0  # dB, cents
SILENT = 1e-5  # RMS of full scale below which a note counts as silent: -100 dBFS
LAGS = 64  # frames either way
STEP = RATE // 100  # frames of a contour's cell
DEEPEST = 60.0  # dB below the loudest cell
WINDOW, HOP, SPAN = 4096, 512, 8  # frames, frames, hops
FARTHEST = 260  # steps of 5 cents
BANDS = (0, 300, 1000, 3000, 8000, 20000)  # Hz
NAMED = 5  # presets told by name for each cause
BOTH_SILENT = "silent in both"
ATTACK, FADED = 5, HELD // STEP  # cells: the first 50 ms; when the key is let go


@dataclass(frozen=True)
class Likeness:
    """One note by two synths. All decibels are ours less theirs; `level` and `peak` still hold the engines' constant offset."""

    level: float  # of the first second's RMS
    peak: float  # of the loudest 50 ms
    cents: float  # nan where no common partial can be followed
    lag: int  # frames ours is late
    waveform: float  # residual RMS over theirs, after alignment and one gain
    envelope: float  # dB: median difference of the contours' shape
    causes: tuple[str, ...]  # each way in which it differs by more than the bounds, as far as it can be told


def compare(theirs: Audio, ours: Audio, offset: float = 0.0) -> Likeness:
    """`offset` is the engines' constant difference in dB, where it is known already: only causes depend on it."""
    if len(ours) < len(theirs):
        ours = np.concatenate([ours, np.zeros((len(theirs) - len(ours), 2), np.float32)])
    one, other = theirs.astype(np.float64), ours[: len(theirs)].astype(np.float64)
    loud, loud_ours = _rms(one[:HELD]), _rms(other[:HELD])
    if loud < SILENT or loud_ours < SILENT:
        silent = (
            BOTH_SILENT
            if max(loud, loud_ours) < 10 * SILENT
            else "missing in ours"
            if loud_ours < SILENT
            else "missing in theirs"
        )
        apart = 0.0 if silent == BOTH_SILENT else 120.0 if loud < SILENT else -120.0
        return Likeness(apart, apart, np.nan, 0, 1.0 if apart else 0.0, abs(apart), (silent,))
    lag = _lag(one, other)
    aligned = np.roll(other, -lag, axis=0)
    rest = one - float((one * aligned).sum() / (aligned**2).sum()) * aligned
    contour, contour_ours = _contour(one), _contour(other)
    level = 20 * np.log10(loud_ours / loud)
    peak = float(_loudest(contour_ours) - _loudest(contour))
    heard = contour > contour.max() - DEEPEST
    shape = np.where(heard, np.maximum(contour_ours, contour.max() - DEEPEST - 20) - contour - level, 0.0)
    envelope = float(np.median(np.abs(shape[heard])))
    cents = _cents(one, other)
    causes = _why(one, other, level - offset, cents, shape, heard)
    parting = _parting(one, rest)
    if parting is not None:
        causes += (f"wave: parts at {parting} ms",)
    return Likeness(float(level), peak, cents, lag, _rms(rest) / _rms(one), envelope, causes)


def _rms(audio: Floats) -> float:
    return float(np.sqrt((audio**2).mean()))


def _lag(one: NDArray[Any], other: NDArray[Any], reach: int = LAGS) -> int:
    """By how many frames the other is late, at most `reach`: where the sum of all pieces' cross-correlations is largest."""
    piece = 1 << 14
    summed = np.zeros(piece + 1, np.complex128)
    for start in range(0, min(len(one), len(other)), piece):
        spectra = [np.fft.rfft(audio[start : start + piece], 2 * piece, axis=0) for audio in (one, other)]
        summed += (spectra[0].conj() * spectra[1]).sum(axis=1)
    found = np.fft.irfft(summed, 2 * piece)
    return int(np.concatenate([found[-reach:], found[: reach + 1]]).argmax()) - reach


def _contour(audio: Floats) -> Floats:
    """RMS of each 10 ms in dB."""
    cells = audio[: len(audio) // STEP * STEP].reshape(-1, STEP * 2)
    decibels: Floats = 10 * np.log10((cells**2).mean(axis=1) + 1e-20)
    return decibels


def _loudest(contour: Floats) -> float:
    power = 10 ** (contour / 10)
    return float(10 * np.log10(sliding_window_view(power, 5).mean(axis=1).max()))


def _cents(one: Floats, other: Floats) -> float:
    """How far ours is sharp, by how the phase between partials that both have turns; weighted median over bins.

    Two looks: over one hop, which is sure of its turn up to 43 Hz, then over SPAN of them, which is exact.
    """
    start, end = RATE // 50, HELD
    window = np.hanning(WINDOW)

    def spectra(audio: Floats) -> NDArray[np.complex128]:
        frames = sliding_window_view(audio[start:end].sum(axis=1), WINDOW)[::HOP]
        found: NDArray[np.complex128] = np.fft.rfft(frames * window, axis=1)
        return found

    a, b = spectra(one), spectra(other)
    power, power_ours = (abs(a) ** 2).sum(axis=0), (abs(b) ** 2).sum(axis=0)
    chosen = np.flatnonzero((power > 1e-4 * power.max()) & (power_ours > 1e-4 * power_ours.max()))
    chosen = chosen[chosen >= 2]
    if not chosen.size:
        return _far_cents(one, other)
    cross = b[:, chosen] * a[:, chosen].conj()
    hertz = chosen * RATE / WINDOW
    turned = (cross[1:] * cross[:-1].conj()).sum(axis=0)
    steady = abs(turned) / (abs(cross[1:] * cross[:-1]).sum(axis=0) + 1e-300)
    coarse = np.angle(turned)
    ahead = cross[SPAN:] * cross[:-SPAN].conj() * np.exp(-1j * SPAN * coarse)
    summed = ahead.sum(axis=0)
    apart = (coarse + np.angle(summed) / SPAN) * RATE / (2 * np.pi * HOP)
    sure = (steady > 0.9) & (abs(summed) > 0.8 * abs(ahead).sum(axis=0)) & (hertz + apart > 10)
    if not sure.any():
        return _far_cents(one, other)
    cents = 1200 * np.log2(1 + apart[sure] / hertz[sure])
    weight = np.sqrt(abs(summed[sure])) * hertz[sure]
    order = np.argsort(cents)
    middle = np.searchsorted(np.cumsum(weight[order]), weight.sum() / 2)
    return float(cents[order][middle])


def _far_cents(one: Floats, other: Floats) -> float:
    """How far ours is sharp where no partial is common: by the shift at which the spectra over log frequency agree best."""
    grid = np.exp2(np.arange(0, 8.5, 1 / 240)) * 40  # 5 cents apart
    found = []
    for audio in (one, other):
        spectrum = abs(np.fft.rfft(audio[:HELD].sum(axis=1) * np.hanning(HELD), 1 << 17))
        decibels = 20 * np.log10(np.interp(grid * (1 << 17) / RATE, np.arange(len(spectrum)), spectrum) / spectrum.max() + 1e-4)
        found.append(decibels - decibels.mean())
    shifts = range(-FARTHEST, FARTHEST + 1)
    agreement = [float((found[0][FARTHEST:-FARTHEST] * np.roll(found[1], -shift)[FARTHEST:-FARTHEST]).sum()) for shift in shifts]
    best = int(np.argmax(agreement))
    here = max(agreement[FARTHEST - 10 : FARTHEST + 11])  # within 50 cents noise tells nothing
    clear = agreement[best] > max(1.3 * here, 0.6 * float((found[0][FARTHEST:-FARTHEST] ** 2).sum()))
    return 5.0 * shifts[best] if clear else float("nan")


def _why(one: Floats, other: Floats, level: float, cents: float, shape: Floats, heard: NDArray[np.bool_]) -> tuple[str, ...]:
    """Every way in which they differ that can be told from the sound, each as "name: figures"."""
    causes = []
    if abs(level) > LEVEL_BOUND:
        causes.append(f"level: {level:+.1f} dB")
    if abs(cents) > PITCH_BOUND:
        causes.append(f"pitch: {cents:+.1f} cents")
    sides = [
        float(np.clip(np.subtract(*(10 * np.log10((audio[:HELD] ** 2).sum(axis=0) + 1e-12))), -40, 40)) for audio in (one, other)
    ]
    if abs(sides[1] - sides[0]) > LEVEL_BOUND:
        causes.append(f"sides: left over right {sides[0]:+.1f} dB theirs, {sides[1]:+.1f} ours")
    bright = _bands(other) - _bands(one)
    known = bright[np.isfinite(bright)]
    if known.size > 1 and known.max() - known.min() > 2 * LEVEL_BOUND:
        told = " ".join("-" if np.isnan(gain) else f"{gain - known[0]:+.1f}" for gain in bright)
        causes.append(f"colour: {told} dB from low to high")
    stages = (("attack", slice(0, ATTACK)), ("held", slice(ATTACK, FADED - 1)), ("release", slice(FADED + 1, None)))
    for name, cells in stages:
        part = np.where(heard, shape, 0.0)[cells]
        worst = int(np.abs(part).argmax())
        if abs(part[worst]) > LEVEL_BOUND:
            causes.append(f"{name}: {part[worst]:+.1f} dB at {10 * ((cells.start or 0) + worst)} ms")
    return tuple(causes)


def _parting(one: Floats, rest: Floats) -> int | None:
    """The millisecond from which the waves differ (by a tenth), where they agreed (within a hundredth) until then."""
    cells = len(one) // STEP
    energy, left = ((audio[: cells * STEP].reshape(cells, -1) ** 2).sum(axis=1) for audio in (one, rest))
    apart = np.sqrt(left / np.maximum(energy, 1e-7 * energy.max()))
    first = int((apart > 0.1).argmax())
    return 10 * first if apart[first] > 0.1 and first > 2 and np.median(apart[:first]) < 0.01 else None


def _bands(audio: Floats) -> Floats:
    """Power in dB by band of the first second, nan for what lies 50 dB below the loudest."""
    frames = sliding_window_view(audio[:HELD].sum(axis=1), WINDOW)[:: WINDOW // 2]
    power = (abs(np.fft.rfft(frames * np.hanning(WINDOW), axis=1)) ** 2).sum(axis=0)
    edges = np.array(BANDS[:-1]) * WINDOW // RATE
    found = np.add.reduceat(power[: BANDS[-1] * WINDOW // RATE], edges)
    return np.where(found > 1e-5 * found.max(), 10 * np.log10(found + 1e-30), np.nan)


# --- how alike two songs are ---

MELS, FRAME, JUMP, FLOOR = 128, 2048, 512, 80.0
SONG_GOAL = 0.995
PLAYER_LAGS = 441  # frames either way
OVERLAPS = 0.02  # a share of notes


def likeness(theirs: Audio, ours: Audio) -> float:
    """Correlation of the log-mel spectra of both channels, after alignment (fluidsynth's player is some 100 frames late)."""
    frames = min(len(theirs), len(ours))
    lag = _lag(theirs, ours, PLAYER_LAGS)
    one, other = theirs[max(-lag, 0) : frames - max(lag, 0)], ours[max(lag, 0) : frames - max(-lag, 0)]
    return float(np.corrcoef(_decibels(_mel(one)).ravel(), _decibels(_mel(other)).ravel())[0, 1])


def _on_one_clock(data: bytes) -> bytes:
    """The same messages at the same times, ticks being frames: fluidsynth's player loses some ms at each change of tempo."""
    file = events.parse(data)
    clock = midi.read(data).tempo_map
    tracks = [
        [
            (round(float(clock.to_seconds(tick)) * RATE), status, told)
            for tick, status, told in track
            if (status, told[:1]) != (events.META, bytes([events.TEMPO]))
        ]
        for track in file.tracks
    ]
    return events.write(events.Events(file.format, RATE // 2, tracks))


def _mel(audio: Audio) -> Audio:
    """Power by frame and band, both channels side by side."""
    window, bank = np.hanning(FRAME).astype(np.float32), _mels()
    found = []
    for channel in audio.T:
        spectrum = np.fft.rfft(sliding_window_view(np.ascontiguousarray(channel), FRAME)[::JUMP] * window, axis=1)
        found.append((spectrum.real**2 + spectrum.imag**2).astype(np.float32) @ bank)
    return np.concatenate(found, axis=1)


def _decibels(power: Audio) -> Audio:
    """Below the maximum, down to the floor."""
    top = np.float32(power.max() or 1.0)
    found: Audio = 10 * np.log10(np.maximum(power / top, np.float32(10 ** (-FLOOR / 10))))
    return found


def _mels() -> NDArray[np.float32]:
    """Triangles evenly spaced on the mel scale 2595 log10(1 + f/700)."""
    corners = 700 * (10 ** (np.linspace(0, 2595 * np.log10(1 + RATE / 2 / 700), MELS + 2) / 2595) - 1)
    hertz = np.arange(FRAME // 2 + 1)[:, None] * RATE / FRAME
    up = (hertz - corners[:-2]) / (corners[1:-1] - corners[:-2])
    down = (corners[2:] - hertz) / (corners[2:] - corners[1:-1])
    return np.maximum(np.minimum(up, down), 0).astype(np.float32)


# --- conformance ---


def conformance(quick: bool) -> Iterator[Line]:
    """Single notes of every preset, then songs, beside fluidsynth without effects."""
    outliers: list[dict[str, Any]] = []
    for font in _fonts(("TimGM6mb", "MuseScore", "FluidR3")):
        fluid, synth = Fluid(font.path), _load(font)
        yield from _notes(fluid, synth, font.path.stem, quick, outliers)
        if font.path.stem == "TimGM6mb":
            yield from _songs_alike(fluid, synth, font.path.stem, quick, outliers)
    if kept := os.environ.get("MOTET_OUTLIERS"):
        Path(kept).write_text("".join(json.dumps(one) + "\n" for one in outliers))


def _notes(fluid: Fluid, synth: render.Synth, font: str, quick: bool, outliers: list[dict[str, Any]]) -> Iterator[Line]:
    asked = list(_asked(fluid.presets(), quick))
    offset = _offset(fluid, synth, random.Random(SEED).sample(asked, min(len(asked), 200)))
    found = []
    for preset, key, velocity in asked:
        found.append(compare(fluid.note(preset, key, velocity), _played(synth, preset, key, velocity), offset))
    heard = [(one, like) for one, like in zip(asked, found, strict=True) if like.causes != (BOTH_SILENT,)]
    n = len(heard)
    alike = [like for _, like in heard]
    level = np.array([like.level - offset for like in alike])
    peak = np.array([like.peak - offset for like in alike])
    cents = np.array([like.cents for like in alike])
    followed = ~np.isnan(cents)
    held = (np.abs(level) <= LEVEL_BOUND) & (np.abs(peak) <= LEVEL_BOUND) & ~(np.abs(cents) > PITCH_BOUND)
    low, high = wilson(int(held.sum()), n)
    share = 100 * held.mean()
    wave = [20 * np.log10(like.waveform + 1e-12) for like in alike]
    note = f"{fluid.version}, 1 s and 0.5 s after, offset {offset:+.2f} dB; half within {_middle(wave)} dB"
    yield Line(f"{font}: waveform error", (statistics.median(wave),), "dB", n, note=note)
    shape = [like.envelope for like in alike]
    yield Line(
        f"{font}: envelope error", (statistics.median(shape),), "dB", n, note=f"worst tenth above {np.quantile(shape, 0.9):.2f}"
    )
    note = f"95 %: {100 * low:.1f} to {100 * high:.1f}"
    goal = f"within {LEVEL_BOUND:g} dB and {PITCH_BOUND:g} cents: 99 %"
    yield Line(f"{font}: notes alike", (share,), "% of notes", n, goal=goal, reached=None if quick else share >= 99.0, note=note)
    for name, values in (("level", np.abs(level)), ("loudest 50 ms", np.abs(peak)), ("pitch", np.abs(cents[followed]))):
        unit = "cents" if name == "pitch" else "dB"
        middle, tail = np.quantile(values, (0.5, 0.99))
        yield Line(
            f"  {name}, off by",
            (float(middle),),
            unit,
            len(values),
            note=f"99 % within {tail:.2f}, all within {values.max():.2f}",
        )
    for ((preset, key, velocity), like), fine in zip(heard, held, strict=True):
        if not fine:
            told = {**asdict(like), "level": like.level - offset, "peak": like.peak - offset}
            outliers.append({"font": font, **preset._asdict(), "key": key, "velocity": velocity, **told})
    _tell([one for one in outliers if one["font"] == font], n)


def _asked(presets: list[Preset], quick: bool) -> Iterator[tuple[Preset, int, int]]:
    """Presets over keys and velocities."""
    for preset in presets[:: QUICK_STEP if quick else 1]:
        keys: Iterable[int] = (QUICK_KIT_KEYS if quick else KIT_KEYS) if preset.bank == DRUMS else QUICK_KEYS if quick else KEYS
        for key in keys:
            for velocity in QUICK_VELOCITIES if quick else VELOCITIES:
                yield preset, key, velocity


def _offset(fluid: Fluid, synth: render.Synth, asked: list[tuple[Preset, int, int]]) -> float:
    """The engines' constant difference in level: the median of a sample of the notes."""
    found = (compare(fluid.note(*one), _played(synth, *one)) for one in asked)
    return statistics.median(like.level for like in found if like.causes != (BOTH_SILENT,))


def _played(synth: render.Synth, preset: Preset, key: int, velocity: int) -> Audio:
    line = render.Line(_note_file(preset, key, velocity), render.Preset(preset.bank, preset.program))
    return next(iter(synth.render([line])))


def _middle(values: Sequence[float]) -> str:
    return " to ".join(f"{value:.0f}" for value in np.quantile(values, (0.25, 0.75)))


def _tell(outliers: list[dict[str, Any]], n: int) -> None:
    """By cause, then by preset: what is out of bounds, the most frequent first."""
    if not outliers:
        return
    print(f"  {len(outliers)} of {n} out of bounds")
    by_cause: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for one in outliers:
        for cause in one["causes"] or ("untold",):
            by_cause[cause.split(":")[0]].append({**one, "cause": cause})
    for cause, those in sorted(by_cause.items(), key=lambda item: -len(item[1])):
        presets = Counter(f"{one['bank']}:{one['program']} {one['name']}" for one in those)
        print(f"  {cause}: {len(those)} notes of {len(presets)} presets")
        for preset, count in presets.most_common(NAMED):
            sample = next(one for one in those if preset == f"{one['bank']}:{one['program']} {one['name']}")
            such = f"key {sample['key']} velocity {sample['velocity']}: {'; '.join(sample['causes'])}"
            print(f"    {preset}, {count} notes, such as {such}")


def _songs_alike(fluid: Fluid, synth: render.Synth, font: str, quick: bool, outliers: list[dict[str, Any]]) -> Iterator[Line]:
    found, plain = [], []
    for name, data in _songs(QUICK_SONGS if quick else SONGS):
        alike = likeness(fluid.song(_on_one_clock(data)), next(iter(synth.render([render.Line(data)]))))
        found.append(alike)
        overlaps = _overlaps(data)
        if overlaps <= OVERLAPS:
            plain.append(alike)
        if alike < SONG_GOAL:
            why = f"{100 * overlaps:.0f} % of notes overlap one of their key; {_blamed(fluid, synth, data)}"
            print(f"  {name}: {alike:.4f}; {why}", flush=True)
            outliers.append({"song": name, "font": f"{font}, songs", "likeness": alike, "why": why})
    goal = f"at least {SONG_GOAL}"
    kinds = {"songs alike": found, "songs without overlapping notes of a key": plain}
    for label, those in kinds.items():
        if those:
            good = sum(one >= SONG_GOAL for one in those)
            note = f"log-mel, {good} reach it, worst {min(those):.4f}"
            reached = None if quick else statistics.median(those) >= SONG_GOAL
            yield Line(f"{font}: {label}", tuple(those), "correlation", len(those), goal=goal, reached=reached, note=note)


def _overlaps(data: bytes) -> float:
    """The share of notes struck while one of their key sounds: fluidsynth ends that one, and the first note-off ends both."""
    sounding: Counter[tuple[int, int]] = Counter()
    struck = over = 0
    told = sorted(
        (event for track in events.parse(data).tracks for event in track if event[1] & 0xE0 == 0x80), key=lambda one: one[0]
    )
    for _, status, (key, velocity) in told:
        note = status & 15, key
        if status & 0xF0 == events.NOTE_ON and velocity:
            struck, over = struck + 1, over + (sounding[note] > 0)
            sounding[note] += 1
        elif sounding[note]:
            sounding[note] -= 1
    return over / max(struck, 1)


def _blamed(fluid: Fluid, synth: render.Synth, data: bytes) -> str:
    """The three channels that differ most when they play alone."""
    file = events.parse(data)
    channels = Counter(event[1] & 15 for track in file.tracks for event in track if event[1] & 0xF0 == events.NOTE_ON)
    alone = {}
    for channel in channels:
        tracks = [
            [event for event in track if not (event[1] & 0xE0 == 0x80 and event[1] & 15 != channel)] for track in file.tracks
        ]
        part = events.write(events.Events(file.format, file.division, tracks))
        alone[channel] = likeness(fluid.song(_on_one_clock(part)), next(iter(synth.render([render.Line(part)]))))
    worst = sorted(alone, key=lambda channel: alone[channel])[:3]
    return ", ".join(f"channel {one} ({_programs(file, one)}, {channels[one]} notes) {alone[one]:.4f}" for one in worst)


def _programs(file: events.Events, channel: int) -> str:
    asked = sorted({event[2][0] for track in file.tracks for event in track if event[1] == 0xC0 | channel})
    return f"programs {asked}" if asked else "no program"


def _songs(wanted: int) -> Iterator[tuple[str, bytes]]:
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


# --- speed ---

SPEED_SONGS, QUICK_SPEED_SONGS, REPEATS = 24, 4, 3
MANY = {"drums": 100, "pedal piano": 30, "bends": 200, "controllers": 500}  # events that make a song one of its kind
FLUID_GOAL, STEMS_GOAL, CORES_GOAL, MEMORY_GOAL = 5.0, 1.3, 1.9, 1000.0
TINY, FLUID = "tinysoundfont", "fluidsynth"
HOUR = 3600.0  # seconds


def measure(quick: bool) -> Iterator[Line]:
    """CPU time on one core, font loaded: whole songs, stems, what reuse brings; then two processes, cold start and memory."""
    songs = _varied(QUICK_SPEED_SONGS if quick else SPEED_SONGS)
    for font in _fonts(("TimGM6mb", "MuseScore")):
        yield from _speeds(font, songs, 1 if quick else REPEATS, quick)
    yield from _cores(quick)
    yield from _cold()
    yield from _memory()


def _speeds(font: render.Font, songs: list[tuple[str, bytes]], repeats: int, quick: bool) -> Iterator[Line]:
    taken: dict[str, list[list[float]]] = defaultdict(list)  # CPU seconds by repeat and song
    tiny, fluid = render.load(font, RATE, synth=TINY), Fluid(font.path)
    for _ in SoundFontSynth(font, RATE).stream([data for _, data in songs[:2]]):
        pass  # compiled from here on
    seconds = np.array([midi.read(data).duration for _, data in songs])
    for _ in range(repeats):
        together = SoundFontSynth(font, RATE)
        found = [_taken(font, data, together, tiny, fluid) for _, data in songs]
        for what in found[0]:
            taken[what].append([one[what] for one in found])
    speeds = {what: seconds / np.array(times) for what, times in taken.items()}  # (repeats, songs)
    n, name = len(songs), font.path.stem
    medians = {what: tuple(float(one) for one in np.median(speed, axis=1)) for what, speed in speeds.items()}
    labels = {
        "mix": "motet, mix",
        TINY: "tinysoundfont, mix",
        FLUID: "fluidsynth, mix",
        "stems": "motet, all stems and mix",
        "without": "motet, mix, no note used again",
        "together": "motet, mix, one memory for all songs",
    }
    for what, label in labels.items():
        note = _spread(np.median(speeds[what], axis=0)) + ("; without reading MIDI" if what == TINY else "")
        ratio, peer = (None, "") if what == "mix" else (over(medians[what], medians["mix"]), labels["mix"])
        yield Line(f"{name}: {label}", medians[what], "x real time", n, ratio, peer, note=note)
    for what, goal in ((FLUID, f"median at least {FLUID_GOAL:g}"), (TINY, "least at least 1")):
        ratios = np.median(speeds["mix"] / speeds[what], axis=0)
        held = bool(np.median(ratios) >= FLUID_GOAL if what == FLUID else ratios.min() >= 1)
        note = f"least: {songs[int(ratios.argmin())][0]}"
        yield Line(f"  times {what}, song by song", tuple(ratios), "x", n, goal=goal, reached=None if quick else held, note=note)
    costs = np.median(np.array(taken["stems"]) / np.array(taken["mix"]), axis=0)
    reached = None if quick else float(np.median(costs)) <= STEMS_GOAL
    goal = f"median at most {STEMS_GOAL}"
    yield Line("  stems and mix over mix, song by song", tuple(costs), "x", n, goal=goal, reached=reached)


def _taken(font: render.Font, data: bytes, together: render.Synth, tiny: render.Synth, fluid: Fluid) -> dict[str, float]:
    """CPU seconds of one song by what makes it sound. Ours begins with an empty memory, but for `together`."""
    parts = [part.midi for part in midi.split(data)]
    fresh, of_stems, without = (SoundFontSynth(font, RATE, keep=keep) for keep in (KEPT, KEPT, 0))
    return {
        "mix": _cpu(lambda: list(fresh.render([data]))),
        "stems": _cpu(lambda: sum(1 for _ in of_stems.stream(parts))),
        "without": _cpu(lambda: list(without.render([data]))),
        "together": _cpu(lambda: list(together.render([data]))),
        TINY: _cpu(lambda: list(tiny.render([data]))) - _cpu(lambda: actions(data, RATE)),
        FLUID: _cpu(lambda: fluid.song(data)),
    }


def _cpu(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def _spread(speeds: Floats) -> str:
    low, quarter, three, high = np.quantile(speeds, (0, 0.25, 0.75, 1))
    return f"songs {low:.0f}, half {quarter:.0f} to {three:.0f}, {high:.0f}"


def _varied(wanted: int) -> list[tuple[str, bytes]]:
    """As many songs with drums, with pedal piano, with bends and with many controllers."""
    found: dict[str, list[tuple[str, bytes]]] = {kind: [] for kind in MANY}
    for name, data in _songs(10**6):
        counts = _counted(data)
        kind = next((k for k in MANY if counts[k] >= MANY[k] and len(found[k]) < wanted / len(MANY)), None)
        if kind:
            found[kind].append((name, data))
        if sum(map(len, found.values())) >= wanted:
            break
    return [song for songs in found.values() for song in songs]


def _counted(data: bytes) -> Counter[str]:
    counts: Counter[str] = Counter()
    for track in events.parse(data).tracks:
        for _, status, told in track:
            kind = status & 0xF0
            counts["drums"] += kind == events.NOTE_ON and status & 15 == DRUM_CHANNEL
            counts["bends"] += kind == events.BEND
            counts["controllers"] += kind == events.CONTROL
            counts["pedal piano"] += kind == events.CONTROL and told[0] == 64
    return counts


# --- fresh processes: this file runs itself ---


def _cores(quick: bool) -> Iterator[Line]:
    """Wall time of the same work by one process, and by two at once."""
    gains = []
    for _ in range(1 if quick else REPEATS):
        alone, both = _raced(1), _raced(2)
        gains.append(2 * alone / both)
    goal, held = f"at least {CORES_GOAL}", None if quick else statistics.median(gains) >= CORES_GOAL
    note = f"wall time, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    yield Line("two processes over one", tuple(gains), "x", 2, goal=goal, reached=held, note=note)


def _raced(processes: int) -> float:
    """Seconds until the last of them is done, all begun at once when each is ready."""
    run = [sys.executable, __file__, "race"]
    racers = [subprocess.Popen(run, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(processes)]
    try:
        for racer in racers:
            if _line(racer) != "ready":
                msg = f"a process that renders ended with {racer.wait()}"
                raise RuntimeError(msg)
        began = time.perf_counter()
        for racer in racers:
            print("go", file=racer.stdin, flush=True)
        for racer in racers:
            _line(racer)
        return time.perf_counter() - began
    finally:
        for racer in racers:
            racer.kill()
            racer.communicate()


def _line(racer: subprocess.Popen[str]) -> str:
    return racer.stdout.readline().strip() if racer.stdout else ""


def _race() -> None:
    songs = [data for _, data in _songs(2 * QUICK_SPEED_SONGS)]
    for _ in SoundFontSynth(render.find(), RATE).render(songs[:1]):
        pass
    print("ready", flush=True)
    sys.stdin.readline()
    for _ in range(3):
        for _ in SoundFontSynth(render.find(), RATE).render(songs):
            pass
    print("done", flush=True)


def _cold() -> Iterator[Line]:
    """CPU seconds of a process that renders one demo tune, from its start to its end."""
    with tempfile.TemporaryDirectory(prefix="motet-bench-") as compiled:
        kept = {"NUMBA_CACHE_DIR": compiled}
        for label, synth in (("nothing compiled yet", "motet"), ("compiled before", "motet"), ("", TINY), ("", FLUID)):
            began, before = time.perf_counter(), _children()
            _fresh("cold", synth, **kept)
            wall = time.perf_counter() - began
            name = f"cold start, {synth}" + (f", {label}" if label else "")
            yield Line(
                name, (_children() - before,), "s of CPU", 1, note=f"{wall:.1f} s by the clock; one tune, one font of 6 MB"
            )


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _fresh(*arguments: str, **variables: str) -> dict[str, Any]:
    run = [sys.executable, __file__, *arguments]
    done = subprocess.run(run, capture_output=True, text=True, check=False, env={**os.environ, **variables})
    if done.returncode:
        msg = f"bench/synths.py {' '.join(arguments)} ended with {done.returncode}: {done.stderr.strip()[-2000:]}"
        raise RuntimeError(msg)
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def _named(synth: str, font: render.Font) -> render.Synth:
    return SoundFontSynth(font, RATE) if synth == "motet" else render.load(font, RATE, synth=synth)


def _memory() -> Iterator[Line]:
    for font in _fonts(("TimGM6mb", "MuseScore")):
        for synth in ("motet", TINY, FLUID):
            held = float(_fresh("memory", synth, str(font.path))["peak_mb"])
            name = f"memory, {synth}, stems of a song"
            yield Line(name, (held,), "MB", 1, goal="at most 1000", reached=held <= MEMORY_GOAL, note=font.path.stem)
    for seconds in (HOUR, HOUR / 2.1):
        told = _fresh("streamed", str(seconds))
        if "refused" in told:
            print(f"  {seconds:.0f} s are refused: {told['refused']}")
            continue
        held = float(told["peak_mb"])
        note = f"{told['seconds']:.0f} s of {told['parts']} stems and their mix, {told['seconds'] / told['cpu']:.0f} x real time"
        reached = held <= MEMORY_GOAL and seconds == HOUR
        yield Line("memory, motet, streamed", (held,), "MB", 1, goal="an hour in 1000", reached=reached, note=note)
        break


def _song_alone(synth: str, path: str) -> None:
    ((_, data),) = _songs(1)
    for _ in _named(synth, render.find(path)).render(part.midi for part in midi.split(data)):
        pass
    print(json.dumps({"peak_mb": _peak()}))


def _streamed_alone(seconds: float) -> None:
    parts = [part.midi for part in midi.split(_repeated(demo.to_midi(demo.arrange(demo.TUNES[0])), seconds))]
    began, frames = cpu(), 0
    try:
        for tile in SoundFontSynth(render.find(), RATE).stream(parts):
            frames += len(tile.mix)
    except render.RenderError as error:
        print(json.dumps({"refused": str(error)}))
        return
    told = {"seconds": frames / RATE, "parts": len(parts), "cpu": cpu() - began, "peak_mb": _peak()}
    print(json.dumps(told))


def _repeated(data: bytes, seconds: float) -> bytes:
    """A song from its beginning again and again."""
    file = events.parse(data)
    times = int(seconds / midi.read(data).duration)
    length = max(event[0] for track in file.tracks for event in track)
    tracks = []
    for track in file.tracks:
        plain = [event for event in track if event[1:] != (events.META, bytes([events.END_OF_TRACK]))]
        longer = [(tick + n * length, status, told) for n in range(times) for tick, status, told in plain]
        tracks.append([*longer, (times * length, events.META, bytes([events.END_OF_TRACK]))])
    return events.write(events.Events(file.format, file.division, tracks))


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 * 1.048576


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["race"]:
            _race()
        case ["cold", synth]:
            for _ in _named(synth, render.find()).render([demo.to_midi(demo.arrange(demo.TUNES[0]))]):
                print(json.dumps({}))
        case ["memory", synth, path]:
            _song_alone(synth, path)
        case ["streamed", seconds]:
            _streamed_alone(float(seconds))
