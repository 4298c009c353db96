"""What a scan saw: folders with their files, on disk or inside an archive."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Fault = Literal[
    "",
    "empty",  # 0 bytes
    "lfs_pointer",  # a Git-LFS pointer in place of the content
    "web_page",  # HTML or XML, an error page of a server, under another kind's name
    "truncated",  # its own header says that more should follow
    "other_kind",  # its first bytes are not those of what its name says
    "unreadable",  # the system does not let us read it
]
POINTERS: frozenset[Fault] = frozenset({"empty", "lfs_pointer", "web_page"})
"""Faults of files that never held their content here."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One file: `kind` by its name (see `known.FileKind`), `fault` by its first bytes, its size and its own headers."""

    name: str
    size: int
    kind: str
    fault: Fault
    detail: str = ""  # of a fault: a few words, "4,096 bytes where its header says 9,000"


@dataclass(frozen=True)
class Folder:
    """One folder. `path` is absolute; inside an archive it goes on behind `!/`: `/d/groove.zip!/groove/drummer1`.

    An archive itself is a file of the folder it lies in and, when it could be listed, a folder `/d/groove.zip!` too.
    `stamp` changes whenever a name, size, time or fault of its own files does.
    """

    path: str
    root: str  # the root given, of which this is a part
    archive: str  # the archive it lies in, "" for a folder on disk
    files: tuple[Entry, ...]  # sorted by name; not those of folders below
    stamp: str
    read_at: float = 0.0  # seconds since the epoch: when the contents, not only sizes and times, were looked at


@dataclass(frozen=True)
class Passed:
    """What was not looked into, and why: one word, and a sentence."""

    path: str
    reason: str
    detail: str


@dataclass(frozen=True)
class Tree:
    """All folders under the roots, in order of path, archives among them."""

    roots: tuple[str, ...]
    folders: Sequence[Folder]  # may read them from disk one by one: go through it in order, once or twice
    passed: tuple[Passed, ...]
    files: int
    bytes: int
    reread: int  # files whose content was looked at in this scan, not in an earlier one
    seconds: float
