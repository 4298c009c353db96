"""Walk folders and archives in a fixed order, naming every file by its content.

Links: a link to a file is followed, once per real file, unless the walk reaches that file by itself; a link to a folder
is not followed. What lies under two roots belongs to the first. Hard links to one file are separate files.
"""

import hashlib
import os
import stat
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, TypeAlias

from motet.files.archives import looks_like_archive, open_archive
from motet.files.found import Found, MissingSource, Skipped
from motet.files.kinds import HEAD, Kind, is_junk
from motet.files.member import Archive, BadArchive, BadMember, Member
from motet.files.places import is_settled, location, on_disk, open_for_reading, shown, stamp

__all__ = ["Known", "nothing_known", "root_of", "walk"]

Row: TypeAlias = Found | Skipped
Known: TypeAlias = Callable[[str], Sequence[Row]]
"""Given a location, the rows a former walk for the same kind yielded for it: one for a plain file, all for an archive,
in order; none if the file is new."""

_CHUNK = 1 << 20
_ATTEMPTS = 3
_LONGEST_NAME = 1000
_SPECIAL = "pipes, sockets and devices are never opened"
_JUNK = "an operating system or a tool left it behind"


def nothing_known(location: str) -> Sequence[Row]:
    """The memory of a first walk."""
    return ()


def nothing_left(folder: str) -> str:
    """Leaves no folder out."""
    return ""


def walk(
    roots: Sequence[Path] | Path | str, kind: Kind, known: Known = nothing_known, left: Callable[[str], str] = nothing_left
) -> Iterator[Row]:
    """Every file of `kind` under `roots` (folders, archives, files), and a line for everything that is not one.

    The order is fixed: root by root, names sorted by their bytes, archives member by member. Memory is bounded by the
    largest folders on the way down. A file whose state on disk is what its `known` rows vouch for is not opened.
    A folder for which `left` gives a sentence is not entered; it is Skipped as ``left``, with that sentence.
    Raises `MissingSource`, before anything is read, if a root does not exist; what goes wrong later is a `Skipped`.
    """
    named = [roots] if isinstance(roots, (str, Path)) else roots
    return _Walk([_absolute(Path(root)) for root in named], kind, known, left).rows()


def root_of(source: Path | str) -> str:
    """The ``root`` of the rows a walk of this source yields. Raises `MissingSource`."""
    return location(_absolute(Path(source)))


def _absolute(root: Path) -> str:
    try:
        path = os.path.realpath(root) if ".." in root.parts else os.path.abspath(root)
        os.stat(path)
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:
        detail = f"{shown(str(root))} does not exist: check the spelling, or name a folder, archive or file that does"
        raise MissingSource(detail) from error
    except OSError:
        return path  # there, but closed to us: the walk says so
    return path


class _Walk:
    def __init__(self, roots: Sequence[str], kind: Kind, known: Known, left: Callable[[str], str]) -> None:
        self._kind, self._known, self._left = kind, known, left
        self._roots = [(root, os.path.realpath(root)) for root in roots]
        self._reals = {real for _, real in self._roots}
        self._root = self._base = ""  # the root being walked: as a location, and on disk
        self._done: set[str] = set()  # real paths of the roots already walked
        self._followed: set[str] = set()  # real paths reached through links

    def rows(self) -> Iterator[Row]:
        for root, real in self._roots:
            if _reached(self._done, real):
                continue
            self._root, self._base = location(root), root
            try:
                status = os.stat(root)
            except OSError as error:
                yield self._closed(root, error)
            else:
                if stat.S_ISDIR(status.st_mode):
                    yield from self._folder(root, real)
                else:
                    yield from self._file(root, status)
            self._done.add(real)

    def _folder(self, root: str, real: str) -> Iterator[Row]:
        listings: list[tuple[str, Iterator[os.DirEntry[str]]]] = []  # no recursion: folders may be thousands deep
        if sentence := self._left(root):
            yield self._skipped(root, "left", sentence)
            return
        try:
            listings.append((real, _listing(root)))
        except OSError as error:
            yield self._closed(root, error)
        while listings:
            real, entries = listings[-1]
            entry = next(entries, None)
            if entry is None:
                listings.pop()
                continue
            path = entry.path
            if is_junk(entry.name):
                yield self._skipped(path, "junk", _JUNK)
                continue
            if self._done and os.path.join(real, entry.name) in self._done:
                continue
            try:
                if entry.is_dir(follow_symlinks=False):
                    if sentence := self._left(path):
                        yield self._skipped(path, "left", sentence)
                    else:
                        listings.append((os.path.join(real, entry.name), _listing(path)))
                    continue
                status = entry.stat(follow_symlinks=False)
            except OSError as error:
                yield self._closed(path, error)
                continue
            yield from self._link(path) if stat.S_ISLNK(status.st_mode) else self._file(path, status)

    def _link(self, path: str) -> Iterator[Row]:
        try:
            status = os.stat(path)
            real = os.path.realpath(path)
        except OSError as error:
            yield self._skipped(path, "link", f"it is a link that leads nowhere: {error.strerror}")
            return
        if stat.S_ISDIR(status.st_mode):
            yield self._skipped(path, "link", "links to folders are not followed; name the folder itself as a source")
        elif real in self._followed or _reached(self._reals, real):
            yield self._skipped(path, "link", f"it leads to {shown(real)}, which is read without it")
        else:
            self._followed.add(real)
            yield from self._file(path, status)

    def _file(self, path: str, status: os.stat_result) -> Iterator[Row]:
        if not stat.S_ISREG(status.st_mode):
            yield self._skipped(path, "not_a_file", _SPECIAL)
            return
        where = location(path)
        rows = self._known(where)
        if not _vouched(rows, stamp(status)):
            yield from self._scan(path, where)
        elif rows[0].root == self._root:
            yield from rows
        else:
            new = self._path(path)
            old = len(_below(on_disk(rows[0].root), path))
            for row in rows:
                yield replace(row, root=self._root, path=new + row.path[old:])

    def _scan(self, path: str, where: str) -> Iterator[Row]:
        try:
            with os.fdopen(open_for_reading(path), "rb") as file:
                if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                    yield from self._opened(file, path, where)
                else:
                    yield self._skipped(path, "not_a_file", _SPECIAL)
        except OSError as error:
            yield self._closed(path, error)

    def _opened(self, file: BinaryIO, path: str, where: str) -> Iterator[Row]:
        named, head = self._kind.named(path), b""
        if not named:
            head = file.read(HEAD)
            if looks_like_archive(path, head):
                try:
                    archive = open_archive(file, path, head)
                except BadArchive as error:
                    yield self._skipped(path, error.reason, error.detail)
                    return
                if archive is not None:
                    yield from self._archive(archive, file, path, where)
                    return
        wanted = named or self._kind.test(head)
        for _ in range(_ATTEMPTS):
            before, now = os.fstat(file.fileno()), time.time_ns()
            trust = stamp(before) if is_settled(before, now) else ""
            row: Row = Skipped(self._root, self._path(path), "other_type", self._other, where, stamp=trust)
            size = before.st_size
            if wanted:
                file.seek(0)
                size, sha256 = _hash(iter(lambda: file.read(_CHUNK), b""))
                row = Found(self._root, self._path(path), where, -1, 0, size, sha256, trust)
            after = os.fstat(file.fileno())
            if stamp(before) == stamp(after) and size == after.st_size:
                yield row
                return
        yield self._skipped(path, "changing", "something kept writing to it while it was read")

    def _archive(self, archive: Archive, file: BinaryIO, path: str, where: str) -> Iterator[Row]:
        before, now = os.fstat(file.fileno()), time.time_ns()
        last: Row | None = None
        for row in self._rows_of(archive, path, where):
            if last is not None:
                yield last
            last = row
        if last is None:
            return
        unsure = isinstance(last, Skipped) and last.reason == "unreadable"
        if is_settled(before, now) and stamp(os.fstat(file.fileno())) == stamp(before) and not unsure:
            last = replace(last, stamp=stamp(before))
        yield last

    def _rows_of(self, archive: Archive, path: str, where: str) -> Iterator[Row]:
        ordinal = 0
        outer = self._path(path)
        try:
            for member in archive.members():
                inner = f"{outer}!/{_inner(member.name)}"
                found = self._member(archive, member)
                if isinstance(found, str):
                    yield Found(self._root, inner, where, ordinal, member.offset, member.size, found, "")
                else:
                    yield Skipped(self._root, inner, *found, where, ordinal)
                ordinal += 1
        except BadArchive as error:
            yield Skipped(self._root, outer, error.reason, error.detail, where, ordinal)
        except OSError as error:
            detail = f"it could not be read: {error.strerror}"
            yield Skipped(self._root, outer, "unreadable", detail, where, ordinal)

    def _member(self, archive: Archive, member: Member) -> str | tuple[str, str]:
        """The sha256 of a member, or the reason and detail why it is skipped."""
        parts = member.name.split("/")
        if any(map(is_junk, parts)):
            return "junk", _JUNK
        if member.fault:
            return member.fault, member.detail
        named = self._kind.named(parts[-1])
        too_large = "too_large", f"it has {member.size:,} bytes, more than {self._kind.largest_member:,}"
        if named and member.size > self._kind.largest_member:
            return too_large
        try:
            chunks = archive.chunks(member.offset, member.size)
            head = b""
            while len(head) < HEAD and (chunk := next(chunks, b"")):
                head += chunk
            if not named:
                if looks_like_archive(parts[-1], head[:HEAD]):
                    return "nested_archive", "archives inside archives are not opened; unpack the outer one first"
                if not self._kind.test(head[:HEAD]):
                    return "other_type", self._other
                if member.size > self._kind.largest_member:
                    return too_large
            crc32 = zlib.crc32(head)
            sha256 = hashlib.sha256(head)
            for chunk in chunks:
                crc32 = zlib.crc32(chunk, crc32)
                sha256.update(chunk)
        except BadMember as error:
            return "bad_member", str(error)
        if member.crc32 not in (None, crc32):
            return "bad_member", "its content does not match its checksum"
        return sha256.hexdigest()

    def _skipped(self, path: str, reason: str, detail: str) -> Skipped:
        return Skipped(self._root, self._path(path), reason, detail, location(path))

    def _closed(self, path: str, error: OSError) -> Skipped:
        if isinstance(error, FileNotFoundError):
            return self._skipped(path, "gone", "it vanished while its folder was read")
        return self._skipped(path, "unreadable", f"the system does not let us read it: {error.strerror}")

    def _path(self, path: str) -> str:
        return _below(self._base, path)

    @property
    def _other(self) -> str:
        return f"neither its name nor its content is that of a {self._kind.name} file"


def _listing(path: str) -> Iterator[os.DirEntry[str]]:
    with os.scandir(path) as entries:
        return iter(sorted(entries, key=lambda entry: os.fsencode(entry.name)))


def _reached(roots: Set[str], real: str) -> bool:
    """Does walking these roots (real paths) come by this real path?"""
    while real not in roots:
        folder, name = os.path.split(real)
        if folder == real or is_junk(name):
            return False
        real = folder
    return True


def _vouched(rows: Sequence[Row], now: str) -> bool:
    """Are these all the rows of a file whose stamp is `now`?"""
    if not rows or rows[-1].stamp != now:
        return False
    return [row.member for row in rows] in ([-1], list(range(len(rows))))


def _below(root: str, path: str) -> str:
    """The path of a file as shown below its root; of a root that is a file itself, its name."""
    if path == root:
        return "." if os.path.isdir(path) else shown(os.path.basename(path))
    return shown(path[len(os.path.join(root, "")) :].replace(os.sep, "/"))


def _inner(name: str) -> str:
    """A member's name as shown: no part of it climbs, none is absolute."""
    parts = ["(..)" if part == ".." else part for part in name.split("/") if part not in ("", ".")]
    inner = shown("/".join(parts)) or "(no name)"
    half = _LONGEST_NAME // 2
    return inner if len(inner) <= _LONGEST_NAME else f"{inner[:half]}…{inner[-half:]}"


def _hash(chunks: Iterable[bytes]) -> tuple[int, str]:
    size, sha256 = 0, hashlib.sha256()
    for chunk in chunks:
        size += len(chunk)
        sha256.update(chunk)
    return size, sha256.hexdigest()
