"""What an archive holds, folder by folder, each member looked at by its first bytes. Nothing is unpacked to disk."""

from __future__ import annotations

import os
import stat
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from motet.files.archives import open_archive
from motet.files.kinds import HEAD, is_junk
from motet.files.member import Archive, BadArchive, BadMember, Member
from motet.files.places import open_for_reading, stamp
from motet.inventory.scanning.contents import OutOfReach, kind_of, look, needs_look
from motet.inventory.scanning.record import Columns
from motet.inventory.scanning.settled import is_settled
from motet.inventory.tree import Fault

__all__ = ["Inside", "inner_path", "is_left_out", "look_inside"]

_REACH = 1 << 20  # bytes of a member that are read at most to judge it
_MOST_NAMES = 256 << 20  # bytes of names
_LONGEST, _DEEPEST = 4096, 100  # characters of a member's path, folders above it
_GROUPS = {
    "encrypted": "{n} of its members are encrypted: unpack it with its password",
    "link": "{n} of its members are links, which are not followed",
    "not_a_file": "{n} of its members are devices, pipes or other special entries",
    "unsupported_archive": "{n} of its members are compressed by a method that cannot be read in place: unpack it",
    "too_deep": "{n} of its members have paths that are too long or too deep",
    "bad_member": "{n} of its members cannot be read: the archive is damaged there",
}


@dataclass(frozen=True, slots=True)
class Inside:
    """The folders of an archive, "" being its outermost; `passed` as (reason, sentence)."""

    stamp: str  # "" where it must be looked at again
    folders: dict[str, Columns]
    passed: tuple[tuple[str, str], ...]
    opened: int


def inner_path(name: str) -> str:
    """A member's path below its archive: no part of it climbs, none is absolute."""
    parts = ["(..)" if part == ".." else part for part in name.partition("\0")[0].split("/") if part not in ("", ".")]
    return "/".join(parts)


def is_left_out(name: str, size: int) -> bool:
    """Is it what a system left behind? Some copies of drives hold empty files called ``Icon_``."""
    return is_junk(name) or (size == 0 and name == "Icon_")


def look_inside(path: str) -> Inside:
    """Memory is bounded by the names of its members, not by its size. What cannot be read is told in `passed`."""
    try:
        with os.fdopen(open_for_reading(path), "rb") as file:
            before, now = os.fstat(file.fileno()), time.time_ns()
            if not stat.S_ISREG(before.st_mode):
                return Inside("", {}, (("not_a_file", "it is no file any more"),), 0)
            gathered = _Gathered()
            try:
                archive = open_archive(file, path.partition("?")[0], file.read(HEAD))
                if archive is None:
                    raise BadArchive("it is named like an archive, but its content is something else")
                gathered.all_of(archive)
            except BadArchive as error:
                gathered.end(error.reason, error.detail)
            except (OSError, ValueError, OverflowError) as error:
                gathered.end("unreadable", f"it could not be read: {error}")
            trust = is_settled(before.st_mtime_ns, before.st_ctime_ns, now) and stamp(os.fstat(file.fileno())) == stamp(before)
            return gathered.told(stamp(before) if trust and not gathered.unsure else "")
    except OSError as error:
        return Inside("", {}, (("unreadable", f"the system does not let us read it: {error.strerror}"),), 0)


class _Gathered:
    def __init__(self) -> None:
        self._folders: dict[str, dict[str, tuple[int, str, Fault, str]]] = {}
        self._groups: Counter[str] = Counter()
        self._ended: tuple[str, str] | None = None
        self._names = 0
        self._opened = 0

    @property
    def unsure(self) -> bool:
        return self._ended is not None and self._ended[0] == "unreadable"

    def end(self, reason: str, detail: str) -> None:
        self._ended = (reason, detail)

    def all_of(self, archive: Archive) -> None:
        self._folders[""] = {}
        for member in archive.members():
            path = inner_path(member.name)
            if not path or len(path) > _LONGEST or path.count("/") > _DEEPEST:
                self._groups["too_deep"] += 1
                continue
            folder, _, name = path.rpartition("/")
            if is_left_out(name, member.size) or any(map(is_junk, folder.split("/"))):
                continue
            if member.fault in ("link", "not_a_file"):
                self._groups[member.fault] += 1
                continue
            files = self._folder(folder)
            if name in files:
                continue  # of two members with the same path the first counts, as for reading
            self._names += len(name) + 100
            if self._names > _MOST_NAMES:
                raise BadArchive(f"the names of its members take more than {_MOST_NAMES >> 20} MB", "too_large")
            files[name] = self._file(archive, member, name)

    def _folder(self, path: str) -> dict[str, tuple[int, str, Fault, str]]:
        above = path
        while above not in self._folders:
            self._names += len(above) + 300
            self._folders[above] = {}
            above = above.rpartition("/")[0]
        return self._folders[path]

    def _file(self, archive: Archive, member: Member, name: str) -> tuple[int, str, Fault, str]:
        kind = kind_of(name)
        if member.fault:
            self._groups[member.fault] += 1
            return member.size, kind, "unreadable", member.detail
        if member.size and not needs_look(kind, member.size):
            return member.size, kind, "", ""
        self._opened += 1
        try:
            content = _Content(archive.chunks(member.offset, member.size))
            fault, detail = look(name, kind, member.size, content.read)
        except BadMember as error:
            self._groups["bad_member"] += 1
            return member.size, kind, "unreadable", str(error)
        return member.size, kind, fault, detail

    def told(self, trusted: str) -> Inside:
        folders = {}
        for path, files in self._folders.items():
            columns = Columns()
            for name in sorted(files, key=os.fsencode):
                size, kind, fault, detail = files[name]
                columns.add(name, (size, 0, 0, 0), kind, fault, detail)
            folders[path] = columns
        passed = [(reason, _GROUPS[reason].format(n=f"{n:,}")) for reason, n in sorted(self._groups.items())]
        if self._ended:
            passed.append(self._ended)
        return Inside(trusted, folders, tuple(passed), self._opened)


class _Content:
    """A member read from its beginning on, as far as is asked, up to 1 MB."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks, self._held, self._whole = chunks, bytearray(), False

    def read(self, length: int, offset: int) -> bytes:
        end = offset + length
        while len(self._held) < end and not self._whole:
            if len(self._held) >= _REACH:
                raise OutOfReach
            if chunk := next(self._chunks, b""):
                self._held += chunk
            else:
                self._whole = True
        return bytes(self._held[offset:end])
