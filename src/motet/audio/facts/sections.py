"""The form of a recording: where something new begins, and what comes again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from motet.audio.facts.timbre import FRAMES_PER_SECOND, RATE, SIZE, at_rate, mel_bands, spectra

__all__ = ["Form", "Section", "sections"]

Samples = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]

_CELL = 11  # frames, 0.51 s, that are told together
_COEFFICIENTS = 13  # of the cepstrum, the first of which is loudness
_CHROMA = 1.0  # what a unit of harmony weighs beside one of colour
_HALF = 24  # cells on either side of a boundary, 12 s, that are compared
_NEAREST = 14  # cells between boundaries, 7 s
_FEWEST = 40  # cells, 20 s, of a recording that may have sections
_STANDS_OUT, _LEAST = 1.25, 0.03  # times the usual novelty, and of 1, that a boundary has at least
_LEAST_SPREAD = 0.5  # nepers: smaller changes of a coefficient weigh less
_SAME = 0.55  # likeness of two sections that are one
_SNAP = 1.0  # seconds to a beat


@dataclass(frozen=True)
class Section:
    """From `start` to `end` in seconds. Sections of one recording that sound alike have one `label`: A, B …, Z, AA.

    `confidence` (0-1) is how far the novelty where it begins stands above the recording's usual one; the first has 1.
    """

    start: float
    end: float
    label: str
    confidence: float


def sections(mono: Samples | Iterable[Samples], rate: int, beats: Sequence[float] = ()) -> tuple[Section, ...]:
    """The sections of `mono` (frames,), or of such blocks in a row, at `rate` Hz; they begin at `beats` (s) near by, if any.

    Novelty along the self-similarity of pitch classes and cepstrum in steps of 0.5 s (Foote, ICME 2000), 12 s compared
    with 12 s. Alike are those whose means are. It tends to divide too much: where passages of a song were joined in another
    order (36 songs), two thirds of the joints are found within 3 s, and three in five of the boundaries told lie elsewhere.
    A recording shorter than 20 s is one section, silence none. Memory: 2 MB an hour.
    """
    form = Form()
    for power in spectra(at_rate(mono, rate)):
        form.add(power)
    return form.sections(beats)


class Form:
    """Hears spectra in a row (see `timbre.spectra`), and tells the sections of them all."""

    def __init__(self) -> None:
        self._cells: list[npt.NDArray[np.float32]] = []
        self._left = np.zeros((0, SIZE // 2 + 1), np.float32)
        self._frames = 0

    def add(self, power: npt.NDArray[np.float32]) -> None:
        """The next frames' power spectra (frames, 1025)."""
        self._frames += len(power)
        known = np.concatenate([self._left, power])
        whole = len(known) // _CELL
        if whole:
            self._cells.append(_told(known[: whole * _CELL].reshape(whole, _CELL, -1)))
        self._left = known[whole * _CELL :]

    def sections(self, beats: Sequence[float] = ()) -> tuple[Section, ...]:
        """What was heard, in sections that begin at `beats` (ascending, s) within a second, if there are any."""
        cells = np.concatenate(self._cells).astype(np.float64) if self._cells else np.zeros((0, 12 + _COEFFICIENTS))
        end = max(self._frames - 1, 0) / FRAMES_PER_SECOND
        if not cells[:, :12].any():
            return ()
        if len(cells) < _FEWEST:
            return (Section(0.0, end, "A", 1.0),)
        points = _points(cells)
        novelty = _novelty(points)
        starts = _boundaries(novelty)
        usual = float(np.median(novelty))
        sure = [1.0, *(float(novelty[at] / (novelty[at] + usual)) for at in starts)]
        spans = list(zip([0, *starts], [*starts, len(points)], strict=True))
        times = _on_beats([at * _CELL / FRAMES_PER_SECOND for at in starts], beats, end)
        edges = [0.0, *times, end]
        return tuple(map(Section, edges[:-1], edges[1:], _labels([points[a:b] for a, b in spans]), sure))


def _told(power: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Chroma and cepstrum (cells, 25) of cells (cells, frames, bins), each of unit length or in nepers."""
    mean = power.mean(axis=1)
    classes = np.sqrt(power).mean(axis=1) @ _classes()
    length = np.sqrt((classes**2).sum(axis=1, keepdims=True))
    classes = np.where(length > 1e-5, classes / np.maximum(length, 1e-12), 0)
    cepstrum = np.log(mean @ mel_bands() + np.float32(1e-6)) @ _cosines()
    return np.concatenate([classes, cepstrum], axis=1).astype(np.float32)


def _points(cells: Floats) -> Floats:
    """Cells around their mean, colour scaled to the spread of its loudest coefficient, each no longer than 1."""
    classes, cepstrum = cells[:, :12], cells[:, 12:]
    classes = (classes - classes.mean(axis=0)) * _CHROMA
    spread = cepstrum.std(axis=0)
    cepstrum = (cepstrum - cepstrum.mean(axis=0)) / np.maximum(spread, _LEAST_SPREAD) / np.sqrt(_COEFFICIENTS)
    together = np.concatenate([classes, cepstrum], axis=1)
    length = np.sqrt((together**2).sum(axis=1, keepdims=True))
    points: Floats = together / np.maximum(length, 1.0)
    return points


def _novelty(points: Floats) -> Floats:
    """Foote's novelty (cells,), 0 to 1, before each cell.

    With inner products for likeness and a checkerboard tapered by a product of Gaussians, the sum over the matrix is the
    squared length of the difference of the weighted sums before and after: no matrix is needed, however long it is.
    """
    offsets = np.arange(_HALF) + 0.5
    taper = np.exp(-0.5 * (2 * offsets / _HALF) ** 2)
    padded = np.concatenate([np.zeros((_HALF, points.shape[1])), points, np.zeros((_HALF, points.shape[1]))])
    inside = np.concatenate([np.zeros(_HALF), np.ones(len(points)), np.zeros(_HALF)])
    before, after, known = np.zeros_like(points), np.zeros_like(points), np.zeros((2, len(points), 1))
    for at, weight in enumerate(taper):
        later, earlier = slice(_HALF + at, _HALF + at + len(points)), slice(_HALF - at - 1, _HALF - at - 1 + len(points))
        after += weight * padded[later]
        before += weight * padded[earlier]
        known[0, :, 0] += weight * inside[later]
        known[1, :, 0] += weight * inside[earlier]
    difference = after / np.maximum(known[0], 1e-9) - before / np.maximum(known[1], 1e-9)
    fair = np.minimum(*known)[:, 0] / taper.sum()  # little is known at either end
    value: Floats = (difference**2).sum(axis=1) / 4 * fair
    return value


def _boundaries(novelty: Floats) -> list[int]:
    """Cells that begin something, ascending: peaks that stand out, the highest first, none nearer than 7 s to another."""
    wide = np.lib.stride_tricks.sliding_window_view(np.pad(novelty, _NEAREST // 2), _NEAREST + 1).max(axis=1)
    peaks = np.flatnonzero((novelty == wide) & (novelty > max(_STANDS_OUT * np.median(novelty), _LEAST)))
    kept: list[int] = []
    for at in peaks[np.argsort(-novelty[peaks], kind="stable")].tolist():
        if _NEAREST <= at <= len(novelty) - _NEAREST and all(abs(at - other) >= _NEAREST for other in kept):
            kept.append(at)
    return sorted(kept)


def _on_beats(times: list[float], beats: Sequence[float], end: float) -> list[float]:
    if not len(beats):
        return times
    grid = np.asarray(beats, np.float64)
    nearest = [float(grid[np.abs(grid - time).argmin()]) for time in times]
    return [beat if abs(beat - time) <= _SNAP and 0 < beat < end else time for beat, time in zip(nearest, times, strict=True)]


def _labels(spans: Sequence[Floats]) -> list[str]:
    """A name for each span, that of the earlier one it is most like, if it is like one."""
    means = [span.mean(axis=0) for span in spans]
    groups: list[list[int]] = []
    names = []
    for at, mean in enumerate(means):
        likeness = [_likeness(mean, np.mean([means[other] for other in group], axis=0)) for group in groups]
        best = int(np.argmax(likeness)) if likeness else -1
        if best >= 0 and likeness[best] >= _SAME:
            groups[best].append(at)
        else:
            best = len(groups)
            groups.append([at])
        names.append(_letters(best))
    return names


def _likeness(a: Floats, b: Floats) -> float:
    """The cosine of two means; where both are near that of the whole recording, 1."""
    lengths = float(np.linalg.norm(a)), float(np.linalg.norm(b))
    if max(lengths) < 0.1:
        return 1.0
    return float(a @ b) / max(lengths[0] * lengths[1], 1e-12)


def _letters(number: int) -> str:
    name = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        name = chr(ord("A") + rest) + name
    return name


@cache
def _classes() -> npt.NDArray[np.float32]:
    """How far each bin between 110 Hz and 2.1 kHz counts for each pitch class (1025, 12): Gaussians of a semitone."""
    hertz = np.arange(1, SIZE // 2 + 1) * RATE / SIZE
    pitch = 69 + 12 * np.log2(hertz / 440)
    away = (pitch[:, None] - np.arange(12) + 6) % 12 - 6
    weights = np.zeros((SIZE // 2 + 1, 12), np.float32)
    weights[1:] = np.exp(-0.5 * (away / 0.5) ** 2) * ((hertz > 110) & (hertz < 2100))[:, None]
    return weights


@cache
def _cosines() -> npt.NDArray[np.float32]:
    bands = mel_bands().shape[1]
    cosines = np.cos(np.pi / bands * np.outer(np.arange(bands) + 0.5, np.arange(_COEFFICIENTS)))
    scaled: npt.NDArray[np.float32] = (cosines * np.sqrt(2 / bands)).astype(np.float32)
    return scaled
