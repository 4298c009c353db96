"""Exports that are whole or not there: written aside, then named all at once."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from motet.errors import UserError

__all__ = ["PENDING", "Pending", "blaming", "published", "sync"]

PENDING = ".motet-part"  # what an export that was killed leaves in its folder, until the next one goes on with it


class Pending:
    """Files written aside, by their paths in the folder they are for; one that lies there with the same bytes is kept."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.aside = folder, folder / PENDING
        self.fresh: list[str] = []
        self._names: set[str] = set()

    @property
    def names(self) -> list[str]:
        return sorted(self._names)

    def write(self, name: str, data: bytes) -> None:
        self._names.add(name)
        with blaming(self.folder):
            if _holds(self.folder / name, data):
                return
            self.fresh.append(name)
            path = self.aside / name
            if _holds(path, data):
                return
            path.parent.mkdir(parents=True, exist_ok=True)
            partial = path.with_name(f".{path.name}.tmp")
            with partial.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(path)


def _holds(path: Path, data: bytes) -> bool:
    return path.is_file() and path.stat().st_size == len(data) and path.read_bytes() == data


@contextmanager
def published(folder: Path, turn: Callable[[str], Any]) -> Iterator[Pending]:
    """All files get their names at the end, in the order of `turn`: lists after what they list. What was written aside until a
    stop or a kill stays there, and is not written again.

    Raises UserError where the folder cannot be written to.
    """
    pending = Pending(folder)
    with blaming(folder):
        pending.aside.mkdir(parents=True, exist_ok=True)
    try:
        yield pending
    except Exception:  # a fault, which the next export will meet again; a stop is none
        shutil.rmtree(pending.aside, ignore_errors=True)
        raise
    with blaming(folder):
        for name in sorted(pending.fresh, key=turn):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (pending.aside / name).replace(folder / name)
        for place in sorted({(folder / name).parent for name in pending.fresh} | {folder}):
            sync(place)
        shutil.rmtree(pending.aside, ignore_errors=True)


@contextmanager
def blaming(folder: Path) -> Iterator[None]:
    """What the disk refuses is told in a sentence; what reading the dataset raises is not the folder's fault."""
    try:
        yield
    except OSError as error:
        said = error.strerror or error
        raise UserError(f"cannot write to {folder} ({said}): name a folder with room that you may write to.", 1) from error


def sync(folder: Path) -> None:
    """Make renames inside `folder` survive a power cut."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
