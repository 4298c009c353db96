"""Names of films: read from the names of files, and compared.

    film_name("The.Matrix.1999.1080p.BluRay.x264-GRP.mkv")   # FilmName("The Matrix", 1999)
    same_film(FilmName("Rocky II", 1979), FilmName("Rocky 2", None))   # 0.9

A sequel is another film, so numbers decide; a remake too, so years do.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from motet.naming.spelling import words
from motet.sources.hostile import text

SAME = 0.7
"""The likeness from which two names are of one film. Below it lies what needs a year to be told apart: `Star Wars` and
`Star Wars: Episode V` without years (0.5), a name misspelt without a year (0.6), years two apart (0.6)."""

_LONGEST_PATH = 4096  # characters, counted from the end
_EARLIEST, _LATEST = 1888, 2035  # years a film may be of; later numbers are part of a title, as in Blade Runner 2049
_FOLDERS = 3  # of a path that may speak

_EXTENSION = re.compile(
    r"(?i)\.(?:mkv|mp4|m4v|avi|mov|wmv|flv|webm|mpe?g|m2?ts|ts|vob|ogv|ogm|3gp|divx|rmvb|asf|iso|nfo|srt|wav|flac|mp3|m4a|mka|m3u8?|csv|tsv"
    r"|txt|jsonl?)$"
)
_FILM_ID = re.compile(r"[{\[(]\s*(?:imdb(?:id)?[-=: ]?)?(tt\d{7,10})\s*[}\])]", re.I)
_TAGGED = re.compile(r"[{\[](?:tmdb|tvdb|edition)(?:id)?[-=: ][^}\]]*[}\]]", re.I)
_BRACKETED_YEAR = re.compile(r"[(\[{]\s*(\d{4})(?:-\d\d-\d\d)?\s*[)\]}]")
_BARE_YEAR = re.compile(r"(?<![\w(])(\d{4})(?!\w)")
_RELEASE = re.compile(
    r"(?ix) (?<![^\W_]) (?: \d{3,4}[pi] | [48]k | uhd | hdr(?:10)? | blu-?ray | b[dr]rip | bdremux | remux"
    r" | dvd(?:rip|scr|r)? | dvd[59] | web-?(?:dl|rip) | hdtv(?:rip)? | hdrip | hdcam | camrip | x26[45] | [hx][ .]26[45] | hevc"
    r" | av1 | xvid | divx | aac\d? | ac3 | dts(?:-hd)? | ddp?5 | truehd | atmos | 10bit | 8bit | yify | yts"
    r" | rarbg | repack | unrated | remastered | vostfr | amzn | imax | s\d\de\d\d | cd\d | disc\ ?\d"
    r" | (?:extended|theatrical|final|director'?s)[ .](?:cut|edition|version) ) (?![^\W_])"
)
_NOTHING_SAID = re.compile(
    r"(?i)(?:movie|film|video|feature|main|index|sample|trailer|title[_ ]?t?\d*|vts[_ ]\d+[_ ]\d+|vts|video_ts|bdmv|stream"
    r"|disc ?\d*|cd ?\d*|dvd ?\d*|part ?\d*|\d{5}|file|audio|sound|untitled|new|clip ?\d*|films?|movies|videos|downloads?"
    r"|media|library|home|data|tmp|mnt)"
)
_LEADING_TAG = re.compile(r"^\s*[\[{][^\]}]*[\]}]\s*(?=\S)")
_LAST_ARTICLE = re.compile(r"(?i)^(.+), (the|a|an|le|la|les|l'|der|die|das|el|los|las|il|lo|gli)(?=$| [(:-]|: )(.*)$")

_ARTICLES = frozenset("the a an le la les el los las il lo der das".split())
_NUMBER_WORDS = {
    word: str(number)
    for number, word in enumerate("one two three four five six seven eight nine ten eleven twelve thirteen".split(), 1)
}
_ROMAN = dict(zip("i ii iii iv v vi vii viii ix x xi xii xiii xiv xv".split(), map(str, range(1, 16)), strict=True))
_COUNTED = frozenset("part pt vol volume chapter episode no number".split())  # before a number, they say nothing
_PIECES = re.compile(r"\d+|[^\W\d_]+")
_SUBTITLE = re.compile(r"\s*(?:: |:$| - | – | — |\s\(|/)\s*", re.I)
_ALSO_CALLED = re.compile(r"(?i),? or: |,? or,? (?=how\b|the\b)|,? aka | a\.k\.a\. ")


@dataclass(frozen=True)
class FilmName:
    """What a film is called; `year` of its first showing, None if not told; `film_id`: `imdb:tt…`, `wikidata:Q…` or ""."""

    title: str
    year: int | None = None
    film_id: str = ""


def film_name(path: str) -> FilmName:
    """The film that a path names, by its file; where that says nothing, or a folder has the year, by the folder.

    What follows the year or a release's tags (1080p, BluRay, x264) is left out. The title is "" if nothing says one.
    """
    parts = [part for part in re.split(r"[/\\]+", path[-_LONGEST_PATH:]) if part.strip(" .")]
    read = [_read(part, last=at == 0) for at, part in enumerate(reversed(parts[-_FOLDERS:]))]
    speaking = [one for one in read if one.title]
    if not speaking:
        return FilmName("")
    own, above = speaking[0], speaking[1:2]
    # Libraries keep a film in a folder of its name and year, whatever the file in it is called.
    if own.year is None and not own.film_id and above and above[0].year and _dated(parts):
        return above[0]
    return own


def _dated(parts: list[str]) -> bool:
    return any(_BRACKETED_YEAR.search(part) for part in parts[-_FOLDERS:-1])


def _read(part: str, last: bool) -> FilmName:
    name = text(part)
    if last:
        name = _EXTENSION.sub("", name)
    found = _FILM_ID.search(name)
    film_id = f"imdb:{found[1].lower()}" if found else ""
    name = _TAGGED.sub(" ", _FILM_ID.sub(" ", name))
    while (shorter := _LEADING_TAG.sub("", name)) != name:
        name = shorter
    if " " not in name.strip() or name.count(".") > name.count(" ") + 1:
        name = re.sub(r"\.(?!\s)", " ", name)
    name = re.sub(r"_+", " ", name)
    name, year = _cut(name)
    name = " ".join(name.split()).strip(" -–—.,[({")
    if _NOTHING_SAID.fullmatch(name) and year is None:
        return FilmName("", None, film_id)
    if turned := _LAST_ARTICLE.match(name):
        name = f"{turned[2]}{'' if turned[2].endswith(chr(39)) else ' '}{turned[1]}{turned[3]}"
    return FilmName(name, year, film_id)


def _cut(name: str) -> tuple[str, int | None]:
    """A name up to its year or first tag, and the year."""
    if found := next((one for one in _BRACKETED_YEAR.finditer(name) if _plausible(one[1]) and one.start()), None):
        return name[: found.start()], int(found[1])
    tag = next((one.start() for one in _RELEASE.finditer(name) if one.start()), len(name))
    years = [one for one in _BARE_YEAR.finditer(name[: tag + 5]) if _plausible(one[1]) and one.start() and one.start() < tag]
    if years:
        return name[: years[-1].start()], int(years[-1][1])
    return name[:tag], None


def _plausible(year: str) -> bool:
    return _EARLIEST <= int(year) <= _LATEST


def same_film(a: FilmName, b: FilmName) -> float:
    """How likely two names mean one film, 0 to 1; from `SAME` on they do. It is the same both ways round.

    Equal identifiers of one kind settle it, different ones too. Articles, accents, "&", and how numbers are written do not
    count. A year off by one costs little (0.95), two years much (0.6), more everything; a missing year 0.9. A subtitle that only
    one has needs equal years, or a number in what they share.
    """
    if a.film_id and b.film_id and a.film_id.partition(":")[0] == b.film_id.partition(":")[0]:
        return float(a.film_id == b.film_id)
    together = _of_years(a.year, b.year)
    return round(together * same_title(a.title, b.title, dated=a.year is not None and a.year == b.year), 4) if together else 0.0


def _of_years(a: int | None, b: int | None) -> float:
    if a is None or b is None:
        return 0.9
    return {0: 1.0, 1: 0.95, 2: 0.6}.get(abs(a - b), 0.0)


def same_title(a: str, b: str, dated: bool = False) -> float:
    """How alike two titles of films are, 0 to 1; `dated` says that their years are known and equal."""
    first, second = _title(a), _title(b)
    if not first.whole or not second.whole:
        return float(a.strip().casefold() == b.strip().casefold() != "")
    if first.run == second.run:
        return 1.0
    if any(_ALSO_CALLED.search(one) for one in (a, b)) and _heads(a) & _heads(b):
        return 0.85
    if parted := _subtitled(first, second, dated):
        return parted
    if first.numbers != second.numbers:
        return 0.0
    return _misspelt(first, second, dated)


def places(film: FilmName) -> tuple[str, ...]:
    """Under what a film is filed, so that two names of one film share a place: its letters, those before and after its
    subtitle, and, for slips of the pen in titles of one year, that and an end."""
    read = _title(film.title)
    found = [read.run or film.title.strip().casefold(), *sorted(_heads(film.title))]
    found += ["".join(part) for part in (read.parts[0], read.parts[-1])] if read.parts else []
    found += [f"{film.year} {read.run[:6]}", f"{film.year} {read.run[-6:]}"] if film.year is not None else []
    return tuple(dict.fromkeys(found))


def _heads(title: str) -> set[str]:
    """A title with two names ("Dr. Strangelove or: How I …") by each of them."""
    return {"".join(canonical(piece)) for piece in _ALSO_CALLED.split(title[:1000])} - {""}


@dataclass(frozen=True)
class _Title:
    whole: tuple[str, ...]
    parts: tuple[tuple[str, ...], ...]  # at its subtitles
    run: str
    numbers: tuple[str, ...]


@lru_cache(1 << 15)
def _title(title: str) -> _Title:
    title = text(title)
    if turned := _LAST_ARTICLE.match(title):
        title = f"{turned[2]} {turned[1]}{turned[3]}"
    parts = tuple(part for piece in _SUBTITLE.split(title) if (part := canonical(piece)))
    whole = canonical(title)
    return _Title(whole, parts, "".join(whole), tuple(word for word in whole if word.isdigit()))


def canonical(title: str) -> tuple[str, ...]:
    """The words of a title in one spelling: no leading article, numbers as digits, no "part" before them, no 1 at the end."""
    pieces = [piece for word in words(title) for piece in _PIECES.findall(word)]
    found = [_ROMAN.get(piece, piece) if at else piece for at, piece in enumerate(pieces)]
    found = [_NUMBER_WORDS.get(word, word) for word in found]
    found = [word for at, word in enumerate(found) if not (word in _COUNTED and at + 1 < len(found) and found[at + 1].isdigit())]
    found = [str(int(word)) if word.isdecimal() and word.isascii() and len(word) < 10 else word for word in found]
    if len(found) > 1 and found[0] in _ARTICLES:
        found = found[1:]
    if len(found) > 1 and found[-1] == "1":
        found = found[:-1]
    return tuple(found)


def _subtitled(a: _Title, b: _Title, dated: bool) -> float:
    """For titles of which one is the other's head or last part."""
    short, long = sorted((a, b), key=lambda one: (len(one.whole), one.run))
    if len(long.parts) < 2:
        return 0.0
    if len(long.parts[1]) == 1 and long.parts[1][0].isdigit() and (not dated or len(long.parts) == 2):
        return 0.0  # "Vol. 2" is no subtitle, but "Episode IV - A New Hope" is one
    if "".join(long.parts[0]) == short.run:
        if any(word.isdigit() and len(word) < 3 for word in short.whole):
            return 0.9  # "Terminator 2": the number says which
        return 0.85 if dated else 0.5
    if "".join(long.parts[-1]) == short.run:
        return 0.85 if dated else 0.8 if len(short.whole) > 3 else 0.5
    return 0.0


def _misspelt(a: _Title, b: _Title, dated: bool) -> float:
    """For titles with equal numbers. A plural is another film: Alien, Aliens."""
    from rapidfuzz.distance import OSA

    longest = max(len(a.run), len(b.run))
    edits = OSA.distance(a.run, b.run, score_cutoff=2)
    if longest < 8 or edits > (1 if longest < 16 else 2):
        return 0.0
    if a.run + "s" == b.run or b.run + "s" == a.run:
        return 0.5 if dated else 0.3
    return 0.85 if dated else 0.6
