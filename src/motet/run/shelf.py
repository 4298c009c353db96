"""Between the engine and the ledger: outcomes are gathered, and committed by number and time."""

from __future__ import annotations

import shutil
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from motet.dataset.ledger import Ledger
from motet.errors import UserError
from motet.run.stage import Stage
from motet.run.worker import Outcome

FLUSH_ROWS = 2000
FLUSH_SECONDS = 5.0
RESERVE_BYTES = 64 << 20  # disk that is never filled


class Shelf:
    """Gathers outcomes and commits them by number and time."""

    def __init__(self, ledger: Ledger, stage: Stage, folder: Path) -> None:
        self.ledger, self.stage, self.folder = ledger, stage, folder
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
        full = len(self.work) >= FLUSH_ROWS or len(self.rows) >= FLUSH_ROWS
        if full or time.monotonic() - self.since > FLUSH_SECONDS:
            self.flush()
            if shutil.disk_usage(self.folder).free < RESERVE_BYTES:
                raise UserError(f"{self.folder} is nearly full: free some room and run again; nothing is lost.", 1)

    def flush(self) -> None:
        work, rows = self.work, self.rows
        self.work, self.rows, self.since = [], [], time.monotonic()
        self.ledger.append(self.stage.name, work, self.stage.writes, rows)
