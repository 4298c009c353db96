"""What was spent on a service that is paid by the token: a ledger in a file that holds the cap among all processes."""

from __future__ import annotations

import fcntl
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from motet.errors import UserError

Money = int  # in millionths of a millionth of a dollar: a token's price is a whole number of them
DOLLAR: Money = 10**12
MOST_TOKENS = 10**7  # of one answer; a server that says more is mistaken

_PATIENCE = 30.0  # seconds for another process's line


def money(dollars: float) -> Money:
    return round(Decimal(str(dollars)) * DOLLAR)


def dollars(amount: Money) -> float:
    return amount / DOLLAR


@dataclass(frozen=True)
class Prices:
    """Dollars for a million tokens, of a question and of an answer."""

    tokens_in: float
    tokens_out: float

    def of(self, tokens_in: int, tokens_out: int) -> Money:
        return (money(self.tokens_in) * tokens_in + money(self.tokens_out) * tokens_out) // 10**6


class Ledger:
    """Reserved before it is asked, settled when it is answered. Who dies between leaves the reservation, and it counts: nobody
    knows whether the server had the answer ready. A reservation of money is on the disk before `reserve` returns; a
    settlement is as soon as the next one is, and one that a power cut takes back leaves the reservation. No kill takes anything.

    A damaged file raises UserError: without it nobody knows what was spent. One object is for one thread.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        # One process at a time turns a new file into a log (WAL), or mends one after a kill: SQLite would refuse the others.
        with self._explained(), path.with_name(f"{path.name}.lock").open("a") as opening:
            fcntl.flock(opening, fcntl.LOCK_EX)
            self._database = sqlite3.connect(path, timeout=_PATIENCE, isolation_level=None)
            self._database.execute("PRAGMA journal_mode=WAL")
            with self._alone(durable=True):
                self._database.execute(
                    "CREATE TABLE IF NOT EXISTS requests (id INTEGER PRIMARY KEY, at TEXT, model TEXT, reserved INTEGER NOT NULL,"
                    " paid INTEGER, tokens_in INTEGER, tokens_out INTEGER)"
                )
                # The sum of the lines, so that a million of them need not be added up before each request.
                self._database.execute("CREATE TABLE IF NOT EXISTS spent (one INTEGER PRIMARY KEY, amount INTEGER NOT NULL)")
                self._database.execute("INSERT OR IGNORE INTO spent VALUES (1, 0)")

    def close(self) -> None:
        self._database.close()

    def reserve(self, amount: Money, cap: Money, model: str) -> int | None:
        """The number of a reservation, or None if with it more than the cap would be spent. What is free always fits."""
        with self._explained(), self._alone(durable=amount > 0):
            if amount and self._spent() + amount > cap:
                return None
            self._database.execute("UPDATE spent SET amount = amount + ?", (amount,))
            sql = "INSERT INTO requests (at, model, reserved) VALUES (?, ?, ?)"
            at = datetime.now(UTC).isoformat(timespec="seconds")
            return self._database.execute(sql, (at, model, amount)).lastrowid

    def settle(self, reservation: int, paid: Money, tokens_in: int | None = None, tokens_out: int | None = None) -> None:
        """What it cost in the end, once."""
        with self._explained(), self._alone(durable=False):
            sql = "UPDATE requests SET paid = ?, tokens_in = ?, tokens_out = ? WHERE id = ? AND paid IS NULL RETURNING reserved"
            found = self._database.execute(sql, (paid, tokens_in, tokens_out, reservation)).fetchone()
            if found is not None:
                self._database.execute("UPDATE spent SET amount = amount + ?", (paid - int(found[0]),))

    def spent(self) -> Money:
        """All that was paid or is reserved."""
        with self._explained():
            return self._spent()

    def _spent(self) -> Money:
        return int(self._database.execute("SELECT amount FROM spent").fetchone()[0])

    @contextmanager
    def _alone(self, *, durable: bool) -> Iterator[None]:
        self._database.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError, TypeError) as problem:
            sentence = f"The ledger of spending {self._path} cannot be used ({problem}): free its disk, or move the file away."
            raise UserError(sentence, exit_code=1) from None
