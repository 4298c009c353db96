"""A folder as the destination, with the manners of a bucket: files are there whole or not at all, and one publisher at a time.

An ETag here is a file's size, time and inode: it tells that a file was left alone, not what is in it.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from motet.errors import UserError
from motet.publish.place import ANYTHING, Overtaken, Seen
from motet.publish.plan import OURS, Local

__all__ = ["Disk"]

_ASIDE = f"{OURS}/tmp"
_LOCK = f"{OURS}/lock"
_CHUNK = 1 << 20


class Disk:
    """`root` is made where it is missing, by the first write."""

    lasting = False

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self.url = self.root.as_uri()

    @contextmanager
    def claimed(self, cache: Path, take_over: bool) -> Iterator[Callable[[], None]]:
        """Raises UserError while another process publishes here. What a killed one left aside is removed.

        The claim is a lock, which ends with its process: nothing is there to take over.
        """
        with self._blaming():
            (self.root / OURS).mkdir(parents=True, exist_ok=True)
            lock = (self.root / _LOCK).open("ab")
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise UserError(f"Another publisher is at work in {self.root}: publish again when it is done.", 1) from None
            shutil.rmtree(self.root / _ASIDE, ignore_errors=True)
            yield lambda: None
            shutil.rmtree(self.root / _ASIDE, ignore_errors=True)

    def listing(self) -> dict[str, Seen]:
        found = {}
        todo = [self.root]
        while todo and self.root.is_dir():
            here = todo.pop()
            with self._blaming():
                for entry in list(os.scandir(here)):
                    key = os.path.relpath(entry.path, self.root).replace(os.sep, "/")
                    if entry.is_dir(follow_symlinks=False):
                        if key != _ASIDE:
                            todo.append(Path(entry.path))
                    elif key != _LOCK:
                        found[key] = _seen(entry.stat(follow_symlinks=False))
        return found

    def read(self, key: str) -> tuple[bytes, str] | None:
        with self._blaming():
            try:
                with self._path(key).open("rb") as file:
                    return file.read(), _seen(os.fstat(file.fileno())).etag
            except (FileNotFoundError, NotADirectoryError):
                return None

    def write(self, key: str, data: bytes, expected: str) -> str:
        return self._place(key, iter([data]), hashlib.sha256(data).hexdigest(), expected)

    def put(self, local: Local, expected: str) -> str:
        return self._place(local.path, local.chunks(), local.sha256, expected)

    def holds(self, local: Local, seen: Seen) -> bool:
        return seen.size == local.size and self.sha256(local.path) == local.sha256

    def copy(self, key: str, to: str, size: int, sha256: str) -> str:
        with self._blaming(), self._path(key).open("rb") as file:
            return self._place(to, iter(lambda: file.read(_CHUNK), b""), sha256, ANYTHING)

    def sha256(self, key: str) -> str:
        with self._blaming(), self._path(key).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def delete(self, keys: list[str]) -> None:
        with self._blaming():
            for key in keys:
                path = self._path(key)
                path.unlink(missing_ok=True)
                with suppress(OSError):  # a folder that still holds something stays
                    for above in path.parents:
                        if above in (self.root, self.root / OURS):
                            break
                        above.rmdir()

    def _place(self, key: str, chunks: Iterator[bytes], sha256: str, expected: str) -> str:
        """Written aside, read back, and renamed: a power cut leaves the old file or the new one."""
        path = self._path(key)
        aside = self.root / _ASIDE / uuid.uuid4().hex
        try:
            with self._blaming():
                aside.parent.mkdir(parents=True, exist_ok=True)
                opened = aside.open("w+b")
            with opened as file:
                for chunk in chunks:  # reading these has its own errors
                    with self._blaming():
                        file.write(chunk)
                with self._blaming():
                    etag = self._settled(file, sha256, key)
            with self._blaming():
                path.parent.mkdir(parents=True, exist_ok=True)
                self._inside(path)
                there = _seen(path.lstat()).etag if os.path.lexists(path) else ""
                if expected not in (ANYTHING, there):
                    raise Overtaken(key)
                aside.replace(path)
                _sync(path.parent)
        finally:
            with suppress(OSError):
                aside.unlink(missing_ok=True)
        return etag

    def _settled(self, file: IO[bytes], sha256: str, key: str) -> str:
        file.flush()
        os.fsync(file.fileno())
        file.seek(0)
        if hashlib.file_digest(file, "sha256").hexdigest() != sha256:  # type: ignore[arg-type]
            raise UserError(f"{key} did not arrive with the bytes that were sent: check the disk, and publish again.", 1)
        return _seen(os.fstat(file.fileno())).etag

    def _path(self, key: str) -> Path:
        path = self.root / key
        if not path.is_relative_to(self.root) or ".." in path.parts:
            raise UserError(f"{key!r} leads out of {self.root}: publish to another folder.", 1)
        return path

    def _inside(self, path: Path) -> None:
        if not Path(os.path.realpath(path.parent)).is_relative_to(os.path.realpath(self.root)):
            raise UserError(f"{path.parent} is a link that leads out of {self.root}: remove it, and publish again.", 1)

    @contextmanager
    def _blaming(self) -> Iterator[None]:
        try:
            yield
        except (FileNotFoundError, NotADirectoryError):
            raise
        except OSError as error:
            said = error.strerror or "it does not say why"
            raise UserError(f"cannot write to {self.root} ({said}): name a folder with room that you may write to.", 1) from error


def _seen(of: os.stat_result) -> Seen:
    return Seen(of.st_size, f"{of.st_size:x}-{of.st_mtime_ns:x}-{of.st_ino:x}")


def _sync(folder: Path) -> None:
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
