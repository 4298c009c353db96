"""Stages that take their time and say which process is at it, for tests of a cluster."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from motet.dataset.rows import File, Row
from motet.run import Needs, Settings, stage
from toys.stages import Number


class Lingering(Settings):
    folder: str = ""
    seconds: float = 0.3
    until_workers: int = 0
    no_effect: ClassVar[frozenset[str]] = frozenset({"folder", "seconds", "until_workers"})


@stage(version=1, uses=["value"], timeout=300, filters=True)
def linger(number: Number, settings: Lingering) -> None:
    """Passes every row on, after a while, or once so many processes have begun one; writes who has begun it."""
    marks = Path(settings.folder)
    (marks / f"{number.value}.begun").write_text(str(os.getpid()))
    time.sleep(settings.seconds)
    while settings.until_workers and _workers(marks) < settings.until_workers:
        time.sleep(0.05)


def _workers(marks: Path) -> int:
    return len({mark.read_text() for mark in marks.glob("*.begun")} - {""})


@stage(version=1, uses=["sha256"], libraries=["numpy"])
def with_numpy(file: File) -> Number:
    return Number(value=int(Path(file.location).read_text()))


class Cards(Settings):
    gpus: int = 1
    hold_mb: int = 0
    says_mb: int = 0


@dataclass(frozen=True, kw_only=True)
class Seen(Row):
    """What the process that answered saw."""

    table: ClassVar[str] = "seen"
    cards: str
    process: int


@stage(version=1, uses=["sha256"], needs=lambda settings: Needs(gpus=settings.gpus, memory_mb=settings.says_mb))
def see_cards(file: File, settings: Cards) -> Seen:
    held = bytearray(settings.hold_mb << 20)
    time.sleep(0.02)
    return Seen(cards=os.environ.get("CUDA_VISIBLE_DEVICES", ""), process=os.getpid() + 0 * len(held))
