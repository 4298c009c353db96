"""How host and guest talk: a header and JSON through pipes, samples through a piece of memory that both have open.

Nothing that comes from a guest is trusted: a plug-in shares its memory and may have overwritten anything.
"""

from __future__ import annotations

import json
import os
import struct
import tempfile
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["EVENT", "HEADER", "LARGEST", "Audio", "Broken", "load", "memory", "pack", "size", "store", "unpack"]

Audio = npt.NDArray[np.float32]
"""(frames, channels), float32, full scale 1.0."""

HEADER = struct.Struct("<4sI")  # a mark, and how many bytes of JSON follow
MARK = b"MtPl"
LARGEST = 1 << 24  # bytes of JSON; a description of 10,000 parameters is 2 MB
EVENT = np.dtype([("frame", "<i8"), ("status", "u1"), ("first", "u1"), ("second", "u1")])


class Broken(Exception):
    """What came is no message."""


def pack(message: dict[str, Any]) -> bytes:
    body = json.dumps(message).encode()
    return HEADER.pack(MARK, len(body)) + body


def size(header: bytes) -> int:
    """How many bytes follow. Raises Broken."""
    mark, length = HEADER.unpack(header)
    if mark != MARK or length > LARGEST:
        raise Broken("no header")
    return int(length)


def unpack(body: bytes) -> dict[str, Any]:
    """The message in `body`. Raises Broken."""
    try:
        message = json.loads(body)
    except (ValueError, RecursionError):
        raise Broken("no JSON") from None
    if not isinstance(message, dict):
        raise Broken("no object")
    return message


def memory() -> int:
    """A file of no name that lies in memory where the system can do that; its descriptor."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("motet-audio")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def store(descriptor: int, data: npt.NDArray[Any], offset: int = 0) -> None:
    """Write the bytes of `data`, which is contiguous."""
    if not data.size:
        return
    view = memoryview(data.view(np.uint8).reshape(-1).data)
    while view:
        written = os.pwrite(descriptor, view[: 1 << 30], offset)
        view, offset = view[written:], offset + written


def load(descriptor: int, data: npt.NDArray[Any], offset: int = 0) -> None:
    """Fill `data`, which is contiguous. Raises Broken when the file ends before."""
    if not data.size:
        return
    view = memoryview(data.view(np.uint8).reshape(-1).data)
    while view:
        got = os.preadv(descriptor, [view[: 1 << 30]], offset)
        if not got:
            raise Broken("too few samples")
        view, offset = view[got:], offset + got
