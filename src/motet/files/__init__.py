"""Walk folders and archives in place, name files by content, and read any of them again later."""

from motet.files.found import Changed, FilesError, Found, Gone, MissingSource, Skipped, Unreadable
from motet.files.kinds import MIDI, Kind
from motet.files.places import location, on_disk
from motet.files.reading import read
from motet.files.walking import Known, nothing_known, root_of, walk

__all__ = [
    "MIDI",
    "Changed",
    "FilesError",
    "Found",
    "Gone",
    "Kind",
    "Known",
    "MissingSource",
    "Skipped",
    "Unreadable",
    "location",
    "nothing_known",
    "on_disk",
    "read",
    "root_of",
    "walk",
]
