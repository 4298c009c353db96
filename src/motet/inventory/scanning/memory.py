"""What earlier scans and checks found, in one file of the cache folder. Losing it costs time only."""

from __future__ import annotations

import os
import sqlite3
import sys
import threading
import zlib
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

__all__ = ["Memory", "Remembered", "RememberedArchive"]

_FORMAT = 2
_PATIENCE = 10.0  # seconds for another process that writes
_MOST_PENDING = 4 << 20  # bytes that wait to be written together
_TABLES = (
    "CREATE TABLE IF NOT EXISTS folders (key BLOB PRIMARY KEY, digest BLOB, files INTEGER, total INTEGER, archives TEXT,"
    " stamp TEXT, read_at REAL, record BLOB)",
    "CREATE TABLE IF NOT EXISTS archives (key BLOB PRIMARY KEY, stamp TEXT, passed TEXT)",
    "CREATE TABLE IF NOT EXISTS notes (what TEXT, path BLOB, stamp TEXT, value BLOB, PRIMARY KEY (what, path))",
)
_LEVEL = f"{_FORMAT}-{sys.byteorder}"

_DAMAGED = (sqlite3.DatabaseError, UnicodeDecodeError)  # of a message, or a name, of a damaged file


@dataclass(frozen=True, slots=True)
class Remembered:
    """One folder as it was seen: `digest` over what its listing says, `record` with what its files are."""

    key: bytes
    digest: bytes  # b"" never fits: some file was too young to be trusted
    files: int
    total: int  # bytes of its files
    archives: str  # names of its archives, as JSON
    stamp: str
    read_at: float
    record: bytes


@dataclass(frozen=True, slots=True)
class RememberedArchive:
    """One archive that was listed, or could not be: `passed` as JSON."""

    key: bytes
    stamp: str  # "" never fits
    passed: str


class Memory:
    """Folders by key, archives by key, and notes of anybody by what and path.

    Several processes may use one folder at once. A file that is damaged is begun anew; where none can be had (locked,
    read-only, full) what is told lives in a temporary file until the end. One object may be used by several threads.
    """

    def __init__(self, folder: Path, *, write: bool = True) -> None:
        self._lock = threading.RLock()
        self._write = write
        self._file = folder / f"scan-{_LEVEL}.sqlite"
        self._lasting = False
        self._notes: dict[tuple[str, bytes], tuple[str, bytes]] = {}
        self._pending = 0
        self._database = self._open()

    @property
    def lasting(self) -> bool:
        """Will other processes, and later ones, see what is told?"""
        return self._lasting

    @property
    def folder(self) -> Path:
        return self._file.parent

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        with self._lock:
            self.flush()
            self._database.close()

    # Notes: what a check found, under a word of its own

    def told(self, what: str, path: str, stamp: str) -> bytes | None:
        """What was told of a path when it had this stamp, or None."""
        place = (what, os.fsencode(path))
        with self._lock:
            held = self._notes.get(place)
            if held is None:
                rows = self._rows("SELECT stamp, value FROM notes WHERE what = ? AND path = ?", place)
                held = rows[0] if rows else None
        return _unsealed(held[1], what.encode(), place[1], stamp.encode()) if held is not None and held[0] == stamp else None

    def tell(self, what: str, path: str, stamp: str, value: bytes) -> None:
        """Remember `value`; written together with others, at the latest on `flush` or `close`."""
        with self._lock:
            place = os.fsencode(path)
            self._notes[what, place] = (stamp, _sealed(value, what.encode(), place, stamp.encode()))
            self._pending += len(value) + len(path) + 100
            if self._pending > _MOST_PENDING:
                self.flush()

    def forget(self, path: str, what: str = "") -> None:
        """Drop the notes of a path and of all below it: those of one sort, or all."""
        with self._lock:
            self.flush()
            place = os.fsencode(path.rstrip("/"))
            sort, values = (" AND what = ?", (what,)) if what else ("", ())
            below = "(path = ? OR (path > ? AND path < ?) OR (path > ? AND path < ?))"
            ranges = (place, place + b"/", place + b"0", place + b"!/", place + b"!0")
            self._change(f"DELETE FROM notes WHERE {below}{sort}", [(*ranges, *values)])

    def flush(self) -> None:
        """Write what waits."""
        with self._lock:
            rows = [(*place, *held) for place, held in self._notes.items()]
            self._notes, self._pending = {}, 0
            if rows:
                self._change("INSERT OR REPLACE INTO notes VALUES (?, ?, ?, ?)", rows)

    # Folders and archives, as scans remember them

    def glance(self, key: bytes) -> tuple[bytes, int, int, str] | None:
        """Digest, files, bytes and archives of a folder: without its record."""
        rows = self._rows("SELECT digest, files, total, archives FROM folders WHERE key = ?", (key,))
        if not rows or [type(value) for value in rows[0]] != [bytes, int, int, str]:
            return None
        return rows[0]  # type: ignore[no-any-return]

    def folder_of(self, key: bytes) -> Remembered | None:
        rows = self._rows("SELECT * FROM folders WHERE key = ?", (key,))
        if not rows or [type(value) for value in rows[0]] != [bytes, bytes, int, int, str, str, float, bytes]:
            return None
        told = Remembered(*rows[0])
        record = _unsealed(told.record, key, told.digest, told.stamp.encode(), told.archives.encode())
        return None if record is None else replace(told, record=record)

    def keep_folders(self, folders: Iterable[Remembered]) -> None:
        columns = ("key", "digest", "files", "total", "archives", "stamp", "read_at", "record")
        sealed = (replace(f, record=_sealed(f.record, f.key, f.digest, f.stamp.encode(), f.archives.encode())) for f in folders)
        rows = [tuple(getattr(folder, column) for column in columns) for folder in sealed]
        self._change("INSERT OR REPLACE INTO folders VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)

    def archive(self, key: bytes) -> RememberedArchive | None:
        rows = self._rows("SELECT * FROM archives WHERE key = ?", (key,))
        if not rows or [type(value) for value in rows[0]] != [bytes, str, str]:
            return None
        return RememberedArchive(*rows[0])

    def keep_archive(self, archive: RememberedArchive) -> None:
        self._change("INSERT OR REPLACE INTO archives VALUES (?, ?, ?)", [(archive.key, archive.stamp, archive.passed)])

    def inside(self, key: bytes) -> list[tuple[bytes, int, int]]:
        """Key, files and bytes of the folders inside an archive."""
        start = key + b"!\0\0"
        rows = self._rows("SELECT key, files, total FROM folders WHERE key >= ? AND key < ?", (start, key + b"!\0\1"))
        return [row for row in rows if [type(value) for value in row] == [bytes, int, int]]

    def below(self, key: bytes) -> list[bytes]:
        """Keys of a folder and of all folders below it, and inside the archives there."""
        where, values = _range(key)
        return self._keys(f"SELECT key FROM folders WHERE {where}", values)

    def archives_below(self, key: bytes) -> list[bytes]:
        where, values = _range(key)
        return self._keys(f"SELECT key FROM archives WHERE {where}", values)

    def _keys(self, question: str, values: tuple[Any, ...]) -> list[bytes]:
        return [row[0] for row in self._rows(question, values) if isinstance(row[0], bytes)]

    def drop(self, folders: Iterable[bytes], archives: Iterable[bytes] = ()) -> None:
        """Forget folders and archives that are gone."""
        self._change("DELETE FROM folders WHERE key = ?", [(key,) for key in folders])
        self._change("DELETE FROM archives WHERE key = ?", [(key,) for key in archives])

    # The database

    def _open(self) -> sqlite3.Connection:
        for _ in range(2):
            try:
                return self._opened()
            except sqlite3.OperationalError:
                break  # locked, read-only, full, not allowed: no reason to delete what others may read
            except _DAMAGED:
                if not self._write:
                    break
                with suppress(OSError):
                    self._file.unlink()
            except OSError:
                break
        return self._without()

    def _opened(self) -> sqlite3.Connection:
        if self._write:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            address = self._file.absolute().as_uri()
        else:
            address = self._file.absolute().as_uri() + "?mode=ro"
        database = sqlite3.connect(address, uri=True, timeout=_PATIENCE, isolation_level=None, check_same_thread=False)
        try:
            if self._write:
                database.execute("PRAGMA synchronous=OFF")
                self._prepare(database)
            else:
                database.execute("SELECT 1 FROM folders LIMIT 1").fetchall()
        except BaseException:
            database.close()
            raise
        self._lasting = True
        return database

    def _without(self) -> sqlite3.Connection:
        """A temporary file nobody else sees."""
        self._lasting = False
        database = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._prepare(database)
        return database

    @staticmethod
    def _prepare(database: sqlite3.Connection) -> None:
        (level,) = database.execute("PRAGMA user_version").fetchone()
        if level not in (0, _FORMAT):
            raise sqlite3.DatabaseError("of another format")
        for table in _TABLES:
            database.execute(table)
        if level == 0:
            database.execute(f"PRAGMA user_version={_FORMAT}")

    def _rows(self, question: str, values: tuple[Any, ...]) -> list[Any]:
        with self._lock:
            try:
                return self._database.execute(question, values).fetchall()
            except sqlite3.OperationalError as error:
                if "decode" in str(error):  # text that is none
                    self._renew()
                return []  # else another process writes for long: as if nothing were known
            except _DAMAGED:
                self._renew()
                return []

    def _change(self, statement: str, rows: list[tuple[Any, ...]]) -> None:
        if not rows:
            return
        with self._lock:
            for _ in range(3):
                try:
                    self._database.execute("BEGIN IMMEDIATE")
                    self._database.executemany(statement, rows)
                    self._database.execute("COMMIT")
                    return
                except sqlite3.OperationalError:
                    self._leave()
                except _DAMAGED:
                    self._renew()

    def _leave(self) -> None:
        """Nothing can be written there: go on in a temporary file."""
        self._database.close()
        self._database = self._without()

    def _renew(self) -> None:
        """The file is damaged: begin anew."""
        self._database.close()
        if self._lasting and self._write:
            with suppress(OSError):
                self._file.unlink()
        self._database = self._open() if self._lasting else self._without()


def _sealed(value: bytes, *about: bytes) -> bytes:
    """With a checksum over it and what it is about: a disk that loses bits must not make a note say something else."""
    return zlib.crc32(b"\0".join((*about, value))).to_bytes(4) + value


def _unsealed(held: object, *about: bytes) -> bytes | None:
    """The value, or None where it is not what was told of this."""
    if not isinstance(held, bytes) or len(held) < 4 or _sealed(held[4:], *about) != held:
        return None
    return held[4:]


def _range(key: bytes) -> tuple[str, tuple[bytes, ...]]:
    ranges = (key, key + b"\0", key + b"\1", key + b"!\0\0", key + b"!\0\1")
    return "key = ? OR (key >= ? AND key < ?) OR (key >= ? AND key < ?)", ranges
