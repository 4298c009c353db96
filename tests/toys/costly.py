"""Stages whose price is known: by the size of a file, and by a service that must not be asked."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

from motet.dataset.rows import File, Row, media
from motet.run import Drop, Settings, Tools, stage
from motet.run.stage import Cost


@dataclass(frozen=True, kw_only=True)
class Weighed(Row):
    table: ClassVar[str] = "weighed"
    octets: int
    copy: str = media()


@dataclass(frozen=True, kw_only=True)
class Told(Row):
    table: ClassVar[str] = "told"
    by: str


class Asking(Settings):
    writer: Literal["llm", "grammar"] = "llm"
    asked: str = ""  # a file that is made when the service is asked


@stage(version=1, uses=["sha256", "size"], timeout=30)
def weigh(file: File, tools: Tools) -> Weighed | Drop:
    data = Path(file.location).read_bytes()
    if not data:
        return Drop("empty", "nothing to weigh")
    time.sleep(0.002)
    return Weighed(octets=len(data), copy=tools.media.write(data[::-1], ".bin"))


def _cost(weighed: Mapping[str, Any], settings: Asking) -> Cost | None:
    return Cost(dollars=weighed["octets"] / 100) if settings.writer == "llm" else None


@stage(version=1, uses=["octets"], timeout=30, cost=_cost)
def tell(weighed: Weighed, settings: Asking) -> Told:
    if settings.writer == "llm":
        Path(settings.asked).touch()
    return Told(by=settings.writer)
