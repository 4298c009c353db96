"""What may be wrong with a dataset, and how much was read to tell."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

CHUNK = 1 << 20
THREADS = 4  # that hash: reading waits for the disk, and hashing lets go of the interpreter

# Every kind of fault that breaks a promise, with the promise (docs/architecture.md).
PROMISES = {
    "damaged_record": 2,  # commits.json, motet.yaml or snapshot.json
    "missing_part": 2,
    "damaged_table": 2,
    "half_answer": 2,  # an `ok` without its rows, or rows without their answer
    "twice": 1,
    "lost_answer": 1,  # live, and not in the ledger: it would be asked again
    "missing_media": 2,
    "damaged_media": 2,
    "dangling": 6,
    "lineage": 6,
    "order": 8,
    "double_id": 8,
    "verdict": 3,  # an input without one, or one without an input
    "stale": 8,  # live rows that are not what was answered
    "count": 8,
    "leak": 8,
    "link": 2,
}
NOT_MENDED = {"dangling", "lineage", "leak"}  # by repair: the next build says them again, or a stage is wrong


@dataclass(frozen=True)
class Fault:
    """Something in a dataset that breaks a promise, or a leftover that is harmless.

    `promise` is its number, 0 for what is harmless. `mended` says by what: "repair" (`motet check --repair`, then a build),
    "build" (the next one), or "" where only a person can.
    """

    kind: str
    where: str
    detail: str
    promise: int = 0
    mended: str = "repair"


def fault(kind: str, where: str, detail: str, mended: str | None = None) -> Fault:
    """A fault of a kind that breaks a promise."""
    return Fault(kind, where, detail, PROMISES[kind], ("" if kind in NOT_MENDED else "repair") if mended is None else mended)


def absent(path: Path) -> str:
    """What is said of a file that is not there. A folder that has its name is the user's."""
    return "a folder stands in its place" if path.is_dir() else "it is gone"


def leftover(where: str, detail: str, kind: str = "leftover", mended: str = "repair") -> Fault:
    """What is there and harmless."""
    return Fault(kind, where, detail, 0, mended)


@dataclass
class Tally:
    """What a check has read so far. `told` is called with it now and then, for who watches."""

    files: int = 0
    bytes: int = 0
    rows: int = 0
    doing: str = ""
    told: Callable[[Tally], None] = field(default=lambda _: None, repr=False)

    def begins(self, doing: str) -> None:
        self.doing = doing
        self.told(self)

    def read(self, size: int, rows: int = 0) -> None:
        self.files += 1
        self.bytes += size
        self.rows += rows
        self.told(self)


@dataclass(frozen=True)
class Hashed:
    """A file as read: its SHA-256, size and first bytes; `problem` is why it could not be, "" where it was."""

    path: Path
    sha256: str
    size: int
    first: bytes
    problem: str = ""


def hashed(path: Path) -> Hashed:
    digest, size, first = hashlib.sha256(), 0, b""
    try:
        with path.open("rb") as file:
            while data := file.read(CHUNK):
                first = first or data[:16]
                size += len(data)
                digest.update(data)
    except OSError as error:
        return Hashed(path, "", size, first, error.strerror or str(error))
    return Hashed(path, digest.hexdigest(), size, first)


def hashed_all(paths: Iterable[Path], tally: Tally) -> Iterator[Hashed]:
    """Every file hashed, in the order given, a few at a time."""
    waiting = iter(paths)
    with ThreadPoolExecutor(THREADS) as pool:
        while some := list(islice(waiting, 16 * THREADS)):
            for one in pool.map(hashed, some):
                tally.read(one.size)
                yield one
