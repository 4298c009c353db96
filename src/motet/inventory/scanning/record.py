"""The files of one folder as bytes: columns, compressed; and the names of folders as keys that sort as a tree does."""

from __future__ import annotations

import hashlib
import json
import os
import struct
import zlib
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field

from motet.inventory.tree import Entry, Fault

__all__ = ["Columns", "Damaged", "archive_of", "inside", "key_of", "path_of"]

_FAULTS: tuple[Fault, ...] = ("", "empty", "lfs_pointer", "web_page", "truncated", "other_kind", "unreadable")
_FAULT_CODES = {fault: code for code, fault in enumerate(_FAULTS)}
_KINDS = ("other", "midi", "audio", "video", "image", "text", "table", "array", "archive")
_KIND_CODES = {kind: code for code, kind in enumerate(_KINDS)}
_AGAIN = 1 << 7
_HEADER = struct.Struct("<III")
_WORD = (1 << 64) - 1
_INSIDE = b"!\0\0"  # no folder on disk has such a key: its parts are never empty


class Damaged(Exception):
    """These bytes are no record."""


def key_of(path: str) -> bytes:
    """A folder on disk as bytes that sort part by part: a folder, then all below it."""
    return os.fsencode(path.rstrip("/")).replace(b"/", b"\0")


def inside(archive: str, inner: str) -> bytes:
    """The key of a folder inside an archive, "" being its outermost."""
    return key_of(archive) + _INSIDE + os.fsencode(inner).replace(b"/", b"\0")


def path_of(key: bytes) -> str:
    """The path of a key, as `Folder.path` has it."""
    outer, bar, inner = key.partition(_INSIDE)
    path = outer.replace(b"\0", b"/")
    if bar:
        path += b"!/" + inner.replace(b"\0", b"/") if inner else b"!"
    return os.fsdecode(path) or "/"


def archive_of(key: bytes) -> str:
    """The archive of a key, "" for a folder on disk."""
    outer, bar, _ = key.partition(_INSIDE)
    return path_of(outer) if bar else ""


@dataclass(slots=True)
class Columns:
    """Files of one folder, sorted by name. `states` holds four numbers a file: size, mtime, ctime (ns) and inode."""

    names: list[str] = field(default_factory=list)
    states: array[int] = field(default_factory=lambda: array("Q"))
    kinds: bytearray = field(default_factory=bytearray)
    faults: bytearray = field(default_factory=bytearray)
    details: dict[int, str] = field(default_factory=dict)

    def add(self, name: str, state: Sequence[int], kind: str, fault: Fault, detail: str, again: bool = False) -> None:
        """`again`: it is to be looked at again, though its state may be as it was."""
        if detail:
            self.details[len(self.names)] = detail
        self.names.append(name)
        self.states.extend([number & _WORD for number in state])
        self.kinds.append(_KIND_CODES[kind])
        self.faults.append(_FAULT_CODES[fault] | (_AGAIN if again else 0))

    def is_known(self, at: int, state: Sequence[int]) -> bool:
        """Has this file still the state in which it was looked at?"""
        held = self.states[4 * at : 4 * at + 4].tolist()
        return not self.faults[at] & _AGAIN and held == [number & _WORD for number in state]

    def verdict(self, at: int) -> tuple[Fault, str]:
        return _FAULTS[self.faults[at] & ~_AGAIN], self.details.get(at, "")

    @property
    def total(self) -> int:
        """Bytes of all of them."""
        return sum(self.states[::4])

    def pack(self, salt: bytes = b"") -> tuple[str, bytes]:
        """The stamp of these files, and all of them as bytes; `salt` is what else the stamp depends on."""
        names = os.fsencode("\0".join(self.names))
        details = json.dumps(list(self.details.items())).encode() if self.details else b""
        states = self.states.tobytes()
        header = _HEADER.pack(len(self.names), len(names), len(details))
        raw = b"".join((header, names, states, self.kinds, self.faults, details))
        return hashlib.blake2b(raw + salt, digest_size=16).hexdigest(), zlib.compress(raw, 1)

    @classmethod
    def unpack(cls, packed: bytes) -> Columns:
        """Raises Damaged."""
        try:
            raw = zlib.decompress(packed)
            count, names_n, details_n = _HEADER.unpack_from(raw)
            at = _HEADER.size
            names = os.fsdecode(raw[at : at + names_n]).split("\0") if count else []
            at += names_n
            states = array("Q", raw[at : at + 32 * count])
            at += 32 * count
            kinds, faults = bytearray(raw[at : at + count]), bytearray(raw[at + count : at + 2 * count])
            at += 2 * count
            told = json.loads(raw[at : at + details_n]) if details_n else []
            details = {int(index): str(words) for index, words in told}
        except (zlib.error, struct.error, ValueError, TypeError) as error:
            raise Damaged from error
        whole = len(names) == len(faults) == len(kinds) == count and len(states) == 4 * count and at + details_n == len(raw)
        if (
            not whole
            or max(kinds, default=0) >= len(_KINDS)
            or max((fault & ~_AGAIN for fault in set(faults)), default=0) >= len(_FAULTS)
        ):
            raise Damaged
        return cls(names, states, kinds, faults, details)

    def entries(self) -> tuple[Entry, ...]:
        kinds, faults, details = self.kinds, self.faults, self.details
        sizes = self.states[::4]
        return tuple(
            Entry(name, sizes[i], _KINDS[kinds[i]], _FAULTS[faults[i] & ~_AGAIN], details.get(i, "") if details else "")
            for i, name in enumerate(self.names)
        )
