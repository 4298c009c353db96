"""The songs each film uses: from lists of the user's and from services, merged, each with who says so."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import cast

from motet.dataset.rows import FilmSong, ListedSong, Movie, Soundtrack
from motet.film import songs
from motet.film.songs.listed import Kind
from motet.run import Verdict, stage


@stage(version=1, timeout=24 * 3600, libraries=["rapidfuzz"])
def list_film_songs(
    movies: Iterable[Movie], listed: Iterable[ListedSong], soundtracks: Iterable[Soundtrack]
) -> Iterator[Verdict[FilmSong]]:
    """Verdicts on all films. In memory are the lists, some hundred bytes a line."""
    by_film: dict[songs.FilmName, list[songs.Listed]] = defaultdict(list)
    for row in listed:
        by_film[songs.FilmName(row.film, row.year, row.film_id)].append(_line(row))
    services: dict[str, list[songs.Listed]] = defaultdict(list)
    for told in soundtracks:
        services[told.source].append(_line(told))
    for movie in movies:
        name = songs.FilmName(movie.title, movie.year)
        about = [line for film, lines in by_film.items() if songs.same_film(name, film) >= songs.SAME for line in lines]
        found = songs.find(name, [*about, *services[movie.id]]) if name.title else []
        yield Verdict(movie.id, None, tuple(_row(one) for one in found))


def _line(row: ListedSong) -> songs.Listed:
    return songs.Listed(
        film=row.film,
        year=row.year,
        film_id=row.film_id,
        title=row.title,
        artist=row.artist,
        kind=cast(Kind, row.kind),
        album=row.album,
        compilation=row.compilation,
        source=row.told_by,
        where=row.where,
        confidence=row.confidence,
        identifiers=tuple(row.identifiers),
    )


def _row(one: songs.FilmSong) -> FilmSong:
    return FilmSong(
        film=one.film,
        year=one.year,
        title=one.title,
        artist=one.artist,
        kind=one.kind,
        compilation=one.compilation,
        confidence=round(one.confidence, 4),
        told_by=list(one.sources),
        evidence=list(one.evidence),
        identifiers=list(one.identifiers),
    )
