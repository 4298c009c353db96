"""What is heard of one stem, beside the MIDI it was made from."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from motet.render.hearing.kinds import Kind
from motet.render.hearing.levels import levels
from motet.render.hearing.notes import Struck
from motet.render.hearing.onsets import HOP, agreement, expected, loudness, onsets
from motet.render.hearing.tuning import tuning

__all__ = ["Hearing", "hear"]

Audio = NDArray[np.float32]
Flags = NDArray[np.bool_]

SILENCE = 2.0**-15  # one step of 16 bits
QUIET = 1e-3  # of the loudest: -60 dB
BEGUN = 0.15  # seconds after its strike by which a note sounds
LAST = 0.005  # seconds at the end
FAINTEST = 10.0**-10  # linear; dB of nothing at all would be no number


@dataclass(frozen=True)
class Hearing:
    """Plain numbers, in seconds, milliseconds, dB and cents as named. None is what cannot be told.

    `dc` is the mean sample where it is farthest from 0 (full scale 1). `clipped` counts runs of three samples or more that
    stay at the highest or the lowest value there is. `tail_db` is the level of the last 5 ms, against the peak.

    `notes` are the MIDI's, `left_out` counts those whose onsets need not be heard, by reason (see `onsets.expected`).
    `expected` onsets must be heard; of the `found` ones `matched` belong to an onset of the MIDI, and `recall`,
    `precision` and their harmonic mean `f1` say how far both agree. `offset_ms` is how much later than the MIDI onsets are
    found, the median, and `spread_ms` its interquartile range: a slow attack is part of it.

    `unheard` notes have silence (60 dB under the loudest) where they begin; `unheard_keys` never sound. Of `judged` notes,
    `present` have their pitch in the sound, and `tuning_cents` is how far that is off, the median.

    `early_ms` is how long before the first note there is sound, `missed` how many notes are struck after the end,
    `short_by` and `long_by` by how many seconds the sound ends before or after the last note's end.
    """

    seconds: float
    peak_db: float | None
    rms_db: float | None
    silent: bool
    dc: float
    clipped: int
    tail_db: float | None
    notes: int
    left_out: dict[str, int]
    expected: int
    found: int
    matched: int
    recall: float | None
    precision: float | None
    f1: float | None
    offset_ms: float | None
    spread_ms: float | None
    unheard: int
    unheard_keys: tuple[int, ...]
    judged: int
    present: int
    tuning_cents: float | None
    early_ms: float
    missed: int
    short_by: float
    long_by: float


def hear(audio: Audio, sample_rate: int, notes: Struck, kind: Kind) -> Hearing:
    """Measure a stem, float32 (frames, 1 or 2), whose frame 0 is the MIDI's tick 0, against the notes struck in it.

    An echo or a long reverb makes onsets of its own: hear a stem before such effects. Raises RenderError `wrong_shape`,
    `not_finite`.
    """
    heard = levels(audio, sample_rate)
    seconds = len(audio) / sample_rate
    silent = heard.peak < SILENCE
    wanted = expected(notes, sample_rate, kind)
    found = np.zeros(0) if silent else onsets(heard.copy, heard.copy_rate)
    fit = agreement(wanted, found, kind)
    sure = int(np.count_nonzero(wanted.sure))
    recall = fit.sure / sure if sure else None
    precision = fit.matched / len(found) if len(found) else None
    pitch = tuning(heard.copy, heard.copy_rate, notes, sample_rate, kind)
    sounds = _sounding(heard.copy)
    first_sound = float(sounds.argmax() * HOP / heard.copy_rate) if sounds.any() else math.inf
    first_note = float(notes.start.min() / sample_rate) if len(notes) else math.inf
    end = float(notes.end.max(initial=0)) / sample_rate
    mute = _unheard(sounds, heard.copy_rate, notes, sample_rate) & ~wanted.faint
    never = sorted({*notes.key[mute].tolist()} - {*notes.key[~mute].tolist()})
    tail = audio[-max(1, round(LAST * sample_rate)) :]
    return Hearing(
        seconds=seconds,
        peak_db=_db(heard.peak),
        rms_db=_db(heard.rms),
        silent=silent,
        dc=heard.dc,
        clipped=heard.clipped,
        tail_db=None if silent else _db(max(FAINTEST, float(np.sqrt(np.mean(np.square(tail, dtype=np.float64)))) / heard.peak)),
        notes=len(notes),
        left_out=wanted.left_out,
        expected=sure,
        found=len(found),
        matched=fit.matched,
        recall=recall,
        precision=precision,
        f1=_f1(recall, precision),
        offset_ms=None if fit.late is None else fit.late * 1000,
        spread_ms=None if fit.spread is None else fit.spread * 1000,
        unheard=int(np.count_nonzero(mute)),
        unheard_keys=tuple(never),
        judged=pitch.judged,
        present=pitch.present,
        tuning_cents=pitch.cents,
        early_ms=0.0 if silent or math.isinf(first_note) else max(0.0, first_note - first_sound) * 1000,
        missed=int(np.count_nonzero(notes.start >= len(audio))),
        short_by=max(0.0, end - seconds),
        long_by=max(0.0, seconds - end),
    )


def _f1(recall: float | None, precision: float | None) -> float | None:
    if recall is None:
        return None
    total = recall + (precision or 0.0)
    return 2 * recall * (precision or 0.0) / total if total else 0.0


def _sounding(copy: Audio) -> Flags:
    """Whether there is sound in each hop of the copy."""
    level = loudness(copy)
    sounds: Flags = level > max(QUIET * float(level.max(initial=0)), SILENCE / 2)
    return sounds


def _unheard(sounds: Flags, copy_rate: float, notes: Struck, sample_rate: int) -> Flags:
    """Notes with silence from their strike on. Proves a fault, and nothing good: something else may be what sounds."""
    so_far = np.concatenate([[0], np.cumsum(sounds)])
    scale = copy_rate / sample_rate / HOP
    first = np.minimum((notes.start * scale).astype(np.int64), len(sounds))
    last = np.minimum(((notes.start + round(BEGUN * sample_rate)) * scale).astype(np.int64) + 1, len(sounds))
    quiet: Flags = so_far[last] == so_far[first]
    return quiet


def _db(linear: float) -> float | None:
    return 20 * math.log10(linear) if linear > 0 else None
