"""The words of music that crowd tags are sorted by: genres with their parents, moods, instruments, regions and a few others.

The tables are Motet's own, written down from common knowledge. A line is `name = other spellings, …`; what is indented below a
genre is a kind of it, and a genre may stand below several. Case, accents, hyphens, spaces, a plural s and a trailing "music"
or "songs" need no line (`fold`, `find`).
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

KINDS = ("genre", "mood", "instrument", "era", "region", "other")


@dataclass(frozen=True, slots=True)
class Term:
    """A word of the vocabulary; `parents` of a genre, `family` of an instrument as General MIDI has it ("" for none)."""

    name: str
    kind: str
    parents: tuple[str, ...] = ()
    family: str = ""


GENRES = """
rock = rock music, rockmusik, rok, рок, ロック
  acoustic rock
  album rock = album oriented rock
  alternative rock = alternative, alt rock, alternativ, alternativa, alternativerock
    grunge = seattle sound
      post-grunge
    britpop = brit pop
    college rock
    dream pop
    geek rock
    indie rock = indierock, indie-rock
      indie folk
      lo-fi indie
      math rock
        mathcore
      midwest emo
      post-punk revival
      slowcore = sadcore
      garage rock revival
    madchester = baggy
    noise rock
    rap rock = rapcore, rap-rock
    shoegaze = shoegazing, shoegazer
      blackgaze
      nu gaze = nugaze
    jangle pop
    noise pop
    post-britpop
  arena rock = stadium rock
  art rock
    glam rock = glam, glitter rock
    krautrock = kraut, kosmische musik
  blues rock = bluesrock
  boogie rock
  cello rock
  celtic rock
  christian rock
  classic rock = classicrock
  comedy rock
  country rock
  cowpunk
  dance-rock
  electronic rock = electrorock, electro rock
  experimental rock
  folk rock = folkrock
    medieval rock
  funk rock
  garage rock = garage
  garage punk
  gothic rock = goth rock, goth, gothic
    deathrock
  hard rock = hardrock, hard-rock
  heartland rock
  instrumental rock
  jam band = jam, jam bands
  jazz rock
  latin rock
  mod = mods
  new wave = newwave, new wave music
    cold wave = coldwave
    minimal wave
    neue deutsche welle = ndw
    new romantic = new romantics
    no wave
    synth-pop
    dark wave = darkwave
  paisley underground
  piano rock
  pop rock = poprock, pop/rock, pop-rock
    power pop = powerpop
    soft rock = softrock
      yacht rock = yacht
  progressive rock = prog rock, prog, progressive, progrock, progresive rock
    canterbury scene = canterbury
    neo-progressive rock = neo-prog, neo progressive
    rock in opposition = rio
    symphonic rock = symphonic prog
    zeuhl
  psychedelic rock = psych rock, acid rock, psych
    neo-psychedelia = neopsychedelia, neo psychedelic
    space rock
  pub rock
  rock opera
  shock rock
  adult alternative = triple a, aaa
  modern rock
  punk = punk rock, punkrock, panк, панк
    anarcho-punk = anarcho, anarchopunk
    art punk
    celtic punk
    crust punk = crust
    d-beat
    deutschpunk = german punk
    dance-punk = disco punk, punk funk
    electropunk = electro punk, synthpunk, synth punk
    emo = emocore, emotional hardcore
      screamo = skramz
      emo pop
    folk punk
    gypsy punk
    hardcore punk = hardcore, hardcorepunk
      melodic hardcore
      post-hardcore = posthardcore
      powerviolence
      new york hardcore = nyhc
      straight edge = sxe
      metalcore
    horror punk
    oi = oi punk, street punk, streetpunk
    pop punk = poppunk, punk pop
    post-punk = postpunk
    proto-punk = protopunk
    psychobilly
    queercore
    riot grrrl = riot girl
    ska punk = skapunk, ska-core
    skate punk = skatepunk, skate rock
  post-rock = postrock
  roots rock
  rock and roll = rock n roll, rock & roll, rock'n'roll, rnr, classic rock n roll, 50s rock and roll
    rockabilly
    doo-wop = doowop
    surf rock = surf, surf music
    merseybeat = mersey, beat music, beat
    british invasion
    twist
  southern rock
  stoner rock = stoner, desert rock
  swamp rock
  symphonic rock
  visual kei
  j-rock = jrock, japanese rock
  k-rock
  rock en espanol = rock latino, rock en español
  wizard rock
metal = heavy metal, metal music, heavymetal, metall, метал, hevi
  alternative metal = alt metal
  avant-garde metal = avantgarde metal
  black metal = blackmetal
    atmospheric black metal
    depressive black metal = dsbm
    symphonic black metal
    viking metal
    pagan metal = pagan black metal
    black n roll
  christian metal
  death metal = deathmetal
    brutal death metal
    deathcore
    death-doom = death doom metal
    melodic death metal = melodeath, gothenburg metal, melodic death
    technical death metal = tech death
  djent
  doom metal = doom
    drone metal = drone doom
    funeral doom = funeral doom metal
    sludge metal = sludge
    stoner metal
  folk metal
    celtic metal
  funk metal
  glam metal = hair metal, hair bands, pop metal, sleaze
  extreme metal
  gothic metal = goth metal
  grindcore = grind
    goregrind
    deathgrind
    pornogrind
  groove metal
  industrial metal
    neue deutsche harte = neue deutsche haerte, ndh
  instrumental metal
  metalcore = metal core
    melodic metalcore
    electronicore = trancecore
  math metal
  neoclassical metal = neo-classical metal, shred
  new wave of british heavy metal = nwobhm
  nu metal = numetal, new metal, nu-metal
  post-metal = postmetal, atmospheric sludge
  power metal = powermetal
  progressive metal = prog metal, progmetal
  rap metal
  southern metal
  speed metal
  symphonic metal = orchestral metal, opera metal
  thrash metal = thrash, trash metal, bay area thrash
    crossover thrash
  true metal
pop = pop music, popmusik, popular, поп, ポップ, popp, muzyka pop
  adult contemporary = adult pop
  acoustic pop
  art pop
  ambient pop
  avant-pop
  ballad = power ballad, rock ballad, balada, ballade
  baroque pop = chamber pop, orchestral pop
  blue-eyed soul
  boy band = boybands, boyband
  brill building = brill building pop
  bubblegum pop = bubblegum
  cantopop
  city pop
  classic pop
  contemporary christian = ccm, christian pop
  country pop = pop country
  dance-pop = dancepop, pop dance
    bubblegum dance
    eurodance = euro dance, eurobeat
  dream pop = dreampop
  easy listening
    exotica
    lounge = lounge music, loungecore
    muzak = elevator music
    space age pop
  electropop = electro pop, electronic pop
  europop = euro pop
  disco polo
  shibuya-kei
  swamp pop
  austropop
  middle of the road
  folk pop
  girl group = girl groups, girlband, girl band
  hyperpop = pc music
  indie pop = indiepop, indie-pop
    c86
    twee pop = twee
    bedroom pop
  indietronica = indie electronic, indietronic
  italo pop
  j-pop = jpop, japanese pop, j pop
    kayokyoku
  k-pop = kpop, korean pop
  latin pop
  mandopop = c-pop, cpop
  mpb = musica popular brasileira
  new wave
  operatic pop = classical crossover, popera
  piano pop
  pop folk = turbo folk, turbofolk
    chalga
  pop rap
  pop soul
  psychedelic pop
  schlager = deutscher schlager
  sophisti-pop
  soft pop
  sunshine pop
  synth-pop = synthpop, synth pop, techno pop, technopop
    futurepop
  teen pop
  traditional pop = vocal pop, crooner, crooners, standards, american standards, great american songbook, vocal standards
  chanson = chanson francaise, french chanson, variete francaise
  ye-ye
  electroclash
  opm = pinoy pop
  space pop
electronic = electronica, electronic music, elektronik, electronique, elektronisch, elektroniczna, электроника, elektro music
  ambient = ambient music, ambiental
    ambient dub
    ambient house
    ambient techno
    dark ambient
    drone = drones, drone music
    isolationism
    lowercase
    psybient = psychill, psy chill
    space ambient = space music
    black ambient
  acid = acid music
  balearic = balearic beat
  big beat = bigbeat
  bitpop
  breakbeat = breaks, break beat
    breakcore
    nu skool breaks
    florida breaks
  chillout = chill out, chill-out
    chillwave
    chillhop = lofi hip hop, lo-fi hip hop
    chillstep
  downtempo = down tempo, downbeat
    trip hop = triphop, trip-hop
      illbient
  chiptune = chiptunes, 8bit, 8-bit, bitmusic, chip music, nintendocore
  club = club music, clubbing, club dance
    baltimore club
    jersey club
  dance = dance music, taneczna, dancing
  drum and bass = dnb, drum n bass, d&b, drum'n'bass, drumnbass, drum & bass, drum bass
    jungle = ragga jungle
    liquid funk = liquid dnb, liquid drum and bass
    neurofunk
    techstep
    darkstep
    drumstep
    drumfunk
  dubstep
    brostep
    post-dubstep
  edm = electronic dance music
    festival progressive house
  ebm = electronic body music
    aggrotech = hellektro
    dark electro
    electro-industrial
    new beat
  electro = elektro
    electro swing
    electro-funk
    electroclash
  electroacoustic = electro-acoustic, acousmatic
  folktronica
  footwork = juke, chicago footwork
  future bass
  future garage
  glitch = clicks and cuts
    glitch hop
  grime
  hardcore techno = hardcore electronic, rave hardcore
    gabber = gabba
    happy hardcore
    speedcore
    terrorcore
    digital hardcore
    breakbeat hardcore
    uk hardcore
  hardstyle
    jumpstyle
  house = house music, haus
    acid house
    afro house
    bass house
    big room = big room house
    chicago house
    deep house = deephouse
    disco house
    dutch house
    electro house
    french house = french touch, filter house
    funky house
    future house
    garage house = us garage
    ghetto house
    hard house
    hip house
    italo house
    jazz house
    latin house
    lo-fi house
    microhouse
    minimal house
    progressive house
    soulful house
    tech house
    tribal house
    tropical house
    vocal house
    witch house
    outsider house
  idm = intelligent dance music, braindance
  industrial = industrial music
    industrial rock
    power noise = rhythmic noise
    power electronics
    martial industrial
    dark electro
    death industrial
  italo disco = italodisco, italo-disco, italo
  leftfield
  livetronica
  minimal = minimal techno, minimal electronic
  moombahton
  nu jazz = nujazz, electro jazz, future jazz
  plunderphonics
  progressive electronic = berlin school
  space disco
  synthwave = retrowave, outrun
    darksynth
  techno = techno music, tekno
    acid techno
    detroit techno
    dub techno
    free tekno = freetekno
    hard techno = schranz
    industrial techno
  trance = trance music
    acid trance
    goa trance = goa
    hard trance
    progressive trance
    psytrance = psychedelic trance, psy trance, psy
      full on
      dark psytrance
    tech trance
    uplifting trance
    vocal trance
    dream trance
  tribal
  turntablism
  rave = rave music
  broken beat
  freestyle = latin freestyle
  hands up
  uk garage = ukg, uk-garage, speed garage
    2-step = 2 step garage, two step
    bassline
  uk bass = bass music
  uk funky
  vaporwave
    future funk
    mallsoft
  wave
  wonky
  phonk
  dungeon synth
hip hop = hip-hop, hiphop, rap, hip hop music, hip-hop/rap, rap/hip-hop, хип-хоп, рэп, hiphop rap
  abstract hip hop
  alternative hip hop = alternative rap, alt hip hop
  boom bap
  bounce = new orleans bounce
  christian hip hop = christian rap
  cloud rap
  comedy rap = comedy hip hop, nerdcore
  conscious hip hop = conscious rap, political hip hop
  crunk
  dirty south = southern rap, southern hip hop
  drill = uk drill, chicago drill
  east coast hip hop = east coast rap, east coast
  emo rap
  experimental hip hop
  french hip hop = french rap, rap francais
  g-funk = gfunk
  gangsta rap = gangsta, gangster rap
  golden age hip hop
  hardcore hip hop = hardcore rap
  horrorcore
  hyphy
  instrumental hip hop = beats, instrumental rap
  jazz rap = jazz hip hop, jazzy hip hop
  mumble rap
  old school hip hop = old school rap, oldschool hip hop
  political rap
  pop rap = pop hip hop
  trap = trap music, trap rap
  underground hip hop = underground rap
  uk hip hop = british hip hop, uk rap
  west coast hip hop = west coast rap, west coast
  german hip hop = deutschrap, german rap, deutscher hip hop
  memphis rap
  polish hip hop = polski hip hop
  latin rap
  snap
  miami bass
rhythm and blues = r&b, rnb, r and b, r'n'b, rhythm & blues, rhythm n blues, urban, urban contemporary
  alternative r&b = alternative rnb, pbr&b
  contemporary r&b = contemporary rnb
  new jack swing = new jack
  quiet storm
  slow jam
  new orleans rhythm and blues = new orleans r&b
  soul = soul music, соул
    blue-eyed soul = blue eyed
    brown-eyed soul
    chicago soul
    classic soul
    country soul
    deep soul
    memphis soul = stax
    motown = motown sound, tamla motown
    neo soul = neosoul, nu soul, neo-soul
    northern soul
    philly soul = philadelphia soul, philly sound
    progressive soul
    psychedelic soul
    smooth soul
    soul jazz
    southern soul
    british soul
  funk = funk music, funky music, фанк
    deep funk
    p-funk
    go-go
    boogie = electro-boogie
    afro-funk
    jazz-funk
    synth-funk
  disco = disco music, diskoteka, диско
    euro disco = eurodisco
    nu disco = nu-disco
    cosmic disco
    hi-nrg = hi nrg, high energy
    post-disco
jazz = jazz music, джаз, ジャズ, jazzy
  acid jazz
  avant-garde jazz = avantgarde jazz
  bebop = bop, be-bop
  big band = bigband, big bands
  boogie-woogie = boogie woogie
  cape jazz
  chamber jazz
  contemporary jazz = modern jazz
  cool jazz = west coast jazz
  dark jazz = doom jazz
  dixieland = dixie, traditional jazz, trad jazz, new orleans jazz
  second line
  ethno jazz = world jazz
  european jazz
  free jazz
    free improvisation = improvisation, free improv
  gypsy jazz = jazz manouche, manouche
  hard bop = hardbop
  jazz blues
  jazz fusion = fusion, jazz-rock fusion
    jazz rock = jazzrock
  jazz-funk = jazzfunk
  latin jazz
    afro-cuban jazz
  mainstream jazz
  modal jazz
  nu jazz
  piano jazz = jazz piano
  post-bop
  ragtime
    stride piano = stride
  smooth jazz = smooth
  soul jazz
  spiritual jazz
  straight-ahead jazz = straight ahead
  swing = swing music, swing jazz
    electro swing
    western swing
    neo swing = swing revival
    jump blues
  third stream
  vocal jazz = jazz vocal, jazz vocals, jazz vocalist, jazz singer
  guitar jazz = jazz guitar
blues = blues music, блюз, ブルース
  acoustic blues
  boogie blues
  shuffle = blues shuffle
  british blues
  chicago blues
  classic blues = classic female blues
  contemporary blues = modern blues
  country blues = folk blues
  delta blues
  electric blues
  harmonica blues
  hill country blues
  jump blues
  louisiana blues = swamp blues
  memphis blues
  piano blues
  piedmont blues
  punk blues
  soul blues
  texas blues
country = country music, country and western, country & western, кантри
  alternative country = alt country, alt-country, altcountry
  americana
  bakersfield sound
  bluegrass = blue grass
    progressive bluegrass = newgrass
  classic country
  contemporary country = modern country, new country
  cowboy = western, cowboy songs
  country folk
  country pop
  country rap
  country rock = countryrock
  honky tonk = honky-tonk
  nashville sound = countrypolitan
  neotraditional country
  old-time = old time, old timey, oldtime
    appalachian = appalachian folk
  outlaw country = outlaw
  progressive country
  red dirt
  texas country
  truck driving country
  western swing
folk = folk music, folkmusik, volksmusik, traditional folk, фолк, muzyka folkowa
  american folk
  anti-folk = antifolk
  british folk
  celtic = celtic music, celtic folk, keltic
  contemporary folk
  country folk
  dark folk = apocalyptic folk
  folk baroque
  folk noir
  freak folk
  indie folk = indie-folk
  irish folk = irish traditional, irish trad
  neofolk = neo-folk
  nordic folk
  psychedelic folk = psych folk, acid folk
  progressive folk
  protest songs = protest, protest song
  scottish folk
  sea shanties = shanty, sea shanty, shanties
  singer-songwriter = singer songwriter, singer/songwriter, songwriter, singersongwriter, liedermacher,\
 cantautor, cantautori, bard
  stomp and holler
  traditional = trad, traditionals
  medieval folk
  russian folk
  nueva cancion = nueva trova, trova
  polka
  jig = jigs
  reel = reels
  hornpipe
  square dance
  humppa
  folk dance
  klezmer
  yodeling = yodel, jodeln
  skiffle
  filk
classical = classical music, klassik, classique, klassisk, clasica, musica classica, muzyka klasyczna,\
 классика, クラシック, classic music
  aria
  art song = lied, lieder, kunstlied
  avant-garde = avantgarde, avant garde
  ballet
  baroque = baroque music, barock, barroco
  chamber music = chamber, kammermusik
    string quartet = string quartets
    piano trio
  choral = choral music, chorale, choir music
    motet
    oratorio
    cantata
    mass
    requiem
    gregorian chant = gregorian, plainchant, plainsong
    madrigal
    anthem
    hymn
  classical period = classical era, viennese classic
  concerto = piano concerto, violin concerto
  contemporary classical = modern classical, contemporary composer, new music, 20th century classical, neue musik
    minimalism = minimalist
    serialism = twelve-tone, dodecaphony
    spectralism = spectral
    neoclassical = neo-classical, neoclassic
    expressionism
    musique concrete
    holy minimalism
    post-minimalism
  early music
    medieval = medieval music, mittelalter
    renaissance = renaissance music
  etude
  fugue
  impressionism = impressionist
  march = marches, military march, marching band
  mazurka
  nocturne
  opera = operas, oper
    operetta = operette
    zarzuela
  orchestral = orchestra music, orchestral music
  organ music
  overture
  piano sonata = sonata
  polonaise
  prelude
  romantic classical = romantic era, romantic period, romanticism, late romantic
  sacred music
  serenade
  suite
  minuet = menuet
  rhapsody
  toccata
  scherzo
  divertimento
  bel canto
  chant = chants
  solo piano = piano solo
  symphony = symphonic, symphonies
  symphonic poem = tone poem
  waltz = waltzes, walzer, valse
  light music
  neoclassical new age
stage and screen = stage & screen
  soundtrack = soundtracks, ost, original soundtrack, movie soundtrack, bande originale, саундтрек, サウンドトラック,\
 colonna sonora
    film score = film music, score, movie score, filmmusik, film scores, movie music, filmi score
    television theme = tv theme, tv themes, theme song, tv music, television music, tv theme songs
    video game music = video game, game music, vgm, game soundtrack, videogame, videogame music, games, game, video games
    anime = anime music, anime soundtrack, anime ost, anison, アニメ
    bollywood = filmi, hindi film
    spaghetti western
    disney = disney music, walt disney, disney songs
    james bond = 007
    movie = movies, film, cinema, from movies, movie songs
  musical = musicals, broadway, show tune, show tunes, musical theatre, musical theater, west end, broadway musicals
  cabaret = kabarett
  burlesque
  vaudeville
  music hall
  minstrel
  cinematic = cinematic music, epic music, trailer music
  incidental music
reggae = reggae music, регги
  dancehall = dance hall
  dub = dub reggae
  lovers rock
  ragga = raggamuffin
  reggae fusion = reggae rock, reggae pop
  reggaeton = regueton
  rocksteady = rock steady
  roots reggae = roots
  ska = ska music
    2 tone = two tone, 2-tone, 2tone
    ska revival = third wave ska, 3rd wave ska
    mento
latin = latin music, latino, latina, musica latina, latin american
  axe
  afro-cuban = afrocuban music
  bachata
  baiao
  banda
  batucada
  bolero = boleros
  bomba
  bossa nova = bossanova, bossa
  boogaloo
  brazilian funk = funk carioca, baile funk
  cha cha cha = cha-cha, cha cha
  champeta
  choro
  conjunto
  corrido = corridos, narcocorrido
  cuarteto
  cueca
  cumbia
  danzon
  forro
  guaracha
  habanera
  joropo
  lambada
  latin alternative
  latin ballad
  mambo
  mariachi
  merengue
  milonga
  norteno = nortena
  pasillo
  ranchera = rancheras
  regional mexican
  rumba
  plena
  punta
  chamame
  freestyle
  latin jazz
  nueva ola
  salsa = salsa music
  samba
    pagode
  sertanejo
  son cubano = son
  tango = nuevo tango
  tejano = tex-mex, tex mex
  timba
  tropicalia = tropicalismo
  tropical = tropical music
  vallenato
  huayno
  andean = andean music
  murga
  candombe
  chacarera
  maracatu
  frevo
  songo
  samba reggae
world = world music, worldmusic, ethnic, ethno, world-music, etno, weltmusik
  african music
    afrobeat = afro beat
    afrobeats = afropop, afro pop
    amapiano
    benga
    bongo flava
    chimurenga
    desert blues = tuareg
    ethio-jazz
    fuji
    gnawa
    highlife
    juju
    kizomba
    kuduro
    kwaito
    kwela
    makossa
    marabi
    mbalax
    mbaqanga
    morna
    coladeira
    semba
    funana
    maloya
    sega
    hiplife
    coupe-decale
    gqom
    rai
    soukous = congolese rumba
    taarab
    township jive
    wassoulou
  calypso
  soca
  zouk
  kompa = compas
  cajun
  zydeco
  chutney
  steelband = steel band
  hawaiian = hawaiian music
  balkan music = balkan, balkan brass
    gypsy = romani, gipsy, roma
    manele
    rebetiko = rebetika
    laiko
    entekhno
    sevdalinka = sevdah
  fado
  flamenco
    flamenco nuevo = nuevo flamenco, new flamenco
    rumba flamenca = rumba catalana
    sevillanas
  copla
  canzone napoletana = neapolitan song, neapolitan
  tarantella
  musette = bal musette
  fanfare
  arabesque = arabesk
  arabic pop
  belly dance = bellydance
  dabke
  mizrahi
  qawwali
  sufi = sufi music
  ghazal
  bhangra
  carnatic
  hindustani = hindustani classical, indian classical, raga
  baul
  dangdut
  gamelan
  enka
  min'yo = minyo
  gagaku
  trot
  throat singing = overtone singing
  mongolian folk
  joik = yoik
  worldbeat = world beat, world fusion, ethnic fusion
  celtic fusion
new age = newage, new-age
  celtic new age
  healing = healing music
  meditation = meditation music, meditative
  nature sounds = sounds of nature, field recording, field recordings
  ethereal wave = heavenly voices, ethereal
  neoclassical new age
  native american = native american music
  yoga = yoga music
christian = christian music, religious, religious music
  gospel = gospel music, black gospel, southern gospel
  spirituals = spiritual, negro spirituals, negro spiritual
  worship = praise and worship, praise & worship, worship music
  hymns and carols
  devotional = bhajan, kirtan, mantra
  liturgical = liturgical music, sacred
christmas = christmas music, christmas songs, xmas, weihnachten, noel, navidad, christmas carol, carols,\
 holiday, holidays, holiday music
children's music = children, childrens, kids, kids music, kinderlieder, nursery rhymes, nursery rhyme, lullaby,\
 lullabies, for children
comedy = comedy music, humour, humor, parody, novelty, novelty song, novelty songs, comic
experimental = experimental music, eksperimentalna
  avant-garde
  noise = noise music
    harsh noise
    japanoise = japanese noise
  sound art
  sound collage = collage
  tape music
  microtonal
  free improvisation
  outsider = outsider music
  lo-fi = lofi, lo fi
indie = independent, indy, инди, indie music
spoken word = spoken, audiobook, audiobooks, poetry, speech, podcast
  beat poetry
  stand-up = stand up comedy, stand-up comedy
  radio drama = radio play, horspiel
a cappella = acapella, a capella, acappella
  barbershop = barbershop quartet
  beatboxing = beatbox
military music = military, brass band, brass bands
psychedelic = psychedelia, psychedelics, psicodelia, psychedelic music
oldies = oldies but goodies, golden oldies, oldie
national anthem = national anthems
mashup = mash-up, mash up, bootleg
drinking songs = drinking song
karaoke = karaoke version
steampunk
dark cabaret
neo-medieval = medieval pop
folklore = folclore, folklor, folkloric, musica folklorica
"""

MOODS = """
aggressive = aggression, brutal, violent
ambitious
amusing = funny, hilarious, humorous, lol, fun and silly
angry = anger, rage, furious, hate, angst, angsty, pissed off
angelic
anthemic = anthems
anxious = anxiety, nervous, worried
apocalyptic
atmospheric = atmosphere, atmospheric music
autumnal = autumn, autumn music, fall
beautiful = beauty, gorgeous, lovely, pretty, beautiful song, beautiful music, wunderschoen, belle
bittersweet = bitter sweet
bleak = desolate
boisterous = rowdy, rollicking
bouncy = bounce along
brash
breezy
bright
brooding
calm = calming, calm down, serene, serenity, tranquil, tranquility, peaceful, peace, placid, quiet, still
carefree
catchy = catchy tune, earworm, catchy as hell
cathartic
celebratory = celebration
charming
cheerful = cheery, cheer up, cheerful music, upbeat and happy
cheesy = cheese, kitsch, camp, campy, corny
chill = chilled, chilling, chilly, chillin, chilled out, mellow chill
cold = icy, frosty, wintry, winter
comforting = comfort, reassuring
confident = swagger, cocky
contemplative = contemplation, pensive, thoughtful, introspective, reflective, introspection
cosy = cozy, homely, hearthside
creepy = spooky, eerie, ghostly, haunted
cute = adorable, kawaii
cynical = sarcastic, sardonic
dark = darkness, dark music, obscure and dark, noir
deep
defiant = rebellious, rebel, rebellion
delicate = fragile
depressing = depressed, depression, depressive, suicidal, suicide, miserable
desperate = despair, desperation
detached
determined
disturbing = disturbed, unsettling
dramatic = drama, theatrical
dreamy = dream, dreams, dreaming, dreamlike, daydreaming
driving = driving music, driving songs
earnest
earthy
easygoing = easy going, easy
eccentric = quirky, offbeat, strange, weird, bizarre, odd
ecstatic = ecstasy
elegant = elegance, graceful, classy, sophisticated
elegiac = mournful, mourning, lament, funeral
emotional = emotion, emotions, feelings, feeling
empowering = empowerment, girl power
energetic = energy, energizing, energising, high energy music, power, powerful, pumping
enchanting = enchanted, magical, magic, magic music
epic = epicness, grandiose, majestic, monumental, grand
erotic
euphoric = euphoria
exciting = excited, excitement
exotic = exotic sounds
explosive
exuberant
fast = fast paced, fast tempo, uptempo, up tempo, speedy
fearful = scary, scared, horror, fear, frightening, terrifying
feel good = feelgood, feel good music, feel-good, good mood, good vibes, feelgood music, gute laune, feel good songs
fierce = ferocious
fiery
floating
flirtatious = flirty
free = freedom
frenetic = frantic, hectic, manic
fresh
fun
funky
futuristic = future, sci-fi, scifi
gentle = tender, soft, tenderness, soft music, light
gloomy = gloom, dreary
gritty = raw, rough
groovy = groove, grooves, grooving
happy = happiness, happy music, happy songs, joy, joyful, joyous, glad, happy song, frohlich
harmonious = harmony, harmonies
harsh = abrasive
haunting = haunting melody
heartbreaking = heartbreak, heart breaking, broken heart, heartache, break up, breakup, breakup songs, breakup song
heartfelt
heavy = hard
heroic = hero
hopeful = hope, optimistic, optimism
hot = steamy
hypnotic = trippy, stoned, hypnotizing, hypnotising, mesmerizing, mesmerising, trance-like
inspiring = inspirational, inspiration, motivational, motivation
innocent
intense = intensity, intensive
intimate = intimacy
ironic = irony
jaunty
jolly
kinky
laid-back = laid back, laidback, lazy, lay back, sunday morning
lively = vibrant, spirited, animated
lonely = loneliness, alone, solitude, isolation, lonesome
longing = yearning
loud
lush
lyrical
martial
mellow = mellow music, mellow rock music
melancholic = melancholy, melancholia, melancholisch, melancolia, melancolique, melancholic music, wistful, saudade, меланхолия
melodic = melody, melodious, melodies, good melody
menacing = threatening, ominous
mischievous
monotonous = repetitive
moody = mood
morbid = death, dying
moving = touching, poignant
mysterious = mystery, mystical, mystic, enigmatic
narrative = storytelling, story song
nihilistic
nocturnal = night, late night, midnight, at night, nighttime, night time, night music, nachtmusik
nostalgic = nostalgia, memories, nostalgie, childhood, memory, reminiscent, childhood memories
noisy
otherworldly = unearthly, spacey, space, cosmic, celestial
paranoid = paranoia
party = party music, party songs, partying, partymusik, party time, party tunes
passionate = passion
pastoral = bucolic, rural
patriotic = patriotism
playful = whimsical, silly, whimsy, goofy
political = politics, social commentary, anti-war, antiwar, war
positive = positivity, positive vibes
provocative
raucous
relaxing = relax, relaxed, relaxation, relaxing music, entspannung, soothing, sleep, sleepy, sleeping, bedtime,\
 study, chill and relax
restless
reverent = holy
rhythmic = rhythm, rhythmical
romantic = love, love song, love songs, romance, in love, lovesongs, lovesong, wedding, amor, amour, liebe,\
 valentine, lovely love
sad = sadness, sad songs, sad song, sad music, sorrow, triste, traurig, crying, tears, tearjerker, sorrowful,\
 grief, loss, cry, грусть
sassy
satirical = satire
searching
seductive
sensual = sexy, sexual, sex, sultry, sensuality, sexy music, sex music
sentimental = sappy, syrupy, schmaltzy
shimmering
sinister = evil, satanic
slick
slow = slow songs, slow tempo, slow music, slow dance
snarky
solemn = somber, sombre, serious
soaring
soulful
sparse = sparse music
sprawling
stirring = rousing
stylish
sunny = sun, sunshine, summer, summertime, summer music, summer songs, sommer, summer song, summery, beach, beach music
surreal = surrealism
suspenseful = suspense, tension, tense
sweet = sweetness
swinging = swingin
tough
tragic = tragedy
triumphant = triumph, victorious, victory
uplifting = uplift, uplifting music, life affirming
upbeat = up-beat, upbeat music
urgent
vulgar = explicit, dirty, offensive
vulnerable
warm = warmth, warm music
wild = crazy, insane, mad, chaotic, chaos
witty = clever, smart
wry
workout = gym, running, exercise, training, fitness, sport, sports
youthful = teen, teenage
"""

# By the families of General MIDI (`motet.midi.general_midi.FAMILIES`) and drums; "" for what it has no family for.
INSTRUMENTS = {
    "piano": """
piano = pianos, pianist, klavier, great piano, piano music, фортепиано, ピアノ, piano instrumental, beautiful piano
grand piano
electric piano = rhodes, fender rhodes, wurlitzer, e-piano
upright piano
prepared piano
toy piano
harpsichord = cembalo, clavecin
clavichord
clavinet
keyboard = keyboards, keys, keyboardist, keyboard music
fortepiano
""",
    "chromatic percussion": """
celesta = celeste
glockenspiel
music box
vibraphone = vibes, vibraphonist
marimba
xylophone
tubular bells = bells, chimes
dulcimer = hammered dulcimer
cimbalom
santur = santoor
handbells
""",
    "organ": """
organ = organs, orgel, organist
hammond organ = hammond, hammond b3
pipe organ = church organ
reed organ = harmonium
accordion = accordeon, akkordeon, accordionist, bayan
concertina
harmonica = mouth organ, mundharmonika, blues harp
bandoneon
melodica
barrel organ
hurdy-gurdy = hurdy gurdy
""",
    "guitar": """
guitar = guitars, gitarre, guitarra, guitare, guitarist, guitarists, guitar solo, guitar solos, guitar god,\
 guitar gods, guitar virtuoso, guitar hero, great guitar, great guitar solo, guitar music, chitarra, guitar riff,\
 riffs, riff, гитара, guitar heroes, shredding
acoustic guitar = acoustic guitars, accoustic guitar
electric guitar = electric guitars
classical guitar = nylon-string guitar, spanish guitar
slide guitar = bottleneck guitar
steel guitar = pedal steel, lap steel, pedal steel guitar, lap steel guitar
twelve-string guitar = 12 string guitar, 12 string
fingerstyle guitar = fingerstyle, fingerpicking, finger picking
baritone guitar
distorted guitar = distortion, fuzz, fuzz guitar
ukulele = uke
mandolin = mandolins
lute
baroque guitar
cavaquinho
charango
requinto
""",
    "bass": """
bass guitar = bass, bass guitars, bassist, bass player, electric bass, bass guitarist
slap bass
fretless bass
upright bass
synth bass = 303, tb-303
""",
    "strings": """
strings = string section, streicher, string instruments
violin = violins, violinist, violine, geige
viola
cello = cellos, violoncello, cellist
double bass = contrabass, kontrabass
harp = harps, harpist, harfe
timpani
viola da gamba = viol
electric violin
""",
    "ensemble": """
orchestra = orchester, orchestre, orquesta
string ensemble
voice = vocal, vocals, vocalist, vocalists, singer, singers, singing, gesang, great vocals, great voice,\
 amazing voice, beautiful voice
female vocals = female vocalists, female vocalist, female vocal, female voice, female voices, female singer,\
 female singers, female, girl singer, female fronted, girls, women, chanteuse, female artists,\
 woman, girl, female artist
male vocals = male vocalists, male vocalist, male vocal, male voice, male singer, male singers, male, men, male artists, boys
choir = chor, choirs, chorus, coro, choeur
mixed vocals = male and female vocals, male female vocals, boy girl vocals
backing vocals = backing vocal, background vocals
falsetto
soprano
mezzo-soprano
alto
contralto
tenor
baritone
countertenor
growl = growling, death growl, screaming, scream
vocoder = talkbox, talk box, autotune, auto-tune
beatboxer
whistling
vocal harmonies = vocal harmony, close harmony, vocal group
""",
    "brass": """
brass = brass section, horns, horn section, brass instruments
trumpet = trumpets, trumpeter, trompete, trompeta
trombone = trombones
tuba
cornet
flugelhorn
french horn = horn
euphonium
sousaphone
bugle
""",
    "reed": """
saxophone = sax, saxophones, saxophonist, saxofon, sax solo, saxaphone
soprano saxophone = soprano sax
alto saxophone = alto sax
tenor saxophone = tenor sax
baritone saxophone = baritone sax
oboe
english horn = cor anglais
bassoon
clarinet = clarinets, klarinette
bass clarinet
duduk
woodwind = woodwinds, wind instruments
""",
    "pipe": """
flute = flutes, flautist, flutist, flote
piccolo
recorder
pan flute = panpipes, pan pipes
tin whistle = penny whistle, whistle
shakuhachi
ocarina
ney
quena
bansuri
didgeridoo = didjeridu, didjeridoo
""",
    "synth lead": """
synthesizer = synth, synths, synthesizers, synthesiser, analog synth, synthie, synthetizer, analogue synth
moog = minimoog
theremin
ondes martenot
keytar
modular synthesizer = modular, modular synth
""",
    "synth pad": """
synth pad = pads
mellotron
""",
    "ethnic": """
sitar
banjo = banjos
shamisen
koto
kalimba = mbira, thumb piano
bagpipes = bagpipe, pipes, uilleann pipes, dudelsack
fiddle = fiddles, fiddler
shehnai
erhu
guzheng
pipa
guqin
oud = ud
saz = baglama
bouzouki
balalaika
kora
sarod
zither
kantele
nyckelharpa
morin khuur
jaw harp = jews harp, mouth harp
gayageum
""",
    "percussive": """
percussion = percussions, percussionist, hand percussion
steel drums = steelpan, steel pan, steel drum
taiko = taiko drums
bongos = bongo
congas = conga
djembe
tabla = tablas
tambourine
triangle
maracas
castanets
cowbell = more cowbell
claves
cajon
bodhran
darbuka
handclaps = clapping, hand claps, handclapping
woodblock
gong
singing bowls = tibetan bowls
hang = handpan, hang drum
""",
    "drums": """
drums = drum, drummer, drumming, schlagzeug, bateria, drum solo, great drums, drummers
drum machine = drum machines, 808, tr-808, 909
brushes
double bass drum = double kick, blast beat, blast beats
""",
    "sound effects": """
sound effects = samples, sampling, sampled
""",
    "": """
turntable = turntables, scratching
sampler
computer = laptop
glass harmonica = glass armonica
musical saw = singing saw
kazoo
""",
}

REGIONS = """
afghan = afghanistan
african = africa, afrique, afrika
albanian = albania
algerian = algeria
american = usa, united states, us, america, north american, u.s., u.s.a., amerikanisch, north america, made in usa
andalusian = andalusia, andalucia
angolan = angola
arabic = arab, arabian, arabe
argentine = argentina, argentinian, rock nacional
armenian = armenia
asian = asia, asian music
australian = australia, aussie, oz
austrian = austria, osterreich
azerbaijani = azerbaijan
bahamian = bahamas
barbadian = barbados
basque = euskadi, euskera
belarusian = belarus
belgian = belgium, belgique, belgie
bengali = bangladesh, bangla
bolivian = bolivia
bosnian = bosnia
brazilian = brazil, brasil, brasileira, brasileiro, musica brasileira, brasilian
breton = brittany, bretagne
british = uk, britain, great britain, united kingdom, brit, u.k., made in england
bulgarian = bulgaria
burmese = burma, myanmar
cambodian = cambodia, khmer
cameroonian = cameroon
canadian = canada, canadian content, cancon
cape verdean = cape verde, cabo verde
caribbean = west indies
catalan = catalonia, catala, catalunya
chilean = chile, chilena
chinese = china, mandarin, 中文, 华语
colombian = colombia
congolese = congo
croatian = croatia, hrvatska, croatian music, cro
cuban = cuba, cubana
czech = czech republic, cesko, ceske
cypriot = cyprus
danish = denmark, dansk, danmark, danish music
dominican = dominican republic
dutch = netherlands, holland, nederlands, nederlandstalig, the netherlands, nederland, nederpop
east european = eastern europe, eastern european
ecuadorian = ecuador
egyptian = egypt
english = england, english language, in english, sung in english
estonian = estonia, eesti
ethiopian = ethiopia
european = europe
faroese = faroe islands
finnish = finland, suomi, finnish music, suomirock, finland music
flemish = vlaams, flanders
french = france, francais, francophone, french music, francaise, franzosisch, en francais, musique francaise, sung in french
galician = galicia
georgian = georgia
german = germany, deutsch, deutschland, deutsche, german music, allemagne, german lyrics, sung in german,\
 немецкий, deutschsprachig
ghanaian = ghana
greek = greece, hellenic, ellinika, ελληνικα
guatemalan = guatemala
guinean = guinea
guyanese = guyana
haitian = haiti
hebrew = hebrew music, ivrit
hindi = hindi music
hungarian = hungary, magyar
icelandic = iceland, islenskt, icelandic music
indian = india, desi
indonesian = indonesia
iranian = iran, persian, farsi
iraqi = iraq
irish = ireland, eire, irish music
israeli = israel
italian = italy, italia, italiano, italiana, musica italiana, italian music, italienisch
ivorian = ivory coast
jamaican = jamaica
japanese = japan, nippon, nihon, 日本, 日本語, japanese music, nihongo
jewish = yiddish, jewish music
kazakh = kazakhstan
kenyan = kenya
korean = korea, south korea, 한국
latvian = latvia, latvija
lebanese = lebanon
libyan = libya
lithuanian = lithuania, lietuva
luxembourgish = luxembourg
macedonian = macedonia
malagasy = madagascar
malaysian = malaysia, malay
malian = mali
maltese = malta
mediterranean
mexican = mexico, mexicana
middle eastern = middle east, oriental, orient
moldovan = moldova
mongolian = mongolia
moroccan = morocco, maroc
mozambican = mozambique
nepali = nepal, nepalese
new zealand = nz, kiwi, aotearoa
nigerian = nigeria
nordic = nordic music
norwegian = norway, norsk, norge, norwegian music
occitan
pakistani = pakistan
palestinian = palestine
panamanian = panama
paraguayan = paraguay
peruvian = peru
philippine = philippines, filipino, pinoy, tagalog
polish = poland, polska, polskie, polish music, polski, polska muzyka
polynesian = polynesia
portuguese = portugal, portugues, portuguese language, lusophone
puerto rican = puerto rico
quebecois = quebec
romanian = romania
russian = russia, русское, русский, русская, russkoe, российский, росс, russian music, русская музыка
scandinavian = scandinavia, scandinavian music
scottish = scotland, scots, scotch, gaelic
senegalese = senegal
serbian = serbia, srpska
sardinian = sardinia
sicilian = sicily
singaporean = singapore
slovak = slovakia, slovensko
slovenian = slovenia, slovenski
south african = south africa, afrikaans
south american = south america
soviet = ussr, cccp, советское
sudanese = sudan
spanish = spain, espana, espanol, in spanish, castellano, sung in spanish, spanish language, spanish music, musica en espanol
sri lankan = sri lanka
swedish = sweden, svenskt, svenska, sverige, svensk, swedish music
swiss = switzerland, schweiz, suisse
syrian = syria
taiwanese = taiwan
tamil
tanzanian = tanzania
telugu
thai = thailand
tibetan = tibet
trinidadian = trinidad, trinidad and tobago
tunisian = tunisia
turkish = turkey, turkce, turk, türkiye, turkiye, turkish music
ugandan = uganda
ukrainian = ukraine, украинское, україна
uruguayan = uruguay
venezuelan = venezuela
vietnamese = vietnam
welsh = wales, cymru, cymraeg
yugoslav = yugoslavia, ex-yu, ex yu
zambian = zambia
zimbabwean = zimbabwe
alaska
arizona
atlanta
austin
bay area
berlin = berliner
birmingham
boston
bristol = bristol sound
brooklyn
california = californian, cali
chicago
cleveland
cologne = koln
dallas
detroit
dublin
dusseldorf
florida
glasgow
gothenburg = goteborg
hamburg = hamburger schule
hawaii
helsinki
hong kong
houston
istanbul
leeds
liverpool = liverpudlian
london
los angeles = la, l.a., hollywood
madrid
manchester = manchester music
melbourne
memphis
miami
michigan
milan = milano
minneapolis
minnesota
montreal
moscow
nashville
new jersey = nj, jersey
new orleans = nola, louisiana
new york = nyc, new york city, ny, ny city
ohio
oregon
oslo
paris
philadelphia = philly
portland
rio de janeiro
rome = roma italia
san francisco = sf
seattle
sheffield
southern = deep south, the south
stockholm
sydney
tennessee
texas = texan, tx
tokyo
toronto
vancouver
vienna = wien
virginia
washington = washington dc, dc
"""

# What is neither of these and still says something of the piece.
OTHERS = """
acoustic = acoustic music, unplugged, acoustic version, accoustic, acustico
instrumental = instrumentals, instrumental music, no vocals, instrumentale
live = live recording, live performance, live version, concert
cover = covers, cover version, cover song, coverversion, cover songs, cover versions, cover band
remix = remixes, remixed, rmx
demo = demos
duet = duets, duett
collaboration = collaborations, featuring, feat
supergroup = super group
solo
one hit wonder = one-hit wonders, 1 hit wonder
medley
b-side = b-sides, bside, bsides
rarity = rare, rarities
hit = hits, number one, no 1, number 1, top 40, chart, charts, billboard, number ones, no 1 hits, chart hits
hidden track = hidden tracks
remastered = remaster
lyrics = lyricism, good lyrics, great lyrics, meaningful lyrics, clever lyrics
composer = composers, songwriters
virtuoso = virtuosity, virtuosic
technical
underground
mainstream
retro = vintage, old fashioned
old school = oldschool, old skool
modern = contemporary
classic = classics, all time classic, timeless, evergreen, evergreens
lgbt = gay, queer, lesbian, gay icon
vegan
eurovision = eurovision song contest, esc, eurosong
grammy = grammy nominee, grammy winner
rock and roll hall of fame = rock hall of fame
halloween
rain = rainy day, rainy, rainy days, rainy day music
spring
travel = travelling, road trip, roadtrip, road, on the road, train
city
nature
ocean = sea
animals = animal
cars = car
god = jesus, faith, religion
home
football = soccer
woodstock
fantasy
literary = literature
film noir
weather
alcohol = drinking, booze
family
friendship = friends
life
money
"""


_SAYS_NOTHING = frozenset("music musik musique musica songs song tunes tune sound sounds style".split())  # at the end of a tag
_AND = re.compile(r"[&+]|(?<=\w)['’`´]n['’`´]?(?=\w)")
_N = re.compile(r"(?<=[a-z]) n (?=[a-z])")
_APOSTROPHES = dict.fromkeys(map(ord, "'’`´ʼ′\""))
_NOT_WORD = re.compile(r"[\W_]+")
_ACCENT = re.compile("[\u0300-\u036f]")


def fold(text: str) -> str:
    """Words in lower case with one space between: no accents, punctuation, emoji, control characters or halves of surrogate
    pairs, and "and" for &, + and 'n'. Time grows with the text, so cut what is long before.
    """
    text = _ACCENT.sub("", unicodedata.normalize("NFKD", html.unescape(text)).casefold())
    # Composed again: the marks of Japanese and Korean are part of their letters.
    text = unicodedata.normalize("NFC", _AND.sub(" and ", text).translate(_APOSTROPHES))
    return _N.sub(" and ", _NOT_WORD.sub(" ", text)).strip()


def find(words: str) -> Term | None:
    """The term of folded words, written in one or in several; without a plural s, "music" or "songs" if need be."""
    known = _known()
    if found := known.get(words.replace(" ", "")):
        return found
    first, _, last = words.rpartition(" ")
    if first and last in _SAYS_NOTHING:
        return find(first)
    return known.get(words[:-1].replace(" ", "")) if len(words) > 4 and words.endswith("s") else None


def terms() -> list[Term]:
    """The whole vocabulary, each term once, by kind and name."""
    return sorted(set(_known().values()), key=lambda term: (KINDS.index(term.kind), term.name))


def ancestors(genre: str) -> tuple[str, ...]:
    """What a genre is a kind of, the nearest first: of "grunge" alternative rock and rock. Nothing for an unknown one."""
    reached: list[str] = []
    front = [genre]
    while front:
        above = [parent for name in front if (term := find(fold(name))) for parent in term.parents]
        front = [name for name in dict.fromkeys(above) if name not in reached]
        reached += front
    return tuple(reached)


@cache
def _known() -> dict[str, Term]:
    """Terms by each of their spellings, folded and without spaces. A name comes before the other spellings of a term."""
    named: dict[str, Term] = {}
    spelled: dict[str, Term] = {}
    for term, others in spellings():
        named.setdefault(_key(term.name), term)
        for spelling in others:
            spelled.setdefault(_key(spelling), term)
    return spelled | named


def _key(spelling: str) -> str:
    return fold(spelling).replace(" ", "")


def spellings() -> Iterator[tuple[Term, list[str]]]:
    """Each term with its other spellings, as the tables have them."""
    parents: dict[str, list[str]] = {}
    others: dict[str, list[str]] = {}
    above: list[str] = []
    for name, spelled, depth in _lines(GENRES):
        above[depth:] = [name]
        parents.setdefault(name, []).extend(above[depth - 1 : depth] if depth else [])
        others.setdefault(name, []).extend(spelled)
    for name, found in parents.items():
        yield Term(name, "genre", parents=tuple(dict.fromkeys(found))), others[name]
    for family, table in INSTRUMENTS.items():
        for name, spelled, _ in _lines(table):
            yield Term(name, "instrument", family=family), spelled
    for kind, table in {"mood": MOODS, "region": REGIONS, "other": OTHERS}.items():
        for name, spelled, _ in _lines(table):
            yield Term(name, kind), spelled


def _lines(table: str) -> Iterator[tuple[str, list[str], int]]:
    """Name, other spellings and depth of each line."""
    for line in table.splitlines():
        if line.strip():
            name, _, rest = line.partition("=")
            depth = (len(line) - len(line.lstrip())) // 2
            yield name.strip(), [one.strip() for one in rest.split(",") if one.strip()], depth
