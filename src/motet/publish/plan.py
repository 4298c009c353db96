"""What a folder holds that is to be published, by checksum, and what of it is new, changed, the same or gone elsewhere."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from motet.errors import UserError
from motet.export.publishing import PENDING, in_order
from motet.wording import several

__all__ = ["OURS", "Local", "Plan", "Published", "Refused", "Watch", "caches", "folder_files", "named", "part_etag"]

OURS = ".motet"  # the folder at a destination that holds manifests, the pointer and old versions
Watch = Callable[[int, int], None]
"""Told now and then how many files and bytes are sent, from the thread that called."""

_CHUNK = 1 << 20
_RACY = 2_000_000_000  # ns: a file changed that lately may change again without its time telling
_LONGEST = 900  # bytes of a path: S3 takes 1,024 for the whole key, and the prefix and `.motet/kept/…` come before it


class Refused(UserError):
    """Nothing was changed, because something that exists would be: `paths` says what."""

    def __init__(self, sentence: str, paths: Iterable[str]) -> None:
        super().__init__(sentence, 1)
        self.paths = tuple(paths)


@dataclass(frozen=True)
class Local:
    """One file to publish. `path` has slashes and begins in the folder; `sha256` is of the bytes that lay there when asked."""

    path: str
    file: Path = field(compare=False)
    size: int
    sha256: str
    stamp: tuple[int, ...] = field(compare=False, repr=False)  # size, times and inode: another file, another stamp

    def read(self) -> bytes:
        """All bytes, for small files. Raises UserError where they are no longer those of `sha256`."""
        with _read(self.file):
            data = self.file.read_bytes()
        if hashlib.sha256(data).hexdigest() != self.sha256:
            raise self.moved()
        return data

    def chunks(self, size: int = _CHUNK) -> Iterator[bytes]:
        """The bytes piece by piece. The last piece is held back until all are known to be those of `sha256`, else UserError."""
        hashed = hashlib.sha256()
        held = b""
        with _read(self.file), self.file.open("rb") as file:
            while data := file.read(size):
                hashed.update(data)
                if held:
                    yield held
                held = data
        if hashed.hexdigest() != self.sha256:
            raise self.moved()
        if held:
            yield held

    def md5(self) -> str:
        """MD5 as hex: what S3 calls the ETag of an object that was put in one go."""
        return part_etag(self.chunks(), self.size + 1)

    def etag(self, part: int) -> str:
        """The ETag S3 gives an object sent in parts of `part` bytes: MD5 of the parts' MD5, and their number."""
        return part_etag(self.chunks(), part)

    def check(self) -> None:
        """Raises UserError where the file is no longer the one that was hashed."""
        with _read(self.file):
            if _stamp(self.file.lstat() if not self.file.is_symlink() else self.file.stat()) != self.stamp:
                raise self.moved()

    def moved(self) -> UserError:
        return UserError(f"{self.path} changed while it was published: publish again when nothing writes to the folder.", 1)


@dataclass(frozen=True)
class Plan:
    """What a publication would do. `new` and `changed` would be sent; `gone` are paths that only the last version has."""

    new: tuple[Local, ...] = ()
    changed: tuple[Local, ...] = ()
    same: tuple[Local, ...] = ()
    gone: tuple[str, ...] = ()

    @property
    def sending(self) -> tuple[Local, ...]:
        return self.new + self.changed

    @property
    def bytes(self) -> int:
        """How many would be sent."""
        return sum(local.size for local in self.sending)


@dataclass(frozen=True)
class Published:
    """What was done, or with `dry_run` what would be. `version` is that which readers see after it; `bytes` were sent."""

    version: int
    sent: int
    skipped: int
    bytes: int
    gone: tuple[str, ...]
    url: str
    plan: Plan = field(default_factory=Plan, repr=False)
    remarks: tuple[str, ...] = ()


def named(paths: Iterable[str], most: int = 3) -> str:
    """A few paths for a sentence: "a.flac, b.flac, c.flac and 12 more"."""
    told = sorted(paths)
    shown = ", ".join(path if path.isprintable() else ascii(path) for path in told[:most])
    return f"{shown} and {len(told) - most:,} more" if len(told) > most else shown


def part_etag(chunks: Iterable[bytes], part: int) -> str:
    """The ETag of bytes sent in parts of `part` bytes; where they fill less than one, the plain MD5."""
    whole, now, sums, room = hashlib.md5(usedforsecurity=False), hashlib.md5(usedforsecurity=False), b"", part
    count = total = 0
    for chunk in chunks:
        view = memoryview(chunk)
        total += len(view)
        if total < part:
            whole.update(view)
        while view:
            now.update(view[:room])
            taken = min(room, len(view))
            view, room = view[taken:], room - taken
            if not room:
                sums, count, room = sums + now.digest(), count + 1, part
                now = hashlib.md5(usedforsecurity=False)
    if total < part:
        return whole.hexdigest()
    if room < part:
        sums, count = sums + now.digest(), count + 1
    return f"{hashlib.md5(sums, usedforsecurity=False).hexdigest()}-{count}"


def caches() -> Path:
    """Where checksums and what was sent are remembered: `motet/publish` in $XDG_CACHE_HOME, or in ~/.cache."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "motet" / "publish"


def folder_files(folder: Path, *, cache: Path | None = None) -> list[Local]:
    """All files of a folder in order of their paths, with checksums, which `cache` (a folder) remembers.

    Left out: what an export has not finished, hidden temporary files, `.motet` of a folder that was itself published to, pipes
    and sockets. Links to files inside the folder count as files. Raises UserError for a link that leads elsewhere, a path no
    store takes, two paths that differ only in how their accents are composed, and a file that changes meanwhile.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise UserError(f"{folder} is no folder: name the folder of an export.")
    known = Hashes((cache or caches()) / f"hashes-{_short(str(folder.resolve()))}.jsonl")
    try:
        return list(in_order(_found(folder), known.local, 16))
    finally:
        known.close()


class Hashes:
    """Checksums of files that were read before, by path, size, times and inode; lines of JSON, the last one counts."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._known: dict[str, tuple[tuple[int, ...], str]] = {}
        self._fresh: list[str] = []
        with suppress(OSError):
            for line in file.read_bytes().splitlines():
                with suppress(ValueError, TypeError, LookupError, AttributeError):  # cut short, or not ours
                    path, stamp, sha256 = json.loads(line)
                    bytes.fromhex(sha256)
                    self._known[str(path)] = tuple(map(int, stamp)), str(sha256)

    def local(self, found: tuple[str, Path]) -> Local:
        path, file = found
        with _read(file), file.open("rb") as opened:
            before = _stamp(os.fstat(opened.fileno()))
            stamp, sha256 = self._known.get(path, ((), ""))
            if stamp != before:
                hashed = hashlib.sha256()
                while data := opened.read(_CHUNK):
                    hashed.update(data)
                sha256 = hashed.hexdigest()
                if _stamp(os.fstat(opened.fileno())) != before:
                    raise Local(path, file, before[0], sha256, before).moved()
                if time.time_ns() - max(before[1:3]) > _RACY:
                    self._keep(json.dumps([path, before, sha256]))
        return Local(path, file, before[0], sha256, before)

    def _keep(self, line: str) -> None:
        self._fresh.append(line)
        if len(self._fresh) >= 1000:
            self.close()

    def close(self) -> None:
        """What cannot be remembered will be read again; no reason to stop."""
        fresh, self._fresh = self._fresh, []
        if fresh:
            with suppress(OSError):
                self.file.parent.mkdir(parents=True, exist_ok=True)
                with self.file.open("ab") as file:
                    file.write("".join(f"\n{line}" for line in fresh).encode())


def _found(folder: Path) -> Iterator[tuple[str, Path]]:
    """Paths with their files, in order. Folders are not followed through links."""
    inside = folder.resolve()
    paths = []
    alike: dict[str, str] = {}
    todo = [folder]
    while todo:
        here = todo.pop()
        with _read(here):
            entries = list(os.scandir(here))
        for entry in entries:
            path = os.path.relpath(entry.path, folder).replace(os.sep, "/")
            if _left_out(path):
                continue
            with _read(Path(entry.path)):
                if entry.is_symlink():
                    _check_link(path, Path(entry.path), inside)
                if entry.is_dir(follow_symlinks=False):
                    todo.append(Path(entry.path))
                elif entry.is_file():
                    _check_name(path, alike)
                    paths.append((path, Path(entry.path)))
    yield from sorted(paths)


def _left_out(path: str) -> bool:
    parts = path.split("/")
    last = parts[-1]
    return parts[0] in (OURS, PENDING) or last == PENDING or (last.startswith(".") and last.endswith((".tmp", ".part", "~")))


def _check_link(path: str, file: Path, inside: Path) -> None:
    real = Path(os.path.realpath(file))
    if not real.is_file() or not real.is_relative_to(inside):
        raise UserError(f"{named([path])} is a link that leads to no file of the folder: put the file itself there.")


def _check_name(path: str, alike: dict[str, str]) -> None:
    import unicodedata

    try:
        encoded = path.encode()
    except UnicodeEncodeError:
        raise UserError(f"{path!a} is no text in UTF-8, which names of objects are: rename it.") from None
    if len(encoded) > _LONGEST or not path.isprintable() or "\\" in path:
        raise UserError(f"{named([path])[:200]} is no name that stores take (control characters, \\, or too long): rename it.")
    other = alike.setdefault(unicodedata.normalize("NFC", path), path)
    if other != path:
        raise UserError(f"{path} is there twice, with its accents composed differently: rename one of them.")


def _stamp(of: os.stat_result) -> tuple[int, ...]:
    if not stat.S_ISREG(of.st_mode):
        return ()
    return of.st_size, of.st_mtime_ns, of.st_ctime_ns, of.st_ino


def _short(text: str) -> str:
    return hashlib.blake2b(text.encode(errors="surrogateescape"), digest_size=12).hexdigest()


class _read:
    """A file that cannot be read is told in a sentence."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, OSError):
            said = error.strerror or "it cannot be read"
            raise UserError(f"cannot read {self.path} ({said}): publish again when nothing else writes there.", 1) from error


def refuse(plan: Plan, version: int) -> None:
    """Raises Refused where bytes of a version that is out would be replaced or leave it without `replace`."""
    if plan.changed:
        raise Refused(
            f"{several(len(plan.changed), 'file')} of version {version} would be overwritten "
            f"({named(p.path for p in plan.changed)}): say replace (--replace) to publish a new version, which keeps the old.",
            (local.path for local in plan.changed),
        )
    if plan.gone:
        raise Refused(
            f"{several(len(plan.gone), 'file')} of version {version} are no longer in the folder ({named(plan.gone)}): "
            "say replace (--replace) to publish a version without them.",
            plan.gone,
        )
