"""Stages that tell what they do and wait when they are told to, so that a test sees from outside what runs before what.

A folder holds all three: `calls`, a file to which every call adds a line when it begins and one when it ends (appended in one
write, so the file is the order of what happened in all processes); `hold/<stage> <value>`, for whose going such a call waits; and
`faults/<stage> <value>`, which says what such a call does instead of answering.
"""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from motet.dataset.rows import File, Row, media
from motet.run import Drop, Settings, Tools, Verdict, stage
from toys.stages import Number

PATIENCE = 120  # seconds a held call waits before it fails: longer than any test


@dataclass(frozen=True, kw_only=True)
class Square(Row):
    table: ClassVar[str] = "squares"
    value: int
    square: int


@dataclass(frozen=True, kw_only=True)
class Half(Row):
    """A digit of a number; a number has as many as digits."""

    table: ClassVar[str] = "halves"
    letter: ClassVar[str] = "h"
    value: int
    digit: int
    written: str = media()


@dataclass(frozen=True, kw_only=True)
class Joined(Row):
    table: ClassVar[str] = "joined"
    value: int
    square: int | None


@dataclass(frozen=True, kw_only=True)
class Needed(Row):
    table: ClassVar[str] = "needed"
    product: int


@dataclass(frozen=True, kw_only=True)
class Weighed(Row):
    table: ClassVar[str] = "weighed"
    weight: int


@dataclass(frozen=True, kw_only=True)
class Gathered(Row):
    table: ClassVar[str] = "gathered"
    value: int
    total: int
    lost: list[int]


@dataclass(frozen=True, kw_only=True)
class Shared(Row):
    table: ClassVar[str] = "common"
    letter: ClassVar[str] = "s"
    digit: int
    others: int


@dataclass(frozen=True, kw_only=True)
class Drawn(Row):
    table: ClassVar[str] = "drawn"
    drawn: int


@dataclass(frozen=True, kw_only=True)
class Summed(Row):
    table: ClassVar[str] = "summed"
    value: int
    total: int


class Told(Settings):
    """`every` settings: a value that they divide with the rest 1 is dropped, fails or crashes; 0 is none. `takes` are seconds."""

    folder: str = ""
    takes: float = 0.0
    no_effect: ClassVar[frozenset[str]] = frozenset({"folder", "takes"})
    by: int = 1
    drop_every: int = 0
    fail_every: int = 0
    crash_every: int = 0

    def drops(self, value: int) -> bool:
        return bool(self.drop_every) and value % self.drop_every == 1 % self.drop_every


@contextmanager
def _told(stage: str, value: object, settings: Told) -> Iterator[None]:
    """A call as `calls` has it: a line before, a line after, and between them the waiting and the fault that were planted."""
    if settings.takes:
        time.sleep(settings.takes)
    if settings.folder:
        folder = Path(settings.folder)
        _append(folder / "calls", f"begin {os.getpid()} {stage} {value}\n")
        held = folder / "hold" / f"{stage} {value}"
        deadline = time.monotonic() + PATIENCE
        while held.exists():
            if time.monotonic() > deadline:
                raise TimeoutError("nobody let go of this call")
            time.sleep(0.01)
        fault = folder / "faults" / f"{stage} {value}"
        if fault.exists():
            _fail(fault.read_text())
    if isinstance(value, int):
        for every, kind in ((settings.fail_every, "raise"), (settings.crash_every, "segfault")):
            if every and value % every == 1 % every:
                _fail(kind)
    yield
    if settings.folder:
        _append(Path(settings.folder) / "calls", f"end {os.getpid()} {stage} {value}\n")


def _append(file: Path, line: str) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    try:
        os.write(descriptor, line.encode())
    finally:
        os.close(descriptor)


def _fail(kind: str) -> None:
    if kind == "raise":
        raise ValueError("planted")
    if kind == "segfault":
        os.kill(os.getpid(), signal.SIGSEGV)
    if kind == "hang":
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
        while True:
            time.sleep(0.01)
    raise AssertionError(kind)


@stage(version=1, uses=["sha256"], timeout=PATIENCE * 2)
def read_number(file: File, settings: Told) -> Number | Drop:
    value = int(Path(file.location).read_text())
    with _told("read_number", value, settings):
        return Drop("unwanted", str(value)) if settings.drops(value) else Number(value=value * settings.by)


@stage(version=1, uses=["value"], timeout=PATIENCE * 2, filters=True)
def keep_numbers(number: Number, settings: Told) -> Drop | None:
    with _told("keep_numbers", number.value, settings):
        return Drop("unwanted") if settings.drops(number.value) else None


@stage(version=1, uses=["value"], timeout=PATIENCE * 2)
def square(number: Number, settings: Told) -> Square | Drop:
    with _told("square", number.value, settings):
        if settings.drops(number.value):
            return Drop("unwanted")
        return Square(value=number.value, square=number.value**2 * settings.by)


@stage(version=1, uses=["value"], timeout=PATIENCE * 2)
def halve(number: Number, settings: Told, tools: Tools) -> Iterator[Half] | Drop:
    """A row per digit; none at all for what `drop_every` names, which is no drop."""
    with _told("halve", number.value, settings):
        digits = [] if settings.drops(number.value) else [int(digit) for digit in str(abs(number.value))]
        return iter(
            [
                Half(value=number.value, digit=digit, written=tools.media.write(f"{digit * settings.by} ".encode() * 9, ".txt"))
                for digit in digits
            ]
        )


@stage(version=1, uses=["value", "digit"], timeout=PATIENCE * 2, filters=True)
def keep_halves(half: Half, settings: Told) -> Drop | None:
    with _told("keep_halves", f"{half.value}.{half.digit}", settings):
        return Drop("unwanted") if settings.drops(half.digit) else None


@stage(version=1, uses=["value", "squares.square"], timeout=PATIENCE * 2)
def join_square(number: Number, square: Square | None, settings: Told) -> Joined | Drop:
    with _told("join_square", number.value, settings):
        found = square.square if square else None
        return Drop("unwanted") if settings.drops(number.value) else Joined(value=number.value, square=found)


@stage(version=1, uses=["value", "digit", "written", "squares.square"], timeout=PATIENCE * 2)
def need_square(half: Half, square: Square, settings: Told) -> Needed | Drop:
    with _told("need_square", f"{half.value}.{half.digit}", settings):
        return Drop("unwanted") if settings.drops(half.digit) else Needed(product=half.digit * square.square)


@stage(version=1, uses=["value", "halves.digit"], timeout=PATIENCE * 2)
def weigh(number: Number, halves: list[Half], settings: Told) -> Weighed | Drop:
    with _told("weigh", number.value, settings):
        return Drop("unwanted") if settings.drops(number.value) else Weighed(weight=sum(half.digit for half in halves))


@stage(version=1, uses=["digit", "numbers.value"], timeout=PATIENCE * 2)
def gather(halves: list[Half], number: Number, settings: Told, tools: Tools) -> Gathered | Drop:
    with _told("gather", number.value, settings):
        if settings.drops(number.value):
            return Drop("unwanted")
        lost = [one.index for one in tools.missing]
        return Gathered(value=number.value, total=sum(half.digit for half in halves) * settings.by, lost=lost)


@stage(version=1, uses=["digit"], draws=True, timeout=PATIENCE * 2)
def draw(half: Half, settings: Told, tools: Tools) -> Drawn | Drop:
    return Drop("unwanted") if settings.drops(half.digit) else Drawn(drawn=tools.random.randrange(10**6))


@stage(version=1, filters=True)
def first_of_each(numbers: Iterable[Number], settings: Told) -> Iterator[Verdict[Any]]:
    """Of all numbers with the same rest the smallest stays: what one row is told depends on all others."""
    rows = sorted(numbers, key=lambda row: (row.value, row.id))
    with _told("first_of_each", "all", settings):
        if settings.folder:
            _append(Path(settings.folder) / "calls", f"saw {os.getpid()} first_of_each {len(rows)}\n")
        seen: set[int] = set()
        for row in rows:
            rest = row.value % (3 + settings.by)
            yield Verdict(row.id, Drop("seen", str(row.value)) if rest in seen else None)
            seen.add(rest)


@stage(version=1)
def compare(numbers: Iterable[Number], halves: Iterable[Half], settings: Told) -> Iterator[Verdict[Shared]]:
    """A row for every digit of a number that others have too."""
    own: dict[str, set[int]] = {}
    for half in halves:
        own.setdefault(half.source, set()).add(half.digit)
    rows = list(numbers)
    with _told("compare", "all", settings):
        if settings.folder:
            _append(Path(settings.folder) / "calls", f"saw {os.getpid()} compare {len(rows)}\n")
        having = Counter(digit for row in rows for digit in own.get(row.source, ()))
        for row in rows:
            found = [Shared(digit=d, others=having[d] - 1) for d in sorted(own.get(row.source, ())) if having[d] > 1]
            yield Verdict(row.id, Drop("unwanted") if settings.drops(row.value) else None, tuple(found))


@stage(version=1, uses=["digit", "others", "numbers.value"], timeout=PATIENCE * 2)
def after_all(common: list[Shared], number: Number, settings: Told) -> Summed | Drop:
    """After a stage over all rows, rows again."""
    with _told("after_all", number.value, settings):
        return Summed(value=number.value, total=sum(one.digit * one.others for one in common))


# What a stage needs before it: the tables that it cannot do without are made by these.
AFTER: dict[str, tuple[str, ...]] = {
    "read_number": (),
    "keep_numbers": ("read_number",),
    "square": ("read_number",),
    "halve": ("read_number",),
    "keep_halves": ("halve",),
    "join_square": ("read_number",),
    "need_square": ("halve", "square"),
    "weigh": ("halve",),
    "gather": ("halve",),
    "draw": ("halve",),
    "first_of_each": ("read_number",),
    "compare": ("halve",),
    "after_all": ("compare",),
}


def calls(folder: Path) -> list[tuple[str, str, str]]:
    """What happened so far, in order: ("begin", stage, value), ("end", stage, value), ("saw", stage, rows)."""
    return [(what, stage, value) for what, _, stage, value in _lines(folder)]


def at_work(folder: Path) -> dict[int, tuple[str, str]]:
    """Processes that began a call and have not ended it, each with the stage and value of that call; some may be dead."""
    now: dict[int, tuple[str, str]] = {}
    for what, pid, name, value in _lines(folder):
        if what == "begin":
            now[int(pid)] = (name, value)
        elif what == "end":
            now.pop(int(pid), None)
    return now


def _lines(folder: Path) -> list[tuple[str, str, str, str]]:
    file = folder / "calls"
    lines = file.read_text().splitlines() if file.exists() else []
    return [(what, pid, stage, value) for what, pid, stage, value in (line.split(" ", 3) for line in lines)]
