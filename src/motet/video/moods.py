"""The mood of a passage by its notes: a rule of thumb, where nobody has said."""

import numpy as np

from motet import midi

__all__ = ["of", "word"]


def of(passage: midi.Passage, key: midi.Key | None) -> str:
    """The mood of a passage in this key: an estimate by mode and energy."""
    lufs = float(midi.loudness(passage, np.array([passage.start, passage.end]))[0])
    return word(key.mode if key else None, midi.energy(midi.texture(passage), lufs))


def word(mode: str | None, energy: float) -> str:
    """A word of `motet.video.themes.MOODS` for a mode ("major", "minor", None where it cannot be told) and an energy, 0 to 1.

    The axes are those of Russell's circumplex (Journal of Personality and Social Psychology 39, 1980), with mode in the place of
    pleasure.
    """
    if mode is None:
        return "energetic" if energy >= 0.7 else "mysterious" if energy >= 0.35 else "dreamy"
    if mode == "major":
        return "energetic" if energy >= 0.7 else "happy" if energy >= 0.35 else "calm"
    return "tense" if energy >= 0.7 else "dark" if energy >= 0.35 else "sad"
