"""How an instrument begins its notes: that decides how exactly their beginnings can be heard."""

from typing import Literal

__all__ = ["Kind", "kind_of"]

Kind = Literal["percussive", "plucked", "sustained", "noise"]

# General MIDI programs, counted from 0. Timpani, the hit, and what the specification calls percussive but the reverse cymbal.
_PERCUSSIVE = frozenset({47, 55, *range(112, 119), 127})
# Pianos, mallets, guitars, basses, pizzicato and harp, and the plucked of the ethnic group.
_PLUCKED = frozenset({*range(16), *range(24, 40), 45, 46, *range(104, 109)})
_NOISES = range(119, 127)


def kind_of(program: int, is_drum: bool) -> Kind:
    """The kind of a General MIDI program (0-127): what is hit, what is struck or plucked and decays, what swells, and noises.

    Noises, from the reverse cymbal to the applause, swell and have no pitch.
    Organs, strings, winds, leads, pads and effects are sustained, whatever their attack: their sounds differ between fonts.
    """
    if is_drum or program in _PERCUSSIVE:
        return "percussive"
    if program in _NOISES:
        return "noise"
    return "plucked" if program in _PLUCKED else "sustained"
