"""A SoundFont player built for the night: each distinct note is rendered once, and added wherever it occurs."""

from motet.render.soundfont.generators import AS_PLAYED, AS_WRITTEN, Reading
from motet.render.soundfont.synth import SoundFontSynth, Tile, load

__all__ = ["AS_PLAYED", "AS_WRITTEN", "Reading", "SoundFontSynth", "Tile", "load"]
