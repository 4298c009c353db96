"""Which song it is: every guess against the index, the best match, and how likely it is right."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import exp, log, log2
from typing import Literal

from rapidfuzz.distance import Indel

from motet.naming.cleaning import Guess, guesses
from motet.naming.clues import LONGEST_LYRIC, MOST_CLUES, Clue
from motet.naming.index import Found, KnownSong, SongIndex
from motet.naming.matching import OTHER, Match, Penalty, artist_distance, known, match
from motet.naming.spelling import LONGEST, artist_key, loose, plain

Level = Literal["artist and title", "title only", "unidentified"]

SURE = 0.78  # the least probability with which a song is named
# Logistic weights. docs/naming.md tells what they were fitted on, and how well they hold.
FEATURES = ("distance", "letters", "artist", "copies")
TITLE_WEIGHTS = {"bias": -4.4, "distance": -4.3, "letters": 1.9, "artist": 1.6, "copies": 0.35, "rivals": 2.5}
ARTIST_WEIGHTS = {"bias": 2.5, "fits": 0.7, "share": 6.6}
UNLISTED = 0.5  # copies of a song by an artist whom the index does not know
SAME = 0.2  # distance up to which two listed artists of one title are one

_FEWEST = 4  # letters of a name that may be the beginning of a title, or a misspelt one
_DOUBT = 0.3  # up to which a reading is looked up in every way
_PLAIN = 0.05  # doubt of a reading at its separators
_SAME_TITLE = 0.8  # similarity from which two titles are meant to be one
_CLOSE = 0.25  # distance of an exact title from which no looser way is tried
_GLUED = 0.2  # doubt of a title to whose end something is glued
_GLUED_FEWEST = 5  # letters of such a title


@dataclass(frozen=True)
class Identification:
    """The song a file holds, as far as its clues tell.

    At level "artist and title" both are filled in. At "title only" the title is sure and the artist is not, for several
    have it and nothing tells which: `artist` is "". At "unidentified" both are "". `guess_artist` and `guess_title` are the
    best guess in any case.

    `probability` is that what is told is right; of an unidentified file, that the title guessed is. `penalties` say what
    speaks against the match, `read_as` how the clue was read, `runner_up` what else it may be. `identifiers` are those of
    the song, where both artist and title are told.
    """

    artist: str
    title: str
    level: Level
    probability: float
    guess_artist: str
    guess_title: str
    penalties: tuple[Penalty, ...] = ()
    identifiers: dict[str, str] = field(default_factory=dict)
    read_as: Guess | None = None
    runner_up: KnownSong | None = None

    @property
    def percent(self) -> str:
        """The probability as a person reads it: never 100 %."""
        return f"{min(self.probability, 0.99):.0%}"

    def explain(self) -> str:
        """The reasons, a line each."""
        lines = [f"{self.level}, {self.percent}"]
        if self.read_as:
            artist = f"artist “{self.read_as.artist}”, " if self.read_as.artist else ""
            lines.append(f"{self.read_as.where} read as {artist}title “{self.read_as.title}”")
        if self.level != "artist and title" and self.guess_title:
            lines.append(f"best guess: {' - '.join(filter(None, (self.guess_artist, self.guess_title)))}")
        lines += [f"{penalty.name} -{penalty.weight:.2f}: {penalty.detail}" for penalty in self.penalties]
        if self.runner_up:
            lines.append(f"next best: {self.runner_up.artist} - {self.runner_up.title}")
        return "\n".join(lines)


@dataclass(frozen=True)
class Evidence:
    """What the two probabilities are made of.

    Of the title: the features of the best match, and `rivals`, the logarithm of its share among all titles that match. Of
    the artist, given the title: how far the clues name it (0 to 1, or -1 for another one), and `share`, the logit of its
    share among the copies of that title.
    """

    features: tuple[float, ...]
    rivals: float
    fits: float
    share: float

    def title(self) -> float:
        """The probability that the title is right; never more than its share among those that match."""
        likely = _logistic(TITLE_WEIGHTS["bias"] + score(self.features) + TITLE_WEIGHTS["rivals"] * self.rivals)
        return min(likely, exp(self.rivals))

    def given_title(self) -> float:
        """The probability that the artist is right where the title is: 0 where the clues name another one."""
        if self.fits < 0:
            return 0.0
        weights = ARTIST_WEIGHTS
        return _logistic(weights["bias"] + weights["fits"] * self.fits + weights["share"] * self.share)


def identify(
    clues: Sequence[Clue], index: SongIndex | None, duration: float | None = None, others: Sequence[KnownSong] = ()
) -> Identification:
    """Name the song.

    `duration` is the file's, in seconds; `others` are songs that a service proposed, weighed like those of the index. Without
    both, the best reading of the clues is told as the guess of an unidentified song. At most 60 clues are looked at.
    """
    clues = clues[:MOST_CLUES]
    read = guesses(clues)
    if not read:
        return Identification("", "", "unidentified", 0.0, "", "")
    matches = ranked(read, clues, index, duration, others)
    if not matches:
        return Identification("", "", "unidentified", 0.0, read[0].artist, read[0].title, read_as=read[0])
    best = matches[0]
    song, evidence = best.song, weigh(matches, read)
    title = evidence.title()
    both = title * evidence.given_title()
    level: Level = "unidentified"
    if title >= SURE:
        level = "artist and title" if both >= SURE and song.artist else "title only"
    named = level == "artist and title"
    return Identification(
        artist=song.artist if named else "",
        title=song.title if title >= SURE else "",
        level=level,
        probability=round(both if named else title, 4),
        guess_artist=song.artist,
        guess_title=song.title,
        penalties=best.penalties,
        identifiers=song.identifiers if named else {},
        read_as=best.guess,
        runner_up=next((one.song for one in matches[1:] if not _same_song(one, best)), None),
    )


def ranked(
    read: Sequence[Guess], clues: Sequence[Clue], index: SongIndex | None, duration: float | None, others: Sequence[KnownSong]
) -> list[Match]:
    """The best match of each song that any guess leads to, the best first; equal ones by artist and title."""
    around = " ".join(["", *(_run(clue) for clue in clues if clue.where != "file name"), ""])
    best: dict[KnownSong, Match] = {}

    def weigh_in(guess: Guess, found: Iterable[Found]) -> None:
        for one in found:
            new = match(guess, one, around, duration)
            if one.song not in best or score(features(new)) > score(features(best[one.song])):
                best[one.song] = new

    for song in others:
        for guess in read:
            weigh_in(guess, known(song))
    if index is not None:
        by_key: dict[str, list[Found]] = {}
        for one in index.titled(loose(plain(guess.title)) for guess in read):
            by_key.setdefault(one.loose, []).append(one)
        for guess in read:
            weigh_in(guess, by_key.get(loose(plain(guess.title)), ()))
        # Looser ways only where no title fits as it stands: they cost time and find what only looks alike.
        far = not best or min(one.distance for one in best.values()) > _CLOSE
        for guess in read:
            run = plain(guess.title)
            likely = far and guess.doubt <= _DOUBT and not guess.rest and len(run) >= _FEWEST
            if guess.cut or likely:
                weigh_in(guess, index.beginning(run))
            if likely:
                weigh_in(guess, index.alike(loose(run)))
            if far and guess.doubt == 0 and not guess.artist and " " not in guess.title:
                for shorter in _glued(guess, run):
                    weigh_in(shorter, index.titled([loose(plain(shorter.title))]))
    return sorted(best.values(), key=lambda one: (-round(score(features(one)), 6), one.song.artist, one.song.title))


def _glued(guess: Guess, run: str) -> list[Guess]:
    """Readings of a name of one word as a title with something glued to its end."""
    cuts = range(max(_GLUED_FEWEST, len(run) // 2), len(run))
    return [Guess("", run[:at], guess.versions, guess.where, _GLUED, run[at:]) for at in cuts]


def _run(clue: Clue) -> str:
    """A clue as one plain run; of lyrics more than of others."""
    longest = LONGEST_LYRIC if clue.where == "lyric" else LONGEST
    return "".join(plain(clue.text[at : at + LONGEST]) for at in range(0, min(len(clue.text), longest), LONGEST))


def _by_another(best: Match, read: Sequence[Guess]) -> bool:
    """Whether a plain reading gives the song's title to an artist who is not the song's, though another reading fits better."""
    return best.artist_fits <= 0 and any(
        guess.artist
        and guess.doubt <= _PLAIN
        and artist_distance(guess.artist, best.song.artist) > OTHER
        and Indel.normalized_similarity(loose(plain(guess.title)), best.core) >= _SAME_TITLE
        for guess in read
    )


def _same_song(one: Match, other: Match) -> bool:
    return one.core == other.core and artist_key(one.song.artist) == artist_key(other.song.artist)


def features(match: Match) -> tuple[float, ...]:
    """What speaks for and against a match: its distance, letters explained (log2), the artist, copies listed (log2)."""
    return (match.distance, log2(max(match.letters, 1)), match.artist_fits, log2(max(match.song.copies, 1)))


def score(values: Sequence[float]) -> float:
    """The features of a match as one number, in logits but for a constant."""
    return sum(TITLE_WEIGHTS[name] * value for name, value in zip(FEATURES, values, strict=True))


def weigh(matches: Sequence[Match], read: Sequence[Guess]) -> Evidence:
    """The evidence for the first of the matches, which are sorted, with the guesses they came from."""
    best = matches[0]
    most = score(features(best))
    titles: dict[str, float] = {}
    mine, everyone = 0.0, UNLISTED
    for one in matches:
        titles[one.core] = max(titles.get(one.core, 0.0), exp(score(features(one)) - most))
        if one.core == best.core:
            worse = TITLE_WEIGHTS["distance"] * (one.distance - best.distance)
            worse += TITLE_WEIGHTS["artist"] * (one.artist_fits - best.artist_fits)
            copies = one.song.copies * exp(min(worse, 0.0))
            everyone += copies
            mine += copies if artist_distance(one.song.artist, best.song.artist) <= SAME else 0.0
    # A song that a service proposes may have no copies: then nothing speaks for its artist but the clues.
    share = max(mine, 0.01) / max(everyone, 0.02)
    fits = -1.0 if _by_another(best, read) else best.artist_fits
    return Evidence(features(best), -log(sum(titles.values())), fits, log(share / (1 - share)))


def _logistic(value: float) -> float:
    return 1 / (1 + exp(-max(min(value, 500.0), -500.0)))
