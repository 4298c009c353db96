"""Small SoundFonts, written from a description: a preset of zones that play instruments, of zones that play samples.

    Font([Sample(steady())], [Instrument([zone(0, sample_modes=1)])]).bytes()

What a description leaves out is what the standard calls its default. Paragraphs are those of the SoundFont standard, 2.04.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import soundfile

Wave = npt.NDArray[np.float64]
Raw = bytes  # within Font the name is its method's

RATE = 44100
LEFT, RIGHT, MONO = 4, 2, 1  # kinds of sample (7.10)
VORBIS = 0x10
SPACING = 46  # frames of silence after each sample (6.1)

GENERATORS = {  # 8.1.2; the numbers are written out once more than in the program, so that a slip shows
    "start_offset": 0,
    "end_offset": 1,
    "loop_start_offset": 2,
    "loop_end_offset": 3,
    "start_coarse": 4,
    "mod_lfo_to_pitch": 5,
    "vib_lfo_to_pitch": 6,
    "mod_env_to_pitch": 7,
    "filter_cutoff": 8,
    "filter_q": 9,
    "mod_lfo_to_filter": 10,
    "mod_env_to_filter": 11,
    "end_coarse": 12,
    "mod_lfo_to_volume": 13,
    "chorus": 15,
    "reverb": 16,
    "pan": 17,
    "mod_lfo_delay": 21,
    "mod_lfo_frequency": 22,
    "vib_lfo_delay": 23,
    "vib_lfo_frequency": 24,
    "mod_delay": 25,
    "mod_attack": 26,
    "mod_hold": 27,
    "mod_decay": 28,
    "mod_sustain": 29,
    "mod_release": 30,
    "key_to_mod_hold": 31,
    "key_to_mod_decay": 32,
    "volume_delay": 33,
    "volume_attack": 34,
    "volume_hold": 35,
    "volume_decay": 36,
    "volume_sustain": 37,
    "volume_release": 38,
    "key_to_volume_hold": 39,
    "key_to_volume_decay": 40,
    "instrument": 41,
    "key_range": 43,
    "velocity_range": 44,
    "loop_start_coarse": 45,
    "key": 46,
    "velocity": 47,
    "attenuation": 48,
    "loop_end_coarse": 50,
    "coarse_tune": 51,
    "fine_tune": 52,
    "sample": 53,
    "sample_modes": 54,
    "scale_tuning": 56,
    "exclusive_class": 57,
    "root_key": 58,
}

Curve = Literal["linear", "concave", "convex", "switch"]
CURVES: tuple[Curve, ...] = ("linear", "concave", "convex", "switch")
NONE, VELOCITY, KEY, KEY_PRESSURE, CHANNEL_PRESSURE, WHEEL, WHEEL_RANGE, LINK = 0, 2, 3, 10, 13, 14, 16, 127  # 8.2.1


def source(palette: int = NONE, curve: Curve = "linear", *, bipolar: bool = False, falling: bool = False) -> int:
    """A source enumerator (8.2) of the general palette."""
    return palette | falling << 8 | bipolar << 9 | CURVES.index(curve) << 10


def controller(number: int, curve: Curve = "linear", *, bipolar: bool = False, falling: bool = False) -> int:
    """A source enumerator (8.2) of a MIDI controller."""
    return source(number, curve, bipolar=bipolar, falling=falling) | 0x80


@dataclass(frozen=True)
class Modulator:
    """As the file holds it (7.4): `to` is the name of a generator, or the number of a modulator of this zone that it feeds."""

    source: int
    to: str | int
    amount: int
    amount_source: int = 0
    transform: int = 0

    def record(self) -> bytes:
        destination = GENERATORS[self.to] if isinstance(self.to, str) else 0x8000 | self.to
        return struct.pack("<HHhHH", self.source, destination, self.amount, self.amount_source, self.transform)


@dataclass(frozen=True)
class Zone:
    """A zone that plays the sample or instrument of that number; None for a global zone."""

    plays: int | None
    generators: tuple[tuple[str, int], ...] = ()
    modulators: Sequence[Modulator] = ()
    keys: tuple[int, int] | None = None
    velocities: tuple[int, int] | None = None

    def records(self, terminal: str) -> list[bytes]:
        """The generators in the order that 8.1.2 asks for: ranges first, what is played last."""
        ranges = [("key_range", self.keys), ("velocity_range", self.velocities)]
        made = [struct.pack("<HBB", GENERATORS[name], *span) for name, span in ranges if span]
        made += [struct.pack("<Hh", GENERATORS[name], amount) for name, amount in self.generators]
        if self.plays is not None:
            made.append(struct.pack("<HH", GENERATORS[terminal], self.plays))
        return made


def zone(
    plays: int | None,
    /,
    *modulators: Modulator,
    keys: tuple[int, int] | None = None,
    velocities: tuple[int, int] | None = None,
    **generators: int,
) -> Zone:
    """A zone with the generators named, in their own units (8.1.3)."""
    return Zone(plays, tuple(generators.items()), modulators, keys, velocities)


@dataclass(frozen=True, eq=False)
class Sample:
    """A wave of full scale 1.0; `loop` is [start, end) in its frames."""

    wave: Wave
    loop: tuple[int, int] = (0, 0)
    rate: int = RATE
    root: int = 60
    correction: int = 0  # cents
    kind: int = MONO
    link: int = 0  # number of the other half of a stereo pair


@dataclass(frozen=True)
class Instrument:
    zones: Sequence[Zone]


@dataclass(frozen=True)
class Preset:
    zones: Sequence[Zone] = field(default_factory=lambda: [zone(0)])
    program: int = 0
    bank: int = 0


@dataclass(frozen=True)
class Font:
    """A whole font. `bits` are 16 or 24 (6.1, `sm24`); `vorbis` compresses its samples as .sf3 files do."""

    samples: Sequence[Sample]
    instruments: Sequence[Instrument]
    presets: Sequence[Preset] = field(default_factory=lambda: [Preset()])
    bits: int = 16
    vorbis: bool = False

    def bytes(self) -> Raw:
        sdta, headers = self._vorbis() if self.vorbis else self._plain()
        version = struct.pack("<HH", 3 if self.vorbis else 2, 1 if self.vorbis else 4)
        info = _chunk(b"ifil", version) + _chunk(b"isng", b"EMU8000\0") + _chunk(b"INAM", b"Made up\0")
        hydra = self._presets() + self._instruments() + _chunk(b"shdr", headers + struct.pack("<46s", b"EOS"))
        lists = [_chunk(b"LIST", b"INFO" + info), _chunk(b"LIST", b"sdta" + sdta), _chunk(b"LIST", b"pdta" + hydra)]
        return _chunk(b"RIFF", b"sfbk" + b"".join(lists))

    def write(self, path: Path) -> Path:
        path.write_bytes(self.bytes())
        return path

    def _plain(self) -> tuple[Raw, Raw]:
        top = 1 << self.bits - 1
        words, headers, at = [], b"", 0
        for sample in self.samples:
            whole = np.clip(np.rint(sample.wave * top), -top, top - 1).astype(np.int32)
            headers += _header(sample, at, len(whole), at)
            words.append(np.concatenate([whole, np.zeros(SPACING, np.int32)]))
            at += len(whole) + SPACING
        every = np.concatenate(words)
        if self.bits == 16:
            return _chunk(b"smpl", every.astype("<i2").tobytes()), headers
        low = _chunk(b"sm24", (every & 0xFF).astype(np.uint8).tobytes())
        return _chunk(b"smpl", (every >> 8).astype("<i2").tobytes()) + low, headers

    def _vorbis(self) -> tuple[Raw, Raw]:
        """Start and end count bytes, loop points frames of the sample as it is decoded."""
        data, headers = b"", b""
        for sample in self.samples:
            ogg = packed(sample)
            headers += _header(sample, len(data), len(ogg), 0, VORBIS)
            data += ogg
        return _chunk(b"smpl", data), headers

    def _presets(self) -> Raw:
        heads, at = b"", 0
        for number, preset in enumerate(self.presets):
            heads += struct.pack("<20sHHHIII", f"Preset {number}".encode(), preset.program, preset.bank, at, 0, 0, 0)
            at += len(preset.zones)
        heads += struct.pack("<20sHHHIII", b"EOP", 0, 0, at, 0, 0, 0)
        return _chunk(b"phdr", heads) + _zones(b"p", "instrument", [one for preset in self.presets for one in preset.zones])

    def _instruments(self) -> Raw:
        heads, at = b"", 0
        for number, instrument in enumerate(self.instruments):
            heads += struct.pack("<20sH", f"Instrument {number}".encode(), at)
            at += len(instrument.zones)
        heads += struct.pack("<20sH", b"EOI", at)
        return _chunk(b"inst", heads) + _zones(b"i", "sample", [one for made in self.instruments for one in made.zones])


def packed(sample: Sample) -> bytes:
    """An Ogg file with the sample in Vorbis, as good as it gets."""
    file = BytesIO()
    soundfile.write(file, sample.wave, sample.rate, format="OGG", subtype="VORBIS", compression_level=0.0)
    return file.getvalue()


def _chunk(tag: bytes, data: bytes) -> bytes:
    return tag + struct.pack("<I", len(data)) + data + b"\0" * (len(data) & 1)


def _header(sample: Sample, start: int, length: int, loops_from: int, kind: int = 0) -> bytes:
    span = (start, start + length, loops_from + sample.loop[0], loops_from + sample.loop[1])
    about = (sample.rate, sample.root, sample.correction, sample.link, sample.kind | kind)
    return struct.pack("<20sIIIIIBbHH", b"Sample", *span, *about)


def _zones(letter: bytes, terminal: str, zones: Sequence[Zone]) -> bytes:
    """The tables of bags, modulators and generators (7.3 to 7.5, 7.7 to 7.9)."""
    bags = b""
    modulators: list[bytes] = []
    generators: list[bytes] = []
    for one in zones:
        bags += struct.pack("<HH", len(generators), len(modulators))
        generators += one.records(terminal)
        modulators += [modulator.record() for modulator in one.modulators]
    bags += struct.pack("<HH", len(generators), len(modulators))
    return (
        _chunk(letter + b"bag", bags)
        + _chunk(letter + b"mod", b"".join(modulators) + bytes(10))
        + _chunk(letter + b"gen", b"".join(generators) + bytes(4))
    )


# --- waves whose sound tells what was done to them ---


def steady(level: float = 0.5, frames: int = 256) -> Wave:
    """A constant: looped, it sounds as loud as it is played, and its sound is the gain over time."""
    return np.full(frames, level)


def ramp(frames: int = 60000) -> Wave:
    """Rises by 2^-15 a frame from `-frames / 2`: what sounds tells which frame of it is played."""
    return (np.arange(frames) - frames // 2) / 32768


def click(at: int = 512, frames: int = 16384) -> Wave:
    """One frame of full scale: its sound is the impulse response of the filter."""
    wave = np.zeros(frames)
    wave[at] = 32767 / 32768
    return wave


def noise(frames: int, seed: int = 1) -> Wave:
    """No two stretches are alike: what sounds tells where in it they come from."""
    return np.random.default_rng(seed).integers(-16384, 16384, frames) / 32768


def one(sample: Sample, /, *modulators: Modulator, bits: int = 16, **generators: int) -> Font:
    """A font of one sample in one zone."""
    return Font([sample], [Instrument([Zone(0, tuple(generators.items()), modulators)])], bits=bits)
