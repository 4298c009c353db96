"""Proof that a stem sounds as its MIDI says: what is heard of it, and what is wrong with that.

notes = struck(part.midi, 44100)
kind = kind_of(part.program, part.is_drum)
heard = hear(audio, 44100, notes, kind)
faults = judge(heard, kind)
"""

from motet.render.hearing.judging import Fault, judge
from motet.render.hearing.kinds import Kind, kind_of
from motet.render.hearing.listening import Hearing, hear
from motet.render.hearing.notes import Struck, struck

__all__ = ["Fault", "Hearing", "Kind", "Struck", "hear", "judge", "kind_of", "struck"]
