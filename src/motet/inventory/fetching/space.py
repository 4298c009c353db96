"""Is there room on the disk?"""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

from motet.errors import UserError
from motet.inventory.known import Dataset
from motet.wording import size

RESERVE = 16 << 20
"""Bytes left free for others: a disk filled to the last byte stops every program on it."""

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_PACKED_BEFORE = {"audio", "video", "image", "archive"}  # their bytes hardly get fewer in an archive


def free(path: Path) -> int:
    """Bytes that may still be written where `path` is, or will be."""
    while not path.exists() and path != path.parent:
        path = path.parent
    return shutil.disk_usage(path).free


def unpacked(dataset: Dataset, gives: tuple[str, ...], octets: int) -> int:
    """An estimate of what an archive of so many bytes holds: MIDI and text shrink to a sixth, sound hardly."""
    kinds = {dataset.part(name).kind for name in gives}
    return octets * 6 if not kinds & _PACKED_BEFORE else octets * 6 // 5


def check(path: Path, wanted: int, what: str) -> None:
    """Raises UserError when fewer than `wanted` bytes, and a reserve, are free."""
    there = free(path)
    if wanted + RESERVE > there:
        sentence = (
            f"{what} needs {size(wanted)} at {path}, and {size(there)} are free: make room, or choose another disk with --to."
        )
        raise UserError(sentence, exit_code=1)


def is_full(error: OSError) -> bool:
    return error.errno in _FULL


def full(error: OSError, path: Path, kept: str, dataset: str) -> UserError:
    """One sentence for a disk that is full, a quota that is used up, or a file larger than the system allows."""
    what = {
        errno.EDQUOT: "your quota of disk space is used up: make room",
        errno.EFBIG: "a file grew larger than the system allows: raise the limit (ulimit -f)",
    }
    why = what.get(error.errno or 0, "the disk is full: make room")
    sentence = f"{dataset} was not fetched, at {path} {why} and run the same command again ({kept})."
    return UserError(sentence, exit_code=1)


def sync_folder(path: Path) -> None:
    """The names in a folder, on disk."""
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
