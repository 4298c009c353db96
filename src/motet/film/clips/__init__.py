"""Clips: a span of a film, of the recording that plays there and of its MIDI, cut, changed and exchanged together."""

from motet.film.clips.changes import Change, draw_changes
from motet.film.clips.negatives import Negative, Offered, draw_negatives
from motet.film.clips.picture import Cut, cut_picture
from motet.film.clips.score import Place, Sliced, Warp, midi_slice
from motet.film.clips.sound import film_sound, recording_sound
from motet.film.clips.triples import Triple, apply

__all__ = [
    "Change",
    "Cut",
    "Negative",
    "Offered",
    "Place",
    "Sliced",
    "Triple",
    "Warp",
    "apply",
    "cut_picture",
    "draw_changes",
    "draw_negatives",
    "film_sound",
    "midi_slice",
    "recording_sound",
]
