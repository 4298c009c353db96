"""Where a fetch works, and how what it made takes its place in one step.

Below the folder given: `.motet-fetch/NAME/` holds partial files, what is being unpacked, and a record without secrets.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import json
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from motet.errors import UserError
from motet.files.places import shown
from motet.inventory.fetching import space
from motet.inventory.fetching.layouts import below

WORK = ".motet-fetch"
_LARGEST_RECORD = 4 << 20
_BLOCK = 1 << 20


@contextmanager
def held(to: Path, name: str) -> Iterator[Path]:
    """The folder to work in, for one process at a time; gone afterwards if it is empty. Raises UserError."""
    work, lock = to / WORK / name, to / WORK / f"{name}.lock"
    opened = _locked(lock, f"{to / name}")
    try:
        work.mkdir(exist_ok=True)
        yield work
    finally:
        for where, _, _ in os.walk(work, topdown=False):
            with suppress(OSError):  # it holds what the next run goes on with
                os.rmdir(where)
        lock.unlink(missing_ok=True)
        os.close(opened)
        with suppress(OSError):  # another dataset is being fetched
            (to / WORK).rmdir()


def _locked(lock: Path, what: str) -> int:
    for _ in range(100):
        try:
            lock.parent.mkdir(parents=True, exist_ok=True)
            opened = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except FileNotFoundError:
            continue  # another process just took its folder away
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(opened, 32).decode("ascii", "replace").strip()
            os.close(opened)
            by = f" (process {holder})" if holder.isdigit() else ""
            raise UserError(f"{what} is being fetched by another run{by}: wait for it to end, or stop it.", 1) from None
        with suppress(FileNotFoundError):
            if os.stat(lock).st_ino == os.fstat(opened).st_ino:
                os.ftruncate(opened, 0)
                os.pwrite(opened, str(os.getpid()).encode(), 0)
                return opened
        os.close(opened)  # the one who held it has removed the file
    raise UserError(f"{lock} cannot be held: remove {lock.parent} if no other run is going on.", exit_code=1)


class Record:
    """What a run has finished, so that the next one goes on: `record.json` in the folder to work in."""

    def __init__(self, work: Path) -> None:
        self._file = work / "record.json"
        told: Any = None
        with suppress(FileNotFoundError, ValueError, RecursionError), self._file.open("rb") as opened:
            told = json.loads(opened.read(_LARGEST_RECORD))  # without it the work is done again
        told = told if isinstance(told, dict) else {}
        done, moving = told.get("done"), told.get("moving")
        self.done: dict[str, dict[str, int]] = (
            {key: value for key, value in done.items() if isinstance(value, dict)} if isinstance(done, dict) else {}
        )
        self.moving: dict[str, Any] = moving if isinstance(moving, dict) else {}

    def write(self) -> None:
        written = self._file.with_suffix(".new")
        with written.open("w", encoding="utf-8") as file:
            json.dump({"done": self.done, "moving": self.moving}, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(written, self._file)
        space.sync_folder(self._file.parent)


class Publishing:
    """What was made, put into the dataset's folder: seen whole or not at all."""

    def __init__(self, work: Path, folder: Path, record: Record) -> None:
        self._work, self._folder, self._record = work, folder, record
        self._joined, self._old = work / "joined", work / "old"

    def mend(self) -> None:
        """Finish, or take back, what a killed run was at. To be called first."""
        if os.path.lexists(self._old) and not os.path.lexists(self._folder):
            os.rename(self._old, self._folder)
        moving = self._record.moving
        if moving:
            here, there = moving.get("from"), moving.get("to")
            if isinstance(here, str) and isinstance(there, str) and self._happened(here, there, moving.get("inode")):
                counts = moving.get("counts")
                self._record.done[str(moving.get("download"))] = counts if isinstance(counts, dict) else {}
                if here == "joined":
                    self._salvage(self._joined)
            self._record.moving = {}
            self._record.write()
        if os.path.lexists(self._old):
            self._salvage(self._old)
        for left in (self._joined, self._old):
            if left.exists():
                shutil.rmtree(left)

    def publish(self, new: Path, download: str, counts: Mapping[str, int], again: bool) -> None:
        """Put the files below `new` into the folder. Raises UserError where one would take the place of another."""
        if not self._folder.exists() or not any(self._folder.iterdir()):
            self._folder.parent.mkdir(parents=True, exist_ok=True)
            self._announce(new, self._folder, download, counts)
            os.rename(new, self._folder)
            space.sync_folder(self._folder.parent)
        else:
            self._join(new, download, counts, again)
        self._record.done[download] = dict(counts)
        self._record.moving = {}
        self._record.write()

    def _join(self, new: Path, download: str, counts: Mapping[str, int], again: bool) -> None:
        replaced = []
        for path in list(below(new)):
            there = self._folder / path
            if not os.path.lexists(there):
                continue
            if there.is_file() and not there.is_symlink() and _same(new / path, there):
                (new / path).unlink()
            elif again and not (there.is_dir() and not there.is_symlink()):
                replaced.append(path)
            else:
                raise UserError(
                    f"{shown(str(there))} is there already with other content: add --again to replace it, "
                    "or name another folder with --to.",
                    exit_code=1,
                )
        tops = _absent(new, self._folder)
        if not tops and not replaced:
            return
        only = (tops + replaced)[0]
        if len(tops) + len(replaced) == 1 and (self._folder / only).parent.is_dir():
            self._announce(new / only, self._folder / only, download, counts)
            os.replace(new / only, self._folder / only)
            space.sync_folder((self._folder / only).parent)
            return
        self._link_all(new)
        self._announce(self._joined, self._folder, download, counts)
        if not _exchange(self._joined, self._folder):
            os.rename(self._folder, self._old)
            os.rename(self._joined, self._folder)
        space.sync_folder(self._folder.parent)
        for left in (self._joined, self._old):
            if left.exists():
                self._salvage(left)
                shutil.rmtree(left)

    def _link_all(self, new: Path) -> None:
        """`joined`: what is in the folder, as hard links, and what is new."""
        if self._joined.exists():
            shutil.rmtree(self._joined)
        try:
            _linked(self._folder, self._joined)
        except OSError as error:
            shutil.rmtree(self._joined, ignore_errors=True)
            if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK, errno.EXDEV, errno.ENOSYS):
                raise
            raise UserError(
                f"{self._folder} lies on a disk without hard links, so files cannot be added to it in one step: "
                "fetch into another folder with --to.",
                exit_code=1,
            ) from None
        for path in list(below(new)):
            there = self._joined / path
            there.parent.mkdir(parents=True, exist_ok=True)
            os.replace(new / path, there)
        for where, _, _ in os.walk(self._joined):
            space.sync_folder(Path(where))

    def _announce(self, here: Path, there: Path, download: str, counts: Mapping[str, int]) -> None:
        """Written before the step, so that the next run knows whether it happened."""
        self._record.moving = {
            "download": download,
            "from": os.path.relpath(here, self._work),
            "to": os.path.relpath(there, self._folder),
            "inode": os.stat(here).st_ino,
            "counts": dict(counts),
        }
        self._record.write()

    def _happened(self, here: str, there: str, inode: object) -> bool:
        target = self._folder / there
        try:
            arrived = os.lstat(target)
        except FileNotFoundError:
            return False
        return arrived.st_ino == inode or not os.path.lexists(self._work / here)

    def _salvage(self, old: Path) -> None:
        """What somebody put into the folder while it was being joined."""
        for path in list(below(old)):
            there = self._folder / path
            if not os.path.lexists(there):
                there.parent.mkdir(parents=True, exist_ok=True)
                os.rename(old / path, there)


def _linked(here: Path, there: Path) -> None:
    there.mkdir()
    shutil.copymode(here, there)
    with os.scandir(here) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                _linked(Path(entry.path), there / entry.name)
            elif entry.is_symlink():
                os.symlink(os.readlink(entry.path), there / entry.name)
            else:
                os.link(entry.path, there / entry.name)


def _absent(new: Path, folder: Path) -> list[str]:
    """The topmost paths below `new` that hold files, and that the folder does not have."""
    tops, open_folders = [], [""]
    while open_folders:
        here = open_folders.pop()
        for entry in sorted(os.listdir(new / here)):
            path = f"{here}/{entry}" if here else entry
            is_folder = (new / path).is_dir()
            if is_folder and next(below(new / path), None) is None:
                continue
            if not os.path.lexists(folder / path):
                tops.append(path)
            elif is_folder:
                open_folders.append(path)
    return tops


def _same(one: Path, other: Path) -> bool:
    if one.stat().st_size != other.stat().st_size:
        return False
    with one.open("rb") as first, other.open("rb") as second:
        while True:
            here, there = first.read(_BLOCK), second.read(_BLOCK)
            if here != there:
                return False
            if not here:
                return True


def _exchange(one: Path, other: Path) -> bool:
    """Two folders change names in one step; False where the system or the disk cannot."""
    library = ctypes.CDLL(None, use_errno=True)
    here, there = os.fsencode(one), os.fsencode(other)
    try:
        if sys.platform == "darwin":
            failed = library.renamex_np(here, there, 2)  # RENAME_SWAP
        else:
            failed = library.renameat2(-100, here, -100, there, 2)  # AT_FDCWD, RENAME_EXCHANGE
    except AttributeError:
        return False
    if not failed:
        return True
    code = ctypes.get_errno()
    if code in (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP):
        return False
    raise OSError(code, os.strerror(code), str(other))
