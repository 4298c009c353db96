"""What was judged once is not judged again: a database in a file, which may be deleted at any time."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator, MutableMapping
from dataclasses import asdict
from pathlib import Path

from motet.duplicates.judging import VERSION, Likeness

_TABLE = f"judged_{VERSION}"
_KEPT_EVERY = 2.0  # seconds; a kill loses no more


class Judged(MutableMapping[tuple[str, str], Likeness | None]):
    """Likenesses by the digests of two songs, of this version of the judge. `close` keeps what is new."""

    def __init__(self, path: Path) -> None:
        self._kept = time.monotonic()
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._open(path)
        except sqlite3.DatabaseError:  # a damaged cache is no loss
            path.unlink()
            self._open(path)

    def _open(self, path: Path) -> None:
        self._database = sqlite3.connect(path)
        if (found := self._database.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
            raise sqlite3.DatabaseError(found)
        for (name,) in self._database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            if name != _TABLE:
                self._database.execute(f'DROP TABLE "{name}"')
        self._database.execute(
            f"CREATE TABLE IF NOT EXISTS {_TABLE} (first TEXT, second TEXT, told TEXT, PRIMARY KEY (first, second)) WITHOUT ROWID"
        )

    def close(self) -> None:
        self._database.commit()
        self._database.close()

    def __getitem__(self, pair: tuple[str, str]) -> Likeness | None:
        found = self._database.execute(f"SELECT told FROM {_TABLE} WHERE first = ? AND second = ?", pair).fetchone()
        try:
            return _likeness(found[0])
        except (TypeError, ValueError):  # none, or damaged
            raise KeyError(pair) from None

    def __setitem__(self, pair: tuple[str, str], likeness: Likeness | None) -> None:
        told = json.dumps(asdict(likeness)) if likeness else ""
        self._database.execute(f"INSERT OR REPLACE INTO {_TABLE} VALUES (?, ?, ?)", (*pair, told))
        if time.monotonic() > self._kept + _KEPT_EVERY:
            self._database.commit()
            self._kept = time.monotonic()

    def __delitem__(self, pair: tuple[str, str]) -> None:
        self._database.execute(f"DELETE FROM {_TABLE} WHERE first = ? AND second = ?", pair)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._database.execute(f"SELECT first, second FROM {_TABLE}"))

    def __len__(self) -> int:
        return int(self._database.execute(f"SELECT count(*) FROM {_TABLE}").fetchone()[0])


def _likeness(told: str) -> Likeness | None:
    if not told:
        return None
    fields = json.loads(told)
    return Likeness(**{**fields, "shared": tuple(fields["shared"]), "identical": tuple(fields["identical"])})
