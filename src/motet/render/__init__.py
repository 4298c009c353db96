"""From notes to sound: fonts, synths, mixes, and the files they are kept in.

font = find()
synth = load(font, 44100)
stems = list(synth.render([part.midi for part in split(data)]))
song = mix(stems)
Path("song.flac").write_bytes(encode(song.audio, 44100))
"""

from motet.render.errors import FontError, RenderError
from motet.render.flac import decode, encode
from motet.render.fonts import Font, find
from motet.render.loudness import integrated_loudness, true_peak
from motet.render.mixing import Mix, gain, mix, stored_gain
from motet.render.patch import Effect, Line, Patch, Preset, Sound
from motet.render.peaks import peaks
from motet.render.synths import SYNTHS, Audio, Synth, load, version

__all__ = [
    "SYNTHS",
    "Audio",
    "Effect",
    "Font",
    "FontError",
    "Line",
    "Mix",
    "Patch",
    "Preset",
    "RenderError",
    "Sound",
    "Synth",
    "decode",
    "encode",
    "find",
    "gain",
    "integrated_loudness",
    "load",
    "mix",
    "peaks",
    "stored_gain",
    "true_peak",
    "version",
]
