"""What a walk yields, and the errors of this room."""

from dataclasses import dataclass

__all__ = ["Changed", "FilesError", "Found", "Gone", "MissingSource", "Skipped", "Unreadable"]


@dataclass(frozen=True, slots=True)
class Found:
    """One file of the wanted kind, on disk or inside an archive.

    ``root`` and ``location`` are absolute paths in the form `motet.files.places.location` gives, always valid UTF-8.
    """

    root: str
    """The folder, archive or file the user named."""
    path: str
    """Path inside the root, for people: ``a/b.mid``, or ``a/songs.zip!/b.mid`` for a member. Never to be opened."""
    location: str
    """The file on disk: for a member, its archive."""
    member: int
    """-1 for a plain file, else the ordinal of this row among the archive's rows (folders are not counted)."""
    offset: int
    """Tar: where the data starts in the uncompressed stream. Zip: where the local header starts. Plain file: 0."""
    size: int
    """Bytes of content."""
    sha256: str
    """Hex digest of the content."""
    stamp: str
    """State of the file on disk that vouches for this row and all earlier rows of the same file; "" vouches for
    nothing. In an archive only the last row has one, so rows recorded half-way through an archive are never reused."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """One thing a walk met and did not yield, with the reason (a statistic) and one sentence (for a person)."""

    root: str
    path: str
    reason: str
    detail: str
    location: str = ""
    member: int = -1
    stamp: str = ""


class FilesError(Exception):
    """Base of this room's errors: ``reason`` is a short word for statistics, ``detail`` a sentence for a person."""

    reason = "unreadable"

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail

    def __reduce__(self) -> tuple[type["FilesError"], tuple[str]]:
        return type(self), (self.detail,)


class MissingSource(FilesError):
    """A root the user named does not exist."""

    reason = "missing_source"


class Gone(FilesError):
    """The file, or the archive that held it, is no longer there."""

    reason = "gone"


class Changed(FilesError):
    """The bytes are no longer those that were scanned."""

    reason = "changed"


class Unreadable(FilesError):
    """The file is there, but the system will not let us read it."""

    reason = "unreadable"
