"""Which pitch classes sound in a recording, told from the peaks of its spectrum."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Chroma", "chroma"]

Samples = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float32]
Places = npt.NDArray[np.int64]

_RATE = 11_025  # Hz, to which the sound is brought: the highest pitch asked for is 2,093 Hz
_SIZE, _HOP = 8192, 2048  # 0.74 s tell two semitones apart from E1 upwards
_LOWEST, _HIGHEST = 28, 96  # MIDI pitches E1 to C7, whose fundamentals and low partials are looked for
_BASS = 52  # what sounds below E3 is bass
_SHARP = 0.15  # nepers that a peak stands over two bins away: a tone's main lobe does, a drum's noise seldom
_UNDER_FRAME, _UNDER_ALL = 40.0, 70.0  # dB under the strongest peak of its frame, or of all, that a peak may lie
_POWER = 0.75  # to which amplitudes are raised: between loudness and counting
_OVERTONES = ((12, 1.0), (19, 1.0), (24, 0.8), (28, 0.6), (31, 0.5))  # semitones above, and strength beside the fundamental
_DISCOUNT = 0.3  # share of the overtones expected that is taken away
_SILENCE = 1e-5  # of full scale: -100 dBFS
_AT_ONCE = 128  # frames


@dataclass(frozen=True, eq=False)
class Chroma:
    """Strength of the pitch classes C to B: `frames` (n, 12) of all pitches, `bass` (n, 12) of those below E3.

    `rate` frames per second; frame 0 is at 0 s. All >= 0, in proportion to amplitude to the power of 0.75; 0 where nothing
    pitched sounds. `tuning_cents` (-50 to 50) is how far the recording stands over A = 440 Hz, already allowed for.
    """

    frames: Floats
    bass: Floats
    rate: float
    tuning_cents: float


def chroma(mono: Samples, rate: int) -> Chroma:
    """The chroma of `mono` (frames,) at `rate` Hz.

    Peaks of the spectrum between E1 and C7 are placed by a parabola through their logarithms (Smith and Serra, PARSHL,
    1987), those too blunt to be tones are left out (that is most of the drums), the rest is tuned as a whole and counted
    at the nearest pitch, less a part of what overtones of lower pitches explain. Samples that are no numbers count as
    silence. Works in pieces: beside the sound at 11,025 Hz, memory is some 50 MB an hour.

    Raises ValueError for another shape than (frames,).
    """
    if mono.ndim != 1:
        msg = f"wanted (frames,), not {mono.shape}"
        raise ValueError(msg)
    sound = _at_rate(mono, rate)
    count = -(-len(sound) // _HOP)
    when, pitch, level = _peaks(sound, count)
    tuning = _tuning(pitch, level)
    heard = np.zeros((count, _HIGHEST - _LOWEST + 1), np.float32)
    tuned = pitch - tuning / 100
    nearest = np.rint(tuned).astype(np.int64)
    inside = (nearest >= _LOWEST) & (nearest <= _HIGHEST)
    near = np.maximum(0, 1 - 1.6 * np.abs(tuned - nearest)) * np.exp(level)
    np.add.at(heard, (when[inside], nearest[inside] - _LOWEST), near[inside].astype(np.float32))
    explained = np.zeros_like(heard)
    for above, strength in _OVERTONES:
        np.maximum(explained[:, above:], heard[:, :-above] * np.float32(strength), out=explained[:, above:])
    heard = np.maximum(heard - np.float32(_DISCOUNT) * explained, 0) ** np.float32(_POWER)
    return Chroma(_folded(heard), _folded(heard[:, : _BASS - _LOWEST]), _RATE / _HOP, tuning)


def _at_rate(mono: Samples, rate: int) -> Samples:
    import soxr

    sound = mono if np.isfinite(np.dot(mono, mono)) else np.clip(np.nan_to_num(mono, posinf=0.0, neginf=0.0), -1e6, 1e6)
    if rate == _RATE or not len(sound):
        return sound
    resampled: Samples = soxr.resample(sound, rate, _RATE, "HQ")
    return resampled


def _peaks(sound: Samples, count: int) -> tuple[Places, Floats, Floats]:
    """Frame, pitch (MIDI, with a fraction) and level (the logarithm of the amplitude) of every tone's peak."""
    from scipy.fft import rfft  # 0.15 s to import

    first, last = (int(440 * 2 ** ((pitch - 69) / 12) * _SIZE / _RATE) for pitch in (_LOWEST - 0.5, _HIGHEST + 0.5))
    window = (np.hanning(_SIZE + 1)[:-1] * (4 / _SIZE)).astype(np.float32)
    found: list[tuple[Places, Floats, Floats]] = []
    for start in range(0, count, _AT_ONCE):
        frames = min(_AT_ONCE, count - start)
        piece = np.zeros((frames - 1) * _HOP + _SIZE, np.float32)
        begin = start * _HOP - _SIZE // 2
        known = sound[max(begin, 0) : begin + len(piece)]
        piece[max(-begin, 0) : max(-begin, 0) + len(known)] = known
        shaped = np.lib.stride_tricks.sliding_window_view(piece, _SIZE)[::_HOP] * window
        logs = np.log(np.abs(rfft(shaped, axis=1)[:, first - 2 : last + 3]) + np.float32(1e-12))
        inner = logs[:, 2:-2]
        top = inner.max(axis=1, keepdims=True)
        kept = (inner > logs[:, 1:-3]) & (inner >= logs[:, 3:-1])
        kept &= inner - np.maximum(logs[:, :-4], logs[:, 4:]) > _SHARP
        kept &= inner > np.maximum(top - _nepers(_UNDER_FRAME), np.log(_SILENCE))
        when, at = np.nonzero(kept)
        left, middle, right = (logs[when, at + step] for step in (1, 2, 3))
        bend = 0.5 * (left - right) / np.minimum(left - 2 * middle + right, np.float32(-1e-6))
        hertz = (at + first + np.clip(bend, -0.5, 0.5)) * (_RATE / _SIZE)
        found.append((when + start, (69 + 12 * np.log2(hertz / 440)).astype(np.float32), middle))
    if not found:
        return np.zeros(0, np.int64), np.zeros(0, np.float32), np.zeros(0, np.float32)
    when, pitch, level = (np.concatenate(part) for part in zip(*found, strict=True))
    loud = level > level.max(initial=-np.inf) - _nepers(_UNDER_ALL)
    return when[loud], pitch[loud], level[loud]


def _nepers(decibels: float) -> np.float32:
    return np.float32(decibels * np.log(10) / 20)


def _tuning(pitch: Floats, level: Floats) -> float:
    """Cents above the nearest semitones on which most peaks lie: the mean on the circle of a semitone."""
    turned = np.sum(np.exp(level / 2) * np.exp(2j * np.pi * pitch.astype(np.float64)))
    return float(np.angle(turned) / (2 * np.pi) * 100) if turned else 0.0


def _folded(heard: Floats) -> Floats:
    """The sums over octaves of pitches from the lowest up, C first (n, 12)."""
    classes = np.zeros((len(heard), 12), np.float32)
    for pitch in range(heard.shape[1]):
        classes[:, (pitch + _LOWEST) % 12] += heard[:, pitch]
    return classes
