"""One song told by several sources becomes one, with what each of them said.

    songs = find(FilmName("Pulp Fiction", 1994), read_list(data, "soundtracks.csv"))

The confidences of sources are joined as if they erred independently (noisy or: 1 - (1 - a)(1 - b)); lists that copy each other do
not, so the sum is no probability, and stays below 0.99. A source that tells a song twice counts once.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import astuple, replace
from functools import lru_cache

from motet.film.songs.listed import FilmSong, Kind, Listed
from motet.film.songs.names import SAME, FilmName, canonical, places, same_film
from motet.naming.cleaning import VERSIONS
from motet.naming.spelling import artist_key, folded, loose, plain, words

_HIGHEST = 0.99
_MOST_COMPARED = 200  # films of like names that one is compared with, and songs of like titles in one film
_LONGEST = 500  # characters of a title
_ALIKE = 88  # of a hundred: one slip in eight letters
_MOST_EVIDENCE = 20  # sentences and other titles of a song

_TOLD_OF = frozenset(
    "live remix mix edit version remaster remastered mono stereo single album radio original extended acoustic"
    " instrumental unplugged demo bonus track digital digitally from feat ft featuring with soundtrack motion picture film"
    " movie ost nightclub full edited explicit clean session take reissue anniversary edition deluxe lp 7 12 inch".split()
)
_FEATURED = re.compile(r"(?i)\s*[(\[]?\b(?:feat|ft|featuring)\b\.?\s[^)\]]*[)\]]?")
_FROM = re.compile(r"(?i)^(?:from|as (?:heard|featured|used) in|theme from the (?:motion picture|film)|music from)\b")
_BRACKETED = re.compile(r"\s*[(\[{]([^()\[\]{}]*)[)\]}]")
_DASHED = re.compile(r"\s+[-–—/]\s+([^-–—]*)$")
_WHOSE = frozenset("the and his her their feat ft featuring with y et und orchestra band a".split())


def identity(title: str) -> tuple[str, tuple[str, ...]]:
    """A title without what tells only the version, and those asides: `Sparks (Live) - 2014 Remaster` is Sparks.

    An aside stays if it may tell two songs apart: `Suite (Act II)`, `Theme - Part 2`.
    """
    title, asides = title[:_LONGEST], list[str]()

    def dropped(found: re.Match[str]) -> str:
        if not _version(found[1]):
            return found[0]
        asides.append(found[1].strip())
        return ""

    bare = _FEATURED.sub(" ", title)
    while True:
        shorter = _BRACKETED.sub(dropped, bare)
        shorter = _DASHED.sub(dropped, shorter).strip()
        if shorter == bare or not plain(shorter):
            break
        bare = shorter
    return " ".join(bare.split()) or title, tuple(asides)


def _version(aside: str) -> bool:
    told = words(aside)
    if not told or _FROM.match(aside.strip()):
        return True
    if any(word in ("part", "pt", "act", "no") for word in told):
        return False
    named = [word for word in told if word in _TOLD_OF or word in VERSIONS]
    years = [word for word in told if word.isdigit() and len(word) == 4]
    return bool(named) and (len(named) + len(years) == len(told) or told[-1] in VERSIONS or "remaster" in aside.casefold())


@lru_cache(1 << 15)
def song_keys(title: str) -> frozenset[str]:
    """The keys by which two listings in one film are one song: its title, and without an aside that is a second title."""
    bare, _ = identity(title)
    found = {loose(plain(bare))}
    asides = _BRACKETED.findall(bare)
    shorter = _BRACKETED.sub(" ", bare)
    if asides and len(plain(shorter)) > 3 and not any(any(c.isdigit() for c in aside) or _numbered(aside) for aside in asides):
        found.add(loose(plain(shorter)))
    return frozenset(found - {""}) or frozenset({title.strip().casefold()})


def _numbered(aside: str) -> bool:
    told = words(aside)
    return any(word in ("part", "pt", "act", "no", "i", "ii", "iii", "iv", "reprise", "instrumental", "suite") for word in told)


def same_artist(a: str, b: str) -> bool:
    """Whether two credits may be of one artist: one's words are all in the other, or they are spelt almost alike."""
    first, second = _credited(a), _credited(b)
    if not first or not second:
        return not first and not second
    if first <= second or second <= first:
        return True
    one, other = " ".join(sorted(first)), " ".join(sorted(second))
    if re.findall(r"\d+", one) != re.findall(r"\d+", other):
        return False
    from rapidfuzz import fuzz

    return fuzz.ratio(one, other) >= _ALIKE


@lru_cache(1 << 15)
def _credited(artist: str) -> frozenset[str]:
    found = words(artist)
    return frozenset(word for word in found if word not in _WHOSE) or frozenset(found)


def find(film: FilmName, listed: Iterable[Listed], least: float = SAME) -> list[FilmSong]:
    """The songs of one film that the lines name: of those whose film is this one, by name or identifier, merged.

    Without a year, lines of films that share the title stay apart by theirs: each song says the film and year it is of.
    """
    about = [one for one in listed if same_film(film, _film(one)) >= least]
    if film.year is None and not film.film_id:
        return merge(about)
    if not about:
        return []
    best = max(_films(about), key=_full)
    name = FilmName(film.title or best.title, film.year or best.year, film.film_id or best.film_id)
    return _ordered(_merged(name, about))


def merge(listed: Sequence[Listed]) -> list[FilmSong]:
    """All songs of all films, each once, whatever the order of the lines; by film, then the surest first."""
    groups = _grouped(_films(listed))
    own = {film: at for at, films in enumerate(groups) for film in films}
    lines = defaultdict[int, list[Listed]](list)
    for one in listed:
        lines[own[_film(one)]].append(one)
    return _ordered(song for at, ones in lines.items() for song in _merged(_called(groups[at]), ones))


def _film(one: Listed) -> FilmName:
    return FilmName(one.film, one.year, one.film_id)


def _films(listed: Iterable[Listed]) -> list[FilmName]:
    """The films told of, each once, the fullest names first."""
    return sorted({_film(one) for one in listed}, key=_full, reverse=True)


def _full(film: FilmName) -> tuple[bool, bool, str, int, str]:
    return film.year is not None, bool(film.film_id), film.film_id, film.year or 0, film.title


def _called(films: Sequence[FilmName]) -> FilmName:
    """One name for a film of several: the title of the fullest, preferring one with capitals."""
    first = films[0]
    title = next((one.title for one in films if one.title and one.title != one.title.lower()), first.title)
    return FilmName(
        title or next((one.title for one in films if one.title), ""),
        next((one.year for one in films if one.year is not None), None),
        next((one.film_id for one in films if one.film_id), ""),
    )


def _grouped(films: Sequence[FilmName]) -> list[list[FilmName]]:
    """Names of one film together. A name joins the film it is likest to; one that is as like two of them stands alone."""
    groups = list[list[FilmName]]()
    by_id, by_word = dict[str, int](), defaultdict[str, list[int]](list)
    for film in films:
        at = by_id.get(film.film_id) if film.film_id else None
        if at is None:
            near = dict.fromkeys(other for word in places(film) for other in by_word[word])
            likest = sorted(((same_film(groups[other][0], film), -other) for other in list(near)[:_MOST_COMPARED]), reverse=True)
            clear = likest and likest[0][0] >= SAME and (len(likest) < 2 or likest[1][0] < likest[0][0])
            at = -likest[0][1] if clear else None
        if at is None:
            at = len(groups)
            groups.append([])
            for word in places(film):
                by_word[word].append(at)
        groups[at].append(film)
        if film.film_id:
            by_id.setdefault(film.film_id, at)
    return groups


def _merged(film: FilmName, lines: Sequence[Listed]) -> list[FilmSong]:
    """The songs among lines of one film."""
    composers = {artist_key(one.artist) for one in lines if one.kind == "score" and one.compilation is False and one.artist}
    ordered = sorted({_by_composer(one, composers) for one in lines}, key=_rank)
    songs, by_key = list[list[Listed]](), defaultdict[str, list[int]](list)
    # Lines with an artist first: the others join what is there.
    for one in sorted(ordered, key=lambda one: not one.artist):
        keys = song_keys(one.title)  # not what else a line calls it, which a search may have found
        near = sorted({at for key in keys for at in by_key[key]})[:_MOST_COMPARED]
        fitting = (at for at in near if not one.artist or any(_may_be(one, other) for other in songs[at][:_MOST_EVIDENCE]))
        at = next(fitting, len(songs))
        if at == len(songs):
            songs.append([])
        songs[at].append(one)
        for key in keys:
            if at not in by_key[key]:
                by_key[key].append(at)
    return [_song(film, song) for song in songs]


def _by_composer(one: Listed, composers: Collection[str]) -> Listed:
    """A line whose artist has made the film's score is a cue, too, unless it says better."""
    if one.artist and one.kind != "score" and (one.kind == "unknown" or one.compilation) and artist_key(one.artist) in composers:
        return replace(one, kind="score", reason="it is by the composer of the score")
    return one


def _may_be(a: Listed, b: Listed) -> bool:
    return same_artist(a.artist, b.artist) or not b.artist or bool(_recordings(a) & _recordings(b))


def _recordings(one: Listed) -> set[str]:
    return {name for name in one.identifiers if name.startswith(("isrc:", "musicbrainz_recording:", "spotify_url:"))}


def _rank(one: Listed) -> tuple[object, ...]:
    """The most trusted line first, and the same order for the same lines always."""
    return -one.confidence, one.source, one.where, one.title, one.artist, repr(astuple(one))


def _song(film: FilmName, lines: Sequence[Listed]) -> FilmSong:
    lines = sorted(lines, key=_rank)
    best: dict[tuple[str, str], float] = {}
    for one in lines:
        best[one.source, one.where] = max(best.get((one.source, one.where), 0.0), one.confidence)
    doubt = 1.0
    for sure in sorted(best.values()):
        doubt *= 1 - sure
    title = identity(lines[0].title)[0]
    others = dict.fromkeys(name for one in lines for name in (identity(one.title)[0], *one.also) if plain(name) != plain(title))
    gathered = {one.compilation for one in lines}
    return FilmSong(
        film.title,
        film.year,
        title,
        next((one.artist for one in lines if one.artist), ""),
        _kind(lines),
        round(min(_HIGHEST, 1 - doubt), 4),
        tuple(dict.fromkeys(one.where if one.source == "list" and one.where else one.source for one in lines)),
        tuple(dict.fromkeys(map(_sentence, lines)))[:_MOST_EVIDENCE],
        tuple(
            sorted(
                {name for one in lines for name in one.identifiers}
                | ({film.film_id} if film.film_id.startswith("imdb:") else set())
            )
        ),
        True if True in gathered else False if False in gathered else None,
        film.film_id,
        tuple(others)[:_MOST_EVIDENCE],
    )


def _kind(lines: Sequence[Listed]) -> Kind:
    """What most of the confidence says; a tie is not known."""
    weight: dict[Kind, float] = {"song": 0.0, "score": 0.0}
    for one in lines:
        if one.kind != "unknown":
            weight[one.kind] += one.confidence
    if round(weight["song"], 6) == round(weight["score"], 6):
        return "unknown"
    return "song" if weight["song"] > weight["score"] else "score"


def _sentence(one: Listed) -> str:
    name = one.where if one.source == "list" else f"{one.source} ({one.where})" if one.where else one.source
    film = f" in {one.film}{f' ({one.year})' if one.year else ''}" if one.film else f" in {one.film_id}" if one.film_id else ""
    by = f" by {one.artist}" if one.artist else ""
    on = f", on the {'compilation' if one.compilation else 'album'} {one.album}" if one.album else ""
    why = f"; a {'score cue' if one.kind == 'score' else 'song'}, since {one.reason}" if one.reason else ""
    return f"{name or 'a list'} has “{one.title}”{by}{film}{on} ({one.confidence:.2f}){why}."


def _ordered(songs: Iterable[FilmSong]) -> list[FilmSong]:
    return sorted(
        songs,
        key=lambda one: (
            canonical(one.film), one.year or 0, one.film_id, -one.confidence, folded(one.title), folded(one.artist),
            one.title, repr(one)
        ),
    )  # fmt: skip
