"""Between the engine and the ledger: outcomes are gathered, and committed by number and time.

Where the rows were answered on another machine, it has written them already, and only the names of its parts are committed.
"""

from __future__ import annotations

import shutil
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from motet.dataset.ledger import Ledger, Parts
from motet.errors import UserError
from motet.run.stage import Stage
from motet.run.worker import Outcome

FLUSH_ROWS = 2000
FLUSH_SECONDS = 5.0
RESERVE_BYTES = 64 << 20  # disk that is never filled


class Gathered:
    """Outcomes of one stage on their way into parts: lines of work, and rows."""

    def __init__(self) -> None:
        self.work: list[dict[str, Any]] = []
        self.rows: list[dict[str, Any]] = []
        self.since = time.monotonic()

    def add(self, outcome: Outcome) -> None:
        self.work.append(
            {
                "key": outcome.key,
                "status": outcome.status,
                "reason": outcome.reason,
                "detail": outcome.detail,
                "seconds": outcome.seconds,
                "attempts": outcome.attempts,
                "media_bytes": outcome.media_bytes,
                "worker": outcome.worker,
                "at": datetime.now(UTC),
            }
        )
        self.rows.extend({"answer_key": outcome.key, "answer_row": n, **row} for n, row in enumerate(outcome.rows))

    def due(self, seconds: float = FLUSH_SECONDS) -> bool:
        full = len(self.work) >= FLUSH_ROWS or len(self.rows) >= FLUSH_ROWS
        return full or time.monotonic() - self.since > seconds


class Shelf:
    """Gathers the outcomes of a stage and commits them by number and time."""

    def __init__(self, ledger: Ledger, stage: Stage, folder: Path) -> None:
        self.ledger, self.stage, self.folder = ledger, stage, folder
        self.gathered = Gathered()
        self.written: list[Parts] = []  # by others
        self.seen: set[Parts] = set()  # many outcomes are of one part

    def add(self, outcome: Outcome) -> None:
        if not outcome.parts:
            self.gathered.add(outcome)
        elif outcome.parts not in self.seen:
            self.seen.add(outcome.parts)
            self.written.append(outcome.parts)
        if self.gathered.due():
            self.flush()
            if shutil.disk_usage(self.folder).free < RESERVE_BYTES:
                raise UserError(f"{self.folder} is nearly full: free some room and run again; nothing is lost.", 1)

    def flush(self) -> None:
        gathered, written = self.gathered, self.written
        self.gathered, self.written = Gathered(), []
        self.ledger.commit(written)
        self.ledger.append(self.stage.name, gathered.work, self.stage.writes, gathered.rows)
