"""The colour of a recording: where in the spectrum its sound lies, and how much of it is strokes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import chain

import numpy as np
import numpy.typing as npt

__all__ = ["RATE", "Listener", "Timbre", "at_rate", "mel_bands", "spectra", "timbre"]

Samples = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float32]

RATE = 22_050
"""Hz at which sound is listened to, so that facts of recordings of any rate mean the same: nothing above 11 kHz counts."""

SIZE, HOP = 2048, 1024
FRAMES_PER_SECOND = RATE / HOP
_BRIGHT = 1500.0  # Hz
_ROLL_OFF = 0.85
_SOUNDING = 1e-6  # of the loudest frame's power, and
_SILENCE = 1e-12  # of full scale's, below which a frame tells nothing
_AT_ONCE = 256  # frames: few enough to stay in the processor's cache
_BANDS, _MEDIAN, _STRETCH = 96, 17, 1024  # log-spaced bands, frames and bands of a median, frames it is taken over together


@dataclass(frozen=True)
class Timbre:
    """Means over the frames that sound (above -60 dB under the loudest), 46 ms each, at 22,050 Hz.

    `centroid_hz`, `bandwidth_hz` (its standard deviation within a frame) and `rolloff_hz` (85 % of the energy lie below)
    are of amplitudes, amplitudes and energies; `centroid_spread_hz` is the standard deviation of the centroid over time.
    `flatness` 0 (a tone) to 1 (white noise) is the geometric over the arithmetic mean of the power. `zero_crossings` is
    the share of neighbouring samples that lie on either side of zero. `brightness` 0-1 is the share of all energy above
    1,500 Hz (Juslin, J. Exp. Psychol. 26, 2000; Laukka, Juslin and Bresin, Cognition and Emotion 19, 2005). `percussive`
    0-1 is the share of the energy in what is broad and short rather than narrow and long (Fitzgerald, DAFx 2010).
    """

    centroid_hz: float
    centroid_spread_hz: float
    bandwidth_hz: float
    rolloff_hz: float
    flatness: float
    zero_crossings: float
    brightness: float
    percussive: float


def timbre(mono: Samples | Iterable[Samples], rate: int) -> Timbre | None:
    """The timbre of `mono` (frames,), or of such blocks in a row, at `rate` Hz; None for silence. Memory: 4 MB an hour."""
    listener = Listener()
    for power in spectra(listener.crossings(at_rate(mono, rate))):
        listener.add(power)
    return listener.timbre()


def spectra(blocks: Iterable[Samples]) -> Iterator[Floats]:
    """Power spectra (up to 256 frames, 1025 bins) of blocks (frames,) in a row at `RATE`, 21.5 frames a second.

    A sine of full scale has a peak of 1.
    """
    from scipy.fft import rfft  # 0.15 s to import

    window = (np.hanning(SIZE + 1)[:-1] * (4 / SIZE)).astype(np.float32)
    left = np.zeros(SIZE // 2, np.float32)
    ending = np.zeros(SIZE // 2 + HOP - 1, np.float32)  # so that the last sample is in the middle of a frame at the latest
    for sound in chain(blocks, (ending,)):
        known = np.concatenate([left, sound])
        frames = max((len(known) - SIZE) // HOP + 1, 0)
        for first in range(0, frames, _AT_ONCE):
            until = min(first + _AT_ONCE, frames)
            piece = known[first * HOP : (until - 1) * HOP + SIZE]
            spectrum = rfft(np.lib.stride_tricks.sliding_window_view(piece, SIZE)[::HOP] * window, axis=1)
            power: Floats = spectrum.real**2 + spectrum.imag**2
            yield power
        left = known[frames * HOP :]


def at_rate(mono: Samples | Iterable[Samples], rate: int) -> Iterator[Samples]:
    """`mono` (frames,), or such blocks in a row, at `rate` Hz brought to `RATE`. What is no number becomes silence.

    Raises ValueError for another shape.
    """
    import soxr

    blocks = (mono[at : at + (1 << 20)] for at in range(0, len(mono), 1 << 20)) if isinstance(mono, np.ndarray) else mono
    stream = None if rate == RATE else soxr.ResampleStream(rate, RATE, 1, dtype="float32", quality="HQ")
    for block in blocks:
        if block.ndim != 1:
            msg = f"wanted (frames,), not {block.shape}"
            raise ValueError(msg)
        if not np.isfinite(np.dot(block, block)):
            block = np.clip(np.nan_to_num(block, posinf=0.0, neginf=0.0), -1e6, 1e6)
        yield block if stream is None else stream.resample_chunk(block)
    if stream is not None:
        yield stream.resample_chunk(np.zeros(0, np.float32), last=True)


class Listener:
    """Hears spectra in a row, and tells the timbre of them all."""

    def __init__(self) -> None:
        self._facts: list[npt.NDArray[np.float64]] = []  # a row for each frame
        self._bands = np.zeros((0, _BANDS), np.float32)
        self._strokes = self._whole = 0.0
        self._signs = self._pairs = 0

    def crossings(self, blocks: Iterable[Samples]) -> Iterator[Samples]:
        """The same blocks, their zero crossings counted."""
        for block in blocks:
            above = block > 0
            self._signs += int(np.count_nonzero(above[1:] != above[:-1]))
            self._pairs += max(len(block) - 1, 0)
            yield block

    def add(self, power: Floats) -> None:
        """The next frames' power spectra (frames, 1025)."""
        hertz, bright = _hertz(), round(_BRIGHT * SIZE / RATE)
        energy = power.sum(axis=1)
        size = np.sqrt(power)
        sums = size @ np.stack([np.ones_like(hertz), hertz, hertz**2], axis=1)
        whole = np.maximum(sums[:, 0], 1e-20)
        centroid = sums[:, 1] / whole
        width = np.sqrt(np.maximum(sums[:, 2] / whole - centroid**2, 0))
        reached = np.cumsum(power, axis=1) >= _ROLL_OFF * energy[:, None]
        rolloff = reached.argmax(axis=1) * (RATE / SIZE)
        logs = np.log(power[:, 1:] + np.float32(1e-14)).mean(axis=1)
        flatness = np.exp(logs) / np.maximum(power[:, 1:].mean(axis=1) + 1e-14, 1e-20)
        above = power[:, bright:].sum(axis=1)
        self._facts.append(np.stack([energy, centroid, width, rolloff, flatness, above], axis=1).astype(np.float64))
        self._bands = np.concatenate([self._bands, np.sqrt(power @ mel_bands())])
        while len(self._bands) >= _STRETCH:
            self._divide(self._bands[:_STRETCH])
            self._bands = self._bands[_STRETCH:]

    def timbre(self) -> Timbre | None:
        """What was heard; None when it was silence."""
        facts = np.concatenate(self._facts) if self._facts else np.zeros((0, 6))
        energy = facts[:, 0]
        sounding = facts[energy > max(_SOUNDING * energy.max(initial=0.0), _SILENCE)]
        if not len(sounding):
            return None
        _, centroid, width, rolloff, flatness, _ = sounding.mean(axis=0)
        return Timbre(
            centroid_hz=float(centroid),
            centroid_spread_hz=float(sounding[:, 1].std()),
            bandwidth_hz=float(width),
            rolloff_hz=float(rolloff),
            flatness=float(min(flatness, 1.0)),
            zero_crossings=self._signs / max(self._pairs, 1),
            brightness=float(sounding[:, 5].sum() / sounding[:, 0].sum()),
            percussive=self._percussive(),
        )

    def _percussive(self) -> float:
        if len(self._bands):
            self._divide(self._bands)
            self._bands = self._bands[:0]
        return self._strokes / max(self._whole, 1e-20)

    def _divide(self, bands: Floats) -> None:
        """What of these frames is strokes, and all of it."""
        from scipy.ndimage import median_filter  # 0.1 s to import

        long = median_filter(bands, (_MEDIAN, 1), mode="reflect") ** 2
        broad = median_filter(bands, (1, _MEDIAN), mode="reflect") ** 2
        energy = bands**2
        self._strokes += float((energy * broad / np.maximum(long + broad, 1e-20)).sum())
        self._whole += float(energy.sum())


@cache
def _hertz() -> Floats:
    return (np.arange(SIZE // 2 + 1) * (RATE / SIZE)).astype(np.float32)


@cache
def mel_bands() -> Floats:
    """Triangular bands (1025 bins, 96 bands) from 40 Hz to 10 kHz, of equal steps in mel, each at least a bin wide."""
    lowest, highest = (2595 * np.log10(1 + hz / 700) for hz in (40.0, 10_000.0))
    points = 700 * (10 ** (np.linspace(lowest, highest, _BANDS + 2) / 2595) - 1) * SIZE / RATE
    bins = np.arange(SIZE // 2 + 1)[:, None]
    left, centre, right = points[:-2], points[1:-1], points[2:]
    up = (bins - left) / np.maximum(centre - left, 1)
    down = (right - bins) / np.maximum(right - centre, 1)
    return np.maximum(np.minimum(up, down), 0).astype(np.float32)
