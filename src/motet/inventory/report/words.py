"""The words of a report that all its forms share, and how a hostile name is shown."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping, Sequence

from motet.inventory.findings import Also, State
from motet.wording import count, several, size

STATES: dict[State, str] = {
    "complete": "complete",
    "partial": "partial",
    "corrupt": "corrupt",
    "pointers": "pointer files only",
    "wrong_version": "wrong version",
    "unverifiable": "present but unverifiable",
    "processed_only": "processed only",
    "excluded": "excluded",
    "missing": "missing",
}
"""States in the order they are told, and their words."""

ALSO: dict[Also, str] = {
    "renamed": "its folder has another name than usual",
    "elsewhere": "not where the settings expect it",
    "in_archive": "inside an archive",
    "twice": "in more than one place",
    "mixed_versions": "files of several versions together",
}

FAULTS: dict[str, tuple[str, str]] = {
    "empty": ("empty file", "empty files"),
    "lfs_pointer": ("Git-LFS pointer", "Git-LFS pointers"),
    "web_page": ("web page in place of a file", "web pages in place of files"),
    "truncated": ("truncated file", "truncated files"),
    "other_kind": ("file of another kind than its name says", "files of another kind than their names say"),
    "unreadable": ("unreadable file", "unreadable files"),
    "index": ("index that is not as published", "indexes that are not as published"),
}


def fault_words(fault: str, number: int) -> str:
    """ "3 Git-LFS pointers"; what a verification found is said in its own word: "2 wrong rate"."""
    one, more = next((words for name, words in FAULTS.items() if name == fault), (fault.replace("_", " "),) * 2)
    return f"{count(number)} {one if number == 1 else more}"


def out_of(present: int, expected: int | None) -> str:
    """60, 1440 → "60 of 1,440"; 60, None → "60 of ?"."""
    return f"{count(present)} of {'?' if expected is None else count(expected)}"


def share_of(present: int, expected: int) -> str:
    """10180, 178561 → "5.7 %"; never rounded up to 100 %, nor down to 0 %."""
    percent = 100 * present / expected
    if 99.95 <= percent < 100:
        return "99.9 %"
    return "less than 0.1 %" if 0 < percent < 0.05 else f"{percent:.1f} %"


def to_fetch(octets: int | None, by_hand: bool = False) -> str:
    much = "size unknown" if octets is None else f"{size(octets)} to fetch"
    return f"{much}, by hand" if by_hand else much


def more_or_less(files: int) -> str:
    """3 → "3 files more", -1 → "1 file less"."""
    return f"{several(abs(files), 'file')} {'less' if files < 0 else 'more'}" if files else "as many files"


def also_words(also: Sequence[Also]) -> str:
    return "; ".join(ALSO[one] for one in also)


def kinds_words(kinds: Mapping[str, int]) -> str:
    return ", ".join(f"{count(n)} {kind}" for kind, n in sorted(kinds.items(), key=lambda item: (-item[1], item[0])))


def runs(values: Sequence[str]) -> str:
    """("01", "02", "03", "07") → "01 to 03, 07": three and more in a row are told by their ends."""
    groups: list[list[str]] = []
    for value in values:
        last = groups[-1][-1] if groups else ""
        whole = value.isascii() and value.isdigit() and last.isascii() and last.isdigit() and len(value) < 18 and len(last) < 18
        if whole and int(value) == int(last) + 1:
            groups[-1].append(value)
        else:
            groups.append([value])
    return ", ".join(f"{group[0]} to {group[-1]}" if len(group) > 2 else ", ".join(group) for group in groups)


# What steers a terminal, turns the direction of writing, or stands for bytes that are no UTF-8.
_UNSHOWABLE = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")


def shown(text: str, most: int = 300) -> str:
    """Text as it may be shown anywhere: what is not to be seen becomes U+FFFD; beyond `most` letters the middle is left out."""
    if len(text) > most:
        text = f"{text[: most // 2]} … {text[len(text) - most // 2 :]}"
    return _UNSHOWABLE.sub("\ufffd", text)


def typed(path: str) -> str:
    """A path as one types it in a shell, also where its name holds control characters or is not UTF-8 (bash, zsh, ksh)."""
    if not _UNSHOWABLE.search(path):
        return shlex.quote(path)
    letters = (chr(b) if 32 <= b < 127 and b not in b"'\\" else f"\\x{b:02x}" for b in os.fsencode(path))
    return "$'" + "".join(letters) + "'"
