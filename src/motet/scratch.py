"""A folder for what a process keeps while it runs. It goes at the end; what a killed one left goes when the next begins."""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import tempfile
import time
from pathlib import Path
from types import TracebackType

YOUNG = 60.0  # seconds in which a folder may be not locked yet


class Scratch:
    """An empty folder in the system's place for such, called `prefix` and more. A lock that ends with this process holds it."""

    def __init__(self, prefix: str) -> None:
        _sweep(prefix)
        self._folder = tempfile.TemporaryDirectory(prefix=prefix, ignore_cleanup_errors=True)
        self.path = Path(self._folder.name)
        self._held = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        fcntl.flock(self._held, fcntl.LOCK_EX)

    def __enter__(self) -> Path:
        return self.path

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        if self._held >= 0:
            self._folder.cleanup()
            os.close(self._held)
            self._held = -1


def _sweep(prefix: str) -> None:
    """Delete such folders of this user that nobody holds."""
    for folder in Path(tempfile.gettempdir()).glob(f"{prefix}*"):
        try:
            state = folder.lstat()
            if not stat.S_ISDIR(state.st_mode) or state.st_uid != os.getuid() or time.time() - state.st_mtime < YOUNG:
                continue
            opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        except OSError:  # gone meanwhile, or not ours to open
            continue
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
        except BlockingIOError:
            continue
        finally:
            os.close(opened)
