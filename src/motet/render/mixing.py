"""Stems made into one recording with one linear gain."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from motet.render.errors import RenderError
from motet.render.loudness import integrated_loudness, true_peak

__all__ = ["Audio", "Mix", "Piece", "gain", "mix", "stored_gain"]

Audio = npt.NDArray[np.float32]
Piece = Audio | npt.NDArray[np.int16]
"""(frames, channels): full scale is 1.0 in float32, 32,768 in int16."""
STEP_DB = 0.001  # gains are whole multiples, so that no last bit of a measurement decides a file's bytes
STEM_PEAK_DB = -12.0
FULL_SCALE = 32768  # of 16 bits
PIECE = 1 << 15  # frames
GROWTH = 1 << 20  # frames


@dataclass(frozen=True)
class Mix:
    """A recording, and what was done to get it.

    `audio` is the sum of the stems times `gain_db`, nothing else. `lufs` and `true_peak_db` are those of `audio`,
    None where there is none (silence; or, for loudness, less than 0.4 s). `ceiling_won`: the true-peak ceiling
    kept the gain under what the loudness asked for.
    """

    audio: Audio
    gain_db: float
    lufs: float | None
    true_peak_db: float | None
    ceiling_won: bool


def gain(db: float) -> np.float32:
    """The linear factor of a gain in dB, in the precision every stem and mix is multiplied in."""
    return np.float32(10 ** (db / 20))


def stored_gain(audio: Audio, peak_db: float = STEM_PEAK_DB) -> float:
    """The gain in dB that brings a file of `audio`, stored with its highest sample at `peak_db` dBFS, back to `audio`.

    Store with `encode(audio, rate, gain_db=-stored)`, play with `gain(stored)`. The default keeps 14 bits of every
    stem, however quiet, at about the file size of unscaled ones.
    """
    top = _top(audio)
    return 0.0 if top == 0 else _up(_db(top) - peak_db)


def mix(
    stems: Iterable[Piece | Iterable[Piece]],
    gains_db: Sequence[float] | None = None,
    *,
    sample_rate: int = 44100,
    channels: Literal[1, 2] = 2,
    target_lufs: float = -14.0,
    ceiling_dbtp: float = -1.0,
) -> Mix:
    """The sum of `stems`, each times its gain, as long as the longest, brought towards `target_lufs` by one gain more.

    A stem is (frames, 1 or 2), or comes in pieces of that: pass `pieces(path)` of each and memory holds the sum and a
    piece, however many and long they are. In a mix of one channel, left and right count half each; in one of two, a mono
    stem sounds from both. A mix without a loudness keeps its level, unless the ceiling lowers it.
    Raises RenderError `no_stems`, `wrong_channels`, `not_finite`, `wrong_gains`.
    """
    audio = _sum(stems, gains_db, channels)
    loudness, peak = integrated_loudness(audio, sample_rate), true_peak(audio)
    if peak == 0:
        return Mix(audio, 0.0, None, None, False)
    wanted = 0.0 if loudness is None else target_lufs - loudness
    allowed = ceiling_dbtp - _db(peak)
    ceiling_won = wanted > allowed
    db = -_up(-allowed) if ceiling_won else round(wanted / STEP_DB) * STEP_DB
    db = round(db, 3)
    audio *= gain(db)
    return Mix(audio, db, None if loudness is None else loudness + db, _db(peak) + db, ceiling_won)


def _sum(stems: Iterable[Piece | Iterable[Piece]], gains_db: Sequence[float] | None, channels: int) -> Audio:
    total: Audio = np.zeros((0, channels), np.float32)
    count = longest = 0
    for stem in stems:
        if gains_db is not None and count >= len(gains_db):
            raise RenderError("wrong_gains", f"there are more stems than the {len(gains_db)} gains")
        factor = np.float32(1) if gains_db is None else gain(gains_db[count])
        count += 1
        end = 0
        for piece in _pieces(stem):
            start, end = end, end + len(piece)
            longest = max(longest, end)
            if piece.any():
                if end > len(total):
                    total.resize((end + GROWTH, channels), refcheck=False)  # zeros, and mostly without a copy
                total[start:end] += _heard(piece, factor, channels)
    if not count:
        raise RenderError("no_stems", "there is nothing to mix")
    if gains_db is not None and count != len(gains_db):
        raise RenderError("wrong_gains", f"there are {count} stems and {len(gains_db)} gains")
    total.resize((longest, channels), refcheck=False)
    if not math.isfinite(float(total.sum())):
        raise RenderError("not_finite", "a stem holds values that are no sound")
    return total


def _pieces(stem: Piece | Iterable[Piece]) -> Iterable[Piece]:
    """Pieces small enough to stay in the processor's cache."""
    for piece in [stem] if isinstance(stem, np.ndarray) else stem:
        if piece.ndim != 2 or piece.shape[1] not in (1, 2):
            raise RenderError("wrong_channels", f"a stem has the shape {piece.shape}, not (frames, 1 or 2)")
        for start in range(0, len(piece), PIECE):
            yield piece[start : start + PIECE]


def _heard(piece: Piece, factor: np.float32, channels: int) -> Audio:
    if piece.dtype == np.int16:
        factor /= np.float32(FULL_SCALE)
    if piece.shape[1] > channels:
        halves: Audio = piece.astype(np.float32) @ np.array([[0.5], [0.5]], np.float32)
        return halves * factor
    return piece * factor


def _top(audio: Audio) -> float:
    return max(float(audio.max()), -float(audio.min())) if audio.size else 0.0


def _db(linear: float) -> float:
    return 20 * math.log10(linear)


def _up(db: float) -> float:
    return round(math.ceil(round(db / STEP_DB, 6)) * STEP_DB, 3)
