"""What a film's list calls a song: the ways its title is said, and how much a title tells."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from rapidfuzz.distance import Indel

from motet.naming.cleaning import NOISE, VERSIONS, repaired, title_readings
from motet.naming.index import Found, KnownSong
from motet.naming.spelling import plain, words

# Bits that a word tells: how many titles must be looked through, on average, to meet it. By eye, from what songs are called.
SLIGHT, NUMBER, COMMON, MOST = 1.5, 3.0, 5.0, 11.0
ENOUGH = 24.0  # bits; more tells nothing more
_SLIGHT = frozenset(
    "a an the of in on at to by for from with and or n s t no is am are be been was it its i im ive ill id my me mine you u your "
    "youre youll we us our he his him she her they them this that these those so oh o ooh up down out off all do dont did does "
    "if as el la le les il lo de du des di da del un une una ein eine der die das den und et y e en que te ti tu me mi se no not "
    "can cant will wont just like how what when where who why now here there theme song".split()
)
_COMMON = frozenset(
    "love night day time baby girl boy man woman heart home dream dreams life world way good go goodbye hello happy sad blue "
    "black white red green fire water rain sun moon star stars sky heaven angel hell devil dance dancing rock roll music "
    "blues feel feeling eyes hand hands kiss little big old new young one two three first last only never ever always forever "
    "again back away come coming gone going get got give take keep make let say said tell know want need wanna gonna gotta "
    "think believe remember forget stay leave run hold wait walk fly fall falling rise live living die alive lost found free "
    "alone lonely together tonight today tomorrow yesterday morning evening summer winter spring sunday saturday friday "
    "monday sunshine light dark darkness shadow river sea ocean road street city town house room door window king queen "
    "prince lady sweet crazy wild cool hot cold bad beautiful pretty perfect real true power money game war peace soul mind "
    "body face smile cry crying tears hurt pain sorry please thank stop start end beginning chase escape battle journey "
    "return arrival death funeral wedding march movement mvt scene act intermezzo barcarolle rondo scherzo gloria lacrimosa "
    "requiem kyrie sanctus toccata rhapsody impromptu humoresque serenata bolero mazurka polonaise ballade romance cavatina "
    "canon mass quartet trio sonatina variations invention sarabande gigue fanfare score background waltz tango samba minuet "
    "gavotte polka rag overture prelude finale intro introduction interlude opening closing credits title titles main suite "
    "symphony sonata concerto nocturne etude serenade minor major op opus allegro andante adagio fantasia fugue aria hymn "
    "prayer amazing grace glory hallelujah amen ave maria mother father son brother sister friend friends people children "
    "mama papa daddy honey sugar candy rose flower garden bird train car ride round high higher low over under into through "
    "around inside outside without about against between before after better best more much too very still even every "
    "everybody everything something nothing nobody somebody someone anything everyone things thing place side line hard easy "
    "long short right wrong left yes yeah hey la na da part amor noche vida corazon mundo liebe nacht welt jour nuit vie "
    "amour monde memories memory miracle magic secret story rush paradise freedom future destiny hope faith trust imagine "
    "thunder storm wind breathe crash burn shine change hero heroes legend space voyage america country bright lights gold "
    "golden silver diamond bells happiness holiday party".split()
)
_NUMERAL = re.compile(r"[ivx]{2,5}")
_DASH = re.compile(r"\s+[-–—]\s+|\s*:\s+")
_YEAR = re.compile(r"\b(?:19|20)\d\d\b")
_HALVES = re.compile(r"\s{3}| / |, ")
_ORIGIN = re.compile(
    r"(?i)^(?:from|featured in|featuring|feat|ft|with|theme from|as heard|used in|soundtrack|music from|main title)\b"
)
_ASIDE = re.compile(r"[(\[{]([^()\[\]{}]*)[)\]}]")
_KEY = re.compile(r"(?i),?\s+in [a-h](?:[ -]?(?:flat|sharp|b|#|♭|♯))?[ -]?(?:major|minor|dur|moll)\b.*$")
_CATALOGUE = re.compile(r"(?i),?\s+(?:op(?:us)?|k|kv|bwv|d|rv|woo|hob|hwv|s)\b\.?\s*(?:[ivx]+:)?\d+\b.*$")
_MOVEMENT = re.compile(r"(?i)\s*[:,]\s+(?:[ivx]{1,4}|\d{1,2}(?:st|nd|rd|th)?)\b\.?.*$")
_PIECE = re.compile(
    r"(?i)\b(?:(?:act|scene)\W{0,3}[ivx\d]+|mvt|movement|aria|adagio|allegro|andante|largo|presto|[ivx]{1,4}\.)(?!\w)"
)
_NUMBERED = re.compile(r"(?i)\b(?:no|nr|op|opus|number|k|kv|bwv|part|pt|act|book)\W{0,3}(\d+)\b")
_QUOTES = " \t'\"“”‘’´`,;.-"
PART = 10.0  # bits that a part of a title must tell to stand for the whole
LIKE = 0.82  # likeness of two spellings of a word
_BARE, _HEAD, _TAIL = 0.05, 0.15, 0.4  # of a title that is left out


def called(title: str) -> list[tuple[str, float]]:
    """The ways a listed title is said, and how much each leaves out, 0 to 1; the fullest first, none twice.

    What says the version, the year or the film ("- Remastered 2009", "(From Casino)") is no part of it. A piece is also called
    without its key and its number in a catalogue of works; a title of two parts also by either.
    """
    text = " ".join(repaired(title).split())
    text = _ASIDE.sub(lambda one: " " if _beside(one[1]) else one[0], text)
    parts = [part for part in _DASH.split(text) if plain(part)]
    while len(parts) > 1 and _beside(parts[-1]):
        text = text[: text.rfind(parts[-1])].rstrip(" -–—:")
        parts.pop()
    found: dict[str, float] = {}
    whole = text.strip(_QUOTES)
    found.setdefault(whole, 0.0)
    for pattern, share in ((_CATALOGUE, _BARE), (_MOVEMENT, _HEAD), (_KEY, _BARE)):
        shorter = pattern.sub("", whole).strip(_QUOTES)
        if shorter != whole and plain(shorter):
            left = max(found[whole], share)
            whole = shorter
            found.setdefault(whole, left)
    if len(parts) > 1:
        found.setdefault(parts[0].strip(_QUOTES), _HEAD)
        found.setdefault(parts[-1].strip(_QUOTES), _TAIL)
    return [(one, left) for one, left in found.items() if plain(one)]


def _beside(text: str) -> bool:
    """Whether what stands in brackets or after a dash says where a song is from or which recording it is, not what it is."""
    said = words(text)
    return not said or bool(_ORIGIN.match(text.strip())) or bool(_YEAR.search(text)) or any(word in VERSIONS for word in said)


@dataclass(frozen=True)
class Name:
    """One way a film song is said: its keys as the index of room `naming` has them, its words, and what it tells, in bits.

    `piece`: it is one piece of a work, an act or movement, so that a part of its title is not it.
    """

    found: Found
    words: tuple[str, ...]
    telling: float
    piece: bool


def names(title: str, artist: str) -> list[Name]:
    """A film song by each way it is said, no key twice, the fullest first. A part of a title is one where it tells enough."""
    said = called(title)
    song = KnownSong(" ".join(repaired(artist).split()), said[0][0] if said else "")
    piece = any(_PIECE.search(text) for text, _ in said[:1])
    found: dict[str, Name] = {}
    for text, left in said:
        for run, key, more in title_readings(text):
            share = min(left + more, 1.0)
            part = _part(text, run)
            if piece and not _PIECE.search(part):
                continue  # a whole work, of which the film has one piece
            bits = telling(part)
            if share > _BARE and bits < PART:
                continue
            if run not in found or share < found[run].found.left_out:
                found[run] = Name(Found(song, key, run, share), words(part), bits, piece)
    return sorted(found.values(), key=lambda one: (one.found.left_out, one.found.plain))


def _part(text: str, run: str) -> str:
    """The words of a title that a key stands for."""
    parts = [text, _ASIDE.sub(" ", text), *_ASIDE.findall(text)]
    parts += [half for part in parts for half in _HALVES.split(part)]
    return next((part for part in parts if plain(part) == run), run)


@lru_cache(1 << 14)
def telling(title: str) -> float:
    """How much a title tells, in bits, 0 to 24: of "Home" little, of "Corcovado" more, most of "The Girl from Ipanema"."""
    found = words(title)
    again = SLIGHT * (len(found) - len(set(found)))  # "Boom Boom Boom" is hardly rarer than "Boom"
    return round(min(sum(_bits(word) for word in dict.fromkeys(found)) + again, ENOUGH), 2)


def _bits(word: str) -> float:
    if word[0].isdigit() or _NUMERAL.fullmatch(word):
        return NUMBER
    if word in NOISE or len(word) == 1 or (word in _SLIGHT):
        return SLIGHT
    if word in _COMMON or (word.endswith("s") and word[:-1] in _COMMON):
        return COMMON
    # Words of scripts without spaces tell by the letter.
    letters = len(word) if word.isascii() else 2 * len(word)
    return min(COMMON + 0.9 * max(letters - 1, 0), MOST)


def numbers(text: str) -> tuple[str, ...]:
    """The numbers in a text, sorted: `Hungarian Dance No. 5` is not number 6."""
    return tuple(sorted(re.findall(r"\d+", text)))


def words_fit(said: str, name: Name) -> bool:
    """Whether the words that tell something are alike one by one; a name in one word is not held to it."""
    ours, theirs = ([word for word in some if word not in _SLIGHT] for some in (words(said), name.words))
    if len(words(said)) < 2 or len(name.words) < 2:
        return True
    return len(ours) == len(theirs) and all(
        Indel.normalized_similarity(word, other) >= LIKE for word, other in zip(ours, theirs, strict=True)
    )


def other_number(rest: str, title: str) -> bool:
    """Whether the words beside a title number a piece, and the title does not: `Divertimento in D Nr 17`."""
    found = _NUMBERED.search(rest)
    return found is not None and found[1] not in numbers(title)
