"""Content hashes of many files, in threads: hashlib works without Python's lock. What has not changed is remembered."""

from __future__ import annotations

import hashlib
import os
import queue
import stat
import threading
import time
import zlib
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from motet.files.member import BadArchive, BadMember
from motet.files.places import is_settled, location, open_for_reading, stamp
from motet.inventory.scanning.inside import inner_path
from motet.inventory.verifying.members import ArchiveOf, opened
from motet.inventory.verifying.shelf import Shelf

Algorithm = Literal["md5", "sha1", "sha256"]
ALGORITHMS: tuple[Algorithm, ...] = ("md5", "sha1", "sha256")
Watch = Callable[[int, int], None]
"""Called with files and bytes done since it was called last."""

BUFFER = 1 << 20  # bytes read at a time
BATCH_FILES = 64
BATCH_BYTES = 8 << 20
_KEPT_BACK = 2048  # digests written to the cache at once
_HEX = {"md5": 32, "sha1": 40, "sha256": 64}
_LEAVING = 2.0  # seconds a thread has to end in; a drive that does not answer must not hold us


@dataclass(frozen=True, slots=True)
class Digest:
    """What the bytes of one file are, by the hashes asked for, else why they could not be read (`fault`, one sentence)."""

    path: str
    size: int
    md5: str = ""
    sha1: str = ""
    sha256: str = ""
    fault: str = ""
    stamp: str = ""  # state of the file, or of its archive, that vouches for it; "" where it may still be changing
    cached: bool = False


class Hashes:
    """Digests remembered by path, size, times and inode, in `folder`."""

    def __init__(self, folder: Path, clock: Callable[[], int] = time.time_ns) -> None:
        self.clock = clock  # nanoseconds: files touched less than 2 s before it are not remembered
        columns = "path TEXT PRIMARY KEY, stamp TEXT, md5 TEXT, sha1 TEXT, sha256 TEXT"
        self._shelf = Shelf(folder / "hashes.sqlite", f"digests ({columns}) WITHOUT ROWID")
        self._new: list[Digest] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    @property
    def problem(self) -> str:
        """One sentence where it cannot be used, else ""."""
        return self._shelf.problem

    def get(self, path: str, stamp: str, wanted: AbstractSet[Algorithm]) -> dict[str, str] | None:
        """The wanted hashes of an unchanged file, or None."""
        sql = "SELECT md5, sha1, sha256 FROM digests WHERE path = ? AND stamp = ?"
        for row in self._shelf.rows(sql, (location(path), stamp)):
            held = dict(zip(ALGORITHMS, row, strict=True))
            told: dict[str, str] = {name: str(held[name])[: _HEX[name]] for name in wanted}
            if all(len(told[name]) == _HEX[name] and held[name] == _sealed(path, stamp, told[name]) for name in wanted):
                return told
        return None

    def put(self, digest: Digest) -> None:
        self._new.append(digest)
        if len(self._new) >= _KEPT_BACK:
            self.flush()

    def flush(self) -> None:
        """Write what was put; other hashes of the same state of a file are kept."""
        kept = ", ".join(
            f"{n} = CASE WHEN stamp = excluded.stamp AND excluded.{n} = '' THEN {n} ELSE excluded.{n} END" for n in _HEX
        )
        sql = f"INSERT INTO digests VALUES (?, ?, ?, ?, ?) ON CONFLICT (path) DO UPDATE SET {kept}, stamp = excluded.stamp"
        rows = [
            (location(one.path), one.stamp, *(_sealed(one.path, one.stamp, told) for told in (one.md5, one.sha1, one.sha256)))
            for one in self._new
        ]
        self._new = []
        if rows:
            self._shelf.write((sql, rows))

    def close(self) -> None:
        self.flush()
        self._shelf.close()


def _sealed(path: str, stamp: str, told: str) -> str:
    """A hash with a checksum over what it is of: a cache that loses bits must not make a whole file look changed."""
    return f"{told}{zlib.crc32(os.fsencode(f'{path}{stamp}{told}')):08x}" if told else ""


def digests(
    files: Iterable[tuple[str, int]],
    wanted: AbstractSet[Algorithm] = frozenset({"sha256"}),
    *,
    cache: Hashes | None = None,
    workers: int = 2,
    watch: Watch | None = None,
) -> Iterator[Digest]:
    """The hashes of files (path, size as last seen; `archive!/member` too), as they come, not in order.

    Members of one archive that follow each other cost one pass over it. Memory does not grow with the number of files,
    but for the names of one archive's. A file that cannot be read is a Digest with a `fault`.
    """
    crew = _Crew(wanted, workers, cache.clock if cache else time.time_ns)
    try:
        for digest in crew.run(_jobs(files, wanted, cache)):
            if cache is not None and digest.stamp and not digest.cached:
                cache.put(digest)
            if watch is not None:
                watch(1, digest.size)
            yield digest
    finally:
        crew.stop()
        if cache is not None:
            cache.flush()


@dataclass(frozen=True)
class _Job:
    """Files on disk, or members of one archive; and those of which the cache told everything."""

    known: list[Digest] = field(default_factory=list)
    files: list[tuple[str, int]] = field(default_factory=list)
    archive: str = ""
    members: Mapping[str, list[tuple[str, int]]] = field(default_factory=dict)  # plain name -> as asked for


def _jobs(files: Iterable[tuple[str, int]], wanted: AbstractSet[Algorithm], cache: Hashes | None) -> Iterator[_Job]:
    for archive, group in groupby(files, key=ArchiveOf()):
        if archive:
            yield _archive_job(archive, group, wanted, cache)
            continue
        job, weight = _Job(), 0
        for path, size in group:
            if known := _known(path, path, size, wanted, cache):
                job.known.append(known)
            else:
                job.files.append((path, size))
                weight += size
            if len(job.files) >= BATCH_FILES or weight >= BATCH_BYTES or len(job.known) >= BATCH_FILES:
                yield job
                job, weight = _Job(), 0
        yield job


def _archive_job(archive: str, group: Iterable[tuple[str, int]], wanted: AbstractSet[Algorithm], cache: Hashes | None) -> _Job:
    known: list[Digest] = []
    members: dict[str, list[tuple[str, int]]] = {}
    for path, size in group:
        if digest := _known(path, archive, size, wanted, cache):
            known.append(digest)
        else:
            members.setdefault(inner_path(path[len(archive) + 2 :]), []).append((path, size))
    return _Job(known, [], archive, members)


def _known(path: str, on_disk: str, size: int, wanted: AbstractSet[Algorithm], cache: Hashes | None) -> Digest | None:
    if cache is None:
        return None
    try:
        status = os.stat(on_disk)
    except (OSError, ValueError):
        return None  # reading it tells why
    told = cache.get(path, stamp(status), wanted)
    if told is None:
        return None
    return Digest(path, status.st_size if path == on_disk else size, **told, stamp=stamp(status), cached=True)


class _Crew:
    """Threads that hash. They are daemons: one that waits for a dead drive must not keep the program from ending."""

    def __init__(self, wanted: AbstractSet[Algorithm], workers: int, clock: Callable[[], int]) -> None:
        self._names = tuple(name for name in ALGORITHMS if name in wanted)
        self._clock = clock
        self._stopped = threading.Event()
        self._todo: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._done: queue.Queue[list[Digest] | BaseException | None] = queue.Queue(4 * workers)
        self._most = 2 * workers
        self._threads = [threading.Thread(target=self._work, name="motet-hashing", daemon=True) for _ in range(max(1, workers))]
        for thread in self._threads:
            thread.start()

    def run(self, jobs: Iterator[_Job]) -> Iterator[Digest]:
        flying = 0
        for job in jobs:
            yield from job.known
            if not job.files and not job.members:
                continue
            self._todo.put(job)
            flying += 1
            while flying >= self._most:
                flying -= yield from self._landed()
        while flying:
            flying -= yield from self._landed()

    def _landed(self) -> Generator[Digest, None, int]:
        """What came first, and 1 if it was the end of a job."""
        told = self._done.get()
        if isinstance(told, BaseException):
            raise told
        if told is None:
            return 1
        yield from told
        return 0

    def stop(self) -> None:
        self._stopped.set()
        for _ in self._threads:
            self._todo.put(None)
        end = time.monotonic() + _LEAVING
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))

    def _work(self) -> None:
        view = memoryview(bytearray(BUFFER))
        while (job := self._todo.get()) is not None and not self._stopped.is_set():
            try:
                if job.archive:
                    self._members(job)
                else:
                    told = [self._file(path, size, view) for path, size in job.files if not self._stopped.is_set()]
                    self._tell(told)
                self._tell(None)
            except _Stopped:
                return
            except BaseException as error:  # noqa: BLE001 - it goes on in the caller's thread
                self._tell(error)

    def _tell(self, told: list[Digest] | BaseException | None) -> None:
        while not self._stopped.is_set():
            try:
                self._done.put(told, timeout=0.1)
            except queue.Full:
                continue
            return

    def _hashers(self) -> list[Any]:
        return [hashlib.new(name, usedforsecurity=False) for name in self._names]

    def _file(self, path: str, size: int, view: memoryview) -> Digest:
        try:
            for _ in range(2):
                now = self._clock()
                number = open_for_reading(path)
                try:
                    before = os.fstat(number)
                    if not stat.S_ISREG(before.st_mode):
                        return Digest(path, 0, fault="It is not a file but a folder, a pipe or a device.")
                    hashers, done = self._hashers(), 0
                    while done <= before.st_size and (n := os.readv(number, [view])):
                        for hasher in hashers:
                            hasher.update(view[:n])
                        done += n
                        if self._stopped.is_set():
                            raise _Stopped
                    after = os.fstat(number)
                finally:
                    os.close(number)
                if stamp(before) == stamp(after) and done == after.st_size:
                    return self._digest(path, done, hashers, before, now)
        except OSError as error:
            return Digest(path, size, fault=f"The system does not let us read it: {error.strerror}.")
        except ValueError:  # a NUL in its name
            return Digest(path, size, fault="There can be no file of this name.")
        return Digest(path, size, fault="Something kept writing to it while it was read.")

    def _members(self, job: _Job) -> None:
        missing = dict(job.members)
        why = "It is not in the archive."
        try:
            with opened(job.archive) as (archive, before):
                now = self._clock()
                for member in archive.members():
                    asked = missing.get(inner_path(member.name))
                    if self._stopped.is_set():
                        raise _Stopped
                    if asked is None:
                        continue
                    if member.fault:
                        self._tell([Digest(path, size, fault=f"It cannot be read: {member.detail}.") for path, size in asked])
                    else:
                        chunks = partial(archive.chunks, member.offset, member.size)
                        self._tell(self._member(asked, chunks, member.size, member.crc32, before, now))
                    del missing[inner_path(member.name)]
                    if not missing:
                        break
        except BadArchive as error:
            why = f"Its archive cannot be read further: {error.detail}."
        except OSError as error:
            why = f"The system does not let us read its archive: {error.strerror}."
        self._tell([Digest(path, size, fault=why) for asked in missing.values() for path, size in asked])

    def _member(
        self,
        asked: list[tuple[str, int]],
        chunks: Callable[[], Iterator[bytes]],
        size: int,
        crc32: int | None,
        before: os.stat_result,
        now: int,
    ) -> list[Digest]:
        hashers, crc = self._hashers(), 0
        try:
            for chunk in chunks():
                for hasher in hashers:
                    hasher.update(chunk)
                if crc32 is not None:
                    crc = zlib.crc32(chunk, crc)
                if self._stopped.is_set():
                    raise _Stopped
        except BadMember as error:
            return [Digest(path, size, fault=f"It cannot be read: {error}.") for path, _ in asked]
        if crc32 is not None and crc32 != crc:
            return [Digest(path, size, fault="Its content does not match the archive's own checksum.") for path, _ in asked]
        return [self._digest(path, size, hashers, before, now) for path, _ in asked]

    def _digest(self, path: str, size: int, hashers: list[Any], before: os.stat_result, now: int) -> Digest:
        told = {name: hasher.hexdigest() for name, hasher in zip(self._names, hashers, strict=True)}
        return Digest(path, size, **told, stamp=stamp(before) if is_settled(before, now) else "")


class _Stopped(Exception):
    """Nobody waits for the result any more."""
