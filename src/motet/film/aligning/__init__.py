"""A MIDI file laid along a recording: where each of its bars sounds, and whether this is the recording's arrangement at all.

heard = hear(blocks)  # mono float32 at RATE
found = align(midi.read(data), heard)
if found.accepted:
    found.to_sound(score.tempo_map.to_seconds(ticks))
"""

from motet.film.aligning.alignment import Alignment, Bar
from motet.film.aligning.fitting import align
from motet.film.aligning.hearing import LONGEST, RATE, Heard, hear

__all__ = ["LONGEST", "RATE", "Alignment", "Bar", "Heard", "align", "hear"]
