"""From what a name says to the probability that it is the film's song."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log2

from motet.naming.cleaning import Guess, slight
from motet.naming.matching import OTHER, Penalty, artist_distance, match
from motet.naming.spelling import artist_key, loose, plain, words

from .titles import Name, telling

# Logistic weights of what is known of a pair, fitted on 347 pairs that were judged by their names, of half the films of a study,
# and kept nearer to where they began (a Gaussian prior) than that fit alone would have them.
WEIGHTS = {
    "bias": -2.2,
    "distance": -5.2,  # penalties of room `naming`, added up
    "telling": 0.40,  # bits of the title
    "said": 3.2,  # the name, a tag or a folder says the song's artist
    "other": -3.7,  # the name says another artist
    "somebody": -3.0,  # the name says an artist, the film's list none
    "performs": 1.2,  # and that artist is known for a song of this title
    "turned": -2.0,  # what would be that artist stands behind the title
    "within": -1.0,  # the name has words beside the title that nothing explains
    "remix": -1.5,  # a remix or mix, of which the film's list says nothing
    "inexact": -0.3,  # the title is misspelt, or only a part of it is named
    "others": -0.8,  # log2 of one and the other artists known for songs of this title, less the more the title tells
}
SURE = 0.78  # the least probability with which a match is told
LIKELIEST, LIKELIEST_UNSAID = 0.995, 0.97  # with the artist said, and without: even a long title may be two songs'
SAID = {
    "other": "other artist", "somebody": "artist unknown", "remix": "version",
    "turned": "order", "within": "unexplained", "inexact": "title",
    "others": "common title", "telling": "plain title",
}  # fmt: skip
PLAIN = 12.0  # bits; a title that tells less is told as a penalty
_COLLECTIONS = frozenset(
    "theme themes movie movies film films tv television soundtrack soundtracks ost disney pixar musical musicals broadway carol "
    "carols christmas xmas hymn hymns classical traditional trad folk songs hits medley karaoke karafun standards bond".split()
)
WHO = 0.1  # doubt of a reading up to which what stands for an artist is one


@dataclass(frozen=True)
class Evidence:
    """A film song beside one reading of a name, before rivals are minded."""

    guess: Guess
    distance: float
    telling: float
    said: float  # 1 where the name says the song's artist, less the less alike; 0 where not
    other: str  # another artist whom the name says, "" for none
    performs: bool  # and who is known for a song of this title
    turned: bool  # and who is named behind the title
    within: bool
    inexact: bool
    remix: bool
    penalties: tuple[Penalty, ...]
    letters: int
    knows_artist: bool

    def features(self, others: int) -> dict[str, float]:
        """What is known of the pair, by the names of WEIGHTS, given how many other artists have songs of the title."""
        somebody = bool(self.other) and not self.knows_artist
        return {
            "bias": 1.0,
            "distance": self.distance,
            "telling": self.telling,
            "said": self.said,
            "other": float(bool(self.other) and self.knows_artist),
            "somebody": float(somebody),
            "performs": float(self.performs),
            "turned": float(self.turned),
            "within": float(self.within),
            "remix": float(self.remix and not self.said),
            "inexact": float(self.inexact),
            "others": 0.0 if self.said else crowd(self.telling, others),
        }

    def logit(self, others: int = 0) -> float:
        """In favour of the match."""
        return sum(WEIGHTS[name] * value for name, value in self.features(others).items())


def crowd(bits: float, others: int) -> float:
    """How far other artists' songs of a title tell against a match: where it tells much they are versions of one song."""
    return log2(1 + others) * max(1 - bits / PLAIN, 0.0)


def weigh(guess: Guess, name: Name, around: str, seconds: float | None, performers: Sequence[str], run: str = "") -> Evidence:
    """One reading of a name against one way a song is said.

    `performers` are artists who are known for a song of this title: one of them in the name explains its words. `run` is the
    name as one plain run.
    """
    found, song = name.found, name.found.song
    one = match(guess, found, around, seconds)
    penalties = [penalty for penalty in one.penalties if penalty.name not in ("other artist", "version")]
    said, other, performs = (max(one.artist_fits, 0.0) if song.artist else 0.0), "", False
    if not said:
        beside = (guess.artist, guess.rest, guess.aside)
        other = next((text for text in beside if text and one_of(text, performers)), "")
        performs = bool(other)
        if other and other == guess.rest:
            penalties = [penalty for penalty in penalties if penalty.name != "unexplained"]
        elif guess.artist and guess.doubt <= WHO and artist_like(guess.artist):
            other = guess.artist
    echoed = _echoed(guess.rest, found.plain)
    if echoed:
        penalties = [penalty for penalty in penalties if penalty.name != "unexplained"]
    tells, inexact = name.telling, loose(plain(guess.title)) != found.loose
    if inexact:
        tells *= min(len(plain(guess.title)) / max(len(found.plain), 1), 1.0)
    if len(words(guess.title)) > 1:
        tells = min(tells, telling(guess.title))
    turned = bool(other) and not performs and -1 < run.find(plain(guess.title)) < run.find(plain(other))
    return Evidence(
        guess=guess,
        distance=round(sum(penalty.weight for penalty in penalties), 4),
        telling=round(tells, 2),
        said=round(said, 3),
        other=other,
        performs=performs,
        turned=turned,
        within=not (said or performs or echoed) and any(not slight(word) for word in guess.rest.split()),
        inexact=inexact,
        remix=bool({"mix", "remix"} & set(words(guess.rest) + guess.versions)),
        penalties=tuple(penalties),
        letters=one.letters,
        knows_artist=bool(song.artist),
    )


def artist_like(said: str) -> bool:
    """Whether what stands where an artist does may be one, and not a collection: `Disney_Themes_-_Under_The_Sea`."""
    return not _COLLECTIONS & set(words(said))


def _echoed(rest: str, title: str) -> bool:
    """Whether the words beside a title are only its own short name once more: `Deck The Halls deckhall`."""
    found = [plain(word) for word in rest.split() if not slight(word)]
    return bool(found) and all(word[0] == title[0] and _in_order(word, title) for word in found)


def _in_order(word: str, title: str) -> bool:
    letters = iter(title)
    return all(letter in letters for letter in word)


def one_of(said: str, performers: Sequence[str]) -> bool:
    return any(artist_distance(said, performer) <= OTHER for performer in performers)


def told(evidence: Evidence, artist: str, others: int) -> tuple[Penalty, ...]:
    """All that speaks against a match, that of the closed list included, weighed as penalties (a distance, not logits)."""
    more = list[Penalty]()

    def add(name: str, logit: float, detail: str) -> None:
        more.append(Penalty(SAID[name], round(logit / WEIGHTS["distance"], 4), detail))

    known = WEIGHTS["performs"] * evidence.performs
    if evidence.other and evidence.knows_artist:
        add("other", WEIGHTS["other"] + known, f"“{evidence.other}” is not {artist}: another performer's version")
    elif evidence.other:
        add("somebody", WEIGHTS["somebody"] + known, f"“{evidence.other}” is named, and the film's list names nobody")
    if evidence.other and evidence.turned:
        add("turned", WEIGHTS["turned"], f"“{evidence.other}” stands behind it, where an artist seldom does")
    if evidence.within:
        add("within", WEIGHTS["within"], f"“{evidence.guess.rest}” may belong to a longer title")
    if evidence.remix and not evidence.said:
        add("remix", WEIGHTS["remix"], "a remix, and the film's list speaks of none")
    if evidence.inexact:
        add("inexact", WEIGHTS["inexact"], "not spelled out, it may be another title")
    if not evidence.said and crowd(evidence.telling, others) > 0:
        add("others", WEIGHTS["others"] * crowd(evidence.telling, others), f"{others} other artists are known for this title")
    if not evidence.said and evidence.telling < PLAIN:
        short = WEIGHTS["telling"] * (evidence.telling - PLAIN)
        add("telling", short, "a title so short or common may be another song's")
    return (*evidence.penalties, *more)


def others_of(artist: str, performers: Sequence[str]) -> int:
    """How many of the performers are not this artist; each counted once."""
    return len({artist_key(one) for one in performers if one and not (artist and artist_distance(artist, one) <= OTHER)})


def capped(probability: float, evidence: Evidence) -> float:
    """A probability that minds what no name can tell."""
    most = LIKELIEST if evidence.said else LIKELIEST_UNSAID
    return probability if probability <= SURE else SURE + (probability - SURE) * (most - SURE) / (1 - SURE)


def likely(logit: float) -> float:
    """The probability of a logit."""
    return 1 / (1 + exp(-max(min(logit, 500.0), -500.0)))
