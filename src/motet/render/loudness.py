"""How loud a recording is to people (ITU-R BS.1770-4), and how high its waveform rises between samples."""

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

__all__ = ["energies", "integrated_loudness", "true_peak"]

Audio = npt.NDArray[np.float32]
OVERSAMPLING = 4
SHAPES = 4  # in which two filters of second order ring out
AT_ONCE = 16  # loudness blocks: few enough to stay in the processor's cache
TAPS = 24  # per phase
BLOCK = 64  # frames whose true peak is bounded together
TOGETHER = 256  # of these, oversampled at once
STRETCH = 1 << 20  # frames looked through at once


def integrated_loudness(audio: Audio, sample_rate: int) -> float | None:
    """LUFS of `audio` (frames, 1 or 2), or None when it is too short (< 0.4 s) or too quiet (< -70 LUFS) to have one.

    Blocks of 400 ms, 75 % overlap, gates at -70 LUFS and 10 LU under the mean, as BS.1770-4 says. `sample_rate` is at
    least 8000 Hz. Works in pieces: memory does not grow with the recording.
    """
    hop = round(sample_rate / 10)
    count = len(audio) // hop
    if count < 4:
        return None
    energy = energies(audio[: count * hop], sample_rate, hop)
    power = np.convolve(energy, np.ones(4), "valid") / (4 * hop)
    power = power[power > _power(-70)]
    if not power.size:
        return None
    power = power[power > power.mean() / 10]
    return -0.691 + 10 * math.log10(float(power.mean()))


def _power(lufs: float) -> float:
    return float(10 ** ((lufs + 0.691) / 10))


def energies(audio: Audio, sample_rate: int, hop: int) -> npt.NDArray[np.float64]:
    """The energy of the K-weighted signal in each block of `hop` frames, all channels together.

    Parseval's theorem gives it from a block's spectrum as if the block went round for ever: as if its own ringing out,
    not its predecessor's, ran into its beginning. Ringing out is one of few shapes (see `_Weighting`), and it has died
    away after a block; so the difference is known exactly from how strongly either block rings.
    """
    from scipy.fft import fft  # 0.15 s to import; many blocks at once take it a fifth of NumPy's time

    weighting = _weighting(sample_rate, hop)
    blocks = audio.reshape(-1, hop, audio.shape[1])
    energy = np.zeros(len(blocks))
    rung = np.zeros((SHAPES, audio.shape[1]), np.float32)
    for first in range(0, len(blocks), AT_ONCE):
        piece = blocks[first : first + AT_ONCE]
        sounding = np.flatnonzero(piece.reshape(len(piece), -1).any(axis=1))
        if not sounding.size and not rung.any():
            continue
        ringing = np.zeros((len(piece) + 1, *rung.shape), np.float32)
        begun = np.zeros((len(piece), *rung.shape), np.float32)
        ringing[0] = rung
        if sounding.size:
            heard = piece if sounding.size == len(piece) else piece[sounding]
            ringing[sounding + 1] = weighting.ringing @ heard[:, -weighting.ringing.shape[1] :]
            begun[sounding] = weighting.begun @ heard[:, : weighting.begun.shape[1]]
            spectrum = fft(_as_complex(heard), axis=1).view(np.float32)
            energy[first + sounding] = np.square(spectrum, out=spectrum) @ weighting.power
        before, own = ringing[:-1], ringing[1:]
        change = 2 * (before - own) * begun + before**2 - own**2
        energy[first : first + len(piece)] += change.sum(axis=(1, 2))
        rung = ringing[-1]
    return np.maximum(energy, 0)


def _as_complex(blocks: Audio) -> npt.NDArray[np.complex64]:
    """Left and right side by side are one complex number, whose one spectrum holds both: (blocks, frames)."""
    if blocks.shape[2] == 1:
        return blocks[:, :, 0].astype(np.complex64)
    return np.ascontiguousarray(blocks, np.float32).view(np.complex64)[:, :, 0]


@dataclass(frozen=True)
class _Weighting:
    """The K-weighting filters for one block length.

    Fed with nothing more, two filters of second order ring out in a mixture of four shapes. `ringing` (4, frames) times
    a block's last frames gives the mixture that the block leaves behind, in shapes of energy 1; `begun` times a block's
    first frames how much the filtered block itself, begun from rest, resembles each. `power` weighs the squared
    real and imaginary parts of the spectrum.
    """

    power: npt.NDArray[np.float32]
    ringing: npt.NDArray[np.float32]
    begun: npt.NDArray[np.float32]


@cache
def _weighting(sample_rate: int, hop: int) -> _Weighting:
    turn = np.exp(-1j * np.pi * np.arange(hop + 1) / hop)  # z to the -1 on the unit circle, for two blocks
    answer = np.ones(hop + 1, complex)
    shapes = []
    for b, a in (_shelf(sample_rate), _highpass(sample_rate)):
        poles = 1 / np.polyval(a[::-1], turn)
        answer *= np.polyval(b[::-1], turn) * poles
        decay = np.fft.irfft(poles, 2 * hop)
        shapes += [decay[:hop], decay[1 : hop + 1]]
    shape = np.linalg.qr(np.stack(shapes, axis=1))[0].T
    # How strongly a pulse at each frame of a block, and of the block before, comes out in each shape.
    pulses = np.fft.irfft(np.conj(answer) * np.fft.rfft(shape, 2 * hop), 2 * hop).astype(np.float32)
    bins = 2 * np.arange(hop)
    power = np.abs(answer[np.minimum(bins, 2 * hop - bins)]) ** 2 / hop
    edge = hop - hop * 3 // 5  # after 60 ms no more than a hundred-thousandth is left
    return _Weighting(power.astype(np.float32).repeat(2), pulses[:, hop + edge :].copy(), pulses[:, : hop - edge].copy())


Filter = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]  # numerator and denominator, in powers of z to the -1


def _shelf(sample_rate: int, hz: float = 1500.0, db: float = 4.0, q: float = 0.5**0.5) -> Filter:
    """The head: lifts what is high (a high shelf of R. Bristow-Johnson's "Cookbook formulae for audio EQ biquads")."""
    top, turn = 10 ** (db / 40), 2 * math.pi * hz / sample_rate
    c, alpha = math.cos(turn), 2 * math.sqrt(top) * math.sin(turn) / (2 * q)
    up, down = top + 1, top - 1
    b = top * np.array([up + down * c + alpha, -2 * (down + up * c), up + down * c - alpha])
    a = np.array([up - down * c + alpha, 2 * (down - up * c), up - down * c - alpha])
    return b / a[0], a / a[0]


def _highpass(sample_rate: int, hz: float = 38.0, q: float = 0.5) -> Filter:
    """The ear: deaf to what is very low (a high-pass of the same "Cookbook")."""
    turn = 2 * math.pi * hz / sample_rate
    c, alpha = math.cos(turn), math.sin(turn) / (2 * q)
    b = np.array([(1 + c) / 2, -(1 + c), (1 + c) / 2])
    a = np.array([1 + alpha, -2 * c, 1 - alpha])
    return b / a[0], a / a[0]


def true_peak(audio: Audio) -> float:
    """The highest point of the waveform (frames, channels) at four times its sample rate, linear; 1.0 is full scale.

    BS.1770-4 annex 2 with a longer filter (24 taps a phase). Only stretches whose samples could reach the peak are
    oversampled: no interpolated value exceeds the samples around it by more than the filter's absolute sum. Works in
    pieces, too.
    """
    peak = max(float(audio.max()), -float(audio.min())) if audio.size else 0.0
    for start in range(0, len(audio), STRETCH):
        peak = _peak_above(peak, audio, start)
    return peak


def _peak_above(peak: float, audio: Audio, start: int) -> float:
    """`peak`, or what a stretch from `start` reaches beyond it."""
    between, bound = _interpolator()
    blocks = -(-min(STRETCH, len(audio) - start) // BLOCK)
    padded = np.zeros(((blocks + 2) * BLOCK, audio.shape[1]), np.float32)  # with one block more on either side
    before = min(start, BLOCK)
    known = audio[start - before : start + (blocks + 1) * BLOCK]
    padded[BLOCK - before : BLOCK - before + len(known)] = known
    shaped = padded.reshape(-1, BLOCK * audio.shape[1])
    tops = np.maximum(shaped.max(axis=1), -shaped.min(axis=1))
    around = np.maximum(np.maximum(tops[:-2], tops[1:-1]), tops[2:])  # of each block and its neighbours
    candidates = np.flatnonzero(around * bound > peak)
    candidates = candidates[np.argsort(-around[candidates], kind="stable")]
    windows = np.lib.stride_tricks.sliding_window_view(padded, BLOCK + TAPS, axis=0)
    for first in range(0, len(candidates), TOGETHER):
        chosen = candidates[first : first + TOGETHER]
        if around[chosen[0]] * bound <= peak:
            break
        points = windows[(chosen + 1) * BLOCK - TAPS // 2].reshape(-1, BLOCK + TAPS) @ between
        peak = max(peak, float(points.max()), -float(points.min()))
    return peak


@cache
def _interpolator() -> tuple[npt.NDArray[np.float32], float]:
    """What the points between the samples of a block are of it and its surroundings, and how far they may exceed them.

    A Kaiser-windowed sinc at 1/4, 1/2 and 3/4 between two samples, for every pair from one before the block to its last:
    (BLOCK + TAPS, 3 (BLOCK + 1)); and the largest absolute sum of its weights.
    """
    taps = np.arange(TAPS) - (TAPS // 2 - 1)
    between = np.zeros((BLOCK + TAPS, BLOCK + 1, OVERSAMPLING - 1), np.float32)
    bound = 0.0
    for phase in range(1, OVERSAMPLING):
        x = taps - phase / OVERSAMPLING
        weights = np.sinc(x) * np.i0(5.0 * np.sqrt(np.clip(1 - (x / (TAPS / 2)) ** 2, 0, 1)))
        weights /= weights.sum()
        bound = max(bound, float(np.abs(weights).sum()))
        for pair in range(BLOCK + 1):
            between[pair : pair + TAPS, pair, phase - 1] = weights
    return between.reshape(BLOCK + TAPS, -1), bound
