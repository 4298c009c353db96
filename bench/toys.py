"""Stages that need no music: what is left of a run's time and memory is the engine's own."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from motet.dataset.rows import Row
from motet.run import Drop, Settings, Tools, Verdict, stage

ROUNDS = 1000  # of a key derivation: about a millisecond of work that nothing can speed up


@dataclass(frozen=True, kw_only=True)
class Number(Row):
    table: ClassVar[str] = "numbers"
    value: int
    words: str


@dataclass(frozen=True, kw_only=True)
class Square(Row):
    table: ClassVar[str] = "squares"
    value: int
    words: str


@dataclass(frozen=True, kw_only=True)
class Piece(Row):
    table: ClassVar[str] = "pieces"
    letter: ClassVar[str] = "p"
    index: int
    value: int


@dataclass(frozen=True, kw_only=True)
class Total(Row):
    table: ClassVar[str] = "totals"
    value: int
    digest: str


class Numbers(Settings):
    rows: int = 1000


def number(n: int) -> Number:
    """A row of about the size of a file's."""
    name = f"{n:016x}"
    return Number(id=name, source=name, path=f"numbers/{n}.txt", lineage=name, value=n, words=f"number {n} " * 12)


@stage(version=1)
def numbers(sources: list[Path], settings: Numbers, tools: Tools) -> Iterator[Verdict[Number]]:
    """As many rows as asked for, from no file."""
    for n in range(settings.rows):
        row = number(n)
        yield Verdict(row.id, rows=(row,), path=row.path)


@stage(version=1, uses=["value", "words"])
def trivial(number: Number) -> Square:
    return Square(value=number.value**2, words=number.words)


@stage(version=1, uses=["value", "words"])
def millisecond(number: Number) -> Square:
    hashlib.pbkdf2_hmac("sha256", number.words.encode(), b"salt", ROUNDS)
    return Square(value=number.value**2, words=number.words)


@stage(version=1, filters=True, timeout=3600)
def drop_tenth(squares: Iterable[Square]) -> Iterator[Verdict[Any]]:
    for n, square in enumerate(squares):
        yield Verdict(square.id, Drop("tenth", "every tenth goes") if n % 10 == 9 else None)


@stage(version=1, uses=["value"])
def halves(square: Square) -> Iterator[Piece]:
    for index in range(2):
        yield Piece(index=index, value=square.value)


@stage(version=1, uses=["index", "value", "numbers.words"])
def join(pieces: list[Piece], number: Number) -> Total:
    return Total(value=sum(p.value for p in pieces), digest=hashlib.sha256(number.words.encode()).hexdigest())
