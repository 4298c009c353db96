"""What a build tells: while it runs, to whoever watches, and when it is done."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from motet.dataset.ledger import BLAMED
from motet.dataset.snapshot import Snapshot


class Watch:
    """What a build tells while it runs; this one keeps silent."""

    def begins(self, stage: str, todo: int, already: int) -> None: ...

    def advances(self, stage: str, status: str) -> None: ...

    def ends(self, report: StageReport) -> None: ...

    def notes(self, sentence: str) -> None: ...


@dataclass
class StageReport:
    """What one stage did in this run."""

    name: str
    inputs: int = 0
    statuses: dict[str, int] = field(default_factory=dict)  # of all live inputs
    reasons: list[tuple[str, str, int]] = field(default_factory=list)  # (status, reason, count), commonest first
    rows_out: int = 0
    done_now: int = 0
    already: int = 0
    seconds: float = 0.0
    media_bytes: int = 0
    slowest: list[tuple[float, str]] = field(default_factory=list)  # (seconds, path)
    unchanged: bool = False


@dataclass
class Run:
    """What a build did."""

    snapshot: Snapshot
    folder: Path
    stages: list[StageReport]
    seconds: float
    changed: bool  # whether another snapshot is live than before

    @property
    def survivors(self) -> int:
        return self.stages[-1].rows_out

    @property
    def failed(self) -> int:
        return sum(s.statuses.get(status, 0) for s in self.stages for status in BLAMED)

    @property
    def done_now(self) -> int:
        return sum(s.done_now for s in self.stages)
