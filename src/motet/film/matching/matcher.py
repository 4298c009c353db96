"""Film songs against a catalogue, one item after the other, and families of duplicates."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from math import exp, isfinite

from rapidfuzz.distance import Indel

from motet.errors import UserError
from motet.film.errors import FilmError
from motet.naming import Clue, Guess, Penalty, SongIndex, guesses
from motet.naming.cleaning import cleaned
from motet.naming.clues import MOST_CLUES
from motet.naming.identifying import SAME
from motet.naming.index import Found
from motet.naming.matching import artist_distance, match
from motet.naming.spelling import LONGEST, artist_key, loose, plain

from .shelf import Shelf
from .titles import Name, names, numbers, other_number, telling, words_fit
from .weighing import SURE, WEIGHTS, WHO, Evidence, artist_like, capped, likely, one_of, others_of, told, weigh

FAMILY = 0.96  # how sure it is that a duplicate of a match is one
_LOOK = 0.05  # probability below which a pair is not looked at further
_LOOSE_DOUBT = 0.06  # up to which a reading is looked for misspelt or cut short
_BEGUN = 8  # letters of a name that may be the beginning of a title
_MOST_OF_IT = 0.55  # of a title, that a name must be which is only its beginning or end
_PART, _PART_TELLS = 0.4, 13.0  # or so much, where it tells so many bits by itself
_ALIKE = 9  # letters of a name that may be misspelt
_SIMILAR = 0.86  # how alike it then is
_SAME_TITLE = 0.95  # how alike a known title must be to be but another spelling of one that a name does not spell out
_GLUED = 7  # letters of a title to which something is glued
_GLUED_MOST = 40  # letters of a name in which such a title is looked for
_GLUED_DOUBT = 0.2
_RIVAL_TELLS = 0.25  # logits per bit by which a rival that explains more of the name is the likelier song
_RIVAL_DOUBT = 0.3
_SHORT_NAME = 2  # letters of a folder that names no artist
_STAMPED = re.compile(r"__[^-]*_\d{8,14}\.\w+$")


@dataclass(frozen=True)
class Wanted:
    """A song of a film. `artist` is "" where the list names none; `key` is the caller's."""

    key: str
    title: str
    artist: str


@dataclass(frozen=True)
class Catalogued:
    """A MIDI file or recording, known by its clues. `family` names the group of duplicates it is in, "" for none."""

    id: str
    clues: tuple[Clue, ...]
    seconds: float | None
    family: str


@dataclass(frozen=True)
class SongMatch:
    """An item of the catalogue that is a film's song, with the probability that it is, and what speaks against it.

    `through` is "name", or "family of <id>" where a duplicate was matched by its name and not this item.
    """

    wanted: str
    item: str
    probability: float
    penalties: tuple[Penalty, ...]
    read_as: str
    through: str

    def explain(self) -> str:
        """The reasons, a line each."""
        lines = [f"{min(self.probability, 0.99):.0%} through {self.through}", self.read_as]
        lines += [f"{penalty.name} -{penalty.weight:.2f}: {penalty.detail}" for penalty in self.penalties]
        return "\n".join(lines)


@dataclass(frozen=True)
class _Candidate:
    song: int
    found: Found
    evidence: Evidence
    performers: tuple[str, ...]


class Matcher:
    """Finds the film songs that an item may be, among `wanted`; told are those of a probability of at least `least`.

    `index` is what else is known of songs: who else has songs of a title, and which other titles a name may say. Raises
    FilmError where two songs have one key, UserError where `least` is no probability.
    """

    def __init__(self, wanted: Sequence[Wanted], *, least: float = SURE, index: SongIndex | None = None) -> None:
        if not 0 <= least <= 1:
            msg = f"A probability is between 0 and 1, and the least that is asked for is {least}; give one of that range."
            raise UserError(msg)
        self._least, self._index = least, index
        together: dict[tuple[str, str], list[str]] = {}
        self._songs: list[list[Name]] = []
        self._keys: list[list[str]] = []
        seen = set[str]()
        for one in wanted:
            if one.key in seen:
                raise FilmError("repeated_key", f"two songs of the list have the key “{one.key[:80]}”: give each its own.")
            seen.add(one.key)
            found = names(one.title, one.artist)
            if not found:
                continue
            song = (found[0].found.song.title, found[0].found.song.artist)
            if song not in together:
                together[song] = []
                self._songs.append(found)
                self._keys.append(together[song])
            together[song].append(one.key)
        self._shelf = Shelf(self._songs)
        self._artists = frozenset(artist_key(artist) for _, artist in together if len(plain(artist)) > _SHORT_NAME)
        self._known = lru_cache(1 << 12)(self._look_up)

    def match(self, one: Catalogued) -> list[SongMatch]:
        """The film songs that an item is a version of, the likeliest first; equal ones by their keys."""
        clues = [_unsigned(clue) for clue in one.clues[:MOST_CLUES]]
        read = guesses(clues)
        if not read:
            return []
        seconds = one.seconds if one.seconds and isfinite(one.seconds) and one.seconds > 0 else None
        best = self._candidates(read, clues, seconds)
        if not best:
            return []
        rivals = self._rivals(read, best)
        found = list[SongMatch]()
        for candidate in best:
            evidence, song = candidate.evidence, candidate.found.song
            others = others_of(song.artist, candidate.performers)
            logit = evidence.logit(others)
            probability, penalties = likely(logit), told(evidence, song.artist, others)
            if rival := self._strongest(candidate, rivals):
                title, more = rival
                share = 1 / (1 + exp(min(more, 50.0)))
                if share < probability:
                    cost = round(max(logit + more, 0.0) / -WEIGHTS["distance"], 4)
                    penalties = (*penalties, Penalty("rival", cost, f"“{title}” fits the name better"))
                    probability = share
            probability = round(capped(probability, evidence), 4)
            if probability >= self._least:
                read_as = _read_as(evidence.guess)
                found += [SongMatch(key, one.id, probability, penalties, read_as, "name") for key in self._keys[candidate.song]]
        return sorted(found, key=lambda match: (-match.probability, match.wanted))

    def _candidates(self, read: Sequence[Guess], clues: Sequence[Clue], seconds: float | None) -> list[_Candidate]:
        """The best reading for each song that any reading leads to, in the order of the songs."""
        around = " ".join(["", *(plain(clue.text) for clue in clues if clue.where != "file name"), ""])
        run = "".join(plain(clue.text) for clue in clues if clue.where == "file name")
        folders = [clue.text for clue in clues if clue.where == "folder" and len(plain(clue.text)) > _SHORT_NAME]
        best: dict[int, _Candidate] = {}
        for guess, number, name in self._looked_up(read):
            listed, performers = self._known(name.found.loose)
            timed = replace(name, found=_timed(name.found, listed)) if seconds else name
            evidence = self._credited(weigh(guess, timed, around, seconds, performers, run), performers, read, folders)
            old = best.get(number)
            if likely(evidence.logit()) >= _LOOK and (old is None or evidence.logit() > old.evidence.logit()):
                best[number] = _Candidate(number, name.found, evidence, performers)
        return [best[number] for number in sorted(best)]

    def _credited(self, evidence: Evidence, performers: Sequence[str], read: Sequence[Guess], folders: Sequence[str]) -> Evidence:
        """The evidence with the artist to whom a plain reading gives the title, though another reading fits better, or who is
        known and whose name the folder bears."""
        if evidence.said or evidence.other:
            return evidence
        key = loose(plain(evidence.guess.title))
        for one in read:
            if one.artist and one.doubt <= WHO and artist_like(one.artist) and loose(plain(one.title)) == key:
                return replace(evidence, other=one.artist)
        for folder in folders:
            performs = one_of(folder, performers)
            if performs or artist_key(folder) in self._artists:
                return replace(evidence, other=folder, performs=performs)
        return evidence

    def _looked_up(self, read: Sequence[Guess]) -> Iterator[tuple[Guess, int, Name]]:
        """Every reading with the songs it may name: by the whole title first, in looser ways where none is called so."""
        exact = False
        for guess in read:
            for number, name in self._shelf.titled(loose(plain(guess.title))):
                if other_number(guess.rest, name.found.song.title):
                    continue
                exact = exact or guess.doubt <= _LOOSE_DOUBT
                yield guess, number, name
        if exact:
            return
        for guess in read:
            run = plain(guess.title)
            if guess.rest or guess.doubt > _LOOSE_DOUBT or len(run) < _BEGUN - guess.cut:
                continue
            bits = telling(guess.title)
            for number, name in (*self._shelf.beginning(run), *(() if guess.cut else self._shelf.ending(run))):
                share = len(run) / len(name.found.plain)
                enough = guess.cut or share >= _MOST_OF_IT or (bits >= _PART_TELLS and share >= _PART)
                if enough and not name.piece and numbers(run) == numbers(name.found.plain):
                    yield guess, number, name
            if len(run) >= _ALIKE and not guess.cut:
                key = loose(run)
                for number, name in self._shelf.alike(key):
                    near = Indel.normalized_similarity(key, name.found.loose) >= _SIMILAR
                    if near and numbers(key) == numbers(name.found.loose) and words_fit(guess.title, name):
                        yield guess, number, name
            if guess.doubt == 0 and not guess.artist and " " not in guess.title and len(run) <= _GLUED_MOST:
                yield from self._glued(guess, run)

    def _glued(self, guess: Guess, run: str) -> Iterator[tuple[Guess, int, Name]]:
        """A name of one word, read as a title with something glued to either end."""
        for at in range(3, len(run) - 2):
            for title, rest in ((run[:at], run[at:]), (run[at:], run[:at])):
                if len(title) >= _GLUED:
                    shorter = Guess("", title, guess.versions, guess.where, _GLUED_DOUBT, rest)
                    for number, name in self._shelf.spelled(title):
                        yield shorter, number, name

    def _look_up(self, key: str) -> tuple[tuple[Found, ...], tuple[str, ...]]:
        """What the index knows under a loose key, and who is known for a song so called, in the index or on the list."""
        listed = tuple(self._index.titled([key])) if self._index is not None else ()
        artists = [found.song.artist for found in listed if found.left_out == 0]
        artists += [name.found.song.artist for _, name in self._shelf.titled(key) if name.found.left_out == 0]
        return listed, tuple(sorted({artist for artist in artists if plain(artist)}))

    def _rivals(self, read: Sequence[Guess], best: Sequence[_Candidate]) -> list[tuple[str, float, str, Guess]]:
        """Titles that a name may say, those of the list and of the index: key, logits, how called, and read how."""
        found: dict[str, tuple[str, float, str, Guess]] = {}

        def add(one: Found, guess: Guess) -> None:
            weight = _fit(guess, one)
            if one.loose not in found or weight > found[one.loose][1]:
                found[one.loose] = (one.loose, weight, one.song.title, guess)

        for candidate in best:
            add(candidate.found, candidate.evidence.guess)
        if self._index is not None:
            for guess in read:
                if guess.doubt <= _RIVAL_DOUBT:
                    for one in self._known(loose(plain(guess.title)))[0]:
                        if one.left_out == 0:
                            add(one, guess)
        return sorted(found.values(), key=lambda rival: (-rival[1], rival[0]))

    def _strongest(self, candidate: _Candidate, rivals: Sequence[tuple[str, float, str, Guess]]) -> tuple[str, float] | None:
        """The title that fits a name best instead of a candidate's, and by how many logits."""
        mine = _fit(candidate.evidence.guess, candidate.found) + WEIGHTS["said"] * candidate.evidence.said
        for key, weight, title, _ in rivals:
            apart = _SAME_TITLE if candidate.evidence.inexact else _SIMILAR
            if key != candidate.found.loose and Indel.normalized_similarity(key, candidate.found.loose) < apart:
                return (title, weight - mine) if weight > mine - 3 else None
        return None


def _unsigned(clue: Clue) -> Clue:
    """A file name without who sequenced it, as in `artist_-_title__who_20130129020751` and `artist__title__who`."""
    if clue.where != "file name":
        return clue
    name, _, who = cleaned(clue.text).rpartition("__")
    if plain(name) and plain(who) and "-" not in who and ("__" in name or _STAMPED.search(clue.text[:LONGEST])):
        return Clue(name, "file name")
    return clue


def _timed(found: Found, listed: Sequence[Found]) -> Found:
    """A film song with the length that the index knows of it, if it knows this artist's."""
    for one in listed:
        if one.song.duration and artist_distance(one.song.artist, found.song.artist) <= SAME:
            return replace(found, song=replace(found.song, duration=one.song.duration))
    return found


def _fit(guess: Guess, found: Found) -> float:
    one = match(guess, found)
    distance = sum(penalty.weight for penalty in one.penalties if penalty.name not in ("other artist", "artist", "version"))
    return WEIGHTS["distance"] * distance + _RIVAL_TELLS * telling(guess.title)


def _read_as(guess: Guess) -> str:
    artist = f"artist “{guess.artist[:LONGEST]}”, " if guess.artist else ""
    return f"{guess.where} read as {artist}title “{guess.title}”"


def match_all(
    wanted: Sequence[Wanted], catalogue: Iterable[Catalogued], least: float = SURE, *, index: SongIndex | None = None
) -> list[SongMatch]:
    """All matches, by wanted song, the likeliest first; duplicates of a match are matches, too.

    Memory holds the matches, and an id for each member of a family of duplicates; the catalogue is gone through once.
    """
    matcher = Matcher(wanted, least=least, index=index)
    found = list[SongMatch]()
    families: dict[str, list[str]] = {}
    in_family: dict[str, list[SongMatch]] = {}
    for one in catalogue:
        matches = matcher.match(one)
        found += matches
        if one.family:
            families.setdefault(one.family, []).append(one.id)
            if matches:
                in_family.setdefault(one.family, []).extend(matches)
    for family, matches in sorted(in_family.items()):
        found += _kin(families[family], matches, least)
    return sorted(found, key=lambda match: (match.wanted, -match.probability, match.item))


def _kin(members: Sequence[str], matches: Sequence[SongMatch], least: float) -> Iterator[SongMatch]:
    """The matches of a family's members by those of the others: a member's own word goes before that of its kin."""
    named = {one.item for one in matches}
    best: dict[str, SongMatch] = {}
    for one in sorted(matches, key=lambda one: (-one.probability, one.item)):
        best.setdefault(one.wanted, one)
    for key, one in sorted(best.items()):
        probability = round(one.probability * FAMILY, 4)
        if probability >= least:
            for member in dict.fromkeys(members):
                if member not in named:
                    yield replace(one, item=member, wanted=key, probability=probability, through=f"family of {one.item}")
