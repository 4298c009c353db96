"""Sound made longer or shorter at its pitch, or higher or lower at its pace.

What sounds on is stretched by a phase vocoder with the phases locked around each peak (Laroche and Dolson, "Improved phase
vocoder time-scale modification of audio", 1999), what strikes by overlapping short pieces; the two are told apart by medians
along time and frequency (Driedger, Müller and Ewert, "Improving time-scale modification of music signals using
harmonic-percussive separation", 2014).
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from motet.film.errors import FilmError

__all__ = ["FACTORS", "shifted", "stretched"]

Samples = npt.NDArray[np.float32]
Complexes = npt.NDArray[np.complex64]
Floats = npt.NDArray[np.float32]

FACTORS = (0.25, 4.0)
WINDOW = 0.093  # seconds, about, of the vocoder; a power of two of samples
OVERLAP = 4
SHORT = 0.012  # seconds of a piece of what strikes
AT_ONCE = 256  # pieces: what is held of a long sound beside itself
ALONG, ACROSS = 0.2, 500.0  # seconds and Hz over which medians are taken


def stretched(sound: Samples, rate: int, factor: float) -> Samples:
    """`sound` (frames, channels) lasting `factor` times as long, (round(frames x factor), channels), pitch kept.

    A moment t of it is heard at t x factor. Channels keep their places between the sides. Raises FilmError `bad_change`.
    """
    _check(sound, factor)
    count = round(len(sound) * factor)
    if factor == 1 or not len(sound):
        return sound.copy()
    size = 1 << max(6, round(math.log2(WINDOW * rate)))
    harmonic = _harmonic_part(sound, rate, size)
    struck = sound - harmonic
    return np.asarray(_vocoded(harmonic, count, factor, size) + _overlapped(struck, count, factor, rate), np.float32)


def shifted(sound: Samples, rate: int, semitones: float) -> Samples:
    """`sound` (frames, channels) some semitones higher, as long as it was: stretched, and played faster by as much."""
    import soxr

    ratio = 2 ** (semitones / 12)
    _check(sound, ratio)
    if not semitones or not len(sound):
        return sound.copy()
    longer = stretched(sound, rate, ratio)
    made = np.asarray(soxr.resample(longer, rate * ratio, rate, quality="HQ"), np.float32)
    out = np.zeros_like(sound)
    out[: min(len(made), len(out))] = made[: len(out)]
    return out


def _check(sound: Samples, factor: float) -> None:
    if not FACTORS[0] <= factor <= FACTORS[1]:
        raise FilmError("bad_change", f"sound cannot be stretched by {factor}: {FACTORS[0]} to {FACTORS[1]}")
    if sound.ndim != 2 or not np.isfinite(sound).all():
        raise FilmError("bad_change", f"sound of the shape {sound.shape} cannot be stretched, or it is not finite")


def _window(size: int) -> Floats:
    return np.asarray(0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size), np.float32)


def _spectra(padded: Samples, starts: npt.NDArray[np.int64], window: Floats) -> Complexes:
    """(channels, places, bins)"""
    size = len(window)
    pieces = np.lib.stride_tricks.sliding_window_view(padded, size, axis=0)[starts]  # (places, channels, size)
    return np.asarray(np.fft.rfft(pieces * window, axis=2).transpose(1, 0, 2), np.complex64)


class _Sum:
    """Pieces put back in their places, (length, channels), over the sum of their squared windows."""

    def __init__(self, length: int, channels: int, window: Floats) -> None:
        self._window, self._length = window, length
        self._out = np.zeros((length + len(window), channels), np.float32)
        self._weight = np.zeros(length + len(window), np.float32)

    def add(self, spectra: Complexes, starts: npt.NDArray[np.int64]) -> None:
        """Pieces (channels, places, bins) that begin at `starts`."""
        size = len(self._window)
        pieces = np.fft.irfft(spectra, size, axis=2).astype(np.float32) * self._window
        for at, start in enumerate(starts.tolist()):
            self._out[start : start + size] += pieces[:, at].T
            self._weight[start : start + size] += self._window * self._window

    def whole(self) -> Samples:
        self._out /= np.maximum(self._weight, 0.1)[:, None]
        return self._out[: self._length]


def _harmonic_part(sound: Samples, rate: int, size: int) -> Samples:
    """What sounds on: where the median along time is above that across frequencies (a hard mask)."""
    hop, window = size // OVERLAP, _window(size)
    padded = np.pad(sound, ((size, 2 * size), (0, 0)))
    starts = np.arange(0, len(sound) + size, hop, dtype=np.int64)
    reach = round(ALONG * rate / hop) // 2 + 1  # pieces that a median looks to either side
    total = _Sum(len(padded), sound.shape[1], window)
    for begin in range(0, len(starts), AT_ONCE):
        low, end = max(0, begin - reach), min(begin + AT_ONCE, len(starts))
        spectra = _spectra(padded, starts[low : end + reach], window)
        loud = np.abs(spectra).mean(axis=0)
        along = _medians(loud.T, 2 * reach - 1).T
        across = _medians(loud, max(3, round(ACROSS * size / rate) | 1))
        inner = slice(begin - low, end - low)
        total.add(spectra[:, inner] * (along >= across)[inner], starts[begin:end])
    return total.whole()[size : size + len(sound)]


def _medians(values: Floats, length: int) -> Floats:
    """Of each value in its row and those around it; an edge goes on for ever.

    Row behind row, since scipy's filter of one dimension takes a fifteenth of the time of that of two.
    """
    from scipy.ndimage import median_filter

    half = length // 2
    padded = np.pad(values, ((0, 0), (half, half)), mode="edge")
    medians: Floats = median_filter(padded.ravel(), length, mode="nearest").reshape(padded.shape)[:, half : -half or None]
    return medians


def _vocoded(sound: Samples, count: int, factor: float, size: int) -> Samples:
    hop, window = size // OVERLAP, _window(size)
    padded = np.pad(sound, ((2 * size, 3 * size), (0, 0)))
    places = np.arange(0, count + size + hop, hop, dtype=np.int64)  # of a piece's middle, from size / 2 before the start
    middles = np.rint((places - size // 2) / factor).astype(np.int64)
    starts = np.clip(middles + 2 * size - size // 2, hop, len(padded) - size)
    total = _Sum(count + 2 * size, sound.shape[1], window)
    held: npt.NDArray[np.float64] | None = None
    for begin in range(0, len(places), AT_ONCE):
        part = slice(begin, begin + AT_ONCE)
        now, before = _spectra(padded, starts[part], window), _spectra(padded, starts[part] - hop, window)
        turned, held = _turns(now.sum(axis=0), before.sum(axis=0), hop, size, held)
        total.add(now * turned[None], places[part])
    return total.whole()[size : size + count]


def _turns(
    now: Complexes, before: Complexes, hop: int, size: int, held: npt.NDArray[np.float64] | None
) -> tuple[Complexes, npt.NDArray[np.float64]]:
    """By how much each bin of each piece is turned, (places, bins), and the phases that the last one is left with.

    Each peak goes on from the phase where it was, and the bins around it are turned as it is.
    """
    bins = np.arange(now.shape[1])
    due = 2 * np.pi * hop * bins / size
    phase = np.angle(now).astype(np.float64)
    moved = phase - np.angle(before) - due
    advance = due + moved - 2 * np.pi * np.rint(moved / (2 * np.pi))
    loud = np.abs(now)
    turned = np.ones_like(now)
    for at in range(len(now)):
        if held is None:
            held = phase[at]
            continue
        peaks = _peaks(loud[at])
        # Each bin belongs to the peak that is nearest.
        nearest = peaks[np.searchsorted((peaks[1:] + peaks[:-1] + 1) // 2, bins, "right")]
        rotation = (held + advance[at] - phase[at])[nearest]
        turned[at] = np.exp(1j * rotation)
        held = phase[at] + rotation
    assert held is not None
    return turned, held


def _peaks(loud: Floats) -> npt.NDArray[np.int64]:
    """Bins louder than two on either side."""
    padded = np.pad(loud, 2)
    middle = padded[2:-2]
    found = (middle > padded[1:-3]) & (middle > padded[:-4]) & (middle >= padded[3:-1]) & (middle >= padded[4:])
    peaks = np.flatnonzero(found)
    return peaks if len(peaks) else np.array([int(np.argmax(loud))])


def _overlapped(sound: Samples, count: int, factor: float, rate: int) -> Samples:
    """What strikes, in short pieces each taken from the moment it belongs to."""
    size = max(16, 2 * round(SHORT * rate / 2))
    hop, window = size // 2, _window(size)
    padded = np.pad(sound, ((2 * size, 2 * size), (0, 0)))
    out = np.zeros((count + 3 * size, sound.shape[1]), np.float32)
    for start in range(0, count + 2 * size, hop):
        middle = start + hop - size
        taken = min(max(round(middle / factor) + 2 * size - hop, 0), len(padded) - size)
        out[start : start + size] += padded[taken : taken + size] * window[:, None]
    return out[size : size + count]
