"""MIDI: read safely, one exact clock, facts of a song and of any passage, parts, clips."""

from motet.midi.chords import Chord, chords
from motet.midi.cut import cut
from motet.midi.description import Description, SectionFacts, as_services_did, describe, describe_sections
from motet.midi.errors import Unreadable
from motet.midi.estimates import acousticness, energy, loudness
from motet.midi.facts import Facts, facts, notes_digest
from motet.midi.feel import Feel, feel
from motet.midi.general_midi import instrument
from motet.midi.instruments import Instrument, instruments
from motet.midi.key import Key, key
from motet.midi.metre import Metre, metre
from motet.midi.passage import Beats, Passage
from motet.midi.pulse import Pulse, pulse
from motet.midi.reading import Score, read, together
from motet.midi.sections import Section, sections
from motet.midi.spans import cut_costs, fixed_spans, spans
from motet.midi.split import LeftOut, Merge, Part, Separated, join, separate, split
from motet.midi.tap import Tap, tap
from motet.midi.tempo import TempoMap
from motet.midi.texture import Texture, texture
from motet.midi.variation import Variation, vary
from motet.midi.words import Words, words

__all__ = [
    "Beats",
    "Chord",
    "Description",
    "Facts",
    "Feel",
    "Instrument",
    "Key",
    "LeftOut",
    "Merge",
    "Metre",
    "Part",
    "Passage",
    "Pulse",
    "Score",
    "Section",
    "SectionFacts",
    "Separated",
    "Tap",
    "TempoMap",
    "Texture",
    "Unreadable",
    "Variation",
    "Words",
    "acousticness",
    "as_services_did",
    "chords",
    "cut",
    "cut_costs",
    "describe",
    "describe_sections",
    "energy",
    "facts",
    "feel",
    "fixed_spans",
    "instrument",
    "instruments",
    "join",
    "key",
    "loudness",
    "metre",
    "notes_digest",
    "pulse",
    "read",
    "sections",
    "separate",
    "spans",
    "split",
    "tap",
    "texture",
    "together",
    "vary",
    "words",
]
