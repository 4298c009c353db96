"""Stages whose rows look otherwise once they were stored: whole numbers in fields of floats, tuples, numpy's numbers, nothing."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from motet.dataset.rows import File, Row, media
from motet.run import Drop, Settings, Tools, stage
from motet.run.stage import Cost


@dataclass(frozen=True, kw_only=True)
class Odd(Row):
    table: ClassVar[str] = "odds"
    letter: ClassVar[str] = "o"
    share: float
    maybe: float | None
    number: int
    flag: bool
    name: str
    nothing: str | None
    data: bytes
    floats: list[float]
    pairs: list[list[int]]
    names: list[str]


@dataclass(frozen=True, kw_only=True)
class Even(Row):
    table: ClassVar[str] = "evens"
    index: int
    spoken: str
    written: str | None = media(default=None)


@dataclass(frozen=True, kw_only=True)
class Sum(Row):
    table: ClassVar[str] = "sums"
    of: list[str]
    lost: list[str]
    drawn: float


FIELDS = ["share", "maybe", "number", "flag", "name", "nothing", "data", "floats", "pairs", "names"]
FLOATS: list[Any] = [0, -0.0, 1, 0.1, 1e300, 5e-324, math.inf, np.float64(2.5), np.float32(0.1), 2**53]
NAMES = ["", "é", "e\u0301", "日本", "a\x00b", "'", '"\\', "\U0001f3b5", " "]


@stage(version=1, uses=["sha256"])
def odd(file: File) -> Iterator[Odd] | Drop:
    """As many rows as the file's number says, past 999 too, where the order of ids is not that of numbers; none below 0."""
    many = int(Path(file.location).read_text())
    if many < 0:
        return Drop("negative", str(many))
    return (_odd(many, index) for index in range(many))


def _odd(many: int, index: int) -> Odd:
    value = FLOATS[(many + index) % len(FLOATS)]
    name = NAMES[(many + index) % len(NAMES)]
    given: dict[str, Any] = {
        "share": value,
        "maybe": None if index % 3 == 0 else value,
        "number": np.int64(index - 2),
        "flag": np.bool_(index % 2),
        "name": name,
        "nothing": None if index % 2 else name,
        "data": bytearray(name.encode()) if index % 2 else b"",
        "floats": (1, 2.5, index),
        "pairs": [(index, 1), []],
        "names": [] if index % 2 else [name, name],
    }
    return Odd(**given)


@stage(version=1, uses=FIELDS)
def even(odd: Odd, tools: Tools) -> Even | Drop:
    if odd.number % 4 == 3:
        return Drop("odd_one", repr(odd.share))
    told = " ".join(repr(getattr(odd, name)) for name in FIELDS)
    return Even(index=np.int64(odd.number), spoken=told, written=tools.media.write(told.encode(), ".txt"))  # type: ignore[arg-type]


@stage(version=1, uses=["index"], filters=True)
def keep_most(even: Even) -> Drop | None:
    return Drop("fifth") if even.index % 5 == 0 else None


class Paid(Settings):
    dollars: float = 0.0
    media_bytes: float = 0.0


def _cost(even: Even, settings: Paid) -> Cost:
    return Cost(dollars=settings.dollars, media_bytes=settings.media_bytes)


@stage(version=1, uses=["index", "spoken", "written", "odds.share", "odds.names", "files.sha256"], draws=True, cost=_cost)
def add_up(evens: list[Even], odds: list[Odd], file: File, settings: Paid, tools: Tools) -> Sum:
    lost = [f"{one.index} {one.status} {one.reason}" for one in tools.missing]
    assert len(odds) >= len(evens)
    return Sum(of=[one.spoken for one in evens], lost=lost, drawn=tools.random.random())


@stage(version=1, uses=["of", "lost", "drawn", "evens.index"])
def after(one: Sum, first: Even | None) -> Drop | None:
    """A filter that reads what a group wrote, and a row of a table that may have none."""
    return Drop("long") if first is not None and len(one.of) > 12 else None


@stage(version=1, uses=["number", "share"])
def in_order(odds: list[Odd]) -> Sum:
    return Sum(of=[str(one.number) for one in odds], lost=[], drawn=0)
