"""Lists of songs in files: CSV, TSV, JSON lines, and `clean_midi.txt` of the Lakh MIDI Dataset."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from motet.errors import UserError

LONGEST_LINE = 1_000_000
LONGEST_FIELD = 1_000  # characters; more are dropped
COLUMNS = ("artist", "title", "duration", "isrc", "musicbrainz_recording", "md5")
_CLEAN_MIDI = re.compile(r"^\d+\t[^\t]*\t[^\t]*\t[0-9a-f]{32}\t")
_CONTROL = dict.fromkeys((*range(32), *range(127, 160), *range(0xD800, 0xE000)), " ")


@dataclass(frozen=True)
class Listing:
    """One line of a list. `duration` is in seconds, 0 where none is said; the rest is "" where nothing is said."""

    artist: str
    title: str
    duration: float = 0.0
    isrc: str = ""
    musicbrainz_recording: str = ""
    md5: str = ""


def listings(path: Path) -> Iterator[Listing]:
    """The songs of a list, in its order. Lines without a title are passed over.

    CSV and TSV need a header that names at least `artist` and `title`, JSON lines have the same as keys. Raises UserError for
    what is no such list, and for what is not UTF-8.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            yield from _read(path, file)
    except UnicodeDecodeError:
        raise UserError(f"{path} is not written in UTF-8: save it so, and add it again.") from None
    except OSError as error:
        msg = f"{path} cannot be read ({error.strerror}); name a list of songs."
        raise UserError(msg) from None


def _read(path: Path, file: TextIO) -> Iterator[Listing]:
    lines = _lines(path, file)
    first = next(lines, "")
    if first.lstrip().startswith("{"):
        yield from _json(path, first, lines)
        return
    if _CLEAN_MIDI.match(first):
        for line in _with(first, lines):
            fields = line.rstrip("\r\n").split("\t")
            if len(fields) >= 4:
                yield from _listing({"artist": _unquoted(fields[1]), "title": _unquoted(fields[2]), "md5": fields[3]})
        return
    rows = csv.reader(_with(first, lines), delimiter="\t" if "\t" in first else ",", strict=True)
    try:
        header = [name.strip().lower() for name in next(rows, [])]
        if not {"artist", "title"} <= set(header):
            msg = f"{path} is no list of songs: its first line must name the columns artist and title."
            raise UserError(msg)
        for row in rows:
            yield from _listing(dict(zip(header, row, strict=False)))
    except csv.Error as error:
        msg = f"{path} is not valid CSV near line {rows.line_num} ({error}); mend it and add it again."
        raise UserError(msg) from None


def _unquoted(field: str) -> str:
    """Some names in clean_midi.txt are still quoted as in the CSV file they came from."""
    return field[1:-1].replace('""', '"') if len(field) > 1 and field[0] == field[-1] == '"' and '""' in field[1:-1] else field


def _lines(path: Path, file: TextIO) -> Iterator[str]:
    number = 0
    while line := file.readline(LONGEST_LINE):
        number += 1
        if len(line) == LONGEST_LINE:
            msg = f"{path} has a line of over {LONGEST_LINE:,} characters (line {number}); it is no list of songs."
            raise UserError(msg)
        yield line.replace("\0", " ")


def _with(first: str, lines: Iterable[str]) -> Iterator[str]:
    yield first
    yield from lines


def _json(path: Path, first: str, lines: Iterable[str]) -> Iterator[Listing]:
    for number, line in enumerate(_with(first, lines), start=1):
        if not line.strip():
            continue
        try:
            fields = json.loads(line)
        except (ValueError, RecursionError):
            fields = None
        if not isinstance(fields, dict):
            msg = f"{path} has no JSON object on line {number}; mend it and add it again."
            raise UserError(msg)
        yield from _listing({name: str(value) for name, value in fields.items() if isinstance(value, (str, int, float))})


def _listing(fields: dict[str, str]) -> Iterator[Listing]:
    said = {name: " ".join(fields.get(name, "")[:LONGEST_FIELD].translate(_CONTROL).split()) for name in COLUMNS}
    said["title"] = fields.get("title", "")[:LONGEST_FIELD].translate(_CONTROL).strip()  # gaps in it stand for slashes
    if not said["title"]:
        return
    yield Listing(
        said["artist"], said["title"], _seconds(said["duration"]), said["isrc"].upper(),
        said["musicbrainz_recording"].lower(), said["md5"].lower(),
    )  # fmt: skip


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        return 0.0
    return round(value, 3) if 0 < value < 1_000_000 else 0.0
