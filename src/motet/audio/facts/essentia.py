"""The same facts from essentia, where it is installed (Bogdanov et al., ISMIR 2013): another ear."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.metadata import version as installed
from importlib.util import find_spec
from typing import Any

import numpy as np
import numpy.typing as npt

from motet.audio.facts.beats import Beats
from motet.audio.facts.key import Key
from motet.audio.facts.tempo import Tempo
from motet.errors import UserError

__all__ = ["is_installed", "key", "pulse", "version"]

Samples = npt.NDArray[np.float32]

_RATE = 44_100  # Hz, the only rate that its beat tracker knows
_SUREST = 5.32  # the most its beat tracker's confidence comes to
_NAMED = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_SHORTEST = 3.0  # seconds of music that it is asked about


def is_installed() -> bool:
    return find_spec("essentia") is not None


def version() -> str:
    return installed("essentia")


def pulse(mono: Samples, rate: int) -> tuple[Tempo, Beats] | None:
    """Tempo and beats of `mono` (frames,) by RhythmExtractor2013; None for silence, less than 3 s, and without beats.

    Raises UserError where essentia is not installed.
    """
    essentia = _loaded()
    if len(mono) < _SHORTEST * rate or not mono.any():
        return None
    told = essentia.RhythmExtractor2013(method="multifeature")(_at_its_rate(mono, rate))
    bpm, times, confidence = float(told[0]), np.asarray(told[1], np.float64), float(told[2])
    if not bpm > 0 or not len(times):
        return None
    sure = min(max(confidence / _SUREST, 0.0), 1.0)
    return Tempo(bpm, sure, (), None), Beats(times, np.zeros(0, np.int64), None, sure, 0.0)


def key(mono: Samples, rate: int) -> Key | None:
    """The key of `mono` (frames,) by KeyExtractor, its strength (a correlation) for confidence; None for silence and < 3 s.

    Raises UserError where essentia is not installed.
    """
    essentia = _loaded()
    if len(mono) < _SHORTEST * rate or not mono.any():
        return None
    name, scale, strength = essentia.KeyExtractor(sampleRate=_RATE)(_at_its_rate(mono, rate))
    tonic = (_NAMED[name[0]] + name.count("#") - name.count("b")) % 12
    return Key(tonic, "minor" if scale == "minor" else "major", min(max(float(strength), 0.0), 1.0))


@cache
def _loaded() -> Any:
    if not is_installed():
        raise UserError('This needs essentia: pip install "motet[essentia]", or let Motet\'s own analysis speak (by="motet").')
    log: Any = import_module("essentia").log  # it has no types
    log.infoActive = log.warningActive = False  # it writes to the terminal otherwise
    return import_module("essentia.standard")


def _at_its_rate(mono: Samples, rate: int) -> Samples:
    import soxr

    sound: Samples = mono if rate == _RATE else soxr.resample(mono, rate, _RATE, "HQ")
    return np.ascontiguousarray(sound, np.float32)
