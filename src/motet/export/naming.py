"""Names that every disk takes: Linux, macOS and Windows, whatever their case."""

from __future__ import annotations

import hashlib
import re
import unicodedata

__all__ = ["file_name", "free", "plain_name"]

_PLAIN = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,98}[a-z0-9_-])?")
_RESERVED = frozenset({"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in "0123456789")})
_FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f]')
_LONGEST = 120  # bytes of UTF-8, of the 255 that disks take: suffixes and numbers come behind


def file_name(id: str) -> str:
    """The name of an example's files, without a suffix: its id where every disk takes that, else a hash of it.

    Dots become dashes: some loaders take what stands behind the first dot for a suffix.
    """
    name = id.replace(".", "-")
    if _PLAIN.fullmatch(name) and name not in _RESERVED and "-" not in id:
        return name
    return f"example-{hashlib.blake2b(id.encode(errors='replace'), digest_size=12).hexdigest()}"


def plain_name(text: str, otherwise: str) -> str:
    """A title or an artist as one part of a path: a person can read it, and every disk takes it; `otherwise` for nothing."""
    name = _FORBIDDEN.sub("_", unicodedata.normalize("NFC", "".join(c for c in text if c.isprintable() or c == " ")))
    name = " ".join(name.split()).strip(". ")
    name = name.encode(errors="replace")[:_LONGEST].decode(errors="ignore").strip(". ")
    if not name.strip("_"):
        return otherwise
    return f"_{name}" if name.partition(".")[0].casefold() in _RESERVED else name


def free(name: str, taken: dict[str, int]) -> str:
    """`name`, or with a number behind it where it is taken; names that a disk without case or accents' order mixes up are one."""
    alike = unicodedata.normalize("NFKD", name).casefold()
    taken[alike] = taken.get(alike, 0) + 1
    if taken[alike] == 1:
        return name
    return free(f"{name} ({taken[alike]})", taken)
