"""A grammar that writes captions from a fact record: seeded, offline, in varied English, saying nothing the record does not.

Each fact that is sure enough comes with phrases for several places in a sentence (before a noun, behind it, as a predicate, as
a clause, in front); planned sentences put facts into those places.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import Literal

from motet.midi.general_midi import DRUMS, PROGRAMS
from motet.text import words
from motet.text.record import Change, Player, Record, Withheld

Form = Literal["short", "long", "tags", "question"]

# --- Phrases. One a line, in a place of a sentence; "[a|b|]" is a choice, "{x}" a fact, "play~" agrees with what goes before. ---

_PHRASES = """
tempo adjective
{j}
tempo after
[travelling|proceeding|advancing] at {n} BPM
set to {n} BPM
with {aw} [gait|stride]
taken at {aw} {n} BPM
at {n} [BPM|beats per minute|BPM]
at [about|around|roughly] {n} BPM
at {aw} {n} BPM
at {aw} [pace|tempo] of {n} BPM
[paced|taken|moving|pulsing|running|going] at {n} BPM
[paced|taken|moving|running] at [about|around|roughly] {n} BPM
with {n} beats [to the|a|per] minute
with {aw} [pulse|beat|tempo] of {n} BPM
at {aw} [pace|tempo|clip]
with {aw} [pulse|tempo|beat]
[taken|played|moving|going] at {aw} [pace|tempo]
tempo predicate
proceed~ at {n} BPM
advance~ at {aw} [pace|tempo]
travel~ at {n} BPM
set~ {aw} [pace|tempo]
take~ {aw} tempo
mark~ {n} beats a minute
move~ [along ||forward ]at {n} BPM
run~ at [about |around |roughly |]{n} BPM
go~ by at {n} beats per minute
unfold~ at {n} BPM
keep~ to {n} BPM
keep~ {aw} {n} BPM
pulse~ at {n} BPM
tick~ along at {n} BPM
sit~ at [about |around |]{n} BPM
clock~ in at {n} BPM
have~ {n} beats [to the|a|per|every] minute
move~ [along |forward ||]at {aw} [pace|tempo]
keep~ {aw} [pace|tempo|pulse]
unfold~ at {aw} [pace|tempo]
go~ at {aw} [pace|tempo]
have~ {aw} [pulse|beat|tempo]
tempo clause
one taps {n} times a minute
[a|the] metronome would [show|read|say] {n}
feet would tap [about ||]{n} times a minute
at {n} BPM, it is {w}
it is taken [at {aw} pace|at {n} BPM]
the tempo [is|sits at|lies at|comes to|is about|is around] {n} BPM
the beat falls [about |some ||]{n} times a minute
{n} BPM is the [tempo|pace|speed]
one would tap along [about |]{n} times a minute
the pulse [runs|beats|goes] at [about |around |]{n} BPM
[there are|one counts|you can count] {n} beats [to the|a|per|every] minute
beats [come|go by|pass] at {n} [a|per] minute
the [tempo|pace] is {aw} {n} BPM
the [tempo|pace] is {w}
{aw} [tempo|pace|pulse] [carries|moves] the [music|notes][ along|]
tempo front
at {n} BPM
at [about|around|roughly] {n} BPM
at {aw} {n} BPM
with {n} beats [to the|a|per|every] minute
at {aw} [pace|tempo]
with {aw} pulse
tempo ask
where would [a|the] metronome [stand|be set]?
what would [a|the] metronome show?
what [sort|kind] of [tempo|pace] is [this|it]?
what is the [tempo|pace|speed][| here| of this clip| of the music]?
[at what|at which] [tempo|speed|pace] does [it|this|the music|the clip] [move|go|run]?
at what [rate|speed|tempo] [would you|does one] tap along?
how many beats [does one count|are there] [to the|a|per] minute?
tempo answer
[about|around|roughly] {n} BPM
{n} [BPM|beats per minute]
{aw} {n} BPM
{w}
{aw} [tempo|pace]
steady adjective
steady
steady after
at a steady [tempo|pace]
with a steady [pulse|beat]
in steady time
steady predicate
hold~ [its tempo steady|a tempo steadily]
keep~ steady time
hold~ [a steady|its] [tempo|pace]
keep~ [a steady|its] [beat|tempo|pulse]
steady clause
[it|the music] does not [speed up or slow down|change speed]
the [tempo|pulse|pace] [is|stays|remains|holds] steady
the beat [never wavers|stays steady|is steady]
unsteady after
at varying speed
with shifts of tempo
with [a changing|a shifting|a fluctuating|an unsteady] [tempo|pulse]
at [a changing|a shifting|a varying] [tempo|pace]
in [changing|shifting|fluctuating] tempo
unsteady predicate
move~ at a changing pace
let~ the tempo [shift|vary|change]
change~ [tempo|pace|speed][| along the way| as it goes]
vary~ in [tempo|pace|speed]
do~ not keep [to |]one [tempo|speed|pace]
unsteady clause
the [speed|tempo] is not constant
the [tempo|pace|pulse|speed] [changes|shifts|varies|fluctuates][| along the way| as it goes]
unsteady ask
does the tempo [hold|stay the same|change]?
how [does the tempo behave|even is the tempo]?
unsteady answer
it [changes|shifts|varies][| along the way]
key adjective
{k}
{k}
{m}-key
key after
in {k}
in {k}
in the key of {k}
[set|written|cast|rooted|pitched] in {k}
[centred on|at home in] {k}
in a {m} [key|mode|key|tonality]
key predicate
have~ {k} as its [home|key]
gravitate~ to {k}
take~ {k} for its key
stay~ in {k}
be~ in [the key of |]{k}
sit~ [squarely |comfortably |]in {k}
centre~ on {k}
call~ {k} home
keep~ to {k}
rest~ [firmly |]in {k}
revolve~ around {k}
be~ in [a {m} key|a {m} mode|{m} mode]
key clause
{k} is [in force|heard here]
all [sits|stays|lies|rests] in {k}
the [writing|music] is in {k}
[one is|we are] in {k}
the [key|tonality|home key] is {k}
{k} is the [key|home key|tonality]
{k} serves as home
everything [centres on|revolves around|sits in] {k}
the harmony [rests|sits|lies|is rooted|is at home] in {k}
the notes [point to|settle in|gather around] {k}
{k} is where [it|the music] [lives|sits|rests]
the mode is {m}
key front
in {k}
in the key of {k}
in a {m} [key|mode|key|tonality]
key ask
around which key does [it|everything|the music] [turn|revolve]?
what is the home key?
in which key would you [notate|write down] [it|this]?
what key [is this in|is it in|does the music sit in|is the clip in|do you hear]?
[in which|in what] key is [this|it|the music|the excerpt]?
what is the [key|tonality][| here| of this clip| of the music]?
which key [is home|does it centre on]?
key answer
{k}
[it is|it's|this is] [in |]{k}
metre adjective
{f}
metre after
to a {f} [beat|count]
keeping to {f}
in {f}
in {f} time
[counted|barred|notated] in {f}
in {metred}
metre predicate
have~ a {f} [metre|beat|time signature]
go~ in {f}
come~ in {f}
be~ in {f}[| time]
count~ in {f}
run~ in {f}
move~ in {f}[| time]
keep~ to {f}
move~ in {metred}
metre clause
{f} [holds|applies][ here||]
it goes in {f}
the [count|beat] is {f}
the [metre|time signature] is {f}
[bars are|it is|this is] counted in {f}
the bars [run|go by|fall] in {f}
{f} is the [metre|time signature]
one counts [it |this |]in {f}
everything is in {metred}
metre front
in {f}[| time]
in {metred}
metre ask
what would the time signature be?
what is the [metre|time signature][| here| of this clip| of the music]?
what metre is [this|it|the music|the clip] in?
how [are the bars|is it|would this be] counted?
metre answer
{f}
in {f}[| time]
in {metred}
waltz adjective
waltz-like
waltz-time
triple-time
{f}
waltz after
in [waltz|triple|{f}] time
in {f}
in triple metre
with three beats to the bar
with a waltz-like [rhythm|beat|pulse]
waltz predicate
move~ [like a waltz|in waltz time|in threes|in triple time]
turn~ in [waltz time|{f}]
sway~ in [waltz time|{f}|triple time]
be~ in [triple metre|waltz time|{f}]
waltz clause
the [metre|time signature] is {f}
each bar has three beats
the [metre|rhythm] is that of a waltz
[bars|the bars] [go by|fall|turn] in [{f}|waltz time]
the beat goes round in [threes|waltz time]
waltz front
in [waltz|triple|{f}] time
in {f}
waltz ask
what is the [metre|time signature][| here| of this clip| of the music]?
how [are the bars|is it|would this be] counted?
waltz answer
{f}
in [{f}|waltz time|triple time]
mixed_metre after
with [a changing|a shifting] metre
in changing metres
mixed_metre predicate
change~ metre[| along the way| as it goes]
mixed_metre clause
the [metre|time signature] [changes|shifts][| along the way| as it goes]
mixed_metre ask
does the metre [hold|stay the same|change]?
mixed_metre answer
it [changes|shifts][| along the way]
ensemble after
on {l}
using {l}
that [features|uses] {l}
for {l}
for {l}
[played|performed] by {l}
[scored|arranged|set|written] for {l}
with {l}
featuring {l}
ensemble predicate
rely~ on {l}
be~ [left|given] to {l}
feature~ {l}
use~ {l}
be~ [played|performed] by {l}
be~ [scored|arranged|set] for {l}
call~ on {l}
ensemble clause
[this is|it is] music for {l}
the [sound|music] is that of {l}
the [music|playing] comes from {l}
[one hears|you hear|we hear|there is music for|the music is for] {l}
{l} [be~ heard|be~ playing|can be heard]
ensemble ask
what is it [scored|arranged|written] for?
what [makes|produces] the sound?
[who|what] plays?
what [is playing|can be heard|do you hear|plays here|is this played on]?
which instruments [are heard|play|can you hear|take part|are there]?
what is the [line-up|instrumentation][|| here]?
ensemble answer
{l}
[I hear|you hear|we hear|one hears] {l}
it [is played|is performed] by {l}
several after
for the combination of {l}
that [combines|features|unites] {l}
made up of {l}
using {l}
drawing on {l}
for {l}
[played|performed] by {l}
[scored|arranged|set|written] for {l}
with {l}
featuring {l}
[bringing together|combining|uniting|shared by] {l}
several predicate
rely~ on {l}
have~ parts for {l}
draw~ on {l}
employ~ {l}
unite~ {l}
put~ together {l}
get~ its sound from {l}
feature~ {l}
bring~ together {l}
combine~ {l}
be~ [played|performed|shared] by {l}
be~ [scored|arranged|set] for {l}
call~ on {l}
mix~ {l}
several clause
[heard are|there are parts for|parts are given to] {l}
the [music|sound] is made by {l}
it takes {l} to play it
[one hears|you hear|we hear] {l}
{l} [are heard|can be heard|take part|play together|share the music|make up the sound]
the [instruments|sounds] [include|heard are] {l}
the [line-up|instrumentation] [includes|has|features] {l}
several ask
[who|what] is [in|part of] the [line-up|ensemble]?
what makes up the sound?
what is it [scored|arranged] for?
which [instruments|players] [make up|share] the [sound|music]?
what [is playing|can be heard|do you hear|plays here|is this played on]?
which instruments [are heard|play|can you hear|take part|are there]?
what is the [line-up|instrumentation][|| here]?
several answer
{l}
[I hear|you hear|we hear|one hears] {l}
it [is played|is performed] by {l}
count after
for [{g}|{c} instruments]
played by [{g}|{c} instruments]
with {c} instruments
count predicate
need~ {c} players
be~ played by [{g}|{c} instruments]
have~ {c} instruments
count clause
[there are|one can count|you can hear] {c} instruments
{c} instruments [play|take part|are at work]
count ask
how many instruments [are there|play|do you hear|take part]?
count answer
{c}
[there are|I count|one hears] {c}
solo adjective
solo
unaccompanied
solo after
[unaccompanied|all alone]
with [nothing|no one] else playing
for one player
for a single instrument
without [any |]accompaniment
solo predicate
[be~ left|be~ given] to one [player|instrument]
need~ no accompaniment
stand~ alone, unaccompanied
be~ [unaccompanied|played solo]
solo clause
[one|a lone|a single|one sole] instrument plays
[no one|nothing] accompanies [it|the player]
[all|everything] [comes from|is played on|is left to] one instrument
melody after
led by {x}
with {x} on [melody|lead|the melody]
with [its|the] [melody|tune|lead] on {x}
with {x} [carrying|taking|playing|in charge of] the [melody|tune|lead]
with a [melody|lead|tune] [for|on|from] {x}
melody predicate
hand~ the [melody|tune] to {x}
[follow~|feature~] {x} on [melody|lead]
let~ {x} lead
entrust~ {x} with the [melody|tune]
give~ the [melody|tune|lead] to {x}
put~ {x} in the lead
be~ led by {x}
have~ {x} [carry|play|take] the [melody|tune|lead]
melody clause
{x} deliver~ the [melody|tune]
{x} bear~ the [melody|tune]
melodic duty falls to {x}
{x} be~ [in the lead|on melody|out in front with the melody]
{x} carry~ the [melody|tune|lead]
{x} take~ the [lead|melody|tune]
{x} lead~
{x} play~ [the melody|lead|the tune]
the [melody|tune|lead] [belongs to|falls to|is carried by|is given to|lies with|comes from|is heard on|goes to|rests with] {x}
the [melody|tune] is on {x}
melody front
with {x} [in the lead|on melody|on lead]
melody ask
[who|what] is in the lead?
to which instrument does the [melody|tune] belong?
whose is the [melody|tune]?
what [carries|plays|has|takes] the [melody|tune|lead]?
which instrument [carries|plays|has|takes] the [melody|tune|lead]?
where is the [melody|tune|lead]?
melody answer
{x}
on {x}
bass after
with {x} on bass
over a bass line [from|on|for] {x}
with {x} [on|playing|holding|taking] the bass line
with [its|the] bass line on {x}
bass predicate
rest~ on a bass line from {x}
have~ {x} on bass
leave~ the bass line to {x}
bass clause
{x} play~ the bass[ line|]
{x} hold~ down the bass[ line|]
{x} provide~ the bass[ line|]
the bass [line |][comes from|belongs to|is played by|falls to|is left to] {x}
{x} supply~ the bass line
bass front
over a bass line from {x}
bass ask
what [plays|provides|holds down|supplies] the bass line?
which instrument [plays|has|takes|provides] the bass[ line|]?
bass answer
{x}
low_bass after
anchored by {x}
with {x} [underneath|below|at the bottom|underpinning it]
over {x}
low_bass predicate
be~ anchored by {x}
rest~ on {x}
low_bass clause
the low [line|part] [belongs to|comes from] {x}
{x} anchor~ the [music|harmony|sound]
{x} underpin~ [it all|the music|the harmony|everything]
[underneath|below] [is|lies] {x}
at the bottom [is|lies] {x}
low_bass ask
what [plays|provides|holds down|supplies] the bass line?
which instrument [plays|has|takes|provides] the bass line?
low_bass answer
{x}
chords after
over chords [on|from|by] {x}
with chords on {x}
accompanied by {x}
[backed|supported] by chords on {x}
with {x} [playing|supplying|filling in|on] chords
chords predicate
lean~ on chords from {x}
take~ its chords from {x}
be~ accompanied by {x}
have~ {x} [play|supply|fill in] chords
chords clause
{x} supply~ [the |]chords
{x} fill~ in the chords
{x} play~ [the |]chords
{x} accompany~ with chords
the chords [come from|lie with|fall to|are played by|are given to|are heard on] {x}
chords front
over chords [on|from] {x}
chords ask
what [plays|supplies|fills in] the chords?
which instrument [plays|has|supplies] the chords?
chords answer
{x}
on {x}
pad after
over a pad [of|from|on] {b}
with a pad [of|from|on] {b}
[accompanied|backed] by {x}
pad predicate
rest~ on a pad of {b}
be~ accompanied by {x}
pad clause
{x} [lay~ down|spread~|hold~|provide~] a [sustained |]pad
a pad of {b} [lies|spreads|fills in] behind
pad front
over a pad of {b}
pad ask
what [plays|provides|holds] the pad?
pad answer
{x}
drums after
to a drum beat
[set|played] to drums
with a drum beat
with drums [keeping time|on the beat|underneath|behind it]
over [drums|a drum beat]
[backed|accompanied|supported] by drums
drums predicate
lean~ on drums
have~ a drum beat
move~ to the beat of drums
put~ drums behind it
have~ drums [underneath|behind it|to keep time]
be~ backed by drums
drums clause
[a drum beat|drumming] [backs|supports] it
drums [lay down|supply|provide] the beat
the drums are [playing along|in it too]
[the |]drums [keep|mark|beat] time
[the |]drums [keep|mark|hold] the beat
the beat [comes from|is kept by|is left to] the drums
drums front
over [drums|a drum beat]
[backed|accompanied] by drums
drums ask
what [marks|holds] the beat?
where does the beat come from?
what keeps the beat?
drums answer
[the |]drums
no_drums after
without [any |]drums
with no drums
no_drums predicate
do~ without drums
have~ no drums
no_drums clause
there are no drums
no drums [are heard|play|take part]
no_drums ask
are there any drums?
does it have any drums?
no_drums answer
[no, |]there are no drums
no, it has no drums
throughout after
with {x} throughout
throughout predicate
keep~ {x} [going|in play] throughout
have~ {x} throughout
throughout clause
{x} stay~ throughout
{x} keep~ going throughout
throughout, {x} be~ there
{x} play~ throughout
{x} be~ [heard|there|present] throughout
{x} can be heard throughout
drums_throughout after
with drums throughout
drums_throughout clause
the drums [play|go on|keep going] throughout
throughout ask
what [keeps going|can be heard|is present] throughout?
which instrument plays throughout?
throughout answer
{x}
soft adjective
soft
quiet
softly played
quietly played
soft after
played [softly|quietly]
at a [soft|quiet] volume
soft predicate
be~ [soft|quiet]
be~ played [softly|quietly]
soft clause
the playing is [soft|quiet]
the notes are played [softly|quietly]
soft ask
what is the [dynamic level|volume][| like]?
soft answer
[soft|quiet]
it is [soft|quiet|played softly]
loud adjective
loud
loudly played
loud after
played loudly
at a loud volume
loud predicate
be~ loud
be~ played [loud|loudly]
loud clause
the [playing|volume] is loud
loud ask
what is the [dynamic level|volume][| like]?
loud answer
[loud|it is loud|loudly played]
crescendo after
with a crescendo
growing louder[| along the way| as it goes]
building in volume
crescendo predicate
grow~ louder[| along the way| as it goes]
[build~|rise~|swell~|gain~] in volume
make~ a crescendo
crescendo clause
the [volume|sound|dynamic level] [rises|grows|builds|swells][| along the way| as it goes]
there is a crescendo
crescendo ask
how does the volume change?
crescendo answer
it [grows|gets] louder
decrescendo after
with a [decrescendo|diminuendo]
[growing|getting|becoming] [softer|quieter][| along the way| as it goes]
falling in volume
decrescendo predicate
[grow~|get~|become~] [softer|quieter][| along the way| as it goes]
[fall~|drop~|sink~] in volume
make~ a [decrescendo|diminuendo]
decrescendo clause
the [volume|sound|dynamic level] [falls|drops|sinks|ebbs][| along the way| as it goes]
there is a [decrescendo|diminuendo]
decrescendo ask
how does the volume change?
decrescendo answer
it [grows|gets] [softer|quieter]
even after
at [an even|a level|a constant] volume
with [even|level|constant] dynamics
even predicate
stay~ [level|even] in volume
neither [swell~ nor fade~|rise~ nor fall~ in volume]
hold~ its volume[ level||]
keep~ [an even|a level|a constant] volume
even clause
volume [hardly|barely] [changes|varies]
[loudness|the loudness] [hardly changes|stays level|is even]
the [volume|dynamic level] [stays|remains|is] [constant|even|level]
the dynamics [stay|remain|are] [even|level]
even ask
how does the volume change?
even answer
it stays [constant|even|level]
sparse adjective
sparse
sparsely written
sparse after
with [few|sparse] notes
in [a sparse|an uncrowded] texture
sparse predicate
be~ sparse
have~ few notes
sparse clause
[the writing|the texture|the arrangement] is sparse
there are few notes
dense adjective
busy
dense
densely written
dense after
full of notes
brimming with notes
with [many notes|a busy texture|a dense texture]
[packed|crowded] with notes
dense predicate
pack~ in [many|plenty of] notes
leave~ little room[ between notes||]
brim~ with notes
be~ [busy|dense]
be~ [packed|crowded] with notes
dense clause
notes [crowd in|come densely|pile up|are plentiful]
notes are [densely|tightly] packed
[the writing|the texture|the arrangement] is [busy|dense|packed with notes]
[there are|it has|one hears] [many|plenty of|a great many] notes
single after
in a single line
as a single line
single predicate
be~ [monophonic|a single line]
single clause
the [texture|writing] is monophonic
it is all a single line
thick adjective
richly textured
thickly textured
full-textured
thick after
[rich|full] in [sound|texture]
with [thick|rich|full] voicings
with [a full|a thick|a rich] [texture|sound]
thick predicate
fill~ [out |]the [whole |]texture
layer~ [many|several] notes[ at once| together|]
sound~ [full|thick|rich][ in texture||]
stack~ [notes|its notes] [thickly|richly]
have~ [a full|a thick|a rich] [texture|sound]
thick clause
[notes|the notes] are stacked [thickly|richly]
several notes [sound|ring] at once
the [chording|voicing] is [thick|full|rich]
the [texture|sound|harmony] is [full|thick|rich]
low adjective
low-pitched
low after
[in a|in the] low register
pitched low
low predicate
dwell~ in the low register
keep~ low[ in pitch||]
sit~ low[| in pitch]
lie~ in the low register
be~ low-pitched
low clause
the [pitch|range] is low
pitches [stay|are|keep] low
[most |the |]notes [lie|sit] [low|in the low register]
the register is low
high adjective
high-pitched
high after
[in a|in the] high register
pitched high
high predicate
dwell~ in the high register
keep~ high[ in pitch||]
sit~ high[| in pitch]
lie~ in the high register
be~ high-pitched
high clause
the [pitch|range] is high
pitches [stay|are|keep] high
[most |the |]notes [lie|sit] [high|in the high register]
the register is high
middle after
in the middle register
middle predicate
keep~ to the middle [register|of the range]
lie~ in the middle [register|of the range]
stay~ in [mid-register|a middle register]
sit~ in the middle register
middle clause
[pitches|the pitches] [centre|stay|cluster] in the middle
[most |the |]notes [lie|sit] in the middle register
legato adjective
legato
legato after
in [connected|flowing|joined-up] [phrases|lines]
with a legato touch
[smoothly|all] connected
played legato
with [legato|smoothly joined|smooth, connected] [notes|lines]
in [legato|smoothly joined] lines
legato predicate
run~ smoothly[ on||]
tie~ its notes [together|smoothly together]
have~ a legato touch
join~ note to note
let~ [each|every] note run into the next
be~ played legato
flow~ in legato lines
legato clause
each note [runs|flows|leads] into the next
the [notes|lines] [are|sound] [connected|joined|tied together]
legato [phrasing|playing] [joins|links|binds] the notes
the [touch|delivery] is legato
the [playing|phrasing|articulation] is [legato|smooth and connected]
notes [flow|run] smoothly into one another
legato ask
how are the notes [articulated|joined|played]?
what is the articulation?
legato answer
[legato|smoothly, legato|smooth and connected]
staccato adjective
staccato
staccato after
played staccato
with [short, detached|clipped|staccato] notes
in [short, detached|clipped|staccato] notes
staccato predicate
keep~ notes short
have~ a staccato touch
be~ played staccato
move~ in [clipped|detached|staccato] notes
staccato clause
each note is cut short
the [touch|delivery] is staccato
the [playing|phrasing|articulation] is [staccato|clipped|short and detached]
the notes are [clipped|staccato|short and detached]
staccato ask
how are the notes [articulated|played]?
what is the articulation?
staccato answer
[staccato|short and detached|clipped, staccato]
mixed after
with [mixed|varied] articulation
mixed predicate
mix~ [detached|short] and [connected|held] notes
mixed clause
the articulation is mixed
[short|detached] notes [alternate|mix] with [held|connected] ones
swing adjective
swung
swinging
swing after
with [a swing feel|swung eighths|swung eighth notes|a swing to it]
in swung [eighths|eighth notes]
swing predicate
swing~
have~ a swing [feel|to it]
be~ played with swung eighths
swing clause
the [eighths|eighth notes] are swung
the [rhythm|beat] swings
swing ask
how does the rhythm feel?
how are the eighths played?
swing answer
[swung|they are swung|with swing]
genre adjective
{v}
genre after
in {av} [style|idiom|vein]
with {av} [feel|flavour|character|sound]
tagged [as |]{v}
genre predicate
be~ [tagged as|filed under|labelled] {v}
[lean~ towards|belong~ to|fall~ under] {v}
genre clause
the [genre|style] is {v}
listeners [call it|tag it as|file it under] {v}
{v} is the [style|genre]
genre ask
what [style|genre] [would you file it under|is it tagged with]?
what [genre|style][| of music] is [this|it]?
[how would you|how do listeners] [tag|label|classify] it?
genre answer
{v}
it is [tagged as|filed under|labelled] {v}
mood adjective
{v}
{v}
mood after
with {av} [mood|air|feel|tone|character]
in {av} mood
mood predicate
sound~ {v}
feel~ {v}
have~ {av} [mood|air|feel|tone]
mood clause
the [mood|feeling|tone|atmosphere] is {v}
mood ask
how does [it|this|the music] feel?
what [sort|kind] of mood is this?
what [mood|feeling|atmosphere] does [it|this|the music] [have|convey|suggest]?
what is the [mood|atmosphere|tone][|| here]?
mood answer
{v}
it [feels|sounds|is] {v}
era after
from the {v}
with a [sound|feel] of the {v}
in the style of the {v}
era predicate
be~ tagged {v}
come~ from the {v}
era clause
the era is the {v}
listeners tag it {v}
era ask
[which|what] era [is it tagged with|does it belong to]?
era answer
the {v}
region adjective
{v}
region after
tagged [as |]{v}
with {av} [flavour|feel|character]
region predicate
be~ tagged [as |]{v}
region clause
listeners tag it as {v}
the [style|flavour] is {v}
progression after
with {p} as its [first|opening] chords
that [starts|begins|opens] on {p0}
moving from {p0} to {p1}
over [the chords |chords ||]{p}
over [a|the] progression [of ||]{p}
opening [on|with] [the chords |]{p}
progression predicate
pass~ from {p0} to {p1}
unroll~ over {p}
[begin~|open~|start~|set~ out] [with|on] [the chords |]{p}
go~ from {p0} to {p1}
move~ from {p0} to {p1}
progression clause
{p} [come|are heard] first
from {p0} [the harmony|it] [moves|goes|passes] to {p1}
[harmonically, it|its harmony] starts on {p0}, then [moves|goes] to {p1}
the [progression|harmony] [begins|opens|starts|sets out] [with|on] {p}
the chords [begin|start out|open] {p}
{p0} [gives way to|is followed by|moves on to] {p1}
the [first|opening] chords are {p}
progression front
over [the chords |]{p}
progression ask
[which|what] chords [begin it|open it|come first]?
with which chords does it [begin|open|start]?
what [are the chords|chords do you hear|is the chord progression|chords does it use]?
how does the [harmony|progression] [begin|go|start]?
progression answer
{p}
it [begins|opens|starts] [with|on] {p}
length adjective
{s}-second
length after
spanning [about ||]{s} seconds
of {s} seconds' length
{s} seconds long
lasting [about |some |around ||]{s} seconds
of [about |some |]{s} seconds
length predicate
fill~ [about ||]{s} seconds
[come~|amount~] to {s} seconds
span~ [about ||]{s} seconds
be~ over in {s} seconds
last~ [about |around |some ||]{s} seconds
run~ for [about |]{s} seconds
take~ [about |]{s} seconds
length clause
{s} seconds [is its length|go by|pass]
its length is [about |some ||]{s} seconds
the [clip|excerpt] [lasts|takes|spans] [about ||]{s} seconds
it [lasts|runs|takes|goes on for] [about |some |around ||]{s} seconds
it is [about |]{s} seconds long
length front
for [about |some |]{s} seconds
length ask
for how long does it [last|run|play]?
how many seconds [is it|does it take|does it last]?
how long [is it|is this|is the clip|does it last|does the music go on]?
what is the [length|duration]?
length answer
[about |around |some ||]{s} seconds
opening after
out of the [opening|beginning] of a piece
that [opens|begins] a [longer |]piece
from the [opening|beginning] of a [longer |]piece
opening predicate
come~ from the [opening|beginning] of a [longer |]piece
ending after
from the [end|close|ending] of a [longer |]piece
ending predicate
come~ from the [end|close|ending] of a [longer |]piece
inside after
from the middle of a [longer |]piece
inside predicate
come~ from the middle of a [longer |]piece
repeats predicate
be~ heard again elsewhere in the piece
reappear~ elsewhere
[return~|come~ back|recur~] elsewhere in [the|its] piece
repeats clause
[this|the same] section [returns|comes back|recurs] elsewhere
effects after
with {fx} on {x}
effects predicate
have~ {fx} on {x}
effects clause
{x} be~ [played|heard] through {fx}
there is {fx} on {x}
effects ask
what effects are [used|heard]?
effects answer
{fx} on {x}
enters clause
{x} [enter~|come~ in|join~|join~ in|arrive~] {when}
enters alone
{when}, {x} [enter~|come~ in|join~ in]
enters ask
when [do|does] {x} [enter|come in|join in]?
enters answer
{when}
leaves clause
{x} [drop~ out|fall~ silent|stop~|leave~ off] {when}
leaves alone
{when}, {x} [drop~ out|fall~ silent|stop~]
leaves ask
when [do|does] {x} [drop out|fall silent|stop]?
leaves answer
{when}
modulation clause
the [key|music|harmony] [moves|shifts|turns|changes] to {k} {when}
modulation alone
{when}, the [key|music|harmony] [moves|shifts|turns] to {k}
modulation ask
does the key change?
modulation answer
yes, [it moves |]to {k} {when}
new_tempo clause
the tempo [changes|goes|shifts|moves] to {n} BPM {when}
new_tempo alone
{when}, the tempo [changes|goes|shifts|moves] to {n} BPM
new_metre clause
the metre [changes|switches|shifts] to {f} {when}
new_metre alone
{when}, the metre [changes|switches|shifts] to {f}
"""

# What may be said once only: of each group one fact at most is put into a caption.
_GROUPED = {
    "sparse": "texture",
    "dense": "texture",
    "single": "texture",
    "thick": "texture",
    "steady": "pace",
    "even": "volume",
    "drums_throughout": "drums",
}
_PIECES = (
    "piece", "passage", "excerpt", "clip", "instrumental", "arrangement", "snippet", "number", "stretch of music",
    "bit of music", "extract", "composition", "instrumental piece", "instrumental passage", "selection", "cut", "sample",
    "fragment", "phrase of music", "piece of music", "instrumental clip", "work", "sequence", "instrumental number",
)  # fmt: skip
_VOICES = ("choir", "voice", "vocal")  # in names of instruments; with one of them no music is called instrumental
_OPENINGS = (
    "this is {a}", "here is {a}", "you hear {a}", "what plays is {a}", "we hear {a}", "one hears {a}", "here comes {a}",
    "what follows is {a}", "there is {a}", "listen to {a}", "heard here is {a}", "we have {a}",
)  # fmt: skip
_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_MANY_NAMED = 5  # instruments in a list, at most
_MOST_PLAYERS = 24  # instruments that anything is said of
_LONGEST_TAG = 40
_PLAIN_TAG = re.compile(r"[^\W_][\w &'/+.-]*", re.UNICODE)
_ERA = re.compile(r"(?:1[5-9]|20)?[0-9]0s")
# Moods that a listener would take for a claim about tempo, loudness or texture are left to the notes.
_NOT_MOODS = frozenset(
    "driving energetic upbeat easygoing easy-going slow fast quick lively brisk steady soft quiet loud sparse dense busy thick "
    "rich full low high swinging unhurried rapid moderate medium smooth heavy light".split()
)
_INITIALS = {"r&b": "R&B", "rnb": "R&B", "edm": "EDM", "idm": "IDM", "ebm": "EBM", "uk": "UK", "us": "US", "mpb": "MPB"}
_PIECE_TEMPI = {
    "very slow": ("very slow", "extremely slow"),
    "slow": ("slow", "unhurried", "slow-paced"),
    "moderate": ("mid-tempo", "easy-going", "moderately paced", "medium-tempo"),
    "lively": ("lively", "brisk", "upbeat"),
    "fast": ("fast", "quick", "driving", "fast-paced"),
    "very fast": ("very fast", "rapid", "breakneck"),
}

# General MIDI's names in other words. One is used where no other instrument of the clip could be meant by it.
_CALLED = {
    "grand piano": ("piano", "piano"), "bright piano": ("piano",), "acoustic grand piano": ("piano",),
    "honky-tonk piano": ("piano",),
    "nylon-string guitar": ("guitar", "nylon guitar"), "steel-string guitar": ("guitar",),
    "jazz guitar": ("guitar",), "clean electric guitar": ("guitar", "electric guitar"),
    "muted electric guitar": ("electric guitar", "guitar"), "overdriven guitar": ("electric guitar", "guitar"),
    "distorted guitar": ("electric guitar", "guitar"), "upright bass": ("bass",), "fingered bass": ("bass", "bass guitar"),
    "picked bass": ("bass", "bass guitar"), "fretless bass": ("bass",), "slap bass": ("bass",), "synth bass": ("bass",),
    "drawbar organ": ("organ",), "percussive organ": ("organ",), "rock organ": ("organ",),
    "church organ": ("organ", "pipe organ"),
    "string ensemble": ("strings",), "slow strings": ("strings",), "tremolo strings": ("strings",),
    "pizzicato strings": ("plucked strings",), "synth strings": ("synthesised strings",), "brass section": ("brass",),
    "soprano saxophone": ("saxophone", "soprano sax"), "alto saxophone": ("saxophone", "alto sax"),
    "tenor saxophone": ("saxophone", "tenor sax"), "baritone saxophone": ("saxophone", "baritone sax"),
    "French horn": ("horn",), "double bass": ("contrabass",), "square-wave lead": ("square-wave synth",),
    "sawtooth lead": ("sawtooth synth",),
}  # fmt: skip
_SINGULAR_S = ("bass", "glass", "brass")
_NO_ARTICLE = ("noise", "brass", "applause", "bass and lead synth")
_PLURAL = ("timpani", "guitar harmonics")

Choice = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Template:
    """A phrase in pieces, each with its alternatives, for one who plays and for several."""

    singular: tuple[Choice, ...]
    plural: tuple[Choice, ...]
    numeric: bool

    def say(self, values: Mapping[str, str], random: Random, plural: bool) -> str:
        draw = random.random
        pieces = self.plural if plural else self.singular
        told = "".join([one[0] if len(one) == 1 else one[int(draw() * len(one))] for one in pieces])
        return told.format_map(values) if "{" in told else told


_AGREES = re.compile(r"([a-z]+)~")
_IRREGULAR = {"be": ("is", "are"), "have": ("has", "have"), "do": ("does", "do"), "go": ("goes", "go")}


def _agreeing(text: str, plural: bool) -> str:
    def verb(found: re.Match[str]) -> str:
        plain = found[1]
        if plain in _IRREGULAR:
            return _IRREGULAR[plain][plural]
        if plural:
            return plain
        if plain.endswith("y") and plain[-2] not in "aeiou":
            return f"{plain[:-1]}ies"
        return plain + ("es" if plain.endswith(("s", "sh", "ch", "x", "z", "o")) else "s")

    return _AGREES.sub(verb, text)


def _template(line: str) -> _Template:
    pieces = [tuple(one.split("|")) for one in re.split(r"[\[\]]", line)]
    pieces = [piece for piece in pieces if piece != ("",)]
    one, many = (tuple(tuple(_agreeing(told, plural) for told in piece) for piece in pieces) for plural in (False, True))
    return _Template(one, many, numeric="{n}" in line or "{s}" in line)


Bank = dict[str, tuple[_Template, ...]]


def _banks(numbers: bool) -> dict[str, Bank]:
    """For each kind of fact the phrases for each place; without `numbers` those that need none."""
    found: dict[str, Bank] = {}
    kind = place = ""
    for line in _PHRASES.strip().splitlines():
        head, _, tail = line.partition(" ")
        if tail in _PLACES and "~" not in line:
            kind, place = head, tail
            continue
        template = _template(line)
        if numbers or not template.numeric:
            bank = found.setdefault(kind, {})
            bank[place] = (*bank.get(place, ()), template)
    return found


_PLACES = frozenset(("adjective", "after", "predicate", "clause", "alone", "front", "ask", "answer"))
_BANKS = (_banks(False), _banks(True))


@dataclass(frozen=True, slots=True)
class _Fact:
    """A fact that may be said: the phrases for it, what they name, and how much it belongs into a caption."""

    kind: str
    bank: Bank
    values: Mapping[str, str]
    weight: float = 1.0
    plural: bool = False

    def say(self, place: str, random: Random) -> str:
        options = self.bank[place]
        told = ""
        for _ in range(4):
            template = options[int(random.random() * len(options))]
            told = template.say(self.values, random, self.plural and place != "predicate")
            # Not "the sawtooth lead takes the lead".
            if self.kind != "melody" or told.count("lead") < 2:
                break
        return told

    @property
    def group(self) -> str:
        return _GROUPED.get(self.kind, self.kind)


def write(record: Record, random: Random, form: Form = "short", numbers: bool = True) -> str:
    """A caption of a clip, one line: one sentence (`short`), two to four (`long`), a comma list (`tags`) or a question with
    its answer (`question`).

    Facts below the confidences of `motet.text.words` are not mentioned, and the artist and title withheld are not named.
    Without `numbers` it gives neither beats per minute nor seconds. Equal records, generators and settings give equal
    captions. Raises ValueError for another form.
    """
    writer = _FORMS.get(form)
    if writer is None:
        raise ValueError(f"no form of caption: {form!r}; there are {', '.join(_FORMS)}")
    clip = _Clip(record, random, numbers)
    told = writer(clip)
    # A title may be a common word, which a caption says without meaning it; another caption mostly does without.
    for _ in range(4):
        if not clip.names_withheld(told):
            break
        told = writer(_Clip(record, random, numbers))
    return told


class _Clip:
    """What may be said of one clip, and the state of saying it: who has been mentioned, which words were drawn."""

    def __init__(self, record: Record, random: Random, numbers: bool) -> None:
        self.record, self.random, self.numbers = record, random, numbers
        self._banks = _BANKS[numbers]
        withheld = record.withheld or Withheld()
        self._withheld = [folded for name in (withheld.artist, withheld.title) if name and (folded := _folded(name)).strip()]
        self.players = self._players()
        self._called = self._names()
        self.facts: list[_Fact] = []
        self._gather()

    def choose(self, options: Sequence[str]) -> str:
        return options[int(self.random.random() * len(options))]

    def names_withheld(self, text: str) -> bool:
        return bool(self._withheld) and any(name in _folded(text) for name in self._withheld)

    # Instruments

    def _players(self) -> list[Player]:
        """Those worth a name, each once: most notes first, drums last."""
        sounding = {one.name: one for one in self.record.instruments or () if _PLAIN_TAG.fullmatch(one.name) or "(" in one.name}
        known = [one for one in sounding.values() if one.name in _KNOWN_NAMES or not self.names_withheld(one.name)]
        return [one for one in known if one.notes is None or one.notes >= words.FEW_NOTES][:_MOST_PLAYERS] or known[:1]

    def _names(self) -> dict[str, str]:
        """What each instrument is called in this caption."""
        everyone = {one.name for one in self.record.instruments or ()}
        found = {}
        for player in self.players:
            name = player.name
            options = [name]
            for other in _CALLED.get(name, ()):
                word = other.split()[-1]
                if not any(word in them or word in _CALLED.get(them, ()) for them in everyone if them != name):
                    options.append(other)
            found[name] = self.choose(options)
        return found

    def _with_article(self, name: str) -> str:
        """An instrument in a sentence of its own: "the violin", "a violin", "violin"."""
        called = self._called.get(name, name)
        style = self.random.random()
        if style < 0.55:
            return f"the {called}"
        if style < 0.8 and not _is_plural(called) and not called.endswith(_NO_ARTICLE):
            return with_article(called)
        return called if style < 0.9 else f"the {called}"

    def _list(self, players: Sequence[Player], most: int) -> str:
        named = [self._called[one.name] for one in players[:most]]
        if self.random.random() < 0.2 and len(named) <= 3:
            named = [one if _is_plural(one) or one.endswith(_NO_ARTICLE) else with_article(one) for one in named]
        elif self.random.random() < 0.15 and len(named) > 2 and named[-1] != DRUMS:
            self.random.shuffle(named)
        if left := len(self.record.instruments or ()) - len(named):
            more = ("others", "more", "other instruments") if left > 1 else ("another instrument", "another")
            return f"{', '.join(named)} and {self.choose(more)}"
        return _listed(named, self.random)

    # Facts

    def _add(self, kind: str, weight: float = 1.0, plural: bool = False, **values: str) -> None:
        if bank := self._banks.get(kind):
            self.facts.append(_Fact(kind, bank, values, weight, plural))

    def _gather(self) -> None:
        changing: set[str] = {one.what for one in self.record.changes or ()}
        self._gather_time(changing)
        self._gather_harmony(changing)
        self._gather_players()
        self._gather_sound()
        self._gather_tags()
        self._gather_events()

    def _gather_time(self, changing: set[str]) -> None:
        record = self.record
        if (seconds := round(record.seconds)) > 1 and self.numbers:
            self._add("length", 0.5, s=str(seconds))
        if (tempo := record.tempo) and (tempo.confidence is None or tempo.confidence >= words.SURE_TEMPO):
            if tempo.steady is False or "tempo" in changing:
                self._add("unsteady", 1.2)
            elif tempo.bpm >= 10:
                name = self.choose(words.names(words.TEMPI, tempo.bpm))
                word = self.choose(words.TEMPO_WORDS[name])
                piece = self.choose(_PIECE_TEMPI[name])
                self._add("tempo", 3.0, n=str(round(tempo.bpm)), w=word, aw=with_article(word), j=piece)
                if tempo.steady:
                    self._add("steady", 0.2)
        if record.metre == "" or "metre" in changing:
            self._add("mixed_metre")
        elif record.metre and (record.metre_confidence is None or record.metre_confidence >= words.SURE):
            if record.metre == "3/4":
                self._add("waltz", 1.6, f="3/4")
            else:
                also = _METRES.get(record.metre, (f"{record.metre} time",))
                self._add("metre", 1.2, f=record.metre, metred=self.choose(also))
        if (swing := record.swing) and words.SWUNG[0] <= swing.ratio <= words.SWUNG[1] and _sure(swing.confidence):
            self._add("swing", 1.5)

    def _gather_harmony(self, changing: set[str]) -> None:
        record = self.record
        if (key := record.key) and _sure(key.confidence) and "key" not in changing:
            self._add("key", 2.2, k=key.name, m=key.mode)
        first = (record.chords or ())[:4]
        chords = [one for at, one in enumerate(first) if not at or one != first[at - 1]]
        if len(chords) > 1 and all(_CHORD.fullmatch(one) for one in chords):
            if len(chords) > 3 and self.random.random() < 0.4:
                chords = chords[:3]
            listed = self.choose((_listed(chords, self.random), "–".join(chords)))
            self._add("progression", 0.9, p=listed, p0=chords[0], p1=chords[1])

    def _gather_players(self) -> None:
        record, players = self.record, self.players
        if not players:
            return
        everyone = {one.name for one in record.instruments or ()}
        several = len(players) > 1
        names = self._list(players, _MANY_NAMED if self.random.random() < 0.6 else 4)
        self._add("several" if several else "ensemble", 7.0, several or _is_plural(self._called[players[0].name]), l=names)
        if len(everyone) == 1 and players[0].name != DRUMS:
            self._add("solo", 1.2)
        elif 2 <= len(everyone) <= 12 and (len(everyone) > len(players) or self.random.random() < 0.4):
            count = _NUMBERS[len(everyone)]
            self._add("count", 0.45, g=with_article(words.GROUPS.get(len(everyone), f"group of {count}")), c=count)
        told: set[str] = set()
        for player in players:
            role = player.role
            if role == "drums" or player.name == DRUMS:
                self._add("drums", 0.8)
                continue
            if len(everyone) < 2 or role in (None, "other", *told) or not _sure(player.role_confidence):
                continue
            # Of two basses neither is "the bass", of two melodies none "the melody".
            if any(one.role == role and one is not player for one in record.instruments or ()):
                continue
            told.add(str(role))
            called = self._called[player.name]
            kind = "low_bass" if role == "bass" and "bass" in called else str(role)
            self._add(kind, 1.5 if role == "melody" else 0.9, _is_plural(called), x=self._with_article(player.name), b=called)
        steady = [
            one
            for one in players
            if one.presence is not None
            and one.presence >= words.THROUGHOUT
            and one.enters is not None
            and one.enters <= words.THROUGHOUT_FROM * record.seconds
        ]
        busy = {change.instrument for change in record.changes or ()} | {one.name for one in players if one.role in told}
        steady = [one for one in steady if one.name not in busy]
        if steady and len(everyone) > 1:
            player = steady[int(self.random.random() * len(steady))]
            kind = "drums_throughout" if player.name == DRUMS else "throughout"
            self._add(kind, 0.4, _is_plural(self._called[player.name]), x=self._with_article(player.name))
        if not any("drum" in name or "kit" in name for name in everyone) and len(everyone) > 1:
            self._add("no_drums", 0.25)

    def _gather_sound(self) -> None:
        record = self.record
        if dynamics := record.dynamics:
            if dynamics.level in ("soft", "loud") and dynamics.change in (None, "steady"):
                self._add(dynamics.level, 0.9)
            if dynamics.change == "steady":
                self._add("even", 0.15)
            elif dynamics.change:
                self._add(dynamics.change, 1.1)
        if record.notes_per_second is not None:
            for density in words.names(words.DENSITIES, record.notes_per_second):
                if density != "moderate":
                    self._add(density, 0.5)
        if record.polyphony is not None:
            for thickness in words.names(words.POLYPHONIES, record.polyphony):
                if thickness != "several":
                    self._add(thickness, 0.35)
        if record.register:
            for register in words.names(words.REGISTERS, record.register.median):
                self._add(register, 0.08 if register == "middle" else 0.8)
        if (articulation := record.articulation) and _sure(articulation.confidence):
            self._add(articulation.kind, 0.15 if articulation.kind == "mixed" else 0.6)
        for one in (record.effects or ())[:1]:
            effects = [name for name in one.effects[:4] if _PLAIN_TAG.fullmatch(name) and not self.names_withheld(name)]
            if effects and one.instrument in self._called:
                called = self._called[one.instrument]
                self._add("effects", 0.6, _is_plural(called), fx=_listed(effects, self.random), x=f"the {called}")

    def _gather_tags(self) -> None:
        seen = set()
        for tag in self.tags():
            if tag[0] not in seen:
                seen.add(tag[0])
                self._add(tag[0], 1.6 if tag[0] in ("genre", "mood") else 0.6, v=tag[1], av=with_article(tag[1]))

    def tags(self) -> list[tuple[str, str]]:
        """Kind and name of the tags that may be said, drawn so that the heavier ones come first more often."""
        told = []
        for tag in self.record.tags or ():
            name = " ".join(tag.name.split())
            if tag.kind in ("instrument", "other") or len(name) > _LONGEST_TAG or not _PLAIN_TAG.fullmatch(name):
                continue
            if (tag.confidence is not None and tag.confidence < words.SURE_TAG) or self.names_withheld(name):
                continue
            if (tag.kind == "mood" and name.casefold() in _NOT_MOODS) or (tag.kind == "era" and not _ERA.fullmatch(name)):
                continue
            if tag.kind == "region":
                name = name.title() if name.isascii() else name
            weight = 0.5 if tag.weight is None else tag.weight
            told.append((weight + 0.5 * self.random.random(), tag.kind, " ".join(_INITIALS.get(w, w) for w in name.split())))
        told.sort(key=lambda one: -one[0])
        return [(kind, name) for _, kind, name in told[:8]]

    def _gather_events(self) -> None:
        record = self.record
        if place := record.section:
            if place.position in ("opening", "middle", "ending"):
                self._add("inside" if place.position == "middle" else place.position, 0.25)
            if place.repeats:
                self._add("repeats", 0.25)
        changes = [one for one in record.changes or () if 0 < one.at < record.seconds]
        for change in changes if len(changes) <= 3 else self.random.sample(changes, 3):
            self._add_event(change)

    def _add_event(self, change: Change) -> None:
        when = self._when(change.at)
        if not when:
            return
        if change.what in ("enters", "leaves"):
            if change.instrument in self._called:
                called = self._called[change.instrument]
                self._add(change.what, 1.1, _is_plural(called), x=f"the {called}", when=when)
        elif change.what == "tempo":
            self._add("new_tempo", 0.9, n=f"{float(change.to or 0):.0f}", when=when)
        elif change.what == "key":
            if _KEY.fullmatch(str(change.to)):
                self._add("modulation", 1.2, k=str(change.to), when=when)
        elif _FRACTION.fullmatch(str(change.to)):
            self._add("new_metre", 0.9, f=str(change.to), when=when)

    def _when(self, at: float) -> str:
        """When something happens, "" if that cannot be said well."""
        share = at / self.record.seconds
        options = []
        if words.HALFWAY[0] <= share <= words.HALFWAY[1]:
            options += ["halfway through", "about halfway through", "around the halfway point"]
        if share >= words.TOWARDS_END:
            options += ["towards the end", "near the end"]
        if share > 0.5:
            options += ["in the second half"]
        elif share < 0.5:
            options += ["in the first half"]
        if self.numbers and (seconds := round(at)) >= 2:
            options += [f"after {seconds} seconds", f"{seconds} seconds in", f"after about {seconds} seconds"] * 2
            options += [f"at around {seconds} seconds", f"some {seconds} seconds in"]
        return self.choose(options) if options else ""

    def pick(self, count: int) -> list[_Fact]:
        """So many of the facts, by weight and by chance, one of each group; who plays is nearly always among them."""
        draw = self.random.random
        ranked = sorted(((draw() ** (1 / one.weight), at) for at, one in enumerate(self.facts)), reverse=True)
        chosen: list[_Fact] = []
        groups: set[str] = set()
        for _, at in ranked:
            one = self.facts[at]
            if one.group not in groups:
                chosen.append(one)
                groups.add(one.group)
                if len(chosen) == count:
                    break
        return chosen

    def piece(self) -> str:
        """A word for the music itself."""
        while True:
            piece = self.choose(_PIECES)
            if not piece.startswith("instrumental"):
                return piece
            # Only of players that are all known can be told that none of them sings.
            if self.record.instruments and not any(v in one.name for one in self.record.instruments for v in _VOICES):
                return piece


# --- Sentences ---


def _noun_phrase(clip: _Clip, facts: Sequence[_Fact], determiner: str = "a") -> tuple[str, list[_Fact]]:
    """The music with what stands before and behind it, and the facts that found no place."""
    draw, random = clip.random.random, clip.random
    most_before, most_behind = 1 + (draw() < 0.55), 1 + (draw() < 0.75) + (draw() < 0.35)
    before: list[tuple[int, str]] = []
    behind: list[str] = []
    left = []
    for one in facts:
        places = one.bank
        if "adjective" in places and len(before) < most_before and (draw() < 0.6 or "after" not in places):
            before.append((_BEFORE.get(one.kind, 2), one.say("adjective", random)))
        elif "after" in places and len(behind) < most_behind:
            behind.append(one.say("after", random))
        else:
            left.append(one)
    before.sort()
    adjectives = [word for _, word in before]
    noun = " ".join([*_with_commas(adjectives, [rank for rank, _ in before]), clip.piece()])
    if determiner == "a":
        noun = with_article(noun)
    elif determiner:
        noun = f"{determiner} {noun}"
    return noun + _behind(behind, clip), left


# What somebody does in the music.
_DEEDS = frozenset("melody bass low_bass chords pad drums several ensemble throughout effects enters leaves modulation".split())

# What can be said of music in some key or at some tempo.
_UNDER_FRONT = _DEEDS | frozenset(
    "progression legato staccato mixed soft loud dense sparse thick single crescendo decrescendo swing mood "
    "drums_throughout".split()
)

# Where adjectives stand: length, opinion, how it is played, tempo, then what kind of music it is.
_BEFORE = {"length": 0, "mood": 1, "era": 4, "region": 5, "genre": 7, "key": 6, "metre": 6, "waltz": 5, "solo": 6}


def _with_commas(adjectives: list[str], ranks: list[int]) -> list[str]:
    """Adjectives of one sort are set apart by commas: "a soft, lively piece"."""
    last = len(adjectives) - 1
    return [f"{one}," if at < last and 1 <= ranks[at] <= 3 and ranks[at + 1] <= 3 else one for at, one in enumerate(adjectives)]


def _behind(phrases: list[str], clip: _Clip) -> str:
    """Phrases behind a noun, no two neighbours with the same preposition if it can be helped."""
    told, previous = "", ""
    waiting = sorted(phrases, key=lambda one: not one.startswith("of "))
    while waiting:
        at = next((at for at, one in enumerate(waiting) if one.split(" ", 1)[0] != previous.split(" ", 1)[0]), 0)
        one = waiting[at]
        waiting = waiting[:at] + waiting[at + 1 :]
        if told:
            # A list or a participle before would else draw what follows to itself.
            apart = (
                " and " in previous or one.split(" ", 1)[0] == previous.split(" ", 1)[0] or one.split(" ", 1)[0] in _PARTICIPLES
            )
            told += ", " if apart or clip.random.random() < 0.15 else " "
        elif one.split(" ", 1)[0] in _PARTICIPLES and clip.random.random() < 0.4:
            told += ", "
        else:
            told += " "
        told += one
        previous = one
    return told


_PARTICIPLES = frozenset(
    "led lasting backed accompanied supported anchored played performed paced taken moving pulsing running going growing getting "
    "becoming building falling bringing combining uniting shared featuring packed crowded opening tagged pitched".split()
)


def _said(one: _Fact, clip: _Clip, subjects: Sequence[str] = ()) -> str:
    """A fact as a clause, or as a predicate of the music."""
    if "clause" in one.bank and ("predicate" not in one.bank or clip.random.random() < 0.6):
        return one.say("clause", clip.random)
    return f"{clip.choose(subjects or _SUBJECTS)} {_predicate(one, clip)}"


def _predicate(one: _Fact, clip: _Clip) -> str:
    return one.say("predicate", clip.random)


_SUBJECTS = ("it", "it", "it", "the music", "the piece", "the passage", "this music", "the clip", "the excerpt", "this one")
_JOINTS = (", and ", ", and ", "; ", ", while ", " while ", " and ")


def _sentence(clip: _Clip, facts: list[_Fact]) -> str:
    """One sentence that says all of these facts, and what music it is about."""
    draw = clip.random.random
    if not facts:
        return _finished(
            clip.choose(("a {}", "this is a {}", "here is a {}")).format(clip.choose(_PIECES[:4])).replace("a e", "an e")
        )
    plan = draw()
    if plan < 0.12 and (fronted := _fronted(clip, facts)):
        return fronted
    if plan < 0.22 and len(facts) > 1:
        return _finished(_clauses(clip, facts))
    if plan < 0.34:
        who = next((one for one in facts if one.kind in ("several", "ensemble")), None)
        if who is not None and len(facts) > 1:
            names, rest = who.values["l"], [one for one in facts if one is not who]
            music, left = _noun_phrase(clip, rest)
            verb = clip.choose(("play", "play", "perform", "share", "present") if who.kind == "several" else ("play",))
            verb = verb if who.plural else f"{verb}s"
            return _finished(f"{names} {verb} {music}{_rest(clip, left)}")
    if plan < 0.46:
        able = [one for one in facts if "predicate" in one.bank]
        if able:
            subject_facts = [one for one in facts if one is not able[0] and "adjective" in one.bank][:1]
            told = able[: 1 + (draw() < 0.6) + (draw() < 0.2)]
            told = [one for one in told if one not in subject_facts]
            adjective = "".join(f"{one.say('adjective', clip.random)} " for one in subject_facts)
            subject = f"{clip.choose(('this', 'the'))} {adjective}{clip.piece()}"
            left = [one for one in facts if one not in subject_facts and one not in told]
            return _finished(f"{subject} {_listed([_predicate(one, clip) for one in told], clip.random)}{_rest(clip, left)}")
    if plan < 0.56:
        clauses = [one for one in facts if one.kind in _DEEDS]
        if clauses and len(facts) > 1:
            deed = clauses[0]
            music, left = _noun_phrase(clip, [one for one in facts if one is not deed], clip.choose(("this", "a", "a")))
            return _finished(f"{deed.say('clause', clip.random)} in {music}{_rest(clip, left)}")
    if plan < 0.66:
        music, left = _noun_phrase(clip, facts)
        return _finished(clip.choose(_OPENINGS).format(a=music) + _rest(clip, left))
    if plan < 0.72:
        kinds = [one for one in facts if "adjective" in one.bank][:2]
        if kinds:
            rest = [one for one in facts if one not in kinds]
            behind = [one.say("after", clip.random) for one in rest if "after" in one.bank][:2]
            left = [one for one in rest if "after" not in one.bank] + [one for one in rest if "after" in one.bank][2:]
            kinds.sort(key=lambda one: _BEFORE.get(one.kind, 2))
            ranks = [_BEFORE.get(one.kind, 2) for one in kinds]
            first = " ".join(_with_commas([one.say("adjective", clip.random) for one in kinds], ranks))
            return _finished(f"{first} music{_behind(behind, clip)}{_rest(clip, left)}")
    if plan < 0.8:
        who = next((one for one in facts if one.kind in ("several", "ensemble")), None)
        if who is not None and len(facts) > 1:
            rest = [one for one in facts if one is not who and one.kind not in ("length", "solo", "count")]
            aside = [one for one in facts if one is not who and one not in rest]
            behind = [one.say("after", clip.random) for one in rest if "after" in one.bank][:3]
            left = [one for one in rest if "after" not in one.bank] + [one for one in rest if "after" in one.bank][3:] + aside
            if behind:
                return _finished(f"{who.values['l']}{_behind(behind, clip)}{_rest(clip, left)}")
    music, left = _noun_phrase(clip, facts)
    return _finished(music + _rest(clip, left))


def _fronted(clip: _Clip, facts: Sequence[_Fact]) -> str:
    """A sentence with one of the facts in front, "" if none goes there."""
    front = next((one for one in facts if "front" in one.bank), None)
    rest = sorted((one for one in facts if one is not front), key=lambda one: one.kind not in _UNDER_FRONT)
    if front is None or not rest or rest[0].kind not in _UNDER_FRONT:
        return ""
    return _finished(f"{front.say('front', clip.random)}, {_clauses(clip, rest)}")


def _rest(clip: _Clip, left: Sequence[_Fact]) -> str:
    """What is still to be said, behind a noun phrase or a sentence."""
    if not left:
        return ""
    draw = clip.random.random()
    if len(left) == 1 and "predicate" in left[0].bank and draw < 0.3:
        return f"; it {_predicate(left[0], clip)}"
    clauses = [_said(one, clip, ("it",)) for one in left]
    joint = clip.choose(("; ", ", where ", ": ", ", in which ", "; "))
    return joint + _joined(clauses, clip)


def _clauses(clip: _Clip, facts: Sequence[_Fact]) -> str:
    return _joined([_said(one, clip) for one in facts], clip)


def _joined(clauses: list[str], clip: _Clip) -> str:
    if len(clauses) > 2:
        return f"{', '.join(clauses[:-1])}, and {clauses[-1]}"
    return clip.choose(_JOINTS).join(clauses)


def _finished(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _short(clip: _Clip) -> str:
    return _sentence(clip, clip.pick(2 + int(clip.random.random() * 3.2)))


def _long(clip: _Clip) -> str:
    """A sentence that introduces the music, and one to three more."""
    draw = clip.random.random
    facts = clip.pick(5 + int(draw() * 5))
    if len(facts) < 2:
        more = clip.choose(("No more is known of it.", "Nothing more is known.", "There is no more to tell."))
        return f"{_sentence(clip, facts)} {more}"
    # Who plays and what kind of music come first, events last.
    facts.sort(key=lambda one: (one.kind in _LATER, one.kind not in _FIRST, draw()))
    first = min(len(facts) - 1, 2 + (draw() < 0.5))
    sentences = [_sentence(clip, facts[:first])]
    rest = facts[first:]
    while rest:
        size = len(rest) if len(sentences) == 3 else 1 + (draw() < 0.7) + (draw() < 0.2)
        sentences.append(_following(clip, rest[:size]))
        rest = rest[size:]
    return " ".join(sentences)


_FIRST = frozenset(("several", "ensemble", "genre", "mood", "tempo", "length", "region", "era"))
_LATER = frozenset(("enters", "leaves", "modulation", "new_tempo", "new_metre", "repeats", "effects"))


def _following(clip: _Clip, facts: list[_Fact]) -> str:
    """A sentence about music that was introduced."""
    draw = clip.random.random()
    if len(facts) > 1:
        if draw < 0.3 and (fronted := _fronted(clip, facts)):
            return fronted
        if draw < 0.55 and all("predicate" in one.bank for one in facts):
            return _finished(f"{clip.choose(_SUBJECTS)} {_listed([_predicate(one, clip) for one in facts], clip.random)}")
        first, *others = facts
        if draw < 0.75 and len(others) == 1 and first.kind in _DEEDS and "front" in others[0].bank:
            return _finished(f"{first.say('clause', clip.random)} {others[0].say('front', clip.random)}")
    elif "alone" in facts[0].bank and draw < 0.5:
        return _finished(facts[0].say("alone", clip.random))
    return _finished(_clauses(clip, facts))


def _question(clip: _Clip) -> str:
    """A question about one fact with its answer, in which now and then another fact is told."""
    draw = clip.random.random
    able = [one for one in clip.facts if "ask" in one.bank]
    asked = able[int(draw() * len(able))] if able else None
    if asked is None:
        what = clip.choose(("What is this?", "What do you hear?", "What kind of clip is this?"))
        return f"{what} {_sentence(clip, clip.pick(2))}"
    question = asked.say("ask", clip.random)
    answer = asked.say("answer", clip.random) if draw() < 0.5 else _said(asked, clip)
    others = [one for one in clip.pick(4) if one.group != asked.group]
    if others and draw() < 0.35:
        answer = f"{answer}{clip.choose(('; ', ', and ', '. '))}"
        more = _said(others[0], clip)
        answer += more[:1].upper() + more[1:] if answer.endswith(". ") else more
    question = question[:1].upper() + question[1:]
    if draw() < 0.3:
        music = clip.choose(("In this clip", "Here", "In this music", "In the excerpt"))
        if not any(word in question for word in ("here", "this", "clip", "In ", "music", "excerpt")):
            question = f"{music}, {question[:1].lower()}{question[1:]}"
    if draw() < 0.3:
        return f"Q: {question} A: {_finished(answer)}"
    return f"{question} {_finished(answer)}"


def _tags(clip: _Clip) -> str:
    """A comma list of what is sure, in an order of chance."""
    record, draw = clip.record, clip.random.random
    told = [clip._called[one.name] for one in clip.players[:6]]
    if told and len(record.instruments or ()) == 1:
        told[0] = f"solo {told[0]}"
    told += [name for _, name in clip.tags()[:4]]
    for one in clip.facts:
        values, kind = one.values, one.kind
        if kind == "tempo":
            told.append(values["j"])
            if clip.numbers and draw() < 0.8:
                told.append(f"{values['n']} {clip.choose(('BPM', 'beats per minute'))}")
        elif kind == "key":
            told.append(clip.choose((values["k"], values["k"], f"{values['m']} key")))
        elif kind in ("metre", "waltz"):
            told.append(clip.choose((values["f"], f"{values['f']} time", "waltz time" if kind == "waltz" else values["f"])))
        elif kind in _AS_TAGS and draw() < 0.7:
            told.append(clip.choose(_AS_TAGS[kind]))
    clip.random.shuffle(told)
    kept = list(dict.fromkeys(told))[: 5 + int(draw() * 6)]
    return ", ".join(kept) if kept else f"{clip.choose(_PIECES[:4])} of music"


_AS_TAGS = {
    "unsteady": ("changing tempo",), "mixed_metre": ("changing metre",), "swing": ("swung", "swing feel"),
    "solo": ("unaccompanied",),
    "soft": ("soft", "quiet"), "loud": ("loud",), "crescendo": ("crescendo", "growing louder"), "no_drums": ("no drums",),
    "decrescendo": ("decrescendo", "growing softer"), "sparse": ("sparse",), "dense": ("busy", "dense"),
    "single": ("monophonic", "single line"), "thick": ("full texture", "thick texture"), "low": ("low register",),
    "high": ("high register",), "legato": ("legato",), "staccato": ("staccato",), "modulation": ("key change",),
}  # fmt: skip
_FORMS = {"short": _short, "long": _long, "tags": _tags, "question": _question}

# --- Words ---

_METRES = {
    "4/4": ("4/4", "common time", "common time"),
    "2/4": ("2/4", "duple time"),
    "2/2": ("cut time", "2/2"),
    "3/8": ("triple metre", "3/8"),
    "6/8": ("6/8", "compound time"),
    "9/8": ("9/8", "compound time"),
    "12/8": ("12/8", "compound time"),
}
_KEY = re.compile(r"[A-G](?: flat| sharp)? (?:major|minor)")
_CHORD = re.compile(r"[A-G][#b]?[\w#/+]{0,12}")
_FRACTION = re.compile(r"[1-9][0-9]{0,2}/[1-9][0-9]{0,2}")
_KNOWN_NAMES = frozenset((*PROGRAMS, DRUMS))
_VOWEL = re.compile(
    r"(?!uni|use|usu|uk\b|uku|uto|us\b|eur|ewe|one\b|once|u\b)[aeiou]|hour|honest|heir|honour|(?:8|1[18](?!\d))", re.IGNORECASE
)
_LETTERED = re.compile(r"[aefhilmnorsx](?![a-z])|[AEFHILMNORSX](?:[A-Z&]|\b)|[fhlmnrsx][^aeiouy\W]*(?![\w])", 0)


@cache
def _is_plural(name: str) -> bool:
    if name in _PLURAL:
        return True
    return name.endswith("s") and not name.endswith(_SINGULAR_S)


def with_article(phrase: str) -> str:
    """A phrase with "a" or "an", by its sound: "an 8-second", "a unison", "an FM", "an hour", "an R&B", "a UK"."""
    return f"{'an' if _VOWEL.match(phrase) or _LETTERED.match(phrase) else 'a'} {phrase}"


def _listed(names: Sequence[str], random: Random) -> str:
    if len(names) < 2:
        return "".join(names)
    serial = "," if len(names) > 2 and random.random() < 0.3 else ""
    return f"{', '.join(names[:-1])}{serial} and {names[-1]}"


def _sure(confidence: float | None) -> bool:
    return confidence is None or confidence >= words.SURE


_WORDS = re.compile(r"[^\W_]+")


def _folded(text: str) -> str:
    """Words in lower case between single spaces, so that a name is found whole."""
    return " ".join(["", *_WORDS.findall(text.casefold()), ""])


# --- How varied captions are ---


@dataclass(frozen=True)
class Variety:
    """How varied captions are.

    `distinct4` is the share of different 4-grams of words among all, the mean over samples of 200 captions in the order given.
    `commonest_frame_share` is the share of the captions that read alike once words for facts (instruments, numbers, keys,
    chords, tempo words) are masked and lists of them are one; `commonest_frame` shows it. Comma lists of tags hold
    facts only, so their frames say nothing.
    """

    captions: int
    distinct4: float
    commonest_frame_share: float
    commonest_frame: str
    mean_words: float


SAMPLE = 200  # captions of a sample for 4-grams


def variety(captions: Iterable[str], names: Iterable[str] = ()) -> Variety:
    """How varied captions are; `names` are further words for facts, such as the genres and moods of the records.

    Raises ValueError without captions.
    """
    told = list(captions)
    if not told:
        raise ValueError("no captions to measure the variety of")
    shares, total = [], 0
    for begin in range(0, len(told), SAMPLE):
        grams: list[tuple[str, ...]] = []
        for caption in told[begin : begin + SAMPLE]:
            said = re.findall(r"[\w/&'#-]+", caption.lower())
            total += len(said)
            grams += zip(said, said[1:], said[2:], said[3:], strict=False)
        if grams and (begin == 0 or begin + SAMPLE <= len(told)):  # a last sample that is smaller would read as more varied
            shares.append(len(set(grams)) / len(grams))
    mask = _masking(frozenset(names))
    frames = Counter(_frame(caption, mask) for caption in told)
    frame, count = frames.most_common(1)[0]
    distinct = sum(shares) / len(shares) if shares else 1.0
    return Variety(len(told), distinct, count / len(told), frame, total / len(told))


@cache
def _masking(names: frozenset[str]) -> re.Pattern[str]:
    known = {*PROGRAMS, DRUMS, *names, *(one for those in _CALLED.values() for one in those)}
    known |= {one for those in (*words.TEMPO_WORDS.values(), *_PIECE_TEMPI.values()) for one in those}
    known |= {*_NUMBERS[2:], *words.GROUPS.values(), "waltz", "common time", "compound time"}
    words_ = "|".join(re.escape(one) for one in sorted(known, key=lambda one: (-len(one), one)) if one)
    chord = (
        r"[A-G](?:[b#]|(?= flat| sharp| major| minor|[\W\d]|m|dim|aug|sus))(?:m|dim|aug|sus|maj|[0-9b#/A-G])*(?: flat| sharp)?"
    )
    return re.compile(rf"(?<![\w-])(?:(?i:{words_})|{chord}(?: (?:major|minor))?|(?i:major|minor)|\d[\w/]*)(?![\w#])")


def _frame(caption: str, mask: re.Pattern[str]) -> str:
    masked = re.sub(r"\b[Aa]n\b", "a", mask.sub("_", caption))
    return re.sub(r"(?:(?:a |the )?_(?:,? and |, |–))+(?:a |the )?_", "_", masked)
