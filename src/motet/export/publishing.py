"""Exports that are whole or not there: written aside, then named all at once. A stopped one goes on where it was."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import IO, Any, TypeVar

from motet.errors import UserError

__all__ = ["LIST", "PENDING", "Pending", "blaming", "digest", "in_order", "published", "sha256_of", "sync"]

PENDING = ".motet-part"  # what an export that was killed leaves in its folder, until the next one goes on with it
LIST = "motet-export.json"  # in every finished export: what it is of, and which files are its
_DONE = "done.jsonl"

_In = TypeVar("_In")
_Out = TypeVar("_Out")


class Pending:
    """Files written aside, by their paths in the folder they are for.

    `write` keeps a file that lies there with the same bytes. Work that costs is done in pieces: a piece has a key, a digest of
    all that shapes its files; `done` says that they are written, and `note` gives what was said then, in this run, in one that
    was stopped, or in a finished export that lies in the folder, as long as the files are there with their sizes.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.aside = folder, folder / PENDING
        self.fresh: set[str] = set()
        self.pieces: dict[str, dict[str, Any]] = {}
        self._names: set[str] = set()
        finished, self._sums = _finished(folder)
        self._before = {piece["key"]: piece for piece in [*finished, *_begun(self.aside)]}

    @property
    def names(self) -> list[str]:
        return sorted(self._names)

    def write(self, name: str, data: bytes) -> None:
        with blaming(self.folder):
            self._names.add(name)
            if _holds(self.folder / name, data):
                return
            self.fresh.add(name)
            if not _holds(self.aside / name, data):
                with self.open(name) as file:
                    file.write(data)

    @contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        """A new file of the export, which is there whole when the block ends without an exception. For any thread."""
        path = self.aside / name
        partial = path.with_name(f".{path.name}.tmp")
        with blaming(self.folder):
            path.parent.mkdir(parents=True, exist_ok=True)
            file = partial.open("wb")
        try:
            with file:
                yield file
                with blaming(self.folder):
                    file.flush()
            with blaming(self.folder):
                partial.replace(path)
        except BaseException:
            with suppress(OSError):
                partial.unlink(missing_ok=True)
            raise
        self._names.add(name)
        self.fresh.add(name)

    def note(self, key: str) -> dict[str, Any] | None:
        """What `done` was told of this piece, whose files then count as written; None where it is to be done."""
        piece = self.pieces.get(key) or self._before.get(key)
        if piece is None:
            return None
        places = {name: self._place(name, size) for name, size in piece["files"].items()}
        if None in places.values():
            return None
        self._names.update(places)
        self.fresh.update(name for name, place in places.items() if place == self.aside / name)
        self.pieces[key] = piece
        note: dict[str, Any] = piece["note"]
        return note

    def done(self, key: str, names: Iterable[str], note: dict[str, Any] | None = None) -> None:
        """The files of this piece are written. `note` is a little JSON: counts, lines of a list. Called in one thread."""
        with blaming(self.folder):
            files = {name: self._there(name).stat().st_size for name in names}
            piece = {"key": key, "files": files, "note": note or {}}
            self.aside.mkdir(parents=True, exist_ok=True)
            with (self.aside / _DONE).open("ab") as file:
                file.write(json.dumps(piece).encode() + b"\n")
        self.pieces[key] = piece

    def _there(self, name: str) -> Path:
        """Where a file of this export lies: aside, or in its place already."""
        return self.aside / name if name in self.fresh else self.folder / name

    def _place(self, name: str, size: int) -> Path | None:
        """Where a file of that size lies, aside before in its place, with the bytes that a finished export says it has."""
        with suppress(OSError):
            if (self.aside / name).stat().st_size == size:
                return self.aside / name
        with suppress(OSError):
            path = self.folder / name
            if path.stat().st_size == size and self._sums.get(name, "") in ("", sha256_of(path)):
                return path
        return None


def digest(*of: Any) -> str:
    """A key for a piece: the same for equal JSON values."""
    return hashlib.blake2b(json.dumps(of, sort_keys=True, default=sorted).encode(), digest_size=16).hexdigest()


def in_order(items: Iterable[_In], work: Callable[[_In], _Out], ahead: int = 8) -> Iterator[_Out]:
    """`work` of each item, in their order, done in threads a little ahead: for decoders and encoders, which let others run."""
    todo: deque[Future[_Out]] = deque()
    with ThreadPoolExecutor(min(ahead, (os.cpu_count() or 1) + 1)) as pool:
        try:
            for item in items:
                todo.append(pool.submit(work, item))
                if len(todo) >= ahead:
                    yield todo.popleft().result()
            while todo:
                yield todo.popleft().result()
        finally:
            for one in todo:
                one.cancel()


@contextmanager
def published(folder: Path, turn: Callable[[str], Any]) -> Iterator[Pending]:
    """All files get their names at the end, in the order of `turn`: lists after what they list. What was written aside until a
    stop or a kill stays there, and is not written again.

    Raises UserError where the folder cannot be written to.
    """
    with blaming(folder):
        (folder / PENDING).mkdir(parents=True, exist_ok=True)
    pending = Pending(folder)
    try:
        yield pending
    except Exception:  # a fault, which the next export will meet again; a stop is none, and costly pieces stay
        if not pending.pieces:
            shutil.rmtree(pending.aside, ignore_errors=True)
        raise
    with blaming(folder):
        fresh = sorted(pending.fresh, key=turn)
        for _ in in_order(fresh, lambda name: _settle(pending.aside / name), 32):
            pass
        for name in fresh:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (pending.aside / name).replace(folder / name)
        for place in sorted({(folder / name).parent for name in fresh} | {folder}):
            sync(place)
        shutil.rmtree(pending.aside, ignore_errors=True)


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _finished(folder: Path) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """The pieces of a finished export, and the sums of its files."""
    with suppress(OSError, ValueError, LookupError, TypeError, RecursionError):
        told = json.loads((folder / LIST).read_bytes())
        sums = told.get("sha256")
        return list(filter(_is_piece, told["pieces"])), sums if isinstance(sums, dict) else {}
    return [], {}


def _begun(aside: Path) -> Iterator[dict[str, Any]]:
    with suppress(OSError):
        for line in (aside / _DONE).read_bytes().splitlines():
            with suppress(ValueError, RecursionError):  # cut short by a kill
                if _is_piece(piece := json.loads(line)):
                    yield piece


def _is_piece(told: Any) -> bool:
    """Whether a list, which anybody may have edited, says what `done` would."""
    return (
        isinstance(told, dict)
        and isinstance(told.get("key"), str)
        and isinstance(told.get("note"), dict)
        and isinstance(files := told.get("files"), dict)
        and all(type(size) is int and _safe(name) for name, size in files.items())
    )


def _safe(name: str) -> bool:
    path = PurePosixPath(name)
    return bool(name) and name.isprintable() and not path.is_absolute() and ".." not in path.parts


def _holds(path: Path, data: bytes) -> bool:
    return path.is_file() and path.stat().st_size == len(data) and path.read_bytes() == data


def _settle(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


@contextmanager
def blaming(folder: Path) -> Iterator[None]:
    """What the disk refuses is told in a sentence; what reading the dataset raises is not the folder's fault."""
    try:
        yield
    except OSError as error:
        said = error.strerror or error
        raise UserError(f"cannot write to {folder} ({said}): name a folder with room that you may write to.", 1) from error


def sync(folder: Path) -> None:
    """Make renames inside `folder` survive a power cut."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
