"""What a zone of the font becomes when a key is struck: numbers for the kernel."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from motet.render.soundfont import kernel
from motet.render.soundfont.controls import INNER, PITCH_OF, parted, row_of
from motet.render.soundfont.font import SoundFont, Zone
from motet.render.soundfont.generators import LIMITS, Gen, Reading
from motet.render.soundfont.modulators import ABSOLUTE, Palette
from motet.render.soundfont.samples import Wave
from motet.render.soundfont.score import NEVER

__all__ = ["ROW_LIMITS", "Points", "Tone", "Tones", "full_release", "silent_after", "start"]

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]

NO_TIME = -12000.0  # timecents: the standard's least, a millisecond; as a delay it is none: notes begin in time
DELAYS = (Gen.VOLUME_DELAY, Gen.MOD_DELAY, Gen.MOD_LFO_DELAY, Gen.VIB_LFO_DELAY)
RANGES: list[tuple[float, float]] = [(low, high) for low, high in LIMITS.tolist()]
ROW_LIMITS = np.stack([row_of(LIMITS[:, 0][None])[0], row_of(LIMITS[:, 1][None])[0]], axis=1)
ROW_LIMITS[kernel.PITCH] = -30000, 30000  # it holds the key too


@dataclass(frozen=True, eq=False)
class Points:
    """A sample as the kernel reads it: guard points about it, its loop written out behind it."""

    held: Singles
    freed: Singles
    length: int

    @classmethod
    def of(cls, wave: Wave) -> Points:
        body = wave.samples
        before = body[:1] if len(body) else np.zeros(1, np.float32)
        freed = np.concatenate([before, body, np.zeros(kernel.GUARD, np.float32)])
        if wave.mode == 0:
            return cls(freed, freed, len(body))
        start, end = wave.loop
        held = np.concatenate([before, body[:end], np.resize(body[start:end], kernel.GUARD)])
        return cls(held, held if wave.mode == 1 else freed, len(body))


@dataclass(frozen=True, eq=False)
class Tone:
    """A zone struck with a key and a velocity, before what controllers do: tones of one `number` differ in loudness only.

    `constants`, `rows` (1, ROW) and `envelope` are the kernel's; nobody lets the key of `envelope` go. `delay` is in frames,
    `level` is its attenuation (centibels), pan (tenths of a per cent) and tremolo (centibels), `sends` what goes to reverb and
    chorus (tenths of a per cent). After `ends` frames its sample is over (NEVER: it loops). What is rendered hangs on when the
    key is let go unless it is `steady`, or that is after `settled` frames (NEVER: at any time).
    """

    number: int
    points: Points
    constants: Floats
    rows: Floats
    envelope: list[float]
    delay: int
    level: tuple[float, float, float]
    sends: tuple[float, float]
    ends: int
    steady: bool
    settled: int


class Tones:
    """Makes tones from a font's zones, each once. All in plain numbers: a song asks for thousands of them."""

    def __init__(self, font: SoundFont, sample_rate: int, reading: Reading) -> None:
        self._font = font
        self._rate = sample_rate
        self._reading = reading
        self._points: dict[int, Points] = {}
        self._numbers: dict[tuple[object, ...], int] = {}
        self._zones: dict[int, _Zone] = {}  # by the identity of a zone, which the font keeps
        self._tones: dict[tuple[int, int, int, bytes], Tone] = {}

    def tone(self, zone: Zone, key: int, velocity: int, moved: Floats | None = None) -> Tone:
        """`moved` (COUNT,) is what controllers add to generators that count from the onset."""
        told = (id(zone), key, velocity, b"" if moved is None else moved.tobytes())
        found = self._tones.get(told)
        if found is None:
            found = self._tones[told] = self._made(zone, key, velocity, moved)
        return found

    def _made(self, zone: Zone, key: int, velocity: int, moved: Floats | None) -> Tone:
        known = self._zones.get(id(zone))
        if known is None:
            known = self._zones[id(zone)] = _Zone.of(zone)
        wave = self._font.wave(zone.wave)
        points = self._points.get(zone.wave)
        if points is None:
            points = self._points[zone.wave] = Points.of(wave)
        given = known.generators.copy()
        key = int(given[Gen.KEY]) if 0 <= given[Gen.KEY] <= 127 else key  # 8.1.2, 46 and 47: the font insists on one
        velocity = int(given[Gen.VELOCITY]) if 0 <= given[Gen.VELOCITY] <= 127 else velocity
        for destination, by_key, by_velocity, absolute in known.offsets:
            offset = by_key[key] * by_velocity[velocity]
            given[destination] += abs(offset) if absolute else offset
        if moved is not None:
            given = [one + other for one, other in zip(given, moved.tolist(), strict=True)]
        level = given[Gen.ATTENUATION], given[Gen.PAN], given[Gen.MOD_LFO_TO_VOLUME]
        sends = given[Gen.REVERB], given[Gen.CHORUS]
        generators = [low if one < low else high if one > high else one for one, (low, high) in zip(given, RANGES, strict=True)]
        constants, envelope, delay = self._constants(generators, key, points, wave)
        scale = generators[Gen.SCALE_TUNING]
        root = int(generators[Gen.ROOT_KEY]) if generators[Gen.ROOT_KEY] >= 0 else wave.root
        correction = wave.correction * (scale / 100 if self._reading.correction_scaled else 1)
        row = [0.0] * kernel.ROW
        row[kernel.PITCH] = correction + scale * (key - root) + 1200 * math.log2(wave.rate / self._rate)
        for generator, cents in PITCH_OF:
            row[kernel.PITCH] += cents * generators[generator]
        for column, generator in INNER:
            row[column] = generators[generator]
        about = (zone.wave, *constants, *row)
        return Tone(
            number=self._numbers.setdefault(about, len(self._numbers)),
            points=points,
            constants=np.array(constants),
            rows=np.array([row]),
            envelope=envelope,
            delay=delay,
            level=level,  # clipped when all that acts on it is known
            sends=sends,
            ends=_end(constants, row),
            steady=wave.mode != 3 and row[kernel.MOD_ENV_PITCH] == row[kernel.MOD_ENV_CUTOFF] == 0,
            settled=_settled(constants),
        )

    def _constants(self, generators: list[float], key: int, points: Points, wave: Wave) -> tuple[list[float], list[float], int]:
        """The kernel's constants and envelope, and the frames by which the voice begins after the key was struck."""
        rate = self._rate

        def frames(generator: Gen, scaled_by: Gen | None = None) -> float:
            timecents = generators[generator]
            if timecents <= NO_TIME and generator in DELAYS:
                return 0.0
            if scaled_by is not None:
                timecents += generators[scaled_by] * (60 - key)  # 8.1.2, 31, 32, 39, 40
            return math.exp2(timecents / 1200) * rate

        delay = round(frames(Gen.VOLUME_DELAY))
        constants = [0.0] * kernel.CONSTANTS
        constants[kernel.LENGTH] = points.length
        constants[kernel.LOOP_START], constants[kernel.LOOP_END] = wave.loop
        constants[kernel.MODE] = wave.mode
        constants[kernel.RATE] = rate
        constants[kernel.PEAK] = self._reading.resonance_peaks
        # These began with the key, not with the sound.
        constants[kernel.MOD_DELAY] = frames(Gen.MOD_DELAY) - delay
        constants[kernel.MOD_ATTACK] = frames(Gen.MOD_ATTACK)
        constants[kernel.MOD_HOLD] = frames(Gen.MOD_HOLD, Gen.KEY_TO_MOD_HOLD)
        constants[kernel.MOD_DECAY] = max(frames(Gen.MOD_DECAY, Gen.KEY_TO_MOD_DECAY), 1.0)
        constants[kernel.MOD_SUSTAIN] = 1 - generators[Gen.MOD_SUSTAIN] / 1000
        constants[kernel.MOD_RELEASE] = max(frames(Gen.MOD_RELEASE), 1.0)
        constants[kernel.MOD_LFO_DELAY] = frames(Gen.MOD_LFO_DELAY) - delay
        constants[kernel.VIB_LFO_DELAY] = frames(Gen.VIB_LFO_DELAY) - delay
        envelope = [0.0] * kernel.ENVELOPE
        envelope[kernel.ATTACK] = frames(Gen.VOLUME_ATTACK)
        envelope[kernel.HOLD] = frames(Gen.VOLUME_HOLD, Gen.KEY_TO_VOLUME_HOLD)
        envelope[kernel.DECAY] = max(frames(Gen.VOLUME_DECAY, Gen.KEY_TO_VOLUME_DECAY), 1.0)
        envelope[kernel.SUSTAIN] = generators[Gen.VOLUME_SUSTAIN] * self._reading.full_scale / 1000
        envelope[kernel.FULL_SCALE] = self._reading.full_scale
        envelope[kernel.RELEASE] = full_release(max(generators[Gen.VOLUME_RELEASE], self._reading.shortest_release), rate)
        envelope[kernel.LET_GO] = envelope[kernel.HURRIED] = NEVER
        envelope[kernel.HURRY] = 1.0
        envelope[kernel.TREMOLO_DELAY] = constants[kernel.MOD_LFO_DELAY]
        envelope[kernel.TREMOLO_RATE] = kernel.FREQUENCY_OF_0 * math.exp2(generators[Gen.MOD_LFO_FREQUENCY] / 1200) / rate
        envelope[kernel.LOUDEST] = self._reading.tremolo_above
        return constants, envelope, delay


@dataclass(frozen=True, eq=False)
class _Zone:
    """A zone's generators, and what its modulators add that hang on key and velocity alone: amounts by key times by velocity."""

    generators: list[float]
    offsets: list[tuple[int, list[float], list[float], bool]]

    @classmethod
    def of(cls, zone: Zone) -> _Zone:
        every = np.arange(128.0)
        offsets = []
        for modulator in parted(zone.modulators)[0]:
            by_key, by_velocity = np.full(128, float(modulator.amount)), np.ones(128)
            for source in (modulator.source, modulator.amount_source):
                if source.number == Palette.KEY:
                    by_key = by_key * source.shaped(every)
                else:  # no controller is 1
                    by_velocity = by_velocity * source.shaped(every)
            offsets.append((modulator.destination, by_key.tolist(), by_velocity.tolist(), modulator.transform == ABSOLUTE))
        return cls(zone.generators.tolist(), offsets)


def start(constants: Floats, row: Floats) -> Floats:
    """The state in which a voice begins."""
    state = np.zeros(kernel.STATE + 2 * kernel.PAST)
    state[kernel.OFF_MOD] = -1
    state[kernel.AT_CUTOFF] = -1e10
    for phase, delay, rate in (
        (kernel.MOD_PHASE, kernel.MOD_LFO_DELAY, kernel.MOD_LFO_RATE),
        (kernel.VIB_PHASE, kernel.VIB_LFO_DELAY, kernel.VIB_LFO_RATE),
    ):
        before = max(0.0, -constants[delay])
        state[phase] = before * kernel.FREQUENCY_OF_0 * 2 ** (row[rate] / 1200) / constants[kernel.RATE]
    return state


def full_release(timecents: float, sample_rate: int) -> float:
    """Frames in which a release goes down the whole scale (8.1.2, 38); a block at least, or it would be heard as a click."""
    return float(max(2.0 ** (timecents / 1200) * sample_rate, kernel.BLOCK))


def silent_after(envelope: list[float], floor: float) -> int:
    """The frame from which on a voice is `floor` centibels or more under its peak, NEVER if it stays above (`kernel.level`)."""
    attack, hold, decay, sustain, full, let_go, release, hurried, hurry = envelope[:9]
    if sustain >= floor:
        faded = attack + hold + decay * floor / full
        if faded <= let_go:
            return math.ceil(faded)
    if let_go >= NEVER:
        return NEVER
    if let_go < attack:
        left = floor + 200 * math.log10(max(let_go / attack, 1e-10))
    else:
        left = floor - min(sustain, full * max(0.0, let_go - attack - hold) / decay)
    if left <= 0:
        return math.ceil(let_go)
    slow = left * release / full
    if let_go + slow <= hurried:
        return math.ceil(let_go + slow)
    return math.ceil(hurried + (left - full * (hurried - let_go) / release) * hurry / full)


def _settled(constants: list[float]) -> int:
    """Frames after which a modulation envelope is at nought for good."""
    if constants[kernel.MOD_SUSTAIN] > 0 or constants[kernel.MODE] == 3:
        return NEVER
    return math.ceil(sum(constants[one] for one in (kernel.MOD_DELAY, kernel.MOD_ATTACK, kernel.MOD_HOLD, kernel.MOD_DECAY)))


def _end(constants: list[float], row: list[float]) -> int:
    """Frames after which the sample is over at the latest."""
    if constants[kernel.MODE] in (1, 3):
        return NEVER
    lowest = row[kernel.PITCH] - abs(row[kernel.MOD_LFO_PITCH]) - abs(row[kernel.VIB_LFO_PITCH]) - abs(row[kernel.MOD_ENV_PITCH])
    return min(NEVER, math.ceil(constants[kernel.LENGTH] / math.exp2(lowest / 1200)) + kernel.BLOCK)
