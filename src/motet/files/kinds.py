"""Kinds of files, told by name or by first bytes, and the junk that systems leave behind."""

from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["AUDIO", "FILMS", "HEAD", "LISTS", "MIDI", "RECORDINGS", "TABLES", "Kind", "any_of", "is_junk"]

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


def _is_audio(head: bytes) -> bool:
    if head[:4] in (b"RIFF", b"RF64", b"RIFX", b"FORM"):
        return head[8:12] in (b"WAVE", b"AIFF", b"AIFC")
    return head.startswith((b"fLaC", b"OggS", b"ID3", b".snd"))


def _told_by_name_only(head: bytes) -> bool:
    return False


MIDI = Kind("midi", (".mid", ".midi", ".kar", ".rmi"), _is_midi)
AUDIO = Kind(
    "audio", (".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".au"), _is_audio, largest_member=256 << 20
)
_SOUND_IN_OTHERS = (
    ".m4a", ".m4b", ".aac", ".wma", ".ape", ".wv", ".mpc", ".tta", ".caf", ".ac3", ".dts", ".amr", ".mka", ".weba", ".mp2",
    ".w64", ".aifc", ".dsf", ".dff", ".tak", ".adts",
    ".media",  # what a site sent without a word on its container
)  # fmt: skip
_PICTURES = (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".wmv", ".flv", ".mpg", ".mpeg", ".3gp", ".ogv")


def _is_film(head: bytes) -> bool:
    return head[4:8] == b"ftyp" or head.startswith(b"\x1aE\xdf\xa3") or (head.startswith(b"RIFF") and head[8:12] == b"AVI ")


RECORDINGS = Kind(
    "recording",
    (*AUDIO.suffixes, *_SOUND_IN_OTHERS, *_PICTURES),
    lambda head: _is_audio(head) or head[4:8] == b"ftyp" or head.startswith((b"\x1aE\xdf\xa3", b"caff", b"MAC ", b"wvpk")),
    largest_member=256 << 20,
)
"""Whatever holds sound, films too: more than the inventory calls audio."""
FILMS = Kind("film", (*_PICTURES, ".ts", ".m2ts", ".mts", ".vob"), _is_film)
TABLES = Kind("table", (".csv", ".tsv", ".json", ".jsonl"), _told_by_name_only)
LISTS = Kind("list", (*TABLES.suffixes, ".txt", ".m3u", ".m3u8"), _told_by_name_only)
"""Where people keep lists of songs."""


def any_of(kinds: tuple[Kind, ...]) -> Kind:
    """A kind that a file fits when it fits one of these, with the largest of their limits."""
    if len(kinds) == 1:
        return kinds[0]
    return Kind(
        " or ".join(kind.name for kind in kinds),
        tuple(suffix for kind in kinds for suffix in kind.suffixes),
        lambda head: any(kind.test(head) for kind in kinds),
        max(kind.largest_member for kind in kinds),
    )


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
