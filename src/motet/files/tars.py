"""Tar archives, plain or compressed, read as a stream: a million members take no more memory than one."""

import tarfile
import zlib
from collections.abc import Iterator
from typing import IO

from motet.files.member import STEP, BadArchive, Member, check_expansion

__all__ = ["Tar", "is_tar_header"]

_BLOCK = tarfile.BLOCKSIZE
_LARGEST_HEADER = 1 << 20
_END = bytes(_BLOCK)
_LONG_NAME, _LONG_LINK, _SPARSE = tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK, tarfile.GNUTYPE_SPARSE
_PAX = (tarfile.XHDTYPE, tarfile.SOLARIS_XHDTYPE)
_FILES = (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE)
_LINKS = (tarfile.LNKTYPE, tarfile.SYMTYPE)
_DEVICES = (tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE)


class Tar:
    """A tar archive in a stream of uncompressed bytes that can seek (compressed ones start again to go back)."""

    def __init__(self, stream: IO[bytes], file: IO[bytes]) -> None:
        self._stream, self._file = stream, file
        here = file.tell()
        self._size = file.seek(0, 2)
        file.seek(here)  # where the stream left it

    def close(self) -> None:
        self._stream.close()
        self._file.close()

    def members(self) -> Iterator[Member]:
        try:
            yield from self._members()
        except (EOFError, zlib.error, OSError) as error:
            raise _bad(error) from error

    def chunks(self, offset: int, size: int) -> Iterator[bytes]:
        try:
            self._stream.seek(offset)
            while size:
                data = self._exactly(min(size, STEP))
                size -= len(data)
                yield data
        except (EOFError, zlib.error, OSError) as error:
            raise _bad(error) from error

    def _members(self) -> Iterator[Member]:
        at = 0
        name: bytes | None = None
        size: int | None = None
        sparse = False
        self._stream.seek(0)
        while True:
            block = self._stream.read(_BLOCK)
            if block == _END:
                return
            if not block and at:
                raise EOFError
            info = _header(block)
            at += _BLOCK
            if info.type in (*_PAX, tarfile.XGLTYPE, _LONG_NAME, _LONG_LINK):
                if info.size > _LARGEST_HEADER:
                    detail = f"a header in it claims {info.size:,} bytes"
                    raise BadArchive(detail)
                data = self._exactly(_padded(info.size))[: info.size]
                at += _padded(info.size)
                if info.type == _LONG_NAME:
                    name = data.partition(b"\0")[0]
                elif info.type in _PAX:
                    records = _records(data)
                    name = records.get(b"path", name)
                    size = _number(records[b"size"]) if b"size" in records else size
                    sparse = any(key.startswith(b"GNU.sparse.") for key in records)
                continue
            member = _member(info, name, at, info.size if size is None else size, sparse)
            name, size, sparse = None, None, False
            if info.type == _SPARSE:
                more = block[482]
                while more:
                    more = self._exactly(_BLOCK)[504]
                    at += _BLOCK
            if info.type != tarfile.DIRTYPE:
                yield member
            if info.type not in (tarfile.DIRTYPE, *_LINKS, *_DEVICES):  # these declare sizes but have no data
                at += _padded(member.size)
            self._forward(at)

    def _forward(self, target: int) -> None:
        if self._stream is self._file:
            if target > self._size:
                raise EOFError
            self._file.seek(target)
            return
        while (left := target - self._stream.tell()) > 0:
            self._exactly(min(left, STEP))
            check_expansion(self._stream.tell(), self._size)

    def _exactly(self, size: int) -> bytes:
        data = self._stream.read(size)
        if len(data) < size:
            raise EOFError
        return data


def is_tar_header(block: bytes) -> bool:
    """Are these the first 512 bytes of a tar archive (of any age, so the checksum is what tells)?"""
    try:
        tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except tarfile.HeaderError:
        return False
    return True


def _header(block: bytes) -> tarfile.TarInfo:
    try:
        info = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except tarfile.HeaderError as error:
        detail = "a header in it is damaged: not a tar archive, or what comes next is lost"
        raise BadArchive(detail) from error
    if info.size < 0:
        detail = "a header in it claims a negative size"
        raise BadArchive(detail)
    return info


def _member(info: tarfile.TarInfo, long_name: bytes | None, offset: int, size: int, sparse: bool) -> Member:
    raw = info.name.encode(errors="surrogateescape") if long_name is None else long_name
    try:
        name = raw.decode()
    except UnicodeDecodeError:
        name = raw.decode("latin-1")
    fault, detail = "", ""
    if info.type in _LINKS:
        fault, detail = "link", "it is a link; links inside archives are not followed"
    elif sparse or info.type not in _FILES:
        fault, detail = "not_a_file", "it is a device, pipe, sparse file or other special entry"
    return Member(name, offset, size, fault=fault, detail=detail)


def _records(data: bytes) -> dict[bytes, bytes]:
    """The records ``length key=value newline`` of a pax header (POSIX.1-2001)."""
    records: dict[bytes, bytes] = {}
    at = 0
    while at < len(data) and data[at]:
        length, space, _ = data[at : at + 20].partition(b" ")
        end = at + _number(length)
        key, equals, value = data[at + len(length) + 1 : end - 1].partition(b"=")
        if not space or not equals or not at + len(length) + 1 < end <= len(data):
            detail = "an extended header in it is damaged"
            raise BadArchive(detail)
        records[key] = value
        at = end
    return records


def _number(digits: bytes) -> int:
    if not digits.isdigit() or len(digits) > 19:
        detail = "an extended header in it is damaged"
        raise BadArchive(detail)
    return int(digits)


def _padded(size: int) -> int:
    return -(-size // _BLOCK) * _BLOCK


def _bad(error: Exception) -> BadArchive:
    if isinstance(error, EOFError):
        return BadArchive("it is cut short: it ends before its end marker")
    if isinstance(error, OSError) and error.errno:
        return BadArchive(f"it could not be read: {error.strerror}", "unreadable")
    return BadArchive("its compressed data is damaged")
