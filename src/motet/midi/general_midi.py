"""The instrument names of General MIDI level 1, in words for people."""

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


def instrument(program: int, is_drum: bool = False) -> str:
    """The name of a General MIDI program (0-127), or "drums" for a part on the percussion channel."""
    return DRUMS if is_drum else PROGRAMS[program]
