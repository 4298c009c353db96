"""What an inventory says: every dataset with its state, and the evidence for it. Never "likely"."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from motet.inventory.known import Dataset

State = Literal[
    "complete",  # every required file is there, by published count or index, and none is at fault
    "partial",  # files are missing: which, by part
    "corrupt",  # files are there whose content is not: which
    "pointers",  # files stand for content that never arrived: Git-LFS pointers, web pages, 0 bytes
    "wrong_version",  # another version than the wanted one
    "processed_only",  # only what was made of it; the raw files are not there
    "unverifiable",  # files are there, and nobody published how many there should be
    "excluded",  # left out on purpose: who says so, in the settings
    "missing",  # not on any root
]
Also = Literal["renamed", "elsewhere", "in_archive", "twice", "mixed_versions"]
"""What else is true of a copy: its folder is not called as usual; it is not where the settings expect it; it lies in an
archive; another copy is there too; files of several versions lie together."""

DerivedKind = Literal["processed", "mel_spectrograms", "embeddings", "manifest", "training_log", "checkpoints", "features"]


@dataclass(frozen=True)
class Evidence:
    """Why a state is what it is: a sentence, how many files it speaks of, and the first of them."""

    what: str  # a word: count, missing, renamed_file, truncated, lfs_pointer, version, checksum, index ...
    sentence: str
    number: int = 0
    files: tuple[str, ...] = ()  # paths below the copy's folder; all of them up to 1,000


@dataclass(frozen=True)
class PartFound:
    """What is there of one part."""

    part: str
    present: int  # files without a fault
    expected: int | None
    faulty: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # fault -> paths
    missing: tuple[str, ...] | None = None  # paths, where an index or the layout tells them
    lacking: Mapping[str, tuple[str, ...]] = field(
        default_factory=dict
    )  # field -> values with no file, or too few ("actor": ("02", ...))
    bytes: int = 0


@dataclass(frozen=True)
class Copy:
    """One place where a dataset, or some of it, lies."""

    dataset: str
    where: str  # its folder, or the folder inside an archive
    root: str
    state: State
    also: tuple[Also, ...]
    version: str  # "" where it cannot be told, or versions have no names
    parts: tuple[PartFound, ...]
    evidence: tuple[Evidence, ...]
    files: int
    bytes: int


@dataclass(frozen=True)
class Holding:
    """One dataset of the registry, and what is there of it. The state is that of the best copy."""

    dataset: Dataset
    state: State
    also: tuple[Also, ...]
    copies: tuple[Copy, ...]  # best first
    derived: tuple[Derived, ...]
    evidence: tuple[Evidence, ...]  # beyond that of its copies

    @property
    def best(self) -> Copy | None:
        return self.copies[0] if self.copies else None


@dataclass(frozen=True)
class Derived:
    """Something made of data: spectrograms, embeddings, manifests, logs, processed files."""

    kind: DerivedKind
    where: str
    files: int
    bytes: int
    dataset: str  # what it was made of, "" where nothing tells
    evidence: str
    names: tuple[str, ...] = ()  # of training logs: the models


@dataclass(frozen=True)
class Unknown:
    """A large folder that belongs to no dataset of the registry."""

    where: str
    files: int
    bytes: int
    kinds: Mapping[str, int]  # file kind -> files


@dataclass(frozen=True)
class Absent:
    """A root of the settings that is not attached, and what was last seen there."""

    root: str
    last_seen: str  # ISO date, "" if never
    datasets: tuple[str, ...]
    derived: tuple[Derived, ...] = ()


@dataclass(frozen=True)
class Inventory:
    """What is on these disks."""

    taken_at: str  # ISO, UTC
    roots: tuple[str, ...]
    absent: tuple[Absent, ...]
    holdings: tuple[Holding, ...]  # every dataset of the registry, by name
    derived: tuple[Derived, ...]  # those of no known dataset too
    unknown: tuple[Unknown, ...]  # largest first
    passed: tuple[tuple[str, str, str], ...]  # path, reason, sentence
    files: int
    bytes: int
    seconds: float
