"""A SQLite file whose loss costs time only: damaged it begins anew, locked or not writable it is done without."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

_PATIENCE = 2.0  # seconds for another process's write


class Shelf:
    """One table in one file. `problem` is a sentence once it can no longer be used; then it holds nothing and takes nothing."""

    def __init__(self, file: Path, table: str) -> None:
        self._file, self._table = file, table
        self.problem = ""
        self._database: sqlite3.Connection | None = None
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            try:
                self._database = self._opened()
            except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
                if not _damaged(error):
                    raise
                self._start_afresh()
        except (sqlite3.Error, OSError, UnicodeDecodeError) as error:
            self._give_up(error)

    def close(self) -> None:
        if self._database is not None:
            self._database.close()
            self._database = None

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """What a question answers; nothing where the file cannot be used."""
        if self._database is None:
            return []
        try:
            return self._database.execute(sql, values).fetchall()
        except (sqlite3.Error, UnicodeDecodeError) as error:
            self._failed(error)
            return []

    def write(self, *changes: tuple[str, Iterable[Sequence[Any]]]) -> None:
        """Several statements, each for many rows: all of them, or none."""
        if self._database is None:
            return
        try:
            with self._database:
                self._database.execute("BEGIN IMMEDIATE")
                for sql, rows in changes:
                    self._database.executemany(sql, rows)
        except (sqlite3.Error, UnicodeDecodeError) as error:
            self._failed(error)

    def _opened(self) -> sqlite3.Connection:
        database = sqlite3.connect(self._file, timeout=_PATIENCE, isolation_level=None, check_same_thread=False)
        try:
            database.execute("PRAGMA synchronous=OFF")  # what a power cut leaves is either whole or seen to be damaged
            database.execute(f"CREATE TABLE IF NOT EXISTS {self._table}")
        except (sqlite3.Error, UnicodeDecodeError):
            database.close()
            raise
        return database

    def _start_afresh(self) -> None:
        for suffix in ("", "-journal"):
            self._file.with_name(self._file.name + suffix).unlink(missing_ok=True)
        self._database = self._opened()

    def _failed(self, error: Exception) -> None:
        self.close()
        if not _damaged(error):
            self._give_up(error)
            return
        try:
            self._start_afresh()
        except (sqlite3.Error, OSError, UnicodeDecodeError) as again:
            self._give_up(again)

    def _give_up(self, error: Exception) -> None:
        self.close()
        self.problem = f"{self._file} cannot be used ({error}): what it remembers is worked out again."


def _damaged(error: Exception) -> bool:
    """Is it the file that is at fault? A table with other columns is one of another version."""
    if isinstance(error, sqlite3.OperationalError):
        return any(word in str(error) for word in ("no such column", "has no column", "malformed", "decode"))
    return isinstance(error, sqlite3.DatabaseError | UnicodeDecodeError)
