"""Zip archives, read through a streamed directory: a million members take no more memory than one.

The layout is that of PKWARE's APPNOTE 6.3.10. The standard library's reader holds the whole directory in memory.
"""

import stat
import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from motet.files.member import STEP, BadArchive, BadMember, Member, check_expansion

__all__ = ["Zip"]

_ENTRY = struct.Struct("<4sBBHHHHHLLLHHHHHLL")
_LOCAL = struct.Struct("<4sHHHHHLLLHH")
_END = struct.Struct("<4sHHHHLLH")
_END64 = struct.Struct("<4sQHHLLQQQQ")
_LOCATOR64 = struct.Struct("<4sLQL")
_STORED, _DEFLATED = 0, 8
_ENCRYPTED, _UTF8 = 1 << 0, 1 << 11
_UNIX = 3
_READ = 16 << 10


class Zip:
    """A zip archive in an open, seekable file."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._size = file.seek(0, 2)
        self._produced = 0

    def close(self) -> None:
        self._file.close()

    def members(self) -> Iterator[Member]:
        at, end, shift = self._directory()
        while at < end:
            self._file.seek(at)
            header = self._file.read(_ENTRY.size)
            if len(header) < _ENTRY.size or header[:4] != b"PK\1\2":
                detail = "its directory of members is damaged"
                raise BadArchive(detail)
            (_, _, host, _, flags, method, _, _, crc, packed, size, name_n, extra_n, comment_n, _, _, attributes,
             offset) = _ENTRY.unpack(header)  # fmt: skip
            raw = self._file.read(name_n)
            extra = self._file.read(extra_n)
            at += _ENTRY.size + name_n + extra_n + comment_n
            size, _, offset = _wide(extra, size, packed, offset)
            name = _decode(raw.partition(b"\0")[0], flags, host)
            if name.endswith("/"):
                continue
            fault, detail = _fault(flags, method, attributes >> 16 if host == _UNIX else 0)
            check_expansion(self._produced, self._size)
            yield Member(name, offset + shift, size, crc, fault, detail)

    def chunks(self, offset: int, size: int) -> Iterator[bytes]:
        header = b""
        if offset <= self._size:  # seeking further may overflow
            self._file.seek(offset)
            header = self._file.read(_LOCAL.size)
        if len(header) < _LOCAL.size or header[:4] != b"PK\3\4":
            detail = "there is no member where the directory of the archive points"
            raise BadMember(detail)
        _, _, _, method, _, _, _, _, _, name_n, extra_n = _LOCAL.unpack(header)
        self._file.seek(name_n + extra_n, 1)
        if method == _STORED:
            return self._stored(size)
        if method == _DEFLATED:
            return self._inflated(size)
        detail = f"it is compressed by method {method}, which is not supported"
        raise BadMember(detail)

    def _stored(self, left: int) -> Iterator[bytes]:
        while left:
            data = self._file.read(min(left, STEP))
            if not data:
                detail = "the archive ends before the member does"
                raise BadMember(detail)
            left -= len(data)
            self._produced += len(data)
            yield data

    def _inflated(self, left: int) -> Iterator[bytes]:
        inflater = zlib.decompressobj(-15)
        data = b""
        while not inflater.eof:
            data = inflater.unconsumed_tail or self._file.read(_READ)
            if not data:
                detail = "the archive ends before the member does"
                raise BadMember(detail)
            try:
                out = inflater.decompress(data, min(left + 1, STEP))
            except zlib.error as error:
                detail = "its compressed data is damaged"
                raise BadMember(detail) from error
            # Input counts as well: overlapping members of empty blocks would cost time and produce nothing.
            self._produced += len(out) + len(data) - len(inflater.unconsumed_tail) - len(inflater.unused_data)
            if len(out) > left:
                detail = "it holds more than it declares"
                raise BadMember(detail)
            left -= len(out)
            if out:
                yield out
        if left:
            detail = f"it holds {left:,} bytes less than it declares"
            raise BadMember(detail)

    def _directory(self) -> tuple[int, int, int]:
        """Start and end of the directory, and by how much offsets are shifted by data put before the archive."""
        base = max(0, self._size - _END.size - 0xFFFF)
        self._file.seek(base)
        tail = self._file.read(self._size - base)
        found = tail.rfind(b"PK\5\6")
        while found >= 0:
            if found + _END.size <= len(tail):
                _, disk, _, _, _, size, offset, comment_n = _END.unpack_from(tail, found)
                if found + _END.size + comment_n <= len(tail):  # else these four bytes lie in a comment
                    break
            found = tail.rfind(b"PK\5\6", 0, found)
        else:
            detail = "it has no directory of members at its end: not a zip archive, or cut short"
            raise BadArchive(detail)
        end, disk, size, offset = self._end64(base + found, disk, size, offset)
        start, shift = end - size, end - size - offset
        if disk != 0 or start < 0 or shift < 0:
            detail = "its directory of members is damaged, or other parts of a split archive are missing"
            raise BadArchive(detail)
        return start, end, shift

    def _end64(self, end: int, disk: int, size: int, offset: int) -> tuple[int, int, int, int]:
        """Where the directory ends, its disk, size and offset: from the zip64 end record if there is one."""
        if end < _LOCATOR64.size:
            return end, disk, size, offset
        self._file.seek(end - _LOCATOR64.size)
        signature, _, where, _ = _LOCATOR64.unpack(self._file.read(_LOCATOR64.size))
        if signature != b"PK\6\7":
            return end, disk, size, offset
        for at in (where, end - _LOCATOR64.size - _END64.size):  # the second, when data was put before the archive
            if 0 <= at <= end - _END64.size:
                self._file.seek(at)
                signature, _, _, _, disk, _, _, _, size, offset = _END64.unpack(self._file.read(_END64.size))
                if signature == b"PK\6\6":
                    return at, disk, size, offset
        detail = "its zip64 directory of members is missing"
        raise BadArchive(detail)


def _wide(extra: bytes, size: int, packed: int, offset: int) -> tuple[int, int, int]:
    """The 64-bit values of the zip64 extra field, where the 32-bit ones say to look there."""
    at = 0
    while at + 4 <= len(extra):
        tag, length = struct.unpack_from("<HH", extra, at)
        if tag == 1:
            wide = iter(struct.unpack_from(f"<{min(length, len(extra) - at - 4) // 8}Q", extra, at + 4))
            fields = (size, packed, offset)
            size, packed, offset = (next(wide, field) if field == 0xFFFFFFFF else field for field in fields)
            break
        at += 4 + length
    return size, packed, offset


def _decode(raw: bytes, flags: int, host: int) -> str:
    """The name of an entry: UTF-8 where it is (many writers forget the flag), else what its system used."""
    try:
        name = raw.decode()
    except UnicodeDecodeError:
        errors = "surrogateescape"
        name = raw.decode("utf-8" if flags & _UTF8 else "latin-1" if host == _UNIX else "cp437", errors)
    return name if "/" in name else name.replace("\\", "/")  # old Windows writers


def _fault(flags: int, method: int, mode: int) -> tuple[str, str]:
    if stat.S_ISLNK(mode):
        return "link", "it is a link; links inside archives are not followed"
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        return "not_a_file", "it is a device, pipe or socket"
    if flags & _ENCRYPTED:
        return "encrypted", "it is encrypted; unpack the archive with its password first"
    if method not in (_STORED, _DEFLATED):
        return "unsupported_archive", f"it is compressed by method {method}; unpack the archive first"
    return "", ""
