"""How near separated stems come to the true ones, in dB: BSS Eval, SI-SDR and the SDR of the demixing challenges."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

__all__ = ["TAPS", "ImageScores", "Scores", "bss_eval_images", "bss_eval_sources", "framewise", "sdr", "si_sdr"]

Array = npt.NDArray[np.float64]

TAPS = 512  # of the filter by which an estimate may differ from its source: BSS Eval 3's
DEPENDENT = 1e-12  # share of its energy that a signal must have of its own, not to be a mixture of the others
RIDGE = 1e-10  # of a signal's energy, where its delays are numerically dependent (a recording cut off at 16 kHz)


@dataclass(frozen=True)
class Scores:
    """dB for each true source (sources,); `perm[j]` is the estimate that was taken for source j."""

    sdr: Array
    sir: Array
    sar: Array
    perm: npt.NDArray[np.intp]


@dataclass(frozen=True)
class ImageScores(Scores):
    """Scores of images, with how well the estimate keeps a source's place between the channels."""

    isr: Array


Kind = TypeVar("Kind", bound=Scores)


def bss_eval_sources(reference: npt.ArrayLike, estimated: npt.ArrayLike, permute: bool = True) -> Scores:
    """BSS Eval 3 of (sources, frames), or (frames,) for one: an estimate may be its source through a filter of 512 taps.

    E. Vincent, R. Gribonval and C. Févotte, "Performance measurement in blind audio source separation", IEEE Trans.
    Audio, Speech and Language Processing 14(4), 2006, with time-invariant filters. The permutation is the one of the best
    mean SIR. The SIR of one lone source is infinite. Raises ValueError for unlike or wrong shapes, for numbers that are
    not finite, and for a silent source or estimate: it has no score.
    """
    true, guessed = (each[:, None, :] for each in _checked(reference, estimated, 2))
    perm, (whole, sir, sar) = _ordered(permute, *_of_sources(_parts(true, guessed, permute)))
    return Scores(whole, sir, sar, perm)


def bss_eval_images(reference: npt.ArrayLike, estimated: npt.ArrayLike, permute: bool = True) -> ImageScores:
    """BSS Eval 3 of images (sources, frames, channels): a filter or a shift between channels counts as a fault, in ISR.

    E. Vincent et al., "First stereo audio source separation evaluation campaign", ICA 2007. Raises as `bss_eval_sources`.
    """
    true, guessed = (each.transpose(0, 2, 1) for each in _checked(reference, estimated, 3))
    perm, (whole, sir, sar, isr) = _ordered(permute, *_of_images(_parts(true, guessed, permute), true))
    return ImageScores(whole, sir, sar, perm, isr)


def framewise(
    score: Callable[[Any, Any, bool], Kind], reference: npt.ArrayLike, estimated: npt.ArrayLike, window: int, hop: int
) -> list[Kind | None]:
    """`score` of every whole window, estimates as they are ordered; None where a source or an estimate is silent."""
    true, guessed = np.asarray(reference, float), np.asarray(estimated, float)
    if window < 1 or hop < 1:
        raise ValueError(f"a window of {window} frames every {hop} is none")
    if true.shape != guessed.shape or true.ndim not in (2, 3):
        raise ValueError(f"references of the shape {true.shape} and estimates of {guessed.shape} do not go together")
    found: list[Kind | None] = []
    for start in range(0, true.shape[1] - window + 1, hop):
        pieces = true[:, start : start + window], guessed[:, start : start + window]
        found.append(None if any(map(_has_silence, pieces)) else score(*pieces, False))
    return found


def sdr(reference: npt.ArrayLike, estimated: npt.ArrayLike) -> float:
    """The demixing challenges' SDR, over all frames and channels: 10 log10(|s|² / |s - ŝ|²).

    Y. Mitsufuji et al., "Music Demixing Challenge 2021". Infinite for a perfect estimate, -infinite where the reference is
    silent and the estimate is not, NaN where both are.
    """
    true, guessed = _alike(reference, estimated)
    return _decibels(_energy(true), _energy(true - guessed))


def si_sdr(reference: npt.ArrayLike, estimated: npt.ArrayLike) -> float:
    """The scale-invariant SDR: as `sdr`, of the reference at the level that explains most of the estimate.

    J. Le Roux et al., "SDR – half-baked or well done?", ICASSP 2019.
    """
    true, guessed = _alike(reference, estimated)
    energy = _energy(true)
    target = true * (float(np.vdot(true, guessed)) / energy) if energy else true
    return _decibels(_energy(target), _energy(target - guessed))


# --- what an estimate is made of ---


@dataclass(frozen=True)
class _Parts:
    """One estimate beside one source, all (channels, frames + TAPS - 1)."""

    estimate: Array
    own: Array  # what delays of the source explain of it
    explained: Array  # what delays of all the sources do


def _parts(true: Array, guessed: Array, permute: bool) -> list[list[_Parts | None]]:
    """[estimate][source]; the diagonal alone unless `permute`."""
    spans = [_Span(source) for source in true]
    everything = spans[0] if len(spans) == 1 else _Span(true.reshape(-1, true.shape[2]))
    table: list[list[_Parts | None]] = []
    for number, estimate in enumerate(guessed):
        padded = np.pad(estimate, ((0, 0), (0, TAPS - 1)))
        explained = everything.project(padded)
        row: list[_Parts | None] = []
        for other, span in enumerate(spans):
            if permute or other == number:
                row.append(_Parts(padded, explained if span is everything else span.project(padded), explained))
            else:
                row.append(None)
        table.append(row)
    return table


class _Span:
    """Everything that filters of `TAPS` taps can make of some signals (signals, frames)."""

    def __init__(self, signals: Array) -> None:
        from scipy.fft import irfft, next_fast_len, rfft
        from scipy.linalg import toeplitz

        signals = _independent(signals)
        self._frames = signals.shape[1] + TAPS - 1
        self._size = next_fast_len(self._frames, real=True)
        self._spectra = rfft(signals, self._size)
        gram = np.empty((len(signals) * TAPS, len(signals) * TAPS))
        for i, one in enumerate(self._spectra):
            for j, other in enumerate(self._spectra[: i + 1]):
                shared = irfft(np.conj(one) * other, self._size)  # by lag
                block = toeplitz(shared[:TAPS], np.roll(shared[::-1], 1)[:TAPS])
                gram[i * TAPS : (i + 1) * TAPS, j * TAPS : (j + 1) * TAPS] = block
        self._factor = _factor(gram)

    def project(self, estimate: Array) -> Array:
        from scipy.fft import irfft, rfft
        from scipy.linalg import cho_solve

        spectra = rfft(estimate, self._size)
        shared = irfft(np.conj(self._spectra)[None] * spectra[:, None], self._size)[..., :TAPS]
        filters = cho_solve((self._factor, True), shared.reshape(len(estimate), -1).T, check_finite=False).T
        answers = rfft(filters.reshape(len(estimate), -1, TAPS), self._size)
        projected: Array = irfft((answers * self._spectra).sum(axis=1), self._size)[:, : self._frames]
        return projected


def _independent(signals: Array) -> Array:
    """Signals of energy 1 with the same span: a silent channel, or a copy of another at any level, adds nothing to it."""
    energy = np.sqrt(np.square(signals).sum(axis=1))
    signals = signals[energy > 0] / energy[energy > 0, None]
    found, shapes = np.linalg.eigh(signals @ signals.T)
    kept = found > DEPENDENT * len(signals)
    if kept.all():
        return signals
    mixed: Array = shapes[:, kept].T @ signals / np.sqrt(found[kept])[:, None]
    return mixed


def _factor(gram: Array) -> Array:
    """The lower Cholesky factor; only the lower half of `gram` is read."""
    from scipy.linalg import LinAlgError, cholesky

    try:
        factor: Array = cholesky(gram, lower=True, check_finite=False)
    except LinAlgError:
        gram[np.diag_indices_from(gram)] += RIDGE
        factor = cholesky(gram, lower=True, check_finite=False)
    return factor


# --- scores ---


def _of_sources(parts: list[list[_Parts | None]]) -> tuple[Array, Array, Array]:
    """SDR, SIR and SAR, each [estimate, source]."""
    scores = np.full((3, len(parts), len(parts)), np.nan)
    for i, row in enumerate(parts):
        for j, part in enumerate(row):
            if part:
                target, explained = _energy(part.own), _energy(part.explained)
                scores[0, i, j] = _decibels(target, _energy(part.estimate - part.own))
                scores[1, i, j] = _decibels(target, _energy(part.explained - part.own))
                scores[2, i, j] = _decibels(explained, _energy(part.estimate - part.explained))
    return scores[0], scores[1], scores[2]


def _of_images(parts: list[list[_Parts | None]], true: Array) -> tuple[Array, Array, Array, Array]:
    """SDR, SIR, SAR and ISR, each [estimate, source]."""
    _, sir, sar = _of_sources(parts)
    whole, spatial = np.full_like(sir, np.nan), np.full_like(sir, np.nan)
    for i, row in enumerate(parts):
        for j, part in enumerate(row):
            if part:
                source = np.pad(true[j], ((0, 0), (0, TAPS - 1)))
                whole[i, j] = _decibels(_energy(source), _energy(part.estimate - source))
                spatial[i, j] = _decibels(_energy(source), _energy(part.own - source))
    return whole, sir, sar, spatial


def _ordered(permute: bool, whole: Array, sir: Array, *others: Array) -> tuple[npt.NDArray[np.intp], list[Array]]:
    """Which estimate is taken for each source, and the scores of those."""
    from scipy.optimize import linear_sum_assignment

    sources = np.arange(len(sir))
    taken = linear_sum_assignment(np.clip(sir.T, -1e6, 1e6), maximize=True)[1] if permute else sources
    return taken, [table[taken, sources] for table in (whole, sir, *others)]


def _energy(signal: Array) -> float:
    return float(np.vdot(signal, signal))


def _decibels(wanted: float, unwanted: float) -> float:
    if not unwanted:
        return math.inf if wanted else math.nan
    return 10 * math.log10(wanted / unwanted) if wanted else -math.inf


def _has_silence(signals: Array) -> bool:
    return not signals.any(axis=tuple(range(1, signals.ndim))).all()


def _alike(reference: npt.ArrayLike, estimated: npt.ArrayLike) -> tuple[Array, Array]:
    true, guessed = np.asarray(reference, np.float64), np.asarray(estimated, np.float64)
    if true.shape != guessed.shape:
        raise ValueError(f"references of the shape {true.shape} and estimates of {guessed.shape} do not go together")
    return true, guessed


def _checked(reference: npt.ArrayLike, estimated: npt.ArrayLike, axes: int) -> tuple[Array, Array]:
    true, guessed = _alike(reference, estimated)
    if true.ndim == axes - 1:
        true, guessed = true[None], guessed[None]
    if true.ndim != axes or not true.size:
        names = "(sources, frames)" if axes == 2 else "(sources, frames, channels)"
        raise ValueError(f"sources of the shape {true.shape} are not {names}")
    if not (np.isfinite(true).all() and np.isfinite(guessed).all()):
        raise ValueError("a source or an estimate holds numbers that are not finite")
    if _has_silence(true) or _has_silence(guessed):
        raise ValueError("a source or an estimate is silent: it has no score")
    return true, guessed
