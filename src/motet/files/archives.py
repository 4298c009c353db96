"""Archives told by content or name, and opened in place. Nothing is ever extracted to disk."""

import bz2
import gzip
import zlib
from typing import IO, BinaryIO, cast

from motet.files.kinds import HEAD
from motet.files.member import Archive, BadArchive
from motet.files.tars import Tar, is_tar_header
from motet.files.zips import Zip

__all__ = ["looks_like_archive", "open_archive"]

_ZIP, _GZIP, _BZIP2 = (b"PK\3\4", b"PK\5\6"), b"\x1f\x8b\x08", b"BZh"
_TAR_GZIP, _TAR_BZIP2 = (".tar.gz", ".tgz"), (".tar.bz2", ".tbz2", ".tbz")
_OPENED = (".zip", ".tar", *_TAR_GZIP, *_TAR_BZIP2)
_CLOSED = (".rar", ".7z", ".tar.xz", ".txz", ".tar.zst", ".lzh", ".lha", ".arj", ".ace", ".sit")
_CLOSED_HEADS = (b"Rar!\x1a\x07", b"7z\xbc\xaf\x27\x1c", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd")
# Zip archives by content, but one document each.
_DOCUMENTS = (".docx", ".xlsx", ".pptx", ".odt", ".ods", ".odp", ".epub", ".mxl", ".mscz")


def looks_like_archive(name: str, head: bytes) -> bool:
    """Is this an archive, of any sort, going by its first 512 bytes or its name?"""
    name = name.lower()
    if name.endswith(_DOCUMENTS):
        return False
    return (
        head.startswith((*_ZIP, _GZIP, _BZIP2, *_CLOSED_HEADS))
        or head[257:262] == b"ustar"
        or name.endswith((*_OPENED, *_CLOSED))
    )


def open_archive(file: BinaryIO, name: str, head: bytes) -> Archive | None:
    """The archive in an open file, or None if it is none. Content goes before the name.

    Raises BadArchive (``unsupported_archive``) for archives of a sort that cannot be read in place.
    """
    name = name.lower()
    if not looks_like_archive(name, head):
        return None
    file.seek(0)
    if head.startswith(_ZIP):
        return Zip(file)
    if head.startswith(_GZIP):
        return _compressed(cast("IO[bytes]", gzip.GzipFile(fileobj=file)), file, name.endswith(_TAR_GZIP))
    if head.startswith(_BZIP2):
        return _compressed(cast("IO[bytes]", bz2.BZ2File(file)), file, name.endswith(_TAR_BZIP2))
    if head[257:262] == b"ustar" or (name.endswith(".tar") and not head.startswith(_CLOSED_HEADS)):
        return Tar(file, file)
    if name.endswith(".zip") and not head.startswith(_CLOSED_HEADS):  # a self-extracting one starts with a program
        return Zip(file)
    if name.endswith((*_TAR_GZIP, *_TAR_BZIP2)) and not head.startswith(_CLOSED_HEADS):
        detail = "it is named like a compressed tar archive, but its content is something else"
        raise BadArchive(detail)
    detail = "archives of this sort cannot be read in place; unpack it, or repack it as .zip or .tar.gz"
    raise BadArchive(detail, "unsupported_archive")


def _compressed(stream: IO[bytes], file: BinaryIO, named_tar: bool) -> Archive | None:
    if not named_tar:
        try:
            head = stream.read(HEAD)
        except (EOFError, OSError, zlib.error):
            return None
        if not is_tar_header(head):
            return None
    return Tar(stream, file)
