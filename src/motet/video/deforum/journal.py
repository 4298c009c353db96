"""What was sent where, on disk before anything is done about it: a killed client goes on, and processes share servers."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from motet.errors import UserError

__all__ = ["RUNNING", "Attempt", "Journal", "Occupant", "Record"]

RUNNING = ("open", "cancelling")
Kind = Literal["jobs", "servers"]


@dataclass
class Attempt:
    """One batch of one job. `mark` is its batch_name, `job` what the server calls it ("" until it was told), `posted` the time
    (seconds since 1970) before it went out, `outdir` and `timestring` where its film will lie, once told.

    `state`: open while it may run, cancelling before it is stopped for a stall, adrift when its server was silent for too long;
    else the reason it came to nothing.
    """

    server: str
    mark: str
    posted: float
    job: str = ""
    outdir: str = ""
    timestring: str = ""
    state: str = "open"
    detail: str = ""


@dataclass
class Record:
    """All that is known of one job; `digest` tells its settings and what its film must hold."""

    id: str
    digest: str
    attempts: list[Attempt] = field(default_factory=list)
    ended: list[str] | None = None  # reason and detail
    done: dict[str, Any] | None = None  # server, bytes


@dataclass
class Occupant:
    """Whose batch a server was last given. `stopped` are marks of batches that were cancelled since nobody followed them,
    `root` is the folder in which its films lie, each in a folder named by its mark; "" until one was seen."""

    id: str
    mark: str
    posted: float
    job: str = ""
    stopped: list[str] = field(default_factory=list)
    root: str = ""


class Journal:
    """A folder with a small file for each job and each server. For several threads and processes at once: whoever holds a
    lock alone writes the file beside it, and the kernel drops the locks of the dead."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            (folder / "servers").mkdir(parents=True, exist_ok=True)
        except OSError as problem:
            raise UserError(f"The journal cannot be kept in {folder}: {problem.strerror}.") from None

    @contextmanager
    def lock(self, kind: Kind, name: str) -> Iterator[bool]:
        """Hold a job or a server; False when another thread or process does."""
        path = self._path(kind, name).with_suffix(".lock")
        path.parent.mkdir(parents=True, exist_ok=True)
        fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
                return
            if not _is_at(fd, path):  # its holder ended, and took the file away, between our opening and locking it
                yield False
                return
            try:
                yield True
            finally:
                if kind == "jobs":
                    path.unlink(missing_ok=True)
        finally:
            os.close(fd)

    def record(self, id: str, digest: str) -> Record:
        """What is known of a job; nothing if its settings have changed, or the file is damaged."""
        told = self._read("jobs", id)
        try:
            attempts = [Attempt(**one) for one in told.pop("attempts")]
            found = Record(attempts=attempts, **told)
        except (KeyError, TypeError):
            return Record(id, digest)
        return found if (found.id, found.digest) == (id, digest) else Record(id, digest)

    def keep(self, record: Record) -> None:
        self._write("jobs", record.id, asdict(record))

    def occupant(self, server: str) -> Occupant | None:
        try:
            return Occupant(**self._read("servers", server))
        except TypeError:
            return None

    def occupy(self, server: str, occupant: Occupant) -> None:
        self._write("servers", server, asdict(occupant))

    def _path(self, kind: Kind, name: str) -> Path:
        digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:32]
        return self.folder / kind / (f"{digest[:2]}/{digest}" if kind == "jobs" else digest)

    def _read(self, kind: Kind, name: str) -> dict[str, Any]:
        try:
            told = json.loads(self._path(kind, name).with_suffix(".json").read_bytes())
        except (FileNotFoundError, ValueError, RecursionError):
            return {}
        return told if isinstance(told, dict) else {}

    def _write(self, kind: Kind, name: str, told: dict[str, Any]) -> None:
        path = self._path(kind, name).with_suffix(".json")
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(".tmp")
        with temporary.open("wb") as file:
            file.write(json.dumps(told).encode())
            file.flush()
            if kind == "jobs":
                os.fsync(file.fileno())
        temporary.replace(path)
        if kind == "servers":  # after a power cut, a server is asked what it has
            return
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _is_at(fd: int, path: Path) -> bool:
    try:
        there = path.stat()
    except FileNotFoundError:
        return False
    here = os.fstat(fd)
    return (here.st_dev, here.st_ino) == (there.st_dev, there.st_ino)
