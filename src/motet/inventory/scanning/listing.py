"""Folders listed and every file of them stat-ed; only files whose state is not as remembered are opened."""

from __future__ import annotations

import hashlib
import json
import marshal
import os
import stat
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Self, TypeAlias

from motet.files.kinds import is_junk
from motet.files.places import open_for_reading, shown
from motet.inventory.scanning.contents import first_read, is_archive, kind_of, look, needs_look
from motet.inventory.scanning.inside import is_left_out
from motet.inventory.scanning.memory import Memory, Remembered
from motet.inventory.scanning.record import Columns, Damaged, key_of
from motet.inventory.scanning.settled import is_settled
from motet.inventory.tree import Fault, Passed

__all__ = ["NOWHERE", "Link", "Listed", "Lister", "Terms", "Walked"]

_State: TypeAlias = tuple[int, int, int, int, int]  # mode, size, mtime, ctime (ns), inode
_state: attrgetter[_State] = attrgetter("st_mode", "st_size", "st_mtime_ns", "st_ctime_ns", "st_ino")
_AT_ONCE = 8192  # files whose states are hashed together
_AHEAD = 64  # files of a folder that are open at once
_NOWHERE: _State = (0, 0, 0, 0, 0)  # of a file that cannot be stat-ed
_SPECIAL = "pipes, sockets and devices are never opened"
_DATASET = "motet.yaml"
NOWHERE = "it is a link that leads nowhere"
"""How what is passed over tells of a broken link."""
_FETCHING = ".motet-fetch"  # what a fetch works in: partial files, which are nobody's yet


@dataclass(frozen=True)
class Terms:
    """What every process of a scan must know."""

    fresh: bool  # look at all contents again
    reals: tuple[str, ...]  # the roots without links: what lies below is reached without one
    apart: frozenset[str] = frozenset()  # folders that belong to another root


@dataclass(frozen=True, slots=True)
class Link:
    """A link to a file that no root reaches: its folder's key, its name, where it leads, and the size there."""

    key: bytes
    name: str
    real: str
    size: int


@dataclass(frozen=True, slots=True)
class Listed:
    """One folder of this scan; `record` only where it is not as remembered."""

    key: bytes
    files: int
    bytes: int
    opened: int
    archives: tuple[tuple[str, str], ...]  # name and stamp
    record: Remembered | None


@dataclass
class Walked:
    """What one process saw in one go, and the folders it has left for others."""

    folders: list[Listed] = field(default_factory=list)
    passed: list[Passed] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    left: list[str] = field(default_factory=list)


class Lister:
    """Walks folders, and knows what `memory` holds of them."""

    def __init__(self, terms: Terms, memory: Memory) -> None:
        self._terms, self._memory = terms, memory

    def walk(self, folders: Sequence[str], seconds: float) -> Walked:
        """These folders and what lies below, until the time is over; at least one of them."""
        walked = Walked(left=list(folders))
        until = time.monotonic() + seconds
        while walked.left:
            self._folder(walked.left.pop(), walked)
            if time.monotonic() >= until:
                break
        return walked

    def again(self, path: str) -> Remembered | None:
        """One folder looked at anew, or None where it is gone: for a record that was lost since the scan."""
        walked = Walked()
        Lister(Terms(True, self._terms.reals, self._terms.apart), self._memory)._folder(path, walked)
        return walked.folders[0].record if walked.folders else None

    def _folder(self, path: str, walked: Walked) -> None:
        names: list[str] = []
        states: list[_State] = []
        below: list[str] = []
        stem = path if path.endswith("/") else path + "/"
        try:
            with os.scandir(path) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        below.append(entry.name)
                        continue
                    try:
                        state = _state(entry.stat(follow_symlinks=False))
                    except FileNotFoundError:
                        continue
                    except PermissionError:
                        raise
                    except OSError:
                        state = _NOWHERE
                    names.append(entry.name)
                    states.append(state)
        except OSError as error:
            walked.passed.append(Passed(path, "unreadable", f"the system does not let us read it: {error.strerror}"))
            return
        if _DATASET in names:
            walked.passed.append(Passed(path, "motet_dataset", "a dataset that Motet built; it is no source of another one"))
            return
        apart = self._terms.apart
        walked.left.extend(
            stem + name for name in below if not is_junk(name) and name != _FETCHING and not (apart and stem + name in apart)
        )
        key = key_of(path)
        if not all(stat.S_ISREG(mode) for mode in {state[0] for state in states}):
            names, states = self._resolved(stem, key, names, states, walked)
        digest = _digest(names, states)
        known = None if self._terms.fresh else self._memory.glance(key)
        held = _names(known[3]) if known and known[0] == digest else None
        if known and held is not None:
            archives = _stamped(held, names, states)
            walked.folders.append(Listed(key, known[1], known[2], 0, archives, None))
        else:
            walked.folders.append(self._look(stem, key, digest, names, states))

    def _resolved(
        self, stem: str, key: bytes, names: list[str], states: list[_State], walked: Walked
    ) -> tuple[list[str], list[_State]]:
        """Only the files: a link to one has the state of where it leads, if no root reaches that without it."""
        files: list[str] = []
        resolved: list[_State] = []
        for name, state in zip(names, states, strict=True):
            if stat.S_ISLNK(state[0]):
                where = self._followed(stem + name, key, name, walked)
                if where is None:
                    continue
                state = where
            elif state is not _NOWHERE and not stat.S_ISREG(state[0]):
                if not is_junk(name):
                    walked.passed.append(Passed(stem + name, "not_a_file", _SPECIAL))
                continue
            files.append(name)
            resolved.append(state)
        return files, resolved

    def _followed(self, path: str, key: bytes, name: str, walked: Walked) -> _State | None:
        if is_junk(name):
            return None
        try:
            state = _state(os.stat(path))
            real = os.path.realpath(path)
        except OSError as error:
            walked.passed.append(Passed(path, "link", f"{NOWHERE}: {error.strerror}"))
            return None
        if stat.S_ISDIR(state[0]):
            sentence = "links to folders are not followed; name the folder itself as a root"
            walked.passed.append(Passed(path, "link", sentence))
        elif not stat.S_ISREG(state[0]):
            walked.passed.append(Passed(path, "not_a_file", _SPECIAL))
        elif any(_reaches(root, real) for root in self._terms.reals):
            walked.passed.append(Passed(path, "link", f"it leads to {shown(real)}, which is read without it"))
        else:
            walked.links.append(Link(key, name, real, state[1]))
            return state
        return None

    def _look(self, stem: str, key: bytes, digest: bytes, names: list[str], states: list[_State]) -> Listed:
        """The folder's record anew; of files whose state is as it was, what was seen then."""
        old, read_at = self._before(key)
        places = {name: place for place, name in enumerate(old.names)}
        columns, archives = Columns(), []
        opened, settled, young = 0, True, False
        ordered = sorted(zip(names, states, strict=True), key=lambda pair: os.fsencode(pair[0]))
        for at in range(0, len(ordered), _AHEAD):
            here = []
            for name, state in ordered[at : at + _AHEAD]:
                if not is_left_out(name, state[1]):
                    place = places.get(name)
                    known = place if place is not None and old.is_known(place, state[1:]) else None
                    here.append((name, state, kind_of(name), known))
            wanted = [(name, state[1], kind) for name, state, kind, known in here if known is None]
            now = time.time_ns()
            with _Opened(stem, wanted) as content:
                for name, state, kind, known in here:
                    again = False
                    if known is not None:
                        fault, detail = old.verdict(known)
                    elif state is _NOWHERE:
                        fault, detail, again = "unreadable", "its state cannot be told", True
                    else:
                        fault, detail = content.fault(name, kind, state[1])
                        fits = is_settled(state[2], state[3], now)
                        young |= not fits
                        again = fault == "unreadable" or not fits
                    settled &= not again
                    columns.add(name, state[1:], kind, fault, detail, again)
                    if kind == "archive" and state[1] and is_archive(name) and fault in ("", "truncated"):
                        archives.append(name)
            opened += content.number
        if opened or not read_at:
            read_at = time.time()
        # A young file may be written to again without a trace: no later state of the folder is this one.
        stamp, packed = columns.pack(os.urandom(16) if young else b"")
        total = columns.total
        told = json.dumps(archives) if archives else ""
        record = Remembered(key, digest if settled else b"", len(columns.names), total, told, stamp, read_at, packed)
        return Listed(key, len(columns.names), total, opened, _stamped(archives, names, states), record)

    def _before(self, key: bytes) -> tuple[Columns, float]:
        """What is remembered of a folder's files, and when contents were read; no files and 0.0 where nothing is."""
        remembered = None if self._terms.fresh else self._memory.folder_of(key)
        if remembered is None:
            return Columns(), 0.0
        try:
            return Columns.unpack(remembered.record), remembered.read_at
        except Damaged:
            return Columns(), 0.0


class _Opened:
    """Some files of one folder, opened together, so that the system fetches the beginnings of all while the first is read."""

    def __init__(self, stem: str, wanted: Sequence[tuple[str, int, str]]) -> None:
        self._stem, self._wanted = stem, wanted
        self._files: dict[str, int | OSError] = {}
        self.number = 0

    def __enter__(self) -> Self:
        advise = getattr(os, "posix_fadvise", None)
        for name, size, kind in self._wanted:
            if not needs_look(kind, size):
                continue
            try:
                self._files[name] = descriptor = open_for_reading(self._stem + name)
                if advise and len(self._wanted) > 1:
                    advise(descriptor, 0, first_read(kind), os.POSIX_FADV_WILLNEED)
            except OSError as error:
                self._files.setdefault(name, error)
        self.number = len(self._files)
        return self

    def __exit__(self, *told: object) -> None:
        for descriptor in self._files.values():
            if isinstance(descriptor, int):
                os.close(descriptor)

    def fault(self, name: str, kind: str, size: int) -> tuple[Fault, str]:
        """The fault of one of them, and a few words on it."""
        if not size:
            return "empty", ""
        descriptor = self._files.get(name)
        if descriptor is None:
            return "", ""
        try:
            if isinstance(descriptor, OSError):
                raise descriptor
            return look(name, kind, size, lambda length, offset: os.pread(descriptor, length, offset))
        except OSError as error:
            return "unreadable", error.strerror or ""


def _names(told: str) -> list[str] | None:
    """Names of archives as remembered, None where that is damaged."""
    try:
        names = json.loads(told) if told else []
    except ValueError:
        return None
    return names if isinstance(names, list) and all(isinstance(name, str) for name in names) else None


def _digest(names: list[str], states: list[_State]) -> bytes:
    """Over names and states in the order of the listing: another order costs one comparison of the folder, no more."""
    hashed = hashlib.blake2b(digest_size=16)
    for at in range(0, len(names), _AT_ONCE):
        hashed.update(marshal.dumps((names[at : at + _AT_ONCE], states[at : at + _AT_ONCE]), 2))
    return hashed.digest()


def _stamped(archives: Sequence[str], names: list[str], states: list[_State]) -> tuple[tuple[str, str], ...]:
    """Archives with their stamps, in the form of `motet.files.places.stamp`."""
    if not archives:
        return ()
    wanted = set(archives)
    found = {name: state for name, state in zip(names, states, strict=True) if name in wanted}
    return tuple((name, "-".join(map(str, found[name][1:]))) for name in archives if name in found)


def _reaches(root: str, real: str) -> bool:
    """Does walking this root (without links) come by this real path?"""
    stem = root if root.endswith("/") else root + "/"
    return real.startswith(stem) and not any(map(is_junk, real[len(stem) :].split("/")))
