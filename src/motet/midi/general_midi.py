"""The instrument names and families of General MIDI level 1 and the drum kits of GS, in words for people."""

PROGRAMS = (
    "grand piano", "bright piano", "electric grand piano", "honky-tonk piano",
    "electric piano", "FM electric piano", "harpsichord", "clavinet",
    "celesta", "glockenspiel", "music box", "vibraphone",
    "marimba", "xylophone", "tubular bells", "dulcimer",
    "drawbar organ", "percussive organ", "rock organ", "church organ",
    "reed organ", "accordion", "harmonica", "bandoneon",
    "nylon-string guitar", "steel-string guitar", "jazz guitar", "clean electric guitar",
    "muted electric guitar", "overdriven guitar", "distorted guitar", "guitar harmonics",
    "upright bass", "fingered bass", "picked bass", "fretless bass",
    "slap bass", "slap bass", "synth bass", "synth bass",
    "violin", "viola", "cello", "double bass",
    "tremolo strings", "pizzicato strings", "harp", "timpani",
    "string ensemble", "slow strings", "synth strings", "synth strings",
    "choir", "voice oohs", "synth voice", "orchestra hit",
    "trumpet", "trombone", "tuba", "muted trumpet",
    "French horn", "brass section", "synth brass", "synth brass",
    "soprano saxophone", "alto saxophone", "tenor saxophone", "baritone saxophone",
    "oboe", "English horn", "bassoon", "clarinet",
    "piccolo", "flute", "recorder", "pan flute",
    "blown bottle", "shakuhachi", "whistle", "ocarina",
    "square-wave lead", "sawtooth lead", "calliope lead", "chiff lead",
    "charang lead", "voice lead", "fifths lead", "bass and lead synth",
    "new-age pad", "warm pad", "polysynth pad", "choir pad",
    "bowed pad", "metallic pad", "halo pad", "sweep pad",
    "rain effect", "soundtrack effect", "crystal effect", "atmosphere effect",
    "brightness effect", "goblin effect", "echo effect", "sci-fi effect",
    "sitar", "banjo", "shamisen", "koto",
    "kalimba", "bagpipes", "fiddle", "shanai",
    "tinkle bell", "agogo bells", "steel drums", "woodblock",
    "taiko drum", "melodic tom", "synth drum", "reverse cymbal",
    "guitar fret noise", "breath noise", "seashore sounds", "bird sounds",
    "telephone ring", "helicopter sound", "applause", "gunshot sound",
)  # fmt: skip
DRUMS = "drums"

# The sixteen groups of eight programs each, as the specification names them.
FAMILIES = (
    "piano", "chromatic percussion", "organ", "guitar", "bass", "strings", "ensemble", "brass",
    "reed", "pipe", "synth lead", "synth pad", "synth effects", "ethnic", "percussive", "sound effects",
)  # fmt: skip
# What the metadata of Slakh2100 calls the same groups: its second strings are General MIDI's ensembles.
SLAKH_CLASSES = (
    "Piano", "Chromatic Percussion", "Organ", "Guitar", "Bass", "Strings", "Strings (continued)", "Brass",
    "Reed", "Pipe", "Synth Lead", "Synth Pad", "Sound Effects", "Ethnic", "Percussive", "Sound effects",
)  # fmt: skip
SLAKH_DRUMS = "Drums"

# Programs of the drum channel on Roland's SC-55 and most synths since; 127 is the kit of the older CM-64.
DRUM_KITS = {
    0: "standard kit", 8: "room kit", 16: "power kit", 24: "electronic kit", 25: "TR-808 kit", 32: "jazz kit",
    40: "brush kit", 48: "orchestra kit", 56: "sound effects kit", 127: "CM-64 kit",
}  # fmt: skip


def instrument(program: int, is_drum: bool = False) -> str:
    """The name of a General MIDI program (0-127), or "drums" for a part on the percussion channel."""
    return DRUMS if is_drum else PROGRAMS[program]


def family(program: int, is_drum: bool = False) -> str:
    """The family of a General MIDI program (0-127): one of `FAMILIES`, or "drums"."""
    return DRUMS if is_drum else FAMILIES[program // 8]


def slakh_class(program: int, is_drum: bool = False) -> str:
    """The instrument class of a program (0-127) as Slakh2100 writes it, such as "Strings (continued)"."""
    return SLAKH_DRUMS if is_drum else SLAKH_CLASSES[program // 8]


def drum_kit(program: int) -> str:
    """The drum kit that a program (0-127) chooses on the drum channel, or "drum kit" for a number GS leaves free."""
    return DRUM_KITS.get(program, "drum kit")
