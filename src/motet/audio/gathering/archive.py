"""What was fetched into a folder before, and who is fetching into it now."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from motet.audio.gathering.sheet import Sheet, read_sheet
from motet.errors import UserError

__all__ = ["ARCHIVE", "WORK", "Archive", "Kept", "held"]

ARCHIVE = "archive.jsonl"
WORK = ".motet-gather"
GRACE = 3.0  # seconds that the process of a gather just killed may take to end


@dataclass(frozen=True)
class Kept:
    """A line of the archive: which recording, in which format, lies in which file."""

    extractor: str
    id: str
    format: str
    """as the site names it"""
    formats: str
    """as it was asked for"""
    asked: str
    """a digest of the address that led to it"""
    file: str
    sha256: str


@contextmanager
def held(folder: Path) -> Iterator[int]:
    """The folder for one gather at a time. Gives the lock's descriptor, to be handed to a process that writes there too.

    The kernel drops the lock with the last process that holds it, however that ends. Raises UserError.
    """
    work = folder / WORK
    try:
        work.mkdir(parents=True, exist_ok=True)
        lock = os.open(work / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise UserError(f"Nothing can be gathered into {folder} ({error.strerror}): name a folder you may write to.") from None
    try:
        until = time.monotonic() + GRACE
        while not _locked(lock):
            if time.monotonic() > until:
                sentence = f"Another run is gathering into {folder}: wait for it to end, or stop it."
                raise UserError(sentence, exit_code=1)
            time.sleep(0.05)
        yield lock
    finally:
        os.close(lock)


def _locked(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


class Archive:
    """`archive.jsonl`: a line for every address that led to a recording. Only ever added to; half a line counts as none."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._path = folder, folder / ARCHIVE
        self._asked: dict[tuple[str, str], Kept] = {}
        self._item: dict[tuple[str, str, str], Kept] = {}
        self._format: dict[tuple[str, str, str], Kept] = {}
        self._content: dict[str, Kept] = {}
        self._whole = True
        with suppress(FileNotFoundError), self._path.open("rb") as opened:
            for octets in opened:
                self._whole = octets.endswith(b"\n")
                if (kept := _read(octets)) is not None:
                    self._know(kept)
        self._mend()

    def _know(self, kept: Kept) -> None:
        self._asked[kept.asked, kept.formats] = kept
        self._item[kept.extractor, kept.id, kept.formats] = kept
        self._format[kept.extractor, kept.id, kept.format] = kept
        self._content[kept.sha256] = kept

    def _mend(self) -> None:
        """Learn of recordings that a killed run published before it could say so here."""
        from motet.audio.gathering.addresses import identity

        known = {kept.file.partition(".")[0] for kept in self._content.values()}
        for path in sorted(path for path in self._folder.glob("*.json") if path.stem not in known):
            with suppress(UserError):
                sheet = read_sheet(path)
                if (self._folder / sheet.file).is_file():
                    # The digest of the whole address is lost; its hushed form leads here, too.
                    self.add(
                        Kept(
                            sheet.extractor, sheet.id, sheet.format, sheet.formats, identity(sheet.url), sheet.file, sheet.sha256
                        )
                    )

    def asked(self, digest: str, formats: str) -> Sheet | None:
        """What an address led to before."""
        return self._sheet(self._asked.get((digest, formats)))

    def item(self, extractor: str, id: str, formats: str) -> Sheet | None:
        return self._sheet(self._item.get((extractor, id, formats)))

    def format(self, extractor: str, id: str, format: str) -> Sheet | None:
        return self._sheet(self._format.get((extractor, id, format)))

    def content(self, sha256: str) -> Sheet | None:
        return self._sheet(self._content.get(sha256))

    def _sheet(self, kept: Kept | None) -> Sheet | None:
        """The sheet of what is still there; what was taken away may be fetched again."""
        if kept is None or not (self._folder / kept.file).is_file():
            return None
        with suppress(UserError):
            return read_sheet((self._folder / kept.file).with_suffix(".json"))
        return None

    def add(self, kept: Kept) -> None:
        """Keep a line, on disk before this returns."""
        if self._asked.get((kept.asked, kept.formats)) == kept:
            return
        octets = json.dumps(asdict(kept)).encode() + b"\n"
        opened = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            ahead = b"" if self._whole else b"\n"
            self._whole = False
            with os.fdopen(os.dup(opened), "ab") as file:
                file.write(ahead + octets)
            os.fsync(opened)
            self._whole = True
        finally:
            os.close(opened)
        self._know(kept)


def _read(octets: bytes) -> Kept | None:
    try:
        told: Any = json.loads(octets)
        kept = Kept(**told)
    except (ValueError, TypeError, RecursionError):
        return None
    fine = all(isinstance(value, str) for value in told.values()) and kept.file not in ("", ".", "..") and "/" not in kept.file
    return kept if fine else None
