"""Manifests of training data, and the data packed into shards: one list for each split, which share no group."""

from __future__ import annotations

import csv
import json
import tarfile
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from motet.errors import UserError
from motet.export.publishing import sync
from motet.wording import several

SPLITS = ("train", "validation", "test")
GOLDEN = "golden"
FEATURES = ("audio", "mel", "embedding", "notes")

_BLOCK = 512
_END = 2 * _BLOCK  # closes a tar file
_NAMED = 5  # groups named in a remark


@dataclass(frozen=True)
class Sample:
    """One raw file and what was made of it. `files` are paths below the dataset's folder by what they are."""

    id: str
    dataset: str
    part: str
    raw: str  # as the dataset knows it
    sha256: str  # of the raw file
    split: str
    split_by: str  # group | published
    published_split: str
    group: str
    golden: bool
    licence: str
    licence_url: str
    labels: Mapping[str, Any]
    seconds: float | None
    files: Mapping[str, str]

    def record(self) -> dict[str, Any]:
        told = {name: getattr(self, name) for name in _PLAIN}
        return {**told, "labels": dict(self.labels), "files": dict(self.files)}


_PLAIN = (
    "id", "dataset", "part", "raw", "sha256", "split", "split_by", "published_split", "group", "golden", "licence", "licence_url",
    "seconds",
)  # fmt: skip


def write(samples: Callable[[], Iterable[Sample]], folder: Path) -> tuple[list[str], list[str]]:
    """A manifest of each split and of the golden subset, as JSONL and as CSV with the labels as columns.

    Returns the names of the files and remarks. `samples` is called twice and gives the same each time. Nothing is published
    where a group is in two splits that were made by group: raises UserError, as where the folder cannot be written to.
    """
    labels = sorted({name for sample in samples() for name in sample.labels})
    columns = {name: name if name not in _RESERVED else f"label_{name}" for name in labels}
    check = _Check()
    with _published(folder) as pending, ExitStack() as stack:
        lists = {}
        for name in _LISTS:
            jsonl, table = (stack.enter_context(pending.text(f"{name}.{suffix}")) for suffix in ("jsonl", "csv"))
            lists[name] = _List(jsonl, table, columns)
        for sample in samples():
            check.see(sample)
            lists[sample.split].add(sample)
            if sample.golden:
                lists[GOLDEN].add(sample)
    return pending.names, check.remarks()


def shards(
    samples: Callable[[], Iterable[Sample]], read: Callable[[str], bytes], folder: Path, megabytes: int
) -> tuple[list[str], list[str]]:
    """Tar files of each split, at most so many MB each: for a sample its files and a JSON record, under its id.

    Names are as WebDataset reads them: `0123.flac`, `0123.mel.npy`, `0123.json`. Equal samples give equal bytes. `read` gives
    the bytes behind a path of `Sample.files`. Returns and raises as `write`.
    """
    check, large = _Check(), Counter[str]()
    limit = megabytes * 1_000_000
    with _published(folder) as pending, ExitStack() as stack:
        open_shards: dict[str, _Shard] = {}
        for sample in samples():
            check.see(sample)
            members = list(_members(sample, read))
            size = sum(_room(len(data)) for _, data in members)
            shard = open_shards.get(sample.split)
            if shard is None or (shard.size and shard.size + size + _END > limit):
                number = shard.number + 1 if shard else 0
                if shard:
                    shard.close()
                shard = _Shard(pending.binary(f"{sample.split}-{number:06d}.tar"), number)
                stack.callback(shard.close)
                open_shards[sample.split] = shard
            large["larger"] += size + _END > limit
            for name, data in members:
                shard.add(name, data)
    remarks = check.remarks()
    if large["larger"]:
        remarks.append(f"{several(large['larger'], 'sample')} alone larger than {megabytes} MB: a shard of its own for each.")
    return pending.names, remarks


_LISTS = (*SPLITS, GOLDEN)
_RESERVED = frozenset((*_PLAIN, *(f"file_{what}" for what in FEATURES)))


@dataclass
class _Check:
    """That no group, and no content, is in two splits."""

    groups: dict[str, str] = field(default_factory=dict)
    contents: dict[bytes, str] = field(default_factory=dict)
    shared: dict[str, set[str]] = field(default_factory=dict)  # published splits that share a group
    twice: int = 0

    def see(self, sample: Sample) -> None:
        if sample.split not in SPLITS:
            raise UserError(f"{sample.raw} is in no split: build the dataset again.")
        split = self.groups.setdefault(sample.group, sample.split)
        if split != sample.split:
            if sample.split_by != "published":
                raise UserError(f"{sample.group} is in {split} and in {sample.split}: build the dataset again.")
            self.shared.setdefault(sample.group, {split}).add(sample.split)
        content = bytes.fromhex(sample.sha256)[:12]
        self.twice += self.contents.setdefault(content, sample.split) != sample.split

    def remarks(self) -> list[str]:
        said = []
        if self.shared:
            named = [f"{g} ({', '.join(s for s in SPLITS if s in splits)})" for g, splits in sorted(self.shared.items())]
            told = "; ".join(named[:_NAMED]) + (f"; and {len(named) - _NAMED} more" if len(named) > _NAMED else "")
            said.append(
                f"The published split shares {several(len(named), 'group')} between its lists: {told}. "
                "Build with prepare_labels.split=own for lists that share none."
            )
        if self.twice:
            said.append(f"{several(self.twice, 'file')} of the same content as one in another list, under another group.")
        return said


@dataclass(frozen=True)
class _List:
    jsonl: IO[str]
    table: IO[str]
    columns: Mapping[str, str]  # label -> column

    def __post_init__(self) -> None:
        files = [f"file_{what}" for what in FEATURES]
        csv.writer(self.table, lineterminator="\n").writerow([*_PLAIN, *files, *self.columns.values()])

    def add(self, sample: Sample) -> None:
        self.jsonl.write(json.dumps(sample.record(), ensure_ascii=False) + "\n")
        row: Sequence[Any] = [
            *(getattr(sample, name) for name in _PLAIN),
            *(sample.files.get(what, "") for what in FEATURES),
            *(sample.labels.get(name, "") for name in self.columns),
        ]
        csv.writer(self.table, lineterminator="\n").writerow(row)


class _Shard:
    """A tar file that is being written."""

    def __init__(self, file: IO[bytes], number: int) -> None:
        self.number, self.size = number, 0
        self._file = file

    def add(self, name: str, data: bytes) -> None:
        member = tarfile.TarInfo(name)  # of no owner and no time
        member.size = len(data)
        self._file.write(member.tobuf(tarfile.USTAR_FORMAT))
        self._file.write(data + bytes(-len(data) % _BLOCK))
        self.size += _room(len(data))

    def close(self) -> None:
        """Ends it; closing it again does nothing."""
        if not self._file.closed:
            self._file.write(bytes(_END))
            self._file.close()


def _members(sample: Sample, read: Callable[[str], bytes]) -> Iterator[tuple[str, bytes]]:
    for what, path in sorted(sample.files.items()):
        suffix = path.rpartition(".")[2]
        yield f"{sample.id}.{suffix if what == 'audio' else f'{what}.{suffix}'}", read(path)
    yield f"{sample.id}.json", json.dumps(sample.record(), ensure_ascii=False, sort_keys=True).encode()


def _room(size: int) -> int:
    """Bytes a member takes in a tar file."""
    return _BLOCK + -(-size // _BLOCK) * _BLOCK


@dataclass
class _Pending:
    """Files under temporary names."""

    folder: Path
    written: dict[str, Path] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        return sorted(self.written)

    def text(self, name: str) -> IO[str]:
        return self._path(name).open("w", encoding="utf-8", newline="")

    def binary(self, name: str) -> IO[bytes]:
        return self._path(name).open("wb")

    def _path(self, name: str) -> Path:
        self.written[name] = self.folder / f".{uuid.uuid4().hex}.tmp"
        return self.written[name]


@contextmanager
def _published(folder: Path) -> Iterator[_Pending]:
    """All files get their names at the end, or none does. Raises UserError where the folder cannot be written to."""
    pending = _Pending(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield pending
        for path in pending.written.values():
            sync(path)
        for name, path in pending.written.items():
            path.replace(folder / name)
        sync(folder)
    except OSError as error:
        said = error.strerror or error
        raise UserError(f"cannot write to {folder} ({said}): name a folder with room that you may write to.", 1) from error
    finally:
        for path in pending.written.values():
            path.unlink(missing_ok=True)
