"""The first bytes of any file a scan saw, on disk or inside an archive."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator

from motet.files import FilesError, Gone, Unreadable
from motet.files.archives import open_archive
from motet.files.kinds import HEAD
from motet.files.member import BadArchive, BadMember
from motet.files.places import open_for_reading, shown
from motet.inventory.scanning.inside import inner_path

__all__ = ["read"]


def read(path: str, most: int) -> bytes:
    """At most `most` bytes of ``/d/file`` or ``/d/archive.zip!/member``, as a `Tree` names them.

    Raises `Gone` where there is no such file, `Unreadable` where the system or the archive does not let us.
    """
    try:
        return _on_disk(path, most)
    except (FileNotFoundError, NotADirectoryError):
        for archive, member in _places(path):
            if os.path.isfile(archive):
                return _member(archive, member, most)
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error
    raise Gone(f"{shown(path)} is no longer there")


def _places(path: str) -> Iterator[tuple[str, str]]:
    at = path.find("!/")
    while at >= 0:
        yield path[:at], path[at + 2 :]
        at = path.find("!/", at + 1)


def _on_disk(path: str, most: int) -> bytes:
    with os.fdopen(open_for_reading(path), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise Unreadable(f"{shown(path)} is no file")
        return file.read(most)


def _member(path: str, wanted: str, most: int) -> bytes:
    try:
        with os.fdopen(open_for_reading(path), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise Unreadable(f"{shown(path)} is no file")
            archive = open_archive(file, path.partition("?")[0], file.read(HEAD))
            if archive is None:
                raise Unreadable(f"{shown(path)} is no archive any more")
            for member in archive.members():
                if inner_path(member.name) != wanted or member.fault in ("link", "not_a_file"):
                    continue
                if member.fault:
                    raise Unreadable(f"{shown(wanted)} in {shown(path)} cannot be read: {member.detail}")
                data = bytearray()
                for chunk in archive.chunks(member.offset, member.size):
                    data += chunk
                    if len(data) >= most:
                        break
                return bytes(data[:most])
    except (BadArchive, BadMember) as error:
        raise Unreadable(f"{shown(wanted)} in {shown(path)} cannot be read: {error}") from error
    except FilesError:
        raise
    except (OSError, ValueError, OverflowError) as error:
        raise _unreadable(path, error) from error
    raise Gone(f"{shown(wanted)} is no longer in {shown(path)}")


def _unreadable(path: str, error: Exception) -> Unreadable:
    return Unreadable(f"the system does not let us read {shown(path)}: {error}")
