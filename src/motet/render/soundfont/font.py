"""A SoundFont as a synth asks for it: which zones sound for a key and a velocity, and with what (SoundFont 2.04, 7 and 9)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from motet.render.errors import FontError
from motet.render.fonts import Contents, contents, whole
from motet.render.soundfont.generators import AS_PLAYED, DEFAULTS, Gen, Reading
from motet.render.soundfont.modulators import DEFAULT_MODULATORS, VELOCITY_TO_FILTER, Chain, Identity, Modulator, joined, written
from motet.render.soundfont.samples import Cut, Samples, Wave

__all__ = ["SoundFont", "Zone"]

# No honest font comes near these; without them a small file could ask for any amount of work.
MOST_PAIRS = 2**19  # of presets' zones with their instruments' zones
MOST_SOUNDING = 256  # zones for one key and velocity
MOST_MODULATORS = 1024  # in one zone
MOST_JOINED = 2**19  # modulators of an instrument's zones and a preset's, all told

KNOWN = frozenset(int(gen) for gen in Gen)
NOT_IN_PRESETS = frozenset(  # sections 8.1.2 and 8.5: what an instrument alone decides
    [
        *(Gen.START_OFFSET, Gen.END_OFFSET, Gen.LOOP_START_OFFSET, Gen.LOOP_END_OFFSET),
        *(Gen.START_COARSE, Gen.END_COARSE, Gen.LOOP_START_COARSE, Gen.LOOP_END_COARSE),
        *(Gen.KEY, Gen.VELOCITY, Gen.SAMPLE_MODES, Gen.EXCLUSIVE_CLASS, Gen.ROOT_KEY),
    ]
)
REFERENCES = frozenset([Gen.INSTRUMENT, Gen.SAMPLE, Gen.KEY_RANGE, Gen.VELOCITY_RANGE])
MIDI_NUMBERS = (Gen.KEY, Gen.VELOCITY, Gen.ROOT_KEY)  # -1 is none, and so is what is no key or velocity
COARSE = 32768  # frames that a coarse offset counts
ALL = (0, 127)


@dataclass(frozen=True, eq=False)
class Zone:
    """An instrument's zone as a preset plays it.

    `keys` and `velocities` are the ranges of both, their ends included. `generators` are what the instrument says, or the
    default, and what the preset adds; not clipped, the attenuation as the font's reading counts it. `modulators` are in an order
    in which links lead forward, those that never move anything left out. `wave` is a number for `SoundFont.wave`.
    """

    keys: tuple[int, int]
    velocities: tuple[int, int]
    generators: npt.NDArray[np.float64]
    modulators: tuple[Modulator, ...]
    wave: int


@dataclass(frozen=True, eq=False)
class _Layer:
    """A zone of a preset or an instrument as the file has it; the global zone's values are in it where it has none."""

    target: int  # an instrument or a sample
    keys: tuple[int, int]
    velocities: tuple[int, int]
    values: dict[int, int]
    modulators: tuple[dict[Identity, Chain], ...]  # the global zone's and its own


@dataclass(frozen=True, eq=False)
class _Preset:
    """All pairs of a preset's zones with the zones of their instruments, and where they sound."""

    pairs: list[tuple[_Layer, _Layer]]
    ranges: npt.NDArray[np.int16]  # (pairs, 4): lowest and highest key, lowest and highest velocity
    zones: dict[int, Zone]  # by pair, as they are needed


class SoundFont:
    """A font in memory: small tables, and samples and zones that are made when first asked for and then kept."""

    def __init__(self, data: bytes, called: str, reading: Reading = AS_PLAYED) -> None:
        """See `read`; `called` names the font in errors."""
        held = contents(data, called)
        _check_modulators(held, called)
        self._called = called
        self._reading = reading
        self._tables = held.tables
        self._samples = Samples(data, held, called)
        heads = held.tables["phdr"][:-1]
        self._numbers: dict[tuple[int, int], int] = {}
        for number, place in enumerate(zip(heads["bank"].tolist(), heads["program"].tolist(), strict=True)):
            self._numbers.setdefault(place, number)  # of two with one number the first plays
        self._defaults = tuple(one for one in DEFAULT_MODULATORS if reading.velocity_filters or one != VELOCITY_TO_FILTER)
        self._presets: dict[int, _Preset] = {}
        self._instruments: dict[int, list[_Layer]] = {}
        self._pairs = self._joined = 0
        self._moving: dict[tuple[int, int], tuple[Modulator, ...]] = {}
        self._sounding = lru_cache(maxsize=2**14)(self._find)
        self._cuts: dict[Cut, int] = {}
        self._waves: dict[int, Wave] = {}
        self._by_number: list[Cut] = []

    @classmethod
    def read(cls, path: Path, reading: Reading = AS_PLAYED) -> SoundFont:
        """The font in a file.

        Raises FontError: `missing`, `unreadable`, `not_a_soundfont`, `truncated`, `damaged`. What is asked for later raises
        `damaged` too: compressed samples that cannot be decoded, and presets of more zones than any synth plays.
        """
        return cls(whole(path), str(path), reading)

    def has(self, bank: int, program: int) -> bool:
        """Whether the font has this preset; kits of drums are in bank 128."""
        return (bank, program) in self._numbers

    def zones(self, bank: int, program: int, key: int, velocity: int) -> tuple[Zone, ...]:
        """The zones that sound, in the file's order; none without that preset. Raises FontError `damaged`."""
        number = self._numbers.get((bank, program))
        return () if number is None else self._sounding(number, key, velocity)

    def wave(self, number: int) -> Wave:
        """The sample of a zone, decoded when first asked for, then kept. Raises FontError `damaged`."""
        found = self._waves.get(number)
        if found is None:
            found = self._waves[number] = self._samples.wave(self._by_number[number])
        return found

    def _find(self, number: int, key: int, velocity: int) -> tuple[Zone, ...]:
        preset = self._presets.get(number)
        if preset is None:
            preset = self._presets[number] = self._paired(number)
        low_key, high_key, softest, loudest = preset.ranges.T
        hit = (low_key <= key) & (key <= high_key) & (softest <= velocity) & (velocity <= loudest)
        pairs = np.flatnonzero(hit).tolist()
        if len(pairs) > MOST_SOUNDING:
            raise FontError("damaged", f"{self._called} plays {len(pairs):,} zones for one note: {MOST_SOUNDING} are the most")
        for pair in pairs:
            if pair not in preset.zones:
                preset.zones[pair] = self._zone(*preset.pairs[pair])
        return tuple(preset.zones[pair] for pair in pairs)

    def _paired(self, number: int) -> _Preset:
        pairs = []
        for outer in _layers(self._tables, number, "p", Gen.INSTRUMENT):
            if outer.target not in self._instruments:
                inner = _layers(self._tables, outer.target, "i", Gen.SAMPLE)
                self._instruments[outer.target] = [layer for layer in inner if self._samples.sounds(_cut(layer))]
            pairs += [(outer, inner) for inner in self._instruments[outer.target]]
            if self._pairs + len(pairs) > MOST_PAIRS:
                raise FontError("damaged", f"{self._called} has presets of more than {MOST_PAIRS:,} zones")
        self._pairs += len(pairs)
        ranges = [(*_both(one.keys, other.keys), *_both(one.velocities, other.velocities)) for one, other in pairs]
        return _Preset(pairs, np.array(ranges, np.int16).reshape(-1, 4), {})

    def _zone(self, outer: _Layer, inner: _Layer) -> Zone:
        generators = DEFAULTS.astype(np.float64)
        for kind, value in inner.values.items():
            generators[kind] = value
        for kind, value in outer.values.items():
            generators[kind] += value
        generators[Gen.ATTENUATION] *= self._reading.attenuation
        generators.flags.writeable = False
        cut = _cut(inner)
        if cut not in self._cuts:
            self._cuts[cut] = len(self._by_number)
            self._by_number.append(cut)
        return Zone(
            keys=_both(outer.keys, inner.keys),
            velocities=_both(outer.velocities, inner.velocities),
            generators=generators,
            modulators=self._moved(outer, inner),
            wave=self._cuts[cut],
        )

    def _moved(self, outer: _Layer, inner: _Layer) -> tuple[Modulator, ...]:
        both = id(outer.modulators), id(inner.modulators)  # of layers that are kept; most share their global zone's or have none
        found = self._moving.get(both)
        if found is None:
            self._joined += sum(len(chain) for zone in outer.modulators + inner.modulators for chain in zone.values())
            if self._joined > MOST_JOINED:
                raise FontError("damaged", f"{self._called} plays more than {MOST_JOINED:,} modulators")
            found = self._moving[both] = joined(self._defaults, inner.modulators, outer.modulators)
        return found


def _check_modulators(held: Contents, called: str) -> None:
    """Raises FontError `damaged`: indices that lead nowhere make a font defective (7.3, 7.7)."""
    for bags, records in (("pbag", "pmod"), ("ibag", "imod")):
        index = held.tables[bags]["modulator"].astype(np.int64)
        if (np.diff(index) < 0).any() or index[-1] > len(held.tables[records]):
            raise FontError("damaged", f"{called}: its table {bags!r} points outside {records!r}")
        if (np.diff(index) > MOST_MODULATORS).any():
            raise FontError("damaged", f"{called} has a zone of more than {MOST_MODULATORS:,} modulators")


def _layers(tables: dict[str, npt.NDArray[np.void]], number: int, kind: str, terminal: Gen) -> Iterator[_Layer]:
    """The zones of a preset ("p") or an instrument ("i"); of those that lead nowhere the first counts, for all (7.3, 7.7)."""
    heads, bags = tables["phdr" if kind == "p" else "inst"], tables[f"{kind}bag"]
    first, last = int(heads["bag"][number]), int(heads["bag"][number + 1])
    shared = _Layer(-1, ALL, ALL, {}, ())
    for bag in range(first, last):
        (start, start_moving), (end, end_moving) = bags[bag].tolist(), bags[bag + 1].tolist()
        values, ranges, target = _values(tables[f"{kind}gen"][start:end], terminal)
        moving = written(tables[f"{kind}mod"][start_moving:end_moving]) if end_moving > start_moving else {}
        layer = _Layer(
            -1 if target is None else target,
            ranges.get(Gen.KEY_RANGE, shared.keys),
            ranges.get(Gen.VELOCITY_RANGE, shared.velocities),
            {**shared.values, **values},
            (*shared.modulators, moving) if moving else shared.modulators,
        )
        if target is not None:
            yield layer
        elif bag == first:
            shared = layer


def _values(records: npt.NDArray[np.void], terminal: Gen) -> tuple[dict[int, int], dict[int, tuple[int, int]], int | None]:
    """A zone's values, its ranges, and the instrument or sample it plays.

    A key range counts only as the first of all, a velocity range only with nothing but a key range before it, and nothing after
    the instrument or sample (7.5, 7.9; 8.1.2, 43 and 44). Of two values of one generator the last counts.
    """
    values: dict[int, int] = {}
    ranges: dict[int, tuple[int, int]] = {}
    for at, (kind, amount) in enumerate(records.tolist()):
        if kind == terminal:
            return values, ranges, amount & 0xFFFF
        if (kind == Gen.KEY_RANGE and at == 0) or (kind == Gen.VELOCITY_RANGE and at == len(ranges)):
            ranges[kind] = amount & 0xFF, amount >> 8 & 0xFF
        elif kind in KNOWN and kind not in REFERENCES and not (terminal == Gen.INSTRUMENT and kind in NOT_IN_PRESETS):
            values[kind] = -1 if kind in MIDI_NUMBERS and amount not in range(128) else amount
    return values, ranges, None


def _both(one: tuple[int, int], other: tuple[int, int]) -> tuple[int, int]:
    return max(one[0], other[0]), min(one[1], other[1])


def _cut(layer: _Layer) -> Cut:
    def frames(fine: Gen, coarse: Gen) -> int:
        return layer.values.get(fine, 0) + COARSE * layer.values.get(coarse, 0)

    return Cut(
        layer.target,
        frames(Gen.START_OFFSET, Gen.START_COARSE),
        frames(Gen.END_OFFSET, Gen.END_COARSE),
        frames(Gen.LOOP_START_OFFSET, Gen.LOOP_START_COARSE),
        frames(Gen.LOOP_END_OFFSET, Gen.LOOP_END_COARSE),
        layer.values.get(Gen.SAMPLE_MODES, 0) & 3,
    )
