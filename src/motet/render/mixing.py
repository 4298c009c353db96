"""Stems made into one recording with one linear gain."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from motet.render.errors import RenderError
from motet.render.loudness import integrated_loudness, true_peak

__all__ = ["Mix", "gain", "mix", "stored_gain"]

Audio = npt.NDArray[np.float32]
STEP_DB = 0.001  # gains are whole multiples, so that no last bit of a measurement decides a file's bytes
STEM_PEAK_DB = -12.0
PIECE = 1 << 15  # frames


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
    stems: Iterable[Audio],
    gains_db: Sequence[float] | None = None,
    *,
    sample_rate: int = 44100,
    target_lufs: float = -14.0,
    ceiling_dbtp: float = -1.0,
) -> Mix:
    """The sum of `stems` (each (frames, 2)), as long as the longest, brought towards `target_lufs` by one gain.

    `gains_db` are the gains the stems are stored with. Stems are taken one at a time: pass a generator and memory
    holds one of them. A mix without a loudness keeps its level, unless the ceiling lowers it.
    Raises RenderError `no_stems`, `not_stereo`, `not_finite`, `wrong_gains`.
    """
    audio = _sum(stems, gains_db)
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


def _sum(stems: Iterable[Audio], gains_db: Sequence[float] | None) -> Audio:
    total: Audio = np.zeros((0, 2), np.float32)
    count = 0
    for stem in stems:
        if stem.ndim != 2 or stem.shape[1] != 2:
            raise RenderError("not_stereo", f"a stem has the shape {stem.shape}, not (frames, 2)")
        if gains_db is not None and count >= len(gains_db):
            raise RenderError("wrong_gains", f"there are more stems than the {len(gains_db)} gains")
        factor = np.float32(1) if gains_db is None else gain(gains_db[count])
        count += 1
        if len(stem) > len(total):
            longer = np.zeros(stem.shape, np.float32)
            longer[: len(total)] = total
            total = longer
        for start in range(0, len(stem), PIECE):  # small enough to stay in the processor's cache
            piece = stem[start : start + PIECE]
            total[start : start + len(piece)] += piece * factor
    if not count:
        raise RenderError("no_stems", "there is nothing to mix")
    if gains_db is not None and count != len(gains_db):
        raise RenderError("wrong_gains", f"there are {count} stems and {len(gains_db)} gains")
    if not math.isfinite(float(total.sum())):
        raise RenderError("not_finite", "a stem holds values that are no sound")
    return total


def _top(audio: Audio) -> float:
    return max(float(audio.max()), -float(audio.min())) if audio.size else 0.0


def _db(linear: float) -> float:
    return 20 * math.log10(linear)


def _up(db: float) -> float:
    return round(math.ceil(round(db / STEP_DB, 6)) * STEP_DB, 3)
