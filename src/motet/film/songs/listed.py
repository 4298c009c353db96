"""What one source says of one song of a film, and what all of them say together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["song", "score", "unknown"]


@dataclass(frozen=True)
class Listed:
    """One line of one source: this film uses this song.

    `film_id` is `imdb:tt0110912`, `wikidata:Q104123` or "". `compilation`: whether `album` gathers various artists, None where
    it is not told. `source` is `musicbrainz`, `spotify` or `list`; `where` the name of the file, or an address without secrets.
    `confidence`, 0 to 1: that the film uses this song, as told by this source alone. `identifiers` are `isrc:…`,
    `musicbrainz_recording:…`, `spotify_url:…`, `imdb:…`. `also` are other titles by which the same line calls the song, and
    `reason` says why it is of this kind ("" for `unknown`).
    """

    film: str
    year: int | None
    film_id: str
    title: str
    artist: str
    kind: Kind = "unknown"
    album: str = ""
    compilation: bool | None = None
    source: str = "list"
    where: str = ""
    confidence: float = 0.5
    identifiers: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True)
class FilmSong:
    """One song of one film, by all sources that tell of it.

    `title` and `artist` are as the most trusted line writes them, without words that tell the version. `confidence`, 0 to 1, is
    of all sources together. `sources` name services and lists, each once; `evidence` has a sentence for each line. `compilation`:
    whether a soundtrack of various artists has it, False where only albums by one artist have, None where nothing is known.
    """

    film: str
    year: int | None
    title: str
    artist: str
    kind: Kind
    confidence: float
    sources: tuple[str, ...]
    evidence: tuple[str, ...]
    identifiers: tuple[str, ...]
    compilation: bool | None
    film_id: str = ""
    also: tuple[str, ...] = ()
