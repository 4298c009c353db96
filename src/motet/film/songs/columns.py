"""What the columns of a list mean, by their names in several languages, and one row as a line about a film."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from motet.film.songs.kinds import album as of_title
from motet.film.songs.kinds import of_track, various
from motet.film.songs.listed import Kind, Listed
from motet.film.songs.names import FilmName
from motet.naming.spelling import folded
from motet.sources.asking import isrc, mbid
from motet.sources.hostile import number, text

# What a column holds, by its name in small letters and digits only. The earlier role is the more certain.
_ROLES: dict[str, str] = {
    name: role
    for role, names in {
        "film": "film movie filmtitle movietitle filmname moviename filmlabel movielabel primarytitle originaltitle soundtrackof"
        " usedin pelicula titulopelicula filmtitel titredufilm",
        "film_id": "filmid movieid imdbid imdb imdbtitleid tconst filmimdb filmimdbid imdbfilmid wikidataid filmqid qid",
        "film_year": "filmyear movieyear startyear publicationdate filmdate premiere releaseyearfilm",
        "year": "year jahr annee ano",
        "title": "song songtitle songname track trackname tracktitle imdbsong recording recordingtitle songlabel tracklabel"
        " worklabel recordinglabel musiclabel compositionlabel soundtrack cue lied chanson cancion titredelachanson",
        "also": "spotifysong alternatetitle aka songaka originalsong",
        "artist": "artist artists artistname artistnames performer performers performedby performerlabel artistlabel singer"
        " singers band musician interpret interprete interpretes kunstler artiste artista trackartist",
        "composer": "composer composers composerlabel composedby scorecomposer",
        "album": "album albumname albumtitle albumlabel release releasetitle soundtrackalbum",
        "kind": "kind songtype trackkind",
        "isrc": "isrc isrcs",
        "mbid": "mbid recordingmbid musicbrainzrecordingid recordingid musicbrainzrecording musicbrainztrackid",
        "url": "url uri link trackurl trackuri spotifyurl spotifyuri spotifyid spotify trackid songurl",
        "confidence": "confidence probability",
        "any_title": "title titel titre titulo",
        "any_name": "name",
    }.items()
    for name in names.split()
}
_TITLE_ROLES = ("title", "any_title", "any_name")
_IMDB = re.compile(r"\btt(\d{7,10})\b")
_WIKIDATA = re.compile(r"(?:^|/)(?:wiki/|entity/)?(Q[1-9]\d{0,11})$")
_SPOTIFY_TRACK = re.compile(
    r"(?:^spotify:track:|^https?://open\.spotify\.com/(?:intl-\w+/)?track/)([A-Za-z0-9]{22})(?![A-Za-z0-9])"
)
_FORMULA = re.compile(r"^[=+@-]\s*(?:[A-Za-z_.]+\s*\(|cmd\s*\|)|^=.*[|!]")
_QUOTED_FORMULA = re.compile(r'^="([^"]*)"$')
_LINKED = re.compile(r'^=HYPERLINK\(\s*"[^"]*"\s*[,;]\s*"([^"]*)"\s*\)$', re.I)
_PERFORMED = re.compile(
    r"(?i)\b(?:performed|sung|played)(?: \w+)? by ['\"]?(.+?)(?=['\"]?\s*(?:\(qv\)|$|[\n;]"
    r"|\s(?:written|composed|courtesy|produced|under|lyrics|music|arranged|published)\b))"
)
_CREDITED = re.compile(
    r"^[\"“](.{1,300}?)[\"”](?=\s*(?:$|\(|by\b|-|–|,|written|performed|composed|music|lyrics|traditional|from\b))", re.I
)
_NO_SONG = re.compile(
    r"(?i)^(?:it looks like we don.t have any|no (?:soundtracks?|songs?|music)\b.{0,40}(?:listed|found|available|yet))"
)
_KINDS: dict[str, Kind] = {
    "song": "song", "songs": "song", "score": "score", "cue": "score", "score cue": "score", "underscore": "score",
    "instrumental score": "score",
}  # fmt: skip

TOLD, PLAYLIST, GUESSED = 0.85, 0.6, 0.5
"""How far a list is believed that says nothing of itself: a table of films, a playlist named for a film in a table, and a list
of which only the file's name says the film. They are guesses, not measured; a column `confidence` takes their place."""


@dataclass(frozen=True)
class Columns:
    """The columns of one list by what they mean."""

    names: tuple[str, ...]
    roles: Mapping[str, tuple[str, ...]]  # role to names, the first that is filled counts

    @property
    def songs(self) -> bool:
        return any(self.roles.get(role) for role in _TITLE_ROLES)

    @property
    def films(self) -> bool:
        return bool(self.roles.get("film") or self.roles.get("film_id"))


def columns(names: Sequence[str]) -> Columns:
    """What columns of these names mean. `title` is the song's, but the film's where another column has the song."""
    roles: dict[str, list[str]] = {}
    for name in dict.fromkeys(names):
        bare = re.sub(r"[^a-z0-9]", "", re.sub(r"\(s\)", "s", folded(name)))
        if bare == "item" or (role := _ROLES.get(bare) or _ROLES.get(re.sub(r"\d+$", "", bare))) is None:
            continue
        roles.setdefault(role, []).append(name)
    if "film" not in roles and "any_title" in roles and ("title" in roles or ("any_name" in roles and "artist" in roles)):
        roles["film"] = roles.pop("any_title")
    elif "title" in roles:
        # `soundtrack` or `name` beside a column of songs says something else.
        roles.pop("any_title", None)
        roles.pop("any_name", None)
    elif "any_title" in roles:
        roles.pop("any_name", None)
    if "any_name" in roles and "title" not in roles and not ({"artist", "film", "film_id", "isrc"} & roles.keys()):
        roles.pop("any_name")
    # A query's `filmLabel` is the name of which `film` is the address.
    for found in roles.values():
        found.sort(key=lambda name: not folded(name).endswith("label"))
    return Columns(tuple(names), {role: tuple(found) for role, found in roles.items()})


def film_ids(value: str, column: str = "") -> str:
    """`imdb:tt…` or `wikidata:Q…` from an identifier, an address, or digits in a column of IMDb's; "" for none."""
    value = value.strip()
    if found := _IMDB.search(value[:300]):
        return f"imdb:tt{found[1]}"
    if found := _WIKIDATA.search(value[:300]):
        return f"wikidata:{found[1]}"
    if value.isascii() and value.isdigit() and len(value) <= 10 and int(value) > 0:
        bare = re.sub(r"[^a-z]", "", column.casefold())
        if "imdb" in bare or len(value) >= 7:
            return f"imdb:tt{value.zfill(7)}"
    return ""


def cell(value: str) -> str:
    """The text of a cell. Of a spreadsheet's formula, the text that it shows, "" if it computes something."""
    value = value.strip()
    if found := _QUOTED_FORMULA.match(value) or _LINKED.match(value):
        value = found[1]
    elif _FORMULA.match(value):
        return ""
    return text(value)


def credit(written: str) -> tuple[str, str]:
    """Title and artist of `"Misirlou" (1962) Performed by Dick Dale`, as lists of soundtracks have it; ("", "") if it is none."""
    found = _CREDITED.match(written.strip())
    if not found:
        return "", ""
    rest = written[found.end() :]
    by = _PERFORMED.search(rest) or re.match(r"\s*(?:by|-|–)\s+(.+)$", rest)
    return text(found[1]), re.sub(r"\s*\((?:[IVX]+|qv)\)", "", text(by[1]).strip("'\" ")) if by else ""


def address(value: str) -> str:
    """A web address without what may be a secret in it, "" for what is none."""
    value = text(value)
    try:
        parts = urlsplit(value)
        host, port = parts.hostname, parts.port
    except ValueError:
        return ""
    if parts.scheme not in ("http", "https") or not host or " " in value:
        return ""
    return f"{parts.scheme}://{host}{f':{port}' if port else ''}{parts.path}"


def line(row: Mapping[str, str], known: Columns, where: str, film: FilmName, many: bool = False) -> Listed | None:
    """What a row says; None if it names no song. `film` is what the list is about where its rows do not say, `many` that the
    list goes on about several films."""

    def first(role: str) -> str:
        return next((said for name in known.roles.get(role, ()) if (said := cell(row.get(name, "")))), "")

    title = first("title") or first("any_title") or first("any_name")
    artist = first("artist")
    if (credited := credit(title))[0]:
        title, artist = credited[0], artist or credited[1]
    if not title or _WIKIDATA.search(title) or _NO_SONG.match(title):
        return None
    told = first("film")
    film_id = next((found for name in known.roles.get("film_id", ()) if (found := film_ids(cell(row.get(name, "")), name))), "")
    film_id = film_id or next((found for name in known.roles.get("film", ()) if (found := film_ids(row.get(name, "")))), "")
    if film_ids(told):  # the address of a film is no name
        told = ""
    year = _year(first("film_year")) or (_year(first("year")) if known.films else None)
    own = bool(told or film_id)
    kind, reason = _kind(title, artist, first("kind"), first("composer"), first("album"))
    url = first("url")
    sure = number(first("confidence"), 0, 1)
    return Listed(
        told or ("" if film_id else film.title),
        year if own else film.year,
        film_id if own else film.film_id,
        title,
        "" if various(artist) else artist,
        kind,
        first("album"),
        None,
        "list",
        where,
        sure if sure is not None else _believed(own, film_id, url),
        identifiers(first("isrc"), first("mbid"), url),
        tuple(dict.fromkeys(said for name in known.roles.get("also", ()) if (said := cell(row.get(name, ""))) and said != title)),
        reason,
    )


def identifiers(code: str = "", recording: str = "", url: str = "") -> tuple[str, ...]:
    """What identifies a recording, each with its kind before it, in alphabetical order."""
    found = set[str]()
    for one in re.split(r"[;,|\s]+", code[:200]):
        if known := isrc(one):
            found.add(f"isrc:{known}")
    if known := mbid(recording):
        found.add(f"musicbrainz_recording:{known}")
    if track := _SPOTIFY_TRACK.search(url):
        found.add(f"spotify_url:https://open.spotify.com/track/{track[1]}")
    elif shown := address(url):
        found.add(f"url:{shown}")
    return tuple(sorted(found))


def _believed(own: bool, film_id: str, url: str) -> float:
    return GUESSED if not own else PLAYLIST if "spotify" in url and not film_id else TOLD


def _kind(title: str, artist: str, said: str, composer: str, album: str) -> tuple[Kind, str]:
    if known := _KINDS.get(said.casefold()):
        return known, "its list says so"
    # A song's composer is told as well as a score's; only one who plays it himself tells a cue, and only on an album.
    told = of_title(album) if album else None
    if told and told.kind != "unknown":
        return of_track(title, artist, (composer,), told.kind, f"its album is called {album[:100]}")
    return of_track(title, artist)


def _year(said: str) -> int | None:
    found = re.match(r"\s*(\d{4})(?!\d)", said)
    return int(found[1]) if found and 1888 <= int(found[1]) <= 2100 else None
