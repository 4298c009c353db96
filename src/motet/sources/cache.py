"""Answers on disk: a SQLite file that many processes write, and that says the same again without a network."""

from __future__ import annotations

import fcntl
import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from motet.errors import UserError

_PATIENCE = 30.0  # seconds for another process's write
_MOST_BYTES = 1 << 26  # of one answer; the file may be anybody's


@dataclass(frozen=True)
class Kept:
    """What a service said: HTTP status, the bytes of its JSON, and when (ISO 8601, UTC)."""

    status: int
    body: bytes
    asked_at: str


class Cache:
    """Answers by provider and request. The requests given here hold no secret, nor do the bodies.

    Every answer is committed by itself, so a kill loses what was in flight only. A damaged file raises UserError: answers
    took time to get, and nobody but the user throws them away.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        # One process at a time turns a new file into a log (WAL), or mends one after a kill: SQLite would refuse the others.
        with self._explained(), path.with_name(f"{path.name}.lock").open("a") as opening:
            fcntl.flock(opening, fcntl.LOCK_EX)
            self._database = sqlite3.connect(path, timeout=_PATIENCE, isolation_level=None)
            self._database.execute("PRAGMA journal_mode=WAL")
            self._database.execute("PRAGMA synchronous=NORMAL")
            self._database.execute(
                "CREATE TABLE IF NOT EXISTS answers (provider TEXT, request TEXT, status INTEGER, body BLOB, asked_at TEXT,"
                " PRIMARY KEY (provider, request)) WITHOUT ROWID"
            )

    def close(self) -> None:
        self._database.close()

    def get(self, provider: str, request: str) -> Kept | None:
        sql = "SELECT status, body, asked_at FROM answers WHERE provider = ? AND request = ?"
        with self._explained():
            row = self._database.execute(sql, (provider, request)).fetchone()
            if row is None:
                return None
            try:
                return Kept(int(row[0]), zlib.decompressobj().decompress(row[1], _MOST_BYTES), str(row[2]))
            except (zlib.error, TypeError, ValueError) as problem:
                raise sqlite3.DatabaseError(str(problem)) from None

    def put(self, provider: str, request: str, kept: Kept) -> None:
        row = (provider, request, kept.status, zlib.compress(kept.body), kept.asked_at)
        with self._explained():
            self._database.execute("INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?, ?)", row)

    def __len__(self) -> int:
        with self._explained():
            return int(self._database.execute("SELECT count(*) FROM answers").fetchone()[0])

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.DatabaseError, OSError) as problem:
            sentence = f"The answers kept in {self._path} cannot be used ({problem}): free its disk, or move the file away."
            raise UserError(sentence, exit_code=1) from None
