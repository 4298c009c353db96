"""MIDI: read safely, one exact clock, facts, parts, clips."""

from motet.midi.cut import cut
from motet.midi.errors import Unreadable
from motet.midi.facts import Facts, facts, notes_digest
from motet.midi.general_midi import instrument
from motet.midi.pulse import Pulse, pulse
from motet.midi.reading import Score, read
from motet.midi.spans import spans
from motet.midi.split import Part, split
from motet.midi.tempo import TempoMap

__all__ = [
    "Facts",
    "Part",
    "Pulse",
    "Score",
    "TempoMap",
    "Unreadable",
    "cut",
    "facts",
    "instrument",
    "notes_digest",
    "pulse",
    "read",
    "spans",
    "split",
]
