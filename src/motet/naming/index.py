"""An offline index of songs in one SQLite file, in which a title is found by its keys, its beginning, or its pieces."""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from motet.errors import UserError
from motet.naming.cleaning import core, last_first, title_readings
from motet.naming.lists import listings
from motet.naming.spelling import artist_key, grams, loose, plain

VERSION = "2"  # of the tables and of the keys in them
_BATCH = 400  # values in one question; SQLite takes 999
_MOST_ROWS = 20_000  # of the pieces that are looked at for one name, the rarest first
_MOST_GRAMS = 64
_SCHEMA = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
CREATE TABLE listings (
    who TEXT, what TEXT, artist TEXT, title TEXT, md5 TEXT, duration REAL, isrc TEXT, musicbrainz_recording TEXT,
    PRIMARY KEY (who, what, artist, title, md5, duration, isrc, musicbrainz_recording)
) WITHOUT ROWID;
CREATE INDEX by_md5 ON listings (md5) WHERE md5 <> '';
CREATE TABLE songs (
    id INTEGER PRIMARY KEY, who TEXT, what TEXT, artist TEXT, title TEXT, core TEXT, copies INTEGER,
    duration REAL, isrc TEXT, musicbrainz_recording TEXT, UNIQUE (who, what)
);
CREATE INDEX by_core ON songs (core);
CREATE TABLE titles (plain TEXT, song INTEGER, loose TEXT, left_out REAL, PRIMARY KEY (plain, song)) WITHOUT ROWID;
CREATE INDEX by_loose ON titles (loose);
CREATE INDEX by_song ON titles (song);
CREATE TABLE spellings (id INTEGER PRIMARY KEY, loose TEXT UNIQUE);
CREATE TABLE grams (gram TEXT, spelling INTEGER, PRIMARY KEY (gram, spelling)) WITHOUT ROWID;
CREATE TABLE gram_counts (gram TEXT PRIMARY KEY, spellings INTEGER) WITHOUT ROWID;
"""


@dataclass(frozen=True)
class KnownSong:
    """A song that a list or a service knows. `copies` counts the different files or lines that list it.

    `duration` is in seconds, 0 where unknown; `isrc` and `musicbrainz_recording` are "" where unknown.
    """

    artist: str
    title: str
    copies: int = 1
    duration: float = 0.0
    isrc: str = ""
    musicbrainz_recording: str = ""

    @property
    def identifiers(self) -> dict[str, str]:
        """The identifiers that are known, by name."""
        named = {"isrc": self.isrc, "musicbrainz_recording": self.musicbrainz_recording}
        return {name: value for name, value in named.items() if value}


@dataclass(frozen=True)
class Found:
    """A song in the index, the key it was found by, and how much of its title that key leaves out, 0 to 1."""

    song: KnownSong
    loose: str
    plain: str
    left_out: float


def default_path() -> Path:
    """Where the user's index lies: `motet/songs.sqlite` in $XDG_CACHE_HOME, or in ~/.cache."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "motet" / "songs.sqlite"


class SongIndex:
    """Songs in a file at `path`, made where there is none. A context manager; usable from one thread.

    Lists are added whole or not at all, by `add`. The content does not hang on the order of lists, and the same list twice
    adds nothing. Raises UserError where the file is no index of this version.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._database = sqlite3.connect(self.path, timeout=60, isolation_level=None)
            self._open()
        except (sqlite3.Error, OSError) as error:
            msg = (
                f"{self.path} cannot be used as a song index ({error}); name another file, or delete it and add the lists again."
            )
            raise UserError(msg) from None

    def _open(self) -> None:
        self._database.execute("PRAGMA cache_size = -65536")
        if not self._database.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone():
            self._database.executescript(
                "BEGIN IMMEDIATE;" + _SCHEMA + f"INSERT INTO meta VALUES ('version', '{VERSION}'); COMMIT;"
            )
        found = self._database.execute("SELECT value FROM meta WHERE name = 'version'").fetchone()
        if found != (VERSION,):
            msg = "made by another version"
            raise sqlite3.DatabaseError(msg)

    def _run(self, sql: str, values: Sequence[str | int | float] = ()) -> list[tuple[Any, ...]]:
        try:
            return self._database.execute(sql, values).fetchall()
        except sqlite3.DatabaseError as error:
            msg = f"The song index {self.path} is damaged ({error}): delete it, and add the lists again."
            raise UserError(msg, exit_code=1) from None

    def __enter__(self) -> SongIndex:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self._database.close()

    def __len__(self) -> int:
        """How many songs it knows."""
        return int(self._run("SELECT count(*) FROM songs")[0][0])

    @property
    def digest(self) -> str:
        """A digest of all that was listed, for keys of caches: equal for equal content, however it came to be."""
        found = self._run("SELECT value FROM meta WHERE name = 'digest'")
        return str(found[0][0]) if found else hashlib.sha256(VERSION.encode()).hexdigest()

    def add(self, file: str | Path) -> int:
        """Add a list of songs; how many of its lines were new. All or nothing, killed at any moment.

        Raises UserError for what is no list of songs.
        """
        try:
            self._database.execute("BEGIN IMMEDIATE")
            try:
                added = self._add(Path(file))
                self._database.execute("COMMIT")
            except BaseException:
                self._database.execute("ROLLBACK")
                raise
        except sqlite3.DatabaseError as error:
            msg = f"{self.path} cannot be written ({error}); wait for what uses it, or make room, and add {file} again."
            raise UserError(msg, exit_code=1) from None
        return added

    def _add(self, file: Path) -> int:
        changed = set[tuple[str, str]]()
        added = 0
        for one in listings(file):
            who, what = artist_key(one.artist), plain(one.title)
            if not what:
                continue
            new = self._database.execute(
                "INSERT OR IGNORE INTO listings VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (who, what, one.artist, one.title, one.md5, one.duration, one.isrc, one.musicbrainz_recording),
            )
            if new.rowcount > 0:
                changed.add((who, what))
                added += 1
        for who, what in sorted(changed):
            self._settle(who, what)
        for who in sorted({who for who, _ in changed}):
            # One spelling for all songs of an artist.
            rows = self._run("SELECT artist FROM listings WHERE who = ?", (who,))
            self._run("UPDATE songs SET artist = ? WHERE who = ?", (_usual(last_first(artist) for (artist,) in rows), who))
        if changed:
            self._database.execute("INSERT OR REPLACE INTO meta VALUES ('digest', ?)", (self._content(),))
        return added

    def _settle(self, who: str, what: str) -> None:
        """Make the song of all its listings anew: the most usual spelling, and the first identifiers that are said."""
        execute = self._database.execute
        rows = execute("SELECT * FROM listings WHERE who = ? AND what = ?", (who, what)).fetchall()
        artist, title = (_usual(names) for names in ((last_first(row[2]) for row in rows), (row[3] for row in rows)))
        durations = sorted(row[5] for row in rows if row[5])
        duration = durations[len(durations) // 2] if durations else 0.0
        isrc, recording = (min((row[at] for row in rows if row[at]), default="") for at in (6, 7))
        song = execute(
            "INSERT INTO songs (who, what, artist, title, core, copies, duration, isrc, musicbrainz_recording) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (who, what) DO UPDATE SET artist = excluded.artist, "
            "title = excluded.title, core = excluded.core, copies = excluded.copies, duration = excluded.duration, "
            "isrc = excluded.isrc, musicbrainz_recording = excluded.musicbrainz_recording RETURNING id",
            (who, what, artist, title, core(title), len(rows), duration, isrc, recording),
        ).fetchone()[0]
        execute("DELETE FROM titles WHERE song = ?", (song,))
        for run, key, left_out in title_readings(title):
            execute("INSERT OR IGNORE INTO titles VALUES (?, ?, ?, ?)", (run, song, key, left_out))
            if execute("INSERT OR IGNORE INTO spellings (loose) VALUES (?)", (key,)).rowcount > 0:
                spelling = execute("SELECT id FROM spellings WHERE loose = ?", (key,)).fetchone()[0]
                pieces = grams(key)
                self._database.executemany("INSERT INTO grams VALUES (?, ?)", [(gram, spelling) for gram in pieces])
                self._database.executemany(
                    "INSERT INTO gram_counts VALUES (?, 1) ON CONFLICT (gram) DO UPDATE SET spellings = spellings + 1",
                    [(gram,) for gram in pieces],
                )

    def _content(self) -> str:
        digest = hashlib.sha256(VERSION.encode())
        for row in self._run("SELECT * FROM listings ORDER BY 1, 2, 3, 4, 5, 6, 7, 8"):
            digest.update(repr(row).encode())
        return digest.hexdigest()

    def titled(self, keys: Iterable[str]) -> list[Found]:
        """Songs called exactly so, by loose keys."""
        wanted = sorted(set(keys))
        found = list[Found]()
        for at in range(0, len(wanted), _BATCH):
            some = wanted[at : at + _BATCH]
            found += self._found(f"t.loose IN ({_marks(some)})", some)
        return found

    def beginning(self, run: str, most: int = 40) -> list[Found]:
        """Songs whose title begins with a plain run and goes on, at most so many (an arbitrary, but always the same, choice)."""
        return self._found("t.plain > ? AND t.plain < ? ORDER BY t.plain, s.who, s.what LIMIT ?", [run, run + "\U0010ffff", most])

    def alike(self, key: str, most: int = 12) -> list[Found]:
        """Songs whose title shares the most three-letter pieces with a loose key: a third of those asked for, at least.

        Rare pieces are asked for first, and common ones no more once that would be too much work.
        """
        wanted = grams(key)[:_MOST_GRAMS]
        sql = f"SELECT gram, spellings FROM gram_counts WHERE gram IN ({_marks(wanted)}) ORDER BY spellings, gram"
        rows = self._run(sql, wanted)
        asked, looked_at = list[str](), 0
        for gram, spellings in rows:
            looked_at += spellings
            if asked and looked_at > _MOST_ROWS:
                break
            asked.append(gram)
        keys = self._run(
            f"SELECT loose FROM (SELECT spelling, count(*) AS shared FROM grams WHERE gram IN ({_marks(asked)}) "
            "GROUP BY spelling HAVING shared >= ?) JOIN spellings ON id = spelling ORDER BY shared DESC, loose LIMIT ?",
            [*asked, max(2, len(wanted) // 3), most],
        )
        return self.titled(row[0] for row in keys)

    def search(self, title: str, artist: str = "", most: int = 10) -> list[KnownSong]:
        """Songs by their title, exact ones first, then those that begin so, then those spelled alike; of an artist only
        where one is named."""
        run = plain(title)
        if not run:
            return []
        found = [*self.titled([loose(run)]), *self.beginning(run), *self.alike(loose(run))]
        who = set(artist_key(artist).split())
        songs = dict.fromkeys(one.song for one in found if who <= set(artist_key(one.song.artist).split()))
        return list(songs)[:most]

    def _found(self, condition: str, values: Sequence[str | int]) -> list[Found]:
        rows = self._run(
            "SELECT s.artist, s.title, s.copies, s.duration, s.isrc, s.musicbrainz_recording, t.loose, t.plain, t.left_out "
            f"FROM titles t JOIN songs s ON s.id = t.song WHERE {condition}",
            values,
        )
        return [Found(KnownSong(*row[:6]), *row[6:]) for row in rows]


def _usual(names: Iterable[str]) -> str:
    """The most frequent spelling; of those as frequent not the one all in capitals, then the first by alphabet."""
    counts = Counter(names)
    return min(counts, key=lambda name: (-counts[name], name.isupper(), name))


def _marks(values: Sequence[str]) -> str:
    return ",".join("?" * len(values))
