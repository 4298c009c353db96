"""The Million Song Dataset: HDF5 files, one a song, joined to Lakh files by MD5.

Bertin-Mahieux, Ellis, Whitman, Lamere: The Million Song Dataset, ISMIR 2011. Which file fits which song is in
`match_scores.json` of the Lakh MIDI Dataset: scores by MSD track and MD5. The analysis is of a recording, so it need not
be true of the MIDI file; `energy` and `danceability` are zero in every file, and left out. Needs h5py.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from motet.errors import UserError
from motet.sources.asking import Answer, Question, RawTags, Song, Unanswered, mbid, md5, setting
from motet.sources.hostile import known, number, parse, tags, text, whole
from motet.sources.own import changed_at

if TYPE_CHECKING:
    from motet.sources.client import Client

_TRACK = re.compile(r"TR[A-Z0-9]{16}")
_MOST_FOUND = 20  # recordings that a MIDI file fits
_MOST_TERMS = 200
_SCORES = "match_scores.json"


@dataclass(frozen=True)
class Msd:
    """`folder` holds `match_scores.json`, and the files as they are published: lmd_matched_h5/A/B/C/TRABC….h5, or A/B/C/…"""

    folder: Path
    name: str = "msd"
    online: bool = False

    @cached_property
    def digest(self) -> str:
        """Of the scores; the hundreds of thousands of files beside them are taken to be as published."""
        try:
            return hashlib.sha256((self.folder / _SCORES).read_bytes()).hexdigest()
        except OSError as problem:
            raise self._unreadable(problem) from None

    def search(self, question: Question, client: Client | None = None) -> list[Answer]:
        tracks = self._tracks.get(md5(question.md5), [])
        found = [self._answer(path, track, score) for score, track in tracks if (path := self._file(track))]
        return found or [Answer(self.name, "not_found", asked_at=changed_at(self.folder / _SCORES))]

    def details(self, found: Answer, client: Client | None = None) -> Answer:
        return found

    @cached_property
    def _tracks(self) -> dict[str, list[tuple[float, str]]]:
        """Tracks by MD5, the best match first."""
        try:
            scores = parse((self.folder / _SCORES).read_bytes())
        except OSError as problem:
            raise self._unreadable(problem) from None
        except ValueError:
            scores = None
        if not isinstance(scores, dict):
            raise UserError(f"{self.folder / _SCORES} is not the scores of the Lakh MIDI Dataset: download it again.")
        found: dict[str, list[tuple[float, str]]] = {}
        for track, files in scores.items():
            for key, score in files.items() if _TRACK.fullmatch(track) and isinstance(files, dict) else ():
                if md5(key) and (value := number(score, 0, 1)) is not None:
                    found.setdefault(md5(key), []).append((value, track))
        return {key: sorted(tracks, key=lambda one: (-one[0], one[1]))[:_MOST_FOUND] for key, tracks in found.items()}

    def _unreadable(self, problem: OSError) -> UserError:
        return UserError(
            f"{self.folder / _SCORES} cannot be read ({problem.strerror}): MOTET_MSD names the folder that holds it."
        )

    def _file(self, track: str) -> Path | None:
        inner = Path(*track[2:5], f"{track}.h5")
        return next((path for top in ("lmd_matched_h5", "") if (path := self.folder / top / inner).is_file()), None)

    def _answer(self, path: Path, track: str, score: float) -> Answer:
        h5py = _h5py()
        try:
            with h5py.File(path, "r") as file:
                song, facts, terms, identifiers = _song(file), _facts(file), _terms(file), _identifiers(file)
        except (OSError, KeyError, ValueError, TypeError, IndexError, AttributeError, RuntimeError) as problem:
            raise Unanswered(f"{self.name}: {path} cannot be read ({type(problem).__name__})") from None
        told = {**facts, "match_score": score}
        return Answer(self.name, "found", song, told, terms, {**identifiers, "msd_track": track}, changed_at(path))


def open_source(settings: Mapping[str, str]) -> Msd:
    """MOTET_MSD is the path of the folder."""
    _h5py()
    return Msd(Path(setting(settings, "MOTET_MSD", "The Million Song Dataset")))


def _h5py() -> ModuleType:
    try:
        return import_module("h5py")
    except ImportError:
        raise UserError('The Million Song Dataset is read with h5py: pip install "motet[msd]".') from None


def _row(file: Any, name: str) -> Mapping[str, Any]:
    """The one row of a table, with bytes as text."""
    row = file[name][0]
    return {field: _plain(row[field]) for field in row.dtype.names}


def _plain(value: Any) -> Any:
    value = value.item() if hasattr(value, "item") else value
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _song(file: Any) -> Song:
    named, heard = _row(file, "metadata/songs"), _row(file, "analysis/songs")
    return Song(text(named.get("artist_name")), text(named.get("title")), number(heard.get("duration"), 1, 1e6))


def _facts(file: Any) -> dict[str, Any]:
    heard, named = _row(file, "analysis/songs"), _row(file, "metadata/songs")
    confidences = ("key_confidence", "mode_confidence", "time_signature_confidence")
    return known(
        tempo=number(heard.get("tempo"), 1, 1000),
        key=whole(heard.get("key"), 0, 11),
        mode=whole(heard.get("mode"), 0, 1),
        time_signature=whole(heard.get("time_signature"), 1, 15),
        loudness=number(heard.get("loudness"), -100, 20),
        **{name: number(heard.get(name), 0, 1) for name in confidences},
        album=text(named.get("release")),
        year=whole(_row(file, "musicbrainz/songs").get("year"), 1000, 2999),
        sections_start=[float(one) for one in file["analysis/sections_start"][:1000] if number(float(one), 0) is not None],
        tags_of="artist",
    )


def _terms(file: Any) -> RawTags:
    """What its artist is called, by weight from 0 to 100."""
    terms, weights = file["metadata/artist_terms"][:_MOST_TERMS], file["metadata/artist_terms_weight"][:_MOST_TERMS]
    return tags([(_plain(term), 100 * float(weight)) for term, weight in zip(terms, weights, strict=False)])


def _identifiers(file: Any) -> dict[str, str]:
    named = _row(file, "metadata/songs")
    return known(artist_musicbrainz=mbid(text(named.get("artist_mbid"))), msd_song=text(named.get("song_id")))
