"""The words in which claims about music are made, each with its meaning.

A table's line is `meaning = spelling, spelling, …`; in the tree of instruments what is indented is a kind of what it stands
under, and `meaning < other` names a second one. Genres and regions come from `motet.sources.vocabulary`, less the words that
say something else in everyday English. Spellings are folded: lower case, no accents, a space for a hyphen.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache

from motet.sources import vocabulary

Meaning = tuple[str, str]  # what kind of claim, and what it says
Lexicon = dict[str, dict[tuple[str, ...], tuple[Meaning, ...]]]  # by first word, then by all words

INSTRUMENTS = """
keyboard = keyboards, keys, keyboardist, keyboard instrument
  piano = pianist, pianoforte
    acoustic piano
      grand piano = acoustic grand piano, acoustic grand, concert grand
      bright piano = bright acoustic piano
      upright piano
      honky tonk piano = honkytonk, honky tonk, tack piano, saloon piano, barroom piano
      toy piano
    electric piano = e piano, rhodes, fender rhodes, wurlitzer, electric piano 1, digital piano
      fm electric piano = fm piano, electric piano 2
      electric grand piano = electric grand
  harpsichord = cembalo, harpsichordist, clavecin
  clavinet = clavi, clav
  organ = organist, organs
    drawbar organ = hammond organ, hammond, hammond b3, tonewheel organ
    percussive organ
    rock organ
    church organ = pipe organ, cathedral organ
    reed organ = harmonium, pump organ
  clavichord
accordion = accordionist, squeezebox, concertina
  bandoneon = tango accordion, bandoneonist, bandoneonista
harmonica = mouth organ, blues harp, harmonica player
melodica
chromatic percussion = mallets, mallet instrument, mallet percussion, pitched percussion, tuned percussion
  celesta = celeste
  glockenspiel = bells, bell
  music box = musical box
  vibraphone = vibes, vibraphonist
  marimba
  xylophone = xylophonist
  tubular bells = tubular bell, chimes
  dulcimer = hammered dulcimer
guitar = guitarist, six string, gtr
  acoustic guitar
    nylon string guitar = nylon guitar, classical guitar, spanish guitar, acoustic guitar nylon, nylon string,\
    nylon strung guitar, nylon
    steel string guitar = steel string acoustic guitar, acoustic guitar steel, steel string, steel strung guitar,\
    steel guitar, folk guitar, western guitar
    twelve string guitar = 12 string guitar, twelve string
  electric guitar
    jazz guitar = archtop, archtop guitar, electric guitar jazz, jazz electric guitar, hollow body guitar, hollowbody guitar
    clean guitar = clean electric guitar, electric guitar clean, clean toned guitar
    muted guitar = muted electric guitar, electric guitar muted, palm muted guitar
    distorted guitar = distortion guitar, distorted electric guitar, fuzz guitar, heavy guitar, crunchy guitar, distorted
      overdriven guitar = overdrive guitar, overdriven electric guitar, overdriven
    pedal steel guitar = pedal steel, lap steel, slide guitar, lap steel guitar
  guitar harmonics = guitar harmonic
  lead guitar = lead guitarist
  rhythm guitar = rhythm guitarist
bass = bassist, bass player, bass instrument, basses, low end instrument
  acoustic bass = upright bass, double bass, contrabass, string bass, stand up bass, standup bass, upright, bass fiddle,\
    double bassist
  electric bass = bass guitar, e bass, four string bass
    fingered bass = electric bass finger, finger bass, fingerstyle bass
    picked bass = electric bass pick, pick bass
    fretless bass
    slap bass = slap bass 1, slap bass 2, slapped bass
  synth bass < synth = bass synth, synthesizer bass, synthesised bass, synthesized bass, synthetic bass, synth bass 1,\
    synth bass 2
strings = string section, string instrument, bowed strings, bowed string instrument, bowed instrument, string,\
    string player, string orchestra
  violin = violinist, fiddle, fiddler
  viola = violist
  cello = cellist, violoncello, celli
  tremolo strings
  pizzicato strings = plucked strings, pizzicato
  string ensemble = string ensemble 1, string ensemble 2, ensemble strings, slow strings
  synth strings < synth = synthesized strings, synthesised strings, synthetic strings, synth strings 1, synth strings 2,\
    synthstrings
harp = orchestral harp, harpist, concert harp
timpani = kettledrum, kettle drum, timpanist
voice = voices, lyrics, vocals, vocal, vocalist, singer, singing voice, human voice, voice oohs, oohs, aahs, ahs, vocalise,\
    vocal part, vocal line
  choir = choir aahs, chorale group, choral voices, chorister
  synth voice < synth = synth vox, synthesized voice, synthesised voice, synthetic voice, synth choir, vox
orchestra hit
brass = brass section, brass instrument, brass player, brass ensemble
  trumpet = trumpeter
    muted trumpet
  trombone = trombonist
  tuba = tubist, tuba player
  french horn
  cornet
  flugelhorn
  euphonium
  sousaphone
  synth brass < synth = synthesized brass, synthesised brass, synthetic brass, synth brass 1, synth brass 2, synthbrass
woodwind = wind player, woodwind instrument, wood wind
  reed = reed instrument, reeds, double reed
    saxophone = sax, saxophonist, saxes, saxist
      soprano saxophone = soprano sax
      alto saxophone = alto sax
      tenor saxophone = tenor sax
      baritone saxophone = baritone sax, bari sax, bari
    oboe = oboist
    english horn = cor anglais
    bassoon = bassoonist
    clarinet = clarinettist, clarinetist
    bass clarinet
    duduk
    shanai = shehnai, shawm
  flute = flautist, flutist
  piccolo
  recorder
  pan flute = panpipes, pan pipes, pan pipe
  blown bottle
  shakuhachi
  tin whistle = whistle, penny whistle
  ocarina
synth = synthesizer, synthesiser, synthesizers, synthesisers, synthetic instrument
  synth lead = lead synth, lead synthesizer, synthesizer lead, synth melody
    square wave lead = square lead, square wave, lead 1 square, square synth
    sawtooth lead = saw lead, sawtooth, sawtooth wave, lead 2 sawtooth, saw wave
    calliope lead = lead 3 calliope, calliope
    chiff lead = lead 4 chiff
    charang lead = lead 5 charang, charang
    voice lead = lead 6 voice
    fifths lead = lead 7 fifths, fifth lead
    bass and lead synth = lead 8 bass lead, bass lead, bass and lead
  synth pad = pad synth, pad
    new age pad = pad 1 new age
    warm pad = pad 2 warm
    polysynth pad = pad 3 polysynth, polysynth
    choir pad = pad 4 choir
    bowed pad = pad 5 bowed
    metallic pad = pad 6 metallic
    halo pad = pad 7 halo
    sweep pad = pad 8 sweep
  synth effects
    rain effect = fx 1 rain
    soundtrack effect = fx 2 soundtrack
    crystal effect = fx 3 crystal
    atmosphere effect = fx 4 atmosphere
    brightness effect = fx 5 brightness
    goblin effect = fx 6 goblins
    echo effect = fx 7 echoes
    sci fi effect = fx 8 sci fi
sitar = sitarist
banjo = banjo player, banjoist
shamisen
koto
kalimba = thumb piano, mbira
bagpipes = bag pipe, bagpipe, pipes, bag pipes, piper, uilleann pipes
mandolin = mandolinist
ukulele = uke
lute
theremin
mellotron
didgeridoo
erhu
oud
bouzouki
balalaika
kora
zither
hurdy gurdy
kazoo
sound effects
  applause = clapping audience
  bird sounds = bird tweet, birdsong, bird song
  telephone ring = telephone
  seashore sounds = seashore
  helicopter sound = helicopter
  gunshot sound = gunshot, gunshots
  breath noise
turntable = turntables, turntablist, scratching, record scratching, dj scratches
jaw harp
cimbalom
percussion = percussionist, percussion instrument
  drums = drum, drum kit, drum set, drummer, drumming, kit, full kit, drum track, drum part, drum beat, drumbeat,\
    drum machine, drum line, trap kit
    snare = snare drum
    cymbals = cymbal, hi hat, hihat, hi hats, hihats, ride cymbal, crash cymbal
    kick drum = bass drum, kick, kickdrum
    brushes = brushed drums
  tinkle bell
  agogo bells = agogo, agogo bell, agogos
  steel drums = steel drum, steelpan, steel pan, steel pans
  woodblock = wood block
  taiko drum = taiko
  melodic tom = tom, tom tom, tom hit
  synth drum < synth = electronic drum
  reverse cymbal
  congas = conga
  bongos = bongo
  tabla
  djembe
  tambourine
  maracas = maraca, shakers, shaker
  castanets
  cowbell
  claves
  cajon
  handclaps = handclap, hand clap, hand claps
  gong
orchestra = orchestral, symphony orchestra, orchestral forces
horn
horn section = horns
lead instrument
winds = wind instrument, wind
rhythm section
"""

# What a word may also mean, if said; "no strings" does not deny them.
LOOSE = {
    "strings": {"harp", "acoustic bass"},
    "horn": {"french horn", "brass", "saxophone", "english horn"},
    "horn section": {"brass", "saxophone", "french horn"},
    "winds": {"woodwind", "brass", "bagpipes", "harmonica"},
    "woodwind": {"bagpipes"},
    "reed": {"bagpipes", "accordion", "harmonica", "reed organ"},
    "orchestra": {"strings", "brass", "woodwind", "timpani", "harp"},
    "percussion": {"chromatic percussion", "timpani", "kalimba", "drums"},
    "drums": {"synth drum", "taiko drum", "melodic tom", "timpani", "steel drums"},
    "keyboard": {"accordion", "celesta", "synth", "melodica"},
    "bells": {"tubular bells", "tinkle bell", "agogo bells"},
    "glockenspiel": {"tubular bells", "tinkle bell", "agogo bells", "celesta", "music box"},
    "synth": {"electric piano", "clavinet"},
    "synth lead": {"synth brass", "synth voice", "synth strings"},
    "synth pad": {"synth strings", "string ensemble", "synth voice"},
    "guitar": {"guitar harmonics"},
    "pizzicato strings": {"harp", "guitar", "banjo", "koto", "strings", "shamisen", "sitar"},
    "organ": {"accordion"},
    "flute": {"pan flute", "shakuhachi", "recorder", "tin whistle", "ocarina"},
    "tin whistle": {"ocarina"},
    "tubular bells": {"glockenspiel", "tinkle bell", "celesta", "music box"},
    "zither": {"koto", "dulcimer"},
    "melodic tom": {"drums"},
    "snare": {"drums"},
    "cymbals": {"drums"},
    "kick drum": {"drums"},
    "brushes": {"drums"},
    "rhythm section": {"drums", "bass", "piano", "guitar"},
    "voice": {"choir pad", "voice lead"},
    "synth voice": {"synth lead", "synth pad"},
    "choir": {"choir pad", "voice", "synth voice"},
    "clean guitar": {"jazz guitar", "muted guitar"},
    "bass": {"bass and lead synth"},
    "harp": {"harmonica"},
}  # fmt: skip
# Denied by their own kinds and by these.
DENIED = {"winds": {"woodwind", "brass"}, "horn section": {"brass", "saxophone"}, "percussion": {"drums", "timpani"}}
# Whom a count of a family may include.
_BLOWN = frozenset({"woodwind", "brass", "accordion", "harmonica", "melodica", "bagpipes", "reed organ"})
_STRUNG = frozenset(
    {
        "strings",
        "guitar",
        "bass",
        "harp",
        "banjo",
        "mandolin",
        "ukulele",
        "sitar",
        "koto",
        "shamisen",
        "lute",
        "zither",
        "dulcimer",
    }
)
_PRESSED = frozenset({"keyboard", "synth", "accordion", "celesta", "melodica"})
_STRUCK = frozenset({"percussion", "chromatic percussion", "timpani", "kalimba"})
COUNTED = {
    "winds": _BLOWN, "woodwind": _BLOWN, "reed": _BLOWN, "horn": _BLOWN, "horn section": _BLOWN, "strings": _STRUNG,
    "keyboard": _PRESSED, "synth": _PRESSED, "percussion": _STRUCK, "drums": _STRUCK,
}  # fmt: skip
# What is called so by who plays it.
PLAYED = {
    "choral": "choir", "vocal": "voice", "a cappella": "voice", "orchestral": "orchestra", "symphonic": "orchestra",
    "percussion": "percussion", "brass": "brass", "brass band": "brass", "guitar": "guitar", "piano": "piano",
}  # fmt: skip
# Words before a genre that say nothing more of it.
NEUTRAL = frozenset("traditional trad modern contemporary classic old new instrumental melodic the a of and".split())
# Where a General MIDI family says what an unknown name is.
FAMILIES = {
    "piano": "piano", "chromatic percussion": "chromatic percussion", "organ": "organ", "guitar": "guitar", "bass": "bass",
    "strings": "strings", "brass": "brass", "reed": "reed", "pipe": "flute", "synth lead": "synth lead",
    "synth pad": "synth pad", "synth effects": "synth effects", "percussive": "percussion", "drums": "drums",
}  # fmt: skip

TEMPOS = {"very slow": (0.0, 50.0), "slow": (0.0, 76.0), "moderate": (76.0, 112.0), "lively": (104.0, 144.0),
          "up": (104.0, 400.0), "down": (0.0, 104.0), "fast": (128.0, 400.0), "very fast": (168.0, 900.0)}  # fmt: skip
WORDS = {
    "tempo": """
very slow = very slow, very slowly, extremely slow, extremely slowly, largo, grave tempo, larghissimo, crawling, glacial,\
    glacially slow, painfully slow, snail's pace, crawl, crawls along
slow = slow, slowly, adagio, lento, larghetto, unhurried, leisurely, sluggish, languid, slow paced, slow tempo, plodding,\
    slower paced, ambles along, slow moving, lumbering, dragging,\
    funereal, dirge like
moderate = mid tempo, midtempo, moderato, andante, medium tempo, moderate tempo, medium paced, moderately paced,\
    easy going, walking pace, moderate pace, medium pace, middling tempo, moderate speed, medium speed, middling pace,\
    andantino, moderately fast tempo, strolling pace
lively = allegretto, brisk, briskly, lively tempo, lively pace, brisk pace, upbeat tempo, lively speed, spirited tempo
up = up tempo, uptempo, high tempo
down = downtempo, down tempo, low tempo
fast = fast, quick, quickly, allegro, vivace, fast paced, fast moving, rapidly moving, speedy, high speed, driving tempo,\
    driving pace, energetic tempo, sprightly allegro, gallops along, races along, racing
very fast = very fast, very quick, extremely fast, presto, prestissimo, rapid, rapidly, breakneck, blistering,\
    lightning fast, lightning speed, ferociously fast, furiously fast, frantic pace, frenetic pace, frantic tempo,\
    frenetic tempo, furious pace, furious tempo, ferocious pace, dizzying speed, blazingly fast, at full tilt, at a gallop,\
    hurtles,\
    hurtling, frenzied tempo, frenzied pace, supersonic
""",
    "density": """
sparse = sparse, thinly scattered, thinly spread, thinly sown, thin density, low density, sparsely, sparing with notes,\
    thinly scored, thin texture, barely playing a note, few notes,\
    very few notes, hardly any notes, hardly a note, spare, bare bones, threadbare, scant notes, minimal texture, skeletal,\
    a note here and there only, almost empty, nearly empty, thinly textured, sparseness, uncluttered, barely any notes,\
    few and far between, stripped back, stripped down, spartan, economical with notes, sparing, airy texture, open texture,\
    bare texture, lots of space, plenty of space, full of space, scarcely a note, next to no notes, precious few notes,\
    sparser, thinned out, minimal number of notes, light on notes, handful of notes, scattered notes, isolated notes,\
    hardly anything happens, little happens,\
    notes are few, notes are rare, notes rare, mostly silence
moderate = moderate density, moderately dense, medium density, neither sparse nor dense, moderately busy
dense = dense, densely, overwhelming density, high density, great density, extreme density, busy, busily, packed with notes,\
    hectic, overcrowded, crowded with notes, crammed with notes,\
    frantically busy, jam packed, teeming with notes, wall of sound, note filled, flurry of notes, torrent of notes,\
    torrents of notes, floods of notes, showers of notes, cascades of notes,\
    relentlessly busy, crowded, bursting with notes, full of notes, cluttered, note heavy, hyperactive, crammed,\
    packed texture, swarming, avalanche of notes, bustling, flurries of notes, blizzard of notes, flood of notes,\
    thicket of notes, cascade of notes, saturated, chock full, many notes, thick and fast, lots of notes, countless notes,\
    notes by the dozen, no room to breathe, overflowing with notes, hail of notes, storm of notes, barrage of notes,\
    stuffed with notes, notes galore, overloaded, frenzy of notes, notes tumble, very busy, frantic density, dense texture,\
    heavily layered, bustles, bustle, abuzz,\
    brimming with notes, brims with notes, awash with notes, packed with activity,\
    notes everywhere, swarms of notes, spilling over with notes, not a moment of rest, teeming, teeming texture
""",
    "polyphony": """
single = monophonic, single line, one note at a time, unharmonised, unharmonized, monophony
thick = thick, thickly scored, rich texture, full texture, richly textured, thick and chordal, full textured,\
    richly scored, lush texture, fully voiced, thickly textured, full voicings, rich voicings,\
    thick voicings
thin = thin
""",
    "register": """
low = low register, lower register, low in register, bass register, low pitched, low range, lowest octaves, lowest octave,\
    low octaves, deep register, low lying, low in pitch, bottom of the keyboard, very bottom of the keyboard,\
    below the bass stave, lies low, sits low, stays low, low and rumbling, rumbling depths, cellar, subterranean,\
    murky depths, low notes, deep notes, bass range, low down, lower octaves, bottom octave, bottom octaves,\
    bass clef depths, deep in pitch, low tessitura, lower range, low registers, deep bass register, gravelly depths,\
    rumbles deep, deep and low, low and deep, very low register, lowest register, low pitch, bottom of the range,\
    bottom of its range,\
    bottom of their range, lower reaches, deepest register, down low, way down low, in the depths, down in the depths,\
    sub bass range, basement, lower reaches, down at the bottom, deep in the bass, the depths,\
    deep in the register, deep in its register, low in the register, low in its register
middle = middle register, mid register, mid range register, middle range, middle octaves, middle of the keyboard,\
    middle in register, central register, medium register, mid range, around middle c, middle octave, midrange
high = high register, upper register, high in register, high pitched, high range, highest octaves, highest octave,\
    high octaves, treble register, topmost octaves, topmost octave, high lying, high up, up high, sits high, stays high,\
    stay high, high in pitch, top octave, top octaves, squeaky high, stratospheric, treble range, high notes,\
    top of the keyboard, upper octaves, ledger lines above, soprano register, high tessitura, upper range, extremely high,\
    very high register, highest register, high pitch, as high as a piccolo, dizzying very top of the keyboard,\
    top of the range, top of its range, top of their range, upper reaches, way up high, stratosphere,\
    up in the clouds, above middle c, octaves above middle c,\
    shrill, up at the top, treble end, heights, tops of their range, highest reaches, ceiling of,\
    high in the register, high in its register,\
    highest notes, piercingly high, piping high, top of the staff, above the staff
""",
    "level": """
soft = soft, softly, quiet, quietly, hushed, pianissimo, whispered, barely audible, whisper quiet, subdued volume, muffled,\
    low volume, scarcely audible, in a whisper, at a whisper, hush, to a hush, understated volume, softness, whisper
moderate = moderate dynamics, moderate volume, mezzo forte, mezzo piano, moderately loud, medium volume, moderate dynamic,\
    moderate in volume, moderate in dynamics, medium loud, moderate loudness
loud = loud, loudly, forte, fortissimo, thunderous, thunderously, deafening, deafeningly, blaring, full blast, full volume,\
    high volume, ear splitting, earsplitting, roaring, ear shattering, blasting, loudness itself, at top volume
""",
    "change": """
crescendo = crescendo, crescendos, crescendoing, crescendo builds, swells, swelling, swell, builds, build up, builds up,\
    getting louder, gets louder, grows louder, growing louder, grow louder, ever louder, louder and louder,\
    gradually louder, becomes louder, becoming louder, grows in volume, growing in volume, increases in volume,\
    rises in volume, gains in volume, gets bigger, growing dynamic, growing dynamics, rising dynamics, rising volume,\
    rising dynamic, louder by the second, volume rising, volume rises, volume increases, volume grows, volume mounts,\
    volume climbs, volume swells, volume creeps up, dynamics rising, dynamics rise, dynamics increase, dynamics mount,\
    dynamics swell, dynamics grow, dynamics climb, dynamics build, dynamic rises, dynamics rising, grows in intensity,\
    grows in strength, grow in volume, building in volume, louder as it goes, ending louder, ends louder,\
    thunderous climax, increasing volume, increasing dynamics, increases steadily in volume, intensifies, gathers volume,\
    swells in volume, gains volume, gaining volume, gaining in volume, grows steadily louder, getting steadily louder,\
    gets steadily louder, gets gradually louder, volume goes up, turns louder, gathers force, gathering force,\
    building to a climax, builds to a climax, volume creeping up, builds in volume,\
    building and building, builds and builds, keeps building, keeps growing, building steadily, building gradually,\
    ramps up in volume, ever stronger, ever bigger, growing and growing
decrescendo = decrescendo, diminuendo, decrescendos, fade, fades, fading, fades out, fade out, fades away, fading away,\
    fading out, dies away, die away, dying away, die down, peter out, tail off, trail off, taper off, wind down, dwindle,\
    diminish, ebbs away, ebb away, ebbing away, ebbs, ebbing, gets quieter,\
    getting quieter, grows quieter, growing quieter, grow quieter, gets softer, getting softer, grows softer,\
    growing softer, gradually softer, gradually quieter, quieter and quieter, softer and softer, becomes quieter,\
    becomes softer, recedes, receding, recede, falling volume, falling dynamics, volume falling, volume falls,\
    volume drops, volume decreases, volume sinks, volume dwindles, volume diminishes, volume recedes, dynamics fall,\
    dynamics falling, dynamics recede, dynamics decrease, dynamics diminish, dynamics drop, dynamics sink, dynamics fade,\
    dynamics decline, dynamic falls, diminishes, diminishing, dwindles, dwindling, tapers off, tapering off, tails off,\
    trails off, trailing off, decreases in volume, drops in volume, loses volume, losing volume, decreasing volume,\
    decreasing dynamics, wanes, waning, dies down, dying down, peters out, winds down, sinks to a whisper, ends quieter,\
    subsides, subsiding, volume goes down, turns quieter, turns softer, becoming quieter, becoming softer,\
    fades to nothing, fade away, to silence,\
    into silence, into nothingness, to nothing, into nothing, shrinks to a whisper, dwindles to nothing
steady = one and the same level, steady dynamics, constant volume, steady volume, same volume, constant dynamics,\
    even dynamics, level dynamics, unchanging volume, steady dynamic, unvarying dynamics, dynamics steady,\
    dynamics remain steady, dynamics stay level, volume stays constant, volume stays the same, volume remains constant,\
    constant dynamic, constant loudness, steady level, constant level, same dynamic level, unchanging dynamics,\
    even dynamic
""",
    "articulation": """
legato = legato, smoothly joined, smoothly connected, connected notes, perfectly connected, slurred, long held notes,\
    sustained notes, tied over, held and tied, flowing legato, seamlessly joined, legatissimo, seamlessly connected,\
    smoothly linked, notes melt into each other, notes run into one another, every note joined, joined up, long sustained,\
    smoothly tied, tied together, smoothly bound, bound together, tied notes, notes tied, unbroken line, unbroken lines,\
    seamless line, seamless lines, without a gap between notes, run together smoothly, gliding from note to note,\
    drawn out notes, long drawn notes
staccato = staccato, detached, clipped, short notes, crisply, chopped, choppy, stabs, martele, spiccato, struck short,\
    short and clipped, short and crisp, staccatissimo, nothing sustained, secco, jabbed, short stabs, plucky and short,\
    snappy and short, short and detached, short sharp notes, separated notes, short and dry, bitten off,\
    sharply separated, cut short, kept short, pecked, pecking, snipped, pointedly short, clearly separated, short dry notes
""",
    "swing": """
swung = swung, swing, swings, swinging, shuffle, shuffled, shuffling, shuffles, swing feel, swing eighths, swung eighths,\
    swung quavers, shuffle feel, lilting swing, triplet feel, triplet swing
straight = unswung, straight eighths, straight quavers, even eighths, even quavers, dead straight, straight rhythm,\
    straight feel, straight subdivisions, no swing, straight beat, straight eighth notes, even eighth notes, straight time,\
    straight rhythms, straight sixteenths, straight groove, perfectly straight, straight as an arrow, completely straight,\
    strictly straight, rhythm is straight, straight
""",
    "effect": """
reverb = reverb, reverberation, reverberant, reverberated, reverbed, cavernous reverb, reverb drenched, hall reverb,\
    reverberating
delay = delay, echo, echoes, echoing, echoed, delayed, tape echo, slapback, ping pong delay
chorus = chorus effect, chorused, chorus pedal, chorusing
flanger = flanger, flanged, flanging, flange
phaser = phaser, phased, phasing, phase shifter
tremolo = tremolo
wah = wah, wah wah, wahwah, wah pedal, wah wah pedal
distortion = distortion, overdrive, fuzz, fuzz pedal, distortion pedal, crunch, overdrive pedal
rotary = rotary, rotary speaker, leslie, leslie speaker, rotating speaker, leslie cabinet, rotary effect, rotary cabinet
compression = compression, compressed, compressor
vocoder = vocoder, vocoded, talk box, talkbox
ring modulator = ring modulator, ring modulation, ring modulated
bitcrusher = bitcrusher, bitcrushed, bit crusher, bitcrushing, bit crushing, bit crushed
autotune = autotune, auto tune, autotuned, auto tuned, pitch correction
pitch shifter = pitch shifter, pitch shifting, octaver, octave pedal, harmonizer, harmoniser
sidechain = sidechain, sidechained, side chain compression, sidechain compression
gate = noise gate, gated, gated reverb
filter = low pass filter, high pass filter, filter sweep, envelope filter, auto wah, filter sweeps
vibrato = vibrato effect
equaliser = equaliser, equalizer
""",
    "position": """
opening = opening section, opening passage, opening part, opening bars, opening excerpt, opening moments, opening clip,\
    intro, introduction, first section of, start of the song, opening stretch, opening measures, prelude section,\
    opening of the song, opening segment, song's opening, piece's opening, song's start, opening seconds of the song,\
    song's beginning
middle = middle section of the song, middle passage, mid song, middle excerpt, middle of the song, middle of the piece,\
    middle of the track, song's middle, middle of its song
ending = closing section, closing passage, closing part, closing bars, coda, outro, ending section, final section,\
    final passage, finale, closing excerpt, closing moments of the song, end of the song, concluding section,\
    concluding passage, closing stretch, final bars, final part, concluding part, ending passage, codetta, closing segment,\
    song's ending, song's end, song's close, closing measures, final excerpt
""",
}  # fmt: skip

# Moods by cluster: two words agree if one cluster has both. A tag that is not here agrees with itself only.
MOODS = """
melancholy, melancholic, sad, wistful, mournful, sorrowful, gloomy, bittersweet, doleful, plaintive, elegiac, heartbroken,\
    heartbreaking, tragic, depressed, depressing, forlorn, grieving, downcast, lugubrious, dolorous, tearful, woeful,\
    rueful, weepy, morose, despondent, desolate, bleak, funereal mood, lachrymose, heartsick, broken hearted, blue mood,\
    sombre, somber, glum, miserable, dejected, melancholia, sadness, sorrow, gloom
happy, cheerful, joyful, jolly, merry, joyous, sunny, jubilant, gleeful, cheery, upbeat, exuberant, festive, playful,\
    carefree, bright mood, light hearted, lighthearted, jaunty, bouncy, chirpy, jovial, buoyant, sprightly, perky,\
    good humoured, happy go lucky, mirthful, blithe, cheerfulness, joy, happiness
festive, celebratory, party mood, jubilant, rejoicing, festivity
playful, whimsical, quirky, comical, goofy, humorous, funny, mischievous, silly, cheeky, zany, clownish, witty, impish,\
    comedic, whimsy, amusing, madcap, slapstick, farcical
calm, peaceful, relaxed, relaxing, serene, tranquil, laid back, chill, chilled, mellow, soothing, placid, restful,\
    easygoing, meditative, contemplative, gentle, calming, sedate, unruffled, laidback, serenity, tranquillity, sleepy,\
    drowsy, smooth
tender, gentle, intimate, romantic, loving, affectionate, delicate, sentimental, warm hearted, sweet, amorous, warm,\
    tenderness, lovesick, heartfelt
intimate, cosy, confessional
energetic, lively, spirited, vigorous, exciting, high energy, animated, frenetic, vibrant, exhilarating, hyper, peppy,\
    driving, adrenaline, boisterous, rowdy, frenzied, raucous, lively mood, zestful, feisty, invigorating, restless
euphoric, ecstatic, elated, exhilarating, rapturous, blissful, euphoria, uplifting
uplifting, hopeful, optimistic, inspiring, inspirational, anthemic, positive, encouraging, heartening, hope, motivational,\
    triumphant
triumphant, victorious, heroic, epic, majestic, anthemic, grand, grandiose, stirring, rousing, regal, monumental, noble,\
    stately, imposing
dark, gloomy, ominous, menacing, sinister, brooding, foreboding, threatening, eerie, bleak, malevolent, evil, grim, dread,\
    doom laden, sombre, moody, dystopian
mysterious, enigmatic, eerie, mystical, haunting, otherworldly, magical, mystery, uncanny, arcane, cryptic, atmospheric
magical, enchanting, enchanted, fairytale, dreamy, fantastical, wondrous, whimsical, mysterious
spooky, creepy, eerie, ghostly, haunted, scary, frightening, terrifying, horror, sinister, haunting, macabre, chilling,\
    nightmarish
dreamy, dreamlike, ethereal, floating, hazy, otherworldly, hypnotic, trance like, weightless, atmospheric
nostalgic, wistful, sentimental, bittersweet, reminiscent, nostalgia, yearning, longing
pensive, reflective, contemplative, thoughtful, introspective, meditative, wistful, melancholic, brooding, philosophical
angry, furious, aggressive, bitter, enraged, rageful, hostile, violent, fierce, rage, vengeful, ferocious, wrathful,\
    seething, anger, menacing, belligerent
rebellious, defiant, angry, rebellion, snotty, bratty
tense, suspenseful, anxious, nervous, nerve racking, nervy, edgy, agitated, tension, uneasy, jittery, unsettling, panicky,\
    fretful, paranoid, frantic mood
dramatic, intense, passionate, theatrical, epic, stormy, melodramatic, tempestuous, turbulent, fiery, powerful, impassioned
emotional, passionate, heartfelt, moving, poignant, touching, stirring
elegant, graceful, refined, stately, dignified, sophisticated, elegance, courtly, genteel
graceful, delicate, gentle
solemn, reverent, stately, dignified, grave mood, serious, austere, prayerful, devout, solemnity, ceremonial, sombre, somber
sensual, sexy, sultry, seductive, steamy, sensuous
groovy, funky mood, grooving
raw, gritty, rough, unpolished
laid back, mellow, smooth, relaxed, easygoing, cool, chill, breezy
bright, sunny, cheerful, radiant
hypnotic, mesmerising, mesmerizing, trance like, repetitive mood
lonely, lonesome, desolate, isolated, solitary mood, loneliness
swaggering, cocky, confident, strutting, bragging
pastoral, bucolic, idyllic, rustic
chaotic, wild, unhinged, manic, deranged, crazed, frenzied
heavy hearted, sad
futuristic, spacey, cosmic
proud, patriotic, triumphant, martial, noble
adventurous, swashbuckling, epic, heroic
quirky, eccentric, playful
"""
# Said of things that are no mood: not claims by themselves.
NOT_MOODS = frozenset(
    "warm sweet bright smooth cool raw gritty rough restless powerful hope grand rage "
    "tension joy moving touching serious heavy positive blue dark wild noble proud isolated "
    "groovy grooving reminiscent sophisticated refined vibrant confident encouraging imposing emotional atmospheric radiant "
    "breezy thoughtful "
    "mesmerizing mesmerising exciting intimate light chill mystery delicate loving delightful bouncy floating stirring".split()
)

ERAS = """
medieval = medieval, middle ages, mediaeval, gregorian era
renaissance = renaissance
baroque = baroque
classical = classical era, classical period, viennese classical
romantic = romantic era, romantic period, romanticism
impressionist = impressionist, impressionism, impressionistic
modernist = modernist, modernism
victorian = victorian, edwardian
early music = early music
ancient = antiquity, ancient
2000s = noughties, early noughties, late noughties, naughties, two thousands, aughts
2010s = twenty tens, twenty teens
2020s = twenty twenties
21st century = twenty first century, 21st century, contemporary, present day, this century
20th century = twentieth century, 20th century
19th century = nineteenth century, 19th century
18th century = eighteenth century, 18th century
17th century = seventeenth century, 17th century
16th century = sixteenth century, 16th century
"""
_DECADES = "twenties thirties forties fifties sixties seventies eighties nineties".split()
_DECADE = re.compile(rf"\b(?P<century>18|19|20)?(?P<tens>\d)(?:0 ?'?s\b|\d\b(?<=\d{{4}}))|\b(?P<word>{'|'.join(_DECADES)})\b")

# Genres that say something else in everyday English, or in the English of captions; and regions likewise.
_NOT_GENRES = frozenset(
    "acid 007 aaa alternative alternativ alternativa axe ambiental banda bard beat beats baul "
    "bomba boogie bop bounce breaks bubblegum c86 "
    "camp chamber chant chants children childrens christian choral chorale choro church club "
    "clubbing comedy comic conjunto cover cowboy dance dancing devotional "
    "disney downbeat drone drones drill drum electro electronica electric enka ethereal ethnic ethno etno experiment exotica "
    "fanfare film freestyle fusion game games garage glitch glam goa grind healing holiday holidays "
    "humor humour independent indy improvisation isolationism "
    "jam jig juke jungle kids latino live lounge lowercase lead love mass mashup meditation meditative "
    "metal military minimal mod mods modern "
    "mood movie movies murga musical musicals neapolitan new noise novelty old oldie opera orchestral "
    "outlaw oper outsider overture parody piano pipe plena podcast poetry pop "
    "popular progressive prelude prog protest psych psy rai rave reel reels religious renaissance "
    "revival rio roma roots rock romanticism sacred score "
    "semba serenade session shred shuffle smooth snap solo son song spectral speech spiritual "
    "spirituals spoken standard standards stride suite suits suit surf sweet swing "
    "symphonic symphonies symphony tango trad traditional traditionals trap tribal tropical trot "
    "twee twist urban vocal volksmusik wave western wonky "
    "world worship yacht yoga impressionism impressionist baroque medieval barock classique ballad "
    "ballads orchestra acoustic texas bass breakbeat guitar "
    "anthem collage copla doom crust baggy outrun songwriter stoner karaoke minimalist mantra lied microtonal sega stax cinema "
    "rhythmic movement concert atmospheric dramatic heavy hard light soft easy big little bassline "
    "art beatbox traditional folklore cinema nocturne etude waltz waltzes ballet "
    "scherzo sonata concerto minuet rhapsody fugue divertimento toccata oratorio aria trance "
    "march marches ost noel menuet lullabies sleaze alternativerock carols poem".split()
)  # fmt: skip
_NOT_GENRES |= frozenset(
    "full on|hands up|light music|for children|from movies|go go|new music|epic music|nature sounds|radio play|second line|"
    "stand up|"
    "straight ahead|straight edge|string quartet|piano solo|piano trio|piano music|organ music|third stream|two step|2 step|"
    "two tone|"
    "2 tone|west coast|east coast|west end|big room|quiet storm|sound art|tape music|space music|true metal|"
    "deep soul|"
    "light music|dirty south|free improv".split("|")
)
_YET_GENRES = """
rock = rock, rock music
pop = pop, pop music
metal = metal, heavy metal
dance = dance music, dance track, dance tune
house = house
trance = trance
tango = tango
march = march, marching tune, marching music
swing = swing music
surf rock = surf rock, surf music
symphonic = symphonic
orchestral = orchestral music
electro = electro
garage rock = garage rock
uk garage = uk garage, garage house
drum and bass = drum and bass, drum n bass, dnb, jungle
waltz = waltz, waltzes
lounge = lounge music
opera = opera, operatic
trap = trap, trap beat
progressive rock = prog rock, progressive rock, prog
nocturne = nocturne
minuet = minuet
ballad = ballad, ballads
choral = choral
christmas = christmas, yuletide
drone = drone music
noise = noise music
fanfare = fanfare
film score = film score, film music, movie music, movie score, cinematic, soundtrack music, movie soundtrack
soundtrack = soundtrack
video game = video game music, game music
children's = children's music, nursery rhyme, children's song
jig = irish jig
world = world music
spiritual = negro spiritual
latin = latin
alternative rock = alternative rock
rave = rave music
new age = new age
sea shanty = sea shanty
hip hop = hip hop, hiphop, rap
mediaeval folk = medieval folk
fusion = jazz fusion
indie = indie
lo fi hip hop = lo fi hip hop, lofi hip hop, lo fi, lofi
country = country, country western
soul = soul
jazz = jazz, jazzy
blues = blues, bluesy
funk = funk, funky
folk = folk, folky, folksy
"""
_NOT_REGIONS = frozenset("us oz uk asia cali cro rome roma southern washington dc dansk turk philly berlin tx".split())

# What of a genre's words supports what; a tag is also what its ancestors are.
GENRES_ALIKE = (
    {"film score", "soundtrack", "video game", "video game music", "cinematic"},
    {"chiptune", "video game", "video game music", "8 bit"},
    {"dance", "salsa"},
    {"dance", "latin"},
    {"dance", "disco"},
    {"dance", "house"},
    {"dance", "techno"},
    {"dance", "trance"},
    {"dance", "dance pop"},
    {"hip hop", "rap", "lo fi hip hop"},
    {"classical", "orchestral", "symphonic"},
    {"electronic", "electronica", "edm", "dance"},
    {"children's", "lullaby"},
    {"jazz fusion", "jazz rock", "fusion"},
    {"swing", "big band"},
    {"sacred", "religious", "liturgical", "church music", "sacred music"},
    {"bossa nova", "bossa"},
    {"waltz", "valse", "musette"},
)


def fold(word: str) -> str:
    """Lower case without accents, of the same length."""
    if word.isascii():
        return word.lower()
    return "".join(_plain(character) for character in word)


@cache
def _plain(character: str) -> str:
    if character in "‘’ʼ`´":
        return "'"
    if character in "-‐‑":
        return "-"
    return (unicodedata.normalize("NFKD", character).lower() or character)[0]


@cache
def kinds_of() -> dict[str, frozenset[str]]:
    """Each instrument's own name and what it is a kind of."""
    above: list[str] = []
    parents: dict[str, set[str]] = {}
    for name, other, _, depth in _instruments():
        above[depth:] = [name]
        parents[name] = {*above[:depth], *([other, *parents[other]] if other in parents else [other] if other else [])}
    return {name: frozenset({name, *some}) for name, some in parents.items()}


@cache
def spelled_instruments() -> dict[str, str]:
    """The instrument of each spelling."""
    found: dict[str, str] = {}
    for name, _, spellings, _ in _instruments():
        for spelling in (name, *spellings):
            found.setdefault(spelling, name)
    for spelling, name in list(found.items()):
        found.setdefault(f"{spelling}s", name)
    return found


def instrument_named(name: str, family: str = "") -> str:
    """The instrument of a record's name such as "electric guitar (clean)"; by its family, or "" where neither is known."""
    words = _words(name)
    spelled = spelled_instruments()
    for length in range(len(words), 0, -1):
        for first in range(len(words) - length, -1, -1):
            if found := spelled.get(" ".join(words[first : first + length])):
                return found
    return FAMILIES.get(fold(family), "")


@cache
def lexicon() -> Lexicon:
    """All phrases with what they may mean."""
    found: dict[tuple[str, ...], dict[Meaning, None]] = {}

    def add(phrase: str, *meanings: Meaning) -> None:
        if words := tuple(_words(phrase)):
            found.setdefault(words, {}).update(dict.fromkeys(meanings))

    for spelling, name in spelled_instruments().items():
        add(spelling, ("instrument", name))
    for kind, table in WORDS.items():
        for name, spellings in _lines(table):
            for spelling in spellings:
                add(spelling, (kind, name))
    for line in MOODS.strip().splitlines():
        for word in line.split(","):
            if word.strip() not in NOT_MOODS:
                add(word, ("mood", fold(word.strip())))
    for name, spellings in _lines(ERAS):
        for spelling in spellings:
            add(spelling, ("era", name))
    for number, word in enumerate(_DECADES, 2):
        years = f"19{number}0s"
        for spelling in (word, years, f"{number}0s", f"'{number}0s", f"nineteen {word}", f"19{number}0's", f"{number}0's"):
            add(spelling, ("era", years))
        add(f"18{number}0s", ("era", "19th century"))
    for years in ("1900s", "1910s", "2000s", "2010s", "2020s"):
        add(years, ("era", years))
        add(years.replace("0s", "0's"), ("era", years))
    add("swinging sixties", ("era", "1960s"))
    add("roaring twenties", ("era", "1920s"))
    for name, spellings in _lines(_YET_GENRES):
        for spelling in spellings:
            add(spelling, ("genre", name))
    for term, others in vocabulary.spellings():
        if term.kind not in ("genre", "region"):
            continue
        barred = _NOT_GENRES if term.kind == "genre" else _NOT_REGIONS
        for spelling in (term.name, *others):
            words = _words(spelling)
            phrase = " ".join(words)
            if (
                phrase.isascii()
                and phrase not in barred
                and len(phrase) > 2
                and words[0] != "solo"
                and (tuple(words) not in found or term.kind == "region")
            ):
                add(phrase, (term.kind, term.name))
    for word in ("r&b", "r & b", "r'n'b"):
        add(word, ("genre", "r&b"))
    index: Lexicon = {}
    for phrase_words, meanings in found.items():
        index.setdefault(phrase_words[0], {})[phrase_words] = tuple(meanings)
    return index


@cache
def decades_of(name: str) -> frozenset[str]:
    """The decades that a tag of time or a word may mean: "1970s", "'70s" and "seventies" are one."""
    match = _DECADE.search(fold(name[:60]))
    if not match:
        return frozenset()
    if match["word"]:
        tens = str(_DECADES.index(match["word"]) + 2)
    else:
        tens = match["tens"]
        if match["century"]:
            return frozenset({f"{match['century']}{tens}0s"})
    return frozenset(f"{century}{tens}0s" for century in (("19", "20") if tens in "012" else ("19",)))


@lru_cache(4096)
def effects_named(name: str) -> frozenset[str]:
    """The effects of a record's name: a "gated reverb" is a gate and a reverb."""
    words, known = _words(name), lexicon()
    spans = [tuple(words[first:last]) for first in range(len(words)) for last in range(first + 1, len(words) + 1)]
    return frozenset(what for span in spans for kind, what in known.get(span[0], {}).get(span, ()) if kind == "effect")


@cache
def mood_clusters() -> dict[str, frozenset[int]]:
    """The clusters of each word of mood."""
    found: dict[str, set[int]] = {}
    for number, line in enumerate(MOODS.strip().splitlines()):
        for word in line.split(","):
            found.setdefault(fold(word.strip()), set()).add(number)
    return {word: frozenset(some) for word, some in found.items()}


def _words(text: str) -> list[str]:
    kept = "".join(c if c.isalnum() or c in "'&" else " " for c in fold(text))
    return kept.split()


def _lines(table: str) -> list[tuple[str, list[str]]]:
    lines = [line.partition("=") for line in table.strip().splitlines()]
    return [(name.strip(), [one.strip() for one in rest.split(",") if one.strip()]) for name, _, rest in lines]


@cache
def _instruments() -> tuple[tuple[str, str, tuple[str, ...], int], ...]:
    """Name, second kind, other spellings and depth of each line of the tree."""
    found = []
    for line in INSTRUMENTS.strip("\n").splitlines():
        head, _, rest = line.partition("=")
        name, _, other = head.partition("<")
        depth = (len(line) - len(line.lstrip())) // 2
        found.append((name.strip(), other.strip(), tuple(one.strip() for one in rest.split(",") if one.strip()), depth))
    return tuple(found)
