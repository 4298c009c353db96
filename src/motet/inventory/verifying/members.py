"""Members of archives by their full paths, `/d/groove.zip!/drummer1/a.mid`, in one pass over each archive."""

from __future__ import annotations

import os
import stat
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from motet.files.archives import open_archive
from motet.files.kinds import HEAD
from motet.files.member import Archive, BadArchive, BadMember, Member
from motet.files.places import open_for_reading
from motet.inventory.scanning.inside import inner_path

INSIDE = "!/"
MOST_IN_MEMORY = 64 << 20
MOST_ON_DISK = 2 << 30


@dataclass(frozen=True)
class Content:
    """A member's bytes, or its first; those of a large one in a temporary file; or why it cannot be had, a sentence."""

    name: str
    size: int
    data: bytes = field(default=b"", repr=False)
    file: str = ""
    fault: str = ""

    @property
    def is_whole(self) -> bool:
        return bool(self.file) or len(self.data) == self.size


def parted(path: str) -> tuple[str, str]:
    """The archive a path lies in and the member's name, or ("", path) for a path on disk. Folders may end in `!` as well."""
    at = path.find(INSIDE)
    while at >= 0:
        if os.path.isfile(path[:at]):
            return path[:at], path[at + len(INSIDE) :]
        at = path.find(INSIDE, at + 1)
    if path.endswith("!") and os.path.isfile(path[:-1]):
        return path[:-1], ""
    return "", path


class ArchiveOf:
    """The archive a file (path, size) lies in, or ""; neighbours of a member are not looked for on disk again."""

    def __init__(self) -> None:
        self._last = ""

    def __call__(self, file: tuple[str, int]) -> str:
        path = file[0]
        if INSIDE not in path:
            return ""
        if not self._last or not path.startswith(self._last + INSIDE):
            self._last = parted(path)[0]
        return self._last


@contextmanager
def opened(path: str) -> Iterator[tuple[Archive, os.stat_result]]:
    """An archive and its state when it was opened. Raises OSError, or BadArchive where it is none."""
    file = os.fdopen(open_for_reading(path), "rb")
    archive: Archive | None = None
    try:
        status = os.fstat(file.fileno())
        if stat.S_ISREG(status.st_mode):
            archive = open_archive(file, path, file.read(HEAD))
        if archive is None:
            detail = "it is no archive"
            raise BadArchive(detail)
        yield archive, status
    finally:
        if archive is not None:
            archive.close()
        file.close()


def contents(archive: Archive, wanted: Callable[[str, int], int], folder: Path) -> Iterator[Content]:
    """The first `wanted(name, size)` bytes of members, named as in a scan, in one pass; -1 passes over one.

    Large ones become files in `folder`, the caller's to remove. Raises BadArchive where the archive breaks, OSError where
    the system does not let us read it.
    """
    for member in archive.members():
        name = inner_path(member.name)
        most = min(wanted(name, member.size), member.size)
        if most < 0:
            continue
        if member.fault:
            yield Content(name, member.size, fault=f"It cannot be read: {member.detail}.")
        elif most > MOST_ON_DISK:
            too_many = f"It has {member.size:,} bytes, too many to look at inside an archive: unpack it."
            yield Content(name, member.size, fault=too_many)
        else:
            try:
                yield _content(archive, member, name, most, folder)
            except BadMember as error:
                yield Content(name, member.size, fault=f"It cannot be read: {error}.")


def _content(archive: Archive, member: Member, name: str, most: int, folder: Path) -> Content:
    chunks = archive.chunks(member.offset, member.size)
    if most > MOST_IN_MEMORY:
        return _spooled(chunks, member, name, folder)
    crc, data = 0, bytearray()
    for chunk in chunks:
        crc = zlib.crc32(chunk, crc)
        data += chunk
        if len(data) >= most < member.size:
            return Content(name, member.size, bytes(data[:most]))
    if member.crc32 not in (None, crc):
        return Content(name, member.size, fault=_CHECKSUM)
    return Content(name, member.size, bytes(data))


def _spooled(chunks: Iterator[bytes], member: Member, name: str, folder: Path) -> Content:
    crc = 0
    handle, file = tempfile.mkstemp(dir=folder)
    try:
        with os.fdopen(handle, "wb") as spool:
            for chunk in chunks:
                crc = zlib.crc32(chunk, crc)
                spool.write(chunk)
    except BaseException:
        os.unlink(file)
        raise
    if member.crc32 in (None, crc):
        return Content(name, member.size, file=file)
    os.unlink(file)
    return Content(name, member.size, fault=_CHECKSUM)


_CHECKSUM = "Its content does not match the archive's own checksum."
