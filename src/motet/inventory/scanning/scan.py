"""Many roots at once: what lies there, folder by folder, archives among them.

Every file is listed and stat-ed in every scan, so what was rewritten in place is seen; a file whose size, times and inode
are as remembered is not opened again. Links: a link to a file is followed, once per real file, unless a root reaches that
file by itself; a link to a folder is not followed. What lies under two roots belongs to the first.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import signal
import time
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, overload

from motet.errors import UserError
from motet.inventory.scanning.inside import Inside, look_inside
from motet.inventory.scanning.listing import Link, Listed, Lister, Terms, Walked
from motet.inventory.scanning.memory import Memory, Remembered, RememberedArchive
from motet.inventory.scanning.record import Columns, Damaged, archive_of, inside, key_of, path_of
from motet.inventory.tree import Entry, Folder, Passed, Tree

__all__ = ["Folders", "scan"]

Watch = Callable[[int, int], None]
"""Called now and then with the files seen so far, and with how many of them were opened."""

_ALONE = 20_000  # files: fewer are seen sooner than another process starts
_ALONE_SECONDS = 0.15  # what takes longer than this is worth the start of another process
_ALONE_BYTES = 64 << 20  # of archives
_OWN, _THEIRS = 0.05, 0.2  # seconds of work in one go: of the process that hands it out, and of the others
_MOST_FOLDERS = 64  # handed out in one go
_WRITTEN = 8 << 20  # bytes of records that are written together


def scan(roots: Sequence[Path], memory: Memory, *, workers: int = 2, watch: Watch | None = None, fresh: bool = False) -> Tree:
    """All files under `roots`. With `fresh` every content is looked at again.

    The folders of the tree are read out of `memory`, which must stay open as long as they are used. A root that is not there,
    or is no folder, is `Passed` as ``no_root``. Raises UserError where a worker process is lost.
    """
    run = _Scan(roots, memory, max(1, workers), watch, fresh)
    try:
        run.walk()
        run.list_archives()
    finally:
        run.close()
    return run.tree()


@dataclass(frozen=True, slots=True)
class _Root:
    path: str
    key: bytes


class _Scan:
    def __init__(self, roots: Sequence[Path], memory: Memory, workers: int, watch: Watch | None, fresh: bool) -> None:
        self._memory, self._workers, self._watch, self._fresh = memory, workers, watch, fresh
        self._began = time.monotonic()
        self._passed: list[Passed] = []
        self._links: list[Link] = []
        self._keys: list[bytes] = []
        self._archives: list[tuple[str, str]] = []  # path and stamp
        self._listed_archives: set[bytes] = set()
        self._records: list[Remembered] = []
        self._waiting = 0  # bytes of them
        self.files = self.bytes = self.opened = 0
        self._crew: list[_Worker] = []
        self._asked, self._roots, terms = _settle(roots, self._passed, fresh)
        self._terms = terms
        self._lister = Lister(terms, memory)

    def close(self) -> None:
        for worker in self._crew:
            worker.close()
        self._crew = []
        self._write()

    # Folders

    def walk(self) -> None:
        todo = [root.path for root in reversed(self._roots)]
        while todo or any(worker.busy for worker in self._crew):
            if self._workers > 1 and not self._crew and todo and self._is_long():
                self._hire()
            for worker in self._crew:
                while todo and worker.busy < 2:
                    share = min(_MOST_FOLDERS, max(1, len(todo) // (2 * self._workers)))
                    worker.give("folders", todo[:share])
                    del todo[:share]
            if todo:
                # Work of one's own while the others are at theirs; all that is left of it goes back to be shared.
                share = min(_MOST_FOLDERS, max(1, len(todo) // 2))
                mine, todo = todo[-share:], todo[:-share]
                walked = self._lister.walk(mine, _OWN)
                todo += walked.left
                self._take(walked)
            for told in self._heard(0.0 if todo else None):
                todo += told.left
                self._take(told)

    def _heard(self, patience: float | None) -> Iterator[Any]:
        """What the others have found, waiting for the first of it for `patience` seconds, or as long as it takes."""
        working = {worker.line: worker for worker in self._crew if worker.busy}
        if not working:
            return
        for line in wait(list(working), patience):
            assert isinstance(line, Connection)
            yield working[line].hear()

    def _take(self, walked: Walked) -> None:
        self._passed += walked.passed
        self._links += walked.links
        for listed in walked.folders:
            self._folder(listed)
        if self._waiting > _WRITTEN:
            self._write()
        self._show()

    def _folder(self, listed: Listed) -> None:
        self._keys.append(listed.key)
        self.files += listed.files
        self.bytes += listed.bytes
        self.opened += listed.opened
        if listed.archives:
            folder = path_of(listed.key)
            self._archives += [(os.path.join(folder, name), stamp) for name, stamp in listed.archives]
        if listed.record:
            self._keep(listed.record)

    def _keep(self, record: Remembered) -> None:
        self._records.append(record)
        self._waiting += len(record.record) + len(record.key) + 200

    def _write(self) -> None:
        self._memory.keep_folders(self._records)
        self._records, self._waiting = [], 0

    def _show(self) -> None:
        if self._watch:
            self._watch(self.files, self.opened)

    def _is_long(self) -> bool:
        return self.files >= _ALONE and time.monotonic() - self._began >= _ALONE_SECONDS

    def _hire(self) -> None:
        folder = self._memory.folder if self._memory.lasting else None
        self._write()
        self._crew = [_Worker(self._terms, folder) for _ in range(self._workers - 1)]

    # Archives

    def list_archives(self) -> None:
        todo: deque[str] = deque()
        for path, stamp in sorted(self._archives, key=lambda pair: key_of(pair[0])):
            key = key_of(path)
            known = None if self._fresh else self._memory.archive(key)
            if known and known.stamp == stamp and (passed := _passed_in(path, known.passed)) is not None:
                self._listed_archives.add(key)
                self._passed += passed
                for inner, files, size in self._memory.inside(key):
                    self._keys.append(inner)
                    self.files += files
                    self.bytes += size
            else:
                todo.append(path)
        if self._workers > 1 and not self._crew and len(todo) > 1 and _sizes(todo) > _ALONE_BYTES:
            self._hire()
        given: dict[_Worker, str] = {}
        while todo or given:
            for worker in self._crew:
                if todo and worker not in given:
                    given[worker] = todo.popleft()
                    worker.give("archive", given[worker])
            if todo:
                path = todo.popleft()
                self._archive(path, look_inside(path))
            working = {worker.line: worker for worker in given}
            for line in wait(list(working), 0.0 if todo else None) if working else ():
                assert isinstance(line, Connection)
                worker = working[line]
                self._archive(given.pop(worker), worker.hear())

    def _archive(self, path: str, seen: Inside) -> None:
        key = key_of(path)
        self._listed_archives.add(key)
        self._memory.drop([inner for inner, _, _ in self._memory.inside(key)], [key])
        salt = seen.stamp.encode() or os.urandom(16)
        for inner, columns in seen.folders.items():
            stamp, packed = columns.pack(salt)
            size, files = columns.total, len(columns.names)
            place = inside(path, inner)
            self._keys.append(place)
            self._keep(Remembered(place, b"", files, size, "", stamp, time.time(), packed))
            self.files += files
            self.bytes += size
        self.opened += seen.opened
        self._passed += [Passed(path, reason, sentence) for reason, sentence in seen.passed]
        self._write()  # the folders first: an archive is known only when they are
        self._memory.keep_archive(RememberedArchive(key, seen.stamp, json.dumps(seen.passed)))
        self._show()

    # The tree

    def tree(self) -> Tree:
        self._keys.sort()
        self._forget_what_is_gone()
        dropped: dict[bytes, set[str]] = {}
        followed: dict[str, str] = {}
        for link in sorted(self._links, key=lambda link: (link.key, os.fsencode(link.name))):
            path = os.path.join(path_of(link.key), link.name)
            if link.real in followed:
                dropped.setdefault(link.key, set()).add(link.name)
                self.files -= 1
                self.bytes -= link.size
                self._passed.append(Passed(path, "link", f"it leads to the same file as {followed[link.real]}"))
            else:
                followed[link.real] = path
        folders = Folders(self._memory, self._lister, self._keys, [(root.key, root.path) for root in self._roots], dropped)
        passed = tuple(sorted(self._passed, key=lambda passed: (key_of(passed.path), passed.reason)))
        return Tree(self._asked, folders, passed, self.files, self.bytes, self.opened, time.monotonic() - self._began)

    def _forget_what_is_gone(self) -> None:
        """A folder that is empty where there was much is rather a drive that is not attached: that is kept."""
        seen = set(self._keys)
        for root in self._roots:
            first = bisect_left(self._keys, root.key)
            if self._keys[first + 1 : first + 2] and self._keys[first + 1].startswith(root.key):
                gone = [key for key in self._memory.below(root.key) if key not in seen]
                archives = [key for key in self._memory.archives_below(root.key) if key not in self._listed_archives]
                self._memory.drop(gone, archives)
                for key in gone:
                    self._memory.forget(path_of(key))


def _settle(roots: Sequence[Path], passed: list[Passed], fresh: bool) -> tuple[tuple[str, ...], list[_Root], Terms]:
    """The roots as asked for, those that are walked, and what lies below two of them given to the first."""
    asked: list[str] = []
    walked: list[tuple[str, str]] = []  # as named, and without links
    apart: set[str] = set()
    for root in roots:
        path = os.path.realpath(root) if ".." in root.parts else os.path.abspath(root)
        if path in asked:
            continue
        asked.append(path)
        if not os.path.isdir(path):
            why = "it is no folder: name the folder it lies in" if os.path.lexists(path) else "it is not there"
            passed.append(Passed(path, "no_root", why))
            continue
        real = os.path.realpath(path)
        if any(_is_below(real, other) for _, other in walked):
            continue
        apart |= {_stem(path) + other[len(_stem(real)) :] for _, other in walked if _is_below(other, real)}
        walked.append((path, real))
    terms = Terms(fresh, tuple(real for _, real in walked), frozenset(apart))
    return tuple(asked), [_Root(path, key_of(path)) for path, _ in walked], terms


def _stem(folder: str) -> str:
    return folder if folder.endswith("/") else folder + "/"


def _is_below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(_stem(folder))


def _sizes(paths: Sequence[str]) -> int:
    total = 0
    for path in paths:
        try:
            total += os.stat(path).st_size
        except OSError:
            continue  # gone: looking inside says so
    return total


def _passed_in(path: str, told: str) -> list[Passed] | None:
    try:
        return [Passed(path, str(reason), str(sentence)) for reason, sentence in json.loads(told)]
    except (ValueError, TypeError):
        return None


# Other processes


class _Worker:
    """A process that walks folders and looks into archives; it ends when this process does."""

    def __init__(self, terms: Terms, memory: Path | None) -> None:
        context = multiprocessing.get_context("spawn")
        self.line, theirs = context.Pipe()
        self.busy = 0
        self._process = context.Process(target=_work, args=(theirs, terms, memory), daemon=True)
        self._process.start()
        theirs.close()

    def give(self, what: str, work: object) -> None:
        try:
            self.line.send((what, work))
        except (BrokenPipeError, ConnectionError):
            raise _lost() from None
        self.busy += 1

    def hear(self) -> Any:
        """Raises UserError where the process ended, or met what it could not deal with."""
        try:
            told = self.line.recv()
        except (EOFError, ConnectionError):
            raise _lost() from None
        self.busy -= 1
        if isinstance(told, BaseException):
            raise told
        return told

    def close(self) -> None:
        self.line.close()
        self._process.kill()  # it only reads
        self._process.join()
        self._process.close()


def _lost() -> UserError:
    return UserError("A process that scanned was ended from outside, for want of memory perhaps: scan again with 1 worker.", 1)


def _work(line: Connection, terms: Terms, memory: Path | None) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that was asked tells the others to end
    with Memory(memory or Path(os.devnull), write=False) as known:
        lister = Lister(terms, known)
        while True:
            try:
                what, work = line.recv()
            except EOFError:
                return
            told: object
            try:
                told = lister.walk(work, _THEIRS) if what == "folders" else look_inside(work)
            except Exception as error:  # noqa: BLE001 - raised again where it can be told
                told = error
            try:
                line.send(told)
            except (BrokenPipeError, ConnectionError):
                return


# What was seen, read again when it is asked for


class _Kept(Folder):
    """A folder whose files are unpacked when they are asked for: who knows its stamp may never ask."""

    def __init__(
        self, path: str, root: str, archive: str, stamp: str, read_at: float, files: Callable[[], tuple[Entry, ...]]
    ) -> None:
        self.__dict__.update(path=path, root=root, archive=archive, stamp=stamp, read_at=read_at, _unpacked=files)

    def __getattr__(self, name: str) -> Any:
        if name != "files":
            raise AttributeError(name)
        return self.__dict__.setdefault("files", self._unpacked())

    def __reduce__(self) -> tuple[Any, ...]:
        return Folder, (self.path, self.root, self.archive, self.files, self.stamp, self.read_at)


class Folders(Sequence[Folder]):
    """The folders of a scan in order of path, part by part: a folder, then all below it, then the next.

    Each is read from the memory when it is asked for, and held by nobody.
    """

    def __init__(
        self, memory: Memory, lister: Lister, keys: list[bytes], roots: list[tuple[bytes, str]], dropped: dict[bytes, set[str]]
    ) -> None:
        self._memory, self._lister, self._keys, self._dropped = memory, lister, keys, dropped
        self._roots = sorted(roots, key=lambda root: len(root[0]), reverse=True)  # the innermost first

    def __len__(self) -> int:
        return len(self._keys)

    @overload
    def __getitem__(self, at: int) -> Folder: ...
    @overload
    def __getitem__(self, at: slice) -> list[Folder]: ...
    def __getitem__(self, at: int | slice) -> Folder | list[Folder]:
        if isinstance(at, slice):
            return [self._folder(key) for key in self._keys[at]]
        return self._folder(self._keys[at])

    def __iter__(self) -> Iterator[Folder]:
        return map(self._folder, self._keys)

    def get(self, path: str) -> Folder | None:
        """The folder of this path, on disk or inside an archive, or None."""
        for key in _keys_of(path):
            at = bisect_left(self._keys, key)
            if self._keys[at : at + 1] == [key]:
                return self._folder(key)
        return None

    def _folder(self, key: bytes) -> Folder:
        path, archive = path_of(key), archive_of(key)
        outer = key_of(archive) if archive else key
        root = next(path for start, path in self._roots if outer == start or outer.startswith(start + b"\0"))
        kept = self._memory.folder_of(key) or self._anew(key, archive)
        dropped = self._dropped.get(key, set())
        stamp = kept.stamp if kept else ""
        if dropped:
            words = os.fsencode("\0".join([stamp, *sorted(dropped)]))
            stamp = hashlib.blake2b(words, digest_size=16).hexdigest()
        return _Kept(path, root, archive, stamp, kept.read_at if kept else 0.0, partial(self._files, kept, dropped))

    def _files(self, kept: Remembered | None, dropped: set[str]) -> tuple[Entry, ...]:
        if kept is None:
            return ()  # the folder itself is gone since
        try:
            entries = Columns.unpack(kept.record).entries()
        except Damaged:
            anew = self._anew(kept.key, archive_of(kept.key))
            entries = Columns.unpack(anew.record).entries() if anew else ()
        return tuple(entry for entry in entries if entry.name not in dropped) if dropped else entries

    def _anew(self, key: bytes, archive: str) -> Remembered | None:
        """The record was lost since the scan: the cache was deleted, or damaged."""
        if not archive:
            kept = self._lister.again(path_of(key))
            if kept:
                self._memory.keep_folders([kept])
            return kept
        seen = look_inside(archive)
        records = []
        for inner, columns in seen.folders.items():
            stamp, packed = columns.pack(seen.stamp.encode() or os.urandom(16))
            records.append(
                Remembered(inside(archive, inner), b"", len(columns.names), columns.total, "", stamp, time.time(), packed)
            )
        self._memory.keep_folders(records)
        return next((record for record in records if record.key == key), None)


def _keys_of(path: str) -> Iterator[bytes]:
    """A path may be that of a folder on disk, or lie in any of the archives it seems to name."""
    yield key_of(path)
    if path.endswith("!"):
        yield inside(path[:-1], "")
    at = path.find("!/")
    while at >= 0:
        yield inside(path[:at], path[at + 2 :])
        at = path.find("!/", at + 1)
