"""What verifying found wrong, and what of it still stands: troubles of files that have not changed since."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from motet.files.places import location, on_disk, stamp
from motet.inventory.verifying.members import parted
from motet.inventory.verifying.shelf import Shelf

What = Literal[
    "unreadable",
    "truncated",
    "undecodable",
    "empty",
    "lfs_pointer",
    "web_page",
    "other_kind",
    "wrong_rate",
    "wrong_channels",
    "wrong_length",
    "checksum",
    "missing",
]
Level = Literal["quick", "full"]


@dataclass(frozen=True, slots=True)
class Trouble:
    """One file (its absolute path, `archive!/member`) or folder, what is wrong with it, and a sentence.

    `stamp` is the state of the file, or of its archive, in which it was found; "" where that cannot be told. A young file's
    stands too: that it is mended within one tick of the clock, and keeps its size, is told by the next check.
    """

    path: str
    what: What
    sentence: str
    stamp: str = ""


@dataclass(frozen=True)
class Verified:
    """What a look at every file of a copy found."""

    dataset: str
    where: str
    level: Level
    checked: int  # files looked at
    bytes: int
    troubles: tuple[Trouble, ...]
    unverified: str  # one sentence: what could not be verified, and why; "" for nothing
    seconds: float
    decoded: int = 0  # files decoded from beginning to end
    matched: int = 0  # checksums compared with published ones, and equal


_TABLE = "troubles (copy TEXT, path TEXT, level TEXT, what TEXT, sentence TEXT, stamp TEXT, PRIMARY KEY (copy, path, what))"


def remember(folder: Path, verified: Verified) -> None:
    """Keep the troubles of files for the next look. What a full look found stands until the next full one."""
    shelf = Shelf(folder / "troubles.sqlite", _TABLE)
    try:
        copy = location(verified.where)
        rows = [
            (copy, location(one.path), verified.level, one.what, one.sentence, one.stamp)
            for one in verified.troubles
            if one.stamp and one.what != "missing"
        ]
        levels = ("quick",) if verified.level == "quick" else ("quick", "full")
        shelf.write(
            ("DELETE FROM troubles WHERE copy = ? AND level = ?", [(copy, level) for level in levels]),
            ("INSERT OR IGNORE INTO troubles VALUES (?, ?, ?, ?, ?, ?)", rows),
        )
    finally:
        shelf.close()


def remembered(folder: Path) -> dict[str, tuple[str, str]]:
    """Absolute path (`archive!/member`) -> what and sentence, of files whose size, times and inode are as they were."""
    file = folder / "troubles.sqlite"
    if not file.is_file():
        return {}
    shelf = Shelf(file, _TABLE)
    try:
        rows = shelf.rows("SELECT path, what, sentence, stamp FROM troubles ORDER BY path, level, what")
    finally:
        shelf.close()
    stands: dict[str, tuple[str, str]] = {}
    states: dict[str, str] = {}
    for kept, what, sentence, then in rows:
        if not all(isinstance(told, str) for told in (kept, what, sentence, then)):
            continue  # a damaged row
        path = on_disk(kept)
        file_on_disk = parted(path)[0] or path
        if file_on_disk not in states:
            states[file_on_disk] = _state(file_on_disk)
        if states[file_on_disk] == then:
            stands.setdefault(path, (what, sentence))
    return stands


def _state(path: str) -> str:
    try:
        return stamp(os.stat(path))
    except (OSError, ValueError):
        return ""
