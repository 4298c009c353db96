"""Read again what a walk found, sure that the bytes are still the same."""

import atexit
import hashlib
import os
import stat
import threading
from collections import OrderedDict

from motet.files.archives import open_archive
from motet.files.found import Changed, Found, Gone, Unreadable
from motet.files.kinds import HEAD
from motet.files.member import Archive, BadArchive, BadMember
from motet.files.places import on_disk, open_for_reading, shown, stamp

__all__ = ["read"]

_KEPT_OPEN = 2


def read(found: Found) -> bytes:
    """The content of a found file, checked against its sha256.

    Members of one archive read in archive order cost one pass over it: the last two archives stay open in each process.
    Raises `Gone`, `Changed` or `Unreadable`.
    """
    where = shown(on_disk(found.location))
    try:
        data = _plain(found) if found.member < 0 else _member(found)
    except (FileNotFoundError, NotADirectoryError) as error:
        detail = f"{where} is no longer there"
        raise Gone(detail) from error
    except OSError as error:
        detail = f"the system does not let us read {where}: {error.strerror}"
        raise Unreadable(detail) from error
    except (BadArchive, BadMember) as error:
        detail = f"{found.path} can no longer be read from {where}: {error}"
        raise Changed(detail) from error
    if data is None or hashlib.sha256(data).hexdigest() != found.sha256:
        detail = f"{found.path} is no longer what was scanned: scan it again"
        raise Changed(detail)
    return data


def _plain(found: Found) -> bytes | None:
    with os.fdopen(open_for_reading(on_disk(found.location)), "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode) or status.st_size != found.size:
            return None
        return file.read(found.size)


def _member(found: Found) -> bytes:
    with _lock:
        archive = _opened(found.location)
        try:
            return b"".join(archive.chunks(found.offset, found.size))
        except BaseException:
            _close(found.location)  # a decompressor that failed, or was interrupted, is in no known state
            raise


_lock = threading.Lock()  # two threads must not move one stream
_open: OrderedDict[str, tuple[str, Archive]] = OrderedDict()  # location → stamp and archive, last used last


def _opened(location: str) -> Archive:
    path = on_disk(location)
    if location in _open and _open[location][0] != _stamp_of(path):
        _close(location)
    if location not in _open:
        while len(_open) >= _KEPT_OPEN:
            _close(next(iter(_open)))
        _open[location] = _archive(path)
    _open.move_to_end(location)
    return _open[location][1]


def _stamp_of(path: str) -> str:
    try:
        return stamp(os.stat(path))
    except OSError:
        return ""  # opening it anew tells what is wrong


def _archive(path: str) -> tuple[str, Archive]:
    file = os.fdopen(open_for_reading(path), "rb")
    try:
        status = os.fstat(file.fileno())
        if stat.S_ISREG(status.st_mode):
            head = file.read(HEAD)
            archive = open_archive(file, path, head)
            if archive is not None:
                return stamp(status), archive
        detail = "it is no archive any more"
        raise BadArchive(detail)
    except BaseException:
        file.close()
        raise


def _close(location: str) -> None:
    _open.pop(location)[1].close()


@atexit.register
def _close_all() -> None:
    while _open:
        _close(next(iter(_open)))


if hasattr(os, "register_at_fork"):  # parent and child would move one file position
    os.register_at_fork(after_in_child=_open.clear)
