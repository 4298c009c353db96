"""One writer at a time, by a lock that a dead process does not hold."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from motet.errors import UserError


@contextmanager
def writer_lock(dataset: Path) -> Iterator[None]:
    """Hold the dataset for writing; raises UserError when another process does.

    The kernel drops the lock with its process, however that ends. Children do not inherit it.
    """
    try:
        fd = os.open(dataset / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
    except IsADirectoryError:
        raise UserError(f"{dataset / '.lock'} is a folder where a file belongs: move it away.", exit_code=1) from None
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(fd, 32).decode("ascii", "replace").strip()
            by = f" (process {holder})" if holder else ""
            sentence = f"{dataset} is being written by another run{by}: wait for it to end, or stop it."
            raise UserError(sentence, exit_code=1) from None
        os.ftruncate(fd, 0)
        os.pwrite(fd, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(fd)
