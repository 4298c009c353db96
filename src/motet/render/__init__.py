"""From notes to sound: racks of fonts, plug-ins and effects, mixes, the files they are kept in, and what is heard of them.

    with Player(read_rack("default")) as player:
        for rendering in render_song(Path("song.mid").read_bytes(), player, Path("stems"), takes(1)):
            Path("song.flac").write_bytes(encode(rendering.mix.audio, 44100))

or one by one: `find` a font, `load` a synth, `render` parts, `mix` them.
"""

from motet.render.effects import EFFECTS
from motet.render.encoding import Format, check_encoding, decode, encode, pieces
from motet.render.errors import FontError, RenderError, SynthError
from motet.render.fonts import Font, find
from motet.render.hearing import Fault, Hearing, Kind, hear, judge, kind_of, struck
from motet.render.loudness import integrated_loudness, true_peak
from motet.render.mixing import Mix, gain, mix, stored_gain
from motet.render.patch import Effect, Line, Patch, Preset, Sound
from motet.render.peaks import peaks
from motet.render.playing import Played, Player, faults, mono, tried
from motet.render.rack import Rack, Who
from motet.render.rack import read as read_rack
from motet.render.rack import ready as ready_racks
from motet.render.record import Record
from motet.render.roles import LOUDNESS, balance, roles
from motet.render.song import KeptStem, Rendering, render_song
from motet.render.synths import DEFAULT_SYNTH, SYNTHS, Audio, Synth, load, version
from motet.render.takes import Take, takes
from motet.render.trying import Trial, try_rack

__all__ = [
    "DEFAULT_SYNTH",
    "EFFECTS",
    "LOUDNESS",
    "SYNTHS",
    "Audio",
    "Effect",
    "Fault",
    "Font",
    "FontError",
    "Format",
    "Hearing",
    "KeptStem",
    "Kind",
    "Line",
    "Mix",
    "Patch",
    "Played",
    "Player",
    "Preset",
    "Rack",
    "Record",
    "RenderError",
    "Rendering",
    "Sound",
    "Synth",
    "SynthError",
    "Take",
    "Trial",
    "Who",
    "balance",
    "check_encoding",
    "decode",
    "encode",
    "faults",
    "find",
    "gain",
    "hear",
    "integrated_loudness",
    "judge",
    "kind_of",
    "load",
    "mix",
    "mono",
    "peaks",
    "pieces",
    "read_rack",
    "ready_racks",
    "render_song",
    "roles",
    "stored_gain",
    "struck",
    "takes",
    "tried",
    "true_peak",
    "try_rack",
    "version",
]
