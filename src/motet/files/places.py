"""Paths as they are stored, shown and reopened, and the state of a file on disk."""

import os
import re
from urllib.parse import quote_from_bytes, unquote_to_bytes

__all__ = ["RACY_NS", "is_settled", "location", "on_disk", "open_for_reading", "shown", "stamp"]

RACY_NS = 2_000_000_000
"""A file touched less than this before it is hashed may change again without its times changing (coarse clocks)."""

_URI = "file://"
# Controls, line and paragraph separators, bidirectional overrides, lone surrogates: they fool terminals and encoders.
# A backslash that would read as one of our escapes is escaped too, so that no two names are shown alike.
_UNSHOWN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
    r"|\\(?=x[0-9a-f]{2}|u[0-9a-f]{4})"
)


def location(path: str) -> str:
    """An absolute path as valid UTF-8: itself, or a percent-encoded ``file://`` URI if its bytes are not UTF-8."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return _URI + quote_from_bytes(os.fsencode(path))
    return path


def on_disk(location: str) -> str:
    """The path to open for a `location`."""
    if location.startswith(_URI):
        return os.fsdecode(unquote_to_bytes(location[len(_URI) :]))
    return location


def shown(name: str) -> str:
    """A name for people: bytes that are not UTF-8, controls and the like are escaped visibly, the rest is kept."""
    return _UNSHOWN.sub(_escape, name)


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    if 0xDC80 <= code <= 0xDCFF:  # a byte that was not UTF-8 (PEP 383)
        return f"\\x{code - 0xDC00:02x}"
    return f"\\x{code:02x}" if code < 0x80 else f"\\u{code:04x}"


def stamp(status: os.stat_result) -> str:
    """Size, mtime, ctime and inode of a file on disk: equal stamps mean unchanged content, once it `is_settled`."""
    return f"{status.st_size}-{status.st_mtime_ns}-{status.st_ctime_ns}-{status.st_ino}"


def is_settled(status: os.stat_result, now_ns: int) -> bool:
    """Were the file's times old enough when it was hashed at `now_ns`? The rule of git's index for racy entries."""
    return now_ns - max(status.st_mtime_ns, status.st_ctime_ns) >= RACY_NS


_FLAGS = os.O_RDONLY
for _name in ("O_CLOEXEC", "O_NONBLOCK", "O_NOCTTY", "O_BINARY"):  # a fifo that took a file's place must not hang us
    _FLAGS |= getattr(os, _name, 0)


def open_for_reading(path: str) -> int:
    """A descriptor of `path`, which the caller closes. Raises OSError."""
    return os.open(path, _FLAGS)
