"""An archive unpacked into an empty folder, in which nothing can climb out, link away, hide or swell."""

from __future__ import annotations

import errno
import hashlib
import lzma
import os
import re
import shutil
import unicodedata
import zlib
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import IO, cast

from motet.files.archives import open_archive
from motet.files.kinds import HEAD
from motet.files.member import BOMB_FLOOR, BOMB_RATIO, Archive, BadArchive, BadMember, Member
from motet.files.places import shown
from motet.files.tars import Tar
from motet.files.zips import Zip
from motet.inventory.fetching import space
from motet.inventory.fetching.checks import Stopped
from motet.wording import count, size

_DRIVE = re.compile(r"[A-Za-z]:")
_XZ = b"\xfd7zXZ\0"
_LONGEST_NAME = 255  # bytes; no usual file system takes more
_MOST_MEMBERS = 5_000_000
_SYNCED_ALONE = 200  # files; syncing each of more than these takes longer than syncing the disk
_JUNK = "__MACOSX"  # what macOS writes beside every file it packs


class BadContent(Exception):
    """An archive that is not unpacked: a sentence without its end, that begins with what is wrong with it."""


@dataclass(frozen=True)
class Limits:
    """How much may come out of an archive: `ratio` times its size, or `floor` bytes, whichever is more."""

    ratio: int = BOMB_RATIO
    floor: int = BOMB_FLOOR
    members: int = _MOST_MEMBERS


@dataclass
class Unpacking:
    """Archives unpacked into one folder, which must be empty at first. `folds` says that the disk takes A for a."""

    folder: Path
    stop: Event
    advance: Callable[[int], None]
    limits: Limits = Limits()
    folds: bool = False
    files: list[str] = field(default_factory=list)  # paths below the folder, in the archive's order
    cases: list[str] = field(default_factory=list)  # those that differ from an earlier one by case only
    bytes: int = 0

    def __post_init__(self) -> None:
        self._folded: set[bytes] = set()

    def unpack(self, file: Path, name: str) -> None:
        """Raises BadContent; OSError where the disk does not take it; Stopped."""
        allowed = max(self.limits.floor, self.limits.ratio * file.stat().st_size)
        try:
            with file.open("rb") as opened:
                head = opened.read(HEAD)
                opened.seek(0)
                archive = _opened(opened, name, head)
                if archive is None:
                    raise BadContent("it is no archive that can be unpacked")
                with closing(archive):
                    if isinstance(archive, Zip):  # its directory is short, and says how much is to come
                        declared = 0
                        for member in archive.members():
                            self._steps(member)
                            declared += member.size
                            self._check_size(declared, allowed, file)
                        space.check(self.folder, declared, name)
                    start = self.bytes
                    for member in archive.members():
                        self._member(archive, member, start, allowed, file)
        except (BadArchive, BadMember) as problem:
            raise BadContent(problem.detail if isinstance(problem, BadArchive) else str(problem)) from None
        except (lzma.LZMAError, zlib.error, EOFError):
            raise BadContent("its compressed data is damaged") from None

    def _member(self, archive: Archive, member: Member, start: int, allowed: int, file: Path) -> None:
        steps = self._steps(member)
        if steps is None:
            return
        path = "/".join(steps)
        target = self.folder.joinpath(*steps)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            opened = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), 0o666)
        except (FileExistsError, NotADirectoryError):
            raise BadContent(f"two of its members are the same file, {shown(path)}") from None
        except OSError as error:
            if error.errno in (errno.ENAMETOOLONG, errno.EILSEQ, errno.EINVAL):
                raise BadContent(f"this disk cannot hold a file of the name {_cut(path)}") from None
            raise
        sum32, written = 0, 0
        with os.fdopen(opened, "wb") as out:
            for chunk in archive.chunks(member.offset, member.size):
                if self.stop.is_set():
                    raise Stopped
                out.write(chunk)
                written += len(chunk)
                self.bytes += len(chunk)
                self.advance(len(chunk))
                self._check_size(self.bytes - start, allowed, file)
                if member.crc32 is not None:
                    sum32 = zlib.crc32(chunk, sum32)
        if member.crc32 is not None and sum32 != member.crc32:
            raise BadContent(f"the content of its member {_cut(path)} is damaged")
        self.files.append(path)
        self._check_names(path)

    def _steps(self, member: Member) -> list[str] | None:
        """The folders and the name of a member, None for one that is left out."""
        if member.fault:
            raise BadContent(f"of its member {_cut(member.name)}: {member.detail}")
        name = member.name
        if "\0" in name or name.startswith(("/", "\\")) or _DRIVE.match(name):
            raise BadContent(f"its member {_cut(name)} would be written to a place of its own choice")
        if ".." in re.split(r"[/\\]", name):
            raise BadContent(f"its member {_cut(name)} climbs out of the folder")
        steps = [step for step in name.split("/") if step not in ("", ".")]
        if not steps:
            raise BadContent("one of its members has no name")
        for step in steps:
            if len(os.fsencode(step) if _encodes(step) else step.encode("utf-8", "surrogatepass")) > _LONGEST_NAME:
                raise BadContent(f"the name {_cut(name)} is longer than a disk can hold")
        return None if steps[0] == _JUNK else steps

    def _check_size(self, octets: int, allowed: int, file: Path) -> None:
        if octets > allowed:
            here = size(file.stat().st_size)
            raise BadContent(f"it grows from {here} to more than {size(allowed)}, as a decompression bomb does")

    def _check_names(self, path: str) -> None:
        if len(self._folded) >= self.limits.members:
            raise BadContent(f"it holds more than {count(self.limits.members)} files")
        folded = _digest(unicodedata.normalize("NFC", path).casefold())
        if folded in self._folded:
            if self.folds:
                raise BadContent(f"two of its members differ by case only, which this disk cannot hold: {_cut(path)}")
            self.cases.append(path)
        self._folded.add(folded)


def folds_case(folder: Path) -> bool:
    """Does the disk of a folder take A and a for one name?"""
    probe = folder / "Motet-Case"
    probe.touch()
    try:
        return (folder / "motet-case").exists()
    finally:
        probe.unlink()


def settle(folder: Path, files: int) -> None:
    """All files below a folder, and their names, on disk."""
    if files > _SYNCED_ALONE:
        os.sync()
        return
    for where, _, names in os.walk(folder):
        for name in names:
            opened = os.open(os.path.join(where, name), os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
            try:
                os.fsync(opened)
            finally:
                os.close(opened)
        space.sync_folder(Path(where))


def empty(folder: Path) -> None:
    """A folder that is there, and holds nothing."""
    if folder.is_symlink() or folder.is_file():
        folder.unlink()
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)


def _opened(file: IO[bytes], name: str, head: bytes) -> Archive | None:
    if head.startswith(_XZ):
        return Tar(cast("IO[bytes]", lzma.LZMAFile(file)), file)
    return open_archive(file, name, head)  # type: ignore[arg-type]


def _encodes(text: str) -> bool:
    try:
        os.fsencode(text)
    except UnicodeEncodeError:
        return False
    return True


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=12).digest()


def _cut(name: str) -> str:
    text = shown(name)
    return text if len(text) <= 80 else f"{text[:60]}…{text[-19:]}"
