"""A list of the user's own: CSV, TSV or JSONL (an object per line), by identifier or by name.

Columns, all but `title` optional: artist, title, duration (seconds), isrc, musicbrainz_recording, md5, tags (`rock; slow`, or
with counts `rock:80; slow:20`; in JSONL a list, too). Every other column is a fact under its name. The list is held in
memory: about 2 kB a song.
"""

from __future__ import annotations

import csv
import hashlib
import json
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from motet.errors import UserError
from motet.sources.asking import Answer, Question, RawTags, Song, isrc, mbid, md5, setting
from motet.sources.hostile import known, number, parse, tags, text

if TYPE_CHECKING:
    from motet.sources.client import Client

_LONGEST_LINE = 1_000_000  # characters
_MOST_FACTS = 100
_MOST_FOUND = 50  # songs of one name
_Key = str | tuple[str, str]  # an identifier, or artist and title
_COLUMNS = ("artist", "title", "duration", "isrc", "musicbrainz_recording", "md5", "tags")


@dataclass(frozen=True)
class Own:
    path: Path
    name: str = "own"
    online: bool = False

    @cached_property
    def digest(self) -> str:
        return digest(self.path)

    def search(self, question: Question, client: Client | None = None) -> list[Answer]:
        names = (_plain(question.artist), _plain(question.title))
        keys: list[_Key] = [md5(question.md5), mbid(question.musicbrainz_recording), isrc(question.isrc), names]
        for key in keys:
            if found := self._answers.get(key):
                return found
        return [Answer(self.name, "not_found", asked_at=changed_at(self.path))]

    def details(self, found: Answer, client: Client | None = None) -> Answer:
        return found

    @cached_property
    def _answers(self) -> dict[_Key, list[Answer]]:
        """Answers by identifier, by artist and title, and by title alone."""
        when = changed_at(self.path)
        found: dict[_Key, list[Answer]] = {}
        for row in _rows(self.path):
            answer = _answer(self.name, row, when)
            if not answer.song.title:
                continue
            artist, title = _plain(answer.song.artist), _plain(answer.song.title)
            keys: set[_Key] = {*answer.identifiers.values(), (artist, title), ("", title)}
            for key in keys:
                same = found.setdefault(key, [])
                if len(same) < _MOST_FOUND:
                    same.append(answer)
        return found


def open_source(settings: Mapping[str, str]) -> Own:
    """MOTET_SONGS is the path of the list."""
    return Own(Path(setting(settings, "MOTET_SONGS", "A list of one's own")))


def digest(path: Path) -> str:
    """SHA-256 of a list; raises UserError where it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as problem:
        raise UserError(f"{path} cannot be read ({problem.strerror}): name a list that can.") from None


def changed_at(path: Path) -> str:
    try:
        return datetime.fromtimestamp(path.stat().st_mtime, UTC).isoformat(timespec="seconds")
    except OSError as problem:
        raise UserError(f"{path} cannot be read ({problem.strerror}): name a list that can.") from None


def lines(path: Path) -> Iterator[str]:
    """The lines of a list with their ends; raises UserError where it cannot be read or has no lines."""
    try:
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
            count = 0
            while line := file.readline(_LONGEST_LINE):
                count += 1
                if len(line) >= _LONGEST_LINE:
                    raise UserError(f"{path}, line {count} has a million characters: give a list with one song per line.")
                yield line
    except OSError as problem:
        raise UserError(f"{path} cannot be read ({problem.strerror}): name a list that can.") from None


def _rows(path: Path) -> Iterator[Mapping[str, Any]]:
    if path.suffix.lower() in (".jsonl", ".ndjson"):
        for count, line in enumerate(lines(path), 1):
            if line.strip():
                yield _object(path, count, line)
        return
    if path.suffix.lower() not in (".csv", ".tsv"):
        raise UserError(f"{path} is no list Motet can read: give it as .csv, .tsv or .jsonl.")
    reader = csv.reader(lines(path), delimiter="\t" if path.suffix.lower() == ".tsv" else ",")
    try:
        columns = [name.strip().lower() for name in next(reader, [])]
        if "title" not in columns:
            raise UserError(f"{path} has no column 'title': its first line must name the columns.")
        for row in reader:
            yield dict(zip(columns, row, strict=False))
    except csv.Error as problem:
        raise UserError(f"{path}, line {reader.line_num}: {problem}. Write it as a plain CSV file.") from None


def _object(path: Path, count: int, line: str) -> Mapping[str, Any]:
    try:
        found = parse(line.encode("utf-8", "replace"))
    except (json.JSONDecodeError, ValueError):
        found = None
    if not isinstance(found, dict):
        raise UserError(f"{path}, line {count} is no JSON object: write one object per line.")
    return {name.strip().lower(): value for name, value in found.items()}


def _answer(source: str, row: Mapping[str, Any], when: str) -> Answer:
    facts = {text(name): _fact(value) for name, value in list(row.items())[:_MOST_FACTS] if name not in _COLUMNS and text(name)}
    identifiers = known(
        isrc=isrc(text(row.get("isrc"))),
        musicbrainz_recording=mbid(text(row.get("musicbrainz_recording"))),
        md5=md5(text(row.get("md5"))),
    )
    song = Song(text(row.get("artist")), text(row.get("title")), number(row.get("duration"), 0.001, 1e6))
    return Answer(source, "found", song, known(**facts), _tags(row.get("tags")), identifiers, when)


def _fact(value: Any) -> Any:
    """A number where it is one, else text; nothing else."""
    found = number(value)
    return text(value) if found is None else found


def _tags(value: Any) -> RawTags:
    written = value.split(";") if isinstance(value, str) else value[:1000] if isinstance(value, list) else []
    return tags([_tag(one) for one in written if isinstance(one, str)])


def _tag(written: str) -> tuple[str, float | None]:
    name, _, count = written.rpartition(":")
    found = number(count.strip(), 0)
    return (name, found) if name and found is not None else (written, None)


def _plain(name: str) -> str:
    """A name by its letters and digits only."""
    return "".join(c for c in unicodedata.normalize("NFKC", name[:500]).casefold() if c.isalnum())
