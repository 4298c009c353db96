"""The phrases of the caption grammar: for each kind of fact, ways to say it in several places of a sentence."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from random import Random

# A heading names a kind of fact and a place; each line below it is a phrase. "[a|b|]" is a choice, "{x}" a fact, and "play~"
# agrees with its subject. The places: adjective (before a noun), after (behind it), predicate (of "it"), clause, alone (a
# sentence of its own), front (before a comma), ask and answer.
_PHRASES = """
tempo adjective
{j}
tempo after
at [|about |around |roughly ]{n} BPM
at {n} [beats per minute|beats a minute|BPM]
at {aw} {n} BPM
at {aw} [pace|tempo|clip]
at {aw} [pace|tempo] of [|about |around ]{n} BPM
at {ai} [pace|tempo]
taken at {aw} [pace|tempo]
[taken|played] at [|about |around ]{n} BPM
moving [along |]at [|about |around ]{n} BPM
with {aw} [pulse|beat|tempo]
with {aw} [pulse|beat|tempo] of [|about |around ]{n} BPM
tempo predicate
advance~ at {aw} [pace|tempo]
maintain~ {aw} [pace|tempo|pulse]
move~ [along |forward |]at {aw} [pace|tempo]
move~ [along |]at [|about |around |roughly ]{n} BPM
run~ at [|about |around |roughly ]{n} BPM
keep~ [to |up |]{aw} [pace|tempo]
be~ [taken|played|set] at {aw} [pace|tempo]
be~ [taken|played|set] at [|about |around ]{n} BPM
sit~ at [|about |around |roughly ]{n} BPM
have~ {aw} [tempo|pulse|beat|pace]
have~ {aw} [tempo|pulse|beat] of [|about |around ]{n} BPM
unfold~ at {aw} [pace|tempo]
proceed~ at {aw} [pace|tempo]
roll~ along at {n} BPM
tempo clause
{n} BPM is the tempo
a metronome would [show|read] {n}
the speed is [|about |around ]{n} BPM
{aw} [beat|pulse] carries [it|the music] along
the metronome [marking|mark] is [|about ]{n}
the [tempo|pace] is {w}
the [tempo|pace] is {w}, [|about |around |roughly ]{n} BPM
the tempo is [|about |around |roughly ]{n} BPM
the tempo [sits|lies|stands] at [|about |around ]{n} BPM
the beat [moves|runs] at [|about |around ]{n} BPM
the pulse [is|runs at|sits at|moves at] [|about |around |roughly ]{n} BPM
the pulse is {w}
[there are|you can count] [|about |around ]{n} beats [to the|per|in a] minute
tempo front
at [|about |around |roughly ]{n} BPM
at {aw} {n} BPM
at {aw} [pace|tempo]
at {aw} [pace|tempo] of {n} BPM
with {aw} [pulse|beat]
tempo ask
what is the tempo[| here| of the clip| of this piece]?
what [sort|kind] of tempo [is this|does it have]?
at what tempo [is it played|does it move|does the music run]?
tempo answer
[|about |around |roughly ]{n} BPM
{n} [BPM|beats per minute]
{w}
{w}, [|about |around ]{n} BPM
{aw} [tempo|pace]
{aw} {n} BPM
steady adjective
steady
steady after
at a steady [tempo|pace]
with a steady [pulse|beat]
in steady time
steady predicate
hold~ its tempo
stay~ at [one|the same] tempo
keep~ the same tempo throughout
do~ not change tempo
hold~ a steady [tempo|pace]
keep~ [steady time|a steady beat|a steady tempo|a steady pulse]
never [speed~ up or slow~ down|change~ speed]
steady clause
the beat never [changes|wavers]
the pace is constant
the [tempo|pulse|beat] [is|stays|remains|holds] steady
the tempo never changes
unsteady after
at a [changing|shifting|varying] tempo
with [a changing|a shifting|a varying|an unsteady] tempo
with [changes|shifts] of tempo
unsteady predicate
change~ [tempo|pace|speed][| along the way| as it goes]
vary~ in [tempo|pace|speed]
[do~ not keep to|never settle~ on] one tempo
unsteady clause
the [tempo|pace] [changes|shifts|varies][| along the way| as it goes]
unsteady ask
does the tempo [hold|stay the same|change]?
unsteady answer
it [changes|shifts|varies][| along the way]
the tempo [changes|shifts|varies]
key adjective
{k}
{k}
{m}-key
key after
in {k}
in {k}
in {k}
in the key of {k}
[set|written] in {k}
in a {m} key
key predicate
keep~ to {k}
take~ {k} as its key
revolve~ around {k}
have~ {k} as its home key
remain~ in {k}
centre~ on {k}
be~ in {k}
be~ [in|set in|written in] the key of {k}
be~ [set|written|rooted] in {k}
stay~ in {k}
be~ [centred on|at home in] {k}
settle~ in {k}
be~ in a {m} key
key clause
{k} is where the harmony [rests|settles]
the tonality is {k}
the home key is {k}
all of it is in {k}
the key is {k}
the [harmony|music|tonality] [is|stays|sits|rests] in {k}
{k} is the [key|home key]
everything [is|sits|stays] in {k}
the harmony [centres on|is rooted in|revolves around] {k}
the mode is {m}
key front
in {k}
in {k}
in the key of {k}
in a {m} key
key ask
what [key is this in|key is it in|key is the clip in|is the key|is the key here|is the home key]?
[in which|in what] key is [this|it|the music|the excerpt]?
in which key [is it written|does it sit|is it set]?
which key [is home|does it centre on]?
key answer
{k}
[it is|it's|this is] in {k}
the key is {k}
metre adjective
{f}
metre after
in {f}
in {f}
in {f} time
with a {f} [beat|feel|metre]
in {metred}
metre predicate
run~ in {f}
keep~ to {f}
use~ {f} time
be~ in {f}[| time]
be~ [counted|written|set] in {f}
go~ in {f}
move~ in {f}[| time]
have~ a {f} [metre|beat|time signature]
move~ in {metred}
metre clause
the count is {f}
{f} is the [metre|time signature]
the music is counted in {f}
the bars are in {f}
the [metre|time signature] is {f}
the bars [run|are counted] in {f}
it is counted in {f}
the beat is {f}
metre front
in {f}[| time]
in {metred}
metre ask
what is the [metre|time signature][| here| of the clip| of the music]?
what [metre|time signature] is [this|it|the clip] in?
how [are the bars|is it|is this] counted?
metre answer
{f}
{f} time
it is in {f}[| time]
it goes in {f}
it is in {metred}
waltz adjective
waltz-like
3/4
triple-time
waltz after
in [waltz|triple|3/4|{f}] time
in {f}
with [a waltz feel|a waltz beat|a waltz rhythm|a waltz lilt|three beats to the bar]
waltz predicate
move~ [like a waltz|in waltz time|in triple time|in three]
sway~ [in waltz time|in {f}|in triple time|like a waltz]
be~ in [waltz time|{f}|triple time]
have~ [a waltz feel|three beats to the bar|a waltz rhythm|the beat of a waltz]
waltz clause
the beat is in three
bars of three beats carry it along
the [metre|time signature] is {f}
[there are three beats to the bar|each bar has three beats]
the [rhythm|beat] is that of a waltz
the beat goes round in [three|waltz time]
waltz front
in [waltz|triple|{f}] time
in {f}
waltz ask
what is the [metre|time signature][| here| of the clip| of the music]?
how [are the bars|is it|is this] counted?
waltz answer
{f}
{f}, waltz time
it is in [{f}|waltz time|triple time]
it goes [in {f}|like a waltz]
mixed_metre after
with [a changing|a shifting] [metre|time signature]
in changing metres
mixed_metre predicate
change~ metre[| along the way| as it goes]
mixed_metre clause
the [metre|time signature] [changes|shifts][| along the way| as it goes]
mixed_metre ask
does the [metre|time signature] [hold|stay the same|change]?
mixed_metre answer
it [changes|shifts][| along the way]
ensemble adjective
solo {one}
ensemble after
for {l}
played [on|by] {l}
performed [on|by] {l}
on {l}
with {l}
featuring {l}
ensemble predicate
be~ [played|performed] [on|by] {l}
be~ [written|scored|arranged] for {l}
feature~ {l}
ensemble clause
{l} play~ the music
{l} can be heard
[you hear|we hear] {l}
ensemble ask
what [instrument |][is playing|plays|is heard here|can be heard|do you hear]?
what is it played on?
who plays?
ensemble answer
{l}
[I hear|you hear] {l}
it is [played|performed] on {l}
several after
for {l}
for {l}
[played|performed] by {l}
[scored|arranged|written] for {l}
with {l}
featuring {l}
[bringing together|combining|built on|built from] {l}
that [features|combines|brings together|is built on] {l}
several predicate
feature~ {l}
combine~ {l}
bring~ together {l}
blend~ {l}
be~ [played|performed] by {l}
be~ [scored|arranged|written] for {l}
be~ built [on|from|around] {l}
use~ {l}
several clause
{l} [take part|are at work|are involved|can all be heard]
the parts are taken by {l}
[you hear|we hear] {l}
{l} [play|play together|share the music|are heard|can be heard|make up the sound]
the [instruments|players] are {l}
the [line-up|instrumentation|ensemble] [is|consists of] {l}
the sound comes from {l}
several ask
what [can be heard|do you hear]?
which instruments [are heard|play|can you hear|take part|are playing]?
what is the [line-up|instrumentation][|| here]?
[who|what] plays?
several answer
{l}
[I hear|you hear] {l}
it is [played|performed] by {l}
{l} [play|are heard|can be heard]
count after
for {c} instruments
played by {g}
with {c} instruments
count predicate
be~ played by [{g}|{c} instruments]
count clause
{c} instruments are [heard|playing]
there are {c} instruments[| in all]
{c} instruments [play|are heard|take part]
count ask
how many instruments [are there|play|do you hear|are playing]?
count answer
{c}
[there are|I count|you hear] {c}
solo adjective
solo
unaccompanied
solo after
without [any |]accompaniment
for a single instrument
solo predicate
be~ unaccompanied
be~ played by [a single|one] instrument
be~ [a solo|played solo]
solo clause
[a single|one] instrument plays [on its own|alone|by itself]
there is no accompaniment
melody after
led by {x}
with {x} [on lead|in the lead|on melody|leading]
with the [melody|tune|lead] [on|in] {x}
with {x} [carrying|taking|playing|on] the [melody|tune|lead]
with a [melody|tune] [on|from] {x}
melody predicate
[hand~|entrust~] the [melody|tune] to {x}
have~ {x} [carry|play|take] the [melody|tune|lead]
leave~ the [melody|tune] to {x}
be~ [led|carried|headed] by {x}
have~ {x} [on lead|in the lead|on melody]
give~ the [melody|tune|lead] to {x}
put~ {x} in the lead
let~ {x} [lead|carry the melody|carry the tune|sing the tune]
feature~ {x} on [melody|lead]
melody clause
{x} [hold~|sing~|deliver~|present~] the [melody|tune]
the melody part falls to {x}
{x} [be~ out in front|come~ to the fore] with the melody
the lead is taken by {x}
{x} carry~ the [melody|tune]
{x} play~ [the melody|lead|the tune|the lead]
{x} take~ the [lead|melody|tune]
{x} lead~
{x} have~ the [melody|tune|lead]
{x} be~ [in the lead|on melody|on lead]
the [melody|tune] is [carried|played|taken] by {x}
the [melody|tune|lead] [belongs to|falls to|is given to|lies with|goes to|is on|comes from] {x}
melody front
with {x} [in the lead|on melody|on lead|leading]
led by {x}
melody ask
what [carries|plays|has|takes] the [melody|tune|lead]?
which instrument [carries|plays|has|takes|leads with] the [melody|tune|lead]?
[who|what|which instrument] is in the lead?
where is the [melody|tune]?
melody answer
{x}
{x} [carry~|play~|have~|take~] it
it is [on|in] {x}
bass after
with {x} on bass
with {x} [playing|holding down|taking|on] the bass line
over a bass line [from|on|played by] {x}
with the bass line on {x}
bass predicate
have~ {x} on bass
[leave~|give~|hand~] the bass [line |part |]to {x}
have~ [its bass line|its bass] [on|in] {x}
bass clause
{x} [take~|carry~|handle~] the bass line
down below, {x} play~ the bass line
the bass part is [played|taken|carried] by {x}
{x} play~ the bass[ line|]
{x} hold~ down the bass[ line|]
{x} provide~ the bass[ line|]
{x} supply~ the bass line
the bass line [comes from|belongs to|is played by|falls to|is on] {x}
bass front
over a bass line from {x}
with {x} on bass
bass ask
what [plays|provides|holds down] the bass line?
which instrument [plays|has|takes|provides] the bass line?
bass answer
{x}
low_bass after
over {x}
with {x} [underneath|below|at the bottom]
anchored by {x}
supported by {x}
low_bass predicate
be~ [anchored|underpinned|supported|grounded] by {x}
have~ {x} [underneath|at the bottom|down below]
low_bass clause
underneath [is|lies] {x}
{x} form~ the foundation
{x} support~ [it all|everything|the rest] from below
{x} anchor~ the [music|piece]
{x} underpin~ [the music|the piece|everything]
{x} hold~ down the low end
{x} provide~ the low end
low_bass ask
what [plays|provides|holds down] the bass line?
which instrument [plays|has|takes|provides] the bass line?
low_bass answer
{x}
chords after
over chords [on|from] {x}
with chords [on|from] {x}
accompanied by {x}
against chords [on|from] {x}
[backed|supported] by chords [on|from] {x}
with {x} [playing|supplying|filling in|on] chords
chords predicate
be~ [accompanied|backed|supported] by {x}
have~ chords [on|from|in] {x}
[leave~|give~] the chords to {x}
have~ {x} [play|fill in|supply] the chords
lean~ on chords from {x}
chords clause
chords are [supplied|provided|filled in] by {x}
underneath, {x} play~ chords
{x} [play~|supply~|provide~|fill~ in] the chords
{x} accompany~ with chords
the chords [come from|fall to|are played by|are on] {x}
chords front
over chords [on|from] {x}
chords ask
what [plays|supplies] the chords?
which instrument [plays|has|supplies] the chords?
chords answer
{x}
pad after
over a pad [of|from|on] {b}
with a [sustained |]pad [of|from|on] {b}
[accompanied|backed] by {x}
pad predicate
be~ [accompanied|backed|surrounded] by {x}
have~ {x} [hold|sustain] the chords
pad clause
sustained chords [come from|are held by] {x}
{x} fill~ the background
{x} [lay~ down|hold~|provide~|spread~] a [sustained |]pad
{x} hold~ [long|sustained] chords
a [sustained |]pad of {b} [lies|spreads] underneath
pad front
over a [sustained |]pad of {b}
pad ask
what [plays|provides|holds] the pad?
pad answer
{x}
drums after
[backed|accompanied|driven|supported] by drums
over [drums|a drum beat|a drum groove]
with [a drum beat|drums keeping time|drums on the beat|drums behind it]
set to a drum beat
drums predicate
be~ [backed|driven|supported|propelled] by [the |]drums
have~ [a drum beat|drums underneath|drums behind it|drums on the beat]
[move~|run~|go~] to [a drum beat|the beat of drums]
[use~|feature~] [a drum beat|drums]
[rely~|rest~] on a drum beat
drums clause
[the |]drums propel [it|the music]
a drum groove [runs|goes] underneath
percussion is provided by the drums
[the |]drums [drive|push] it [forward|on]
[the |]drums [keep time|keep the beat|hold the beat|mark the beat|drive it along]
[the |]drums [lay down|supply|provide] the beat
a drum beat [backs|supports|carries] it
the beat [comes from|is kept by] the drums
drums front
over [drums|a drum beat]
[backed|accompanied] by drums
drums ask
what [keeps|marks|holds] the beat?
where does the beat come from?
drums answer
[the |]drums
the drums keep it
no_drums after
without [any |]drums
with no drums
no_drums predicate
use~ no drums
do~ without drums
have~ no drums
no_drums clause
there are no drums
no drums [are heard|play]
throughout after
with {x} [throughout|playing throughout|present throughout]
throughout clause
{x} [go~ on|carry~ on] throughout
throughout, {x} can be heard
{x} play~ throughout
{x} keep~ [going|playing] throughout
{x} be~ [heard|present|there] throughout
throughout ask
what [keeps going|can be heard|plays] throughout?
which instrument plays throughout?
throughout answer
{x}
drums_throughout after
with drums throughout
drums_throughout clause
the drums [play|keep going|keep the beat] throughout
soft adjective
soft
quiet
softly played
soft after
played [softly|quietly]
at a [soft|quiet] volume
soft predicate
be~ [soft|quiet]
be~ played [softly|quietly]
soft clause
the playing is [soft|quiet]
everything is played [softly|quietly]
soft ask
what is the volume[| like]?
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
be~ [loud|played loudly]
loud clause
the playing is loud
everything is played loudly
loud ask
what is the volume[| like]?
loud answer
loud
it is [loud|played loudly]
crescendo after
with a crescendo
growing louder[| along the way| as it goes]
building in volume
crescendo predicate
grow~ louder[| along the way| as it goes]
[build~|rise~|swell~] in volume
crescendo clause
the level [rises|climbs] [along the way|as it goes]
the [volume|sound] [rises|grows|builds|swells][| along the way| as it goes]
there is a crescendo
crescendo ask
how does the volume change?
does the volume change?
crescendo answer
it [grows|gets] louder
there is a crescendo
decrescendo after
with a [decrescendo|diminuendo]
[growing|getting|becoming] [softer|quieter][| along the way| as it goes]
falling in volume
decrescendo predicate
[grow~|get~|become~] [softer|quieter][| along the way| as it goes]
[fall~|drop~|sink~] in volume
decrescendo clause
the [volume|sound] [falls|drops|sinks|ebbs][| along the way| as it goes]
there is a [decrescendo|diminuendo]
decrescendo ask
how does the volume change?
does the volume change?
decrescendo answer
it [grows|gets] [softer|quieter]
even after
at [an even|a level|a constant] volume
with even dynamics
even predicate
stay~ [at one volume|even in volume|level in volume]
keep~ [an even|a constant] volume
even clause
the level [stays|remains] the same
there is little change in volume
the volume [hardly changes|stays level|is even|stays constant]
the dynamics [stay|remain|are] even
even ask
how does the volume change?
does the volume change?
even answer
it stays [constant|even|level]
it hardly changes
hardly at all
sparse adjective
sparse
sparsely written
sparse after
with few notes
in a sparse texture
sparse predicate
leave~ plenty of space
have~ few notes
be~ sparse
be~ sparsely [written|scored]
sparse clause
[the notes are|notes are] few and far between
the writing leaves [plenty of|much] space
[the writing|the texture|the arrangement] is sparse
there are few notes
dense adjective
busy
dense
dense after
with [a busy texture|a dense texture|many notes]
full of notes
dense predicate
pack~ in many notes
leave~ little space
teem~ with notes
be~ [busy|dense]
be~ [packed with|full of] notes
have~ [many|plenty of] notes
dense clause
notes come thick and fast
the notes are packed tightly
little space is left between the notes
[the writing|the texture|the arrangement] is [busy|dense]
there are [many|plenty of] notes
single after
in a single line
as a single line
single predicate
be~ [monophonic|a single line]
single clause
the texture is monophonic
it is all [a|one] single line
thick adjective
richly textured
full-textured
thick after
with a [full|thick|rich] [texture|sound]
with [full|rich] voicings
thick predicate
have~ a [full|thick|rich] [texture|sound]
sound~ [full|rich]
thick clause
the voicings are [full|rich]
the harmony is richly voiced
the [texture|sound|harmony] is [full|thick|rich]
low adjective
low-pitched
low after
in a low register
low in pitch
low predicate
sit~ low[| in pitch]
lie~ in [the|a] low register
stay~ [low in pitch|in the low register]
low clause
the writing stays low
low pitches prevail
the [pitch|register] is low
[most |the ]notes [lie|sit] in the low register
high adjective
high-pitched
high after
in a high register
high in pitch
high predicate
sit~ high[| in pitch]
lie~ in [the|a] high register
stay~ [high in pitch|in the high register]
high clause
the writing stays high
high pitches prevail
the [pitch|register] is high
[most |the ]notes [lie|sit] in the high register
middle after
in the middle register
middle predicate
lie~ in the middle register
stay~ in the middle register
middle clause
[most |the ]notes [lie|sit] in the middle register
legato adjective
legato
flowing, legato
legato after
played legato
with a legato touch
in [legato|smooth, connected|smoothly joined] [lines|phrases]
legato predicate
be~ played legato
have~ a legato touch
flow~ in [legato|connected] [lines|phrases]
legato clause
the lines [flow|run] [smoothly|without a break]
the notes flow into one another
the [playing|phrasing|touch|articulation] is legato
the notes are [connected|smoothly joined|joined smoothly]
each note [runs|flows] into the next
legato ask
how are the notes [articulated|joined|played]?
[is it|are the notes] played legato or staccato?
legato answer
legato
[smoothly, legato|smooth and connected]
staccato adjective
staccato
staccato after
played staccato
with a staccato touch
in [short, detached|clipped|staccato] notes
staccato predicate
be~ played staccato
have~ a staccato touch
staccato clause
the notes are [cut short|kept short]
short notes prevail
the [playing|phrasing|touch|articulation] is staccato
the notes are [clipped|short and detached|short and clipped]
staccato ask
how are the notes [articulated|played]?
[is it|are the notes] played legato or staccato?
staccato answer
staccato
[short and detached|clipped, staccato]
mixed after
with [mixed|varied] articulation
mixed predicate
have~ a mixed articulation
mixed clause
the articulation is mixed
swing adjective
swung
swinging
swing after
with a swing [feel|to it]
with swung [eighths|eighth notes]
swing predicate
swing~
have~ a swing [feel|to it]
swing clause
the [eighths|eighth notes] are swung
the [rhythm|beat] swings
swing ask
how does the rhythm feel?
how are the eighths played?
swing answer
[swung|with swing]
they are swung
genre adjective
{v}
genre after
in {av} [style|vein]
with {av} [feel|flavour|sound]
genre predicate
be~ in {av} [style|vein]
have~ {av} [feel|flavour|sound]
genre clause
the [genre|style] is {v}
genre ask
what [style|genre] is [this|it|the clip]?
what genre [is this|does it belong to|would you call it]?
genre answer
{v}
it is {v}
mood adjective
{v}
{v}
mood after
with {av} [mood|air|feel|tone|atmosphere]
{v} in [mood|tone|feel]
mood predicate
sound~ {v}
feel~ {v}
have~ {av} [mood|air|feel|tone|atmosphere]
be~ {v} in [mood|tone]
mood clause
the [mood|feeling|tone|atmosphere] is {v}
mood ask
how does [it|this|the music] feel?
what [mood|feeling|atmosphere] does [it|this|the music] [have|convey]?
what is the [mood|atmosphere][|| here]?
mood answer
{v}
it [feels|sounds|is] {v}
era adjective
{v}
{v}
era after
from the {v}
in the style of the {v}
era predicate
come~ from the {v}
era clause
the era is the {v}
era ask
[which|what] era [does it belong to|is it from|is this]?
era answer
the {v}
region after
with {av} [flavour|feel|touch]
region predicate
have~ {av} [flavour|feel]
region clause
the [style|flavour] is {v}
progression after
[opening|beginning|starting] with {p}
that [opens|begins] on {p0}
progression predicate
[open~|begin~|start~] with [the chords |]{p}
[open~|begin~|start~] on {p0} and [move~|go~|turn~] to {p1}
[open~|begin~|start~] with {p0} [and|followed by] {p1}
progression clause
the opening chords are {p}
it all [begins|starts] with {p}
the [progression|harmony] [begins|opens|starts] with {p}
the chords [begin|open] with {p}
the first chords are {p}
the harmony [begins|starts] on {p0} and [moves|goes] to {p1}
progression front
opening on {p0}
progression ask
[which|what] chords [begin it|open it|come first]?
[which|what] chords does it [open|begin|start] with?
with which chords does it [open|begin|start]?
progression answer
{p}
it [begins|opens|starts] with {p}
length adjective
{s}-second
length after
lasting [|about |around ]{s} seconds
of [|about |around ]{s} seconds
length predicate
span~ [|about ]{s} seconds
go~ on for [|about |around ]{s} seconds
last~ [|about |around |some ]{s} seconds
run~ for [|about |around ]{s} seconds
be~ [|about ]{s} seconds long
length clause
its [length|duration] is [|about ]{s} seconds
the [clip|excerpt] [lasts|runs for] [|about ]{s} seconds
it [lasts|runs for|goes on for] [|about |around ]{s} seconds
it is [|about ]{s} seconds long
length ask
how long [is it|is this|is the clip|does it last|does the music last|is the excerpt]?
length answer
[|about |around ]{s} seconds
it lasts [|about ]{s} seconds
opening after
from the [opening|beginning|start] of a longer piece
opening predicate
come~ from the [opening|beginning|start] of a longer piece
open~ a longer piece
ending after
from the [end|close|ending] of a longer piece
ending predicate
come~ from the [end|close|ending] of a longer piece
close~ a longer piece
inside after
from the middle of a longer piece
inside predicate
come~ from the middle of a longer piece
repeats predicate
[return~|come~ back] elsewhere in the song
repeats clause
the passage [returns|comes back] elsewhere in the song
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
{x} [make~ an entrance|be~ added] {when}
{x} [enter~|join~|appear~] {when}
{when}, {x} [come~ in|enter~|join~ in]
enters alone
{when}, {x} [enter~|come~ in|join~ in]
{x} [enter~|join~|appear~] {when}
enters ask
when do~ {x} [enter|come in|join in]?
enters answer
{when}
leaves clause
{x} [drop~ out|fall~ silent|stop~ playing] {when}
leaves alone
{when}, {x} [drop~ out|fall~ silent|stop~ playing]
{x} [drop~ out|fall~ silent|stop~ playing] {when}
leaves ask
when do~ {x} [drop out|fall silent|stop playing]?
leaves answer
{when}
modulation clause
{when}, the [key|music|harmony] [moves|shifts|changes] to {k}
the [key|music|harmony] [moves|shifts|turns|changes] to {k} {when}
modulation alone
{when}, the [key|music|harmony] [moves|shifts|turns|changes] to {k}
modulation ask
does the key change?
modulation answer
yes, [it moves |]to {k} {when}
new_tempo clause
the tempo [changes|shifts|moves] to {n} BPM {when}
new_tempo alone
{when}, the tempo [changes|shifts|moves] to {n} BPM
new_metre clause
the [metre|time signature] [changes|switches|shifts] to {f} {when}
new_metre alone
{when}, the [metre|time signature] [changes|switches|shifts] to {f}
"""

_PLACES = frozenset(("adjective", "after", "predicate", "clause", "alone", "front", "ask", "answer"))
_AGREES = re.compile(r"([a-z]+)~")
_IRREGULAR = {"be": ("is", "are"), "have": ("has", "have"), "do": ("does", "do"), "go": ("goes", "go")}

Choice = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Phrase:
    """A phrase in pieces, each with its alternatives, for a subject of one and for one of several."""

    singular: tuple[Choice, ...]
    plural: tuple[Choice, ...]
    numeric: bool

    def say(self, values: Mapping[str, str], random: Random, plural: bool = False) -> str:
        draw = random.random
        pieces = self.plural if plural else self.singular
        told = "".join([one[0] if len(one) == 1 else one[int(draw() * len(one))] for one in pieces])
        return told.format_map(values) if "{" in told else told


Bank = Mapping[str, tuple[Phrase, ...]]  # by place


@cache
def banks(numbers: bool) -> Mapping[str, Bank]:
    """The phrases by kind of fact; without `numbers` those that give neither beats per minute nor seconds."""
    found: dict[str, dict[str, tuple[Phrase, ...]]] = {}
    kind = place = ""
    for line in _PHRASES.strip().splitlines():
        head, _, tail = line.partition(" ")
        if tail in _PLACES and head.replace("_", "").isalpha() and "~" not in line:
            kind, place = head, tail
            continue
        phrase = _read(line)
        if numbers or not phrase.numeric:
            bank = found.setdefault(kind, {})
            bank[place] = (*bank.get(place, ()), phrase)
    return found


def _read(line: str) -> Phrase:
    pieces = [tuple(one.split("|")) for one in re.split(r"[\[\]]", line)]
    pieces = [piece for piece in pieces if piece != ("",)]
    one, many = (tuple(tuple(agreeing(told, plural) for told in piece) for piece in pieces) for plural in (False, True))
    return Phrase(one, many, numeric="{n}" in line or "{s}" in line)


def agreeing(text: str, plural: bool) -> str:
    """A text in which verbs marked "play~" agree with their subject."""

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
