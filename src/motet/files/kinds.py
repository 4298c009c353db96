"""Kinds of files, told by name or by first bytes, and the junk that systems leave behind."""

from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["HEAD", "MIDI", "Kind", "is_junk"]

HEAD = 512
"""How many first bytes a test of content sees."""


@dataclass(frozen=True)
class Kind:
    """A kind of file: it fits by its suffix or by its content.

    A file with a fitting suffix and foreign content still fits: the reader of that kind says what is wrong with it.
    """

    name: str
    suffixes: tuple[str, ...]
    """Lower case, with the dot."""
    test: Callable[[bytes], bool]
    """Given the first 512 bytes (or fewer), is this the kind?"""
    largest_member: int = 64 << 20
    """Bytes; a larger member of an archive is skipped as ``too_large``. Plain files have no limit."""

    def named(self, name: str) -> bool:
        """Does the file name alone make it this kind?"""
        return name.lower().endswith(self.suffixes)


def _is_midi(head: bytes) -> bool:
    return head.startswith((b"MThd", b"SMF2CLIP")) or (head.startswith(b"RIFF") and head[8:12] == b"RMID")


MIDI = Kind("midi", (".mid", ".midi", ".kar", ".rmi"), _is_midi)

_JUNK = frozenset(
    {
        # macOS
        ".ds_store", ".localized", ".apdisk", "icon\r", "__macosx", ".appledouble", ".spotlight-v100", ".trashes",
        ".fseventsd", ".temporaryitems", ".documentrevisions-v100",
        # Windows
        "desktop.ini", "thumbs.db", "ehthumbs.db", "$recycle.bin", "system volume information",
        # desktops, network disks, version control, Python
        ".directory", "@eadir", ".git", ".svn", ".hg", ".bzr", "__pycache__", ".ipynb_checkpoints",
    }
)  # fmt: skip


def is_junk(name: str) -> bool:
    """Is one part of a path (a file or folder name) something a system left behind?"""
    return name.startswith("._") or name.lower() in _JUNK
