"""Stages over text files of numbers. A folder of faults says which rows crash, hang, fail or blow up right now."""

from __future__ import annotations

import hashlib
import os
import signal
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from motet.dataset.rows import File, Row, Song, media
from motet.run import Drop, Settings, Tools, Unanswered, Verdict, stage


@dataclass(frozen=True, kw_only=True)
class Number(Row):
    table: ClassVar[str] = "numbers"
    value: int


@dataclass(frozen=True, kw_only=True)
class Digit(Row):
    table: ClassVar[str] = "digits"
    letter: ClassVar[str] = "d"
    digit: int
    written: str = media()


@dataclass(frozen=True, kw_only=True)
class Total(Row):
    table: ClassVar[str] = "totals"
    total: int
    drawn: int
    lost: list[int]


HOARD: list[bytearray] = []  # what a row never gave back


class Scaled(Settings):
    by: int = 1


class Faults(Settings):
    folder: str = ""
    no_effect: ClassVar[frozenset[str]] = frozenset({"folder"})


class Summed(Settings):
    scale: int = 1
    missing: str = "go_on"


@stage(version=1)
def scan_text(sources: list[Path], settings: Settings, tools: Tools) -> Iterator[Verdict[File]]:
    for root in sources:
        for path in sorted(Path(root).glob("*.txt")):
            data = path.read_bytes()
            row_id = hashlib.blake2b(path.name.encode(), digest_size=8).hexdigest()
            sha256 = hashlib.sha256(data).hexdigest()
            row = File(
                id=row_id, source=row_id, path=path.name, lineage=sha256[:16], root=str(root), location=str(path),
                member=-1, offset=0, inner_path=path.name, size=len(data), sha256=sha256,
            )  # fmt: skip
            yield Verdict(row_id, rows=(row,), path=path.name)


@stage(version=1, uses=["sha256"], timeout=2)
def parse_number(file: File, settings: Scaled) -> Number | Drop:
    data = Path(file.location).read_bytes()
    if hashlib.sha256(data).hexdigest() != file.sha256:
        raise Unanswered("changed since the scan")
    text = data.decode().split()[0]
    if not text.lstrip("-").isdigit():
        return Drop("not_a_number", text)
    return Number(value=int(text) * settings.by)


@stage(version=1, uses=["value"], timeout=1, filters=True)
def touchy(number: Number, settings: Faults) -> None:
    """Passes every row on, unless its value is planted in the folder of faults."""
    fault = Path(settings.folder) / str(number.value)
    if not settings.folder or not fault.exists():
        return
    kind = fault.read_text()
    if kind == "raise":
        raise ValueError("planted")
    if kind == "segfault":
        os.kill(os.getpid(), signal.SIGSEGV)
    if kind == "exit":
        os._exit(3)
    if kind == "hang":
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
        while True:
            time.sleep(0.01)
    if kind == "memory":
        held = []
        while True:
            held.append(bytearray(64 << 20))
    if kind == "hoard":
        while True:
            HOARD.append(bytearray(64 << 20))
    if kind == "hungry":
        bytearray(128 << 20)
    if kind == "down":
        raise Unanswered("the service is down")


@stage(version=1, filters=True)
def unique(numbers: Iterable[Number]) -> Iterator[Verdict[Any]]:
    seen: set[int] = set()
    for number in numbers:
        known = number.value in seen
        seen.add(number.value)
        yield Verdict(number.id, Drop("seen", str(number.value)) if known else None)


@stage(version=1, uses=["value"])
def digits(number: Number, tools: Tools) -> Iterator[Digit]:
    for digit in str(abs(number.value)):
        yield Digit(digit=int(digit), written=tools.media.write(digit.encode() * 10, ".txt"))


@stage(version=1, uses=["written"], filters=True)
def reread(digit: Digit, tools: Tools) -> None:
    tools.media.path(digit.written).read_bytes()


@stage(version=1, uses=["digit"], filters=True)
def no_sevens(digit: Digit) -> Drop | None:
    return Drop("seven") if digit.digit == 7 else None


@stage(version=1, uses=["digit", "numbers.value"], draws=True)
def sum_digits(digits: list[Digit], number: Number, settings: Summed, tools: Tools) -> Total | Drop:
    if tools.missing and settings.missing == "drop":
        return Drop("incomplete", f"{len(tools.missing)} digits are missing")
    assert sum(d.digit for d in digits) <= 9 * len(str(number.value))
    return Total(
        total=sum(d.digit for d in digits) * settings.scale,
        drawn=tools.random.randrange(1000),
        lost=[m.index for m in tools.missing],
    )


class SongFaults(Settings):
    folder: str = ""
    no_effect: ClassVar[frozenset[str]] = frozenset({"folder"})


@stage(version=1, uses=["sha256"], timeout=2, filters=True)
def touchy_song(song: Song, settings: SongFaults) -> None:
    """`touchy` for songs: a fault is planted under the first letters of the file's SHA-256."""
    fault = Path(settings.folder) / song.sha256[:12]
    if not settings.folder or not fault.exists():
        return
    kind = fault.read_text()
    if kind == "raise":
        raise ValueError("planted")
    if kind == "segfault":
        os.kill(os.getpid(), signal.SIGSEGV)
    if kind == "hang":
        time.sleep(600)
