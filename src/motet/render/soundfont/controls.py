"""What a channel's controllers do to its sounds while they play: curves over the song, worked out once for all notes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from motet.render.performance import AT_FIRST
from motet.render.soundfont import kernel
from motet.render.soundfont.generators import COUNT, Gen
from motet.render.soundfont.modulators import ABSOLUTE, Modulator, Palette, Source

__all__ = ["GENERATOR", "INNER", "PALETTE", "PITCH_OF", "TUNING", "Channel", "Live", "parted", "row_of"]

Floats = npt.NDArray[np.float64]

NOTE_SOURCES = {Palette.NONE, Palette.VELOCITY, Palette.KEY}  # what is known when the key is struck
PALETTE = 128  # added to a number of the palette, it is a curve's number; controllers have their own
TUNING = 1000  # curves of the channel's tuning in cents, and from 2000 on of generators that NRPNs moved
GENERATOR = 2000

STARTING: dict[int, float] = {**AT_FIRST, PALETTE + Palette.WHEEL: 8192, PALETTE + Palette.WHEEL_RANGE: 2}
OUTER = (Gen.ATTENUATION, Gen.PAN, Gen.MOD_LFO_TO_VOLUME)  # what happens to a rendered voice; all else happens inside
SENDS = (Gen.REVERB, Gen.CHORUS)
INNER = (
    (kernel.CUTOFF, Gen.FILTER_CUTOFF),
    (kernel.Q, Gen.FILTER_Q),
    (kernel.MOD_LFO_PITCH, Gen.MOD_LFO_TO_PITCH),
    (kernel.MOD_LFO_CUTOFF, Gen.MOD_LFO_TO_FILTER),
    (kernel.MOD_ENV_PITCH, Gen.MOD_ENV_TO_PITCH),
    (kernel.MOD_ENV_CUTOFF, Gen.MOD_ENV_TO_FILTER),
    (kernel.VIB_LFO_PITCH, Gen.VIB_LFO_TO_PITCH),
    (kernel.MOD_LFO_RATE, Gen.MOD_LFO_FREQUENCY),
    (kernel.VIB_LFO_RATE, Gen.VIB_LFO_FREQUENCY),
)
PITCH_OF = ((Gen.COARSE_TUNE, 100.0), (Gen.FINE_TUNE, 1.0))  # generators that are pitch, and their cents
AT_ONSET = [
    one for one in range(COUNT) if one not in (*OUTER, *SENDS) and one not in {g for _, g in INNER} | {g for g, _ in PITCH_OF}
]


def row_of(offsets: Floats) -> Floats:
    """What of generators (n, COUNT) may change inside a voice, as the kernel's rows (n, ROW)."""
    rows = np.zeros((len(offsets), kernel.ROW))
    for generator, cents in PITCH_OF:
        rows[:, kernel.PITCH] += cents * offsets[:, generator]
    for column, generator in INNER:
        rows[:, column] = offsets[:, generator]
    return rows


def evaluate(modulators: Sequence[Modulator], raw: Callable[[Source], Floats], n: int) -> Floats:
    """What modulators add to each generator (n, COUNT), `raw` giving what a source reads (n,) (SoundFont 2.04, 8.2 and 9.5)."""
    offsets = np.zeros((n, COUNT))
    fed: dict[int, Floats] = {}  # what linked modulators give to others
    for number, modulator in enumerate(modulators):
        source = modulator.source
        linked = not source.controller and source.number == Palette.LINK
        primary = source.shaped(fed.get(number, np.zeros(n)) if linked else raw(source))
        given = primary * modulator.amount_source.shaped(raw(modulator.amount_source)) * modulator.amount
        if modulator.transform == ABSOLUTE:
            given = np.abs(given)
        if modulator.link is not None:
            fed[modulator.link] = fed.get(modulator.link, np.zeros(n)) + given
        else:
            offsets[:, modulator.destination] += given
    return offsets


def parted(modulators: Sequence[Modulator]) -> tuple[tuple[Modulator, ...], tuple[Modulator, ...]]:
    """Those that hang on no more than what is known when the key is struck, and the live ones; linked ones count as live."""
    linked = {modulator.link for modulator in modulators}
    live = [
        number
        for number, modulator in enumerate(modulators)
        if modulator.link is not None
        or number in linked
        or any(s.controller or s.number not in NOTE_SOURCES for s in (modulator.source, modulator.amount_source))
    ]
    place: dict[int | None, int | None] = {None: None, **{number: at for at, number in enumerate(live)}}
    return (
        tuple(modulator for number, modulator in enumerate(modulators) if number not in place),
        tuple(replace(modulators[number], link=place[modulators[number].link]) for number in live),
    )


@dataclass(frozen=True, eq=False)
class Live:
    """Offsets by what changes: steps that count from their frame on, the first from 0.

    `outer` (n, 3) is added to OUTER, `inner` (n, ROW) to a voice's rows, `onset` (n, COUNT) to all else when a note begins,
    and so is `sends` to SENDS.
    """

    outer_frames: list[int]
    outer: Floats
    inner_frames: list[int]
    inner: Floats
    sends_frames: list[int]
    sends: list[tuple[float, float]]
    onset_frames: list[int]
    onset: Floats
    inner_moves: list[bool]  # whether a row of `inner` is anything but zeros
    moves_onset: bool
    moves_envelope: bool  # whether anything moves what the modulation envelope does
    loudest: float  # the least attenuation, centibels


@dataclass
class _Steps:
    frames: list[int]
    values: list[float]


class Channel:
    """Everything that a channel was told, as steps over the song."""

    def __init__(self) -> None:
        self._curves: dict[int | tuple[int, int], _Steps] = {}

    def tell(self, curve: int | tuple[int, int], frame: int, value: float) -> None:
        """`curve` is a controller, PALETTE + one of the palette, with a key for its pressure, TUNING, or GENERATOR + a number."""
        steps = self._curves.get(curve)
        if steps is None:
            start = STARTING.get(curve, 0.0) if isinstance(curve, int) else 0.0
            steps = self._curves[curve] = _Steps([0], [start])
        if steps.frames[-1] == frame:
            steps.values[-1] = value
        elif steps.values[-1] != value:
            steps.frames.append(frame)
            steps.values.append(value)

    def tells_of_keys(self) -> bool:
        return any(isinstance(curve, tuple) for curve in self._curves)

    def live(self, modulators: Sequence[Modulator], key: int, velocity: int) -> Live:
        """What the live modulators among `modulators`, tuning and NRPNs do to a note of this key and velocity."""
        wanted = {self._curve(s, key) for m in modulators for s in (m.source, m.amount_source)}
        moved = [curve for curve in self._curves if isinstance(curve, int) and curve >= TUNING]
        told = [self._curves[curve] for curve in {*wanted, *moved} if curve in self._curves]
        frames = np.unique(np.concatenate([np.zeros(1, np.int64), *(np.array(steps.frames, np.int64) for steps in told)]))

        def reads(curve: int | tuple[int, int]) -> Floats:
            steps = self._curves.get(curve)
            if steps is None:
                return np.full(len(frames), STARTING.get(curve, 0.0) if isinstance(curve, int) else 0.0)
            return np.array(steps.values)[np.searchsorted(steps.frames, frames, "right") - 1]

        def raw(source: Source) -> Floats:
            if not source.controller and source.number in NOTE_SOURCES:
                return np.full(
                    len(frames), float({Palette.NONE: 0, Palette.VELOCITY: velocity, Palette.KEY: key}[Palette(source.number)])
                )
            return reads(self._curve(source, key))

        offsets = evaluate(modulators, raw, len(frames))
        for curve in moved:
            assert isinstance(curve, int)
            offsets[:, Gen.FINE_TUNE if curve == TUNING else curve - GENERATOR] += reads(curve)
        onset = np.zeros_like(offsets)
        onset[:, AT_ONSET] = offsets[:, AT_ONSET]
        outer_frames, outer = _changes(frames, offsets[:, OUTER])
        inner_frames, inner = _changes(frames, row_of(offsets))
        sends_frames, sends = _changes(frames, offsets[:, SENDS])
        onset_frames, onset = _changes(frames, onset)
        return Live(
            outer_frames,
            outer,
            inner_frames,
            inner,
            sends_frames,
            [(reverb, chorus) for reverb, chorus in sends.tolist()],
            onset_frames,
            onset,
            inner_moves=[bool(row.any()) for row in inner],
            moves_onset=bool(onset.any()),
            moves_envelope=bool(inner[:, [kernel.MOD_ENV_PITCH, kernel.MOD_ENV_CUTOFF]].any()),
            loudest=float(offsets[:, Gen.ATTENUATION].min()),
        )

    @staticmethod
    def _curve(source: Source, key: int) -> int | tuple[int, int]:
        if source.controller:
            return source.number
        return (PALETTE + Palette.KEY_PRESSURE, key) if source.number == Palette.KEY_PRESSURE else PALETTE + source.number


def _changes(frames: npt.NDArray[np.int64], values: Floats) -> tuple[list[int], Floats]:
    """The steps at which anything changes."""
    kept = np.ones(len(frames), bool)
    kept[1:] = (values[1:] != values[:-1]).any(axis=1)
    return frames[kept].tolist(), np.ascontiguousarray(values[kept])
