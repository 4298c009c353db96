"""Is a copy of a dataset whole? Quick: every file's first bytes, and a sample decoded. Full: every file decoded and hashed."""

from __future__ import annotations

import os
import stat
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache, partial
from hashlib import blake2b, md5
from heapq import nsmallest
from pathlib import Path
from typing import Literal

from motet.files.kinds import is_junk
from motet.files.member import BadArchive
from motet.files.places import open_for_reading, shown, stamp
from motet.inventory.finding.indexes import folded
from motet.inventory.findings import Copy
from motet.inventory.known import Dataset, Part
from motet.inventory.layout import Layout
from motet.inventory.scanning.contents import OutOfReach, Read, look
from motet.inventory.scanning.inside import inner_path
from motet.inventory.verifying.below import walk
from motet.inventory.verifying.children import Children
from motet.inventory.verifying.examining import Examined, Sample, sentence
from motet.inventory.verifying.hashing import Algorithm, Hashes, Watch, digests
from motet.inventory.verifying.members import Content, contents, opened, parted
from motet.inventory.verifying.published import compare
from motet.inventory.verifying.rows import BadIndex, Row, rows
from motet.inventory.verifying.troubles import Trouble, Verified, What, remember, remembered

__all__ = ["SAMPLE", "Trouble", "Verified", "remember", "remembered", "verify"]

SAMPLE = 20
"""Files of each part that a quick look decodes."""
MOST_MISSING = 1000
"""Missing files of a part that are named one by one."""

_HEAD = 4096
_SOUGHT = (".wav", ".wave", ".aif", ".aiff", ".flac", ".ogg", ".oga", ".opus")  # their last sample is quickly found
_WHOLE = 1 << 20  # MIDI files up to this size are looked at from end to end
_MOST_INDEX = 256 << 20
# What an index calls a performance's length and where its last note ends are not the same: up to 2.9 s in Groove 1.0.0.
_MIDI_SECONDS, _AUDIO_SECONDS, _SHARE = 4.0, 0.5, 0.02


def verify(
    copy: Copy,
    dataset: Dataset,
    *,
    full: bool,
    cache: Hashes | None = None,
    watch: Watch | None = None,
    workers: int = 2,
    seconds: float = 60.0,
) -> Verified:
    """Look again at every file of a copy, on disk or in its archive. `seconds` limits the decoding of one file.

    What is wrong with files is told, never raised.
    """
    began = time.monotonic()
    found = _Look(copy, dataset, full, cache, watch, workers, seconds)
    found.run()
    return Verified(
        dataset=dataset.name,
        where=copy.where,
        level="full" if full else "quick",
        checked=found.checked,
        bytes=found.seen_bytes,
        troubles=tuple(sorted(set(found.troubles), key=lambda trouble: (trouble.path, trouble.what, trouble.sentence))),
        unverified=found.unverified(),
        seconds=time.monotonic() - began,
        decoded=found.decoded,
        matched=found.matched,
    )


@dataclass(frozen=True, slots=True)
class _File:
    """A file of the dataset: `below` is its path below the copy's folder."""

    below: str
    path: str
    size: int
    part: Part
    status: os.stat_result  # of the file, or of its archive


@dataclass
class _Look:
    copy: Copy
    dataset: Dataset
    full: bool
    cache: Hashes | None
    watch: Watch | None
    workers: int
    seconds: float
    troubles: list[Trouble] = field(default_factory=list)
    checked: int = 0
    seen_bytes: int = 0
    decoded: int = 0
    matched: int = 0

    def __post_init__(self) -> None:
        self._archive, self._inside = parted(self.copy.where)
        self._parts = [(part, self.dataset.layout(part)) for part in self.dataset.parts]
        self._counts: Counter[str] = Counter()
        self._values: dict[tuple[str, str], Counter[str]] = {}
        self._lengths: dict[str, float] = {}
        self._told_of: set[str] = set()  # parts whose files an index names
        self._plainly: set[str] = set()  # kinds of files that nothing decodes
        self._unmatched = True

    def run(self) -> None:
        with tempfile.TemporaryDirectory(prefix="motet-verify-") as folder:
            if self._archive:
                self._run_inside(Path(folder))
            else:
                self._run_on_disk()
        self._count()
        self._compare_downloads()

    # What lies there

    def _run_on_disk(self) -> None:
        where = self.copy.where
        if not os.path.isdir(where):
            self._trouble(where, "missing", "The folder is no longer there.")
            return
        self._index(
            lambda file: _read(os.path.join(where, file)),
            lambda below: os.path.isfile(os.path.join(where, below)),
            lambda: (file.below for file in self._listed(tell=False)),
        )
        chosen = self._chosen((file.below, file.part) for file in self._listed(tell=False))
        with Children(self._decoders(), self.seconds) as children:
            files = self._hashed() if self.full else self._listed(tell=True)
            for sample, examined in children.examined(self._samples(files, chosen), False):
                self._judge(sample.tag, examined)

    def _decoders(self) -> int:
        """Children to start: hashing wants the processor too, and a sample is soon decoded."""
        return self.workers if not self.full or any(part.kind == "midi" for part, _ in self._parts) else 1

    def _listed(self, tell: bool) -> Iterator[_File]:
        """The dataset's files on disk. `tell`: count them, and say what cannot be read."""
        for path, below, status in walk(self.copy.where, self._closed if tell else _ignored):
            part, fields = self._part_of(below)
            if part is None:
                continue
            file = _File(below, path, status.st_size, part, status)
            if tell:
                self._see(file, fields)
            yield file

    def _see(self, file: _File, fields: dict[str, str]) -> None:
        self.checked += 1
        self.seen_bytes += file.size
        self._counts[file.part.name] += 1
        for expected in file.part.each:
            self._values.setdefault((file.part.name, expected.field), Counter())[fields.get(expected.field, "")] += 1

    def _samples(self, files: Iterable[_File], chosen: frozenset[str]) -> Iterator[Sample]:
        """Files that are to be decoded; of all others the first bytes are looked at here."""
        for file in files:
            if not self.full and self.watch is not None:
                self.watch(1, file.size)
            if (kind := _decoded(file.part)) and self._opens(file, chosen):
                yield Sample(file.path, kind, file.size, file.path, ends=file.below not in chosen, tag=file)
                continue
            try:
                number = open_for_reading(file.path)
                try:
                    self._look_at(file, partial(os.pread, number))
                finally:
                    os.close(number)
            except OSError as error:
                self._of(file, "unreadable", f"The system does not let us read it: {error.strerror}.")

    def _hashed(self) -> Iterator[_File]:
        """All files once they are hashed: their bytes are still in memory when they are decoded."""
        flying: dict[str, _File] = {}
        named = any(part.named_by == "md5" for part, _ in self._parts)
        wanted: frozenset[Algorithm] = frozenset({"sha256", "md5"} if named else {"sha256"})

        def told() -> Iterator[tuple[str, int]]:
            for file in self._listed(tell=True):
                flying[file.path] = file
                yield file.path, file.size

        for digest in digests(told(), wanted, cache=self.cache, workers=self.workers, watch=self.watch):
            file = flying.pop(digest.path)
            if digest.fault:
                self._of(file, "unreadable", digest.fault)
                continue
            self._compare_name(file, digest.md5)
            yield file

    def _run_inside(self, folder: Path) -> None:
        try:
            with opened(self._archive) as (archive, status):
                listed: dict[str, int] = {}
                try:
                    listed |= ((inner_path(member.name), member.size) for member in archive.members())
                except BadArchive as error:
                    self._cut_short(error)
                below = {self._below(name): name for name in listed if self._below(name)}

                def read(file: str) -> bytes:
                    if file not in below:
                        raise FileNotFoundError(file)
                    name, most = below[file], _MOST_INDEX
                    for content in contents(archive, lambda one, size: size if one == name and size <= most else -1, folder):
                        return Path(content.file).read_bytes() if content.file else content.data
                    raise FileNotFoundError(file)

                self._index(read, below.__contains__, lambda: below)
                files = {file.below: file for file in self._members(below, listed, status)}
                chosen = self._chosen((file.below, file.part) for file in files.values())

                def wanted(name: str, size: int) -> int:
                    file = files.get(self._below(name))
                    if file is None:
                        return -1
                    if self.full or file.below in chosen or (file.part.kind == "midi" and size <= _WHOLE):
                        return size
                    return _HEAD

                with Children(self.workers, self.seconds) as children:
                    samples = self._contents(contents(archive, wanted, folder), files, chosen)
                    for sample, examined in children.examined(samples, False):
                        if sample.file:
                            os.unlink(sample.file)
                        self._judge(sample.tag, examined)
        except BadArchive as error:
            self._cut_short(error)
        except FileNotFoundError:
            self._trouble(self._archive, "missing", "The archive is no longer there.")
        except OSError as error:
            self._trouble(self._archive, "unreadable", f"The system does not let us read it: {error.strerror}.")

    def _cut_short(self, error: BadArchive) -> None:
        self._trouble(self._archive, "truncated", f"The archive cannot be read further: {error.detail}.", self._stamp())

    def _members(self, below: dict[str, str], listed: dict[str, int], status: os.stat_result) -> Iterator[_File]:
        for short, name in below.items():
            part, fields = self._part_of(short)
            if part is None or any(map(is_junk, short.split("/"))):
                continue
            file = _File(short, f"{self._archive}!/{name}", listed[name], part, status)
            self._see(file, fields)
            yield file

    def _contents(self, told: Iterator[Content], files: dict[str, _File], chosen: frozenset[str]) -> Iterator[Sample]:
        for content in self._unbroken(told):
            file = files[self._below(content.name)]
            if self.watch is not None:
                self.watch(1, file.size)
            if content.fault:
                self._of(file, "unreadable", content.fault)
                continue
            if self.full and file.part.named_by == "md5" and not content.file:
                self._compare_name(file, md5(content.data, usedforsecurity=False).hexdigest())
            if (kind := _decoded(file.part)) and self._opens(file, chosen):
                yield Sample(file.path, kind, file.size, content.file, content.data, file.below not in chosen, tag=file)
            elif content.file:
                with open(content.file, "rb") as spooled:
                    self._look_at(file, partial(os.pread, spooled.fileno()))
                os.unlink(content.file)
            else:
                self._look_at(file, partial(_out_of, content))

    def _unbroken(self, told: Iterator[Content]) -> Iterator[Content]:
        """As far as the archive can be read: what came before is judged all the same."""
        try:
            yield from told
        except BadArchive as error:
            self._cut_short(error)

    def _below(self, name: str) -> str:
        """A member's path below the copy's folder, "" for one that lies elsewhere."""
        if not self._inside:
            return name
        return name[len(self._inside) + 1 :] if name.startswith(f"{self._inside}/") else ""

    def _part_of(self, below: str) -> tuple[Part | None, dict[str, str]]:
        """The part a path belongs to: by all of it, else by its end, else by its name where that tells."""
        for part, layout in self._parts:
            if (fields := layout.of_path(below)) is not None:
                return part, fields
        steps = below.split("/")
        for part, layout in self._parts:
            if part.telling and (fields := _by_end(layout, steps)) is not None:
                return part, fields
        return None, {}

    def _opens(self, file: _File, chosen: frozenset[str]) -> bool:
        """A sample of each part is decoded. In a full look also every song that is not named by its checksum, and the end of
        every recording where that is quickly found."""
        if file.below in chosen or not self.full:
            return file.below in chosen
        return file.part.named_by != "md5" if file.part.kind == "midi" else file.below.lower().endswith(_SOUGHT)

    @staticmethod
    def _chosen(files: Iterator[tuple[str, Part]]) -> frozenset[str]:
        """Of each part the SAMPLE files whose names have the lowest hashes: the same in every run."""
        names: dict[str, list[str]] = {}
        for below, part in files:
            kept = names.setdefault(part.name, [])
            kept.append(below)
            if len(kept) >= 100 * SAMPLE:
                kept[:] = nsmallest(SAMPLE, kept, key=_lot)
        return frozenset(below for kept in names.values() for below in nsmallest(SAMPLE, kept, key=_lot))

    # What each file is

    def _look_at(self, file: _File, read: Read) -> None:
        if not _decoded(file.part) and file.part.kind not in ("text", "table"):
            self._plainly.add(file.part.kind)
        try:
            fault, detail = look(file.path.rpartition("/")[2], file.part.kind, file.size, read)
        except OutOfReach:
            return
        if fault:
            self._of(file, fault, sentence(fault, detail))

    def _judge(self, file: _File, examined: Examined) -> None:
        self.decoded += not examined.ends
        if examined.fault:
            self._of(file, "undecodable" if examined.fault == "timed_out" else examined.fault, examined.sentence)
            return
        part, sound = file.part, examined.sound
        if sound and part.rate and sound.rate != part.rate:
            self._of(file, "wrong_rate", f"It has {sound.rate:,} Hz where {part.rate:,} Hz are published.")
        if sound and part.channels and sound.channels != part.channels:
            self._of(file, "wrong_channels", f"It has {sound.channels} channels where {part.channels} are published.")
        length = examined.seconds
        if length is None:
            return
        if part.seconds and sound and not part.seconds[0] - _AUDIO_SECONDS <= length <= part.seconds[1] + _AUDIO_SECONDS:
            low, high = part.seconds
            self._of(file, "wrong_length", f"It lasts {length:,.2f} s where {low:g} to {high:g} s are published.")
        told = self._lengths.get(file.below)
        slack = (_AUDIO_SECONDS if sound else _MIDI_SECONDS) + _SHARE * (told or 0)
        if told is not None and abs(length - told) > slack:
            self._of(file, "wrong_length", f"It lasts {length:,.2f} s where the index says {told:,.2f} s.")

    def _compare_name(self, file: _File, md5: str) -> None:
        if file.part.named_by != "md5":
            return
        name = file.below.rpartition("/")[2].partition(".")[0].lower()
        if name == md5:
            self.matched += 1
        else:
            self._of(file, "checksum", f"Its name says that the MD5 of its content is {shown(name)}; it is {md5}.")

    # What should be there

    def _index(self, read: Callable[[str], bytes], is_there: Callable[[str], bool], every: Callable[[], Iterable[str]]) -> None:
        """Which of the files that the index names are not there, and how long they last. Capitals do not matter."""
        paths: set[str] = set()

        def is_respelled(below: str) -> bool:
            if not paths:
                paths.update(map(folded, every()))
            return folded(below) in paths

        index = self.dataset.index
        if index is None:
            return
        where = f"{self.copy.where.rstrip('/')}/{index.file}"
        missing: Counter[str] = Counter()
        named: list[tuple[str, str]] = []
        try:
            for row in rows(read(index.file), index.format):
                for name, column in index.paths.items():
                    below = _row_path(row, column, index.prefix, index.suffix)
                    if not below:
                        continue
                    if (length := _number(row.get(index.seconds))) is not None:
                        self._lengths[below] = length
                    if is_there(below) or is_respelled(below):
                        self._told_of.add(name)
                        continue
                    missing[name] += 1
                    if missing[name] <= MOST_MISSING:
                        named.append((name, below))
        except FileNotFoundError:
            self._trouble(where, "missing", "The index of the dataset is not there.")
        except OSError as error:
            self._trouble(where, "unreadable", f"The system does not let us read the index: {error.strerror}.")
        except BadIndex as error:
            self._trouble(where, "undecodable", f"The index cannot be read: {error}.")
        for name, below in named:
            # Of a part in a download of its own, nothing is missing as long as nothing of it is there.
            if self.dataset.part(name).required or name in self._told_of:
                path = f"{self.copy.where.rstrip('/')}/{below}"
                self._trouble(path, "missing", "The index names it, and it is not there.")
        for name, number in missing.items():
            if number > MOST_MISSING and (self.dataset.part(name).required or name in self._told_of):
                self._trouble(self.copy.where, "missing", f"The index names {number:,} files of {name} that are not there.")
        self._told_of |= set(missing)

    def _count(self) -> None:
        """Parts with fewer files than are published, and the values of their fields with too few."""
        counts = next((v.counts for v in self.dataset.versions if v.name == self.copy.version), {})
        wanted = self.copy.version in ("", self.dataset.version)
        for part, _ in self._parts:
            here, expected = self._counts[part.name], counts.get(part.name, part.count if wanted else None)
            if expected is None or here >= expected or not (part.required or here):
                continue
            sentence = f"Of {expected:,} files of {part.name} {here:,} are there."
            self._trouble(self.copy.where, "missing", sentence)
            for group in part.each if wanted else ():
                seen = self._values.get((part.name, group.field), Counter())
                few = [f"{value} ({seen[value]:,} of {n:,})" for value, n in group.counts.items() if seen[value] < n]
                if few:
                    more = f" and {len(few) - 30} more" if len(few) > 30 else ""
                    self._trouble(
                        self.copy.where,
                        "missing",
                        f"Files of {part.name} are missing by {group.field}: {', '.join(few[:30])}{more}.",
                    )

    def _compare_downloads(self) -> None:
        troubles, matched = compare(self.copy.where, self.dataset, self.full, self.cache, self.watch)
        self.troubles += troubles
        self.matched += matched
        self._unmatched = not matched

    def unverified(self) -> str:
        """One sentence, "" where nothing is left open."""
        left = []
        present = [part for part, _ in self._parts if self._counts[part.name]]
        uncounted = [part.name for part in present if part.count is None and part.name not in self._told_of]
        if uncounted:
            left.append(f"nobody published how many files of {', '.join(uncounted)} there should be")
        unnamed = [part.name for part in present if part.named_by != "md5"]
        if unnamed and self._unmatched:
            published = any(d.md5 or d.sha1 or d.sha256 for d in self.dataset.downloads)
            why = "no download with a published checksum was compared" if published else "no checksum is published"
            left.append(f"whether the content of {', '.join(unnamed)} is the publisher's cannot be told ({why})")
        if self._plainly:
            left.append(f"files of the kinds {', '.join(sorted(self._plainly))} were not decoded")
        if self.decoded < sum(self._counts[p.name] for p in present if p.kind in ("audio", "midi")):
            why = "from end to end; --sanitise decodes all" if self.full else "as this was a quick look"
            left.append(f"only {self.decoded:,} files were decoded{'' if self.full else ','} {why}")
        text = "; ".join(left)
        return f"{text[0].upper()}{text[1:]}." if text else ""

    # Telling

    def _of(self, file: _File, what: What, sentence: str) -> None:
        self._trouble(file.path, what, sentence, stamp(file.status))

    def _trouble(self, path: str, what: What, sentence: str, state: str = "") -> None:
        self.troubles.append(Trouble(path, what, sentence, state))

    def _closed(self, path: str, error: OSError) -> None:
        self._trouble(path, "unreadable", f"The system does not let us read it: {error.strerror}.")

    def _stamp(self) -> str:
        try:
            status = os.stat(self._archive)
        except OSError:
            return ""
        return stamp(status)


def _ignored(path: str, error: OSError) -> None:
    """The next listing tells of it."""


def _by_end(layout: Layout, steps: list[str]) -> dict[str, str] | None:
    if (
        layout.depth
        and len(steps) > layout.depth
        and (fields := layout.of_path("/".join(steps[-layout.depth - 1 :]))) is not None
    ):
        return fields
    return layout.of_name(steps[-1])


@lru_cache(maxsize=1 << 12)
def _lot(below: str) -> bytes:
    return blake2b(os.fsencode(below), digest_size=8).digest()


def _decoded(part: Part) -> Literal["audio", "midi"] | None:
    return part.kind if part.kind in ("audio", "midi") else None


def _out_of(content: Content, length: int, offset: int) -> bytes:
    """Bytes of a member of which the first are at hand."""
    part = content.data[offset : offset + length]
    if len(part) < length and not content.is_whole and offset + length > len(content.data) and not (offset == 0 and part):
        raise OutOfReach
    return part


def _row_path(row: Row, column: str, prefix: str, suffix: str) -> str:
    told = row.get(column)
    if not isinstance(told, str) or not told.strip():
        return ""
    below = f"{prefix}{told.strip()}{suffix}"
    return "" if below.startswith("/") or ".." in below.split("/") or "\0" in below else below


def _number(told: object) -> float | None:
    try:
        number = float(told)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    return number if 0 < number < 1e6 else None


def _read(path: str) -> bytes:
    with os.fdopen(open_for_reading(path), "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise FileNotFoundError(path)
        if status.st_size > _MOST_INDEX:
            detail = f"it has {status.st_size:,} bytes, more than an index"
            raise BadIndex(detail)
        return file.read(_MOST_INDEX)
