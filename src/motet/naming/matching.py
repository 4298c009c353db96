"""How well a guess fits a song: named penalties with weights, which can be printed and add up to a distance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Protocol

from rapidfuzz.distance import Indel

from motet.naming.cleaning import Guess, core, noise, slight, title_readings, versions_of
from motet.naming.index import Found, KnownSong
from motet.naming.spelling import artist_key, loose, plain, words

# What a full penalty of each kind costs.
WEIGHTS = {
    "title": 2.0,  # letters that differ
    "cut short": 0.5,  # the name stops before the title does
    "left out": 1.0,  # a bracket of the title is not in the name
    "artist": 0.5,  # how far the named artist is from the song's
    "other artist": 0.5,  # the name has words where an artist stands, and they are not this one
    "unexplained": 0.8,  # share of the name's letters that are neither title nor artist
    "order": 1.0,  # how forced the reading is: turned about, split where nothing separates, from inside the file
    "version": 0.15,  # live, remix, reprise: said by one side only
    "duration": 0.3,  # apart by a sixth or more
}
CUT_STANDS_FOR = 1.5  # the eight letters that DOS left of a name tell as much as so many times more
LEAST_MENTIONED = 8  # letters of an artist's name that is no chance inside a longer text
LEAST_SHORTENED = 6  # letters of a name that may be a title with letters left out
OTHER = 0.45  # artists further apart than this are different ones


@dataclass(frozen=True)
class Penalty:
    """One thing that speaks against a match. `weight` is what it costs; `detail` says why, for a person."""

    name: str
    weight: float
    detail: str


@dataclass(frozen=True)
class Match:
    """A song as an answer to one guess. `letters`: how many of the name found their place in the title."""

    song: KnownSong
    guess: Guess
    penalties: tuple[Penalty, ...]
    letters: int
    artist_fits: float  # 1 where the name or what surrounds it says this artist, 0 where it says none, -1 another

    @cached_property
    def distance(self) -> float:
        return round(sum(penalty.weight for penalty in self.penalties), 4)

    @cached_property
    def core(self) -> str:
        return core(self.song.title)


class Adds(Protocol):
    """Notes a penalty: its name in WEIGHTS, how much of it, 0 to 1, and why."""

    def __call__(self, name: str, share: float, detail: str) -> None: ...


def match(guess: Guess, found: Found, around: str = "", duration: float | None = None) -> Match:
    """Weigh a song against a guess. `around` is what folders and texts say, as one plain run with spaces between texts."""
    song, penalties = found.song, list[Penalty]()

    def add(name: str, share: float, detail: str) -> None:
        if share > 0:
            penalties.append(Penalty(name, round(WEIGHTS[name] * min(share, 1.0), 4), detail))

    run = plain(guess.title)
    key = loose(run)
    letters = round(len(run) * CUT_STANDS_FOR) if guess.cut else len(run)
    if key != found.loose:
        if found.plain.startswith(run):
            missing = 0.1 if guess.cut else 0.3 + 0.7 * (1 - len(run) / len(found.plain))
            add("cut short", missing, f"“{guess.title}” is only the beginning")
        elif _abbreviates(run, found.plain):
            later = 0.3 if run[0] != found.plain[0] else 0.0
            add(
                "cut short", 0.3 + later + 0.7 * (1 - len(run) / len(found.plain)), f"“{guess.title}” is short for “{song.title}”"
            )
        else:
            apart = 1 - Indel.normalized_similarity(key, found.loose)
            # A slip or two is common; what differs in more is more likely another title.
            add("title", apart + 2 * apart**2, f"“{guess.title}” is not spelled like “{song.title}”")
            letters = round(letters * (1 - apart))
    elif run != found.plain and found.plain not in (f"the{run}", f"a{run}"):
        add("title", 0.03, f"“{guess.title}” is spelled a little unlike “{song.title}”")
    add("left out", found.left_out, f"not all of “{song.title}” is named")
    fits, rest = _artist(guess, song, around, add)
    if fits > 0:
        letters += min(len(plain(song.artist)), 8)
    if rest or (guess.aside and fits <= 0):
        apart = _unexplained(rest, "" if fits > 0 else guess.aside, len(run) + len(plain(guess.artist)))
        add("unexplained", apart, f"“{rest or guess.aside}” is neither title nor artist")
    add("order", guess.doubt, "the clue was not read the plain way")
    said, listed = set(guess.versions), set(versions_of(song.title)) if "(" in song.title else set()
    if said != listed:
        add("version", 1.0, f"{', '.join(sorted(said ^ listed))}: said by one of the two only")
    if duration and song.duration:
        apart = abs(duration - song.duration) / max(duration, song.duration)
        add("duration", apart * 6 if apart > 0.03 else 0.0, f"{duration:.0f} s, and {song.duration:.0f} s is known")
    return Match(song, guess, tuple(penalties), letters, fits)


def _abbreviates(run: str, title: str) -> bool:
    """Whether a name is what is left of a title without some of its letters, such as `moonchld` or `talkwind`."""
    if len(run) < LEAST_SHORTENED or len(run) * 3 < len(title):
        return False
    letters = iter(title)
    return all(letter in letters for letter in run)


def known(song: KnownSong) -> list[Found]:
    """A song that came from elsewhere, by each of its keys, as the index would find it."""
    return [Found(song, key, run, left_out) for run, key, left_out in title_readings(song.title)]


def _artist(guess: Guess, song: KnownSong, around: str, add: Adds) -> tuple[float, str]:
    """What the name says of the artist: 1, 0 or -1, and the words that are left."""
    best, left, said = (artist_distance(guess.artist, song.artist) if guess.artist else 1.0), guess.rest, guess.artist
    if best > OTHER and guess.rest:
        other, remaining = _within(guess.rest, song.artist)
        if other < best:
            best, left, said = other, " ".join(filter(None, (guess.artist, remaining))), guess.rest
    if best > OTHER and guess.aside and (other := _within(guess.aside, song.artist)[0]) < best:
        best, said = other, guess.aside
    if best <= OTHER:
        add("artist", best, f"“{said}” for {song.artist}")
        return 1.0 - best, left
    if guess.artist:
        add("other artist", 1.0, f"“{guess.artist}” is not {song.artist}")
        return -1.0, left
    return (0.9 if around.strip() and _mentioned(song.artist, around) else 0.0), left


@lru_cache(1 << 14)
def artist_distance(said: str, artist: str) -> float:
    """How far what a name says is from an artist's name: 0 the same, up to 0.45 likely the same, 1 another.

    The order of names does not count; an initial stands for a name, a surname for the whole.
    """
    one, other = words(said), words(artist)
    if not one or not other:
        return 1.0
    if artist_key(said) == artist_key(artist) or plain(said) == plain(artist):
        return 0.0
    ones, others = set(one) - {"the", "and"}, set(other) - {"the", "and"}
    run, whole = plain(said), plain(artist)
    if ones and others and (ones <= others or others <= ones) and max(map(len, ones & others)) > 2:
        return 0.1 if len(ones & others) > 1 else 0.2
    if _initialled(one, other) or _initialled(other, one):
        return 0.15
    if len(run) > 4 and whole.startswith(run):
        return 0.2
    if len(one) == 1 and len(others) > 1 and run in {"".join(w[0] for w in other), "".join(w[0] for w in other if w in others)}:
        return 0.4
    joined = plain(" ".join(sorted(ones))), plain(" ".join(sorted(others)))
    near = max(Indel.normalized_similarity(*joined), Indel.normalized_similarity(run, whole))
    return round(1 - near, 3) if near >= 0.75 else 1.0


def _initialled(short: Sequence[str], full: Sequence[str]) -> bool:
    """Whether `P FLOYD` or `G MICHAEL` stands for a name of as many words."""
    if len(short) != len(full) or not any(len(word) == 1 for word in short):
        return False
    for turned in (list(full), [*full[1:], full[0]]):
        if all(one == other or (len(one) == 1 and other.startswith(one)) for one, other in zip(short, turned, strict=True)):
            return any(len(word) > 2 for word in short)
    return False


@lru_cache(1 << 14)
def _within(rest: str, artist: str) -> tuple[float, str]:
    """The artist found in words that stand around the title: the distance, and the words that are then left."""
    found = rest.split()
    best, left = artist_distance(rest, artist), ""
    for at in range(1, len(found)):
        for some, others in ((found[:at], found[at:]), (found[at:], found[:at])):
            apart = artist_distance(" ".join(some), artist)
            if apart < best:
                best, left = apart, " ".join(others)
    return best, left


def _mentioned(artist: str, around: str) -> bool:
    """Whether a folder or text is the artist's name, either way round, or holds it if it is no short one."""
    said = words(artist)
    names = {"".join(said), "".join(said[-1:] + said[:-1]), "".join(word for word in said if word not in ("the", "and"))}
    return any(name and (f" {name} " in around or (len(name) >= LEAST_MENTIONED and name in around)) for name in names)


def _unexplained(rest: str, aside: str, explained: int) -> float:
    """The share of a name's letters that are left; a sequencer's initials and numbers and what
    stands in brackets count little, noise nothing."""
    letters = 0.0
    for word in rest.split():
        if not noise(word):
            run = plain(word)
            letters += 0.3 if slight(word) else len(run)
    letters += 0.2 * sum(len(plain(word)) for word in aside.split() if not noise(word))
    return letters / (letters + explained) if letters else 0.0
