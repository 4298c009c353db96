"""Lists of the songs of films, of whatever shape: tables, JSON, plain text.

for line in read_list(Path("soundtracks.csv").read_bytes(), "soundtracks.csv"):
    print(line.film, line.artist, line.title, line.confidence)
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from motet.errors import UserError
from motet.film.errors import FilmError
from motet.film.songs.columns import GUESSED, Columns, address, columns, credit, film_ids, identifiers, line
from motet.film.songs.kinds import album, of_track, various
from motet.film.songs.listed import Listed
from motet.film.songs.names import FilmName, film_name
from motet.sources.hostile import parse, text

MOST_BYTES = 16 << 20  # of a list; JSON takes many times as much in memory
MOST_SONGS = 100_000
_MOST_COLUMNS = 500
_MOST_LINES_A_CELL = 50  # more, and a quotation mark was never closed
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
_LONGEST_LINE = 2000  # characters that are looked at
_NEED = "name its columns as in `film,year,title,artist`"
_PLAYLIST = re.compile(r"^#EXTINF:[^,\n]*,(.+)$", re.M)  # of M3U: seconds, then what plays
_DASH = re.compile(r"\s+[-–—]\s+|\t+|\s*[–—]\s*")
_NUMBERED = re.compile(r"^(?:\d{1,3}\s*[.):]|\d{1,3}\s+-|[-*•])\s+")
_MARKUP = re.compile(r"^\s*<(?:!doctype|html|\?xml|[a-z]+[\s>])", re.I)


def read_list(data: bytes, name: str) -> list[Listed]:
    """The songs that a list names, in its order; each with the film it says, or that its file's name says.

    Read are tables with a line of column names (CSV, TSV, with semicolons or bars), JSON (lists of objects, films with lists of
    songs, playlists, results of Wikidata queries), JSON Lines, M3U playlists with `#EXTINF`, and lines `Artist - Title` or
    `"Title" Performed by …`. Rows without a title are no songs and are left out. `name` is the file's name or address; of it,
    only its last part and no query is kept.

    Raises FilmError: `too_large` (16 MiB, 100,000 songs), `empty_list`, `not_a_list`, `no_songs`, `double_column`.
    """
    where = address(name) or re.split(r"[/\\]", text(name))[-1]
    if len(data) > MOST_BYTES:
        raise FilmError("too_large", f"{where} has more than {MOST_BYTES >> 20} MiB, which no list of songs needs: split it.")
    words = _decoded(data, where)
    if not words.strip():
        raise FilmError("empty_list", f"{where} is empty.")
    if words.lstrip().startswith("#EXTM3U"):
        words = "\n".join(_PLAYLIST.findall(words)) or "\n"
    film = _about(where)
    shape = words.lstrip()[:1]
    found = _from_json(words, where, film) if shape in ("{", "[") else None
    if found is None:
        if _MARKUP.match(words):
            raise FilmError("not_a_list", f"{where} is a page or XML, not a list: save it as CSV or JSON.")
        table = _table(words, where)
        found = table(film) if table is not None else _from_text(words, where, film)
    songs = list[Listed]()
    for at, one in enumerate(found):
        if one is not None:
            songs.append(one)
        if len(songs) > MOST_SONGS:
            raise FilmError("too_large", f"{where} names more than {MOST_SONGS} songs: split it.")
        if at > 3 * MOST_SONGS:
            raise FilmError("too_large", f"{where} has more than {3 * MOST_SONGS} rows, most of them without a song.")
    if not songs:
        raise FilmError("no_songs", f"{where} names no song in any row.")
    return songs


def read_list_file(path: Path) -> list[Listed]:
    """The songs that a file names: see `read_list`. Raises UserError, too, where there is no such file."""
    try:
        with path.open("rb") as file:
            return read_list(file.read(MOST_BYTES + 1), path.name)
    except OSError as problem:
        raise UserError(f"The list {path} cannot be read ({problem.strerror or problem}).") from None


def _about(where: str) -> FilmName:
    """The film of a list whose rows say none: `Pulp Fiction (1994) soundtrack.csv`."""
    own = film_name(where)
    return FilmName(album(own.title).film if own.title else "", own.year, own.film_id)


def _decoded(data: bytes, where: str) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "utf-16"
    elif data.startswith(b"\xef\xbb\xbf"):
        encoding = "utf-8-sig"
    elif (zeros := data[:4096].count(0)) > len(data[:4096]) // 4:
        encoding = "utf-16-be" if data[:4096:2].count(0) * 2 > zeros else "utf-16-le"
    else:
        encoding = "utf-8"
    try:
        words = data.decode(encoding)
    except UnicodeDecodeError:
        # What is neither was most often written by an old spreadsheet; undefined bytes become �.
        words = data.decode("cp1252" if encoding == "utf-8" else encoding, "replace")
    head = words[: 1 << 16]
    if head and (len(_CONTROL.findall(head)) + head.count("�") + head.count("￾")) > 0.01 * len(head) + 2:
        raise FilmError("not_a_list", f"{where} is no text.")
    return words.replace("\x00", "")


# Tables


def _table(words: str, where: str) -> Any:
    """A function from the list's film to its lines, or None if the first line names no columns."""
    start = next((at for at in re.finditer(r"[^\r\n]+", words) if at[0].strip(' ,;\t"')), None)
    if start is None:
        return None
    best: tuple[int, str, Columns] | None = None
    for mark in (",", "\t", ";", "|"):
        try:
            names = next(csv.reader([start[0][: 1 << 16]], delimiter=mark))[:_MOST_COLUMNS]
        except (csv.Error, StopIteration):
            continue
        known = columns([name.strip() for name in names])
        weight = sum(map(len, known.roles.values()))
        if weight and (best is None or weight > best[0]) and (len(names) > 1 or known.songs):
            best = weight, mark, known
    if best is None:
        return None
    _, mark, known = best
    if not known.songs and (known.films or len(known.roles) > 1):
        shown = ", ".join(text(name)[:40] for name in known.names[:12])
        raise FilmError("no_songs", f"{where} has columns {shown}, but none that names songs: {_NEED}.")
    if not known.songs or (len(known.names) > 1 and len(known.roles) < 2):
        return None
    return lambda film: _rows(words[start.start() :], mark, known, where, film)


def _rows(words: str, mark: str, known: Columns, where: str, film: FilmName) -> Iterator[Listed | None]:
    doubled = {name for name in known.names if name and known.names.count(name) > 1}
    doubled &= {name for names in known.roles.values() for name in names}
    reader = csv.reader(io.StringIO(words, newline=""), delimiter=mark)
    try:
        next(reader)
        for cells in reader:
            if any(cell.count("\n") > _MOST_LINES_A_CELL for cell in cells):
                raise FilmError("not_a_list", f"In {where}, a quotation mark before line {reader.line_num} is never closed.")
            row = dict[str, str]()
            for name, cell in zip(known.names, cells, strict=False):
                if name in doubled and row.get(name) and cell.strip() and cell.strip() != row[name].strip():
                    raise FilmError(
                        "double_column", f"In {where}, two columns are called {text(name)[:40]!r} and differ: rename one."
                    )
                row[name] = row.get(name) or cell
            yield line(row, known, where, film)
    except csv.Error as problem:
        raise FilmError("not_a_list", f"{where} cannot be read as a table near line {reader.line_num} ({problem}).") from None


# JSON


def _place(problem: ValueError) -> str:
    return f" (line {problem.lineno})" if isinstance(problem, json.JSONDecodeError) else ""


def _from_json(words: str, where: str, film: FilmName) -> Iterable[Listed | None] | None:
    """None if the text only begins like JSON."""
    try:
        return _walked(parse(words.encode("utf-8", "replace")), where, film)
    except ValueError as problem:
        lines = [one for one in words.splitlines() if one.strip()]
        if "nested" in str(problem):
            raise FilmError("not_a_list", f"{where} is nested too deeply.") from None
        try:
            json.loads(lines[0])
        except (ValueError, RecursionError):
            if lines[0].lstrip()[:2] in ('{"', "[{", "{", "["):
                raise FilmError("not_a_list", f"{where} is broken JSON{_place(problem)}.") from None
            return None
    return (song for at, one in enumerate(lines, 1) for song in _walked(_parsed(one, at, where), where, film))


def _parsed(one: str, at: int, where: str) -> Any:
    try:
        return parse(one.encode("utf-8", "replace"))
    except ValueError as problem:
        raise FilmError("not_a_list", f"Line {at} of {where} is no JSON ({text(str(problem))[:100]}).") from None


_HELD = (
    "songs",
    "tracks",
    "soundtrack",
    "soundtracks",
    "items",
    "films",
    "movies",
    "results",
    "bindings",
    "data",
    "music",
    "playlists",
)


def _walked(told: Any, where: str, film: FilmName, above: bool = False) -> Iterator[Listed | None]:
    """Lines of JSON, and None for all else in it: films hold songs, playlists hold items, results hold bindings. `above`: what
    holds this names the film."""
    yield None
    if isinstance(told, list):
        for one in told:
            if isinstance(one, str):
                yield from _spoken(one, where, film, above)
            else:
                yield from _walked(one, where, film, above)
    elif isinstance(told, dict):
        yield from _object(told, where, film, above)


def _object(told: Mapping[str, Any], where: str, film: FilmName, above: bool) -> Iterator[Listed | None]:
    told = {name: one for name, one in told.items() if isinstance(name, str)}
    held = [name for name in _HELD if isinstance(told.get(name), (list, dict))]
    inner = next((one for name in ("track", "item") if isinstance(one := told.get(name), dict)), None)
    if inner is not None:
        yield from _walked(inner, where, film, above)
    elif held:
        own = _named(told)
        for name in held:
            yield from _walked(told[name], where, own or film, above or own is not None)
    elif told and all(isinstance(one, list) for one in told.values()):
        for name, songs in told.items():  # {"Pulp Fiction (1994)": ["Dick Dale - Misirlou"]}
            yield from _walked(songs, where, film_name(name), True)
    else:
        row = {name: _flat(one) for name, one in told.items()}
        known = columns(list(row)[:_MOST_COLUMNS])
        if known.songs:
            yield line(row, known, where, film)


def _named(told: Mapping[str, Any]) -> FilmName | None:
    """The film that an object says it is about."""
    row = {name: _flat(one) for name, one in told.items() if not isinstance(one, (list, dict)) or name in ("title", "film")}
    title = next(
        (text(row[name]) for name in ("film", "movie", "title", "name", "filmLabel", "primaryTitle") if row.get(name)), ""
    )
    film_id = next((found for name, one in row.items() if name not in ("title", "name") and (found := film_ids(one, name))), "")
    if not title and not film_id:
        return None
    own = film_name(title.replace("/", " "))
    year = re.match(r"\d{4}", row.get("year", "") or row.get("publicationDate", ""))
    return FilmName(album(own.title).film if own.title else "", int(year[0]) if year else own.year, film_id or own.film_id)


def _flat(one: Any) -> str:
    """A value of JSON as a cell: {"type": "literal", "value": "x"} is x, {"name": "x"} is x, a list is its members."""
    if isinstance(one, dict):
        one = next((one[name] for name in ("value", "name", "title", "spotify", "isrc", "label") if name in one), "")
    if isinstance(one, list):
        return ", ".join(said for member in one[:20] if (said := _flat(member) if not isinstance(member, list) else ""))
    if isinstance(one, bool) or one is None:
        return ""
    return one if isinstance(one, str) else str(one) if isinstance(one, (int, float)) else ""


# Lines


def _from_text(words: str, where: str, film: FilmName) -> Sequence[Listed]:
    found, lines, missed = list[Listed](), 0, 0
    above = False
    for at, row in enumerate(re.finditer(r"[^\r\n]+", words)):
        written = row[0]
        if at > 3 * MOST_SONGS:
            raise FilmError("too_large", f"{where} has more than {3 * MOST_SONGS} lines: split it.")
        if not (bare := written[:_LONGEST_LINE].strip()) or set(bare) <= set("-=_*#~"):
            continue
        if bare.startswith("#"):
            if named := film_name(bare.lstrip("# ").replace("/", " ")).title:
                film, above = film_name(bare.lstrip("# ").replace("/", " ")), bool(named)
            continue
        if written[:1] in " \t" and found and (by := re.match(r"(?i)performed by\s+(.+)$", bare)):
            artist = credit(f'"x" Performed by {by[1]}')[1]
            found[-1] = _spoken_line(found[-1].title, artist, where, film, above) if artist else found[-1]
            continue
        if written[:1] in " \t" and re.match(
            r"(?i)(?:written|composed|music|lyrics|courtesy|under license|arranged|produced)\b", bare
        ):
            continue
        lines += 1
        told = list(_spoken(bare, where, film, above, strict=True))
        missed += not told
        found += told
        if len(found) > MOST_SONGS:
            break
    if missed > 0.4 * lines or not found:
        raise FilmError("not_a_list", f"{where} is no list of songs: {_NEED}, or write a line `Artist - Title` for each.")
    return found


def _spoken(written: str, where: str, film: FilmName, above: bool, strict: bool = False) -> Iterator[Listed]:
    """A song in words: `Artist - Title`, `"Title" by Artist`, or, unless `strict`, its title alone."""
    bare = _NUMBERED.sub("", written[:_LONGEST_LINE].strip())
    title, artist = credit(bare)
    if not title:
        halves = _DASH.split(bare, maxsplit=1)
        if len(halves) == 2 and all(map(text, halves)) and max(map(len, halves)) < 200:
            artist, title = map(text, halves)
        elif not strict:
            title = text(bare)
    if title := title.strip('"“” '):
        yield _spoken_line(title, artist, where, film, above)


def _spoken_line(title: str, artist: str, where: str, film: FilmName, above: bool) -> Listed:
    kind, reason = of_track(title, artist)
    sure = 0.7 if above else GUESSED
    artist = "" if various(artist) else artist
    return Listed(
        film.title, film.year, film.film_id, title, artist, kind, source="list", where=where, confidence=sure, reason=reason,
        identifiers=identifiers(),
    )  # fmt: skip
