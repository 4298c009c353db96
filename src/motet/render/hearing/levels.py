"""What a recording is like sample by sample, in one pass over it, and a small mono copy for all that listens closer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from motet.render.errors import RenderError

__all__ = ["Levels", "levels"]

Audio = NDArray[np.float32]

COPY_RATE = 11025  # Hz, about; of the mono copy
FASTEST = 13000  # Hz
# Of left and right in the mono copy. Unequal, so that opposite channels do not cancel.
BALANCE = (0.625, 0.375)
PIECE = 1 << 13  # frames of the copy; a piece of the recording stays in the processor's cache
ROW = 64  # frames
RUN = 3  # equal samples at the extreme; waves that nothing clips rarely have two


@dataclass(frozen=True, eq=False)
class Levels:
    """`peak`, `rms` and `dc` (of the channel where it is greatest) are linear, `clipped` counts the runs of three or more
    samples that stay at the highest or lowest value there is. `copy` is mono at `copy_rate` Hz, without an anti-alias
    filter: what shimmers above its band folds into it, so that cymbals are heard.
    """

    peak: float
    rms: float
    dc: float
    clipped: int
    copy: Audio
    copy_rate: float


def levels(audio: Audio, sample_rate: int) -> Levels:
    """Measure float32 `audio` of shape (frames, 1 or 2). Raises RenderError `wrong_shape`, `not_finite`."""
    if audio.ndim != 2 or audio.shape[1] not in (1, 2):
        raise RenderError("wrong_shape", f"a stem has the shape {audio.shape}, not (frames, 2)")
    audio = np.ascontiguousarray(audio, np.float32)
    frames, channels = audio.shape
    factor = max(1, round(sample_rate / COPY_RATE))
    weights = np.tile(np.array(BALANCE[:channels], np.float32), factor) / np.float32(factor * sum(BALANCE[:channels]))
    copy = np.empty(frames // factor, np.float32)
    sums, square = np.zeros(channels), 0.0
    tops, bottoms = [], []
    step = PIECE * factor
    ones = np.ones(step // ROW, np.float32)
    for number, first in enumerate(range(0, frames, step)):
        piece = audio[first : first + step]
        whole = len(piece) // factor
        there = copy[number * PIECE : number * PIECE + whole]
        flat = piece.reshape(-1)
        tops.append(float(flat.max()))
        bottoms.append(float(flat.min()))
        if tops[-1] == bottoms[-1] == 0:
            there[:] = 0
            continue
        np.dot(piece[: whole * factor].reshape(whole, factor * channels), weights, out=there)
        square += float(np.dot(flat, flat))
        rows = len(piece) // ROW  # long rows are what sums fast
        sums += np.dot(ones[:rows], piece[: rows * ROW].reshape(rows, ROW * channels)).reshape(ROW, channels).sum(axis=0)
        sums += piece[rows * ROW :].sum(axis=0)
    if not np.isfinite(square):
        raise RenderError("not_finite", "a stem holds values that are no sound")
    top, bottom = max(tops, default=0.0), min(bottoms, default=0.0)
    peak = max(top, -bottom)
    clipped = 0
    if peak > 0:
        for number in range(len(tops)):
            piece = audio[number * step : (number + 1) * step]
            if tops[number] == top or bottoms[number] == bottom:
                clipped += _runs(piece, top, bottom)
    means = sums / max(1, frames)
    dc = float(means[np.abs(means).argmax()])
    copy_rate = sample_rate / factor
    if copy_rate > FASTEST:  # 16 kHz, of the usual rates: what follows is made for windows of 23 ms
        moments = np.arange(int(len(copy) * COPY_RATE / copy_rate)) * (copy_rate / COPY_RATE)
        copy, copy_rate = np.interp(moments, np.arange(len(copy)), copy).astype(np.float32), COPY_RATE
    return Levels(peak, float(np.sqrt(square / max(1, audio.size))), dc, clipped, copy, copy_rate)


def _runs(piece: Audio, top: float, bottom: float) -> int:
    """Runs of samples at the extremes, in any channel; none in a wave that stays as often elsewhere, as a bit crusher's does."""
    there = ((piece == np.float32(top)) | (piece == np.float32(bottom))) & (piece != 0)
    stays = (piece[1:] == piece[:-1]) & (piece[1:] != 0)
    if np.count_nonzero(stays & ~there[1:]) > np.count_nonzero(stays & there[1:]):
        return 0
    held = there[RUN - 1 :]
    for back in range(1, RUN):
        held = held & there[RUN - 1 - back : len(there) - back]
    return int(np.count_nonzero(held[1:] & ~held[:-1]) + np.count_nonzero(held[:1]))
