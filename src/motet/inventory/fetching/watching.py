"""What a fetch tells while it runs."""

from __future__ import annotations

from threading import Lock
from typing import Protocol


class Watch(Protocol):
    """Called from one thread at a time, though not always from the same."""

    def begins(self, name: str, octets: int | None) -> None:
        """A download, or its unpacking, of so many bytes, None where nobody says."""

    def advances(self, name: str, octets: int) -> None:
        """So many more bytes are here; a negative number where a download had to start over."""

    def notes(self, sentence: str) -> None: ...

    def ends(self, name: str) -> None: ...


class Silent:
    """Tells nobody."""

    def begins(self, name: str, octets: int | None) -> None:
        pass

    def advances(self, name: str, octets: int) -> None:
        pass

    def notes(self, sentence: str) -> None:
        pass

    def ends(self, name: str) -> None:
        pass


class InTurn:
    """A watch that may be called from several threads at once."""

    def __init__(self, watch: Watch) -> None:
        self._watch, self._lock = watch, Lock()

    def begins(self, name: str, octets: int | None) -> None:
        with self._lock:
            self._watch.begins(name, octets)

    def advances(self, name: str, octets: int) -> None:
        with self._lock:
            self._watch.advances(name, octets)

    def notes(self, sentence: str) -> None:
        with self._lock:
            self._watch.notes(sentence)

    def ends(self, name: str) -> None:
        with self._lock:
            self._watch.ends(name)
