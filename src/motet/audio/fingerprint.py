"""What a recording sounds like, in 32 bits every 64 ms: an acoustic fingerprint that survives codecs, gain and equalisers.

After J. Haitsma and T. Kalker, "A Highly Robust Audio Fingerprinting System", ISMIR 2002: each bit tells whether the step in
energy from one band to the next grew or shrank since a moment ago. Energies are taken in decibels, so that any equaliser
cancels out, above a floor that follows the recording's own level, so that what a codec leaves out below does not count.
"""

from collections.abc import Iterable, Iterator
from functools import cache

import numpy as np
import numpy.typing as npt

from motet.audio.decoding import Samples

__all__ = ["HOP", "NOTHING", "RATE", "SECONDS", "Print", "fingerprint"]

Print = npt.NDArray[np.uint32]
"""One number for each `SECONDS` of a recording; `NOTHING` where it is silent or steady."""

RATE = 8000
"""Hz, of the sound a fingerprint is made of."""
HOP = 512
SECONDS = HOP / RATE
NOTHING = 0

WINDOW = 4096  # frames: 0.51 s, so long that half a hop between two cuts of one recording matters little
BACK = 3  # hops between the two moments that are compared
BANDS = 33
LOWEST, HIGHEST = 200.0, 3400.0  # Hz: what every codec and every loudspeaker keeps
FLOOR = 10**-4.5  # of a band's own mean energy nearby: what lies below is the codec's, or nobody's
ABSOLUTE = 10**-8.0  # of the recording's mean energy in a band
NEARBY = 40  # hops to either side
STEADY = 0.01  # nepers of energy: 0.04 dB, by which nothing changes but rounding
AT_ONCE = 256  # windows that are turned into spectra together


def fingerprint(blocks: Iterable[Samples]) -> Print:
    """The print of a recording, from its sound at 8000 Hz in blocks of (frames, 1) or (frames,).

    It holds a number for each hop of 64 ms but the last few, and none for what is shorter than 0.7 s. Memory grows with
    2 kB a second of sound.
    """
    pieces = list(_energies(blocks))
    energy = np.concatenate(pieces) if pieces else np.zeros((0, BANDS), np.float32)
    if len(energy) <= BACK:
        return np.zeros(0, np.uint32)
    level = np.log(energy + FLOOR * _nearby(energy) + np.float32(ABSOLUTE * energy.mean(dtype=np.float64) + 1e-30))
    steps = level[:, :-1] - level[:, 1:]
    change = steps[BACK:] - steps[:-BACK]
    numbers = np.packbits(change > 0, axis=1, bitorder="little").view("<u4")[:, 0].astype(np.uint32)
    numbers[np.abs(change).max(axis=1) < STEADY] = NOTHING
    return numbers


def _energies(blocks: Iterable[Samples]) -> Iterator[npt.NDArray[np.float32]]:
    """The energy in each band, (windows, BANDS) at a time."""
    window, edges = _window(), _edges()
    kept = np.zeros(0, np.float32)
    for block in blocks:
        kept = np.concatenate((kept, block if block.ndim == 1 else block[:, 0]))
        while len(kept) >= WINDOW + HOP * (AT_ONCE - 1):
            yield _bands(kept, AT_ONCE, window, edges)
            kept = kept[AT_ONCE * HOP :]
    if (left := (len(kept) - WINDOW) // HOP + 1) > 0:
        yield _bands(kept, left, window, edges)


def _bands(
    sound: npt.NDArray[np.float32], count: int, window: npt.NDArray[np.float32], edges: npt.NDArray[np.intp]
) -> npt.NDArray[np.float32]:
    frames = np.lib.stride_tricks.sliding_window_view(sound, WINDOW)[: count * HOP : HOP]
    spectrum = np.fft.rfft(frames * window, axis=1)[:, edges[0] : edges[-1]]
    power = spectrum.real**2 + spectrum.imag**2
    energy: npt.NDArray[np.float32] = np.add.reduceat(power, edges[:-1] - edges[0], axis=1)
    return energy


@cache
def _window() -> npt.NDArray[np.float32]:
    return np.hanning(WINDOW).astype(np.float32)


@cache
def _edges() -> npt.NDArray[np.intp]:
    """The first bin of each band and the one behind the last, evenly spaced in pitch."""
    return np.rint(np.geomspace(LOWEST, HIGHEST, BANDS + 1) * WINDOW / RATE).astype(np.intp)


def _nearby(energy: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The mean of each band's energy around each window."""
    total = np.concatenate((np.zeros((1, BANDS)), np.cumsum(energy, axis=0, dtype=np.float64)))
    at = np.arange(len(energy))
    low, high = np.maximum(at - NEARBY, 0), np.minimum(at + NEARBY + 1, len(energy))
    mean: npt.NDArray[np.float32] = ((total[high] - total[low]) / (high - low)[:, None]).astype(np.float32)
    return mean
