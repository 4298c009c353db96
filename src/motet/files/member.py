"""Members of archives: what the readers of zip and tar have in common."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

__all__ = ["BOMB_FLOOR", "BOMB_RATIO", "STEP", "Archive", "BadArchive", "BadMember", "Member", "check_expansion"]

BOMB_RATIO = 200
"""An archive may expand to this many times its size on disk ..."""
BOMB_FLOOR = 256 << 20
"""... or to this many bytes, whichever is more."""
STEP = 64 << 10
"""Bytes taken out of an archive at a time."""


class BadArchive(Exception):
    """Nothing more can be read from this archive."""

    def __init__(self, detail: str, reason: str = "bad_archive") -> None:
        super().__init__(detail)
        self.reason, self.detail = reason, detail


class BadMember(Exception):
    """One member of an archive cannot be read; the others may be fine."""


@dataclass(frozen=True, slots=True)
class Member:
    """One entry of an archive that is not a folder."""

    name: str
    """As the archive spells it. Never a path to trust."""
    offset: int
    size: int
    """Bytes, as declared."""
    crc32: int | None = None
    """Of the content, where the archive records one."""
    fault: str = ""
    """Why it cannot be read (a reason), or ""."""
    detail: str = ""


class Archive(Protocol):
    """An archive read in place."""

    def members(self) -> Iterator[Member]:
        """Every member in archive order, in constant memory. Raises BadArchive where the archive breaks."""
        ...

    def chunks(self, offset: int, size: int) -> Iterator[bytes]:
        """The content at a member's offset, exactly `size` bytes. Raises BadMember or BadArchive."""
        ...

    def close(self) -> None: ...


def check_expansion(produced: int, archive_size: int) -> None:
    """Raise BadArchive when more came out of an archive than an honest one holds."""
    if produced > BOMB_FLOOR and produced > BOMB_RATIO * archive_size:
        detail = f"it expands to more than {BOMB_RATIO} times its {archive_size:,} bytes, as a decompression bomb does"
        raise BadArchive(detail, "too_large")
