"""Fourteen traditional and classical melodies, arranged for small bands.

The melodies are in the public domain everywhere we know of. The arrangements are ours and given to everyone
under CC0-1.0: use them for anything.
"""

from .form import Part, Section, Tune

_EXPRESSIVE = frozenset({"swell", "bend"})
_SWELL = frozenset({"swell"})
_PEDAL = frozenset({"pedal"})

GREENSLEEVES = Tune(
    title="Greensleeves",
    artist="Traditional English",
    origin="English ballad tune, known since 1580.",
    key="Am",
    metre=(6, 8),
    pickup="A",
    melody="""
        [Am]c2 d e>^fe | [G]d2 B G>AB | [Am]c2 A A>^GA | [E]B2 ^G E2 A |
        [Am]c2 d e>^fe | [G]d2 B G>AB | [Am]c>BA [E]^G>^F^G | [Am]A3 A2 z |
        [C]g3 g>^fe | [G]d2 B G>AB | [Am]c2 A A>^GA | [E]B2 ^G E3 |
        [C]g3 g>^fe | [G]d2 B G>AB | [Am]c>BA [E]^G>^F^G | [Am]A3 A2 z
    """,
    parts=(
        Part("recorder", 74, "lead", volume=127, pan=72, gestures=_SWELL),
        Part("violin", 40, "lead", volume=127, pan=44, gestures=_SWELL),
        Part("cello", 42, "lead", volume=78, pan=84, centre=55),
        Part("lute", 24, "chords", volume=92, pan=52, centre=54, voices=3),
        Part("bass", 32, "bass", volume=100),
        Part("drums", 0, "drums", volume=94),
    ),
    form=(
        Section("15-16", "mp", "lute=lute, bass=root", tempo=105),
        Section("1-8", "mp", "recorder=tune, lute=lute, bass=rock6"),
        Section("9-16", "mp<mf", "recorder=tune, cello=counter, lute=lute, bass=lilt, drums=frame"),
        Section("1-8", "mf", "violin=tune, recorder=thirds, cello=counter, lute=lute, bass=lilt, drums=frame"),
        Section("9-14", "f", "violin=tune, recorder=tune, cello=counter, lute=jig, bass=lilt, drums=frame", fill=False),
        Section(
            "15-16",
            "mf>mp",
            "violin=tune, recorder=thirds, cello=counter, lute=lute, bass=root, drums=frame",
            tempo=(102, 60),
        ),
    ),
    last_chord="A",
)

SCARBOROUGH_FAIR = Tune(
    title="Scarborough Fair",
    artist="Traditional English",
    origin="English ballad of the Elfin Knight family, in the Dorian mode.",
    key="Dm",
    metre=(3, 4),
    melody="""
        [Dm]D4 D2 | [Dm]A4 A2 | [C]E3 F E2 | [Dm]D6 | [Dm]z2 A2 c2 | [F]d4 c2 | [G]A2 =B2 G2 | [Dm]A6 |
        [Dm]z4 d2 | [Dm]d4 d2 | [F]c4 A2 | [F]A2 G2 F2 | [C]E2 C4 |
        [Dm]D4 A2 | [C]G4 F2 | [C]E2 D2 C2 | [Dm]D6 | [Dm]z6
    """,
    transpose=2,
    parts=(
        Part("flute", 73, "lead", volume=103, pan=70, gestures=_SWELL),
        Part("oboe", 68, "lead", volume=80, pan=48),
        Part("viola", 41, "lead", volume=96, pan=84, centre=57),
        Part("harp", 46, "chords", volume=56, pan=44, centre=57, gestures=_PEDAL),
        Part("strings", 48, "chords", volume=100, pan=64, centre=57),
        Part("bass", 32, "bass", volume=119),
        Part("drums", 0, "drums", volume=101),
    ),
    form=(
        Section("1-4", "p<mp", "harp=harp3, bass=root", tempo=132),
        Section("1-18", "mp", "flute=tune+12, harp=harp3, bass=root, viola=counter"),
        Section("1-8", "mf", "oboe=tune+12, viola=counter, harp=harp3, strings=pad, bass=waltz, drums=waltz"),
        Section(
            "9-16",
            "f>mf",
            "flute=tune+12, oboe=thirds+12, viola=counter, harp=harp3, strings=pad, bass=waltz, drums=waltz",
        ),
        Section(
            "15-17",
            "mf>p",
            "flute=tune+12, viola=counter, harp=harp3, strings=pad, bass=root, drums=waltz",
            tempo=(126, 72),
            fill=False,
        ),
    ),
    last_chord="Dm",
    ticks_per_quarter=384,
)

AMAZING_GRACE = Tune(
    title="Amazing Grace",
    artist="Traditional American",
    origin="The tune New Britain, from shape-note books of the 1830s.",
    key="G",
    metre=(3, 4),
    pickup="D2",
    melody="""
        [G]G4 BG | [G7]B4 A2 | [C]G4 E2 | [G]D4 D2 | [G]G4 BG | [Em]B4 A2 | [D]d6- | [D7]d4 B2 |
        [G]d3 BdB | [G7]G4 D2 | [C]E3 GGE | [G]D4 D2 | [Em]G4 BG | [G/D]B2 [D7]B2 A2 | [C]G6 | [G]G4 z2
    """,
    parts=(
        Part("lead guitar", 26, "lead", volume=127, pan=58, gestures=_EXPRESSIVE),
        Part("choir", 52, "lead", volume=127, pan=76, centre=60, gestures=_SWELL),
        Part("piano", 0, "chords", volume=127, pan=50, centre=58, voices=4, gestures=_PEDAL),
        Part("organ", 16, "chords", volume=92, pan=84, centre=60),
        Part("bass", 33, "bass", volume=98),
        Part("drums", 0, "drums", volume=103),
    ),
    form=(
        Section("15-16", "mp", "piano=hymn, bass=root", tempo=88),
        Section("1-16", "mp<mf", "lead guitar=tune, piano=hymn, organ=pad, bass=slow, drums=gospel"),
        Section("9-12", "mf", "choir=tune, lead guitar=thirds, piano=harp3, organ=pad, bass=slow, drums=gospel", tempo=92),
        Section("13", "f", "lead guitar=tune+12, choir=counter, piano=hymn, organ=pad, bass=slow, drums=gospel", fill=False),
        Section(
            "14-16",
            "f>mp",
            "lead guitar=tune+12, choir=counter, piano=hymn, organ=pad, bass=root, drums=gospel",
            tempo=(88, 60),
            fill=False,
        ),
    ),
    last_chord="G",
)

AULD_LANG_SYNE = Tune(
    title="Auld Lang Syne",
    artist="Traditional Scottish",
    origin="Scots air printed with Robert Burns's words in 1799.",
    key="G",
    metre=(4, 4),
    pickup="D2",
    melody="""
        [G]G3 G G2 B2 | [D7]A3 G A2 B2 | [G]G3 G [G7]B2 d2 | [C]e6 e2 |
        [G]d3 B B2 G2 | [D7]A3 G A2 B2 | [Em]G3 E [Am]E2 [D7]D2 | [G]G6 e2 |
        [G]d3 B B2 G2 | [D7]A3 G A2 e2 | [G]d3 B [G7]B2 d2 | [C]e6 e2 |
        [G]d3 B B2 G2 | [D7]A3 G A2 B2 | [Em]G3 E [Am]E2 [D7]D2 | [G]G6 z2
    """,
    transpose=-2,
    parts=(
        Part("accordion", 21, "lead", volume=127, pan=58),
        Part("fiddle", 40, "lead", volume=125, pan=74, gestures=_SWELL),
        Part("horn", 60, "lead", volume=70, pan=44, centre=55),
        Part("guitar", 25, "chords", volume=111, pan=88, centre=57, voices=4),
        Part("bass", 32, "bass", volume=100),
        Part("drums", 0, "drums", volume=88),
    ),
    form=(
        Section("15-16", "mp", "guitar=roll, bass=root", tempo=104),
        Section("1-8", "mp", "fiddle=tune, horn=counter, guitar=roll, bass=half"),
        Section("9-14", "mp<mf", "fiddle=tune, accordion=thirds, horn=counter, guitar=roll, bass=half, drums=halftime"),
        Section(
            "15-16",
            "mf",
            "fiddle=tune, accordion=thirds, horn=counter, guitar=roll, bass=half, drums=halftime",
            tempo=(98, 64),
        ),
        Section("9-16", "f", "accordion=tune+12, fiddle=thirds+12, guitar=offbeat, bass=oompah, drums=polka", tempo=168),
        Section(
            "9-16",
            "f<ff",
            "accordion=thirds+12, fiddle=tune+12, horn=counter, guitar=offbeat, bass=oompah, drums=polka",
            tempo=184,
        ),
    ),
    last_chord="G",
    ticks_per_quarter=192,
)

DRUNKEN_SAILOR = Tune(
    title="Drunken Sailor",
    artist="Traditional Sea Shanty",
    origin="Stamp-and-go shanty heard at sea since the 1820s, in the Dorian mode.",
    key="C",
    metre=(4, 4),
    melody="""
        [Dm]A2 AA A2 AA | [Dm]A2 D2 F2 A2 | [C]G2 GG G2 GG | [C]G2 C2 E2 G2 |
        [Dm]A2 AA A2 AA | [Dm]A2 B2 c2 d2 | [C]c2 A2 G2 E2 | [Dm]D4 D4 |
        [Dm]A4 A3 A | [Dm]A2 D2 F2 A2 | [C]G4 G3 G | [C]G2 C2 E2 G2 |
        [Dm]A4 A3 A | [F]A2 [G]B2 [Am]c2 [Dm]d2 | [C]c2 A2 G2 E2 | [Dm]D4 D4
    """,
    parts=(
        Part("tin whistle", 72, "lead", volume=112, pan=70),
        Part("fiddle", 40, "lead", volume=89, pan=50),
        Part("overdrive", 29, "chords", volume=100, pan=30, centre=52, voices=3),
        Part("mandolin", 25, "chords", volume=90, pan=98, centre=62, voices=4),
        Part("bass", 34, "bass", volume=110),
        Part("drums", 0, "drums", volume=76),
    ),
    form=(
        Section("15-16,15-16", "mf", "mandolin=strum, drums=stomp", tempo=164),
        Section("1-8", "mf", "fiddle=tune+12, mandolin=strum, bass=pulse, drums=stomp"),
        Section(
            "9-16",
            "mf<f",
            "fiddle=tune+12, tin whistle=thirds+12, mandolin=strum, bass=drive, drums=rock, overdrive=power",
        ),
        Section("1-8", "f", "tin whistle=tune+12, mandolin=strum, overdrive=power, bass=drive, drums=rock"),
        Section(
            "9-16",
            "f<ff",
            "tin whistle=tune+12, fiddle=tune+12, mandolin=strum, overdrive=power, bass=drive, drums=rock",
            tempo=172,
        ),
    ),
    last_chord="D5",
    one_track=True,
)

IRISH_WASHERWOMAN = Tune(
    title="The Irish Washerwoman",
    artist="Traditional Irish",
    origin="Jig danced in Ireland and England since the 1700s.",
    key="G",
    metre=(6, 8),
    pickup="dc",
    melody="""
        [G]BGG DGG | [G]BGB dcB | [Am]cAA EAA | [Am]cAc [D7]edc |
        [G]BGG DGG | [G]BGB dcB | [C]cBc [D7]Adc | [G]BGG G2 z |
        [G]gdg gdg | [G]gdg bag | [D]fdf fdf | [D]fdf agf |
        [Em]egg [G]dgg | [Am]cgg [G]Bgg | [C]cBc [D7]Adc | [G]BGG G2 z
    """,
    parts=(
        Part("fiddle", 40, "lead", volume=108, pan=52),
        Part("whistle", 72, "lead", volume=119, pan=80),
        Part("accordion", 21, "chords", volume=107, pan=96, centre=59),
        Part("guitar", 25, "chords", volume=94, pan=34, centre=56, voices=4),
        Part("bass", 32, "bass", volume=88),
        Part("drums", 0, "drums", volume=83),
    ),
    form=(
        Section("7-8,15-16", "mp", "guitar=jig, bass=rock6", tempo=168),
        Section("1-8", "mf", "fiddle=tune, guitar=jig, bass=rock6"),
        Section("1-8", "mf", "fiddle=tune, guitar=jig, bass=jig, drums=jig"),
        Section("9-16", "mf<f", "fiddle=tune, guitar=jig, accordion=pad, bass=jig, drums=jig"),
        Section("9-16", "f", "whistle=tune, guitar=jig, accordion=pad, bass=jig, drums=jig"),
        Section("1-8", "f", "fiddle=tune, whistle=tune+12, guitar=jig, accordion=pad, bass=jig, drums=jig", tempo=180),
        Section("9-16", "f<ff", "fiddle=tune, whistle=thirds, guitar=jig, accordion=pad, bass=jig, drums=jig"),
    ),
    last_chord="G",
    ticks_per_quarter=240,
)

SAKURA = Tune(
    title="Sakura Sakura",
    artist="Traditional Japanese",
    origin="Song of the cherry blossoms, from the Edo period, in the In scale.",
    key="Am",
    metre=(4, 4),
    melody="""
        [Am]A2 A2 [E5]B4 | [Am]A2 A2 [E5]B4 | [Am]A2 B2 c2 B2 | [F]A2 BA F4 | [Am]E2 C2 E2 F2 | [Am]E2 EC [E5]B,4 |
        [Am]A2 B2 c2 B2 | [F]A2 BA F4 | [Am]E2 C2 E2 F2 | [Am]E2 EC [E5]B,4 |
        [Am]A2 A2 [E5]B4 | [Am]A2 A2 [E5]B4 | [Am]E2 F2 [Dm]BA F2 | [E5]E8
    """,
    parts=(
        Part("shakuhachi", 77, "lead", volume=120, pan=72, gestures=_EXPRESSIVE),
        Part("koto", 107, "lead", volume=122, pan=50),
        Part("second koto", 107, "chords", volume=99, pan=30, centre=60, voices=3),
        Part("strings", 48, "chords", volume=102, pan=70, centre=57),
        Part("cello", 42, "lead", volume=82, pan=92, centre=48),
        Part("bass", 32, "bass", volume=119),
        Part("drums", 0, "drums", volume=91),
    ),
    form=(
        Section("13-14", "p", "second koto=koto, drums=taiko", tempo=104, fill=False),
        Section("1-10", "mp", "koto=tune+12, second koto=koto, bass=root"),
        Section("11-14", "mp", "koto=tune+12, shakuhachi=tune, second koto=koto, bass=root, cello=counter", fill=False),
        Section(
            "3-10",
            "mf",
            "shakuhachi=tune+12, second koto=koto, koto=thirds, strings=pad, bass=half, cello=counter, drums=taiko",
            tempo=112,
        ),
        Section(
            "11-12",
            "f",
            "shakuhachi=tune+12, koto=tune, second koto=koto, strings=pad, bass=half, cello=counter, drums=taiko",
            fill=False,
        ),
        Section(
            "13-14",
            "mf>p",
            "shakuhachi=tune+12, koto=tune, second koto=koto, strings=pad, bass=root, drums=taiko",
            tempo=(100, 60),
            fill=False,
        ),
    ),
    last_chord="Am",
    ticks_per_quarter=960,
)

KOROBEINIKI = Tune(
    title="Korobeiniki",
    artist="Traditional Russian",
    origin="Dance song of the pedlars, Russia, 1860s.",
    key="Am",
    metre=(4, 4),
    melody="""
        [E]e4 B2 c2 | [E7]d4 c2 B2 | [Am]A4 A2 c2 | [Am]e4 d2 c2 | [E]B6 c2 | [E7]d4 e4 | [Am]c4 A4 | [Am]A4 z4 |
        [Dm]d6 f2 | [Dm]a4 g2 f2 | [C]e6 c2 | [C]e4 d2 c2 | [E]B6 c2 | [E7]d4 e4 | [Am]c4 A4 | [Am]A4 z4
    """,
    transpose=-2,
    parts=(
        Part("accordion", 21, "lead", volume=89, pan=54),
        Part("mandolin", 25, "lead", volume=127, pan=80),
        Part("balalaika", 24, "chords", volume=92, pan=36, centre=60, voices=3),
        Part("tuba", 58, "bass", volume=127),
        Part("trombone", 57, "lead", volume=112, pan=90, centre=52),
        Part("drums", 0, "drums", volume=79),
    ),
    form=(
        Section("15-16", "mp", "balalaika=oompah, tuba=oompah", tempo=152),
        Section("1-8", "mp", "mandolin=tune, balalaika=oompah, tuba=oompah"),
        Section("9-16", "mf", "accordion=tune, balalaika=oompah, tuba=oompah, drums=polka"),
        Section(
            "1-8",
            "mf<f",
            "accordion=tune, mandolin=thirds, balalaika=oompah, tuba=oompah, drums=polka",
            tempo=(154, 176),
            programs={"accordion": 71},
        ),
        Section(
            "9-16",
            "f",
            "accordion=tune, mandolin=thirds, trombone=counter, balalaika=oompah, tuba=two, drums=polka",
            tempo=(176, 200),
        ),
        Section(
            "1-8",
            "f<ff",
            "accordion=tune, mandolin=tune, balalaika=oompah, tuba=two, trombone=counter, drums=train",
            tempo=(200, 224),
            programs={"accordion": 21},
        ),
    ),
    last_chord="Am",
    ticks_per_quarter=120,
)

FRERE_JACQUES = Tune(
    title="Frère Jacques",
    artist="Traditional French",
    origin="Round written down in Paris about 1780.",
    key="C",
    metre=(4, 4),
    melody="""
        [C]C2 [G7]D2 [C]E2 C2 | [C]C2 [G7]D2 [C]E2 C2 | [C]E2 [G7]F2 [C]G4 | [C]E2 [G7]F2 [C]G4 |
        [C]GA [G7]GF [C]E2 C2 | [C]GA [G7]GF [C]E2 C2 | [C]C2 [G7]G,2 [C]C4 | [C]C2 [G7]G,2 [C]C4
    """,
    transpose=5,
    parts=(
        Part("trombone", 57, "lead", volume=127, pan=44),
        Part("trumpet", 56, "lead", volume=103, pan=84),
        Part("organ", 18, "chords", volume=116, pan=96, centre=60),
        Part("guitar", 27, "chords", volume=109, pan=34, centre=62),
        Part("bass", 33, "bass", volume=89),
        Part("drums", 0, "drums", volume=103),
    ),
    form=(
        Section("7-8", "mf", "bass=root, drums=reggae, guitar=skank", tempo=108),
        Section("1-8", "mf", "trombone=tune, bass=reggae, guitar=skank, drums=reggae"),
        Section("1-8", "mf<f", "trombone=tune, trumpet=tune+12>2, bass=reggae, guitar=skank, organ=bubble, drums=reggae"),
        Section("1-4", "f", "trumpet=tune+12, trombone=thirds, bass=reggae, guitar=skank, organ=bubble, drums=reggae"),
        Section(
            "7-8",
            "mf>mp",
            "trombone=tune, trumpet=thirds+12, bass=root, guitar=skank, organ=bubble, drums=reggae",
            tempo=(104, 76),
        ),
    ),
    last_chord="C6",
    ticks_per_quarter=96,
)

WHEN_THE_SAINTS = Tune(
    title="When the Saints Go Marching In",
    artist="Traditional American",
    origin="New Orleans spiritual, no known author.",
    key="C",
    metre=(4, 4),
    pickup="C2 E2 F2",
    melody="""
        [C]G8 | [C]z2 C2 E2 F2 | [C]G8 | [C]z2 C2 E2 F2 | [C]G4 E4 | [Am]C4 E4 | [G7]D8- | [G7]D2 E2 E2 D2 |
        [C]C6 C2 | [C7]E4 G2 G2 | [F]G2 F6 | [Dm]z4 [C/E]E2 F2 | [C]G4 [Am]E4 | [Dm7]C4 [G7]D4 | [C]C8- | [C]C2 z6
    """,
    transpose=5,
    swing=True,
    parts=(
        Part("trumpet", 56, "lead", volume=125, pan=60, gestures=_SWELL),
        Part("clarinet", 71, "lead", volume=105, pan=86),
        Part("trombone", 57, "lead", volume=108, pan=40, centre=53),
        Part("banjo", 105, "chords", volume=70, pan=100, centre=60, voices=4),
        Part("piano", 0, "chords", volume=112, pan=30, centre=57, voices=4),
        Part("bass", 32, "bass", volume=81),
        Part("drums", 0, "drums", volume=80),
    ),
    form=(
        Section("13-16", "mf", "piano=charleston, bass=two, drums=swing", tempo=220),
        Section("1-16", "mf", "trumpet=tune, banjo=four, bass=two, drums=swing"),
        Section("1-16", "mf<f", "clarinet=tune+12, trombone=counter, piano=charleston, bass=walk, drums=swing, banjo=four"),
        Section(
            "1-12",
            "f<ff",
            "trumpet=tune, clarinet=thirds+12, trombone=counter, banjo=four, bass=walk, drums=secondline",
        ),
        Section(
            "13-16",
            "ff",
            "trumpet=tune, clarinet=tune+12, trombone=counter, piano=four, banjo=four, bass=two, drums=secondline",
            tempo=(214, 160),
        ),
    ),
    last_chord="C6",
    ticks_per_quarter=480,
)

ODE_TO_JOY = Tune(
    title="Ode to Joy",
    artist="Ludwig van Beethoven",
    origin="Theme of the last movement of Beethoven's Ninth Symphony, 1824.",
    key="D",
    metre=(4, 4),
    melody="""
        [D]F2 F2 [A7]G2 A2 | [D]A2 [A7]G2 [D]F2 [A7]E2 | [D]D2 D2 [A7]E2 [D]F2 | [D]F3 [A]E E4 |
        [D]F2 F2 [A7]G2 A2 | [D]A2 [A7]G2 [D]F2 [A7]E2 | [D]D2 D2 [A7]E2 [D]F2 | [A7]E3 [D]D D4 |
        [A]E2 E2 [D]F2 D2 | [A]E2 FG [D]F2 D2 | [A]E2 FG [F#7]F2 E2 | [Bm]D2 [E7]E2 [A]A,4 |
        [D]F2 F2 [A7]G2 A2 | [Bm]A2 [G]G2 [D]F2 [A7]E2 | [D]D2 D2 [A7]E2 [D]F2 | [A7]E3 [D]D D4
    """,
    parts=(
        Part("violins", 48, "lead", volume=127, pan=44),
        Part("celli", 42, "lead", volume=100, pan=84, centre=50),
        Part("trumpet", 56, "lead", volume=112, pan=72),
        Part("horns", 60, "lead", volume=71, pan=54, centre=55),
        Part("woodwinds", 68, "chords", volume=69, pan=60, centre=60),
        Part("double bass", 43, "bass", volume=107, pan=88),
        Part("drums", 0, "drums", volume=81),
    ),
    form=(
        Section("15-16", "mp", "woodwinds=march, double bass=half", tempo=144),
        Section("1-8", "p<mp", "celli=tune, double bass=half"),
        Section("9-16", "mp<mf", "violins=tune, celli=counter, double bass=half, woodwinds=pad, drums=timpani"),
        Section(
            "1-8",
            "mf<f",
            "violins=tune+12, horns=counter, celli=thirds, double bass=oompah, woodwinds=march, drums=march",
        ),
        Section(
            "9-15",
            "f<ff",
            "trumpet=tune, violins=tune+12, horns=counter, double bass=two, woodwinds=march, drums=march",
            fill=False,
        ),
        Section(
            "16",
            "ff",
            "trumpet=tune, violins=tune+12, horns=counter, double bass=two, woodwinds=march, drums=timpani",
            tempo=(132, 90),
        ),
    ),
    last_chord="D",
)

AU_CLAIR_DE_LA_LUNE = Tune(
    title="Au clair de la lune",
    artist="Traditional French",
    origin="French song of the 1700s, author unknown.",
    key="G",
    metre=(4, 4),
    melody="""
        [G6]G2 G2 G2 A2 | [Em7]B4 [Am7]A4 | [G6]G2 B2 [D7]A2 A2 | [G6]G8 |
        [G6]G2 G2 G2 A2 | [Em7]B4 [Am7]A4 | [G6]G2 B2 [D7]A2 A2 | [G6]G8 |
        [Am7]A2 A2 A2 A2 | [Em7]E4 E4 | [Am7]A2 G2 [D7]F2 E2 | [D7]D8 |
        [G6]G2 G2 G2 A2 | [Em7]B4 [Am7]A4 | [G6]G2 B2 [D7]A2 A2 | [G6]G8
    """,
    parts=(
        Part("flute", 73, "lead", volume=100, pan=70, gestures=_SWELL),
        Part("vibraphone", 11, "lead", volume=115, pan=86, centre=60),
        Part("guitar", 24, "chords", volume=78, pan=44, centre=58, voices=4),
        Part("electric piano", 4, "chords", volume=87, pan=34, centre=60, voices=4, gestures=_PEDAL),
        Part("bass", 32, "bass", volume=94),
        Part("drums", 0, "drums", volume=88),
    ),
    form=(
        Section("15-16,15-16", "mp", "guitar=bossa, bass=bossa, drums=bossa", tempo=148),
        Section("1-8", "mp", "flute=tune+12, guitar=bossa, bass=bossa, drums=bossa"),
        Section("9-16", "mf", "flute=tune+12, vibraphone=counter, guitar=bossa, electric piano=pad, bass=bossa, drums=bossa"),
        Section("1-8", "mf", "vibraphone=tune+12, guitar=bossa, electric piano=pad, bass=bossa, drums=bossa"),
        Section(
            "9-14",
            "mf",
            "flute=tune+12, vibraphone=thirds+12, guitar=bossa, electric piano=pad, bass=bossa, drums=bossa",
            fill=False,
        ),
        Section(
            "15-16",
            "mf>p",
            "flute=tune+12, vibraphone=thirds+12, guitar=bossa, electric piano=pad, bass=bossa, drums=bossa",
            tempo=(140, 96),
        ),
    ),
    last_chord="G6",
)

OH_SUSANNA = Tune(
    title="Oh! Susanna",
    artist="Stephen Foster",
    origin="Composed by Stephen Foster, 1848.",
    key="D",
    metre=(4, 4),
    pickup="DE",
    melody="""
        [D]F2 A2 A3 B | [D]A2 F2 D3 E | [D]F2 F2 E2 D2 | [A7]E6 DE |
        [D]F2 A2 A3 B | [D]A2 F2 D3 E | [D]F2 F2 [A7]E2 E2 | [D]D6 z2 |
        [G]G4 G4 | [G]B2 B4 B2 | [D]A2 A2 F2 D2 | [A7]E6 DE |
        [D]F2 A2 A3 B | [D]A2 F2 D3 E | [D]F2 F2 [A7]E2 E2 | [D]D6 z2
    """,
    parts=(
        Part("fiddle", 40, "lead", volume=100, pan=48),
        Part("second fiddle", 40, "lead", volume=81, pan=84),
        Part("harmonica", 22, "lead", volume=127, pan=68),
        Part("banjo", 105, "chords", volume=64, pan=100, centre=60),
        Part("guitar", 25, "chords", volume=86, pan=30, centre=55, voices=4),
        Part("bass", 32, "bass", volume=85),
        Part("drums", 0, "drums", volume=71),
    ),
    form=(
        Section("13-16", "mf", "banjo=banjo, guitar=strum, bass=two", tempo=192),
        Section("1-16", "mf", "fiddle=tune+12, banjo=banjo, guitar=strum, bass=two, drums=train"),
        Section("1-8", "mf", "harmonica=tune, banjo=banjo, bass=two, drums=train, guitar=offbeat"),
        Section("9-16", "f", "harmonica=tune+12, fiddle=counter, banjo=banjo, guitar=strum, bass=country, drums=train"),
        Section(
            "9-16",
            "f<ff",
            "fiddle=tune+12, second fiddle=thirds+12, harmonica=tune, banjo=banjo, bass=country, drums=train",
        ),
    ),
    last_chord="D",
    ticks_per_quarter=240,
)

MOUNTAIN_KING = Tune(
    title="In the Hall of the Mountain King",
    artist="Edvard Grieg",
    origin="From Grieg's music for Peer Gynt, 1875.",
    key="Bm",
    metre=(4, 4),
    melody="""
        [Bm]Bcde fdf2 | [C#7]^ec^e2 [C]=e=ce2 | [Bm]Bcde fdfb | [D]afdf a4 |
        [Bm]Bcde fdf2 | [C#7]^ec^e2 [C]=e=ce2 | [Bm]Bcde fdfb | [D]afdf [Bm]b4 |
        [F#]F^G^AB c^Ac2 | [Bm]d^Ad2 [F#]c^Ac2 | [F#]F^G^AB c^Ac2 | [Bm]d^Ad2 [F#]c4 |
        [F#]F^G^AB c^Ac2 | [Bm]d^Ad2 [F#]c^Ac2 | [F#]F^G^AB c^Ac2 | [Bm]d^Ad2 [F#]c4
    """,
    parts=(
        Part("bassoon", 70, "lead", volume=127, pan=50),
        Part("pizzicato", 45, "lead", volume=122, pan=76),
        Part("violins", 48, "lead", volume=127, pan=40),
        Part("trombones", 57, "chords", volume=105, pan=84, centre=52),
        Part("double bass", 43, "bass", volume=114, pan=70),
        Part("drums", 0, "drums", volume=85),
    ),
    form=(
        Section("1-4", "p", "bassoon=tune-24, double bass=half, drums=creep", tempo=150, fill=False),
        Section("5-8", "p", "pizzicato=tune-12, double bass=half, drums=creep"),
        Section("9-16", "p<mp", "bassoon=tune-12, pizzicato=thirds-12, double bass=half, drums=creep", tempo=(152, 160)),
        Section(
            "1-8",
            "mp<mf",
            "pizzicato=tune, bassoon=tune-12, double bass=half, trombones=oompah, drums=creep",
            tempo=(160, 176),
        ),
        Section(
            "9-16",
            "mf<f",
            "violins=tune, pizzicato=thirds, bassoon=thirds-12, double bass=pulse, trombones=oompah, drums=march",
            tempo=(176, 196),
        ),
        Section(
            "1-8",
            "f<ff",
            "violins=tune, pizzicato=tune, bassoon=tune-12, double bass=pulse, trombones=stabs, drums=rock",
            tempo=(200, 228),
        ),
        Section(
            "5-8",
            "ff",
            "violins=tune, pizzicato=tune, bassoon=tune-12, double bass=drive, trombones=stabs, drums=rock",
            tempo=(230, 250),
        ),
    ),
    last_chord="Bm",
    ticks_per_quarter=480,
)

TUNES: tuple[Tune, ...] = (
    GREENSLEEVES,
    SCARBOROUGH_FAIR,
    AMAZING_GRACE,
    AULD_LANG_SYNE,
    DRUNKEN_SAILOR,
    IRISH_WASHERWOMAN,
    SAKURA,
    KOROBEINIKI,
    FRERE_JACQUES,
    WHEN_THE_SAINTS,
    ODE_TO_JOY,
    AU_CLAIR_DE_LA_LUNE,
    OH_SUSANNA,
    MOUNTAIN_KING,
)
