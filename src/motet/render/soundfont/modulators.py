"""What moves a generator while a note sounds: modulators (SoundFont 2.04, sections 7.4, 8.2 to 8.4 and 9.5)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import IntEnum
from functools import cache
from itertools import chain

import numpy as np
import numpy.typing as npt

from motet.render.soundfont.generators import Gen

__all__ = ["DEFAULT_MODULATORS", "VELOCITY_TO_FILTER", "Modulator", "Palette", "Source", "joined", "source", "written"]

FloatArray = npt.NDArray[np.float64]


class Palette(IntEnum):
    """The standard's general controllers (8.2.1)."""

    NONE = 0
    VELOCITY = 2
    KEY = 3
    KEY_PRESSURE = 10
    CHANNEL_PRESSURE = 13
    WHEEL = 14
    WHEEL_RANGE = 16
    LINK = 127


PALETTE = frozenset(int(number) for number in Palette)
LINEAR, CONCAVE, CONVEX, SWITCH = range(4)  # curves (8.2.4)
AS_IS, ABSOLUTE = 0, 2  # transforms (8.3)
WHEEL_STEPS = 16384
CENTRED = (8, 10)  # balance and pan: 64 is the middle, and 0 is as far left as 1 (MIDI RP-036)
DECADES = 2.4  # tenfolds of amplitude that a concave curve spans: 96 dB, of (v / 127) squared
# Bank, data entry, the second halves of others, parameter numbers and channel modes tell a synth what to do (8.2.1).
NOT_CONTINUOUS = frozenset([0, 6, *range(32, 64), *range(98, 102), *range(120, 128)])
FIXED = frozenset(
    [
        Gen.INSTRUMENT,
        Gen.KEY_RANGE,
        Gen.VELOCITY_RANGE,
        Gen.KEY,
        Gen.VELOCITY,
        Gen.SAMPLE,
        Gen.SAMPLE_MODES,
        Gen.EXCLUSIVE_CLASS,
        Gen.ROOT_KEY,
    ]
)
DESTINATIONS = frozenset(int(gen) for gen in Gen) - FIXED
LINKED = 0x8000  # the bit of a destination that names a modulator


@dataclass(frozen=True)
class Source:
    """One source of a modulator, taken apart (8.2).

    `number` is a MIDI controller if `controller`, else one of `Palette`; `curve` is 0 linear, 1 concave, 2 convex, 3 switch.
    """

    controller: bool
    number: int
    bipolar: bool
    falling: bool
    curve: int

    def shaped(self, raw: FloatArray) -> FloatArray:
        """Values of 0 to 127, of the wheel 0 to 16383, as -1 to 1 (bipolar) or 0 to 1; what is beyond counts as the last.

        No controller is 1 (8.2.1). How far the sum that a link brings goes is not written: here as far as any controller. The
        curves are those that all players share: concave is -20 / 96 × log10((1 - x)²) for x from 0 to 1, so that 960 cB by
        velocity is a gain of (velocity / 127)².
        """
        raw = np.asarray(raw, np.float64)
        if not self.controller and self.number == Palette.NONE:
            return np.ones_like(raw)
        steps = WHEEL_STEPS if not self.controller and self.number == Palette.WHEEL else 128
        if self.curve == SWITCH:  # at half of the steps, whichever way it goes
            on = (raw >= steps / 2) != self.falling
            return np.where(on, 1.0, -1.0 if self.bipolar else 0.0)
        lowest, span = (1, 126) if self.controller and self.number in CENTRED else (0, 127)
        if steps == WHEEL_STEPS:
            span = WHEEL_STEPS  # so that 8192 is the middle
        part = np.clip((raw - lowest) / span, 0.0, 1.0)
        if self.falling:
            part = 1 - part
        if not self.bipolar:
            return _curved(part, self.curve)
        part = 2 * part - 1
        return np.copysign(_curved(np.abs(part), self.curve), part)


def _curved(part: FloatArray, curve: int) -> FloatArray:
    """0 to 1 as 0 to 1 (8.2.4)."""
    if curve == CONCAVE:
        return _concave(part)
    return 1 - _concave(1 - part) if curve == CONVEX else part


def _concave(part: FloatArray) -> FloatArray:
    return np.minimum(1.0, -np.log10(np.maximum(1 - part, 10**-DECADES)) / DECADES)


@dataclass(frozen=True)
class Modulator:
    """`amount` × source × amount source, its absolute value if `transform` is 2, added to the generator `destination` (9.5).

    If `link` is a number, it feeds the modulator of that number in place of a generator, and `destination` is -1.
    """

    source: Source
    destination: int
    amount: int
    amount_source: Source
    transform: int = AS_IS
    link: int | None = None


@cache
def source(bits: int) -> Source | None:
    """The source that 16 bits of a file describe, or None if the standard knows none such (8.2)."""
    controller, number, curve = bool(bits & 0x80), bits & 0x7F, bits >> 10
    known = number not in NOT_CONTINUOUS if controller else number in PALETTE
    if not known or curve > SWITCH:
        return None
    return Source(controller, number, bool(bits & 0x200), bool(bits & 0x100), curve)


NOTHING = Source(False, Palette.NONE, bipolar=False, falling=False, curve=LINEAR)


def _default(
    number: int,
    destination: Gen,
    amount: int,
    by: Source = NOTHING,
    *,
    cc: bool = True,
    bipolar: bool = False,
    falling: bool = False,
    curve: int = LINEAR,
) -> Modulator:
    return Modulator(Source(cc, number, bipolar, falling, curve), int(destination), amount, by)


VELOCITY_TO_FILTER = _default(Palette.VELOCITY, Gen.FILTER_CUTOFF, -2400, cc=False, falling=True)
DEFAULT_MODULATORS = (  # 8.4.1 to 8.4.10
    _default(Palette.VELOCITY, Gen.ATTENUATION, 960, cc=False, curve=CONCAVE, falling=True),
    VELOCITY_TO_FILTER,
    _default(Palette.CHANNEL_PRESSURE, Gen.VIB_LFO_TO_PITCH, 50, cc=False),
    _default(1, Gen.VIB_LFO_TO_PITCH, 50),
    _default(7, Gen.ATTENUATION, 960, curve=CONCAVE, falling=True),
    _default(10, Gen.PAN, 500, bipolar=True),  # 1000 is printed, and half of it in words: from one side to the other
    _default(11, Gen.ATTENUATION, 960, curve=CONCAVE, falling=True),
    _default(91, Gen.REVERB, 200),
    _default(93, Gen.CHORUS, 200),
    _default(
        Palette.WHEEL,
        Gen.FINE_TUNE,
        12700,
        Source(False, Palette.WHEEL_RANGE, bipolar=False, falling=False, curve=LINEAR),
        cc=False,
        bipolar=True,
    ),
)

Chain = tuple[Modulator, ...]
"""Modulators that feed each other, the one that moves a generator last; most are alone. Links count within the chain."""
Identity = tuple[Modulator, ...]


def written(records: npt.NDArray[np.void]) -> dict[Identity, Chain]:
    """The chains of one zone by what tells them apart: all but their amounts. Of equal ones the last counts (7.4).

    `records` have the fields source, destination, amount, amount_source, transform. What has an unknown source, destination or
    transform is ignored (8.2, 8.3), and so is a link to where none may end, and one that comes back to itself.
    """
    known: dict[int, Modulator] = {}
    for number, (bits, destination, amount, amount_bits, transform) in enumerate(records.tolist()):
        first, second = source(bits), source(amount_bits)
        if first is None or second is None or transform not in (AS_IS, ABSOLUTE):
            continue
        if not second.controller and second.number == Palette.LINK:
            continue
        if destination & LINKED:
            known[number] = Modulator(first, -1, amount, second, transform, destination & ~LINKED)
        elif destination in DESTINATIONS:
            known[number] = Modulator(first, destination, amount, second, transform)
    feeding: dict[int, list[int]] = {}
    for number, modulator in known.items():
        fed = known.get(modulator.link) if modulator.link is not None else None
        if modulator.link is not None and fed is not None and _is_fed(fed):
            feeding.setdefault(modulator.link, []).append(number)
    found: dict[Identity, Chain] = {}
    for number, modulator in known.items():
        if modulator.link is None:  # nothing that goes round in a circle is reached from an end
            one = _chain(number, known, feeding)
            identity = _identity(one)
            found.pop(identity, None)
            found[identity] = one
    return found


def _is_fed(modulator: Modulator) -> bool:
    return not modulator.source.controller and modulator.source.number == Palette.LINK


def _chain(last: int, known: Mapping[int, Modulator], feeding: Mapping[int, list[int]]) -> Chain:
    order = [last]
    for number in order:
        order += feeding.get(number, [])
    order.reverse()
    place = {number: at for at, number in enumerate(order)}
    return tuple(
        modulator if modulator.link is None else replace(modulator, link=place[modulator.link])
        for modulator in (known[number] for number in order)
    )


def _identity(one: Chain) -> Identity:
    return tuple(replace(modulator, amount=0) for modulator in one)


def joined(
    defaults: Iterable[Modulator],
    instrument: Iterable[Mapping[Identity, Chain]],
    preset: Iterable[Mapping[Identity, Chain]],
) -> tuple[Modulator, ...]:
    """What moves a zone: the instrument's supersede the defaults, the preset's are added to them (9.5).

    Of either the global zone comes first, and its own zone supersedes it. Those of amount 0 are left out, with what
    feeds them alone.
    """
    playing: dict[Identity, Chain] = {_identity((modulator,)): (modulator,) for modulator in defaults}
    for zone in instrument:
        playing.update(zone)
    added: dict[Identity, Chain] = {}
    for zone in preset:
        added.update(zone)
    beside = []
    for identity, one in added.items():
        if len(one) == 1 and identity in playing:
            (modulator,) = playing[identity]
            playing[identity] = (replace(modulator, amount=modulator.amount + one[0].amount),)
        else:  # amounts of a chain multiply: two of them add when both play
            beside.append(one)
    flat: list[Modulator] = []
    for one in chain(playing.values(), beside):
        start = len(flat)
        flat += (
            modulator if modulator.link is None else replace(modulator, link=modulator.link + start) for modulator in _moving(one)
        )
    return tuple(flat)


def _moving(one: Chain) -> Chain:
    """What is left of a chain without those that always give 0."""
    reached = {len(one) - 1}  # from the end: what leads through an amount of 0 leads nowhere
    for at in reversed(range(len(one))):
        if at in reached or one[at].link in reached:
            reached.add(at)
        if one[at].amount == 0:
            reached.discard(at)
    fed: set[int] = set()
    kept: dict[int, int] = {}
    for at, modulator in enumerate(one):
        if at not in reached or (_is_fed(modulator) and at not in fed):
            continue
        kept[at] = len(kept)
        if modulator.link is not None:
            fed.add(modulator.link)
    if len(one) - 1 not in kept:
        return ()
    left = (one[at] for at in kept)
    return tuple(modulator if modulator.link is None else replace(modulator, link=kept[modulator.link]) for modulator in left)
