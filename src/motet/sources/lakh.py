"""The list of the clean Lakh MIDI files: artist and title by the MD5 of a file's bytes.

Raffel: Learning-Based Methods for Comparing Sequences, Columbia University 2016. A line is: number, artist, title, MD5 and
path, with tabs between them. The names are those of the folders the files were found in, so nobody checked them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from motet.errors import UserError
from motet.sources.asking import Answer, Question, Song, md5, setting
from motet.sources.hostile import text
from motet.sources.own import changed_at, digest, lines

if TYPE_CHECKING:
    from motet.sources.client import Client


@dataclass(frozen=True)
class Lakh:
    path: Path
    name: str = "lakh"
    online: bool = False

    @cached_property
    def digest(self) -> str:
        return digest(self.path)

    def search(self, question: Question, client: Client | None = None) -> list[Answer]:
        songs = self._songs.get(md5(question.md5), ())
        return [Answer(self.name, "found", song, asked_at=self._when) for song in songs] or [
            Answer(self.name, "not_found", asked_at=self._when)
        ]

    def details(self, found: Answer, client: Client | None = None) -> Answer:
        return found

    @cached_property
    def _when(self) -> str:
        return changed_at(self.path)

    @cached_property
    def _songs(self) -> dict[str, tuple[Song, ...]]:
        found: dict[str, tuple[Song, ...]] = {}
        for line in lines(self.path):
            fields = line.rstrip("\r\n").split("\t")
            song = Song(text(fields[1]), text(fields[2])) if len(fields) >= 4 else Song()
            if song.title and (key := md5(fields[3])) and song not in found.get(key, ()):
                found[key] = (*found.get(key, ()), song)
        if not found:
            raise UserError(f"{self.path} is no list of Lakh files: a line has number, artist, title and MD5, with tabs between.")
        return found


def open_source(settings: Mapping[str, str]) -> Lakh:
    """MOTET_LAKH_LIST is the path of the list."""
    return Lakh(Path(setting(settings, "MOTET_LAKH_LIST", "The Lakh list")))
