"""The numbers a font sets for a sound: generators (SoundFont 2.04, section 8.1), and how they are read."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

__all__ = ["AS_PLAYED", "AS_WRITTEN", "COUNT", "DEFAULTS", "LIMITS", "Gen", "Reading"]


@dataclass(frozen=True)
class Reading:
    """Which reading of the standard is followed where its letter and all known players part."""

    attenuation: float
    """What a font's initialAttenuation counts: 1 as written, 0.4 as every player since the EMU8000 does."""
    full_scale: float
    """Centibels that the volume envelope spans in 100 %: 1000 as written (8.1.2, 36 to 38), 960 as played."""
    velocity_filters: bool
    """The second default modulator, velocity to filter cutoff (8.4.2): written, and played by none."""
    resonance_peaks: bool
    """Whether a filter's peak is as high above 0 Hz as its Q says (8.1.2, 9); as played the gain at the cutoff is 3 dB less."""
    correction_scaled: bool
    """Whether a sample's own correction in cents is scaled as keys are (8.1.2, 56): as played."""
    tremolo_above: float
    """Centibels that an oscillator may lift a sound above its envelope's peak (8.1.2, 13): as written all, as played none."""

    shortest_release: float
    """Timecents that a release takes at least: -12000 as written (8.1.2, 38), -7200 (16 ms) as played: less clicks."""


AS_WRITTEN = Reading(
    attenuation=1.0,
    full_scale=1000.0,
    velocity_filters=True,
    resonance_peaks=True,
    correction_scaled=False,
    tremolo_above=960.0,
    shortest_release=-12000.0,
)
AS_PLAYED = Reading(
    attenuation=0.4,
    full_scale=960.0,
    velocity_filters=False,
    resonance_peaks=False,
    correction_scaled=True,
    tremolo_above=0.0,
    shortest_release=-7200.0,
)


class Gen(IntEnum):
    """Generators by their number in the file (8.1.2); numbers that are missing are reserved and ignored."""

    START_OFFSET = 0
    END_OFFSET = 1
    LOOP_START_OFFSET = 2
    LOOP_END_OFFSET = 3
    START_COARSE = 4
    MOD_LFO_TO_PITCH = 5
    VIB_LFO_TO_PITCH = 6
    MOD_ENV_TO_PITCH = 7
    FILTER_CUTOFF = 8
    FILTER_Q = 9
    MOD_LFO_TO_FILTER = 10
    MOD_ENV_TO_FILTER = 11
    END_COARSE = 12
    MOD_LFO_TO_VOLUME = 13
    CHORUS = 15
    REVERB = 16
    PAN = 17
    MOD_LFO_DELAY = 21
    MOD_LFO_FREQUENCY = 22
    VIB_LFO_DELAY = 23
    VIB_LFO_FREQUENCY = 24
    MOD_DELAY = 25
    MOD_ATTACK = 26
    MOD_HOLD = 27
    MOD_DECAY = 28
    MOD_SUSTAIN = 29
    MOD_RELEASE = 30
    KEY_TO_MOD_HOLD = 31
    KEY_TO_MOD_DECAY = 32
    VOLUME_DELAY = 33
    VOLUME_ATTACK = 34
    VOLUME_HOLD = 35
    VOLUME_DECAY = 36
    VOLUME_SUSTAIN = 37
    VOLUME_RELEASE = 38
    KEY_TO_VOLUME_HOLD = 39
    KEY_TO_VOLUME_DECAY = 40
    INSTRUMENT = 41
    KEY_RANGE = 43
    VELOCITY_RANGE = 44
    LOOP_START_COARSE = 45
    KEY = 46
    VELOCITY = 47
    ATTENUATION = 48
    LOOP_END_COARSE = 50
    COARSE_TUNE = 51
    FINE_TUNE = 52
    SAMPLE = 53
    SAMPLE_MODES = 54
    SCALE_TUNING = 56
    EXCLUSIVE_CLASS = 57
    ROOT_KEY = 58


COUNT = 61
UNLIMITED = (-math.inf, math.inf)
_CENTS = (-12000, 12000)
_DELAY = (-12000, 5000)
_TIME = (-12000, 8000)
_KEYED = (-1200, 1200)

# generator -> its default, and the smallest and the largest value that is meant (8.1.3)
_SUMMARY: dict[Gen, tuple[int, tuple[float, float]]] = {
    Gen.START_OFFSET: (0, (0, math.inf)),
    Gen.END_OFFSET: (0, (-math.inf, 0)),
    Gen.START_COARSE: (0, (0, math.inf)),
    Gen.END_COARSE: (0, (-math.inf, 0)),
    Gen.MOD_LFO_TO_PITCH: (0, _CENTS),
    Gen.VIB_LFO_TO_PITCH: (0, _CENTS),
    Gen.MOD_ENV_TO_PITCH: (0, _CENTS),
    Gen.FILTER_CUTOFF: (13500, (1500, 13500)),
    Gen.FILTER_Q: (0, (0, 960)),
    Gen.MOD_LFO_TO_FILTER: (0, _CENTS),
    Gen.MOD_ENV_TO_FILTER: (0, _CENTS),
    Gen.MOD_LFO_TO_VOLUME: (0, (-960, 960)),
    Gen.CHORUS: (0, (0, 1000)),
    Gen.REVERB: (0, (0, 1000)),
    Gen.PAN: (0, (-500, 500)),
    Gen.MOD_LFO_DELAY: (-12000, _DELAY),
    Gen.MOD_LFO_FREQUENCY: (0, (-16000, 4500)),
    Gen.VIB_LFO_DELAY: (-12000, _DELAY),
    Gen.VIB_LFO_FREQUENCY: (0, (-16000, 4500)),
    Gen.MOD_DELAY: (-12000, _DELAY),
    Gen.MOD_ATTACK: (-12000, _TIME),
    Gen.MOD_HOLD: (-12000, _DELAY),
    Gen.MOD_DECAY: (-12000, _TIME),
    Gen.MOD_SUSTAIN: (0, (0, 1000)),
    Gen.MOD_RELEASE: (-12000, _TIME),
    Gen.KEY_TO_MOD_HOLD: (0, _KEYED),
    Gen.KEY_TO_MOD_DECAY: (0, _KEYED),
    Gen.VOLUME_DELAY: (-12000, _DELAY),
    Gen.VOLUME_ATTACK: (-12000, _TIME),
    Gen.VOLUME_HOLD: (-12000, _DELAY),
    Gen.VOLUME_DECAY: (-12000, _TIME),
    Gen.VOLUME_SUSTAIN: (0, (0, 1440)),
    Gen.VOLUME_RELEASE: (-12000, _TIME),
    Gen.KEY_TO_VOLUME_HOLD: (0, _KEYED),
    Gen.KEY_TO_VOLUME_DECAY: (0, _KEYED),
    Gen.KEY: (-1, (-1, 127)),  # -1: none
    Gen.VELOCITY: (-1, (-1, 127)),
    Gen.ATTENUATION: (0, (0, 1440)),
    Gen.COARSE_TUNE: (0, (-120, 120)),
    Gen.FINE_TUNE: (0, (-12799, 12799)),  # 99 cents, and as far as the wheel bends: it arrives here too (8.4.10)
    Gen.SAMPLE_MODES: (0, (0, 3)),
    Gen.SCALE_TUNING: (100, (0, 1200)),
    Gen.EXCLUSIVE_CLASS: (0, (0, 127)),
    Gen.ROOT_KEY: (-1, (-1, 127)),
}

DEFAULTS: npt.NDArray[np.int32] = np.zeros(COUNT, np.int32)
LIMITS: npt.NDArray[np.float64] = np.full((COUNT, 2), UNLIMITED)
for _gen, (_default, _limits) in _SUMMARY.items():
    DEFAULTS[_gen] = _default
    LIMITS[_gen] = _limits
DEFAULTS[[Gen.KEY_RANGE, Gen.VELOCITY_RANGE]] = 127 << 8
DEFAULTS.flags.writeable = LIMITS.flags.writeable = False
