"""What audio and MIDI is not worth training on: unreadable, silent, clipped, constant, very short, or there already."""

from __future__ import annotations

import os
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from itertools import groupby
from pathlib import Path
from typing import Literal, cast

from motet.errors import UserError
from motet.files.member import BadArchive
from motet.files.places import location, on_disk, shown
from motet.inventory.scanning.contents import kind_of
from motet.inventory.scanning.inside import inner_path
from motet.inventory.verifying import below
from motet.inventory.verifying.children import Children
from motet.inventory.verifying.examining import RUN, SILENT, Examined, Sample, Song, Sound, decibels
from motet.inventory.verifying.hashing import Hashes, Watch, digests
from motet.inventory.verifying.members import INSIDE, ArchiveOf, Content, contents, opened
from motet.inventory.verifying.shelf import Shelf

What = Literal["unreadable", "truncated", "silent", "constant", "clipped", "not_finite", "very_short", "duplicate", "same_notes"]

SHORTEST = 0.1
"""Seconds below which a recording or song is very short."""
_KEPT_BACK = 4096


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing about one file: a word, a sentence, and its figure in the word's own unit.

    Silent: peak in dBFS (-inf for none). Constant: the level of full scale. Clipped: share of samples from 0 to 1. Not
    finite: samples. Very short: seconds. `same_as` is the first file, by path, of the same content or notes.
    """

    path: str
    what: What
    sentence: str
    figure: float = 0.0
    same_as: str = ""


@dataclass(frozen=True)
class Sanitised:
    """What a look into every audio and MIDI file found. `hours` is the length of what could be decoded."""

    audio: int
    midi: int
    other: int  # files of other kinds, which were not looked into
    bytes: int
    hours: float
    findings: tuple[Finding, ...]  # by path
    counts: Mapping[str, int]  # what -> files
    seconds: float


def sanitise(
    where: str | Iterable[tuple[str, int]],
    *,
    cache: Hashes | None = None,
    watch: Watch | None = None,
    workers: int = 2,
    seconds: float = 60.0,
    shortest: float = SHORTEST,
) -> Sanitised:
    """Decode all audio and MIDI below a folder or archive, or of files (path, size; `archive!/member` too), in blocks.

    `seconds` limits the decoding of each, beside its size. Files at fault are told, never raised. Raises UserError where
    there is nothing of the name, or the folder for temporary files is full.
    """
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="motet-sanitise-") as folder:
        look = _Look(Path(folder), cache, watch, workers, shortest)
        try:
            with Children(workers, seconds) as children:
                files = below.files(where, look.closed) if isinstance(where, str) else where
                for sample, examined in children.examined(look.samples(files), True):
                    if sample.file != sample.path and sample.file:
                        os.unlink(sample.file)
                    look.judge(sample, examined)
            look.compare()
        finally:
            look.seen.close()
    return Sanitised(
        audio=look.kinds["audio"],
        midi=look.kinds["midi"],
        other=look.kinds["other"],
        bytes=look.bytes,
        hours=look.lasting / 3600,
        findings=tuple(sorted(look.findings, key=lambda one: (one.path, one.what))),
        counts=dict(Counter(one.what for one in look.findings)),
        seconds=time.monotonic() - began,
    )


class _Look:
    def __init__(self, folder: Path, cache: Hashes | None, watch: Watch | None, workers: int, shortest: float) -> None:
        self._folder, self._cache, self._watch, self._workers, self._shortest = folder, cache, watch, workers, shortest
        # On disk, so that a million files need no memory of their own.
        self.seen = Shelf(folder / "seen.sqlite", "seen (what TEXT, digest TEXT, path TEXT, content TEXT)")
        self._new: list[tuple[str, str, str, str]] = []
        self.findings: list[Finding] = []
        self.kinds: Counter[str] = Counter()
        self.bytes = 0
        self.lasting = 0.0

    def closed(self, path: str, sentence: str) -> None:
        self._find(path, "unreadable", sentence)

    def samples(self, files: Iterable[tuple[str, int]]) -> Iterator[Sample]:
        for archive, group in groupby(self._wanted(files), key=ArchiveOf()):
            samples = partial(self._members, archive) if archive else self._files
            yield from samples(group)

    def _wanted(self, files: Iterable[tuple[str, int]]) -> Iterator[tuple[str, int]]:
        for path, size in files:
            kind = kind_of(path.rpartition("/")[2])
            if kind not in ("audio", "midi"):
                self.kinds["other"] += 1
                continue
            self.kinds[kind] += 1
            self.bytes += size
            yield path, size

    def _files(self, files: Iterable[tuple[str, int]]) -> Iterator[Sample]:
        for digest in digests(files, cache=self._cache, workers=self._workers, watch=self._watch):
            if digest.fault:
                self._find(digest.path, "unreadable", digest.fault)
            else:
                yield self._sample(digest.path, digest.size, digest.sha256, digest.path)

    def _members(self, archive: str, files: Iterable[tuple[str, int]]) -> Iterator[Sample]:
        asked: dict[str, str] = {}
        for path, _ in files:
            asked[inner_path(path[len(archive) + len(INSIDE) :])] = path
        why = "It is not in the archive."
        try:
            with opened(archive) as (listed, _):
                for content in contents(listed, lambda name, size: size if name in asked else -1, self._folder):
                    path = asked.pop(content.name, "")
                    if self._watch is not None:
                        self._watch(1, content.size)
                    if content.fault:
                        self._find(path, "unreadable", content.fault)
                    elif path:
                        yield self._sample(path, content.size, _digest(content), content.file, content.data)
        except BadArchive as error:
            why = f"Its archive cannot be read further: {error.detail}."
        except OSError as error:
            why = f"The system does not let us read its archive: {error.strerror}."
        for path in asked.values():
            self._find(path, "unreadable", why)

    def _sample(self, path: str, size: int, digest: str, file: str, data: bytes = b"") -> Sample:
        kind = cast(Literal["audio", "midi"], kind_of(path.rpartition("/")[2]))
        return Sample(path, kind, size, file, data, tag=digest)

    def judge(self, sample: Sample, examined: Examined) -> None:
        """What the content of one file says."""
        path = sample.path
        if examined.fault:
            self._find(path, "truncated" if examined.fault == "truncated" else "unreadable", examined.sentence)
        lasting = examined.seconds
        if lasting is None:
            return  # of files that hold no content, many are alike
        self._note("content", sample.tag, path, sample.tag)
        self.lasting += lasting
        if examined.sound and examined.sound.frames:
            self._hear(path, examined.sound)
        if examined.song:
            self._read(path, examined.song, sample.tag)
        if lasting < self._shortest and not examined.fault and not (examined.song and not examined.song.notes):
            self._find(path, "very_short", f"It lasts {lasting:.3f} s.", lasting)

    def _hear(self, path: str, sound: Sound) -> None:
        if sound.not_finite:
            self._find(path, "not_finite", f"{sound.not_finite:,} of its samples are no numbers.", sound.not_finite)
        if sound.peak < SILENT:
            told = f"at most {decibels(sound.peak):.1f} dBFS" if sound.peak else "digital silence"
            self._find(path, "silent", f"Nothing is heard in it: {told}.", decibels(sound.peak))
        elif sound.swing < SILENT:
            level = f"All its samples lie at {sound.peak:.4f} of full scale: a direct current, no sound."
            self._find(path, "constant", level, sound.peak)
        elif sound.clipped:
            share = sound.clipped / (sound.frames * sound.channels)
            runs = f"{sound.runs:,} run{'' if sound.runs == 1 else 's'} of {RUN} or more"
            told = f"{sound.clipped:,} of its samples ({100 * share:.3g} %) lie at full scale, in {runs}."
            self._find(path, "clipped", told, share)

    def _read(self, path: str, song: Song, digest: str) -> None:
        if song.notes:
            self._note("notes", song.digest, path, digest)
        else:
            self._find(path, "silent", "It holds no notes.", decibels(0))

    def _find(self, path: str, what: What, sentence: str, figure: float = 0.0, same_as: str = "") -> None:
        self.findings.append(Finding(path, what, sentence, figure, same_as))

    def _note(self, what: str, digest: str, path: str, content: str) -> None:
        self._new.append((what, digest, location(path), content))
        if len(self._new) >= _KEPT_BACK:
            self._write()

    def _write(self) -> None:
        rows, self._new = self._new, []
        self.seen.write(("INSERT INTO seen VALUES (?, ?, ?, ?)", rows))

    def compare(self) -> None:
        """Files of the same content, and songs of the same notes in other files: each after the first names the first."""
        self._write()
        # Of files of one content only the first stands for its notes.
        alone = "SELECT what, digest, min(path) AS path, content FROM seen WHERE what = 'notes' GROUP BY digest, content"
        for what, table, words in (
            ("duplicate", "(SELECT * FROM seen WHERE what = 'content')", "It has the same content as"),
            ("same_notes", f"({alone})", "It has the same notes as"),
        ):
            sql = (
                f"SELECT path, first FROM (SELECT path, min(path) OVER (PARTITION BY digest) AS first FROM {table})"
                " WHERE path > first"
            )
            for path, first in self.seen.rows(sql):
                same = on_disk(first)
                self._find(on_disk(path), cast(What, what), f"{words} {shown(same)}.", same_as=same)
        if self.seen.problem:
            place = tempfile.gettempdir()
            raise UserError(f"The list of contents cannot be kept in {place}: free its disk, or set TMPDIR.", exit_code=1)


def _digest(content: Content) -> str:
    hasher = sha256(content.data)
    if content.file:
        with open(content.file, "rb") as file:
            while part := file.read(1 << 20):
                hasher.update(part)
    return hasher.hexdigest()
