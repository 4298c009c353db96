"""Films are searched for the recordings of the catalogue: which is heard from where to where, how fast, and how surely.

What a person judged (`motet film review`) stands above what was measured: a moment judged "no" is left out, one judged "yes" is
kept, however unsure.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, replace
from operator import attrgetter
from pathlib import Path

from pydantic import Field

from motet import naming
from motet.dataset.rows import Catalogued, Collected, Judgement, Moment, Movie, SongMatch
from motet.film import locating
from motet.run import Drop, Settings, Tools, Verdict, stage
from motet.run.stage import versions
from motet.stages.collect import where
from motet.stages.match_film_songs import clues_of

_DOUBTFUL = 0.25  # of the least confidence: what a judgement can still lift
_ALIKE = 0.5  # of the longer of two spans, that both share: then a judgement of one is about the other
_LIBRARIES = ("numpy", "scipy", "numba")


class LocateSongs(Settings):
    least: float = Field(default=locating.SURE, gt=0, le=1, description="confidence of a moment, at least")
    shortest: float = Field(default=5.0, ge=3, le=3600, description="seconds of a moment, at least")


@stage(version=1, timeout=7 * 24 * 3600, libraries=_LIBRARIES)
def locate_songs(
    movies: Iterable[Movie],
    recordings: Iterable[Catalogued],
    matches: Iterable[SongMatch],
    judgements: Iterable[Judgement],
    files: Iterable[Collected],
    settings: LocateSongs,
    tools: Tools,
) -> Iterator[Verdict[Moment]]:
    """Verdicts on all films. In memory are the catalogue's sounds and those of one film, some kB a second at most."""
    catalogue = {one.id: one for one in recordings}
    listed: dict[str, dict[str, SongMatch]] = defaultdict(dict)
    for match in matches:
        if match.what == "recording":
            listed[match.source].setdefault(match.item, match)
    said = list(judgements)
    places = {file.id: where(file) for file in files if file.kind in ("film", "recording")}
    with closing(_Search(catalogue, settings, tools)) as search:
        for movie in movies:
            about = [one for one in said if one.stamp.startswith(movie.sha256[:16])]
            floor = settings.least * (_DOUBTFUL if any(one.verdict == "yes" for one in about) else 1.0)
            rows, rejected = [], 0
            for placement in search.placements(movie, floor):
                row = _row(movie, catalogue[placement.song], placement, listed[movie.id].get(placement.song), places)
                verdict = _judged(row.stamp, about)
                rejected += verdict == "no"
                if verdict == "yes" or (verdict != "no" and placement.confidence >= settings.least):
                    rows.append(replace(row, judged=verdict))
            yield Verdict(movie.id, None if rows else _empty(catalogue, rejected), tuple(rows))


def _empty(catalogue: dict[str, Catalogued], rejected: int) -> Drop:
    if rejected:
        return Drop("rejected", f"all {rejected} moments were judged to be none")
    return Drop("no_song_heard", f"none of {len(catalogue):,} recordings is heard in it")


class _Search:
    """Looks for the catalogue in films; what it found in a film is remembered while neither changes."""

    def __init__(self, catalogue: dict[str, Catalogued], settings: LocateSongs, tools: Tools) -> None:
        self._sounds = {row_id: one.sound for row_id, one in catalogue.items()}
        self._shortest, self._tools = settings.shortest, tools
        told = [sorted(set(self._sounds.values())), settings.shortest, locate_songs.version, versions(_LIBRARIES)]
        self._salt = hashlib.sha256(json.dumps(told).encode()).hexdigest()
        self._index: locating.Catalogue | None = None
        tools.cache.mkdir(parents=True, exist_ok=True)
        self._known = _remembered(tools.cache / "placements.sqlite")

    def placements(self, movie: Movie, least: float) -> list[locating.Placement]:
        key = hashlib.sha256(f"{self._salt} {movie.sound} {least}".encode()).hexdigest()
        # Equal recordings under several names are one in the index: the first by id stands for all.
        first: dict[str, str] = {}
        for row_id in sorted(self._sounds):
            first.setdefault(self._sounds[row_id], row_id)
        hit = self._known.execute("SELECT found FROM placements WHERE key = ?", (key,)).fetchone()
        if hit:
            return [locating.Placement(**{**one, "song": first[one["song"]]}) for one in json.loads(hit[0])]
        if self._index is None:
            sounds = {row_id: locating.Sound.from_bytes(self._tools.media.read(sound)) for sound, row_id in first.items()}
            self._index = locating.Catalogue(sounds)
        film = locating.Sound.from_bytes(self._tools.media.read(movie.sound))
        found = self._index.locate(film, least=least, shortest=self._shortest)
        told = json.dumps([{**asdict(one), "song": self._sounds[one.song]} for one in found])
        with self._known:
            self._known.execute("INSERT OR REPLACE INTO placements VALUES (?, ?)", (key, told))
        return found

    def close(self) -> None:
        self._known.close()


def _remembered(path: Path) -> sqlite3.Connection:
    """What earlier runs found. Losing it costs time only."""
    for _ in range(2):
        known = sqlite3.connect(path)
        try:
            known.execute("CREATE TABLE IF NOT EXISTS placements (key TEXT PRIMARY KEY, found TEXT) WITHOUT ROWID")
            known.execute("SELECT count(*) FROM placements").fetchone()
        except sqlite3.DatabaseError:
            known.close()
            path.unlink(missing_ok=True)
        else:
            return known
    msg = f"{path} cannot be written"
    raise OSError(msg)


def _row(movie: Movie, song: Catalogued, found: locating.Placement, match: SongMatch | None, places: Mapping[str, str]) -> Moment:
    start, end = found.film_start + movie.sound_start, found.film_end + movie.sound_start
    artist, title = name_of(song)
    return Moment(
        film_where=places[movie.id],
        film_sha256=movie.sha256,
        film=movie.title,
        year=movie.year,
        film_seconds=movie.seconds,
        film_fps=movie.fps,
        film_licence=movie.licence_spdx or movie.licence,
        recording=song.id,
        recording_path=song.path,
        recording_where=places[song.id],
        recording_sha256=song.sha256,
        artist=artist or (match.artist if match else ""),
        title=title or (match.title if match else ""),
        recording_licence=song.licence_spdx or song.licence,
        film_start=round(start, 4),
        film_end=round(end, 4),
        song_start=round(found.song_start, 4),
        song_end=round(found.song_end, 4),
        speed=round(found.speed, 6),
        pitch_kept=found.pitch_kept,
        version=found.version,
        confidence=round(found.confidence, 4),
        second_score=round(found.second_score, 4),
        listed=match is not None,
        judged="",
        stamp=f"{movie.sha256[:16]} {song.sha256[:16]} {start:.2f} {end:.2f}",
        evidence=found.evidence + (f"; and {match.film} is said to use it" if match else ""),
    )


def name_of(song: Catalogued) -> tuple[str, str]:
    """Artist and title as a recording's tags, or else its path, tell. "" where they do not."""
    if song.title:
        return song.artist, song.title
    read = naming.guesses(clues_of(song))
    return (read[0].artist, read[0].title) if read else ("", "")


def _judged(stamp: str, judgements: Sequence[Judgement]) -> str:
    """The last judgement of a moment, which may have other edges than it has today; "" for none."""
    film, recording, start, end = _parsed(stamp)
    said = ""
    for one in sorted(judgements, key=attrgetter("at", "stamp")):
        other_film, other_recording, other_start, other_end = _parsed(one.stamp)
        shared = min(end, other_end) - max(start, other_start)
        if (film, recording) == (other_film, other_recording) and shared >= _ALIKE * max(end - start, other_end - other_start):
            said = one.verdict
    return said


def _parsed(stamp: str) -> tuple[str, str, float, float]:
    """Film, recording, start and end. What is no stamp of a moment is about none."""
    parts = stamp.split(" ")
    try:
        film, recording, start, end = parts
        return film, recording, float(start), float(end)
    except ValueError:
        return "", "", 0.0, 0.0
